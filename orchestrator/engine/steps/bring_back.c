/* SPDX-License-Identifier: Apache-2.0 */
/* The way back with the data (bring_back.h).
 *
 * volume.sync's observation keeps: "ahead": the pass back while the target ran is over ("done", or why it
 * was left), "aheadStuckAt", "aheadLeft": why it is being left, "backAt": when the target's writers stopped,
 * "forecastBack", "backPass" and "backPart": the last pass and its part that is next, "backStill": the target's
 * writers as they stood when it began, "backVoid": why it counts for nothing. */
#include "orchestrator/engine/steps/bring_back.h"

#include <stdio.h>

#include "orchestrator/engine/steps/last_pass.h"

enum {
    AHEAD_PASS = 1,
    LAST_PASS = 2, /* a void one is followed by another number, as often as it takes */
    GIVEN_UP_LOOK_MS = 500,
    AHEAD_STUCK_MS = 2 * 60 * 1000, /* going back may be urgent: then it goes without it */
};

static bool set_aside(const struct cf_volumes *v, int n, struct cf_moving *out,
                      struct cf_error *err)
{
    (void)n;
    return cf_volumes_set_aside(v, out, err);
}

/* The parts, in order. The source's claims go only when all of the target's data is in the source's
 * reach. */
static const struct cf_last_part parts[] = {
    { "the last pass back", cf_last_pass_read, CF_PART_PASS },
    { "its hand over", cf_volumes_hand_over, CF_PART_HAND_OVER },
    { "the source's claims are set aside", set_aside, CF_PART_RESTORE },
    { "the void pass is taken away", cf_last_pass_clear, CF_PART_RESTORE },
    { "the restore in the source", cf_last_pass_restore, CF_PART_RESTORE },
    { "the proof of its files", cf_volumes_verify, CF_PART_VERIFY },
};

static void note(struct cf_pass *p, const char *key, int64_t n)
{
    cf_moves_note_set_take(p->run, key, json_integer((json_int_t)n));
}

static bool brings_back(const struct cf_pass *p)
{
    return p->run->plan->reverse_data && !cf_memo(p->run, "dataLossAgreed") &&
           json_array_size(cf_moves_claims(p->run)) > 0;
}

/* ---- while the target runs ---- */

static void ahead_is_over(struct cf_pass *p, const char *how)
{
    cf_moves_note_set_take(p->run, "ahead", json_string(how));
}

/* Whether it has stood still for too long; otherwise since when is noted. */
static bool is_late(struct cf_pass *p, const struct cf_moving *moving)
{
    int64_t since = cf_moves_number(p->run, "aheadStuckAt", 0);
    if (!moving->stuck && since > 0)
        cf_moves_note_set_take(p->run, "aheadStuckAt", json_null());
    if (!moving->stuck)
        return false;
    if (since == 0)
        note(p, "aheadStuckAt", since = p->now_wall);
    return p->now_wall - since > AHEAD_STUCK_MS;
}

/* It is taken away, so that it is not in front of the last one. */
static bool leave(struct cf_pass *p, struct cf_moves *m, struct cf_outcome *out,
                  struct cf_error *err)
{
    struct cf_moving moving = { 0 };
    if (!cf_volumes_cancel(&m->v, &moving, err))
        return false;
    if (!moving.done)
        return cf_moves_progress(&moving, "the pass back is left", NULL, out);
    ahead_is_over(p, json_string_value(cf_moves_note(p->run, "aheadLeft")));
    return cf_out_more(out);
}

static bool go_ahead(struct cf_pass *p, struct cf_moves *m, struct cf_outcome *out,
                     struct cf_error *err)
{
    struct cf_moving moving = { 0 };
    if (cf_moves_note(p->run, "aheadLeft"))
        return leave(p, m, out, err);
    if (!cf_volumes_backup(&m->v, AHEAD_PASS, CF_PASS_LIVE, &moving, err))
        return false;
    if (moving.done)
        cf_moves_report(m, AHEAD_PASS);
    if (moving.done || moving.failed)
        ahead_is_over(p, moving.done ? "done" : moving.why);
    else if (is_late(p, &moving))
        cf_moves_note_set_take(p->run, "aheadLeft", json_string(moving.why));
    else
        return cf_moves_progress(&moving,
                                 "a pass back while the target's writers run (it carries "
                                 "everything, for the other prefix is empty)",
                                 NULL, out);
    return cf_out_more(out);
}

bool cf_bring_back_ahead(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    bool ran =
        cf_moves_note(p->run, "freeze") != NULL; /* else nobody is served, and nothing gained */
    if (!brings_back(p) || !ran || cf_moves_note(p->run, "ahead") ||
        cf_moves_note(p->run, "backAt"))
        return cf_out_done(out);
    if (!cf_moves_open(p, true, &m, err))
        return false;
    bool ok = go_ahead(p, &m, out, err);
    cf_moves_keep(&m);
    return ok || cf_error_wrap(err, "a pass back");
}

void cf_bring_back_freeze(struct cf_pass *p)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HOLD_TEXT_MAX - 1);
    struct cf_forecast f;
    const struct cf_step *sync = cf_run_step(p->run, "volume.sync");
    if (!brings_back(p) || cf_moves_note(p->run, "backAt"))
        return;
    cf_forecast_back(cf_json_at(cf_moves_note(p->run, "freeze"), "parts", NULL),
                     cf_json_at(sync->intent, "pods", NULL), &f);
    json_t *forecast = cf_forecast_json(&f);
    if (f.known) {
        cf_buf_puts(&text, "the target's writers stand still for ");
        cf_forecast_say(&f, &text);
        cf_buf_puts(&text, ", as the freeze there took; no maxPause keeps anybody from going back");
    }
    cf_event_add_take(p->events, "freeze.back", -1, NULL,
                      json_pack("{s:O,s:s}", "forecast", forecast, "text", cf_buf_str(&text)));
    cf_moves_note_set_take(p->run, "forecastBack", forecast);
    note(p, "backAt", p->now_wall);
    cf_moves_clock(p, true);
}

void cf_bring_back_thawed(struct cf_pass *p)
{
    int64_t at = cf_moves_number(p->run, "backAt", 0);
    if (at == 0 || cf_moves_note(p->run, "freezeBack"))
        return;
    cf_moves_mark(p, true, CF_PART_START);
    (void)cf_moves_thawed(p, true, at, cf_moves_note(p->run, "forecastBack"));
}

/* ---- while nobody writes ---- */

static int last_pass(const struct cf_pass *p)
{
    return (int)cf_moves_number(p->run, "backPass", LAST_PASS);
}

/* Borrowed; NULL: the pass is good so far. */
static const char *is_void(const struct cf_pass *p)
{
    return json_string_value(cf_moves_note(p->run, "backVoid"));
}

static void note_void(struct cf_pass *p, const char *why)
{
    cf_event_add_take(
        p->events, "pass.void", -1, NULL,
        json_pack("{s:i,s:s,s:s}", "pass", last_pass(p), "way", "back", "reason", why));
    cf_moves_note_set_take(p->run, "backVoid", json_string(why));
}

bool cf_bring_back_watch(struct cf_pass *p, struct cf_error *err)
{
    const json_t *before = cf_moves_note(p->run, "backStill");
    cf_autojson json_t *now = NULL;
    char why[CF_LAST_PASS_WHY_MAX];
    if (!brings_back(p) || !json_is_object(before) || is_void(p))
        return true;
    if (!cf_last_pass_look(p, true, before, &now, why, err))
        return false;
    if (*why)
        note_void(p, why);
    return true;
}

/* The first look at writers that stand still is what a later one is held against. Whoever has come between
 * the look of the freeze and this one makes the pass void at once. */
static bool note_still(struct cf_pass *p, struct cf_error *err)
{
    cf_autojson json_t *now = NULL;
    char why[CF_LAST_PASS_WHY_MAX];
    if (json_is_object(cf_moves_note(p->run, "backStill")))
        return true;
    if (!cf_last_pass_look(p, true, NULL, &now, why, err))
        return false;
    cf_moves_note_set_take(p->run, "backStill", json_incref(now));
    if (*why)
        note_void(p, why);
    return true;
}

/* What was written in the target since is not in it: another number reads it. */
static bool begin_again(struct cf_pass *p, struct cf_outcome *out)
{
    note(p, "backPass", last_pass(p) + 1);
    note(p, "backPart", 0);
    cf_moves_note_set_take(p->run, "backStill", json_null());
    cf_moves_note_set_take(p->run, "backVoid", json_null());
    return cf_out_more(out);
}

static bool do_part(struct cf_pass *p, size_t part, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    int pass = last_pass(p);
    char what[CF_LAST_PASS_WHY_MAX + 128];
    const char *why = is_void(p);
    (void)snprintf(what, sizeof what, "%s%s%s%s", parts[part].what,
                   why ? " (another follows, for " : "", why ? why : "", why ? ")" : "");
    if (!cf_moves_open(p, true, &m, err))
        return false;
    bool ok = parts[part].call(&m.v, pass, &moving, err);
    if (ok)
        cf_moves_report(&m, pass);
    cf_moves_keep(&m);
    if (!ok)
        return cf_error_wrap(err, "%s", what);
    (void)cf_moves_progress(&moving, what, NULL, out);
    if (out->kind == CF_OUT_WAIT)
        out->wake_ms = CF_MIN(out->wake_ms, (int64_t)CF_MOVES_LOOK_MS);
    if (out->kind != CF_OUT_DONE)
        return true;
    if (is_void(p))
        return begin_again(p, out);
    cf_moves_mark(p, true, parts[part].clock);
    note(p, "backPart", (int64_t)part + 1);
    return cf_out_more(out);
}

/* A person has let it be lost: what is under way ends, and the source's claims are as they were. */
static bool give_up(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    if (!cf_moves_open(p, true, &m, err))
        return false;
    if (!cf_moves_stop(&m, cf_volumes_put_back, &moving, err))
        return cf_error_wrap(err, "put the source's claims back");
    return cf_moves_progress(&moving, "the source's claims are put back", NULL, out);
}

/* The undo of a step cannot fail for good here: without the data nothing of the source may start. */
static bool hold_instead(struct cf_outcome *out)
{
    char why[CF_HOLD_TEXT_MAX];
    if (out->kind != CF_OUT_FAILED)
        return true;
    (void)snprintf(why, sizeof why, "%.800s", out->message);
    return cf_out_hold(out, CF_HOLD_DATA_LOSS, GIVEN_UP_LOOK_MS * 4,
                       "the target's data cannot be brought back: %s; resume tries again", why);
}

bool cf_bring_back(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    if (json_array_size(cf_moves_claims(p->run)) == 0 || !p->run->plan->reverse_data)
        return cf_out_done(out);
    if (!brings_back(p))
        return give_up(p, out, err);
    if (!cf_moves_note(p->run, "backPart")) {
        cf_moves_mark(p, true, CF_PART_STOP);
        note(p, "backPart", 0);
    }
    if (!note_still(p, err))
        return false;
    size_t part = (size_t)cf_moves_number(p->run, "backPart", 0);
    if (part >= CF_ARRAY_LEN(parts))
        return is_void(p) ? begin_again(p, out) : cf_out_done(out);
    return do_part(p, part, out, err) && hold_instead(out);
}
