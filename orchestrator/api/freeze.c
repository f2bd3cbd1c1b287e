/* SPDX-License-Identifier: Apache-2.0 */
/* /freeze: no forward move anywhere until it is lifted. */
#include "store/settings.h"

#include <string.h>

#include "orchestrator/api/body.h"
#include "orchestrator/api/hub.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/schemas.h"
#include "orchestrator/engine/engine.h"

void cf_get_freeze(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_setting_free) struct cf_setting now = { 0 };
    if (cf_setting_get(cf_api_of(req)->store, CF_SETTING_FREEZE, &now, &err))
        cf_http_response_json_take(res, 200, cf_render_freeze(&now));
    else
        cf_problem_error(res, &err);
}

static void set(struct cf_http_request *req, struct cf_http_response *res, const char *reason)
{
    struct cf_error err = CF_ERROR_INIT;
    if (!cf_engine_freeze(cf_api_of(req)->engine, reason, cf_principal(req), &err)) {
        cf_problem_error(res, &err);
        return;
    }
    cf_hub_nudge(cf_api_of(req)->hub);
    cf_get_freeze(req, res);
}

void cf_put_freeze(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_autojson json_t *body = cf_body_read(req, res);
    if (!body)
        return;
    const char *reason = cf_json_str(body, "", "reason", NULL);
    if (reason[strspn(reason, " \t\r\n")])
        set(req, res, reason);
    else
        cf_body_refuse(req, res, "/reason", NULL, "A reason has 1 to %d bytes", CF_FIELD_NOTE_MAX);
}

void cf_delete_freeze(struct cf_http_request *req, struct cf_http_response *res)
{
    set(req, res, NULL);
}
