/* SPDX-License-Identifier: Apache-2.0 */
/* Health rules, one function per kind. */
#include "federation/objects/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "federation/objects/kinds.h"

static enum cf_health say(char *text, enum cf_health h, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static enum cf_health say(char *text, enum cf_health h, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, CF_HEALTH_TEXT_MAX, fmt, ap);
    va_end(ap);
    return h;
}

static int64_t status(const json_t *o, const char *field)
{
    return cf_json_int(o, 0, "status", field, NULL);
}

static bool is_observed(const json_t *o)
{
    return status(o, "observedGeneration") >= cf_json_int(o, 0, "metadata", "generation", NULL);
}

enum cf_health cf_health_deployment(const json_t *o, char *text)
{
    int64_t want = cf_json_int(o, 1, "spec", "replicas", NULL);
    int64_t ready = status(o, "readyReplicas");
    const json_t *progressing = cf_object_condition(o, "Progressing");
    if (cf_object_condition_is(o, "Progressing", "False"))
        return say(text, CF_HEALTH_FAILED, "%s: %.180s",
                   cf_json_str(progressing, "not progressing", "reason", NULL),
                   cf_json_str(progressing, "", "message", NULL));
    if (!is_observed(o))
        return say(text, CF_HEALTH_WAITING, "the controller has not seen it yet");
    if (want == 0)
        return say(text, CF_HEALTH_WAITING, "it has no replicas");
    if (status(o, "updatedReplicas") < want)
        return say(text, CF_HEALTH_WAITING,
                   "%" PRId64 " of %" PRId64 " pods are of the newest revision",
                   status(o, "updatedReplicas"), want);
    if (ready < want || status(o, "availableReplicas") < want)
        return say(text, CF_HEALTH_WAITING, "%" PRId64 " of %" PRId64 " pods ready", ready, want);
    return say(text, CF_HEALTH_READY, "%" PRId64 " of %" PRId64 " pods ready", ready, want);
}

enum cf_health cf_health_stateful_set(const json_t *o, char *text)
{
    int64_t want = cf_json_int(o, 1, "spec", "replicas", NULL);
    int64_t ready = status(o, "readyReplicas");
    if (!is_observed(o))
        return say(text, CF_HEALTH_WAITING, "the controller has not seen it yet");
    if (want == 0)
        return say(text, CF_HEALTH_WAITING, "it has no replicas");
    if (ready < want)
        return say(text, CF_HEALTH_WAITING, "%" PRId64 " of %" PRId64 " pods ready", ready, want);
    const char *current = cf_json_str(o, "", "status", "currentRevision", NULL);
    const char *update = cf_json_str(o, "", "status", "updateRevision", NULL);
    bool on_delete =
        strcmp(cf_json_str(o, "", "spec", "updateStrategy", "type", NULL), "OnDelete") == 0;
    if (strcmp(current, update) != 0 && !on_delete && status(o, "updatedReplicas") < want)
        return say(text, CF_HEALTH_WAITING,
                   "%" PRId64 " of %" PRId64 " pods are of the newest revision",
                   status(o, "updatedReplicas"), want);
    return say(text, CF_HEALTH_READY, "%" PRId64 " of %" PRId64 " pods ready", ready, want);
}

enum cf_health cf_health_daemon_set(const json_t *o, char *text)
{
    int64_t want = status(o, "desiredNumberScheduled");
    int64_t available = status(o, "numberAvailable");
    if (!is_observed(o))
        return say(text, CF_HEALTH_WAITING, "the controller has not seen it yet");
    if (want == 0)
        return say(text, CF_HEALTH_READY, "no node of this cluster takes it");
    if (status(o, "updatedNumberScheduled") < want || available < want)
        return say(text, CF_HEALTH_WAITING, "%" PRId64 " of %" PRId64 " pods available", available,
                   want);
    return say(text, CF_HEALTH_READY, "%" PRId64 " of %" PRId64 " pods available", available, want);
}

enum cf_health cf_health_job(const json_t *o, char *text)
{
    if (cf_object_condition_is(o, "Failed", "True"))
        return say(text, CF_HEALTH_FAILED, "failed: %.200s",
                   cf_json_str(cf_object_condition(o, "Failed"), "", "message", NULL));
    if (cf_object_condition_is(o, "Complete", "True"))
        return say(text, CF_HEALTH_READY, "complete");
    if (cf_json_bool(o, false, "spec", "suspend", NULL))
        return say(text, CF_HEALTH_READY, "suspended until commit");
    return say(text, CF_HEALTH_WAITING, "running");
}

enum cf_health cf_health_claim(const json_t *o, char *text)
{
    const char *phase = cf_json_str(o, "Pending", "status", "phase", NULL);
    if (strcmp(phase, "Bound") == 0)
        return say(text, CF_HEALTH_READY, "bound");
    if (strcmp(phase, "Lost") == 0)
        return say(text, CF_HEALTH_FAILED, "its volume is lost");
    /* A class that waits for the first consumer binds only when a pod is scheduled: the pod's
     * readiness covers it. */
    return say(text, CF_HEALTH_READY, "pending: binds when a pod uses it");
}

enum cf_health cf_health_namespace(const json_t *o, char *text)
{
    const char *phase = cf_json_str(o, "Active", "status", "phase", NULL);
    if (strcmp(phase, "Active") == 0)
        return say(text, CF_HEALTH_READY, "active");
    return say(text, CF_HEALTH_FAILED, "%s", phase);
}

enum cf_health cf_health_service(const json_t *o, char *text)
{
    if (strcmp(cf_json_str(o, "ClusterIP", "spec", "type", NULL), "LoadBalancer") != 0)
        return say(text, CF_HEALTH_READY, "there");
    if (json_array_size(cf_json_at(o, "status", "loadBalancer", "ingress", NULL)) > 0)
        return say(text, CF_HEALTH_READY, "it has an address");
    return say(text, CF_HEALTH_WAITING, "its load balancer has no address yet");
}

enum cf_health cf_health_ingress(const json_t *o, char *text)
{
    bool has = json_array_size(cf_json_at(o, "status", "loadBalancer", "ingress", NULL)) > 0;
    /* Many controllers never write one: traffic does not come by it while the run lasts. */
    return say(text, CF_HEALTH_READY, has ? "it has an address" : "there, without an address");
}

enum cf_health cf_health_budget(const json_t *o, char *text)
{
    int64_t healthy = status(o, "currentHealthy"), wanted = status(o, "desiredHealthy");
    if (!cf_json_at(o, "status", NULL) || !is_observed(o))
        return say(text, CF_HEALTH_WAITING, "the controller has not seen it yet");
    if (status(o, "expectedPods") == 0)
        return say(text, CF_HEALTH_READY, "it has no pods to protect yet");
    return say(text, healthy >= wanted ? CF_HEALTH_READY : CF_HEALTH_WAITING,
               "%" PRId64 " of %" PRId64 " wanted pods healthy", healthy, wanted);
}

enum cf_health cf_health_definition(const json_t *o, char *text)
{
    if (cf_object_condition_is(o, "NamesAccepted", "False"))
        return say(text, CF_HEALTH_FAILED, "its names are taken: %.200s",
                   cf_json_str(cf_object_condition(o, "NamesAccepted"), "", "message", NULL));
    if (!cf_object_condition_is(o, "Established", "True") ||
        !cf_object_condition_is(o, "NamesAccepted", "True"))
        return say(text, CF_HEALTH_WAITING, "it is not established yet");
    return say(text, CF_HEALTH_READY, "established");
}

/* Nobody knows the rules of every custom resource, but most follow one custom: a condition Ready or
 * Available, and the generation that it is about. One that has neither is there, and that is all. */
enum cf_health cf_health_custom(const json_t *o, char *text)
{
    static const char *const types[] = { "Ready", "Available" };
    if (cf_json_at(o, "status", "observedGeneration", NULL) && !is_observed(o))
        return say(text, CF_HEALTH_WAITING, "its operator has not seen it yet");
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++) {
        const json_t *c = cf_object_condition(o, types[i]);
        if (!c)
            continue;
        bool ready = cf_object_condition_is(o, types[i], "True");
        return say(text, ready ? CF_HEALTH_READY : CF_HEALTH_WAITING, "%s is %s: %.180s", types[i],
                   cf_json_str(c, "Unknown", "status", NULL), cf_json_str(c, "", "message", NULL));
    }
    return say(text, CF_HEALTH_READY, "there");
}

enum cf_health cf_object_health(const json_t *object, char *text)
{
    const struct cf_kind *k = cf_kind_of(object);
    if (cf_json_at(object, "metadata", "deletionTimestamp", NULL))
        return say(text, CF_HEALTH_FAILED, "it is being deleted");
    if (!k || !k->health)
        return say(text, CF_HEALTH_READY, "there");
    return k->health(object, text);
}
