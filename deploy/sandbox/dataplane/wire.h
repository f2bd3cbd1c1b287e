/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP/1.1 client: many requests at once on kept connections, one thread, no surprises.
 *
 * It never repeats a request by itself and never waits for a connection: what a client sees is what
 * happened. Used by the gateways (to the pods) and by the load generator. Clear text to numeric
 * IPv4 addresses only. */
#ifndef DEPLOY_SANDBOX_DATAPLANE_WIRE_H
#define DEPLOY_SANDBOX_DATAPLANE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    SBX_WIRE_ADDRESS = 16,             /* an IPv4 address as text */
    SBX_WIRE_ANSWER_MAX = 1024 * 1024, /* head and body: demo applications answer less */
    SBX_WIRE_IDLE_MAX = 512, /* kept connections; as many as the load generator has in flight */
};

struct sbx_wire;

/* How an exchange ended. Borrowed during the callback. */
struct sbx_wire_answer {
    const char *error; /* NULL: answered */
    bool refused;      /* no connection was made: the request has reached nobody */
    bool stale; /* a kept connection had been closed meanwhile, and no byte of an answer came */
    int status;
    const char *head; /* status line and headers, with their line ends, up to the empty line */
    size_t head_len;
    const char *body;
    size_t body_len;
    int64_t elapsed_us;
};
/* Runs exactly once per exchange on the wire's thread; short. It may send and cancel. */
typedef void sbx_wire_done(void *user, const struct sbx_wire_answer *answer);

struct sbx_wire_request {
    char address[SBX_WIRE_ADDRESS];
    int port;
    const char *bytes; /* the whole request; copied */
    size_t len;
    bool is_head;       /* the answer has no body */
    int64_t timeout_ms; /* of everything */
};

struct sbx_wire *sbx_wire_start(const char *name, struct cf_error *err) CF_NODISCARD;
/* Ends what is open with the error "stopped"; no callback runs afterwards. Accepts NULL. */
void sbx_wire_stop(struct sbx_wire *w);
/* Any thread; returns the exchange's id, never 0. */
uint64_t sbx_wire_send(struct sbx_wire *w, const struct sbx_wire_request *request,
                       sbx_wire_done *done, void *user);
/* Any thread. Its callback runs with the error "canceled", unless it has run already. */
void sbx_wire_cancel(struct sbx_wire *w, uint64_t id);
enum { SBX_WIRE_ALL = 0 }; /* in place of an id: every exchange that is open now */

/* ---- Pure: reading an answer ---- */

enum sbx_wire_state { SBX_WIRE_MORE, SBX_WIRE_COMPLETE, SBX_WIRE_BROKEN };
struct sbx_wire_parsed {
    int status;
    const char *head; /* points into `data`, as `body` does */
    size_t head_len;
    const char *body;
    size_t body_len;
    bool keep; /* the connection may be used again */
};
/* Looks at all bytes that have come. A complete body in chunks is put together in place. `ended`:
 * no more bytes will come. */
enum sbx_wire_state sbx_wire_parse(char *data, size_t len, bool is_head, bool ended,
                                   struct sbx_wire_parsed *out);
/* A header's value in such a head into buf, cut at its size; false when it is absent. */
bool sbx_wire_header(const char *head, size_t head_len, const char *name, char *buf, size_t size);

#endif
