/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an HTTP/1.x request, then a chunked body: what the parsers say does not depend on how
 * the bytes arrive, spans lie inside the head, and what is taken obeys the rules that the
 * connection relies on. */
/* libs: cf_http */
#include <string.h>

#include "base/buf.h"
#include "orchestrator/http/h1_chunked.h"
#include "orchestrator/http/h1_parse.h"
#include "orchestrator/http/target.h"
#include "tests/fuzz/fuzz.h"

enum { BODY_MAX = 4096 };

static enum http_h1_result parse(struct http_h1_head *h, const char *data, size_t size, size_t step)
{
    enum http_h1_result r = HTTP_H1_MORE;
    *h = (struct http_h1_head){ .status = 0 };
    for (size_t have = CF_MIN(step, size); r == HTTP_H1_MORE; have = CF_MIN(have + step, size)) {
        char *copy = cf_xmalloc(have + 1);
        memcpy(copy, data, have);
        r = http_h1_parse(h, copy, have);
        free(copy);
        if (have == size)
            break;
    }
    return r;
}

static void check_span(const struct http_h1_head *h, struct http_span s)
{
    cf_assert((size_t)s.at + s.len <= h->consumed);
}

static void check_done(const struct http_h1_head *h, const char *data)
{
    check_span(h, h->method);
    check_span(h, h->target);
    check_span(h, h->host);
    for (size_t i = 0; i < h->header_count; i++) {
        check_span(h, h->headers[i].name);
        check_span(h, h->headers[i].value);
        cf_assert(h->headers[i].name.len > 0);
        cf_assert(!memchr(data + h->headers[i].value.at, '\n', h->headers[i].value.len));
    }
    const char *target = data + h->target.at;
    cf_assert((h->target.len == 1 && *target == '*') || !http_target_check(target, h->target.len));
    cf_assert(h->minor == 0 || !http_host_check(data + h->host.at, h->host.len));
    cf_assert(!h->chunked || h->content_length == 0);
    cf_assert(h->consumed <= CF_HTTP_HEAD_MAX && memcmp(data + h->consumed - 2, "\r\n", 2) == 0);
}

static enum http_chunked_result decode(const char *data, size_t size, size_t step,
                                       struct cf_buf *out, size_t *out_used)
{
    struct http_chunked c = { .state = 0 };
    enum http_chunked_result r = HTTP_CHUNKED_MORE;
    for (*out_used = 0; r == HTTP_CHUNKED_MORE && *out_used < size;) {
        size_t used = 0, n = CF_MIN(step, size - *out_used);
        r = http_chunked_feed(&c, data + *out_used, n, &used, out);
        cf_assert(used <= n && (r != HTTP_CHUNKED_MORE || used == n));
        *out_used += used;
    }
    cf_assert(!out->overflow && (r == HTTP_CHUNKED_BAD) == (c.detail != NULL));
    return r;
}

static void check_chunked(const char *data, size_t size)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf whole = CF_BUF_INIT(BODY_MAX);
    CF_CLEANUP(cf_buf_free) struct cf_buf split = CF_BUF_INIT(BODY_MAX);
    size_t used_whole, used_split;
    enum http_chunked_result r = decode(data, size, size, &whole, &used_whole);
    cf_assert(decode(data, size, 3, &split, &used_split) == r);
    if (r == HTTP_CHUNKED_DONE)
        cf_assert(used_whole == used_split);
    cf_assert(whole.len == split.len &&
              (!whole.len || memcmp(whole.data, split.data, whole.len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *data = (const char *)bytes;
    struct http_h1_head h, again;
    enum http_h1_result r = parse(&h, data, size, size);
    static const size_t steps[] = { 1, 7 };
    for (size_t i = 0; i < CF_ARRAY_LEN(steps); i++) {
        cf_assert(parse(&again, data, size, steps[i]) == r);
        cf_assert(again.status == h.status && again.consumed == h.consumed &&
                  again.header_count == h.header_count);
    }
    cf_assert(r != HTTP_H1_BAD || (h.status >= 400 && h.status <= 505 && h.detail));
    if (r == HTTP_H1_DONE)
        check_done(&h, data);
    if (r != HTTP_H1_DONE)
        check_chunked(data, size);
    else if (h.chunked)
        check_chunked(data + h.consumed, size - h.consumed);
    return 0;
}
