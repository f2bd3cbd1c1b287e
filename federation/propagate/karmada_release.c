/* SPDX-License-Identifier: Apache-2.0 */
/* At the end: the copies stay Karmada's, in the target alone, and nothing of ours is on them.
 *
 * First the values that were ours for the time of the move leave the OverridePolicies, then the
 * label and the annotations leave the templates, and the target must show it. Then each policy is
 * handed over: it loses its priority; and where we placed the bindings ourselves, a policy of the
 * same placement for Karmada's own scheduler stands before ours goes, so the objects pass from one
 * to the other and nothing moves. What was somebody else's before is handed on by its claim: when our
 * policy went, that one would have it again. */
#include <stdio.h>
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/karmada.h"

static bool list_ours(const struct cf_karmada *k, const char *api_version, const char *kind,
                      json_t **out_items, struct cf_error *err)
{
    cf_autofree char *selector = cf_xasprintf(CF_LABEL_RUN "=%s", k->p->run_id);
    struct cf_kube_list list = { .api_version = api_version,
                                 .kind = kind,
                                 .ns = k->p->target_namespace,
                                 .label_selector = selector };
    struct cf_error mine = CF_ERROR_INIT;
    if (cf_kube_list(k->hub, NULL, &list, out_items, NULL, &mine))
        return true;
    if (mine.kind == CF_ERR_NOT_FOUND) {
        *out_items = json_array();
        return true;
    }
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "look for our %s objects on %s", kind, cf_kube_name(k->hub));
}

static bool release_overrides(const struct cf_karmada *k, struct cf_error *err)
{
    cf_autojson json_t *items = NULL;
    size_t i;
    json_t *override;
    if (!list_ours(k, CF_KARMADA_POLICY_API, "OverridePolicy", &items, err))
        return false;
    json_array_foreach(items, i, override)
    {
        if (!cf_karmada_release_override(k, override, err))
            return false;
    }
    return true;
}

/* Each kind that the ledger shows once. */
static json_t *kinds_of(const json_t *ledger)
{
    json_t *kinds = json_object();
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        struct cf_object_ref ref = cf_direct_ref(entry);
        char version[CF_API_VERSION_MAX];
        cf_autofree char *key = cf_xasprintf("%s %s", cf_ref_api_version(&ref, version), ref.kind);
        if (cf_is_carried(entry))
            json_object_set_new(kinds, key, json_true());
    }
    return kinds;
}

static bool release_templates(const struct cf_karmada *k, const json_t *ledger,
                              struct cf_error *err)
{
    cf_autojson json_t *kinds = kinds_of(ledger);
    const char *key;
    json_t *value;
    json_object_foreach(kinds, key, value)
    {
        cf_autofree char *version = cf_xstrndup(key, strcspn(key, " "));
        cf_autojson json_t *items = NULL;
        size_t i;
        json_t *template;
        if (!list_ours(k, version, key + strlen(version) + 1, &items, err))
            return false;
        json_array_foreach(items, i, template)
        {
            if (!cf_karmada_release_template(k, template, err))
                return false;
        }
    }
    return true;
}

static bool is_ours_still(const json_t *live)
{
    static const char *const annotations[] = { CF_ANNOTATION_ACTIVATE, CF_ANNOTATION_FLOOR };
    for (size_t i = 0; i < CF_ARRAY_LEN(annotations); i++)
        if (cf_json_at(live, "metadata", "annotations", annotations[i], NULL))
            return true;
    return cf_json_at(live, "metadata", "labels", CF_LABEL_RUN, NULL) != NULL;
}

static bool target_shows_it(const struct cf_karmada *k, const json_t *carried, bool *out_so,
                            struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *lives = NULL;
    const char *key;
    json_t *live;
    *out_so = false;
    if (!cf_direct_look(k->p, carried, NULL, &lives, err))
        return false;
    json_object_foreach(lives, key, live)
    {
        if (is_ours_still(live))
            return cf_copying_waits(out, "%s has yet to take our label from %s in %s",
                                    cf_kube_name(k->hub), key, cf_kube_name(k->p->target));
    }
    *out_so = true;
    return true;
}

/* --- handing over --- */

static bool delete_run_policy(const struct cf_karmada *k, const json_t *policy,
                              struct cf_error *err)
{
    struct cf_object_ref ref = cf_karmada_policy_ref(k, policy);
    struct cf_error mine = CF_ERROR_INIT;
    if (cf_kube_delete(k->hub, NULL, &ref, NULL, &mine) || mine.kind == CF_ERR_NOT_FOUND)
        return true;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "delete PropagationPolicy %s on %s", ref.name, cf_kube_name(k->hub));
}

static bool hand_over_one(const struct cf_karmada *k, json_t *policy, bool *out_so,
                          struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *final = cf_json_copy(policy);
    bool own = cf_karmada_policy_is_own(k, policy);
    json_object_set_new(final, "handed", json_true());
    *out_so = true;
    if (!cf_karmada_policy_write(k, final, cf_karmada_phase_of(policy), err))
        return false;
    if (own && cf_karmada_policy_is_placed(policy) &&
        (!cf_karmada_hand_claims(k, policy, final, out_so, out, err) || !*out_so))
        return err->kind == CF_ERR_NONE;
    if (own && !delete_run_policy(k, policy, err))
        return false;
    json_object_set_new(policy, "handed", json_true());
    return true;
}

static bool hand_over(const struct cf_karmada *k, bool *out_so, struct cf_copying *out,
                      struct cf_error *err)
{
    int waiting = 0;
    size_t i;
    json_t *policy;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        struct cf_copying mine = { 0 };
        bool so = true;
        if (!cf_json_bool(policy, false, "handed", NULL) &&
            !hand_over_one(k, policy, &so, &mine, err))
            return false;
        if (so && !cf_karmada_bound(k, policy, &so, &mine, err))
            return false;
        if (!so)
            cf_copying_among(out, &mine, &waiting);
    }
    *out_so = waiting == 0;
    return true;
}

/* The namespace is the policies' now; an undo of ours has ended for good. */
static bool release_namespace(const struct cf_karmada *k, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, k->p->target_namespace);
    cf_autojson json_t *live = NULL;
    cf_autojson json_t *patch = json_pack("{s:{s:{s:n}}}", "metadata", "labels", CF_LABEL_RUN);
    bool found = false;
    if (!cf_kube_find(k->hub, NULL, &ref, &found, &live, err))
        return false;
    if (!found ||
        strcmp(cf_json_str(live, "", "metadata", "labels", CF_LABEL_RUN, NULL), k->p->run_id) != 0)
        return true;
    return cf_kube_merge_patch(k->hub, NULL, &ref, patch, NULL, NULL, err);
}

static bool release_all(const struct cf_propagation *p, const json_t *ledger,
                        struct cf_copying *out, struct cf_error *err)
{
    struct cf_karmada k;
    cf_autojson json_t *carried = json_array();
    cf_autojson json_t *direct = json_array();
    bool so = false;
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        json_array_append(cf_is_carried(entry) ? carried : direct, entry);
    }
    if (!cf_karmada_open(p, &k, err) || !release_overrides(&k, err) ||
        !release_templates(&k, ledger, err) || !target_shows_it(&k, carried, &so, out, err))
        return false;
    if (!so || !hand_over(&k, &so, out, err) || !so)
        return err->kind == CF_ERR_NONE;
    if (!release_namespace(&k, err) || !cf_direct_release(p, direct, out, err))
        return false;
    cf_autofree char *advice = out->done ? cf_karmada_placed_advice(&k) : NULL;
    if (advice)
        (void)snprintf(out->why, sizeof out->why, "%s", advice);
    return true;
}

bool cf_karmada_release(const struct cf_propagation *p, const json_t *ledger,
                        struct cf_copying *out, struct cf_error *err)
{
    return cf_karmada_end(release_all(p, ledger, out, err), out, err);
}
