/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the journal port over a real PostgreSQL: a whole run and a rollback, recorded and loaded
 * at every step, with their actions, events, holds and report. */
#include "orchestrator/engine/journal_store.h"
#include "orchestrator/engine/report.h"
#include "store/migrate.h"
#include "store/plans.h"
#include "store/shards.h"
#include "tests/support/postgres.h"
#include "tests/unit/orchestrator-engine/life.h"

#define OWNER "01900000-0000-7000-8000-00000000000a"

static struct {
    struct cf_store *store;
    struct cf_shard_row shards[CF_SHARDS];
} T;

static int open_database(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report;
    cf_autofree char *conninfo = cf_test_pg_database();
    struct cf_store_config config = { .conninfo = conninfo };
    int n = 0;
    (void)state;
    T.store = cf_store_open(&config, &err);
    if (!T.store)
        fail_msg("%s", err.message);
    assert_ok(cf_store_migrate(T.store, &report, &err), &err);
    assert_ok(cf_shards_claim(T.store, OWNER, 3600000, CF_SHARDS, true, T.shards, &n, &err), &err);
    assert_int_equal(n, CF_SHARDS);
    return 0;
}

static int close_database(void **state)
{
    (void)state;
    cf_store_close(T.store);
    return 0;
}

/* A world whose journal is the database; the run's id goes to `run_id`. */
static struct world *pg_world(const char *name, const char *plan_text, char run_id[CF_UUID_TEXT])
{
    struct cf_error err = CF_ERROR_INIT;
    struct world *w = world_new(plan_text);
    enum cf_plan_applied applied;
    int revision, number;
    struct cf_plan_new plan = { .name = name,
                                .text = plan_text,
                                .media_type = "application/yaml",
                                .spec = w->plan->effective,
                                .effective = w->plan->effective,
                                .digest = w->plan->digest,
                                .author = "ann" };
    assert_ok(cf_plan_apply(T.store, &plan, CF_PLAN_ANY, NULL, &applied, &revision, &err), &err);
    cf_autojson json_t *steps = cf_compile(w->plan);
    struct cf_step_new rows[32];
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *s = json_array_get(steps, i);
        rows[i] =
            (struct cf_step_new){ cf_json_str(s, "", "kind", NULL),
                                  cf_json_str(s, "", "name", NULL), cf_json_at(s, "params", NULL) };
    }
    struct cf_router_new router = { "web", "virtualService", "dc1", "web", "web", "", NULL };
    struct cf_run_new run = { .plan = name,
                              .revision = revision,
                              .source = "dc1",
                              .target = "dc2",
                              .state = "active",
                              .phase = "Preflight",
                              .started_by = "ann",
                              .reason = "test",
                              .steps = rows,
                              .n_steps = json_array_size(steps),
                              .routers = &router,
                              .n_routers = 1 };
    assert_ok(cf_run_create(T.store, &run, NULL, run_id, &number, &err), &err);
    w->ports.journal = cf_journal_store(T.store);
    w->now = cf_wall_ms(&cf_clock_real);
    w->fence.shard = cf_shard_of(run_id);
    w->fence.epoch = T.shards[w->fence.shard].epoch;
    for (int i = 0; i < CF_SHARDS; i++)
        if (T.shards[i].shard == w->fence.shard)
            w->fence.epoch = T.shards[i].epoch;
    memcpy(w->fence.owner, OWNER, sizeof OWNER);
    return w;
}

static void pg_pass(struct world *w, const char *run_id)
{
    struct cf_pass_result result;
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_reconcile(&w->ports, &w->fence, run_id, &result, &err), &err);
    controllers(w);
    w->now += CF_MAX(result.wake_ms, 1);
}

/* Passes until the run's state is `want`, or a step of kind `want` is applied. */
static void pg_run_until(struct world *w, const char *run_id, const char *want)
{
    struct cf_error err = CF_ERROR_INIT;
    char seen[200] = "";
    for (int i = 0; i < 300; i++) {
        CF_CLEANUP(cf_run_free) struct cf_run run = { 0 };
        assert_ok(cf_run_load(T.store, run_id, &run, &err), &err);
        if (strcmp(run.row.state, want) == 0)
            return;
        for (size_t k = 0; k < run.n_steps; k++)
            if (strcmp(run.steps[k].kind, want) == 0 && strcmp(run.steps[k].state, "applied") == 0)
                return;
        snprintf(seen, sizeof seen, "%s %s %.100s", run.row.state, run.row.phase, run.row.message);
        pg_pass(w, run_id);
    }
    fail_msg("not %s but %s", want, seen);
}

static void assert_gap_free(const char *run_id)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_event_list_free) struct cf_event_list events = { 0 };
    struct cf_event_filter filter = { .run_id = run_id };
    assert_ok(cf_events_last(T.store, &filter, 500, &events, &err), &err);
    assert_true(events.n > 20);
    for (size_t i = 0; i < events.n; i++)
        assert_int_equal(events.rows[i].seq, (int64_t)i + 1);
}

static json_t *report_of(const char *run_id)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_run_free) struct cf_run rows = { 0 };
    CF_CLEANUP(cf_event_list_free) struct cf_event_list weights = { 0 };
    struct cf_event_filter filter = { .run_id = run_id, .kind_prefix = "run.weight." };
    assert_ok(cf_run_load(T.store, run_id, &rows, &err), &err);
    assert_ok(cf_events_last(T.store, &filter, 500, &weights, &err), &err);
    CF_CLEANUP(cf_live_free_p) struct cf_live *run = cf_live_of_rows(&rows, INCARNATION, &err);
    assert_non_null(run);
    return cf_run_report(run, &rows, &weights);
}

static void a_run_goes_through_the_database(void **state)
{
    (void)state;
    char run_id[CF_UUID_TEXT];
    struct world *w = pg_world("forward", PLAN_TEXT AUTO, run_id);
    pg_run_until(w, run_id, "completed");
    assert_int_equal(weight_now(w), 100);
    assert_int_equal(replicas(w->dc1), 0);
    assert_gap_free(run_id);
    cf_autojson json_t *report = report_of(run_id);
    assert_string_equal(cf_json_str(report, "", "state", NULL), "completed");
    assert_int_equal(json_array_size(json_object_get(report, "weights")), 3);
    assert_int_equal(json_array_size(json_object_get(report, "steps")), 13);
    assert_int_equal(json_array_size(json_object_get(report, "kubectl")), 0);
    assert_non_null(
        strstr(cf_json_str(report, "", "text", NULL), "\nback   none: it is committed"));
    world_free(w);
}

static void a_rollback_goes_through_the_database(void **state)
{
    (void)state;
    char run_id[CF_UUID_TEXT];
    struct cf_error err = CF_ERROR_INIT;
    int64_t id;
    struct world *w = pg_world("backward", PLAN_TEXT, run_id);
    pg_run_until(w, run_id, "traffic.soak");
    struct cf_action_new action = {
        .run_id = run_id, .action = "rollback", .reason = "errors in EU", .principal = "ann"
    };
    assert_ok(cf_action_add(T.store, &action, NULL, &id, &err), &err);
    pg_run_until(w, run_id, "rolled-back");
    assert_router_as_before(w);
    assert_int_equal(replicas(w->dc2), -1);
    assert_gap_free(run_id);
    CF_CLEANUP(cf_run_row_free) struct cf_run_row ended = { 0 };
    assert_ok(cf_run_get(T.store, run_id, &ended, &err), &err);
    assert_string_equal(ended.message, "rolled back by ann: errors in EU");
    assert_true(ended.weight_observed < 0);
    CF_CLEANUP(cf_action_row_free) struct cf_action_row row = { 0 };
    assert_ok(cf_action_get(T.store, id, &row, &err), &err);
    assert_string_equal(row.state, CF_ACTION_DONE);
    assert_string_equal(row.message, "rolling back");
    cf_autojson json_t *report = report_of(run_id);
    assert_string_equal(cf_json_str(report, "", "rollback", "cause", NULL), "operator");
    assert_string_equal(cf_json_str(report, "", "rollback", "reason", NULL), "errors in EU");
    world_free(w);
}

static void a_pause_is_a_hold_with_what_to_do(void **state)
{
    (void)state;
    char run_id[CF_UUID_TEXT];
    struct cf_error err = CF_ERROR_INIT;
    int64_t id;
    struct world *w = pg_world("paused", PLAN_TEXT, run_id);
    pg_run_until(w, run_id, "traffic.soak");
    struct cf_action_new action = {
        .run_id = run_id, .action = "pause", .reason = "lunch", .principal = "ann"
    };
    assert_ok(cf_action_add(T.store, &action, NULL, &id, &err), &err);
    pg_pass(w, run_id);
    CF_CLEANUP(cf_run_row_free) struct cf_run_row row = { 0 };
    assert_ok(cf_run_get(T.store, run_id, &row, &err), &err);
    assert_string_equal(cf_json_str(row.hold, "", "reason", NULL), "paused");
    assert_non_null(strstr(cf_json_str(row.hold, "", "callToAction", "command", NULL),
                           "crossfade resume paused/1"));
    assert_int_equal(json_array_size(cf_json_at(row.hold, "callToAction", "kubectl", NULL)), 1);
    cf_autojson json_t *report = report_of(run_id);
    const char *text = cf_json_str(report, "", "text", NULL);
    assert_non_null(strstr(text, "\nback   kubectl --context dc1 -n web patch "));
    assert_null(strstr(text, "none:"));
    assert_true(json_is_null(json_object_get(report, "noWayBack")));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_through_the_database),
        cmocka_unit_test(a_rollback_goes_through_the_database),
        cmocka_unit_test(a_pause_is_a_hold_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, open_database, close_database);
}
