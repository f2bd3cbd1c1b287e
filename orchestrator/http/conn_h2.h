/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the HTTP/2 connection share: conn_h2.c drives the session, h2_request.c
 * receives requests, h2_answer.c writes answers. The sockets' thread. */
#ifndef ORCHESTRATOR_HTTP_CONN_H2_H
#define ORCHESTRATOR_HTTP_CONN_H2_H

#include "orchestrator/http/conn.h"
#include "orchestrator/http/nghttp2_compat.h"

struct http_h2 {
    nghttp2_session *session;
    struct http_exchange *exchanges; /* with an open stream */
    int open;                        /* of these */
    size_t body_bytes;               /* of request bodies held for them */
    bool has_begun;                  /* the first frame came */
    bool said_goaway;                /* the notice of a graceful end was sent */
    bool wrote;                      /* fill() appended something since the last flush */
};

static inline struct http_h2 *http_h2_of(const struct http_conn *c)
{
    return c->protocol;
}

/* The exchange of a stream; NULL if there is none any more. */
struct http_exchange *http_h2_find(struct http_h2 *h, int32_t stream_id);
/* The stream is over: the connection's part of it is undone, the exchange stays for the caller to
 * end. */
void http_h2_forget(struct http_h2 *h, struct http_exchange *x);
/* Starts or stops the idle deadline, as there are streams or not. */
void http_h2_set_deadline(struct http_conn *c);

/* nghttp2's callbacks (user_data is the connection). */
int http_h2_on_begin_headers(nghttp2_session *s, const nghttp2_frame *frame, void *user_data);
int http_h2_on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
                      size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                      void *user_data);
int http_h2_on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *user_data);
int http_h2_on_data(nghttp2_session *s, uint8_t flags, int32_t stream_id, const uint8_t *data,
                    size_t len, void *user_data);

void http_h2_answer(struct http_exchange *x);
void http_h2_stream_ready(struct http_exchange *x);

#endif
