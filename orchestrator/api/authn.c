/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication, authorization, access log. */
#include "orchestrator/api/authn.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/uuid.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/token.h"
#include "store/events.h"

/* A client's own id is kept if it is short and harmless. */
static bool is_fine_id(const char *text)
{
    size_t n = 0;
    for (; text[n]; n++)
        if (n >= 64 || !(isalnum((unsigned char)text[n]) || strchr("-_.", text[n])))
            return false;
    return n >= 8;
}

/* The trace id of "00-<32 hex>-<16 hex>-<2 hex>", or NULL. */
static const char *trace_id(const char *traceparent, char buf[33])
{
    if (!traceparent || strlen(traceparent) != 55 || strncmp(traceparent, "00-", 3) != 0)
        return NULL;
    memcpy(buf, traceparent + 3, 32);
    buf[32] = 0;
    return strspn(buf, "0123456789abcdef") == 32 ? buf : NULL;
}

const char *cf_api_request_id(struct cf_http_request *req, struct cf_http_response *res)
{
    char id[33], trace[33];
    const char *known = cf_http_response_get_header(res, CF_API_REQUEST_ID_HEADER);
    if (known)
        return known;
    const char *given = req ? cf_http_request_header(req, CF_API_REQUEST_ID_HEADER) : NULL;
    if (!given || !is_fine_id(given))
        given = trace_id(req ? cf_http_request_header(req, "traceparent") : NULL, trace);
    cf_http_response_header(res, CF_API_REQUEST_ID_HEADER,
                            given ? given : cf_random_hex(id, sizeof id - 1));
    return cf_http_response_get_header(res, CF_API_REQUEST_ID_HEADER);
}

/* What every answer carries, whoever reads it. */
static void common_headers(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)cf_api_request_id(req, res);
    cf_http_response_header(res, "X-Content-Type-Options", "nosniff");
    cf_http_response_header(res, "Cache-Control", "no-store");
}

static bool refuse_caller(struct cf_http_request *req, struct cf_http_response *res,
                          const char *why, const char *detail)
{
    cf_metric_add(cf_api_of(req)->metrics, "crossfade_auth_failures_total", CF_LABELS(why), 1);
    cf_problem(res, "UNAUTHENTICATED", "%s", detail);
    return false;
}

static const char *bearer_of(struct cf_http_request *req)
{
    const char *h = cf_http_request_header(req, "Authorization");
    if (!h || strncasecmp(h, "Bearer ", 7) != 0)
        return NULL;
    for (h += 7; *h == ' ';)
        h++;
    return h;
}

static bool authenticate(struct cf_http_request *req, struct cf_http_response *res)
{
    unsigned char sha256[CF_SHA256_BYTES];
    CF_CLEANUP(cf_token_row_free) struct cf_token_row row = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    const char *text = bearer_of(req);
    if (!text)
        return refuse_caller(req, res, "missing", "No bearer token was sent");
    if (!cf_token_parse(text, sha256))
        return refuse_caller(req, res, "malformed", "What was sent is not a token of this service");
    if (!cf_token_authenticate(cf_api_of(req)->store, sha256, &row, &err)) {
        if (err.kind == CF_ERR_DENIED)
            return refuse_caller(req, res, "refused",
                                 "The token is unknown, revoked or has expired");
        cf_log_err(CF_LOG_WARN, "access.unchecked", "a token could not be checked", &err);
        cf_http_response_header(res, "Retry-After", "1");
        cf_problem(res, "UNAVAILABLE", "Tokens cannot be checked: the database does not answer");
        return false;
    }
    struct cf_arena *arena = cf_http_request_arena(req);
    struct cf_caller *caller = cf_arena_alloc(arena, sizeof *caller);
    memcpy(caller->token_id, row.id, sizeof caller->token_id);
    caller->name = cf_arena_strdup(arena, row.name);
    caller->role = cf_role_parse(row.role);
    caller->expires_ms = row.expires_ms;
    cf_http_request_set_user(req, caller);
    return true;
}

/* The refusal is part of the record. */
static void record_denial(struct cf_http_request *req, const struct cf_route *route)
{
    struct cf_error err = CF_ERROR_INIT;
    const struct cf_caller *caller = cf_caller_of(req);
    cf_autofree char *subject = cf_xasprintf("token/%s", caller->token_id);
    cf_autojson json_t *body =
        json_pack("{s:s,s:s,s:s,s:s}", "method", route->method, "path", cf_http_request_path(req),
                  "role", cf_role_name(caller->role), "needed", cf_role_name(route->role));
    cf_metric_add(cf_api_of(req)->metrics, "crossfade_authz_denied_total",
                  CF_LABELS(cf_role_name(caller->role)), 1);
    if (!body ||
        !cf_event_append(cf_api_of(req)->store, "access.denied", subject, caller->name, body, &err))
        cf_log_err(CF_LOG_WARN, "access.denied", "a refusal was not recorded", &err);
}

static bool authorize(struct cf_http_request *req, struct cf_http_response *res,
                      const struct cf_route *route)
{
    const struct cf_caller *caller = cf_caller_of(req);
    if (caller->role >= route->role)
        return true;
    record_denial(req, route);
    cf_problem(res, "FORBIDDEN", "This needs the role %s; the token \"%s\" has the role %s",
               cf_role_name(route->role), caller->name, cf_role_name(caller->role));
    return false;
}

bool cf_api_guard(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct cf_route *route = cf_http_request_row(req);
    common_headers(req, res);
    if (route->role != CF_ROLE_NONE && (!authenticate(req, res) || !authorize(req, res, route)))
        return false;
    return cf_route_check_query(req, res, route);
}

static const char *status_class(int status)
{
    static const char *const classes[] = { "", "1xx", "2xx", "3xx", "4xx", "5xx" };
    return classes[CF_MIN(CF_MAX(status / 100, 0), 5)];
}

enum cf_log_level cf_api_log_level(const char *method, int status, bool probe)
{
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (status >= 500)
        return probe ? CF_LOG_INFO : CF_LOG_WARN;
    return reads && status < 400 ? CF_LOG_DEBUG : CF_LOG_INFO;
}

void cf_api_done(const struct cf_http_request *req, const struct cf_http_response *res,
                 bool complete, void *owner)
{
    struct cf_api *api = owner;
    const struct cf_route *route = req ? cf_http_request_row(req) : NULL;
    const struct cf_caller *caller = req ? cf_http_request_user(req) : NULL;
    int status = cf_http_response_get_status(res);
    int64_t ms = req ? cf_mono_now_ms() - cf_http_request_started_ms(req) : 0;
    bool probe = route && route->role == CF_ROLE_NONE;
    if (!route || !(route->flags & CF_ROUTE_STREAM))
        cf_metric_observe(api->metrics, "crossfade_http_request_duration_seconds",
                          CF_LABELS(route ? route->path : "other", route ? route->method : "other",
                                    status_class(status)),
                          (double)ms / 1000);
    cf_log(cf_api_log_level(req ? cf_http_request_method(req) : "", status, probe), "http.request",
           complete ? "answered" : "the client left before the answer's end",
           CF_S("method", req ? cf_http_request_method(req) : ""),
           CF_S("path", req ? cf_http_request_path(req) : ""), CF_I("status", status),
           CF_I("ms", ms), CF_S("peer", req ? cf_http_request_peer(req) : ""),
           CF_S("principal", caller ? caller->name : ""),
           CF_S("token", caller ? caller->token_id : ""),
           CF_S("request", cf_http_response_get_header(res, CF_API_REQUEST_ID_HEADER)));
}
