/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over one run (reconcile.h): take over, hear people, hear the lane and the gates, then go
 * forward or back. */
#include "orchestrator/engine/reconcile.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "orchestrator/engine/absence.h"
#include "orchestrator/engine/moves.h"
#include "orchestrator/engine/pause.h"

/* ---- what decides against going forward ---- */

/* The lane may have fired by itself: on an alarm, or in a life of this process before a restart. */
static bool hear_lane(struct cf_pass *p, struct cf_error *err)
{
    struct cf_lane_view view = { .state = CF_LANE_QUIET };
    p->ports->lane.view(p->ports->lane.self, p->run->id, &view);
    if (view.state == CF_LANE_QUIET || p->run->state != CF_RUN_ACTIVE || cf_run_is_disarmed(p->run))
        return true;
    return cf_rollback_begin(p, view.cause, view.why, NULL, err);
}

static bool deadline_passed(const struct cf_pass *p)
{
    int64_t deadline = p->run->plan->traffic.deadline_ms;
    if (deadline == 0 || cf_run_is_committed(p->run) || cf_memo(p->run, "deadlineWaived"))
        return false;
    return p->now_wall - p->run->created_ms - cf_pause_spent_ms(p->run, p->now_wall) > deadline;
}

/* The freeze's clock runs whatever holds its steps: a pause, a failure. */
static bool heed_freeze(struct cf_pass *p, struct cf_error *err)
{
    struct cf_outcome out = { .kind = CF_OUT_DONE };
    return !cf_moves_too_long(p, &out) ||
           cf_rollback_begin(p, "pause-too-long", out.message, NULL, err);
}

/* Begins a rollback, or says which hold stands instead. */
static bool heed_limits(struct cf_pass *p, struct cf_hold *hold, struct cf_error *err)
{
    if (!heed_freeze(p, err))
        return false;
    if (p->run->state != CF_RUN_ACTIVE || !deadline_passed(p))
        return true;
    if (p->run->plan->rollback_on & CF_PLAN_ROLLBACK_ON_DEADLINE && !cf_rollback_loses_data(p->run))
        return cf_rollback_begin(p, "deadline", "the plan's deadline has passed before commit",
                                 NULL, err);
    bool loses = cf_rollback_loses_data(p->run);
    cf_hold_set(hold, CF_HOLD_DEADLINE, "the plan's deadline has passed before commit%s%s%s",
                loses ? "; going back would lose what was written in " : "",
                loses ? p->run->plan->target_cluster : "",
                loses ? " since the switch, and takes --discard-target-data" : "");
    return true;
}

/* A pause and a freeze stop forward moves; a step under way is still looked at. What is not looked
 * at is not known to be missing: samples begin to be missing anew after it. */
static bool heed_people(struct cf_pass *p, struct cf_hold *hold, struct cf_error *err)
{
    bool frozen = false;
    char why[CF_HOLD_TEXT_MAX] = "";
    (void)cf_pause_stands(p->run, hold);
    if (!p->ports->journal.frozen(p->ports->journal.self, &frozen, why, err))
        return cf_error_wrap(err, "ask whether all is frozen");
    if (frozen && hold->reason == CF_HOLD_NONE)
        cf_hold_set(hold, CF_HOLD_FROZEN, "everything is frozen: %s", why);
    if (hold->reason != CF_HOLD_NONE)
        cf_absence_forget(p->run);
    return true;
}

/* From the first intended raise to the retiring of the source somebody watches. */
static bool keep_watch(struct cf_pass *p, struct cf_error *err)
{
    const struct cf_step *shift = cf_run_step(p->run, "traffic.shift");
    if (!shift || shift->state == CF_STEP_PLANNED)
        return true;
    const json_t *since = cf_memo(p->run, "shiftedAt");
    int64_t at = since ? json_integer_value(since) : shift->started_ms;
    if (!p->ports->gates.watch(p->ports->gates.self, &p->fence, p->run, at, err))
        return cf_error_wrap(err, "watch the gates");
    return true;
}

/* ---- one step ---- */

typedef bool part_fn(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                     struct cf_error *err);

/* The part of the step that its state calls for; NULL: there is none, and it counts as done. */
static part_fn *part_of(const struct cf_step_kind *kind, const struct cf_step *s)
{
    switch (s->state) {
    case CF_STEP_PLANNED:
        return kind->intend;
    case CF_STEP_INTENT:
        return kind->start;
    case CF_STEP_APPLIED:
        return kind->observe;
    default:
        return NULL;
    }
}

static enum cf_step_state next_state(enum cf_step_state s)
{
    return s == CF_STEP_PLANNED  ? CF_STEP_INTENT
           : s == CF_STEP_INTENT ? CF_STEP_APPLIED
                                 : CF_STEP_DONE;
}

/* An error of a step, by its kind (step.h). Holds that are worth a person's look say so; the rest
 * is tried again. */
static bool step_error(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                       struct cf_error *err)
{
    if (err->kind == CF_ERR_FENCED || err->kind == CF_ERR_BUG)
        return false;
    struct cf_error why = *err;
    cf_error_clear(err);
    if (cf_error_is_retryable(&why) || why.kind == CF_ERR_CANCELLED)
        return cf_out_hold(out, CF_HOLD_CLUSTER_UNREACHABLE,
                           CF_MAX(CF_PASS_RETRY_MS, why.retry_after_ms), "%s", why.message);
    if (why.kind == CF_ERR_CONFLICT)
        return cf_out_hold(out, CF_HOLD_CONFLICT, CF_PASS_RETRY_MS * 3, "%s", why.message);
    /* While only planned nothing has happened, so it is simply looked at again. After commit what
     * has happened stands, and there is no way but forward. */
    if (s->state == CF_STEP_PLANNED || cf_run_is_committed(p->run))
        return cf_out_hold(out, CF_HOLD_STEP_FAILED, CF_PASS_WAKE_MAX_MS, "%s", why.message);
    return cf_out_failed(out, "%s", why.message);
}

/* The cause under which a rollback that a step asks for is known. */
static const char *cause_of(const struct cf_hold *hold)
{
    return hold->reason == CF_HOLD_DRIFT            ? "drift"
           : hold->reason == CF_HOLD_NO_DATA        ? "no-data"
           : hold->reason == CF_HOLD_BREACH         ? "gate"
           : hold->reason == CF_HOLD_PAUSE_TOO_LONG ? "pause-too-long"
                                                    : "target-unseen";
}

/* What an outcome does to the step. *out_go: the pass may go on with it at once. */
static bool take_outcome(struct cf_pass *p, struct cf_step *s, const struct cf_outcome *out,
                         struct cf_hold *hold, int64_t *io_wake_ms, bool *out_go,
                         struct cf_error *err)
{
    *out_go = false;
    switch (out->kind) {
    case CF_OUT_DONE:
        *out_go = true;
        return cf_step_to(s, next_state(s->state), p->events, p->now_wall, err);
    case CF_OUT_MORE:
        *out_go = true;
        return true;
    case CF_OUT_REASSERT:
        if (strcmp(s->kind, "traffic.shift") != 0) {
            *out_go = true;
            return cf_pass_reopen_shift(p, out->message, err);
        }
        /* fall through */
    case CF_OUT_LOST:
        cf_step_say(s, "%s", out->message);
        *io_wake_ms = CF_PASS_RETRY_MS / 4;
        return s->state == CF_STEP_PLANNED ||
               cf_step_to(s, CF_STEP_PLANNED, p->events, p->now_wall, err);
    case CF_OUT_WAIT:
        cf_step_say(s, "%s", out->message);
        *io_wake_ms = out->wake_ms;
        return true;
    case CF_OUT_HOLD:
        *hold = out->hold;
        *io_wake_ms = out->wake_ms;
        return true;
    case CF_OUT_FAILED:
        cf_step_say(s, "%s", out->message);
        cf_hold_set(hold, CF_HOLD_STEP_FAILED, "%s: %s", s->name, out->message);
        *io_wake_ms = CF_PASS_WAKE_MAX_MS;
        return s->state == CF_STEP_PLANNED ||
               cf_step_to(s, CF_STEP_FAILED, p->events, p->now_wall, err);
    case CF_OUT_ROLLBACK:
        if (cf_rollback_loses_data(p->run)) {
            cf_hold_set(hold, CF_HOLD_DATA_LOSS,
                        "%s; going back would lose what was written in %s since the switch",
                        out->message, p->run->plan->target_cluster);
            *io_wake_ms = CF_PASS_RETRY_MS;
            return true;
        }
        return cf_rollback_begin(p, cause_of(&out->hold), out->message, NULL, err);
    }
    return true;
}

/* One part of one step, with its outcome taken. */
static bool do_part(struct cf_pass *p, struct cf_step *s, struct cf_hold *hold, int64_t *io_wake_ms,
                    bool *out_go, struct cf_error *err)
{
    const struct cf_step_kind *kind = cf_step_kind_find(s->kind);
    struct cf_outcome out = { .kind = CF_OUT_DONE };
    if (!kind)
        return cf_error_set(err, CF_ERR_INVALID, "this version does not know the step kind %s",
                            s->kind);
    part_fn *part = part_of(kind, s);
    if (s->state == CF_STEP_PLANNED && !part && !s->intent)
        cf_step_set_intent_take(s, json_object());
    if (part && !part(p, s, &out, err) && !step_error(p, s, &out, err))
        return cf_error_wrap(err, "step %s", s->name);
    return take_outcome(p, s, &out, hold, io_wake_ms, out_go, err);
}

/* Whether a pause or freeze leaves this part alone: what may raise or change something waits,
 * looking does not. */
static bool is_held_back(const struct cf_step *s, const struct cf_hold *standing)
{
    if (standing->reason == CF_HOLD_NONE)
        return false;
    bool soaks = strcmp(s->kind, "traffic.soak") == 0;
    return s->state == CF_STEP_PLANNED || s->state == CF_STEP_FAILED ||
           (soaks && s->state == CF_STEP_APPLIED);
}

/* Drift and alarms are looked for while a person has paused the run. */
static bool look_while_held(struct cf_pass *p, struct cf_step *s, int64_t *io_wake_ms,
                            struct cf_error *err)
{
    struct cf_hold ignored = { .reason = CF_HOLD_NONE };
    struct cf_outcome out = { .kind = CF_OUT_DONE };
    *io_wake_ms = CF_PASS_WAKE_MAX_MS / 3;
    if (strcmp(s->kind, "traffic.soak") != 0 || s->state != CF_STEP_APPLIED)
        return true;
    if (!cf_pass_look_at_routers(p, &out, err))
        return step_error(p, s, &out, err);
    bool go;
    return out.kind != CF_OUT_ROLLBACK || take_outcome(p, s, &out, &ignored, io_wake_ms, &go, err);
}

/* ---- forward ---- */

static bool end_run(struct cf_pass *p, struct cf_error *err)
{
    struct cf_hold none = { .reason = CF_HOLD_NONE };
    cf_run_hold(p->run, &none, p->events, p->now_wall);
    p->ports->gates.forget(p->ports->gates.self, p->run->id);
    return cf_run_to(p->run, CF_RUN_COMPLETED, NULL, p->events, err);
}

/* Steps in order until one waits, holds, fails, or the pass has had its share. */
static bool go_forward(struct cf_pass *p, const struct cf_hold *standing, int64_t *io_wake_ms,
                       enum cf_pass_end *out_end, struct cf_error *err)
{
    bool go = true;
    while (go && *out_end == CF_PASS_WAIT && p->run->state == CF_RUN_ACTIVE) {
        struct cf_step *s = cf_run_current(p->run);
        struct cf_hold hold = *standing;
        if (p->records >= CF_PASS_RECORDS_MAX) {
            *io_wake_ms = 0;
            return true;
        }
        if (!s)
            return end_run(p, err);
        if (s->state == CF_STEP_FAILED && hold.reason == CF_HOLD_NONE)
            cf_hold_set(&hold, CF_HOLD_STEP_FAILED, "%s: %s", s->name, s->message);
        if (is_held_back(s, standing) || s->state == CF_STEP_FAILED) {
            cf_run_hold(p->run, &hold, p->events, p->now_wall);
            return look_while_held(p, s, io_wake_ms, err);
        }
        if (!do_part(p, s, &hold, io_wake_ms, &go, err))
            return false;
        if (p->run->state != CF_RUN_ACTIVE)
            return true;
        cf_run_hold(p->run, &hold, p->events, p->now_wall);
        if (go && !cf_pass_record(p, 0, out_end, err))
            return false;
    }
    return true;
}

/* A rollback that began in this pass goes on in this pass. */
static bool move_run(struct cf_pass *p, int64_t *io_wake_ms, enum cf_pass_end *out_end,
                     struct cf_error *err)
{
    struct cf_hold standing = { .reason = CF_HOLD_NONE };
    if (p->run->state == CF_RUN_ACTIVE && !heed_limits(p, &standing, err))
        return false;
    if (p->run->state == CF_RUN_ACTIVE) {
        if (!heed_people(p, &standing, err) || !keep_watch(p, err))
            return false;
        if (standing.reason == CF_HOLD_NONE)
            cf_moves_upkeep(p);
        if (!go_forward(p, &standing, io_wake_ms, out_end, err))
            return false;
    }
    if (p->run->state == CF_RUN_ROLLING_BACK && *out_end == CF_PASS_WAIT)
        return cf_rollback_pass(p, io_wake_ms, out_end, err);
    return true;
}

/* ---- the pass ---- */

/* A new owner's touch before any decision. What it finds may end the pass. */
static bool take_over(struct cf_pass *p, bool *out_go_on, int64_t *io_wake_ms, struct cf_error *err)
{
    struct cf_outcome out = { .kind = CF_OUT_DONE };
    *out_go_on = true;
    if (!cf_pass_take_over(p, &out, err))
        return false;
    if (out.kind == CF_OUT_ROLLBACK && cf_rollback_loses_data(p->run)) {
        char why[CF_HOLD_TEXT_MAX];
        (void)snprintf(why, sizeof why, "%.600s", out.message);
        cf_out_hold(&out, CF_HOLD_DATA_LOSS, CF_PASS_RETRY_MS,
                    "%s; the rest of the way would lose what was written in %s since the switch",
                    why, p->run->plan->target_cluster);
    }
    if (out.kind == CF_OUT_ROLLBACK && p->run->state == CF_RUN_ACTIVE)
        return cf_rollback_begin(p, "emergency", out.message, NULL, err);
    if (out.kind == CF_OUT_HOLD && p->run->state == CF_RUN_ACTIVE &&
        out.hold.reason != CF_HOLD_DRIFT) {
        cf_run_hold(p->run, &out.hold, p->events, p->now_wall);
        *out_go_on = false;
        *io_wake_ms = out.wake_ms;
    }
    return true;
}

static bool decide_and_act(struct cf_pass *p, int64_t *io_wake_ms, enum cf_pass_end *out_end,
                           struct cf_error *err)
{
    bool go_on;
    if (!take_over(p, &go_on, io_wake_ms, err))
        return false;
    if (!cf_actions_answer(p, err) || !hear_lane(p, err))
        return false;
    /* What people asked is answered durably before anything is done about it. */
    if (!cf_pass_record(p, 0, out_end, err) || *out_end != CF_PASS_WAIT)
        return err->kind == CF_ERR_NONE;
    if (!go_on && p->run->state == CF_RUN_ACTIVE)
        return true;
    return move_run(p, io_wake_ms, out_end, err);
}

/* What kept the pass from its work, said in the run, so that people see it. */
static void say_why(struct cf_pass *p, const struct cf_error *err, int64_t wake_ms)
{
    struct cf_hold hold;
    struct cf_error ignored = CF_ERROR_INIT;
    enum cf_pass_end end;
    /* A change that could not be recorded: the next pass makes it anew. */
    if (json_array_size(p->events) > 0 || err->kind == CF_ERR_BUG)
        return;
    cf_hold_set(&hold,
                cf_error_is_retryable(err) ? CF_HOLD_CLUSTER_UNREACHABLE : CF_HOLD_STEP_FAILED,
                "%s", err->message);
    cf_run_hold(p->run, &hold, p->events, p->now_wall);
    if (!cf_pass_record(p, wake_ms, &end, &ignored))
        cf_error_clear(&ignored);
}

/* Ended by another replica, or before a restart: nothing of it is watched or kept any more. */
static void forget_run(const struct cf_ports *ports, const char *run_id)
{
    struct cf_error ignored = CF_ERROR_INIT;
    ports->gates.forget(ports->gates.self, run_id);
    if (!ports->lane.forget(ports->lane.self, run_id, &ignored))
        cf_error_clear(&ignored);
}

static void pass_end(struct cf_pass *p)
{
    json_decref(p->events);
    if (!p->inventory)
        return;
    json_decref(p->inventory);
    cf_mem_give_back(); /* a large namespace is not in memory between passes */
}

bool cf_reconcile(const struct cf_ports *ports, const struct cf_fence *fence, const char *run_id,
                  struct cf_pass_result *out, struct cf_error *err)
{
    CF_CLEANUP(cf_live_free_p) struct cf_live *run = NULL;
    *out = (struct cf_pass_result){ .end = CF_PASS_WAIT, .wake_ms = CF_PASS_RETRY_MS };
    if (!ports->journal.load(ports->journal.self, run_id, &run, err))
        return cf_error_wrap(err, "load run %s", run_id);
    CF_CLEANUP(pass_end)
    struct cf_pass p = {
        .ports = ports,
        .fence = *fence,
        .run = run,
        .events = json_array(),
        .now_wall = cf_wall_ms(ports->clock),
    };
    int64_t wake_ms = CF_PASS_WAKE_MAX_MS;
    out->rev = run->rev;
    (void)snprintf(out->source, sizeof out->source, "%s", run->plan->source_cluster);
    (void)snprintf(out->target, sizeof out->target, "%s", run->plan->target_cluster);
    if (cf_run_state_is_terminal(run->state)) {
        forget_run(ports, run_id);
        out->end = CF_PASS_ENDED;
        return true;
    }
    bool ok = decide_and_act(&p, &wake_ms, &out->end, err);
    wake_ms = CF_MAX(0, CF_MIN(wake_ms, CF_PASS_WAKE_MAX_MS));
    if (ok && out->end == CF_PASS_WAIT)
        ok = cf_pass_record(&p, wake_ms, &out->end, err);
    else if (!ok && err->kind != CF_ERR_FENCED)
        say_why(&p, err, wake_ms);
    if (out->end == CF_PASS_FENCED || err->kind == CF_ERR_FENCED) {
        if (err->kind == CF_ERR_NONE)
            cf_error_set(err, CF_ERR_FENCED, "its shard has another owner");
        cf_log_err(CF_LOG_WARN, "run.fenced", "the run is somebody else's now", err);
        cf_error_clear(err);
        out->end = CF_PASS_FENCED;
        ports->gates.forget(ports->gates.self, run_id); /* its new owner watches */
        return true;
    }
    out->rev = run->rev;
    out->wake_ms = ok ? wake_ms : CF_PASS_RETRY_MS;
    return ok;
}
