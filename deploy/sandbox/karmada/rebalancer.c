/* SPDX-License-Identifier: Apache-2.0 */
/* WorkloadRebalancers: bindings are told to schedule afresh. */
#include <string.h>

#include "deploy/sandbox/karmada/binding_spec.h"
#include "deploy/sandbox/karmada/round.h"
#include "deploy/sandbox/karmada/status.h"

#define G_APPS "apps.karmada.io"

static bool trigger(struct km_round *r, const json_t *ref)
{
    cf_autojson json_t *object = json_pack("{s:O?,s:{s:O?}}", "kind", json_object_get(ref, "kind"),
                                           "metadata", "name", json_object_get(ref, "name"));
    cf_autofree char *name = km_binding_name(object);
    const char *ns = cf_json_str(ref, "", "namespace", NULL);
    const struct km_binding_kind *bk = &km_binding_kinds[*ns == '\0'];
    const json_t *binding = sbx_pass_one(&r->hub, KM_G_WORK, bk->plural, *ns ? ns : NULL, name);
    return binding &&
           sbx_pass_merge(&r->hub, KM_CONTROLLER, KM_G_WORK, bk->plural, binding,
                          json_pack("{s:{s:s}}", "spec", "rescheduleTriggeredAt", r->hub.stamp));
}

static void look_at(struct km_round *r, const json_t *rebalancer)
{
    int64_t generation = cf_json_int(rebalancer, 0, "metadata", "generation", NULL);
    if (sbx_is_going(rebalancer) ||
        cf_json_int(rebalancer, 0, "status", "observedGeneration", NULL) == generation)
        return;
    json_t *observed = json_array(), *ref;
    size_t i;
    json_array_foreach(cf_json_at(rebalancer, "spec", "workloads", NULL), i, ref)
    {
        bool ok = trigger(r, ref);
        json_t *one =
            json_pack("{s:O,s:s}", "workload", ref, "result", ok ? "Successful" : "Failed");
        if (!ok)
            json_object_set_new(one, "reason", json_string("ReferencedBindingNotFound"));
        json_array_append_new(observed, one);
    }
    (void)km_set_status(r, KM_CONTROLLER, G_APPS, "workloadrebalancers", rebalancer, NULL,
                        json_pack("{s:I,s:s,s:o}", "observedGeneration", (json_int_t)generation,
                                  "finishTime", r->hub.stamp, "observedWorkloads", observed));
}

void km_ctl_rebalancer(struct km_round *r)
{
    size_t i;
    json_t *w;
    json_array_foreach(sbx_pass_all(&r->hub, G_APPS, "workloadrebalancers"), i, w)
    {
        look_at(r, w);
    }
}
