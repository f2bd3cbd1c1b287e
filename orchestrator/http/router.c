/* SPDX-License-Identifier: Apache-2.0 */
/* Templates are sorted once, the more literal first; a look-up walks them. Tables have some dozens
 * of rows: a walk costs a microsecond. */
#include "orchestrator/http/router.h"

#include <string.h>

#include "base/url.h"
#include "orchestrator/http/chars.h"
#include "orchestrator/http/limits.h"

struct http_router {
    size_t count;
    const struct cf_http_route *sorted[];
};

static size_t segment_length(const char *s)
{
    return strcspn(s, "/");
}

static bool is_param(const char *seg, size_t len)
{
    return len > 2 && seg[0] == '{' && seg[len - 1] == '}';
}

static bool is_rest(const char *seg, size_t len)
{
    return is_param(seg, len) && len > 5 && memcmp(seg + len - 4, "...}", 4) == 0;
}

/* 0 literal, 1 parameter, 2 rest: the order of precedence. */
static int segment_kind(const char *seg, size_t len)
{
    return is_rest(seg, len) ? 2 : is_param(seg, len) ? 1 : 0;
}

/* Order of two templates: by kind at the first segment where they differ, literals by text; 0 when
 * only names of parameters differ. */
static int compare_templates(const char *a, const char *b)
{
    while (*a == '/' && *b == '/') {
        a++, b++;
        size_t la = segment_length(a), lb = segment_length(b);
        int ka = segment_kind(a, la), kb = segment_kind(b, lb);
        if (ka != kb)
            return ka - kb;
        int by_text = ka ? 0 : strncmp(a, b, CF_MAX(la, lb));
        if (by_text)
            return by_text;
        a += la, b += lb;
    }
    return (*a != 0) - (*b != 0);
}

static int compare_rows(const void *pa, const void *pb)
{
    const struct cf_http_route *a = *(const struct cf_http_route *const *)pa;
    const struct cf_http_route *b = *(const struct cf_http_route *const *)pb;
    int by_path = compare_templates(a->path, b->path);
    /* Backwards, so that "*" comes after the named methods and GET, which serves HEAD too, after
     * HEAD. */
    return by_path ? by_path : strcmp(b->method, a->method);
}

static bool check_segment(const char *seg, size_t len, bool is_last)
{
    int kind = segment_kind(seg, len);
    if (kind == 2)
        return is_last && !memchr(seg + 1, '{', len - 1);
    if (kind == 1)
        return http_chars_all(seg + 1, len - 2, HTTP_TOKEN) && !memchr(seg + 1, '{', len - 2);
    return !memchr(seg, '{', len) && !memchr(seg, '}', len) &&
           http_chars_all(seg, len, HTTP_TARGET);
}

static bool check_row(const struct cf_http_route *row, struct cf_error *err)
{
    int params = 0;
    if (!row->path || row->path[0] != '/' || !row->handler)
        return cf_error_set(err, CF_ERR_INVALID,
                            "route %s %s: needs a path from \"/\" and a handler", row->method,
                            row->path ? row->path : "(none)");
    for (const char *s = row->path; *s == '/';) {
        size_t len = segment_length(++s);
        if (!check_segment(s, len, s[len] == 0))
            return cf_error_set(err, CF_ERR_INVALID, "route %s %s: bad segment \"%.*s\"",
                                row->method, row->path, (int)len, s);
        params += segment_kind(s, len) > 0;
        s += len;
    }
    if (params > CF_HTTP_PARAMS_MAX)
        return cf_error_set(err, CF_ERR_INVALID, "route %s %s: more than %d parameters",
                            row->method, row->path, CF_HTTP_PARAMS_MAX);
    return true;
}

struct http_router *http_router_new(const struct cf_http_route *routes, struct cf_error *err)
{
    size_t n = 0;
    for (; routes && routes[n].method; n++)
        if (!check_row(&routes[n], err))
            return NULL;
    cf_autofree struct http_router *r = cf_xcalloc(1, sizeof *r + n * sizeof r->sorted[0]);
    r->count = n;
    for (size_t i = 0; i < n; i++)
        r->sorted[i] = &routes[i];
    qsort(r->sorted, n, sizeof r->sorted[0], compare_rows);
    for (size_t i = 1; i < n; i++) {
        if (compare_rows(&r->sorted[i - 1], &r->sorted[i]) == 0) {
            cf_error_set(err, CF_ERR_INVALID, "routes %s %s and %s %s are the same",
                         r->sorted[i - 1]->method, r->sorted[i - 1]->path, r->sorted[i]->method,
                         r->sorted[i]->path);
            return NULL;
        }
    }
    return cf_steal(&r);
}

void http_router_free(struct http_router *r)
{
    free(r);
}

struct captures {
    size_t count;
    struct {
        const char *name, *value;
        size_t name_len, value_len;
    } at[CF_HTTP_PARAMS_MAX];
};

static bool match(const char *tmpl, const char *path, struct captures *caught)
{
    caught->count = 0;
    while (*tmpl == '/' && *path == '/') {
        tmpl++, path++;
        size_t tl = segment_length(tmpl), pl = segment_length(path);
        int kind = segment_kind(tmpl, tl);
        if (kind == 2)
            pl = strlen(path);
        if (kind == 0 && (tl != pl || memcmp(tmpl, path, tl) != 0))
            return false;
        if (kind > 0) {
            if (pl == 0)
                return false;
            size_t i = caught->count++;
            caught->at[i].name = tmpl + 1;
            caught->at[i].name_len = tl - (kind == 2 ? 5 : 2);
            caught->at[i].value = path;
            caught->at[i].value_len = pl;
        }
        tmpl += tl, path += pl;
    }
    return *tmpl == 0 && *path == 0;
}

static bool serves(const char *row_method, const char *method)
{
    return strcmp(row_method, method) == 0 || strcmp(row_method, "*") == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(row_method, "GET") == 0);
}

static bool set_params(struct cf_http_request *req, const struct captures *caught)
{
    struct cf_error err = CF_ERROR_INIT;
    for (size_t i = 0; i < caught->count; i++) {
        char *value = cf_arena_strndup(req->arena, caught->at[i].value, caught->at[i].value_len);
        if (!cf_url_unescape(value, false, &err))
            return false;
        http_pairs_add(&req->params, req->arena,
                       cf_arena_strndup(req->arena, caught->at[i].name, caught->at[i].name_len),
                       value);
    }
    return true;
}

static void add_allowed(struct cf_buf *allow, const char *method)
{
    size_t len = strlen(method);
    for (const char *at = cf_buf_str(allow); (at = strstr(at, method)); at += len)
        if (at[len] == 0 || at[len] == ',')
            return;
    cf_buf_printf(allow, "%s%s", allow->len ? ", " : "", method);
    if (strcmp(method, "GET") == 0)
        add_allowed(allow, "HEAD");
}

enum http_routed http_router_find(const struct http_router *r, struct cf_http_request *req,
                                  struct cf_buf *allow)
{
    struct captures caught;
    for (size_t i = 0; i < r->count; i++) {
        const struct cf_http_route *row = r->sorted[i];
        if (!match(row->path, req->path, &caught))
            continue;
        if (serves(row->method, req->method)) {
            req->route = row;
            return set_params(req, &caught) ? HTTP_ROUTED : HTTP_ROUTE_BAD;
        }
        add_allowed(allow, row->method);
    }
    if (!allow->len)
        return HTTP_ROUTE_NONE;
    add_allowed(allow, "OPTIONS");
    return strcmp(req->method, "OPTIONS") == 0 ? HTTP_ROUTE_OPTIONS : HTTP_ROUTE_METHOD;
}
