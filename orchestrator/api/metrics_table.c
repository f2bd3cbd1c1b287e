/* SPDX-License-Identifier: Apache-2.0 */
/* The table of metrics. */
#include "orchestrator/api/metrics_table.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "orchestrator/engine/engine.h"
#include "store/store.h"

#define G CF_METRIC_GAUGE
#define C CF_METRIC_COUNTER
#define H CF_METRIC_HISTOGRAM

/* clang-format off */
const struct cf_metric_desc cf_metrics_table[] = {
    { "crossfade_build_info", G, { "version" }, { 0 }, "1, with the version of the program" },
    { "crossfade_http_request_duration_seconds",
      H,
      { "route", "method", "code" },
      { 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60 },
      "Time from a request's head to the end of its answer; streams are not counted" },
    { "crossfade_auth_failures_total",
      C,
      { "reason" },
      { 0 },
      "Requests without a valid token: missing, malformed, refused" },
    { "crossfade_authz_denied_total",
      C,
      { "role" },
      { 0 },
      "Requests that the token's role does not allow" },
    { "crossfade_sse_clients",
      G,
      { NULL },
      { 0 },
      "Readers of events: streams and requests that wait" },
    { "crossfade_sse_resyncs_total",
      C,
      { NULL },
      { 0 },
      "Readers whose last event was no longer kept" },
    { "crossfade_db_pool_connections",
      G,
      { "state" },
      { 0 },
      "Connections to PostgreSQL: open, idle; waiting: callers without one" },
    { "crossfade_db_connects_total", C, { NULL }, { 0 }, "Connections made since the start" },
    { "crossfade_db_failures_total",
      C,
      { NULL },
      { 0 },
      "Connections refused, and statements lost with their connection" },
    { "crossfade_db_up", G, { NULL }, { 0 }, "1 while PostgreSQL answers" },
    { "crossfade_runs_active", G, { "phase" }, { 0 }, "Unfinished runs of the whole service" },
    { "crossfade_runs_owned", G, { NULL }, { 0 }, "Unfinished runs that this replica carries out" },
    { "crossfade_runs_started_total", C, { NULL }, { 0 }, "Runs created since this process started" },
    { "crossfade_runs_finished_total", C, { "outcome" }, { 0 }, "Runs ended: completed, rolled-back, failed, canceled" },
    { "crossfade_run_hold", G, { "plan", "reason" }, { 0 }, "1 while a run of the plan does not move, with the reason" },
    { "crossfade_run_last_progress_timestamp_seconds", G, { "plan" }, { 0 }, "When the plan's active run last recorded something" },
    { "crossfade_traffic_weight_ratio", G, { "plan", "kind" }, { 0 }, "Share of traffic to the target: desired, applied, observed" },
    { "crossfade_router_writes_total", C, { NULL }, { 0 }, "Changes of weight that were seen on routers" },
    { "crossfade_rollbacks_total", C, { "trigger" }, { 0 }, "Rollbacks whose traffic is home again" },
    { "crossfade_rollback_traffic_restore_seconds", H, { NULL },
      { 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300 }, "From the decision to roll back until all traffic was home" },
    { "crossfade_actions_total", C, { "action", "result" }, { 0 }, "Actions answered: done, refused" },
    { "crossfade_workers_busy", G, { NULL }, { 0 }, "Workers that look at a run now" },
    { "crossfade_shards_owned", G, { NULL }, { 0 }, "Shards that this replica owns, of 64" },
    { "crossfade_reconcile_passes_total", C, { NULL }, { 0 }, "Passes over runs since the start" },
    { "crossfade_process_resident_memory_bytes", G, { NULL }, { 0 }, "Resident memory" },
    { .name = NULL },
};
/* clang-format on */

static void sample_memory(struct cf_metrics *m)
{
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return;
    if (fscanf(f, "%ld %ld", &size, &resident) == 2)
        cf_metric_set(m, "crossfade_process_resident_memory_bytes", NULL,
                      (double)resident * (double)sysconf(_SC_PAGESIZE));
    (void)fclose(f);
}

static void count(struct cf_metrics *m, const char *name, double now, double *seen)
{
    cf_metric_add(m, name, NULL, CF_MAX(now - *seen, 0));
    *seen = now;
}

void cf_metrics_sample(struct cf_metrics *m, struct cf_metrics_seen *seen, struct cf_store *store,
                       struct cf_engine *engine, const char *version)
{
    struct cf_store_stats s;
    struct cf_engine_stats e;
    cf_store_stats(store, &s);
    cf_engine_stats(engine, &e);
    cf_metric_set(m, "crossfade_build_info", CF_LABELS(version), 1);
    cf_metric_set(m, "crossfade_db_pool_connections", CF_LABELS("open"), s.open);
    cf_metric_set(m, "crossfade_db_pool_connections", CF_LABELS("idle"), s.idle);
    cf_metric_set(m, "crossfade_db_pool_connections", CF_LABELS("waiting"), s.waiting);
    cf_metric_set(m, "crossfade_runs_owned", NULL, e.runs);
    cf_metric_set(m, "crossfade_workers_busy", NULL, e.busy);
    cf_metric_set(m, "crossfade_shards_owned", NULL, e.shards);
    sample_memory(m);
    CF_LOCKED(&seen->mutex);
    count(m, "crossfade_db_connects_total", (double)s.connects, &seen->connects);
    count(m, "crossfade_db_failures_total", (double)s.failures, &seen->failures);
    count(m, "crossfade_reconcile_passes_total", (double)e.passes, &seen->passes);
}
