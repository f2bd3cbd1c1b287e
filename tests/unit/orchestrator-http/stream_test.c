/* SPDX-License-Identifier: Apache-2.0 */
/* Proves streams and parked requests over both protocols: what arrives, who is dropped, who is
 * told, and that everything is given back whoever leaves first. */
#include "tests/unit/orchestrator-http/site.h"

#include <curl/curl.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static struct site s;

static int start(void **state)
{
    (void)state;
    site_reset();
    s = site_start(NULL, NULL, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cf_http_server_stop(s.server, 2000);
    return 0;
}

static struct cf_http_stream *wait_stream(void)
{
    struct cf_http_stream *st;
    while (!(st = atomic_exchange(&site_stream, NULL)))
        usleep(1000);
    return st;
}

static struct cf_http_parked *wait_parked(void)
{
    struct cf_http_parked *p;
    while (!(p = atomic_exchange(&site_parked, NULL)))
        usleep(1000);
    return p;
}

static const char three_events[] =
    "id: 1\nevent: step\ndata: one\ndata: two\n\ndata: \n\n: bye\n\n";

static void test_events(void **state)
{
    (void)state;
    struct cf_peer p = cf_peer_connect(s.port);
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(1000);
    cf_peer_puts(&p, GET("/events") GET("/hello"));
    assert_true(cf_peer_answer(&p, false, &got));
    assert_string_equal(got.data + 4, three_events);
    cf_buf_reset(&got);
    assert_true(cf_peer_answer(&p, false, &got)); /* chunked: the connection goes on */
    assert_string_equal(got.data, "200 hello");
    assert_int_equal(atomic_load(&site_streams_over[CF_HTTP_STREAM_ENDED]), 1);
    cf_peer_close(&p);
}

/* To a 1.0 client the stream is what comes until the end. */
static void test_events_to_1_0(void **state)
{
    (void)state;
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, "GET /events HTTP/1.0\r\n\r\n");
    cf_peer_read_all(&p);
    assert_null(strstr(p.in.data, "chunked"));
    assert_non_null(strstr(p.in.data, "Connection: close\r\n"));
    assert_string_equal(strstr(p.in.data, "\r\n\r\n") + 4, three_events);
    cf_peer_close(&p);
}

static void test_ping_and_end(void **state)
{
    (void)state;
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, GET("/events?ping=30&end=200"));
    cf_peer_expect(&p, ": ping\n\n");
    cf_peer_expect(&p, "\r\n0\r\n\r\n");
    site_wait(&site_streams_over[CF_HTTP_STREAM_ENDED], 1);
    cf_peer_close(&p);
}

/* Written from another thread while the client reads; every byte in order. */
static void test_writes_from_another_thread(void **state)
{
    (void)state;
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, GET("/events?keep=1"));
    struct cf_http_stream *st = wait_stream();
    CF_CLEANUP(cf_buf_free) struct cf_buf want = CF_BUF_INIT(10000000), got = CF_BUF_INIT(10000000);
    for (int i = 0; i < 5000; i++) {
        char line[64];
        int n = snprintf(line, sizeof line, "{\"n\":%d}\n", i);
        cf_buf_append(&want, line, (size_t)n);
        assert_true(cf_http_stream_write(st, line, (size_t)n));
    }
    cf_http_stream_end(st);
    assert_false(cf_http_stream_write(st, "x", 1));
    assert_false(cf_http_stream_is_open(st));
    assert_true(cf_peer_answer(&p, false, &got));
    assert_string_equal(got.data + 4, want.data);
    site_wait(&site_streams_over[CF_HTTP_STREAM_ENDED], 1);
    assert_int_equal(cf_http_stream_queued(st), 0);
    cf_http_stream_unref(st);
    cf_peer_close(&p);
}

/* A client that does not read is dropped when the queue is full; writers never wait. */
static void test_slow_client(void **state)
{
    (void)state;
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, GET("/events?keep=1&queue=100000"));
    struct cf_http_stream *st = wait_stream();
    static char piece[1000];
    int64_t begin = cf_mono_now_ms();
    while (cf_http_stream_write(st, piece, sizeof piece)) {
        assert_true(cf_http_stream_queued(st) <= 100000);
        if (cf_http_stream_queued(st) > 50000)
            usleep(100);
        assert_true(cf_mono_now_ms() - begin < 20000);
    }
    site_wait(&site_streams_over[CF_HTTP_STREAM_SLOW], 1);
    site_wait(&site_incomplete, 1);
    cf_http_stream_unref(st);
    cf_peer_close(&p);
}

/* The first write may be larger than the queue: a client that has nothing waiting is not slow. */
static void test_large_first_write(void **state)
{
    (void)state;
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, GET("/events?keep=1&queue=1000"));
    struct cf_http_stream *st = wait_stream();
    char *large = cf_xcalloc(1, 300000);
    memset(large, 'y', 300000);
    assert_true(cf_http_stream_write(st, large, 300000));
    cf_http_stream_end(st);
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(400000);
    assert_true(cf_peer_answer(&p, false, &got));
    assert_int_equal(got.len, 4 + 300000);
    free(large);
    cf_http_stream_unref(st);
    cf_peer_close(&p);
}

static void test_client_leaves(void **state)
{
    (void)state;
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, GET("/events?keep=1"));
    struct cf_http_stream *st = wait_stream();
    cf_http_stream_write(st, "x\n", 2);
    cf_peer_expect(&p, "x\n");
    cf_peer_close(&p);
    site_wait(&site_streams_over[CF_HTTP_STREAM_LEFT], 1);
    assert_false(cf_http_stream_write(st, "x", 1));
    assert_false(cf_http_stream_is_open(st));
    cf_http_stream_end(st);
    cf_http_stream_abort(st);
    cf_http_stream_unref(st);
}

static void test_abort(void **state)
{
    (void)state;
    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, GET("/events?keep=1"));
    struct cf_http_stream *st = wait_stream();
    cf_http_stream_write(st, "x\n", 2);
    cf_peer_expect(&p, "x\n");
    cf_http_stream_abort(st);
    cf_peer_read_all(&p);
    assert_null(strstr(p.in.data, "\r\n0\r\n\r\n")); /* cut, not ended */
    site_wait(&site_streams_over[CF_HTTP_STREAM_ABORTED], 1);
    cf_http_stream_unref(st);
    cf_peer_close(&p);
}

static void test_head_of_a_stream(void **state)
{
    (void)state;
    struct cf_peer p = cf_peer_connect(s.port);
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(1000);
    cf_peer_puts(&p, "HEAD /events?keep=1 HTTP/1.1\r\nHost: a\r\n\r\n" GET("/hello"));
    assert_true(cf_peer_answer(&p, true, &got));
    cf_buf_reset(&got);
    assert_true(cf_peer_answer(&p, false, &got));
    assert_string_equal(got.data, "200 hello");
    struct cf_http_stream *st = wait_stream();
    site_wait(&site_streams_over[CF_HTTP_STREAM_ENDED], 1);
    assert_false(cf_http_stream_write(st, "x", 1));
    cf_http_stream_unref(st);
    cf_peer_close(&p);
}

static void park_once(const char *request, const char *want)
{
    struct cf_peer p = cf_peer_connect(s.port);
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(1000);
    cf_peer_puts(&p, request);
    assert_true(cf_peer_answer(&p, false, &got));
    assert_string_equal(got.data, want);
    cf_peer_close(&p);
}

static void test_park(void **state)
{
    (void)state;
    park_once(GET("/park?ms=30"), "200 timeout");
    park_once(GET("/park-inline?ms=30"), "200 timeout");
    park_once(GET("/park?wake=1"), "200 woken"); /* before the handler has returned */
    park_once(GET("/park-inline?wake=1"), "200 woken");
    int64_t begin = cf_mono_now_ms();
    park_once(GET("/delay/100"), "200 delayed");
    assert_in_range(cf_mono_now_ms() - begin, 95, 5000);

    struct cf_peer p = cf_peer_connect(s.port);
    cf_peer_puts(&p, GET("/park?keep=1"));
    struct cf_http_parked *parked = wait_parked();
    usleep(20000);
    for (int i = 0; i < 3; i++)
        cf_http_parked_wake(parked);
    cf_peer_expect(&p, "woken");
    cf_http_parked_wake(parked);
    cf_http_parked_release(parked);
    cf_peer_close(&p);
}

/* A hang ends when the client goes away; the continuation is told, once. */
static void test_hang(void **state)
{
    (void)state;
    static const char *const requests[] = { GET("/park"), GET("/park-inline"),
                                            GET("/park?keep=1") };
    for (int i = 0; i < 3; i++) {
        struct cf_peer p = cf_peer_connect(s.port);
        cf_peer_puts(&p, requests[i]);
        usleep(20000);
        cf_peer_close(&p);
        site_wait(&site_resumed[CF_HTTP_GONE], i + 1);
    }
    struct cf_http_parked *parked = wait_parked();
    cf_http_parked_wake(parked);
    cf_http_parked_release(parked);
    site_wait(&site_incomplete, 3);
    assert_int_equal(atomic_load(&site_resumed[CF_HTTP_GONE]), 3);
    assert_int_equal(atomic_load(&site_resumed[CF_HTTP_WOKEN]), 0);
}

static size_t append(char *data, size_t size, size_t n, void *user)
{
    cf_buf_append(user, data, size * n);
    return size * n;
}

static CURLcode get_h2(const char *path, long timeout_ms, struct cf_buf *out)
{
    char url[200];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", s.port, path);
    CURL *c = curl_easy_init();
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
    CURLcode rc = curl_easy_perform(c);
    curl_easy_cleanup(c);
    return rc;
}

/* The same over HTTP/2: events, timers, a hang that ends with the client, an abort as a reset. */
static void test_h2(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(100000);
    assert_int_equal(get_h2("/events", 5000, &got), CURLE_OK);
    assert_string_equal(got.data, three_events);
    cf_buf_reset(&got);
    assert_int_equal(get_h2("/events?ping=30&end=200", 5000, &got), CURLE_OK);
    assert_non_null(strstr(got.data, ": ping\n\n"));
    cf_buf_reset(&got);
    assert_int_equal(get_h2("/park?ms=30", 5000, &got), CURLE_OK);
    assert_string_equal(got.data, "timeout");
    assert_int_equal(get_h2("/park", 100, &got), CURLE_OPERATION_TIMEDOUT);
    site_wait(&site_resumed[CF_HTTP_GONE], 1);
    assert_int_not_equal(get_h2("/cut", 5000, &got), CURLE_OK);
    assert_int_equal(get_h2("/events?keep=1", 100, &got), CURLE_OPERATION_TIMEDOUT);
    site_wait(&site_streams_over[CF_HTTP_STREAM_LEFT], 1);
    cf_http_stream_unref(wait_stream());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
    const struct CMUnitTest tests[] = {
        TEST(test_events),
        TEST(test_events_to_1_0),
        TEST(test_ping_and_end),
        TEST(test_writes_from_another_thread),
        TEST(test_slow_client),
        TEST(test_large_first_write),
        TEST(test_client_leaves),
        TEST(test_abort),
        TEST(test_head_of_a_stream),
        TEST(test_park),
        TEST(test_hang),
        TEST(test_h2),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return rc;
}
