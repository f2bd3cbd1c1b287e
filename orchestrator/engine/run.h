/* SPDX-License-Identifier: Apache-2.0 */
/* A live run, that is a run in memory: what one pass loads, changes and records again.
 *
 * Made by the journal port's load, changed only through the functions below (each marks what it
 * changed), written back by the journal port's record, which writes what is marked in one fenced
 * statement. One pass, one thread; freed at its end. Nothing of it is kept between passes.
 *
 * Invariants (ARCHITECTURE 6); the place that keeps each
 *   1 epochs never fall                   lb/write.c (tests in every patch), takeover.c (a larger
 *                                         one: abdicate)
 *   2 raised only with a recorded intent  reconcile.c: start() is called in state intent only
 *   3 after a rollback nothing raises     fsm.c: no edge out of rolling-back goes to active; the
 *                                         `emergency` mark
 *   4 integers; a raise needs a ready     steps/traffic_shift.c; lowering waits for nothing:
 *     backend                             responder.c
 *   5 touch before any decision           reconcile.c: takeover comes before actions, gates and
 *                                         steps
 *   6 events gap-free and fenced          store: one statement per record
 *   7 alarm to PATCH within 250 ms        gates.c → responder.c: nothing in between but an fsync
 *   8 source untouched before commit      steps/source_scale_down.c comes after commit; commit
 *                                         disarms first
 *   9 never both sides in one step        one cluster's workloads per step kind
 *  10 only what we own                    propagate: label and uid; lb: marks
 *  12 nothing acknowledged is lost        actions are rows; a record answers them in the same
 *                                         statement as their effect */
#ifndef CF_ENGINE_RUN_H
#define CF_ENGINE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/uuid.h"
#include "lb/annotations.h"
#include "orchestrator/engine/fsm.h"
#include "orchestrator/engine/holds.h"
#include "orchestrator/plan/plan.h"
#include "store/fence.h"

enum { CF_HOLD_SAY_MS = 10000 };

struct cf_step {
    int no;
    const char *kind; /* "traffic.shift" */
    const char *name; /* for people: "25 % to dc2" */
    json_t *params;   /* from compile; never changes */
    enum cf_step_state state;
    int attempt;
    json_t *intent;      /* what is to be done, NULL while planned */
    json_t *observation; /* what was done or seen; the step's memory between passes, or NULL */
    int done, total;     /* progress; total 0: none to show */
    struct cf_pace {
        int64_t since_ms; /* wall; 0: not measured */
        int from;         /* `done` at that time */
        double per_s;     /* 0: not known (yet) */
        int64_t at_ms;    /* wall: when it was last counted */
        int64_t pause_ms; /* what one pause costs in which nothing is counted; 0: not known */
        int pauses;       /* so many are still to come */
    } pace;
    char message[CF_HOLD_TEXT_MAX];
    int64_t started_ms, finished_ms;          /* wall; 0: not yet */
    bool begun;                               /* went to intent since the last record */
    bool changed;                             /* anything of it, since the last record */
    bool intent_changed, observation_changed; /* these two are large: recorded only then */
};

/* One router of the plan, as this run steers it. */
struct cf_run_router {
    int idx;
    const char *name;
    const char *cluster;
    json_t *baseline; /* lb/router.h; NULL until it was captured */
    json_t
        *restore; /* the rollback document of the present situation; NULL before the first raise */
    char arm[CF_NONCE_TEXT];
    char seq[CF_NONCE_TEXT];
    int64_t epoch; /* of our last recorded write; 0: never written */
    int weight;    /* recorded as applied */
    bool adopted;  /* the object carries our marks: there is something to touch and to give back */
    bool changed;
};

/* An action that is open. */
struct cf_run_action {
    int64_t id;
    const char *action, *reason, *principal;
    json_t *expect; /* or NULL */
    bool answered;  /* to be acknowledged by the next record */
    bool refused;
    char answer[CF_HOLD_TEXT_MAX];
};

struct cf_live {
    char id[CF_UUID_TEXT];
    const char *name; /* "PLAN/3" */
    const char *plan_name;
    int revision;
    int64_t rev; /* moves with every record and every action that arrives */
    int shard;
    char incarnation[CF_UUID_TEXT]; /* of the store */
    struct cf_plan *plan;           /* owned */

    enum cf_run_state state;
    struct cf_hold hold;  /* as recorded */
    int desired, applied; /* weights in percent; -1: not known */
    int observed; /* the share measured since the last weight change; -1: not (yet), or over */
    int64_t created_ms, finished_ms;
    /* What the run remembers beside its steps: see cf_memo below. Never NULL. */
    json_t *memo;
    /* What was done to the target, object by object (federation/propagate/propagator.h): read when a
     * pass first asks, NULL until then. `recorded` is what the journal has: a record writes the
     * difference. */
    json_t *copies, *recorded_copies;
    bool changed;

    struct cf_step *steps;
    size_t n_steps;
    struct cf_run_router *routers;
    size_t n_routers;
    struct cf_run_action *actions;
    size_t n_actions;
    struct cf_arena *arena; /* owned; strings and arrays above */
};

void cf_live_free(struct cf_live *run); /* accepts NULL */
void cf_live_free_p(struct cf_live **run);

/* ---- the memo's members (all optional) ----
 * Each has one owner, who alone writes it, and a life:
 *
 *   paused          {at, by, reason, byPlan}     pause.c: a pause stands; until it is ended
 *   pausedMs        ms spent paused so far       pause.c: what the deadline does not count
 *   noData          {step, attempt, since}       absence.c: samples are missing in this soak; until
 *                                                they are back or the soak is not looked at
 *   advance         number of a step             actions.c: it goes on without waiting; until it did
 *   commitAsked     {at, by, reason}             actions.c: commit may go on
 *   deadlineWaived  true                         actions.c: a person resumed in spite of it
 *   reachable       {step, attempt, since}       reach: from when the gateways learn of the target
 *   diff            {digest, inventory}          the run was started on a diff: the source it showed;
 *                                                until propagate's intent, or a person's resume
 *   shiftedAt       wall ms                      traffic.shift: the last weight change was seen
 *   committedAt     wall ms                      commit: from when the source's time counts
 *   saidAt          wall ms                      run.c: when the hold's text was last recorded
 *   rollback        {cause, reason, by, at, seenAt, alarmAt, patchSentAt, patchDoneAt, lastBadAt,
 *                    ownedAt}                    rollback.c, as are the next two
 *   dataLossAgreed  {at, by, reason}             actions.c: going back may lose what the target wrote
 *   canceled        {cause, reason, by, at}      ended before anything was written
 *   left            ["…"]                        what an undo could not take back
 *   reasserted      true                         actions.c: a person agreed that our weight is
 *                                                written over a drift; until the next intent */
const json_t *cf_memo(const struct cf_live *run, const char *key);
void cf_memo_set_take(struct cf_live *run, const char *key, json_t *value);
void cf_memo_clear(struct cf_live *run, const char *key);

/* ---- questions ---- */

/* The step whose turn it is: the first that is not done; NULL when all are. */
struct cf_step *cf_run_current(const struct cf_live *run);
struct cf_step *cf_run_step(const struct cf_live *run,
                            const char *kind); /* the first of that kind, or NULL */
/* From the moment the intent of commit is durable: nobody may ask for a rollback any more. */
bool cf_run_is_committed(const struct cf_live *run);
/* From the moment all routers were seen to be disarmed: nothing can send the traffic back any more.
 * In between an alarm may still win the race on an object; then the run rolls back. */
bool cf_run_is_disarmed(const struct cf_live *run);
/* Whether anything was written to any cluster: canceled or rolled back? */
bool cf_run_has_written(const struct cf_live *run);
/* The highest recorded weight over its routers. */
int cf_run_weight(const struct cf_live *run);
/* "Preflight", "Copying", … "RollingBack", "Completed": what people see. */
const char *cf_run_phase(const struct cf_live *run);

/* ---- changes; they mark, and append to `events`, an array of {kind, step, actor, body} ---- */

bool cf_run_to(struct cf_live *run, enum cf_run_state to, json_t *body_take, json_t *events,
               struct cf_error *err) CF_NODISCARD;
bool cf_step_to(struct cf_step *step, enum cf_step_state to, json_t *events, int64_t now_wall,
                struct cf_error *err) CF_NODISCARD;
/* Both mark the step for the next record; an observation only if it differs from the last. */
void cf_step_set_intent_take(struct cf_step *step, json_t *intent);
void cf_step_set_observation_take(struct cf_step *step, json_t *observation);
/* The same for what need not be recorded by itself: it is with the next observation that is. */
void cf_step_remember_take(struct cf_step *step, json_t *observation);
/* Nothing of it waits for a record any more. */
void cf_step_recorded(struct cf_step *step);
void cf_step_say(struct cf_step *step, const char *fmt, ...) CF_PRINTF(2, 3);
void cf_step_progress(struct cf_step *step, int done, int total);
/* The step goes on at its own pace: measures it. Lost when it has to wait, for then nothing can be
 * said of when it ends. */
void cf_step_pace(struct cf_step *step, int64_t now_wall);
void cf_step_pace_lost(struct cf_step *step);
/* It has paused since it was last counted, for something of its own (reading the source again at the
 * beginning of a pass), which took `own_ms`: that is no part of its rate, but those that are to come
 * are part of its end. */
void cf_step_pace_paused(struct cf_step *step, int64_t own_ms, int64_t now_wall);
void cf_step_pace_pauses(struct cf_step *step, int still_to_come);
/* {"done", "total", "perSecond", "etaSeconds", …} as people and the journal get it; the last two are
 * null when they are not known. New reference. */
json_t *cf_step_progress_json(const struct cf_step *step) CF_NODISCARD;
void cf_step_progress_read(struct cf_step *step, const json_t *progress);

/* Copies as read from the journal, and as they are now. */
void cf_run_copies_read_take(struct cf_live *run, json_t *copies);
void cf_run_copies_set_take(struct cf_live *run, json_t *copies);
/* What a record has to write of them (store/runs.h), or NULL; and that it did. New reference. */
json_t *cf_run_copies_changes(const struct cf_live *run) CF_NODISCARD;
void cf_run_copies_recorded(struct cf_live *run);
/* Sets or clears (reason NONE) the run's hold; an event only when the reason changed. A message
 * that moves (missing requests) is recorded each CF_HOLD_SAY_MS at most; the API shows the gates'
 * own numbers live. */
void cf_run_hold(struct cf_live *run, const struct cf_hold *hold, json_t *events, int64_t now_wall);
void cf_event_add_take(json_t *events, const char *kind, int step, const char *actor, json_t *body);

#endif
