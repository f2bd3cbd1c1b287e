/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters: joining at the start, their condition, what they serve, their taints, leaving. */
#include <string.h>

#include "deploy/sandbox/karmada/round.h"
#include "federation/objects/kinds.h"

enum {
    STATUS_MS = 10000,    /* between two looks at a member */
    THRESHOLD_MS = 30000, /* of failures or successes in a row before Ready changes */
    TAINT_MS = 25,
    LEAVE_MS = 5000, /* between the steps of leaving */
};

static void ensure_space(struct km_round *r, const char *cluster)
{
    cf_autofree char *ns = cf_xasprintf(KM_SPACE_PREFIX "%s", cluster);
    if (sbx_pass_one(&r->hub, "", "namespaces", NULL, ns))
        return;
    (void)sbx_pass_create(
        &r->hub, KM_CONTROLLER, "", "namespaces",
        json_pack("{s:{s:s,s:{s:s}}}", "metadata", "name", ns, "labels", KM_MANAGED, "true"));
}

static void join(struct km_round *r, struct km_member *m)
{
    if (m->joined)
        return;
    m->joined = true;
    if (sbx_pass_one(&r->hub, KM_G_CLUSTER, "clusters", NULL, m->name))
        return;
    const json_t *system =
        sbx_pass_one(km_member_pass(r, m), "", "namespaces", NULL, "kube-system");
    cf_autofree char *impersonator = cf_xasprintf("%s-impersonator", m->name);
    json_t *spec = json_pack("{s:s,s:s,s:s,s:{s:s,s:s},s:{s:s,s:s}}", "id", sbx_uid(system),
                             "syncMode", "Push", "apiEndpoint", m->url, "secretRef", "namespace",
                             "karmada-cluster", "name", m->name, "impersonatorSecretRef",
                             "namespace", "karmada-cluster", "name", impersonator);
    (void)sbx_pass_create(&r->hub, "karmadactl", KM_G_CLUSTER, "clusters",
                          json_pack("{s:{s:s,s:[s]},s:o}", "metadata", "name", m->name,
                                    "finalizers", KM_F_CLUSTER, "spec", spec));
}

/* ---- Status ---- */

/* The same kinds in the other versions of their groups. */
static void add_aliases(json_t *all, const struct km_member *m)
{
    for (const struct sbx_version_alias *a = sbx_version_aliases; a->group; a++) {
        cf_autofree char *gv = cf_xasprintf("%s/%s", a->group, a->version);
        json_t *resources = json_array();
        for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
            if (strcmp(k->group, a->group) == 0 &&
                (!a->plurals || sbx_word_in(a->plurals, k->plural)) &&
                sbx_api_serves(m->world.api, k->group, k->plural))
                json_array_append_new(resources,
                                      json_pack("{s:s,s:s}", "name", k->plural, "kind", k->kind));
        json_array_append_new(all,
                              json_pack("{s:s,s:o}", "groupVersion", gv, "resources", resources));
    }
}

static json_t *enablements(const struct km_member *m)
{
    json_t *all = json_array(), *group = NULL;
    const char *last = NULL, *version = NULL;
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++) {
        if (!sbx_api_serves(m->world.api, k->group, k->plural))
            continue;
        if (!last || strcmp(last, k->group) != 0 || strcmp(version, k->version) != 0) {
            cf_autofree char *gv =
                *k->group ? cf_xasprintf("%s/%s", k->group, k->version) : cf_xstrdup(k->version);
            group = json_pack("{s:s,s:[]}", "groupVersion", gv, "resources");
            json_array_append_new(all, group);
        }
        last = k->group;
        version = k->version;
        json_array_append_new(json_object_get(group, "resources"),
                              json_pack("{s:s,s:s}", "name", k->plural, "kind", k->kind));
    }
    add_aliases(all, m);
    return all;
}

/* What its condition should be now. */
static enum km_ready judge(struct km_round *r, const struct km_member *m, const json_t *cluster)
{
    enum km_ready forced = m ? (enum km_ready)km_get(&m->switches, KM_READY) : KM_READY_MEASURED;
    if (forced != KM_READY_MEASURED)
        return forced;
    bool answers = m && km_member_answers(m);
    const json_t *ready = cf_object_condition(cluster, "Ready");
    if (!ready)
        return answers ? KM_READY_MEASURED : KM_READY_FALSE;
    bool was = cf_object_condition_is(cluster, "Ready", "True");
    if (was == answers)
        return answers ? KM_READY_MEASURED : KM_READY_FALSE;
    bool passed = km_after(r, THRESHOLD_MS, "ready %s %d", sbx_name(cluster), answers);
    return (passed ? answers : was) ? KM_READY_MEASURED : KM_READY_FALSE;
}

static json_t *conditions(struct km_round *r, const json_t *cluster, enum km_ready ready)
{
    static const struct {
        const char *status, *reason, *message;
    } rows[] = {
        [KM_READY_MEASURED] = { "True", "ClusterReady",
                                "cluster is healthy and ready to accept workloads" },
        [KM_READY_FALSE] = { "False", "ClusterNotReachable", "cluster is not reachable" },
        [KM_READY_UNKNOWN] = { "Unknown", "NodeStatusUnknown",
                               "Kubelet stopped posting node status." },
    };
    json_t *list = json_array();
    sbx_condition_add(list, cluster, "Ready", rows[ready].status, rows[ready].reason,
                      rows[ready].message, -1, r->hub.stamp);
    sbx_condition_add(list, cluster, "CompleteAPIEnablements", "True", "FullAPIEnablements", "", -1,
                      r->hub.stamp);
    return list;
}

/* Each look begins the wait for the next one. */
static bool is_due(struct km_round *r, const json_t *cluster)
{
    const char *looks = km_recall(r, "looks %s", sbx_uid(cluster));
    long n = looks ? strtol(looks, NULL, 10) : 0;
    if (looks && !km_after(r, STATUS_MS, "look %s %ld", sbx_uid(cluster), n))
        return false;
    cf_autofree char *next = cf_xasprintf("%ld", n + 1);
    km_note(r, next, "looks %s", sbx_uid(cluster));
    (void)km_after(r, STATUS_MS, "look %s %ld", sbx_uid(cluster), n + 1);
    return true;
}

static void report(struct km_round *r, const struct km_member *m, const json_t *cluster,
                   enum km_ready ready)
{
    json_t *old = json_object_get(cluster, "status");
    json_t *status = old ? json_copy(old) : json_object();
    json_object_set_new(status, "conditions", conditions(r, cluster, ready));
    if (m && km_member_answers(m) && is_due(r, cluster)) {
        size_t nodes = json_array_size(sbx_pass_all(km_member_pass(r, m), "", "nodes"));
        json_object_set_new(status, "kubernetesVersion", json_string("v1.35.4"));
        json_object_set_new(status, "apiEnablements", enablements(m));
        json_object_set_new(
            status, "nodeSummary",
            json_pack("{s:I,s:I}", "totalNum", (json_int_t)nodes, "readyNum", (json_int_t)nodes));
    }
    (void)sbx_pass_status(&r->hub, KM_CONTROLLER, KM_G_CLUSTER, "clusters", cluster, status);
}

/* ---- Taints ---- */

static void taint(struct km_round *r, const json_t *cluster, enum km_ready ready)
{
    const char *want = ready == KM_READY_FALSE     ? KM_TAINT_NOT_READY
                       : ready == KM_READY_UNKNOWN ? KM_TAINT_UNREACHABLE
                                                   : "";
    cf_autojson json_t *taints = json_array();
    bool has = !*want, changed = false;
    size_t i;
    json_t *t;
    json_array_foreach(cf_json_at(cluster, "spec", "taints", NULL), i, t)
    {
        const char *key = cf_json_str(t, "", "key", NULL);
        bool ours =
            strcmp(cf_json_str(t, "", "effect", NULL), "NoSchedule") == 0 &&
            (strcmp(key, KM_TAINT_NOT_READY) == 0 || strcmp(key, KM_TAINT_UNREACHABLE) == 0);
        if (ours && strcmp(key, want) != 0) {
            changed = true;
            continue;
        }
        has |= ours;
        json_array_append(taints, t);
    }
    if (!has)
        json_array_append_new(taints, json_pack("{s:s,s:s,s:s}", "key", want, "effect",
                                                "NoSchedule", "timeAdded", r->hub.stamp));
    if ((has && !changed) || !km_after(r, TAINT_MS, "taint %s %s", sbx_name(cluster), want))
        return;
    (void)sbx_pass_merge(&r->hub, KM_CONTROLLER, KM_G_CLUSTER, "clusters", cluster,
                         json_pack("{s:{s:O}}", "spec", "taints", taints));
}

/* ---- Leaving ---- */

static bool is_bound(struct km_round *r, const char *cluster)
{
    for (size_t k = 0; k < CF_ARRAY_LEN(km_binding_kinds); k++) {
        size_t i;
        json_t *b;
        json_array_foreach(sbx_pass_all(&r->hub, KM_G_WORK, km_binding_kinds[k].plural), i, b)
        {
            if (km_has_cluster(cf_json_at(b, "spec", "clusters", NULL), cluster))
                return true;
        }
    }
    return false;
}

/* The Works go with their namespace, and with them what the member got and is not preserved. */
static void leave(struct km_round *r, const json_t *cluster)
{
    const char *name = sbx_name(cluster);
    cf_autofree char *ns = cf_xasprintf(KM_SPACE_PREFIX "%s", name);
    const json_t *space = sbx_pass_one(&r->hub, "", "namespaces", NULL, ns);
    if (is_bound(r, name) || !km_after(r, LEAVE_MS, "leave %s %d", name, space != NULL))
        return;
    if (space && !sbx_is_going(space))
        (void)sbx_pass_delete(&r->hub, "", "namespaces", space, -1);
    else if (!space && sbx_has_finalizer(cluster, KM_F_CLUSTER))
        (void)km_drop_finalizer(r, KM_G_CLUSTER, "clusters", cluster, KM_F_CLUSTER);
}

static void look_at(struct km_round *r, const json_t *cluster)
{
    struct km_member *m = km_member(r, sbx_name(cluster));
    enum km_ready ready = judge(r, m, cluster);
    report(r, m, cluster, ready);
    if (sbx_is_going(cluster)) {
        leave(r, cluster);
        return;
    }
    if (!sbx_has_finalizer(cluster, KM_F_CLUSTER)) {
        json_t *list = json_object_get(json_object_get(cluster, "metadata"), "finalizers");
        json_t *more = list ? json_copy(list) : json_array();
        json_array_append_new(more, json_string(KM_F_CLUSTER));
        (void)sbx_pass_merge(&r->hub, KM_CONTROLLER, KM_G_CLUSTER, "clusters", cluster,
                             json_pack("{s:{s:o}}", "metadata", "finalizers", more));
    }
    ensure_space(r, sbx_name(cluster));
    taint(r, cluster, ready);
}

void km_ctl_clusters(struct km_round *r)
{
    for (size_t i = 0; i < r->plane->count; i++)
        join(r, &r->plane->members[i]);
    size_t i;
    json_t *c;
    json_array_foreach(sbx_pass_all(&r->hub, KM_G_CLUSTER, "clusters"), i, c)
    {
        look_at(r, c);
    }
}
