/* SPDX-License-Identifier: Apache-2.0 */
/* The binding of the API to the HTTP server: one fallback handler for everything; watches become
 * streams. */
#include "deploy/sandbox/api/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/thread.h"

enum {
    BODY_MAX = 4 * 1024 * 1024, /* above the API's own limit, so that it answers */
    /* A watcher that falls further behind is dropped, and lists again. */
    WATCH_QUEUE_MAX = 8 * 1024 * 1024,
    EARLY_MAX = 32 * 1024 * 1024, /* first events of a watch, before its stream is open */
    CONNECTIONS_MAX = 2000,
    IDLE_MS = 10 * 60 * 1000, /* a real one closes none that is idle for minutes */
};

struct sbx_api_server {
    struct sbx_api *api;
    struct cf_http_listener *listener;
    struct sbx_api_faults faults;
    struct sbx_stop stop;
};

/* A watch under way: its handler and its stream have a reference each. */
struct feed {
    atomic_int refs;
    struct sbx_api_server *server;
    pthread_mutex_t lock; /* guards stream and early */
    struct cf_http_stream *stream;
    struct cf_buf early;
    struct sbx_watch *watch; /* set before the stream is open */
};

static void feed_unref(struct feed *f)
{
    if (atomic_fetch_sub(&f->refs, 1) != 1)
        return;
    cf_http_stream_unref(f->stream);
    cf_buf_free(&f->early);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static bool feed_line(void *user, const char *line, size_t len)
{
    struct feed *f = user;
    if (atomic_load(&f->server->faults.watch_silent))
        return true;
    CF_LOCKED(&f->lock);
    if (f->stream)
        return cf_http_stream_write(f->stream, line, len);
    cf_buf_append(&f->early, line, len);
    return !f->early.overflow;
}

static void feed_over(void *user, enum cf_http_stream_end why)
{
    (void)why;
    struct feed *f = user;
    sbx_watch_close(f->server->api, f->watch);
    feed_unref(f);
}

static void open_feed(struct feed *f, struct cf_http_response *res, int64_t timeout_ms)
{
    cf_http_response_header(res, "Content-Type", "application/json");
    struct cf_http_stream_options options = {
        .queue_max = WATCH_QUEUE_MAX, .end_after_ms = timeout_ms, .over = feed_over, .user = f
    };
    atomic_fetch_add(&f->refs, 1);
    struct cf_http_stream *stream = cf_http_stream_open(res, &options);
    CF_LOCKED(&f->lock);
    f->stream = stream;
    if (f->early.len)
        (void)cf_http_stream_write(stream, f->early.data, f->early.len);
    cf_buf_free(&f->early);
}

static void never(struct cf_http_request *req, struct cf_http_response *res, enum cf_http_wake why,
                  void *user)
{
    (void)req, (void)why, (void)user;
    cf_http_response_cut(res);
}

static void delay(struct sbx_api_server *s, struct cf_http_response *res)
{
    int64_t slow = atomic_load(&s->faults.slow_ms);
    if (slow > 0)
        cf_http_response_delay(res, slow);
}

static bool faulty(struct sbx_api_server *s, struct cf_http_response *res)
{
    if (atomic_load(&s->faults.hang)) {
        cf_http_parked_release(cf_http_park(res, -1, never, NULL));
        return true;
    }
    int status = atomic_load(&s->faults.status);
    if (!status)
        return false;
    cf_http_response_json_take(res, status,
                               json_pack("{s:s,s:s,s:{},s:s,s:s,s:s,s:i}", "kind", "Status",
                                         "apiVersion", "v1", "metadata", "status", "Failure",
                                         "message", "a fault was asked for", "reason",
                                         status == 401   ? "Unauthorized"
                                         : status == 403 ? "Forbidden"
                                         : status == 429 ? "TooManyRequests"
                                         : status == 503 ? "ServiceUnavailable"
                                                         : "InternalError",
                                         "code", status));
    if (status == 429 || status == 503)
        cf_http_response_header(res, "Retry-After", "1");
    delay(s, res);
    return true;
}

static void answer(struct cf_http_response *res, struct sbx_answer *a)
{
    cf_http_response_header(res, "Cache-Control", "no-cache, private");
    cf_http_response_header(res, "Audit-Id", "sandbox");
    if (a->status == 401)
        cf_http_response_header(res, "WWW-Authenticate", "Bearer");
    if (a->warning) {
        CF_CLEANUP(cf_buf_free) struct cf_buf quoted = CF_BUF_INIT(2048);
        for (const char *p = a->warning; *p; p++)
            cf_buf_printf(&quoted, "%s%c", *p == '"' ? "\\" : "", *p);
        cf_http_response_headerf(res, "Warning", "299 - \"%s\"", cf_buf_str(&quoted));
    }
    if (a->text) {
        cf_http_response_text(res, a->status, "%s", a->text);
        return;
    }
    cf_autofree char *text = cf_json_dump(a->body);
    cf_autofree char *line = cf_xasprintf("%s\n", text);
    size_t len = strlen(line);
    cf_http_response_status(res, a->status);
    cf_http_response_body_take(res, "application/json", cf_steal(&line), len);
}

/* Whether the reply of a write that has happened is to be lost. */
static bool lose_reply(struct sbx_api_server *s)
{
    int left = atomic_load(&s->faults.lose_replies);
    while (left > 0 && !atomic_compare_exchange_weak(&s->faults.lose_replies, &left, left - 1))
        ;
    return left > 0;
}

static void serve(struct sbx_api_server *s, struct cf_http_request *req,
                  struct cf_http_response *res)
{
    if (faulty(s, res))
        return;
    struct feed *f = cf_xcalloc(1, sizeof(*f));
    atomic_init(&f->refs, 1);
    f->server = s;
    f->early = CF_BUF_INIT(EARLY_MAX);
    pthread_mutex_init(&f->lock, NULL);
    struct sbx_call call = { .method = cf_http_request_method(req),
                             .target = cf_http_request_target(req),
                             .content_type = cf_http_request_header(req, "content-type"),
                             .accept = cf_http_request_header(req, "accept"),
                             .authorization = cf_http_request_header(req, "authorization"),
                             .user_agent = cf_http_request_header(req, "user-agent") };
    call.body = cf_http_request_body(req, &call.body_len);
    struct sbx_answer a;
    sbx_api_call(s->api, &call, feed_line, f, &f->watch, &a);
    if (a.is_watch) {
        open_feed(f, res, a.timeout_ms);
    } else if (strcmp(call.method, "GET") != 0 && a.status < 300 && lose_reply(s)) {
        cf_http_response_cut(res);
    } else {
        answer(res, &a);
        delay(s, res);
    }
    sbx_answer_free(&a);
    feed_unref(f);
}

static void go_on(struct cf_http_request *req, struct cf_http_response *res, enum cf_http_wake why,
                  void *user)
{
    if (why == CF_HTTP_GONE)
        cf_http_response_cut(res);
    else
        serve(user, req, res);
}

static void handle(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_api_server *s = cf_http_request_owner(req);
    if (!sbx_stop_here(&s->stop, req, res, go_on, s))
        serve(s, req, res);
}

struct sbx_api_server *sbx_api_server_new(struct cf_http_server *http, struct sbx_api *api,
                                          int port, struct cf_http_tls *tls, struct cf_error *err)
{
    struct sbx_api_server *s = cf_xcalloc(1, sizeof(*s));
    s->api = api;
    sbx_stop_init(&s->stop);
    struct cf_http_listen_options options = {
        .port = port,
        .tls = tls,
        .site = { .fallback = handle, .fallback_body_max = BODY_MAX, .owner = s },
        .limits = { .connections = CONNECTIONS_MAX,
                    .connections_per_address = CONNECTIONS_MAX,
                    .idle_ms = IDLE_MS },
    };
    s->listener = cf_http_listen(http, &options, err);
    if (!s->listener) {
        cf_error_wrap(err, "API server of %s", sbx_api_cluster(api));
        sbx_api_server_free(s);
        return NULL;
    }
    return s;
}

void sbx_api_server_free(struct sbx_api_server *s)
{
    if (s)
        sbx_stop_free(&s->stop);
    free(s);
}

const char *sbx_api_server_url(const struct sbx_api_server *s)
{
    return cf_http_listener_url(s->listener);
}

struct sbx_api_faults *sbx_api_server_faults(struct sbx_api_server *s)
{
    return &s->faults;
}

struct sbx_stop *sbx_api_server_stop(struct sbx_api_server *s)
{
    return &s->stop;
}

bool sbx_api_server_away(struct sbx_api_server *s, bool away, struct cf_error *err)
{
    return cf_http_listener_set_away(s->listener, away, err);
}

void sbx_api_server_cut(struct sbx_api_server *s)
{
    cf_http_listener_cut(s->listener);
}
