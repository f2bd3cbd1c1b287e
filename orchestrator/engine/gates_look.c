/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that look: one per cluster with metrics (gates.h). */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "orchestrator/engine/gates_internal.h"

enum {
    IDLE_MS = 1000,
    DEADLINE_MIN_MS =
        1000, /* a source that takes longer than a period makes its looks rarer, not blind */
    PATIENCE_MAX_MS = 5000, /* longest read of a slow source; beyond it is away */
};

/* One batch: the entries that are due, their runs referenced. */
struct batch {
    struct cf_watch_entry **entries;
    struct cf_stream *streams;
    size_t n;
    int64_t period_ms; /* the shortest among them */
};

bool cf_looker_ensure(struct cf_gates *g, const char *cluster, struct cf_error *err)
{
    for (int i = 0; i < g->n_lookers; i++)
        if (strcmp(g->lookers[i]->cluster, cluster) == 0)
            return true;
    if (g->n_lookers == CF_GATES_LOOKERS_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "metrics of more than %d clusters at once",
                            CF_GATES_LOOKERS_MAX);
    struct cf_looker *l = cf_xcalloc(1, sizeof *l);
    l->gates = g;
    (void)snprintf(l->cluster, sizeof l->cluster, "%s", cluster);
    if (!cf_thread_start(&l->thread, "gate", cf_looker_thread, l, err)) {
        free(l);
        return false;
    }
    g->lookers[g->n_lookers++] = l;
    return true;
}

/* ---- what is due ---- */

static size_t count_entries(const struct cf_looker *l)
{
    size_t n = 0;
    for (const struct cf_watched_run *w = l->gates->runs; w; w = w->next)
        n += w->n_entries;
    return n;
}

static void add_due(struct batch *b, struct cf_watch_entry *e, const char *preset, int64_t now)
{
    e->due_ms = CF_MAX(e->due_ms + e->look_ms, now + e->look_ms / 2);
    e->run->refs++;
    e->named.stream.preset = preset;
    b->entries[b->n] = e;
    b->streams[b->n] = e->named.stream;
    b->period_ms = CF_MIN(b->period_ms, e->look_ms);
    b->n++;
}

/* Waits for the next look; false when the gates stop. A look may come a little early, so that looks
 * of one period go together. */
static bool take_due(struct cf_looker *l, struct batch *b)
{
    struct cf_gates *g = l->gates;
    CF_LOCKED(&g->mutex);
    while (!g->stopping) {
        int64_t now = cf_mono_now_ms();
        int64_t next = now + IDLE_MS;
        size_t most = count_entries(l);
        *b = (struct batch){ .period_ms = INT64_MAX };
        b->entries = cf_xcalloc(most + 1, sizeof(struct cf_watch_entry *));
        b->streams = cf_xcalloc(most + 1, sizeof *b->streams);
        for (struct cf_watched_run *w = g->runs; w; w = w->next) {
            for (size_t i = 0; i < w->n_entries; i++) {
                struct cf_watch_entry *e = &w->entries[i];
                if (strcmp(e->cluster, l->cluster) != 0)
                    continue;
                if (e->due_ms <= now + e->look_ms / 10)
                    add_due(b, e, l->preset ? l->preset : "auto", now);
                else
                    next = CF_MIN(next, e->due_ms);
            }
        }
        if (b->n > 0)
            return true;
        free(b->entries);
        free(b->streams);
        (void)cf_cond_wait_until(&g->changed, &g->mutex, next);
    }
    return false;
}

/* ---- what a reading says ---- */

static void count_traffic(struct cf_watch_entry *e, const struct cf_reading *reading, int64_t now)
{
    struct cf_watched_run *w = e->run;
    struct cf_delta delta = { 0 };
    struct cf_error ignored =
        CF_ERROR_INIT; /* too many series: the share stays unknown, gates say it themselves */
    if (!reading || !reading->ok ||
        !cf_sampler_feed(e->sampler, reading, w->since_ms, &delta, &ignored))
        return;
    e->partial = reading->missing_places != 0;
    w->point_n[e->side] += delta.n;
    w->point_k[e->side] += delta.k;
    if (e->side == CF_SIDE_TARGET) {
        w->target_known = true;
        w->n_target += delta.n_since;
        if (delta.k > 0)
            w->last_bad_ms = cf_sampler_newest_ms(e->sampler);
        return;
    }
    w->source_known = w->source_known || reading->count > 0;
    w->n_source += delta.n_since;
    int64_t second = now / 1000;
    for (int64_t s = CF_MAX(w->recent_second + 1, second - CF_RATE_BUCKETS + 1); s <= second; s++)
        w->recent_source[s % CF_RATE_BUCKETS] = 0;
    w->recent_second = CF_MAX(w->recent_second, second);
    w->recent_source[second % CF_RATE_BUCKETS] += delta.n;
}

/* An alarm that is to be raised once the mutex is free. */
struct alarm {
    char run_id[CF_UUID_TEXT];
    char why[CF_JUDGEMENT_TEXT + CF_PLAN_NAME_MAX + 4];
    int64_t bad_ms, alarm_ms;
};

static bool judge_entry(struct cf_watch_entry *e, const struct cf_reading *reading,
                        const struct cf_error *why, int64_t now, struct alarm *out)
{
    struct cf_judgement j;
    cf_gate_look(e->gate, reading, why, now);
    cf_gate_judge(e->gate, now, &j);
    if (j.verdict != CF_VERDICT_BREACH || e->run->alarmed || e->run->dead ||
        !(e->run->plan->rollback_on & CF_PLAN_ROLLBACK_ON_GATE))
        return false;
    memcpy(out->run_id, e->run->id, sizeof out->run_id);
    (void)snprintf(out->why, sizeof out->why, "%s: %s", e->plan_gate->name, j.text);
    out->bad_ms = j.first_bad_ms;
    out->alarm_ms = now;
    return true;
}

/* Feeds every entry; alarms go out one by one, each as soon as it is found. */
static void feed(struct cf_looker *l, struct batch *b, const struct cf_reading *readings,
                 const struct cf_error *why)
{
    struct cf_gates *g = l->gates;
    for (size_t i = 0; i < b->n; i++) {
        struct cf_watch_entry *e = b->entries[i];
        struct alarm alarm;
        bool fires = false;
        int64_t now = cf_wall_ms(g->config.clock);
        const struct cf_reading *reading = readings ? &readings[i] : NULL;
        {
            CF_LOCKED(&g->mutex);
            if (e->gate)
                fires = judge_entry(e, reading, reading ? NULL : why, now, &alarm);
            else
                count_traffic(e, reading, now);
        }
        if (!fires)
            continue;
        /* A lane that has nothing prepared yet, or is blocked, is asked again at the next look. */
        bool taken =
            cf_lane_alarm(g->config.lane, alarm.run_id, alarm.why, alarm.bad_ms, alarm.alarm_ms);
        CF_LOCKED(&g->mutex);
        e->run->alarmed = e->run->alarmed || taken;
    }
}

static void give_back(struct cf_looker *l, struct batch *b)
{
    CF_LOCKED(&l->gates->mutex);
    for (size_t i = 0; i < b->n; i++)
        cf_watched_unref(b->entries[i]->run);
    free(b->entries);
    free(b->streams);
}

/* ---- the source ---- */

static bool have_source(struct cf_looker *l)
{
    struct cf_gates *g = l->gates;
    int64_t now = cf_mono_now_ms();
    if (l->source)
        return true;
    if (l->made_ms != 0 && now - l->made_ms < CF_GATES_SOURCE_AGAIN_MS)
        return false;
    cf_error_clear(&l->why);
    l->made_ms = now;
    return g->config.source(g->config.source_self, l->cluster, &l->source, &l->preset, &l->why);
}

static void drop_source(struct cf_looker *l)
{
    if (cf_mono_now_ms() - l->made_ms < CF_GATES_SOURCE_AGAIN_MS)
        return;
    cf_source_free(l->source);
    l->source = NULL;
    l->made_ms = 0;
}

/* One that was late gets more time, so that it is read seldom rather than never, and is not asked
 * again while it still works on the last answer (a gateway that collects its metrics for 80 ms was
 * seen to take seconds when asked five times a second regardless). Only its own thread waits for
 * it. */
static int64_t patience(const struct cf_looker *l, const struct batch *b)
{
    int64_t period = CF_MAX((int64_t)DEADLINE_MIN_MS, b->period_ms * 9 / 10);
    return CF_MAX(period, l->patience_ms);
}

static void learn_patience(struct cf_looker *l, bool ok, const struct cf_error *err,
                           int64_t took_ms, int64_t given_ms)
{
    if (ok)
        l->patience_ms = CF_MIN(3 * took_ms, (int64_t)PATIENCE_MAX_MS);
    else if (strcmp(err->reason, "Timeout") == 0)
        l->patience_ms = CF_MIN(2 * given_ms, (int64_t)PATIENCE_MAX_MS);
}

static void look(struct cf_looker *l, struct batch *b)
{
    struct cf_reading *readings = NULL;
    struct cf_error err = CF_ERROR_INIT;
    int64_t given = patience(l, b);
    int64_t began = cf_mono_now_ms();
    if (!have_source(l)) {
        feed(l, b, NULL, &l->why);
        return;
    }
    for (size_t i = 0; i < b->n; i++)
        b->streams[i].preset = l->preset;
    bool ok = cf_source_read(l->source, b->streams, b->n, began + given, &readings, &err);
    learn_patience(l, ok, &err, cf_mono_now_ms() - began, given);
    feed(l, b, readings, &err);
    if (ok)
        cf_readings_free(readings, b->n);
    else
        drop_source(l);
}

void *cf_looker_thread(void *arg)
{
    struct cf_looker *l = arg;
    struct batch b;
    while (take_due(l, &b)) {
        look(l, &b);
        give_back(l, &b);
    }
    return NULL;
}
