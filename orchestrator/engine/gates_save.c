/* SPDX-License-Identifier: Apache-2.0 */
/* What the gates leave in the store: checkpoints and series, by a thread of its own (gates.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "orchestrator/engine/gates_internal.h"
#include "store/gates.h"
#include "store/series.h"

void cf_gates_stream_name(const struct cf_watch_entry *e, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%s/%s", e->plan_gate->name, e->router);
}

json_t *cf_gates_remembered(struct cf_gates *g, const char *run_id)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *out = NULL;
    int64_t age = 0;
    if (!g->config.store || !cf_gates_load(g->config.store, run_id, &out, &age, &err))
        return json_object();
    /* A long absence is a gap in the looks: what was summed before it still holds, for the
     * guarantee is over looks. */
    return out;
}

/* ---- checkpoints ---- */

struct checkpoints {
    struct cf_gate_checkpoint *rows;
    char (*names)[CF_NAME_MAX];
    json_t *docs;
    size_t n;
};

static void collect(struct cf_gates *g, struct checkpoints *c)
{
    CF_LOCKED(&g->mutex);
    size_t most = 0;
    for (const struct cf_watched_run *w = g->runs; w; w = w->next)
        most += w->n_entries;
    c->rows = cf_xcalloc(most + 1, sizeof *c->rows);
    c->names = cf_xcalloc(most + 1, sizeof *c->names);
    c->docs = json_array();
    for (const struct cf_watched_run *w = g->runs; w; w = w->next) {
        for (size_t i = 0; i < w->n_entries; i++) {
            if (!w->entries[i].gate)
                continue;
            struct cf_gate_checkpoint *row = &c->rows[c->n];
            json_t *doc = cf_gate_checkpoint(w->entries[i].gate);
            json_array_append_new(c->docs, doc);
            cf_gates_stream_name(&w->entries[i], c->names[c->n], sizeof c->names[0]);
            memcpy(row->run_id, w->id, sizeof row->run_id);
            row->shard = w->fence.shard;
            row->epoch = w->fence.epoch;
            row->stream = c->names[c->n];
            row->doc = doc;
            c->n++;
        }
    }
}

static void save_checkpoints(struct cf_gates *g)
{
    struct checkpoints c = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    size_t written = 0;
    collect(g, &c);
    if (c.n > 0 && !cf_gates_save(g->config.store, g->config.owner, c.rows, c.n, &written, &err))
        cf_log_err(CF_LOG_WARN, "gates.checkpoint", "gate checkpoints were not saved", &err);
    free(c.rows);
    free(c.names);
    json_decref(c.docs);
}

/* ---- series ---- */

static const char *const stream_names[] = {
    [CF_SIDE_TARGET] = "target", [CF_SIDE_SOURCE] = "source"
};

static struct cf_series_point point_of(const struct cf_watched_run *w, enum cf_side side,
                                       int64_t now)
{
    struct cf_series_point p = {
        .shard = w->fence.shard,
        .epoch = w->fence.epoch,
        .stream = stream_names[side],
        .at_ms = now,
        .weight_desired = w->desired,
        .weight_applied = w->applied,
        .n = (int64_t)w->point_n[side],
        .k = (int64_t)w->point_k[side],
        .value = NAN,
    };
    if (p.n > 0)
        p.value = 1.0 - (double)p.k / (double)p.n;
    memcpy(p.run_id, w->id, sizeof p.run_id);
    return p;
}

/* Appends a point per side of each run to `points`; counts start anew. While the store is away the
 * oldest are dropped. */
static size_t add_points(struct cf_gates *g, struct cf_series_point *points, size_t n)
{
    int64_t now = cf_wall_ms(g->config.clock);
    CF_LOCKED(&g->mutex);
    for (struct cf_watched_run *w = g->runs; w; w = w->next) {
        if (n + 2 > CF_GATES_POINTS_MAX) {
            n = CF_GATES_POINTS_MAX / 2;
            memmove(points, points + n, n * sizeof *points);
        }
        points[n++] = point_of(w, CF_SIDE_TARGET, now);
        points[n++] = point_of(w, CF_SIDE_SOURCE, now);
        memset(w->point_n, 0, sizeof w->point_n);
        memset(w->point_k, 0, sizeof w->point_k);
    }
    return n;
}

/* ---- the thread ---- */

static bool wait_for_second(struct cf_gates *g)
{
    int64_t until = cf_mono_now_ms() + CF_GATES_SERIES_MS;
    CF_LOCKED(&g->mutex);
    while (!g->stopping && cf_cond_wait_until(&g->changed, &g->mutex, until))
        continue;
    return !g->stopping;
}

void *cf_gates_saver(void *arg)
{
    struct cf_gates *g = arg;
    struct cf_series_point *points = cf_xcalloc(CF_GATES_POINTS_MAX, sizeof *points);
    int64_t saved = cf_mono_now_ms();
    size_t n = 0;
    bool go_on = true;
    while (go_on) {
        struct cf_error err = CF_ERROR_INIT;
        size_t written;
        go_on = wait_for_second(g);
        n = add_points(g, points, n);
        if (n > 0 && cf_series_append(g->config.store, g->config.owner, points, n, &written, &err))
            n = 0;
        if (go_on && cf_mono_now_ms() - saved < CF_GATES_SAVE_MS)
            continue;
        save_checkpoints(g);
        saved = cf_mono_now_ms();
    }
    free(points);
    return NULL;
}
