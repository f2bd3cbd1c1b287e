/* SPDX-License-Identifier: Apache-2.0 */
/* Every answer that is not 2xx: application/problem+json (RFC 9457).
 *
 * {"type": "/problems/<slug>", "title", "status", "code", "detail", "hint", "traceId", "errors":
 * [{pointer, line, column, code, detail, hint}]}. One table gives each code its status, title and
 * standing hint; error kinds map to codes. Handler threads and, for protocol errors, any server
 * thread. */
#ifndef CF_API_PROBLEM_H
#define CF_API_PROBLEM_H

#include "base/error.h"
#include "base/json.h"
#include "orchestrator/http/http.h"

struct cf_problem_row {
    const char *code; /* "PLAN_INVALID" */
    int status;
    const char *title;
    const char *hint; /* what to do, or NULL */
};

extern const struct cf_problem_row cf_problem_rows[]; /* ends with a row without code */

/* Answers with a row of the table; `detail` is one sentence. */
void cf_problem(struct cf_http_response *res, const char *code, const char *fmt, ...)
    CF_PRINTF(3, 4);
/* The same with a hint of its own and, optionally, the array of errors (reference taken). */
void cf_problem_full(struct cf_http_response *res, const char *code, const char *hint,
                     json_t *errors_take, const char *fmt, ...) CF_PRINTF(5, 6);
/* From an error value: kind and reason choose the row; retry_after_ms becomes Retry-After. Details
 * of BUG are logged, not shown. */
void cf_problem_error(struct cf_http_response *res, const struct cf_error *err);

/* From an error about something that was asked of a cluster: what is not there or wrong is 422, a
 * cluster that fails is 502. */
void cf_problem_cluster(struct cf_http_response *res, const struct cf_error *err);

/* For cf_http_site.problem: what the server itself refuses. */
void cf_problem_of_server(const struct cf_http_problem *p, struct cf_http_request *req,
                          struct cf_http_response *res, void *owner);

/* The whole table as a JSON array, for /problems and the docs. New reference. */
json_t *cf_problem_list(void) CF_NODISCARD;
const struct cf_problem_row *cf_problem_find(const char *code);
/* "PLAN_INVALID" → "plan-invalid", into buf of 64 bytes; returns buf. */
char *cf_problem_slug(const char *code, char *buf);

#endif
