/* SPDX-License-Identifier: Apache-2.0 */
/* A source that somebody's policy places already: what can be taken over, and given back, without
 * anything moving; the taking, and the handing on at the end.
 *
 * The template stays its owner's. Ours for the time of the run is only the claim on it, and a policy
 * of ours with the same placement. So nothing is taken over that Karmada may place elsewhere by
 * itself on the day it is given back. */
#include <string.h>

#include "federation/propagate/karmada.h"

/* --- what a policy may say --- */

#define HINT_PLACEMENT                                                                             \
    "Name the source's member alone in spec.placement.clusterAffinity.clusterNames for the move: " \
    "anything else might place it elsewhere when it is given back"
#define HINT_DEPENDENCIES                                                                          \
    "Name what it takes along in its resourceSelectors, then set propagateDeps: false: what only " \
    "hangs on its workload would go from the source with it"
#define HINT_FIELD "Take it out of the policy for the move"

/* Fields that have to be absent, empty or false. */
static const struct forbidden {
    const char *path[3]; /* below spec */
    const char *hint;
} forbidden[] = {
    { { "placement", "clusterAffinities" }, HINT_PLACEMENT },
    { { "placement", "clusterAffinity", "labelSelector" }, HINT_PLACEMENT },
    { { "placement", "clusterAffinity", "fieldSelector" }, HINT_PLACEMENT },
    { { "placement", "clusterAffinity", "exclude" }, HINT_PLACEMENT },
    { { "placement", "spreadConstraints" }, HINT_PLACEMENT },
    { { "placement", "workloadAffinity" }, HINT_PLACEMENT },
    { { "propagateDeps" }, HINT_DEPENDENCIES },
    { { "failover" }, HINT_FIELD },
    { { "suspension" }, HINT_FIELD },
};

static bool is_set(const json_t *v)
{
    return v && !json_is_null(v) && !json_is_false(v) &&
           !((json_is_object(v) || json_is_array(v)) && json_object_size(v) == 0 &&
             json_array_size(v) == 0);
}

static bool names_one(const json_t *names, const char *member)
{
    const char *only = json_string_value(json_array_get(names, 0));
    return json_array_size(names) == 1 && strcmp(only, member) == 0;
}

char *cf_karmada_not_plain(const json_t *policy, const char *member, const char **out_hint)
{
    const json_t *spec = json_object_get(policy, "spec");
    *out_hint = HINT_PLACEMENT;
    for (size_t i = 0; i < CF_ARRAY_LEN(forbidden); i++) {
        const struct forbidden *f = &forbidden[i];
        if (!is_set(cf_json_at(spec, f->path[0], f->path[1], f->path[2], NULL)))
            continue;
        *out_hint = f->hint;
        return cf_xasprintf("it has spec.%s%s%s%s%s", f->path[0], f->path[1] ? "." : "",
                            f->path[1] ? f->path[1] : "", f->path[2] ? "." : "",
                            f->path[2] ? f->path[2] : "");
    }
    if (!names_one(cf_json_at(spec, "placement", "clusterAffinity", "clusterNames", NULL), member))
        return cf_xasprintf("it does not place on %s alone, by name", member);
    if (strcmp(cf_json_str(spec, "Duplicated", "placement", "replicaScheduling",
                           "replicaSchedulingType", NULL),
               "Duplicated") != 0)
        return cf_xasprintf("it divides replicas (spec.placement.replicaScheduling)");
    *out_hint = HINT_FIELD;
    if (strcmp(cf_json_str(spec, "", "activationPreference", NULL), "Lazy") == 0)
        return cf_xasprintf("it has spec.activationPreference: Lazy");
    if (strcmp(cf_json_str(spec, "", "preemption", NULL), "Always") == 0)
        return cf_xasprintf("it has spec.preemption: Always, and might take back what we place");
    *out_hint = "Make it again";
    if (cf_json_at(policy, "metadata", "deletionTimestamp", NULL))
        return cf_xasprintf("it is being deleted");
    return NULL;
}

/* --- what a binding may say --- */

/* As cf_karmada_not_plain(). */
static char *binding_not_plain(const struct cf_karmada *k, const json_t *binding,
                               const char **out_hint)
{
    cf_autojson json_t *source = json_pack("[s]", k->source);
    *out_hint = "See why Karmada has not placed it on the source yet";
    if (!binding || cf_json_at(binding, "metadata", "deletionTimestamp", NULL))
        return cf_xasprintf("it has no ResourceBinding");
    if (!cf_karmada_is_placed_on(binding, source))
        return cf_xasprintf("its ResourceBinding is not placed on %s alone", k->source);
    *out_hint = HINT_DEPENDENCIES;
    if (is_set(cf_json_at(binding, "spec", "requiredBy", NULL)))
        return cf_xasprintf("another object takes it along (propagateDeps)");
    *out_hint = "Wait until it is over, or end it";
    if (is_set(cf_json_at(binding, "spec", "gracefulEvictionTasks", NULL)))
        return cf_xasprintf("Karmada is evicting it");
    if (is_set(cf_json_at(binding, "spec", "suspension", "scheduling", NULL)))
        return cf_xasprintf("its scheduling is suspended");
    return NULL;
}

/* --- the check --- */

bool cf_karmada_is_placed(const struct cf_karmada *k, const char *key)
{
    return json_object_get(json_object_get(k->p->state, "placed"), key) != NULL;
}

static char *image_key(const char *key)
{
    return cf_xasprintf("template %s", key);
}

bool cf_karmada_owner(const struct cf_karmada *k, const char *key, json_t **out_claim,
                      struct cf_error *err)
{
    cf_autofree char *name = image_key(key);
    cf_autojson json_t *image = NULL;
    if (k->p->before.get && !k->p->before.get(k->p->before.self, name, &image, err))
        return cf_error_wrap(err, "whose %s was", key);
    *out_claim = cf_karmada_claim(image);
    return true;
}

static const json_t *policy_of(const json_t *policies, const json_t *claim)
{
    size_t i;
    json_t *policy;
    json_array_foreach(cf_json_unconst(policies), i, policy)
    {
        cf_autojson json_t *by = cf_karmada_claim_by(policy);
        if (cf_karmada_claim_same(by, claim))
            return policy;
    }
    return NULL;
}

bool cf_karmada_may_place(const struct cf_karmada *k, bool *out_may, struct cf_error *err)
{
    struct cf_kube_access what = { .verb = "patch",
                                   .group = "work.karmada.io",
                                   .resource = "resourcebindings",
                                   .ns = k->p->target_namespace };
    if (!cf_kube_can(k->hub, NULL, &what, out_may, NULL, err))
        return cf_error_wrap(err, "rights on %s", cf_kube_name(k->hub));
    return true;
}

/* A binding that a cluster's policy gets back has to lose our claim: who may not write it cannot. */
static bool may_leave(struct cf_karmada_placing *c, const json_t *claim, bool *out,
                      struct cf_error *err)
{
    *out = true;
    if (*cf_json_str(claim, "", "namespace", NULL))
        return true;
    if (!c->has_asked && !cf_karmada_may_place(c->k, &c->may_place, err))
        return false;
    c->has_asked = true;
    *out = c->may_place;
    return true;
}

static char *template_not_plain(const json_t *item, const json_t *live, const char **out_hint)
{
    if (cf_json_at(live, "metadata", "labels", CF_KARMADA_TAKEN_BY, NULL)) {
        *out_hint = "Take it out of that first";
        return cf_xasprintf("a %s has it",
                            cf_json_str(live, "", "metadata", "labels", CF_KARMADA_TAKEN_BY, NULL));
    }
    if (cf_json_bool(item, false, "autoscaled", NULL) &&
        strcmp(cf_json_str(live, "", "metadata", "labels", CF_KARMADA_RETAIN, NULL), "true") != 0) {
        *out_hint = "Label the template " CF_KARMADA_RETAIN "=true";
        return cf_xasprintf("an autoscaler scales it, and Karmada writes its replicas back");
    }
    return NULL;
}

/* Why the object cannot be taken over; *out_why NULL: it can. */
static bool judge(struct cf_karmada_placing *c, const json_t *item, const json_t *live,
                  const json_t *claim, char **out_why, const char **out_hint, struct cf_error *err)
{
    const json_t *policy = policy_of(c->policies, claim);
    bool may = true;
    if (!c->bindings && !cf_karmada_bindings(c->k, &c->bindings, err))
        return false;
    *out_hint = "See that the policy is there, and that Crossfade may read it";
    if (!policy) {
        *out_why = cf_xasprintf("the policy is not found");
        return true;
    }
    *out_why = cf_karmada_not_plain(policy, c->k->source, out_hint);
    if (!*out_why)
        *out_why = template_not_plain(item, live, out_hint);
    if (!*out_why)
        *out_why = binding_not_plain(
            c->k,
            cf_karmada_binding_among(c->bindings, cf_json_str(live, "", "kind", NULL),
                                     cf_json_str(live, "", "metadata", "name", NULL)),
            out_hint);
    if (!*out_why && !cf_karmada_selects(policy, live)) {
        *out_hint = "Select it again, or take the claim off the template";
        *out_why = cf_xasprintf("it no longer selects it");
    }
    if (!*out_why && !may_leave(c, claim, &may, err))
        return false;
    if (!may) {
        *out_hint = "crossfade cluster rbac --method karmada prints the rights that are needed";
        *out_why = cf_xasprintf("giving it back to a cluster's policy needs the right to patch "
                                "ResourceBindings");
    }
    return true;
}

bool cf_karmada_check_placed(struct cf_karmada_placing *c, const json_t *item, const json_t *live,
                             bool *out_placed, struct cf_error *err)
{
    const char *key = cf_json_str(item, "", "key", NULL);
    cf_autojson json_t *claim = cf_karmada_claim(live);
    cf_autojson json_t *owner = NULL;
    cf_autofree char *why = NULL;
    const char *hint = "";
    *out_placed = false;
    if (cf_karmada_claim_is_ours(c->k, claim)) { /* taken over before */
        owner = json_incref(json_object_get(json_object_get(c->k->p->state, "placed"), key));
        if (!owner && !cf_karmada_owner(c->k, key, &owner, err))
            return false;
        *out_placed = owner != NULL;
        if (owner)
            json_object_set(c->placed, key, owner);
        return true;
    }
    if (!claim)
        return true;
    cf_autofree char *by = cf_karmada_claim_text(claim);
    if (!judge(c, item, live, claim, &why, &hint, err))
        return false;
    *out_placed = true; /* or said why not */
    if (why)
        cf_direct_finding(c->findings, key, "blocker", "NOT_TAKEN_OVER", hint,
                          "%s of %s places it, and cannot be relieved of it: %s", by,
                          cf_kube_name(c->k->hub), why);
    else
        json_object_set(c->placed, key, claim);
    return true;
}

void cf_karmada_say_placed(struct cf_karmada_placing *c)
{
    cf_autojson json_t *counts = json_object();
    const char *key, *owner;
    json_t *claim, *count;
    json_object_foreach(c->placed, key, claim)
    {
        cf_autofree char *text = cf_karmada_claim_text(claim);
        json_object_set_new(counts, text, json_integer(cf_json_int(counts, 0, text, NULL) + 1));
    }
    json_object_foreach(counts, owner, count)
    {
        cf_direct_finding(c->findings, "", "warning", "PLACED_ALREADY",
                          "After the run, place that policy on the target and delete the run's: "
                          "the last step says how",
                          "%s of %s places %lld of the objects on the source now: they are taken "
                          "over for the run, and given back if it goes back",
                          owner, cf_kube_name(c->k->hub), json_integer_value(count));
    }
}

/* --- taking --- */

/* What was the owner's is kept before it is ours. */
static bool keep_and_take(const struct cf_karmada *k, const char *key, const json_t *live,
                          const json_t *to, bool *out_so, struct cf_error *err)
{
    cf_autofree char *name = image_key(key);
    if (!k->p->before.put(k->p->before.self, name, live, err))
        return cf_error_wrap(err, "keep the template of %s", key);
    return cf_karmada_claim_write(k, live, to, out_so, err);
}

static bool take_one(const struct cf_karmada *k, const json_t *object, const json_t *to,
                     int *io_room, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    const char *key = cf_json_str(object, "", "key", NULL);
    struct cf_object_ref ref = cf_karmada_object_ref(k, object);
    bool found = false;
    cf_autojson json_t *live = NULL;
    if (!cf_kube_find(k->hub, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read template %s", key);
    cf_autojson json_t *claim = cf_karmada_claim(live);
    *out_so = cf_karmada_claim_same(claim, to);
    if (*out_so)
        return true;
    const json_t *owner = cf_json_at(k->p->state, "placed", key, NULL);
    if (!found)
        return cf_copying_stuck(out, "template %s is gone from %s: roll back", key,
                                cf_kube_name(k->hub));
    if (!cf_karmada_claim_same(claim, owner)) {
        cf_autofree char *now = claim ? cf_karmada_claim_text(claim) : cf_xstrdup("nobody");
        cf_autofree char *was = cf_karmada_claim_text(owner);
        return cf_copying_stuck(out, "%s is claimed by %s by now, no longer by %s: roll back", key,
                                now, was);
    }
    --*io_room;
    if (!keep_and_take(k, key, live, to, out_so, err))
        return false;
    return *out_so || cf_copying_waits(out, "%s was just changed by somebody", key);
}

static bool take_all(const struct cf_karmada *k, const json_t *policy, int *io_room, bool *out_so,
                     struct cf_copying *out, struct cf_error *err)
{
    struct cf_object_ref ref = cf_karmada_policy_ref(k, policy);
    cf_autojson json_t *live = NULL;
    size_t i;
    json_t *object;
    if (!cf_kube_get(k->hub, NULL, &ref, &live, err))
        return cf_error_wrap(err, "read PropagationPolicy %s", ref.name);
    cf_autojson json_t *to = cf_karmada_claim_by(live);
    *out_so = *cf_json_str(to, "", "id", NULL) != '\0';
    if (!*out_so)
        return cf_copying_stuck(out,
                                "%s gave PropagationPolicy %s no id: see that karmada-webhook "
                                "runs",
                                cf_kube_name(k->hub), ref.name);
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        *out_so = *io_room > 0;
        if (!*out_so)
            return true; /* there is more to do at once */
        if (!take_one(k, object, to, io_room, out_so, out, err) || !*out_so)
            return err->kind == CF_ERR_NONE;
    }
    return true;
}

bool cf_karmada_take_claims(const struct cf_karmada *k, int *io_room, bool *out_so,
                            struct cf_copying *out, struct cf_error *err)
{
    size_t i;
    json_t *policy;
    *out_so = true;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        if (cf_karmada_phase_of(policy) != CF_PHASE_PLACED || !cf_karmada_policy_is_placed(policy))
            continue;
        if (!take_all(k, policy, io_room, out_so, out, err) || !*out_so)
            return err->kind == CF_ERR_NONE;
    }
    return true;
}
