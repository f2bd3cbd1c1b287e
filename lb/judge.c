/* SPDX-License-Identifier: Apache-2.0 */
/* What an object says against what a run expects, and who changed it. */
#include <stdio.h>
#include <string.h>

#include "lb/kinds.h"

static const char *const state_names[] = {
    [CF_ROUTER_OURS] = "ours",       [CF_ROUTER_FENCED] = "fenced",
    [CF_ROUTER_FOREIGN] = "foreign", [CF_ROUTER_OVERTAKEN] = "overtaken",
    [CF_ROUTER_DRIFTED] = "drifted", [CF_ROUTER_MOVED] = "moved",
};

const char *cf_router_state_name(enum cf_router_state s)
{
    cf_assert(s >= 0 && (size_t)s < CF_ARRAY_LEN(state_names));
    return state_names[s];
}

static bool owns(const json_t *entry, const char *const path[])
{
    const json_t *at = json_object_get(entry, "fieldsV1");
    for (size_t i = 0; path[i] && at; i++)
        at = json_object_get(at, path[i]);
    return at != NULL;
}

/* The last other writer among those who own `path` now (all others when nobody does). */
static void find_manager(const json_t *object, const char *const path[], char *out, size_t size)
{
    const json_t *managed = cf_json_at(object, "metadata", "managedFields", NULL), *best = NULL;
    bool best_owns = false;
    for (size_t i = 0; i < json_array_size(managed); i++) {
        const json_t *m = json_array_get(managed, i);
        if (strcmp(cf_json_str(m, "", "manager", NULL), "crossfade") == 0 ||
            *cf_json_str(m, "", "subresource", NULL))
            continue;
        bool it_owns = owns(m, path);
        bool later = best && strcmp(cf_json_str(m, "", "time", NULL),
                                    cf_json_str(best, "", "time", NULL)) >= 0;
        if (!best || (it_owns && !best_owns) || (it_owns == best_owns && later)) {
            best = m;
            best_owns = it_owns;
        }
    }
    if (best)
        snprintf(out, size, "%.80s (%.20s, %.40s)", cf_json_str(best, "?", "manager", NULL),
                 cf_json_str(best, "Update", "operation", NULL),
                 cf_json_str(best, "", "time", NULL));
}

/* The field of the object whose owner is asked when something drifted. */
static void name_the_writer(const json_t *baseline, const json_t *object, bool marks,
                            struct cf_router_reading *out)
{
    static const char *const annotations[] = { "f:metadata", "f:annotations", NULL };
    static const char *const lists[CF_ROUTER_TYPES][3] = {
        [CF_ROUTER_VIRTUAL_SERVICE] = { "f:spec", "f:http", NULL },
        [CF_ROUTER_HTTP_ROUTE] = { "f:spec", "f:rules", NULL },
        [CF_ROUTER_INGRESS] = { "f:metadata", "f:annotations", NULL },
    };
    find_manager(object, marks ? annotations : lists[cf_baseline_type(baseline)], out->who,
                 sizeof out->who);
}

static void set_state(struct cf_router_reading *out, enum cf_router_state state, const char *fmt,
                      ...) CF_PRINTF(3, 4);
static void set_state(struct cf_router_reading *out, enum cf_router_state state, const char *fmt,
                      ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(out->what, sizeof out->what, fmt, ap);
    va_end(ap);
    out->state = state;
}

/* Weights as they are, whatever the marks say; false with the reason when our destinations are not
 * there. */
static bool read_weights(const json_t *baseline, const json_t *object,
                         struct cf_router_reading *out, char why[CF_PLACE_WHY_MAX])
{
    struct cf_place at;
    if (!cf_kind_of_baseline(baseline)->locate(baseline, object, &at, why))
        return false;
    if (at.target < 0) {
        snprintf(why, CF_PLACE_WHY_MAX, "the target destination is no longer in the route");
        return false;
    }
    int both = at.source_weight + at.target_weight;
    bool alone = cf_json_bool(baseline, false, "alone", NULL);
    out->located = true;
    out->weight = cf_share_percent(alone ? both : cf_baseline_share(baseline), at.source_weight,
                                   at.target_weight);
    if (out->weight < 0)
        snprintf(why, CF_PLACE_WHY_MAX,
                 "source and target have the weights %d and %d, not %d together", at.source_weight,
                 at.target_weight, cf_baseline_share(baseline));
    return true;
}

static void copy_marks(const struct cf_marks *m, const json_t *object,
                       struct cf_router_reading *out)
{
    out->want = m->want;
    out->epoch = m->epoch;
    out->emergency = *m->emergency != '\0';
    out->generation = cf_json_int(object, 0, "metadata", "generation", NULL);
    snprintf(out->emergency_why, sizeof out->emergency_why, "%s", m->emergency);
    snprintf(out->run, sizeof out->run, "%s", m->run);
    snprintf(out->arm, sizeof out->arm, "%s", m->arm);
    snprintf(out->seq, sizeof out->seq, "%s", m->seq);
}

/* Fence, incarnation, order: everything but destinations and weights. False when that settles it.
 */
static bool judge_marks(const json_t *baseline, const json_t *object, const struct cf_marks *m,
                        const struct cf_router_grip *grip, struct cf_router_reading *out)
{
    const char *uid = cf_json_str(baseline, "", "uid", NULL);
    char holder[CF_DEST_WORD_MAX];
    if (*uid && strcmp(uid, cf_json_str(object, "", "metadata", "uid", NULL)) != 0)
        set_state(out, CF_ROUTER_DRIFTED, "the object was deleted and made again");
    else if (!m->present && cf_marks_other_run(object, cf_baseline_slot(baseline), grip->run,
                                               holder, sizeof holder)) {
        snprintf(out->run, sizeof out->run, "%s", holder);
        set_state(out, CF_ROUTER_FENCED, "run %s steers this object", holder);
    } else if (!m->present) {
        set_state(out, CF_ROUTER_DRIFTED, "our annotations are gone");
        name_the_writer(baseline, object, true, out);
    } else if (strcmp(m->run, grip->run) != 0)
        set_state(out, CF_ROUTER_FENCED, "run %s steers this route", m->run);
    else if (strcmp(m->incarnation, grip->incarnation) != 0)
        set_state(out, CF_ROUTER_FOREIGN, "the marks are of store %s",
                  *m->incarnation ? m->incarnation : "(none)");
    else if (m->epoch > grip->epoch)
        set_state(out, CF_ROUTER_FENCED, "the object carries epoch %lld, ours is %lld",
                  (long long)m->epoch, (long long)grip->epoch);
    else if (*grip->seq && strcmp(m->arm, grip->arm) != 0)
        set_state(out, CF_ROUTER_FENCED, "%s",
                  *m->arm ? "the object was armed anew" : "the object is disarmed");
    else if (*grip->seq && strcmp(m->seq, grip->seq) != 0)
        set_state(out, CF_ROUTER_OVERTAKEN,
                  *m->emergency ? "the traffic was sent back (%s)" : "a newer write%s is in place",
                  m->emergency);
    else
        return true;
    return false;
}

void cf_router_judge(const json_t *baseline, const json_t *object,
                     const struct cf_router_grip *grip, int expect_weight,
                     struct cf_router_reading *out)
{
    char why[CF_PLACE_WHY_MAX] = "";
    struct cf_marks marks;
    *out = (struct cf_router_reading){ .state = CF_ROUTER_OURS, .weight = -1, .want = -1 };
    if (!object) {
        set_state(out, CF_ROUTER_DRIFTED, "%s %s/%s is gone", cf_baseline_kind(baseline),
                  cf_baseline_ns(baseline), cf_baseline_object(baseline));
        return;
    }
    cf_marks_read(object, cf_baseline_slot(baseline), &marks);
    copy_marks(&marks, object, out);
    bool located = read_weights(baseline, object, out, why);
    if (!judge_marks(baseline, object, &marks, grip, out))
        return;
    if (!located || (out->weight < 0 && expect_weight >= 0))
        set_state(out, CF_ROUTER_DRIFTED, "%s", why);
    else if (expect_weight >= 0 && out->weight != expect_weight)
        set_state(out, CF_ROUTER_DRIFTED, "the target has %d%% instead of %d%%", out->weight,
                  expect_weight);
    if (out->state == CF_ROUTER_DRIFTED)
        name_the_writer(baseline, object, false, out);
}
