/* SPDX-License-Identifier: Apache-2.0 */
/* What is behind cf_http_request and cf_http_response: filled by the connections, read by the
 * handlers, and the reverse.
 *
 * Both live in an exchange and in its arena; one thread at a time (see exchange.h). */
#ifndef ORCHESTRATOR_HTTP_MESSAGE_H
#define ORCHESTRATOR_HTTP_MESSAGE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "orchestrator/http/http.h"

struct http_pair {
    const char *name, *value;
    char *joined; /* `value` of several header lines, with room for so many bytes */
    size_t room;
};

struct http_pairs {
    struct http_pair *items; /* in the arena */
    size_t count, cap;
};

void http_pairs_add(struct http_pairs *p, struct cf_arena *a, const char *name, const char *value);
struct http_pair *http_pairs_find(const struct http_pairs *p,
                                  const char *name); /* any case; NULL */

struct cf_http_request {
    struct cf_arena *arena;
    const char *method, *target, *path, *host, *version, *accepted;
    const char *peer;
    bool is_tls;
    bool is_head;
    struct http_pairs headers, query, params;
    struct cf_buf body;
    const struct cf_http_route *route;
    void *owner, *user;
    int64_t started_ms;
    atomic_bool gone;
};

/* Copies method and target, splits the path from the query, decodes the query. NULL, or what is
 * wrong (400). */
const char *http_request_set_target(struct cf_http_request *req, const char *method,
                                    size_t method_len, const char *target, size_t target_len);
/* Copies a header, joining repeated ones. False: one that must not be repeated was (400). */
bool http_request_add_header(struct cf_http_request *req, const char *name, size_t name_len,
                             const char *value, size_t value_len);

/* What a handler's return means. */
enum http_outcome { HTTP_ANSWER, HTTP_PARK, HTTP_STREAM, HTTP_CUT };

struct cf_http_response {
    struct cf_arena *arena;
    int status;
    struct http_pairs headers;
    char *owned; /* body to be freed, or NULL */
    const char *body;
    size_t body_len;
    int64_t delay_ms;
    enum http_outcome outcome;
};

/* Empty again, status 200. */
void http_response_reset(struct cf_http_response *res);
/* Whether an answer of this status has a body at all (RFC 9110 6.4.1). */
bool http_status_has_body(int status);

#endif
