/* SPDX-License-Identifier: Apache-2.0 */
/* Making a kubeconfig self-contained. */
#include "orchestrator/cli/kubeconfig_inline.h"

#include <libgen.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/yaml.h"

enum { KUBECONFIG_MAX = 1024 * 1024, DATA_MAX = 1024 * 1024 };

/* The member named `name` of a list like clusters, users, contexts; its `inner` object. */
static json_t *named(const json_t *config, const char *list, const char *name, const char *inner)
{
    size_t i;
    json_t *item;
    json_array_foreach(cf_json_at(config, list, NULL), i, item)
    {
        if (name && strcmp(cf_json_str(item, "", "name", NULL), name) == 0)
            return json_object_get(item, inner);
    }
    return NULL;
}

static const char *choose_context(const json_t *config, const char *wanted)
{
    const json_t *contexts = cf_json_at(config, "contexts", NULL);
    const char *current = cf_json_str(config, "", "current-context", NULL);
    if (wanted)
        return wanted;
    if (*current)
        return current;
    return json_array_size(contexts) == 1
               ? cf_json_str(json_array_get(contexts, 0), NULL, "name", NULL)
               : NULL;
}

static bool no_context(const json_t *config, const char *path, const char *name,
                       struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf names = CF_BUF_INIT(600);
    size_t i;
    json_t *item;
    json_array_foreach(cf_json_at(config, "contexts", NULL), i, item)
    {
        cf_buf_printf(&names, "%s%s", i ? ", " : "", cf_json_str(item, "", "name", NULL));
    }
    return name ? cf_error_set(err, CF_ERR_NOT_FOUND, "%s: no context \"%.80s\"; there are: %s",
                               path, name, cf_buf_str(&names))
                : cf_error_set(err, CF_ERR_INVALID,
                               "%s: no current-context; choose one with --kube-context: %s", path,
                               cf_buf_str(&names));
}

/* Member `file_key` (a path, relative to the kubeconfig's folder) becomes `data_key`: base64, or
 * the text itself. */
static bool inline_file(json_t *object, const char *file_key, const char *data_key, bool base64,
                        const char *folder, struct cf_error *err)
{
    const char *file = cf_json_str(object, NULL, file_key, NULL);
    if (!file)
        return true;
    cf_autofree char *path =
        file[0] == '/' ? cf_xstrdup(file) : cf_xasprintf("%s/%s", folder, file);
    size_t len;
    char *data = cf_file_read(path, DATA_MAX, &len, err);
    if (!data)
        return cf_error_wrap(err, "%s", file_key);
    size_t n = base64 ? len : strcspn(data, " \t\r\n");
    char *text = base64 ? cf_base64_encode(data, n) : cf_xstrndup(data, n);
    json_object_set_new(object, data_key, json_string(text));
    json_object_del(object, file_key);
    cf_zero(data, len);
    cf_zero(text, strlen(text));
    free(data);
    free(text);
    return true;
}

static bool inline_user(json_t *user, const char *path, const char *folder, struct cf_error *err)
{
    static const char *const refused[] = { "exec", "auth-provider" };
    for (size_t i = 0; i < CF_ARRAY_LEN(refused); i++)
        if (cf_json_at(user, refused[i], NULL))
            return cf_error_set(err, CF_ERR_INVALID,
                                "%s: the user's credentials come from a program (%s), which would "
                                "have to run on the service's "
                                "host. Use a service account's token: kubectl create token NAME "
                                "--duration 8760h, or a client "
                                "certificate; crossfade cluster rbac prints the rights it needs",
                                path, refused[i]);
    return inline_file(user, "client-certificate", "client-certificate-data", true, folder, err) &&
           inline_file(user, "client-key", "client-key-data", true, folder, err) &&
           inline_file(user, "tokenFile", "token", false, folder, err);
}

static json_t *assemble(const json_t *cluster, const json_t *user, const json_t *context)
{
    const char *ns = cf_json_str(context, NULL, "namespace", NULL);
    json_t *inner = json_pack("{s:s, s:s}", "cluster", "cluster", "user", "user");
    if (ns)
        json_object_set_new(inner, "namespace", json_string(ns));
    return json_pack("{s:s, s:s, s:s, s:[{s:s, s:O}], s:[{s:s, s:O}], s:[{s:s, s:o}]}",
                     "apiVersion", "v1", "kind", "Config", "current-context", "context", "clusters",
                     "name", "cluster", "cluster", cluster, "users", "name", "user", "user", user,
                     "contexts", "name", "context", "context", inner);
}

static json_t *read_config(const char *path, struct cf_error *err)
{
    size_t len;
    cf_autofree char *text = cf_file_read(path, KUBECONFIG_MAX, &len, err);
    if (!text)
        return NULL;
    json_t *config = cf_yaml_parse(text, len, KUBECONFIG_MAX, NULL, err);
    cf_zero(text, len);
    if (!config)
        cf_error_wrap(err, "%s", path);
    return config;
}

static bool is_same_server(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    n -= n > 0 && a[n - 1] == '/';
    m -= m > 0 && b[m - 1] == '/';
    return n > 0 && n == m && strncmp(a, b, n) == 0;
}

char *cf_kubeconfig_context_for(const char *path, const char *server, struct cf_error *err)
{
    cf_autojson json_t *config = read_config(path, err);
    if (!config)
        return NULL;
    size_t i;
    json_t *item;
    json_array_foreach(cf_json_at(config, "contexts", NULL), i, item)
    {
        const json_t *cluster = named(
            config, "clusters", cf_json_str(item, NULL, "context", "cluster", NULL), "cluster");
        if (is_same_server(cf_json_str(cluster, "", "server", NULL), server))
            return cf_xstrdup(cf_json_str(item, "", "name", NULL));
    }
    return cf_xstrdup("");
}

json_t *cf_kubeconfig_inline(const char *path, const char *wanted, bool insecure,
                             struct cf_error *err)
{
    cf_autojson json_t *config = read_config(path, err);
    if (!config)
        return NULL;
    cf_autofree char *folder_buf = cf_xstrdup(path);
    const char *folder = dirname(folder_buf);
    const char *name = choose_context(config, wanted);
    const json_t *context = named(config, "contexts", name, "context");
    if (!context) {
        no_context(config, path, name, err);
        return NULL;
    }
    json_t *cluster =
        named(config, "clusters", cf_json_str(context, NULL, "cluster", NULL), "cluster");
    json_t *user = named(config, "users", cf_json_str(context, NULL, "user", NULL), "user");
    cf_autojson json_t *nobody = json_object();
    if (!cluster) {
        cf_error_set(err, CF_ERR_INVALID, "%s: context \"%.80s\" names a cluster that is not there",
                     path, name);
        return NULL;
    }
    user = user ? user : nobody;
    if (!inline_file(cluster, "certificate-authority", "certificate-authority-data", true, folder,
                     err) ||
        !inline_user(user, path, folder, err))
        return NULL;
    if (insecure) {
        json_object_del(cluster, "certificate-authority-data");
        json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
    }
    return assemble(cluster, user, context);
}
