/* SPDX-License-Identifier: Apache-2.0 */
/* Status line, headers, and the three forms of a body: of known length, chunked, to the end of the
 * connection. */
#include "orchestrator/http/h1_write.h"

#include <string.h>

#include "orchestrator/http/date.h"
#include "orchestrator/http/limits.h"
#include "orchestrator/http/stream.h"

void http_h1_write_head(struct http_h1_writer *w, struct http_exchange *x, bool keep_alive,
                        struct cf_buf *out)
{
    const struct cf_http_response *res = &x->res;
    bool has_body = http_status_has_body(res->status);
    *w = (struct http_h1_writer){ .is_chunked = false };
    cf_buf_printf(out, "HTTP/1.1 %d %s\r\n", res->status, cf_http_status_text(res->status));
    if (!http_pairs_find(&res->headers, "date"))
        cf_buf_printf(out, "Date: %s\r\n", http_date());
    for (size_t i = 0; i < res->headers.count; i++)
        cf_buf_printf(out, "%s: %s\r\n", res->headers.items[i].name, res->headers.items[i].value);
    if (x->stream && strcmp(x->req.version, "1.0") != 0) {
        w->is_chunked = true;
        cf_buf_puts(out, "Transfer-Encoding: chunked\r\n");
    } else if (!x->stream && has_body) {
        cf_buf_printf(out, "Content-Length: %zu\r\n", res->body_len);
    }
    cf_buf_puts(out, keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
    w->done = x->req.is_head || !has_body;
}

static void write_stream(struct http_h1_writer *w, struct http_exchange *x, struct http_conn *c)
{
    char *piece = http_loop_scratch(http_conn_loop(c));
    size_t room;
    while (!w->done && (room = http_conn_room(c)) > 0) {
        bool is_end = false;
        size_t n =
            http_stream_take(x->stream, piece, CF_MIN(room, (size_t)CF_HTTP_READ_BYTES), &is_end);
        if (n && w->is_chunked)
            cf_buf_printf(&c->out, "%zx\r\n", n);
        cf_buf_append(&c->out, piece, n);
        if (n && w->is_chunked)
            cf_buf_puts(&c->out, "\r\n");
        if (is_end && w->is_chunked)
            cf_buf_puts(&c->out, "0\r\n\r\n");
        w->done = is_end;
        w->wrote |= n > 0;
        if (n == 0)
            return;
    }
}

void http_h1_write_body(struct http_h1_writer *w, struct http_exchange *x, struct http_conn *c)
{
    w->wrote = false;
    if (w->done)
        return;
    if (x->stream) {
        write_stream(w, x, c);
        return;
    }
    size_t n = CF_MIN(http_conn_room(c), x->res.body_len - x->sent);
    if (n)
        cf_buf_append(&c->out, x->res.body + x->sent, n);
    x->sent += n;
    w->wrote = n > 0;
    w->done = x->sent == x->res.body_len;
}
