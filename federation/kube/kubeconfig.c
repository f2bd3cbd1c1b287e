/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfig text to credentials: one context, its cluster and its user, each field checked where
 * it stands. */
#include "federation/kube/kubeconfig.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/transport.h"
#include "base/yaml.h"
#include "federation/kube/credentials.h"

/* One mapping of the document (a cluster, a user) and where it stands. */
struct section {
    const json_t *at;
    char pointer[CF_JSON_POINTER_MAX];
};

struct reading {
    const struct cf_kubeconfig_options *options;
    const json_t *root;
    struct cf_kube_credentials *c;
    struct cf_error *err;
};

static bool refuse(struct reading *r, const struct section *s, const char *field, const char *fmt,
                   ...) CF_PRINTF(4, 5);

static bool refuse(struct reading *r, const struct section *s, const char *field, const char *fmt,
                   ...)
{
    char pointer[CF_JSON_POINTER_MAX];
    va_list ap;
    va_start(ap, fmt);
    cf_error_setv(r->err, CF_ERR_INVALID, fmt, ap);
    va_end(ap);
    snprintf(pointer, sizeof pointer, "%s", s->pointer);
    if (field)
        cf_json_pointer_push(pointer, field);
    cf_error_field(r->err, pointer);
    return cf_error_wrap(r->err, "kubeconfig %s", pointer);
}

/* A string member; NULL when it is absent or empty. False (refused) when it is something else. */
static bool text(struct reading *r, const struct section *s, const char *field, const char **out)
{
    const json_t *value = json_object_get(s->at, field);
    *out = NULL;
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return refuse(r, s, field, "must be text");
    if (json_string_length(value) > 0)
        *out = json_string_value(value);
    return true;
}

static bool is_server_file(const struct reading *r)
{
    return r->options->trust == CF_KUBECONFIG_SERVER;
}

/* --- finding --- */

/* "a, b, c": what there is, for the message. */
static void list_names(const json_t *list, struct cf_buf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        cf_buf_printf(out, "%s%s", i ? ", " : "",
                      cf_json_str(json_array_get(list, i), "?", "name", NULL));
}

/* The member `what` of the entry with this name in the list at the root. */
static bool find(struct reading *r, const char *list_name, const char *what, const char *name,
                 struct section *out)
{
    const json_t *list = json_object_get(r->root, list_name);
    out->pointer[0] = '\0';
    cf_json_pointer_push(out->pointer, list_name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        if (strcmp(cf_json_str(entry, "", "name", NULL), name) != 0)
            continue;
        cf_json_pointer_push_index(out->pointer, i);
        cf_json_pointer_push(out->pointer, what);
        out->at = json_object_get(entry, what);
        if (!json_is_object(out->at))
            return refuse(r, out, NULL, "must be a mapping");
        return true;
    }
    CF_CLEANUP(cf_buf_free) struct cf_buf names = CF_BUF_INIT(512);
    list_names(list, &names);
    cf_error_set(r->err, CF_ERR_NOT_FOUND, "the kubeconfig has no %s \"%s\"; it has: %s", what,
                 name, names.len ? cf_buf_str(&names) : "none");
    return cf_error_field(r->err, out->pointer);
}

static bool choose_context(struct reading *r, const char **out)
{
    struct section root = { .at = r->root, .pointer = "" };
    const json_t *contexts = json_object_get(r->root, "contexts");
    const char *current;
    if (!text(r, &root, "current-context", &current))
        return false;
    if (r->options->context && r->options->context[0])
        *out = r->options->context;
    else if (current)
        *out = current;
    else if (json_array_size(contexts) == 1)
        *out = cf_json_str(json_array_get(contexts, 0), "", "name", NULL);
    else {
        CF_CLEANUP(cf_buf_free) struct cf_buf names = CF_BUF_INIT(512);
        list_names(contexts, &names);
        return refuse(r, &root, "current-context", "is not set: name one of the contexts: %s",
                      names.len ? cf_buf_str(&names) : "none");
    }
    return true;
}

/* --- data and files --- */

static char *full_path(const struct reading *r, const char *path)
{
    if (path[0] == '/' || !r->options->base_dir || !r->options->base_dir[0])
        return cf_xstrdup(path);
    return cf_xasprintf("%s/%s", r->options->base_dir, path);
}

/* PEM from `field`-data (base64), else from the file that `field` names, where that is allowed.
 * Absent: *out NULL. */
static bool pem(struct reading *r, const struct section *s, const char *field, char **out)
{
    char data_field[64];
    snprintf(data_field, sizeof data_field, "%s-data", field);
    const char *data, *path;
    if (!text(r, s, data_field, &data) || !text(r, s, field, &path))
        return false;
    struct cf_error problem = CF_ERROR_INIT;
    if (data) {
        unsigned char *bytes = NULL;
        size_t len = 0;
        if (!cf_base64_decode(data, strlen(data), &bytes, &len, &problem))
            return refuse(r, s, data_field, "%s", problem.message);
        *out = (char *)bytes;
        return strlen(*out) == len || refuse(r, s, data_field, "has a NUL byte: not PEM");
    }
    if (!path)
        return true;
    if (!is_server_file(r))
        return refuse(
            r, s, field,
            "a file path is not accepted here: give the content as %s (kubectl config view --raw "
            "--flatten --minify writes it so)",
            data_field);
    cf_autofree char *full = full_path(r, path);
    *out = cf_file_read(full, CF_KUBE_FILE_MAX, NULL, &problem);
    return *out || refuse(r, s, field, "%s", problem.message);
}

/* --- cluster --- */

static bool read_cluster(struct reading *r, const struct section *s)
{
    const char *server, *name, *proxy;
    struct cf_kube_credentials *c = r->c;
    bool insecure = cf_json_bool(s->at, false, "insecure-skip-tls-verify", NULL);
    if (!text(r, s, "server", &server) || !text(r, s, "tls-server-name", &name) ||
        !text(r, s, "proxy-url", &proxy))
        return false;
    struct cf_error problem = CF_ERROR_INIT;
    if (!kube_check_server(server, r->options->allow_insecure, &problem))
        return refuse(r, s, "server", "%s", problem.message);
    if (insecure && !r->options->allow_insecure)
        return refuse(
            r, s, "insecure-skip-tls-verify",
            "is refused: whoever stands in between could read and change everything. Give "
            "certificate-authority-data, or register the cluster as insecure in so many words");
    if (!pem(r, s, "certificate-authority", &c->ca_pem))
        return false;
    if (insecure && c->ca_pem)
        return refuse(r, s, "insecure-skip-tls-verify",
                      "contradicts the certificate authority beside it");
    c->server = cf_xstrdup(server);
    c->tls_server_name = cf_xstrdup(name);
    c->proxy_url = cf_xstrdup(proxy);
    c->insecure = insecure;
    return true;
}

/* --- user --- */

static bool read_exec_list(struct reading *r, const struct section *s, const json_t *list,
                           const char *field, char **out, size_t max, bool is_env)
{
    if (json_array_size(list) > max)
        return refuse(r, s, field, "has more than %zu entries", max);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = cf_json_str(item, NULL, "name", NULL);
        const char *value =
            is_env ? cf_json_str(item, NULL, "value", NULL) : json_string_value(item);
        if (!value || (is_env && (!name || !name[0] || strchr(name, '='))))
            return refuse(r, s, field,
                          is_env ? "has an entry without name or value"
                                 : "has an entry that is not text");
        out[i] = is_env ? cf_xasprintf("%s=%s", name, value) : cf_xstrdup(value);
    }
    return true;
}

static bool read_exec(struct reading *r, const struct section *user)
{
    struct section s = *user;
    s.at = json_object_get(user->at, "exec");
    if (!s.at || json_is_null(s.at))
        return true;
    if (!is_server_file(r))
        return refuse(
            r, user, "exec",
            "programs are not run for a cluster that is registered here: give a token or a "
            "client certificate, or put the kubeconfig into the service's clusters.folder and "
            "register it with --server-side");
    cf_json_pointer_push(s.pointer, "exec");
    const char *command, *api_version, *mode, *hint;
    if (!text(r, &s, "command", &command) || !text(r, &s, "apiVersion", &api_version) ||
        !text(r, &s, "interactiveMode", &mode) || !text(r, &s, "installHint", &hint))
        return false;
    if (!command)
        return refuse(r, &s, "command", "is missing");
    if (!api_version || (strcmp(api_version, "client.authentication.k8s.io/v1") != 0 &&
                         strcmp(api_version, "client.authentication.k8s.io/v1beta1") != 0))
        return refuse(r, &s, "apiVersion", "must be client.authentication.k8s.io/v1 or v1beta1");
    if (mode && strcmp(mode, "Always") == 0)
        return refuse(r, &s, "interactiveMode",
                      "Always cannot work in a service: nobody is there to answer");
    struct kube_exec *e = &r->c->exec;
    bool is_relative = strchr(command, '/') && command[0] != '/';
    e->command = is_relative ? full_path(r, command) : cf_xstrdup(command);
    e->api_version = cf_xstrdup(api_version);
    e->install_hint = cf_xstrdup(hint);
    e->provide_cluster_info = cf_json_bool(s.at, false, "provideClusterInfo", NULL);
    return read_exec_list(r, &s, json_object_get(s.at, "args"), "args", e->args, KUBE_EXEC_ARGS_MAX,
                          false) &&
           read_exec_list(r, &s, json_object_get(s.at, "env"), "env", e->env, KUBE_EXEC_ENV_MAX,
                          true);
}

static bool read_token(struct reading *r, const struct section *s)
{
    const char *token, *file, *user, *password;
    if (!text(r, s, "token", &token) || !text(r, s, "tokenFile", &file) ||
        !text(r, s, "username", &user) || !text(r, s, "password", &password))
        return false;
    struct cf_error problem = CF_ERROR_INIT;
    if (file && !is_server_file(r))
        return refuse(r, s, "tokenFile",
                      "a file path is not accepted here: give the token itself as `token`");
    if (file) {
        r->c->token_file = full_path(r, file); /* the file wins: it is kept fresh */
    } else if (token) {
        r->c->authorization = kube_bearer(token, &problem);
        if (!r->c->authorization)
            return refuse(r, s, "token", "%s", problem.message);
    } else if (user) {
        cf_autofree char *pair = cf_xasprintf("%s:%s", user, password ? password : "");
        cf_autofree char *encoded = cf_base64_encode(pair, strlen(pair));
        r->c->authorization = cf_xasprintf("Basic %s", encoded);
    }
    return true;
}

static bool add_impersonation(struct reading *r, const struct section *s, const char *field,
                              const char *header, const char *value, size_t *n)
{
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return refuse(r, s, field, "has control characters");
    }
    r->c->impersonate[(*n)++] = cf_xasprintf("%s: %s", header, value);
    return true;
}

static bool read_impersonation(struct reading *r, const struct section *s)
{
    const char *user, *uid;
    size_t n = 0;
    const json_t *groups = json_object_get(s->at, "as-groups");
    if (!text(r, s, "as", &user) || !text(r, s, "as-uid", &uid))
        return false;
    if (json_object_size(json_object_get(s->at, "as-user-extra")) > 0)
        return refuse(r, s, "as-user-extra", "is not supported yet");
    if (!user && (uid || json_array_size(groups) > 0))
        return refuse(r, s, "as", "is missing beside as-uid or as-groups");
    if (json_array_size(groups) > KUBE_IMPERSONATE_GROUPS_MAX)
        return refuse(r, s, "as-groups", "has more than %d entries", KUBE_IMPERSONATE_GROUPS_MAX);
    if (user && !add_impersonation(r, s, "as", "Impersonate-User", user, &n))
        return false;
    if (uid && !add_impersonation(r, s, "as-uid", "Impersonate-Uid", uid, &n))
        return false;
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const char *group = json_string_value(json_array_get(groups, i));
        if (!group)
            return refuse(r, s, "as-groups", "has an entry that is not text");
        if (!add_impersonation(r, s, "as-groups", "Impersonate-Group", group, &n))
            return false;
    }
    return true;
}

static bool read_user(struct reading *r, const struct section *s)
{
    struct cf_kube_credentials *c = r->c;
    if (json_is_object(json_object_get(s->at, "auth-provider")))
        return refuse(r, s, "auth-provider",
                      "was removed from Kubernetes: use exec, a token or a client certificate");
    if (!pem(r, s, "client-certificate", &c->cert_pem) || !pem(r, s, "client-key", &c->key_pem))
        return false;
    if (!c->cert_pem != !c->key_pem)
        return refuse(r, s, c->cert_pem ? "client-key-data" : "client-certificate-data",
                      "is missing: a client certificate and its key go together");
    if (!read_token(r, s) || !read_exec(r, s) || !read_impersonation(r, s))
        return false;
    if (c->exec.command && (c->authorization || c->token_file))
        return refuse(r, s, "exec", "contradicts the token or password beside it");
    return true;
}

/* --- the whole --- */

/* The material must be usable: OpenSSL's word on it now, not at the first call. */
static bool check_material(struct reading *r, const struct section *cluster)
{
    const struct cf_kube_credentials *c = r->c;
    struct cf_endpoint_options o = { .base_url = c->server,
                                     .ca_pem = c->ca_pem,
                                     .cert_pem = c->cert_pem,
                                     .key_pem = c->key_pem,
                                     .tls_server_name = c->tls_server_name,
                                     .proxy_url = c->proxy_url };
    struct cf_error problem = CF_ERROR_INIT;
    struct cf_endpoint *e = cf_endpoint_new(&o, &problem);
    cf_endpoint_unref(e);
    return e || refuse(r, cluster, NULL, "%s", problem.message);
}

static bool read_all(struct reading *r)
{
    struct section context, cluster, user;
    const char *name = NULL, *cluster_name, *user_name, *ns;
    if (!choose_context(r, &name) || !find(r, "contexts", "context", name, &context) ||
        !text(r, &context, "cluster", &cluster_name) || !text(r, &context, "user", &user_name) ||
        !text(r, &context, "namespace", &ns))
        return false;
    if (!cluster_name)
        return refuse(r, &context, "cluster", "is missing");
    r->c->context = cf_xstrdup(name);
    r->c->ns = cf_xstrdup(ns);
    if (!find(r, "clusters", "cluster", cluster_name, &cluster) || !read_cluster(r, &cluster))
        return false;
    if (user_name && (!find(r, "users", "user", user_name, &user) || !read_user(r, &user)))
        return false;
    return check_material(r, &cluster);
}

struct cf_kube_credentials *cf_kubeconfig_parse(const char *config, size_t len,
                                                const struct cf_kubeconfig_options *options,
                                                struct cf_error *err)
{
    static const struct cf_kubeconfig_options usual = { .trust = CF_KUBECONFIG_INLINE };
    cf_autojson json_t *root = cf_yaml_parse(config, len, CF_KUBECONFIG_TEXT_MAX, NULL, err);
    if (!root) {
        cf_error_wrap(err, "kubeconfig");
        return NULL;
    }
    struct reading r = { .options = options ? options : &usual, .root = root, .err = err };
    const char *kind = cf_json_str(root, "Config", "kind", NULL);
    if (!json_is_object(root) || strcmp(kind, "Config") != 0) {
        cf_error_set(err, CF_ERR_INVALID, "this is not a kubeconfig: its kind is not Config");
        return NULL;
    }
    r.c = kube_credentials_new();
    if (read_all(&r))
        return r.c;
    cf_kube_credentials_unref(r.c);
    return NULL;
}

struct cf_kube_credentials *cf_kubeconfig_load(const char *path,
                                               const struct cf_kubeconfig_options *options,
                                               struct cf_error *err)
{
    size_t len = 0;
    cf_autofree char *config = cf_file_read(path, CF_KUBECONFIG_TEXT_MAX, &len, err);
    if (!config)
        return NULL;
    cf_autofree char *folder = cf_xstrdup(path);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    struct cf_kubeconfig_options o = options ? *options : (struct cf_kubeconfig_options){ 0 };
    o.trust = CF_KUBECONFIG_SERVER;
    o.base_dir = slash ? (folder[0] ? folder : "/") : NULL;
    struct cf_kube_credentials *c = cf_kubeconfig_parse(config, len, &o, err);
    if (!c)
        cf_error_wrap(err, "%s", path);
    return c;
}
