/* SPDX-License-Identifier: Apache-2.0 */
/* PodDisruptionBudgets: how many pods may be evicted now. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"

#include <string.h>

/* How many pods the budget's pods should be: what their workloads ask for; a ReplicaSet's workload
 * is its Deployment. */
static int64_t expected(struct sbx_pass *p, const json_t *pods)
{
    cf_autojson json_t *owners = json_object();
    static const char *const plurals[] = { "replicasets", "deployments", "statefulsets" };
    int64_t n = 0;
    size_t i;
    json_t *o;
    json_array_foreach(pods, i, o)
    {
        json_object_set_new(owners, sbx_controller_uid(o), json_true());
    }
    for (size_t g = 0; g < CF_ARRAY_LEN(plurals); g++)
        json_array_foreach(sbx_pass_all(p, "apps", plurals[g]), i, o)
        {
            if (!json_object_get(owners, sbx_uid(o)))
                continue;
            if (*sbx_controller_uid(o))
                json_object_set_new(owners, sbx_controller_uid(o), json_true());
            else
                n += cf_json_int(o, 1, "spec", "replicas", NULL);
        }
    return n;
}

static void look_at(struct sbx_pass *p, const json_t *pdb)
{
    cf_autojson json_t *pods = json_array();
    int64_t healthy = 0;
    size_t i;
    json_t *pod;
    json_array_foreach(sbx_pass_all(p, "", "pods"), i, pod)
    {
        if (strcmp(sbx_ns(pod), sbx_ns(pdb)) != 0 || sbx_pod_is_done(pod) ||
            !sbx_selector_matches(cf_json_at(pdb, "spec", "selector", NULL),
                                  cf_json_at(pod, "metadata", "labels", NULL)))
            continue;
        json_array_append(pods, pod);
        healthy += sbx_pod_is_ready(pod) && !sbx_is_going(pod);
    }
    int64_t total = expected(p, pods);
    const json_t *at_most = cf_json_at(pdb, "spec", "maxUnavailable", NULL);
    int64_t desired =
        at_most ? CF_MAX(0, total - sbx_int_or_percent(at_most, total, true, 0))
                : sbx_int_or_percent(cf_json_at(pdb, "spec", "minAvailable", NULL), total, true, 1);
    int64_t allowed = total > 0 ? CF_MAX(0, healthy - desired) : 0;
    int64_t generation = cf_json_int(pdb, 0, "metadata", "generation", NULL);
    json_t *list = json_array();
    sbx_condition_add(list, pdb, "DisruptionAllowed", allowed > 0 ? "True" : "False",
                      allowed > 0 ? "SufficientPods" : "InsufficientPods", "", generation,
                      p->stamp);
    json_object_set_new(json_array_get(list, 0), "message", json_string(""));
    sbx_pass_status(p, SBX_MANAGER, "policy", "poddisruptionbudgets", pdb,
                    json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "observedGeneration",
                              (json_int_t)generation, "expectedPods", (json_int_t)total,
                              "currentHealthy", (json_int_t)healthy, "desiredHealthy",
                              (json_int_t)desired, "disruptionsAllowed", (json_int_t)allowed,
                              "conditions", list));
}

void sbx_ctl_disruption(struct sbx_pass *p)
{
    sbx_pass_each_live(p, "policy", "poddisruptionbudgets", look_at);
}
