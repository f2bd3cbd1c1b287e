/* SPDX-License-Identifier: Apache-2.0 */
/* From the plan's words to objects of a cluster (survey.h). */
#include "orchestrator/preflight/survey.h"

#include <stdio.h>
#include <string.h>

#include "lb/write.h"

void cf_survey_router_free(struct cf_survey_router *r)
{
    cf_router_view_free(&r->view);
    memset(r, 0, sizeof *r);
}

static enum cf_router_type router_type(enum cf_plan_router_type type)
{
    switch (type) {
    case CF_PLAN_ROUTER_HTTP_ROUTE:
        return CF_ROUTER_HTTP_ROUTE;
    case CF_PLAN_ROUTER_INGRESS:
        return CF_ROUTER_INGRESS;
    case CF_PLAN_ROUTER_VIRTUAL_SERVICE:
        break;
    }
    return CF_ROUTER_VIRTUAL_SERVICE;
}

static void put_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

/* The typed destination in the words that lb's parser takes. */
static bool destination(enum cf_router_type type, const char *ns,
                        const struct cf_plan_destination *d, struct cf_destination *out,
                        struct cf_error *err)
{
    cf_autojson json_t *words = json_object();
    if (type == CF_ROUTER_VIRTUAL_SERVICE) {
        put_text(words, "host", d->host);
        put_text(words, "subset", d->subset);
    } else {
        put_text(words, "name", d->service);
    }
    if (type == CF_ROUTER_HTTP_ROUTE) {
        put_text(words, "namespace", d->namespace_);
        put_text(words, "kind", d->kind);
    }
    if (d->port > 0)
        json_object_set_new(words, "port", json_integer(d->port));
    else if (type == CF_ROUTER_INGRESS)
        put_text(words, "port", d->port_name);
    return cf_destination_parse(type, ns, words, out, err);
}

static bool copy_word(char *to, size_t size, const char *from, const char *field,
                      struct cf_error *err)
{
    if (strlen(from) >= size) {
        cf_error_set(err, CF_ERR_INVALID, "%s \"%s\" is too long", field, from);
        return cf_error_field(err, field);
    }
    memcpy(to, from, strlen(from) + 1);
    return true;
}

/* Which route, in lb's words. */
static void pick(const struct cf_plan_router *row, char out[CF_ROUTE_SELECTOR_MAX])
{
    out[0] = '\0';
    if (row->type == CF_PLAN_ROUTER_INGRESS) {
        (void)snprintf(out, CF_ROUTE_SELECTOR_MAX, "%s%s", row->host ? row->host : "",
                       row->path ? row->path : "");
        return;
    }
    switch (row->pick) {
    case CF_PLAN_PICK_NAME:
        (void)snprintf(out, CF_ROUTE_SELECTOR_MAX, "%s", row->pick_name);
        return;
    case CF_PLAN_PICK_INDEX:
        (void)snprintf(out, CF_ROUTE_SELECTOR_MAX, "%d", row->pick_index);
        return;
    case CF_PLAN_PICK_MATCH:
        (void)cf_router_match_selector(row->pick_match, out);
        return;
    case CF_PLAN_PICK_ONLY:
        return;
    }
}

bool cf_survey_target(const struct cf_plan_router *row, struct cf_router_target *out,
                      struct cf_error *err)
{
    struct cf_router_target t = { .type = router_type(row->type) };
    if (!copy_word(t.cluster, sizeof t.cluster, row->cluster, "cluster", err) ||
        !copy_word(t.ns, sizeof t.ns, row->namespace_, "namespace", err) ||
        !copy_word(t.object, sizeof t.object, row->object, "object", err))
        return cf_error_wrap(err, "router %s", row->name);
    pick(row, t.route);
    if (row->source) {
        t.has_source = true;
        if (!destination(t.type, t.ns, row->source, &t.source, err))
            return cf_error_wrap(err, "router %s: source destination", row->name);
    }
    if (row->target) {
        t.has_target = true;
        if (!destination(t.type, t.ns, row->target, &t.target, err))
            return cf_error_wrap(err, "router %s: target destination", row->name);
    }
    *out = t;
    return true;
}

static void name_bridge(const struct cf_plan *plan, const char *run_id, struct cf_survey_router *r)
{
    struct cf_bridge *b = &r->bridge;
    (void)snprintf(b->ns, sizeof b->ns, "%s", r->service_ns);
    (void)snprintf(b->service, sizeof b->service, "%s", r->service);
    (void)snprintf(b->run, sizeof b->run, "%s", run_id);
    (void)snprintf(b->target_cluster, sizeof b->target_cluster, "%s", plan->target_cluster);
    (void)snprintf(b->target_ns, sizeof b->target_ns, "%s", plan->target_namespace);
    (void)snprintf(b->target_service, sizeof b->target_service, "%s", r->service);
    char name[CF_DEST_WORD_MAX];
    cf_bridge_name(r->service, name);
    cf_destination_beside(r->target.type, &r->view.source, name, &r->target.target);
    r->target.has_target = true;
}

/* An object that is not there is an answer, not an error. */
static bool look(struct cf_kube *kube, struct cf_survey_router *r, struct cf_error *err)
{
    cf_router_view_free(&r->view);
    memset(&r->view, 0, sizeof r->view);
    if (cf_router_find(kube, NULL, &r->target, &r->view, err)) {
        r->found = true;
        return true;
    }
    r->found = false;
    if (err->kind != CF_ERR_NOT_FOUND)
        return cf_error_wrap(err, "router %s", r->row->name);
    cf_error_move(&r->error, err);
    return true;
}

/* Into `out`, "" when it is not known: a destination without a port means its Service's only one. */
static bool resolve_port(struct cf_kube *kube, const struct cf_destination *d, const char *ns,
                         const char *service, char out[CF_DEST_WORD_MAX], struct cf_error *err)
{
    cf_autojson json_t *object = NULL;
    struct cf_object_ref ref = cf_ref("v1", "Service", ns, service);
    bool found = false;
    memcpy(out, d->port, CF_DEST_WORD_MAX);
    if (*out || !*service)
        return true;
    if (!cf_kube_find(kube, NULL, &ref, &found, &object, err)) {
        if (err->kind != CF_ERR_DENIED)
            return cf_error_wrap(err, "Service %s/%s", ns, service);
        cf_error_clear(err);
        return true;
    }
    const json_t *ports = cf_json_at(object, "spec", "ports", NULL);
    if (json_array_size(ports) == 1)
        (void)snprintf(out, CF_DEST_WORD_MAX, "%lld",
                       (long long)cf_json_int(json_array_get(ports, 0), 0, "port", NULL));
    return true;
}

/* A bridge has the ports of the Service beside it. */
static bool resolve_ports(struct cf_kube *kube, struct cf_survey_router *r, struct cf_error *err)
{
    if (!resolve_port(kube, &r->view.source, r->service_ns, r->service, r->source_port, err))
        return false;
    if (!r->uses_bridge)
        return resolve_port(kube, &r->target.target, r->target_ns, r->target_service,
                            r->target_port, err);
    memcpy(r->target_port, r->source_port, sizeof r->target_port);
    return true;
}

struct cf_destination cf_survey_source(const struct cf_survey_router *r)
{
    struct cf_destination d = r->view.source;
    memcpy(d.port, r->source_port, sizeof d.port);
    return d;
}

bool cf_survey_router(struct cf_kube *kube, const struct cf_plan *plan,
                      const struct cf_plan_router *row, const char *run_id,
                      struct cf_survey_router *out, struct cf_error *err)
{
    CF_CLEANUP(cf_survey_router_free) struct cf_survey_router r = { .row = row };
    r.uses_bridge = row->reach != CF_PLAN_REACH_EXISTING;
    if (!cf_survey_target(row, &r.target, err))
        return false;
    if (!look(kube, &r, err))
        return false;
    if (r.found && r.view.located)
        r.has_service =
            cf_destination_service(r.target.type, &r.view.source, r.service_ns, r.service);
    if (r.uses_bridge && r.has_service) {
        name_bridge(plan, run_id, &r);
        if (!look(kube, &r, err))
            return false;
    }
    if (!r.uses_bridge && r.target.has_target &&
        !cf_destination_service(r.target.type, &r.target.target, r.target_ns, r.target_service))
        r.target_ns[0] = r.target_service[0] = '\0';
    if (r.found && r.view.located && !resolve_ports(kube, &r, err))
        return cf_error_wrap(err, "router %s", row->name);
    *out = r;
    memset(&r, 0, sizeof r);
    return true;
}

void cf_survey_add_service(const struct cf_plan *plan, const struct cf_survey_router *r,
                           json_t *services)
{
    if (!r->has_service || strcmp(r->row->cluster, plan->source_cluster) != 0 ||
        strcmp(r->service_ns, plan->source_namespace) != 0)
        return;
    size_t i;
    json_t *known;
    json_array_foreach(services, i, known)
    {
        if (strcmp(json_string_value(known), r->service) == 0)
            return;
    }
    json_array_append_new(services, json_string(r->service));
}

int cf_survey_addresses(const struct cf_plan_traffic *traffic, struct cf_bridge_address *out,
                        int max)
{
    int n = 0;
    int port = traffic->n_ports > 0 ? traffic->ports[0].port : 0;
    for (size_t i = 0; i < traffic->n_addresses && n < max; i++, n++) {
        (void)snprintf(out[n].ip, sizeof out[n].ip, "%s", traffic->addresses[i]);
        out[n].port = port;
    }
    return n;
}

const struct cf_propagator_ops *cf_survey_propagator(const struct cf_plan *plan)
{
    const struct cf_propagator_ops *ops =
        cf_propagator_find(cf_plan_copy_method_name(plan->copy.method));
    cf_assert(ops);
    return ops;
}

struct cf_propagation cf_survey_propagation(const struct cf_plan *plan, struct cf_kube *source,
                                            struct cf_kube *target, const char *run_id,
                                            const json_t *services)
{
    return (struct cf_propagation){
        .source = source,
        .target = target,
        .source_namespace = plan->source_namespace,
        .target_namespace = plan->target_namespace,
        .create_namespace = plan->create_namespace,
        .run_id = run_id,
        .plan_name = plan->name,
        .workloads = cf_json_at(plan->effective, "spec", "workloads", NULL),
        .services = services,
        .routers = cf_json_at(plan->effective, "spec", "traffic", "routers", NULL),
        .source_cluster = plan->source_cluster,
        .volumes = cf_json_at(plan->effective, "spec", "volumes", NULL),
        .copy = cf_json_at(plan->effective, "spec", "copy", NULL),
    };
}
