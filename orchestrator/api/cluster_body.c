/* SPDX-License-Identifier: Apache-2.0 */
/* ClusterNew → record and sealed text. */
#include "orchestrator/api/cluster_body.h"

#include <string.h>

#include "base/url.h"
#include "federation/kube/kubeconfig.h"
#include "orchestrator/api/body.h"
#include "orchestrator/engine/clusters.h"

void cf_cluster_body_free(struct cf_cluster_body *b)
{
    json_decref(b->doc);
    cf_secret_free(b->credentials);
    *b = (struct cf_cluster_body){ 0 };
}

/* ---- metrics ---- */

static bool check_url(struct cf_http_request *req, struct cf_http_response *res,
                      const char *pointer, const char *url)
{
    struct cf_error err = CF_ERROR_INIT;
    if (cf_url_check(url, false, &err))
        return true;
    cf_body_refuse(req, res, pointer, "such as http://prometheus.monitoring:9090", "%s",
                   err.message);
    return false;
}

static bool check_urls(struct cf_http_request *req, struct cf_http_response *res, const json_t *row)
{
    size_t i;
    json_t *one;
    const char *url = cf_json_str(row, NULL, "url", NULL);
    json_t *urls = json_object_get(row, "urls");
    if ((url != NULL) == (urls != NULL) || (urls && json_array_size(urls) == 0)) {
        cf_body_refuse(req, res, "/metrics/0", NULL, "A source has either url or urls");
        return false;
    }
    if (urls && json_array_size(urls) > CF_CLUSTER_URLS_MAX) {
        cf_body_refuse(req, res, "/metrics/0/urls", "put a Prometheus in front of them",
                       "At most %d gateways are read directly", CF_CLUSTER_URLS_MAX);
        return false;
    }
    if (urls && strcmp(cf_json_str(row, "", "type", NULL), "scrape") != 0) {
        cf_body_refuse(req, res, "/metrics/0/urls", NULL, "A Prometheus has one url");
        return false;
    }
    json_array_foreach(urls, i, one)
    {
        char pointer[CF_JSON_POINTER_MAX] = "/metrics/0/urls";
        (void)cf_json_pointer_push_index(pointer, i);
        if (!check_url(req, res, pointer, json_string_value(one)))
            return false;
    }
    return !url || check_url(req, res, "/metrics/0/url", url);
}

/* What may be read again, into the record; what may not, into `secrets`. */
static void split_source(const json_t *row, json_t *doc, json_t *secrets)
{
    static const char *const kept[] = { "type", "url", "urls" };
    const char *bearer = cf_json_str(row, NULL, "bearerToken", NULL);
    const char *ca = cf_json_str(row, NULL, "ca", NULL);
    json_t *shown = json_object();
    for (size_t i = 0; i < CF_ARRAY_LEN(kept); i++)
        if (json_object_get(row, kept[i]))
            json_object_set(shown, kept[i], json_object_get(row, kept[i]));
    json_object_set_new(shown, "preset", json_string(cf_json_str(row, "auto", "preset", NULL)));
    json_object_set_new(shown, "insecure",
                        json_boolean(cf_json_bool(row, false, "insecureSkipTlsVerify", NULL)));
    json_object_set_new(doc, "metrics", json_pack("[o]", shown));
    if (bearer)
        json_object_set_new(secrets, "metrics", json_pack("{s:s}", "bearer", bearer));
    else if (json_object_get(row, "basic"))
        json_object_set_new(secrets, "metrics",
                            json_pack("{s:s,s:s}", "username",
                                      cf_json_str(row, "", "basic", "user", NULL), "password",
                                      cf_json_str(row, "", "basic", "password", NULL)));
    if (ca)
        json_object_set_new(secrets, "metricsCa", json_string(ca));
}

static bool take_metrics(struct cf_http_request *req, struct cf_http_response *res,
                         const json_t *metrics, json_t *doc, json_t *secrets)
{
    const json_t *row = json_array_get(metrics, 0);
    if (json_array_size(metrics) > 1) {
        cf_body_refuse(req, res, "/metrics/1", "let one Prometheus read them all",
                       "A cluster has one source of metrics");
        return false;
    }
    (void)json_object_del(doc, "metrics");
    (void)json_object_del(secrets, "metrics");
    (void)json_object_del(secrets, "metricsCa");
    if (!row)
        return true;
    if (!check_urls(req, res, row))
        return false;
    if (json_object_get(row, "bearerToken") && json_object_get(row, "basic")) {
        cf_body_refuse(req, res, "/metrics/0/basic", NULL,
                       "A source takes a bearer token or a password, not both");
        return false;
    }
    split_source(row, doc, secrets);
    return true;
}

/* ---- kubeconfig ---- */

static void take_kubeconfig(const json_t *body, json_t *doc, json_t *secrets)
{
    const json_t *given = json_object_get(body, "kubeconfig");
    const char *context = cf_json_str(body, NULL, "context", NULL);
    if (json_is_object(given)) {
        cf_autofree char *text = cf_json_dump(given);
        json_object_set_new(secrets, "kubeconfig", json_string(text));
    } else if (given) {
        json_object_set(secrets, "kubeconfig", cf_json_unconst(given));
    }
    if (given)
        (void)json_object_del(doc, "context");
    if (context)
        json_object_set_new(doc, "context", json_string(context));
    if (json_object_get(body, "insecureSkipTlsVerify"))
        json_object_set(doc, "insecure", json_object_get(body, "insecureSkipTlsVerify"));
}

/* Who we are there is either in the body or in the server's configuration. False: answered. */
static bool take_server_side(struct cf_http_request *req, struct cf_http_response *res,
                             const json_t *body, json_t *doc, json_t *secrets)
{
    const json_t *wanted = json_object_get(body, "serverSide"),
                 *given = json_object_get(body, "kubeconfig");
    if (json_is_true(wanted) && given) {
        cf_body_refuse(req, res, "/serverSide", "leave one of them out",
                       "A cluster is known by a kubeconfig or by the service's configuration, "
                       "not both");
        return false;
    }
    if (wanted || given)
        json_object_set_new(doc, "serverSide", json_boolean(json_is_true(wanted)));
    if (cf_json_bool(doc, false, "serverSide", NULL))
        (void)json_object_del(secrets, "kubeconfig");
    return true;
}

/* The same rules as the engine's: inline data only. */
static bool check_kubeconfig(struct cf_http_request *req, struct cf_http_response *res,
                             const json_t *doc, const json_t *secrets)
{
    struct cf_error err = CF_ERROR_INIT;
    if (cf_json_bool(doc, false, "serverSide", NULL))
        return true;
    if (!json_object_get(secrets, "kubeconfig")) {
        cf_body_refuse(req, res, "/kubeconfig",
                       "the kubeconfig's text, with inline data; or serverSide: true",
                       "kubeconfig is missing");
        return false;
    }
    const char *text = cf_json_str(secrets, "", "kubeconfig", NULL);
    struct cf_kubeconfig_options options = {
        .trust = CF_KUBECONFIG_INLINE,
        .context = cf_json_str(doc, NULL, "context", NULL),
        .allow_insecure = cf_json_bool(doc, false, "insecure", NULL),
    };
    struct cf_kube_credentials *c = cf_kubeconfig_parse(text, strlen(text), &options, &err);
    if (c) {
        cf_kube_credentials_unref(c);
        return true;
    }
    cf_autofree char *pointer = cf_xasprintf("/kubeconfig%s", err.field[0] == '/' ? err.field : "");
    cf_body_refuse(req, res, err.kind == CF_ERR_NOT_FOUND ? "/context" : pointer, NULL, "%s",
                   err.message);
    return false;
}

/* ---- both ---- */

static json_t *old_secrets(const json_t *doc, const struct cf_secret *s)
{
    struct cf_error ignored = CF_ERROR_INIT;
    bool server_side = cf_json_bool(doc, false, "serverSide", NULL);
    json_t *j = s ? cf_json_parse(cf_secret_data(s), cf_secret_len(s), 0, &ignored) : NULL;
    if (json_is_object(j) && (server_side || json_object_get(j, "kubeconfig")))
        return j;
    json_decref(j);
    return s ? json_pack("{s:s}", "kubeconfig", cf_secret_data(s)) : json_object();
}

/* jansson's copies are not zeroed when freed; the text that is made of them is. */
static struct cf_secret *seal_text(const json_t *secrets)
{
    char *text = cf_json_dump(secrets);
    size_t len = strlen(text);
    struct cf_secret *s = cf_secret_new(text, len);
    cf_zero(text, len);
    free(text);
    return s;
}

bool cf_cluster_body_make(struct cf_http_request *req, struct cf_http_response *res,
                          const json_t *body, const json_t *old_doc,
                          const struct cf_secret *old_credentials, struct cf_cluster_body *out)
{
    struct cf_cluster_body b = { .doc = old_doc ? cf_json_copy(old_doc) : json_object() };
    cf_autojson json_t *secrets = old_secrets(old_doc, old_credentials);
    const json_t *metrics = json_object_get(body, "metrics");
    take_kubeconfig(body, b.doc, secrets);
    if (take_server_side(req, res, body, b.doc, secrets) &&
        check_kubeconfig(req, res, b.doc, secrets) &&
        (!metrics || take_metrics(req, res, metrics, b.doc, secrets))) {
        b.credentials = seal_text(secrets);
        *out = b;
        return true;
    }
    cf_cluster_body_free(&b);
    return false;
}
