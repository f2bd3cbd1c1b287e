/* SPDX-License-Identifier: Apache-2.0 */
/* Going back: traffic first, all routers at once through the rollback lane; then the undo of every
 * step, in reverse (pass.h).
 *
 * It needs no gate, no approval and no target: an undo that cannot reach its cluster waits for it,
 * while the traffic is already home. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "orchestrator/engine/absence.h"
#include "orchestrator/engine/moves.h"
#include "orchestrator/engine/pause.h"

enum {
    LANE_WAIT_MS = 3000, /* for all routers to answer, within a pass */
    LANE_LOOK_MS = 500,
    LOOK_AGAIN_MS = 250, /* at least, between two looks of an undo */
    DRAIN_MS =
        3000, /* from traffic home to the first undo: data planes follow, requests under way end */
};

bool cf_rollback_loses_data(const struct cf_live *run)
{
    return cf_moves_writers(run) == CF_WRITERS_AT_TARGET && !run->plan->reverse_data &&
           !cf_memo(run, "dataLossAgreed");
}

bool cf_rollback_begin(struct cf_pass *p, const char *cause, const char *why, const char *actor,
                       struct cf_error *err)
{
    json_t *body = json_pack("{s:s,s:s}", "cause", cause, "reason", why);
    bool written = cf_run_has_written(p->run);
    struct cf_hold none = { .reason = CF_HOLD_NONE };
    cf_memo_set_take(p->run, written ? "rollback" : "canceled",
                     json_pack("{s:s,s:s,s:s,s:I}", "cause", cause, "reason", why, "by",
                               actor ? actor : "", "at", (json_int_t)p->now_wall));
    cf_pause_end(p->run, p->now_wall);
    cf_absence_forget(p->run);
    cf_run_hold(p->run, &none, p->events, p->now_wall);
    if (!written)
        return cf_run_to(p->run, CF_RUN_CANCELED, body, p->events, err);
    p->run->desired = 0;
    return cf_run_to(p->run, CF_RUN_ROLLING_BACK, body, p->events, err);
}

/* ---- traffic ---- */

static const json_t *memo_rollback(const struct cf_pass *p)
{
    return cf_memo(p->run, "rollback");
}

static void note(struct cf_pass *p, const char *key, json_t *value)
{
    json_t *memo = memo_rollback(p) ? cf_json_copy(memo_rollback(p)) : json_object();
    json_object_set_new(memo, key, value);
    cf_memo_set_take(p->run, "rollback", memo);
}

/* Only routers that were ever to be raised have a way back to take. */
static bool was_raised(const struct cf_live *run)
{
    for (size_t i = 0; i < run->n_routers; i++)
        if (run->routers[i].restore)
            return true;
    return false;
}

static void came_home(struct cf_pass *p, const struct cf_lane_view *view)
{
    for (size_t i = 0; i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        if (!r->restore)
            continue;
        if (i < view->n_routers && view->routers[i].seq[0])
            memcpy(r->seq, view->routers[i].seq, sizeof r->seq);
        r->weight = cf_baseline_weight(r->baseline);
        r->changed = true;
    }
    p->run->applied = cf_run_weight(p->run);
    note(p, "firstBadAt", json_integer((json_int_t)view->bad_ms));
    note(p, "decidedAt", json_integer((json_int_t)view->alarm_ms));
    note(p, "patchSentAt", json_integer((json_int_t)view->sent_ms));
    note(p, "patchDoneAt", json_integer((json_int_t)view->done_ms));
    note(p, "homeAt", json_integer((json_int_t)(view->done_ms ? view->done_ms : p->now_wall)));
    cf_event_add_take(p->events, "run.traffic.home", -1, NULL, cf_json_copy(memo_rollback(p)));
}

/* A router that refused its document: it may be home all the same (somebody else sent it back), or
 * carry another arm or place than the document knows. Then a new document is made from what it is
 * now; the lane sends it at once. */
static bool mend_router(struct cf_pass *p, struct cf_run_router *r, bool *out_home,
                        struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    struct cf_router_reading reading;
    json_t *document = NULL;
    *out_home = false;
    cf_pass_grip(p, r, &grip);
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_touch(kube, NULL, r->baseline, &grip, &reading, err))
        return cf_error_wrap(err, "router %s", r->name);
    if (reading.state == CF_ROUTER_OURS)
        cf_pass_took(r, &grip, &reading);
    if (!cf_router_read(kube, NULL, r->baseline, &grip, -1, &reading, NULL, err))
        return cf_error_wrap(err, "router %s", r->name);
    if (reading.located && reading.weight == cf_baseline_weight(r->baseline)) {
        *out_home = true;
        return true;
    }
    if (reading.state == CF_ROUTER_OURS && !grip.arm[0]) {
        char arm[CF_NONCE_TEXT], seq[CF_NONCE_TEXT];
        if (!cf_router_set_arm(kube, NULL, r->baseline, &grip, cf_nonce(arm), cf_nonce(seq),
                               &reading, err))
            return cf_error_wrap(err, "arm router %s", r->name);
        if (reading.state == CF_ROUTER_OURS)
            cf_pass_took(r, &grip, &reading);
    }
    if (!cf_router_prepare_rollback(kube, NULL, r->baseline, &grip, "crossfade", &document, err))
        return cf_error_wrap(err, "way back of router %s", r->name);
    json_decref(r->restore);
    r->restore = document;
    r->changed = true;
    return true;
}

static bool mend_all(struct cf_pass *p, const struct cf_lane_view *view, bool *out_home,
                     struct cf_error *err)
{
    *out_home = true;
    for (size_t i = 0; i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        bool home = !r->restore || (i < view->n_routers && view->routers[i].home);
        if (!home && !mend_router(p, r, &home, err))
            return false;
        *out_home = *out_home && home;
    }
    if (*out_home)
        return true;
    return p->ports->lane.prepare(p->ports->lane.self, p->run, err);
}

static void hold_lane(struct cf_pass *p, const struct cf_lane_view *view)
{
    struct cf_hold hold;
    cf_hold_set(&hold, view->state == CF_LANE_REFUSED ? CF_HOLD_DRIFT : CF_HOLD_CLUSTER_UNREACHABLE,
                "the traffic is on its way back: %s", view->why);
    cf_run_hold(p->run, &hold, p->events, p->now_wall);
}

/* True: *out_home says whether the traffic is home and recorded as such. */
static bool traffic_home(struct cf_pass *p, bool *out_home, int64_t *io_wake_ms,
                         struct cf_error *err)
{
    *out_home = cf_json_at(memo_rollback(p), "homeAt", NULL) != NULL;
    if (*out_home)
        return true;
    struct cf_lane_view view = { .state = CF_LANE_QUIET };
    if (was_raised(p->run)) {
        if (!p->ports->lane.prepare(p->ports->lane.self, p->run, err))
            return cf_error_wrap(err, "keep the way back");
        p->ports->lane.fire(p->ports->lane.self, p->run->id,
                            cf_json_str(memo_rollback(p), "", "cause", NULL),
                            cf_json_str(memo_rollback(p), "", "reason", NULL), LANE_WAIT_MS, &view);
        if (view.state == CF_LANE_REFUSED && !mend_all(p, &view, out_home, err)) {
            if (err->kind == CF_ERR_FENCED || err->kind == CF_ERR_BUG)
                return false;
            (void)snprintf(view.why, sizeof view.why, "%.800s", err->message);
            cf_utf8_mend(view.why);
            cf_error_clear(err);
        }
        if (view.state != CF_LANE_HOME && !*out_home) {
            hold_lane(p, &view);
            *io_wake_ms = LANE_LOOK_MS;
            return true;
        }
    }
    came_home(p, &view);
    if (!p->ports->bridges.weight(p->ports->bridges.self, &p->fence, p->run->id, 0, err))
        return cf_error_wrap(err, "tell the bridge of the weight");
    struct cf_hold none = { .reason = CF_HOLD_NONE };
    cf_run_hold(p->run, &none, p->events, p->now_wall);
    *out_home = true;
    return true;
}

/* Data planes follow the API, and requests under way end, before anything behind them is taken
 * away. */
static bool drained(struct cf_pass *p, int64_t *io_wake_ms)
{
    if (!was_raised(p->run) || cf_json_at(memo_rollback(p), "drainedAt", NULL))
        return true;
    int64_t home = cf_json_int(memo_rollback(p), p->now_wall, "homeAt", NULL);
    int64_t left = home + DRAIN_MS - p->now_wall;
    if (left > 0) {
        *io_wake_ms = left;
        return false;
    }
    struct cf_gates_view *view = cf_xcalloc(1, sizeof *view);
    p->ports->gates.judge(p->ports->gates.self, p->run->id, view);
    note(p, "lastBadAt", json_integer((json_int_t)view->last_bad_ms));
    note(p, "drainedAt", json_integer((json_int_t)p->now_wall));
    free(view);
    return true;
}

/* ---- whose marks are on it ---- */

/* Somebody took our marks off a router that is home. They come back for the time of the undo, which
 * gives the baseline back only to what carries them. */
static bool take_again(struct cf_pass *p, struct cf_run_router *r, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    struct cf_router_reading reading;
    cf_pass_grip(p, r, &grip);
    (void)cf_nonce(grip.arm);
    (void)cf_nonce(grip.seq);
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_adopt(kube, NULL, r->baseline, &grip, &reading, err))
        return cf_error_wrap(err, "take router %s again", r->name);
    if (reading.state == CF_ROUTER_OURS)
        cf_pass_took(r, &grip, &reading);
    return true;
}

/* The marks of another database: a person has to say that they mean nothing any more. */
static void hold_foreign(struct cf_pass *p, const struct cf_run_router *r, const char *what)
{
    struct cf_hold hold;
    cf_hold_set(&hold, CF_HOLD_INCARNATION,
                "traffic is home; router %s: %s: take its crossfade.dev annotations away, then the "
                "rest is undone",
                r->name, what);
    cf_run_hold(p->run, &hold, p->events, p->now_wall);
}

static bool own_router(struct cf_pass *p, struct cf_run_router *r, bool *out_ours,
                       struct cf_error *err)
{
    struct cf_router_reading reading;
    if (!cf_pass_read_router(p, r, -1, &reading, err))
        return false;
    *out_ours = reading.state != CF_ROUTER_FOREIGN;
    if (!*out_ours)
        hold_foreign(p, r, reading.what);
    bool stripped = reading.state == CF_ROUTER_DRIFTED && !reading.run[0] && reading.located &&
                    reading.weight == cf_baseline_weight(r->baseline);
    return !stripped || take_again(p, r, err);
}

/* Once, between the drain and the undo. */
static bool own_routers(struct cf_pass *p, bool *out_ours, int64_t *io_wake_ms,
                        struct cf_error *err)
{
    *out_ours = true;
    if (!was_raised(p->run) || cf_json_at(memo_rollback(p), "ownedAt", NULL))
        return true;
    for (size_t i = 0; *out_ours && i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        if (r->adopted && r->restore && !own_router(p, r, out_ours, err))
            return false;
    }
    if (*out_ours)
        note(p, "ownedAt", json_integer((json_int_t)p->now_wall));
    else
        *io_wake_ms = CF_PASS_RETRY_MS;
    return true;
}

/* ---- undo ---- */

static struct cf_step *next_to_undo(struct cf_live *run, size_t down_to)
{
    for (size_t i = run->n_steps; i-- > down_to;) {
        enum cf_step_state s = run->steps[i].state;
        bool touched = run->steps[i].attempt > 0;
        if (s == CF_STEP_INTENT || s == CF_STEP_APPLIED || s == CF_STEP_DONE ||
            s == CF_STEP_UNDOING)
            return &run->steps[i];
        /* Failed forward; failed in its undo has a line in `left`. A step planned again has been
         * written before. */
        if (s == CF_STEP_FAILED && !json_object_get(run->steps[i].observation, "undoFailed"))
            return &run->steps[i];
        if (s == CF_STEP_PLANNED && touched && run->steps[i].intent)
            return &run->steps[i];
    }
    return NULL;
}

static void list_left(struct cf_pass *p, struct cf_step *s, const char *what)
{
    json_t *left = cf_memo(p->run, "left") ? cf_json_copy(cf_memo(p->run, "left")) : json_array();
    json_array_append_new(left, json_string(what));
    cf_memo_set_take(p->run, "left", left);
    json_t *observation = s->observation ? json_copy(s->observation) : json_object();
    json_object_set_new(observation, "undoFailed", json_string(what));
    cf_step_set_observation_take(s, observation);
}

/* Into `undoing`; a step that was planned again goes by way of `intent`, which is what it may have
 * done. */
static bool begin_undo(struct cf_pass *p, struct cf_step *s, struct cf_error *err)
{
    if (s->state == CF_STEP_PLANNED && !cf_step_to(s, CF_STEP_INTENT, p->events, p->now_wall, err))
        return false;
    return s->state == CF_STEP_UNDOING ||
           cf_step_to(s, CF_STEP_UNDOING, p->events, p->now_wall, err);
}

static bool undo_step(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                      struct cf_error *err)
{
    const struct cf_step_kind *kind = cf_step_kind_find(s->kind);
    if (!kind || !kind->undo)
        return cf_out_done(out);
    return kind->undo(p, s, out, err);
}

static bool finish(struct cf_pass *p, struct cf_error *err)
{
    bool clean = json_array_size(cf_memo(p->run, "left")) == 0;
    if (!p->ports->lane.forget(p->ports->lane.self, p->run->id, err))
        return cf_error_wrap(err, "forget the way back");
    p->ports->gates.forget(p->ports->gates.self, p->run->id);
    struct cf_hold none = { .reason = CF_HOLD_NONE };
    cf_run_hold(p->run, &none, p->events, p->now_wall);
    json_t *body =
        json_pack("{s:O?,s:O?}", "rollback", memo_rollback(p), "left", cf_memo(p->run, "left"));
    return cf_run_to(p->run, clean ? CF_RUN_ROLLED_BACK : CF_RUN_FAILED, body, p->events, err);
}

static void hold_undo(struct cf_pass *p, const struct cf_step *s, enum cf_hold_reason reason,
                      const char *why)
{
    struct cf_hold hold;
    bool home = cf_json_at(memo_rollback(p), "homeAt", NULL) != NULL;
    cf_hold_set(&hold, reason, "%s; undoing %s waits: %s",
                home ? "traffic is home" : "traffic goes home once the source's writers run",
                s->name, why);
    cf_run_hold(p->run, &hold, p->events, p->now_wall);
}

/* Steps in reverse, down to that number. True with *out_all: nothing of them is left to undo. */
static bool undo_steps(struct cf_pass *p, size_t down_to, bool *out_all, int64_t *io_wake_ms,
                       enum cf_pass_end *out_end, struct cf_error *err)
{
    struct cf_step *s;
    *out_all = false;
    while (*out_end == CF_PASS_WAIT && (s = next_to_undo(p->run, down_to)) != NULL) {
        if (p->records >= CF_PASS_RECORDS_MAX) {
            *io_wake_ms = 0;
            return true;
        }
        if (s->state != CF_STEP_UNDOING &&
            (!begin_undo(p, s, err) || !cf_pass_record(p, 0, out_end, err) ||
             *out_end != CF_PASS_WAIT))
            return err->kind == CF_ERR_NONE;
        struct cf_outcome out = { .kind = CF_OUT_DONE };
        if (!undo_step(p, s, &out, err)) {
            if (err->kind == CF_ERR_FENCED || err->kind == CF_ERR_BUG)
                return false;
            hold_undo(p, s, CF_HOLD_CLUSTER_UNREACHABLE, err->message);
            cf_error_clear(err);
            *io_wake_ms = CF_PASS_RETRY_MS * 2;
            return true;
        }
        if (out.kind != CF_OUT_DONE && out.kind != CF_OUT_MORE && out.kind != CF_OUT_FAILED) {
            hold_undo(p, s, out.hold.reason ? out.hold.reason : CF_HOLD_NOT_READY, out.message);
            *io_wake_ms = CF_MAX(out.wake_ms, LOOK_AGAIN_MS);
            return true;
        }
        bool failed = out.kind == CF_OUT_FAILED;
        if (failed)
            list_left(p, s, out.message);
        if (out.kind != CF_OUT_MORE &&
            !cf_step_to(s, failed ? CF_STEP_FAILED : CF_STEP_UNDONE, p->events, p->now_wall, err))
            return false;
        if (!cf_pass_record(p, 0, out_end, err))
            return false;
    }
    *out_all = *out_end == CF_PASS_WAIT;
    return true;
}

/* A source that is frozen cannot take traffic: its writers come first, after the target's have
 * stopped. */
static bool thaw(struct cf_pass *p, bool *out_thawed, int64_t *io_wake_ms,
                 enum cf_pass_end *out_end, struct cf_error *err)
{
    const struct cf_step *quiesce = cf_run_step(p->run, "quiesce");
    *out_thawed = cf_moves_writers(p->run) == CF_WRITERS_AT_SOURCE;
    if (*out_thawed)
        return true;
    return undo_steps(p, (size_t)(quiesce - p->run->steps), out_thawed, io_wake_ms, out_end, err);
}

bool cf_rollback_pass(struct cf_pass *p, int64_t *io_wake_ms, enum cf_pass_end *out_end,
                      struct cf_error *err)
{
    bool home;
    /* The decision is durable before anything else happens; the lane may be ahead of it, never
     * behind. */
    if (!cf_pass_record(p, 0, out_end, err) || *out_end != CF_PASS_WAIT)
        return err->kind == CF_ERR_NONE;
    bool thawed, all;
    if (!thaw(p, &thawed, io_wake_ms, out_end, err) || !thawed)
        return err->kind == CF_ERR_NONE;
    if (!traffic_home(p, &home, io_wake_ms, err) || !home)
        return err->kind == CF_ERR_NONE;
    if (!cf_pass_record(p, 0, out_end, err) || *out_end != CF_PASS_WAIT)
        return err->kind == CF_ERR_NONE;
    if (!drained(p, io_wake_ms))
        return true;
    bool ours;
    if (!own_routers(p, &ours, io_wake_ms, err) || !ours)
        return err->kind == CF_ERR_NONE;
    return undo_steps(p, 0, &all, io_wake_ms, out_end, err) && (!all || finish(p, err));
}
