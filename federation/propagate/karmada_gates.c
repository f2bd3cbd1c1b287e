/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the control plane and the member are as a phase wants them: bindings, Works, objects. */
#include <string.h>

#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/karmada.h"

/* --- the members of a binding --- */

static bool names_are(const json_t *clusters, const json_t *wanted)
{
    size_t i;
    json_t *row;
    if (json_array_size(clusters) != json_array_size(wanted))
        return false;
    json_array_foreach(clusters, i, row)
    {
        bool known = false;
        for (size_t n = 0; n < json_array_size(wanted); n++)
            known = known || strcmp(cf_json_str(row, "", "name", NULL),
                                    json_string_value(json_array_get(wanted, n))) == 0;
        if (!known)
            return false;
    }
    return true;
}

/* Karmada gives each member the replicas of its row here, whatever the template says. */
static bool replicas_are(const json_t *binding)
{
    int64_t wanted = cf_json_int(binding, 0, "spec", "replicas", NULL);
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(binding, "spec", "clusters", NULL), i, row)
    {
        if (cf_json_int(row, 0, "replicas", NULL) != wanted)
            return false;
    }
    return true;
}

static bool place(const struct cf_karmada *k, const json_t *binding, const json_t *wanted,
                  struct cf_error *err)
{
    int64_t replicas = cf_json_int(binding, 0, "spec", "replicas", NULL);
    cf_autojson json_t *rows = json_array();
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        json_t *row = json_pack("{s:O}", "name", json_array_get(wanted, i));
        if (replicas > 0)
            json_object_set_new(row, "replicas", json_integer(replicas));
        json_array_append_new(rows, row);
    }
    cf_autojson json_t *patch = json_pack(
        "[{s:s, s:s, s:s}, {s:s, s:s, s:O}]", "op", "test", "path", "/metadata/resourceVersion",
        "value", cf_json_str(binding, "", "metadata", "resourceVersion", NULL), "op", "add", "path",
        "/spec/clusters", "value", rows);
    struct cf_object_ref ref =
        cf_ref(CF_KARMADA_BINDING_API, "ResourceBinding", k->p->target_namespace,
               cf_json_str(binding, "", "metadata", "name", NULL));
    struct cf_error mine = CF_ERROR_INIT;
    if (cf_kube_json_patch(k->hub, NULL, &ref, patch, NULL, NULL, &mine) || mine.upstream == 422 ||
        mine.upstream == 409) /* somebody was faster: looked at again */
        return true;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "place ResourceBinding %s on %s", ref.name, cf_kube_name(k->hub));
}

/* --- bound --- */

bool cf_karmada_shows_policy(const json_t *policy_object, const json_t *binding)
{
    static const char *const same[] = { "conflictResolution", "preserveResourcesOnDeletion" };
    for (size_t i = 0; i < CF_ARRAY_LEN(same); i++)
        if (!cf_json_equal(cf_json_at(policy_object, "spec", same[i], NULL),
                           cf_json_at(binding, "spec", same[i], NULL)))
            return false;
    const json_t *suspended = cf_json_at(policy_object, "spec", "suspension", NULL);
    const json_t *held = cf_json_at(binding, "spec", "suspension", NULL);
    bool holds = cf_json_bool(held, false, "dispatching", NULL) ||
                 cf_json_at(held, "dispatchingOnClusters", NULL);
    return cf_json_equal(
               cf_json_at(policy_object, "spec", "placement", "clusterAffinity", "clusterNames",
                          NULL),
               cf_json_at(binding, "spec", "placement", "clusterAffinity", "clusterNames", NULL)) &&
           (suspended != NULL) == holds;
}

static const char *claimed_by(const json_t *object)
{
    const char *name =
        cf_json_str(object, NULL, "metadata", "annotations", CF_KARMADA_POLICY_NAME, NULL);
    return name ? name
                : cf_json_str(object, "nobody's", "metadata", "annotations",
                              CF_KARMADA_CLUSTER_NAME, NULL);
}

/* Without a binding of ours: is the template somebody else's, or is it only early? */
static bool say_unbound(const struct cf_karmada *k, const json_t *object, struct cf_copying *out,
                        struct cf_error *err)
{
    struct cf_object_ref ref = cf_karmada_object_ref(k, object);
    bool found = false;
    cf_autojson json_t *template = NULL;
    if (!cf_kube_find(k->hub, NULL, &ref, &found, &template, err))
        return cf_error_wrap(err, "read template %s %s", ref.kind, ref.name);
    if (!found)
        return cf_copying_stuck(out, "template %s %s is gone from %s: roll back, or copy again",
                                ref.kind, ref.name, cf_kube_name(k->hub));
    const json_t *labels = cf_json_at(template, "metadata", "labels", NULL);
    if (json_object_get(labels, CF_KARMADA_POLICY_ID) ||
        json_object_get(labels, CF_KARMADA_CLUSTER_ID))
        return cf_copying_waits(out, "%s %s: %s has yet to bind it (claimed by policy %s)",
                                ref.kind, ref.name, cf_kube_name(k->hub), claimed_by(template));
    return cf_copying_waits(out, "%s %s waits to be claimed by our policy on %s", ref.kind,
                            ref.name, cf_kube_name(k->hub));
}

bool cf_karmada_is_placed_on(const json_t *binding, const json_t *names)
{
    return names_are(cf_json_at(binding, "spec", "clusters", NULL), names);
}

bool cf_karmada_is_scheduled(const struct cf_karmada *k, const json_t *binding,
                             const json_t *wanted, bool *out_so, struct cf_copying *out)
{
    const char *name = cf_json_str(binding, "", "metadata", "name", NULL);
    const json_t *scheduled = cf_object_condition(binding, "Scheduled");
    bool observed = cf_json_int(binding, -1, "status", "schedulerObservedGeneration", NULL) ==
                    cf_json_int(binding, 0, "metadata", "generation", NULL);
    *out_so = false;
    if (scheduled && strcmp(cf_json_str(scheduled, "", "status", NULL), "False") == 0)
        return cf_copying_stuck(out, "%s cannot place %s: %s", cf_kube_name(k->hub), name,
                                cf_json_str(scheduled, "", "message", NULL));
    if (!observed || !scheduled)
        return cf_copying_waits(out, "the scheduler of %s has yet to see %s", cf_kube_name(k->hub),
                                name);
    *out_so = cf_karmada_is_placed_on(binding, wanted);
    if (*out_so)
        return true;
    return cf_copying_stuck(out,
                            "%s left a member out of %s although it says Scheduled: look at the "
                            "taints and the API enablements of its Clusters",
                            cf_kube_name(k->hub), name);
}

static bool binding_is_placed(const struct cf_karmada *k, const json_t *policy,
                              const json_t *binding, const json_t *wanted, bool *out_so,
                              struct cf_copying *out, struct cf_error *err)
{
    if (!cf_karmada_policy_is_own(k, policy))
        return cf_karmada_is_scheduled(k, binding, wanted, out_so, out);
    *out_so = cf_karmada_is_placed_on(binding, wanted) && replicas_are(binding);
    if (*out_so)
        return true;
    if (!place(k, binding, wanted, err))
        return false;
    return cf_copying_waits(out, "%s was placed: %s has yet to show it",
                            cf_json_str(binding, "", "metadata", "name", NULL),
                            cf_kube_name(k->hub));
}

static bool one_is_bound(const struct cf_karmada *k, const json_t *policy,
                         const struct cf_karmada_look *look, const json_t *object,
                         const json_t *wanted, bool *out_so, struct cf_copying *out,
                         struct cf_error *err)
{
    const json_t *binding = cf_karmada_binding(look, object);
    *out_so = false;
    if (!binding)
        return say_unbound(k, object, out, err);
    const char *name = cf_json_str(binding, "", "metadata", "name", NULL);
    if (cf_json_at(binding, "metadata", "deletionTimestamp", NULL))
        return cf_copying_stuck(out, "ResourceBinding %s of %s is being deleted", name,
                                cf_kube_name(k->hub));
    if (!cf_karmada_shows_policy(look->policy_object, binding))
        return cf_copying_waits(out, "ResourceBinding %s of %s does not show our policy yet", name,
                                cf_kube_name(k->hub));
    if (json_array_size(cf_json_at(binding, "spec", "gracefulEvictionTasks", NULL)) > 0)
        return cf_copying_stuck(out, "%s is evicting %s from a member: see why before going on",
                                cf_kube_name(k->hub), name);
    return binding_is_placed(k, policy, binding, wanted, out_so, out, err);
}

static bool policy_is_gone(const struct cf_karmada *k, const json_t *policy, struct cf_copying *out)
{
    return cf_copying_stuck(out, "PropagationPolicy %s is gone from %s: roll back",
                            cf_json_str(policy, "", "name", NULL), cf_kube_name(k->hub));
}

bool cf_karmada_bound(const struct cf_karmada *k, const json_t *policy, bool *out_so,
                      struct cf_copying *out, struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    cf_autojson json_t *wanted = cf_karmada_placed(k, cf_karmada_phase_of(policy));
    *out_so = false;
    if (!cf_karmada_look(k, policy, NULL, &look, err))
        return false;
    if (!look.policy_object)
        return policy_is_gone(k, policy, out);
    /* All of them are asked, so that all are placed at once; the first that is not so is named. */
    size_t i, missing = 0;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        struct cf_copying mine = { 0 };
        bool so = false;
        if (!one_is_bound(k, policy, &look, object, wanted, &so, &mine, err))
            return false;
        if (!so && (missing++ == 0 || (mine.stuck && !out->stuck)))
            *out = mine;
    }
    *out_so = missing == 0;
    size_t all = json_array_size(json_object_get(policy, "objects"));
    cf_autofree char *first = cf_xstrdup(out->why);
    if (missing > 1 && !out->stuck)
        cf_copying_waits(out, "%zu of %zu objects are bound: %.500s", all - missing, all, first);
    return true;
}

/* --- Works --- */

static bool work_stands(const struct cf_karmada *k, const json_t *work, const char *what,
                        const char *member, bool held_back, bool *out_so, struct cf_copying *out)
{
    const json_t *dispatching = cf_object_condition(work, "Dispatching");
    bool says_held = strcmp(cf_json_str(dispatching, "", "status", NULL), "False") == 0;
    *out_so = false;
    if (!work || !cf_karmada_manifest(work))
        return cf_copying_waits(out, "%s has yet to make the Work of %s for %s",
                                cf_kube_name(k->hub), what, member);
    if (cf_json_at(work, "metadata", "deletionTimestamp", NULL))
        return cf_copying_stuck(out, "the Work of %s for %s is being deleted on %s", what, member,
                                cf_kube_name(k->hub));
    if (!cf_json_bool(work, false, "spec", "preserveResourcesOnDeletion", NULL))
        return cf_copying_waits(out, "the Work of %s for %s does not preserve its object yet", what,
                                member);
    if (cf_json_bool(work, false, "spec", "suspendDispatching", NULL) != held_back ||
        says_held != held_back)
        return cf_copying_waits(out, "the Work of %s for %s is %s yet", what, member,
                                held_back ? "not held back" : "not let go");
    *out_so = true;
    return true;
}

bool cf_karmada_works_stand(const struct cf_karmada *k, const json_t *policy, const char *member,
                            bool held_back, bool *out_so, struct cf_copying *out,
                            struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    *out_so = false;
    if (!cf_karmada_look(k, policy, member, &look, err))
        return false;
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        const json_t *work = cf_karmada_work(&look, cf_karmada_binding(&look, object));
        bool so = false;
        if (!work_stands(k, work, cf_json_str(object, "", "key", NULL), member, held_back, &so,
                         out))
            return false;
        if (!so)
            return true;
    }
    *out_so = true;
    return true;
}

/* --- applied --- */

static bool say_not_applied(const struct cf_karmada *k, const json_t *work, const char *what,
                            const char *member, struct cf_copying *out)
{
    const json_t *applied = cf_object_condition(work, "Applied");
    const char *message = cf_json_str(applied, "", "message", NULL);
    if (!applied)
        return cf_copying_waits(out, "%s has yet to write %s to %s", cf_kube_name(k->hub), what,
                                member);
    if (strstr(message, "already exists") && strstr(message, "will not manage"))
        return cf_copying_stuck(
            out,
            "%s is already in %s and %s does not manage it: remove it there, or "
            "roll back and set copy.onConflict: overwrite",
            what, member, cf_kube_name(k->hub));
    return cf_copying_stuck(out, "%s could not write %s to %s: %.400s", cf_kube_name(k->hub), what,
                            member, message);
}

/* What stands in the member is the manifest of the Work: the generation of the template that
 * Karmada writes on it, or, for kinds without one, everything that the manifest says. */
static bool is_written(const json_t *manifest, const json_t *live, json_t *lines)
{
    static const char generation[] = "resourcetemplate.karmada.io/generation";
    const char *wanted = cf_json_str(manifest, "", "metadata", "annotations", generation, NULL);
    if (strcmp(cf_json_str(live, "", "metadata", "labels", CF_KARMADA_MANAGED, NULL), "true") !=
        0) {
        json_array_append_new(lines, json_string("it is not managed by Karmada"));
        return false;
    }
    if (strcmp(wanted, cf_json_str(live, "", "metadata", "annotations", generation, NULL)) != 0) {
        json_array_append_new(lines, json_string("it is of another generation of the template"));
        return false;
    }
    cf_autojson json_t *body = cf_json_copy(manifest);
    cf_json_del(body, "metadata", "annotations", NULL);
    cf_json_del(body, "status", NULL);
    if (cf_json_at(manifest, "metadata", "labels", CF_KARMADA_RETAIN, NULL))
        cf_json_del(body, "spec", "replicas", NULL);
    return cf_object_same(body, live, lines);
}

static bool one_is_applied(const struct cf_karmada *k, struct cf_kube *kube, const json_t *work,
                           const json_t *object, const char *member, bool *out_so,
                           struct cf_copying *out, struct cf_error *err)
{
    const char *what = cf_json_str(object, "", "key", NULL);
    struct cf_object_ref ref = cf_karmada_object_ref(k, object);
    const json_t *applied = cf_object_condition(work, "Applied");
    bool found = false;
    cf_autojson json_t *live = NULL;
    cf_autojson json_t *lines = json_array();
    *out_so = false;
    if (strcmp(cf_json_str(applied, "", "status", NULL), "True") != 0)
        return say_not_applied(k, work, what, member, out);
    if (!cf_kube_find(kube, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read %s on %s", what, cf_kube_name(kube));
    if (!found)
        return cf_copying_waits(out, "%s says that %s is written to %s, where it is not",
                                cf_kube_name(k->hub), what, member);
    *out_so = is_written(cf_karmada_manifest(work), live, lines);
    if (*out_so)
        return true;
    return cf_copying_waits(
        out, "%s in %s is not what %s is to write: %s", what, member, cf_kube_name(k->hub),
        json_array_size(lines) ? json_string_value(json_array_get(lines, 0)) : "");
}

bool cf_karmada_applied(const struct cf_karmada *k, const json_t *policy, const char *member,
                        bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    struct cf_kube *kube = strcmp(member, k->target) == 0 ? k->p->target : k->p->source;
    *out_so = false;
    if (!cf_karmada_look(k, policy, member, &look, err))
        return false;
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        const json_t *binding = cf_karmada_binding(&look, object);
        const json_t *aggregated = cf_karmada_aggregated(binding, member);
        bool so = false;
        if (!one_is_applied(k, kube, cf_karmada_work(&look, binding), object, member, &so, out,
                            err))
            return false;
        if (!so)
            return true;
        if (!cf_json_bool(aggregated, false, "applied", NULL))
            return cf_copying_waits(out, "%s has yet to report %s of %s", cf_kube_name(k->hub),
                                    cf_json_str(object, "", "key", NULL), member);
    }
    *out_so = true;
    return true;
}
