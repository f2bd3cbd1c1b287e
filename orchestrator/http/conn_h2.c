/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 on one connection: nghttp2 speaks the protocol, this file feeds it, drains it and ends it.
 *
 * nghttp2 checks the framing, flow control and the well-formedness of messages; it bounds resets,
 * continuations, settings and acknowledgements (limits.h). What it does not bound is counted here:
 * header lists, bodies, work left behind by reset streams. */
#include "orchestrator/http/conn_h2.h"

#include "orchestrator/http/limits.h"

struct http_exchange *http_h2_find(struct http_h2 *h, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(h->session, stream_id);
}

void http_h2_set_deadline(struct http_conn *c)
{
    const struct http_h2 *h = http_h2_of(c);
    if (h->said_goaway)
        return;
    http_conn_deadline(c, h->open || !h->has_begun ? -1 : c->listener->limits.idle_ms);
}

void http_h2_forget(struct http_h2 *h, struct http_exchange *x)
{
    (void)nghttp2_session_set_stream_user_data(h->session, x->h2.id, NULL);
    *x->h2.at = x->h2.next;
    if (x->h2.next)
        x->h2.next->h2.at = x->h2.at;
    x->h2.id = 0;
    h->open--;
    h->body_bytes -= x->req.body.len;
}

static int on_stream_close(nghttp2_session *s, int32_t stream_id, uint32_t error_code,
                           void *user_data)
{
    struct http_conn *c = user_data;
    struct http_h2 *h = http_h2_of(c);
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, stream_id);
    if (!x)
        return 0;
    http_h2_forget(h, x);
    if (x->phase == HTTP_SENDING && x->h2.sent_all)
        http_exchange_end(x, true);
    else
        http_exchange_abandon(x);
    (void)error_code;
    http_h2_set_deadline(c);
    return 0;
}

/* The answer went out before the request was whole. What is left of that is not wanted (RFC
 * 9113 8.1), but some clients lose the answer when they are told so at once: for a moment they may
 * go on, into nothing. */
static int on_frame_sent(nghttp2_session *s, const nghttp2_frame *frame, void *user_data)
{
    struct http_exchange *x = nghttp2_session_get_stream_user_data(s, frame->hd.stream_id);
    if (x && x->phase == HTTP_SENDING && !x->complete &&
        frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
        (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS))
        http_loop_timer(http_conn_loop(user_data), &x->timer, CF_HTTP_LINGER_MS);
    return 0;
}

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *cb;
    cf_assert(nghttp2_session_callbacks_new(&cb) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, http_h2_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, http_h2_on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, http_h2_on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, http_h2_on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    return cb;
}

static nghttp2_option *make_option(void)
{
    nghttp2_option *o;
    cf_assert(nghttp2_option_new(&o) == 0);
    nghttp2_option_set_max_settings(o, CF_HTTP_H2_SETTINGS_MAX);
    nghttp2_option_set_max_outbound_ack(o, CF_HTTP_H2_OUTBOUND_ACK_MAX);
#if CF_NGHTTP2_RESET_RATE
    nghttp2_option_set_stream_reset_rate_limit(o, CF_HTTP_H2_RESET_BURST, CF_HTTP_H2_RESET_RATE);
#endif
#if CF_NGHTTP2_CONTINUATIONS
    nghttp2_option_set_max_continuations(o, CF_HTTP_H2_CONTINUATIONS_MAX);
#endif
#if CF_NGHTTP2_GLITCH_RATE
    nghttp2_option_set_glitch_rate_limit(o, CF_HTTP_H2_GLITCH_BURST, CF_HTTP_H2_GLITCH_RATE);
#endif
    return o;
}

static void h2_open(struct http_conn *c)
{
    struct http_h2 *h = c->protocol = cf_xcalloc(1, sizeof *h);
    nghttp2_session_callbacks *callbacks = make_callbacks();
    nghttp2_option *option = make_option();
    cf_assert(nghttp2_session_server_new2(&h->session, callbacks, c, option) == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)c->listener->limits.streams },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, CF_HTTP_HEADER_LIST_MAX },
    };
    cf_assert(nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                                      CF_ARRAY_LEN(settings)) == 0);
    http_conn_deadline(c, c->listener->limits.header_ms);
}

static void h2_input(struct http_conn *c, const char *data, size_t len)
{
    struct http_h2 *h = http_h2_of(c);
    nghttp2_ssize n = nghttp2_session_mem_recv2(h->session, (const uint8_t *)data, len);
    if (n < 0)
        http_conn_close(c);
}

static void h2_eof(struct http_conn *c)
{
    http_conn_close(c);
}

static void h2_fill(struct http_conn *c)
{
    struct http_h2 *h = http_h2_of(c);
    while (http_conn_room(c) > 0) {
        const uint8_t *data;
        nghttp2_ssize n = nghttp2_session_mem_send2(h->session, &data);
        if (n < 0) {
            http_conn_close(c);
            return;
        }
        if (n == 0)
            break;
        cf_buf_append(&c->out, data, (size_t)n);
        h->wrote = true;
    }
    if (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session))
        c->closing = true;
}

static bool h2_flushed(struct http_conn *c)
{
    struct http_h2 *h = http_h2_of(c);
    bool wrote = h->wrote;
    h->wrote = false;
    return wrote && nghttp2_session_want_write(h->session);
}

/* While the client does not take what we have, it gets no more answers to ask for. */
static bool h2_wants_input(const struct http_conn *c)
{
    return http_conn_room(c) > 0;
}

/* Idle, no preface in time, or the pause after the GOAWAY notice is over. */
static void h2_expired(struct http_conn *c)
{
    struct http_h2 *h = http_h2_of(c);
    if (h->said_goaway)
        (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                                    nghttp2_session_get_last_proc_stream_id(h->session),
                                    NGHTTP2_NO_ERROR, NULL, 0);
    else
        (void)nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
}

static void h2_drain(struct http_conn *c)
{
    struct http_h2 *h = http_h2_of(c);
    if (h->said_goaway)
        return;
    h->said_goaway = true;
    (void)nghttp2_submit_shutdown_notice(h->session);
    http_conn_deadline(c, CF_HTTP_GOAWAY_MS);
}

static void h2_close(struct http_conn *c)
{
    struct http_h2 *h = http_h2_of(c);
    while (h->exchanges) {
        struct http_exchange *x = h->exchanges;
        http_h2_forget(h, x);
        http_exchange_abandon(x);
    }
    c->protocol = NULL;
    nghttp2_session_del(h->session);
    free(h);
}

static void h2_cut(struct http_exchange *x)
{
    struct http_conn *c = x->conn;
    x->phase = HTTP_SENDING; /* nothing else may happen to it */
    (void)nghttp2_submit_rst_stream(http_h2_of(c)->session, NGHTTP2_FLAG_NONE, x->h2.id,
                                    x->h2.sent_all ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR);
}

const struct http_proto http_proto_h2 = {
    .name = "HTTP/2",
    .open = h2_open,
    .input = h2_input,
    .eof = h2_eof,
    .fill = h2_fill,
    .flushed = h2_flushed,
    .wants_input = h2_wants_input,
    .expired = h2_expired,
    .drain = h2_drain,
    .close = h2_close,
    .answer = http_h2_answer,
    .stream_ready = http_h2_stream_ready,
    .cut = h2_cut,
};
