/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about what moves, and about what keeps it from moving well. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "federation/objects/clean.h"
#include "federation/objects/closure_set.h"
#include "federation/objects/held.h"
#include "federation/objects/quantity.h"

enum { UNREAD_TEXT_MAX = 1000 }; /* a list for people */

/* --- jobs --- */

/* Active Jobs would run twice, or be torn: unless a person listed them, they end first. */
static void note_active_jobs(struct cf_closure_set *s)
{
    for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
        if (!cf_node_is(n, "Job") || cf_json_int(n->object, 0, "status", "active", NULL) == 0 ||
            n->include || n->excluded)
            continue;
        const json_t *owner =
            json_array_get(cf_json_at(n->object, "metadata", "ownerReferences", NULL), 0);
        struct cf_node *cron = cf_set_find(s, "CronJob", cf_json_str(owner, "", "name", NULL));
        if (cron && cron->why)
            cf_set_note(
                s, "blocker", "ACTIVE_JOB",
                "Wait until it has ended, suspend the CronJob, or list the Job in workloads.include",
                "Job %s of CronJob %s is running in the source", cf_object_name(n->object),
                cf_object_name(cron->object));
    }
}

/* --- pods --- */

static void note_node_label(struct cf_closure_set *s, const struct cf_node *n, const char *key,
                            const char *value)
{
    bool one_node = strcmp(key, "kubernetes.io/hostname") == 0;
    if (strcmp(key, "kubernetes.io/os") == 0 || strcmp(key, "kubernetes.io/arch") == 0)
        return;
    cf_set_note(s, one_node ? "warning" : "info", one_node ? "NODE_PINNED" : "NODE_LABEL",
                one_node ? "Take it out with workloads.transforms"
                         : "The target needs nodes with this label",
                "pods of %s go only to nodes with %s=%s", n->key, key, value);
}

void cf_closure_pod_notes(struct cf_closure_set *s, const struct cf_node *n)
{
    const json_t *spec = cf_object_pod_spec(n->object);
    const char *key;
    json_t *value, *term, *e;
    size_t i, k;
    json_object_foreach(cf_json_unconst(json_object_get(spec, "nodeSelector")), key, value)
    {
        note_node_label(s, n, key, json_is_string(value) ? json_string_value(value) : "");
    }
    const json_t *terms =
        cf_json_at(spec, "affinity", "nodeAffinity",
                   "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms", NULL);
    json_array_foreach(terms, i, term)
    {
        json_array_foreach(json_object_get(term, "matchExpressions"), k, e)
        {
            const json_t *first = json_array_get(json_object_get(e, "values"), 0);
            note_node_label(s, n, cf_json_str(e, "", "key", NULL),
                            first && json_is_string(first) ? json_string_value(first) : "…");
        }
    }
}

/* --- what a kind brings with it --- */

static void note_service(struct cf_closure_set *s, const struct cf_node *n)
{
    const json_t *spec = json_object_get(n->object, "spec");
    const char *key;
    json_t *value;
    if (cf_service_is_by_hand(n->object))
        cf_set_note(s, "warning", "ENDPOINTS_BY_HAND",
                    "See to it that these addresses can be reached from the target",
                    "%s leads to addresses that a person wrote", n->key);
    const char *outside = cf_json_str(spec, "", "externalName", NULL);
    if (*outside)
        cf_set_note(s, "info", "NAME_OUTSIDE", "See to it that the target's pods can resolve it",
                    "%s is another name of %s", n->key, outside);
    if (json_array_size(json_object_get(spec, "externalIPs")) > 0 &&
        strcmp(cf_json_str(spec, "", "type", NULL), "LoadBalancer") != 0)
        cf_set_note(s, "warning", "EXTERNAL_IPS",
                    "Take them out with workloads.transforms if they belong to the source's nodes",
                    "%s has externalIPs, which the copy keeps", n->key);
    json_object_foreach(cf_json_unconst(cf_json_at(n->object, "metadata", "annotations", NULL)),
                        key, value)
    {
        if (strncmp(key, "service.beta.kubernetes.io/", 27) == 0 ||
            strncmp(key, "service.kubernetes.io/", 22) == 0)
            cf_set_note(s, "info", "CLOUD_ANNOTATION",
                        "Change it with workloads.transforms where the target is another cloud",
                        "%s carries %s", n->key, key);
    }
}

static void note_policy(struct cf_closure_set *s, const struct cf_node *n)
{
    cf_autofree char *text = cf_json_dump(json_object_get(n->object, "spec"));
    if (text && strstr(text, "\"ipBlock\""))
        cf_set_note(s, "warning", "IP_BLOCKS",
                    "Change them with workloads.transforms where they name the source's networks",
                    "%s lets addresses in or out by ipBlock", n->key);
}

static void note_scaled_object(struct cf_closure_set *s, const struct cf_node *n)
{
    if (strcmp(cf_closure_start(s, n), "atSwitch") == 0) {
        cf_set_note(s, "info", "SCALED_BY_KEDA",
                    "Leave the annotation " CF_KEDA_PAUSED " of the copy alone until then",
                    "%s is copied paused, and scales the copy from when that starts", n->key);
        return;
    }
    cf_set_note(s, "warning", "SCALED_BY_KEDA",
                "Raise its minReplicaCount with workloads.transforms for the time of the move",
                "%s scales the copy by its own triggers from the moment it is there; its floor is "
                "not raised",
                n->key);
}

static void note_device_claims(struct cf_closure_set *s, const struct cf_node *n)
{
    size_t i;
    json_t *claim;
    json_array_foreach(json_object_get(cf_object_pod_spec(n->object), "resourceClaims"), i, claim)
    {
        const char *name = cf_json_str(claim, "", "resourceClaimName", NULL);
        if (*name)
            cf_set_require(s, "resource.k8s.io/v1", "ResourceClaim", s->ns, name, "blocker", n);
    }
}

static void note_gitops(struct cf_closure_set *s, const struct cf_node *n)
{
    const char *tool = cf_object_gitops_owner(n->object);
    if (tool)
        cf_set_note(
            s, "warning", "GITOPS_TRACKED",
            "Its tracking labels are left out of the copy. Pause self-healing of the source while "
            "the run lasts, and point the repository at the target afterwards",
            "%s is kept by %s", n->key, tool);
}

static void note_kind(struct cf_closure_set *s, const struct cf_node *n)
{
    static const struct {
        const char *label;
        void (*note)(struct cf_closure_set *s, const struct cf_node *n);
    } rules[] = {
        { "Service", note_service },
        { "NetworkPolicy", note_policy },
        { "ScaledObject", note_scaled_object },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rules); i++)
        if (cf_node_is(n, rules[i].label))
            rules[i].note(s, n);
    if (n->kind->flags & CF_KIND_WORKLOAD) {
        cf_closure_pod_notes(s, n);
        note_device_claims(s, n);
    }
}

/* --- quotas --- */

/* What the pods of the members ask for, and the names by which quotas limit it. */
static const struct {
    const char *list, *resource;
    const char *names[2]; /* in a quota's spec.hard */
} asked_for[] = {
    { NULL, NULL, { "pods", "count/pods" } },
    { "requests", "cpu", { "requests.cpu", "cpu" } },
    { "requests", "memory", { "requests.memory", "memory" } },
    { "limits", "cpu", { "limits.cpu", NULL } },
    { "limits", "memory", { "limits.memory", NULL } },
};

static double of_one_pod(const json_t *spec, size_t what)
{
    double sum = 0, one;
    size_t i;
    json_t *container;
    if (!asked_for[what].list)
        return 1;
    json_array_foreach(json_object_get(spec, "containers"), i, container)
    {
        if (cf_quantity_of(cf_json_at(container, "resources", asked_for[what].list,
                                      asked_for[what].resource, NULL),
                           &one))
            sum += one;
    }
    return sum;
}

static double demand(const struct cf_closure_set *s, size_t what)
{
    double sum = 0;
    int64_t least = cf_json_int(s->in->workloads, 1, "replicas", "min", NULL);
    for (size_t i = 0; i < s->queued; i++) {
        const struct cf_node *n = s->queue[i];
        int64_t pods = cf_json_int(n->object, 1, "spec", "replicas", NULL);
        if (n->kind->flags & CF_KIND_SCALABLE && pods > 0)
            sum += (double)CF_MAX(pods, least) * of_one_pod(cf_object_pod_spec(n->object), what);
    }
    return sum;
}

void cf_closure_quota_notes(struct cf_closure_set *s)
{
    for (size_t i = 0; i < s->queued; i++) {
        const struct cf_node *n = s->queue[i];
        for (size_t w = 0; cf_node_is(n, "ResourceQuota") && w < CF_ARRAY_LEN(asked_for); w++) {
            double hard = 0, need = demand(s, w);
            const char *name = NULL;
            for (size_t k = 0; k < 2 && !name && asked_for[w].names[k]; k++)
                if (cf_quantity_of(
                        cf_json_at(n->object, "spec", "hard", asked_for[w].names[k], NULL), &hard))
                    name = asked_for[w].names[k];
            if (name && need > hard)
                cf_set_note(s, "warning", "QUOTA",
                            "Raise it in the target with workloads.transforms, or exclude it",
                            "%s allows %.10g %s, and what is copied asks for %.10g", n->key, hard,
                            name, need);
        }
    }
}

/* --- all --- */

/* Kinds that could not be read, in one finding: most of them have nothing to do with the move. */
static void note_unread(struct cf_closure_set *s, bool custom)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf kinds = CF_BUF_INIT(UNREAD_TEXT_MAX);
    const char *why = "";
    size_t i;
    json_t *row;
    json_array_foreach(s->in->unread, i, row)
    {
        if (cf_json_bool(row, false, "custom", NULL) != custom)
            continue;
        cf_buf_printf(&kinds, "%s%s", kinds.len ? ", " : "", cf_json_str(row, "?", "kind", NULL));
        why = cf_json_str(row, "", "why", NULL);
    }
    if (kinds.len)
        cf_set_note(s, custom ? "info" : "warning", "NOT_READABLE",
                    custom ? "Give the right to list them where some belong to what is moved"
                           : "crossfade cluster rbac --side source prints the rights to read them",
                    "none of these kinds is copied, because they could not be read in the source: "
                    "%s (%s)",
                    cf_buf_str(&kinds), why);
}

void cf_closure_notes(struct cf_closure_set *s)
{
    cf_closure_operator_notes(s);
    s->settled = true;
    for (size_t i = 0; i < s->queued; i++) {
        if (s->queue[i]->kind->flags & CF_KIND_WORKLOAD || cf_node_is(s->queue[i], "ConfigMap"))
            cf_closure_mentions(s, s->queue[i]);
        note_gitops(s, s->queue[i]);
        note_kind(s, s->queue[i]);
        cf_closure_route_notes(s, s->queue[i]);
    }
    note_active_jobs(s);
    cf_closure_quota_notes(s);
    note_unread(s, false);
    note_unread(s, true);
}
