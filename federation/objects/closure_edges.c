/* SPDX-License-Identifier: Apache-2.0 */
/* The edges of the closure: what one member brings along, forward (by name) and backward (by
 * selector or target). */
#include <string.h>

#include "federation/objects/closure_set.h"
#include "federation/objects/pods.h"
#include "federation/objects/selector.h"

struct edge {
    struct cf_closure_set *set;
    struct cf_node *from;
};

static bool is_required_kind(const char *kind)
{
    return strcmp(kind, "PriorityClass") == 0 || strcmp(kind, "RuntimeClass") == 0;
}

/* Classes that every cluster brings. */
static bool is_built_in(const char *kind, const char *name)
{
    return strcmp(kind, "PriorityClass") == 0 && strncmp(name, "system-", 7) == 0;
}

static void take_need(void *user, const char *kind, const char *name, bool optional)
{
    struct edge *e = user;
    if (is_required_kind(kind)) {
        if (!is_built_in(kind, name))
            cf_set_require(e->set, kind, name, e->from->key);
        return;
    }
    struct cf_node *n = cf_set_find(e->set, kind, name);
    if (n && n->excluded && !optional)
        cf_set_note(e->set, "warning", "EXCLUDED_DEPENDENCY",
                    "Create it in the target beforehand, or take it out of workloads.exclude",
                    "%s needs %s %s, which the plan excludes", e->from->key, kind, name);
    else if (!n && !optional &&
             !(strcmp(kind, "ServiceAccount") == 0 && strcmp(name, "default") == 0))
        cf_set_note(e->set, "warning", "MISSING_DEPENDENCY", "Its pods cannot start without it",
                    "%s names %s %s, which is not in the source", e->from->key, kind, name);
    cf_set_join(e->set, n, NULL, "needed by %s", e->from->key);
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
    cf_set_join(s, cf_set_find(s, "Service", service), NULL, "the Service of %s", n->key);
    for (struct cf_node *claim = s->nodes; claim; claim = claim->hh.next)
        if (strcmp(claim->kind->kind, "PersistentVolumeClaim") == 0 &&
            cf_claim_is_of_set(cf_object_name(claim->object), n->object))
            cf_set_join(s, claim, NULL, "a claim of %s", n->key);
}

static void forward_service_account(struct cf_closure_set *s, struct cf_node *n)
{
    static const char *const lists[] = { "imagePullSecrets", "secrets" };
    for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
        size_t i;
        json_t *one;
        json_array_foreach(json_object_get(n->object, lists[l]), i, one)
        {
            cf_set_join(s, cf_set_find(s, "Secret", cf_json_str(one, "", "name", NULL)), NULL,
                        "needed by %s", n->key);
        }
    }
}

static void forward_role_binding(struct cf_closure_set *s, struct cf_node *n)
{
    const char *kind = cf_json_str(n->object, "", "roleRef", "kind", NULL);
    const char *name = cf_json_str(n->object, "", "roleRef", "name", NULL);
    if (strcmp(kind, "ClusterRole") == 0)
        cf_set_require(s, "ClusterRole", name, n->key);
    else
        cf_set_join(s, cf_set_find(s, "Role", name), NULL, "bound by %s", n->key);
}

static void forward_claim(struct cf_closure_set *s, struct cf_node *n)
{
    const char *storage_class = cf_json_str(n->object, "", "spec", "storageClassName", NULL);
    if (*storage_class)
        cf_set_require(s, "StorageClass", storage_class, n->key);
}

/* --- backward --- */

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

static bool targets(const json_t *autoscaler, const struct cf_node *n)
{
    return strcmp(cf_json_str(autoscaler, "", "spec", "scaleTargetRef", "kind", NULL),
                  n->kind->kind) == 0 &&
           strcmp(cf_json_str(autoscaler, "", "spec", "scaleTargetRef", "name", NULL),
                  cf_object_name(n->object)) == 0;
}

/* Whether `other` acts on the member `n`. */
static bool acts_on(const struct cf_node *other, const struct cf_node *n)
{
    const char *kind = other->kind->kind;
    const json_t *labels = cf_object_pod_labels(n->object);
    if (strcmp(kind, "Service") == 0)
        return n->kind->flags & CF_KIND_REACHED &&
               cf_selector_map_matches(cf_json_at(other->object, "spec", "selector", NULL), labels);
    if (strcmp(kind, "PodDisruptionBudget") == 0)
        return cf_selector_object_matches(cf_json_at(other->object, "spec", "selector", NULL),
                                          labels);
    if (strcmp(kind, "NetworkPolicy") == 0)
        return cf_selector_object_matches(cf_json_at(other->object, "spec", "podSelector", NULL),
                                          labels);
    if (strcmp(kind, "HorizontalPodAutoscaler") == 0)
        return targets(other->object, n);
    return false;
}

static void backward_workload(struct cf_closure_set *s, struct cf_node *n)
{
    for (struct cf_node *other = s->nodes; other; other = other->hh.next)
        if (!other->why && acts_on(other, n))
            cf_set_join(s, other, NULL, "acts on %s", n->key);
}

static void backward_service_account(struct cf_closure_set *s, struct cf_node *n)
{
    for (struct cf_node *other = s->nodes; other; other = other->hh.next)
        if (strcmp(other->kind->kind, "RoleBinding") == 0 &&
            binds_account(other->object, n->object))
            cf_set_join(s, other, NULL, "binds %s", n->key);
}

void cf_closure_edges(struct cf_closure_set *s, struct cf_node *n)
{
    static const struct {
        const char *kind;
        void (*follow)(struct cf_closure_set *s, struct cf_node *n);
    } edges[] = {
        { "StatefulSet", forward_stateful_set },
        { "ServiceAccount", forward_service_account },
        { "ServiceAccount", backward_service_account },
        { "RoleBinding", forward_role_binding },
        { "PersistentVolumeClaim", forward_claim },
    };
    if (n->kind->flags & CF_KIND_WORKLOAD) {
        forward_pod(s, n);
        backward_workload(s, n);
    }
    for (size_t i = 0; i < CF_ARRAY_LEN(edges); i++)
        if (strcmp(edges[i].kind, n->kind->kind) == 0)
            edges[i].follow(s, n);
}
