/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers' common ground: what they get at, how they say what is wrong. */
#ifndef DEPLOY_SANDBOX_CONTROL_ROUTES_H
#define DEPLOY_SANDBOX_CONTROL_ROUTES_H

#include "deploy/sandbox/control/control.h"
#include "orchestrator/http/http.h"

struct sbx_control {
    struct sbx_control_options options;
    struct sbx_api **apis;
    struct cf_http_server *server;
    struct cf_http_listener *listener;
};

enum { SBX_CONTROL_BODY_MAX = 8 * 1024 * 1024 /* objects for /apply */ };

static inline const struct sbx_control_options *sbx_control_of(const struct cf_http_request *req)
{
    return &((const struct sbx_control *)cf_http_request_owner(req))->options;
}

/* The body as a JSON object that has only these members (ended by NULL): a typing error is said.
 * NULL: answered already. */
json_t *sbx_control_body(struct cf_http_request *req, struct cf_http_response *res,
                         const char *const *members);
void sbx_control_error(struct cf_http_response *res, const struct cf_error *err);
void sbx_control_fail(struct cf_http_response *res, int status, const char *fmt, ...)
    CF_PRINTF(3, 4);
void sbx_control_ok(struct cf_http_response *res); /* {"ok": true} */
/* The named cluster's API; NULL: answered 404. */
struct sbx_api *sbx_control_api(struct cf_http_request *req, struct cf_http_response *res,
                                const char *cluster);

void sbx_control_state(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_split(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_app_fault(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_api_fault_set(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_metrics_fault(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_dataplane_fault(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_karmada_tell(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_karmada_switch(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_clusternet_tell(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_clusternet_switch(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_velero_tell(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_velero_fault(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_velero_heal(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_velero_download(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_volume_list(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_volume_get(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_volume_put(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_volume_remove(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_stop_set(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_stop_tell(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_stop_lift(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_asked_tell(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_asked_forget(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_heal(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_reset(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_load_start(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_load_list(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_load_get(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_load_acknowledged(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_load_stop(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_load_drop(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_object(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_edit(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_apply(struct cf_http_request *req, struct cf_http_response *res);
void sbx_control_roll(struct cf_http_request *req, struct cf_http_response *res);

#endif
