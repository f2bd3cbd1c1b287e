/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that go, or no longer select what they hold: templates and bindings are let go. */
#include <string.h>

#include "deploy/sandbox/karmada/match.h"
#include "deploy/sandbox/karmada/round.h"

enum { LET_GO_MS = 20 };

static const struct policy_kind {
    const char *plural, *id_label, *finalizer;
    const char *notes[2]; /* annotations of a claim */
} policy_kinds[] = {
    { "propagationpolicies", KM_PP_ID, KM_F_PP, { KM_PP_NAME, KM_PP_NS } },
    { "clusterpropagationpolicies", KM_CPP_ID, KM_F_CPP, { KM_CPP_NAME, NULL } },
};

static bool is_held(const struct policy_kind *pk, const json_t *o, const char *id)
{
    return *id && strcmp(sbx_label(o, pk->id_label), id) == 0;
}

/* Takes the claim's label and annotations off. */
static bool let_go(struct km_round *r, const struct policy_kind *pk, const char *group,
                   const char *plural, const json_t *o)
{
    json_t *patch =
        json_pack("{s:{s:{s:n},s:{}}}", "metadata", "labels", pk->id_label, "annotations");
    for (size_t i = 0; i < CF_ARRAY_LEN(pk->notes) && pk->notes[i]; i++)
        cf_json_put_take(patch, json_null(), "metadata", "annotations", pk->notes[i], NULL);
    return sbx_pass_merge(&r->hub, KM_CONTROLLER, group, plural, o, patch);
}

/* Lets go of what `policy` holds and (unless it goes) does not select; returns how much. */
static size_t release(struct km_round *r, const struct policy_kind *pk, const json_t *policy)
{
    const char *id = sbx_label(policy, pk->id_label);
    const json_t *selectors = cf_json_at(policy, "spec", "resourceSelectors", NULL);
    bool all = sbx_is_going(policy);
    size_t found = 0;
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++) {
        bool is_binding = strcmp(k->group, KM_G_WORK) == 0 && strcmp(k->plural, "works") != 0;
        if (k->plane == SBX_PLANE_KARMADA && !is_binding)
            continue;
        size_t i;
        json_t *o;
        json_array_foreach(sbx_pass_all(&r->hub, k->group, k->plural), i, o)
        {
            const json_t *template = is_binding ? km_template_of(r, o) : o;
            if (!is_held(pk, o, id) ||
                (!all && (!template || km_selected(selectors, template) != KM_RANK_NONE)))
                continue;
            found++;
            if (km_after(r, LET_GO_MS, "let go %s %s", sbx_uid(o), id))
                (void)let_go(r, pk, k->group, k->plural, o);
        }
    }
    return found;
}

void km_ctl_policies(struct km_round *r)
{
    for (size_t n = 0; n < CF_ARRAY_LEN(policy_kinds); n++) {
        const struct policy_kind *pk = &policy_kinds[n];
        size_t i;
        json_t *policy;
        json_array_foreach(sbx_pass_all(&r->hub, KM_G_POLICY, pk->plural), i, policy)
        {
            if (release(r, pk, policy) == 0 && sbx_is_going(policy) &&
                sbx_has_finalizer(policy, pk->finalizer))
                (void)km_drop_finalizer(r, KM_G_POLICY, pk->plural, policy, pk->finalizer);
        }
    }
}
