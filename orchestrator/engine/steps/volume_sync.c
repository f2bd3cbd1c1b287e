/* SPDX-License-Identifier: Apache-2.0 */
/* Step `volume.sync`: the data of the claims goes ahead while the service runs.
 *
 *   intend   whose data moves and who writes it, from the source's closure; the two storage locations
 *            of each way. What Velero cannot do is a preflight blocker before this
 *   observe  the writers' names lead from the target to the source; passes until there are as many as the plan wants; then the first is restored into a
 *            namespace of its own, for the forecast, and thrown away. A later one of this kind
 *            (params.refresh), just before the freeze, makes one more pass, so that little is left
 *   undo     stops what is under way, takes away what it made
 *
 * Between the two, passes go on by themselves (upkeep.c). */
#include <string.h>

#include "base/units.h"
#include "federation/objects/volumes.h"
#include "orchestrator/engine/claim_rows.h"
#include "orchestrator/engine/steps/names.h"
#include "orchestrator/engine/steps/pod_rows.h"

enum {
    REFRESHED_MS = 60000, /* a pass that ended less than this ago is young enough for a freeze */
    CLEAN_LOOK_MS = 500,  /* between looks at the rehearsal's end */
};

/* ---- intend ---- */

static bool facts_of(struct cf_pass *p, const char *cluster, json_t **out, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    if (!cf_pass_kube(p, cluster, &kube, err) ||
        !cf_velero_look(kube, p->run->plan->volumes.velero_namespace, p->run->id, out, err))
        return cf_error_wrap(err, "Velero of %s", cluster);
    return true;
}

/* {"from", "to"}: names of one bucket and prefix at both ends; NULL when the far end has none. */
static json_t *pair(const json_t *from_facts, const json_t *to_facts, const char *name)
{
    const json_t *from = NULL;
    const json_t *to = cf_velero_pair(from_facts, to_facts, name, &from);
    if (!from || !to)
        return NULL;
    return json_pack("{s:s,s:s}", "from", cf_json_str(from, "", "name", NULL), "to",
                     cf_json_str(to, "", "name", NULL));
}

/* And what only the way back needs to know of the source. */
static bool find_locations(struct cf_pass *p, const json_t *inventory, json_t *intent,
                           struct cf_outcome *out, struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    cf_autojson json_t *source = NULL;
    cf_autojson json_t *target = NULL;
    if (!facts_of(p, plan->source_cluster, &source, err) ||
        !facts_of(p, plan->target_cluster, &target, err))
        return false;
    json_t *there = pair(source, target, plan->volumes.location ? plan->volumes.location : "");
    if (!there)
        return cf_out_hold(out, CF_HOLD_PREFLIGHT, CF_PASS_WAKE_MAX_MS,
                           "%s has no BackupStorageLocation with the bucket and prefix of %s in %s",
                           plan->target_cluster,
                           plan->volumes.location ? plan->volumes.location : "the default one",
                           plan->source_cluster);
    json_object_set_new(intent, "there", there);
    if (!plan->volumes.back_location)
        return cf_out_done(out);
    json_t *back = pair(target, source, plan->volumes.back_location);
    if (!back)
        return cf_out_hold(
            out, CF_HOLD_PREFLIGHT, CF_PASS_WAKE_MAX_MS,
            "%s has no BackupStorageLocation with the bucket and prefix of %s in %s: "
            "there would be no way back with the data",
            plan->source_cluster, plan->volumes.back_location, plan->target_cluster);
    json_object_set_new(intent, "back", back);
    cf_claim_rows_note_source(json_object_get(intent, "claims"), inventory, source);
    return cf_out_done(out);
}

/* A run's passes are all in one place. False: none was found yet. Which class is the default is not asked
 * again: it stands in the claims by now. */
static bool keep_locations(const struct cf_step *s, const json_t *inventory, json_t *intent)
{
    static const char *const ways[] = { "there", "back" };
    for (size_t i = 0; i < CF_ARRAY_LEN(ways); i++)
        if (s->intent && json_object_get(s->intent, ways[i]))
            json_object_set(intent, ways[i], json_object_get(s->intent, ways[i]));
    if (json_object_get(intent, "back"))
        cf_claim_rows_note_source(json_object_get(intent, "claims"), inventory, NULL);
    return json_object_get(intent, "there") != NULL;
}

/* What was found before may have bridges by now: they end with the run. */
static void keep_names(const struct cf_step *s, json_t *intent)
{
    json_t *names = json_object_get(intent, "names");
    size_t i, k;
    json_t *before, *now;
    json_array_foreach(cf_json_at(s->intent, "names", NULL), i, before)
    {
        bool kept = false;
        json_array_foreach(names, k, now)
        {
            kept = kept || json_equal(before, now);
        }
        if (!kept)
            json_array_append(names, before);
    }
}

/* Of what has come since, none of the passes has anything. */
static void need_another_pass(struct cf_pass *p)
{
    int64_t good = cf_moves_number(p->run, "good", 0);
    cf_moves_note_set_take(p->run, "good",
                           json_integer(CF_MIN(good, (int64_t)p->run->plan->volumes.passes - 1)));
}

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    bool again = json_is_true(cf_moves_note(p->run, "findAgain"));
    if ((s->intent && !again) || cf_json_bool(s->params, false, "refresh", NULL)) {
        if (!s->intent)
            cf_step_set_intent_take(s, json_object());
        return cf_out_done(out);
    }
    CF_CLEANUP(cf_copies_close) struct cf_copies c = { 0 };
    const json_t *inventory;
    if (!cf_copies_open(p, &c, err) || !cf_copies_inventory(&c, &inventory, err))
        return false;
    cf_autojson json_t *claims = cf_claim_rows_there(inventory);
    json_t *pods = NULL;
    if (!cf_pod_rows(p, inventory, claims, &pods, err))
        return false;
    cf_autojson json_t *intent = json_pack("{s:O,s:o}", "claims", claims, "pods", pods);
    const json_t *writers = cf_json_at(inventory, "volumes", "writers", NULL);
    json_object_set_new(intent, "writers", writers ? cf_json_copy(writers) : json_array());
    /* Fixed addresses are a gateway's: pods are not reached through them by a Service's name. */
    bool flat = p->run->plan->traffic.reach != CF_PLAN_REACH_ADDRESS;
    json_object_set_new(intent, "names",
                        flat ? cf_volumes_names_of_writers(inventory) : json_array());
    if (keep_locations(s, inventory, intent))
        *out = (struct cf_outcome){ .kind = CF_OUT_DONE };
    else if (json_array_size(claims) > 0 &&
             (!find_locations(p, inventory, intent, out, err) || out->kind != CF_OUT_DONE))
        return err->kind == CF_ERR_NONE;
    keep_names(s, intent);
    cf_step_set_intent_take(s, json_incref(intent));
    if (again) {
        cf_moves_note_set_take(p->run, "findAgain", json_false());
        need_another_pass(p);
    }
    return cf_out_done(out);
}

/* ---- observe ---- */

/* Somebody deleted the pass that was to be rehearsed. */
static bool another_pass(struct cf_pass *p, struct cf_step *s, const char *why,
                         struct cf_outcome *out)
{
    need_another_pass(p);
    cf_moves_note_set_take(p->run, "rehearsalAt", json_null());
    cf_step_say(s, "%s", why);
    return cf_out_more(out);
}

/* Pass n into a namespace of its own, and away again. */
static bool rehearse(struct cf_pass *p, struct cf_step *s, int n, struct cf_outcome *out,
                     struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    if (!json_is_integer(cf_moves_note(p->run, "rehearsalAt")))
        cf_moves_note_set_take(p->run, "rehearsalAt", json_integer((json_int_t)p->now_wall));
    if (!cf_moves_open(p, false, &m, err))
        return false;
    bool restored = cf_moves_number(p->run, "rehearsedPass", 0) == n;
    bool ok = restored ? cf_volumes_clean(&m.v, 1, &moving, err)
                       : cf_volumes_hand_over(&m.v, n, &moving, err);
    if (ok && !restored && moving.done) {
        moving = (struct cf_moving){ 0 };
        ok = cf_volumes_restore(&m.v, n, true, &moving, err);
        if (ok && moving.done) {
            cf_moves_report(&m, n);
            cf_moves_note_set_take(p->run, "rehearsedPass", json_integer(n));
            moving.done = false; /* what it made goes next */
        }
    } else if (ok && restored) {
        /* What will not go is tried again at the end of the run. */
        if (!moving.done && !moving.stuck) {
            cf_moves_keep(&m);
            return cf_out_wait(out, CLEAN_LOOK_MS, "the rehearsal is taken away: %s", moving.why);
        }
        moving.done = true;
        cf_moves_note_set_take(p->run, "rehearsed", json_true());
    }
    cf_moves_keep(&m);
    if (!ok)
        return cf_error_wrap(err, "rehearse the restore");
    if (moving.lost)
        return another_pass(p, s, moving.why, out);
    (void)cf_moves_progress(&moving, "rehearsal of the restore", s, out);
    if (out->kind == CF_OUT_WAIT &&
        p->now_wall - cf_moves_number(p->run, "rehearsalAt", 0) < CF_MOVES_CLOSE_MS)
        out->wake_ms = CF_MIN(out->wake_ms, (int64_t)CF_MOVES_LOOK_MS);
    return true;
}

static void say_done(struct cf_pass *p, struct cf_step *s)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HOLD_TEXT_MAX - 1);
    struct cf_forecast f;
    cf_moves_forecast(p->run, &f);
    cf_buf_printf(&text, "%zu claims, %d passes; a freeze would take ",
                  json_array_size(cf_moves_claims(p->run)),
                  (int)cf_moves_number(p->run, "good", 0));
    cf_forecast_say(&f, &text);
    cf_step_say(s, "%s", cf_buf_str(&text));
}

static bool refresh(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    bool young = p->now_wall - cf_moves_number(p->run, "doneAt", 0) < REFRESHED_MS;
    if (!cf_moves_live_pass(p, s, !young, out, err))
        return false;
    if (out->kind == CF_OUT_DONE && young)
        say_done(p, s);
    else if (out->kind == CF_OUT_DONE)
        return cf_out_more(out);
    return true;
}

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    const struct cf_plan_volumes *plan = &p->run->plan->volumes;
    if (json_array_size(cf_moves_claims(p->run)) == 0) {
        cf_step_say(s, "no claim among what is copied has data that moves");
        return cf_out_done(out);
    }
    if (cf_json_bool(s->params, false, "refresh", NULL))
        return refresh(p, s, out, err);
    if (!cf_names_lead_to(p, true, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    bool enough = cf_moves_number(p->run, "good", 0) >= plan->passes &&
                  cf_moves_number(p->run, "under", 0) == 0;
    if (!enough) {
        if (!cf_moves_live_pass(p, s, true, out, err))
            return false;
        return out->kind != CF_OUT_DONE || cf_out_more(out);
    }
    if (plan->rehearse && !cf_moves_note(p->run, "rehearsed") &&
        (!rehearse(p, s, (int)cf_moves_number(p->run, "done", 0), out, err) ||
         out->kind != CF_OUT_DONE))
        return err->kind == CF_ERR_NONE;
    say_done(p, s);
    return cf_out_done(out);
}

/* ---- undo ---- */

/* Nothing of ours reads any more, and no claim is left of a last pass whose restore hung. */
static bool stop_all(struct cf_pass *p, bool back, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    if (!cf_moves_note(p->run, back ? "back" : "there"))
        return cf_out_done(out);
    if (!cf_moves_open(p, back, &m, err))
        return false;
    if (!cf_moves_stop(&m, back ? NULL : cf_volumes_take_back, &moving, err))
        return cf_error_wrap(err, "stop the passes");
    return cf_moves_progress(&moving, "stopping the passes", NULL, out);
}

static bool undo(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf left = CF_BUF_INIT(CF_HOLD_TEXT_MAX);
    if (cf_json_bool(s->params, false, "refresh", NULL) ||
        json_array_size(cf_moves_claims(p->run)) == 0)
        return cf_out_done(out);
    if (!cf_names_end(p, true, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!stop_all(p, false, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    if (!stop_all(p, true, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    (void)cf_moves_clean(p, &left, out);
    if (out->kind == CF_OUT_DONE && left.len > 2)
        cf_step_say(s, "%s", cf_buf_str(&left) + 2);
    return true;
}

const struct cf_step_kind cf_step_volume_sync = {
    .name = "volume.sync",
    .phase = "Syncing",
    .says = "sends the claims' data ahead in passes, while the service runs, and rehearses the "
            "restore",
    .intend = intend,
    .observe = observe,
    .undo = undo,
};
