/* SPDX-License-Identifier: Apache-2.0 */
/* One side of a split as routers name it: a host with subset and port (VirtualService), a reference
 * (HTTPRoute), a Service with a port (Ingress).
 *
 * Two destinations are the same only by their whole identity, never by the first label of a host
 * name: the two sides of a migration usually share that. A plain value: copy freely. Pure; any
 * thread. */
#ifndef CF_LB_DESTINATION_H
#define CF_LB_DESTINATION_H

#include <stdbool.h>

#include "base/json.h"

enum cf_router_type {
    CF_ROUTER_VIRTUAL_SERVICE,
    CF_ROUTER_HTTP_ROUTE,
    CF_ROUTER_INGRESS,
    CF_ROUTER_TYPES
};

/* "virtualService", "httpRoute", "ingress": the plan's words. */
const char *cf_router_type_name(enum cf_router_type type);
bool cf_router_type_parse(const char *name, enum cf_router_type *out);

enum { CF_DEST_NAME_MAX = 254, CF_DEST_WORD_MAX = 64, CF_DEST_TEXT_MAX = 512 };

struct cf_destination {
    char host[CF_DEST_NAME_MAX];   /* VirtualService: always a full name here
                                      ("web.shop.svc.cluster.local") */
    char subset[CF_DEST_WORD_MAX]; /* VirtualService; "" = none */
    char group[CF_DEST_NAME_MAX];  /* HTTPRoute; "" = core */
    char kind[CF_DEST_WORD_MAX];   /* HTTPRoute; "Service" when not said */
    char name[CF_DEST_NAME_MAX];   /* HTTPRoute, Ingress: the object */
    char ns[CF_DEST_WORD_MAX];   /* HTTPRoute: never "" here; Ingress: the Ingress' own namespace */
    char port[CF_DEST_WORD_MAX]; /* decimal, or an Ingress backend's port name; "" = any (plan) or
                                    none (object) */
};

/* From a plan: an object with the router type's own words ({host, subset, port} · {group, kind,
 * name, namespace, port} · {name or service, port}) or the short text "host[:port]" ·
 * "[namespace/]name[:port]" · "name[:port]". `ns` is the router's namespace, for short names.
 * INVALID with field = the member. */
bool cf_destination_parse(enum cf_router_type type, const char *ns, const json_t *value,
                          struct cf_destination *out, struct cf_error *err) CF_NODISCARD;

/* From an object's own list entry: a VirtualService's `destination`, an HTTPRoute's backendRef, an
 * Ingress' `backend`. False if it is no such thing (an Ingress resource backend). */
bool cf_destination_read(enum cf_router_type type, const char *ns, const json_t *entry,
                         struct cf_destination *out);

/* Whether the object's destination is the wanted one; a wanted port of "" matches any. */
bool cf_destination_matches(enum cf_router_type type, const struct cf_destination *wanted,
                            const struct cf_destination *present);

/* The list entry's identity as it is written into an object (no weight). New reference. */
json_t *cf_destination_json(enum cf_router_type type, const char *router_ns,
                            const struct cf_destination *d) CF_NODISCARD;

/* For people: "web.shop.svc.cluster.local:80 subset v2", "Service shop/web:80". Into buf of
 * CF_DEST_TEXT_MAX; returns buf. */
char *cf_destination_text(enum cf_router_type type, const struct cf_destination *d, char *buf);

/* The Kubernetes Service behind a destination, if it is one of this cluster: name and namespace. */
bool cf_destination_service(enum cf_router_type type, const struct cf_destination *d,
                            char ns[CF_DEST_WORD_MAX], char name[CF_DEST_NAME_MAX]);

/* The destination that names the Service `service` (a bridge) where `like` is named: same
 * namespace, port and form, no subset. */
void cf_destination_beside(enum cf_router_type type, const struct cf_destination *like,
                           const char *service, struct cf_destination *out);

#endif
