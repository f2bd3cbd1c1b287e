/* SPDX-License-Identifier: Apache-2.0 */
/* Proves HTTP/1.1 on real sockets: what is answered to which bytes, in order; limits of time and
 * size; lanes; caps. */
#include "tests/unit/orchestrator-http/site.h"

#define NL        "\r\n"
#define H         "Host: a" NL
#define GET(path) "GET " path " HTTP/1.1" NL H NL
#define HELLO     GET("/hello")

/* The client sends this, shuts its side, and reads to the end. */
static const struct {
    const char *in;
    const char *want; /* "STATUS[ close] body|…" ; a body that begins with '{' is cut to its code */
} rows[] = {
    { HELLO, "200 hello|" },
    { GET("/inline"), "200 hello|" },
    { HELLO HELLO HELLO, "200 hello|200 hello|200 hello|" },
    { GET("/inline") HELLO GET("/inline"), "200 hello|200 hello|200 hello|" },
    { GET("/sleep/30") HELLO GET("/delay/20") HELLO, "200 slept|200 hello|200 delayed|200 hello|" },
    { NL HELLO NL HELLO, "200 hello|200 hello|" },
    { "GET /hello HTTP/1.1" NL H "Connection: close" NL NL HELLO, "200 close hello|" },
    { "GET /hello HTTP/1.0" NL NL HELLO, "200 close hello|" },
    { "HEAD /hello HTTP/1.1" NL H NL, "200 |" },
    { GET("/no-content") HELLO, "204 |200 hello|" },
    { GET("/tell/a%20b?q=c+d%21&r"), "200 GET /tell/a%20b name=a b q=c d! x=- body=|" },
    { "GET /tell/n?q HTTP/1.1" NL H "X: 1" NL "x: 2" NL NL,
      "200 GET /tell/n name=n q= x=1, 2 body=|" },
    { "POST /tell/n HTTP/1.1" NL H "Content-Length: 5" NL NL "12345" HELLO,
      "200 POST /tell/n name=n q=- x=- body=12345|200 hello|" },
    { "POST /echo HTTP/1.1" NL H "Transfer-Encoding: chunked" NL NL "3" NL "abc" NL "2;x" NL "de" NL
      "0" NL "T: x" NL NL HELLO,
      "200 abcde|200 hello|" },
    { "POST /tiny HTTP/1.1" NL H "Content-Length: 10" NL NL "0123456789" HELLO,
      "200 0123456789|200 hello|" },
    { "POST /tiny HTTP/1.1" NL H "Content-Length: 11" NL NL "01234567890" HELLO,
      "413 close BODY_TOO_LARGE|" },
    { "POST /tiny HTTP/1.1" NL H "Transfer-Encoding: chunked" NL NL "6" NL "012345" NL "5" NL
      "67890" NL "0" NL NL,
      "413 close BODY_TOO_LARGE|" },
    { "POST /echo HTTP/1.1" NL H "Transfer-Encoding: chunked" NL NL "zz" NL,
      "400 close BAD_REQUEST|" },
    { "POST /echo HTTP/1.1" NL H "Content-Length: 5" NL NL "12", "" },
    { "GET /hello HTT", "" },
    { "", "" },
    { GET("/nowhere") HELLO, "404 NOT_FOUND|200 hello|" },
    { "POST /nowhere HTTP/1.1" NL H "Content-Length: 3" NL NL "abc" HELLO, "404 close NOT_FOUND|" },
    { "PUT /hello HTTP/1.1" NL H NL HELLO, "405 METHOD_NOT_ALLOWED|200 hello|" },
    { "OPTIONS /hello HTTP/1.1" NL H NL, "204 |" },
    { GET("/tell/%zz"), "400 close BAD_REQUEST|" },
    { GET("/tell/x?a=%4"), "400 close BAD_REQUEST|" },
    { "GET /hello HTTP/1.1" NL H "Authorization: a" NL "Authorization: b" NL NL HELLO,
      "400 close BAD_REQUEST|" },
    { "GET /hello HTTP/1.1\nHost: a\n\n", "400 close BAD_REQUEST|" },
    { "GET /hello HTTP/2.0" NL NL, "505 close VERSION_NOT_SUPPORTED|" },
    { "PRI * HTTP/2.1" NL NL, "505 close VERSION_NOT_SUPPORTED|" },
    { "PRI / HTTP/1.1" NL H NL, "404 NOT_FOUND|" },
    { "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400 close BAD_REQUEST|" },
    { "POST /media HTTP/1.1" NL H "Content-Type: text/html" NL "Content-Length: 1" NL NL "x",
      "415 UNSUPPORTED_MEDIA_TYPE|" },
    { "POST /media HTTP/1.1" NL H "Content-Length: 1" NL NL "x", "415 UNSUPPORTED_MEDIA_TYPE|" },
    { "POST /media HTTP/1.1" NL H "Content-Type: application/json" NL "Content-Encoding: gzip" NL
      "Content-Length: 1" NL NL "x",
      "415 UNSUPPORTED_MEDIA_TYPE|" },
    { "POST /media HTTP/1.1" NL H "Content-Type: application/YAML; charset=utf-8" NL
      "Content-Length: 1" NL NL "x",
      "200 as application/json|" },
    { "POST /media HTTP/1.1" NL H "Accept: application/yaml" NL NL, "200 as application/yaml|" },
    { "POST /media HTTP/1.1" NL H "Accept: text/html" NL NL, "406 NOT_ACCEPTABLE|" },
    { "POST /media HTTP/1.1" NL H "X: nobody" NL "Accept: text/html" NL NL, "401 ERROR|" },
    { GET("/problem"), "500 INTERNAL|" },
    { GET("/cut") HELLO, "" },
    { GET("/park?ms=20") HELLO, "" /* who has hung up is not waited for */ },
};

static void read_answers(struct cf_peer *p, bool is_head, struct cf_buf *out)
{
    for (;;) {
        size_t before = out->len;
        if (!cf_peer_answer(p, is_head, out))
            return;
        char *json = strchr(out->data + before, '{'),
             *code = json ? strstr(json, "\"code\":\"") : NULL;
        if (code) {
            size_t n = strcspn(code + 8, "\"");
            memmove(json, code + 8, n);
            out->len = (size_t)(json - out->data) + n;
            out->data[out->len] = 0;
        }
        cf_buf_putc(out, '|');
    }
}

static void check_row(int port, size_t i, size_t split)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(100000);
    struct cf_peer p = cf_peer_connect(port);
    size_t len = strlen(rows[i].in);
    cf_peer_send(&p, rows[i].in, CF_MIN(split, len));
    if (split < len) {
        usleep(2000);
        cf_peer_send(&p, rows[i].in + split, len - split);
    }
    cf_peer_shut(&p);
    read_answers(&p, strncmp(rows[i].in, "HEAD", 4) == 0, &got);
    if (strcmp(cf_buf_str(&got), rows[i].want) != 0)
        fail_msg("row %zu, split at %zu: sent \"%s\", got \"%s\", want \"%s\"", i, split,
                 rows[i].in, cf_buf_str(&got), rows[i].want);
    cf_peer_close(&p);
}

static void test_wire_table(void **state)
{
    (void)state;
    struct site s = site_start(NULL, NULL, NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        check_row(s.port, i, SIZE_MAX);
        check_row(s.port, i, 1 + strlen(rows[i].in) / 2);
    }
    cf_http_server_stop(s.server, 1000);
}

/* One whole conversation, a byte at a time. */
static void test_every_byte(void **state)
{
    (void)state;
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_peer p = cf_peer_connect(s.port);
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(100000);
    const char *in = "POST /echo HTTP/1.1" NL H "Transfer-Encoding: chunked" NL NL "3" NL "abc" NL
                     "0" NL NL HELLO;
    for (const char *c = in; *c; c++)
        cf_peer_send(&p, c, 1);
    cf_peer_shut(&p);
    read_answers(&p, false, &got);
    assert_string_equal(cf_buf_str(&got), "200 abc|200 hello|");
    cf_peer_close(&p);
    cf_http_server_stop(s.server, 1000);
}

static void test_headers(void **state)
{
    (void)state;
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p,
                 "PATCH /media HTTP/1.1" NL H "Content-Type: a/b" NL "Content-Length: 1" NL NL "x");
    cf_peer_expect(&p, "Accept-Patch: application/json, application/yaml\r\n");
    cf_peer_puts(&p, "PUT /echo HTTP/1.1" NL H NL);
    cf_peer_expect(&p, "Allow: POST, OPTIONS\r\n");
    cf_peer_puts(&p, "HEAD /big/1234 HTTP/1.1" NL H NL);
    cf_peer_expect(&p, "Content-Length: 1234\r\n");
    cf_peer_puts(&p, "HEAD /events HTTP/1.1" NL H NL);
    cf_peer_expect(&p, "Content-Type: text/event-stream\r\n");
    cf_peer_puts(&p, GET("/problem"));
    cf_peer_expect(&p, "Content-Type: application/problem+json\r\n");
    cf_peer_expect(&p, "\"detail\":\"made of teapots\"}");
    assert_null(strstr(p.in.data, "X-Lost"));
    assert_non_null(strstr(p.in.data, "\r\nDate: "));
    cf_peer_close(&p);
    cf_http_server_stop(s.server, 1000);
}

static void test_continue(void **state)
{
    (void)state;
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p,
                 "POST /echo HTTP/1.1" NL H "Content-Length: 3" NL "Expect: 100-continue" NL NL);
    cf_peer_expect(&p, "HTTP/1.1 100 Continue\r\n\r\n");
    cf_peer_puts(&p, "abc");
    cf_peer_expect(&p, "HTTP/1.1 200 OK\r\n");
    cf_peer_expect(&p, "\r\n\r\nabc");
    cf_buf_reset(&p.in);
    /* What will not be taken is refused before it is sent. */
    cf_peer_puts(&p,
                 "POST /tiny HTTP/1.1" NL H "Content-Length: 11" NL "Expect: 100-continue" NL NL);
    cf_peer_read_all(&p);
    assert_memory_equal(p.in.data, "HTTP/1.1 413 ", 13);
    assert_null(strstr(p.in.data, "100 Continue"));
    cf_peer_close(&p);
    cf_http_server_stop(s.server, 1000);
}

/* An answer far larger than any buffer, read slowly at first. */
static void test_large_answer(void **state)
{
    (void)state;
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, GET("/big/20000000") HELLO);
    usleep(50000);
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(30000000);
    assert_true(cf_peer_answer(&p, false, &got));
    assert_int_equal(got.len, 4 + 20000000);
    cf_buf_reset(&got);
    assert_true(cf_peer_answer(&p, false, &got));
    assert_string_equal(got.data, "200 hello");
    cf_peer_close(&p);
    cf_http_server_stop(s.server, 1000);
}

/* Each limit of time, small: what the client gets, and that it ends in time. */
static void test_timeouts(void **state)
{
    (void)state;
    const struct cf_http_limits limits = { .header_ms = 150, .body_ms = 150, .idle_ms = 150 };
    static const struct {
        const char *in;
        const char *want;
        bool trickles; /* goes on sending a byte every 20 ms */
    } cases[] = {
        { "", "", false },
        { "GET /hello HTTP/1.1" NL, "HTTP/1.1 408 ", false },
        { "GET /hello HTTP/1.1" NL "X: ", "HTTP/1.1 408 ", true },
        { "PRI * HTTP/2.0", "", false },
        { "POST /echo HTTP/1.1" NL H "Content-Length: 100000" NL NL, "HTTP/1.1 408 ", true },
        { "POST /echo HTTP/1.1" NL H "Transfer-Encoding: chunked" NL NL "FF" NL, "HTTP/1.1 408 ",
          false },
        { HELLO, "HTTP/1.1 200 ", false },
        { HELLO "G", "HTTP/1.1 200 ", true },
    };
    struct site s = site_start(NULL, &limits, NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_peer p = cf_peer_connect(s.port);
        int64_t start = cf_mono_now_ms();
        cf_peer_puts(&p, cases[i].in);
        for (int k = 0; cases[i].trickles && k < 30; k++) {
            usleep(20000);
            cf_peer_puts(&p, "x");
        }
        cf_peer_read_all(&p);
        int64_t took = cf_mono_now_ms() - start;
        if (strncmp(cf_buf_str(&p.in), cases[i].want, strlen(cases[i].want)) != 0 ||
            (p.in.len > 0) != (*cases[i].want != 0))
            fail_msg("case %zu: got \"%s\"", i, cf_buf_str(&p.in));
        assert_in_range(took, 100, 3000);
        cf_peer_close(&p);
    }
    cf_http_server_stop(s.server, 1000);
}

/* A client that asks for much and reads nothing is let go. */
static void test_write_stall(void **state)
{
    (void)state;
    site_reset();
    const struct cf_http_limits limits = { .write_stall_ms = 200 };
    struct site s = site_start(NULL, &limits, NULL);
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, GET("/big/50000000"));
    site_wait(&site_incomplete, 1);
    cf_peer_close(&p);
    cf_http_server_stop(s.server, 1000);
}

static void test_connection_caps(void **state)
{
    (void)state;
    const struct cf_http_limits cases[] = { { .connections = 3 },
                                            { .connections_per_address = 3 } };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct site s = site_start(NULL, &cases[i], NULL);
        struct cf_peer p[4];
        for (int k = 0; k < 3; k++) {
            p[k] = cf_peer_connect(s.port);
            cf_peer_puts(&p[k], HELLO);
            cf_peer_expect(&p[k], "hello");
        }
        p[3] = cf_peer_connect(s.port);
        assert_false(cf_peer_more(&p[3], CF_PEER_WAIT_MS));
        cf_peer_close(&p[3]);
        /* One leaves, and another may come. */
        cf_peer_close(&p[0]);
        usleep(50000);
        p[0] = cf_peer_connect(s.port);
        cf_peer_puts(&p[0], HELLO);
        cf_peer_expect(&p[0], "hello");
        for (int k = 0; k < 3; k++)
            cf_peer_close(&p[k]);
        cf_http_server_stop(s.server, 1000);
    }
}

/* With every thread of the normal lane busy and its queue full: 503 for the next, while an action
 * still runs at once. */
static void test_lanes(void **state)
{
    (void)state;
    site_reset();
    const struct cf_http_server_options options = { .handler_threads = 2,
                                                    .action_threads = 1,
                                                    .queue_max = 1 };
    struct site s = site_start(&options, NULL, NULL);
    struct cf_peer busy = cf_peer_connect(s.port), queued = cf_peer_connect(s.port),
                   refused = cf_peer_connect(s.port), action = cf_peer_connect(s.port),
                   inlined = cf_peer_connect(s.port);
    cf_peer_puts(&busy, GET("/sleep/700"));
    site_wait(&site_running, 1);
    cf_peer_puts(&queued, GET("/sleep/1"));
    usleep(50000);
    cf_peer_puts(&refused, HELLO);
    cf_peer_expect(&refused, "HTTP/1.1 503 ");
    cf_peer_expect(&refused, "Retry-After: 1\r\n");
    cf_peer_puts(&action, "POST /action/1 HTTP/1.1" NL H NL);
    cf_peer_expect(&action, "slept");
    cf_peer_puts(&inlined, GET("/inline"));
    cf_peer_expect(&inlined, "hello");
    assert_int_equal(atomic_load(&site_running), 1); /* all that while the first was still busy */
    cf_peer_expect(&queued, "slept");
    cf_peer_expect(&busy, "slept");
    cf_peer_close(&busy);
    cf_peer_close(&queued);
    cf_peer_close(&refused);
    cf_peer_close(&action);
    cf_peer_close(&inlined);
    cf_http_server_stop(s.server, 1000);
}

/* Requests behind one that waits stay in order, and do not fill memory. */
static void test_flood_behind_a_wait(void **state)
{
    (void)state;
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_peer p = cf_peer_connect(s.port);
    enum { COUNT = 3000 };
    CF_CLEANUP(cf_buf_free) struct cf_buf all = CF_BUF_INIT(1000000), got = CF_BUF_INIT(1000);
    cf_buf_puts(&all, GET("/sleep/200"));
    for (int i = 0; i < COUNT; i++)
        cf_buf_puts(&all, GET("/inline"));
    cf_peer_send(&p, all.data, all.len);
    assert_true(cf_peer_answer(&p, false, &got));
    assert_string_equal(got.data, "200 slept");
    for (int i = 0; i < COUNT; i++) {
        cf_buf_reset(&got);
        assert_true(cf_peer_answer(&p, false, &got));
        assert_string_equal(got.data, "200 hello");
    }
    cf_peer_close(&p);
    cf_http_server_stop(s.server, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_table),   cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_headers),      cmocka_unit_test(test_continue),
        cmocka_unit_test(test_large_answer), cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_write_stall),  cmocka_unit_test(test_connection_caps),
        cmocka_unit_test(test_lanes),        cmocka_unit_test(test_flood_behind_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
