/* SPDX-License-Identifier: Apache-2.0 */
/* After commit, in adoption: the control plane lets go of the source, whose objects stay as they
 * are.
 *
 * Nothing of a binding tells that the last healthy copy is about to go: it is the target itself that
 * is asked, and every Work of the source must preserve its object, before the placement shrinks. */
#include <string.h>

#include "federation/propagate/karmada.h"

static bool may_detach(const struct cf_karmada *k, const json_t *ledger, bool *out_so,
                       struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *report = NULL;
    *out_so = false;
    if (!cf_karmada_health(k->p, ledger, &report, err))
        return false;
    if (!cf_json_bool(report, false, "ready", NULL))
        return cf_copying_waits(out, "the copies are not healthy: %s keeps the source meanwhile",
                                cf_kube_name(k->hub));
    if (!cf_karmada_members_ready(k, true, out_so, out, err))
        return false;
    return true;
}

/* Every Work of the source preserves; without one that does not, nothing can be lost. */
static bool preserves(const struct cf_karmada *k, const json_t *policy, bool *out_so,
                      struct cf_copying *out, struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    *out_so = false;
    if (!cf_karmada_look(k, policy, k->source, &look, err))
        return false;
    if (!look.policy_object ||
        json_object_size(look.bindings) != json_array_size(json_object_get(policy, "objects")))
        return cf_copying_stuck(out, "PropagationPolicy %s no longer binds all of its objects",
                                cf_json_str(policy, "", "name", NULL));
    const char *id;
    json_t *work;
    json_object_foreach(look.works, id, work)
    {
        if (!cf_json_bool(work, false, "spec", "preserveResourcesOnDeletion", NULL))
            return cf_copying_stuck(out,
                                    "Work %s of %s does not preserve its object: letting go would "
                                    "delete it. Set preserveResourcesOnDeletion in "
                                    "PropagationPolicy %s",
                                    cf_json_str(work, "", "metadata", "name", NULL), k->source,
                                    cf_json_str(policy, "", "name", NULL));
    }
    *out_so = true;
    return true;
}

/* The Works of the source are gone, its objects are there and nobody's. */
static bool has_let_go(const struct cf_karmada *k, const json_t *policy, bool *out_so,
                       struct cf_copying *out, struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    if (!cf_karmada_bound(k, policy, out_so, out, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    *out_so = false;
    if (!cf_karmada_look(k, policy, k->source, &look, err))
        return false;
    if (json_object_size(look.works) > 0)
        return cf_copying_waits(out, "%s has yet to let go of %zu objects of the source",
                                cf_kube_name(k->hub), json_object_size(look.works));
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        struct cf_object_ref ref = cf_karmada_object_ref(k, object);
        bool found = false;
        cf_autojson json_t *live = NULL;
        if (!cf_kube_find(k->p->source, NULL, &ref, &found, &live, err))
            return cf_error_wrap(err, "read %s %s", ref.kind, ref.name);
        if (found && cf_json_at(live, "metadata", "labels", CF_KARMADA_MANAGED, NULL))
            return cf_copying_waits(out, "%s %s of the source still carries Karmada's labels",
                                    ref.kind, ref.name);
    }
    *out_so = true;
    return true;
}

/* What Karmada leaves on an object that it lets go: the word of how conflicts were to be resolved,
 * and the label by which it kept an autoscaler's replicas. Both came with us. */
static bool clean_one(const struct cf_karmada *k, const json_t *object, struct cf_error *err)
{
    struct cf_object_ref ref = cf_karmada_object_ref(k, object);
    bool found = false;
    cf_autojson json_t *live = NULL;
    if (!cf_kube_find(k->p->source, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read %s %s on %s", ref.kind, ref.name,
                             cf_kube_name(k->p->source));
    const json_t *metadata = json_object_get(live, "metadata");
    bool has_word = cf_json_at(metadata, "annotations", CF_KARMADA_CONFLICT, NULL);
    bool has_label = cf_json_at(metadata, "labels", CF_KARMADA_RETAIN, NULL);
    if (!found || (!has_word && !has_label) ||
        cf_json_at(metadata, "labels", CF_KARMADA_MANAGED, NULL))
        return true;
    cf_autojson json_t *patch =
        json_pack("{s:{s:s}}", "metadata", "uid", cf_json_str(metadata, "", "uid", NULL));
    if (has_word)
        cf_json_put_take(patch, json_null(), "metadata", "annotations", CF_KARMADA_CONFLICT, NULL);
    if (has_label)
        cf_json_put_take(patch, json_null(), "metadata", "labels", CF_KARMADA_RETAIN, NULL);
    if (!cf_kube_merge_patch(k->p->source, NULL, &ref, patch, NULL, NULL, err))
        return cf_error_wrap(err, "clean %s %s on %s", ref.kind, ref.name,
                             cf_kube_name(k->p->source));
    return true;
}

bool cf_karmada_clean_source(const struct cf_karmada *k, struct cf_error *err)
{
    size_t i, n;
    json_t *policy, *object;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        json_array_foreach(json_object_get(policy, "objects"), n, object)
        {
            if (cf_karmada_phase_of(policy) >= CF_PHASE_TAKING && !clean_one(k, object, err))
                return false;
        }
    }
    return true;
}

static bool detach_all(const struct cf_propagation *p, const json_t *ledger, struct cf_copying *out,
                       struct cf_error *err)
{
    struct cf_karmada k;
    int waiting = 0;
    size_t i;
    json_t *policy;
    bool so = true;
    if (!cf_karmada_open(p, &k, err))
        return false;
    if (!k.adopt) {
        out->done = true;
        return true;
    }
    json_array_foreach(cf_karmada_policies(&k), i, policy)
    {
        struct cf_copying mine = { 0 };
        if (cf_karmada_phase_of(policy) == CF_PHASE_OPEN) {
            if (!may_detach(&k, ledger, &so, out, err) || !so ||
                !preserves(&k, policy, &so, out, err) || !so)
                return err->kind == CF_ERR_NONE;
            if (!cf_karmada_policy_write(&k, policy, CF_PHASE_DETACHED, err))
                return false;
        }
        if (!has_let_go(&k, policy, &so, &mine, err))
            return false;
        if (!so && (waiting++ == 0 || (mine.stuck && !out->stuck)))
            *out = mine;
    }
    if (waiting > 0)
        return true;
    out->done = cf_karmada_clean_source(&k, err);
    return out->done;
}

bool cf_karmada_detach(const struct cf_propagation *p, const json_t *ledger, struct cf_copying *out,
                       struct cf_error *err)
{
    return cf_karmada_end(detach_all(p, ledger, out, err), out, err);
}
