/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the routers: found, weights, the way to the target, other writers, other ways to the
 * source. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "orchestrator/preflight/checks_internal.h"

/* ---- routers ---- */

static void report_problems(struct cf_checking *c, const struct cf_survey_router *r, bool weights)
{
    for (int i = 0; i < r->view.problems.count; i++) {
        const struct cf_problem *p = &r->view.problems.item[i];
        bool of_weights = strcmp(p->code, "weight-not-expressible") == 0;
        if (of_weights != weights)
            continue;
        cf_found(c, p->severity == CF_PROBLEM_BLOCKER ? CF_LEVEL_BLOCKER : CF_LEVEL_WARNING,
                 r->row->cluster, json_pack("{s:s,s:s}", "router", r->row->name, "code", p->code),
                 NULL, NULL, "router %s: %s", r->row->name, p->text);
    }
}

static void check_router(struct cf_checking *c, size_t i)
{
    const struct cf_survey_router *r = &c->routers[i];
    const struct cf_plan_router *row = &c->plan->traffic.routers[i];
    if (!c->surveyed[i]) {
        cf_found(c, CF_LEVEL_BLOCKER, row->cluster, NULL, NULL, NULL,
                 "router %s could not be read: %s", row->name,
                 r->error.kind != CF_ERR_NONE ? r->error.message : "its cluster is not known");
        return;
    }
    if (!r->found) {
        cf_autofree char *command = cf_xasprintf("kubectl -n %s get %s", row->namespace_,
                                                 cf_plan_router_type_name(row->type));
        cf_found(c, CF_LEVEL_BLOCKER, row->cluster, NULL, "correct the name in traffic.router",
                 command, "router %s: %s %s/%s is not there on %s", row->name,
                 cf_plan_router_type_name(row->type), row->namespace_, row->object, row->cluster);
        return;
    }
    report_problems(c, r, false);
    if (r->view.located)
        cf_found(c, CF_LEVEL_INFO, row->cluster,
                 json_pack("{s:i,s:i,s:i}", "source", r->view.source_weight, "target",
                           r->view.target_weight, "others", r->view.others_weight),
                 NULL, NULL, "router %s: source has weight %d, target %d, others %d", row->name,
                 r->view.source_weight, r->view.target_weight, r->view.others_weight);
}

void cf_preflight_routers(struct cf_checking *c)
{
    for (size_t i = 0; i < c->plan->traffic.n_routers; i++)
        check_router(c, i);
}

/* ---- weights ---- */

void cf_preflight_weights(struct cf_checking *c)
{
    const struct cf_plan_traffic *t = &c->plan->traffic;
    int steps[CF_PLAN_STEPS_MAX];
    for (size_t i = 0; i < t->n_steps; i++)
        steps[i] = t->steps[i].weight;
    for (size_t i = 0; i < t->n_routers; i++) {
        struct cf_survey_router *r = &c->routers[i];
        if (!cf_checking_needs_route(c, i))
            continue;
        cf_router_check_steps(&r->view, steps, (int)t->n_steps);
        report_problems(c, r, true);
    }
}

/* ---- reach ---- */

/* A plan whose addresses no EndpointSlice may carry is refused when it is written; this one may be
 * older than that rule. */
static bool addresses_usable(struct cf_checking *c, const struct cf_survey_router *r,
                             const json_t *service)
{
    struct cf_bridge_address addresses[CF_PLAN_ADDRESSES_MAX];
    struct cf_error err = CF_ERROR_INIT;
    int ready = 0;
    if (r->row->reach != CF_PLAN_REACH_ADDRESS)
        return true;
    int n = cf_survey_addresses(&c->plan->traffic, addresses, CF_PLAN_ADDRESSES_MAX);
    cf_autojson json_t *slices =
        cf_bridge_slices_fixed(&r->bridge, service, addresses, n, &ready, &err);
    if (!slices)
        cf_found(c, CF_LEVEL_BLOCKER, r->row->cluster, NULL, "correct traffic.reach.addresses",
                 NULL, "router %s: %s", r->row->name, err.message);
    return slices != NULL;
}

static void check_bridge(struct cf_checking *c, const struct cf_survey_router *r)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = cf_checking_kube(c, r->row->cluster);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *service = NULL;
    cf_autojson json_t *made = NULL;
    char name[CF_DEST_WORD_MAX];
    struct cf_object_ref ref = cf_ref("v1", "Service", r->service_ns, r->service);
    if (!kube)
        return;
    if (!cf_kube_get(kube, NULL, &ref, &service, &err) ||
        !(made = cf_bridge_service(&r->bridge, service, &err))) {
        cf_found(c, CF_LEVEL_BLOCKER, r->row->cluster, NULL,
                 "name destinations.target, or use reach: address", NULL,
                 "router %s: no bridge can stand beside Service %s/%s: %s", r->row->name,
                 r->service_ns, r->service, err.message);
        return;
    }
    if (!addresses_usable(c, r, service))
        return;
    cf_found(c, CF_LEVEL_INFO, r->row->cluster, NULL, NULL, NULL,
             "router %s reaches the target over a bridge, Service %s/%s, with %s", r->row->name,
             r->service_ns, cf_bridge_name(r->service, name),
             r->row->reach == CF_PLAN_REACH_ADDRESS
                 ? "the plan's addresses"
                 : "the target's ready pods (flat network between the clusters)");
}

/* The plan's own destination lies where the copies come to: it is not there before them. */
static bool comes_with_the_copies(const struct cf_plan *plan, const struct cf_survey_router *r)
{
    return strcmp(r->row->cluster, plan->target_cluster) == 0 &&
           strcmp(r->target_ns, plan->target_namespace) == 0;
}

/* What stands behind the plan's own destination, as far as the router's cluster shows it. */
static void check_existing_service(struct cf_checking *c, const struct cf_survey_router *r,
                                   struct cf_kube *kube)
{
    const char *cluster = r->row->cluster, *ns = r->target_ns, *name = r->target_service;
    struct cf_object_ref ref = cf_ref("v1", "Service", ns, name);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *service = NULL;
    cf_autojson json_t *slices = NULL;
    bool found = false, later = comes_with_the_copies(c->plan, r);
    if (!cf_kube_find(kube, NULL, &ref, &found, &service, &err) ||
        !cf_bridge_target_slices(kube, NULL, ns, name, &slices, &err)) {
        cf_skipped(c, cluster, "the target destination of router %s could not be read: %s",
                   r->row->name, err.message);
        return;
    }
    int ready = cf_bridge_ready_count(slices);
    if (found && strcmp(cf_json_str(service, "", "spec", "type", NULL), "ExternalName") == 0)
        cf_found(c, CF_LEVEL_INFO, cluster, NULL, NULL, NULL,
                 "router %s reaches the target by Service %s/%s, another name for %s: what stands "
                 "there cannot be seen from here",
                 r->row->name, ns, name, cf_json_str(service, "?", "spec", "externalName", NULL));
    else if (ready == 0 && later)
        cf_found(c, CF_LEVEL_INFO, cluster, NULL, NULL, NULL,
                 "router %s reaches the target by Service %s/%s, where the copies come to: its "
                 "endpoints are looked for when they are there",
                 r->row->name, ns, name);
    else if (ready == 0)
        cf_found(c, CF_LEVEL_BLOCKER, cluster, json_pack("{s:b}", "exists", found),
                 "correct destinations.target, or leave it out: then a bridge is made", NULL,
                 found ? "router %s: Service %s/%s, its target destination, has no ready endpoint "
                         "on %s"
                       : "router %s: Service %s/%s, its target destination, does not exist on %s",
                 r->row->name, ns, name, cluster);
    else
        cf_found(c, CF_LEVEL_INFO, cluster, json_pack("{s:i}", "ready", ready), NULL, NULL,
                 "router %s reaches the target by Service %s/%s with %d ready endpoints",
                 r->row->name, ns, name, ready);
}

static void check_existing(struct cf_checking *c, const struct cf_survey_router *r)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    char text[CF_DEST_TEXT_MAX];
    if (!r->target_service[0])
        cf_found(c, CF_LEVEL_INFO, r->row->cluster, NULL, NULL, NULL,
                 "router %s reaches the target by %s, which is no Service of %s: what stands there "
                 "cannot be seen from here, and the first weight is the proof",
                 r->row->name, cf_destination_text(r->target.type, &r->target.target, text),
                 r->row->cluster);
    else if ((kube = cf_checking_kube(c, r->row->cluster)))
        check_existing_service(c, r, kube);
}

void cf_preflight_reach(struct cf_checking *c)
{
    for (size_t i = 0; i < c->plan->traffic.n_routers; i++) {
        const struct cf_survey_router *r = &c->routers[i];
        if (!cf_checking_needs_route(c, i))
            continue;
        if (!r->uses_bridge)
            check_existing(c, r);
        else if (!r->has_service)
            cf_found(c, CF_LEVEL_BLOCKER, r->row->cluster, NULL, "name destinations.target", NULL,
                     "router %s: no Service of %s stands behind the source destination, so no "
                     "bridge can stand beside it",
                     r->row->name, r->row->cluster);
        else
            check_bridge(c, r);
    }
}

/* ---- bypass ---- */

static const struct {
    const char *api_version, *kind;
} route_kinds[] = {
    { "networking.istio.io/v1", "VirtualService" },
    { "gateway.networking.k8s.io/v1", "HTTPRoute" },
    { "networking.k8s.io/v1", "Ingress" },
};

static bool is_in_plan(const struct cf_plan *plan, const char *kind, const char *name)
{
    for (size_t i = 0; i < plan->traffic.n_routers; i++) {
        const struct cf_plan_router *r = &plan->traffic.routers[i];
        if (strcasecmp(cf_plan_router_type_name(r->type), kind) == 0 &&
            strcmp(r->object, name) == 0)
            return true;
    }
    return false;
}

/* Whether any string of the tree is the Service's name, alone or as the first label of a host. */
static bool mentions(json_t *j, const char *service)
{
    const char *key;
    json_t *value;
    size_t i, len = strlen(service);
    if (json_is_string(j)) {
        const char *s = json_string_value(j);
        return strncmp(s, service, len) == 0 && (s[len] == '\0' || s[len] == '.');
    }
    if (json_is_object(j)) {
        json_object_foreach(j, key, value)
        {
            if (mentions(value, service))
                return true;
        }
    }
    json_array_foreach(j, i, value)
    {
        if (mentions(value, service))
            return true;
    }
    return false;
}

static void check_other_routes(struct cf_checking *c, const struct cf_survey_router *r,
                               struct cf_kube *kube)
{
    for (size_t k = 0; k < CF_ARRAY_LEN(route_kinds); k++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *items = NULL;
        struct cf_kube_list what = { .api_version = route_kinds[k].api_version,
                                     .kind = route_kinds[k].kind,
                                     .ns = r->service_ns };
        size_t i;
        json_t *item;
        if (!cf_kube_list(kube, NULL, &what, &items, NULL, &err)) {
            if (err.kind != CF_ERR_NOT_FOUND) /* else a kind that the cluster does not serve */
                cf_skipped(c, r->row->cluster, "%s of namespace %s could not be read: %s",
                           route_kinds[k].kind, r->service_ns, err.message);
            continue;
        }
        json_array_foreach(items, i, item)
        {
            const char *name = cf_json_str(item, "", "metadata", "name", NULL);
            if (is_in_plan(c->plan, route_kinds[k].kind, name) ||
                !mentions(json_object_get(item, "spec"), r->service))
                continue;
            cf_found(c, CF_LEVEL_WARNING, r->row->cluster, NULL,
                     "add it to traffic.routers, or it keeps using the source", NULL,
                     "%s %s/%s also sends traffic to Service %s and is not in the plan",
                     route_kinds[k].kind, r->service_ns, name, r->service);
        }
    }
}

static void check_callers(struct cf_checking *c, const struct cf_survey_router *r,
                          struct cf_kube *kube)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *service = NULL;
    struct cf_object_ref ref = cf_ref("v1", "Service", r->service_ns, r->service);
    if (!cf_kube_get(kube, NULL, &ref, &service, &err)) {
        cf_skipped(c, r->row->cluster, "callers of Service %s/%s: %s", r->service_ns, r->service,
                   err.message);
        return;
    }
    const char *type = cf_json_str(service, "ClusterIP", "spec", "type", NULL);
    bool outside = strcmp(type, "LoadBalancer") == 0 || strcmp(type, "NodePort") == 0;
    cf_found(c, outside ? CF_LEVEL_WARNING : CF_LEVEL_INFO, r->row->cluster, NULL,
             "point them at the router: before the source is retired only the routers' traffic is "
             "looked at, so these callers would be cut off",
             NULL,
             outside ? "Service %s/%s is of type %s: who calls it there bypasses router %s"
                     : "who calls Service %s/%s (%s) inside the cluster bypasses router %s",
             r->service_ns, r->service, type, r->row->name);
}

void cf_preflight_bypass(struct cf_checking *c)
{
    for (size_t i = 0; i < c->plan->traffic.n_routers; i++) {
        const struct cf_survey_router *r = &c->routers[i];
        CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
        if (!cf_checking_needs_route(c, i) || !r->has_service ||
            !(kube = cf_checking_kube(c, r->row->cluster)))
            continue;
        check_other_routes(c, r, kube);
        check_callers(c, r, kube);
    }
}
