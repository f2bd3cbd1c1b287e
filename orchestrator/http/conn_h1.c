/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 on one connection: requests strictly one after another, answers in their order.
 *
 *   HEAD → BODY → WAIT → SEND → HEAD …    (or closed after SEND)
 *
 * While one request waits or is answered, what follows stays in the input buffer, and beyond one
 * head's length in the kernel. A refused request, or one whose body was not read, ends the
 * connection: where the next begins is unknown. */
#include <string.h>

#include "orchestrator/http/conn.h"
#include "orchestrator/http/h1_chunked.h"
#include "orchestrator/http/h1_parse.h"
#include "orchestrator/http/h1_write.h"
#include "orchestrator/http/limits.h"
#include "orchestrator/http/stream.h"

enum h1_phase {
    H1_HEAD, /* between requests, or in a head */
    H1_BODY,
    H1_WAIT, /* for the handler */
    H1_SEND,
};

enum { IDLE_INPUT_BYTES = 4096 }; /* kept by an idle connection */

struct h1 {
    enum h1_phase phase;
    struct cf_buf in;
    size_t in_at; /* bytes of `in` already used */
    struct http_h1_head head;
    bool in_head; /* the head has begun: its deadline runs */
    struct http_chunked chunked;
    uint64_t body_left;
    struct http_exchange *x; /* in BODY, WAIT, SEND */
    struct http_h1_writer writer;
    bool keep_alive;
};

static struct h1 *state(const struct http_conn *c)
{
    return c->protocol;
}

static void h1_open(struct http_conn *c)
{
    struct h1 *h = c->protocol = cf_xcalloc(1, sizeof *h);
    h->in = CF_BUF_INIT(CF_HTTP_HEAD_MAX + 3 * (size_t)CF_HTTP_READ_BYTES);
    h->in_head = true;
    http_conn_deadline(c, c->listener->limits.header_ms);
}

static void complete_request(struct http_conn *c)
{
    struct h1 *h = state(c);
    h->x->complete = true;
    h->phase = H1_WAIT;
    http_conn_deadline(c, -1);
    http_exchange_dispatch(h->x);
}

/* Refuses what could not even be read as a request. */
static void refuse_head(struct http_conn *c, int status, const char *detail)
{
    struct h1 *h = state(c);
    h->keep_alive = false;
    h->x = http_exchange_new(c);
    http_exchange_fail(h->x, status, detail);
}

/* NULL, or why the request is refused (400). */
static const char *fill_request(struct h1 *h, struct cf_http_request *req)
{
    const struct http_h1_head *head = &h->head;
    const char *buf = h->in.data + h->in_at;
    req->version = head->minor ? "1.1" : "1.0";
    req->host = cf_arena_strndup(req->arena, buf + head->host.at, head->host.len);
    for (size_t i = 0; i < head->header_count; i++) {
        struct http_span name = head->headers[i].name, value = head->headers[i].value;
        if (!http_request_add_header(req, buf + name.at, name.len, buf + value.at, value.len))
            return "a header that may come once is repeated";
    }
    return http_request_set_target(req, buf + head->method.at, head->method.len,
                                   buf + head->target.at, head->target.len);
}

static void start_body(struct http_conn *c)
{
    struct h1 *h = state(c);
    const struct http_h1_head *head = &h->head;
    if (head->content_length > h->x->body_max) {
        http_exchange_fail(h->x, 413, "the body is longer than this resource takes");
        return;
    }
    h->phase = H1_BODY;
    h->body_left = head->content_length;
    h->chunked = (struct http_chunked){ .state = 0 };
    http_conn_deadline(c, c->listener->limits.body_ms);
    if (head->expects_continue && h->in.len == h->in_at)
        cf_buf_puts(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void start_exchange(struct http_conn *c)
{
    struct h1 *h = state(c);
    struct http_exchange *x = h->x = http_exchange_new(c);
    const char *wrong = fill_request(h, &x->req);
    h->in_at += h->head.consumed;
    h->keep_alive = h->head.keep_alive && !wrong;
    if (wrong) {
        http_exchange_fail(x, 400, wrong);
        return;
    }
    x->has_request = true;
    x->complete = !h->head.chunked && h->head.content_length == 0;
    h->phase = H1_WAIT;
    if (!http_exchange_route(x))
        return;
    if (x->complete)
        complete_request(c);
    else
        start_body(c);
}

/* Each of the two reads a step; false: needs more bytes. */
static bool read_head(struct http_conn *c)
{
    struct h1 *h = state(c);
    if (h->in_at == h->in.len)
        return false;
    if (!h->in_head)
        http_conn_deadline(c, c->listener->limits.header_ms);
    h->in_head = true;
    switch (http_h1_parse(&h->head, h->in.data + h->in_at, h->in.len - h->in_at)) {
    case HTTP_H1_MORE:
        return false;
    case HTTP_H1_BAD:
        refuse_head(c, h->head.status, h->head.detail);
        return true;
    case HTTP_H1_DONE:
        start_exchange(c);
        return true;
    }
    return false;
}

static bool read_chunked(struct http_conn *c, const char *data, size_t len)
{
    struct h1 *h = state(c);
    size_t used = 0;
    enum http_chunked_result r = http_chunked_feed(&h->chunked, data, len, &used, &h->x->req.body);
    h->in_at += used;
    switch (r) {
    case HTTP_CHUNKED_MORE:
        return false;
    case HTTP_CHUNKED_BAD:
        http_exchange_fail(h->x, 400, h->chunked.detail);
        return true;
    case HTTP_CHUNKED_LARGE:
        http_exchange_fail(h->x, 413, "the body is longer than this resource takes");
        return true;
    case HTTP_CHUNKED_DONE:
        complete_request(c);
        return true;
    }
    return false;
}

static bool read_body(struct http_conn *c)
{
    struct h1 *h = state(c);
    size_t have = h->in.len - h->in_at;
    if (have == 0)
        return false;
    const char *data = h->in.data + h->in_at;
    if (h->head.chunked)
        return read_chunked(c, data, have);
    size_t n = have < h->body_left ? have : (size_t)h->body_left;
    cf_buf_append(&h->x->req.body, data, n);
    h->in_at += n;
    h->body_left -= n;
    if (h->body_left)
        return false;
    complete_request(c);
    return true;
}

static void advance(struct http_conn *c)
{
    struct h1 *h = state(c);
    bool moved = true;
    while (moved && !c->dead && !c->closing)
        moved = h->phase == H1_HEAD ? read_head(c) : h->phase == H1_BODY ? read_body(c) : false;
    if (c->dead)
        return;
    if (h->in_at == h->in.len) {
        h->in_at = 0;
        if (h->in.cap > IDLE_INPUT_BYTES)
            cf_buf_free(&h->in);
        else
            cf_buf_reset(&h->in);
    }
    /* No byte will come any more, so a request that is not whole never will be. */
    if (c->eof && (h->phase == H1_HEAD || h->phase == H1_BODY))
        http_conn_close(c);
}

static void h1_input(struct http_conn *c, const char *data, size_t len)
{
    struct h1 *h = state(c);
    if (h->in_at) {
        cf_buf_consume(&h->in, h->in_at);
        h->in_at = 0;
    }
    cf_buf_append(&h->in, data, len);
    cf_assert(!h->in.overflow);
    advance(c);
}

/* A client may shut its side and still read: an answer under way is finished, but nothing that
 * could last. */
static void h1_eof(struct http_conn *c)
{
    struct h1 *h = state(c);
    struct http_exchange *x = h->x;
    if (!x || h->phase == H1_BODY || x->stream || x->phase == HTTP_PARKED ||
        x->phase == HTTP_DELAYED)
        http_conn_close(c);
    else
        atomic_store(&x->req.gone, true);
}

static bool h1_wants_input(const struct http_conn *c)
{
    const struct h1 *h = state(c);
    return h->phase <= H1_BODY || h->in.len - h->in_at < CF_HTTP_HEAD_MAX;
}

static void h1_answer(struct http_exchange *x)
{
    struct http_conn *c = x->conn;
    struct h1 *h = state(c);
    if (!x->complete || c->listener->server->draining)
        h->keep_alive = false;
    http_h1_write_head(&h->writer, x, h->keep_alive, &c->out);
    h->phase = H1_SEND;
    http_conn_deadline(c, -1);
}

static void h1_fill(struct http_conn *c)
{
    struct h1 *h = state(c);
    if (h->phase == H1_SEND)
        http_h1_write_body(&h->writer, h->x, c);
}

static bool h1_flushed(struct http_conn *c)
{
    struct h1 *h = state(c);
    if (h->phase != H1_SEND)
        return false;
    if (!h->writer.done)
        return h->writer.wrote;
    http_exchange_end(cf_steal(&h->x), true);
    h->phase = H1_HEAD;
    h->head = (struct http_h1_head){ .status = 0 };
    h->in_head = false;
    if (!h->keep_alive || c->listener->server->draining) {
        c->closing = true;
        return false;
    }
    http_conn_deadline(c, c->listener->limits.idle_ms);
    advance(c);
    return !c->dead && h->phase == H1_SEND;
}

static void h1_expired(struct http_conn *c)
{
    struct h1 *h = state(c);
    if (h->phase == H1_BODY)
        http_exchange_fail(h->x, 408, "the body did not arrive in time");
    else if (h->phase == H1_HEAD && h->in.len > h->in_at)
        refuse_head(c, 408, "the request did not arrive in time");
    else
        http_conn_close(c);
}

static void h1_drain(struct http_conn *c)
{
    struct h1 *h = state(c);
    if (h->phase == H1_HEAD && h->in.len == h->in_at)
        c->closing = true;
}

static void h1_close(struct http_conn *c)
{
    struct h1 *h = state(c);
    struct http_exchange *x = cf_steal(&h->x);
    c->protocol = NULL;
    cf_buf_free(&h->in);
    free(h);
    if (x)
        http_exchange_abandon(x);
}

static void h1_stream_ready(struct http_exchange *x)
{
    (void)x; /* the pump fills */
}

static void h1_cut(struct http_exchange *x)
{
    http_conn_close(x->conn);
}

const struct http_proto http_proto_h1 = {
    .name = "HTTP/1.1",
    .open = h1_open,
    .input = h1_input,
    .eof = h1_eof,
    .fill = h1_fill,
    .flushed = h1_flushed,
    .wants_input = h1_wants_input,
    .expired = h1_expired,
    .drain = h1_drain,
    .close = h1_close,
    .answer = h1_answer,
    .stream_ready = h1_stream_ready,
    .cut = h1_cut,
};
