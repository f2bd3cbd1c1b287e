/* SPDX-License-Identifier: Apache-2.0 */
/* Health, reflected status and aggregation, each a table by kind. */
#include "deploy/sandbox/karmada/interpret.h"

#include <string.h>

#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/karmada/words.h"

static int64_t status_int(const json_t *o, const char *member)
{
    return cf_json_int(o, 0, "status", member, NULL);
}

/* ---- Health ---- */

static bool is_observed(const json_t *o)
{
    return status_int(o, "observedGeneration") == cf_json_int(o, 0, "metadata", "generation", NULL);
}

/* Deployments and StatefulSets. */
static bool replicas_healthy(const json_t *o)
{
    return is_observed(o) &&
           status_int(o, "updatedReplicas") >= cf_json_int(o, 0, "spec", "replicas", NULL) &&
           status_int(o, "availableReplicas") >= status_int(o, "updatedReplicas");
}

static bool replica_set_healthy(const json_t *o)
{
    return is_observed(o) &&
           status_int(o, "availableReplicas") >= cf_json_int(o, 0, "spec", "replicas", NULL);
}

static bool daemon_set_healthy(const json_t *o)
{
    return is_observed(o) &&
           status_int(o, "updatedNumberScheduled") >= status_int(o, "desiredNumberScheduled") &&
           status_int(o, "numberAvailable") >= status_int(o, "updatedNumberScheduled");
}

static bool has_address(const json_t *o)
{
    return json_array_size(cf_json_at(o, "status", "loadBalancer", "ingress", NULL)) > 0;
}

static bool service_healthy(const json_t *o)
{
    return strcmp(cf_json_str(o, "", "spec", "type", NULL), "LoadBalancer") != 0 || has_address(o);
}

static bool claim_healthy(const json_t *o)
{
    return strcmp(cf_json_str(o, "", "status", "phase", NULL), "Bound") == 0;
}

static bool pod_healthy(const json_t *o)
{
    const char *phase = cf_json_str(o, "", "status", "phase", NULL);
    return strcmp(phase, "Succeeded") == 0 ||
           (strcmp(phase, "Running") == 0 && sbx_pod_is_ready(o));
}

static bool budget_healthy(const json_t *o)
{
    return status_int(o, "currentHealthy") >= status_int(o, "desiredHealthy");
}

/* Members of the status that Works show; NULL: all of it. `sums` of them are added over clusters. */
static const struct kind {
    const char *kind;
    bool (*healthy)(const json_t *o); /* NULL: always */
    const char *members, *sums;
    bool generations; /* also generation and resourceTemplateGeneration */
} kinds[] = {
    { "Deployment", replicas_healthy,
      "replicas,updatedReplicas,readyReplicas,availableReplicas,unavailableReplicas,"
      "observedGeneration",
      "replicas,readyReplicas,updatedReplicas,availableReplicas,unavailableReplicas", true },
    { "StatefulSet", replicas_healthy,
      "replicas,readyReplicas,currentReplicas,updatedReplicas,availableReplicas,currentRevision,"
      "updateRevision,observedGeneration",
      "replicas,readyReplicas,currentReplicas,updatedReplicas,availableReplicas", true },
    { "ReplicaSet", replica_set_healthy,
      "replicas,fullyLabeledReplicas,readyReplicas,availableReplicas,observedGeneration",
      "replicas,fullyLabeledReplicas,readyReplicas,availableReplicas", true },
    { "DaemonSet", daemon_set_healthy,
      "currentNumberScheduled,desiredNumberScheduled,numberAvailable,numberMisscheduled,"
      "numberReady,updatedNumberScheduled,numberUnavailable,observedGeneration",
      "currentNumberScheduled,desiredNumberScheduled,numberAvailable,numberMisscheduled,"
      "numberReady,updatedNumberScheduled,numberUnavailable",
      true },
    { "Service", service_healthy, "loadBalancer", "", false },
    { "Ingress", has_address, NULL, "", false },
    { "PersistentVolumeClaim", claim_healthy, NULL, NULL, false },
    { "Pod", pod_healthy, NULL, NULL, false },
    { "PodDisruptionBudget", budget_healthy,
      "currentHealthy,desiredHealthy,disruptionsAllowed,expectedPods",
      "currentHealthy,desiredHealthy,disruptionsAllowed,expectedPods", false },
    { "Job", NULL, "active,succeeded,failed,conditions,startTime,completionTime",
      "active,succeeded,failed", false },
    { "HorizontalPodAutoscaler", NULL, "currentReplicas,desiredReplicas",
      "currentReplicas,desiredReplicas", false },
};

static const struct kind *row_of(const json_t *o)
{
    const char *kind = cf_json_str(o, "", "kind", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    return NULL;
}

const char *km_health_of(const json_t *live)
{
    const struct kind *k = row_of(live);
    return !k || !k->healthy || k->healthy(live) ? "Healthy" : "Unhealthy";
}

/* ---- Reflected status ---- */

static void add_generations(json_t *status, const json_t *live)
{
    const char *text =
        cf_json_str(live, "", "metadata", "annotations", KM_TEMPLATE_GENERATION, NULL);
    sbx_set_count(status, "generation", cf_json_int(live, 0, "metadata", "generation", NULL));
    sbx_set_count(status, "resourceTemplateGeneration", strtoll(text, NULL, 10));
}

/* The next word of a list "a,b", into buf; false at the end. */
static bool next_word(const char **list, char *buf, size_t size)
{
    if (!*list || !**list)
        return false;
    size_t n = strcspn(*list, ",");
    cf_assert(n < size);
    memcpy(buf, *list, n);
    buf[n] = '\0';
    *list += n + ((*list)[n] == ',');
    return true;
}

json_t *km_reflected(const json_t *live)
{
    const struct kind *k = row_of(live);
    const json_t *status = json_object_get(live, "status");
    if (!k || !k->members)
        return status ? cf_json_copy(status) : NULL;
    if (strcmp(k->kind, "Service") == 0 &&
        strcmp(cf_json_str(live, "", "spec", "type", NULL), "LoadBalancer") != 0)
        return NULL;
    json_t *out = json_object();
    char member[64];
    for (const char *list = k->members; next_word(&list, member, sizeof(member));)
        if (json_object_get(status, member))
            json_object_set(out, member, json_object_get(status, member));
    if (k->generations)
        add_generations(out, live);
    if (strcmp(k->kind, "HorizontalPodAutoscaler") == 0 && !json_object_get(out, "desiredReplicas"))
        json_object_set_new(out, "desiredReplicas", json_integer(0)); /* it is always told */
    return out;
}

/* ---- Aggregation ---- */

static json_t *all_addresses(const json_t *items)
{
    json_t *list = json_array(), *item;
    size_t i;
    json_array_foreach(cf_json_unconst(items), i, item)
    {
        json_t *ingress =
            cf_json_unconst(cf_json_at(item, "status", "loadBalancer", "ingress", NULL));
        if (ingress)
            json_array_extend(list, ingress);
    }
    cf_autojson json_t *addresses = list;
    return json_array_size(list) > 0 ? json_pack("{s:{s:O}}", "loadBalancer", "ingress", list)
                                     : json_pack("{s:{}}", "loadBalancer");
}

/* Whether each cluster runs the template as it is now. */
static bool all_caught_up(const json_t *template, const json_t *items)
{
    int64_t generation = cf_json_int(template, 0, "metadata", "generation", NULL);
    size_t i;
    json_t *item;
    json_array_foreach(cf_json_unconst(items), i, item)
    {
        const json_t *s = json_object_get(item, "status");
        if (cf_json_int(s, 0, "resourceTemplateGeneration", NULL) != generation ||
            cf_json_int(s, 0, "generation", NULL) != cf_json_int(s, 0, "observedGeneration", NULL))
            return false;
    }
    return json_array_size(items) > 0;
}

json_t *km_summed_up(const json_t *template, const json_t *items)
{
    const struct kind *k = row_of(template);
    if (!k)
        return NULL;
    if (k->sums && !*k->sums)
        return all_addresses(items);
    if (!k->sums) { /* there is no sum: the last cluster's stands */
        const json_t *last = json_array_get(items, json_array_size(items) - 1);
        return json_incref(json_object_get(last, "status"));
    }
    json_t *out = json_object();
    char member[64];
    for (const char *list = k->sums; next_word(&list, member, sizeof(member));) {
        int64_t sum = 0;
        size_t i;
        json_t *item;
        json_array_foreach(cf_json_unconst(items), i, item)
        {
            sum += cf_json_int(item, 0, "status", member, NULL);
        }
        sbx_set_count(out, member, sum);
    }
    if (k->generations)
        sbx_set_count(out, "observedGeneration",
                      all_caught_up(template, items)
                          ? cf_json_int(template, 0, "metadata", "generation", NULL)
                          : status_int(template, "observedGeneration"));
    return out;
}
