/* SPDX-License-Identifier: Apache-2.0 */
/* Roles, idempotency keys and entity tags, as handlers see them. */
#include "orchestrator/api/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/units.h"
#include "orchestrator/api/problem.h"

static const char *const roles[] = { "", "viewer", "operator", "admin" };

const char *cf_role_name(enum cf_role r)
{
    return roles[r];
}

enum cf_role cf_role_parse(const char *name)
{
    for (enum cf_role r = CF_ROLE_VIEWER; r <= CF_ROLE_ADMIN; r++)
        if (strcmp(roles[r], name) == 0)
            return r;
    return CF_ROLE_NONE;
}

struct cf_api *cf_api_of(struct cf_http_request *req)
{
    return cf_http_request_owner(req);
}

const struct cf_caller *cf_caller_of(struct cf_http_request *req)
{
    return cf_http_request_user(req);
}

const char *cf_principal(struct cf_http_request *req)
{
    const struct cf_caller *c = cf_caller_of(req);
    return c ? c->name : "";
}

/* SHA-256 over method, path and body: what makes two requests the same. */
static char *request_digest(struct cf_http_request *req)
{
    size_t len;
    const char *body = cf_http_request_body(req, &len);
    CF_CLEANUP(cf_buf_free) struct cf_buf all = CF_BUF_INIT(8 * 1024 * 1024);
    cf_buf_printf(&all, "%s %s\n", cf_http_request_method(req), cf_http_request_target(req));
    cf_buf_append(&all, body, len);
    char hex[CF_SHA256_HEX];
    return cf_arena_strdup(cf_http_request_arena(req),
                           cf_sha256_hex(cf_buf_str(&all), all.len, hex));
}

bool cf_idem_of(struct cf_http_request *req, struct cf_idem *idem)
{
    const char *key = cf_http_request_header(req, "Idempotency-Key");
    if (!key || !*key)
        return false;
    const struct cf_http_route *route = cf_http_request_route(req);
    const struct cf_caller *caller = cf_caller_of(req);
    *idem = (struct cf_idem){
        .principal = caller ? caller->token_id : "",
        .route = cf_arena_printf(cf_http_request_arena(req), "%s %s", route->method, route->path),
        .key = key,
        .request_sha256 = request_digest(req),
    };
    return true;
}

void cf_idem_mark(struct cf_http_response *res, const struct cf_idem *idem)
{
    if (idem->replayed)
        cf_http_response_header(res, "Idempotency-Replayed", "true");
}

void cf_etag_set(struct cf_http_response *res, int64_t revision)
{
    cf_http_response_headerf(res, "ETag", "\"%lld\"", (long long)revision);
}

/* "\"7\"" → 7. Weak tags and lists are refused: a change names the one state it means. */
static bool parse_etag(const char *text, int64_t *out)
{
    size_t len = strlen(text);
    struct cf_error err = CF_ERROR_INIT;
    if (len < 3 || text[0] != '"' || text[len - 1] != '"')
        return false;
    cf_autofree char *digits = cf_xstrndup(text + 1, len - 2);
    return cf_int_parse(digits, 1, INT32_MAX, out, &err);
}

bool cf_etag_expect(struct cf_http_request *req, struct cf_http_response *res, int64_t *out)
{
    const char *none = cf_http_request_header(req, "If-None-Match");
    const char *match = cf_http_request_header(req, "If-Match");
    if (none && strcmp(none, "*") == 0 && !match) {
        *out = 0;
        return true;
    }
    if (match && !none && strcmp(match, "*") == 0) {
        *out = -1;
        return true;
    }
    if (match && !none && parse_etag(match, out))
        return true;
    if (!match && !none)
        cf_problem(res, "PRECONDITION_REQUIRED", "Neither If-Match nor If-None-Match was sent");
    else
        cf_problem(res, "BAD_REQUEST",
                   "Send either If-None-Match: * (create) or If-Match with one strong ETag such as "
                   "\"3\", or *");
    return false;
}

/* RFC 9110 13.1.2: `*`, or a list in which a tag counts whether it is weak or not, for caches weaken
 * what they compress. */
static bool names_etag(const char *list, int64_t revision)
{
    cf_autofree char *copy = cf_xstrdup(list);
    char *rest = copy, *item;
    while ((item = strsep(&rest, ",")) != NULL) {
        int64_t known;
        item += strspn(item, " \t");
        item[strcspn(item, " \t")] = '\0';
        item += strncmp(item, "W/", 2) == 0 ? 2 : 0;
        if (strcmp(item, "*") == 0 || (parse_etag(item, &known) && known == revision))
            return true;
    }
    return false;
}

bool cf_etag_not_modified(struct cf_http_request *req, struct cf_http_response *res,
                          int64_t revision)
{
    const char *none = cf_http_request_header(req, "If-None-Match");
    cf_etag_set(res, revision);
    if (!none || !names_etag(none, revision))
        return false;
    cf_http_response_status(res, 304);
    return true;
}
