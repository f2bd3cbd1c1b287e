/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes, what the handlers share, start and end. */
#include "deploy/sandbox/control/control.h"

#include <stdarg.h>
#include <string.h>

#include "deploy/sandbox/control/routes.h"

enum {
    HANDLERS = 16 /* some wait: for a rollout, for the last answers of a load */,
    DRAIN_MS = 500
};

static const char *const json_only[] = { "application/json", NULL };
static const char *const json_or_bytes[] = { "application/json", "application/octet-stream", NULL };
static const char *const json_or_yaml[] = { "application/json", "application/yaml", NULL };

static const struct cf_http_route routes[] = {
    { .method = "GET", .path = "/state", .handler = sbx_control_state },
    { .method = "GET", .path = "/split", .handler = sbx_control_split },
    { .method = "PUT",
      .path = "/faults/app",
      .handler = sbx_control_app_fault,
      .consumes = json_only },
    { .method = "PUT",
      .path = "/faults/api",
      .handler = sbx_control_api_fault_set,
      .consumes = json_only },
    { .method = "PUT",
      .path = "/faults/metrics",
      .handler = sbx_control_metrics_fault,
      .consumes = json_only },
    { .method = "GET", .path = "/faults/karmada", .handler = sbx_control_karmada_tell },
    { .method = "PUT",
      .path = "/faults/karmada",
      .handler = sbx_control_karmada_switch,
      .consumes = json_only },
    { .method = "GET", .path = "/faults/clusternet", .handler = sbx_control_clusternet_tell },
    { .method = "PUT",
      .path = "/faults/clusternet",
      .handler = sbx_control_clusternet_switch,
      .consumes = json_only },
    { .method = "PUT",
      .path = "/faults/dataplane",
      .handler = sbx_control_dataplane_fault,
      .consumes = json_only },
    { .method = "GET", .path = "/faults/velero", .handler = sbx_control_velero_tell },
    { .method = "PUT",
      .path = "/faults/velero",
      .handler = sbx_control_velero_fault,
      .consumes = json_only },
    { .method = "DELETE", .path = "/faults/velero", .handler = sbx_control_velero_heal },
    { .method = "GET", .path = "/velero/download/{token}", .handler = sbx_control_velero_download },
    { .method = "GET",
      .path = "/volumes/{cluster}/{namespace}/{claim}/files",
      .handler = sbx_control_volume_list },
    { .method = "GET",
      .path = "/volumes/{cluster}/{namespace}/{claim}/files/{path...}",
      .handler = sbx_control_volume_get },
    { .method = "PUT",
      .path = "/volumes/{cluster}/{namespace}/{claim}/files/{path...}",
      .handler = sbx_control_volume_put,
      .consumes = json_or_bytes,
      .body_max = SBX_CONTROL_BODY_MAX },
    { .method = "DELETE",
      .path = "/volumes/{cluster}/{namespace}/{claim}/files/{path...}",
      .handler = sbx_control_volume_remove },
    { .method = "DELETE", .path = "/faults", .handler = sbx_control_heal },
    { .method = "PUT", .path = "/stops", .handler = sbx_control_stop_set, .consumes = json_only },
    { .method = "GET", .path = "/stops", .handler = sbx_control_stop_tell },
    { .method = "DELETE", .path = "/stops", .handler = sbx_control_stop_lift },
    { .method = "GET", .path = "/requests", .handler = sbx_control_asked_tell },
    { .method = "DELETE", .path = "/requests", .handler = sbx_control_asked_forget },
    { .method = "POST", .path = "/reset", .handler = sbx_control_reset, .consumes = json_only },
    { .method = "POST", .path = "/load", .handler = sbx_control_load_start, .consumes = json_only },
    { .method = "GET", .path = "/load", .handler = sbx_control_load_list },
    { .method = "GET", .path = "/load/{id}", .handler = sbx_control_load_get },
    { .method = "GET",
      .path = "/load/{id}/acknowledged",
      .handler = sbx_control_load_acknowledged },
    { .method = "POST", .path = "/load/{id}/stop", .handler = sbx_control_load_stop },
    { .method = "DELETE", .path = "/load/{id}", .handler = sbx_control_load_drop },
    { .method = "GET", .path = "/object", .handler = sbx_control_object },
    { .method = "POST", .path = "/edit", .handler = sbx_control_edit, .consumes = json_only },
    { .method = "POST",
      .path = "/apply",
      .handler = sbx_control_apply,
      .consumes = json_or_yaml,
      .body_max = SBX_CONTROL_BODY_MAX },
    { .method = "POST", .path = "/roll", .handler = sbx_control_roll, .consumes = json_only },
    { .method = NULL },
};

/* ---- answers */

void sbx_control_fail(struct cf_http_response *res, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_autofree char *text = cf_xvasprintf(fmt, ap);
    va_end(ap);
    cf_http_response_json_take(res, status, json_pack("{s:s}", "error", text));
}

void sbx_control_error(struct cf_http_response *res, const struct cf_error *err)
{
    int status = err->kind == CF_ERR_NOT_FOUND ? 404
                 : err->kind == CF_ERR_INVALID ? 400
                 : err->kind == CF_ERR_LIMIT   ? 409
                                               : 503;
    sbx_control_fail(res, status, "%s", err->message);
}

void sbx_control_ok(struct cf_http_response *res)
{
    cf_http_response_json_take(res, 200, json_pack("{s:b}", "ok", 1));
}

json_t *sbx_control_body(struct cf_http_request *req, struct cf_http_response *res,
                         const char *const *members)
{
    size_t len;
    const char *text = cf_http_request_body(req, &len);
    struct cf_error err = CF_ERROR_INIT;
    json_t *body = cf_json_parse(text, len, SBX_CONTROL_BODY_MAX, &err);
    if (!body) {
        sbx_control_error(res, &err);
        return NULL;
    }
    const char *key;
    json_t *value;
    json_object_foreach(body, key, value)
    {
        const char *const *m = members;
        while (*m && strcmp(*m, key) != 0)
            m++;
        if (!*m) {
            sbx_control_fail(res, 400, "\"%s\" is not known here", key);
            json_decref(body);
            return NULL;
        }
    }
    if (!json_is_object(body)) {
        sbx_control_fail(res, 400, "the body must be an object");
        json_decref(body);
        return NULL;
    }
    return body;
}

struct sbx_api *sbx_control_api(struct cf_http_request *req, struct cf_http_response *res,
                                const char *cluster)
{
    const struct sbx_control_options *o = sbx_control_of(req);
    for (int i = 0; cluster && i < o->servers; i++)
        if (strcmp(sbx_api_cluster(o->apis[i]), cluster) == 0)
            return o->apis[i];
    sbx_control_fail(res, 404, "no cluster \"%s\"", cluster ? cluster : "");
    return NULL;
}

/* ---- life */

struct sbx_control *sbx_control_start(const struct sbx_control_options *options,
                                      struct cf_error *err)
{
    struct sbx_control *c = cf_xcalloc(1, sizeof(*c));
    c->options = *options;
    c->options.servers = CF_MAX(options->servers, options->clusters);
    c->apis = cf_xcalloc((size_t)c->options.servers, sizeof(*c->apis));
    memcpy(c->apis, options->apis, (size_t)c->options.servers * sizeof(*c->apis));
    c->options.apis = c->apis;
    c->server = cf_http_server_start(&(struct cf_http_server_options){ .name = "control",
                                                                       .handler_threads = HANDLERS,
                                                                       .action_threads = -1 },
                                     err);
    if (c->server)
        c->listener =
            cf_http_listen(c->server,
                           &(struct cf_http_listen_options){
                               .port = options->port, .site = { .routes = routes, .owner = c } },
                           err);
    if (!c->listener) {
        cf_error_wrap(err, "open the control port");
        sbx_control_stop(c);
        return NULL;
    }
    return c;
}

void sbx_control_stop(struct sbx_control *c)
{
    if (!c)
        return;
    cf_http_server_stop(c->server, DRAIN_MS);
    free(c->apis);
    free(c);
}

const char *sbx_control_url(const struct sbx_control *c)
{
    return cf_http_listener_url(c->listener);
}
