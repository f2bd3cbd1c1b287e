/* SPDX-License-Identifier: Apache-2.0 */
/* State, split and faults. */
#include <string.h>

#include "deploy/sandbox/control/routes.h"

void sbx_control_state(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct sbx_control_options *o = sbx_control_of(req);
    json_t *state = sbx_dataplane_state(o->dataplane);
    json_t *clusters = json_array();
    for (int i = 0; i < o->clusters; i++)
        json_array_append_new(clusters, json_pack("{s:s, s:I}", "name", sbx_api_cluster(o->apis[i]),
                                                  "resourceVersion",
                                                  (json_int_t)sbx_api_version(o->apis[i])));
    json_object_set_new(state, "clusters", clusters);
    json_object_set_new(state, "loads", sbx_loads_list(o->loads));
    cf_http_response_json_take(res, 200, state);
}

void sbx_control_split(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct sbx_control_options *o = sbx_control_of(req);
    const char *wanted = cf_http_request_query(req, "cluster");
    json_t *all = json_object();
    for (int i = 0; i < o->clusters; i++) {
        const char *cluster = sbx_api_cluster(o->apis[i]);
        if (!wanted || strcmp(wanted, cluster) == 0)
            json_object_set_new(all, cluster, sbx_dataplane_split(o->dataplane, cluster));
    }
    cf_http_response_json_take(res, 200, all);
}

static double real(const json_t *body, const char *name)
{
    return json_number_value(json_object_get(body, name));
}

void sbx_control_app_fault(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "cluster",    "namespace", "app",    "error",
                                           "latency_ms", "hang",      "status", "capacity",
                                           "clear",      NULL };
    cf_autojson json_t *body = sbx_control_body(req, res, members);
    if (!body)
        return;
    const struct sbx_app_fault fault = {
        .error = real(body, "error"),
        .latency_ms = (int64_t)real(body, "latency_ms"),
        .hang = real(body, "hang"),
        .status = (int)cf_json_int(body, 0, "status", NULL),
        .capacity = real(body, "capacity"),
    };
    struct cf_error err = CF_ERROR_INIT;
    if (sbx_dataplane_fault(sbx_control_of(req)->dataplane, cf_json_str(body, "", "cluster", NULL),
                            cf_json_str(body, "", "namespace", NULL),
                            cf_json_str(body, "", "app", NULL),
                            cf_json_bool(body, false, "clear", NULL) ? NULL : &fault, &err))
        sbx_control_ok(res);
    else
        sbx_control_error(res, &err);
}

static bool api_fault(const struct sbx_control_options *o, const char *cluster,
                      const struct sbx_control_api_fault *fault, struct cf_error *err)
{
    if (!o->api_fault)
        return cf_error_set(err, CF_ERR_UNAVAILABLE, "API faults are not served here");
    return o->api_fault(o->user, cluster, fault, err);
}

void sbx_control_api_fault_set(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "cluster",        "slow_ms",        "status",
                                           "hang",           "away",           "cut_watches",
                                           "silent_watches", "forget_history", "hidden",
                                           "lose_replies",   "clear",          NULL };
    cf_autojson json_t *body = sbx_control_body(req, res, members);
    if (!body)
        return;
    const char *cluster = cf_json_str(body, NULL, "cluster", NULL);
    if (!sbx_control_api(req, res, cluster))
        return;
    const struct sbx_control_api_fault fault = {
        .slow_ms = cf_json_int(body, 0, "slow_ms", NULL),
        .status = (int)cf_json_int(body, 0, "status", NULL),
        .hang = cf_json_bool(body, false, "hang", NULL),
        .away = cf_json_bool(body, false, "away", NULL),
        .cut_watches = cf_json_bool(body, false, "cut_watches", NULL),
        .silent_watches = cf_json_bool(body, false, "silent_watches", NULL),
        .forget_history = cf_json_bool(body, false, "forget_history", NULL),
        .hidden = cf_json_str(body, NULL, "hidden", NULL),
        .lose_replies = (int)cf_json_int(body, 0, "lose_replies", NULL),
    };
    struct cf_error err = CF_ERROR_INIT;
    if (api_fault(sbx_control_of(req), cluster, &fault, &err))
        sbx_control_ok(res);
    else
        sbx_control_error(res, &err);
}

void sbx_control_metrics_fault(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "cluster", "state", NULL };
    static const char *const states[] = {
        [SBX_METRICS_FINE] = "fine", [SBX_METRICS_STALE] = "stale", [SBX_METRICS_AWAY] = "away"
    };
    cf_autojson json_t *body = sbx_control_body(req, res, members);
    if (!body)
        return;
    const char *state = cf_json_str(body, "", "state", NULL);
    size_t i = 0;
    while (i < CF_ARRAY_LEN(states) && strcmp(states[i], state) != 0)
        i++;
    struct cf_error err = CF_ERROR_INIT;
    if (i == CF_ARRAY_LEN(states))
        sbx_control_fail(res, 400, "state must be fine, stale or away");
    else if (sbx_dataplane_metrics_fault(sbx_control_of(req)->dataplane,
                                         cf_json_str(body, NULL, "cluster", NULL),
                                         (enum sbx_metrics_fault)i, &err))
        sbx_control_ok(res);
    else
        sbx_control_error(res, &err);
}

void sbx_control_dataplane_fault(struct cf_http_request *req, struct cf_http_response *res)
{
    static const char *const members[] = { "cluster", "frozen", NULL };
    cf_autojson json_t *body = sbx_control_body(req, res, members);
    if (!body)
        return;
    struct cf_error err = CF_ERROR_INIT;
    if (sbx_dataplane_freeze(sbx_control_of(req)->dataplane,
                             cf_json_str(body, NULL, "cluster", NULL),
                             cf_json_bool(body, false, "frozen", NULL), &err))
        sbx_control_ok(res);
    else
        sbx_control_error(res, &err);
}

void sbx_control_heal(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct sbx_control_options *o = sbx_control_of(req);
    sbx_dataplane_heal(o->dataplane);
    if (o->karmada)
        sbx_karmada_heal(o->karmada);
    if (o->clusternet)
        sbx_clusternet_heal(o->clusternet);
    if (o->velero)
        sbx_velero_heal(o->velero, "", NULL);
    for (int i = 0; o->api_fault && i < o->servers; i++) {
        struct cf_error err = CF_ERROR_INIT;
        if (!api_fault(o, sbx_api_cluster(o->apis[i]), &(struct sbx_control_api_fault){ 0 },
                       &err)) {
            sbx_control_error(res, &err);
            return;
        }
    }
    sbx_control_ok(res);
}
