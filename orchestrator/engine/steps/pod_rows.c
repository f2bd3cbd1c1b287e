/* SPDX-License-Identifier: Apache-2.0 */
/* The writers' pods, for the forecast (pod_rows.h). */
#include "orchestrator/engine/steps/pod_rows.h"

#include <string.h>

#include "base/clock.h"
#include "federation/objects/kinds.h"
#include "federation/objects/pods.h"
#include "federation/objects/volumes.h"

/* ---- one pod ---- */

static bool has_restarted(const json_t *pod)
{
    size_t i;
    json_t *container;
    json_array_foreach(cf_json_at(pod, "status", "containerStatuses", NULL), i, container)
    {
        if (cf_json_int(container, 0, "restartCount", NULL) > 0)
            return true;
    }
    return false;
}

/* From its node's first sight of it until it was ready; by its own cluster's clock, in whole seconds. */
static bool start_of(const json_t *pod, int64_t *out_ms)
{
    int64_t from = 0, ready = 0;
    const json_t *condition = cf_object_condition(pod, "Ready");
    if (!cf_object_condition_is(pod, "Ready", "True") || has_restarted(pod) ||
        !cf_time_parse(cf_json_str(pod, "", "status", "startTime", NULL), &from) ||
        !cf_time_parse(cf_json_str(condition, "", "lastTransitionTime", NULL), &ready) ||
        ready < from)
        return false;
    *out_ms = ready - from;
    return true;
}

/* ---- rows ---- */

static json_t *row_of(json_t *rows, const json_t *inventory, const char *label)
{
    json_t *row = cf_json_unconst(cf_json_named(rows, "workload", label));
    const json_t *body = cf_inventory_body(inventory, label);
    const json_t *spec = body ? cf_object_pod_spec(body) : NULL;
    if (row || !spec)
        return row;
    row = json_pack("{s:s,s:I,s:i}", "workload", label, "terminationGracePeriodSeconds",
                    (json_int_t)cf_json_int(spec, 30, "terminationGracePeriodSeconds", NULL),
                    "waves", 1);
    json_array_append_new(rows, row);
    return row;
}

/* The workload whose pod this is, by the claim that it mounts. */
static const char *workload_of(const json_t *pod, const json_t *claims)
{
    const json_t *spec = json_object_get(pod, "spec");
    size_t i;
    json_t *claim;
    json_array_foreach(claims, i, claim)
    {
        if (spec && cf_pod_mounts(spec, cf_json_str(claim, "", "name", NULL)))
            return cf_json_str(claim, "", "by", NULL);
    }
    return "";
}

/* A StatefulSet's pods start one after the other, unless it says otherwise. */
static bool in_order(const json_t *inventory, const char *label)
{
    const json_t *body = cf_inventory_body(inventory, label);
    return strcmp(cf_json_str(body, "", "kind", NULL), "StatefulSet") == 0 &&
           strcmp(cf_json_str(body, "", "spec", "podManagementPolicy", NULL), "Parallel") != 0;
}

/* A pod that was not ready for a while later on looks as if it had started slowly: the quickest tells. */
static void heed(json_t *row, const json_t *pod)
{
    int64_t ms = 0;
    json_object_set_new(row, "pods", json_integer(cf_json_int(row, 0, "pods", NULL) + 1));
    if (start_of(pod, &ms) && ms <= cf_json_int(row, INT64_MAX, "startMs", NULL))
        json_object_set_new(row, "startMs", json_integer((json_int_t)ms));
}

json_t *cf_pod_rows_of(const json_t *inventory, const json_t *claims, const json_t *pods)
{
    json_t *rows = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(claims, i, one)
    {
        (void)row_of(rows, inventory, cf_json_str(one, "", "by", NULL));
    }
    json_array_foreach(pods, i, one)
    {
        json_t *row = cf_json_unconst(cf_json_named(rows, "workload", workload_of(one, claims)));
        if (row)
            heed(row, one);
    }
    json_array_foreach(rows, i, one)
    {
        if (in_order(inventory, cf_json_str(one, "", "workload", NULL)))
            json_object_set_new(one, "waves",
                                json_integer(CF_MAX(cf_json_int(one, 1, "pods", NULL), 1)));
        json_object_del(one, "pods");
    }
    return rows;
}

static void trim(json_t *pod)
{
    json_t *spec = json_pack("{s:O?}", "volumes", cf_json_at(pod, "spec", "volumes", NULL));
    json_object_set_new(pod, "spec", spec);
    json_object_del(json_object_get(pod, "metadata"), "managedFields");
}

bool cf_pod_rows(struct cf_pass *p, const json_t *inventory, const json_t *claims, json_t **out,
                 struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    struct cf_kube_list what = {
        .api_version = "v1", .kind = "Pod", .ns = plan->source_namespace, .trim = trim
    };
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    cf_autojson json_t *pods = NULL;
    if (!cf_pass_kube(p, plan->source_cluster, &kube, err) ||
        !cf_kube_list(kube, NULL, &what, &pods, NULL, err))
        return cf_error_wrap(err, "pods of %s/%s", plan->source_cluster, plan->source_namespace);
    *out = cf_pod_rows_of(inventory, claims, pods);
    return true;
}
