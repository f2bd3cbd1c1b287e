/* SPDX-License-Identifier: Apache-2.0 */
/* What a Gateway API controller says: of each HTTPRoute whether its parents took it and its
 * backends are there, of Gateways and their classes that they are accepted. A cluster's gateway is
 * always there, so a parent needs no Gateway object. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"

#include <inttypes.h>
#include <string.h>

#define GATEWAY_API "gateway.networking.k8s.io"
#define CONTROLLER  "crossfade.dev/sandbox-gateway"

static int64_t generation_of(const json_t *o)
{
    return cf_json_int(o, 0, "metadata", "generation", NULL);
}

/* The condition of that type in `old` (a list), so that its transition time can be kept. */
static void add_condition(struct sbx_pass *p, json_t *list, const json_t *old, int64_t generation,
                          const char *type, bool is_true, const char *reason, const char *message)
{
    cf_autojson json_t *holder = json_pack("{s:{s:O?}}", "status", "conditions", old);
    json_t *c = sbx_condition_add(list, holder, type, is_true ? "True" : "False", reason, message,
                                  generation, p->stamp);
    json_object_set_new(c, "message", json_string(message));
}

/* Whether a ReferenceGrant in `ns` lets HTTPRoutes of `from` name Services. */
static bool is_granted(struct sbx_pass *p, const char *from, const char *ns, const char *service)
{
    size_t i, k, n;
    json_t *grant, *f, *t;
    json_array_foreach(sbx_pass_all(p, GATEWAY_API, "referencegrants"), i, grant)
    {
        bool from_fits = false, to_fits = false;
        json_array_foreach(cf_json_at(grant, "spec", "from", NULL), k, f)
        {
            from_fits = from_fits || (strcmp(cf_json_str(f, "", "kind", NULL), "HTTPRoute") == 0 &&
                                      strcmp(cf_json_str(f, "", "namespace", NULL), from) == 0);
        }
        json_array_foreach(cf_json_at(grant, "spec", "to", NULL), n, t)
        {
            to_fits = to_fits || (strcmp(cf_json_str(t, "", "kind", NULL), "Service") == 0 &&
                                  strcmp(cf_json_str(t, service, "name", NULL), service) == 0);
        }
        if (strcmp(sbx_ns(grant), ns) == 0 && from_fits && to_fits)
            return true;
    }
    return false;
}

/* NULL, or the reason why a backend of the route cannot be used. */
static const char *backend_problem(struct sbx_pass *p, const json_t *route)
{
    size_t i, k;
    json_t *rule, *ref;
    const char *problem = NULL;
    json_array_foreach(cf_json_at(route, "spec", "rules", NULL), i, rule)
    {
        json_array_foreach(json_object_get(rule, "backendRefs"), k, ref)
        {
            const char *ns = cf_json_str(ref, sbx_ns(route), "namespace", NULL),
                       *name = cf_json_str(ref, "", "name", NULL);
            if (strcmp(cf_json_str(ref, "Service", "kind", NULL), "Service") != 0 ||
                *cf_json_str(ref, "", "group", NULL))
                problem = "InvalidKind";
            else if (strcmp(ns, sbx_ns(route)) != 0 && !is_granted(p, sbx_ns(route), ns, name))
                problem = "RefNotPermitted";
            else if (!sbx_pass_one(p, "", "services", ns, name))
                problem = "BackendNotFound";
        }
    }
    return problem;
}

/* What the route's status says of that parent now, or NULL. */
static const json_t *present_conditions(const json_t *route, const json_t *ref)
{
    size_t i;
    json_t *parent;
    json_array_foreach(cf_json_at(route, "status", "parents", NULL), i, parent)
    {
        if (cf_json_equal(json_object_get(parent, "parentRef"), ref) &&
            strcmp(cf_json_str(parent, "", "controllerName", NULL), CONTROLLER) == 0)
            return json_object_get(parent, "conditions");
    }
    return NULL;
}

static json_t *wanted_parents(struct sbx_pass *p, const json_t *route)
{
    const char *problem = backend_problem(p, route);
    int64_t generation = generation_of(route);
    json_t *parents = json_array();
    size_t i;
    json_t *ref, *theirs;
    json_array_foreach(cf_json_at(route, "spec", "parentRefs", NULL), i, ref)
    {
        if (strcmp(cf_json_str(ref, "Gateway", "kind", NULL), "Gateway") != 0)
            continue;
        const json_t *old = present_conditions(route, ref);
        json_t *list = json_array();
        add_condition(p, list, old, generation, "Accepted", true, "Accepted",
                      "the gateway serves this route");
        add_condition(p, list, old, generation, "ResolvedRefs", !problem,
                      problem ? problem : "ResolvedRefs",
                      problem ? "a backend of the route cannot be used" : "all backends are there");
        json_array_append_new(parents, json_pack("{s:O,s:s,s:o}", "parentRef", ref,
                                                 "controllerName", CONTROLLER, "conditions", list));
    }
    json_array_foreach(cf_json_at(route, "status", "parents", NULL), i, theirs)
    {
        if (strcmp(cf_json_str(theirs, "", "controllerName", NULL), CONTROLLER) != 0)
            json_array_append(parents, theirs);
    }
    return parents;
}

static void look_at_route(struct sbx_pass *p, const json_t *route)
{
    cf_autojson json_t *parents = wanted_parents(p, route);
    if (cf_json_equal(parents, cf_json_at(route, "status", "parents", NULL)))
        return;
    if (sbx_pass_after(p, p->world->options.route_status_ms, false, "route %s %" PRId64,
                       sbx_uid(route), generation_of(route)))
        sbx_pass_status(p, SBX_GATEWAY, GATEWAY_API, "httproutes", route,
                        json_pack("{s:O}", "parents", parents));
}

static int64_t attached(struct sbx_pass *p, const json_t *gateway)
{
    int64_t n = 0;
    size_t i, k;
    json_t *route, *ref;
    json_array_foreach(sbx_pass_all(p, GATEWAY_API, "httproutes"), i, route)
    {
        json_array_foreach(cf_json_at(route, "spec", "parentRefs", NULL), k, ref)
        {
            n += strcmp(cf_json_str(ref, "", "name", NULL), sbx_name(gateway)) == 0 &&
                 strcmp(cf_json_str(ref, sbx_ns(route), "namespace", NULL), sbx_ns(gateway)) == 0;
        }
    }
    return n;
}

static json_t *listener_status(struct sbx_pass *p, const json_t *gateway, const json_t *listener,
                               const json_t *old, int64_t routes)
{
    json_t *list = json_array();
    static const char *const types[] = { "Accepted", "Programmed", "ResolvedRefs" };
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++)
        add_condition(p, list, json_object_get(old, "conditions"), generation_of(gateway), types[i],
                      true, types[i], "");
    return json_pack("{s:s,s:I,s:[{s:s,s:s}],s:o}", "name", cf_json_str(listener, "", "name", NULL),
                     "attachedRoutes", (json_int_t)routes, "supportedKinds", "group", GATEWAY_API,
                     "kind", "HTTPRoute", "conditions", list);
}

static void look_at_gateway(struct sbx_pass *p, const json_t *gateway)
{
    const json_t *old = cf_json_at(gateway, "status", "conditions", NULL);
    json_t *list = json_array(), *listeners = json_array();
    add_condition(p, list, old, generation_of(gateway), "Accepted", true, "Accepted",
                  "the sandbox serves this gateway");
    add_condition(p, list, old, generation_of(gateway), "Programmed", true, "Programmed",
                  "its listeners are open");
    int64_t routes = attached(p, gateway);
    size_t i;
    json_t *listener;
    json_array_foreach(cf_json_at(gateway, "spec", "listeners", NULL), i, listener)
    {
        const json_t *was = json_array_get(cf_json_at(gateway, "status", "listeners", NULL), i);
        json_array_append_new(listeners, listener_status(p, gateway, listener, was, routes));
    }
    sbx_pass_status(p, SBX_GATEWAY, GATEWAY_API, "gateways", gateway,
                    json_pack("{s:o,s:o,s:[{s:s,s:s}]}", "conditions", list, "listeners", listeners,
                              "addresses", "type", "IPAddress", "value", "127.0.0.1"));
}

void sbx_ctl_gateways(struct sbx_pass *p)
{
    size_t i;
    json_t *o;
    json_array_foreach(sbx_pass_all(p, GATEWAY_API, "httproutes"), i, o)
    {
        if (!sbx_is_going(o))
            look_at_route(p, o);
    }
    json_array_foreach(sbx_pass_all(p, GATEWAY_API, "gateways"), i, o)
    {
        if (!sbx_is_going(o))
            look_at_gateway(p, o);
    }
    json_array_foreach(sbx_pass_all(p, GATEWAY_API, "gatewayclasses"), i, o)
    {
        json_t *list = json_array();
        add_condition(p, list, cf_json_at(o, "status", "conditions", NULL), generation_of(o),
                      "Accepted", true, "Accepted", "the sandbox serves every class");
        sbx_pass_status(p, SBX_GATEWAY, GATEWAY_API, "gatewayclasses", o,
                        json_pack("{s:o}", "conditions", list));
    }
}
