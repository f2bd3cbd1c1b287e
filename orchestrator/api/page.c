/* SPDX-License-Identifier: Apache-2.0 */
/* Pages and cursors. */
#include "orchestrator/api/page.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/units.h"
#include "base/url.h"
#include "orchestrator/api/problem.h"
#include "store/store.h"

enum { CHECK_HEX = 12, CURSOR_MAX = 512 };

/* The first digits of SHA-256 over the list's path and the key. */
static void check_of(struct cf_http_request *req, const char *key, char out[CHECK_HEX + 1])
{
    char hex[CF_SHA256_HEX];
    cf_autofree char *text = cf_xasprintf("cursor %s\n%s", cf_http_request_path(req), key);
    (void)cf_sha256_hex(text, strlen(text), hex);
    memcpy(out, hex, CHECK_HEX);
    out[CHECK_HEX] = 0;
}

static char *cursor_text(struct cf_http_request *req, const char *key)
{
    char check[CHECK_HEX + 1];
    check_of(req, key, check);
    cf_autofree char *plain = cf_xasprintf("%s:%s", check, key);
    return cf_base64url_encode(plain, strlen(plain));
}

/* base64url without padding → the key, in the request's arena; NULL if it is not one of ours. */
static const char *cursor_key(struct cf_http_request *req, const char *text)
{
    struct cf_error ignored = CF_ERROR_INIT;
    unsigned char *plain = NULL;
    char check[CHECK_HEX + 1];
    size_t len = strlen(text), plain_len = 0;
    if (len == 0 || len > CURSOR_MAX)
        return NULL;
    cf_autofree char *standard = cf_xasprintf("%s%s", text, "===" + 3 - (4 - len % 4) % 4);
    for (char *c = standard; *c; c++)
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    if (!cf_base64_decode(standard, strlen(standard), &plain, &plain_len, &ignored))
        return NULL;
    const char *key = cf_arena_strndup(cf_http_request_arena(req), (char *)plain, plain_len);
    free(plain);
    if (strlen(key) != plain_len || plain_len <= CHECK_HEX || key[CHECK_HEX] != ':')
        return NULL;
    check_of(req, key + CHECK_HEX + 1, check);
    return strncmp(check, key, CHECK_HEX) == 0 ? key + CHECK_HEX + 1 : NULL;
}

static bool read_limit(struct cf_http_request *req, struct cf_http_response *res, int *out)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t n = CF_PAGE_DEFAULT;
    const char *text = cf_http_request_query(req, "limit");
    if (text && !cf_int_parse(text, 1, CF_STORE_LIMIT_MAX, &n, &err)) {
        cf_problem(res, "INVALID_PARAMETER", "limit is a number from 1 to %d", CF_STORE_LIMIT_MAX);
        return false;
    }
    *out = (int)n;
    return true;
}

bool cf_page_of(struct cf_http_request *req, struct cf_http_response *res, bool is_int,
                struct cf_page *out)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_page page = { .after = "" };
    const char *text = cf_http_request_query(req, "cursor");
    if (!read_limit(req, res, &page.limit))
        return false;
    if (text) {
        page.after = cursor_key(req, text);
        if (!page.after ||
            (is_int && !cf_int_parse(page.after, 1, INT64_MAX, &page.after_int, &err))) {
            cf_problem(res, "INVALID_CURSOR", "The cursor was not made for this list");
            return false;
        }
    }
    *out = page;
    return true;
}

/* The same query with another cursor, for Link. */
static void link_next(struct cf_http_request *req, struct cf_http_response *res, const char *cursor)
{
    const char *name, *value;
    CF_CLEANUP(cf_buf_free) struct cf_buf url = CF_BUF_INIT(4 * CURSOR_MAX);
    cf_buf_printf(&url, "<%s?", cf_http_request_path(req));
    for (size_t i = 0; cf_http_request_query_at(req, i, &name, &value); i++) {
        if (strcmp(name, "cursor") == 0)
            continue;
        cf_url_escape(&url, name);
        cf_buf_putc(&url, '=');
        cf_url_escape(&url, value);
        cf_buf_putc(&url, '&');
    }
    cf_buf_printf(&url, "cursor=%s>; rel=\"next\"", cursor);
    if (!url.overflow)
        cf_http_response_header(res, "Link", cf_buf_str(&url));
}

void cf_page_send(struct cf_http_request *req, struct cf_http_response *res, json_t *items_take,
                  bool more, const char *last)
{
    json_t *body = json_pack("{s:o}", "items", items_take);
    if (more && json_array_size(items_take) > 0) {
        cf_autofree char *cursor = cursor_text(req, last);
        json_object_set_new(body, "nextCursor", json_string(cursor));
        link_next(req, res, cursor);
    }
    cf_http_response_json_take(res, 200, body);
}
