/* SPDX-License-Identifier: Apache-2.0 */
/* Runs under watch, and what their gates say now (gates.h). */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "lb/router.h"
#include "orchestrator/engine/gates_internal.h"

/* ---- watched runs ---- */

struct cf_watched_run *cf_watched_find(struct cf_gates *g, const char *run_id)
{
    for (struct cf_watched_run *r = g->runs; r; r = r->next)
        if (strcmp(r->id, run_id) == 0)
            return r;
    return NULL;
}

void cf_watched_unref(struct cf_watched_run *run)
{
    if (--run->refs > 0)
        return;
    for (size_t i = 0; i < run->n_entries; i++) {
        cf_gate_free(run->entries[i].gate);
        cf_sampler_free(run->entries[i].sampler);
    }
    free(run->entries);
    cf_plan_free(run->plan);
    free(run);
}

static void drop_locked(struct cf_gates *g, const char *run_id)
{
    for (struct cf_watched_run **at = &g->runs; *at; at = &(*at)->next) {
        struct cf_watched_run *r = *at;
        if (strcmp(r->id, run_id) != 0)
            continue;
        *at = r->next;
        r->dead = true;
        cf_watched_unref(r);
        return;
    }
}

/* ---- building the streams of a run ---- */

/* The array has its full size from the start: a stream's texts live in its entry, which must not
 * move. */
static struct cf_watch_entry *add_entry(struct cf_watched_run *w)
{
    struct cf_watch_entry *e = &w->entries[w->n_entries++];
    e->run = w;
    return e;
}

/* A destination without a port: the one that the reach step found for it, or still none. */
static void put_port(struct cf_destination *d, const json_t *row, const char *key)
{
    if (!d->port[0])
        (void)snprintf(d->port, sizeof d->port, "%s", cf_json_str(row, "", key, NULL));
}

/* The two destinations of a router as the reach step recorded them. */
static bool destinations(const struct cf_live *run, const struct cf_run_router *r,
                         struct cf_destination *source, struct cf_destination *target)
{
    const struct cf_step *reach = cf_run_step(run, "reach");
    size_t i;
    json_t *row;
    if (!r->baseline)
        return false;
    enum cf_router_type type = cf_baseline_type(r->baseline);
    json_array_foreach(cf_json_at(reach ? reach->intent : NULL, "routers", NULL), i, row)
    {
        if (strcmp(cf_json_str(row, "", "name", NULL), r->name) != 0)
            continue;
        if (!cf_destination_read(type, cf_baseline_ns(r->baseline), json_object_get(row, "source"),
                                 source) ||
            !cf_destination_read(type, cf_baseline_ns(r->baseline), json_object_get(row, "target"),
                                 target))
            return false;
        put_port(source, row, "sourcePort");
        put_port(target, row, "targetPort");
        return true;
    }
    return false;
}

static const struct cf_plan_router *plan_router(const struct cf_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->traffic.n_routers; i++)
        if (strcmp(plan->traffic.routers[i].name, name) == 0)
            return &plan->traffic.routers[i];
    return NULL;
}

static void add_gate(struct cf_gates *g, struct cf_watched_run *w, const struct cf_plan_gate *gate,
                     const struct cf_plan_router *router, const struct cf_destination *target,
                     const struct cf_destination *source)
{
    struct cf_watch_entry *e = add_entry(w);
    struct cf_gate_config config = cf_gate_config_of(gate);
    cf_stream_of(gate, router, CF_SIDE_TARGET, target, source, "auto", &e->named);
    (void)snprintf(e->cluster, sizeof e->cluster, "%s", cf_stream_cluster(gate, router));
    e->look_ms = CF_MAX(gate->interval_ms, g->config.look_ms_min);
    config.look_ms = e->look_ms;
    e->gate = cf_gate_new(&config);
    e->plan_gate = gate;
    e->router = router->name;
    e->side = CF_SIDE_TARGET;
}

static void add_traffic(struct cf_gates *g, struct cf_watched_run *w,
                        const struct cf_plan_router *router, enum cf_side side,
                        const struct cf_destination *target, const struct cf_destination *source)
{
    struct cf_watch_entry *e = add_entry(w);
    cf_stream_of(NULL, router, side, side == CF_SIDE_TARGET ? target : source, source, "auto",
                 &e->named);
    (void)snprintf(e->cluster, sizeof e->cluster, "%s", router->cluster);
    e->look_ms = CF_MAX(1000, g->config.look_ms_min);
    e->sampler = cf_sampler_new();
    e->router = router->name;
    e->side = side;
}

static struct cf_watched_run *build(struct cf_gates *g, const struct cf_fence *fence,
                                    const struct cf_live *run, struct cf_error *err)
{
    struct cf_plan *plan = cf_plan_from_effective(run->plan->effective, err);
    if (!plan)
        return NULL;
    struct cf_watched_run *w = cf_xcalloc(1, sizeof *w);
    w->plan = plan;
    w->fence = *fence;
    w->refs = 1;
    memcpy(w->id, run->id, sizeof w->id);
    size_t most = run->n_routers * (plan->n_gates + 2) + 1;
    w->entries = cf_xcalloc(most, sizeof *w->entries);
    for (size_t i = 0; i < run->n_routers; i++) {
        const struct cf_plan_router *router = plan_router(plan, run->routers[i].name);
        struct cf_destination source, target;
        if (!router || !destinations(run, &run->routers[i], &source, &target))
            continue;
        add_traffic(g, w, router, CF_SIDE_SOURCE, &target, &source);
        add_traffic(g, w, router, CF_SIDE_TARGET, &target, &source);
        for (size_t k = 0; k < plan->n_gates; k++)
            if (plan->gates[k].type != CF_PLAN_GATE_PROMQL || i == 0)
                add_gate(g, w, &plan->gates[k], router, &target, &source);
    }
    return w;
}

static void restore_checkpoints(struct cf_watched_run *w, const json_t *remembered)
{
    for (size_t i = 0; i < w->n_entries; i++) {
        char name[CF_NAME_MAX];
        struct cf_error fresh = CF_ERROR_INIT; /* of another configuration: the gate starts fresh */
        if (!w->entries[i].gate)
            continue;
        cf_gates_stream_name(&w->entries[i], name, sizeof name);
        const json_t *doc = json_object_get(remembered, name);
        if (doc)
            (void)!cf_gate_restore(w->entries[i].gate, doc, &fresh);
    }
}

static void weight_changed(struct cf_watched_run *w, int64_t since_ms)
{
    w->since_ms = since_ms;
    w->n_source = w->n_target = 0;
    for (size_t i = 0; i < w->n_entries; i++)
        if (w->entries[i].gate)
            cf_gate_weight_changed(w->entries[i].gate, since_ms);
}

/* ---- the port ---- */

static bool watch(void *self, const struct cf_fence *fence, const struct cf_live *run,
                  int64_t since_ms, struct cf_error *err)
{
    struct cf_gates *g = self;
    struct cf_watched_run *fresh = NULL;
    bool known;
    {
        CF_LOCKED(&g->mutex);
        known = cf_watched_find(g, run->id) != NULL;
    }
    if (!known) {
        cf_autojson json_t *remembered = cf_gates_remembered(g, run->id);
        fresh = build(g, fence, run, err);
        if (!fresh)
            return cf_error_wrap(err, "gates of run %s", run->name);
        weight_changed(fresh, since_ms);
        restore_checkpoints(fresh, remembered);
    }
    CF_LOCKED(&g->mutex);
    struct cf_watched_run *w = cf_watched_find(g, run->id);
    if (!w && fresh) {
        w = cf_steal(&fresh);
        w->next = g->runs;
        g->runs = w;
    }
    if (fresh)
        cf_watched_unref(fresh);
    w->fence = *fence;
    w->desired = run->desired;
    w->applied = run->applied;
    if (since_ms > w->since_ms)
        weight_changed(w, since_ms);
    for (size_t i = 0; i < w->n_entries; i++)
        if (!cf_looker_ensure(g, w->entries[i].cluster, err))
            return false;
    pthread_cond_broadcast(&g->changed);
    return true;
}

static const int severity[] = { [CF_VERDICT_PASS] = 0,
                                [CF_VERDICT_UNDECIDED] = 1,
                                [CF_VERDICT_NO_DATA] = 2,
                                [CF_VERDICT_BREACH] = 3 };

static struct cf_gate_now *row_of(struct cf_gates_view *out, const struct cf_plan_gate *gate)
{
    for (size_t i = 0; i < out->n_gates; i++)
        if (strcmp(out->gates[i].name, gate->name) == 0)
            return &out->gates[i];
    if (out->n_gates == CF_ARRAY_LEN(out->gates))
        return NULL;
    struct cf_gate_now *row = &out->gates[out->n_gates++];
    (void)snprintf(row->name, sizeof row->name, "%s", gate->name);
    row->min = gate->min;
    row->j.verdict = CF_VERDICT_PASS;
    row->j.text[0] = '\0';
    return row;
}

/* Of a gate's routers the worst one speaks. */
static void add_judgement(const struct cf_watch_entry *e, int64_t now, struct cf_gates_view *out)
{
    struct cf_judgement j;
    struct cf_gate_now *row = row_of(out, e->plan_gate);
    if (!row)
        return;
    cf_gate_judge(e->gate, now, &j);
    if (row->j.text[0] == '\0' || severity[j.verdict] > severity[row->j.verdict])
        row->j = j;
}

static double recent_rps(const struct cf_watched_run *w, int64_t now_wall)
{
    uint64_t sum = 0;
    if (now_wall / 1000 - w->recent_second >= CF_RATE_BUCKETS)
        return 0;
    for (int i = 0; i < CF_RATE_BUCKETS; i++)
        sum += w->recent_source[i];
    return (double)sum / CF_RATE_BUCKETS;
}

/* Whether no gateway is missing: what it sent is not known, which is not the same as nothing. */
static bool sees_all(const struct cf_watched_run *w, enum cf_side side)
{
    for (size_t i = 0; i < w->n_entries; i++)
        if (w->entries[i].side == side && w->entries[i].partial)
            return false;
    return true;
}

static bool is_fresh(const struct cf_watched_run *w, const char *router, enum cf_side side,
                     int64_t now)
{
    for (size_t i = 0; i < w->n_entries; i++) {
        const struct cf_watch_entry *e = &w->entries[i];
        if (e->sampler && e->side == side && strcmp(e->router, router) == 0)
            return !cf_sampler_is_stale(e->sampler, now);
    }
    return false;
}

/* Every router's series of the source were seen, and the router is still measured: a gateway drops
 * the series of a backend that nothing names any more, so fresh ones of the target will do. */
static bool source_is_measured(const struct cf_watched_run *w, int64_t now)
{
    for (size_t i = 0; i < w->n_entries; i++) {
        const struct cf_watch_entry *e = &w->entries[i];
        if (!e->sampler || e->side != CF_SIDE_SOURCE)
            continue;
        if (cf_sampler_newest_ms(e->sampler) == 0 ||
            (!is_fresh(w, e->router, CF_SIDE_SOURCE, now) &&
             !is_fresh(w, e->router, CF_SIDE_TARGET, now)))
            return false;
    }
    return true;
}

static void judge(void *self, const char *run_id, struct cf_gates_view *out)
{
    struct cf_gates *g = self;
    int64_t now = cf_wall_ms(g->config.clock);
    memset(out, 0, sizeof *out);
    out->worst = CF_VERDICT_PASS;
    out->which = "";
    out->observed = -1;
    CF_LOCKED(&g->mutex);
    struct cf_watched_run *w = cf_watched_find(g, run_id);
    if (!w)
        return;
    for (size_t i = 0; i < w->n_entries; i++)
        if (w->entries[i].gate)
            add_judgement(&w->entries[i], now, out);
    for (size_t i = 0; i < out->n_gates; i++) {
        if (out->which[0] && severity[out->gates[i].j.verdict] <= severity[out->worst])
            continue;
        out->worst = out->gates[i].j.verdict;
        out->which = out->gates[i].name;
    }
    out->last_bad_ms = w->last_bad_ms;
    bool seen = w->source_known && sees_all(w, CF_SIDE_SOURCE);
    out->source_known = seen && source_is_measured(w, now);
    out->source_rps = recent_rps(w, now);
    uint64_t all = w->n_source + w->n_target;
    if (seen && w->target_known && sees_all(w, CF_SIDE_TARGET) && all > 0)
        out->observed = (int)((100 * w->n_target + all / 2) / all);
}

static void reset(void *self, const char *run_id)
{
    struct cf_gates *g = self;
    int64_t now = cf_wall_ms(g->config.clock);
    CF_LOCKED(&g->mutex);
    struct cf_watched_run *w = cf_watched_find(g, run_id);
    if (!w)
        return;
    w->alarmed = false;
    for (size_t i = 0; i < w->n_entries; i++)
        if (w->entries[i].gate)
            cf_gate_reset(w->entries[i].gate, now);
}

static void forget(void *self, const char *run_id)
{
    struct cf_gates *g = self;
    CF_LOCKED(&g->mutex);
    drop_locked(g, run_id);
}

struct cf_gates_ops cf_gates_port(struct cf_gates *g)
{
    return (struct cf_gates_ops){
        .watch = watch, .judge = judge, .reset = reset, .forget = forget, .self = g
    };
}

/* ---- life ---- */

struct cf_gates *cf_gates_start(const struct cf_gates_config *config, struct cf_error *err)
{
    struct cf_gates *g = cf_xcalloc(1, sizeof *g);
    g->config = *config;
    if (g->config.look_ms_min <= 0)
        g->config.look_ms_min = 200;
    pthread_mutex_init(&g->mutex, NULL);
    cf_cond_init(&g->changed);
    if (!config->store)
        return g;
    if (!cf_thread_start(&g->saver, "gate-saver", cf_gates_saver, g, err)) {
        cf_gates_stop(g);
        return NULL;
    }
    g->saver_runs = true;
    return g;
}

void cf_gates_stop(struct cf_gates *g)
{
    if (!g)
        return;
    {
        CF_LOCKED(&g->mutex);
        g->stopping = true;
        pthread_cond_broadcast(&g->changed);
    }
    for (int i = 0; i < g->n_lookers; i++) {
        pthread_join(g->lookers[i]->thread, NULL);
        cf_source_free(g->lookers[i]->source);
        free(g->lookers[i]);
    }
    if (g->saver_runs)
        pthread_join(g->saver, NULL);
    while (g->runs)
        drop_locked(g, g->runs->id);
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->mutex);
    free(g);
}
