/* SPDX-License-Identifier: Apache-2.0 */
/* Policies' defaults and checks. */
#include "deploy/sandbox/karmada/policy_rules.h"

#include <string.h>

#include "deploy/sandbox/api/status.h"
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/karmada/words.h"

static void dflt(json_t *o, const char *member, json_t *value)
{
    if (json_is_object(o) && !json_object_get(o, member))
        json_object_set_new(o, member, value);
    else
        json_decref(value);
}

static bool is_propagation(const char *plural)
{
    return strcmp(plural, "propagationpolicies") == 0 ||
           strcmp(plural, "clusterpropagationpolicies") == 0;
}

void km_schema_default(const char *plural, json_t *obj)
{
    json_t *spec = json_object_get(obj, "spec");
    if (strcmp(plural, "clusters") == 0 && json_array_size(json_object_get(spec, "taints")) == 0)
        json_object_del(spec, "taints"); /* it is no custom resource: what is empty is not kept */
    if (!is_propagation(plural) || !json_is_object(spec))
        return;
    dflt(spec, "conflictResolution", json_string("Abort"));
    dflt(spec, "preemption", json_string("Never"));
    dflt(spec, "priority", json_integer(0));
    dflt(spec, "schedulerName", json_string(KM_DEFAULT_SCHEDULER));
    json_t *scheduling = json_object_get(json_object_get(spec, "placement"), "replicaScheduling");
    dflt(scheduling, "replicaSchedulingType", json_string("Divided"));
}

static void check_word(const json_t *spec, const char *member, const char *words,
                       struct sbx_causes *causes)
{
    const char *word = cf_json_str(spec, NULL, member, NULL);
    if (word && !sbx_word_in(words, word))
        sbx_cause(causes, "FieldValueNotSupported", word, "spec.%s", member);
}

static void check_weights(const json_t *spec, struct sbx_causes *causes)
{
    size_t i;
    json_t *w;
    json_array_foreach(cf_json_at(spec, "placement", "replicaScheduling", "weightPreference",
                                  "staticWeightList", NULL),
                       i, w)
    {
        if (cf_json_int(w, 0, "weight", NULL) < 1)
            sbx_cause(
                causes, "FieldValueInvalid",
                "spec.placement.replicaScheduling.weightPreference.staticWeightList.weight in "
                "body should be greater than or equal to 1",
                "spec.placement.replicaScheduling.weightPreference.staticWeightList[%zu]"
                ".weight",
                i);
    }
}

static void check_selectors(const json_t *spec, struct sbx_causes *causes)
{
    size_t i;
    json_t *s;
    const json_t *all = json_object_get(spec, "resourceSelectors");
    if (json_array_size(all) == 0)
        sbx_cause(causes, "FieldValueRequired", "", "spec.resourceSelectors");
    json_array_foreach(cf_json_unconst(all), i, s)
    {
        if (!*cf_json_str(s, "", "apiVersion", NULL))
            sbx_cause(causes, "FieldValueRequired", "", "spec.resourceSelectors[%zu].apiVersion",
                      i);
        if (!*cf_json_str(s, "", "kind", NULL))
            sbx_cause(causes, "FieldValueRequired", "", "spec.resourceSelectors[%zu].kind", i);
    }
}

bool km_schema_check(const char *plural, const json_t *obj, struct sbx_answer *out)
{
    CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
    const json_t *spec = json_object_get(obj, "spec");
    if (!is_propagation(plural))
        return true;
    check_selectors(spec, &causes);
    check_word(spec, "conflictResolution", "Abort,Overwrite", &causes);
    check_word(spec, "preemption", "Always,Never", &causes);
    check_word(spec, "activationPreference", "Lazy", &causes);
    const json_t *scheduling = cf_json_at(spec, "placement", "replicaScheduling", NULL);
    const char *type = cf_json_str(scheduling, NULL, "replicaSchedulingType", NULL);
    if (type && !sbx_word_in("Duplicated,Divided", type))
        sbx_cause(&causes, "FieldValueNotSupported", type,
                  "spec.placement.replicaScheduling.replicaSchedulingType");
    check_weights(spec, &causes);
    return !causes.list || sbx_fail_invalid(out, KM_G_POLICY, cf_json_str(obj, "", "kind", NULL),
                                            sbx_name(obj), &causes);
}

void km_policy_default(json_t *policy)
{
    const char *ns = sbx_ns(policy);
    json_t *spec = json_object_get(policy, "spec");
    size_t i;
    json_t *s;
    json_array_foreach(json_object_get(spec, "resourceSelectors"), i, s)
    {
        if (*ns && !*cf_json_str(s, "", "namespace", NULL))
            json_object_set_new(s, "namespace", json_string(ns));
    }
    json_t *scheduling = json_object_get(json_object_get(spec, "placement"), "replicaScheduling");
    if (strcmp(cf_json_str(scheduling, "", "replicaSchedulingType", NULL), "Divided") == 0)
        dflt(scheduling, "replicaDivisionPreference", json_string("Weighted"));
    json_t *application = json_object_get(json_object_get(spec, "failover"), "application");
    if (strcmp(cf_json_str(application, "Gracefully", "purgeMode", NULL), "Gracefully") == 0)
        dflt(application, "gracePeriodSeconds", json_integer(600));
}

/* Each check: what is wrong, in the field's and the rule's words; NULL: nothing. */
static char *wrong_affinities(const json_t *policy)
{
    const json_t *placement = cf_json_at(policy, "spec", "placement", NULL);
    if (!json_object_get(placement, "clusterAffinity") ||
        !json_object_get(placement, "clusterAffinities"))
        return NULL;
    return cf_xstrdup("spec.placement: Invalid value: clusterAffinities cannot co-exist with "
                      "clusterAffinity");
}

static char *wrong_failover(const json_t *policy)
{
    if (!cf_json_at(policy, "spec", "failover", "application", NULL) ||
        cf_json_bool(policy, false, "spec", "propagateDeps", NULL))
        return NULL;
    return cf_xstrdup("spec.propagateDeps: Invalid value: false: application failover is set, "
                      "propagateDeps must be true");
}

static char *wrong_selectors(const json_t *policy)
{
    const char *ns = sbx_ns(policy);
    bool preempts = strcmp(cf_json_str(policy, "", "spec", "preemption", NULL), "Always") == 0;
    size_t i;
    json_t *s;
    json_array_foreach(cf_json_at(policy, "spec", "resourceSelectors", NULL), i, s)
    {
        const char *in = cf_json_str(s, "", "namespace", NULL);
        if (*ns && strcmp(in, ns) != 0)
            return cf_xasprintf("spec.resourceSelectors[%zu].namespace: Invalid value: \"%s\": "
                                "namespace of resource selector must be the same as the namespace "
                                "of the policy",
                                i, in);
        if (preempts && !*cf_json_str(s, "", "name", NULL))
            return cf_xasprintf("spec.resourceSelectors[%zu].name: Invalid value: \"\": name "
                                "cannot be empty if preemption is Always, the empty name may cause "
                                "unexpected resources preemption",
                                i);
    }
    return NULL;
}

static char *wrong_suspension(const json_t *policy)
{
    const json_t *s = cf_json_at(policy, "spec", "suspension", NULL);
    if (!cf_json_bool(s, false, "dispatching", NULL) ||
        json_array_size(cf_json_at(s, "dispatchingOnClusters", "clusterNames", NULL)) == 0)
        return NULL;
    return cf_xstrdup("spec.suspension.suspension: Invalid value: suspension dispatching cannot "
                      "co-exist with dispatchingOnClusters.clusterNames");
}

bool km_policy_check(const json_t *policy, const json_t *live, const char *id_label, char **out_why)
{
    static char *(*const checks[])(const json_t *) = { wrong_affinities, wrong_failover,
                                                       wrong_selectors, wrong_suspension };
    char *why = NULL;
    if (live && strcmp(cf_json_str(policy, "", "spec", "schedulerName", NULL),
                       cf_json_str(live, "", "spec", "schedulerName", NULL)) != 0)
        why = cf_xstrdup("the schedulerName should not be updated");
    else if (live && strcmp(sbx_label(policy, id_label), sbx_label(live, id_label)) != 0)
        why = cf_xasprintf(
            "label %s is immutable, it can only be set by the system during creation", id_label);
    for (size_t i = 0; i < CF_ARRAY_LEN(checks) && !why; i++)
        why = checks[i](policy);
    if (!why)
        return true;
    *out_why = why;
    return false;
}
