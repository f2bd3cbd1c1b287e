/* SPDX-License-Identifier: Apache-2.0 */
/* Step `quiesce`: the source's writers stand still. From its intent on the run is in its freeze: gates
 * do not count, nothing sends traffic back to a side that cannot serve, and the clock of
 * volumes.finalSync.maxPause runs.
 *
 *   intend   only when the forecast fits, the source is what was copied, with no claim or writer that has
 *            come since, the routers are as we left them, the target has none of the claims yet, no backup
 *            or restore is in front of the last pass, every node with a writer answers, and who keeps the
 *            writers as a repository says can be paused: what is to be stopped and paused, with all that
 *            it had, saved once; the routers' seqs
 *   start    the way back is disarmed on every router, its documents are forgotten; the owners are
 *            paused, and once none of them is at work, everything stops
 *   observe  no pod, no attachment, no silent node: nobody writes
 *   undo     everything has what it had before, and runs; the way back is armed again */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "federation/objects/kinds.h"
#include "orchestrator/engine/steps/bring_back.h"
#include "orchestrator/engine/steps/disarm.h"
#include "orchestrator/engine/steps/owners.h"

enum {
    FORECAST_AGAIN_MS = 15000,
    SLOT_LOOK_MS = 1000,
    SLOT_MAX_MS = 10 * 60 * 1000, /* other people's backups and restores mostly end before */
};

/* ---- intend ---- */

/* Over the plan's pause means no freeze, unless a person has looked at the figure. */
static bool forecast_fits(struct cf_pass *p, struct cf_step *s, struct cf_forecast *f,
                          struct cf_outcome *out)
{
    cf_moves_forecast(p->run, f);
    if (f->whole.p90_ms <= p->run->plan->volumes.max_pause_ms)
        return true;
    if (cf_pass_advance_asked(p, s))
        return true;
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HOLD_TEXT_MAX - 1);
    char most[CF_UNIT_TEXT_MAX];
    cf_buf_puts(&text, "a freeze would take ");
    cf_forecast_say(f, &text);
    cf_buf_printf(&text, ": longer than maxPause %s; nothing is frozen",
                  cf_duration_format(p->run->plan->volumes.max_pause_ms, most));
    cf_out_hold(out, CF_HOLD_PAUSE_TOO_LONG, FORECAST_AGAIN_MS, "%s", cf_buf_str(&text));
    return false;
}

/* What is in front of the last pass, of this run or of others; "" when nothing is. */
static bool find_blocker(struct cf_pass *p, char *why, size_t size, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    const json_t *under = cf_moves_note(p->run, "under");
    *why = '\0';
    if (json_array_size(cf_moves_claims(p->run)) == 0)
        return true;
    if (under && json_integer_value(under) > 0) {
        (void)snprintf(why, size, "blocked by pass %d, which is still under way",
                       (int)json_integer_value(under));
        return true;
    }
    if (!cf_moves_open(p, false, &m, err) || !cf_volumes_slot(&m.v, &moving, err))
        return cf_error_wrap(err, "look for what is in front of the last pass");
    (void)snprintf(why, size, "%s", moving.done ? "" : moving.why);
    return true;
}

/* A Velero server does one thing at a time: what is in front would be waited for in the freeze. */
static bool slot_is_free(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    char why[CF_MOVING_WHY_MAX];
    const json_t *since = cf_moves_note(p->run, "slotSince");
    bool waited = json_is_integer(since);
    if (!find_blocker(p, why, sizeof why, err))
        return false;
    if (!*why) {
        if (waited)
            cf_moves_note_set_take(p->run, "slotSince", json_null());
        return cf_out_done(out);
    }
    if (!waited)
        cf_moves_note_set_take(p->run, "slotSince", json_integer((json_int_t)p->now_wall));
    if (waited && p->now_wall - json_integer_value(since) > SLOT_MAX_MS)
        return cf_out_hold(
            out, CF_HOLD_DATA, SLOT_LOOK_MS * 2,
            "%s, not freezing before the slot is free: if it does not end, delete it "
            "or restart that Velero's server",
            why);
    return cf_out_wait(out, SLOT_LOOK_MS, "%s, not freezing before the slot is free", why);
}

/* What moves and who writes is found when the data first goes ahead. A claim that has come since (an
 * autoscaler's next pod brings its own) would be left behind without a word. */
static bool nobody_has_come(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    const char *source = p->run->plan->source_cluster;
    cf_autojson json_t *known = cf_json_index(cf_moves_claims(p->run), "name", NULL);
    const json_t *inventory;
    size_t i;
    json_t *one;
    if (!cf_copies_open(p, &c, err) || !cf_copies_inventory(&c, &inventory, err))
        return false;
    json_array_foreach(cf_json_at(inventory, "volumes", "claims", NULL), i, one)
    {
        const char *name = cf_json_str(one, "", "name", NULL);
        if (!json_object_get(known, name))
            return cf_out_hold(out, CF_HOLD_SOURCE_CHANGED, CF_PASS_WAKE_MAX_MS,
                               "claim %s of %s has come since the data first went ahead: none of "
                               "the passes has it",
                               name, source);
    }
    json_array_foreach(cf_json_at(inventory, "volumes", "writers", NULL), i, one)
    {
        const char *kind = cf_json_str(one, "", "kind", NULL);
        const char *name = cf_json_str(one, "", "name", NULL);
        if (!cf_row_of(cf_moves_writer_rows(p->run), kind, name))
            return cf_out_hold(out, CF_HOLD_SOURCE_CHANGED, CF_PASS_WAKE_MAX_MS,
                               "%s %s of %s has come since the data first went ahead, and writes: "
                               "it would not be stopped",
                               kind, name, source);
    }
    return cf_out_done(out);
}

/* What the restore would meet in the target is met before the freeze: a pod that waits for a claim, a claim
 * that somebody made of it. */
static bool target_is_free(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_freeze f;
    cf_autojson json_t *mounts = NULL;
    cf_autojson json_t *there = NULL;
    struct cf_kube_list what = { .api_version = "v1", .kind = "PersistentVolumeClaim" };
    size_t i;
    json_t *claim;
    if (!cf_freeze_open(p, true, &kube, &f, err) ||
        !cf_freeze_mounts(&f, cf_moves_claims(p->run), &mounts, err))
        return false;
    if (json_array_size(mounts) > 0)
        return cf_out_hold(out, CF_HOLD_DATA, SLOT_LOOK_MS * 2,
                           "pod %s of %s mounts a claim whose data is to come there: nothing is "
                           "frozen before it is gone, and who starts it",
                           cf_json_str(json_array_get(mounts, 0), "?", "pod", NULL), f.cluster);
    what.ns = f.ns;
    if (!cf_kube_list(kube, NULL, &what, &there, NULL, err))
        return cf_error_wrap(err, "claims of %s/%s", f.cluster, f.ns);
    cf_autojson json_t *wanted = cf_json_index(cf_moves_claims(p->run), "name", NULL);
    json_array_foreach(there, i, claim)
    {
        const char *name = cf_object_name(claim);
        if (json_object_get(wanted, name))
            return cf_out_hold(out, CF_HOLD_DATA, SLOT_LOOK_MS * 2,
                               "claim %s exists in %s, where its data is to come: nothing is "
                               "frozen before it is deleted",
                               name, f.cluster);
    }
    return cf_out_done(out);
}

static bool may_freeze(struct cf_pass *p, struct cf_step *s, struct cf_forecast *f,
                       struct cf_outcome *out, struct cf_error *err)
{
    if (!forecast_fits(p, s, f, out))
        return true;
    if (!cf_copies_compare(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!nobody_has_come(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_copies_guard(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_pass_look_at_routers(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!target_is_free(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    return slot_is_free(p, out, err);
}

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_freeze f;
    struct cf_forecast forecast;
    cf_autojson json_t *rows = NULL;
    cf_autojson json_t *mounts = NULL;
    cf_autojson json_t *paused = NULL;
    if (s->intent && json_object_get(s->intent, "stopped"))
        return cf_out_done(out); /* saved once: a second look would save what we have stopped */
    if (!may_freeze(p, s, &forecast, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    const json_t *more =
        cf_json_at(p->run->plan->effective, "spec", "volumes", "finalSync", "quiesce", NULL);
    if (!cf_freeze_open(p, false, &kube, &f, err) ||
        !cf_freeze_rows(&f, cf_moves_writer_rows(p->run), more, &rows, err) ||
        !cf_freeze_mounts(&f, cf_moves_claims(p->run), &mounts, err))
        return false;
    if (!cf_freeze_nodes(&f, mounts, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!cf_owners_rows(&f, cf_moves_writer_rows(p->run), more, &paused, out, err) ||
        out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (cf_pass_advance_asked(p, s))
        cf_pass_advance_taken(p);
    cf_moves_clock(p, false);
    cf_step_set_intent_take(
        s, json_pack("{s:O,s:O,s:O,s:o,s:o,s:I}", "stopped", rows, "paused", paused, "mounts",
                     mounts, "routers", cf_disarm_rows(p->run), "forecast",
                     cf_forecast_json(&forecast), "at", (json_int_t)p->now_wall));
    return cf_out_done(out);
}

/* ---- start, observe ---- */

static bool start(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_freeze f;
    if (cf_moves_too_long(p, out))
        return true;
    p->ports->lane.block(p->ports->lane.self, p->run->id, "the source is frozen");
    if (!cf_disarm_all(p, cf_json_at(s->intent, "routers", NULL), out, err) ||
        out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!p->ports->lane.forget(p->ports->lane.self, p->run->id, err))
        return cf_error_wrap(err, "forget the way back");
    if (!cf_freeze_open(p, false, &kube, &f, err) ||
        !cf_owners_pause(&f, cf_json_at(s->intent, "paused", NULL), out, err))
        return false;
    return out->kind != CF_OUT_DONE ||
           cf_freeze_stop(&f, cf_json_at(s->intent, "stopped", NULL), err);
}

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_freeze f;
    const json_t *rows = cf_json_at(s->intent, "stopped", NULL);
    json_t *generations = NULL;
    if (cf_moves_too_long(p, out))
        return true;
    if (!cf_freeze_open(p, false, &kube, &f, err) ||
        !cf_freeze_look(&f, rows, cf_moves_claims(p->run), cf_json_at(s->intent, "mounts", NULL),
                        out, err) ||
        out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    cf_autojson json_t *watched = cf_freeze_watched(p->run, false);
    if (!cf_freeze_generations(&f, watched, &generations, err))
        return false;
    cf_step_set_observation_take(
        s, json_pack("{s:o,s:I}", "generations", generations, "stillAt", (json_int_t)p->now_wall));
    cf_moves_mark(p, false, CF_PART_STOP);
    cf_step_say(s, "nobody writes in %s any more: %zu workloads stand still",
                p->run->plan->source_cluster, json_array_size(rows));
    return cf_out_done(out);
}

/* ---- undo: unquiesce ---- */

/* Once: what an autoscaler makes of it afterwards is nobody else's doing. */
static bool give_back(struct cf_step *s, const struct cf_freeze *f, struct cf_outcome *out,
                      struct cf_error *err)
{
    cf_autojson json_t *left = json_array();
    if (cf_json_at(s->observation, "givenBack", NULL))
        return cf_out_done(out);
    /* Owners last: they were first, and put back what their repositories say. */
    if (!cf_freeze_give_back(f, cf_json_at(s->intent, "stopped", NULL), left, err) ||
        !cf_owners_give_back(f, cf_json_at(s->intent, "paused", NULL), left, err))
        return false;
    json_t *observation = s->observation ? json_copy(s->observation) : json_object();
    json_object_set(observation, "givenBack", left);
    cf_step_set_observation_take(s, observation);
    return cf_out_more(out);
}

static bool is_armed(const struct cf_live *run)
{
    for (size_t i = 0; i < run->n_routers; i++)
        if (run->routers[i].adopted && !run->routers[i].arm[0])
            return false;
    return true;
}

/* Traffic that was raised after the freeze began has no way back yet. */
static bool arm_again(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    if (!cf_disarm_arm_again(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    return cf_run_weight(p->run) <= 0 || !is_armed(p->run) || cf_pass_prepare_way_back(p, out, err);
}

static bool undo(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_freeze f;
    const json_t *rows = cf_json_at(s->intent, "stopped", NULL);
    if (!cf_freeze_open(p, false, &kube, &f, err) || !give_back(s, &f, out, err))
        return false;
    if (out->kind != CF_OUT_DONE)
        return true;
    if (!cf_freeze_runs(&f, rows, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!arm_again(p, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    const json_t *left = cf_json_at(s->observation, "givenBack", NULL);
    p->ports->lane.block(p->ports->lane.self, p->run->id, NULL);
    cf_bring_back_thawed(p);
    cf_moves_note_set_take(p->run, "thawedAt", json_integer((json_int_t)p->now_wall));
    if (json_array_size(left) > 0)
        return cf_out_failed(out, "%s", json_string_value(json_array_get(left, 0)));
    return cf_out_done(out);
}

const struct cf_step_kind cf_step_quiesce = {
    .name = "quiesce",
    .phase = "Freezing",
    .says = "stops the source's writers, once the forecast of the freeze fits the plan",
    .intend = intend,
    .start = start,
    .observe = observe,
    .undo = undo,
};
