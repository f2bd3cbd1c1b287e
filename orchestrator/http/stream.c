/* SPDX-License-Identifier: Apache-2.0 */
/* A stream is a bounded queue of bytes between any threads that write and the connection that
 * reads.
 *
 * The writers' side never waits and never touches the connection: it appends under the lock and,
 * unless that is on its way already, sends the sockets' thread one piece of mail. */
#include "orchestrator/http/stream.h"

#include <string.h>

#include "base/thread.h"
#include "orchestrator/http/conn.h"
#include "orchestrator/http/limits.h"

struct cf_http_stream {
    atomic_int refs;                       /* owners, the exchange, mail on its way */
    struct http_loop *loop;                /* constant; alive while not over */
    struct cf_http_stream_options options; /* constant, no zeros */

    struct http_exchange *x; /* the sockets' thread: set while attached */
    struct http_timer ping, end;
    struct http_mail mail;

    pthread_mutex_t lock; /* guards what follows */
    struct cf_buf queue;
    size_t taken; /* bytes at the front of the queue that have gone */
    int64_t written_ms;
    bool posted, ending, aborted, slow, over;
};

void cf_http_stream_unref(struct cf_http_stream *st)
{
    if (!st || atomic_fetch_sub(&st->refs, 1) > 1)
        return;
    cf_buf_free(&st->queue);
    pthread_mutex_destroy(&st->lock);
    free(st);
}

struct cf_http_stream *cf_http_stream_ref(struct cf_http_stream *st)
{
    atomic_fetch_add(&st->refs, 1);
    return st;
}

/* With the lock held. */
static void post(struct cf_http_stream *st)
{
    if (st->posted)
        return;
    st->posted = true;
    cf_http_stream_ref(st);
    http_loop_post(st->loop, &st->mail);
}

static void receive_news(struct http_mail *m)
{
    struct cf_http_stream *st = HTTP_CONTAINER(m, struct cf_http_stream, mail);
    pthread_mutex_lock(&st->lock);
    st->posted = false;
    bool is_cut = st->aborted || st->slow;
    pthread_mutex_unlock(&st->lock);
    struct http_exchange *x = st->x;
    if (x) {
        struct http_conn *c = x->conn;
        if (is_cut)
            c->proto->cut(x);
        else
            c->proto->stream_ready(x);
        http_conn_pump(c);
    }
    cf_http_stream_unref(st);
}

static void append(struct cf_http_stream *st, const void *data, size_t len)
{
    cf_buf_append(&st->queue, data, len);
    st->written_ms = cf_mono_now_ms();
    post(st);
}

/* With the lock held: whether so much more is fine; marks the client as slow if not. */
static bool has_room(struct cf_http_stream *st, size_t len)
{
    size_t queued = st->queue.len - st->taken;
    if (queued == 0 ? len <= CF_HTTP_STREAM_WRITE_MAX
                    : len <= st->options.queue_max && queued <= st->options.queue_max - len)
        return true;
    st->slow = true;
    st->ending = true;
    post(st);
    return false;
}

static void fire_ping(struct http_timer *t)
{
    struct cf_http_stream *st = HTTP_CONTAINER(t, struct cf_http_stream, ping);
    CF_LOCKED(&st->lock);
    int64_t quiet = cf_mono_now_ms() - st->written_ms;
    if (quiet >= st->options.ping_ms && !st->ending && st->queue.len == st->taken) {
        append(st, st->options.ping, strlen(st->options.ping));
        quiet = 0;
    }
    http_loop_timer(st->loop, &st->ping, CF_MAX(st->options.ping_ms - quiet, 1));
}

static void fire_end(struct http_timer *t)
{
    cf_http_stream_end(HTTP_CONTAINER(t, struct cf_http_stream, end));
}

struct cf_http_stream *cf_http_stream_open(struct cf_http_response *res,
                                           const struct cf_http_stream_options *options)
{
    struct http_exchange *x = http_exchange_of_response(res);
    cf_assert(!x->stream);
    struct cf_http_stream *st = cf_xcalloc(1, sizeof *st);
    atomic_init(&st->refs, 2);
    if (options)
        st->options = *options;
    if (!st->options.queue_max)
        st->options.queue_max = CF_HTTP_STREAM_QUEUE_MAX;
    if (!st->options.ping)
        st->options.ping = ": ping\n\n";
    st->loop = x->listener->server->loop;
    st->ping.fire = fire_ping;
    st->end.fire = fire_end;
    st->mail.run = receive_news;
    st->queue = CF_BUF_INIT(st->options.queue_max + 2 * (size_t)CF_HTTP_STREAM_WRITE_MAX);
    st->written_ms = cf_mono_now_ms();
    pthread_mutex_init(&st->lock, NULL);
    x->stream = st;
    res->outcome = HTTP_STREAM;
    return st;
}

bool cf_http_stream_write(struct cf_http_stream *st, const void *data, size_t len)
{
    CF_LOCKED(&st->lock);
    if (st->ending || st->over || !has_room(st, len))
        return false;
    append(st, data, len);
    return true;
}

bool cf_http_stream_event(struct cf_http_stream *st, const char *id, const char *event,
                          const char *data)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(CF_HTTP_STREAM_WRITE_MAX);
    if (id && !strpbrk(id, "\r\n"))
        cf_buf_printf(&b, "id: %s\n", id);
    if (event && !strpbrk(event, "\r\n"))
        cf_buf_printf(&b, "event: %s\n", event);
    for (const char *line = data; line;) {
        size_t len = strcspn(line, "\r\n");
        cf_buf_printf(&b, "data: %.*s\n", (int)len, line);
        const char *end = line + len;
        line = *end ? end + 1 + (end[0] == '\r' && end[1] == '\n') : NULL;
    }
    cf_buf_putc(&b, '\n');
    return !b.overflow && cf_http_stream_write(st, b.data, b.len);
}

void cf_http_stream_end(struct cf_http_stream *st)
{
    CF_LOCKED(&st->lock);
    if (st->ending || st->over)
        return;
    st->ending = true;
    post(st);
}

void cf_http_stream_abort(struct cf_http_stream *st)
{
    CF_LOCKED(&st->lock);
    if (st->aborted || st->over)
        return;
    st->ending = st->aborted = true;
    post(st);
}

bool cf_http_stream_is_open(struct cf_http_stream *st)
{
    CF_LOCKED(&st->lock);
    return !st->ending && !st->over;
}

size_t cf_http_stream_queued(struct cf_http_stream *st)
{
    CF_LOCKED(&st->lock);
    return st->queue.len - st->taken;
}

void http_stream_attach(struct http_exchange *x)
{
    struct cf_http_stream *st = x->stream;
    st->x = x;
    if (st->options.ping_ms > 0)
        http_loop_timer(st->loop, &st->ping, st->options.ping_ms);
    if (st->options.end_after_ms > 0)
        http_loop_timer(st->loop, &st->end, st->options.end_after_ms);
    CF_LOCKED(&st->lock);
    if (st->aborted || st->slow)
        post(st);
}

size_t http_stream_take(struct cf_http_stream *st, char *dst, size_t max, bool *out_end)
{
    CF_LOCKED(&st->lock);
    *out_end = false;
    if (st->aborted || st->slow) /* the cut is on its way: an end would look like a good one */
        return 0;
    size_t n = CF_MIN(max, st->queue.len - st->taken);
    if (n)
        memcpy(dst, st->queue.data + st->taken, n);
    st->taken += n;
    *out_end = st->ending && st->taken == st->queue.len;
    if (st->taken == st->queue.len) {
        /* An idle stream holds no memory of a burst. */
        cf_buf_free(&st->queue);
        st->taken = 0;
    } else if (st->taken > st->queue.len / 2) {
        cf_buf_consume(&st->queue, st->taken);
        st->taken = 0;
    }
    return n;
}

void http_stream_over(struct http_exchange *x, enum cf_http_stream_end why)
{
    struct cf_http_stream *st = cf_steal(&x->stream);
    if (!st)
        return;
    st->x = NULL;
    http_loop_timer(st->loop, &st->ping, -1);
    http_loop_timer(st->loop, &st->end, -1);
    pthread_mutex_lock(&st->lock);
    if (why == CF_HTTP_STREAM_LEFT && (st->slow || st->aborted))
        why = st->slow ? CF_HTTP_STREAM_SLOW : CF_HTTP_STREAM_ABORTED;
    st->over = true;
    cf_buf_free(&st->queue);
    st->taken = 0;
    pthread_mutex_unlock(&st->lock);
    if (st->options.over)
        st->options.over(st->options.user, why);
    cf_http_stream_unref(st);
}
