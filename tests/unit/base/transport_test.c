/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking calls against a server that behaves and one that does not: what each way of not
 * answering becomes, that deadlines and limits hold, that a write never goes out twice, that TLS is
 * verified. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/transport.h"
#include "tests/support/rude_server.h"

struct world {
    struct cf_transport *t;
    struct rude_server *peer;
    struct cf_endpoint *e;
    pthread_mutex_t lock; /* guards the counts */
    int seen, now, most;
    char last_head[4096];
};

static int count(struct world *w, const struct rude_server_request *r)
{
    CF_LOCKED(&w->lock);
    snprintf(w->last_head, sizeof w->last_head, "%s", r->head);
    return ++w->seen;
}

static int seen(struct world *w)
{
    CF_LOCKED(&w->lock);
    return w->seen;
}

static void enter(struct world *w, int by)
{
    CF_LOCKED(&w->lock);
    w->now += by;
    w->most = CF_MAX(w->most, w->now);
}

static bool handle(void *arg, const struct rude_server_request *r)
{
    struct world *w = arg;
    if (strcmp(r->path, "/ok") == 0)
        return rude_server_answer(r, 200, "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nX-Way: there\r\n",
                                  "hello");
    int n = count(w, r);
    if (strcmp(r->path, "/404") == 0)
        return rude_server_answer(r, 404, "", "nothing here");
    if (strcmp(r->path, "/wait-seconds") == 0)
        return rude_server_answer(r, 429, "Retry-After: 7\r\n", "");
    if (strcmp(r->path, "/wait-date") == 0)
        return rude_server_answer(r, 503, "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n", "");
    if (strcmp(r->path, "/never") == 0)
        rude_server_sleep(r, 20000);
    if (strcmp(r->path, "/slow") == 0) {
        enter(w, 1);
        rude_server_sleep(r, 100);
        enter(w, -1);
        return rude_server_answer(r, 200, "", "slow");
    }
    if (strcmp(r->path, "/half") == 0)
        rude_server_send(r, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    if (strcmp(r->path, "/drop-first") == 0 && n > 1)
        return rude_server_answer(r, 200, "", "second");
    if (strcmp(r->path, "/big") == 0) {
        char page[1001];
        memset(page, 'x', 1000);
        page[1000] = '\0';
        rude_server_send(r, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        for (int i = 0; i < 1000 && rude_server_send(r, page); i++)
            ;
    }
    if (strcmp(r->path, "/echo") == 0)
        return rude_server_answer(r, 200, "", r->body);
    return false; /* closes without a word */
}

static struct cf_endpoint *endpoint(const struct world *w,
                                    const struct cf_endpoint_options *options)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_endpoint_options o = options ? *options : (struct cf_endpoint_options){ 0 };
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", rude_server_port(w->peer));
    o.base_url = url;
    struct cf_endpoint *e = cf_endpoint_new(&o, &err);
    assert_non_null(e);
    return e;
}

static int set_up(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    struct world *w = cf_xcalloc(1, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    w->t = cf_transport_new(&(struct cf_transport_options){ .name = "calls" }, &err);
    w->peer = rude_server_start(handle, w, NULL, NULL);
    w->e = endpoint(w, NULL);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    cf_endpoint_unref(w->e);
    cf_transport_free(w->t);
    rude_server_stop(w->peer);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return 0;
}

static bool call(struct world *w, const char *method, const char *path, int64_t ms,
                 struct cf_http_reply *out, struct cf_error *err)
{
    struct cf_http_call_request r = { .method = method,
                                      .path = path,
                                      .deadline_ms = cf_mono_now_ms() + ms };
    if (strcmp(method, "GET") != 0) {
        r.body = "{}";
        r.body_len = 2;
        r.content_type = "application/json";
    }
    return cf_http_call(w->t, w->e, &r, out, err);
}

static void test_answers(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply ok = CF_HTTP_REPLY_INIT;
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply missing = CF_HTTP_REPLY_INIT;
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply echo = CF_HTTP_REPLY_INIT;
    char value[32];
    assert_ok(call(w, "GET", "/ok", 5000, &ok, &err), &err);
    assert_int_equal(ok.status, 200);
    assert_string_equal(cf_buf_str(&ok.body), "hello");
    assert_true(ok.date_ms == 1767225600000);
    assert_true(cf_http_reply_header(&ok, "x-way", value, sizeof value));
    assert_string_equal(value, "there");
    assert_false(cf_http_reply_header(&ok, "x-wa", value, sizeof value));
    assert_ok(call(w, "GET", "/404", 5000, &missing, &err), &err);
    assert_int_equal(missing.status, 404);
    assert_ok(call(w, "PATCH", "/echo", 5000, &echo, &err), &err);
    assert_string_equal(cf_buf_str(&echo.body), "{}");
    assert_non_null(strstr(w->last_head, "PATCH /echo HTTP/1.1"));
    assert_non_null(strstr(w->last_head, "Content-Type: application/json"));
    assert_null(strstr(w->last_head, "Expect"));
    assert_int_equal(rude_server_connections(w->peer), 1);
}

/* What is asked, how it ends, how often the server saw it. */
static void test_no_answer(void **state)
{
    static const struct {
        const char *method, *path;
        int64_t ms;
        enum cf_err_kind kind;
        const char *reason;
        int seen;
    } cases[] = {
        { "GET", "/never", 200, CF_ERR_UNAVAILABLE, "Timeout", 1 },
        { "POST", "/never", 200, CF_ERR_UNKNOWN, "Timeout", 1 },
        { "GET", "/half", 3000, CF_ERR_TRANSIENT, "Broken", 2 },
        { "PATCH", "/half", 3000, CF_ERR_UNKNOWN, "NoAnswer", 1 },
        { "GET", "/drop", 3000, CF_ERR_TRANSIENT, "Broken", 2 },
        { "PUT", "/drop", 3000, CF_ERR_UNKNOWN, "NoAnswer", 1 },
        { "DELETE", "/drop", 3000, CF_ERR_UNKNOWN, "NoAnswer", 1 },
    };
    struct world *w = *state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        for (int on_used_connection = 0; on_used_connection < 2; on_used_connection++) {
            struct cf_error err = CF_ERROR_INIT;
            CF_CLEANUP(cf_http_reply_free) struct cf_http_reply first = CF_HTTP_REPLY_INIT;
            struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
            if (on_used_connection)
                assert_ok(call(w, "GET", "/ok", 5000, &first, &err), &err);
            int before = seen(w);
            int64_t begun_ms = cf_mono_now_ms();
            assert_false(call(w, cases[i].method, cases[i].path, cases[i].ms, &reply, &err));
            assert_null(reply.body.data);
            if (err.kind != cases[i].kind)
                fail_msg("case %zu: %s: %s", i, cf_err_kind_name(err.kind), err.message);
            assert_string_equal(err.reason, cases[i].reason);
            assert_true(cf_mono_now_ms() - begun_ms < cases[i].ms + 1000);
            /* curl itself may add attempts of a read on a used connection, never of a write */
            if (!on_used_connection || cases[i].kind == CF_ERR_UNKNOWN)
                assert_int_equal(seen(w) - before, cases[i].seen);
        }
    }
}

static void test_read_is_sent_again(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    assert_ok(call(w, "GET", "/drop-first", 5000, &reply, &err), &err);
    assert_string_equal(cf_buf_str(&reply.body), "second");
    struct cf_transport_stats stats;
    cf_transport_stats(w->t, &stats);
    assert_int_equal(stats.retries, 1);
}

static void test_not_reached(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    struct cf_endpoint_options o = { .base_url = "http://127.0.0.1:1" };
    struct cf_endpoint *nobody = cf_endpoint_new(&o, &err);
    struct cf_http_call_request post = {
        .method = "POST", .path = "/x", .body = "a", .body_len = 1
    };
    assert_false(cf_http_call(w->t, nobody, &post, &reply, &err));
    assert_int_equal(err.kind, CF_ERR_UNAVAILABLE);
    assert_string_equal(err.reason, "Refused");
    assert_non_null(strstr(err.message, "127.0.0.1:1/x"));
    cf_endpoint_unref(nobody);
}

static void test_too_large(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    struct cf_http_call_request r = { .path = "/big", .response_max = 5000 };
    assert_false(cf_http_call(w->t, w->e, &r, &reply, &err));
    assert_int_equal(err.kind, CF_ERR_LIMIT);
    assert_int_equal(err.upstream, 200);
    cf_error_clear(&err);
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply whole = CF_HTTP_REPLY_INIT;
    r.response_max = 1000000;
    assert_ok(cf_http_call(w->t, w->e, &r, &whole, &err), &err);
    assert_int_equal(whole.body.len, 1000000);
}

static void *cancel_soon(void *arg)
{
    usleep(100 * 1000);
    cf_cancel_request(arg);
    return NULL;
}

static void test_cancel(void **state)
{
    struct world *w = *state;
    const enum cf_err_kind kinds[] = { CF_ERR_CANCELLED, CF_ERR_UNKNOWN };
    for (int is_write = 0; is_write < 2; is_write++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
        struct cf_cancel stop = CF_CANCEL_INIT;
        struct cf_http_call_request r = { .method = is_write ? "PATCH" : "GET",
                                          .path = "/never",
                                          .cancel = &stop };
        pthread_t thread;
        int64_t begun_ms = cf_mono_now_ms();
        assert_ok(cf_thread_start(&thread, "stop", cancel_soon, &stop, &err), &err);
        assert_fails(cf_http_call(w->t, w->e, &r, &reply, &err), &err, kinds[is_write],
                     "asked to stop");
        assert_true(cf_mono_now_ms() - begun_ms < 1500);
        pthread_join(thread, NULL);
        int before = seen(w);
        assert_fails(cf_http_call(w->t, w->e, &r, &reply, &err), &err, CF_ERR_CANCELLED,
                     "asked to stop");
        assert_int_equal(seen(w), before);
    }
}

static void test_retry_after(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply seconds = CF_HTTP_REPLY_INIT;
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply date = CF_HTTP_REPLY_INIT;
    assert_ok(call(w, "GET", "/wait-seconds", 5000, &seconds, &err), &err);
    assert_int_equal(seconds.retry_after_ms, 7000);
    assert_ok(call(w, "GET", "/wait-date", 5000, &date, &err), &err);
    assert_int_equal(date.retry_after_ms, 24 * 3600 * 1000); /* capped at a day */
}

struct many {
    struct world *w;
    struct cf_endpoint *e;
    int64_t ms;
    atomic_int ok;
};

static void *call_slow(void *arg)
{
    struct many *m = arg;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    struct cf_http_call_request r = { .path = "/slow", .deadline_ms = cf_mono_now_ms() + m->ms };
    if (cf_http_call(m->w->t, m->e, &r, &reply, &err))
        atomic_fetch_add(&m->ok, 1);
    return NULL;
}

static int64_t run_many(struct many *m, int n)
{
    pthread_t threads[16];
    int64_t begun_ms = cf_mono_now_ms();
    for (int i = 0; i < n; i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_ok(cf_thread_start(&threads[i], "caller", call_slow, m, &err), &err);
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return cf_mono_now_ms() - begun_ms;
}

static void test_concurrency_limit(void **state)
{
    struct world *w = *state;
    struct many m = { .w = w, .ms = 10000 };
    m.e = endpoint(w, &(struct cf_endpoint_options){ .max_in_flight = 2 });
    int64_t took_ms = run_many(&m, 6);
    assert_int_equal(m.ok, 6);
    assert_int_equal(w->most, 2);
    assert_true(took_ms >= 290);
    cf_endpoint_unref(m.e);
}

/* The only place is taken until after the deadline. */
static void test_no_place_in_time(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct many m = { .w = w, .ms = 10000 };
    m.e = endpoint(w, &(struct cf_endpoint_options){ .max_in_flight = 1 });
    pthread_t thread;
    assert_ok(cf_thread_start(&thread, "caller", call_slow, &m, &err), &err);
    while (seen(w) == 0)
        usleep(1000);
    struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    struct cf_http_call_request r = { .method = "POST",
                                      .path = "/ok",
                                      .deadline_ms = cf_mono_now_ms() + 30 };
    assert_false(cf_http_call(w->t, m.e, &r, &reply, &err));
    assert_string_equal(err.reason, "Throttled");
    assert_int_equal(err.kind, CF_ERR_TRANSIENT);
    cf_error_clear(&err);
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply urgent = CF_HTTP_REPLY_INIT;
    r.skip_limits = true;
    r.deadline_ms = cf_mono_now_ms() + 5000;
    assert_ok(cf_http_call(w->t, m.e, &r, &urgent, &err), &err);
    pthread_join(thread, NULL);
    assert_int_equal(m.ok, 1);
    cf_endpoint_unref(m.e);
}

static void test_token_bucket(void **state)
{
    struct world *w = *state;
    struct many m = { .w = w, .ms = 10000 };
    m.e = endpoint(w, &(struct cf_endpoint_options){ .rate_per_s = 10, .burst = 2 });
    int64_t took_ms = run_many(&m, 6);
    assert_int_equal(m.ok, 6);
    assert_true(took_ms >= 390); /* two at once, then four more at 10 a second */
    cf_endpoint_unref(m.e);
}

static void test_fresh_connection(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_http_call_request r = { .path = "/ok", .fresh_connection = true };
    for (int i = 0; i < 3; i++) {
        CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
        assert_ok(cf_http_call(w->t, w->e, &r, &reply, &err), &err);
    }
    assert_int_equal(rude_server_connections(w->peer), 3);
}

static void test_authorization(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    const char *values[] = { "Bearer one", "Bearer two" };
    for (size_t i = 0; i < 2; i++) {
        CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
        assert_ok(cf_endpoint_set_authorization(w->e, values[i], &err), &err);
        assert_ok(call(w, "GET", "/echo", 5000, &reply, &err), &err);
        assert_non_null(strstr(w->last_head, values[i]));
    }
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    assert_ok(cf_endpoint_set_authorization(w->e, NULL, &err), &err);
    assert_ok(call(w, "GET", "/echo", 5000, &reply, &err), &err);
    assert_null(strstr(w->last_head, "Bearer"));
    assert_fails(cf_endpoint_set_authorization(w->e, "Bearer a\r\nX: b", &err), &err,
                 CF_ERR_INVALID, "control");
}

static void test_refused_requests(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *path, *header, *text;
    } cases[] = {
        { "no-slash", NULL, "path" },
        { "/a b", NULL, "path" },
        { "/a\r\nX: y", NULL, "path" },
        { "/a#b", NULL, "path" },
        { "/ok", "X: a\r\nY: b", "control characters" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
        const char *headers[] = { cases[i].header, NULL };
        struct cf_http_call_request r = { .path = cases[i].path, .headers = headers };
        assert_fails(cf_http_call(w->t, w->e, &r, &reply, &err), &err, CF_ERR_INVALID,
                     cases[i].text);
    }
}

static void test_refused_endpoints(void **state)
{
    (void)state;
    cf_autofree char *cert = NULL, *key = NULL, *other_cert = NULL, *other_key = NULL;
    rude_server_make_cert("a", true, &cert, &key);
    rude_server_make_cert("b", true, &other_cert, &other_key);
    const struct {
        struct cf_endpoint_options o;
        const char *text;
    } cases[] = {
        { { .base_url = "ftp://x" }, "" },
        { { .base_url = "file:///etc/passwd" }, "" },
        { { .base_url = "https://user:pw@x" }, "" },
        { { .base_url = "https://x/?a=b" }, "query" },
        { { .base_url = "https://x", .ca_pem = "nonsense" }, "CA certificate" },
        { { .base_url = "https://x", .cert_pem = cert }, "needs its key" },
        { { .base_url = "https://x", .cert_pem = cert, .key_pem = other_key }, "does not belong" },
        { { .base_url = "https://x", .cert_pem = cert, .key_pem = "nonsense" }, "key" },
        { { .base_url = "https://x", .tls_server_name = "a b" }, "host name" },
        { { .base_url = "https://x", .proxy_url = "ftp://p" }, "proxy" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_fails(cf_endpoint_new(&cases[i].o, &err), &err, CF_ERR_INVALID, cases[i].text);
    }
}

/* One call to a TLS server whose certificate is for `name`. */
static void test_tls(void **state)
{
    struct world *w = *state;
    cf_autofree char *cert = NULL, *key = NULL, *other = NULL, *other_key = NULL;
    rude_server_make_cert("api.test", false, &cert, &key);
    rude_server_make_cert("api.test", false, &other, &other_key);
    struct rude_server *peer = rude_server_start(handle, w, cert, key);
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d", rude_server_port(peer));
    const struct {
        const char *ca, *server_name;
        bool insecure, works;
    } cases[] = {
        { cert, "api.test", false, true },  { cert, NULL, false, false },
        { NULL, "api.test", false, false }, { other, "api.test", false, false },
        { cert, "api.else", false, false }, { NULL, NULL, true, true },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
        struct cf_endpoint_options o = { .base_url = url,
                                         .ca_pem = cases[i].ca,
                                         .insecure = cases[i].insecure,
                                         .tls_server_name = cases[i].server_name };
        struct cf_endpoint *e = cf_endpoint_new(&o, &err);
        struct cf_http_call_request r = { .method = "POST", .path = "/ok" };
        bool ok = cf_http_call(w->t, e, &r, &reply, &err);
        if (ok != cases[i].works)
            fail_msg("case %zu: %s", i, ok ? "accepted" : err.message);
        if (!ok) {
            assert_int_equal(err.kind, CF_ERR_UNAVAILABLE);
            assert_string_equal(err.reason, "TLS");
        }
        cf_endpoint_unref(e);
    }
    rude_server_stop(peer);
}

static void *free_soon(void *arg)
{
    usleep(100 * 1000);
    cf_transport_free(arg);
    return NULL;
}

static void test_freed_under_a_call(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_transport *t = cf_transport_new(NULL, &err);
    struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    struct cf_http_call_request r = { .path = "/never" };
    pthread_t thread;
    (void)w;
    assert_ok(cf_thread_start(&thread, "free", free_soon, t, &err), &err);
    struct cf_endpoint *e = endpoint(w, NULL);
    bool ok = cf_http_call(t, e, &r, &reply, &err);
    pthread_join(thread, NULL);
    assert_false(ok);
    assert_int_equal(err.kind, CF_ERR_CANCELLED);
    cf_endpoint_unref(e);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_answers),
        CASE(test_no_answer),
        CASE(test_read_is_sent_again),
        CASE(test_not_reached),
        CASE(test_too_large),
        CASE(test_cancel),
        CASE(test_retry_after),
        CASE(test_concurrency_limit),
        CASE(test_no_place_in_time),
        CASE(test_token_bucket),
        CASE(test_fresh_connection),
        CASE(test_authorization),
        CASE(test_refused_requests),
        CASE(test_refused_endpoints),
        CASE(test_tls),
        CASE(test_freed_under_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
