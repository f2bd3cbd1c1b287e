/* SPDX-License-Identifier: Apache-2.0 */
/* The data of a run's claims within a pass (moves.h). */
#include "orchestrator/engine/moves.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "orchestrator/engine/claim_rows.h"

enum {
    LOOK_MS = 300,
    STUCK_LOOK_MS = 2000,
    CLEAN_MAX_MS = 120000, /* Velero deletes in seconds; what it cannot delete never holds a run */
};

/* ---- where the writers are ---- */

static bool is_begun(const struct cf_step *s)
{
    if (!s || s->state == CF_STEP_UNDONE)
        return false;
    /* Planned again: it was begun before, and what it did stands. */
    return s->state != CF_STEP_PLANNED || (s->attempt > 0 && s->intent);
}

enum cf_writers_at cf_moves_writers(const struct cf_live *run)
{
    if (is_begun(cf_run_step(run, "writers.switch")))
        return CF_WRITERS_AT_TARGET;
    return is_begun(cf_run_step(run, "quiesce")) ? CF_WRITERS_NOWHERE : CF_WRITERS_AT_SOURCE;
}

const json_t *cf_moves_stopped(const struct cf_live *run)
{
    const struct cf_step *s = cf_run_step(run, "quiesce");
    return is_begun(s) ? cf_json_at(s->intent, "stopped", NULL) : NULL;
}

/* ---- what step volume.sync keeps ---- */

static struct cf_step *sync_step(const struct cf_live *run)
{
    return cf_run_step(run, "volume.sync");
}

static const json_t *sync_intent(const struct cf_live *run, const char *key)
{
    const struct cf_step *s = sync_step(run);
    return s ? cf_json_at(s->intent, key, NULL) : NULL;
}

const json_t *cf_moves_claims(const struct cf_live *run)
{
    return sync_intent(run, "claims");
}

const json_t *cf_moves_writer_rows(const struct cf_live *run)
{
    return sync_intent(run, "writers");
}

bool cf_moves_stop(struct cf_moves *m, cf_moves_then *then, struct cf_moving *out,
                   struct cf_error *err)
{
    *out = (struct cf_moving){ 0 };
    bool ok = cf_volumes_cancel(&m->v, out, err);
    if (ok && out->done && then) {
        *out = (struct cf_moving){ 0 };
        ok = then(&m->v, out, err);
    }
    cf_moves_keep(m);
    return ok;
}

const json_t *cf_moves_note(const struct cf_live *run, const char *key)
{
    const struct cf_step *s = sync_step(run);
    return s ? json_object_get(s->observation, key) : NULL;
}

int64_t cf_moves_number(const struct cf_live *run, const char *key, int64_t dflt)
{
    const json_t *n = cf_moves_note(run, key);
    return json_is_integer(n) ? json_integer_value(n) : dflt;
}

void cf_moves_note_set_take(struct cf_live *run, const char *key, json_t *value)
{
    struct cf_step *s = sync_step(run);
    json_t *observation = s->observation ? json_copy(s->observation) : json_object();
    json_object_set_new(observation, key, value);
    cf_step_set_observation_take(s, observation);
}

/* ---- one way ---- */

void cf_moves_close(struct cf_moves *m)
{
    cf_kube_unref(m->source);
    cf_kube_unref(m->target);
    json_decref(m->claims);
    json_decref(m->v.state);
    memset(m, 0, sizeof *m);
}

bool cf_moves_open(struct cf_pass *p, bool back, struct cf_moves *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { .pass = p };
    const struct cf_plan *plan = p->run->plan;
    const char *way = back ? "back" : "there";
    const json_t *locations = sync_intent(p->run, way);
    const json_t *state = cf_moves_note(p->run, way);
    if (!cf_pass_kube(p, plan->source_cluster, &m.source, err) ||
        !cf_pass_kube(p, plan->target_cluster, &m.target, err))
        return false;
    if (back)
        m.claims = cf_claim_rows_back(cf_moves_claims(p->run));
    m.v = (struct cf_volumes){
        .from = back ? m.target : m.source,
        .to = back ? m.source : m.target,
        .from_namespace = back ? plan->target_namespace : plan->source_namespace,
        .to_namespace = back ? plan->source_namespace : plan->target_namespace,
        .velero_namespace = plan->volumes.velero_namespace,
        .from_location = cf_json_str(locations, "", "from", NULL),
        .to_location = cf_json_str(locations, "", "to", NULL),
        .run_id = p->run->id,
        .way = way,
        .stage_image = plan->volumes.image,
        .claims = back ? m.claims : cf_moves_claims(p->run),
        .state = state ? cf_json_copy(state) : json_object(),
        .now_ms = p->now_wall,
    };
    *out = m;
    memset(&m, 0, sizeof m);
    return true;
}

/* A state is large, a look is frequent: what it saw last is recorded with something else, or once in a while. */
void cf_moves_keep(struct cf_moves *m)
{
    const json_t *before = cf_moves_note(m->pass->run, m->v.way);
    struct cf_step *s = sync_step(m->pass->run);
    if (before ? cf_volumes_state_differs(before, m->v.state) : json_object_size(m->v.state) > 0) {
        cf_moves_note_set_take(m->pass->run, m->v.way, cf_json_copy(m->v.state));
    } else if (before) {
        json_t *observation = json_copy(s->observation);
        json_object_set_new(observation, m->v.way, cf_json_copy(m->v.state));
        cf_step_remember_take(s, observation);
    }
}

/* ---- progress ---- */

static void count_bytes(struct cf_step *s, const struct cf_moving *moving)
{
    enum { UNIT = 1024 }; /* steps count in int: KiB reach 2 TiB */
    int done = (int)CF_MIN(moving->bytes / UNIT, INT32_MAX);
    int total = (int)CF_MIN(moving->bytes_total / UNIT, INT32_MAX);
    if (!s || moving->bytes_total <= 0 || (s->done == done && s->total == total))
        return;
    if (done < s->done)
        cf_step_pace_lost(s); /* another pass, or its restore, begins */
    cf_step_progress(s, done, total);
    if (moving->at_ms > 0)
        cf_step_pace(s, moving->at_ms);
}

bool cf_moves_progress(const struct cf_moving *moving, const char *what, struct cf_step *s,
                       struct cf_outcome *out)
{
    int64_t wait_ms = CF_MAX(moving->stuck ? STUCK_LOOK_MS : LOOK_MS, moving->wait_ms);
    char so_far[48] = "";
    count_bytes(s, moving);
    if (moving->claims_total > 0)
        (void)snprintf(so_far, sizeof so_far, " (%d of %d claims)", moving->claims,
                       moving->claims_total);
    if (moving->done)
        return cf_out_done(out);
    if (moving->failed)
        return cf_out_failed(out, "%s: %s", what, moving->why);
    if (!moving->waits)
        return cf_out_more(out);
    if (moving->stuck)
        return cf_out_hold(out, CF_HOLD_DATA, wait_ms, "%s%s: %s", what, so_far, moving->why);
    return cf_out_wait(out, wait_ms, "%s%s: %s", what, so_far, moving->why);
}

void cf_moves_again(struct cf_pass *p)
{
    static const char *const ways[] = { "there", "back" };
    for (size_t i = 0; i < CF_ARRAY_LEN(ways); i++) {
        const json_t *before = cf_moves_note(p->run, ways[i]);
        cf_autojson json_t *state = before ? cf_json_copy(before) : NULL;
        if (state && cf_volumes_again(state, ways[i], p->now_wall))
            cf_moves_note_set_take(p->run, ways[i], json_incref(state));
    }
}

bool cf_moves_find_again(struct cf_pass *p, struct cf_error *err)
{
    struct cf_step *s = sync_step(p->run);
    if (!s || s->state != CF_STEP_DONE || cf_moves_writers(p->run) != CF_WRITERS_AT_SOURCE)
        return true;
    cf_moves_note_set_take(p->run, "findAgain", json_true());
    return cf_step_to(s, CF_STEP_PLANNED, p->events, p->now_wall, err);
}

/* ---- the freeze's bound ---- */

bool cf_moves_too_long(struct cf_pass *p, struct cf_outcome *out)
{
    const struct cf_plan_volumes *plan = &p->run->plan->volumes;
    const struct cf_step *quiesce = cf_run_step(p->run, "quiesce");
    char most[CF_UNIT_TEXT_MAX];
    if (cf_moves_writers(p->run) != CF_WRITERS_NOWHERE)
        return false;
    int64_t since = p->now_wall - cf_json_int(quiesce->intent, p->now_wall, "at", NULL);
    if (since <= plan->max_pause_ms)
        return false;
    (void)cf_duration_format(plan->max_pause_ms, most);
    if (plan->on_exceeded == CF_PLAN_EXCEEDED_ROLLBACK) {
        cf_out_hold(out, CF_HOLD_PAUSE_TOO_LONG, LOOK_MS,
                    "the freeze lasts longer than maxPause %s", most);
        out->kind = CF_OUT_ROLLBACK;
        return true;
    }
    if (!cf_moves_note(p->run, "exceededAt")) {
        cf_moves_note_set_take(p->run, "exceededAt", json_integer((json_int_t)p->now_wall));
        cf_event_add_take(p->events, "freeze.exceeded", -1, NULL,
                          json_pack("{s:I,s:I}", "ms", (json_int_t)since, "maxPauseMs",
                                    (json_int_t)plan->max_pause_ms));
    }
    return false;
}

/* ---- the freeze's clock ---- */

void cf_moves_forecast(const struct cf_live *run, struct cf_forecast *out)
{
    cf_forecast_of(cf_moves_note(run, "reports"), sync_intent(run, "pods"), cf_moves_claims(run),
                   out);
}

static const char *clock_key(bool back)
{
    return back ? "clockBack" : "clock";
}

void cf_moves_clock(struct cf_pass *p, bool back)
{
    cf_moves_note_set_take(p->run, clock_key(back), cf_freeze_clock(p->now_wall));
}

void cf_moves_mark(struct cf_pass *p, bool back, enum cf_part part)
{
    const json_t *clock = cf_moves_note(p->run, clock_key(back));
    if (part == CF_PART_VERIFY && !cf_json_named(cf_moves_claims(p->run), "verify", "checksum"))
        return;
    cf_moves_note_set_take(p->run, clock_key(back), cf_freeze_mark(clock, part, p->now_wall));
}

const json_t *cf_moves_thawed(struct cf_pass *p, bool back, int64_t from_ms, const json_t *forecast)
{
    const char *key = back ? "freezeBack" : "freeze";
    json_t *freeze =
        json_pack("{s:I,s:I,s:I,s:I,s:O?,s:o}", "from", (json_int_t)from_ms, "to",
                  (json_int_t)p->now_wall, "ms", (json_int_t)(p->now_wall - from_ms), "forecastMs",
                  (json_int_t)cf_json_int(forecast, 0, "p90Ms", NULL), "forecast", forecast,
                  "parts", cf_freeze_taken(cf_moves_note(p->run, clock_key(back)), forecast));
    cf_moves_note_set_take(p->run, key, freeze);
    return cf_moves_note(p->run, key);
}

/* ---- cleaning up ---- */

/* One way; false: it is not clean yet, and out->why says what for. */
static bool is_clean(struct cf_pass *p, bool back, struct cf_moving *out)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    if (!cf_moves_note(p->run, back ? "back" : "there"))
        return true;
    bool ok = cf_moves_open(p, back, &m, &err) && cf_volumes_clean(&m.v, 0, out, &err);
    if (m.v.state)
        cf_moves_keep(&m);
    if (!ok)
        (void)snprintf(out->why, sizeof out->why, "%.600s", err.message);
    cf_utf8_mend(out->why);
    return ok && out->done;
}

/* Volumes of the source that a way back with data has set aside: they stay, and somebody has to know. */
static void name_aside(const struct cf_pass *p, struct cf_buf *left)
{
    const json_t *aside = json_object_get(cf_moves_note(p->run, "back"), "aside");
    const char *claim;
    json_t *row;
    json_object_foreach(cf_json_unconst(aside), claim, row)
    {
        if (strcmp(cf_json_str(row, "", "step", NULL), "gone") == 0)
            cf_buf_printf(left,
                          "; volume %s keeps what claim %s had before: delete it once nobody "
                          "needs that",
                          cf_json_str(row, "?", "pv", NULL), claim);
    }
}

bool cf_moves_clean(struct cf_pass *p, struct cf_buf *left, struct cf_outcome *out)
{
    struct cf_moving moving[2] = { 0 };
    bool clean = is_clean(p, false, &moving[0]) & is_clean(p, true, &moving[1]);
    const char *why = moving[0].why[0] ? moving[0].why : moving[1].why;
    const json_t *since = cf_moves_note(p->run, "cleanSince");
    if (!clean && !since)
        cf_moves_note_set_take(p->run, "cleanSince", json_integer((json_int_t)p->now_wall));
    bool late = since && p->now_wall - json_integer_value(since) > CLEAN_MAX_MS;
    if (!clean && !late)
        return cf_out_wait(out, LOOK_MS, "passes and restores are taken away: %s", why);
    if (!clean)
        cf_buf_printf(left, "; left behind: %s", why);
    name_aside(p, left);
    return cf_out_done(out);
}
