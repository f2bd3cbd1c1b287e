/* SPDX-License-Identifier: Apache-2.0 */
/* At the end of a run that took templates over: they pass from our policy of the run to the one that
 * stays, by their claims, so that no other policy is asked in between; and what a person has to do
 * to have them in his own policy again. */
#include <string.h>

#include "federation/propagate/karmada.h"

/* *io_missing counts what does not show `to` yet. */
static bool hand_one(const struct cf_karmada *k, const json_t *object, const json_t *from,
                     const json_t *to, int *io_missing, struct cf_error *err)
{
    struct cf_object_ref ref = cf_karmada_object_ref(k, object);
    bool found = false, so = false;
    cf_autojson json_t *live = NULL;
    if (!cf_kube_find(k->hub, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read template %s %s", ref.kind, ref.name);
    cf_autojson json_t *claim = cf_karmada_claim(live);
    if (!cf_karmada_claim_same(claim, from))
        return true;
    ++*io_missing;
    return cf_karmada_claim_write(k, live, to, &so, err);
}

/* Whether every binding that `from` had is the other's now. */
static bool all_are_bound(const struct cf_karmada *k, const json_t *policy, bool *out_so,
                          struct cf_copying *out, struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    if (!cf_karmada_look(k, policy, NULL, &look, err))
        return false;
    *out_so = json_object_size(look.bindings) == 0;
    if (*out_so)
        return true;
    return cf_copying_waits(out, "%s has yet to show %zu bindings under the policy that stays",
                            cf_kube_name(k->hub), json_object_size(look.bindings));
}

bool cf_karmada_hand_claims(const struct cf_karmada *k, const json_t *policy, const json_t *to,
                            bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    struct cf_object_ref from_ref = cf_karmada_policy_ref(k, policy);
    struct cf_object_ref to_ref = cf_karmada_policy_ref(k, to);
    cf_autojson json_t *from_live = NULL;
    cf_autojson json_t *to_live = NULL;
    bool found = false;
    int missing = 0;
    size_t i;
    json_t *object;
    *out_so = true;
    if (!cf_kube_find(k->hub, NULL, &from_ref, &found, &from_live, err) ||
        !cf_kube_get(k->hub, NULL, &to_ref, &to_live, err))
        return cf_error_wrap(err, "read our policies on %s", cf_kube_name(k->hub));
    if (!found)
        return true;
    cf_autojson json_t *from = cf_karmada_claim_by(from_live);
    cf_autojson json_t *claim = cf_karmada_claim_by(to_live);
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        if (!hand_one(k, object, from, claim, &missing, err))
            return false;
    }
    if (missing == 0)
        return all_are_bound(k, policy, out_so, out, err);
    *out_so = false;
    return cf_copying_waits(out, "%d objects pass to PropagationPolicy %s", missing, to_ref.name);
}

/* --- what is left for a person --- */

static void list_owners(const struct cf_karmada *k, struct cf_buf *owners, struct cf_buf *edits)
{
    cf_autojson json_t *said = json_object();
    const char *key;
    json_t *claim;
    json_object_foreach(json_object_get(k->p->state, "placed"), key, claim)
    {
        cf_autofree char *text = cf_karmada_claim_text(claim);
        const char *ns = cf_json_str(claim, "", "namespace", NULL);
        if (json_object_get(said, text))
            continue;
        json_object_set_new(said, text, json_true());
        cf_buf_printf(owners, "%s%s", owners->len ? ", " : "", text);
        cf_buf_printf(edits, "%s`kubectl %s%s%sedit %s %s`", edits->len ? ", " : "",
                      *ns ? "-n " : "", ns, *ns ? " " : "",
                      *ns ? "propagationpolicy" : "clusterpropagationpolicy",
                      cf_json_str(claim, "", "name", NULL));
    }
}

char *cf_karmada_placed_advice(const struct cf_karmada *k)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf owners = CF_BUF_INIT(CF_COPYING_WHY_MAX);
    CF_CLEANUP(cf_buf_free) struct cf_buf edits = CF_BUF_INIT(CF_COPYING_WHY_MAX);
    list_owners(k, &owners, &edits);
    if (owners.len == 0)
        return NULL;
    return cf_xasprintf(
        "on %s, %s still selects what was moved and would place it on %s again: set its "
        "clusterNames to [%s] (%s), then `kubectl -n %s delete propagationpolicy -l " CF_LABEL_RUN
        "=%s," CF_LABEL_PLACED "`",
        cf_kube_name(k->hub), cf_buf_str(&owners), k->source, k->target, cf_buf_str(&edits),
        k->p->target_namespace, k->p->run_id);
}
