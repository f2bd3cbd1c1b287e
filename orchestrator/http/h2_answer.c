/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of an HTTP/2 connection: headers, then DATA from the body or from the stream's queue, as
 * flow control allows. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/http/conn_h2.h"
#include "orchestrator/http/date.h"
#include "orchestrator/http/limits.h"
#include "orchestrator/http/stream.h"

/* The fields of an answer, in its arena; nghttp2 copies them. */
struct fields {
    struct cf_arena *arena;
    nghttp2_nv *nv;
    size_t count;
};

static void add(struct fields *f, const char *name, const char *value)
{
    char *lower = cf_arena_strdup(f->arena, name);
    for (char *c = lower; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c | 0x20);
    char *copy = cf_arena_strdup(f->arena, value);
    f->nv[f->count++] = (nghttp2_nv){ (uint8_t *)lower, (uint8_t *)copy, strlen(lower),
                                      strlen(copy), NGHTTP2_NV_FLAG_NONE };
}

static struct fields make_fields(const struct http_exchange *x)
{
    const struct cf_http_response *res = &x->res;
    struct fields f = { .arena = res->arena };
    char number[32];
    f.nv = cf_arena_alloc(f.arena, (res->headers.count + 3) * sizeof *f.nv);
    snprintf(number, sizeof number, "%d", res->status);
    add(&f, ":status", number);
    if (!http_pairs_find(&res->headers, "date"))
        add(&f, "date", http_date());
    for (size_t i = 0; i < res->headers.count; i++)
        add(&f, res->headers.items[i].name, res->headers.items[i].value);
    if (!x->stream && http_status_has_body(res->status)) {
        snprintf(number, sizeof number, "%zu", res->body_len);
        add(&f, "content-length", number);
    }
    return f;
}

/* All that will be sent has been given to nghttp2: from here only the connection itself can stall.
 */
static void finish(struct http_exchange *x, uint32_t *flags)
{
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    x->h2.sent_all = true;
    http_loop_timer(x->listener->server->loop, &x->timer, -1);
}

static nghttp2_ssize read_body(nghttp2_session *s, int32_t stream_id, uint8_t *buf, size_t cap,
                               uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    (void)s, (void)stream_id, (void)user_data;
    struct http_exchange *x = source->ptr;
    size_t n = CF_MIN(cap, x->res.body_len - x->sent);
    memcpy(buf, x->res.body + x->sent, n);
    x->sent += n;
    if (x->sent == x->res.body_len)
        finish(x, flags);
    else
        http_loop_timer(x->listener->server->loop, &x->timer, x->listener->limits.write_stall_ms);
    return (nghttp2_ssize)n;
}

static nghttp2_ssize read_stream(nghttp2_session *s, int32_t stream_id, uint8_t *buf, size_t cap,
                                 uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    (void)s, (void)stream_id, (void)user_data;
    struct http_exchange *x = source->ptr;
    bool is_end = false;
    size_t n = http_stream_take(x->stream, (char *)buf, cap, &is_end);
    if (is_end) {
        finish(x, flags);
    } else if (n == 0) {
        x->h2.deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    return (nghttp2_ssize)n;
}

void http_h2_answer(struct http_exchange *x)
{
    struct http_conn *c = x->conn;
    struct fields f = make_fields(x);
    nghttp2_data_provider2 body = { .source.ptr = x,
                                    .read_callback = x->stream ? read_stream : read_body };
    bool has_body =
        !x->req.is_head && http_status_has_body(x->res.status) && (x->stream || x->res.body_len);
    x->h2.sent_all = !has_body;
    if (has_body && !x->stream)
        http_loop_timer(http_conn_loop(c), &x->timer, c->listener->limits.write_stall_ms);
    /* A stream that is closed already tells so by itself. */
    (void)nghttp2_submit_response2(http_h2_of(c)->session, x->h2.id, f.nv, f.count,
                                   has_body ? &body : NULL);
}

void http_h2_stream_ready(struct http_exchange *x)
{
    if (!x->h2.deferred)
        return;
    x->h2.deferred = false;
    (void)nghttp2_session_resume_data(http_h2_of(x->conn)->session, x->h2.id);
}
