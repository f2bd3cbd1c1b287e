/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions: one Base in the namespace of each cluster they are bound to; a Base whose cluster
 * left goes at once. */
#include <string.h>

#include "deploy/sandbox/clusternet/round.h"

static bool is_bound_to(const json_t *sub, const char *ns)
{
    size_t i, n = strlen(ns);
    json_t *key;
    json_array_foreach(cf_json_at(sub, "status", "bindingClusters", NULL), i, key)
    {
        const char *text = json_string_value(key);
        if (text && strncmp(text, ns, n) == 0 && text[n] == '/')
            return true;
    }
    return false;
}

/* The Subscription's Base in that namespace (NULL: in any), or NULL. */
static const json_t *base_of(struct cn_round *r, const json_t *sub, const char *ns)
{
    size_t i;
    json_t *base;
    json_array_foreach(cn_all(r, "bases"), i, base)
    {
        if (strcmp(sbx_label(base, CN_SUB_UID), sbx_uid(sub)) == 0 &&
            (!ns || strcmp(sbx_ns(base), ns) == 0))
            return base;
    }
    return NULL;
}

static void make_base(struct cn_round *r, const json_t *sub, const json_t *managed)
{
    cf_autofree char *name = sbx_random_name(sbx_name(sub));
    json_t *labels = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", CN_CREATED_BY, CN_CONTROLLER, CN_KIND,
        "Subscription", CN_NAMESPACE, sbx_ns(sub), CN_UID, sbx_uid(sub), CN_SUB_NAME, sbx_name(sub),
        CN_SUB_NS, sbx_ns(sub), CN_SUB_UID, sbx_uid(sub), CN_CLUSTER_ID,
        sbx_label(managed, CN_CLUSTER_ID), CN_CLUSTER_NAME, sbx_label(managed, CN_CLUSTER_NAME));
    (void)sbx_pass_create(&r->hub, CN_CONTROLLER, CN_G_APPS, "bases",
                          json_pack("{s:{s:s,s:s,s:o,s:[s]},s:{s:O}}", "metadata", "name", name,
                                    "namespace", sbx_ns(managed), "labels", labels, "finalizers",
                                    CN_FINALIZER, "spec", "feeds",
                                    json_object_get(json_object_get(sub, "spec"), "feeds")));
}

static void sync_bases(struct cn_round *r, const json_t *sub)
{
    size_t i;
    json_t *managed, *base;
    json_t *feeds = json_object_get(json_object_get(sub, "spec"), "feeds");
    json_array_foreach(sbx_pass_all(&r->hub, CN_G_CLUSTERS, "managedclusters"), i, managed)
    {
        const json_t *there = base_of(r, sub, sbx_ns(managed));
        if (!is_bound_to(sub, sbx_ns(managed)))
            continue;
        if (!there)
            make_base(r, sub, managed);
        else if (!sbx_is_going(there) &&
                 !cf_json_equal(cf_json_at(there, "spec", "feeds", NULL), feeds))
            (void)sbx_pass_merge(&r->hub, CN_CONTROLLER, CN_G_APPS, "bases", there,
                                 json_pack("{s:{s:O}}", "spec", "feeds", feeds));
    }
    json_array_foreach(cn_all(r, "bases"), i, base)
    {
        if (strcmp(sbx_label(base, CN_SUB_UID), sbx_uid(sub)) == 0 && !sbx_is_going(base) &&
            !is_bound_to(sub, sbx_ns(base)))
            (void)sbx_pass_delete(&r->hub, CN_G_APPS, "bases", base, -1);
    }
}

static void let_go(struct cn_round *r, const json_t *sub)
{
    size_t i;
    json_t *o;
    json_array_foreach(cn_all(r, "bases"), i, o)
    {
        if (strcmp(sbx_label(o, CN_SUB_UID), sbx_uid(sub)) == 0 && !sbx_is_going(o))
            (void)sbx_pass_delete(&r->hub, CN_G_APPS, "bases", o, -1);
    }
    if (base_of(r, sub, NULL))
        return;
    json_array_foreach(cn_all(r, "manifests"), i, o)
    {
        cn_label(r, "manifests", o, sbx_uid(sub), NULL);
    }
    (void)cn_finalizer(r, "subscriptions", sub, CN_FINALIZER, false);
}

void cn_ctl_subscriptions(struct cn_round *r)
{
    size_t i;
    json_t *sub;
    json_array_foreach(cn_all(r, "subscriptions"), i, sub)
    {
        if (sbx_is_going(sub)) {
            let_go(r, sub);
            continue;
        }
        (void)cn_finalizer(r, "subscriptions", sub, CN_FINALIZER, true);
        cn_label(r, "subscriptions", sub, sbx_uid(sub), "Subscription");
        sync_bases(r, sub);
    }
}
