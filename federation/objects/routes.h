/* SPDX-License-Identifier: Apache-2.0 */
/* Where routes lead: the destinations of Ingress, HTTPRoute, GRPCRoute and VirtualService, in one
 * form, and what is left of a route when only some of them are copied.
 *
 * A copied route must not send requests back to where they came from: weights of routers in series
 * multiply. So a rule that leads to a Service that is copied leads to such Services alone in the
 * copy. A rule that leads only to what stays in the source stays as it is and fails in the target,
 * until that is moved too: left out, its requests would reach a broader rule. A rule that leads to
 * neither (another namespace, a host outside) stays as it is. Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_ROUTES_H
#define CF_FEDERATION_OBJECTS_ROUTES_H

#include "base/json.h"

enum { CF_ROUTE_NAME_MAX = 254, CF_ROUTE_LINES_MAX = 50 };

/* One destination. `kind` is "Service", what else a route names in Kubernetes, or "" for a host
 * that is no Service. */
struct cf_backend {
    char kind[64];
    char ns[64]; /* the route's own where it says none */
    char name[CF_ROUTE_NAME_MAX];
};

typedef void cf_backend_fn(void *user, const struct cf_backend *b);

/* Calls `fn` for each destination of a route (mirrors too), the same one as often as it is named.
 * Nothing for an object that is no route. */
void cf_route_backends(const json_t *route, cf_backend_fn *fn, void *user);

/* A host as Istio writes it ("web", "web.shop", "web.shop.svc.cluster.local") seen from namespace
 * `ns`: the Service that it names, or kind "" for a host outside. */
void cf_host_backend(const char *host, const char *ns, struct cf_backend *out);

/* Whether a Service of the route's own namespace is copied. */
typedef bool cf_is_copied_fn(const void *user, const char *service);

/* Collapses the route, in place. Appends a line for people to `lines` (an array, or NULL) for each
 * destination that is not copied: "rule /api leads to Service api, which is not copied: left out".
 * False when it leads only to what is not copied. */
bool cf_route_collapse(json_t *route, cf_is_copied_fn *is_copied, const void *user, json_t *lines);

/* The gateways by which a route's requests come: of its own namespace or another ("infra/public");
 * `mesh` is none. */
void cf_route_gateways(const json_t *route, cf_backend_fn *fn, void *user);

#endif
