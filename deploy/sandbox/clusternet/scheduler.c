/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions to clusters: whichever a subscriber's labels mean and whose taints are tolerated, at
 * every look. What leaves the list is deleted by the controllers after it. */
#include <string.h>

#include "deploy/sandbox/clusternet/round.h"

static bool is_tolerated(const json_t *sub, const json_t *taint)
{
    size_t i;
    json_t *t;
    json_array_foreach(cf_json_at(sub, "spec", "clusterTolerations", NULL), i, t)
    {
        const char *key = cf_json_str(t, "", "key", NULL);
        bool any = strcmp(cf_json_str(t, "Equal", "operator", NULL), "Exists") == 0;
        if ((!*key && any) || strcmp(key, cf_json_str(taint, "", "key", NULL)) == 0)
            return true;
    }
    return false;
}

static bool fits(const json_t *sub, const json_t *managed)
{
    size_t i;
    json_t *taint, *s;
    json_array_foreach(cf_json_at(managed, "spec", "taints", NULL), i, taint)
    {
        if (!is_tolerated(sub, taint))
            return false;
    }
    json_array_foreach(cf_json_at(sub, "spec", "subscribers", NULL), i, s)
    {
        if (sbx_selector_matches(json_object_get(s, "clusterAffinity"),
                                 cf_json_at(managed, "metadata", "labels", NULL)))
            return true;
    }
    return false;
}

static void look_at(struct cn_round *r, const json_t *sub)
{
    json_t *bound = json_array();
    size_t i;
    json_t *managed;
    json_array_foreach(sbx_pass_all(&r->hub, CN_G_CLUSTERS, "managedclusters"), i, managed)
    {
        if (sbx_is_going(managed) || !fits(sub, managed))
            continue;
        cf_autofree char *key = cf_xasprintf("%s/%s", sbx_ns(managed), sbx_name(managed));
        json_array_append_new(bound, json_string(key));
    }
    json_t *status = json_pack("{s:o,s:I}", "bindingClusters", bound, "desiredReleases",
                               (json_int_t)json_array_size(bound));
    (void)sbx_pass_status(&r->hub, CN_SCHEDULER, CN_G_APPS, "subscriptions", sub, status);
}

void cn_ctl_scheduler(struct cn_round *r)
{
    size_t i;
    json_t *sub;
    json_array_foreach(cn_all(r, "subscriptions"), i, sub)
    {
        const char *scheduler = cf_json_str(sub, "default", "spec", "schedulerName", NULL);
        if (!sbx_is_going(sub) && strcmp(scheduler, "default") == 0)
            look_at(r, sub);
    }
}
