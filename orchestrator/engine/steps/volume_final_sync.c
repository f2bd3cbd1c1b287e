/* SPDX-License-Identifier: Apache-2.0 */
/* Step `volume.final_sync`: one more pass of what stands still, into the target.
 *
 *   intend   the number of the pass: provably begun after the last writer stopped
 *   observe  the pass, its hand over, its restore, each with its evidence per claim; that nobody was
 *            started in the source meanwhile, or the pass counts for nothing and is made again, a few
 *            times; what the application replicates by itself says that it is there. Longer than
 *            maxPause: the plan's onExceeded
 *   undo     stops what is under way, and takes away the claims that it made in the target; what hangs
 *            there, or a target that does not answer, is left to the undo of volume.sync, for the
 *            source's writers do not wait for it */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/engine/steps/external.h"
#include "orchestrator/engine/steps/final_sync.h"
#include "orchestrator/engine/steps/freeze.h"
#include "orchestrator/engine/steps/last_pass.h"
#include "orchestrator/engine/steps/owners.h"

enum {
    VOID_WHY_MAX = CF_LAST_PASS_WHY_MAX + 112,
    VOID_AGAIN_MS = 1000,
    HANGS_MS = 20000, /* of what is canceled in the target: mostly over in ten seconds */
    VOID_MAX = 3, /* passes that are made again by themselves: whoever starts writers more often is
                     to be found by a person */
};

/* The parts of the pass, in order. */
enum part { BACKUP, HAND_OVER, CLEAR, RESTORE, VERIFY, PARTS };

static const struct cf_last_part parts[PARTS] = {
    [BACKUP] = { "the last pass", cf_last_pass_read, CF_PART_PASS },
    [HAND_OVER] = { "its hand over", cf_volumes_hand_over, CF_PART_HAND_OVER },
    [CLEAR] = { "the void pass is taken away", cf_last_pass_clear, CF_PART_RESTORE },
    [RESTORE] = { "its restore", cf_last_pass_restore, CF_PART_RESTORE },
    [VERIFY] = { "the proof of its files", cf_volumes_verify, CF_PART_VERIFY },
};

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    (void)err;
    /* A live pass that is still under way began before the freeze: its number is left out. */
    int64_t n = CF_MAX(cf_moves_number(p->run, "done", 0), cf_moves_number(p->run, "begun", 0)) + 1;
    if (!s->intent)
        cf_step_set_intent_take(s, json_pack("{s:I}", "pass", (json_int_t)n));
    return cf_out_done(out);
}

/* ---- observe ---- */

static int number_of(const struct cf_step *s, const char *key, int dflt)
{
    return (int)cf_json_int(s->observation, dflt, key, NULL);
}

/* The pass from which void ones are counted. */
static int counted_from(const struct cf_step *s)
{
    return number_of(s, "since", (int)cf_json_int(s->intent, 1, "pass", NULL));
}

/* `why`: the pass is void; kept until another number is begun, for who was there may be gone at the next
 * look. NULL: it is not. */
static void note_as(struct cf_step *s, int pass, enum part part, const char *why)
{
    json_t *observation =
        json_pack("{s:i,s:i,s:i}", "pass", pass, "part", (int)part, "since", counted_from(s));
    if (why)
        json_object_set_new(observation, "void", json_string(why));
    cf_step_set_observation_take(s, observation);
}

static void note(struct cf_step *s, int pass, enum part part)
{
    note_as(s, pass, part, NULL);
}

static void note_void(struct cf_pass *p, struct cf_step *s, int pass, enum part part,
                      const char *why)
{
    cf_event_add_take(p->events, "pass.void", s->no, NULL,
                      json_pack("{s:i,s:s}", "pass", pass, "reason", why));
    note_as(s, pass, part, why);
}

/* Why the source has not stood still since quiesce saw that it did; "" when it has. */
static bool find_void(struct cf_pass *p, char *why, size_t size, struct cf_error *err)
{
    const struct cf_step *quiesce = cf_run_step(p->run, "quiesce");
    const json_t *before = cf_json_at(quiesce->observation, "generations", NULL);
    cf_autojson json_t *now = NULL;
    char reason[CF_LAST_PASS_WHY_MAX];
    if (!cf_last_pass_look(p, false, before ? before : json_null(), &now, reason, err))
        return false;
    (void)snprintf(why, size, "%s%s", reason,
                   *reason ? " in the freeze: the pass counts for nothing and is made again once "
                             "all stands still"
                           : "");
    return true;
}

/* Somebody starts writers again and again: a person has to find them. Resumed, it begins to count anew. */
static bool is_once_too_often(struct cf_step *s, int pass, struct cf_outcome *out)
{
    int again = pass - counted_from(s);
    if (again < VOID_MAX)
        return false;
    json_t *observation = json_copy(s->observation);
    json_object_set_new(observation, "since", json_integer(pass));
    cf_step_set_observation_take(s, observation);
    return cf_out_failed(out,
                         "%d passes of the freeze counted for nothing; the last: %.500s; find who "
                         "does it and stop that, then resume the run, or roll it back",
                         again + 1, cf_json_str(s->observation, "", "void", NULL));
}

/* A void pass: quiesce looks again, and another number follows. */
static bool make_void(struct cf_pass *p, struct cf_step *s, int pass, struct cf_outcome *out,
                      struct cf_error *err)
{
    struct cf_step *quiesce = cf_run_step(p->run, "quiesce");
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_freeze f;
    cf_autojson json_t *now = NULL;
    struct cf_outcome still = { .kind = CF_OUT_DONE };
    if (!cf_freeze_open(p, false, &kube, &f, err) ||
        !cf_owners_pause(&f, cf_owners_of(p->run), &still, err))
        return false;
    if (still.kind == CF_OUT_DONE &&
        (!cf_freeze_stop(&f, cf_moves_stopped(p->run), err) ||
         !cf_freeze_look(&f, cf_moves_stopped(p->run), cf_moves_claims(p->run),
                         cf_json_at(quiesce->intent, "mounts", NULL), &still, err)))
        return false;
    if (still.kind != CF_OUT_DONE)
        return cf_out_hold(out, CF_HOLD_DATA, VOID_AGAIN_MS, "%s",
                           cf_json_str(s->observation, still.message, "void", NULL));
    if (is_once_too_often(s, pass, out))
        return true;
    cf_autojson json_t *watched = cf_freeze_watched(p->run, false);
    if (!cf_freeze_generations(&f, watched, &now, err))
        return false;
    json_t *observation = json_copy(quiesce->observation);
    json_object_set(observation, "generations", now);
    cf_step_set_observation_take(quiesce, observation);
    note(s, pass + 1, BACKUP);
    *out = (struct cf_outcome){ .kind = CF_OUT_DONE };
    return cf_out_more(out);
}

static bool do_part(struct cf_pass *p, struct cf_step *s, int pass, enum part part,
                    struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    if (!cf_moves_open(p, false, &m, err))
        return false;
    bool ok = parts[part].call(&m.v, pass, &moving, err);
    if (ok)
        cf_moves_report(&m, pass);
    cf_moves_keep(&m);
    if (!ok)
        return cf_error_wrap(err, "%s", parts[part].what);
    if (moving.lost && !moving.failed) { /* somebody deleted its Backup: it is read once more */
        note(s, pass, BACKUP);
        return cf_out_more(out);
    }
    (void)cf_moves_progress(&moving, parts[part].what, s, out);
    if (out->kind == CF_OUT_WAIT)
        out->wake_ms = CF_MIN(out->wake_ms, (int64_t)CF_MOVES_LOOK_MS);
    if (out->kind == CF_OUT_DONE)
        cf_moves_mark(p, false, parts[part].clock);
    return true;
}

static bool is_void(const struct cf_step *s)
{
    return cf_json_at(s->observation, "void", NULL) != NULL;
}

static bool note_if_touched(struct cf_pass *p, struct cf_step *s, int pass, enum part part,
                            struct cf_error *err)
{
    char why[VOID_WHY_MAX];
    if (is_void(s))
        return true;
    if (!find_void(p, why, sizeof why, err))
        return false;
    if (*why)
        note_void(p, s, pass, part, why);
    return true;
}

/* What the restore brings must be what was there when the last writer had stopped: looked at while the
 * pass reads, and once it has. A void pass is read to its end, then another follows. */
static bool read_source(struct cf_pass *p, struct cf_step *s, int pass, struct cf_outcome *out,
                        struct cf_error *err)
{
    if (!note_if_touched(p, s, pass, BACKUP, err) || !do_part(p, s, pass, BACKUP, out, err))
        return false;
    if (out->kind != CF_OUT_DONE)
        return true;
    if (!note_if_touched(p, s, pass, BACKUP, err))
        return false;
    if (is_void(s))
        return make_void(p, s, pass, out, err);
    note(s, pass, HAND_OVER);
    return cf_out_more(out);
}

/* Who writes while the data travels may be gone again before the switch looks. A source that does not
 * answer now is asked there. A void pass ends with the part that is under way. */
static bool bring_to_target(struct cf_pass *p, struct cf_step *s, int pass, enum part part,
                            struct cf_outcome *out, struct cf_error *err)
{
    struct cf_error silent = CF_ERROR_INIT;
    if (!note_if_touched(p, s, pass, part, &silent))
        cf_error_clear(&silent);
    if (!do_part(p, s, pass, part, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (is_void(s))
        note_as(s, pass, BACKUP, cf_json_str(s->observation, "", "void", NULL));
    else
        note(s, pass, (enum part)(part + 1));
    return cf_out_more(out);
}

static void say_done(struct cf_pass *p, struct cf_step *s, int pass)
{
    char took[CF_UNIT_TEXT_MAX];
    const struct cf_step *quiesce = cf_run_step(p->run, "quiesce");
    int64_t since = p->now_wall - cf_json_int(quiesce->intent, p->now_wall, "at", NULL);
    cf_step_say(s, "pass %d is in %s, every claim with its evidence; frozen for %s so far", pass,
                p->run->plan->target_cluster, cf_duration_brief(since, took));
}

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    int pass = number_of(s, "pass", (int)cf_json_int(s->intent, 1, "pass", NULL));
    int part = number_of(s, "part", BACKUP);
    if (cf_moves_too_long(p, out))
        return true;
    if (json_array_size(cf_moves_claims(p->run)) == 0)
        part = PARTS;
    if (part == BACKUP)
        return read_source(p, s, pass, out, err);
    if (part == CLEAR && pass == (int)cf_json_int(s->intent, pass, "pass", NULL))
        part = RESTORE; /* nothing has been restored yet */
    if (part < PARTS)
        return bring_to_target(p, s, pass, (enum part)part, out, err);
    if (!cf_external_there(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    say_done(p, s, pass);
    return cf_out_done(out);
}

/* ---- just before the switch ---- */

bool cf_final_sync_stands(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    struct cf_step *s = cf_run_step(p->run, "volume.final_sync");
    int pass = number_of(s, "pass", (int)cf_json_int(s->intent, 1, "pass", NULL));
    char why[VOID_WHY_MAX];
    if (!find_void(p, why, sizeof why, err))
        return false;
    if (!*why || json_array_size(cf_moves_claims(p->run)) == 0)
        return cf_out_done(out);
    note_void(p, s, pass, BACKUP, why);
    cf_step_say(s, "%s", why);
    return cf_step_to(s, CF_STEP_PLANNED, p->events, p->now_wall, err) && cf_out_more(out);
}

/* ---- undo ---- */

static bool undo(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    struct cf_error why = CF_ERROR_INIT;
    if (json_array_size(cf_moves_claims(p->run)) == 0)
        return cf_out_done(out);
    if (!cf_moves_open(p, false, &m, err))
        return false;
    bool answers = cf_moves_stop(&m, cf_volumes_take_back, &moving, &why);
    if (!moving.done && moving.there_ms > (answers ? HANGS_MS : 0)) {
        cf_step_say(s, "left for later, for the source does not need it: %s",
                    answers ? moving.why : why.message);
        cf_error_clear(&why);
        return cf_out_done(out);
    }
    if (!answers) {
        cf_error_move(err, &why);
        return cf_error_wrap(err, "take the last pass back");
    }
    return cf_moves_progress(&moving, "taking the last pass back", NULL, out);
}

const struct cf_step_kind cf_step_volume_final_sync = {
    .name = "volume.final_sync",
    .phase = "FinalSync",
    .says = "one more pass of what stands still, restored in the target with evidence for each "
            "claim",
    .intend = intend,
    .observe = observe,
    .undo = undo,
};
