/* SPDX-License-Identifier: Apache-2.0 */
/* What people may ask of a run, and when: one table of actions × situations (pass.h:
 * cf_actions_answer). */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "orchestrator/engine/absence.h"
#include "orchestrator/engine/actions.h"
#include "orchestrator/engine/moves.h"
#include "orchestrator/engine/pause.h"

/* ---- effects; each returns the words of its answer ---- */

typedef bool effect_fn(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err);

static json_t *asked(const struct cf_pass *p, const struct cf_run_action *a)
{
    return json_pack("{s:I,s:s,s:s}", "at", (json_int_t)p->now_wall, "by", a->principal, "reason",
                     a->reason);
}

static void answer(struct cf_run_action *a, const char *text)
{
    (void)snprintf(a->answer, sizeof a->answer, "%s", text);
}

static bool do_pause(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err)
{
    (void)err;
    cf_pause_by_person(p->run, a->principal, a->reason, p->now_wall);
    answer(a, "paused; gates go on watching");
    return true;
}

static bool reopen(struct cf_pass *p, const char *kind, struct cf_error *err)
{
    struct cf_step *s = cf_run_step(p->run, kind);
    if (!s || s->state != CF_STEP_DONE)
        return true;
    return cf_step_to(s, CF_STEP_PLANNED, p->events, p->now_wall, err);
}

/* What a resume means for the reason of the hold. */
static bool resume_from(struct cf_pass *p, enum cf_hold_reason reason, struct cf_error *err)
{
    switch (reason) {
    case CF_HOLD_SOURCE_CHANGED:
        cf_memo_clear(p->run, "diff");
        return cf_moves_find_again(p, err) && reopen(p, "propagate", err) &&
               reopen(p, "workload.ready", err);
    case CF_HOLD_DRIFT:
        if (cf_run_is_committed(p->run))
            return true;
        cf_memo_set_take(p->run, "reasserted", json_true());
        return cf_pass_reopen_shift(p, "a person resumed; writing ours again", err);
    case CF_HOLD_DEADLINE:
        cf_memo_set_take(p->run, "deadlineWaived", json_true());
        return true;
    case CF_HOLD_BREACH:
    case CF_HOLD_DATA_LOSS: /* stay */
        p->ports->gates.reset(p->ports->gates.self, p->run->id);
        return true;
    case CF_HOLD_NO_DATA:
        cf_absence_forget(p->run);
        return true;
    default:
        return true;
    }
}

static bool do_resume(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err)
{
    struct cf_step *current = cf_run_current(p->run);
    cf_pause_end(p->run, p->now_wall);
    cf_moves_again(p);
    if (!resume_from(p, p->run->hold.reason, err))
        return false;
    if (current && current->state == CF_STEP_FAILED &&
        !cf_step_to(current, CF_STEP_PLANNED, p->events, p->now_wall, err))
        return false;
    answer(a, "resumed");
    return true;
}

static bool do_advance(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err)
{
    (void)err;
    struct cf_step *current = cf_run_current(p->run);
    bool waits =
        current &&
        (strcmp(current->kind, "traffic.soak") == 0 ||
         strcmp(current->kind, "source.scale_down") == 0 ||
         (strcmp(current->kind, "quiesce") == 0 && p->run->hold.reason == CF_HOLD_PAUSE_TOO_LONG));
    if (!waits) {
        a->refused = true;
        answer(a,
               "there is no waiting to cut short: only a soak, a freeze that would be too long and "
               "the retiring of the source wait for time, proof or a person");
        return true;
    }
    cf_memo_set_take(p->run, "advance", json_integer(current->no));
    cf_pause_end_of_plan(p->run, p->now_wall);
    answer(a, "goes on without waiting; a breach still sends the traffic back");
    return true;
}

bool cf_pass_advance_asked(const struct cf_pass *p, const struct cf_step *s)
{
    const json_t *step = cf_memo(p->run, "advance");
    return step && json_integer_value(step) == s->no;
}

void cf_pass_advance_taken(struct cf_pass *p)
{
    cf_memo_clear(p->run, "advance");
}

/* Going back is always accepted; where it costs what the target has written, only in these words. */
static bool agrees_to_loss(struct cf_pass *p, struct cf_run_action *a)
{
    bool agreed = strcmp(cf_json_str(a->expect, "", "targetData", NULL), "discard") == 0;
    if (agreed && cf_moves_writers(p->run) == CF_WRITERS_AT_TARGET)
        cf_memo_set_take(p->run, "dataLossAgreed", asked(p, a));
    if (!cf_rollback_loses_data(p->run))
        return true;
    a->refused = true;
    answer(a, "the target's writers have started: going back loses what they wrote; say so with "
              "--discard-target-data");
    return false;
}

static bool do_rollback(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err)
{
    if (!agrees_to_loss(p, a))
        return true;
    if (!cf_rollback_begin(p, "operator", a->reason, a->principal, err))
        return false;
    answer(a, p->run->state == CF_RUN_CANCELED ? "canceled: nothing had been written"
                                               : "rolling back");
    return true;
}

static bool do_commit(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err)
{
    (void)err;
    struct cf_step *current = cf_run_current(p->run);
    if (!current || strcmp(current->kind, "commit") != 0) {
        a->refused = true;
        answer(a, "too early: commit comes after the last weight has proved itself");
        return true;
    }
    cf_memo_set_take(p->run, "commitAsked", asked(p, a));
    cf_pause_end(p->run, p->now_wall);
    answer(a, "committing");
    return true;
}

static bool do_nothing(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err)
{
    (void)p;
    (void)err;
    answer(a, "it already is");
    return true;
}

/* Going back waits for a person only where data cannot be brought back: who has mended the cause has
 * it tried again. Else a look at once is all there is to ask for. */
static bool do_again(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err)
{
    (void)err;
    cf_moves_again(p);
    answer(a, "looking again");
    return true;
}

/* On its way already; but what holds it may be that the target's data cannot be brought back. */
static bool do_give_up(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err)
{
    if (strcmp(cf_json_str(a->expect, "", "targetData", NULL), "discard") != 0 ||
        cf_moves_writers(p->run) != CF_WRITERS_AT_TARGET)
        return do_nothing(p, a, err);
    cf_memo_set_take(p->run, "dataLossAgreed", asked(p, a));
    answer(a, "goes back without what the target has written");
    return true;
}

/* ---- the table ---- */

enum situation {
    FORWARD,   /* active, before commit */
    COMMITTED, /* active, from the intent of commit on */
    BACK,      /* rolling back */
    SITUATIONS
};

struct rule {
    effect_fn *effect; /* NULL: refused */
    const char *refusal;
};

struct row {
    const char *action;
    const char *says;
    struct rule rule[SITUATIONS];
};

#define YES(fn)                                                                                    \
    {                                                                                              \
        .effect = (fn)                                                                             \
    }
#define NO(text)                                                                                   \
    {                                                                                              \
        .refusal = (text)                                                                          \
    }
#define AFTER_COMMIT "the run is committed: nothing goes back; a plan in the other direction does"
#define GOING_BACK   "the run is rolling back: only that goes on"

static const struct row rows[] = {
    { "pause",
      "nothing moves forward; gates go on",
      { YES(do_pause), YES(do_pause), NO(GOING_BACK) } },
    { "resume",
      "ends a pause or a hold that waits for a person",
      { YES(do_resume), YES(do_resume), YES(do_again) } },
    { "advance",
      "goes on without the rest of the waiting or the missing proof",
      { YES(do_advance), YES(do_advance), NO(GOING_BACK) } },
    { "rollback",
      "sends all traffic back, then undoes every step",
      { YES(do_rollback), NO(AFTER_COMMIT), YES(do_give_up) } },
    { "commit", "lets the source be retired", { YES(do_commit), YES(do_nothing), NO(GOING_BACK) } },
};

json_t *cf_actions_table(void)
{
    json_t *table = json_array();
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        json_array_append_new(
            table, json_pack("{s:s,s:s}", "action", rows[i].action, "says", rows[i].says));
    return table;
}

const char *cf_actions_refusal(const char *action, bool committed, bool rolling_back)
{
    enum situation now = rolling_back ? BACK : committed ? COMMITTED : FORWARD;
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].action, action) == 0)
            return rows[i].rule[now].effect ? NULL : rows[i].rule[now].refusal;
    return "no such action";
}

/* ---- answering ---- */

/* What the client believed when it asked: another step or phase meanwhile means that it should look
 * again. */
static bool expectation_holds(const struct cf_pass *p, struct cf_run_action *a)
{
    const char *phase = cf_json_str(a->expect, "", "phase", NULL);
    if (!*phase || strcmp(phase, cf_run_phase(p->run)) == 0)
        return true;
    a->refused = true;
    (void)snprintf(a->answer, sizeof a->answer, "expected phase %s, but the run is in %s", phase,
                   cf_run_phase(p->run));
    cf_utf8_mend(a->answer);
    return false;
}

static bool answer_one(struct cf_pass *p, struct cf_run_action *a, struct cf_error *err)
{
    bool back = p->run->state == CF_RUN_ROLLING_BACK;
    const char *refusal = cf_actions_refusal(a->action, cf_run_is_committed(p->run), back);
    enum situation now = back ? BACK : cf_run_is_committed(p->run) ? COMMITTED : FORWARD;
    a->answered = true;
    if (refusal) {
        a->refused = true;
        answer(a, refusal);
    } else if (expectation_holds(p, a)) {
        for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
            if (strcmp(rows[i].action, a->action) == 0 && !rows[i].rule[now].effect(p, a, err))
                return cf_error_wrap(err, "action %s", a->action);
    }
    cf_event_add_take(p->events, a->refused ? "action.refused" : "action.done", -1, a->principal,
                      json_pack("{s:I,s:s,s:s,s:s}", "id", (json_int_t)a->id, "action", a->action,
                                "reason", a->reason, "message", a->answer));
    return true;
}

bool cf_actions_answer(struct cf_pass *p, struct cf_error *err)
{
    for (size_t i = 0; i < p->run->n_actions; i++) {
        if (p->run->actions[i].answered)
            continue;
        if (cf_run_state_is_terminal(p->run->state)) {
            p->run->actions[i].answered = p->run->actions[i].refused = true;
            answer(&p->run->actions[i], "the run has ended");
            continue;
        }
        if (!answer_one(p, &p->run->actions[i], err))
            return false;
    }
    return true;
}
