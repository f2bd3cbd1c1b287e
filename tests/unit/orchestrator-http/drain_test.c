/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the end of a server, and of a listener: what is in flight is finished, what could last is
 * ended, the deadline holds, and nothing is called afterwards. */
#include "tests/unit/orchestrator-http/site.h"

#include <curl/curl.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

struct stopper {
    pthread_t thread;
    struct cf_http_server *server;
    int64_t drain_ms, took_ms;
};

static void *stopper_main(void *arg)
{
    struct stopper *st = arg;
    int64_t begin = cf_mono_now_ms();
    cf_http_server_stop(st->server, st->drain_ms);
    st->took_ms = cf_mono_now_ms() - begin;
    return NULL;
}

static void stop_begin(struct stopper *st, struct cf_http_server *server, int64_t drain_ms)
{
    struct cf_error err = CF_ERROR_INIT;
    *st = (struct stopper){ .server = server, .drain_ms = drain_ms };
    assert_ok(cf_thread_start(&st->thread, "stopper", stopper_main, st, &err), &err);
}

static int64_t stop_end(struct stopper *st)
{
    pthread_join(st->thread, NULL);
    return st->took_ms;
}

static void test_finishes_what_is_in_flight(void **state)
{
    (void)state;
    site_reset();
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_peer idle = cf_peer_connect(s.port), fresh = cf_peer_connect(s.port),
                   working = cf_peer_connect(s.port), parked = cf_peer_connect(s.port),
                   streaming = cf_peer_connect(s.port), sending = cf_peer_connect(s.port);
    cf_peer_puts(&idle, GET("/hello"));
    cf_peer_expect(&idle, "hello");
    cf_peer_puts(&working, GET("/sleep/300"));
    site_wait(&site_running, 1);
    cf_peer_puts(&parked, GET("/park"));
    cf_peer_puts(&streaming, GET("/events?end=60000"));
    cf_peer_expect(&streaming, ": bye\n\n");
    cf_peer_puts(&sending, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    usleep(50000);

    struct stopper st;
    stop_begin(&st, s.server, 5000);
    cf_peer_read_all(&idle);
    cf_peer_read_all(&fresh);
    cf_peer_read_all(&streaming);
    assert_non_null(strstr(streaming.in.data, "\r\n0\r\n\r\n"));
    cf_peer_puts(&sending, "cd");
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(1000);
    assert_true(cf_peer_answer(&sending, false, &got));
    assert_true(cf_peer_answer(&parked, false, &got));
    assert_true(cf_peer_answer(&working, false, &got));
    assert_string_equal(got.data, "200 close abcd200 close drain200 close slept");
    struct cf_peer *all[] = { &idle, &fresh, &working, &parked, &streaming, &sending };
    for (size_t i = 0; i < CF_ARRAY_LEN(all); i++)
        cf_peer_close(all[i]);
    assert_in_range(stop_end(&st), 100, 4000);
    assert_int_equal(atomic_load(&site_streams_over[CF_HTTP_STREAM_ENDED]), 1);
    assert_int_equal(atomic_load(&site_incomplete), 0);
    assert_int_equal(atomic_load(&site_done), 5);
}

/* What is not done by the deadline is cut; a handler that still runs is waited for. */
static void test_deadline(void **state)
{
    (void)state;
    site_reset();
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_peer slow = cf_peer_connect(s.port), stuck = cf_peer_connect(s.port);
    cf_peer_puts(&slow, GET("/sleep/600"));
    cf_peer_puts(&stuck, GET("/big/50000000"));
    site_wait(&site_running, 1);
    struct stopper st;
    stop_begin(&st, s.server, 150);
    cf_peer_read_all(&slow);
    assert_int_equal(slow.in.len, 0);
    assert_in_range(stop_end(&st), 400, 5000);
    assert_int_equal(atomic_load(&site_handled), 1);
    assert_int_equal(atomic_load(&site_incomplete), 2);
    cf_peer_close(&slow);
    cf_peer_close(&stuck);
}

static size_t append(char *data, size_t size, size_t n, void *user)
{
    cf_buf_append(user, data, size * n);
    return size * n;
}

/* An HTTP/2 request in flight is finished behind a GOAWAY. */
static void test_h2(void **state)
{
    (void)state;
    site_reset();
    struct site s = site_start(NULL, NULL, NULL);
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(1000);
    char url[100];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/sleep/500", s.port);
    CURLM *m = curl_multi_init();
    CURL *c = curl_easy_init();
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &got);
    curl_multi_add_handle(m, c);
    struct stopper st = { .server = NULL };
    int running = 1, left;
    while (running) {
        curl_multi_perform(m, &running);
        curl_multi_poll(m, NULL, 0, 20, NULL);
        if (!st.server && atomic_load(&site_running))
            stop_begin(&st, s.server, 5000);
    }
    CURLMsg *msg = curl_multi_info_read(m, &left);
    assert_int_equal(msg->data.result, CURLE_OK);
    assert_string_equal(cf_buf_str(&got), "slept");
    assert_in_range(stop_end(&st), 200, 4000);
    curl_multi_remove_handle(m, c);
    curl_easy_cleanup(c);
    curl_multi_cleanup(m);
}

static bool refuses(int port)
{
    CURL *c = curl_easy_init();
    char url[100];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/hello", port);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    CURLcode rc = curl_easy_perform(c);
    curl_easy_cleanup(c);
    return rc == CURLE_COULDNT_CONNECT;
}

/* A listener goes away and comes back on its port, while another of the same server goes on; a cut
 * ends connections only. */
static void test_away_and_cut(void **state)
{
    (void)state;
    site_reset();
    struct cf_error err = CF_ERROR_INIT;
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_http_listen_options o = { .site = { .fallback = site_hello,
                                                  .fallback_lane = CF_HTTP_INLINE } };
    struct cf_http_listener *other = cf_http_listen(s.server, &o, &err);
    assert_non_null(other);
    struct cf_peer a = cf_peer_connect(s.port), b = cf_peer_connect(cf_http_listener_port(other));
    cf_peer_puts(&a, GET("/events?end=60000"));
    cf_peer_expect(&a, ": bye\n\n");
    assert_ok(cf_http_listener_set_away(s.listener, true, &err), &err);
    assert_true(refuses(s.port));
    cf_peer_read_all(&a);
    site_wait(&site_streams_over[CF_HTTP_STREAM_LEFT], 1);
    cf_peer_puts(&b, GET("/anything/at/all"));
    cf_peer_expect(&b, "hello");
    assert_ok(cf_http_listener_set_away(s.listener, false, &err), &err);
    assert_ok(cf_http_listener_set_away(s.listener, false, &err), &err);
    assert_false(refuses(s.port));
    cf_http_listener_cut(other);
    cf_peer_read_all(&b);
    assert_false(refuses(cf_http_listener_port(other)));
    cf_peer_close(&a);
    cf_peer_close(&b);
    cf_http_server_stop(s.server, 1000);
}

static void test_listen_errors(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_http_listen_options o = { .port = s.port };
    assert_fails(cf_http_listen(s.server, &o, &err), &err, CF_ERR_UNAVAILABLE, "in use");
    o.address = "localhost";
    assert_fails(cf_http_listen(s.server, &o, &err), &err, CF_ERR_INVALID, "localhost");
    o = (struct cf_http_listen_options){ .port = 65536 };
    assert_fails(cf_http_listen(s.server, &o, &err), &err, CF_ERR_INVALID, "65536");
    static const struct cf_http_route twice[] = {
        { .method = "GET", .path = "/", .handler = site_hello },
        { .method = "GET", .path = "/", .handler = site_hello },
        { .method = NULL }
    };
    o = (struct cf_http_listen_options){ .site.routes = twice };
    assert_fails(cf_http_listen(s.server, &o, &err), &err, CF_ERR_INVALID, "are the same");
    o = (struct cf_http_listen_options){ .address = "::1" };
    struct cf_http_listener *six = cf_http_listen(s.server, &o, &err);
    if (six)
        assert_memory_equal(cf_http_listener_url(six), "http://[::1]:", 13);
    cf_http_server_stop(s.server, 0);
    cf_http_server_stop(NULL, 0);
}

/* Handles may outlive the server. */
static void test_handles_outlive(void **state)
{
    (void)state;
    site_reset();
    struct site s = site_start(NULL, NULL, NULL);
    struct cf_peer a = cf_peer_connect(s.port), b = cf_peer_connect(s.port);
    cf_peer_puts(&a, GET("/events?keep=1"));
    cf_peer_puts(&b, GET("/park?keep=1"));
    struct cf_http_stream *st = NULL;
    struct cf_http_parked *p = NULL;
    while (!st || !p) {
        st = st ? st : atomic_exchange(&site_stream, NULL);
        p = p ? p : atomic_exchange(&site_parked, NULL);
        usleep(1000);
    }
    cf_http_server_stop(s.server, 0);
    assert_false(cf_http_stream_write(st, "x", 1));
    cf_http_stream_end(st);
    cf_http_stream_unref(st);
    cf_http_parked_wake(p);
    cf_http_parked_release(p);
    cf_peer_close(&a);
    cf_peer_close(&b);
}

int main(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finishes_what_is_in_flight),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_h2),
        cmocka_unit_test(test_away_and_cut),
        cmocka_unit_test(test_listen_errors),
        cmocka_unit_test(test_handles_outlive),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return rc;
}
