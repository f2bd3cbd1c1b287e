/* SPDX-License-Identifier: Apache-2.0 */
/* Passes of the volumes while the service runs (moves.h).
 *
 * volume.sync's observation keeps: "good": how many passes are, "done": the number of the last of them,
 * "begun": the highest number there was (one that failed is not tried again under its own), "under": the
 * number of the one under way (0: none), "doneAt": wall ms of the last, "reports": what each measured and proved, "underAt": wall ms of the begin of
 * the one under way, "loose": the last that was looked at in between, and so seldom, "lookAt": not before, "trouble": what went wrong last. */
#include "orchestrator/engine/moves.h"

#include <string.h>

#include "base/text.h"

enum {
    REPORTS_MAX = 20,        /* of passes; older ones are summed up by their number */
    TOLD_BY_CLAIM = 3,       /* the newest of them: the others keep their sums and times */
    TROUBLE_AGAIN_MS = 30000 /* after an error in the background */
};

static void note_number(struct cf_live *run, const char *key, int64_t n)
{
    if (cf_moves_number(run, key, 0) != n || !cf_moves_note(run, key))
        cf_moves_note_set_take(run, key, json_integer((json_int_t)n));
}

/* Evidence of a pass after which others were good is of no use any more, and as large as the claims are
 * many. */
static void forget_claims(json_t *reports)
{
    size_t i, n = json_array_size(reports);
    json_t *report;
    json_array_foreach(reports, i, report)
    {
        if (i + TOLD_BY_CLAIM >= n || !json_object_get(report, "claims"))
            continue;
        json_t *kept = json_copy(report);
        json_object_del(kept, "claims");
        json_object_del(kept, "verify");
        json_array_set_new(reports, i, kept);
    }
}

/* The pass's report into the list of its way: the newer one of a number replaces the older. */
static void keep_report(struct cf_live *run, const char *way, int n, json_t *report_take)
{
    cf_autojson json_t *report = report_take;
    const char *key = strcmp(way, "back") == 0 ? "reportsBack" : "reports";
    const json_t *before = cf_moves_note(run, key);
    if (!report)
        return;
    json_t *reports = before ? json_copy(cf_json_unconst(before)) : json_array();
    size_t last = json_array_size(reports);
    if (last > 0 && cf_json_int(json_array_get(reports, last - 1), 0, "pass", NULL) == n)
        json_array_set(reports, last - 1, report);
    else
        json_array_append(reports, report);
    if (json_array_size(reports) > REPORTS_MAX)
        json_array_remove(reports, 1); /* the first pass carried everything: it stays */
    forget_claims(reports);
    cf_moves_note_set_take(run, key, reports);
}

void cf_moves_report(struct cf_moves *m, int n)
{
    json_t *report = cf_volumes_pass_report(m->v.state, m->v.way, n);
    json_t *proof = cf_volumes_verify_report(m->v.state, m->v.way, n);
    if (report && proof)
        json_object_set(report, "verify", proof);
    if (report && strcmp(m->v.way, "there") == 0 && cf_moves_number(m->pass->run, "loose", 0) == n)
        json_object_set_new(report, "loose", json_true());
    json_decref(proof);
    keep_report(m->pass->run, m->v.way, n, report);
}

static bool end_pass(struct cf_moves *m, int n)
{
    struct cf_live *run = m->pass->run;
    cf_moves_report(m, n);
    note_number(run, "done", n);
    note_number(run, "good", cf_moves_number(run, "good", 0) + 1);
    note_number(run, "under", 0);
    note_number(run, "doneAt", m->pass->now_wall);
    return true;
}

bool cf_moves_live_pass(struct cf_pass *p, struct cf_step *s, bool begin, struct cf_outcome *out,
                        struct cf_error *err)
{
    int n = (int)cf_moves_number(p->run, "under", 0);
    if (n == 0 && !begin)
        return cf_out_done(out);
    if (n == 0) {
        n = (int)CF_MAX(cf_moves_number(p->run, "done", 0), cf_moves_number(p->run, "begun", 0)) +
            1;
        note_number(p->run, "under", n);
        note_number(p->run, "begun", n);
        note_number(p->run, "underAt", p->now_wall);
    }
    if (!s)
        note_number(p->run, "loose", n);
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    if (!cf_moves_open(p, false, &m, err))
        return false;
    bool ok = cf_volumes_backup(&m.v, n, CF_PASS_LIVE, &moving, err);
    cf_moves_keep(&m);
    if (!ok)
        return cf_error_wrap(err, "pass %d of the volumes", n);
    char what[32];
    (void)snprintf(what, sizeof what, "pass %d", n);
    if (moving.done)
        end_pass(&m, n);
    else if (moving.failed)
        note_number(p->run, "under", 0); /* the next try is another pass */
    (void)cf_moves_progress(&moving, what, s, out);
    if (out->kind == CF_OUT_WAIT &&
        p->now_wall - cf_moves_number(p->run, "underAt", 0) < CF_MOVES_CLOSE_MS)
        out->wake_ms = CF_MIN(out->wake_ms, (int64_t)CF_MOVES_LOOK_MS);
    return true;
}

/* ---- between the first passes and the freeze ---- */

/* Whether passes go on by themselves now. */
static bool is_due(const struct cf_pass *p)
{
    const struct cf_step *sync = cf_run_step(p->run, "volume.sync");
    const struct cf_step *current = cf_run_current(p->run);
    if (!sync || sync->state != CF_STEP_DONE || p->run->state != CF_RUN_ACTIVE ||
        cf_moves_writers(p->run) != CF_WRITERS_AT_SOURCE)
        return false;
    if (!current || strcmp(current->kind, "volume.sync") == 0)
        return false; /* it makes its own */
    if (p->now_wall < cf_moves_number(p->run, "lookAt", 0))
        return false;
    return cf_moves_number(p->run, "under", 0) > 0 ||
           p->now_wall - cf_moves_number(p->run, "doneAt", 0) >=
               p->run->plan->volumes.sync_every_ms;
}

static void say_trouble(struct cf_pass *p, const char *why)
{
    struct cf_step *sync = cf_run_step(p->run, "volume.sync");
    cf_moves_note_set_take(p->run, "trouble", *why ? json_string(why) : json_null());
    if (*why)
        cf_step_say(sync, "the last pass in between did not succeed: %.700s", why);
    note_number(p->run, "lookAt", p->now_wall + (*why ? TROUBLE_AGAIN_MS : 0));
}

void cf_moves_upkeep(struct cf_pass *p)
{
    struct cf_outcome out = { .kind = CF_OUT_DONE };
    struct cf_error err = CF_ERROR_INIT;
    if (!is_due(p))
        return;
    if (!cf_moves_live_pass(p, NULL, true, &out, &err)) {
        say_trouble(p, err.message);
        cf_error_clear(&err);
        return;
    }
    if (out.kind == CF_OUT_FAILED || out.kind == CF_OUT_HOLD)
        say_trouble(p, out.message);
    else if (out.kind == CF_OUT_DONE && !json_is_null(cf_moves_note(p->run, "trouble")) &&
             cf_moves_note(p->run, "trouble"))
        say_trouble(p, "");
}
