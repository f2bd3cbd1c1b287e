/* SPDX-License-Identifier: Apache-2.0 */
/* A plan document as the body of a request, decoded. Handler threads. */
#ifndef CF_API_PLAN_BODY_H
#define CF_API_PLAN_BODY_H

#include "orchestrator/http/http.h"
#include "orchestrator/plan/plan.h"

struct cf_plan_body {
    struct cf_plan *plan;   /* owned */
    json_t *document;       /* as it was written; owned */
    json_t *warnings;       /* what lint says; owned */
    const char *text;       /* the request's */
    const char *media_type; /* static: "application/yaml" or "application/json" */
};
void cf_plan_body_free(struct cf_plan_body *b); /* for CF_CLEANUP; zeroed before first use */

/* False: answered, with 422 PLAN_INVALID and where it is wrong. */
bool cf_plan_body_read(struct cf_http_request *req, struct cf_http_response *res,
                       struct cf_plan_body *out);
/* The same for a text from elsewhere. */
bool cf_plan_body_decode(struct cf_http_response *res, const char *text, size_t len,
                         enum cf_plan_media media, struct cf_plan_body *out);

#endif
