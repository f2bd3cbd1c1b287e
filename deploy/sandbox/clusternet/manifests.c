/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: finalizers; one that a Subscription feeds is not let go. */
#include <string.h>

#include "deploy/sandbox/clusternet/round.h"

static const json_t *fed_by(struct cn_round *r, const json_t *manifest)
{
    size_t i, f;
    json_t *sub, *feed;
    json_array_foreach(cn_all(r, "subscriptions"), i, sub)
    {
        json_array_foreach(cf_json_at(sub, "spec", "feeds", NULL), f, feed)
        {
            if (cn_feed_means(feed, manifest))
                return sub;
        }
    }
    return NULL;
}

static void let_go(struct cn_round *r, const json_t *manifest)
{
    const json_t *sub = fed_by(r, manifest);
    if (!sub) {
        (void)sbx_pass_merge(&r->hub, CN_CONTROLLER, CN_G_APPS, "manifests", manifest,
                             json_pack("{s:{s:[]}}", "metadata", "finalizers"));
        return;
    }
    if (cf_json_at(manifest, "metadata", "annotations", CN_PROTECTION, NULL))
        return;
    cf_autofree char *why = cf_xasprintf("block deleting current %s until all Subscriptions "
                                         "(including %s/%s) that refer this as a feed get deleted",
                                         sbx_label(manifest, CN_KIND), sbx_ns(sub), sbx_name(sub));
    (void)sbx_pass_merge(&r->hub, CN_CONTROLLER, CN_G_APPS, "manifests", manifest,
                         json_pack("{s:{s:{s:s}}}", "metadata", "annotations", CN_PROTECTION, why));
}

void cn_ctl_manifests(struct cn_round *r)
{
    size_t i;
    json_t *m;
    json_array_foreach(cn_all(r, "manifests"), i, m)
    {
        if (sbx_is_going(m))
            let_go(r, m);
        else if (!sbx_has_finalizer(m, CN_FINALIZER) || !sbx_has_finalizer(m, CN_PROTECTION))
            (void)sbx_pass_merge(
                &r->hub, CN_CONTROLLER, CN_G_APPS, "manifests", m,
                json_pack("{s:{s:[s,s]}}", "metadata", "finalizers", CN_FINALIZER, CN_PROTECTION));
    }
}
