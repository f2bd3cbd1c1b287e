/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: chunks as they come, ends of every kind, silence, delay, and closing from anywhere at
 * any time. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/transport.h"
#include "tests/support/rude_server.h"

struct world {
    struct cf_transport *t;
    struct rude_server *peer;
    struct cf_endpoint *e;
};

/* What a stream's callbacks saw. */
struct seen {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct cf_buf text;
    int status, ends, chunks;
    struct cf_error why;
    bool refuse_start;
    int refuse_chunk;               /* the chunk (from 1) at which the receiver ends it; 0: never */
    struct cf_http_download *close; /* closed in the callback of the first chunk */
};

/* "/lines/N/MS": N chunks "line\n", MS apart, then the proper end; "/hang": one line, then silence;
 * "/cut": breaks. */
static bool handle(void *arg, const struct rude_server_request *r)
{
    (void)arg;
    int n = 1, ms = 0;
    if (strcmp(r->path, "/never") == 0) {
        rude_server_sleep(r, 20000);
        return false;
    }
    if (strcmp(r->path, "/500") == 0)
        return rude_server_answer(r, 500, "", "broken");
    sscanf(r->path, "/lines/%d/%d", &n, &ms);
    rude_server_send(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < n; i++) {
        if (!rude_server_send(r, "5\r\nline\n\r\n"))
            return false;
        if (ms > 0)
            rude_server_sleep(r, ms);
    }
    if (strcmp(r->path, "/hang") == 0)
        rude_server_sleep(r, 20000);
    return strcmp(r->path, "/cut") != 0 && rude_server_send(r, "0\r\n\r\n");
}

static int set_up(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    struct world *w = cf_xcalloc(1, sizeof *w);
    w->t = cf_transport_new(
        &(struct cf_transport_options){ .name = "watches", .max_host_connections = 64 }, &err);
    w->peer = rude_server_start(handle, w, NULL, NULL);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", rude_server_port(w->peer));
    w->e = cf_endpoint_new(&(struct cf_endpoint_options){ .base_url = url }, &err);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    cf_endpoint_unref(w->e);
    cf_transport_free(w->t);
    rude_server_stop(w->peer);
    free(w);
    return 0;
}

static void seen_init(struct seen *s)
{
    *s = (struct seen){ .text = CF_BUF_INIT(1024 * 1024), .why = CF_ERROR_INIT };
    pthread_mutex_init(&s->lock, NULL);
    cf_cond_init(&s->cond);
}

static void seen_free(struct seen *s)
{
    cf_buf_free(&s->text);
    pthread_cond_destroy(&s->cond);
    pthread_mutex_destroy(&s->lock);
}

static bool on_start(void *arg, const struct cf_http_reply *head)
{
    struct seen *s = arg;
    CF_LOCKED(&s->lock);
    s->status = head->status;
    return !s->refuse_start;
}

static bool on_chunk(void *arg, const void *data, size_t len)
{
    struct seen *s = arg;
    struct cf_http_download *close = NULL;
    bool go_on;
    {
        CF_LOCKED(&s->lock);
        cf_buf_append(&s->text, data, len);
        s->chunks++;
        go_on = s->chunks != s->refuse_chunk;
        close = cf_steal(&s->close);
        pthread_cond_broadcast(&s->cond);
    }
    cf_http_download_close(close);
    return go_on;
}

static void on_end(void *arg, const struct cf_error *why)
{
    struct seen *s = arg;
    CF_LOCKED(&s->lock);
    s->ends++;
    s->why = *why;
    pthread_cond_broadcast(&s->cond);
}

static struct cf_http_download *open_stream(struct world *w, struct seen *s, const char *path,
                                            const struct cf_http_download_options *options)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_http_download_events events = {
        .on_start = on_start, .on_chunk = on_chunk, .on_end = on_end, .arg = s
    };
    struct cf_http_call_request r = { .path = path };
    struct cf_http_download *d = cf_http_download_open(w->t, w->e, &r, options, &events, &err);
    assert_non_null(d);
    return d;
}

static bool wait_for_end(struct seen *s, int64_t ms)
{
    int64_t until_ms = cf_mono_now_ms() + ms;
    CF_LOCKED(&s->lock);
    while (s->ends == 0 && cf_cond_wait_until(&s->cond, &s->lock, until_ms))
        ;
    return s->ends > 0;
}

/* What is asked, what comes, how it ends. */
static void test_ends(void **state)
{
    static const struct {
        const char *path;
        int64_t stall_ms, start_ms, total_ms;
        bool refuse_start;
        int refuse_chunk;
        int status;
        const char *text;
        enum cf_err_kind kind;
        const char *reason;
    } cases[] = {
        { "/lines/3/20", 2000, 0, 0, false, 0, 200, "line\nline\nline\n", CF_ERR_NONE, "" },
        { "/500", 2000, 0, 0, false, 0, 500, "broken", CF_ERR_NONE, "" },
        { "/hang", 200, 0, 0, false, 0, 200, "line\n", CF_ERR_TRANSIENT, "Stalled" },
        { "/cut", 2000, 0, 0, false, 0, 200, "line\n", CF_ERR_TRANSIENT, "Broken" },
        { "/never", 2000, 200, 0, false, 0, 0, "", CF_ERR_UNAVAILABLE, "Timeout" },
        { "/lines/100/20", 2000, 0, 200, false, 0, 200, NULL, CF_ERR_TRANSIENT, "" },
        { "/lines/3/20", 2000, 0, 0, true, 0, 200, "", CF_ERR_CANCELLED, "" },
        { "/lines/3/20", 2000, 0, 0, false, 2, 200, "line\nline\n", CF_ERR_CANCELLED, "" },
    };
    struct world *w = *state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct seen s;
        seen_init(&s);
        s.refuse_start = cases[i].refuse_start;
        s.refuse_chunk = cases[i].refuse_chunk;
        struct cf_http_download_options o = { .stall_ms = cases[i].stall_ms,
                                              .start_ms = cases[i].start_ms,
                                              .total_ms = cases[i].total_ms };
        struct cf_http_download *d = open_stream(w, &s, cases[i].path, &o);
        if (!wait_for_end(&s, 5000))
            fail_msg("case %zu does not end", i);
        cf_http_download_close(d);
        if (s.why.kind != cases[i].kind || strcmp(s.why.reason, cases[i].reason) != 0)
            fail_msg("case %zu: %s %s: %s", i, cf_err_kind_name(s.why.kind), s.why.reason,
                     s.why.message);
        assert_int_equal(s.ends, 1);
        assert_int_equal(s.status, cases[i].status);
        if (cases[i].text)
            assert_string_equal(cf_buf_str(&s.text), cases[i].text);
        seen_free(&s);
    }
}

static void test_delay(void **state)
{
    struct world *w = *state;
    struct seen s;
    seen_init(&s);
    int64_t begun_ms = cf_mono_now_ms();
    struct cf_http_download *d =
        open_stream(w, &s, "/lines/1/0", &(struct cf_http_download_options){ .delay_ms = 250 });
    assert_true(wait_for_end(&s, 5000));
    assert_true(cf_mono_now_ms() - begun_ms >= 250);
    cf_http_download_close(d);
    /* closed before it began: nothing is ever called */
    struct seen never;
    seen_init(&never);
    d = open_stream(w, &never, "/lines/1/0", &(struct cf_http_download_options){ .delay_ms = 100 });
    cf_http_download_close(d);
    usleep(200 * 1000);
    assert_int_equal(never.ends + never.chunks, 0);
    seen_free(&never);
    seen_free(&s);
}

static void test_close_while_running(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 20; i++) {
        struct seen s;
        seen_init(&s);
        struct cf_http_download *d = open_stream(w, &s, "/lines/1000/1", NULL);
        usleep((useconds_t)(i * 1000));
        cf_http_download_close(d);
        seen_free(&s); /* a callback after this would be seen by the sanitizers */
    }
}

static void test_close_in_its_callback(void **state)
{
    struct world *w = *state;
    struct seen s;
    seen_init(&s);
    {
        CF_LOCKED(&s.lock);
        s.close = open_stream(w, &s, "/lines/1000/5", NULL);
    }
    usleep(300 * 1000);
    {
        CF_LOCKED(&s.lock);
        assert_int_equal(s.chunks, 1);
        assert_int_equal(s.ends, 0);
    }
    struct cf_transport_stats stats;
    cf_transport_stats(w->t, &stats);
    assert_int_equal(stats.streams, 0);
    seen_free(&s);
}

static void test_many_at_once(void **state)
{
    enum { MANY = 40 };
    struct world *w = *state;
    static struct seen s[MANY];
    struct cf_http_download *d[MANY];
    for (int i = 0; i < MANY; i++) {
        seen_init(&s[i]);
        d[i] = open_stream(w, &s[i], "/lines/20/5", NULL);
    }
    for (int i = 0; i < MANY; i++) {
        assert_true(wait_for_end(&s[i], 20000));
        assert_int_equal(s[i].text.len, 20 * 5);
        cf_http_download_close(d[i]);
        seen_free(&s[i]);
    }
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_ends),
        CASE(test_delay),
        CASE(test_close_while_running),
        CASE(test_close_in_its_callback),
        CASE(test_many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
