/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings get clusters: first the spec, then the status, so that what is observed catches up in
 * two steps. */
#include <string.h>

#include "deploy/sandbox/karmada/placement.h"
#include "deploy/sandbox/karmada/round.h"
#include "deploy/sandbox/karmada/status.h"

enum { DECIDE_MS = 20 };

static bool is_ours(const json_t *binding)
{
    return !sbx_is_going(binding) &&
           (*sbx_label(binding, KM_PP_ID) || *sbx_label(binding, KM_CPP_ID)) &&
           strcmp(cf_json_str(binding, KM_DEFAULT_SCHEDULER, "spec", "schedulerName", NULL),
                  KM_DEFAULT_SCHEDULER) == 0 &&
           !cf_json_bool(binding, false, "spec", "suspension", "scheduling", NULL);
}

/* What of the Clusters makes it look again. */
static const char *clusters_digest(struct km_round *r)
{
    if (*r->clusters)
        return r->clusters;
    cf_autojson json_t *all = json_array();
    size_t i;
    json_t *c;
    json_array_foreach(sbx_pass_all(&r->hub, KM_G_CLUSTER, "clusters"), i, c)
    {
        json_array_append_new(
            all, json_pack("[s,O?,O?,O?,b]", sbx_name(c),
                           json_object_get(json_object_get(c, "metadata"), "labels"),
                           json_object_get(c, "spec"),
                           json_object_get(json_object_get(c, "status"), "apiEnablements"),
                           (int)sbx_is_going(c)));
    }
    return km_digest(all, r->clusters);
}

static void refuse(struct km_round *r, const struct km_binding_kind *bk, const json_t *b,
                   const char *why)
{
    if (json_array_size(cf_json_at(b, "spec", "clusters", NULL)) > 0)
        (void)sbx_pass_merge(&r->hub, KM_SCHEDULER, KM_G_WORK, bk->plural, b,
                             json_pack("{s:{s:n}}", "spec", "clusters"));
    const struct km_condition c = { "Scheduled", "False", "NoClusterFit", why };
    (void)km_set_status(r, KM_SCHEDULER, KM_G_WORK, bk->plural, b, &c, NULL);
}

/* The status tells of the generation that was looked at: the patch before it is a new one. */
static void accept(struct km_round *r, const struct km_binding_kind *bk, const json_t *b,
                   const json_t *places, const char *affinity)
{
    cf_autofree char *placement = cf_json_dump(cf_json_at(b, "spec", "placement", NULL));
    if (!cf_json_equal(places, cf_json_at(b, "spec", "clusters", NULL)) ||
        strcmp(cf_json_str(b, "", "metadata", "annotations", KM_APPLIED_PLACEMENT, NULL),
               placement) != 0)
        (void)sbx_pass_merge(&r->hub, KM_SCHEDULER, KM_G_WORK, bk->plural, b,
                             json_pack("{s:{s:{s:s}},s:{s:O}}", "metadata", "annotations",
                                       KM_APPLIED_PLACEMENT, placement, "spec", "clusters",
                                       places));
    const struct km_condition c = { "Scheduled", "True", "Success",
                                    "Binding has been scheduled successfully." };
    json_t *more = json_pack("{s:I,s:s}", "schedulerObservedGeneration",
                             (json_int_t)cf_json_int(b, 0, "metadata", "generation", NULL),
                             "lastScheduledTime", r->hub.stamp);
    if (affinity)
        json_object_set_new(more, "schedulerObservedAffinityName", json_string(affinity));
    (void)km_set_status(r, KM_SCHEDULER, KM_G_WORK, bk->plural, b, &c, more);
}

static void look_at(struct km_round *r, const struct km_binding_kind *bk, json_t *b)
{
    if (!is_ours(b))
        return;
    cf_autofree char *now =
        cf_xasprintf("%lld %s", (long long)cf_json_int(b, 0, "metadata", "generation", NULL),
                     clusters_digest(r));
    const char *seen = km_recall(r, "scheduled %s", sbx_uid(b));
    if ((seen && strcmp(seen, now) == 0) ||
        !km_after(r, DECIDE_MS, "schedule %s %s", sbx_uid(b), now))
        return;
    km_note(r, now, "scheduled %s", sbx_uid(b));
    cf_autofree char *why = NULL;
    const char *affinity = NULL;
    cf_autojson json_t *places =
        km_place(b, sbx_pass_all(&r->hub, KM_G_CLUSTER, "clusters"), &affinity, &why);
    if (places)
        accept(r, bk, b, places, affinity);
    else
        refuse(r, bk, b, why);
}

void km_ctl_scheduler(struct km_round *r)
{
    km_each_binding(r, look_at);
}
