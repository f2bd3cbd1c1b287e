/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what the HTTP/1.x parser takes and what it refuses with which status, and that the way the
 * bytes arrive makes no difference: every case is parsed at once, byte by byte, and with a split at
 * each place, from a buffer of exactly that size. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "orchestrator/http/h1_parse.h"

struct row {
    const char *name;
    const char *in;
    const char *want; /* "METHOD target host 1.minor keep|close length|chunked[ continue] N" or
                         "status" or "more" */
    size_t len;       /* 0: strlen */
};

#define NL             "\r\n"
#define H              "Host: a" NL
#define END            NL
#define GET            "GET / HTTP/1.1" NL
#define POST           "POST / HTTP/1.1" NL H
#define WITH_NUL(text) text, "400", sizeof text - 1

static const struct row rows[] = {
    /* Taken */
    { "smallest", GET H END, "GET / a 1.1 keep 0 1", 0 },
    { "path and query", "GET /a/b?c=d&e HTTP/1.1" NL H END, "GET /a/b?c=d&e a 1.1 keep 0 1", 0 },
    { "empty segments", "GET //a// HTTP/1.1" NL H END, "GET //a// a 1.1 keep 0 1", 0 },
    { "question mark in the query", "GET /?a?b HTTP/1.1" NL H END, "GET /?a?b a 1.1 keep 0 1", 0 },
    { "escapes", "GET /%2F%20%c3%A4 HTTP/1.1" NL H END, "GET /%2F%20%c3%A4 a 1.1 keep 0 1", 0 },
    { "dots inside names", "GET /a..b/.well-known/... HTTP/1.1" NL H END,
      "GET /a..b/.well-known/... a 1.1 keep 0 1", 0 },
    { "dots in the query", "GET /?../.. HTTP/1.1" NL H END, "GET /?../.. a 1.1 keep 0 1", 0 },
    { "host with port", GET "Host: a.b:80" NL END, "GET / a.b:80 1.1 keep 0 1", 0 },
    { "host with empty port", GET "Host: a:" NL END, "GET / a: 1.1 keep 0 1", 0 },
    { "IPv6 host", GET "Host: [::1]:8443" NL END, "GET / [::1]:8443 1.1 keep 0 1", 0 },
    { "host in other case", GET "hOST: a" NL END, "GET / a 1.1 keep 0 1", 0 },
    { "space around values", GET "Host: \t a \t " NL END, "GET / a 1.1 keep 0 1", 0 },
    { "no space before the value", GET "Host:a" NL END, "GET / a 1.1 keep 0 1", 0 },
    { "empty value", GET H "X:" NL END, "GET / a 1.1 keep 0 2", 0 },
    { "blank value", GET H "X: \t" NL END, "GET / a 1.1 keep 0 2", 0 },
    { "bytes above 127 in a value", GET H "X: \xc3\xa4" NL END, "GET / a 1.1 keep 0 2", 0 },
    { "tab in a value", GET H "X: a\tb" NL END, "GET / a 1.1 keep 0 2", 0 },
    { "odd token characters", GET H "!#$%&'*+-.^_`|~9: x" NL END, "GET / a 1.1 keep 0 2", 0 },
    { "a method of one's own", "PURGE-IT / HTTP/1.1" NL H END, "PURGE-IT / a 1.1 keep 0 1", 0 },
    { "one empty line in front", NL GET H END, "GET / a 1.1 keep 0 1", 0 },
    { "close", GET H "Connection: close" NL END, "GET / a 1.1 close 0 2", 0 },
    { "close in a list", GET H "Connection: a, CLOSE , b" NL END, "GET / a 1.1 close 0 2", 0 },
    { "keep-alive", GET H "Connection: keep-alive" NL END, "GET / a 1.1 keep 0 2", 0 },
    { "close is a word, not a part", GET H "Connection: closed" NL END, "GET / a 1.1 keep 0 2", 0 },
    { "1.0", "GET / HTTP/1.0" NL END, "GET /  1.0 close 0 0", 0 },
    { "1.0 with host", "GET / HTTP/1.0" NL H END, "GET / a 1.0 close 0 1", 0 },
    { "1.0 with length", "POST / HTTP/1.0" NL "Content-Length: 3" NL END, "POST /  1.0 close 3 1",
      0 },
    { "1.0 does not expect", "POST / HTTP/1.0" NL "Expect: 100-continue" NL END,
      "POST /  1.0 close 0 1", 0 },
    { "length", POST "Content-Length: 12" NL END, "POST / a 1.1 keep 12 2", 0 },
    { "length zero", POST "Content-Length: 0" NL END, "POST / a 1.1 keep 0 2", 0 },
    { "length with zeros", POST "Content-Length: 0012" NL END, "POST / a 1.1 keep 12 2", 0 },
    { "chunked", POST "Transfer-Encoding: chunked" NL END, "POST / a 1.1 keep chunked 2", 0 },
    { "chunked in other case", POST "transfer-encoding: ChunkeD" NL END,
      "POST / a 1.1 keep chunked 2", 0 },
    { "expects", POST "Content-Length: 1" NL "Expect: 100-Continue" NL END,
      "POST / a 1.1 keep 1 continue 3", 0 },
    { "what follows is not read", GET H END "rubbish \x01", "GET / a 1.1 keep 0 1", 0 },
    { "absolute target", "GET http://a/b?c HTTP/1.1" NL H END, "GET /b?c a 1.1 keep 0 1", 0 },
    { "absolute target in other case", "GET HTTPS://A/b HTTP/1.1" NL H END, "GET /b a 1.1 keep 0 1",
      0 },
    { "absolute target without path", "GET http://a HTTP/1.1" NL H END, "GET / a 1.1 keep 0 1", 0 },
    { "OPTIONS *", "OPTIONS * HTTP/1.1" NL H END, "OPTIONS * a 1.1 keep 0 1", 0 },
    { "upgrades are not taken", GET H "Connection: Upgrade" NL "Upgrade: h2c" NL END,
      "GET / a 1.1 keep 0 3", 0 },

    /* Not yet */
    { "nothing", "", "more", 0 },
    { "half a line", "GET / HT", "more", 0 },
    { "no empty line", GET H, "more", 0 },
    { "half an empty line", GET H "\r", "more", 0 },

    /* Line ends */
    { "bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400", 0 },
    { "bare LF after a header", GET "Host: a\n\r\n", "400", 0 },
    { "bare LF as the last line", GET H "\n", "400", 0 },
    { "bare LF in front", "\n" GET H END, "400", 0 },
    { "bare CR in a value", GET H "X: a\rb" NL END, "400", 0 },
    { "bare CR in the target", "GET /\r HTTP/1.1" NL H END, "400", 0 },
    { "CR CR LF", GET "Host: a\r\r\n\r\n", "400", 0 },
    { "two empty lines in front", NL NL GET H END, "400", 0 },

    /* Request line */
    { "TLS on a clear port", "\x16\x03\x01\x02", "400", 0 },
    { "space in front", " GET / HTTP/1.1" NL, "400", 0 },
    { "no method", "/ HTTP/1.1" NL, "400", 0 },
    { "brackets in the method", "GE[T / HTTP/1.1" NL, "400", 0 },
    { "long method", "ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1" NL, "501", 0 },
    { "no target", "GET  HTTP/1.1" NL, "400", 0 },
    { "no version", "GET /" NL, "400", 0 },
    { "empty version", "GET / " NL, "400", 0 },
    { "two spaces", "GET /  HTTP/1.1" NL, "400", 0 },
    { "tab for a space", "GET\t/\tHTTP/1.1" NL, "400", 0 },
    { "space in the target", "GET /a b HTTP/1.1" NL, "400", 0 },
    { "space behind the version", "GET / HTTP/1.1 " NL, "400", 0 },
    { "lower-case version", "GET / http/1.1" NL, "400", 0 },
    { "version without digits", "GET / HTTP/1.x" NL, "400", 0 },
    { "version with more digits", "GET / HTTP/1.10" NL, "400", 0 },
    { "HTTP/0.9", "GET / HTTP/0.9" NL, "505", 0 },
    { "HTTP/1.2", "GET / HTTP/1.2" NL, "505", 0 },
    { "HTTP/2 as text", "PRI * HTTP/2.0" NL, "505", 0 },
    { "HTTP/3.0", "GET / HTTP/3.0" NL, "505", 0 },
    { "NUL in the method", WITH_NUL("G\0T / HTTP/1.1" NL H END) },
    { "control character in the target", "GET /\x01 HTTP/1.1" NL H END, "400", 0 },
    { "raw bytes in the target", "GET /\xc3\xa4 HTTP/1.1" NL H END, "400", 0 },
    { "fragment", "GET /#a HTTP/1.1" NL H END, "400", 0 },
    { "quotes", "GET /\"a\" HTTP/1.1" NL H END, "400", 0 },
    { "backslash", "GET /a\\b HTTP/1.1" NL H END, "400", 0 },
    { "relative target", "GET a HTTP/1.1" NL H END, "400", 0 },
    { "star for GET", "GET * HTTP/1.1" NL H END, "400", 0 },
    { "CONNECT", "CONNECT a:80 HTTP/1.1" NL H END, "501", 0 },
    { "broken escape", "GET /%4 HTTP/1.1" NL H END, "400", 0 },
    { "broken escape inside", "GET /%zz/ HTTP/1.1" NL H END, "400", 0 },
    { "escaped NUL", "GET /%00 HTTP/1.1" NL H END, "400", 0 },
    { "no UTF-8 in the path", "GET /%ff HTTP/1.1" NL H END, "400", 0 },
    { "half a character in the query", "GET /?a=%C3 HTTP/1.1" NL H END, "400", 0 },
    { "dot segment", "GET /a/./b HTTP/1.1" NL H END, "400", 0 },
    { "double dot", "GET /a/.. HTTP/1.1" NL H END, "400", 0 },
    { "escaped dots", "GET /%2e%2E/b HTTP/1.1" NL H END, "400", 0 },
    { "half escaped dots", "GET /.%2e?x HTTP/1.1" NL H END, "400", 0 },
    { "absolute target of another host", "GET http://b/ HTTP/1.1" NL H END, "400", 0 },
    { "absolute target of another port", "GET http://a:81/ HTTP/1.1" NL H END, "400", 0 },
    { "absolute target with a user", "GET http://u@a/ HTTP/1.1" NL H END, "400", 0 },
    { "absolute target of another scheme", "GET ftp://a/ HTTP/1.1" NL H END, "400", 0 },
    { "absolute target, query only", "GET http://a?b HTTP/1.1" NL H END, "400", 0 },

    /* Header lines */
    { "folded line", GET H "X: a" NL " b" NL END, "400", 0 },
    { "folded with a tab", GET H "X: a" NL "\tb" NL END, "400", 0 },
    { "space before the first header", GET " Host: a" NL END, "400", 0 },
    { "space before the colon", GET "Host : a" NL END, "400", 0 },
    { "tab before the colon", GET "Host\t: a" NL END, "400", 0 },
    { "no colon", GET H "X" NL END, "400", 0 },
    { "no name", GET H ": x" NL END, "400", 0 },
    { "NUL in a value", WITH_NUL(GET H "X: a\0b" NL END) },
    { "NUL in a name", WITH_NUL(GET H "X\0: b" NL END) },
    { "DEL in a value", GET H "X: \x7f" NL END, "400", 0 },
    { "escape in a value", GET H "X: \x1b[31m" NL END, "400", 0 },
    { "bytes above 127 in a name", GET H "\xc3\xa4: b" NL END, "400", 0 },
    { "brackets in a name", GET H "X(): b" NL END, "400", 0 },

    /* Host */
    { "no host", GET END, "400", 0 },
    { "two hosts", GET H H END, "400", 0 },
    { "two different hosts", GET H "Host: b" NL END, "400", 0 },
    { "empty host", GET "Host:" NL END, "400", 0 },
    { "host with a path", GET "Host: a/b" NL END, "400", 0 },
    { "host with a user", GET "Host: u@a" NL END, "400", 0 },
    { "host with a space", GET "Host: a b" NL END, "400", 0 },
    { "host list", GET "Host: a, b" NL END, "400", 0 },
    { "host with a bad port", GET "Host: a:8x" NL END, "400", 0 },
    { "host with a long port", GET "Host: a:123456" NL END, "400", 0 },
    { "port only", GET "Host: :80" NL END, "400", 0 },
    { "open bracket", GET "Host: [::1" NL END, "400", 0 },
    { "stray bracket", GET "Host: a]b" NL END, "400", 0 },

    /* Framing */
    { "two lengths, different", POST "Content-Length: 1" NL "Content-Length: 2" NL END, "400", 0 },
    { "two lengths, the same", POST "Content-Length: 1" NL "Content-Length: 1" NL END, "400", 0 },
    { "length list", POST "Content-Length: 1, 1" NL END, "400", 0 },
    { "length with a sign", POST "Content-Length: +1" NL END, "400", 0 },
    { "negative length", POST "Content-Length: -1" NL END, "400", 0 },
    { "length in hex", POST "Content-Length: 0x10" NL END, "400", 0 },
    { "length with a space inside", POST "Content-Length: 1 2" NL END, "400", 0 },
    { "empty length", POST "Content-Length:" NL END, "400", 0 },
    { "fractional length", POST "Content-Length: 1.0" NL END, "400", 0 },
    { "length beyond 64 bits", POST "Content-Length: 18446744073709551617" NL END, "413", 0 },
    { "length and encoding", POST "Content-Length: 1" NL "Transfer-Encoding: chunked" NL END, "400",
      0 },
    { "encoding and length", POST "Transfer-Encoding: chunked" NL "Content-Length: 1" NL END, "400",
      0 },
    { "encoding twice", POST "Transfer-Encoding: chunked" NL "Transfer-Encoding: chunked" NL END,
      "400", 0 },
    { "encoding list", POST "Transfer-Encoding: gzip, chunked" NL END, "400", 0 },
    { "chunked, chunked", POST "Transfer-Encoding: chunked, chunked" NL END, "400", 0 },
    { "another encoding", POST "Transfer-Encoding: gzip" NL END, "501", 0 },
    { "identity", POST "Transfer-Encoding: identity" NL END, "501", 0 },
    { "chunked with rubbish", POST "Transfer-Encoding: chunked;q=1" NL END, "501", 0 },
    { "xchunked", POST "Transfer-Encoding: xchunked" NL END, "501", 0 },
    { "empty encoding", POST "Transfer-Encoding:" NL END, "501", 0 },
    { "encoding in 1.0", "POST / HTTP/1.0" NL "Transfer-Encoding: chunked" NL END, "400", 0 },
    { "another expectation", POST "Expect: something" NL END, "417", 0 },
};

static void summarize(const struct http_h1_head *h, const char *buf, enum http_h1_result r,
                      struct cf_buf *out)
{
    cf_buf_reset(out);
    if (r == HTTP_H1_MORE) {
        cf_buf_puts(out, "more");
        return;
    }
    if (r == HTTP_H1_BAD) {
        assert_non_null(h->detail);
        cf_buf_printf(out, "%d", h->status);
        return;
    }
    cf_buf_printf(out, "%.*s %.*s %.*s 1.%d %s ", (int)h->method.len, buf + h->method.at,
                  (int)h->target.len, buf + h->target.at, (int)h->host.len, buf + h->host.at,
                  h->minor, h->keep_alive ? "keep" : "close");
    if (h->chunked)
        cf_buf_puts(out, "chunked");
    else
        cf_buf_printf(out, "%llu", (unsigned long long)h->content_length);
    cf_buf_printf(out, "%s %zu", h->expects_continue ? " continue" : "", h->header_count);
}

/* Parses `len` bytes that arrive in pieces: the first of `first` bytes, then `step` at a time. The
 * buffer is moved each time, and has no byte to spare. */
static enum http_h1_result parse_split(struct http_h1_head *h, const char *in, size_t len,
                                       size_t first, size_t step, char **out_buf)
{
    *h = (struct http_h1_head){ .status = 0 };
    enum http_h1_result r = HTTP_H1_MORE;
    char *buf = NULL;
    for (size_t have = first; r == HTTP_H1_MORE; have = CF_MIN(have + step, len)) {
        free(buf);
        buf = cf_xmalloc(have + (have == 0));
        memcpy(buf, in, have);
        r = http_h1_parse(h, buf, have);
        if (have == len)
            break;
    }
    *out_buf = buf;
    return r;
}

static void check_row(const struct row *row)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(1000);
    size_t len = row->len ? row->len : strlen(row->in);
    struct http_h1_head h;
    for (size_t first = 0; first <= len; first++) {
        size_t step = first == 0 ? 1 : len;
        char *buf;
        enum http_h1_result r = parse_split(&h, row->in, len, first, step, &buf);
        summarize(&h, buf, r, &got);
        free(buf);
        if (strcmp(got.data, row->want) != 0)
            fail_msg("%s, split at %zu: got \"%s\" (%s), want \"%s\"", row->name, first, got.data,
                     h.detail ? h.detail : "", row->want);
    }
}

static void test_table(void **state)
{
    (void)state;
    assert_true(CF_ARRAY_LEN(rows) >= 80);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        check_row(&rows[i]);
}

/* The consumed bytes end with the empty line, so that a pipelined request begins right there. */
static void test_consumed(void **state)
{
    (void)state;
    const char *two = GET H END "POST /b HTTP/1.1" NL H END;
    struct http_h1_head h = { .status = 0 };
    assert_int_equal(http_h1_parse(&h, two, strlen(two)), HTTP_H1_DONE);
    assert_int_equal(h.consumed, strlen(GET H END));
    const char *second = two + h.consumed;
    h = (struct http_h1_head){ .status = 0 };
    assert_int_equal(http_h1_parse(&h, second, strlen(second)), HTTP_H1_DONE);
    assert_memory_equal(second + h.method.at, "POST", 4);
}

/* A request line, header line, number of lines or head of at most / just beyond the limit; the same
 * at once and in pieces. */
static int status_of(const struct cf_buf *b)
{
    const size_t steps[] = { b->len, 1, 1000 };
    int status = -1;
    for (size_t i = 0; i < CF_ARRAY_LEN(steps); i++) {
        struct http_h1_head h;
        char *buf;
        enum http_h1_result r = parse_split(&h, b->data, b->len, steps[i], steps[i], &buf);
        free(buf);
        assert_int_not_equal(r, HTTP_H1_MORE);
        assert_true(i == 0 || status == h.status);
        status = h.status;
    }
    return status;
}

static void fill(struct cf_buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cf_buf_putc(b, 'x');
}

static void test_limits(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(100000);
    const size_t line = CF_HTTP_LINE_MAX;
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        cf_buf_reset(&b);
        cf_buf_puts(&b, "GET /");
        fill(&b, line - strlen("GET / HTTP/1.1\r\n") + beyond);
        cf_buf_puts(&b, " HTTP/1.1" NL H END);
        assert_int_equal(status_of(&b), beyond ? 414 : 0);

        cf_buf_reset(&b);
        cf_buf_puts(&b, GET H "X: ");
        fill(&b, line - strlen("X: \r\n") + beyond);
        cf_buf_puts(&b, NL END);
        assert_int_equal(status_of(&b), beyond ? 431 : 0);

        cf_buf_reset(&b);
        cf_buf_puts(&b, GET H);
        for (size_t i = 0; i < CF_HTTP_HEADERS_MAX - 1 + beyond; i++)
            cf_buf_puts(&b, "X: y" NL);
        cf_buf_puts(&b, END);
        assert_int_equal(status_of(&b), beyond ? 431 : 0);

        cf_buf_reset(&b);
        cf_buf_puts(&b, GET H);
        while (b.len + 1000 < CF_HTTP_HEAD_MAX) {
            cf_buf_puts(&b, "X: ");
            fill(&b, 500);
            cf_buf_puts(&b, NL);
        }
        cf_buf_puts(&b, "X: ");
        fill(&b, CF_HTTP_HEAD_MAX - b.len - 4 + beyond);
        cf_buf_puts(&b, NL END);
        assert_int_equal(b.len, CF_HTTP_HEAD_MAX + beyond);
        assert_int_equal(status_of(&b), beyond ? 431 : 0);
    }
}

/* A head without end is refused when it passes the limit, not read for ever. */
static void test_endless(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(100000);
    fill(&b, CF_HTTP_LINE_MAX + 1);
    assert_int_equal(status_of(&b), 414);
    cf_buf_reset(&b);
    cf_buf_puts(&b, GET);
    fill(&b, CF_HTTP_LINE_MAX + 1);
    assert_int_equal(status_of(&b), 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_consumed),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_endless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
