/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the claims whose data moves: Velero of both clusters, storage, and what the rules of
 * velero/check*.c say about both (checks.h). */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/objects/pods.h"
#include "federation/objects/volumes.h"
#include "orchestrator/preflight/checks_internal.h"
#include "velero/volumes.h"

/* ---- what the rules want to see of the source ---- */

static json_t *pods_of(const json_t *pods, const char *claim)
{
    json_t *mine = json_array();
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        const json_t *spec = json_object_get(pod, "spec");
        if (spec && cf_pod_mounts(spec, claim))
            json_array_append(mine, pod);
    }
    return mine;
}

/* The volume behind a claim; without the right to read it the rules do without. */
static json_t *volume_of(struct cf_kube *kube, const json_t *claim)
{
    const char *name = cf_json_str(claim, "", "spec", "volumeName", NULL);
    struct cf_object_ref ref = cf_ref("v1", "PersistentVolume", NULL, name);
    struct cf_error unread = CF_ERROR_INIT;
    json_t *volume = NULL;
    bool found = false;
    if (!*name || !cf_kube_find(kube, NULL, &ref, &found, &volume, &unread))
        return NULL;
    return volume;
}

static json_t *claim_row(const struct cf_checking *c, const json_t *found, const json_t *pods)
{
    static const char *const same[] = { "name",         "strategy", "verify",
                                        "storageClass", "size",     "claim" };
    json_t *row = json_object();
    for (size_t i = 0; i < CF_ARRAY_LEN(same); i++)
        json_object_set(row, same[i], json_object_get(found, same[i]));
    const char *by = json_string_value(json_array_get(json_object_get(found, "by"), 0));
    const json_t *workload = by ? cf_inventory_body(c->inventory, by) : NULL;
    json_t *volume = volume_of(c->source, json_object_get(found, "claim"));
    json_object_set_new(row, "volume", volume ? volume : json_null());
    json_object_set_new(row, "pods", pods_of(pods, cf_json_str(found, "", "name", NULL)));
    json_object_set_new(row, "workload",
                        workload ? json_incref(cf_json_unconst(workload)) : json_null());
    return row;
}

static bool list(struct cf_kube *kube, const char *kind, const char *ns, json_t **out,
                 struct cf_error *err)
{
    struct cf_kube_list what = { .api_version = "v1", .kind = kind, .ns = ns };
    if (!cf_kube_list(kube, NULL, &what, out, NULL, err))
        return cf_error_wrap(err, "list %s in %s on %s", kind, ns, cf_kube_name(kube));
    return true;
}

static bool request_of(const struct cf_checking *c, json_t *request, struct cf_error *err)
{
    const struct cf_plan *plan = c->plan;
    cf_autojson json_t *pods = NULL;
    cf_autojson json_t *from = NULL;
    cf_autojson json_t *to = NULL;
    cf_autojson json_t *to_claims = NULL;
    cf_autojson json_t *quotas = NULL;
    json_t *claims = json_array();
    size_t i;
    json_t *found;
    json_object_set_new(request, "claims", claims);
    if (!list(c->source, "Pod", plan->source_namespace, &pods, err) ||
        !list(c->target, "PersistentVolumeClaim", plan->target_namespace, &to_claims, err) ||
        !list(c->target, "ResourceQuota", plan->target_namespace, &quotas, err) ||
        !cf_velero_look(c->source, plan->volumes.velero_namespace, "", &from, err) ||
        !cf_velero_look(c->target, plan->volumes.velero_namespace, "", &to, err))
        return false;
    json_array_foreach(cf_json_at(c->inventory, "volumes", "claims", NULL), i, found)
    {
        json_array_append_new(claims, claim_row(c, found, pods));
    }
    json_object_set(request, "from", from);
    json_object_set(request, "to", to);
    json_object_set(request, "toClaims", to_claims);
    json_object_set(request, "toQuotas", quotas);
    json_object_set_new(request, "location",
                        json_string(plan->volumes.location ? plan->volumes.location : ""));
    json_object_set_new(
        request, "backLocation",
        json_string(plan->volumes.back_location ? plan->volumes.back_location : ""));
    json_object_set_new(
        request, "clusters",
        json_pack("{s:s,s:s}", "from", plan->source_cluster, "to", plan->target_cluster));
    return true;
}

/* ---- the check ---- */

static void pass_on(struct cf_checking *c, const json_t *findings)
{
    size_t i;
    json_t *row;
    json_array_foreach(findings, i, row)
    {
        bool blocks = strcmp(cf_json_str(row, "", "level", NULL), "blocker") == 0;
        const char *claim = cf_json_str(row, "", "claim", NULL);
        cf_found(c, blocks ? CF_LEVEL_BLOCKER : CF_LEVEL_WARNING, NULL,
                 json_pack("{s:s,s:s}", "rule", cf_json_str(row, "", "rule", NULL), "claim", claim),
                 cf_json_str(row, "", "hint", NULL), NULL, "%s%s%s%s", *claim ? "claim " : "",
                 claim, *claim ? ": " : "", cf_json_str(row, "", "message", NULL));
    }
}

void cf_preflight_volumes(struct cf_checking *c)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *request = json_object();
    cf_autojson json_t *findings = json_array();
    if (!cf_checking_needs(c, c->plan->source_cluster) ||
        !cf_checking_needs(c, c->plan->target_cluster))
        return;
    if (!c->inventory) {
        cf_skipped(c, NULL, "the source's objects could not be read");
        return;
    }
    cf_preflight_volumes_plan(c);
    size_t n = json_array_size(cf_json_at(c->inventory, "volumes", "claims", NULL));
    if (n == 0) {
        cf_found(
            c, CF_LEVEL_WARNING, c->plan->source_cluster, NULL,
            "look at workloads.include and volumes.claims: crossfade plan explain says what is "
            "copied",
            NULL, "the plan moves data, but no claim among what is copied is meant by it");
        return;
    }
    if (!request_of(c, request, &err)) {
        cf_found(c, CF_LEVEL_BLOCKER, NULL, NULL, "see that Velero runs in both clusters", NULL,
                 "what the volumes need cannot be read: %s", err.message);
        return;
    }
    cf_velero_check(request, findings);
    pass_on(c, findings);
    cf_found(c, CF_LEVEL_INFO, c->plan->source_cluster, NULL, NULL, NULL,
             "the data of %zu claims will move", n);
}
