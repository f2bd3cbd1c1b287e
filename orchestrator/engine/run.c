/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a run in memory, and the only ways to change one (run.h). */
#include "orchestrator/engine/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "orchestrator/engine/step.h"

static void step_drop(struct cf_step *s)
{
    json_decref(s->params);
    json_decref(s->intent);
    json_decref(s->observation);
}

void cf_live_free(struct cf_live *run)
{
    if (!run)
        return;
    for (size_t i = 0; i < run->n_steps; i++)
        step_drop(&run->steps[i]);
    for (size_t i = 0; i < run->n_routers; i++) {
        json_decref(run->routers[i].baseline);
        json_decref(run->routers[i].restore);
    }
    for (size_t i = 0; i < run->n_actions; i++)
        json_decref(run->actions[i].expect);
    json_decref(run->memo);
    json_decref(run->copies);
    json_decref(run->recorded_copies);
    cf_plan_free(run->plan);
    cf_arena_free(run->arena);
    free(run);
}

void cf_live_free_p(struct cf_live **run)
{
    cf_live_free(*run);
}

/* ---- memo ---- */

const json_t *cf_memo(const struct cf_live *run, const char *key)
{
    return json_object_get(run->memo, key);
}

void cf_memo_set_take(struct cf_live *run, const char *key, json_t *value)
{
    json_object_set_new(run->memo, key, value);
    run->changed = true;
}

void cf_memo_clear(struct cf_live *run, const char *key)
{
    if (json_object_del(run->memo, key) == 0)
        run->changed = true;
}

/* ---- questions ---- */

struct cf_step *cf_run_current(const struct cf_live *run)
{
    for (size_t i = 0; i < run->n_steps; i++)
        if (run->steps[i].state != CF_STEP_DONE)
            return &run->steps[i];
    return NULL;
}

struct cf_step *cf_run_step(const struct cf_live *run, const char *kind)
{
    for (size_t i = 0; i < run->n_steps; i++)
        if (strcmp(run->steps[i].kind, kind) == 0)
            return &run->steps[i];
    return NULL;
}

static const struct cf_step *commit_of(const struct cf_live *run)
{
    return cf_run_step(run, "commit");
}

bool cf_run_is_committed(const struct cf_live *run)
{
    const struct cf_step *commit = commit_of(run);
    return commit && commit->state != CF_STEP_PLANNED;
}

bool cf_run_is_disarmed(const struct cf_live *run)
{
    const struct cf_step *commit = commit_of(run);
    return commit && (commit->state == CF_STEP_APPLIED || commit->state == CF_STEP_DONE);
}

bool cf_run_has_written(const struct cf_live *run)
{
    for (size_t i = 0; i < run->n_steps; i++) {
        if (strcmp(run->steps[i].kind, "preflight") == 0)
            continue;
        if (run->steps[i].state != CF_STEP_PLANNED || run->steps[i].attempt > 0)
            return true;
    }
    return false;
}

int cf_run_weight(const struct cf_live *run)
{
    int highest = 0;
    for (size_t i = 0; i < run->n_routers; i++)
        highest = CF_MAX(highest, run->routers[i].weight);
    return highest;
}

static const char *const terminal_phase[CF_RUN_STATES] = {
    [CF_RUN_ROLLING_BACK] = "RollingBack", [CF_RUN_COMPLETED] = "Completed",
    [CF_RUN_ROLLED_BACK] = "RolledBack",   [CF_RUN_FAILED] = "Failed",
    [CF_RUN_CANCELED] = "Canceled",
};

const char *cf_run_phase(const struct cf_live *run)
{
    if (terminal_phase[run->state])
        return terminal_phase[run->state];
    struct cf_step *current = cf_run_current(run);
    const struct cf_step_kind *kind = current ? cf_step_kind_find(current->kind) : NULL;
    return kind ? kind->phase : "Completed";
}

/* ---- changes ---- */

void cf_event_add_take(json_t *events, const char *kind, int step, const char *actor, json_t *body)
{
    json_t *event = json_object();
    json_object_set_new(event, "kind", json_string(kind));
    json_object_set_new(event, "step", json_integer(step));
    if (actor)
        json_object_set_new(event, "actor", json_string(actor));
    json_object_set_new(event, "body", body ? body : json_object());
    json_array_append_new(events, event);
}

bool cf_run_to(struct cf_live *run, enum cf_run_state to, json_t *body_take, json_t *events,
               struct cf_error *err)
{
    const struct cf_edge *edge;
    if (!cf_run_state_set(&run->state, to, &edge, err)) {
        json_decref(body_take);
        return false;
    }
    run->changed = true;
    run->observed = -1; /* what was measured belongs to the state that is over */
    json_t *body = body_take ? body_take : json_object();
    json_object_set_new(body, "message", json_string(edge->when));
    cf_event_add_take(events, edge->event, -1, NULL, body);
    return true;
}

bool cf_step_to(struct cf_step *step, enum cf_step_state to, json_t *events, int64_t now_wall,
                struct cf_error *err)
{
    const struct cf_edge *edge;
    if (!cf_step_state_set(&step->state, to, &edge, err))
        return cf_error_wrap(err, "step %d %s", step->no, step->kind);
    step->changed = true;
    if (to == CF_STEP_INTENT) {
        step->attempt++;
        step->begun = true;
        step->message[0] = '\0';
        step->started_ms = now_wall;
        step->finished_ms = 0;
    }
    step->pace = (struct cf_pace){ 0 };
    if (to == CF_STEP_UNDOING)
        step->message[0] = '\0'; /* what it did is no longer so */
    if (to == CF_STEP_DONE || to == CF_STEP_UNDONE || to == CF_STEP_FAILED)
        step->finished_ms = now_wall;
    json_t *body =
        json_pack("{s:s,s:s,s:i,s:s}", "kind", step->kind, "name", step->name, "attempt",
                  step->attempt, "message", step->message[0] ? step->message : edge->when);
    if (to == CF_STEP_INTENT && step->intent)
        json_object_set(body, "intent", step->intent);
    cf_event_add_take(events, edge->event, step->no, NULL, body);
    return true;
}

void cf_step_set_intent_take(struct cf_step *step, json_t *intent)
{
    json_decref(step->intent);
    step->intent = intent;
    step->changed = step->intent_changed = true;
}

void cf_step_set_observation_take(struct cf_step *step, json_t *observation)
{
    if (step->observation && cf_json_equal(step->observation, observation)) {
        json_decref(observation);
        return; /* a look that saw nothing new is not recorded */
    }
    cf_step_remember_take(step, observation);
    step->changed = step->observation_changed = true;
}

void cf_step_remember_take(struct cf_step *step, json_t *observation)
{
    json_decref(step->observation);
    step->observation = observation;
}

void cf_step_recorded(struct cf_step *step)
{
    step->changed = step->begun = false;
    step->intent_changed = step->observation_changed = false;
}

void cf_step_say(struct cf_step *step, const char *fmt, ...)
{
    char text[CF_HOLD_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    cf_utf8_mend(text);
    if (strcmp(text, step->message) == 0)
        return;
    memcpy(step->message, text, sizeof text);
    step->changed = true;
}

void cf_step_progress(struct cf_step *step, int done, int total)
{
    if (step->done == done && step->total == total)
        return;
    step->done = done;
    step->total = total;
    step->changed = true;
}

void cf_run_hold(struct cf_live *run, const struct cf_hold *hold, json_t *events, int64_t now_wall)
{
    if (run->hold.reason == hold->reason) {
        int64_t said = json_integer_value(cf_memo(run, "saidAt"));
        if (strcmp(run->hold.message, hold->message) == 0 || now_wall - said < CF_HOLD_SAY_MS)
            return;
    } else {
        bool ends = hold->reason == CF_HOLD_NONE;
        enum cf_hold_reason about = ends ? run->hold.reason : hold->reason;
        cf_event_add_take(events, ends ? "run.hold.ended" : "run.hold.started", -1, NULL,
                          json_pack("{s:s,s:s}", "reason", cf_hold_name(about), "message",
                                    ends ? "" : hold->message));
    }
    cf_memo_set_take(run, "saidAt", json_integer((json_int_t)now_wall));
    run->hold = *hold;
    run->changed = true;
}
