/* SPDX-License-Identifier: Apache-2.0 */
/* ReplicaSets: as many pods as they ask for. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"
#include "deploy/sandbox/controllers/pod_needs.h"

#include <string.h>

static void add_pods(struct sbx_pass *p, const json_t *rs, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        json_t *pod = sbx_pod_from(cf_json_at(rs, "spec", "template", NULL), sbx_ns(rs));
        cf_autofree char *name = sbx_random_name(sbx_name(rs));
        cf_json_put_take(pod, json_string(name), "metadata", "name", NULL);
        cf_autofree char *generate = cf_xasprintf("%s-", sbx_name(rs));
        cf_json_put_take(pod, json_string(generate), "metadata", "generateName", NULL);
        cf_json_put_take(pod, sbx_owned_by("apps/v1", "ReplicaSet", rs), "metadata",
                         "ownerReferences", NULL);
        if (!sbx_pod_create(p, pod))
            return;
    }
}

/* The pod that is missed least: not ready before ready, the youngest first. */
static size_t least_missed(const json_t *pods)
{
    size_t best = 0;
    for (size_t i = 1; i < json_array_size(pods); i++) {
        const json_t *a = json_array_get(pods, i), *b = json_array_get(pods, best);
        bool ra = sbx_pod_is_ready(a), rb = sbx_pod_is_ready(b);
        int newer = strcmp(cf_json_str(a, "", "metadata", "creationTimestamp", NULL),
                           cf_json_str(b, "", "metadata", "creationTimestamp", NULL));
        if (ra != rb ? rb : newer > 0)
            best = i;
    }
    return best;
}

static void look_at(struct sbx_pass *p, const json_t *rs)
{
    cf_autojson json_t *owned = sbx_pass_owned(p, "", "pods", rs);
    cf_autojson json_t *active = json_array();
    int64_t ready = 0, available = 0,
            min_ready_s = cf_json_int(rs, 0, "spec", "minReadySeconds", NULL);
    size_t i;
    json_t *pod;
    json_array_foreach(owned, i, pod)
    {
        if (!sbx_pod_is_active(pod))
            continue;
        json_array_append(active, pod);
        if (!sbx_pod_is_ready(pod))
            continue;
        ready++;
        available += min_ready_s == 0 ||
                     sbx_pass_after(p, min_ready_s * 1000, false, "available %s", sbx_uid(pod));
    }
    int64_t want = cf_json_int(rs, 1, "spec", "replicas", NULL),
            have = (int64_t)json_array_size(active);
    json_t *status = json_pack("{s:I,s:I}", "replicas", (json_int_t)have, "observedGeneration",
                               (json_int_t)cf_json_int(rs, 0, "metadata", "generation", NULL));
    sbx_set_count(status, "fullyLabeledReplicas", have);
    sbx_set_count(status, "readyReplicas", ready);
    sbx_set_count(status, "availableReplicas", available);
    sbx_pass_status(p, SBX_MANAGER, "apps", "replicasets", rs, status);
    if (!sbx_pass_is_live(p, rs))
        return;
    add_pods(p, rs, want - have);
    for (; have > want; have--) {
        size_t victim = least_missed(active);
        sbx_pass_delete(p, "", "pods", json_array_get(active, victim), -1);
        json_array_remove(active, victim);
    }
}

void sbx_ctl_replica_sets(struct sbx_pass *p)
{
    size_t i;
    json_t *rs;
    json_array_foreach(sbx_pass_all(p, "apps", "replicasets"), i, rs)
    {
        look_at(p, rs);
    }
}
