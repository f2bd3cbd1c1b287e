/* SPDX-License-Identifier: Apache-2.0 */
/* The world of the engine's tests: two API servers in memory with an application, a journal in
 * memory, a lane and gates that do at once what they are told, bridges without a thread, and a
 * clock that only the test moves.
 *
 * Every call of a port counts. At a chosen one the process "dies": before the call's effect or
 * after it, and from then on no call has any effect until the world is revived, with a new epoch,
 * as a restarted replica would have. */
#ifndef TESTS_UNIT_ENGINE_WORLD_H
#define TESTS_UNIT_ENGINE_WORLD_H

#include <stdio.h>

#include "lb/bridge.h"
#include "orchestrator/engine/compile.h"
#include "orchestrator/engine/message.h"
#include "orchestrator/engine/reconcile.h"
#include "orchestrator/preflight/checks.h"
#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

#define RUN_ID      "0192f000-0000-7000-8000-000000000001"
#define INCARNATION "0192f000-0000-7000-8000-00000000aaaa"
#define RESTORED    "0192f000-0000-7000-8000-00000000cccc"

struct world {
    struct cf_fake_kube *dc1, *dc2;
    struct cf_plan *plan;
    /* the journal */
    json_t *row; /* {state, hold, message, memo, desired, applied, steps: [...], routers: [...]} */
    json_t *copies; /* what was done to the target; NULL: nothing yet */
    json_t *events, *actions, *answers, *images;
    int64_t rev;
    bool frozen, store_down;
    bool restored; /* the database is another one than that which wrote on the routers */
    /* the lane */
    json_t *documents; /* [{cluster, document}] */
    struct cf_lane_view lane;
    bool lane_blocked, lane_stuck;
    int fired;
    /* gates */
    enum cf_verdict verdict;
    int gate_watches, gate_resets;
    int observed; /* the target's share; 0: not measured */
    bool source_known;
    double source_rps;
    /* bridges */
    bool bridge_made;
    struct cf_bridge bridge;
    int bridge_weight;
    bool probe_fails;
    /* time and death */
    int64_t now;
    int calls, die_at;
    bool die_after, dead;
    void (*beside)(struct world *w); /* what others do beside each call */
    struct cf_fence fence;
    struct cf_ports ports;
    struct cf_preflight_world preflight;
    struct cf_clock clock;
};

/* ---- death ---- */

/* Counts a call; false when it has no effect because the process is dead. `*out_lost`: it has its
 * effect, but nobody hears of it. */
static inline bool live_call(struct world *w, bool *out_lost)
{
    *out_lost = false;
    w->calls++;
    if (w->beside)
        w->beside(w);
    if (w->dead)
        return false;
    if (w->die_at == 0 || w->calls != w->die_at)
        return true;
    w->dead = true;
    *out_lost = w->die_after;
    return w->die_after;
}

static inline bool gone(struct cf_error *err)
{
    return cf_error_set(err, CF_ERR_UNAVAILABLE, "the process is dead");
}

/* Before each call to an API server: a dead process' call is never sent, or its answer is lost. */
static inline void api_hook(struct world *w, struct cf_fake_kube *f)
{
    bool lost;
    bool live = live_call(w, &lost);
    if (live && !lost)
        return;
    struct cf_fake_fault fault = { .times = 1, .kind = CF_ERR_UNAVAILABLE, .after = lost };
    cf_fake_kube_fail(f, &fault);
}

static void hook_dc1(void *arg, const struct cf_kube_request *request)
{
    (void)request;
    api_hook(arg, ((struct world *)arg)->dc1);
}

static void hook_dc2(void *arg, const struct cf_kube_request *request)
{
    (void)request;
    api_hook(arg, ((struct world *)arg)->dc2);
}

/* ---- the journal ---- */

static inline char *keep(struct cf_live *run, const json_t *j, const char *key)
{
    return cf_arena_strdup(run->arena, cf_json_str(j, "", key, NULL));
}

static inline void text_in(const json_t *j, const char *key, char *out, size_t size)
{
    snprintf(out, size, "%s", cf_json_str(j, "", key, NULL));
}

static inline json_t *tree_in(const json_t *j, const char *key)
{
    json_t *value = json_object_get(j, key);
    return value && !json_is_null(value) ? cf_json_copy(value) : NULL;
}

static inline void load_steps(struct cf_live *run, const json_t *rows)
{
    run->n_steps = json_array_size(rows);
    run->steps = cf_arena_alloc(run->arena, run->n_steps * sizeof *run->steps);
    for (size_t i = 0; i < run->n_steps; i++) {
        const json_t *row = json_array_get(rows, i);
        struct cf_step *s = &run->steps[i];
        s->no = (int)i;
        s->kind = keep(run, row, "kind");
        s->name = keep(run, row, "name");
        s->params = tree_in(row, "params");
        assert_true(cf_step_state_parse(cf_json_str(row, "planned", "state", NULL), &s->state));
        s->attempt = (int)cf_json_int(row, 0, "attempt", NULL);
        s->intent = tree_in(row, "intent");
        s->observation = tree_in(row, "observation");
        text_in(row, "message", s->message, sizeof s->message);
        s->started_ms = cf_json_int(row, 0, "started", NULL);
        s->finished_ms = cf_json_int(row, 0, "finished", NULL);
    }
}

static inline void load_routers(struct cf_live *run, const json_t *rows)
{
    run->n_routers = json_array_size(rows);
    run->routers = cf_arena_alloc(run->arena, run->n_routers * sizeof *run->routers);
    for (size_t i = 0; i < run->n_routers; i++) {
        const json_t *row = json_array_get(rows, i);
        struct cf_run_router *r = &run->routers[i];
        r->idx = (int)i;
        r->name = keep(run, row, "name");
        r->cluster = keep(run, row, "cluster");
        r->baseline = tree_in(row, "baseline");
        r->restore = tree_in(row, "restore");
        text_in(row, "arm", r->arm, sizeof r->arm);
        text_in(row, "seq", r->seq, sizeof r->seq);
        r->epoch = cf_json_int(row, 0, "epoch", NULL);
        r->weight = (int)cf_json_int(row, 0, "weight", NULL);
        r->adopted = cf_json_bool(row, false, "adopted", NULL);
    }
}

static inline void load_actions(struct cf_live *run, const json_t *rows)
{
    run->n_actions = json_array_size(rows);
    run->actions = cf_arena_alloc(run->arena, run->n_actions * sizeof *run->actions + 1);
    for (size_t i = 0; i < run->n_actions; i++) {
        const json_t *row = json_array_get(rows, i);
        run->actions[i] = (struct cf_run_action){ .id = cf_json_int(row, 0, "id", NULL),
                                                  .action = keep(run, row, "action"),
                                                  .reason = keep(run, row, "reason"),
                                                  .principal = "ann",
                                                  .expect = tree_in(row, "expect") };
    }
}

static bool journal_load(void *self, const char *run_id, struct cf_live **out, struct cf_error *err)
{
    struct world *w = self;
    bool lost;
    if (w->store_down)
        return cf_error_set(err, CF_ERR_UNAVAILABLE, "no database");
    if (!live_call(w, &lost) || lost)
        return gone(err);
    struct cf_live *run = cf_xcalloc(1, sizeof *run);
    run->arena = cf_arena_new(0);
    snprintf(run->id, sizeof run->id, "%s", run_id);
    snprintf(run->incarnation, sizeof run->incarnation, "%s", w->restored ? RESTORED : INCARNATION);
    run->name = "web/1";
    run->plan_name = "web";
    run->rev = w->rev;
    run->plan = cf_plan_from_effective(w->plan->effective, err);
    assert_non_null(run->plan);
    assert_true(cf_run_state_parse(cf_json_str(w->row, "active", "state", NULL), &run->state));
    const json_t *hold = cf_json_at(w->row, "hold", NULL);
    assert_true(cf_hold_parse(cf_json_str(hold, "", "reason", NULL), &run->hold.reason));
    text_in(hold, "message", run->hold.message, sizeof run->hold.message);
    run->desired = (int)cf_json_int(w->row, -1, "desired", NULL);
    run->applied = (int)cf_json_int(w->row, -1, "applied", NULL);
    run->observed = (int)cf_json_int(w->row, -1, "observed", NULL);
    run->created_ms = 1000000;
    run->memo = cf_json_copy(cf_json_at(w->row, "memo", NULL));
    load_steps(run, cf_json_at(w->row, "steps", NULL));
    load_routers(run, cf_json_at(w->row, "routers", NULL));
    load_actions(run, w->actions);
    *out = run;
    return true;
}

static inline json_t *or_null(const json_t *j)
{
    return j ? cf_json_copy(j) : json_null();
}

/* What is not said to have changed stays as it was stored. */
static inline json_t *step_row(const struct cf_step *s, const json_t *stored)
{
    const json_t *intent = s->intent, *observation = s->observation;
    if (stored && !s->intent_changed)
        intent = json_object_get(stored, "intent");
    if (stored && !s->observation_changed)
        observation = json_object_get(stored, "observation");
    return json_pack("{s:s,s:s,s:o,s:s,s:i,s:o,s:o,s:s,s:I,s:I}", "kind", s->kind, "name", s->name,
                     "params", or_null(s->params), "state", cf_step_state_name(s->state), "attempt",
                     s->attempt, "intent", or_null(intent), "observation", or_null(observation),
                     "message", s->message, "started", (json_int_t)s->started_ms, "finished",
                     (json_int_t)s->finished_ms);
}

static inline json_t *router_row(const struct cf_run_router *r)
{
    return json_pack("{s:s,s:s,s:o,s:o,s:s,s:s,s:I,s:i,s:b}", "name", r->name, "cluster",
                     r->cluster, "baseline", or_null(r->baseline), "restore", or_null(r->restore),
                     "arm", r->arm, "seq", r->seq, "epoch", (json_int_t)r->epoch, "weight",
                     r->weight, "adopted", r->adopted);
}

static inline void answer_actions(struct world *w, struct cf_live *run)
{
    for (size_t i = 0; i < run->n_actions; i++) {
        struct cf_run_action *a = &run->actions[i];
        char id[24];
        if (!a->answered)
            continue;
        snprintf(id, sizeof id, "%lld", (long long)a->id);
        json_object_set_new(w->answers, id,
                            json_sprintf("%s: %s", a->refused ? "refused" : "done", a->answer));
        for (size_t k = 0; k < json_array_size(w->actions); k++)
            if (cf_json_int(json_array_get(w->actions, k), 0, "id", NULL) == a->id)
                json_array_remove(w->actions, k);
        json_decref(a->expect);
    }
    run->n_actions = 0;
    for (size_t i = 0; i < run->n_steps; i++)
        cf_step_recorded(&run->steps[i]);
    for (size_t i = 0; i < run->n_routers; i++)
        run->routers[i].changed = false;
    run->changed = false;
}

static bool journal_record(void *self, const struct cf_fence *fence, struct cf_live *run,
                           const json_t *events, int64_t wake_ms, enum cf_record *out,
                           struct cf_error *err)
{
    struct world *w = self;
    bool lost;
    (void)wake_ms;
    assert_true(json_array_size(events) > 0);
    if (w->store_down || !live_call(w, &lost))
        return gone(err);
    *out = fence->epoch != w->fence.epoch ? CF_RECORD_FENCED
           : run->rev != w->rev           ? CF_RECORD_STALE
                                          : CF_RECORDED;
    if (*out == CF_RECORDED) {
        json_t *steps = json_array(), *routers = json_array();
        for (size_t i = 0; i < run->n_steps; i++)
            json_array_append_new(
                steps,
                step_row(&run->steps[i], json_array_get(json_object_get(w->row, "steps"), i)));
        for (size_t i = 0; i < run->n_routers; i++)
            json_array_append_new(routers, router_row(&run->routers[i]));
        char message[CF_RUN_MESSAGE_MAX];
        cf_run_message(run, message);
        json_decref(w->row);
        w->row = json_pack(
            "{s:s,s:{s:s,s:s},s:i,s:i,s:i,s:s,s:o,s:o,s:o}", "state", cf_run_state_name(run->state),
            "hold", "reason", cf_hold_name(run->hold.reason), "message", run->hold.message,
            "desired", run->desired, "applied", run->applied, "observed", run->observed, "message",
            message, "memo", cf_json_copy(run->memo), "steps", steps, "routers", routers);
        assert_non_null(w->row); /* texts that are no UTF-8 make no JSON */
        for (size_t i = 0; i < json_array_size(events); i++)
            json_array_append_new(w->events, cf_json_copy(json_array_get(events, i)));
        if (run->copies) {
            json_decref(w->copies);
            w->copies = cf_json_copy(run->copies);
            cf_run_copies_recorded(run);
        }
        run->rev = ++w->rev;
        answer_actions(w, run);
    }
    return !lost || gone(err);
}

static bool journal_copies(void *self, const char *run_id, json_t **out, struct cf_error *err)
{
    struct world *w = self;
    bool lost;
    (void)run_id;
    if (!live_call(w, &lost) || lost)
        return gone(err);
    *out = w->copies ? cf_json_copy(w->copies) : json_array();
    return true;
}

static bool journal_frozen(void *self, bool *out, char *reason, struct cf_error *err)
{
    struct world *w = self;
    bool lost;
    if (!live_call(w, &lost) || lost)
        return gone(err);
    *out = w->frozen;
    snprintf(reason, CF_HOLD_TEXT_MAX, "audit");
    return true;
}

static bool journal_image_put(void *self, const struct cf_fence *fence, const struct cf_live *run,
                              const char *key, const json_t *object, struct cf_error *err)
{
    struct world *w = self;
    bool lost;
    (void)fence;
    (void)run;
    if (!live_call(w, &lost))
        return gone(err);
    if (!json_object_get(w->images, key))
        json_object_set_new(w->images, key, cf_json_copy(object));
    return !lost || gone(err);
}

static bool journal_image_get(void *self, const struct cf_live *run, const char *key, json_t **out,
                              struct cf_error *err)
{
    struct world *w = self;
    (void)run;
    (void)err;
    *out = json_incref(json_object_get(w->images, key));
    return true;
}

/* ---- clusters ---- */

static bool clusters_kube(void *self, const char *cluster, struct cf_kube **out,
                          struct cf_error *err)
{
    struct world *w = self;
    bool first = strcmp(cluster, "dc1") == 0;
    if (!first && strcmp(cluster, "dc2") != 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "cluster %s is not registered", cluster);
    *out = cf_fake_kube_client(first ? w->dc1 : w->dc2, cluster);
    return true;
}

static bool clusters_record(void *self, const char *cluster, json_t **out, struct cf_error *err)
{
    (void)self;
    (void)cluster;
    (void)err;
    *out = json_object();
    return true;
}

static bool clusters_source(void *self, const char *cluster, struct cf_source **out,
                            const char **out_preset, struct cf_error *err)
{
    (void)self;
    (void)out;
    (void)out_preset;
    return cf_error_set(err, CF_ERR_NOT_FOUND, "cluster %s has no metrics source", cluster);
}

#include "tests/unit/orchestrator-engine/world_lanes.h"

static int64_t clock_now(void *self)
{
    return ((struct world *)self)->now;
}

static inline void tie_ports(struct world *w)
{
    w->clock = (struct cf_clock){ .wall_ms = clock_now, .mono_ms = clock_now, .self = w };
    w->preflight = (struct cf_preflight_world){
        .kube = clusters_kube, .record = clusters_record, .source = clusters_source, .self = w
    };
    w->ports = (struct cf_ports){
        .journal = { journal_load, journal_record, journal_copies, journal_frozen,
                     journal_image_put, journal_image_get, w },
        .clusters = { clusters_kube, w },
        .lane = { lane_prepare, lane_fire, lane_view, lane_block, lane_forget, w },
        .gates = { gates_watch, gates_judge, gates_reset, gates_forget, w },
        .bridges = { .ensure = bridges_ensure,
                     .view = bridges_view,
                     .weight = bridges_weight,
                     .remove = bridges_remove,
                     .self = w },
        .preflight = &w->preflight,
        .probe = probe,
        .probe_self = w,
        .clock = &w->clock,
    };
}

#endif
