/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP server: HTTP/1.1 and HTTP/2, TLS with ALPN or clear text with prior knowledge, any
 * number of listeners.
 *
 * It knows no domain. An owner gives each listener a *site*: a table of routes (method, path
 * template, handler) or one fallback handler for everything. A handler gets a request (read-only,
 * complete: the body has been received) and fills in a response. It may do so in one of three ways:
 *
 *   answer   fill in status, headers and body, and return: the answer is sent;
 *   park     cf_http_park(): be called again later (woken, after a time, or when the client went
 *            away), no thread waits;
 *   stream   cf_http_stream_open(): the head is sent when the handler returns, then any thread
 *            writes pieces until the end.
 *
 * Threads: one thread owns all sockets; handlers run on a small pool and may block (CF_HTTP_ACTION
 * has a thread kept free; CF_HTTP_INLINE handlers run on the sockets' thread and must not block).
 * Request, response and arena belong to the handler while it runs and to the server afterwards.
 * Streams and parked handles may be used by any thread, also after the server is gone.
 *
 * Promises: what is malformed never reaches a handler; each wait and each buffer has a limit
 * (limits.h); a client that goes away frees what it held; answers of one HTTP/1.1 connection leave
 * in the order of the requests; after cf_http_server_stop() returned no handler runs and no
 * callback is called. */
#ifndef ORCHESTRATOR_HTTP_HTTP_H
#define ORCHESTRATOR_HTTP_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct cf_http_server;
struct cf_http_listener;
struct cf_http_request;
struct cf_http_response;
struct cf_http_stream;
struct cf_http_parked;
struct cf_http_tls;

/* ---- Sites: what a listener serves ------------------------------------------------------- */

typedef void cf_http_handler(struct cf_http_request *req, struct cf_http_response *res);

enum cf_http_lane {
    /* On the pool, never on its last free threads. */
    CF_HTTP_NORMAL,
    /* On the pool, with threads kept free for it: what stops or saves a run must not queue behind
     * reads. */
    CF_HTTP_ACTION,
    /* On the sockets' thread: microseconds only, no lock held over I/O, no calls outside. */
    CF_HTTP_INLINE,
};

struct cf_http_route {
    const char *method; /* "GET" (serves HEAD too), "PUT", …; "*": any method */
    /* "/api/v1/plans/{name}/revisions/{rev}"; a last segment "{rest...}" takes all that is left, at
     * least one character. A literal segment wins over a parameter, a parameter over a rest. */
    const char *path;
    cf_http_handler *handler;
    enum cf_http_lane lane;
    size_t body_max; /* bytes; 0: the listener's */
    /* Media types of the body, ended by NULL; another is answered 415. NULL: not checked. */
    const char *const *consumes;
    /* Media types to choose from by Accept, best first, ended by NULL; no match is answered 406.
     * NULL: not checked. Errors are sent whatever the client accepts. */
    const char *const *produces;
    const void *row; /* the owner's data about this route: cf_http_request_row() */
};

/* An answer that the server itself gives: a protocol error, or no such route. */
struct cf_http_problem {
    int status;         /* 400 404 405 406 408 413 414 415 417 431 500 501 503 505 */
    const char *code;   /* stable machine word, one per status: "HEADERS_TOO_LARGE" (problem.c) */
    const char *title;  /* "Method Not Allowed" */
    const char *detail; /* one sentence that says what was wrong; may be "" */
};

struct cf_http_site {
    /* Ends with a row without method; NULL: none. Borrowed while the server exists. */
    const struct cf_http_route *routes;
    cf_http_handler *fallback; /* what no route's path matches; NULL: 404 */
    enum cf_http_lane fallback_lane;
    size_t fallback_body_max; /* 0: the listener's */
    void *owner;              /* cf_http_request_owner() */

    /* Runs on the handler's thread (that of the sockets for CF_HTTP_INLINE) in front of every
     * handler, before media types are checked: authentication. False: the response is filled in and
     * the handler is not called. May be NULL. */
    bool (*guard)(struct cf_http_request *req, struct cf_http_response *res);
    /* Renders a problem's body; status and necessary headers (Allow, Retry-After) are set already.
     * `req` is NULL when the request could not be read. Any server thread; must not block. NULL: a
     * plain application/problem+json. */
    void (*problem)(const struct cf_http_problem *p, struct cf_http_request *req,
                    struct cf_http_response *res, void *owner);
    /* After an answer has left (complete), or the client went away before: for metrics and access
     * logs. `req` is NULL when the request could not be read. The sockets' thread; must not block.
     * May be NULL. */
    void (*done)(const struct cf_http_request *req, const struct cf_http_response *res,
                 bool complete, void *owner);
};

/* ---- Server and listeners ---------------------------------------------------------------- */

struct cf_http_server_options {
    const char *name;    /* of its threads, up to 9 characters; NULL: "http" */
    int handler_threads; /* 0: CF_HTTP_HANDLERS_DEFAULT */
    int action_threads;  /* of these, kept free for CF_HTTP_ACTION; 0: one; -1: none */
    int queue_max;       /* waiting for a handler, per lane; beyond it 503; 0: CF_HTTP_QUEUE_MAX */
};

/* `options` may be NULL. Threads run when it returns. */
struct cf_http_server *cf_http_server_start(const struct cf_http_server_options *options,
                                            struct cf_error *err) CF_NODISCARD;
/* Graceful end: stops accepting, tells clients (GOAWAY, Connection: close), ends streams, wakes the
 * parked, lets answers in flight finish for at most `drain_ms`, cuts what is left, waits for
 * running handlers and frees everything. Accepts NULL. Not from a handler. */
void cf_http_server_stop(struct cf_http_server *s, int64_t drain_ms);

/* Zero takes the default of limits.h. */
struct cf_http_limits {
    int64_t handshake_ms;   /* accept → end of the TLS handshake */
    int64_t header_ms;      /* first byte of a request (or a new connection) → end of its head */
    int64_t body_ms;        /* end of the head → end of the body */
    int64_t idle_ms;        /* a kept-alive connection without a request */
    int64_t write_stall_ms; /* output waiting and the client takes nothing */
    size_t body_max;        /* bytes of a request's body */
    int connections;        /* of this listener; more are closed at once */
    int connections_per_address;
    int streams; /* concurrent requests of one HTTP/2 connection */
};

struct cf_http_listen_options {
    const char *address;          /* numeric IPv4 or IPv6; NULL: "127.0.0.1" */
    int port;                     /* 0: any free one */
    struct cf_http_tls *tls;      /* borrowed (it is referenced); NULL: clear text */
    struct cf_http_site site;     /* copied */
    struct cf_http_limits limits; /* copied */
};

/* Opens a listener on a running server; it lives as long as the server. INVALID: bad address, or a
 * route table that contradicts itself (the message names the rows); UNAVAILABLE: the address is in
 * use. Any thread. */
struct cf_http_listener *cf_http_listen(struct cf_http_server *s,
                                        const struct cf_http_listen_options *options,
                                        struct cf_error *err) CF_NODISCARD;
int cf_http_listener_port(const struct cf_http_listener *l);
/* "https://127.0.0.1:8443" without trailing slash; borrowed. */
const char *cf_http_listener_url(const struct cf_http_listener *l);
/* Uses another certificate for connections accepted from now on. Any thread. */
void cf_http_listener_set_tls(struct cf_http_listener *l, struct cf_http_tls *tls);
/* `away`: closes the listening socket (clients get "connection refused") and cuts every connection;
 * back again otherwise, on the same port. UNAVAILABLE if the port has been taken meanwhile. Waits
 * until it is so. Any thread but the sockets' own. */
bool cf_http_listener_set_away(struct cf_http_listener *l, bool away,
                               struct cf_error *err) CF_NODISCARD;
/* Cuts every connection without a word, keeps listening. Any thread. */
void cf_http_listener_cut(struct cf_http_listener *l);

/* Whether the text is a numeric loopback address (127.0.0.0/8, ::1, ::ffff:127.0.0.0/104).
 * "localhost" is not: it can be anything. */
bool cf_http_addr_is_loopback(const char *address);

/* ---- TLS --------------------------------------------------------------------------------- */

/* Certificate chain and key from PEM files or PEM text: TLS 1.2 and 1.3, ALPN "h2" and "http/1.1"
 * (no overlap is a fatal alert). INVALID names the file and what is wrong, also when the key does
 * not belong to the certificate. Immutable; one reference. */
struct cf_http_tls *cf_http_tls_from_files(const char *cert_path, const char *key_path,
                                           struct cf_error *err) CF_NODISCARD;
struct cf_http_tls *cf_http_tls_from_pem(const char *cert_pem, const char *key_pem,
                                         struct cf_error *err) CF_NODISCARD;
void cf_http_tls_unref(struct cf_http_tls *t); /* accepts NULL */

/* ---- Requests: read-only, valid until the handler has answered --------------------------- */

/* "HEAD" stays "HEAD" in a GET handler. */
const char *cf_http_request_method(const struct cf_http_request *req);
/* As sent: path and query; and the path alone, still percent-encoded. */
const char *cf_http_request_target(const struct cf_http_request *req);
const char *cf_http_request_path(const struct cf_http_request *req);
const char *cf_http_request_version(const struct cf_http_request *req); /* "1.0", "1.1", "2" */
/* Host or :authority; "" if absent (1.0). */
const char *cf_http_request_host(const struct cf_http_request *req);
/* Path parameter, percent-decoded; NULL if the route has none of that name. */
const char *cf_http_request_param(const struct cf_http_request *req, const char *name);
/* First query parameter of that name, decoded ('+' is a space); "" for "?name"; NULL if absent. */
const char *cf_http_request_query(const struct cf_http_request *req, const char *name);
/* All of them in order: false when index is past the last. */
bool cf_http_request_query_at(const struct cf_http_request *req, size_t index,
                              const char **out_name, const char **out_value);
/* Header by name in any case; several lines of one name are joined by ", ". NULL if absent. */
const char *cf_http_request_header(const struct cf_http_request *req, const char *name);
bool cf_http_request_header_at(const struct cf_http_request *req, size_t index,
                               const char **out_name, const char **out_value);
/* Never NULL; NUL-terminated beyond the length. */
const char *cf_http_request_body(const struct cf_http_request *req, size_t *out_len);
/* The row's media type that fits Accept best, when the route has `produces`; else NULL. */
const char *cf_http_request_accepted(const struct cf_http_request *req);
/* N of "Prefer: wait=N" in ms, at most `max_ms`; 0 if not asked for. */
int64_t cf_http_request_prefer_wait(const struct cf_http_request *req, int64_t max_ms);
const char *
cf_http_request_peer(const struct cf_http_request *req); /* "127.0.0.1:43210", "[::1]:43210" */
bool cf_http_request_is_tls(const struct cf_http_request *req);
const struct cf_http_route *
cf_http_request_route(const struct cf_http_request *req); /* NULL in a fallback */
const void *cf_http_request_row(const struct cf_http_request *req);
void *cf_http_request_owner(const struct cf_http_request *req);
int64_t cf_http_request_started_ms(
    const struct cf_http_request *req); /* cf_mono_now_ms() when its head had arrived */
/* Memory that lives as long as the request. For the handler's thread while it runs. */
struct cf_arena *cf_http_request_arena(struct cf_http_request *req);
/* Whether the client has gone away: a hint for long work. Any thread that may use `req`. */
bool cf_http_request_gone(const struct cf_http_request *req);
/* A pointer of the owner's, from guard to handler to done (the principal, say); NULL at first. */
void cf_http_request_set_user(struct cf_http_request *req, void *user);
void *cf_http_request_user(const struct cf_http_request *req);

/* ---- Answers ----------------------------------------------------------------------------- */

void cf_http_response_status(struct cf_http_response *res,
                             int status); /* 200 … 599; at first 200 */
int cf_http_response_get_status(const struct cf_http_response *res);
/* Sets or replaces; adds another line. Texts are copied; control characters in a value become
 * spaces. Connection, Content-Length and Transfer-Encoding are the server's own: setting them is a
 * bug (assert). Date is now, unless it is set. */
void cf_http_response_header(struct cf_http_response *res, const char *name, const char *value);
void cf_http_response_header_add(struct cf_http_response *res, const char *name, const char *value);
void cf_http_response_headerf(struct cf_http_response *res, const char *name, const char *fmt, ...)
    CF_PRINTF(3, 4);
/* NULL if not set. */
const char *cf_http_response_get_header(const struct cf_http_response *res, const char *name);
/* Replace the body. `type` NULL leaves Content-Type as it is. `_take` frees with free(); `_static`
 * must outlive the server. */
void cf_http_response_body(struct cf_http_response *res, const char *type, const void *data,
                           size_t len);
void cf_http_response_body_take(struct cf_http_response *res, const char *type, char *data,
                                size_t len);
void cf_http_response_body_static(struct cf_http_response *res, const char *type, const void *data,
                                  size_t len);
void cf_http_response_text(struct cf_http_response *res, int status, const char *fmt, ...)
    CF_PRINTF(3, 4);
/* Status and compact JSON body, application/json unless a Content-Type has been set. `_take` drops
 * the reference. */
void cf_http_response_json(struct cf_http_response *res, int status, const json_t *body);
void cf_http_response_json_take(struct cf_http_response *res, int status, json_t *body);
/* Discards what was filled in and answers with the site's problem callback. */
void cf_http_response_problem(struct cf_http_response *res, int status, const char *fmt, ...)
    CF_PRINTF(3, 4);
/* Sends the finished answer not before `ms` have passed; no thread waits. */
void cf_http_response_delay(struct cf_http_response *res, int64_t ms);
/* No answer at all: connection (HTTP/1.1) or stream (HTTP/2) is cut when the handler returns. */
void cf_http_response_cut(struct cf_http_response *res);

/* ---- Park: answer later without a thread ------------------------------------------------- */

enum cf_http_wake {
    CF_HTTP_WOKEN,   /* cf_http_parked_wake() */
    CF_HTTP_TIMEOUT, /* wait_ms have passed */
    CF_HTTP_GONE,    /* nobody reads an answer any more: only free what you hold */
    CF_HTTP_DRAIN,   /* the server is about to stop: answer now */
};

/* Called exactly once, in the lane of the route; may answer, park again (not after GONE or DRAIN:
 * that is a bug) or open a stream. */
typedef void cf_http_continuation(struct cf_http_request *req, struct cf_http_response *res,
                                  enum cf_http_wake why, void *user);

/* In a handler or continuation, at most once per call; then return. `wait_ms` < 0: without limit (a
 * hang that ends when the client leaves). The handle is the caller's to release, before or after
 * the continuation ran; waking it after that does nothing. */
struct cf_http_parked *cf_http_park(struct cf_http_response *res, int64_t wait_ms,
                                    cf_http_continuation *continuation, void *user);
void cf_http_parked_wake(struct cf_http_parked *p);    /* any thread, any number of times */
void cf_http_parked_release(struct cf_http_parked *p); /* accepts NULL */

/* ---- Streams: server-sent events, NDJSON, watches ---------------------------------------- */

enum cf_http_stream_end {
    CF_HTTP_STREAM_ENDED,   /* well, by cf_http_stream_end(), end_after_ms or a drain */
    CF_HTTP_STREAM_ABORTED, /* by cf_http_stream_abort() */
    CF_HTTP_STREAM_LEFT,    /* the client went away */
    CF_HTTP_STREAM_SLOW,    /* dropped: it did not read fast enough */
};

struct cf_http_stream_options {
    /* Bytes written and not yet taken by the client: beyond it the client is too slow and is
     * dropped. 0: CF_HTTP_STREAM_QUEUE_MAX. */
    size_t queue_max;
    int64_t ping_ms;      /* after so long without a write `ping` is sent; 0: never */
    const char *ping;     /* NULL: ": ping\n\n", a comment of server-sent events. Static */
    int64_t end_after_ms; /* ends well after so long; 0: never */
    /* Called once on the sockets' thread when the stream is over, whoever ended it. Must not block;
     * may call any function of streams. May be NULL. */
    void (*over)(void *user, enum cf_http_stream_end why);
    void *user;
};

/* In a handler or continuation, after status and headers (Content-Type!) were set, in place of a
 * body; then return. The caller owns one reference. For HEAD the stream is over at once. `options`
 * may be NULL. */
struct cf_http_stream *cf_http_stream_open(struct cf_http_response *res,
                                           const struct cf_http_stream_options *options);
/* Any thread. Queues a copy; never waits. False: the stream is over (or ending) and nothing was
 * queued. One call's bytes stay together. */
bool cf_http_stream_write(struct cf_http_stream *st, const void *data, size_t len);
/* One server-sent event: `id` and `event` may be NULL, and are left out if they have a line end;
 * each line of `data` gets its "data:". Same result as a write. */
bool cf_http_stream_event(struct cf_http_stream *st, const char *id, const char *event,
                          const char *data);
/* Ends well after what is queued; or at once, with a cut connection or RST_STREAM. */
void cf_http_stream_end(struct cf_http_stream *st);
void cf_http_stream_abort(struct cf_http_stream *st);
bool cf_http_stream_is_open(struct cf_http_stream *st);
size_t cf_http_stream_queued(struct cf_http_stream *st); /* bytes not yet handed to the kernel */
struct cf_http_stream *cf_http_stream_ref(struct cf_http_stream *st);
void cf_http_stream_unref(struct cf_http_stream *st); /* accepts NULL; does not end the stream */

/* ---- Helpers ----------------------------------------------------------------------------- */

/* The offer that an Accept header likes best (q-values, wildcards; ties: the order of offers), or
 * NULL. No header: the first. */
const char *cf_http_negotiate(const char *accept, const char *const *offers);
/* Whether a Content-Type (parameters ignored, any case) is this media type. */
bool cf_http_media_type_is(const char *content_type, const char *media_type);
const char *cf_http_status_text(int status); /* "Not Found"; "Unknown" for what has no name */

#endif
