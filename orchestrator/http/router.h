/* SPDX-License-Identifier: Apache-2.0 */
/* Route tables: which row serves a method and a path. Immutable once made; any thread. */
#ifndef ORCHESTRATOR_HTTP_ROUTER_H
#define ORCHESTRATOR_HTTP_ROUTER_H

#include "base/buf.h"
#include "orchestrator/http/message.h"

struct http_router;

/* `routes` (NULL: none) ends with a row without method and is borrowed. INVALID: a template that is
 * not one, a row without handler, or two rows of one method whose templates differ at most in the
 * names of their parameters. */
struct http_router *http_router_new(const struct cf_http_route *routes,
                                    struct cf_error *err) CF_NODISCARD;
void http_router_free(struct http_router *r); /* accepts NULL */

enum http_routed {
    HTTP_ROUTED,
    HTTP_ROUTE_METHOD, /* the path is served, but not with this method: `allow` has "GET, HEAD, …"
                        */
    HTTP_ROUTE_OPTIONS, /* OPTIONS without a row of its own: `allow` likewise */
    HTTP_ROUTE_NONE,
    HTTP_ROUTE_BAD, /* a path parameter has a broken escape */
};

/* Looks up the request's method and path; sets its route and params (decoded, in its arena) when
 * HTTP_ROUTED. */
enum http_routed http_router_find(const struct http_router *r, struct cf_http_request *req,
                                  struct cf_buf *allow);

#endif
