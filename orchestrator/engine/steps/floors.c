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

/* A change of floors by a step: from one member of each row to another. */
struct change {
    struct cf_pass *pass;
    const struct cf_step *step;
    const char *from, *to;
};

/* Sets minReplicas when it is what we change from; anything else is somebody's later decision and
 * stays. */
static bool set_floor(const struct change *c, struct cf_kube *kube, const json_t *floor,
                      struct cf_error *err)
{
    const json_t *expected = json_object_get(floor, c->from);
    const char *name = cf_json_str(floor, "", "name", NULL);
    struct cf_object_ref ref = hpa_ref(c->pass, name);
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
                                          "spec", "minReplicas", json_object_get(floor, c->to));
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

/* Whether the source still has to show what the template says by now. Asked again soon; a control
 * plane that takes longer than a copy may take is a person's business. */
static bool follows(struct cf_pass *p, const struct cf_step *s, const char *name,
                    struct cf_outcome *out)
{
    enum { LOOK_MS = 300 };
    const struct cf_plan_copy *copy = &p->run->plan->copy;
    if (cf_copies_in_time(p, s))
        return cf_out_wait(out, LOOK_MS, "%s has yet to set the floor of autoscaler %s",
                           copy->control_plane, name);
    return cf_out_hold(out, CF_HOLD_FEDERATION, CF_PASS_RETRY_MS,
                       "%s has not set the floor of autoscaler %s: is its controller-manager "
                       "running? (`crossfade cluster check %s`)",
                       copy->control_plane, name, copy->control_plane);
}

/* What the control plane manages in the source it would write back: there the floor is the
 * template's, and is so when the source shows it. Once it has let go, the source is written to as
 * ever; the template follows in any case. */
static bool set_through_plane(const struct change *c, struct cf_kube *source, const json_t *floor,
                              struct cf_outcome *out, struct cf_error *err)
{
    static const char managed[] = "karmada.io/managed";
    const json_t *expected = json_object_get(floor, c->from);
    const json_t *value = json_object_get(floor, c->to);
    struct cf_object_ref ref = hpa_ref(c->pass, cf_json_str(floor, "", "name", NULL));
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *plane = NULL;
    bool found = false;
    cf_autojson json_t *hpa = NULL;
    if (!cf_pass_kube(c->pass, c->pass->run->plan->copy.control_plane, &plane, err) ||
        !set_floor(c, plane, floor, err) || !cf_kube_find(source, NULL, &ref, &found, &hpa, err))
        return cf_error_wrap(err, "autoscaler %s", ref.name);
    if (!found || !cf_json_at(hpa, "metadata", "labels", managed, NULL))
        return set_floor(c, source, floor, err);
    const json_t *now = cf_json_at(hpa, "spec", "minReplicas", NULL);
    if (json_is_integer(expected) && now &&
        json_integer_value(now) == json_integer_value(expected) && !json_equal(expected, value))
        return follows(c->pass, c->step, ref.name, out);
    return true;
}

static bool set_all(const struct change *c, const json_t *floors, struct cf_outcome *out,
                    struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *source = NULL;
    size_t i;
    json_t *floor;
    cf_out_done(out);
    if (json_array_size(floors) == 0)
        return true;
    if (!cf_pass_kube(c->pass, c->pass->run->plan->source_cluster, &source, err))
        return false;
    json_array_foreach(floors, i, floor)
    {
        if (!(is_adopted(c->pass) ? set_through_plane(c, source, floor, out, err)
                                  : set_floor(c, source, floor, err)))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    return true;
}

bool cf_floors_raise(struct cf_pass *p, const struct cf_step *s, const json_t *floors,
                     struct cf_outcome *out, struct cf_error *err)
{
    struct change c = { .pass = p, .step = s, .from = "had", .to = "raised" };
    return set_all(&c, floors, out, err);
}

bool cf_floors_give_back(struct cf_pass *p, const struct cf_step *s, const json_t *floors,
                         struct cf_outcome *out, struct cf_error *err)
{
    struct change c = { .pass = p, .step = s, .from = "raised", .to = "had" };
    return set_all(&c, floors, out, err);
}
