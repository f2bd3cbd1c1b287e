/* SPDX-License-Identifier: Apache-2.0 */
/* Edges of Services and routes: what leads to a Service, and what a route goes by. */
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/closure_set.h"
#include "federation/objects/routes.h"
#include "federation/objects/selector.h"
#include "federation/objects/transform.h"

/* --- what leads to a Service --- */

struct search {
    const char *ns, *service;
    bool found;
};

static void compare(void *user, const struct cf_backend *b)
{
    struct search *s = user;
    s->found = s->found || (strcmp(b->kind, "Service") == 0 && strcmp(b->ns, s->ns) == 0 &&
                            strcmp(b->name, s->service) == 0);
}

static bool leads_to(const json_t *route, const struct cf_node *service)
{
    struct search search = { cf_object_namespace(service->object), cf_object_name(service->object),
                             false };
    cf_route_backends(route, compare, &search);
    return search.found;
}

static bool shapes(const json_t *rule, const struct cf_node *service)
{
    struct search search = { cf_object_namespace(service->object), cf_object_name(service->object),
                             false };
    struct cf_backend b;
    cf_host_backend(cf_json_str(rule, "", "spec", "host", NULL), search.ns, &b);
    compare(&search, &b);
    return search.found;
}

/* Monitors select Services by the Service's own labels, in the namespaces that they name. */
static bool scrapes(const json_t *monitor, const struct cf_node *service)
{
    const json_t *names = cf_json_at(monitor, "spec", "namespaceSelector", "matchNames", NULL);
    bool here = json_array_size(names) == 0;
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        here = here || (json_is_string(name) &&
                        strcmp(json_string_value(name), cf_object_namespace(service->object)) == 0);
    }
    return here &&
           cf_selector_object_matches(cf_json_at(monitor, "spec", "selector", NULL),
                                      cf_json_at(service->object, "metadata", "labels", NULL));
}

/* Whether routes of other namespaces may refer to it by this grant. */
static bool grants(const json_t *grant, const struct cf_node *n)
{
    size_t i;
    json_t *to;
    json_array_foreach(cf_json_at(grant, "spec", "to", NULL), i, to)
    {
        const char *name = cf_json_str(to, "", "name", NULL);
        if (strcmp(cf_json_str(to, "", "kind", NULL), n->kind->kind) == 0 &&
            (!*name || strcmp(name, cf_object_name(n->object)) == 0))
            return true;
    }
    return false;
}

static void take_endpoints(struct cf_closure_set *s, struct cf_node *service)
{
    const char *name = cf_object_name(service->object);
    if (!cf_service_is_by_hand(service->object))
        return;
    cf_set_need(s, cf_set_find(s, "Endpoints", name), service, "the endpoints of %s, kept by hand",
                service->key);
    for (struct cf_node *n = s->nodes; n; n = n->hh.next)
        if (cf_node_is(n, "EndpointSlice") &&
            strcmp(cf_json_str(n->object, "", "metadata", "labels", "kubernetes.io/service-name",
                               NULL),
                   name) == 0)
            cf_set_need(s, n, service, "endpoints of %s, kept by hand", service->key);
}

void cf_closure_service_edges(struct cf_closure_set *s, struct cf_node *service)
{
    take_endpoints(s, service);
    for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
        if (n->why || !(n->kind->flags & CF_KIND_OPTIONAL))
            continue;
        if (n->kind->flags & CF_KIND_ROUTE && leads_to(n->object, service))
            cf_set_bring(s, n, service, "leads to %s", service->key);
        else if (cf_node_is(n, "DestinationRule") && shapes(n->object, service))
            cf_set_bring(s, n, service, "shapes the traffic to %s", service->key);
        else if (cf_node_is(n, "ServiceMonitor") && scrapes(n->object, service))
            cf_set_bring(s, n, service, "has the metrics of %s collected", service->key);
        else if (cf_node_is(n, "ReferenceGrant") && grants(n->object, service))
            cf_set_bring(s, n, service, "lets other namespaces refer to %s", service->key);
    }
}

/* --- what a route goes by --- */

static bool is_istio(const struct cf_node *n)
{
    return strcmp(n->kind->group, "networking.istio.io") == 0;
}

struct going {
    struct cf_closure_set *set;
    struct cf_node *route;
};

static void take_gateway(void *user, const struct cf_backend *b)
{
    struct going *g = user;
    const char *api_version =
        is_istio(g->route) ? "networking.istio.io/v1" : "gateway.networking.k8s.io/v1";
    struct cf_node *n = strcmp(b->ns, g->set->ns) == 0
                            ? cf_set_find_ref(g->set, api_version, "Gateway", b->name)
                            : NULL;
    if (n)
        cf_set_need(g->set, n, g->route, "requests of %s come by it", g->route->key);
    else
        cf_set_require(g->set, api_version, "Gateway", b->ns, b->name, "warning", g->route);
}

/* A certificate of the namespace comes along; another's must be there. */
static void take_certificate(struct cf_closure_set *s, struct cf_node *n, const char *ns,
                             const char *name)
{
    if (!*name)
        return;
    struct cf_node *secret = strcmp(ns, s->ns) == 0 ? cf_set_find(s, "Secret", name) : NULL;
    if (secret)
        cf_set_need(s, secret, n, "a certificate of %s", n->key);
    else
        cf_set_require(s, "v1", "Secret", ns, name, "warning", n);
}

static void edges_of_ingress(struct cf_closure_set *s, struct cf_node *n)
{
    size_t i;
    json_t *tls;
    json_array_foreach(cf_json_at(n->object, "spec", "tls", NULL), i, tls)
    {
        take_certificate(s, n, s->ns, cf_json_str(tls, "", "secretName", NULL));
    }
    const char *class = cf_json_str(n->object, "", "spec", "ingressClassName", NULL);
    if (*class)
        cf_set_require(s, NULL, "IngressClass", NULL, class, "blocker", n);
}

static void edges_of_gateway(struct cf_closure_set *s, struct cf_node *n)
{
    const char *class = cf_json_str(n->object, "", "spec", "gatewayClassName", NULL);
    size_t i, k;
    json_t *listener, *ref;
    if (*class)
        cf_set_require(s, NULL, "GatewayClass", NULL, class, "blocker", n);
    json_array_foreach(cf_json_at(n->object, "spec", "listeners", NULL), i, listener)
    {
        json_array_foreach(cf_json_at(listener, "tls", "certificateRefs", NULL), k, ref)
        {
            take_certificate(s, n, cf_json_str(ref, s->ns, "namespace", NULL),
                             cf_json_str(ref, "", "name", NULL));
        }
    }
}

/* The certificate of an Istio Gateway stands where the gateway's own pods are. */
static void edges_of_istio_gateway(struct cf_closure_set *s, struct cf_node *n)
{
    size_t i;
    json_t *server;
    json_array_foreach(cf_json_at(n->object, "spec", "servers", NULL), i, server)
    {
        const char *name = cf_json_str(server, "", "tls", "credentialName", NULL);
        struct cf_node *secret = *name ? cf_set_find(s, "Secret", name) : NULL;
        cf_set_need(s, secret, n, "a certificate of %s", n->key);
        if (*name && !secret)
            cf_set_note(s, "warning", "GATEWAY_CERTIFICATE",
                        "Create it in the target, in the namespace of the gateway's pods",
                        "%s names the Secret %s, which stands beside the gateway's pods", n->key,
                        name);
    }
    cf_set_note(s, "info", "GATEWAY_PODS", "The target needs a gateway with these labels",
                "%s is carried out by pods that its spec.selector names, which are not copied",
                n->key);
}

static bool has_host(const json_t *entry, const char *host)
{
    size_t i;
    json_t *one;
    json_array_foreach(cf_json_at(entry, "spec", "hosts", NULL), i, one)
    {
        if (json_is_string(one) && cf_name_matches(json_string_value(one), host))
            return true;
    }
    return false;
}

static void take_host(void *user, const struct cf_backend *b)
{
    struct going *g = user;
    if (*b->kind)
        return;
    for (struct cf_node *n = g->set->nodes; n; n = n->hh.next)
        if (cf_node_is(n, "ServiceEntry") && has_host(n->object, b->name))
            cf_set_need(g->set, n, g->route, "makes the host %s known to %s", b->name,
                        g->route->key);
}

static void edges_of_virtual_service(struct cf_closure_set *s, struct cf_node *n)
{
    size_t i;
    json_t *http;
    struct going g = { s, n };
    cf_route_backends(n->object, take_host, &g);
    json_array_foreach(cf_json_at(n->object, "spec", "http", NULL), i, http)
    {
        const char *name = cf_json_str(http, "", "delegate", "name", NULL);
        if (strcmp(cf_json_str(http, s->ns, "delegate", "namespace", NULL), s->ns) == 0)
            cf_set_need(s, cf_set_find(s, "VirtualService", name), n, "%s delegates to it", n->key);
    }
}

/* The one who issues certificates for an Ingress or Gateway, by its annotation. */
static void take_issuer(struct cf_closure_set *s, struct cf_node *n)
{
    const json_t *annotations = cf_json_at(n->object, "metadata", "annotations", NULL);
    const char *cluster = cf_json_str(annotations, "", "cert-manager.io/cluster-issuer", NULL);
    const char *own = cf_json_str(annotations, "", "cert-manager.io/issuer", NULL);
    if (*cluster)
        cf_set_require(s, "cert-manager.io/v1", "ClusterIssuer", NULL, cluster, "warning", n);
    cf_set_need(s, cf_set_find(s, "Issuer.cert-manager.io", own), n, "issues certificates for %s",
                n->key);
}

static void take_grants(struct cf_closure_set *s, struct cf_node *n)
{
    for (struct cf_node *other = s->nodes; other; other = other->hh.next)
        if (other->kind->flags & CF_KIND_OPTIONAL && cf_node_is(other, "ReferenceGrant") &&
            grants(other->object, n))
            cf_set_bring(s, other, n, "lets other namespaces refer to %s", n->key);
}

void cf_closure_route_edges(struct cf_closure_set *s, struct cf_node *n)
{
    struct going g = { s, n };
    if (n->kind->flags & CF_KIND_ROUTE)
        cf_route_gateways(n->object, take_gateway, &g);
    if (cf_node_is(n, "Ingress"))
        edges_of_ingress(s, n);
    else if (cf_node_is(n, "Gateway"))
        edges_of_gateway(s, n);
    else if (cf_node_is(n, "Gateway.networking.istio.io"))
        edges_of_istio_gateway(s, n);
    else if (cf_node_is(n, "VirtualService"))
        edges_of_virtual_service(s, n);
    if (cf_node_is(n, "Ingress") || cf_node_is(n, "Gateway"))
        take_issuer(s, n);
    if (cf_node_is(n, "Secret"))
        take_grants(s, n);
}

/* --- what is left of them --- */

void cf_closure_drop_empty_routes(struct cf_closure_set *s)
{
    for (size_t i = s->queued; i-- > 0;) {
        struct cf_node *n = s->queue[i];
        if (!(n->kind->flags & CF_KIND_ROUTE))
            continue;
        cf_autojson json_t *copy = cf_json_copy(n->object);
        if (cf_route_collapse(copy, cf_closure_has_service, s, NULL))
            continue;
        if (n->include)
            cf_set_note(s, "warning", "ROUTE_WITHOUT_BACKEND",
                        "List what it leads to in workloads.include, or take the row out",
                        "%s leads to nothing that is copied, so it is left out", n->key);
        cf_set_drop(s, n, "it leads to nothing that is copied");
    }
}

struct telling {
    struct cf_closure_set *set;
    const struct cf_node *route;
};

static void require_elsewhere(void *user, const struct cf_backend *b)
{
    struct telling *t = user;
    if (strcmp(b->kind, "Service") == 0 && strcmp(b->ns, t->set->ns) != 0)
        cf_set_require(t->set, "v1", "Service", b->ns, b->name, "warning", t->route);
}

void cf_closure_route_notes(struct cf_closure_set *s, const struct cf_node *n)
{
    if (!(n->kind->flags & CF_KIND_ROUTE))
        return;
    cf_autojson json_t *copy = cf_json_copy(n->object);
    cf_autojson json_t *lines = json_array();
    struct telling t = { s, n };
    size_t i;
    json_t *line;
    (void)cf_route_collapse(copy, cf_closure_has_service, s, lines);
    json_array_foreach(lines, i, line)
    {
        cf_set_note(s, strstr(json_string_value(line), "fails") ? "warning" : "info",
                    "ROUTE_COLLAPSED", "List its workload in workloads.include if it moves too",
                    "%s: %s", n->key, json_string_value(line));
    }
    cf_route_backends(copy, require_elsewhere, &t);
    if (!cf_closure_is_steered(s, n))
        cf_set_note(s, "warning", "ROUTE_NOT_STEERED",
                    "Add it to traffic.routers, or move its clients before the source is retired",
                    "%s leads to what is moved, and the plan does not steer it: in the source it "
                    "goes on sending requests to the source",
                    n->key);
    cf_set_note(s, "info", "DNS_HELD",
                "Remove the annotation " CF_ANNOTATION_DNS
                " from the copy when its clients shall come to the target's own entry",
                "the copy of %s is kept from external-dns, so that two clusters do not fight over "
                "its host names",
                n->key);
}
