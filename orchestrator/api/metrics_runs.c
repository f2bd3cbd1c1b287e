/* SPDX-License-Identifier: Apache-2.0 */
/* Counting runs and their events. */
#include "orchestrator/api/metrics_runs.h"

#include <string.h>

#include "store/events.h"
#include "store/runs.h"

/* ---- counters, from events ---- */

static void count_home(struct cf_metrics *m, const json_t *body)
{
    int64_t decided = cf_json_int(body, 0, "decidedAt", NULL);
    int64_t home = cf_json_int(body, 0, "homeAt", NULL);
    cf_metric_add(m, "crossfade_rollbacks_total",
                  CF_LABELS(cf_json_str(body, "unknown", "cause", NULL)), 1);
    if (decided > 0 && home >= decided)
        cf_metric_observe(m, "crossfade_rollback_traffic_restore_seconds", NULL,
                          (double)(home - decided) / 1000);
}

static void count_event(struct cf_metrics *m, const struct cf_event_row *e)
{
    static const char *const ends[] = { "run.completed", "run.rolled-back", "run.failed",
                                        "run.canceled" };
    for (size_t i = 0; i < CF_ARRAY_LEN(ends); i++)
        if (strcmp(e->kind, ends[i]) == 0)
            cf_metric_add(m, "crossfade_runs_finished_total", CF_LABELS(ends[i] + 4), 1);
    if (strcmp(e->kind, "run.created") == 0)
        cf_metric_add(m, "crossfade_runs_started_total", NULL, 1);
    else if (strcmp(e->kind, "run.weight.changed") == 0)
        cf_metric_add(m, "crossfade_router_writes_total", NULL, 1);
    else if (strcmp(e->kind, "run.traffic.home") == 0)
        count_home(m, e->body);
    else if (strcmp(e->kind, "action.done") == 0 || strcmp(e->kind, "action.refused") == 0)
        cf_metric_add(m, "crossfade_actions_total",
                      CF_LABELS(cf_json_str(e->body, "", "action", NULL), e->kind + 7), 1);
}

static bool count_events(struct cf_metrics_runs *r, struct cf_metrics *m, struct cf_store *store,
                         struct cf_error *err)
{
    if (r->after == 0)
        return cf_events_horizon(store, &r->after, err);
    for (int n = 0; n < CF_METRICS_EVENTS_MAX;) {
        CF_CLEANUP(cf_event_list_free) struct cf_event_list list = { 0 };
        if (!cf_events_after(store, r->after, NULL, CF_STORE_LIMIT_MAX, &list, err))
            return false;
        for (size_t i = 0; i < list.n; i++)
            count_event(m, &list.rows[i]);
        r->after = list.next;
        n += (int)list.n;
        if (!list.more)
            break;
    }
    return true;
}

/* ---- gauges, from the active runs ---- */

static void set_weight(struct cf_metrics *m, const char *plan, const char *kind, double percent)
{
    if (percent >= 0)
        cf_metric_set(m, "crossfade_traffic_weight_ratio", CF_LABELS(plan, kind), percent / 100);
}

static void set_run(struct cf_metrics *m, const struct cf_run_row *row)
{
    const char *reason = cf_json_str(row->hold, NULL, "reason", NULL);
    set_weight(m, row->plan, "desired", row->weight_desired);
    set_weight(m, row->plan, "applied", row->weight_applied);
    set_weight(m, row->plan, "observed", row->weight_observed);
    cf_metric_set(m, "crossfade_run_last_progress_timestamp_seconds", CF_LABELS(row->plan),
                  (double)row->updated_ms / 1000);
    if (reason)
        cf_metric_set(m, "crossfade_run_hold", CF_LABELS(row->plan, reason), 1);
}

/* Series of what is no longer there end. */
static void drop_old(struct cf_metrics *m, const char *label, const json_t *names)
{
    const char *name;
    json_t *ignored;
    json_object_foreach(cf_json_unconst(names), name, ignored) cf_metrics_drop(m, label, name);
}

static bool set_runs(struct cf_metrics_runs *r, struct cf_metrics *m, struct cf_store *store,
                     struct cf_error *err)
{
    CF_CLEANUP(cf_run_list_free) struct cf_run_list list = { 0 };
    struct cf_run_filter filter = { .active = true };
    const char *phase;
    json_t *n;
    if (!cf_run_list_page(store, &filter, CF_METRICS_RUNS_MAX, &list, err))
        return false;
    drop_old(m, "plan", r->plans);
    drop_old(m, "phase", r->phases);
    json_decref(r->plans);
    json_decref(r->phases);
    r->plans = json_object();
    r->phases = json_object();
    for (size_t i = 0; i < list.n; i++) {
        const struct cf_run_row *row = &list.rows[i];
        json_object_set_new(r->plans, row->plan, json_true());
        json_object_set_new(r->phases, row->phase,
                            json_integer(cf_json_int(r->phases, 0, row->phase, NULL) + 1));
        set_run(m, row);
    }
    json_object_foreach(r->phases, phase, n)
        cf_metric_set(m, "crossfade_runs_active", CF_LABELS(phase), (double)json_integer_value(n));
    return true;
}

void cf_metrics_runs_begin(struct cf_metrics_runs *r, struct cf_store *store)
{
    struct cf_error ignored = CF_ERROR_INIT;
    (void)!cf_events_horizon(store, &r->after, &ignored);
}

void cf_metrics_runs_look(struct cf_metrics_runs *r, struct cf_metrics *m, struct cf_store *store)
{
    struct cf_error err = CF_ERROR_INIT;
    if (atomic_flag_test_and_set(&r->busy))
        return;
    bool up = count_events(r, m, store, &err) && set_runs(r, m, store, &err);
    cf_metric_set(m, "crossfade_db_up", NULL, up);
    atomic_flag_clear(&r->busy);
}

void cf_metrics_runs_end(struct cf_metrics_runs *r)
{
    json_decref(r->plans);
    json_decref(r->phases);
    *r = (struct cf_metrics_runs){ 0 };
}
