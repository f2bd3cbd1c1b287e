/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: bytes in and out, clear or TLS, and which protocol speaks on it. The sockets'
 * thread.
 *
 * A protocol is a table of functions. They only change state and append output; http_conn_pump(),
 * run once at the end of each event, writes and decides about closing. After any call that may
 * close, check `dead`: memory stays valid to the end of the round. */
#ifndef ORCHESTRATOR_HTTP_CONN_H
#define ORCHESTRATOR_HTTP_CONN_H

#include <sys/socket.h>

#include "base/buf.h"
#include "orchestrator/http/listener.h"

enum http_conn_state {
    HTTP_CONN_HANDSHAKE, /* TLS */
    HTTP_CONN_PREFACE,   /* clear text: is it HTTP/2? */
    HTTP_CONN_OPEN,
    HTTP_CONN_LINGER, /* our side is shut: what comes is read and dropped until the client closes,
                         so that it sees the answer */
};

struct http_proto {
    const char *name;
    void (*open)(struct http_conn *c);
    void (*input)(struct http_conn *c, const char *data, size_t len);
    void (*eof)(struct http_conn *c);
    /* Appends output while there is room. */
    void (*fill)(struct http_conn *c);
    /* All output was handed to the kernel. True: fill() may have more. */
    bool (*flushed)(struct http_conn *c);
    bool (*wants_input)(const struct http_conn *c);
    void (*expired)(struct http_conn *c); /* c->timer */
    void (*drain)(struct http_conn *c);
    void (*close)(struct http_conn *c); /* frees the protocol's state, abandons exchanges */

    void (*answer)(struct http_exchange *x);       /* the response is ready to be written */
    void (*stream_ready)(struct http_exchange *x); /* its stream has bytes, or ends */
    void (*cut)(struct http_exchange *x);          /* no (further) answer */
};

extern const struct http_proto http_proto_h1, http_proto_h2;

struct http_conn {
    struct http_fd fd;
    struct http_dead burial;
    struct cf_http_listener *listener;
    struct http_conn *next, **at; /* of the listener */
    enum http_conn_state state;
    bool dead;             /* closed; only waits for its burial */
    bool busy;             /* inside an event: the pump comes at its end */
    bool closing;          /* close when all output is written */
    bool eof;              /* the client has shut its side */
    bool read_wants_write; /* TLS */
    SSL *ssl;
    const struct http_proto *proto;
    void *protocol; /* its state */
    struct cf_buf preface;
    struct cf_buf out;
    size_t lingered;         /* bytes dropped */
    size_t out_at;           /* bytes of `out` already written */
    struct http_timer timer; /* handshake, preface, linger; then the protocol's */
    struct http_timer stall;
    struct sockaddr_storage addr;
    char peer[64];
};

/* Takes the socket. */
void http_conn_accept(struct cf_http_listener *l, int fd, const struct sockaddr_storage *addr);
/* Cuts it now; exchanges are abandoned. */
void http_conn_close(struct http_conn *c);
/* Fills, writes, closes if that is due, and tells epoll what to wait for. Nothing while `busy` or
 * `dead`. */
void http_conn_pump(struct http_conn *c);
size_t http_conn_room(const struct http_conn *c); /* bytes that fill() may append; 0: none */
void http_conn_deadline(struct http_conn *c, int64_t in_ms); /* < 0: none */
struct http_loop *http_conn_loop(const struct http_conn *c);
/* Whether two peers have the same address (ports aside). */
bool http_conn_same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

#endif
