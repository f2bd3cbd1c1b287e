/* SPDX-License-Identifier: Apache-2.0 */
/* /stops: requests to an API server that wait until somebody lets them go on (api/stops.h). */
#include <string.h>

#include "deploy/sandbox/api/stops.h"
#include "deploy/sandbox/control/routes.h"

/* The cluster's; NULL: answered. */
static struct sbx_stop *stop_of(struct cf_http_request *req, struct cf_http_response *res,
                                const char *cluster)
{
    const struct sbx_control_options *o = sbx_control_of(req);
    if (!sbx_control_api(req, res, cluster))
        return NULL;
    struct sbx_stop *stop = o->stop ? o->stop(o->user, cluster) : NULL;
    if (!stop)
        sbx_control_fail(res, 501, "requests cannot be stopped here");
    return stop;
}

void sbx_control_stop_set(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "cluster", "method", "path", NULL };
    cf_autojson json_t *body = sbx_control_body(req, res, members);
    if (!body)
        return;
    const char *part = cf_json_str(body, "", "path", NULL);
    const char *method = cf_json_str(body, NULL, "method", NULL);
    if (!*part || strlen(part) >= SBX_STOP_PART_MAX) {
        sbx_control_fail(res, 400, "path is a part of a request's target, at most %d bytes",
                         SBX_STOP_PART_MAX - 1);
        return;
    }
    if (method && strlen(method) >= SBX_STOP_METHOD_MAX) {
        sbx_control_fail(res, 400, "method is that of HTTP: GET, POST, PATCH …");
        return;
    }
    struct sbx_stop *stop = stop_of(req, res, cf_json_str(body, NULL, "cluster", NULL));
    if (!stop)
        return;
    sbx_stop_set(stop, method, part);
    sbx_control_ok(res);
}

void sbx_control_stop_tell(struct cf_http_request *req, struct cf_http_response *res)
{
    char request[SBX_STOP_REQUEST_MAX];
    struct sbx_stop *stop = stop_of(req, res, cf_http_request_query(req, "cluster"));
    if (!stop)
        return;
    sbx_stop_request(stop, request);
    cf_http_response_json_take(res, 200, json_pack("{s:s}", "request", request));
}

void sbx_control_stop_lift(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct sbx_control_options *o = sbx_control_of(req);
    const char *only = cf_http_request_query(req, "cluster");
    for (int i = 0; o->stop && i < o->servers; i++) {
        const char *cluster = sbx_api_cluster(o->apis[i]);
        struct sbx_stop *stop = o->stop(o->user, cluster);
        if (stop && (!only || strcmp(only, cluster) == 0))
            sbx_stop_lift(stop);
    }
    sbx_control_ok(res);
}
