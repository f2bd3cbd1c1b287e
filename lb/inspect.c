/* SPDX-License-Identifier: Apache-2.0 */
/* Inspection, the same for all types: dispatch, who else steers the object, and the baseline. */
#include <stdio.h>
#include <string.h>

#include "lb/kinds.h"

static const struct cf_kind_ops *const kinds[CF_ROUTER_TYPES] = {
    [CF_ROUTER_VIRTUAL_SERVICE] = &cf_kind_virtual_service,
    [CF_ROUTER_HTTP_ROUTE] = &cf_kind_http_route,
    [CF_ROUTER_INGRESS] = &cf_kind_ingress,
};

const struct cf_kind_ops *cf_router_kind_of(enum cf_router_type type)
{
    cf_assert(type >= 0 && type < CF_ROUTER_TYPES);
    return kinds[type];
}

const struct cf_kind_ops *cf_kind_of_baseline(const json_t *baseline)
{
    return cf_router_kind_of(cf_baseline_type(baseline));
}

void cf_router_view_free(struct cf_router_view *v)
{
    if (!v)
        return;
    json_decref(v->object);
    json_decref(v->main_object);
    v->object = v->main_object = NULL;
}

/* A key (or its beginning) among labels or annotations that tells of another owner. */
static const struct owner_mark {
    const char *member; /* "labels", "annotations" */
    const char *key;
    const char *value; /* NULL: any */
    enum cf_problem_severity severity;
    const char *code;
    const char *who;
} owner_marks[] = {
    { "annotations", "flagger.kubernetes.app/original-configuration", NULL, CF_PROBLEM_BLOCKER,
      "owned-by-flagger", "Flagger" },
    { "labels", "app.kubernetes.io/managed-by", "flagger", CF_PROBLEM_BLOCKER, "owned-by-flagger",
      "Flagger" },
    { "annotations", "argo-rollouts.argoproj.io/managed-by-rollouts", NULL, CF_PROBLEM_BLOCKER,
      "owned-by-argo-rollouts", "Argo Rollouts" },
    { "labels", "argo-rollouts.argoproj.io/managed-by-rollouts", NULL, CF_PROBLEM_BLOCKER,
      "owned-by-argo-rollouts", "Argo Rollouts" },
    { "annotations", "rollouts.kruise.io/original-spec-configuration", NULL, CF_PROBLEM_BLOCKER,
      "owned-by-kruise", "OpenKruise Rollouts" },
    { "annotations", "argocd.argoproj.io/tracking-id", NULL, CF_PROBLEM_WARNING, "gitops",
      "Argo CD" },
    { "labels", "argocd.argoproj.io/instance", NULL, CF_PROBLEM_WARNING, "gitops", "Argo CD" },
    { "labels", "kustomize.toolkit.fluxcd.io/name", NULL, CF_PROBLEM_WARNING, "gitops", "Flux" },
    { "labels", "helm.toolkit.fluxcd.io/name", NULL, CF_PROBLEM_WARNING, "gitops", "Flux" },
};

static void add_owner(const struct owner_mark *m, struct cf_problems *out)
{
    if (cf_problems_has(out, m->code))
        return;
    if (m->severity == CF_PROBLEM_BLOCKER)
        cf_problems_add(
            out, m->severity, m->code,
            "%s steers this object; two cannot: end its rollout or take the object out of it",
            m->who);
    else
        cf_problems_add(out, m->severity, m->code,
                        "%s keeps this object as it is in Git and may take our weights back; let "
                        "it ignore the weights "
                        "while the run lasts",
                        m->who);
}

void cf_problems_of_owners(const json_t *object, const char *slot, struct cf_problems *out)
{
    static const struct owner_mark flagger = { .severity = CF_PROBLEM_BLOCKER,
                                               .code = "owned-by-flagger",
                                               .who = "Flagger" };
    static const struct owner_mark argo = { .severity = CF_PROBLEM_BLOCKER,
                                            .code = "owned-by-argo-rollouts",
                                            .who = "Argo Rollouts" };
    const json_t *owners = cf_json_at(object, "metadata", "ownerReferences", NULL);
    char holder[64];
    for (size_t i = 0; i < json_array_size(owners); i++) {
        const json_t *owner = json_array_get(owners, i);
        const char *group = cf_json_str(owner, "", "apiVersion", NULL),
                   *kind = cf_json_str(owner, "", "kind", NULL);
        if (strcmp(kind, "Canary") == 0 && strncmp(group, "flagger.app/", 12) == 0)
            add_owner(&flagger, out);
        if (strcmp(kind, "Rollout") == 0 && strncmp(group, "argoproj.io/", 12) == 0)
            add_owner(&argo, out);
    }
    for (size_t i = 0; i < CF_ARRAY_LEN(owner_marks); i++) {
        const struct owner_mark *m = &owner_marks[i];
        const char *value = cf_json_str(object, NULL, "metadata", m->member, m->key, NULL);
        if (value && (!m->value || strcmp(value, m->value) == 0))
            add_owner(m, out);
    }
    if (cf_marks_other_run(object, slot, "", holder, sizeof holder))
        cf_problems_add(out, CF_PROBLEM_BLOCKER, "held", "run %s steers this route", holder);
}

void cf_router_inspect(const struct cf_router_target *t, const struct cf_router_objects *o,
                       struct cf_router_view *out)
{
    *out = (struct cf_router_view){ .weight = -1, .target_index = -1, .marks = { .want = -1 } };
    if (!o->object) {
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "not-found",
                        "%s %s/%.200s is not there", cf_router_kind_of(t->type)->kind, t->ns,
                        t->object);
        return;
    }
    if (cf_json_at(o->object, "metadata", "deletionTimestamp", NULL))
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "being-deleted",
                        "%s %s/%.200s is being deleted", cf_router_kind_of(t->type)->kind, t->ns,
                        t->object);
    out->object = json_incref(cf_json_unconst(o->object));
    cf_router_kind_of(t->type)->inspect(t, o, out);
}

/* The target as it is in the route, or as the plan says; without a port it has the source's. */
static struct cf_destination target_of(const struct cf_router_target *t,
                                       const struct cf_router_view *view)
{
    struct cf_destination d =
        view->target_present && view->target_index >= 0 ? view->target : t->target;
    if (!*d.port && view->target_index < 0)
        memcpy(d.port, view->source.port, sizeof d.port);
    return d;
}

static json_t *destination_value(const struct cf_destination *d)
{
    return json_pack("{ss ss ss ss ss ss ss}", "host", d->host, "subset", d->subset, "group",
                     d->group, "kind", d->kind, "name", d->name, "ns", d->ns, "port", d->port);
}

json_t *cf_router_baseline(const struct cf_router_target *t, const struct cf_router_view *view,
                           struct cf_error *err)
{
    const struct cf_problem *blocker = cf_problems_first_blocker(&view->problems);
    if (blocker || !view->located || !t->has_target) {
        cf_error_set(err, CF_ERR_INVALID, "%s",
                     blocker ? blocker->text : "the router's target is not known");
        cf_error_reason(err, blocker ? blocker->code : "target-unknown");
        return NULL;
    }
    const struct cf_kind_ops *kind = cf_router_kind_of(t->type);
    struct cf_destination target = target_of(t, view);
    json_t *b = json_object();
    json_object_set_new(b, "type", json_string(cf_router_type_name(t->type)));
    json_object_set_new(b, "cluster", json_string(t->cluster));
    json_object_set_new(b, "api_version",
                        json_string(cf_json_str(view->object, "", "apiVersion", NULL)));
    json_object_set_new(b, "ns", json_string(view->ns));
    json_object_set_new(b, "name", json_string(view->name));
    json_object_set_new(b, "uid",
                        json_string(cf_json_str(view->object, "", "metadata", "uid", NULL)));
    json_object_set_new(b, "route_key", json_string(view->route_key));
    json_object_set_new(b, "slot", json_string(view->slot));
    json_object_set_new(b, "share", json_integer(view->share));
    json_object_set_new(b, "alone", json_boolean(view->alone));
    json_object_set_new(b, "weight", json_integer(view->weight));
    json_object_set_new(b, "source", destination_value(&view->source));
    json_object_set_new(b, "target", destination_value(&target));
    kind->baseline(t, view, b);
    return b;
}
