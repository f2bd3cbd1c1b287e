/* SPDX-License-Identifier: Apache-2.0 */
/* Step `traffic.soak`: the weight stays until its time is over and every gate has proved the
 * target.
 *
 *   observe  routers and bridges as we left them; the source could take everything back; time;
 *            gates: pass → done, undecided and no-data hold and say what is missing; no-data for
 *            longer than the plan waits does what the plan says then
 *
 * A breach never arrives here: the gate fires the rollback lane itself; except once the writers have
 * moved, when there is no way back at once and the plan's targetData says what follows. No effect of
 * its own: nothing to undo. */
#include <string.h>

#include "orchestrator/engine/absence.h"
#include "orchestrator/engine/moves.h"

enum { LOOK_MS = 1000, ROUTER_LOOK_MS = 5000 };

/* Drift and a dead source are looked for every few seconds, not at every wake-up. */
static bool look_around(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                        struct cf_error *err)
{
    int64_t last = cf_json_int(s->observation, 0, "lookedAt", NULL);
    if (p->now_wall - last < ROUTER_LOOK_MS && p->run->hold.reason != CF_HOLD_DRIFT &&
        p->run->hold.reason != CF_HOLD_FEDERATION)
        return cf_out_done(out);
    char why[CF_HOLD_TEXT_MAX];
    bool alive;
    if (!cf_pass_look_at_routers(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_pass_bridges_fresh(p, out) || out->kind != CF_OUT_DONE)
        return true;
    bool moved = cf_moves_writers(p->run) == CF_WRITERS_AT_TARGET;
    if (!cf_pass_source_alive(p, &alive, why, sizeof why, err))
        return false;
    p->ports->lane.block(p->ports->lane.self, p->run->id,
                         moved   ? "the writers have moved"
                         : alive ? NULL
                                 : why);
    if (!alive && !moved)
        return cf_out_hold(out, CF_HOLD_NO_WAY_BACK, LOOK_MS, "%s: no rollback by itself", why);
    if (!cf_copies_guard(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    cf_step_set_observation_take(s, json_pack("{s:I}", "lookedAt", (json_int_t)p->now_wall));
    return cf_out_done(out);
}

static const enum cf_hold_reason hold_of[] = {
    [CF_VERDICT_PASS] = CF_HOLD_NONE,
    [CF_VERDICT_UNDECIDED] = CF_HOLD_UNDECIDED,
    [CF_VERDICT_NO_DATA] = CF_HOLD_NO_DATA,
    [CF_VERDICT_BREACH] = CF_HOLD_BREACH,
};

/* What the gates say now: an outcome, a verdict, and the share they measured. */
static enum cf_verdict hear_gates(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out)
{
    struct cf_gates_view *view = cf_xcalloc(1, sizeof *view);
    p->ports->gates.judge(p->ports->gates.self, p->run->id, view);
    const char *text = "";
    for (size_t i = 0; i < view->n_gates; i++)
        if (strcmp(view->gates[i].name, view->which) == 0)
            text = view->gates[i].j.text;
    if (view->observed >= 0 && view->observed != p->run->observed) {
        p->run->observed = view->observed;
        p->run->changed = true;
    }
    enum cf_verdict verdict = view->worst;
    if (verdict == CF_VERDICT_PASS)
        cf_step_say(s, "%s", text[0] ? text : "time is over; no gates to ask");
    else
        cf_out_hold(out, hold_of[verdict], LOOK_MS, "%s: %s", view->which, text);
    free(view);
    return verdict;
}

/* Says until when, not how long: a text that moves would be a record each second. */
static bool wait_for_time(const struct cf_pass *p, int64_t left, struct cf_outcome *out)
{
    char until[CF_TIME_TEXT_MAX];
    cf_time_rfc3339((p->now_wall + left + 999) / 1000 * 1000, until);
    return cf_out_wait(out, CF_MIN(left, LOOK_MS), "keeps the weight until %.19sZ", until);
}

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    if (!look_around(p, s, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    int64_t left = s->started_ms + cf_json_int(s->params, 0, "holdMs", NULL) - p->now_wall;
    enum cf_verdict verdict = hear_gates(p, s, out);
    if (verdict != CF_VERDICT_BREACH && cf_pass_advance_asked(p, s)) {
        cf_pass_advance_taken(p);
        cf_absence_forget(p->run);
        cf_step_say(s, "a person asked to go on");
        return cf_out_done(out);
    }
    if (verdict == CF_VERDICT_BREACH && p->run->plan->rollback_on & CF_PLAN_ROLLBACK_ON_GATE &&
        cf_moves_writers(p->run) == CF_WRITERS_AT_TARGET)
        out->kind = CF_OUT_ROLLBACK;
    if (!cf_absence_hear(p, s, verdict, out) && verdict != CF_VERDICT_BREACH && left > 0)
        return wait_for_time(p, left, out);
    return true;
}

const struct cf_step_kind cf_step_traffic_soak = {
    .name = "traffic.soak",
    .phase = "Soaking",
    .says = "keeps the weight until its time is over and every gate has proved the target",
    .observe = observe,
};
