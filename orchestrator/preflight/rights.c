/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rights (rights.h). */
#include "orchestrator/preflight/rights.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { YAML_MAX = 64 * 1024, VERBS_MAX = 8 };

struct right {
    const char *group;
    const char *resources[12]; /* plural names, ended by NULL */
    const char *verbs[VERBS_MAX];
    unsigned roles;
    bool cluster_wide; /* the resource has no namespace */
    bool optional;     /* only if the cluster serves it */
    const char *why;
};

#define READ   "get", "list", "watch"
#define WRITE  "create", "update", "patch", "delete"
#define SOURCE CF_RIGHTS_SOURCE
#define TARGET CF_RIGHTS_TARGET
#define ROUTER CF_RIGHTS_ROUTER
#define PLANE  CF_RIGHTS_KARMADA
#define HUB    CF_RIGHTS_CLUSTERNET

static const struct right rights[] = {
    { "",
      { "namespaces" },
      { "get" },
      SOURCE | TARGET | ROUTER,
      true,
      false,
      "identity of the cluster, labels of the namespace" },
    { "",
      { "namespaces" },
      { "create", "patch", "delete" },
      TARGET,
      true,
      true,
      "createNamespace" },
    { "",
      { "namespaces" },
      { "get", "create", "patch", "delete" },
      PLANE,
      true,
      false,
      "the namespace of the templates, made so that it is not propagated" },
    { "cluster.karmada.io",
      { "clusters" },
      { "get", "list" },
      PLANE,
      true,
      false,
      "which member is which, whether it is Ready, its taints" },
    { "policy.karmada.io",
      { "propagationpolicies", "overridepolicies" },
      { "get", "list", WRITE },
      PLANE,
      false,
      false,
      "what places the copies, and the values of the target alone" },
    { "policy.karmada.io",
      { "clusterpropagationpolicies" },
      { "get", "list" },
      PLANE,
      true,
      true,
      "whether somebody else's policy selects what is moved" },
    { "work.karmada.io",
      { "resourcebindings" },
      { "get", "list" },
      PLANE,
      false,
      false,
      "what Karmada has made of a policy" },
    { "work.karmada.io",
      { "resourcebindings" },
      { "patch" },
      PLANE,
      false,
      true,
      "placing the copies ourselves, so that no scheduler can move them meanwhile" },
    { "work.karmada.io",
      { "works" },
      { "get", "list", "patch" },
      PLANE,
      true,
      false,
      "what is written to a member, before it is; freeing a Work whose object is gone" },
    { "",
      { "namespaces" },
      { "get", "create", "patch", "delete" },
      HUB,
      true,
      false,
      "the namespace of the Subscriptions" },
    { "clusters.clusternet.io",
      { "managedclusters" },
      { "get", "list" },
      HUB,
      true,
      false,
      "which member is the target, and whether it is Ready" },
    { "shadow",
      { "*" },
      { "get", "list", "create", "patch", "delete" },
      HUB,
      false,
      false,
      "the templates" },
    { "apps.clusternet.io",
      { "manifests" },
      { "get", "list", "patch" },
      HUB,
      true,
      false,
      "what the hub keeps of the templates (in clusternet-reserved)" },
    { "apps.clusternet.io",
      { "subscriptions" },
      { "get", "list", "create", "patch", "delete" },
      HUB,
      false,
      false,
      "what is deployed to the target" },
    { "apps.clusternet.io",
      { "localizations" },
      { "get", "list", "create", "patch", "delete" },
      HUB,
      true,
      false,
      "what the target has otherwise (in its namespace of the hub)" },
    { "apps.clusternet.io",
      { "bases", "descriptions", "globalizations" },
      { "get", "list" },
      HUB,
      true,
      false,
      "what the hub makes of it, and what others have of it" },
    { "coordination.k8s.io",
      { "leases" },
      { "get" },
      SOURCE | TARGET,
      true,
      true,
      "which member of Clusternet's hub it is" },
    { "",
      { "configmaps", "secrets", "serviceaccounts", "services", "persistentvolumeclaims",
        "resourcequotas", "limitranges", "pods", "endpoints" },
      { READ },
      SOURCE,
      false,
      false,
      "what is copied" },
    { "apps",
      { "deployments", "statefulsets", "daemonsets", "replicasets" },
      { READ },
      SOURCE,
      false,
      false,
      "what is copied" },
    { "apps",
      { "deployments", "statefulsets", "replicasets" },
      { "patch" },
      SOURCE,
      false,
      false,
      "retiring the source after commit" },
    { "autoscaling",
      { "horizontalpodautoscalers" },
      { READ, "patch" },
      SOURCE,
      false,
      false,
      "the floor of autoscalers while both sides serve" },
    { "batch", { "jobs", "cronjobs" }, { READ }, SOURCE, false, false, "what is copied" },
    { "batch",
      { "jobs", "cronjobs" },
      { "patch" },
      SOURCE,
      false,
      false,
      "suspending at commit what must not run twice" },
    { "policy", { "poddisruptionbudgets" }, { READ }, SOURCE, false, false, "what is copied" },
    { "networking.k8s.io",
      { "networkpolicies" },
      { READ },
      SOURCE,
      false,
      false,
      "what is copied" },
    { "rbac.authorization.k8s.io",
      { "roles", "rolebindings" },
      { READ },
      SOURCE,
      false,
      false,
      "what is copied" },
    { "",
      { "configmaps", "secrets", "serviceaccounts", "services", "persistentvolumeclaims",
        "resourcequotas", "limitranges" },
      { READ, WRITE },
      TARGET | PLANE,
      false,
      false,
      "the copies" },
    { "apps",
      { "deployments", "statefulsets", "daemonsets" },
      { READ, WRITE },
      TARGET | PLANE,
      false,
      false,
      "the copies" },
    { "autoscaling",
      { "horizontalpodautoscalers" },
      { READ, WRITE },
      TARGET | PLANE,
      false,
      false,
      "the copies" },
    { "batch",
      { "jobs", "cronjobs" },
      { READ, WRITE },
      TARGET | PLANE,
      false,
      false,
      "the copies" },
    { "policy",
      { "poddisruptionbudgets" },
      { READ, WRITE },
      TARGET | PLANE,
      false,
      false,
      "the copies" },
    { "networking.k8s.io",
      { "networkpolicies" },
      { READ, WRITE },
      TARGET | PLANE,
      false,
      false,
      "the copies" },
    { "rbac.authorization.k8s.io",
      { "roles", "rolebindings" },
      { READ, WRITE },
      TARGET | PLANE,
      false,
      true,
      "the copies, where workloads have RBAC" },
    { "", { "pods" }, { READ }, TARGET, false, false, "health of the copies" },
    { "discovery.k8s.io",
      { "endpointslices" },
      { READ },
      TARGET,
      false,
      false,
      "what the bridge mirrors" },
    { "",
      { "services" },
      { READ, "create", "patch", "delete" },
      ROUTER,
      false,
      false,
      "the bridge" },
    { "",
      { CF_RIGHTS_PROBE },
      { "get" },
      ROUTER,
      false,
      true,
      "the probe of the target, where Crossfade stands outside the pods' network" },
    { "discovery.k8s.io",
      { "endpointslices" },
      { READ, WRITE },
      ROUTER,
      false,
      false,
      "the bridge" },
    { "networking.istio.io",
      { "virtualservices" },
      { READ, "patch" },
      ROUTER,
      false,
      true,
      "weights" },
    { "gateway.networking.k8s.io",
      { "httproutes" },
      { READ, "patch" },
      ROUTER,
      false,
      true,
      "weights" },
    { "networking.k8s.io",
      { "ingresses" },
      { READ, "create", "patch", "delete" },
      ROUTER,
      false,
      true,
      "weights (canary Ingress)" },
};

bool cf_rights_role_parse(const char *name, enum cf_rights_role *out)
{
    if (strcmp(name, "source") == 0)
        *out = (enum cf_rights_role)(CF_RIGHTS_SOURCE | CF_RIGHTS_ROUTER);
    else if (strcmp(name, "target") == 0)
        *out = CF_RIGHTS_TARGET;
    else if (strcmp(name, "both") == 0)
        *out = CF_RIGHTS_BOTH;
    else if (strcmp(name, "karmada") == 0)
        *out = CF_RIGHTS_KARMADA;
    else if (strcmp(name, "clusternet") == 0)
        *out = CF_RIGHTS_CLUSTERNET;
    else
        return false;
    return true;
}

bool cf_rights_is_optional(const json_t *row)
{
    return cf_json_bool(row, false, "optional", NULL);
}

/* ---- asking ---- */

static bool ask(struct cf_kube *kube, const struct right *r, const char *resource, const char *verb,
                const char *ns, json_t *out, struct cf_error *err)
{
    char reason[CF_ERROR_FIELD_MAX] = "", plural[CF_ERROR_FIELD_MAX];
    bool allowed = false;
    size_t len = strcspn(resource, "/");
    (void)snprintf(plural, sizeof plural, "%.*s", (int)len, resource);
    struct cf_kube_access what = { .verb = verb,
                                   .group = r->group,
                                   .resource = plural,
                                   .subresource = resource[len] ? resource + len + 1 : NULL,
                                   .ns = r->cluster_wide ? NULL : ns };
    if (!cf_kube_can(kube, NULL, &what, &allowed, reason, err))
        return false;
    json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:b}", "verb", verb, "group",
                                         r->group, "resource", resource, "namespace",
                                         what.ns ? what.ns : "", "allowed", allowed, "reason",
                                         reason, "for", r->why, "optional", r->optional));
    return true;
}

bool cf_rights_check(struct cf_kube *kube, enum cf_rights_role role, const char *ns,
                     json_t **out_rows, struct cf_error *err)
{
    cf_autojson json_t *out = json_array();
    for (size_t i = 0; i < CF_ARRAY_LEN(rights); i++) {
        const struct right *r = &rights[i];
        if (!(r->roles & role))
            continue;
        for (int k = 0; r->resources[k]; k++)
            for (int v = 0; v < VERBS_MAX && r->verbs[v]; v++)
                if (!ask(kube, r, r->resources[k], r->verbs[v], ns, out, err))
                    return false;
    }
    *out_rows = cf_steal(&out);
    return true;
}

/* ---- printing ---- */

static void print_rule(const struct right *r, struct cf_buf *out)
{
    cf_buf_printf(out, "  # %s\n  - apiGroups: [\"%s\"]\n    resources: [", r->why, r->group);
    for (int i = 0; r->resources[i]; i++)
        cf_buf_printf(out, "%s%s", i ? ", " : "", r->resources[i]);
    cf_buf_puts(out, "]\n    verbs: [");
    for (int i = 0; i < VERBS_MAX && r->verbs[i]; i++)
        cf_buf_printf(out, "%s%s", i ? ", " : "", r->verbs[i]);
    cf_buf_puts(out, "]\n");
}

static void print_role(enum cf_rights_role role, const char *kind, const char *ns,
                       bool cluster_wide, bool namespaced, struct cf_buf *out)
{
    cf_buf_printf(
        out, "apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n  name: crossfade\n",
        kind);
    if (ns)
        cf_buf_printf(out, "  namespace: %s\n", ns);
    cf_buf_puts(out, "rules:\n");
    for (size_t i = 0; i < CF_ARRAY_LEN(rights); i++)
        if ((rights[i].roles & role) && (rights[i].cluster_wide ? cluster_wide : namespaced))
            print_rule(&rights[i], out);
    cf_buf_puts(out, "---\n");
}

static void print_binding(const char *kind, const char *role_kind, const char *ns,
                          struct cf_buf *out)
{
    cf_buf_printf(
        out, "apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n  name: crossfade\n",
        kind);
    if (ns)
        cf_buf_printf(out, "  namespace: %s\n", ns);
    cf_buf_printf(out,
                  "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: crossfade}\n"
                  "subjects:\n  - {kind: ServiceAccount, name: crossfade, namespace: crossfade}\n",
                  role_kind);
}

char *cf_rights_yaml(enum cf_rights_role role, const char *ns)
{
    struct cf_buf out = CF_BUF_INIT(YAML_MAX);
    cf_buf_puts(&out, "# Least rights of Crossfade in this cluster. Reading its own identity and "
                      "asking for its rights\n"
                      "# (SelfSubjectAccessReview) every authenticated account may do.\n");
    if (!ns) {
        print_role(role, "ClusterRole", NULL, true, true, &out);
        print_binding("ClusterRoleBinding", "ClusterRole", NULL, &out);
        return cf_buf_take(&out);
    }
    print_role(role, "ClusterRole", NULL, true, false, &out);
    print_binding("ClusterRoleBinding", "ClusterRole", NULL, &out);
    cf_buf_puts(&out, "---\n");
    print_role(role, "Role", ns, false, true, &out);
    print_binding("RoleBinding", "Role", ns, &out);
    return cf_buf_take(&out);
}
