/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a control plane can carry the copies, before anything is written: what it serves, its
 * members, who else has a hand on the objects. The first row of a copy and preflight ask the same. */
#include <string.h>

#include "federation/kube/discovery.h"
#include "federation/objects/kinds.h"
#include "federation/objects/selector.h"
#include "federation/propagate/karmada.h"

#define DENIED_HINT "crossfade cluster rbac --method karmada prints the rights that are needed"

struct checking {
    struct cf_karmada k;
    json_t *findings;
    json_t *target, *source; /* Cluster objects */
    json_t *policies;        /* all that could select something here */
    struct cf_karmada_placing placing;
};

static void checking_free(struct checking *c)
{
    json_decref(c->findings);
    json_decref(c->target);
    json_decref(c->source);
    json_decref(c->policies);
    json_decref(c->placing.bindings);
    json_decref(c->placing.placed);
}

/* --- what it serves --- */

/* Errors that say something about the control plane become findings. */
static bool take(struct checking *c, struct cf_error *mine, const char *code, const char *hint,
                 struct cf_error *err)
{
    if (cf_error_is_retryable(mine))
        return cf_error_move(err, mine);
    cf_direct_finding(c->findings, "", "blocker", mine->kind == CF_ERR_DENIED ? "DENIED" : code,
                      mine->kind == CF_ERR_DENIED ? DENIED_HINT : hint, "%s", mine->message);
    cf_error_clear(mine);
    return true;
}

static bool check_served(struct checking *c, bool *out_all, struct cf_error *err)
{
    static const struct {
        const char *api_version, *kind;
    } needed[] = {
        { CF_KARMADA_POLICY_API, "PropagationPolicy" }, { CF_KARMADA_POLICY_API, "OverridePolicy" },
        { CF_KARMADA_BINDING_API, "ResourceBinding" },  { CF_KARMADA_WORK_API, "Work" },
        { CF_KARMADA_CLUSTER_API, "Cluster" },
    };
    *out_all = true;
    for (size_t i = 0; i < CF_ARRAY_LEN(needed); i++) {
        struct cf_kube_resource served;
        struct cf_error mine = CF_ERROR_INIT;
        if (cf_kube_resource_of(c->k.hub, NULL, needed[i].api_version, needed[i].kind, &served,
                                &mine))
            continue;
        *out_all = false;
        if (mine.kind != CF_ERR_NOT_FOUND)
            return cf_error_move(err, &mine);
        cf_direct_finding(c->findings, "", "blocker", "NOT_KARMADA",
                          "Name Karmada's own API server as copy.controlPlane",
                          "%s does not serve %s of %s", cf_kube_name(c->k.hub), needed[i].kind,
                          needed[i].api_version);
    }
    return true;
}

/* A policy with all that we rely on, tried and not kept: what is unknown there comes back as an
 * error, and so does a webhook that does not answer. */
static bool check_fields(struct checking *c, struct cf_error *err)
{
    const struct cf_karmada *k = &c->k;
    cf_autojson json_t *body = json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:{s:[{s:s, s:s, s:s}], s:{s:{s:[s]}, s:{s:s}}, s:s, s:b, s:b, "
        "s:{s:b}}}",
        "apiVersion", CF_KARMADA_POLICY_API, "kind", "PropagationPolicy", "metadata", "name",
        "crossfade-check", "namespace", "default", "spec", "resourceSelectors", "apiVersion", "v1",
        "kind", "ConfigMap", "name", "crossfade-check", "placement", "clusterAffinity",
        "clusterNames", *k->target ? k->target : "none", "replicaScheduling",
        "replicaSchedulingType", "Duplicated", "conflictResolution", "Abort",
        "preserveResourcesOnDeletion", true, "propagateDeps", false, "suspension", "dispatching",
        true);
    struct cf_kube_write write = { .dry_run = true, .strict = true };
    struct cf_error mine = CF_ERROR_INIT;
    if (cf_kube_create(k->hub, NULL, body, &write, NULL, &mine))
        return true;
    if (mine.kind == CF_ERR_DENIED && mine.upstream == 403 && !strstr(mine.message, "webhook"))
        return true; /* no right in namespace default: the copy's own namespace is what counts */
    if (mine.kind == CF_ERR_TRANSIENT && strstr(mine.message, "webhook")) {
        cf_direct_finding(c->findings, "", "blocker", "WEBHOOK",
                          "See that karmada-webhook runs and answers",
                          "%s accepts no policies now: %s", cf_kube_name(k->hub), mine.message);
        return true;
    }
    return take(c, &mine, "TOO_OLD",
                "Karmada 1.13 or newer: preserveResourcesOnDeletion, suspension and their webhook",
                err);
}

/* --- its members --- */

static bool check_member(struct checking *c, const char *name, json_t **out_cluster,
                         struct cf_error *err)
{
    struct cf_error mine = CF_ERROR_INIT;
    if (!cf_karmada_cluster(&c->k, name, out_cluster, &mine))
        return take(c, &mine, "NO_MEMBER", "Join the cluster, or see that it was not removed", err);
    if (!cf_karmada_cluster_is_ready(*out_cluster))
        cf_direct_finding(c->findings, "", "blocker", "MEMBER_NOT_READY",
                          "See why Karmada cannot reach it: it dispatches nothing to it meanwhile",
                          "Cluster %s of %s is not Ready: %s", name, cf_kube_name(c->k.hub),
                          cf_json_str(cf_object_condition(*out_cluster, "Ready"), "never judged",
                                      "message", NULL));
    cf_autofree char *taint = cf_karmada_taint(*out_cluster);
    if (taint)
        cf_direct_finding(
            c->findings, "", "blocker", "TAINTED",
            "Remove the taint for the move: copies are not placed there, or thrown out",
            "Cluster %s of %s has the taint %s", name, cf_kube_name(c->k.hub), taint);
    if (cf_json_at(*out_cluster, "metadata", "deletionTimestamp", NULL))
        cf_direct_finding(c->findings, "", "blocker", "UNJOINING", "Wait, or join it again",
                          "Cluster %s is being removed from %s", name, cf_kube_name(c->k.hub));
    return true;
}

/* --- the objects --- */

static bool list_policies(struct checking *c, const char *kind, const char *ns,
                          struct cf_error *err)
{
    struct cf_kube_list list = { .api_version = CF_KARMADA_POLICY_API, .kind = kind, .ns = ns };
    cf_autojson json_t *items = NULL;
    struct cf_error mine = CF_ERROR_INIT;
    if (!cf_kube_list(c->k.hub, NULL, &list, &items, NULL, &mine)) {
        if (mine.kind == CF_ERR_NOT_FOUND)
            return true;
        if (mine.kind == CF_ERR_DENIED) {
            cf_direct_finding(c->findings, "", "warning", "DENIED", DENIED_HINT,
                              "whether another %s of %s selects the objects is not known: %s", kind,
                              cf_kube_name(c->k.hub), mine.message);
            return true;
        }
        cf_error_move(err, &mine);
        return cf_error_wrap(err, "list the policies of %s", cf_kube_name(c->k.hub));
    }
    json_array_extend(c->policies, items);
    return true;
}

bool cf_karmada_selects(const json_t *policy, const json_t *object)
{
    size_t i;
    json_t *row;
    const char *ns = cf_json_str(object, "", "metadata", "namespace", NULL);
    json_array_foreach(cf_json_at(policy, "spec", "resourceSelectors", NULL), i, row)
    {
        const char *name = cf_json_str(row, "", "name", NULL);
        const json_t *labels = json_object_get(row, "labelSelector");
        const char *in = cf_json_str(row, ns, "namespace", NULL);
        if (strcmp(cf_json_str(row, "", "apiVersion", NULL),
                   cf_json_str(object, "", "apiVersion", NULL)) != 0 ||
            strcmp(cf_json_str(row, "", "kind", NULL), cf_json_str(object, "", "kind", NULL)) !=
                0 ||
            (*in && strcmp(in, ns) != 0))
            continue;
        if (*name ? strcmp(name, cf_json_str(object, "", "metadata", "name", NULL)) == 0
                  : !labels || cf_selector_object_matches(
                                   labels, cf_json_at(object, "metadata", "labels", NULL)))
            return true;
    }
    return false;
}

static void check_policies(struct checking *c, const json_t *item)
{
    size_t i;
    json_t *policy;
    json_array_foreach(c->policies, i, policy)
    {
        const char *owner = cf_json_str(policy, "", "metadata", "labels", CF_LABEL_RUN, NULL);
        bool ours = *c->k.p->run_id && strcmp(owner, c->k.p->run_id) == 0;
        if (ours || !cf_karmada_selects(policy, json_object_get(item, "template")))
            continue;
        cf_autofree char *hint = cf_xasprintf(
            "Take it out of that policy first: kubectl -n %s edit %s %s",
            cf_json_str(policy, c->k.p->target_namespace, "metadata", "namespace", NULL),
            cf_json_str(policy, "PropagationPolicy", "kind", NULL),
            cf_json_str(policy, "", "metadata", "name", NULL));
        cf_direct_finding(
            c->findings, cf_json_str(item, "", "key", NULL), "blocker", "SELECTED_BY_ANOTHER", hint,
            "the %s %s of %s selects it, and would place "
            "it where it says",
            cf_json_str(policy, "policy", "kind", NULL),
            cf_json_str(policy, "", "metadata", "name", NULL), cf_kube_name(c->k.hub));
        return;
    }
}

static void found_template(struct checking *c, const char *key, const json_t *live)
{
    cf_autojson json_t *claim = cf_karmada_claim(live);
    cf_autofree char *by = claim ? cf_karmada_claim_text(claim) : NULL;
    const char *hint = "Take it out of the control plane first, with preserveResourcesOnDeletion";
    if (claim && !c->k.adopt)
        hint = "Set copy.mode: adopt: then it is taken over as it is placed. Or take it out of the "
               "control plane first";
    cf_direct_finding(c->findings, key, "blocker", "ALREADY_IN_CONTROL_PLANE", hint,
                      "%s has a template of that name already%s%s", cf_kube_name(c->k.hub),
                      by ? ", claimed by " : "", by ? by : "");
}

/* The template of that name: absent, ours, or somebody's which is taken over (*out_placed). */
static bool check_template(struct checking *c, const json_t *item, bool *out_placed,
                           struct cf_error *err)
{
    const struct cf_karmada *k = &c->k;
    const char *key = cf_json_str(item, "", "key", NULL);
    struct cf_object_ref ref = cf_direct_ref(item);
    struct cf_error mine = CF_ERROR_INIT;
    bool found = false;
    cf_autojson json_t *live = NULL;
    if (!cf_kube_find(k->hub, NULL, &ref, &found, &live, &mine)) {
        if (mine.kind == CF_ERR_NOT_FOUND) {
            cf_direct_finding(c->findings, key, "blocker", "KIND_NOT_SERVED",
                              "Install its CustomResourceDefinition in the control plane",
                              "%s does not serve %s", cf_kube_name(k->hub), ref.kind);
            return true;
        }
        return take(c, &mine, "UNREADABLE", DENIED_HINT, err);
    }
    const char *owner = cf_json_str(live, "", "metadata", "labels", CF_LABEL_RUN, NULL);
    if (!found || (*k->p->run_id && strcmp(owner, k->p->run_id) == 0))
        return true;
    if (k->adopt && *k->source &&
        !cf_karmada_check_placed(&c->placing, item, live, out_placed, err))
        return false;
    if (!*out_placed)
        found_template(c, key, live);
    return true;
}

static void check_kind(struct checking *c, const json_t *item, const json_t *cluster, json_t *said)
{
    struct cf_object_ref ref = cf_direct_ref(item);
    char version[CF_API_VERSION_MAX];
    cf_autofree char *once =
        cf_xasprintf("%s/%s", ref.kind, cf_json_str(cluster, "", "metadata", "name", NULL));
    if (!cluster || json_object_get(said, once) ||
        cf_karmada_serves(cluster, cf_ref_api_version(&ref, version), ref.kind))
        return;
    json_object_set_new(said, once, json_true());
    cf_direct_finding(c->findings, cf_json_str(item, "", "key", NULL), "blocker",
                      "KIND_NOT_ENABLED", "Install it in the member; Karmada looks each 30 seconds",
                      "Karmada does not see %s %s served by Cluster %s", version, ref.kind,
                      cf_json_str(cluster, "", "metadata", "name", NULL));
}

static bool check_objects(struct checking *c, const json_t *inventory, struct cf_error *err)
{
    cf_autojson json_t *said = json_object();
    c->policies = json_array();
    c->placing = (struct cf_karmada_placing){
        .k = &c->k, .policies = c->policies, .placed = json_object(), .findings = c->findings
    };
    if (!list_policies(c, "PropagationPolicy", c->k.p->target_namespace, err) ||
        !list_policies(c, "ClusterPropagationPolicy", NULL, err))
        return false;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        if (!cf_is_carried(item))
            continue;
        check_kind(c, item, c->target, said);
        if (c->k.adopt)
            check_kind(c, item, c->source, said);
        bool placed = false;
        if (!check_template(c, item, &placed, err))
            return false;
        if (!placed)
            check_policies(c, item);
    }
    cf_karmada_say_placed(&c->placing);
    return true;
}

bool cf_karmada_survey(const struct cf_propagation *p, const json_t *inventory,
                       json_t **out_findings, json_t **out_placed, struct cf_error *err)
{
    CF_CLEANUP(checking_free) struct checking c = { .findings = json_array() };
    struct cf_error mine = CF_ERROR_INIT;
    bool served = false;
    cf_karmada_view(p, &c.k);
    if (!check_served(&c, &served, err))
        return false;
    if (served && !cf_karmada_open(p, &c.k, &mine) &&
        !take(&c, &mine, "NO_MEMBER", "Join it to the control plane, or name another one", err))
        return false;
    if (served && *c.k.target) {
        if (!check_fields(&c, err) || !check_member(&c, c.k.target, &c.target, err) ||
            (c.k.adopt && *c.k.source && !check_member(&c, c.k.source, &c.source, err)) ||
            (inventory && !check_objects(&c, inventory, err)))
            return false;
    }
    *out_findings = cf_steal(&c.findings);
    *out_placed = c.placing.placed ? cf_steal(&c.placing.placed) : json_object();
    return true;
}

bool cf_karmada_check(const struct cf_propagation *p, const json_t *inventory,
                      json_t **out_findings, struct cf_error *err)
{
    cf_autojson json_t *placed = NULL;
    return cf_karmada_survey(p, inventory, out_findings, &placed, err);
}
