/* SPDX-License-Identifier: Apache-2.0 */
/* Graceful eviction: tasks on bindings that hold an old copy until the others are healthy or time is
 * up, and the taint manager that makes them. */
#include <string.h>

#include "base/clock.h"
#include "deploy/sandbox/karmada/match.h"
#include "deploy/sandbox/karmada/round.h"

enum {
    TIMEOUT_MS = 600000, /* of a task that names none */
    STAMP_MS = 30,
    EVICT_MS = 30,
};

static const json_t *item_of(const json_t *binding, const char *cluster)
{
    return cf_json_named(cf_json_at(binding, "status", "aggregatedStatus", NULL), "clusterName",
                         cluster);
}

/* Vacuously true of no clusters. */
static bool all_healthy(const json_t *binding)
{
    if (cf_json_int(binding, 0, "status", "schedulerObservedGeneration", NULL) !=
        cf_json_int(binding, -1, "metadata", "generation", NULL))
        return false;
    size_t i;
    json_t *c;
    json_array_foreach(cf_json_at(binding, "spec", "clusters", NULL), i, c)
    {
        const json_t *item = item_of(binding, cf_json_str(c, "", "name", NULL));
        if (strcmp(cf_json_str(item, "", "health", NULL), "Healthy") != 0)
            return false;
    }
    return true;
}

static bool is_over(struct km_round *r, const json_t *binding, const json_t *task)
{
    const json_t *suppress = json_object_get(task, "suppressDeletion");
    if (suppress)
        return json_is_false(suppress);
    int64_t grace = cf_json_int(task, 0, "gracePeriodSeconds", NULL);
    bool late = km_after(r, grace > 0 ? grace * 1000 : TIMEOUT_MS, "evict %s %s %s",
                         sbx_uid(binding), cf_json_str(task, "", "fromCluster", NULL),
                         cf_json_str(task, "", "creationTimestamp", NULL));
    return late || all_healthy(binding);
}

/* Stamps new tasks and takes away those that are over. */
static void tend(struct km_round *r, const struct km_binding_kind *bk, json_t *binding)
{
    const json_t *tasks = cf_json_at(binding, "spec", "gracefulEvictionTasks", NULL);
    if (json_array_size(tasks) == 0 || sbx_is_going(binding))
        return;
    cf_autojson json_t *kept = json_array();
    bool changed = false;
    size_t i;
    json_t *t;
    json_array_foreach(cf_json_unconst(tasks), i, t)
    {
        if (json_object_get(t, "creationTimestamp")) {
            bool over = is_over(r, binding, t);
            changed |= over;
            if (!over)
                json_array_append(kept, t);
            continue;
        }
        changed = true;
        json_t *stamped = cf_json_copy(t);
        json_object_set_new(stamped, "creationTimestamp", json_string(r->hub.stamp));
        json_array_append_new(kept, stamped);
    }
    char digest[KM_DIGEST];
    if (changed && km_after(r, STAMP_MS, "tasks %s %s", sbx_uid(binding), km_digest(kept, digest)))
        (void)sbx_pass_merge(&r->hub, KM_CONTROLLER, KM_G_WORK, bk->plural, binding,
                             json_array_size(kept) > 0
                                 ? json_pack("{s:{s:O}}", "spec", "gracefulEvictionTasks", kept)
                                 : json_pack("{s:{s:n}}", "spec", "gracefulEvictionTasks"));
}

/* The first bound cluster with a NoExecute taint that the placement does not tolerate. */
static json_t *evictable(struct km_round *r, const json_t *binding)
{
    const json_t *tolerations =
        cf_json_at(binding, "spec", "placement", "clusterTolerations", NULL);
    size_t i;
    json_t *c;
    json_array_foreach(cf_json_at(binding, "spec", "clusters", NULL), i, c)
    {
        const json_t *cluster =
            sbx_pass_one(&r->hub, KM_G_CLUSTER, "clusters", NULL, cf_json_str(c, "", "name", NULL));
        if (cluster && km_untolerated(cluster, tolerations, "NoExecute"))
            return c;
    }
    return NULL;
}

static void manage_taints(struct km_round *r, const struct km_binding_kind *bk, json_t *binding)
{
    /* It goes by what the scheduler has noted: bindings that others place are left alone. */
    if (!cf_json_str(binding, NULL, "metadata", "annotations", KM_APPLIED_PLACEMENT, NULL) ||
        sbx_is_going(binding) || km_on(&r->plane->switches, KM_FAILOVER_OFF))
        return;
    json_t *out = evictable(r, binding);
    if (!out)
        return;
    const char *name = cf_json_str(out, "", "name", NULL);
    if (!km_after(r, EVICT_MS, "taint %s %s", sbx_uid(binding), name))
        return;
    const json_t *old = cf_json_at(binding, "spec", "gracefulEvictionTasks", NULL);
    cf_autojson json_t *tasks = old ? json_copy(cf_json_unconst(old)) : json_array();
    json_t *task = json_pack("{s:s,s:s,s:s,s:s}", "fromCluster", name, "producer", "TaintManager",
                             "purgeMode", "Gracefully", "reason", "TaintUntolerated");
    if (json_object_get(out, "replicas"))
        json_object_set(task, "replicas", json_object_get(out, "replicas"));
    json_array_append_new(tasks, task);
    json_t *rest = sbx_list_without(cf_json_at(binding, "spec", "clusters", NULL), "name", name);
    (void)sbx_pass_merge(
        &r->hub, KM_CONTROLLER, KM_G_WORK, bk->plural, binding,
        json_pack("{s:{s:o,s:O}}", "spec", "clusters", rest, "gracefulEvictionTasks", tasks));
}

void km_ctl_eviction(struct km_round *r)
{
    km_each_binding(r, manage_taints);
    km_each_binding(r, tend);
}
