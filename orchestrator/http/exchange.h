/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer, from the first byte of the head to the last of the answer.
 *
 * Phases, and who may touch the exchange in them:
 *   RECEIVING  head or body is arriving               the sockets' thread
 *   WORKING    in the pool's queue or in a handler    the pool; of it only `req.gone` may be set by
 *                                                     the sockets' thread
 *   PARKED     waiting for its continuation           the sockets' thread
 *   DELAYED    answered, waiting for its time         the sockets' thread
 *   SENDING    its connection writes it               the sockets' thread
 *
 * An exchange belongs to its connection until that lets go of it: http_exchange_end() when the
 * answer is written, or http_exchange_abandon() when nobody reads it any more; one that is then
 * still WORKING ends when its handler is back. */
#ifndef ORCHESTRATOR_HTTP_EXCHANGE_H
#define ORCHESTRATOR_HTTP_EXCHANGE_H

#include "orchestrator/http/loop.h"
#include "orchestrator/http/message.h"

struct http_conn;

enum http_phase { HTTP_RECEIVING, HTTP_WORKING, HTTP_PARKED, HTTP_DELAYED, HTTP_SENDING };

struct http_exchange {
    struct cf_http_request req;
    struct cf_http_response res;
    struct cf_http_listener *listener;
    struct http_conn *conn;           /* NULL: nobody reads an answer */
    struct http_exchange *next, **at; /* the server's list of all */
    enum http_phase phase;
    bool has_request; /* the head could be read */
    bool complete;    /* the whole request has arrived */
    bool is_ended;
    bool is_drained;       /* was told that the server stops */
    atomic_bool abandoned; /* nobody reads an answer: a handler that has not begun is left out */

    cf_http_handler *handler;
    enum cf_http_lane lane;
    size_t body_max;

    struct http_exchange *next_task; /* the pool's queue */
    struct http_mail back;           /* from the pool */
    struct http_timer timer;         /* receiving, parked, delayed, or sending without progress */

    struct cf_http_parked *parked; /* since the handler returned */
    cf_http_continuation *resume;  /* what to call instead of the handler */
    void *resume_user;
    enum cf_http_wake why;

    struct cf_http_stream *stream;

    /* The connection's notes. */
    size_t sent; /* bytes of the body written */
    struct http_h2_notes {
        int32_t id;        /* 0: not on an HTTP/2 stream any more */
        size_t dropped;    /* body bytes that came after the answer */
        size_t list_bytes; /* of the header list so far */
        int status;        /* what is wrong with the head */
        const char *detail;
        const char *method, *path, *authority;
        bool expects_continue;
        bool sent_all;                    /* END_STREAM was given to nghttp2 */
        bool deferred;                    /* waits for the stream to have something */
        struct http_exchange *next, **at; /* exchanges of the connection */
    } h2;
};

/* A new one in RECEIVING; the connection fills `req`. */
struct http_exchange *http_exchange_new(struct http_conn *conn);

/* After the head: finds the handler. False: answered already with 404, 405, 400 or OPTIONS' 204
 * (phase SENDING). */
bool http_exchange_route(struct http_exchange *x) CF_NODISCARD;
/* After the body: runs the handler, in the pool or at once. */
void http_exchange_dispatch(struct http_exchange *x);
/* In place of a handler: answers with a problem. `detail` is copied. */
void http_exchange_fail(struct http_exchange *x, int status, const char *detail);

/* The pool, or the sockets' thread for an inline handler: calls the handler or the continuation. */
void http_exchange_run(struct http_exchange *x);

/* The connection has written the answer (complete), or has cut it. The exchange is gone afterwards.
 */
void http_exchange_end(struct http_exchange *x, bool complete);
/* The client has gone away. The exchange may be gone afterwards; the connection forgets it. */
void http_exchange_abandon(struct http_exchange *x);
/* A parked exchange continues. */
void http_exchange_resume(struct http_exchange *x, enum cf_http_wake why);
/* The server is about to stop: streams end, the parked answer now. */
void http_exchange_drain(struct http_exchange *x);

static inline struct http_exchange *http_exchange_of_response(struct cf_http_response *res)
{
    return HTTP_CONTAINER(res, struct http_exchange, res);
}

static inline struct http_exchange *http_exchange_of_request(struct cf_http_request *req)
{
    return HTTP_CONTAINER(req, struct http_exchange, req);
}

#endif
