/* SPDX-License-Identifier: Apache-2.0 */
/* /requests: what crossfade's programs have asked of the API servers, counted by verb and kind. */
#include <string.h>

#include "deploy/sandbox/control/routes.h"

void sbx_control_asked_tell(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct sbx_control_options *o = sbx_control_of(req);
    const char *only = cf_http_request_query(req, "cluster");
    json_t *all = json_object();
    for (int i = 0; i < o->servers; i++) {
        const char *cluster = sbx_api_cluster(o->apis[i]);
        if (!only || strcmp(only, cluster) == 0)
            json_object_set_new(all, cluster, sbx_api_asked(o->apis[i]));
    }
    cf_http_response_json_take(res, 200, all);
}

void sbx_control_asked_forget(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct sbx_control_options *o = sbx_control_of(req);
    for (int i = 0; i < o->servers; i++)
        sbx_api_asked_forget(o->apis[i]);
    sbx_control_ok(res);
}
