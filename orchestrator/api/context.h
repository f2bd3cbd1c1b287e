/* SPDX-License-Identifier: Apache-2.0 */
/* What every handler has at hand: the service's parts, and who is asking.
 *
 * The API is the owner of the HTTP site; the caller is the request's `user`, set by the guard
 * (authn.c) before the handler runs and kept as long as the request. Handler threads. */
#ifndef CF_API_CONTEXT_H
#define CF_API_CONTEXT_H

#include "base/metrics.h"
#include "orchestrator/api/metrics_runs.h"
#include "orchestrator/api/metrics_table.h"
#include "orchestrator/http/http.h"
#include "store/access.h"
#include "store/idempotency.h"

struct cf_store;
struct cf_engine;
struct cf_event_hub;

#define CF_API_REQUEST_ID_HEADER "X-Request-Id"

enum cf_role { CF_ROLE_NONE, CF_ROLE_VIEWER, CF_ROLE_OPERATOR, CF_ROLE_ADMIN };

const char *cf_role_name(enum cf_role r);
/* NONE for an unknown word. */
enum cf_role cf_role_parse(const char *name);

struct cf_api {
    struct cf_store *store;     /* borrowed */
    struct cf_engine *engine;   /* borrowed */
    struct cf_metrics *metrics; /* borrowed, may be NULL */
    struct cf_metrics_seen seen;
    struct cf_metrics_runs runs;
    struct cf_event_hub *hub;          /* owned */
    const char *version;               /* of the program; borrowed */
    struct cf_http_route *routes;      /* owned */
    struct cf_http_server *server;     /* owned */
    struct cf_http_listener *listener; /* the server's */
};

struct cf_caller {
    char token_id[CF_TOKEN_ID_TEXT];
    char
        *name; /* of the token: the principal of events and actions; lives as long as the request */
    enum cf_role role;
    int64_t expires_ms;
};

struct cf_api *cf_api_of(struct cf_http_request *req);
/* NULL on the routes that need none. */
const struct cf_caller *cf_caller_of(struct cf_http_request *req);
const char *cf_principal(struct cf_http_request *req);

/* Fills `idem` from the Idempotency-Key header; false if there is none. The texts live as long as
 * the request. */
bool cf_idem_of(struct cf_http_request *req, struct cf_idem *idem);
/* Tells the client that it got the first request's result. */
void cf_idem_mark(struct cf_http_response *res, const struct cf_idem *idem);

/* ETag of a revision: "\"7\"". Sets the header. */
void cf_etag_set(struct cf_http_response *res, int64_t revision);
/* If-None-Match: *, If-Match: "7", If-Match: *. *out: CF_PLAN_ANY (-1), 0 for must-be-absent, or
 * the revision. False, with the answer filled in: neither header is there (428), or one is
 * malformed (400). */
bool cf_etag_expect(struct cf_http_request *req, struct cf_http_response *res, int64_t *out);
/* GET: whether If-None-Match names this revision; then 304 is filled in. */
bool cf_etag_not_modified(struct cf_http_request *req, struct cf_http_response *res,
                          int64_t revision);

#endif
