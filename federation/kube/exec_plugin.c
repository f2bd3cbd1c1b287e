/* SPDX-License-Identifier: Apache-2.0 */
/* Credential plugins (client.authentication.k8s.io): what they are told, what they answer. */
#include "federation/kube/exec_plugin.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"

void kube_exec_result_free(struct kube_exec_result *r)
{
    kube_zero_free(r->token);
    kube_zero_free(r->key_pem);
    free(r->cert_pem);
    *r = (struct kube_exec_result){ 0 };
}

static char *copy_member(const json_t *status, const char *name)
{
    const char *s = cf_json_str(status, "", name, NULL);
    return s[0] ? cf_xstrdup(s) : NULL;
}

bool kube_exec_parse(const char *text, size_t len, const char *api_version,
                     struct kube_exec_result *out, struct cf_error *err)
{
    cf_autojson json_t *root = cf_json_parse(text, len, KUBE_EXEC_OUTPUT_MAX, err);
    if (!root)
        return cf_error_wrap(err, "the plugin's answer");
    if (strcmp(cf_json_str(root, "", "kind", NULL), "ExecCredential") != 0 ||
        strcmp(cf_json_str(root, "", "apiVersion", NULL), api_version) != 0)
        return cf_error_set(err, CF_ERR_INVALID,
                            "the plugin's answer is not an ExecCredential of %s", api_version);
    const json_t *status = json_object_get(root, "status");
    const char *expires = cf_json_str(status, NULL, "expirationTimestamp", NULL);
    struct kube_exec_result r = { 0 };
    if (expires && !cf_time_parse(expires, &r.expires_wall_ms))
        return cf_error_set(err, CF_ERR_INVALID,
                            "the plugin's expirationTimestamp is not RFC 3339");
    r.token = copy_member(status, "token");
    r.cert_pem = copy_member(status, "clientCertificateData");
    r.key_pem = copy_member(status, "clientKeyData");
    bool is_paired = !r.cert_pem == !r.key_pem;
    if (is_paired && (r.token || r.cert_pem)) {
        *out = r;
        return true;
    }
    kube_exec_result_free(&r);
    return cf_error_set(err, CF_ERR_INVALID,
                        "the plugin gave neither a token nor a certificate with its key");
}

/* The variable KUBERNETES_EXEC_INFO. */
static char *exec_info(const struct cf_kube_credentials *c)
{
    cf_autojson json_t *info = json_object();
    json_object_set_new(info, "kind", json_string("ExecCredential"));
    json_object_set_new(info, "apiVersion", json_string(c->exec.api_version));
    cf_json_put_take(info, json_false(), "spec", "interactive", NULL);
    if (c->exec.provide_cluster_info) {
        cf_json_put_take(info, json_string(c->server), "spec", "cluster", "server", NULL);
        if (c->tls_server_name)
            cf_json_put_take(info, json_string(c->tls_server_name), "spec", "cluster",
                             "tls-server-name", NULL);
        if (c->insecure)
            cf_json_put_take(info, json_true(), "spec", "cluster", "insecure-skip-tls-verify",
                             NULL);
        if (c->ca_pem) {
            cf_autofree char *ca = cf_base64_encode(c->ca_pem, strlen(c->ca_pem));
            cf_json_put_take(info, json_string(ca), "spec", "cluster", "certificate-authority-data",
                             NULL);
        }
    }
    cf_autofree char *text = cf_json_dump(info);
    return cf_xasprintf("KUBERNETES_EXEC_INFO=%s", text);
}

/* Our environment, the plugin's own variables, the info: later ones win by taking the earlier one's
 * place. */
static void set_variable(char **list, size_t *n, char *assignment)
{
    size_t name_len = strcspn(assignment, "=") + 1;
    for (size_t i = 0; i < *n; i++) {
        if (strncmp(list[i], assignment, name_len) == 0) {
            list[i] = assignment;
            return;
        }
    }
    list[(*n)++] = assignment;
}

bool kube_exec_run(const struct cf_kube_credentials *c, int64_t deadline_ms,
                   struct kube_exec_result *out, struct cf_error *err)
{
    const struct kube_exec *e = &c->exec;
    char *argv[KUBE_EXEC_ARGS_MAX + 2] = { e->command };
    for (size_t i = 0; e->args[i]; i++)
        argv[i + 1] = e->args[i];
    size_t inherited = 0, n = 0;
    while (environ[inherited])
        inherited++;
    cf_autofree char *info = exec_info(c);
    cf_autofree char **environment =
        cf_xcalloc(inherited + KUBE_EXEC_ENV_MAX + 2, sizeof *environment);
    for (size_t i = 0; i < inherited; i++)
        environment[n++] = environ[i];
    for (size_t i = 0; e->env[i]; i++)
        set_variable(environment, &n, e->env[i]);
    set_variable(environment, &n, info);

    struct cf_buf text = CF_BUF_INIT(KUBE_EXEC_OUTPUT_MAX);
    bool ok = kube_run(argv, environment, deadline_ms, &text, err) &&
              kube_exec_parse(cf_buf_str(&text), text.len, e->api_version, out, err);
    kube_zero_free(cf_buf_take(&text));
    if (!ok && err->kind == CF_ERR_NOT_FOUND && e->install_hint)
        cf_error_wrap(err, "%s", e->install_hint);
    return ok || cf_error_wrap(err, "credential plugin");
}
