/* SPDX-License-Identifier: Apache-2.0 */
/* HorizontalPodAutoscalers: they keep their target within their bounds. No load is measured, so
 * within them nothing moves. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"

#include <string.h>

static const char *plural_of(const char *kind)
{
    return strcmp(kind, "Deployment") == 0    ? "deployments"
           : strcmp(kind, "StatefulSet") == 0 ? "statefulsets"
           : strcmp(kind, "ReplicaSet") == 0  ? "replicasets"
                                              : NULL;
}

static const json_t *target_of(struct sbx_pass *p, const json_t *hpa, const char **out_plural)
{
    *out_plural = plural_of(cf_json_str(hpa, "", "spec", "scaleTargetRef", "kind", NULL));
    return *out_plural ? sbx_pass_one(p, "apps", *out_plural, sbx_ns(hpa),
                                      cf_json_str(hpa, "", "spec", "scaleTargetRef", "name", NULL))
                       : NULL;
}

static void tell(struct sbx_pass *p, const json_t *hpa, int64_t current, int64_t desired,
                 bool found)
{
    const char *last = cf_json_str(hpa, "", "status", "lastScaleTime", NULL);
    json_t *list = json_array();
    json_t *status = json_pack("{s:I,s:I,s:o}", "currentReplicas", (json_int_t)current,
                               "desiredReplicas", (json_int_t)desired, "conditions", list);
    if (current != desired || *last)
        json_object_set_new(status, "lastScaleTime",
                            json_string(current != desired ? p->stamp : last));
    sbx_condition_add(list, hpa, "AbleToScale", found ? "True" : "False",
                      found ? "ReadyForNewScale" : "FailedGetScale",
                      found ? "the target can be scaled" : "the target is not there", -1, p->stamp);
    if (found) {
        sbx_condition_add(list, hpa, "ScalingActive", current > 0 ? "True" : "False",
                          current > 0 ? "ValidMetricFound" : "ScalingDisabled",
                          current > 0 ? "the load is taken as even" : "the target has no replicas",
                          -1, p->stamp);
        sbx_condition_add(list, hpa, "ScalingLimited", "False", "DesiredWithinRange",
                          "within its bounds", -1, p->stamp);
    }
    sbx_pass_status(p, SBX_MANAGER, "autoscaling", "horizontalpodautoscalers", hpa, status);
}

static void look_at(struct sbx_pass *p, const json_t *hpa)
{
    const char *plural;
    const json_t *target = target_of(p, hpa, &plural);
    int64_t current = target ? cf_json_int(target, 1, "spec", "replicas", NULL) : 0,
            desired = current;
    if (current > 0) {
        desired = CF_MAX(desired, cf_json_int(hpa, 1, "spec", "minReplicas", NULL));
        desired = CF_MIN(desired, cf_json_int(hpa, desired, "spec", "maxReplicas", NULL));
    }
    if (desired != current)
        sbx_pass_merge(p, SBX_MANAGER, "apps", plural, target,
                       json_pack("{s:{s:I}}", "spec", "replicas", (json_int_t)desired));
    tell(p, hpa, current, desired, target != NULL);
}

void sbx_ctl_scaling(struct sbx_pass *p)
{
    sbx_pass_each_live(p, "autoscaling", "horizontalpodautoscalers", look_at);
}
