/* SPDX-License-Identifier: Apache-2.0 */
/* Members: the agent's Lease, whose uid is the member's id; the dedicated namespace; the
 * ManagedCluster, whether it is Ready, and the taint that follows. */
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/clusternet/round.h"

enum {
    LOST_MS = 1000,  /* a real hub waits for three heartbeats */
    SHORT_ID = 5,    /* as names have it */
    NAME_MAX_ = 128, /* "clusternet-cluster-" and a short id */
};

/* The Lease of the member's agent; NULL: not there yet. Borrowed. */
static const json_t *lease_of(struct cn_round *r, size_t index)
{
    struct sbx_pass *p = &r->members[index];
    const json_t *lease = sbx_pass_one(p, "coordination.k8s.io", "leases", CN_SYSTEM, CN_AGENT);
    if (lease)
        return lease;
    if (!sbx_pass_one(p, "", "namespaces", NULL, CN_SYSTEM)) {
        (void)sbx_pass_create(p, CN_AGENT, "", "namespaces",
                              json_pack("{s:{s:s}}", "metadata", "name", CN_SYSTEM));
        return NULL;
    }
    (void)sbx_pass_create(p, CN_AGENT, "coordination.k8s.io", "leases",
                          json_pack("{s:{s:s,s:s},s:{s:s}}", "metadata", "name", CN_AGENT,
                                    "namespace", CN_SYSTEM, "spec", "holderIdentity", CN_AGENT));
    return NULL;
}

static const json_t *space_of(struct cn_round *r, const char *id)
{
    size_t i;
    json_t *ns;
    json_array_foreach(sbx_pass_all(&r->hub, "", "namespaces"), i, ns)
    {
        if (strcmp(sbx_label(ns, CN_CLUSTER_ID), id) == 0)
            return ns;
    }
    return NULL;
}

static void join(struct cn_round *r, const struct cn_member *m, const char *id, const json_t *space)
{
    char name[NAME_MAX_];
    const char *shorter = strlen(id) > SHORT_ID ? id + strlen(id) - SHORT_ID : id;
    if (!space) {
        snprintf(name, sizeof(name), "clusternet-%s", shorter);
        (void)sbx_pass_create(&r->hub, CN_HUB, "", "namespaces",
                              json_pack("{s:{s:s,s:{s:s,s:s}}}", "metadata", "name", name, "labels",
                                        CN_CLUSTER_ID, id, CN_CLUSTER_NAME, m->name));
        return;
    }
    snprintf(name, sizeof(name), "clusternet-cluster-%s", shorter);
    (void)sbx_pass_create(&r->hub, CN_HUB, CN_G_CLUSTERS, "managedclusters",
                          json_pack("{s:{s:s,s:s,s:{s:s,s:s}},s:{s:s,s:s}}", "metadata", "name",
                                    name, "namespace", sbx_name(space), "labels", CN_CLUSTER_ID, id,
                                    CN_CLUSTER_NAME, m->name, "spec", "clusterId", id, "syncMode",
                                    "Dual"));
}

/* What the agent reports of the member, or what the hub makes of its silence. */
static bool answers(struct cn_round *r, const struct cn_member *m)
{
    if (cn_on(&m->switches, CN_NOT_READY))
        return false;
    return !cn_on(&m->switches, CN_UNREACHABLE) ||
           !sbx_pass_after(&r->hub, LOST_MS, true, "lost %s", m->name);
}

static void report(struct cn_round *r, const struct cn_member *m, const json_t *managed)
{
    bool ready = answers(r, m);
    json_t *list = json_array();
    sbx_condition_add(list, managed, "Ready", ready ? "True" : "Unknown",
                      ready ? "ManagedClusterReady" : "ClusterStatusUnknown",
                      ready ? "managed cluster is ready."
                            : "Clusternet agent stopped posting cluster status.",
                      -1, r->hub.stamp);
    json_t *status = json_pack("{s:o,s:b,s:b,s:b,s:b,s:s,s:s}", "conditions", list, "appPusher", 1,
                               "healthz", ready, "livez", ready, "readyz", ready, "k8sVersion",
                               "v1.35.4", "apiserverURL", "https://10.0.0.1:443");
    (void)sbx_pass_status(&r->hub, CN_AGENT, CN_G_CLUSTERS, "managedclusters", managed, status);
    bool tainted = json_array_size(cf_json_at(managed, "spec", "taints", NULL)) > 0;
    if (tainted != ready)
        return;
    (void)sbx_pass_merge(&r->hub, CN_CONTROLLER, CN_G_CLUSTERS, "managedclusters", managed,
                         ready ? json_pack("{s:{s:[]}}", "spec", "taints")
                               : json_pack("{s:{s:[{s:s,s:s}]}}", "spec", "taints", "key", CN_TAINT,
                                           "effect", "NoSchedule"));
}

void cn_ctl_members(struct cn_round *r)
{
    for (size_t i = 0; i < r->plane->count; i++) {
        const json_t *lease = lease_of(r, i);
        if (!lease)
            continue;
        const json_t *space = space_of(r, sbx_uid(lease));
        const json_t *managed = space ? cn_managed(r, sbx_name(space)) : NULL;
        if (managed)
            report(r, &r->plane->members[i], managed);
        else
            join(r, &r->plane->members[i], sbx_uid(lease), space);
    }
}
