/* SPDX-License-Identifier: Apache-2.0 */
/* The views of one round, and small writes. */
#include "deploy/sandbox/clusternet/round.h"
#include "federation/objects/kinds.h"

#include <string.h>

void cn_round_begin(struct cn_round *r, struct cn_hub *plane)
{
    r->plane = plane;
    sbx_pass_begin(&r->hub, &plane->world);
    for (size_t i = 0; i < plane->count; i++)
        sbx_pass_begin(&r->members[i], &plane->members[i].world);
}

void cn_round_end(struct cn_round *r, int64_t *out_wake, bool *out_waiting)
{
    *out_wake = r->hub.wake;
    *out_waiting = r->hub.is_waiting;
    for (size_t i = 0; i < r->plane->count; i++) {
        *out_wake = CF_MIN(*out_wake, r->members[i].wake);
        sbx_pass_end(&r->members[i]);
    }
    sbx_pass_end(&r->hub);
}

json_t *cn_all(struct cn_round *r, const char *plural)
{
    return sbx_pass_all(&r->hub, CN_G_APPS, plural);
}

/* ---- Members ---- */

const json_t *cn_managed(struct cn_round *r, const char *ns)
{
    size_t i;
    json_t *m;
    json_array_foreach(sbx_pass_all(&r->hub, CN_G_CLUSTERS, "managedclusters"), i, m)
    {
        if (strcmp(sbx_ns(m), ns) == 0)
            return m;
    }
    return NULL;
}

bool cn_is_ready(const json_t *managed)
{
    return cf_object_condition_is(managed, "Ready", "True");
}

/* By the namespace's name, which the member's own name stands in. */
struct cn_member *cn_member_of(struct cn_round *r, const char *ns)
{
    const json_t *space = sbx_pass_one(&r->hub, "", "namespaces", NULL, ns);
    const char *name = space ? sbx_label(space, CN_CLUSTER_NAME) : "";
    for (size_t i = 0; i < r->plane->count; i++)
        if (strcmp(r->plane->members[i].name, name) == 0)
            return &r->plane->members[i];
    return NULL;
}

/* ---- Writes ---- */

bool cn_finalizer(struct cn_round *r, const char *plural, const json_t *o, const char *finalizer,
                  bool on)
{
    if (sbx_has_finalizer(o, finalizer) == on)
        return true;
    json_t *list = sbx_list_without(cf_json_at(o, "metadata", "finalizers", NULL), NULL, finalizer);
    if (on)
        json_array_append_new(list, json_string(finalizer));
    return sbx_pass_merge(&r->hub, CN_CONTROLLER, CN_G_APPS, plural, o,
                          json_pack("{s:{s:o}}", "metadata", "finalizers", list));
}

void cn_label(struct cn_round *r, const char *plural, const json_t *o, const char *key,
              const char *value)
{
    const char *now = cf_json_str(o, NULL, "metadata", "labels", key, NULL);
    if ((!now && !value) || (now && value && strcmp(now, value) == 0))
        return;
    (void)sbx_pass_merge(&r->hub, CN_CONTROLLER, CN_G_APPS, plural, o,
                         json_pack("{s:{s:{s:o}}}", "metadata", "labels", key,
                                   value ? json_string(value) : json_null()));
}

void cn_warn(struct cn_round *r, const json_t *object, const char *reason, const char *message)
{
    cf_autofree char *name = cf_xasprintf("%s.%s", sbx_name(object), reason);
    for (char *c = name; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    const char *ns = *sbx_ns(object) ? sbx_ns(object) : "default";
    if (sbx_pass_one(&r->hub, "", "events", ns, name))
        return;
    json_t *event = json_pack(
        "{s:{s:s,s:s},s:{s:s,s:s,s:s,s:s},s:s,s:s,s:s,s:i,s:s,s:s,s:{s:s}}", "metadata", "name",
        name, "namespace", ns, "involvedObject", "kind", cf_json_str(object, "", "kind", NULL),
        "namespace", sbx_ns(object), "name", sbx_name(object), "uid", sbx_uid(object), "type",
        "Warning", "reason", reason, "message", message, "count", 1, "firstTimestamp", r->hub.stamp,
        "lastTimestamp", r->hub.stamp, "source", "component", CN_CONTROLLER);
    (void)sbx_pass_create(&r->hub, CN_CONTROLLER, "", "events", event);
}

/* ---- Feeds ---- */

bool cn_feed_means(const json_t *feed, const json_t *manifest)
{
    const char *gv = cf_json_str(feed, "", "apiVersion", NULL);
    const char *ns = cf_json_str(feed, "", "namespace", NULL);
    const char *group = sbx_label(manifest, CN_GROUP);
    cf_autofree char *of =
        cf_xasprintf("%s%s%s", group, *group ? "/" : "", sbx_label(manifest, CN_VERSION));
    return strcmp(gv, of) == 0 &&
           strcmp(cf_json_str(feed, "", "kind", NULL), sbx_label(manifest, CN_KIND)) == 0 &&
           strcmp(cf_json_str(feed, "", "name", NULL), sbx_label(manifest, CN_NAME)) == 0 &&
           (!*ns || strcmp(ns, sbx_label(manifest, CN_NAMESPACE)) == 0);
}

json_t *cn_manifest_of(struct cn_round *r, const json_t *feed)
{
    size_t i;
    json_t *m;
    json_array_foreach(cn_all(r, "manifests"), i, m)
    {
        if (cn_feed_means(feed, m))
            return m;
    }
    return NULL;
}
