/* SPDX-License-Identifier: Apache-2.0 */
/* Step `volume.final_sync`: one more pass of what stands still, into the target.
 *
 *   intend   the number of the pass: provably begun after the last writer stopped
 *   observe  the pass, its hand over, its restore, each with its evidence per claim; that nobody was
 *            started in the source meanwhile, or the pass counts for nothing and is made again; what
 *            the application replicates by itself says that it is there. Longer than maxPause: the
 *            plan's onExceeded
 *   undo     stops what is under way, and takes away the claims that it made in the target */
#include <string.h>

#include "base/units.h"
#include "orchestrator/engine/steps/owners.h"

enum {
    VOID_AGAIN_MS = 1000,
    EXTERNAL_LOOK_MS = 1000,
};

/* The parts of the pass, in order. */
enum part { BACKUP, HAND_OVER, RESTORE, VERIFY, PARTS };

static bool backup(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_backup(v, n, CF_PASS_FROZEN, out, err);
}

static bool restore(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_restore(v, n, false, out, err);
}

static const struct {
    const char *name;
    bool (*call)(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err);
    enum cf_part clock;
} parts[PARTS] = {
    [BACKUP] = { "the last pass", backup, CF_PART_PASS },
    [HAND_OVER] = { "its hand over", cf_volumes_hand_over, CF_PART_HAND_OVER },
    [RESTORE] = { "its restore", restore, CF_PART_RESTORE },
    [VERIFY] = { "the proof of its files", cf_volumes_verify, CF_PART_VERIFY },
};

static int64_t noted(const struct cf_pass *p, const char *key)
{
    const json_t *n = cf_moves_note(p->run, key);
    return n ? json_integer_value(n) : 0;
}

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    (void)err;
    /* A live pass that is still under way began before the freeze: its number is left out. */
    int64_t n = CF_MAX(noted(p, "done"), noted(p, "begun")) + 1;
    if (!s->intent)
        cf_step_set_intent_take(s, json_pack("{s:I}", "pass", (json_int_t)n));
    return cf_out_done(out);
}

/* ---- observe ---- */

static int number_of(const struct cf_step *s, const char *key, int dflt)
{
    return (int)cf_json_int(s->observation, dflt, key, NULL);
}

static void note(struct cf_step *s, int pass, enum part part)
{
    cf_step_set_observation_take(s, json_pack("{s:i,s:i}", "pass", pass, "part", (int)part));
}

/* Kept until another number is begun: who was there may be gone at the next look. */
static void note_void(struct cf_step *s, int pass, const char *why)
{
    cf_step_set_observation_take(
        s, json_pack("{s:i,s:i,s:s}", "pass", pass, "part", (int)BACKUP, "void", why));
}

/* Whether the source has stood still since quiesce saw that it did. */
static bool stood_still(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    const struct cf_step *quiesce = cf_run_step(p->run, "quiesce");
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    cf_autojson json_t *now = NULL;
    cf_autojson json_t *mounts = NULL;
    if (!cf_pass_kube(p, plan->source_cluster, &kube, err))
        return false;
    struct cf_freeze f = { p, kube, plan->source_cluster, plan->source_namespace };
    if (!cf_freeze_generations(&f, cf_moves_stopped(p->run), &now, err) ||
        !cf_freeze_mounts(&f, cf_moves_claims(p->run), &mounts, err))
        return false;
    if (json_array_size(mounts) > 0)
        return cf_out_hold(out, CF_HOLD_DATA, VOID_AGAIN_MS,
                           "pod %s of %s mounts a claim in the freeze: the pass counts for nothing "
                           "and is made again once that has ended",
                           cf_json_str(json_array_get(mounts, 0), "?", "pod", NULL),
                           plan->source_cluster);
    if (!json_equal(now, cf_json_at(quiesce->observation, "generations", NULL)))
        return cf_out_hold(
            out, CF_HOLD_DATA, VOID_AGAIN_MS,
            "a stopped workload of %s was changed in the freeze: the pass counts for "
            "nothing and is made again",
            plan->source_cluster);
    return cf_out_done(out);
}

/* A void pass: quiesce looks again, and another number follows. */
static bool make_void(struct cf_pass *p, struct cf_step *s, int pass, struct cf_outcome *out,
                      struct cf_error *err)
{
    struct cf_step *quiesce = cf_run_step(p->run, "quiesce");
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    cf_autojson json_t *now = NULL;
    struct cf_outcome still = { .kind = CF_OUT_DONE };
    const struct cf_plan *plan = p->run->plan;
    if (!cf_pass_kube(p, plan->source_cluster, &kube, err))
        return false;
    struct cf_freeze f = { p, kube, plan->source_cluster, plan->source_namespace };
    if (!cf_owners_pause(&f, cf_owners_of(p->run), &still, err))
        return false;
    if (still.kind == CF_OUT_DONE &&
        (!cf_freeze_stop(&f, cf_moves_stopped(p->run), err) ||
         !cf_freeze_look(&f, cf_moves_stopped(p->run), cf_moves_claims(p->run),
                         cf_json_at(quiesce->intent, "mounts", NULL), &still, err)))
        return false;
    if (still.kind != CF_OUT_DONE)
        return cf_out_hold(out, CF_HOLD_DATA, VOID_AGAIN_MS, "%s",
                           cf_json_str(s->observation, still.message, "void", NULL));
    if (!cf_freeze_generations(&f, cf_moves_stopped(p->run), &now, err))
        return false;
    json_t *observation = json_copy(quiesce->observation);
    json_object_set(observation, "generations", now);
    cf_step_set_observation_take(quiesce, observation);
    note(s, pass + 1, BACKUP);
    *out = (struct cf_outcome){ .kind = CF_OUT_DONE };
    return cf_out_more(out);
}

/* The text of a value, as `equals` is written; NULL: there is none. */
static char *text_of(const json_t *value)
{
    if (!value)
        return NULL;
    return json_is_string(value) ? cf_xstrdup(json_string_value(value)) : cf_json_dump(value);
}

static bool is_there(struct cf_pass *p, const char *claim, const json_t *until,
                     struct cf_outcome *out, struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    bool source = strcmp(cf_json_str(until, "", "side", NULL), "source") == 0;
    const char *cluster = source ? plan->source_cluster : plan->target_cluster;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    cf_autojson json_t *object = NULL;
    bool found = false;
    struct cf_object_ref ref =
        cf_ref(cf_json_str(until, "", "apiVersion", NULL), cf_json_str(until, "", "kind", NULL),
               source ? plan->source_namespace : plan->target_namespace,
               cf_json_str(until, "", "name", NULL));
    if (!cf_pass_kube(p, cluster, &kube, err) ||
        !cf_kube_find(kube, NULL, &ref, &found, &object, err))
        return cf_error_wrap(err, "%s %s of %s", ref.kind, ref.name, cluster);
    const char *pointer = cf_json_str(until, "", "pointer", NULL);
    const char *want = cf_json_str(until, "", "equals", NULL);
    cf_autofree char *is = text_of(found ? cf_json_pointer(object, pointer) : NULL);
    if (is && strcmp(is, want) == 0)
        return cf_out_done(out);
    return cf_out_wait(out, EXTERNAL_LOOK_MS, "claim %s: %s %s of %s has %.100s at %s, not yet %s",
                       claim, ref.kind, ref.name, cluster, is ? is : "nothing", pointer, want);
}

static bool external_there(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(p->run->plan->effective, "spec", "volumes", "claims", NULL), i,
                       row)
    {
        const json_t *until = json_object_get(row, "until");
        if (until && !is_there(p, cf_json_str(row, "", "name", NULL), until, out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    return cf_out_done(out);
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
        return cf_error_wrap(err, "%s", parts[part].name);
    (void)cf_moves_progress(&moving, parts[part].name, s, out);
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

static bool note_if_touched(struct cf_pass *p, struct cf_step *s, int pass, struct cf_error *err)
{
    struct cf_outcome still = { .kind = CF_OUT_DONE };
    if (is_void(s))
        return true;
    if (!stood_still(p, &still, err))
        return false;
    if (still.kind != CF_OUT_DONE)
        note_void(s, pass, still.message);
    return true;
}

/* What the restore brings must be what was there when the last writer had stopped: looked at while the
 * pass reads, and once it has. A void pass is read to its end, then another follows. */
static bool read_source(struct cf_pass *p, struct cf_step *s, int pass, struct cf_outcome *out,
                        struct cf_error *err)
{
    if (!note_if_touched(p, s, pass, err) || !do_part(p, s, pass, BACKUP, out, err))
        return false;
    if (out->kind != CF_OUT_DONE)
        return true;
    if (!note_if_touched(p, s, pass, err))
        return false;
    if (is_void(s))
        return make_void(p, s, pass, out, err);
    note(s, pass, HAND_OVER);
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
    if (part < PARTS) {
        if (!do_part(p, s, pass, (enum part)part, out, err) || out->kind != CF_OUT_DONE)
            return err->kind == CF_ERR_NONE;
        note(s, pass, (enum part)(part + 1));
        return cf_out_more(out);
    }
    if (!external_there(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    say_done(p, s, pass);
    return cf_out_done(out);
}

/* ---- undo ---- */

static bool undo(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    (void)s;
    if (json_array_size(cf_moves_claims(p->run)) == 0)
        return cf_out_done(out);
    if (!cf_moves_open(p, false, &m, err))
        return false;
    bool ok = cf_volumes_cancel(&m.v, &moving, err);
    if (ok && moving.done) {
        moving = (struct cf_moving){ 0 };
        ok = cf_volumes_take_back(&m.v, &moving, err);
    }
    cf_moves_keep(&m);
    if (!ok)
        return cf_error_wrap(err, "take the last pass back");
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
