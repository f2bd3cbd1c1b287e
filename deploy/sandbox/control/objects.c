/* SPDX-License-Identifier: Apache-2.0 */
/* What people do to API objects: look, edit, apply, restart. With full rights and under a manager's
 * name. */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include "base/url.h"
#include "base/yaml.h"
#include "deploy/sandbox/api/kinds.h"
#include "deploy/sandbox/control/routes.h"

#define KUBECTL "kubectl"
enum { ROLL_MS = 60000, LOOK_MS = 20, NAME_MAX_BYTES = 512 };

static void tell(struct cf_http_response *res, int status, json_t *body)
{
    cf_http_response_json_take(res, status ? status : 500, body ? body : json_object());
}

void sbx_control_object(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_api *api = sbx_control_api(req, res, cf_http_request_query(req, "cluster"));
    const char *path = cf_http_request_query(req, "path");
    if (!api)
        return;
    json_t *body = NULL;
    int status = sbx_api_do(api, NULL, "GET", NULL, NULL, &body, "%s", path ? path : "/");
    tell(res, status, body);
}

void sbx_control_edit(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "cluster", "path", "manager", "patch", "type", NULL };
    cf_autojson json_t *body = sbx_control_body(req, res, members);
    struct sbx_api *api =
        body ? sbx_control_api(req, res, cf_json_str(body, NULL, "cluster", NULL)) : NULL;
    if (!api)
        return;
    static const struct {
        const char *name, *type;
    } types[] = { { "json", "application/json-patch+json" },
                  { "merge", "application/merge-patch+json" },
                  { "apply", "application/apply-patch+yaml" } };
    const char *wanted = cf_json_str(body, "json", "type", NULL);
    size_t i = 0;
    while (i < CF_ARRAY_LEN(types) && strcmp(types[i].name, wanted) != 0)
        i++;
    if (i == CF_ARRAY_LEN(types)) {
        sbx_control_fail(res, 400, "type must be json, merge or apply");
        return;
    }
    json_t *out = NULL;
    const char *path = cf_json_str(body, "/", "path", NULL);
    CF_CLEANUP(cf_buf_free) struct cf_buf manager = CF_BUF_INIT(NAME_MAX_BYTES);
    cf_url_escape(&manager, cf_json_str(body, "somebody-else", "manager", NULL));
    int status = sbx_api_do(api, cf_buf_str(&manager), "PATCH", types[i].type,
                            json_object_get(body, "patch"), &out, "%s%sfieldManager=%s", path,
                            strchr(path, '?') ? "&" : "?", cf_buf_str(&manager));
    tell(res, status, out);
}

/* ---- apply */

static int apply(struct sbx_api *api, const char *manager, const json_t *object, json_t **out)
{
    const char *version = cf_json_str(object, "", "apiVersion", NULL);
    const char *kind = cf_json_str(object, "", "kind", NULL);
    const char *ns = cf_json_str(object, "default", "metadata", "namespace", NULL);
    const char *slash = strchr(version, '/');
    cf_autofree char *group = cf_xstrndup(version, slash ? (size_t)(slash - version) : 0);
    const struct sbx_kind *k = sbx_kinds;
    while (k->kind && (strcmp(k->group, group) != 0 || strcmp(k->kind, kind) != 0))
        k++;
    if (!k->kind) {
        *out = json_pack("{s:o}", "error",
                         json_sprintf("there are no objects of %s %s", version, kind));
        return 400;
    }
    cf_autofree char *folder = k->namespaced ? cf_xasprintf("namespaces/%s/", ns) : cf_xstrdup("");
    return sbx_api_do(api, manager, "PATCH", "application/apply-patch+yaml", object, out,
                      "/%s/%s/%s%s/%s?fieldManager=%s&force=true", slash ? "apis" : "api", version,
                      folder, k->plural, cf_json_str(object, "", "metadata", "name", NULL),
                      manager);
}

static void apply_all(struct cf_http_response *res, struct sbx_api *api, const char *manager,
                      const json_t *objects)
{
    size_t i;
    json_t *object;
    json_array_foreach(objects, i, object)
    {
        json_t *out = NULL;
        int status = apply(api, manager, object, &out);
        if (status >= 300) {
            tell(res, status, out);
            return;
        }
        json_decref(out);
    }
    sbx_control_ok(res);
}

static void apply_yaml(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_api *api = sbx_control_api(req, res, cf_http_request_query(req, "cluster"));
    if (!api)
        return;
    size_t len;
    const char *text = cf_http_request_body(req, &len);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *objects = cf_yaml_parse_all(text, len, 0, &err);
    const char *manager = cf_http_request_query(req, "manager");
    if (objects)
        apply_all(res, api, manager ? manager : KUBECTL, objects);
    else
        sbx_control_error(res, &err);
}

void sbx_control_apply(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "cluster", "manager", "objects", NULL };
    if (cf_http_media_type_is(cf_http_request_header(req, "Content-Type"), "application/yaml")) {
        apply_yaml(req, res);
        return;
    }
    cf_autojson json_t *body = sbx_control_body(req, res, members);
    struct sbx_api *api =
        body ? sbx_control_api(req, res, cf_json_str(body, NULL, "cluster", NULL)) : NULL;
    if (api)
        apply_all(res, api, cf_json_str(body, KUBECTL, "manager", NULL),
                  json_object_get(body, "objects"));
}

/* ---- roll */

/* As `kubectl rollout status`: all replicas are new and available, and no old one is left. */
static bool rolled(struct sbx_api *api, const char *ns, const char *name)
{
    cf_autojson json_t *d = sbx_api_one(api, "apps", "deployments", ns, name);
    if (!d)
        return true;
    int64_t want = cf_json_int(d, 1, "spec", "replicas", NULL);
    return cf_json_int(d, 0, "status", "observedGeneration", NULL) >=
               cf_json_int(d, 0, "metadata", "generation", NULL) &&
           cf_json_int(d, 0, "status", "updatedReplicas", NULL) == want &&
           cf_json_int(d, 0, "status", "replicas", NULL) == want &&
           cf_json_int(d, 0, "status", "availableReplicas", NULL) == want;
}

void sbx_control_roll(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "cluster", "namespace", "deployment", NULL };
    cf_autojson json_t *body = sbx_control_body(req, res, members);
    struct sbx_api *api =
        body ? sbx_control_api(req, res, cf_json_str(body, NULL, "cluster", NULL)) : NULL;
    if (!api)
        return;
    const char *ns = cf_json_str(body, "", "namespace", NULL);
    const char *name = cf_json_str(body, "", "deployment", NULL);
    char now[CF_TIME_TEXT_MAX];
    cf_time_rfc3339(cf_wall_ms(&cf_clock_real), now);
    cf_autojson json_t *patch = json_pack("{s:{s:{s:{s:{s:s}}}}}", "spec", "template", "metadata",
                                          "annotations", "kubectl.kubernetes.io/restartedAt", now);
    json_t *out = NULL;
    int status = sbx_api_do(
        api, "kubectl-rollout", "PATCH", "application/merge-patch+json", patch, &out,
        "/apis/apps/v1/namespaces/%s/deployments/%s?fieldManager=kubectl-rollout", ns, name);
    if (status >= 300) {
        tell(res, status, out);
        return;
    }
    json_decref(out);
    int64_t end = cf_mono_now_ms() + ROLL_MS;
    while (!rolled(api, ns, name)) {
        if (cf_mono_now_ms() > end || cf_http_request_gone(req)) {
            sbx_control_fail(res, 504, "the rollout of %s/%s has not ended after %d s", ns, name,
                             ROLL_MS / 1000);
            return;
        }
        cf_sleep_ms(&cf_clock_real, LOOK_MS);
    }
    sbx_control_ok(res);
}
