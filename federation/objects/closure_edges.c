/* SPDX-License-Identifier: Apache-2.0 */
/* The edges of the closure: what one member brings along, forward (by name) and backward (by
 * selector or target). */
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/closure_set.h"
#include "federation/objects/pods.h"
#include "federation/objects/selector.h"

struct edge {
    struct cf_closure_set *set;
    struct cf_node *from;
};

static bool is_required_kind(const char *kind)
{
    static const char *const kinds[] = { "PriorityClass", "RuntimeClass", "StorageClass" };
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i], kind) == 0)
            return true;
    return false;
}

/* Classes that every cluster brings. */
static bool is_built_in(const char *kind, const char *name)
{
    return strcmp(kind, "PriorityClass") == 0 && strncmp(name, "system-", 7) == 0;
}

/* The default account is every namespace's own, but what a person added to it is not: its pull
 * secrets come, and the copies name them themselves. */
static void take_default_account(struct edge *e)
{
    const struct cf_node *account = cf_set_find(e->set, "ServiceAccount", "default");
    const json_t *secrets = account ? json_object_get(account->object, "imagePullSecrets") : NULL;
    const json_t *spec = cf_object_pod_spec(e->from->object);
    size_t i;
    json_t *one;
    if (json_array_size(secrets) == 0 || json_array_size(json_object_get(spec, "imagePullSecrets")))
        return;
    e->from->pull_secrets = secrets;
    json_array_foreach(secrets, i, one)
    {
        cf_set_need(e->set, cf_set_find(e->set, "Secret", cf_json_str(one, "", "name", NULL)),
                    e->from, "pulls images of %s, through the default ServiceAccount",
                    e->from->key);
    }
}

static void take_need(void *user, const char *kind, const char *name, bool optional)
{
    struct edge *e = user;
    if (is_required_kind(kind)) {
        if (!is_built_in(kind, name))
            cf_set_require(e->set, NULL, kind, NULL, name, "blocker", e->from);
        return;
    }
    if (strcmp(kind, "ServiceAccount") == 0 && strcmp(name, "default") == 0) {
        take_default_account(e);
        return;
    }
    struct cf_node *n = cf_set_find(e->set, kind, name);
    if (n && n->excluded && !optional)
        cf_set_note(e->set, "warning", "EXCLUDED_DEPENDENCY",
                    "Create it in the target beforehand, or take it out of workloads.exclude",
                    "%s needs %s %s, which the plan excludes", e->from->key, kind, name);
    else if (!n && !optional)
        cf_set_note(e->set, "warning", "MISSING_DEPENDENCY", "Its pods cannot start without it",
                    "%s names %s %s, which is not in the source", e->from->key, kind, name);
    cf_set_need(e->set, n, e->from, "needed by %s", e->from->key);
}

static void forward_pod(struct cf_closure_set *s, struct cf_node *n)
{
    const json_t *spec = cf_object_pod_spec(n->object);
    struct edge e = { s, n };
    if (spec)
        cf_pod_needs(spec, take_need, &e);
}

static void forward_stateful_set(struct cf_closure_set *s, struct cf_node *n)
{
    const char *service = cf_json_str(n->object, "", "spec", "serviceName", NULL);
    cf_set_need(s, cf_set_find(s, "Service", service), n, "the Service of %s", n->key);
    for (struct cf_node *claim = s->nodes; claim; claim = claim->hh.next)
        if (cf_node_is(claim, "PersistentVolumeClaim") &&
            cf_claim_is_of_set(cf_object_name(claim->object), n->object))
            cf_set_need(s, claim, n, "a claim of %s", n->key);
    size_t i;
    json_t *template;
    json_array_foreach(cf_json_at(n->object, "spec", "volumeClaimTemplates", NULL), i, template)
    {
        const char *class = cf_json_str(template, "", "spec", "storageClassName", NULL);
        if (*class)
            cf_set_require(s, NULL, "StorageClass", NULL, class, "blocker", n);
    }
}

/* --- accounts and their rights --- */

static bool binds_account(const json_t *binding, const json_t *account)
{
    size_t i;
    json_t *subject;
    json_array_foreach(json_object_get(binding, "subjects"), i, subject)
    {
        const char *ns = cf_json_str(subject, cf_object_namespace(binding), "namespace", NULL);
        if (strcmp(cf_json_str(subject, "", "kind", NULL), "ServiceAccount") == 0 &&
            strcmp(cf_json_str(subject, "", "name", NULL), cf_object_name(account)) == 0 &&
            strcmp(ns, cf_object_namespace(account)) == 0)
            return true;
    }
    return false;
}

/* Rights beyond the namespace are given by who rules the cluster. */
static void note_cluster_rights(struct cf_closure_set *s, struct cf_node *n)
{
    size_t i;
    json_t *binding;
    json_array_foreach(s->in->objects, i, binding)
    {
        if (strcmp(cf_json_str(binding, "", "kind", NULL), "ClusterRoleBinding") != 0 ||
            !binds_account(binding, n->object))
            continue;
        const char *role = cf_json_str(binding, "", "roleRef", "name", NULL);
        cf_set_require(s, NULL, "ClusterRole", NULL, role, "blocker", n);
        cf_set_note(s, "warning", "CLUSTER_RIGHTS",
                    "Bind it in the target: rights beyond a namespace are not copied",
                    "%s has ClusterRole %s in the whole source cluster, through ClusterRoleBinding "
                    "%s",
                    n->key, role, cf_object_name(binding));
    }
}

static void edges_of_account(struct cf_closure_set *s, struct cf_node *n)
{
    static const char *const lists[] = { "imagePullSecrets", "secrets" };
    for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
        size_t i;
        json_t *one;
        json_array_foreach(json_object_get(n->object, lists[l]), i, one)
        {
            cf_set_need(s, cf_set_find(s, "Secret", cf_json_str(one, "", "name", NULL)), n,
                        "needed by %s", n->key);
        }
    }
    for (struct cf_node *other = s->nodes; other; other = other->hh.next) {
        if (cf_node_is(other, "RoleBinding") && binds_account(other->object, n->object))
            cf_set_need(s, other, n, "binds %s", n->key);
        if (cf_node_is(other, "Secret") &&
            strcmp(cf_json_str(other->object, "", "type", NULL), CF_SECRET_TYPE_TOKEN) == 0 &&
            strcmp(cf_json_str(other->object, "", "metadata", "annotations",
                               "kubernetes.io/service-account.name", NULL),
                   cf_object_name(n->object)) == 0)
            cf_set_bring(s, other, n, "a token that was asked for %s", n->key);
    }
    note_cluster_rights(s, n);
}

static void forward_role_binding(struct cf_closure_set *s, struct cf_node *n)
{
    const char *kind = cf_json_str(n->object, "", "roleRef", "kind", NULL);
    const char *name = cf_json_str(n->object, "", "roleRef", "name", NULL);
    if (strcmp(kind, "ClusterRole") == 0)
        cf_set_require(s, NULL, "ClusterRole", NULL, name, "blocker", n);
    else
        cf_set_need(s, cf_set_find(s, "Role", name), n, "bound by %s", n->key);
}

static void forward_token(struct cf_closure_set *s, struct cf_node *n)
{
    const char *account = cf_json_str(n->object, "", "metadata", "annotations",
                                      "kubernetes.io/service-account.name", NULL);
    if (strcmp(cf_json_str(n->object, "", "type", NULL), CF_SECRET_TYPE_TOKEN) == 0)
        cf_set_need(s, cf_set_find(s, "ServiceAccount", account), n, "its token is %s", n->key);
}

static void forward_claim(struct cf_closure_set *s, struct cf_node *n)
{
    const char *storage_class = cf_json_str(n->object, "", "spec", "storageClassName", NULL);
    if (*storage_class)
        cf_set_require(s, NULL, "StorageClass", NULL, storage_class, "blocker", n);
}

/* --- backward --- */

static bool targets(const json_t *ref, const char *default_kind, const struct cf_node *n)
{
    return strcmp(cf_json_str(ref, default_kind, "kind", NULL), n->kind->kind) == 0 &&
           strcmp(cf_json_str(ref, "", "name", NULL), cf_object_name(n->object)) == 0;
}

/* How objects say which workloads they act on. */
enum acting { BY_SERVICE_SELECTOR, BY_SELECTOR, BY_TARGET };
static const struct {
    const char *label;
    enum acting how;
    const char *field; /* of spec */
    const char *default_kind;
} actors[] = {
    { "Service", BY_SERVICE_SELECTOR, "selector", "" },
    { "PodDisruptionBudget", BY_SELECTOR, "selector", "" },
    { "NetworkPolicy", BY_SELECTOR, "podSelector", "" },
    { "PodMonitor", BY_SELECTOR, "selector", "" },
    { "HorizontalPodAutoscaler", BY_TARGET, "scaleTargetRef", "" },
    { "VerticalPodAutoscaler", BY_TARGET, "targetRef", "" },
    { "ScaledObject", BY_TARGET, "scaleTargetRef", "Deployment" },
};

/* Whether `other` acts on the member `n`. */
static bool acts_on(const struct cf_node *other, const struct cf_node *n)
{
    const json_t *labels = cf_object_pod_labels(n->object);
    for (size_t i = 0; i < CF_ARRAY_LEN(actors); i++) {
        if (!cf_node_is(other, actors[i].label))
            continue;
        const json_t *field = cf_json_at(other->object, "spec", actors[i].field, NULL);
        switch (actors[i].how) {
        case BY_SERVICE_SELECTOR:
            return n->kind->flags & CF_KIND_REACHED && cf_selector_map_matches(field, labels);
        case BY_SELECTOR:
            return cf_selector_object_matches(field, labels);
        case BY_TARGET:
            return targets(field, actors[i].default_kind, n);
        }
    }
    return false;
}

static void backward_workload(struct cf_closure_set *s, struct cf_node *n)
{
    for (struct cf_node *other = s->nodes; other; other = other->hh.next)
        if (!other->why && acts_on(other, n))
            cf_set_bring(s, other, n, "acts on %s", n->key);
}

void cf_closure_edges(struct cf_closure_set *s, struct cf_node *n)
{
    static const struct {
        const char *label;
        void (*follow)(struct cf_closure_set *s, struct cf_node *n);
    } edges[] = {
        { "StatefulSet", forward_stateful_set },    { "ServiceAccount", edges_of_account },
        { "RoleBinding", forward_role_binding },    { "Secret", forward_token },
        { "PersistentVolumeClaim", forward_claim }, { "Service", cf_closure_service_edges },
    };
    if (n->kind->flags & CF_KIND_WORKLOAD) {
        forward_pod(s, n);
        backward_workload(s, n);
    }
    for (size_t i = 0; i < CF_ARRAY_LEN(edges); i++)
        if (cf_node_is(n, edges[i].label))
            edges[i].follow(s, n);
    cf_closure_route_edges(s, n);
    if (n->kind->flags & CF_KIND_WORKLOAD || cf_node_is(n, "ConfigMap"))
        cf_closure_mentions(s, n);
    if (n->kind->flags & CF_KIND_CUSTOM)
        cf_closure_custom_edges(s, n);
}
