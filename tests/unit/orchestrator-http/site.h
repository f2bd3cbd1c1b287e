/* SPDX-License-Identifier: Apache-2.0 */
/* The site that the server tests talk to, and the server around it. Each test program includes it
 * once. */
#ifndef TESTS_HTTP_SITE_H
#define TESTS_HTTP_SITE_H

#include "tests/support/test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/thread.h"
#include "orchestrator/http/http.h"
#include "orchestrator/http/limits.h"
#include "tests/support/http_peer.h"

static char site_marker; /* what continuations are handed */

/* What happened, for tests to wait on. */
static atomic_int site_done, site_incomplete, site_resumed[4], site_streams_over[4], site_running,
    site_handled;
static struct cf_http_parked *_Atomic site_parked;
static struct cf_http_stream *_Atomic site_stream;

static inline void site_hello(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)req;
    cf_http_response_text(res, 200, "hello");
}

/* Says back what it was asked. */
static inline void site_tell(struct cf_http_request *req, struct cf_http_response *res)
{
    size_t len;
    const char *name = cf_http_request_param(req, "name"), *q = cf_http_request_query(req, "q");
    const char *x = cf_http_request_header(req, "x"), *body = cf_http_request_body(req, &len);
    cf_http_response_text(res, 200, "%s %s name=%s q=%s x=%s body=%.*s",
                          cf_http_request_method(req), cf_http_request_path(req), name ? name : "-",
                          q ? q : "-", x ? x : "-", (int)len, body);
}

static inline void site_echo(struct cf_http_request *req, struct cf_http_response *res)
{
    size_t len;
    const char *body = cf_http_request_body(req, &len);
    cf_http_response_body(res, "text/plain", body, len);
}

static inline void site_sleep(struct cf_http_request *req, struct cf_http_response *res)
{
    atomic_fetch_add(&site_running, 1);
    usleep((unsigned)atoi(cf_http_request_param(req, "ms")) * 1000u);
    atomic_fetch_sub(&site_running, 1);
    atomic_fetch_add(&site_handled, 1);
    cf_http_response_text(res, 200, "slept");
}

static inline void site_delay(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_http_response_text(res, 200, "delayed");
    cf_http_response_delay(res, atoi(cf_http_request_param(req, "ms")));
}

static inline void site_big(struct cf_http_request *req, struct cf_http_response *res)
{
    size_t n = (size_t)atoi(cf_http_request_param(req, "bytes"));
    char *data = cf_xmalloc(n + 1);
    memset(data, 'x', n);
    cf_http_response_body_take(res, "application/octet-stream", data, n);
}

static inline void site_resume(struct cf_http_request *req, struct cf_http_response *res,
                               enum cf_http_wake why, void *user)
{
    (void)req;
    static const char *const names[] = { "woken", "timeout", "gone", "drain" };
    assert_ptr_equal(user, &site_marker);
    atomic_fetch_add(&site_resumed[why], 1);
    cf_http_response_text(res, 200, "%s", names[why]);
}

/* ?ms=: how long at most; ?keep: the handle is kept for the test, who releases it. */
static inline void site_park(struct cf_http_request *req, struct cf_http_response *res)
{
    const char *ms = cf_http_request_query(req, "ms");
    struct cf_http_parked *p = cf_http_park(res, ms ? atoi(ms) : -1, site_resume, &site_marker);
    if (cf_http_request_query(req, "wake"))
        cf_http_parked_wake(p);
    if (cf_http_request_query(req, "keep"))
        atomic_store(&site_parked, p);
    else
        cf_http_parked_release(p);
}

static inline void site_stream_over(void *user, enum cf_http_stream_end why)
{
    (void)user;
    atomic_fetch_add(&site_streams_over[why], 1);
}

/* ?queue=, ?ping=, ?end=: the options; ?keep: the stream is kept for the test; else three events
 * and the end. */
static inline void site_events(struct cf_http_request *req, struct cf_http_response *res)
{
    const char *queue = cf_http_request_query(req, "queue"),
               *ping = cf_http_request_query(req, "ping");
    const char *end = cf_http_request_query(req, "end");
    cf_http_response_header(res, "Content-Type", "text/event-stream");
    struct cf_http_stream *st = cf_http_stream_open(
        res, &(struct cf_http_stream_options){ .queue_max = queue ? (size_t)atoi(queue) : 0,
                                               .ping_ms = ping ? atoi(ping) : 0,
                                               .end_after_ms = end ? atoi(end) : 0,
                                               .over = site_stream_over });
    if (cf_http_request_query(req, "keep")) {
        atomic_store(&site_stream, st);
        return;
    }
    assert_true(cf_http_stream_event(st, "1", "step", "one\ntwo"));
    assert_true(cf_http_stream_event(st, NULL, NULL, ""));
    assert_true(cf_http_stream_write(st, ": bye\n\n", 7));
    if (!end)
        cf_http_stream_end(st);
    cf_http_stream_unref(st);
}

static inline void site_cut(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)req;
    cf_http_response_cut(res);
}

static inline void site_no_content(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)req;
    cf_http_response_status(res, 204);
}

static inline void site_media(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_http_response_text(res, 200, "as %s", cf_http_request_accepted(req));
}

static inline void site_own_problem(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)req;
    cf_http_response_header(res, "X-Lost", "1");
    cf_http_response_problem(res, 500, "made of %s", "teapots");
}

static inline void site_note_done(const struct cf_http_request *req,
                                  const struct cf_http_response *res, bool complete, void *owner)
{
    (void)req, (void)res, (void)owner;
    atomic_fetch_add(&site_done, 1);
    if (!complete)
        atomic_fetch_add(&site_incomplete, 1);
}

/* "Nobody" may not come in. */
static inline bool site_guard(struct cf_http_request *req, struct cf_http_response *res)
{
    const char *x = cf_http_request_header(req, "x");
    if (x && strcmp(x, "nobody") == 0) {
        cf_http_response_problem(res, 401, "who are you?");
        return false;
    }
    cf_http_request_set_user(req, "somebody");
    return true;
}

static const char *const site_json_or_yaml[] = { "application/json", "application/yaml", NULL };

static const struct cf_http_route site_routes[] = {
    { .method = "GET", .path = "/inline", .handler = site_hello, .lane = CF_HTTP_INLINE },
    { .method = "GET", .path = "/hello", .handler = site_hello },
    { .method = "GET", .path = "/tell/{name}", .handler = site_tell },
    { .method = "POST", .path = "/tell/{name}", .handler = site_tell },
    { .method = "POST", .path = "/echo", .handler = site_echo },
    { .method = "POST", .path = "/tiny", .handler = site_echo, .body_max = 10 },
    { .method = "GET", .path = "/sleep/{ms}", .handler = site_sleep },
    { .method = "POST", .path = "/action/{ms}", .handler = site_sleep, .lane = CF_HTTP_ACTION },
    { .method = "GET", .path = "/delay/{ms}", .handler = site_delay, .lane = CF_HTTP_INLINE },
    { .method = "GET", .path = "/big/{bytes}", .handler = site_big },
    { .method = "GET", .path = "/park", .handler = site_park },
    { .method = "GET", .path = "/park-inline", .handler = site_park, .lane = CF_HTTP_INLINE },
    { .method = "GET", .path = "/events", .handler = site_events },
    { .method = "GET", .path = "/cut", .handler = site_cut },
    { .method = "GET", .path = "/no-content", .handler = site_no_content },
    { .method = "POST",
      .path = "/media",
      .handler = site_media,
      .consumes = site_json_or_yaml,
      .produces = site_json_or_yaml },
    { .method = "PATCH", .path = "/media", .handler = site_media, .consumes = site_json_or_yaml },
    { .method = "GET", .path = "/problem", .handler = site_own_problem },
    { .method = NULL },
};

struct site {
    struct cf_http_server *server;
    struct cf_http_listener *listener;
    int port;
};

static inline struct site site_start(const struct cf_http_server_options *server,
                                     const struct cf_http_limits *limits, struct cf_http_tls *tls)
{
    struct cf_error err = CF_ERROR_INIT;
    struct site s = { .server = cf_http_server_start(server, &err) };
    struct cf_http_listen_options o = {
        .tls = tls, .site = { .routes = site_routes, .done = site_note_done, .guard = site_guard }
    };
    if (limits)
        o.limits = *limits;
    if (!s.server || !(s.listener = cf_http_listen(s.server, &o, &err)))
        fail_msg("start: %s", err.message);
    s.port = cf_http_listener_port(s.listener);
    return s;
}

/* Waits until a counter has at least this value. */
static inline void site_wait(atomic_int *counter, int want)
{
    int64_t until = cf_mono_now_ms() + CF_PEER_WAIT_MS;
    while (atomic_load(counter) < want) {
        if (cf_mono_now_ms() > until)
            fail_msg("a counter is %d, not %d", atomic_load(counter), want);
        usleep(1000);
    }
}

static inline void site_reset(void)
{
    atomic_store(&site_done, 0);
    atomic_store(&site_incomplete, 0);
    atomic_store(&site_handled, 0);
    for (int i = 0; i < 4; i++) {
        atomic_store(&site_resumed[i], 0);
        atomic_store(&site_streams_over[i], 0);
    }
}

#endif
