/* SPDX-License-Identifier: Apache-2.0 */
/* The destinations of routes: where each kind keeps its rules, and how it writes a destination. */
#include "federation/objects/routes.h"

#include <stdio.h>
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/objects/routes_internal.h"

const struct cf_route_part cf_route_parts[] = {
    { "Ingress", "/spec/rules", "/http/paths", NULL, cf_backend_of_ingress },
    { "HTTPRoute", "/spec/rules", NULL, "backendRefs", cf_backend_of_ref },
    { "GRPCRoute", "/spec/rules", NULL, "backendRefs", cf_backend_of_ref },
    { "VirtualService", "/spec/http", NULL, "route", cf_backend_of_istio },
    { "VirtualService", "/spec/tls", NULL, "route", cf_backend_of_istio },
    { "VirtualService", "/spec/tcp", NULL, "route", cf_backend_of_istio },
    { NULL, NULL, NULL, NULL, NULL },
};

static void set(struct cf_backend *b, const char *kind, const char *ns, const char *name)
{
    snprintf(b->kind, sizeof b->kind, "%s", kind);
    snprintf(b->ns, sizeof b->ns, "%s", ns);
    snprintf(b->name, sizeof b->name, "%s", name);
}

/* --- one destination --- */

bool cf_backend_of_ingress(const json_t *path, const char *ns, struct cf_backend *out)
{
    const json_t *b = json_object_get(path, "backend");
    const char *service = cf_json_str(b, "", "service", "name", NULL);
    if (*service)
        set(out, "Service", ns, service);
    else
        set(out, cf_json_str(b, "", "resource", "kind", NULL), ns,
            cf_json_str(b, "", "resource", "name", NULL));
    return *out->name != '\0';
}

bool cf_backend_of_ref(const json_t *ref, const char *ns, struct cf_backend *out)
{
    set(out, cf_json_str(ref, "Service", "kind", NULL), cf_json_str(ref, ns, "namespace", NULL),
        cf_json_str(ref, "", "name", NULL));
    return *out->name != '\0';
}

void cf_host_backend(const char *host, const char *ns, struct cf_backend *out)
{
    const char *dot = strchr(host, '.');
    const char *rest = dot ? dot + 1 : "";
    size_t ns_len = strcspn(rest, ".");
    const char *after = rest[ns_len] ? rest + ns_len + 1 : "";
    bool is_service = !dot || strcmp(after, "svc") == 0 || strncmp(after, "svc.", 4) == 0 ||
                      (!*after && strcmp(rest, ns) == 0);
    if (!is_service || *host == '*') {
        set(out, "", "", host);
        return;
    }
    snprintf(out->kind, sizeof out->kind, "Service");
    snprintf(out->ns, sizeof out->ns, "%.*s", (int)(dot ? ns_len : strlen(ns)), dot ? rest : ns);
    snprintf(out->name, sizeof out->name, "%.*s", (int)(dot ? (size_t)(dot - host) : strlen(host)),
             host);
}

bool cf_backend_of_istio(const json_t *route, const char *ns, struct cf_backend *out)
{
    const char *host = cf_json_str(route, "", "destination", "host", NULL);
    cf_host_backend(host, ns, out);
    return *host != '\0';
}

/* --- all of them --- */

struct tell {
    cf_backend_fn *fn;
    void *user;
    const char *ns;
};

static void tell_istio_host(const struct tell *t, const json_t *destination)
{
    const char *host = cf_json_str(destination, "", "host", NULL);
    struct cf_backend b;
    if (!*host)
        return;
    cf_host_backend(host, t->ns, &b);
    t->fn(t->user, &b);
}

/* Copies of requests, which have no weight. */
static void tell_mirrors(const struct tell *t, const json_t *rule)
{
    size_t i;
    json_t *m;
    struct cf_backend b;
    tell_istio_host(t, json_object_get(rule, "mirror"));
    json_array_foreach(json_object_get(rule, "mirrors"), i, m)
    {
        tell_istio_host(t, json_object_get(m, "destination"));
    }
    json_array_foreach(json_object_get(rule, "filters"), i, m)
    {
        const json_t *ref = cf_json_at(m, "requestMirror", "backendRef", NULL);
        if (ref && cf_backend_of_ref(ref, t->ns, &b))
            t->fn(t->user, &b);
    }
}

static void tell_rule(const struct tell *t, const struct cf_route_part *part, const json_t *rule)
{
    size_t i;
    json_t *one;
    struct cf_backend b;
    if (!part->destinations) {
        if (part->read(rule, t->ns, &b))
            t->fn(t->user, &b);
        return;
    }
    json_array_foreach(json_object_get(rule, part->destinations), i, one)
    {
        if (part->read(one, t->ns, &b))
            t->fn(t->user, &b);
    }
    tell_mirrors(t, rule);
}

void cf_route_backends(const json_t *route, cf_backend_fn *fn, void *user)
{
    const struct tell t = { fn, user, cf_object_namespace(route) };
    const struct cf_kind *k = cf_kind_of(route);
    struct cf_backend b;
    size_t i, n;
    json_t *group, *rule;
    for (const struct cf_route_part *part = cf_route_parts;
         part->kind && k && k->flags & CF_KIND_ROUTE; part++) {
        if (strcmp(part->kind, k->kind) != 0)
            continue;
        json_array_foreach(cf_json_pointer(route, part->rules), i, group)
        {
            if (!part->inner)
                tell_rule(&t, part, group);
            json_array_foreach(part->inner ? cf_json_pointer(group, part->inner) : NULL, n, rule)
            {
                tell_rule(&t, part, rule);
            }
        }
    }
    const json_t *dflt = cf_json_at(route, "spec", "defaultBackend", NULL);
    cf_autojson json_t *as_path =
        dflt ? json_pack("{s:O}", "backend", cf_json_unconst(dflt)) : NULL;
    if (as_path && cf_backend_of_ingress(as_path, t.ns, &b))
        fn(user, &b);
}

void cf_route_gateways(const json_t *route, cf_backend_fn *fn, void *user)
{
    const char *own = cf_object_namespace(route);
    struct cf_backend b;
    size_t i;
    json_t *one;
    json_array_foreach(cf_json_at(route, "spec", "parentRefs", NULL), i, one)
    {
        const char *kind = cf_json_str(one, "Gateway", "kind", NULL);
        set(&b, kind, cf_json_str(one, own, "namespace", NULL), cf_json_str(one, "", "name", NULL));
        if (strcmp(kind, "Gateway") == 0 && *b.name)
            fn(user, &b);
    }
    json_array_foreach(cf_json_at(route, "spec", "gateways", NULL), i, one)
    {
        const char *text = json_is_string(one) ? json_string_value(one) : "mesh";
        const char *slash = strchr(text, '/');
        if (strcmp(text, "mesh") == 0)
            continue;
        set(&b, "Gateway", own, slash ? slash + 1 : text);
        if (slash && strncmp(text, "./", 2) != 0)
            snprintf(b.ns, sizeof b.ns, "%.*s", (int)(slash - text), text);
        fn(user, &b);
    }
}
