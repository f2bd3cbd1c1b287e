/* SPDX-License-Identifier: Apache-2.0 */
/* Loads by id. */
#include "base/units.h"
#include "deploy/sandbox/control/routes.h"

void sbx_control_load_start(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "url",    "cluster", "host",        "path",
                                           "header", "rps",     "duration_ms", "timeout_ms",
                                           "log",    "writes",  NULL };
    const struct sbx_control_options *o = sbx_control_of(req);
    cf_autojson json_t *body = sbx_control_body(req, res, members);
    if (!body)
        return;
    const char *cluster = cf_json_str(body, sbx_api_cluster(o->apis[0]), "cluster", NULL);
    const char *gateway = sbx_dataplane_gateway_url(o->dataplane, cluster);
    if (!gateway) {
        sbx_control_fail(res, 404, "no cluster \"%s\"", cluster);
        return;
    }
    cf_autofree char *url = cf_xasprintf("%s%s", gateway, cf_json_str(body, "/", "path", NULL));
    const struct sbx_load_options load = {
        .url = cf_json_str(body, url, "url", NULL),
        .host = cf_json_str(body, NULL, "host", NULL),
        .header = cf_json_str(body, NULL, "header", NULL),
        .writes = cf_json_bool(body, false, "writes", NULL),
        .rps = json_number_value(json_object_get(body, "rps")),
        .duration_ms = cf_json_int(body, 0, "duration_ms", NULL),
        .timeout_ms = cf_json_int(body, 0, "timeout_ms", NULL),
        .log_path = cf_json_str(body, NULL, "log", NULL),
    };
    struct cf_error err = CF_ERROR_INIT;
    int id;
    if (sbx_load_start(o->loads, &load, &id, &err))
        cf_http_response_json_take(res, 201, json_pack("{s:i}", "id", id));
    else
        sbx_control_error(res, &err);
}

void sbx_control_load_list(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_http_response_json_take(res, 200, sbx_loads_list(sbx_control_of(req)->loads));
}

/* The path's id; no load has 0. */
static int id_of(const struct cf_http_request *req)
{
    int64_t id = 0;
    struct cf_error ignored = CF_ERROR_INIT;
    return cf_int_parse(cf_http_request_param(req, "id"), 1, 1000000, &id, &ignored) ? (int)id : 0;
}

static void tell(struct cf_http_response *res, json_t *summary)
{
    if (summary)
        cf_http_response_json_take(res, 200, summary);
    else
        sbx_control_fail(res, 404, "no such load");
}

void sbx_control_load_get(struct cf_http_request *req, struct cf_http_response *res)
{
    tell(res, sbx_load_summary(sbx_control_of(req)->loads, id_of(req)));
}

void sbx_control_load_acknowledged(struct cf_http_request *req, struct cf_http_response *res)
{
    json_t *all = sbx_load_acknowledged(sbx_control_of(req)->loads, id_of(req));
    if (all)
        cf_http_response_json_take(res, 200, all);
    else
        sbx_control_fail(res, 404, "no such load, or it does not write");
}

void sbx_control_load_stop(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_loads *loads = sbx_control_of(req)->loads;
    sbx_load_stop(loads, id_of(req));
    tell(res, sbx_load_summary(loads, id_of(req)));
}

void sbx_control_load_drop(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_loads *loads = sbx_control_of(req)->loads;
    sbx_load_stop(loads, id_of(req));
    json_t *summary = sbx_load_summary(loads, id_of(req));
    sbx_load_drop(loads, id_of(req));
    tell(res, summary);
}
