/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what the decoder of chunked bodies takes, refuses and leaves, at once and byte by byte. */
#include "tests/support/test.h"

#include "orchestrator/http/h1_chunked.h"
#include "orchestrator/http/limits.h"

struct row {
    const char *in;
    const char *want; /* the body, then "+" and what is left; or "bad", "large", "more" */
    size_t len;
};

#define NL "\r\n"

static const struct row rows[] = {
    { "0" NL NL, "+", 0 },
    { "3" NL "abc" NL "0" NL NL, "abc+", 0 },
    { "3" NL "abc" NL "2" NL "de" NL "0" NL NL, "abcde+", 0 },
    { "A" NL "0123456789" NL "0" NL NL, "0123456789+", 0 },
    { "a" NL "0123456789" NL "0" NL NL, "0123456789+", 0 },
    { "0003" NL "abc" NL "000" NL NL, "abc+", 0 },
    { "3;x" NL "abc" NL "0" NL NL, "abc+", 0 },
    { "3;x=y;z=\"a b\"" NL "abc" NL "0;last" NL NL, "abc+", 0 },
    { "0" NL "X: y" NL "Z:" NL NL, "+", 0 },
    { "1" NL "a" NL "0" NL NL "GET /", "a+GET /", 0 },
    { "4" NL "\r\n\r\n" NL "0" NL NL, "\r\n\r\n+", 0 },
    { "", "more", 0 },
    { "3" NL "ab", "more", 0 },
    { "3" NL "abc" NL, "more", 0 },
    { "0" NL, "more", 0 },
    { "0" NL "X: y" NL, "more", 0 },
    { NL, "bad", 0 },
    { "x", "bad", 0 },
    { "-1", "bad", 0 },
    { "+1", "bad", 0 },
    { " 3", "bad", 0 },
    { "0x3", "bad", 0 },
    { "3 " NL, "bad", 0 },
    { "3\n", "bad", 0 },
    { "3\rX", "bad", 0 },
    { "3" NL "abcX", "bad", 0 },
    { "3" NL "abc\n", "bad", 0 },
    { "3" NL "abc\rX", "bad", 0 },
    { "3;\n", "bad", 0 },
    { "3;\x01", "bad", 0 },
    { "3;a\0b", "bad", 5 },
    { "0" NL " X: y" NL NL, "bad", 0 },
    { "0" NL ": y" NL NL, "bad", 0 },
    { "0" NL "X: y\n", "bad", 0 },
    { "0" NL "X: \x7f", "bad", 0 },
    { "0" NL "\n", "bad", 0 },
    { "FFFFFFFFFFFFFFFFF", "bad", 0 },
    { "11" NL, "large", 0 },
    { "FFFFFFFF" NL, "large", 0 },
    { "9" NL "012345678" NL "8" NL, "large", 0 },
};

enum { BODY_MAX = 16 };

static void check_row(const struct row *row, size_t step)
{
    size_t len = row->len ? row->len : strlen(row->in), at = 0;
    struct http_chunked c = { .state = 0 };
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(BODY_MAX);
    enum http_chunked_result r = HTTP_CHUNKED_MORE;
    while (r == HTTP_CHUNKED_MORE && at < len) {
        size_t used = 0, n = CF_MIN(step, len - at);
        r = http_chunked_feed(&c, row->in + at, n, &used, &out);
        assert_true(used <= n);
        at += used;
    }
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(1000);
    if (r == HTTP_CHUNKED_DONE)
        cf_buf_printf(&got, "%s+%s", cf_buf_str(&out), row->in + at);
    else
        cf_buf_puts(&got, r == HTTP_CHUNKED_MORE  ? "more"
                          : r == HTTP_CHUNKED_BAD ? "bad"
                                                  : "large");
    if (strcmp(cf_buf_str(&got), row->want) != 0)
        fail_msg("\"%s\" in steps of %zu: got \"%s\" (%s), want \"%s\"", row->in, step, got.data,
                 c.detail ? c.detail : "", row->want);
    assert_false(out.overflow);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        for (size_t step = 1; step <= 64; step *= 2)
            check_row(&rows[i], step);
}

/* Repeats a piece until the decoder refuses; returns how many it took. */
static size_t feed_until_bad(const char *begin, const char *piece)
{
    struct http_chunked c = { .state = 0 };
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(10 * 1024 * 1024);
    size_t used, n = 0;
    assert_int_equal(http_chunked_feed(&c, begin, strlen(begin), &used, &out), HTTP_CHUNKED_MORE);
    while (http_chunked_feed(&c, piece, strlen(piece), &used, &out) == HTTP_CHUNKED_MORE)
        assert_true(++n < 1000000);
    assert_non_null(c.detail);
    return n;
}

static void test_limits(void **state)
{
    (void)state;
    assert_in_range(feed_until_bad("3;", "x"), CF_HTTP_CHUNK_LINE_MAX - 10, CF_HTTP_CHUNK_LINE_MAX);
    assert_in_range(feed_until_bad("0" NL, "X: y" NL), CF_HTTP_TRAILERS_MAX / 7,
                    CF_HTTP_TRAILERS_MAX / 5);
    assert_in_range(feed_until_bad("", "1" NL "a" NL), CF_HTTP_CHUNK_OVERHEAD_MAX / 7,
                    CF_HTTP_CHUNK_OVERHEAD_MAX / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_table),
                                        cmocka_unit_test(test_limits) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
