/* SPDX-License-Identifier: Apache-2.0 */
/* DaemonSets: one pod on each node that their nodeSelector takes. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"
#include "deploy/sandbox/controllers/pod_needs.h"

#include <string.h>

#define REVISION_LABEL "controller-revision-hash"

struct counts {
    int64_t wanted, there, ready, updated;
};

static bool takes_node(const json_t *ds, const json_t *node)
{
    const json_t *selector = cf_json_at(ds, "spec", "template", "spec", "nodeSelector", NULL);
    return json_object_size(selector) == 0 ||
           sbx_labels_have(cf_json_at(node, "metadata", "labels", NULL), selector);
}

static void make_pod(struct sbx_pass *p, const json_t *ds, const char *node, const char *hash)
{
    json_t *pod = sbx_pod_from(cf_json_at(ds, "spec", "template", NULL), sbx_ns(ds));
    cf_autofree char *name = sbx_random_name(sbx_name(ds));
    cf_json_put_take(pod, json_string(name), "metadata", "name", NULL);
    cf_json_put_take(pod, json_string(hash), "metadata", "labels", REVISION_LABEL, NULL);
    cf_json_put_take(pod, sbx_owned_by("apps/v1", "DaemonSet", ds), "metadata", "ownerReferences",
                     NULL);
    cf_json_put_take(pod, json_string(node), "spec", "nodeName", NULL);
    sbx_pod_create(p, pod);
}

/* One node's share: its pod is made, counted, or replaced when its template is an old one. */
static void look_at_node(struct sbx_pass *p, const json_t *ds, const json_t *pods,
                         const json_t *node, const char *hash, struct counts *c)
{
    bool wanted = takes_node(ds, node),
         on_delete =
             strcmp(cf_json_str(ds, "", "spec", "updateStrategy", "type", NULL), "OnDelete") == 0;
    c->wanted += wanted;
    bool found = false;
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        if (strcmp(cf_json_str(pod, "", "spec", "nodeName", NULL), sbx_name(node)) != 0)
            continue;
        bool is_new = strcmp(sbx_label(pod, REVISION_LABEL), hash) == 0, going = sbx_is_going(pod);
        if (!going && (!wanted || sbx_pod_is_done(pod) || (!is_new && !on_delete)))
            sbx_pass_delete(p, "", "pods", pod, -1);
        found = true;
        c->there += wanted;
        c->ready += !going && sbx_pod_is_ready(pod);
        c->updated += !going && is_new;
    }
    if (wanted && !found)
        make_pod(p, ds, sbx_name(node), hash);
}

static void look_at(struct sbx_pass *p, const json_t *ds)
{
    char hash[SBX_HASH_LEN + 1];
    sbx_template_hash(cf_json_at(ds, "spec", "template", NULL), hash);
    cf_autojson json_t *pods = sbx_pass_owned(p, "", "pods", ds);
    struct counts c = { 0 };
    size_t i;
    json_t *node;
    json_array_foreach(sbx_pass_all(p, "", "nodes"), i, node)
    {
        look_at_node(p, ds, pods, node, hash, &c);
    }
    json_t *status =
        json_pack("{s:I,s:I,s:I,s:I,s:i}", "observedGeneration",
                  (json_int_t)cf_json_int(ds, 0, "metadata", "generation", NULL),
                  "desiredNumberScheduled", (json_int_t)c.wanted, "currentNumberScheduled",
                  (json_int_t)c.there, "numberReady", (json_int_t)c.ready, "numberMisscheduled", 0);
    sbx_set_count(status, "updatedNumberScheduled", c.updated);
    sbx_set_count(status, "numberAvailable", c.ready);
    sbx_set_count(status, "numberUnavailable", c.wanted - c.ready);
    sbx_pass_status(p, SBX_MANAGER, "apps", "daemonsets", ds, status);
}

void sbx_ctl_daemon_sets(struct sbx_pass *p)
{
    sbx_pass_each_live(p, "apps", "daemonsets", look_at);
}
