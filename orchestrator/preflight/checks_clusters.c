/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the clusters themselves: answers, identity, TLS, clocks, rights, namespaces. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/preflight/checks_internal.h"
#include "orchestrator/preflight/rights.h"

enum { SKEW_WARN_MS = 2000, MINORS_APART_MAX = 2, LISTED_MAX = 6 };

/* ---- clusters ---- */

static void check_answers(struct cf_checking *c, const char *cluster)
{
    const struct cf_preflight_world *w = c->request->world;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_version version;
    cf_autofree char *command = cf_xasprintf("crossfade cluster check %s", cluster);
    if (!w->kube(w->self, cluster, &kube, &err) || !cf_kube_version(kube, NULL, &version, &err)) {
        cf_found(c, CF_LEVEL_BLOCKER, cluster, NULL,
                 "register the cluster, or see that its API server answers", command,
                 "cluster %s: %s", cluster, err.message);
        return;
    }
    for (size_t i = 0; i < c->n_clusters; i++)
        c->clusters[i].answers |= strcmp(c->clusters[i].name, cluster) == 0;
    if (strcmp(cluster, c->plan->source_cluster) == 0)
        c->source_answers = true;
    if (strcmp(cluster, c->plan->target_cluster) == 0)
        c->target_answers = true;
    cf_found(c, CF_LEVEL_INFO, cluster, json_pack("{s:s}", "version", version.git), NULL, NULL,
             "%s answers: %s", cluster, version.git);
}

static void check_versions(struct cf_checking *c)
{
    struct cf_kube_version from, to;
    struct cf_error err = CF_ERROR_INIT;
    if (!c->source_answers || !c->target_answers)
        return;
    if (!cf_kube_version(c->source, NULL, &from, &err) ||
        !cf_kube_version(c->target, NULL, &to, &err)) {
        cf_skipped(c, NULL, "the versions could not be compared: %s", err.message);
        return;
    }
    if (to.minor < from.minor || to.minor > from.minor + MINORS_APART_MAX)
        cf_found(c, CF_LEVEL_WARNING, c->plan->target_cluster,
                 json_pack("{s:s,s:s}", "source", from.git, "target", to.git),
                 "look at the APIs and defaults that changed in between", NULL,
                 "the source runs %s, the target %s", from.git, to.git);
}

void cf_preflight_clusters(struct cf_checking *c)
{
    cf_checking_each_cluster(c, check_answers);
    check_versions(c);
}

/* ---- identity ---- */

void cf_preflight_identity(struct cf_checking *c)
{
    char from[CF_KUBE_UID_TEXT], to[CF_KUBE_UID_TEXT];
    struct cf_error err = CF_ERROR_INIT;
    const struct cf_plan *p = c->plan;
    if (!cf_checking_needs(c, p->source_cluster) || !cf_checking_needs(c, p->target_cluster))
        return;
    if (!cf_kube_uid(c->source, NULL, from, &err) || !cf_kube_uid(c->target, NULL, to, &err)) {
        cf_found(c, CF_LEVEL_BLOCKER, NULL, NULL, "allow reading the namespace kube-system",
                 "crossfade cluster rbac", "the clusters' identity cannot be read: %s",
                 err.message);
        return;
    }
    if (strcmp(from, to) != 0)
        return;
    bool same = strcmp(p->source_namespace, p->target_namespace) == 0;
    cf_found(c, same ? CF_LEVEL_BLOCKER : CF_LEVEL_INFO, p->target_cluster,
             json_pack("{s:s}", "uid", from),
             same ? "name another cluster or another namespace" : NULL, NULL,
             "%s and %s are the same cluster", p->source_cluster, p->target_cluster);
}

/* ---- tls ---- */

static void check_tls_of(struct cf_checking *c, const char *cluster)
{
    const struct cf_preflight_world *w = c->request->world;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *record = NULL;
    if (!w->record || !w->record(w->self, cluster, &record, &err)) {
        cf_skipped(c, cluster, "the record of %s could not be read: %s", cluster, err.message);
        return;
    }
    if (cf_json_bool(record, false, "insecure", NULL))
        cf_found(c, CF_LEVEL_WARNING, cluster, NULL, "register the cluster with its CA certificate",
                 "crossfade cluster add",
                 "THE CERTIFICATE OF CLUSTER %s IS NOT VERIFIED: anybody in between can take its "
                 "credentials",
                 cluster);
    if (cf_json_bool(json_array_get(cf_json_at(record, "metrics", NULL), 0), false, "insecure",
                     NULL))
        cf_found(c, CF_LEVEL_WARNING, cluster, NULL,
                 "name the authority: crossfade cluster add … --metrics-ca-file FILE",
                 "crossfade cluster add",
                 "THE CERTIFICATE OF THE METRICS OF CLUSTER %s IS NOT VERIFIED: anybody in between "
                 "decides what the gates see",
                 cluster);
}

void cf_preflight_tls(struct cf_checking *c)
{
    cf_checking_each_cluster(c, check_tls_of);
}

/* ---- clock ---- */

static void check_clock_of(struct cf_checking *c, const char *cluster)
{
    CF_CLEANUP(cf_kube_unref_p)
    struct cf_kube *kube = cf_checking_needs(c, cluster) ? cf_checking_kube(c, cluster) : NULL;
    struct cf_error err = CF_ERROR_INIT;
    int64_t skew = 0;
    if (!kube)
        return;
    if (!cf_kube_clock_skew(kube, NULL, &skew, &err)) {
        cf_skipped(c, cluster, "the clock of %s could not be read: %s", cluster, err.message);
        return;
    }
    if (skew > SKEW_WARN_MS || skew < -SKEW_WARN_MS)
        cf_found(c, CF_LEVEL_WARNING, cluster, json_pack("{s:I}", "skewMs", (json_int_t)skew),
                 "let NTP set both clocks", NULL, "the clock of %s differs from ours by %.1f s",
                 cluster, (double)skew / 1000.0);
}

void cf_preflight_clock(struct cf_checking *c)
{
    cf_checking_each_cluster(c, check_clock_of);
}

/* ---- rights ---- */

static const char *const router_resources[] = {
    [CF_PLAN_ROUTER_VIRTUAL_SERVICE] = "virtualservices",
    [CF_PLAN_ROUTER_HTTP_ROUTE] = "httproutes",
    [CF_PLAN_ROUTER_INGRESS] = "ingresses",
};

static bool plan_steers(const struct cf_plan *plan, const char *resource)
{
    for (size_t i = 0; i < plan->traffic.n_routers; i++)
        if (strcmp(router_resources[plan->traffic.routers[i].type], resource) == 0)
            return true;
    return false;
}

/* One writer for both sides: the Services of its name are bridged, here and there. */
static bool bridges_by_name(const struct cf_plan *plan, enum cf_rights_role role,
                            const char *resource)
{
    return plan->traffic.writers == CF_PLAN_WRITERS_SINGLE &&
           (role & (CF_RIGHTS_SOURCE | CF_RIGHTS_TARGET)) &&
           strcmp(resource, "endpointslices") == 0;
}

static void check_rights_of(struct cf_checking *c, const char *cluster, const char *ns,
                            enum cf_rights_role role, const char *role_name)
{
    CF_CLEANUP(cf_kube_unref_p)
    struct cf_kube *kube = cf_checking_needs(c, cluster) ? cf_checking_kube(c, cluster) : NULL;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *rows = NULL;
    if (!kube)
        return;
    if (!cf_rights_check(kube, role, ns, &rows, &err)) {
        cf_skipped(c, cluster, "the rights in namespace %s of %s: %s", ns, cluster, err.message);
        return;
    }
    cf_autojson json_t *denied = json_array();
    bool may_probe = true;
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(800);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *resource = cf_json_str(row, "", "resource", NULL);
        bool needed = !cf_rights_is_optional(row) ||
                      ((role & CF_RIGHTS_ROUTER) && plan_steers(c->plan, resource)) ||
                      bridges_by_name(c->plan, role, resource);
        bool allowed = cf_json_bool(row, false, "allowed", NULL);
        may_probe = may_probe && (allowed || strcmp(resource, CF_RIGHTS_PROBE) != 0);
        if (allowed || !needed)
            continue;
        json_array_append(denied, row);
        if (json_array_size(denied) <= LISTED_MAX)
            cf_buf_printf(&text, "%s%s %s", text.len ? ", " : "",
                          cf_json_str(row, "", "verb", NULL), resource);
    }
    size_t n = json_array_size(denied);
    if (!may_probe)
        cf_found(c, CF_LEVEL_WARNING, cluster, NULL,
                 "allow it, or let Crossfade reach the pods' network", "crossfade cluster rbac",
                 "%s: no right to get " CF_RIGHTS_PROBE " in namespace %s: from outside the pods' "
                 "network the target cannot be probed, and the first weight is the proof",
                 cluster, ns);
    if (n == 0)
        return;
    if (n > LISTED_MAX)
        cf_buf_printf(&text, " and %zu more", n - LISTED_MAX);
    cf_autofree char *command = cf_xasprintf(
        "crossfade cluster rbac --%s %s --namespace %s",
        role & (CF_RIGHTS_KARMADA | CF_RIGHTS_CLUSTERNET) ? "method" : "side", role_name, ns);
    cf_found(c, CF_LEVEL_BLOCKER, cluster, json_pack("{s:O}", "denied", denied),
             "apply the printed roles with an administrator's kubectl", command,
             "%s: not allowed in namespace %s: %s", cluster, ns, cf_buf_str(&text));
}

void cf_preflight_rights(struct cf_checking *c)
{
    const struct cf_plan *p = c->plan;
    check_rights_of(c, p->source_cluster, p->source_namespace, CF_RIGHTS_SOURCE, "source");
    if (p->copy.control_plane && p->copy.mode == CF_PLAN_COPY_ADOPT)
        check_rights_of(c, p->source_cluster, p->source_namespace, CF_RIGHTS_ADOPTED, "adopted");
    check_rights_of(c, p->target_cluster, p->target_namespace, CF_RIGHTS_TARGET, "target");
    if (p->volumes.moves) {
        const char *velero = p->volumes.velero_namespace;
        check_rights_of(c, p->source_cluster, p->source_namespace, CF_RIGHTS_VOLUMES, "volumes");
        check_rights_of(c, p->target_cluster, p->target_namespace, CF_RIGHTS_VOLUMES, "volumes");
        check_rights_of(c, p->source_cluster, velero, CF_RIGHTS_VELERO, "velero");
        check_rights_of(c, p->target_cluster, velero, CF_RIGHTS_VELERO, "velero");
    }
    if (p->copy.method == CF_PLAN_COPY_KARMADA)
        check_rights_of(c, p->copy.control_plane, p->target_namespace, CF_RIGHTS_KARMADA,
                        "karmada");
    if (p->copy.method == CF_PLAN_COPY_CLUSTERNET)
        check_rights_of(c, p->copy.control_plane, p->target_namespace, CF_RIGHTS_CLUSTERNET,
                        "clusternet");
    for (size_t i = 0; i < p->traffic.n_routers; i++) {
        const struct cf_plan_router *r = &p->traffic.routers[i];
        bool asked = false;
        for (size_t k = 0; k < i; k++)
            asked = asked || (strcmp(p->traffic.routers[k].cluster, r->cluster) == 0 &&
                              strcmp(p->traffic.routers[k].namespace_, r->namespace_) == 0);
        if (!asked)
            check_rights_of(c, r->cluster, r->namespace_, CF_RIGHTS_ROUTER, "source");
    }
}

/* ---- namespaces ---- */

static bool find_namespace(struct cf_kube *kube, const char *name, bool *out_found,
                           bool *out_ending, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, name);
    cf_autojson json_t *object = NULL;
    if (!cf_kube_find(kube, NULL, &ref, out_found, &object, err))
        return false;
    *out_ending = strcmp(cf_json_str(object, "", "status", "phase", NULL), "Terminating") == 0;
    return true;
}

static void check_namespace(struct cf_checking *c, struct cf_kube *kube, const char *cluster,
                            const char *name, bool may_be_made)
{
    struct cf_error err = CF_ERROR_INIT;
    bool found = false, ending = false;
    cf_autofree char *command = cf_xasprintf("kubectl create namespace %s", name);
    if (!cf_checking_needs(c, cluster))
        return;
    if (!find_namespace(kube, name, &found, &ending, &err))
        cf_skipped(c, cluster, "namespace %s on %s could not be read: %s", name, cluster,
                   err.message);
    else if (ending)
        cf_found(c, CF_LEVEL_BLOCKER, cluster, NULL, "wait until it is gone", NULL,
                 "namespace %s on %s is being deleted", name, cluster);
    else if (!found && may_be_made)
        cf_found(c, CF_LEVEL_INFO, cluster, NULL, NULL, NULL, "namespace %s will be created on %s",
                 name, cluster);
    else if (!found)
        cf_found(c, CF_LEVEL_BLOCKER, cluster, NULL,
                 "create it, or say target.createNamespace: true", command,
                 "namespace %s does not exist on %s", name, cluster);
}

void cf_preflight_namespaces(struct cf_checking *c)
{
    const struct cf_plan *p = c->plan;
    check_namespace(c, c->source, p->source_cluster, p->source_namespace, false);
    check_namespace(c, c->target, p->target_cluster, p->target_namespace, p->create_namespace);
}
