/* SPDX-License-Identifier: Apache-2.0 */
/* The routers of a run within a pass: grips, readings, touches, the prepared way back (pass.h). */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "orchestrator/engine/steps/disarm.h"

void cf_pass_grip(const struct cf_pass *p, const struct cf_run_router *r,
                  struct cf_router_grip *out)
{
    memset(out, 0, sizeof *out);
    (void)snprintf(out->run, sizeof out->run, "%s", p->run->id);
    (void)snprintf(out->incarnation, sizeof out->incarnation, "%s", p->run->incarnation);
    out->epoch = p->fence.epoch;
    memcpy(out->arm, r->arm, sizeof out->arm);
    memcpy(out->seq, r->seq, sizeof out->seq);
}

void cf_pass_took(struct cf_run_router *r, const struct cf_router_grip *grip,
                  const struct cf_router_reading *reading)
{
    memcpy(r->arm, grip->arm, sizeof r->arm);
    memcpy(r->seq, grip->seq, sizeof r->seq);
    r->epoch = grip->epoch;
    r->adopted = true;
    if (reading->located && reading->weight >= 0)
        r->weight = reading->weight;
    r->changed = true;
}

const struct cf_plan_router *cf_pass_plan_router(const struct cf_pass *p,
                                                 const struct cf_run_router *r)
{
    const struct cf_plan_traffic *t = &p->run->plan->traffic;
    for (size_t i = 0; i < t->n_routers; i++)
        if (strcmp(t->routers[i].name, r->name) == 0)
            return &t->routers[i];
    return NULL;
}

bool cf_pass_router_kube(struct cf_pass *p, const struct cf_run_router *r, struct cf_kube **out,
                         struct cf_error *err)
{
    return cf_pass_kube(p, r->cluster, out, err);
}

/* ---- what a reading means ---- */

static bool heed_drift(struct cf_pass *p, const struct cf_run_router *r,
                       const struct cf_router_reading *reading, struct cf_outcome *out)
{
    char said[CF_HOLD_TEXT_MAX];
    (void)snprintf(said, sizeof said, "%s was changed by %s: %s", r->name,
                   reading->who[0] ? reading->who : "somebody unknown", reading->what);
    bool agreed = json_is_true(cf_memo(p->run, "reasserted")) ||
                  p->run->plan->traffic.on_drift == CF_PLAN_DRIFT_RESTORE;
    /* From commit on no weight of ours is written any more: what others write then is looked at by
     * people. */
    if (agreed && !cf_run_is_committed(p->run)) {
        cf_out_lost(out, "%s; writing ours again", said);
        out->kind = CF_OUT_REASSERT;
        return true;
    }
    cf_out_hold(out, CF_HOLD_DRIFT, CF_PASS_WAKE_MAX_MS, "%s", said);
    if (p->run->plan->traffic.on_drift == CF_PLAN_DRIFT_ROLLBACK && !cf_run_is_committed(p->run))
        out->kind = CF_OUT_ROLLBACK;
    return true;
}

/* What the row says of the object is not what it is: touched again before anything else. */
static void retake(struct cf_run_router *r)
{
    r->epoch = 0;
    r->changed = true;
}

/* A newer owner of this run ends the pass; another run on the object is for people to see; a touch
 * of our own that was not recorded is simply done again. */
static bool heed_fence(struct cf_pass *p, struct cf_run_router *r,
                       const struct cf_router_reading *reading, struct cf_outcome *out,
                       struct cf_error *err)
{
    if (reading->run[0] && strcmp(reading->run, p->run->id) != 0)
        return cf_out_hold(out, CF_HOLD_CONFLICT, CF_PASS_WAKE_MAX_MS,
                           "router %s is steered by run %s", r->name, reading->run);
    if (reading->epoch > p->fence.epoch)
        return cf_error_set(err, CF_ERR_FENCED, "%s: %s", r->name, reading->what);
    retake(r);
    return cf_out_lost(out, "%s: a touch of ours was not recorded", r->name);
}

bool cf_pass_recall(const struct cf_pass *p, struct cf_run_router *r,
                    const struct cf_router_reading *reading)
{
    bool newer = reading->state == CF_ROUTER_FENCED || reading->state == CF_ROUTER_OVERTAKEN;
    if (!newer || strcmp(reading->run, p->run->id) != 0 || reading->epoch > p->fence.epoch)
        return false;
    (void)snprintf(r->arm, sizeof r->arm, "%.32s", reading->arm);
    (void)snprintf(r->seq, sizeof r->seq, "%.32s", reading->seq);
    r->changed = true;
    return true;
}

bool cf_pass_heed(struct cf_pass *p, struct cf_run_router *r,
                  const struct cf_router_reading *reading, struct cf_outcome *out,
                  struct cf_error *err)
{
    if (reading->emergency && !cf_run_is_disarmed(p->run)) {
        cf_out_hold(out, CF_HOLD_DRIFT, 0, "%s was sent back: %s", r->name, reading->emergency_why);
        out->kind = CF_OUT_ROLLBACK;
        return true;
    }
    switch (reading->state) {
    case CF_ROUTER_OURS:
        return cf_out_done(out);
    case CF_ROUTER_FENCED:
        return heed_fence(p, r, reading, out, err);
    case CF_ROUTER_FOREIGN:
        return cf_out_hold(out, CF_HOLD_INCARNATION, CF_PASS_WAKE_MAX_MS,
                           "%s: %s, this is %s: it was restored or failed over, so what it knows "
                           "may be older than what the cluster shows",
                           r->name, reading->what, p->run->incarnation);
    case CF_ROUTER_OVERTAKEN:
        retake(r);
        return cf_out_lost(out, "%s: a newer write of this run is in place: %s", r->name,
                           reading->what);
    case CF_ROUTER_MOVED:
        return cf_out_lost(out, "%s: the route moved: %s", r->name, reading->what);
    case CF_ROUTER_DRIFTED:
        break;
    }
    return heed_drift(p, r, reading, out);
}

bool cf_pass_read_router(struct cf_pass *p, const struct cf_run_router *r, int weight,
                         struct cf_router_reading *out, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    cf_pass_grip(p, r, &grip);
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_read(kube, NULL, r->baseline, &grip, weight, out, NULL, err))
        return cf_error_wrap(err, "router %s", r->name);
    return true;
}

bool cf_pass_look_at_routers(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    for (size_t i = 0; i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        struct cf_router_reading reading;
        if (!cf_pass_read_router(p, r, r->weight, &reading, err))
            return false;
        if (!cf_pass_heed(p, r, &reading, out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    return cf_out_done(out);
}

/* ---- the way back ---- */

bool cf_pass_prepare_way_back(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    for (size_t i = 0; i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
        struct cf_router_grip grip;
        json_t *document = NULL;
        cf_pass_grip(p, r, &grip);
        if (!cf_pass_router_kube(p, r, &kube, err))
            return false;
        if (!cf_router_prepare_rollback(kube, NULL, r->baseline, &grip, "crossfade", &document,
                                        err)) {
            if (err->kind != CF_ERR_CONFLICT)
                return cf_error_wrap(err, "way back of router %s", r->name);
            /* Somebody was there between our look and this one: the next look says who. */
            struct cf_error why = *err;
            cf_error_clear(err);
            return cf_out_lost(out, "%s", why.message);
        }
        json_decref(r->restore);
        r->restore = document;
        r->changed = true;
    }
    if (!p->ports->lane.prepare(p->ports->lane.self, p->run, err))
        return cf_error_wrap(err, "keep the way back");
    return cf_out_done(out);
}

/* ---- a new owner's first look ---- */

static struct cf_step *open_step(const struct cf_live *run, const char *kind)
{
    for (size_t i = 0; i < run->n_steps; i++)
        if (strcmp(run->steps[i].kind, kind) == 0 && run->steps[i].state == CF_STEP_INTENT)
            return &run->steps[i];
    return NULL;
}

/* Our own open intent explains another weight than the recorded one; nothing else does: that is
 * drift, and the look before the next raise finds it. */
static bool is_explained(const struct cf_live *run, const struct cf_router_reading *reading)
{
    const struct cf_step *shift = open_step(run, "traffic.shift");
    int64_t intended = cf_json_int(shift ? shift->intent : NULL, -1, "weight", NULL);
    return reading->emergency || (reading->weight == intended && reading->want == intended);
}

static bool touch(struct cf_pass *p, struct cf_run_router *r, struct cf_outcome *out,
                  struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    struct cf_router_reading reading;
    cf_pass_grip(p, r, &grip);
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_touch(kube, NULL, r->baseline, &grip, &reading, err))
        return cf_error_wrap(err, "touch router %s", r->name);
    if (reading.state != CF_ROUTER_OURS)
        return cf_pass_heed(p, r, &reading, out, err);
    if (!cf_router_read(kube, NULL, r->baseline, &grip, -1, &reading, NULL, err))
        return cf_error_wrap(err, "read router %s", r->name);
    int before = r->weight;
    cf_pass_took(r, &grip, &reading);
    if (reading.weight != before && !is_explained(p->run, &reading))
        r->weight = before;
    cf_event_add_take(p->events, "router.touched", -1, NULL,
                      json_pack("{s:s,s:I,s:i}", "router", r->name, "epoch", (json_int_t)grip.epoch,
                                "weight", reading.weight));
    return cf_pass_heed(p, r, &reading, out, err);
}

/* ---- intents that a touch has overtaken ---- */

static bool settle_shift(struct cf_pass *p, struct cf_error *err)
{
    struct cf_step *shift = open_step(p->run, "traffic.shift");
    if (!shift)
        return true;
    int intended = (int)cf_json_int(shift->intent, -1, "weight", NULL);
    bool everywhere = true;
    for (size_t i = 0; i < p->run->n_routers; i++)
        everywhere = everywhere && p->run->routers[i].weight == intended;
    if (everywhere)
        p->run->applied = intended;
    return cf_step_to(shift, everywhere ? CF_STEP_APPLIED : CF_STEP_PLANNED, p->events, p->now_wall,
                      err);
}

/* A disarming that has begun goes on: its patches are planned anew on what the touch wrote. What is to
 * stop in the source stays as it is. */
static void settle_disarming(struct cf_pass *p, const char *kind)
{
    struct cf_step *step = open_step(p->run, kind);
    if (!step)
        return;
    json_t *intent = json_copy(step->intent);
    json_object_set_new(intent, "routers", cf_disarm_rows(p->run));
    cf_step_set_intent_take(step, intent);
}

/* Whether an alarm may have to send any router back. */
static bool is_exposed(const struct cf_live *run)
{
    for (size_t i = 0; i < run->n_routers; i++)
        if (run->routers[i].restore && run->routers[i].arm[0])
            return true;
    return false;
}

bool cf_pass_take_over(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    bool touched = false;
    struct cf_outcome worst = { .kind = CF_OUT_DONE };
    for (size_t i = 0; i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        if (!r->adopted || r->epoch == p->fence.epoch)
            continue;
        if (!touch(p, r, out, err))
            return false;
        touched = true;
        if (out->kind != CF_OUT_DONE)
            worst = *out;
    }
    if (touched && !settle_shift(p, err))
        return false;
    if (touched) {
        settle_disarming(p, "commit");
        settle_disarming(p, "quiesce");
    }
    if (touched && worst.kind == CF_OUT_DONE && is_exposed(p->run))
        return cf_pass_prepare_way_back(p, out, err);
    *out = worst;
    return true;
}

bool cf_pass_reopen_shift(struct cf_pass *p, const char *why, struct cf_error *err)
{
    struct cf_step *last = NULL;
    for (size_t i = 0; i < p->run->n_steps; i++)
        if (strcmp(p->run->steps[i].kind, "traffic.shift") == 0 &&
            p->run->steps[i].state == CF_STEP_DONE)
            last = &p->run->steps[i];
    if (!last)
        return true;
    cf_step_say(last, "%s", why);
    return cf_step_to(last, CF_STEP_PLANNED, p->events, p->now_wall, err);
}
