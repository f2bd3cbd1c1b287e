/* SPDX-License-Identifier: Apache-2.0 */
/* The table of problems and how errors become them. */
#include "orchestrator/api/problem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "orchestrator/api/authn.h"
#include "orchestrator/api/context.h"
#include "orchestrator/engine/engine.h"
#include "store/store.h"

const struct cf_problem_row cf_problem_rows[] = {
    { "BAD_REQUEST", 400, "The request is not well-formed", NULL },
    { "UNKNOWN_PARAMETER", 400, "A query parameter is not known", NULL },
    { "INVALID_PARAMETER", 400, "A parameter has a value that it cannot have", NULL },
    { "INVALID_CURSOR", 400, "The cursor is not one of this list", "Start again without a cursor" },
    { "UNAUTHENTICATED", 401, "A bearer token is needed",
      "Send \"Authorization: Bearer TOKEN\"; the first one: crossfade token bootstrap" },
    { "FORBIDDEN", 403, "The token's role does not allow this",
      "crossfade token create NAME --role ROLE (as admin)" },
    { "NOT_FOUND", 404, "There is nothing here", NULL },
    { "METHOD_NOT_ALLOWED", 405, "The method is not allowed here",
      "The Allow header lists the methods" },
    { "NOT_ACCEPTABLE", 406, "The answer has no form that Accept allows", NULL },
    { "REQUEST_TIMEOUT", 408, "The request did not arrive in time", NULL },
    { "CONFLICT", 409, "The state of things does not allow this", NULL },
    { "CLAIMED", 409, "Another run holds what this one needs", "crossfade run list --active" },
    { "STALE_DIFF", 409, "Things are no longer as the diff showed",
      "crossfade plan diff PLAN, look again, then start on the new digest" },
    { "EXISTS", 409, "The name is taken",
      "To change what has it: crossfade cluster add NAME --replace, crossfade plan apply" },
    { "IN_USE", 409, "It is still in use", NULL },
    { "SECRET_SHOWN", 409, "The secret was shown once and cannot be shown again",
      "Revoke that token, then make another with a new Idempotency-Key" },
    { "RUN_ENDED", 409, "The run has ended", "crossfade run get RUN" },
    { "EXPECTATION_FAILED", 409, "Things are not as the action expected",
      "Look again, then decide again" },
    { "EVENTS_EXPIRED", 410, "Events after this id are no longer kept",
      "Read the resource anew, then follow from now" },
    { "PRECONDITION_FAILED", 412, "It was changed meanwhile",
      "Read it again and apply the change to what is there now" },
    { "TOO_LARGE", 413, "The request is too large", NULL },
    { "URI_TOO_LONG", 414, "The request target is too long", NULL },
    { "UNSUPPORTED_MEDIA_TYPE", 415, "The body's media type is not taken here",
      "Send application/yaml or application/json" },
    { "INVALID_BODY", 422, "The body is not valid", NULL },
    { "PLAN_INVALID", 422, "The plan is not valid", "crossfade plan lint FILE checks it offline" },
    { "IDEMPOTENCY_MISMATCH", 422, "The Idempotency-Key was used for another request",
      "Use a new key" },
    { "UNPROCESSABLE", 422, "This cannot be done as asked", NULL },
    { "PRECONDITION_REQUIRED", 428, "Say which state you mean to change",
      "Send If-Match with the ETag that you read, or If-None-Match: * to create" },
    { "THROTTLED", 429, "Too many requests", NULL },
    { "HEADERS_TOO_LARGE", 431, "The headers are too large", NULL },
    { "INTERNAL", 500, "The service made a mistake", "The log has more under this traceId" },
    { "NOT_IMPLEMENTED", 501, "Not supported", NULL },
    { "CLUSTER_FAILED", 502, "A cluster did not answer as it should",
      "crossfade cluster check CLUSTER" },
    { "UNAVAILABLE", 503, "Not available at the moment", "Try again shortly" },
    { "VERSION_NOT_SUPPORTED", 505, "This HTTP version is not spoken here", NULL },
    { .code = NULL },
};

const struct cf_problem_row *cf_problem_find(const char *code)
{
    for (const struct cf_problem_row *r = cf_problem_rows; r->code; r++)
        if (strcmp(r->code, code) == 0)
            return r;
    return NULL;
}

char *cf_problem_slug(const char *code, char *buf)
{
    size_t n = 0;
    for (; code[n] && n < 63; n++)
        buf[n] = code[n] == '_' ? '-' : (char)tolower((unsigned char)code[n]);
    buf[n] = 0;
    return buf;
}

static void render(struct cf_http_response *res, const struct cf_problem_row *row,
                   const char *detail, const char *hint, json_t *errors_take)
{
    char slug[64], type[96];
    snprintf(type, sizeof type, "/problems/%s", cf_problem_slug(row->code, slug));
    json_t *body = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", type, "title", row->title,
                             "status", row->status, "code", row->code, "detail", detail);
    if (hint)
        json_object_set_new(body, "hint", json_string(hint));
    const char *trace = cf_http_response_get_header(res, CF_API_REQUEST_ID_HEADER);
    if (trace)
        json_object_set_new(body, "traceId", json_string(trace));
    if (errors_take)
        json_object_set_new(body, "errors", errors_take);
    if (row->status == 401)
        cf_http_response_header(res, "WWW-Authenticate", "Bearer realm=\"crossfade\"");
    cf_http_response_header(res, "Content-Type", "application/problem+json");
    cf_http_response_json_take(res, row->status, body);
}

void cf_problem_full(struct cf_http_response *res, const char *code, const char *hint,
                     json_t *errors_take, const char *fmt, ...)
{
    const struct cf_problem_row *row = cf_problem_find(code);
    cf_assert(row);
    va_list ap;
    va_start(ap, fmt);
    cf_autofree char *detail = cf_xvasprintf(fmt, ap);
    va_end(ap);
    render(res, row, detail, hint ? hint : row->hint, errors_take);
}

void cf_problem(struct cf_http_response *res, const char *code, const char *fmt, ...)
{
    const struct cf_problem_row *row = cf_problem_find(code);
    cf_assert(row);
    va_list ap;
    va_start(ap, fmt);
    cf_autofree char *detail = cf_xvasprintf(fmt, ap);
    va_end(ap);
    render(res, row, detail, row->hint, NULL);
}

/* The store's words first: they say more than the kind. */
static const char *code_of(const struct cf_error *err)
{
    static const struct {
        const char *reason, *code;
    } reasons[] = {
        { CF_STORE_CLAIMED, "CLAIMED" },
        { CF_ENGINE_STALE_DIFF, "STALE_DIFF" },
        { CF_STORE_PRECONDITION, "PRECONDITION_FAILED" },
        { CF_STORE_IDEMPOTENCY, "IDEMPOTENCY_MISMATCH" },
        { CF_STORE_EXISTS, "EXISTS" },
        { CF_STORE_IN_USE, "IN_USE" },
        { CF_STORE_RUN_ENDED, "RUN_ENDED" },
    };
    static const char *const kinds[CF_ERR_KINDS] = {
        [CF_ERR_CONFLICT] = "CONFLICT",
        [CF_ERR_TRANSIENT] = "UNAVAILABLE",
        [CF_ERR_DENIED] = "CLUSTER_FAILED",
        [CF_ERR_INVALID] = "UNPROCESSABLE",
        [CF_ERR_NOT_FOUND] = "NOT_FOUND",
        [CF_ERR_CANCELLED] = "UNAVAILABLE",
        [CF_ERR_UNAVAILABLE] = "UNAVAILABLE",
        [CF_ERR_UNKNOWN] = "UNAVAILABLE",
        [CF_ERR_FENCED] = "UNAVAILABLE",
        [CF_ERR_LIMIT] = "TOO_LARGE",
        [CF_ERR_BUG] = "INTERNAL",
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(reasons); i++)
        if (strcmp(reasons[i].reason, err->reason) == 0)
            return reasons[i].code;
    return kinds[err->kind] ? kinds[err->kind] : "INTERNAL";
}

void cf_problem_error(struct cf_http_response *res, const struct cf_error *err)
{
    const char *code = code_of(err);
    int64_t retry_s = (err->retry_after_ms + 999) / 1000;
    const struct cf_problem_row *row = cf_problem_find(code);
    if (row->status == 503 || row->status == 429)
        cf_http_response_headerf(res, "Retry-After", "%lld",
                                 (long long)CF_MAX(retry_s, (int64_t)1));
    if (row->status == 500) {
        cf_log_err(CF_LOG_ERROR, "api.bug", "a handler failed", err);
        render(res, row, "An invariant of the service did not hold", row->hint, NULL);
        return;
    }
    json_t *errors = NULL;
    if (*err->field && err->field[0] == '/')
        errors = json_pack("[{s:s, s:s}]", "pointer", err->field, "detail", err->message);
    render(res, row, err->message, row->hint, errors);
}

void cf_problem_cluster(struct cf_http_response *res, const struct cf_error *err)
{
    if (err->kind == CF_ERR_BUG || err->kind == CF_ERR_CONFLICT || err->kind == CF_ERR_LIMIT)
        cf_problem_error(res, err);
    else if (err->kind == CF_ERR_NOT_FOUND || err->kind == CF_ERR_INVALID)
        cf_problem(res, "UNPROCESSABLE", "%s", err->message);
    else
        cf_problem(res, "CLUSTER_FAILED", "%s", err->message);
}

void cf_problem_of_server(const struct cf_http_problem *p, struct cf_http_request *req,
                          struct cf_http_response *res, void *owner)
{
    (void)owner;
    static const struct {
        int status;
        const char *code;
    } table[] = {
        { 400, "BAD_REQUEST" },        { 404, "NOT_FOUND" },
        { 405, "METHOD_NOT_ALLOWED" }, { 406, "NOT_ACCEPTABLE" },
        { 408, "REQUEST_TIMEOUT" },    { 413, "TOO_LARGE" },
        { 414, "URI_TOO_LONG" },       { 415, "UNSUPPORTED_MEDIA_TYPE" },
        { 417, "BAD_REQUEST" },        { 431, "HEADERS_TOO_LARGE" },
        { 500, "INTERNAL" },           { 501, "NOT_IMPLEMENTED" },
        { 503, "UNAVAILABLE" },        { 505, "VERSION_NOT_SUPPORTED" },
    };
    const char *code = "BAD_REQUEST";
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++)
        if (table[i].status == p->status)
            code = table[i].code;
    const struct cf_problem_row *row = cf_problem_find(code);
    struct cf_problem_row shown = *row;
    shown.status = p->status;
    (void)cf_api_request_id(req, res);
    render(res, &shown, *p->detail ? p->detail : p->title, row->hint, NULL);
}

json_t *cf_problem_list(void)
{
    json_t *list = json_array();
    for (const struct cf_problem_row *r = cf_problem_rows; r->code; r++) {
        char slug[64], type[96];
        snprintf(type, sizeof type, "/problems/%s", cf_problem_slug(r->code, slug));
        json_t *one = json_pack("{s:s, s:s, s:i, s:s}", "code", r->code, "type", type, "status",
                                r->status, "title", r->title);
        if (r->hint)
            json_object_set_new(one, "hint", json_string(r->hint));
        json_array_append_new(list, one);
    }
    return list;
}
