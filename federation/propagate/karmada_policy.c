/* SPDX-License-Identifier: Apache-2.0 */
/* Our PropagationPolicies: which objects each one selects, and what it says in each phase. */
#include <stdio.h>
#include <string.h>

#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/karmada.h"
#include "federation/propagate/waves.h"

json_t *cf_karmada_policies(const struct cf_karmada *k)
{
    json_t *policies = json_object_get(k->p->state, "policies");
    if (!policies) {
        policies = json_array();
        json_object_set_new(k->p->state, "policies", policies);
    }
    return policies;
}

enum cf_karmada_phase cf_karmada_phase_of(const json_t *policy)
{
    return (enum cf_karmada_phase)cf_json_int(policy, CF_PHASE_PLANNED, "phase", NULL);
}

bool cf_karmada_policy_is_placed(const json_t *policy)
{
    return cf_json_bool(policy, false, "placed", NULL);
}

struct cf_object_ref cf_karmada_object_ref(const struct cf_karmada *k, const json_t *object)
{
    return cf_ref(cf_json_str(object, "", "apiVersion", NULL),
                  cf_json_str(object, "", "kind", NULL), k->p->target_namespace,
                  cf_json_str(object, "", "name", NULL));
}

/* --- assignment --- */

/* The keys of everything that has a policy. */
static json_t *assigned(const struct cf_karmada *k)
{
    json_t *keys = json_object();
    size_t i, n;
    json_t *policy, *object;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        json_array_foreach(json_object_get(policy, "objects"), n, object)
        {
            json_object_set_new(keys, cf_json_str(object, "", "key", NULL), json_true());
        }
    }
    return keys;
}

static json_t *new_policy(const struct cf_karmada *k, int wave, int nth, bool placed)
{
    char name[CF_KARMADA_NAME_MAX];
    if (nth == 0)
        (void)snprintf(name, sizeof name, "crossfade-%s-%d", k->id, wave);
    else
        (void)snprintf(name, sizeof name, "crossfade-%s-%d-%d", k->id, wave, nth);
    json_t *policy = json_pack("{s:s, s:i, s:i, s:[]}", "name", name, "wave", wave, "phase",
                               CF_PHASE_PLANNED, "objects");
    if (placed)
        json_object_set_new(policy, "placed", json_true());
    json_array_append_new(cf_karmada_policies(k), policy);
    return policy;
}

/* A policy of the wave that has room; one that already stands takes nothing more: what is new is
 * held back and tried first, like everything else. */
static json_t *policy_with_room(const struct cf_karmada *k, int wave, bool placed)
{
    int nth = 0;
    size_t i;
    json_t *policy;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        if (cf_json_int(policy, -1, "wave", NULL) != wave)
            continue;
        if (cf_karmada_phase_of(policy) == CF_PHASE_PLANNED &&
            cf_karmada_policy_is_placed(policy) == placed &&
            json_array_size(json_object_get(policy, "objects")) < CF_KARMADA_SELECTORS_MAX)
            return policy;
        nth++;
    }
    return new_policy(k, wave, nth, placed);
}

void cf_karmada_assign(const struct cf_karmada *k, const json_t *inventory)
{
    cf_autojson json_t *known = assigned(k);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        struct cf_object_ref ref = cf_direct_ref(item);
        char version[CF_API_VERSION_MAX];
        if (!cf_is_carried(item) || json_object_get(known, key))
            continue;
        json_t *policy = policy_with_room(k, (int)cf_json_int(item, 0, "wave", NULL),
                                          cf_karmada_is_placed(k, key));
        json_array_append_new(json_object_get(policy, "objects"),
                              json_pack("{s:s, s:s, s:s, s:s}", "key", key, "apiVersion",
                                        cf_ref_api_version(&ref, version), "kind", ref.kind, "name",
                                        ref.name));
    }
    cf_sort_by_wave(cf_karmada_policies(k));
}

/* --- what a phase says --- */

json_t *cf_karmada_placed(const struct cf_karmada *k, enum cf_karmada_phase phase)
{
    if (!k->adopt || phase == CF_PHASE_DETACHED)
        return json_pack("[s]", k->target);
    if (phase < CF_PHASE_WIDENED)
        return json_pack("[s]", k->source);
    return json_pack("[s, s]", k->source, k->target);
}

/* null: nothing is held back. */
static json_t *suspension(const struct cf_karmada *k, enum cf_karmada_phase phase)
{
    if (phase == CF_PHASE_PLACED)
        return json_pack("{s:b}", "dispatching", true);
    if (phase == CF_PHASE_WIDENED)
        return json_pack("{s:{s:[s]}}", "dispatchingOnClusters", "clusterNames", k->target);
    return json_null();
}

static json_t *selectors(const struct cf_karmada *k, const json_t *policy)
{
    json_t *rows = json_array();
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        json_array_append_new(rows, json_pack("{s:O, s:O, s:s, s:O}", "apiVersion",
                                              json_object_get(object, "apiVersion"), "kind",
                                              json_object_get(object, "kind"), "namespace",
                                              k->p->target_namespace, "name",
                                              json_object_get(object, "name")));
    }
    return rows;
}

static json_t *dependent_overrides(const struct cf_karmada *k, const json_t *policy)
{
    json_t *names = json_array();
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        char name[CF_KARMADA_NAME_MAX];
        if (!cf_json_bool(object, false, "override", NULL))
            continue;
        cf_karmada_override_name(k, cf_json_str(object, "", "key", NULL), name);
        json_array_append_new(names, json_string(name));
    }
    return names;
}

/* Both taints come and go with a member's connection: a copy under way must not be thrown out by
 * one. */
static json_t *placement(const struct cf_karmada *k, enum cf_karmada_phase phase)
{
    return json_pack("{s:{s:o}, s:[{s:s, s:s}, {s:s, s:s}], s:{s:s}}", "clusterAffinity",
                     "clusterNames", cf_karmada_placed(k, phase), "clusterTolerations", "key",
                     "cluster.karmada.io/not-ready", "operator", "Exists", "key",
                     "cluster.karmada.io/unreachable", "operator", "Exists", "replicaScheduling",
                     "replicaSchedulingType", "Duplicated");
}

bool cf_karmada_policy_is_own(const struct cf_karmada *k, const json_t *policy)
{
    return cf_karmada_is_own_scheduler(k) && !cf_json_bool(policy, false, "handed", NULL);
}

struct cf_object_ref cf_karmada_policy_ref(const struct cf_karmada *k, const json_t *policy)
{
    cf_autofree char *name = cf_xasprintf("%s%s", cf_json_str(policy, "", "name", NULL),
                                          cf_karmada_policy_is_own(k, policy) ? "-run" : "");
    return cf_ref(CF_KARMADA_POLICY_API, "PropagationPolicy", k->p->target_namespace, name);
}

json_t *cf_karmada_policy_body(const struct cf_karmada *k, const json_t *policy,
                               enum cf_karmada_phase phase)
{
    struct cf_object_ref ref = cf_karmada_policy_ref(k, policy);
    bool placed = cf_karmada_policy_is_placed(policy); /* Karmada's already */
    bool handed = cf_json_bool(policy, false, "handed", NULL);
    json_t *spec = json_pack("{s:o, s:o, s:s, s:b, s:b}", "resourceSelectors", selectors(k, policy),
                             "placement", placement(k, phase), "conflictResolution",
                             phase == CF_PHASE_TAKING && !placed ? "Overwrite" : "Abort",
                             "preserveResourcesOnDeletion", true, "propagateDeps", false);
    cf_autojson json_t *held = suspension(k, phase);
    cf_autojson json_t *overrides = dependent_overrides(k, policy);
    if (!json_is_null(held))
        json_object_set(spec, "suspension", held);
    if (json_array_size(overrides) > 0)
        json_object_set(spec, "dependentOverrides", overrides);
    if (cf_karmada_policy_is_own(k, policy))
        json_object_set_new(spec, "schedulerName", json_string(CF_KARMADA_SCHEDULER));
    if (!handed)
        json_object_set_new(spec, "priority", json_integer(CF_KARMADA_PRIORITY));
    json_t *body =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:o}", "apiVersion", CF_KARMADA_POLICY_API,
                  "kind", ref.kind, "metadata", "name", ref.name, "namespace", ref.ns, "labels",
                  CF_LABEL_RUN, k->p->run_id, "spec", spec);
    if (placed)
        cf_json_put_take(body, json_string("true"), "metadata", "labels", CF_LABEL_PLACED, NULL);
    return body;
}

bool cf_karmada_policy_is(const struct cf_karmada *k, const json_t *policy, const json_t *live,
                          json_t *lines)
{
    static const char *const fields[] = { "resourceSelectors", "placement", "conflictResolution",
                                          "preserveResourcesOnDeletion", "suspension" };
    cf_autojson json_t *wanted = cf_karmada_policy_body(k, policy, cf_karmada_phase_of(policy));
    cf_autojson json_t *want = json_object();
    for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++)
        if (cf_json_at(wanted, "spec", fields[i], NULL))
            cf_json_put_take(
                want, json_incref(cf_json_unconst(cf_json_at(wanted, "spec", fields[i], NULL))),
                "spec", fields[i], NULL);
    bool held = cf_json_at(live, "spec", "suspension", NULL) != NULL;
    bool hold = cf_json_at(want, "spec", "suspension", NULL) != NULL;
    if (held != hold && lines)
        json_array_append_new(
            lines, json_string(held ? "spec.suspension is set" : "spec.suspension is gone"));
    return cf_object_same(want, live, lines) && held == hold;
}

/* --- writing --- */

static bool create(const struct cf_karmada *k, const json_t *policy, enum cf_karmada_phase phase,
                   struct cf_error *err)
{
    cf_autojson json_t *body = cf_karmada_policy_body(k, policy, phase);
    return cf_kube_create(k->hub, NULL, body, NULL, NULL, err);
}

static bool change(const struct cf_karmada *k, const json_t *policy, const json_t *live,
                   enum cf_karmada_phase phase, struct cf_error *err)
{
    struct cf_object_ref ref = cf_karmada_policy_ref(k, policy);
    cf_autojson json_t *body = cf_karmada_policy_body(k, policy, phase);
    json_t *spec = json_object_get(body, "spec");
    static const char *const removable[] = { "suspension", "dependentOverrides", "priority" };
    json_object_del(spec, "schedulerName"); /* never changes */
    for (size_t i = 0; i < CF_ARRAY_LEN(removable); i++)
        if (!json_object_get(spec, removable[i]) && cf_json_at(live, "spec", removable[i], NULL))
            json_object_set_new(spec, removable[i], json_null());
    /* A merge patch keeps what it does not name: the other form of a suspension, above all. */
    if (cf_json_at(live, "spec", "suspension", NULL) &&
        json_is_object(json_object_get(spec, "suspension"))) {
        static const char *const forms[] = { "dispatching", "dispatchingOnClusters" };
        for (size_t i = 0; i < CF_ARRAY_LEN(forms); i++)
            if (!cf_json_at(spec, "suspension", forms[i], NULL))
                cf_json_put_take(spec, json_null(), "suspension", forms[i], NULL);
    }
    cf_autojson json_t *patch =
        json_pack("{s:{s:s}, s:O}", "metadata", "resourceVersion",
                  cf_json_str(live, "", "metadata", "resourceVersion", NULL), "spec", spec);
    return cf_kube_merge_patch(k->hub, NULL, &ref, patch, NULL, NULL, err);
}

bool cf_karmada_policy_write(const struct cf_karmada *k, json_t *policy,
                             enum cf_karmada_phase phase, struct cf_error *err)
{
    struct cf_object_ref ref = cf_karmada_policy_ref(k, policy);
    bool found = false;
    cf_autojson json_t *live = NULL;
    if (!cf_kube_find(k->hub, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read PropagationPolicy %s", ref.name);
    if (found &&
        strcmp(cf_json_str(live, "", "metadata", "labels", CF_LABEL_RUN, NULL), k->p->run_id) != 0)
        return cf_error_set(err, CF_ERR_CONFLICT,
                            "PropagationPolicy %s/%s on %s is not of this run: remove it", ref.ns,
                            ref.name, cf_kube_name(k->hub));
    if (!(found ? change(k, policy, live, phase, err) : create(k, policy, phase, err)))
        return cf_error_wrap(err, "write PropagationPolicy %s/%s on %s", ref.ns, ref.name,
                             cf_kube_name(k->hub));
    json_object_set_new(policy, "phase", json_integer(phase));
    return true;
}
