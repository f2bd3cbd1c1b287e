/* SPDX-License-Identifier: Apache-2.0 */
/* The table of problems and their plain form. */
#include "orchestrator/http/problem.h"

#include "base/json.h"
#include "orchestrator/http/listener.h"

static const struct {
    int status;
    const char *code;
} codes[] = {
    { 400, "BAD_REQUEST" },        { 404, "NOT_FOUND" },
    { 405, "METHOD_NOT_ALLOWED" }, { 406, "NOT_ACCEPTABLE" },
    { 408, "REQUEST_TIMEOUT" },    { 413, "BODY_TOO_LARGE" },
    { 414, "TARGET_TOO_LONG" },    { 415, "UNSUPPORTED_MEDIA_TYPE" },
    { 417, "EXPECTATION_FAILED" }, { 431, "HEADERS_TOO_LARGE" },
    { 500, "INTERNAL" },           { 501, "NOT_IMPLEMENTED" },
    { 503, "UNAVAILABLE" },        { 505, "VERSION_NOT_SUPPORTED" },
};

static const char *code_of(int status)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(codes); i++)
        if (codes[i].status == status)
            return codes[i].code;
    return "ERROR";
}

static void render_plain(const struct cf_http_problem *p, struct cf_http_response *res)
{
    json_t *j = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", p->title,
                          "status", p->status, "code", p->code);
    cf_assert(j);
    json_t *detail = *p->detail ? json_string(p->detail) : NULL;
    if (detail)
        json_object_set_new(j, "detail", detail);
    cf_http_response_header(res, "Content-Type", "application/problem+json");
    cf_http_response_json_take(res, p->status, j);
}

void http_problem(struct http_exchange *x, int status, const char *detail, const char *extra_name,
                  const char *extra_value)
{
    const struct cf_http_site *site = http_listener_site(x->listener);
    struct cf_http_problem p = {
        .status = status,
        .code = code_of(status),
        .title = cf_http_status_text(status),
        .detail = cf_arena_strdup(x->res.arena, detail ? detail : ""),
    };
    http_response_reset(&x->res);
    cf_http_response_status(&x->res, status);
    if (extra_name)
        cf_http_response_header(&x->res, extra_name, extra_value);
    if (site->problem)
        site->problem(&p, x->has_request ? &x->req : NULL, &x->res, site->owner);
    else
        render_plain(&p, &x->res);
}

void cf_http_response_problem(struct cf_http_response *res, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_autofree char *detail = cf_xvasprintf(fmt, ap);
    va_end(ap);
    http_problem(http_exchange_of_response(res), status, detail, NULL, NULL);
}
