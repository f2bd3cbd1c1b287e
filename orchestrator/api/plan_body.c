/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding plan documents of requests. */
#include "orchestrator/api/plan_body.h"

#include "orchestrator/api/problem.h"

void cf_plan_body_free(struct cf_plan_body *b)
{
    cf_plan_free(b->plan);
    json_decref(b->document);
    json_decref(b->warnings);
    *b = (struct cf_plan_body){ 0 };
}

static void refuse(struct cf_http_response *res, const struct cf_plan_issues *issues)
{
    cf_problem_full(res, "PLAN_INVALID", NULL, cf_plan_issues_json(issues, false),
                    "The plan has %zu error%s", issues->n_errors, issues->n_errors == 1 ? "" : "s");
}

bool cf_plan_body_decode(struct cf_http_response *res, const char *text, size_t len,
                         enum cf_plan_media media, struct cf_plan_body *out)
{
    CF_CLEANUP(cf_plan_issues_free) struct cf_plan_issues issues = CF_PLAN_ISSUES_INIT;
    struct cf_plan_body b = { .text = text };
    if (!cf_plan_decode(text, len, media, &b.plan, &b.document, &issues)) {
        refuse(res, &issues);
        return false;
    }
    b.warnings = cf_plan_issues_json(&issues, true);
    b.media_type = media == CF_PLAN_JSON ? "application/json" : "application/yaml";
    *out = b;
    return true;
}

bool cf_plan_body_read(struct cf_http_request *req, struct cf_http_response *res,
                       struct cf_plan_body *out)
{
    size_t len;
    const char *text = cf_http_request_body(req, &len);
    const char *type = cf_http_request_header(req, "Content-Type");
    enum cf_plan_media media = CF_PLAN_YAML;
    if (type && !cf_plan_media_of(type, &media)) {
        cf_problem(res, "UNSUPPORTED_MEDIA_TYPE", "A plan is YAML or JSON, not %.64s", type);
        return false;
    }
    return cf_plan_body_decode(res, text, len, media, out);
}
