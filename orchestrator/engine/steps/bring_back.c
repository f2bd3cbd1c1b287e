/* SPDX-License-Identifier: Apache-2.0 */
/* The way back with the data (bring_back.h).
 *
 * volume.sync's observation keeps: "ahead": the pass back while the target ran is over ("done", or why it
 * was left), "aheadStuckAt", "aheadLeft": why it is being left, "backAt": when the target's writers stopped, "forecastBack", "backPart": the
 * part of the last pass that is next. */
#include "orchestrator/engine/steps/bring_back.h"

#include <stdio.h>

enum {
    AHEAD_PASS = 1,
    LAST_PASS = 2, /* made again under the same number where somebody deletes its Backup */
    GIVEN_UP_LOOK_MS = 500,
    AHEAD_STUCK_MS = 2 * 60 * 1000, /* going back may be urgent: then it goes without it */
};

static bool backup(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_backup(v, n, CF_PASS_FROZEN, out, err);
}

static bool set_aside(const struct cf_volumes *v, int n, struct cf_moving *out,
                      struct cf_error *err)
{
    (void)n;
    return cf_volumes_set_aside(v, out, err);
}

static bool restore(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_restore(v, n, false, out, err);
}

/* The parts, in order. The source's claims go only when all of the target's data is in the source's
 * reach. */
static const struct {
    const char *what;
    bool (*call)(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err);
    enum cf_part clock;
} parts[] = {
    { "the last pass back", backup, CF_PART_PASS },
    { "its hand over", cf_volumes_hand_over, CF_PART_HAND_OVER },
    { "the source's claims are set aside", set_aside, CF_PART_RESTORE },
    { "the restore in the source", restore, CF_PART_RESTORE },
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

static bool do_part(struct cf_pass *p, size_t part, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    if (!cf_moves_open(p, true, &m, err))
        return false;
    bool ok = parts[part].call(&m.v, LAST_PASS, &moving, err);
    if (ok)
        cf_moves_report(&m, LAST_PASS);
    cf_moves_keep(&m);
    if (!ok)
        return cf_error_wrap(err, "%s", parts[part].what);
    (void)cf_moves_progress(&moving, parts[part].what, NULL, out);
    if (out->kind == CF_OUT_WAIT)
        out->wake_ms = CF_MIN(out->wake_ms, (int64_t)CF_MOVES_LOOK_MS);
    if (out->kind != CF_OUT_DONE)
        return true;
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
    size_t part = (size_t)cf_moves_number(p->run, "backPart", 0);
    if (part >= CF_ARRAY_LEN(parts))
        return cf_out_done(out);
    return do_part(p, part, out, err) && hold_instead(out);
}
