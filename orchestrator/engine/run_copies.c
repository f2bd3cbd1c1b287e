/* SPDX-License-Identifier: Apache-2.0 */
/* What a run in memory knows of its copies, and how fast a step counts (run.h). */
#include <string.h>

#include "orchestrator/engine/run.h"

/* ---- copies ---- */

void cf_run_copies_read_take(struct cf_live *run, json_t *copies)
{
    json_decref(run->copies);
    json_decref(run->recorded_copies);
    run->copies = copies;
    run->recorded_copies = json_incref(copies);
}

void cf_run_copies_set_take(struct cf_live *run, json_t *copies)
{
    if (run->copies && cf_json_equal(run->copies, copies)) {
        json_decref(copies);
        return;
    }
    json_decref(run->copies);
    run->copies = copies;
    run->changed = true;
}

static const char *key_of(const json_t *entry)
{
    return cf_json_str(entry, "", "key", NULL);
}

static json_t *index_of(const json_t *entries)
{
    json_t *index = json_object();
    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        json_object_set(index, key_of(entry), entry);
    }
    return index;
}

json_t *cf_run_copies_changes(const struct cf_live *run)
{
    if (run->copies == run->recorded_copies)
        return NULL;
    json_t *changes = json_array();
    cf_autojson json_t *gone = index_of(run->recorded_copies);
    size_t i;
    json_t *entry;
    json_array_foreach(run->copies, i, entry)
    {
        const json_t *before = json_object_get(gone, key_of(entry));
        if (!before || !cf_json_equal(before, entry))
            json_array_append_new(changes,
                                  json_pack("{s:s,s:O}", "key", key_of(entry), "entry", entry));
        json_object_del(gone, key_of(entry));
    }
    const char *key;
    json_object_foreach(gone, key, entry)
    {
        json_array_append_new(changes, json_pack("{s:s}", "key", key));
    }
    return changes;
}

void cf_run_copies_recorded(struct cf_live *run)
{
    json_decref(run->recorded_copies);
    run->recorded_copies = json_incref(run->copies);
}

/* ---- pace ---- */

enum {
    PACE_MIN_MS = 1000,   /* less says nothing */
    PACE_SPAN_MS = 10000, /* what is shown is of about this long */
};

void cf_step_pace(struct cf_step *step, int64_t now_wall)
{
    struct cf_pace *p = &step->pace;
    int64_t ms = now_wall - p->since_ms;
    int n = abs(step->done - p->from);
    if (p->since_ms == 0 || ms < 0) {
        p->since_ms = p->at_ms = now_wall;
        p->from = step->done;
        p->per_s = 0;
        step->changed = true;
        return;
    }
    p->at_ms = now_wall;
    if (ms < PACE_MIN_MS || n == 0)
        return;
    p->per_s = (double)n * 1000.0 / (double)ms;
    if (ms >= PACE_SPAN_MS) { /* the newer half goes on counting */
        p->since_ms = now_wall - ms / 2;
        p->from += (step->done - p->from) / 2;
    }
    step->changed = true;
}

void cf_step_pace_lost(struct cf_step *step)
{
    if (step->pace.since_ms == 0)
        return;
    step->pace = (struct cf_pace){ .pause_ms = step->pace.pause_ms };
    step->changed = true;
}

void cf_step_pace_paused(struct cf_step *step, int64_t own_ms, int64_t now_wall)
{
    struct cf_pace *p = &step->pace;
    int64_t whole = p->since_ms ? now_wall - p->at_ms : own_ms;
    p->pause_ms = CF_MAX(whole, own_ms);
    if (p->since_ms)
        p->since_ms += CF_MAX(whole, 0);
}

void cf_step_pace_pauses(struct cf_step *step, int still_to_come)
{
    step->pace.pauses = still_to_come;
}

static json_t *tenths(double value)
{
    return json_real((double)(int64_t)(value * 10.0 + 0.5) / 10.0);
}

json_t *cf_step_progress_json(const struct cf_step *step)
{
    const struct cf_pace *p = &step->pace;
    bool undoes = step->state == CF_STEP_UNDOING;
    int left = undoes ? step->done : step->total - step->done;
    bool known = p->per_s > 0 && left > 0;
    double pauses_s = undoes ? 0 : (double)p->pauses * (double)p->pause_ms / 1000.0;
    return json_pack("{s:i,s:i,s:o,s:o,s:I,s:i,s:I,s:I,s:i}", "done", step->done, "total",
                     step->total, "perSecond", known ? tenths(p->per_s) : json_null(), "etaSeconds",
                     known ? tenths((double)left / p->per_s + pauses_s) : json_null(), "since",
                     (json_int_t)p->since_ms, "from", p->from, "at", (json_int_t)p->at_ms,
                     "pauseMs", (json_int_t)p->pause_ms, "pauses", p->pauses);
}

void cf_step_progress_read(struct cf_step *step, const json_t *progress)
{
    step->done = (int)cf_json_int(progress, 0, "done", NULL);
    step->total = (int)cf_json_int(progress, 0, "total", NULL);
    step->pace.since_ms = cf_json_int(progress, 0, "since", NULL);
    step->pace.from = (int)cf_json_int(progress, 0, "from", NULL);
    step->pace.at_ms = cf_json_int(progress, 0, "at", NULL);
    step->pace.pause_ms = cf_json_int(progress, 0, "pauseMs", NULL);
    step->pace.pauses = (int)cf_json_int(progress, 0, "pauses", NULL);
    const json_t *rate = cf_json_at(progress, "perSecond", NULL);
    step->pace.per_s = json_is_number(rate) ? json_number_value(rate) : 0;
}
