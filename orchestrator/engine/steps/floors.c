/* SPDX-License-Identifier: Apache-2.0 */
/* Raises and gives back the floors of autoscalers (floors.h). */
#include "orchestrator/engine/steps/floors.h"

#include <string.h>

#define HPA_API  "autoscaling/v2"
#define HPA_KIND "HorizontalPodAutoscaler"

static struct cf_object_ref hpa_ref(const struct cf_pass *p, const char *name)
{
    return cf_ref(HPA_API, HPA_KIND, p->run->plan->source_namespace, name);
}

static bool find_one(struct cf_pass *p, struct cf_kube *kube, const char *name, json_t *floors,
                     struct cf_error *err)
{
    struct cf_object_ref ref = hpa_ref(p, name);
    bool found = false;
    cf_autojson json_t *hpa = NULL;
    if (!cf_kube_find(kube, NULL, &ref, &found, &hpa, err))
        return cf_error_wrap(err, "autoscaler %s", name);
    if (!found)
        return true;
    const json_t *had = cf_json_at(hpa, "spec", "minReplicas", NULL);
    int64_t floor = had ? json_integer_value(had) : 1;
    int64_t present = cf_json_int(hpa, 0, "status", "currentReplicas", NULL);
    if (present > floor)
        json_array_append_new(floors, json_pack("{s:s,s:o,s:I}", "name", name, "had",
                                                had ? json_integer(floor) : json_null(), "raised",
                                                (json_int_t)present));
    return true;
}

bool cf_floors_find(struct cf_pass *p, json_t **out_floors, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    cf_autojson json_t *floors = json_array();
    if (!cf_pass_kube(p, p->run->plan->source_cluster, &kube, err) || !cf_copies_read(p, err))
        return false;
    size_t i;
    json_t *row;
    json_array_foreach(cf_copies_ledger(p), i, row)
    {
        if (strcmp(cf_json_str(row, "", "ref", "kind", NULL), HPA_KIND) != 0)
            continue;
        if (!find_one(p, kube, cf_json_str(row, "", "ref", "name", NULL), floors, err))
            return false;
    }
    *out_floors = cf_steal(&floors);
    return true;
}

/* Sets minReplicas when it is `expected`; anything else is somebody's later decision and stays. */
static bool set_floor(struct cf_pass *p, struct cf_kube *kube, const json_t *floor,
                      const json_t *expected, json_t *value, struct cf_error *err)
{
    const char *name = cf_json_str(floor, "", "name", NULL);
    struct cf_object_ref ref = hpa_ref(p, name);
    bool found = false;
    cf_autojson json_t *hpa = NULL;
    if (!cf_kube_find(kube, NULL, &ref, &found, &hpa, err))
        return cf_error_wrap(err, "autoscaler %s", name);
    const json_t *now = cf_json_at(hpa, "spec", "minReplicas", NULL);
    bool as_expected = json_is_null(expected)
                           ? !now || json_integer_value(now) == 1
                           : now && json_integer_value(now) == json_integer_value(expected);
    if (!found || !as_expected)
        return true;
    cf_autojson json_t *patch = json_pack("{s:{s:s},s:{s:O}}", "metadata", "resourceVersion",
                                          cf_json_str(hpa, "", "metadata", "resourceVersion", NULL),
                                          "spec", "minReplicas", value);
    if (!cf_kube_merge_patch(kube, NULL, &ref, patch, NULL, NULL, err))
        return cf_error_wrap(err, "floor of autoscaler %s", name);
    return true;
}

/* ---- in adoption ---- */

static bool is_adopted(const struct cf_pass *p)
{
    const struct cf_plan_copy *copy = &p->run->plan->copy;
    return copy->method == CF_PLAN_COPY_KARMADA && copy->mode == CF_PLAN_COPY_ADOPT;
}

/* What the control plane manages in the source it would write back: there the floor is the
 * template's, and is so when the source shows it. Once it has let go, the source is written to as
 * ever; the template follows in any case. */
static bool set_through_plane(struct cf_pass *p, struct cf_kube *source, const json_t *floor,
                              const char *from, const char *to, struct cf_error *err)
{
    static const char managed[] = "karmada.io/managed";
    const json_t *expected = json_object_get(floor, from);
    json_t *value = json_object_get(floor, to);
    struct cf_object_ref ref = hpa_ref(p, cf_json_str(floor, "", "name", NULL));
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *plane = NULL;
    bool found = false;
    cf_autojson json_t *hpa = NULL;
    if (!cf_pass_kube(p, p->run->plan->copy.control_plane, &plane, err) ||
        !set_floor(p, plane, floor, expected, value, err) ||
        !cf_kube_find(source, NULL, &ref, &found, &hpa, err))
        return cf_error_wrap(err, "autoscaler %s", ref.name);
    if (!found || !cf_json_at(hpa, "metadata", "labels", managed, NULL))
        return set_floor(p, source, floor, expected, value, err);
    const json_t *now = cf_json_at(hpa, "spec", "minReplicas", NULL);
    if (json_is_integer(expected) && now &&
        json_integer_value(now) == json_integer_value(expected) && !json_equal(expected, value))
        return cf_error_set(err, CF_ERR_TRANSIENT, "%s has yet to set the floor of autoscaler %s",
                            p->run->plan->copy.control_plane, ref.name);
    return true;
}

static bool set_all(struct cf_pass *p, const json_t *floors, const char *from, const char *to,
                    struct cf_error *err)
{
    if (json_array_size(floors) == 0)
        return true;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    if (!cf_pass_kube(p, p->run->plan->source_cluster, &kube, err))
        return false;
    size_t i;
    json_t *floor;
    json_array_foreach(floors, i, floor)
    {
        if (!(is_adopted(p) ? set_through_plane(p, kube, floor, from, to, err)
                            : set_floor(p, kube, floor, json_object_get(floor, from),
                                        json_object_get(floor, to), err)))
            return false;
    }
    return true;
}

bool cf_floors_raise(struct cf_pass *p, const json_t *floors, struct cf_error *err)
{
    return set_all(p, floors, "had", "raised", err);
}

bool cf_floors_give_back(struct cf_pass *p, const json_t *floors, struct cf_error *err)
{
    return set_all(p, floors, "raised", "had", err);
}
