/* SPDX-License-Identifier: Apache-2.0 */
/* From a template to its binding: which policy claims it, and what the binding says. */
#include <stdio.h>
#include <string.h>

#include "base/json_patch.h"
#include "deploy/sandbox/karmada/binding_spec.h"
#include "deploy/sandbox/karmada/match.h"
#include "deploy/sandbox/karmada/prune.h"
#include "deploy/sandbox/karmada/round.h"

enum {
    CLAIM_MS = 25,
    BIND_MS = 15,
    SYNC_MS = 20, /* a policy's or a template's change on its way into the binding */
};

static bool is_reserved(const char *ns)
{
    return strncmp(ns, "kube-", 5) == 0 || strcmp(ns, "karmada-system") == 0 ||
           strcmp(ns, "karmada-cluster") == 0 ||
           strncmp(ns, KM_SPACE_PREFIX, strlen(KM_SPACE_PREFIX)) == 0;
}

/* ---- Which policy ---- */

static bool overrides_are_there(struct km_round *r, const json_t *policy)
{
    size_t i;
    json_t *name;
    json_array_foreach(cf_json_at(policy, "spec", "dependentOverrides", NULL), i, name)
    {
        const char *plural = *sbx_ns(policy) ? "overridepolicies" : "clusteroverridepolicies";
        if (!sbx_pass_one(&r->hub, KM_G_POLICY, plural, *sbx_ns(policy) ? sbx_ns(policy) : NULL,
                          json_string_value(name)))
            return false;
    }
    return true;
}

/* Whether `a` comes before `b`: priority, precision, name. */
static bool is_before(const json_t *a, enum km_rank rank_a, const json_t *b, enum km_rank rank_b)
{
    int64_t pa = cf_json_int(a, 0, "spec", "priority", NULL),
            pb = cf_json_int(b, 0, "spec", "priority", NULL);
    if (pa != pb)
        return pa > pb;
    if (rank_a != rank_b)
        return rank_a > rank_b;
    return strcmp(sbx_name(a), sbx_name(b)) < 0;
}

static json_t *best_of(struct km_round *r, const char *plural, const json_t *o)
{
    json_t *best = NULL, *policy;
    enum km_rank best_rank = KM_RANK_NONE;
    size_t i;
    json_array_foreach(sbx_pass_all(&r->hub, KM_G_POLICY, plural), i, policy)
    {
        if (sbx_is_going(policy) || (*sbx_ns(policy) && strcmp(sbx_ns(policy), sbx_ns(o)) != 0))
            continue;
        enum km_rank rank = km_selected(cf_json_at(policy, "spec", "resourceSelectors", NULL), o);
        if (rank != KM_RANK_NONE && (!best || is_before(policy, rank, best, best_rank))) {
            best = policy;
            best_rank = rank;
        }
    }
    return best;
}

static const char *note_of(const json_t *o, const char *annotation)
{
    return cf_json_str(o, "", "metadata", "annotations", annotation, NULL);
}

/* A template is held by the policy that its claim names, whoever wrote the claim: the id must be
 * there and is not compared. A claim by a policy of the namespace counts first. */
static bool names_policy(const json_t *o)
{
    return *sbx_label(o, KM_PP_ID) && *note_of(o, KM_PP_NAME) && *note_of(o, KM_PP_NS);
}

static bool names_cluster_policy(const json_t *o)
{
    return *sbx_label(o, KM_CPP_ID) && *note_of(o, KM_CPP_NAME);
}

static bool is_held(const json_t *o)
{
    return names_policy(o) || names_cluster_policy(o);
}

/* NULL: nobody, or a policy that is gone. */
static json_t *holder_of(struct km_round *r, const json_t *o)
{
    if (names_policy(o))
        return sbx_pass_one(&r->hub, KM_G_POLICY, "propagationpolicies", note_of(o, KM_PP_NS),
                            note_of(o, KM_PP_NAME));
    if (names_cluster_policy(o))
        return sbx_pass_one(&r->hub, KM_G_POLICY, "clusterpropagationpolicies", NULL,
                            note_of(o, KM_CPP_NAME));
    return NULL;
}

/* Whether `p` takes what `holder` has: a policy of the namespace from one of the cluster, else the
 * one of higher priority from its like. */
static bool preempts(const json_t *p, const json_t *holder)
{
    bool p_in_ns = *sbx_ns(p) != '\0', holder_in_ns = *sbx_ns(holder) != '\0';
    if (p == holder || strcmp(cf_json_str(p, "", "spec", "preemption", NULL), "Always") != 0)
        return false;
    if (p_in_ns != holder_in_ns)
        return p_in_ns;
    return cf_json_int(p, 0, "spec", "priority", NULL) >
           cf_json_int(holder, 0, "spec", "priority", NULL);
}

static json_t *preemptor_of(struct km_round *r, const json_t *o, const json_t *holder)
{
    static const char *const plurals[] = { "propagationpolicies", "clusterpropagationpolicies" };
    if (km_on(&r->plane->switches, KM_PREEMPTION_OFF))
        return NULL;
    for (size_t i = 0; i < CF_ARRAY_LEN(plurals); i++) {
        json_t *p = best_of(r, plurals[i], o);
        if (p && preempts(p, holder))
            return p;
    }
    return NULL;
}

/* The policy that places the template now; NULL: none, or not yet. Who holds it is not asked whether
 * another would fit better. */
static json_t *policy_of(struct km_round *r, const json_t *o)
{
    json_t *p = holder_of(r, o);
    if (!p && is_held(o))
        return NULL; /* it is let go of first */
    if (p) {
        json_t *other = preemptor_of(r, o, p);
        if (other)
            return other;
        if (sbx_is_going(p) || /* until it has let go */
            km_selected(cf_json_at(p, "spec", "resourceSelectors", NULL), o) == KM_RANK_NONE)
            return NULL;
    }
    if (!p && *sbx_ns(o))
        p = best_of(r, "propagationpolicies", o);
    if (!p)
        p = best_of(r, "clusterpropagationpolicies", o);
    return p && overrides_are_there(r, p) ? p : NULL;
}

/* ---- The claim ---- */

/* Labels and annotations by which `policy` holds an object, as a merge patch of its metadata. A
 * policy of the namespace takes the claim of one of the cluster off, but not the other way round. */
static json_t *claim_of(const json_t *policy)
{
    if (*sbx_ns(policy))
        return json_pack("{s:{s:s,s:n},s:{s:s,s:s,s:n}}", "labels", KM_PP_ID,
                         sbx_label(policy, KM_PP_ID), KM_CPP_ID, "annotations", KM_PP_NAME,
                         sbx_name(policy), KM_PP_NS, sbx_ns(policy), KM_CPP_NAME);
    return json_pack("{s:{s:s},s:{s:s}}", "labels", KM_CPP_ID, sbx_label(policy, KM_CPP_ID),
                     "annotations", KM_CPP_NAME, sbx_name(policy));
}

static bool is_claimed(const json_t *o, const json_t *policy)
{
    cf_autojson json_t *claim = claim_of(policy);
    const char *map, *key;
    json_t *words, *word;
    json_object_foreach(claim, map, words)
    {
        const json_t *has = cf_json_at(o, "metadata", map, NULL);
        json_object_foreach(words, key, word)
        {
            const json_t *now = json_object_get(has, key);
            if (json_is_null(word) ? now != NULL : !now || !json_equal(now, word))
                return false;
        }
    }
    return true;
}

/* ---- The binding ---- */

static const char *version_of(const json_t *o)
{
    return cf_json_str(o, "", "metadata", "resourceVersion", NULL);
}

/* What a user says of the template: neither status nor claims nor the server's fields. One that is as it
 * was at the last look need not be read again. */
static void user_digest(struct km_round *r, const json_t *o, char out[KM_DIGEST])
{
    const char *read = km_recall(r, "read %s", sbx_uid(o));
    const char *version = version_of(o);
    size_t n = strlen(version);
    if (read && strncmp(read, version, n) == 0 && read[n] == ' ') {
        (void)snprintf(out, KM_DIGEST, "%s", read + n + 1);
        return;
    }
    cf_autojson json_t *copy = cf_json_copy(o);
    km_unclaim(copy);
    static const char *const system[] = { "resourceVersion", "managedFields", "generation" };
    for (size_t i = 0; i < CF_ARRAY_LEN(system); i++)
        (void)cf_json_del(copy, "metadata", system[i], NULL);
    json_object_del(copy, "status");
    km_digest(copy, out);
    cf_autofree char *now = cf_xasprintf("%s %s", version, out);
    km_note(r, now, "read %s", sbx_uid(o));
}

static void create_binding(struct km_round *r, const struct km_binding_kind *bk, const json_t *o,
                           const json_t *policy, const char *name)
{
    cf_autojson json_t *claim = claim_of(policy);
    cf_autojson json_t *empty = json_object();
    cf_autojson json_t *owners =
        sbx_owned_by(cf_json_str(o, "", "apiVersion", NULL), cf_json_str(o, "", "kind", NULL), o);
    cf_autojson json_t *base = json_pack("{s:s,s:[s],s:O}", "name", name, "finalizers",
                                         bk->finalizer, "ownerReferences", owners);
    if (*sbx_ns(o))
        json_object_set_new(base, "namespace", json_string(sbx_ns(o)));
    json_t *spec = json_object();
    km_binding_spec(spec, o, policy);
    (void)sbx_pass_create(
        &r->hub, KM_CONTROLLER, KM_G_WORK, bk->plural,
        json_pack("{s:o,s:o}", "metadata", cf_json_merge_apply(base, claim), "spec", spec));
}

/* Only the version of the template differs: no reason to write by itself. */
static bool only_version(const json_t *spec_patch)
{
    const json_t *resource = json_object_get(spec_patch, "resource");
    return json_object_size(spec_patch) == 1 && json_object_size(resource) == 1 &&
           json_object_get(resource, "resourceVersion");
}

/* True when the binding says what it should: as it, the template and the policy stood, that is worked out
 * once. */
static bool update_binding(struct km_round *r, const struct km_binding_kind *bk, json_t *binding,
                           const json_t *o, const json_t *policy, bool template_changed)
{
    cf_autofree char *as =
        cf_xasprintf("%s %s %s", version_of(binding), version_of(o), version_of(policy));
    const char *before = km_recall(r, "bound %s", sbx_uid(binding));
    if (before && strcmp(before, as) == 0)
        return true;
    cf_autojson json_t *spec = cf_json_copy(json_object_get(binding, "spec"));
    km_binding_spec(spec, o, policy);
    cf_autojson json_t *diff = cf_json_merge_diff(json_object_get(binding, "spec"), spec);
    bool same_spec = json_object_size(diff) == 0 || (only_version(diff) && !template_changed);
    if (same_spec && is_claimed(binding, policy)) {
        km_note(r, as, "bound %s", sbx_uid(binding));
        return true;
    }
    char digest[KM_DIGEST];
    if (!km_after(r, SYNC_MS, "sync %s %s", sbx_uid(binding), km_digest(diff, digest)))
        return false;
    json_t *patch = json_pack("{s:o}", "metadata", claim_of(policy));
    if (json_object_size(diff) > 0)
        json_object_set(patch, "spec", diff);
    (void)sbx_pass_merge(&r->hub, KM_CONTROLLER, KM_G_WORK, bk->plural, binding, patch);
    return false;
}

static bool is_lazy(const json_t *policy)
{
    return strcmp(cf_json_str(policy, "", "spec", "activationPreference", NULL), "Lazy") == 0;
}

static void sync(struct km_round *r, const json_t *o, const json_t *policy)
{
    const struct km_binding_kind *bk = &km_binding_kinds[*sbx_ns(o) == '\0'];
    cf_autofree char *name = km_binding_name(o);
    json_t *binding =
        sbx_pass_one(&r->hub, KM_G_WORK, bk->plural, *sbx_ns(o) ? sbx_ns(o) : NULL, name);
    char user[KM_DIGEST];
    user_digest(r, o, user);
    const char *seen = km_recall(r, "user %s", sbx_uid(o));
    bool touched = !seen || strcmp(seen, user) != 0;
    if (is_lazy(policy) && !touched)
        return;
    if (!binding) {
        if (km_after(r, BIND_MS, "bind %s", sbx_uid(o)))
            create_binding(r, bk, o, policy, name);
        return;
    }
    if (strcmp(sbx_controller_uid(binding), sbx_uid(o)) != 0)
        return; /* of a template that was there before: it goes first */
    if (update_binding(r, bk, binding, o, policy, touched))
        km_note(r, user, "user %s", sbx_uid(o));
}

/* The policy that a claim names is gone: the claim goes, from the binding first. */
static void strip(struct km_round *r, const struct sbx_kind *k, const json_t *o)
{
    const struct km_binding_kind *bk = &km_binding_kinds[*sbx_ns(o) == '\0'];
    cf_autofree char *name = km_binding_name(o);
    const json_t *binding =
        sbx_pass_one(&r->hub, KM_G_WORK, bk->plural, *sbx_ns(o) ? sbx_ns(o) : NULL, name);
    if (!km_after(r, CLAIM_MS, "strip %s", sbx_uid(o)))
        return;
    cf_autojson json_t *none =
        names_policy(o)
            ? json_pack("{s:{s:n},s:{s:n,s:n}}", "labels", KM_PP_ID, "annotations", KM_PP_NAME,
                        KM_PP_NS)
            : json_pack("{s:{s:n},s:{s:n}}", "labels", KM_CPP_ID, "annotations", KM_CPP_NAME);
    if (!binding || sbx_pass_merge(&r->hub, KM_CONTROLLER, KM_G_WORK, bk->plural, binding,
                                   json_pack("{s:O}", "metadata", none)))
        (void)sbx_pass_merge(&r->hub, KM_CONTROLLER, k->group, k->plural, o,
                             json_pack("{s:O}", "metadata", none));
}

/* Whether it was last written before the policy was. */
static bool is_older(const json_t *o, const json_t *policy)
{
    return strtoll(cf_json_str(o, "0", "metadata", "resourceVersion", NULL), NULL, 10) <
           strtoll(cf_json_str(policy, "0", "metadata", "resourceVersion", NULL), NULL, 10);
}

static void look_at(struct km_round *r, const struct sbx_kind *k, const json_t *o)
{
    if (is_reserved(sbx_ns(o)) || sbx_is_going(o))
        return;
    json_t *policy = policy_of(r, o);
    char user[KM_DIGEST];
    if (is_held(o) && !holder_of(r, o)) {
        strip(r, k, o);
        return;
    }
    if (!policy) {
        user_digest(r, o, user);
        km_note(r, user, "user %s", sbx_uid(o));
        return;
    }
    if (is_claimed(o, policy)) {
        sync(r, o, policy);
        return;
    }
    if (!km_recall(r, "user %s", sbx_uid(o)) && is_lazy(policy) && is_older(o, policy)) {
        user_digest(r, o, user);
        km_note(r, user, "user %s", sbx_uid(o));
    }
    if (km_after(r, CLAIM_MS, "claim %s %s", sbx_uid(o), sbx_uid(policy)))
        (void)sbx_pass_merge(&r->hub, KM_CONTROLLER, k->group, k->plural, o,
                             json_pack("{s:o}", "metadata", claim_of(policy)));
}

void km_ctl_detector(struct km_round *r)
{
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++) {
        if (k->plane != SBX_PLANE_NONE || strcmp(k->kind, "Event") == 0)
            continue;
        size_t i;
        json_t *o;
        json_array_foreach(sbx_pass_all(&r->hub, k->group, k->plural), i, o)
        {
            look_at(r, k, o);
        }
    }
}
