/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan copies, and why: of a stored plan, or of a document. */
#include <string.h>

#include "base/units.h"
#include "orchestrator/api/hub.h"
#include "orchestrator/api/plan_body.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/engine/engine.h"
#include "store/plans.h"

/* `revision` 0: a document that is not stored. */
static void answer(struct cf_http_request *req, struct cf_http_response *res,
                   const struct cf_plan *plan, int revision)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_engine_plan_explain(cf_api_of(req)->engine, plan, &err);
    if (!j) {
        cf_problem_cluster(res, &err);
        return;
    }
    json_object_set_new(j, "name", json_string(plan->name));
    json_object_set_new(j, "revision", revision ? json_integer(revision) : json_null());
    cf_http_response_json_take(res, 200, j);
}

void cf_get_plan_explain(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_plan_row_free) struct cf_plan_row row = { 0 };
    CF_CLEANUP(cf_plan_free_p) struct cf_plan *plan = NULL;
    const char *text = cf_http_request_query(req, "revision");
    int64_t revision = 0;
    if (text && !cf_int_parse(text, 1, INT32_MAX, &revision, &err)) {
        cf_problem(res, "INVALID_PARAMETER", "A revision is a number from 1");
        return;
    }
    if (!cf_plan_get(cf_api_of(req)->store, cf_http_request_param(req, "name"), (int)revision, &row,
                     &err)) {
        cf_problem_error(res, &err);
        return;
    }
    plan = cf_plan_from_effective(row.effective, &err);
    if (!plan) {
        cf_problem_error(res, &err);
        return;
    }
    answer(req, res, plan, row.revision);
}

void cf_post_explain(struct cf_http_request *req, struct cf_http_response *res)
{
    CF_CLEANUP(cf_plan_body_free) struct cf_plan_body body = { 0 };
    if (cf_plan_body_read(req, res, &body))
        answer(req, res, body.plan, 0);
}
