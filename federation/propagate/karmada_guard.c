/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the control plane is still as we left it. What has changed there may take copies away that
 * serve: each finding says so before it happens, or at once when it does. Reads only, but for one
 * write that is tried and not kept. */
#include <string.h>

#include "federation/propagate/karmada.h"
#include "federation/objects/kinds.h"

enum { FINDINGS_MAX = 20 };

struct guarding {
    struct cf_karmada k;
    json_t *findings;
};

static void found(struct guarding *g, const char *code, const char *hint, const char *fmt, ...)
    CF_PRINTF(4, 5);
static void found(struct guarding *g, const char *code, const char *hint, const char *fmt, ...)
{
    va_list ap;
    if (json_array_size(g->findings) >= FINDINGS_MAX)
        return;
    va_start(ap, fmt);
    cf_autofree char *message = cf_xvasprintf(fmt, ap);
    va_end(ap);
    json_array_append_new(
        g->findings, json_pack("{s:s, s:s, s:s}", "code", code, "message", message, "hint", hint));
}

/* --- members and namespace --- */

static bool guard_member(struct guarding *g, const char *name, struct cf_error *err)
{
    struct cf_error mine = CF_ERROR_INIT;
    cf_autojson json_t *cluster = NULL;
    if (!cf_karmada_cluster(&g->k, name, &cluster, &mine)) {
        if (mine.kind != CF_ERR_NOT_FOUND)
            return cf_error_move(err, &mine);
        found(g, "MEMBER_GONE", "join it again, or roll back", "Cluster %s is gone from %s", name,
              cf_kube_name(g->k.hub));
        return true;
    }
    cf_autofree char *taint = cf_karmada_taint(cluster);
    if (!cf_karmada_cluster_is_ready(cluster))
        found(g, "MEMBER_NOT_READY", "see why Karmada cannot reach it",
              "Cluster %s of %s is not Ready", name, cf_kube_name(g->k.hub));
    if (taint)
        found(g, "TAINTED", "remove the taint, or roll back", "Cluster %s of %s has the taint %s",
              name, cf_kube_name(g->k.hub), taint);
    if (cf_json_at(cluster, "metadata", "deletionTimestamp", NULL))
        found(g, "MEMBER_GONE", "roll back: what Karmada wrote there goes with it",
              "Cluster %s is being removed from %s", name, cf_kube_name(g->k.hub));
    return true;
}

static bool guard_namespace(struct guarding *g, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, g->k.p->target_namespace);
    bool there = false;
    cf_autojson json_t *ns = NULL;
    if (!cf_kube_find(g->k.hub, NULL, &ref, &there, &ns, err))
        return false;
    if (!there || cf_json_at(ns, "metadata", "deletionTimestamp", NULL))
        found(g, "NAMESPACE_GOING", "roll back: everything in it is taken from the members",
              "namespace %s of %s is %s", ref.name, cf_kube_name(g->k.hub),
              there ? "being deleted" : "gone");
    return true;
}

/* --- one object --- */

static void guard_binding(struct guarding *g, const json_t *policy, const json_t *binding,
                          const char *key)
{
    cf_autojson json_t *wanted = cf_karmada_placed(&g->k, cf_karmada_phase_of(policy));
    const json_t *clusters = cf_json_at(binding, "spec", "clusters", NULL);
    const json_t *scheduled = cf_object_condition(binding, "Scheduled");
    int64_t replicas = cf_json_int(binding, 0, "spec", "replicas", NULL);
    size_t i, known = 0;
    json_t *row;
    json_array_foreach(clusters, i, row)
    {
        for (size_t n = 0; n < json_array_size(wanted); n++)
            known += strcmp(cf_json_str(row, "", "name", NULL),
                            json_string_value(json_array_get(wanted, n))) == 0;
        if (cf_json_int(row, 0, "replicas", NULL) != replicas)
            found(g, "REPLICAS_CHANGED", "give the template its replicas back",
                  "%s: the template wants %lld replicas, %s has %lld", key, (long long)replicas,
                  cf_json_str(row, "", "name", NULL),
                  (long long)cf_json_int(row, 0, "replicas", NULL));
    }
    if (known != json_array_size(wanted) || json_array_size(clusters) != known)
        found(g, "BINDING_CHANGED", "roll back, or give the placement back",
              "%s is placed on other members than we placed it on", key);
    if (json_array_size(cf_json_at(binding, "spec", "gracefulEvictionTasks", NULL)) > 0)
        found(g, "EVICTION", "roll back, or end what evicts it", "%s is being evicted", key);
    if (scheduled && strcmp(cf_json_str(scheduled, "", "status", NULL), "False") == 0)
        found(g, "NOT_SCHEDULED", "roll back: Karmada takes away what it cannot place",
              "%s is not placed: %s", key, cf_json_str(scheduled, "", "message", NULL));
    if (!cf_karmada_policy_is_own(&g->k, policy) && scheduled &&
        cf_json_int(binding, 0, "metadata", "generation", NULL) !=
            cf_json_int(binding, 0, "status", "schedulerObservedGeneration", NULL))
        found(g, "BEHIND", "see that karmada-scheduler runs", "%s changed and was not placed since",
              key);
    if (cf_json_at(binding, "metadata", "deletionTimestamp", NULL))
        found(g, "BINDING_GONE", "roll back", "the ResourceBinding of %s is being deleted", key);
}

static void guard_work(struct guarding *g, const json_t *work, const char *key, const char *member)
{
    const json_t *applied = cf_object_condition(work, "Applied");
    if (!work || cf_json_at(work, "metadata", "deletionTimestamp", NULL))
        found(g, "WORK_GONE", "roll back", "the Work of %s for %s is %s", key, member,
              work ? "being deleted" : "gone");
    else if (!cf_json_bool(work, false, "spec", "preserveResourcesOnDeletion", NULL))
        found(g, "NOT_PRESERVED", "give preserveResourcesOnDeletion back",
              "the Work of %s for %s no longer preserves its object", key, member);
    else if (strcmp(cf_json_str(applied, "", "status", NULL), "True") != 0)
        found(g, "NOT_APPLIED", "look at the Work", "%s is not applied in %s: %.300s", key, member,
              cf_json_str(applied, "no word of it", "message", NULL));
}

/* Whose is a template that has no binding of ours any more? */
static bool guard_claim(struct guarding *g, const json_t *object, struct cf_error *err)
{
    struct cf_object_ref ref = cf_karmada_object_ref(&g->k, object);
    const char *key = cf_json_str(object, "", "key", NULL);
    bool there = false;
    cf_autojson json_t *template = NULL;
    if (!cf_kube_find(g->k.hub, NULL, &ref, &there, &template, err))
        return false;
    const char *owner = cf_json_str(
        template,
        cf_json_str(template, "nobody", "metadata", "annotations", CF_KARMADA_CLUSTER_NAME, NULL),
        "metadata", "annotations", CF_KARMADA_POLICY_NAME, NULL);
    if (!there)
        found(g, "TEMPLATE_GONE", "roll back", "the template of %s is gone from %s", key,
              cf_kube_name(g->k.hub));
    else
        found(g, "CLAIMED", "take it out of that policy, or roll back",
              "%s is claimed by policy %s, not by ours", key, owner);
    return true;
}

/* --- policies --- */

static void guard_policy(struct guarding *g, const json_t *policy, const json_t *live)
{
    cf_autojson json_t *lines = json_array();
    const char *name = cf_json_str(policy, "", "name", NULL);
    if (!live || cf_json_at(live, "metadata", "deletionTimestamp", NULL))
        found(g, "POLICY_GONE", "roll back: another policy may take the objects",
              "PropagationPolicy %s is %s", name, live ? "being deleted" : "gone");
    else if (!cf_karmada_policy_is(&g->k, policy, live, lines))
        found(g, "POLICY_CHANGED", "give it back, or roll back",
              "PropagationPolicy %s changed: %.300s", name,
              json_array_size(lines) ? json_string_value(json_array_get(lines, 0)) : "");
}

static bool guard_works(struct guarding *g, const json_t *policy,
                        const struct cf_karmada_look *look, const char *member, const json_t *works)
{
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        const json_t *binding = cf_karmada_binding(look, object);
        const char *id =
            cf_json_str(binding, "", "metadata", "labels", CF_KARMADA_BINDING_ID, NULL);
        if (binding)
            guard_work(g, json_object_get(works, id), cf_json_str(object, "", "key", NULL), member);
    }
    return true;
}

static bool guard_one_policy(struct guarding *g, const json_t *policy, struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    cf_autojson json_t *in_source = NULL;
    bool has_source = g->k.adopt && cf_karmada_phase_of(policy) < CF_PHASE_DETACHED;
    if (!cf_karmada_look(&g->k, policy, g->k.target, &look, err) ||
        (has_source && !cf_karmada_works_of(&g->k, look.bindings, g->k.source, &in_source, err)))
        return false;
    guard_policy(g, policy, look.policy_object);
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(policy, "objects"), i, object)
    {
        const json_t *binding = cf_karmada_binding(&look, object);
        if (!binding && !guard_claim(g, object, err))
            return false;
        if (binding)
            guard_binding(g, policy, binding, cf_json_str(object, "", "key", NULL));
    }
    guard_works(g, policy, &look, g->k.target, look.works);
    if (has_source)
        guard_works(g, policy, &look, g->k.source, in_source);
    return true;
}

/* The policies that had the objects before have to be able to have them back. */
static bool guard_owners(struct guarding *g, struct cf_error *err)
{
    cf_autojson json_t *seen = json_object();
    const char *key, *hint;
    json_t *claim;
    json_object_foreach(json_object_get(g->k.p->state, "placed"), key, claim)
    {
        cf_autofree char *text = cf_karmada_claim_text(claim);
        struct cf_object_ref ref = cf_karmada_claim_ref(claim);
        cf_autojson json_t *live = NULL;
        bool there = false;
        if (json_object_get(seen, text))
            continue;
        json_object_set_new(seen, text, json_true());
        if (!cf_kube_find(g->k.hub, NULL, &ref, &there, &live, err))
            return false;
        cf_autofree char *why =
            there ? cf_karmada_not_plain(live, g->k.source, &hint) : cf_xstrdup("it is gone");
        if (why)
            found(g, "OWNER_CHANGED",
                  "make it as it was: without it there is no way back. After the commit it may be "
                  "changed",
                  "%s of %s could not have its objects back on %s: %s", text,
                  cf_kube_name(g->k.hub), g->k.source, why);
    }
    return true;
}

/* Policies of others that could take the objects from ours while it stands. */
static bool guard_preemption(struct guarding *g, const char *kind, const char *ns,
                             struct cf_error *err)
{
    struct cf_kube_list list = { .api_version = CF_KARMADA_POLICY_API, .kind = kind, .ns = ns };
    cf_autojson json_t *items = NULL;
    struct cf_error mine = CF_ERROR_INIT;
    if (!cf_kube_list(g->k.hub, NULL, &list, &items, NULL, &mine)) {
        if (mine.kind == CF_ERR_DENIED || mine.kind == CF_ERR_NOT_FOUND)
            return true;
        return cf_error_move(err, &mine);
    }
    size_t i, n, m;
    json_t *other, *policy, *object;
    json_array_foreach(items, i, other)
    {
        if (strcmp(cf_json_str(other, "", "spec", "preemption", NULL), "Always") != 0 ||
            strcmp(cf_json_str(other, "", "metadata", "labels", CF_LABEL_RUN, NULL),
                   g->k.p->run_id) == 0)
            continue;
        json_array_foreach(cf_karmada_policies(&g->k), n, policy)
        {
            json_array_foreach(json_object_get(policy, "objects"), m, object)
            {
                cf_autojson json_t *bare = json_pack(
                    "{s:O, s:O, s:{s:O, s:s}}", "apiVersion", json_object_get(object, "apiVersion"),
                    "kind", json_object_get(object, "kind"), "metadata", "name",
                    json_object_get(object, "name"), "namespace", g->k.p->target_namespace);
                if (cf_karmada_selects(other, bare))
                    found(g, "PREEMPTION", "take it out of that policy, or roll back",
                          "%s %s may take %s from our policy", kind,
                          cf_json_str(other, "", "metadata", "name", NULL),
                          cf_json_str(object, "", "key", NULL));
            }
        }
    }
    return true;
}

/* A write that is tried and not kept: without the webhook no policy of ours could be changed, not
 * even to go back. */
static bool guard_webhook(struct guarding *g, struct cf_error *err)
{
    const json_t *policy = json_array_get(cf_karmada_policies(&g->k), 0);
    struct cf_kube_write write = { .dry_run = true };
    struct cf_error mine = CF_ERROR_INIT;
    if (!policy)
        return true;
    struct cf_object_ref ref = cf_karmada_policy_ref(&g->k, policy);
    cf_autojson json_t *patch =
        json_pack("{s:{s:{s:s}}}", "metadata", "labels", CF_LABEL_RUN, g->k.p->run_id);
    if (cf_kube_merge_patch(g->k.hub, NULL, &ref, patch, &write, NULL, &mine) ||
        mine.kind == CF_ERR_NOT_FOUND)
        return true;
    if (!strstr(mine.message, "webhook"))
        return cf_error_move(err, &mine);
    found(g, "WEBHOOK", "see that karmada-webhook runs", "%s accepts no change of a policy: %.300s",
          cf_kube_name(g->k.hub), mine.message);
    return true;
}

/* --- the target --- */

static bool guard_copies(struct guarding *g, const json_t *ledger, struct cf_error *err)
{
    cf_autojson json_t *lives = NULL;
    size_t i;
    json_t *entry;
    if (!cf_direct_look(g->k.p, ledger, NULL, &lives, err))
        return false;
    json_array_foreach(ledger, i, entry)
    {
        const char *key = cf_json_str(entry, "", "key", NULL);
        const json_t *live = json_object_get(lives, key);
        if (!live || cf_json_at(live, "metadata", "deletionTimestamp", NULL))
            found(g, "COPY_GONE", "roll back", "%s is %s in %s", key,
                  live ? "being deleted" : "gone", cf_kube_name(g->k.p->target));
    }
    return true;
}

static bool guard_all(struct guarding *g, struct cf_error *err)
{
    size_t i;
    json_t *policy;
    if (!cf_karmada_open(g->k.p, &g->k, err) || !guard_member(g, g->k.target, err) ||
        !guard_namespace(g, err) || !guard_webhook(g, err))
        return false;
    json_array_foreach(cf_karmada_policies(&g->k), i, policy)
    {
        if (!guard_one_policy(g, policy, err))
            return false;
    }
    return guard_owners(g, err) &&
           guard_preemption(g, "PropagationPolicy", g->k.p->target_namespace, err) &&
           guard_preemption(g, "ClusterPropagationPolicy", NULL, err);
}

bool cf_karmada_guard(const struct cf_propagation *p, const json_t *ledger, json_t **out_findings,
                      struct cf_error *err)
{
    struct guarding g = { .findings = json_array() };
    struct cf_error mine = CF_ERROR_INIT;
    bool ok = true;
    cf_karmada_view(p, &g.k);
    if (!guard_all(&g, &mine)) {
        if (mine.kind == CF_ERR_CANCELLED || mine.kind == CF_ERR_FENCED)
            ok = cf_error_move(err, &mine);
        else
            found(&g, "CONTROL_PLANE", "see that it answers: what it does meanwhile cannot be seen",
                  "%s: %.400s", cf_kube_name(g.k.hub), mine.message);
    }
    ok = ok && guard_copies(&g, ledger, err);
    if (!ok) {
        json_decref(g.findings);
        return false;
    }
    *out_findings = g.findings;
    return true;
}
