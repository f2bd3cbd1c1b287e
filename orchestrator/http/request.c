/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: filled on the sockets' thread, read by handlers. */
#include <string.h>
#include <strings.h>

#include "base/url.h"
#include "orchestrator/http/chars.h"
#include "orchestrator/http/limits.h"
#include "orchestrator/http/message.h"

/* Lines that say one thing once; a second one is somebody trying to be understood in two ways. */
static const char *const singletons[] = { "authorization",      "content-length",
                                          "content-type",       "idempotency-key",
                                          "last-event-id",      "if-modified-since",
                                          "if-unmodified-since" };

void http_pairs_add(struct http_pairs *p, struct cf_arena *a, const char *name, const char *value)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 16;
        struct http_pair *items = cf_arena_alloc(a, cap * sizeof *items);
        if (p->count)
            memcpy(items, p->items, p->count * sizeof *items);
        p->items = items;
        p->cap = cap;
    }
    p->items[p->count++] = (struct http_pair){ .name = name, .value = value };
}

struct http_pair *http_pairs_find(const struct http_pairs *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcasecmp(p->items[i].name, name) == 0)
            return &p->items[i];
    return NULL;
}

static const char *pairs_value(const struct http_pairs *p, const char *name)
{
    const struct http_pair *found = http_pairs_find(p, name);
    return found ? found->value : NULL;
}

static bool pairs_at(const struct http_pairs *p, size_t index, const char **out_name,
                     const char **out_value)
{
    if (index >= p->count)
        return false;
    *out_name = p->items[index].name;
    *out_value = p->items[index].value;
    return true;
}

static const char *add_query(struct cf_http_request *req, const char *item, size_t len)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *equals = memchr(item, '=', len);
    size_t name_len = equals ? (size_t)(equals - item) : len;
    char *name = cf_arena_strndup(req->arena, item, name_len);
    char *value = equals ? cf_arena_strndup(req->arena, equals + 1, len - name_len - 1)
                         : cf_arena_strdup(req->arena, "");
    if (!cf_url_unescape(name, true, &err) || !cf_url_unescape(value, true, &err))
        return "the query has a broken percent escape";
    if (req->query.count == CF_HTTP_QUERY_MAX)
        return "too many query parameters";
    http_pairs_add(&req->query, req->arena, name, value);
    return NULL;
}

static const char *parse_query(struct cf_http_request *req, const char *q)
{
    while (*q) {
        size_t len = strcspn(q, "&");
        const char *wrong = len ? add_query(req, q, len) : NULL;
        if (wrong)
            return wrong;
        q += len + (q[len] == '&');
    }
    return NULL;
}

const char *http_request_set_target(struct cf_http_request *req, const char *method,
                                    size_t method_len, const char *target, size_t target_len)
{
    req->method = cf_arena_strndup(req->arena, method, method_len);
    req->is_head = strcmp(req->method, "HEAD") == 0;
    req->target = cf_arena_strndup(req->arena, target, target_len);
    size_t path_len = strcspn(req->target, "?");
    req->path = cf_arena_strndup(req->arena, target, path_len);
    return path_len < target_len ? parse_query(req, req->target + path_len + 1) : NULL;
}

static bool is_singleton(const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(singletons); i++)
        if (strcasecmp(name, singletons[i]) == 0)
            return true;
    return false;
}

/* Appends in place while there is room, which doubles: many lines of one name cost twice their
 * bytes, not their square. */
static void join(struct cf_arena *a, struct http_pair *pair, const char *sep, const char *text)
{
    size_t old = strlen(pair->value), more = strlen(sep) + strlen(text);
    if (old + more + 1 > pair->room) {
        pair->room = 2 * (old + more + 1);
        char *larger = cf_arena_alloc(a, pair->room);
        memcpy(larger, pair->value, old);
        pair->value = pair->joined = larger;
    }
    memcpy(pair->joined + old, sep, strlen(sep));
    memcpy(pair->joined + old + strlen(sep), text, strlen(text) + 1);
}

bool http_request_add_header(struct cf_http_request *req, const char *name, size_t name_len,
                             const char *value, size_t value_len)
{
    char *copy = cf_arena_strndup(req->arena, name, name_len);
    char *text = cf_arena_strndup(req->arena, value, value_len);
    struct http_pair *found = http_pairs_find(&req->headers, copy);
    if (!found) {
        http_pairs_add(&req->headers, req->arena, copy, text);
        return true;
    }
    if (is_singleton(copy))
        return false;
    join(req->arena, found, strcasecmp(copy, "cookie") == 0 ? "; " : ", ", text);
    return true;
}

const char *cf_http_request_method(const struct cf_http_request *req)
{
    return req->method;
}

const char *cf_http_request_target(const struct cf_http_request *req)
{
    return req->target;
}

const char *cf_http_request_path(const struct cf_http_request *req)
{
    return req->path;
}

const char *cf_http_request_version(const struct cf_http_request *req)
{
    return req->version;
}

const char *cf_http_request_host(const struct cf_http_request *req)
{
    return req->host;
}

const char *cf_http_request_param(const struct cf_http_request *req, const char *name)
{
    for (size_t i = 0; i < req->params.count; i++)
        if (strcmp(req->params.items[i].name, name) == 0)
            return req->params.items[i].value;
    return NULL;
}

const char *cf_http_request_query(const struct cf_http_request *req, const char *name)
{
    for (size_t i = 0; i < req->query.count; i++)
        if (strcmp(req->query.items[i].name, name) == 0)
            return req->query.items[i].value;
    return NULL;
}

bool cf_http_request_query_at(const struct cf_http_request *req, size_t index,
                              const char **out_name, const char **out_value)
{
    return pairs_at(&req->query, index, out_name, out_value);
}

const char *cf_http_request_header(const struct cf_http_request *req, const char *name)
{
    return pairs_value(&req->headers, name);
}

bool cf_http_request_header_at(const struct cf_http_request *req, size_t index,
                               const char **out_name, const char **out_value)
{
    return pairs_at(&req->headers, index, out_name, out_value);
}

const char *cf_http_request_body(const struct cf_http_request *req, size_t *out_len)
{
    *out_len = req->body.len;
    return cf_buf_str(&req->body);
}

const char *cf_http_request_accepted(const struct cf_http_request *req)
{
    return req->accepted;
}

int64_t cf_http_request_prefer_wait(const struct cf_http_request *req, int64_t max_ms)
{
    const char *p = pairs_value(&req->headers, "prefer"), *item;
    const char *end = p ? p + strlen(p) : NULL;
    size_t len;
    while (p && http_list_next(&p, end, &item, &len)) {
        if (len < 6 || len > 11 || strncasecmp(item, "wait=", 5) != 0 ||
            !http_chars_all(item + 5, len - 5, HTTP_DIGIT))
            continue;
        int64_t seconds = 0;
        for (size_t i = 5; i < len; i++)
            seconds = seconds * 10 + (item[i] - '0');
        return CF_MIN(seconds * 1000, max_ms);
    }
    return 0;
}

const char *cf_http_request_peer(const struct cf_http_request *req)
{
    return req->peer;
}

bool cf_http_request_is_tls(const struct cf_http_request *req)
{
    return req->is_tls;
}

const struct cf_http_route *cf_http_request_route(const struct cf_http_request *req)
{
    return req->route;
}

const void *cf_http_request_row(const struct cf_http_request *req)
{
    return req->route ? req->route->row : NULL;
}

void *cf_http_request_owner(const struct cf_http_request *req)
{
    return req->owner;
}

int64_t cf_http_request_started_ms(const struct cf_http_request *req)
{
    return req->started_ms;
}

struct cf_arena *cf_http_request_arena(struct cf_http_request *req)
{
    return req->arena;
}

bool cf_http_request_gone(const struct cf_http_request *req)
{
    return atomic_load(&req->gone);
}

void cf_http_request_set_user(struct cf_http_request *req, void *user)
{
    req->user = user;
}

void *cf_http_request_user(const struct cf_http_request *req)
{
    return req->user;
}
