/* SPDX-License-Identifier: Apache-2.0 */
/* POST /reset: the world as it was at its start, without a new process. */
#include "deploy/sandbox/control/routes.h"

static void drop_loads(struct sbx_loads *loads)
{
    cf_autojson json_t *all = sbx_loads_list(loads);
    size_t i;
    json_t *l;
    json_array_foreach(all, i, l)
    {
        sbx_load_drop(loads, (int)cf_json_int(l, 0, "id", NULL));
    }
}

void sbx_control_reset(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct sbx_control_options *o = sbx_control_of(req);
    struct cf_error err = CF_ERROR_INIT;
    drop_loads(o->loads);
    sbx_control_heal(req, res);
    if (cf_http_response_get_status(res) != 200)
        return;
    if (!o->reset)
        sbx_control_fail(res, 501, "resetting is not served here");
    else if (!o->reset(o->user, &err))
        sbx_control_error(res, &err);
}
