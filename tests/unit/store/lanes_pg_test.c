/* SPDX-License-Identifier: Apache-2.0 */
/* Proves of what stands beside the runs: bridges, gate checkpoints and series keep their fences;
 * settings, preflight jobs and the wake-ups between replicas. */
#include "tests/unit/store/store_test.h"

#include <math.h>

#include "base/thread.h"
#include "store/bridges.h"
#include "store/listen.h"
#include "store/gates.h"
#include "store/listen.h"
#include "store/preflights.h"
#include "store/series.h"
#include "store/settings.h"

static struct cf_bridge_new a_bridge(const char *run, const char *ns, const json_t *spec)
{
    return (struct cf_bridge_new){ .run_id = run,
                                   .cluster = "dc1",
                                   .ns = ns,
                                   .service = "echo",
                                   .target_cluster = "dc2",
                                   .target_ns = ns,
                                   .target_service = "echo",
                                   .spec = spec,
                                   .state = "active" };
}

/* A run of that name, the fence of its owner, and a bridge of the run in a namespace of that name. */
static void make_bridge(const char *name, const json_t *spec, char run[CF_UUID_TEXT],
                        char id[CF_UUID_TEXT], struct cf_fence *fence)
{
    struct cf_error err = CF_ERROR_INIT;
    enum cf_record outcome;
    make_run(name, run);
    *fence = fence_of(run);
    struct cf_bridge_new b = a_bridge(run, name, spec);
    assert_ok(cf_bridge_put(T.store, fence, &b, id, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORDED);
}

static void a_bridge_is_one_row(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_bridge_row row = { 0 };
    struct cf_bridge_list list = { 0 };
    enum cf_record outcome;
    char run[CF_UUID_TEXT], id[CF_UUID_TEXT], again[CF_UUID_TEXT];
    make_run("bridge", run);
    struct cf_fence fence = fence_of(run), stale = fence;
    stale.epoch--;
    json_t *spec = json_pack("{s:[i]}", "ports", 80);
    struct cf_bridge_new b = a_bridge(run, "web", spec);
    assert_ok(cf_bridge_put(T.store, &stale, &b, id, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORD_FENCED);
    assert_ok(cf_bridge_put(T.store, &fence, &b, id, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORDED);
    b.target_service = "echo2";
    assert_ok(cf_bridge_put(T.store, &fence, &b, again, &outcome, &err), &err);
    assert_string_equal(id, again);
    assert_ok(cf_bridge_get(T.store, id, &row, &err), &err);
    assert_string_equal(row.target_service, "echo2");
    assert_string_equal(row.run_name, "bridge/1");
    assert_int_equal(row.shard, cf_shard_of(id));
    assert_true(json_equal(row.spec, spec) && !row.status);
    int other = (row.shard + 1) % CF_SHARDS;
    if (other == cf_shard_of(run))
        other = (other + 1) % CF_SHARDS;
    int shards[3] = { row.shard, other, cf_shard_of(run) };
    cf_bridge_row_free(&row);
    assert_ok(cf_bridge_list_all(T.store, shards, 1, NULL, &list, &err), &err);
    assert_int_equal(list.n, 1);
    cf_bridge_list_free(&list);
    assert_ok(cf_bridge_list_all(T.store, &shards[1], 1, NULL, &list, &err), &err);
    assert_int_equal(list.n, 0);
    cf_bridge_list_free(&list);
    assert_ok(cf_bridge_list_all(T.store, NULL, 0, run, &list, &err), &err);
    assert_int_equal(list.n, 1);
    cf_bridge_list_free(&list);
    /* The run's owner sees it until the run has ended. */
    assert_ok(cf_bridge_list_all(T.store, &shards[2], 1, NULL, &list, &err), &err);
    assert_int_equal(list.n, 1);
    cf_bridge_list_free(&list);
    free(sql("UPDATE run SET finished_at = now() WHERE plan = 'bridge'"));
    assert_ok(cf_bridge_list_all(T.store, &shards[2], 1, NULL, &list, &err), &err);
    assert_int_equal(list.n, shards[2] == shards[0]);
    cf_bridge_list_free(&list);
    json_decref(spec);
}

static void a_bridge_knows_its_weight(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_bridge_row row = { 0 };
    enum cf_record outcome;
    char run[CF_UUID_TEXT], id[CF_UUID_TEXT];
    struct cf_fence fence, stale;
    json_t *spec = json_pack("{s:[i]}", "ports", 80);
    make_bridge("weighed", spec, run, id, &fence);
    stale = fence;
    stale.epoch--;
    assert_ok(cf_bridge_weight(T.store, &stale, run, 25, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORD_FENCED);
    assert_ok(cf_bridge_weight(T.store, &fence, run, 25, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORDED);
    assert_ok(cf_bridge_weight(T.store, &fence, OTHER, 25, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORD_STALE);
    assert_ok(cf_bridge_get(T.store, id, &row, &err), &err);
    assert_int_equal(cf_json_int(row.spec, 0, "weight", NULL), 25);
    assert_int_equal(cf_json_int(cf_json_at(row.spec, "ports", NULL), 0, NULL), 0);
    assert_int_equal(json_integer_value(cf_json_pointer(row.spec, "/ports/0")), 80);
    cf_bridge_row_free(&row);
    json_decref(spec);
}

/* Beside the Service for routers, and by its name: two rows, of which one alone has a weight. */
static void a_service_may_have_a_bridge_of_either_sort(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_bridge_row row = { 0 };
    enum cf_record outcome;
    char run[CF_UUID_TEXT], beside[CF_UUID_TEXT], by_name[CF_UUID_TEXT], again[CF_UUID_TEXT];
    struct cf_fence fence;
    cf_autojson json_t *plain = json_pack("{s:i}", "weight", 0);
    cf_autojson json_t *named = json_pack("{s:b}", "byName", true);
    make_bridge("either", plain, run, beside, &fence);
    struct cf_bridge_new b = a_bridge(run, "either", named);
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(cf_bridge_put(T.store, &fence, &b, by_name, &outcome, &err), &err);
        assert_int_equal(outcome, CF_RECORDED);
    }
    assert_string_not_equal(beside, by_name);
    cf_bridge_id(b.cluster, b.ns, b.service, true, again);
    assert_string_equal(by_name, again);
    assert_ok(cf_bridge_weight(T.store, &fence, run, 25, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORDED);
    assert_ok(cf_bridge_get(T.store, beside, &row, &err), &err);
    assert_int_equal(cf_json_int(row.spec, 0, "weight", NULL), 25);
    cf_bridge_row_free(&row);
    assert_ok(cf_bridge_get(T.store, by_name, &row, &err), &err);
    assert_null(json_object_get(row.spec, "weight"));
    cf_bridge_row_free(&row);
}

static void note_hint(void *ctx, const char *what, const char *id)
{
    if (strcmp(what, "bridge") == 0)
        snprintf(ctx, CF_UUID_TEXT, "%s", id);
}

/* By the fence of the run's shard, whoever owns the bridge's; that one hears of it. */
static void a_run_asks_another_lane_to_take_its_bridge_away(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_bridge_row row = { 0 };
    enum cf_record outcome;
    char run[CF_UUID_TEXT], id[CF_UUID_TEXT];
    struct cf_fence fence, stale;
    make_bridge("handed", NULL, run, id, &fence);
    stale = fence;
    stale.epoch--;
    char heard[CF_UUID_TEXT] = "";
    struct cf_listener *listener = cf_listener_new(T.store);
    assert_ok(cf_listener_wait(listener, 0, note_hint, heard, &err), &err);
    assert_ok(cf_bridge_retire(T.store, &stale, id, run, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORD_FENCED);
    assert_ok(cf_bridge_retire(T.store, &fence, id, OTHER, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORD_STALE);
    assert_ok(cf_bridge_get(T.store, id, &row, &err), &err);
    assert_string_equal(row.state, "active");
    cf_bridge_row_free(&row);
    assert_ok(cf_bridge_retire(T.store, &fence, id, run, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORDED);
    assert_ok(cf_bridge_get(T.store, id, &row, &err), &err);
    assert_string_equal(row.state, "retiring");
    cf_bridge_row_free(&row);
    for (int i = 0; i < 20 && !*heard; i++)
        assert_ok(cf_listener_wait(listener, 1000, note_hint, heard, &err), &err);
    assert_string_equal(heard, id);
    cf_listener_free(listener);
}

static void bridges_outlive_their_runs(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_bridge_row row = { 0 };
    enum cf_record outcome;
    char run[CF_UUID_TEXT], id[CF_UUID_TEXT];
    struct cf_fence fence;
    json_t *spec = json_pack("{s:[i]}", "ports", 80);
    make_bridge("outlived", spec, run, id, &fence);
    struct cf_fence lane = fence_of(id);
    assert_ok(cf_bridge_set(T.store, &lane, id, NULL, spec, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORDED);
    assert_ok(cf_bridge_set(T.store, &lane, OTHER, NULL, spec, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORD_STALE);
    assert_fails(cf_bridge_ask_removal(T.store, id, "alice", &err), &err, CF_ERR_CONFLICT,
                 "outlived/1");
    assert_ok(cf_bridge_row_remove(T.store, &lane, id, "alice", &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORD_STALE); /* nobody has asked for it, or not any more */
    free(sql("UPDATE run SET finished_at = now() WHERE plan = 'outlived'"));
    assert_ok(cf_bridge_ask_removal(T.store, id, "alice", &err), &err);
    assert_ok(cf_bridge_get(T.store, id, &row, &err), &err);
    assert_string_equal(row.state, "retiring");
    assert_true(json_equal(row.status, spec));
    cf_bridge_row_free(&row);
    assert_ok(cf_bridge_row_remove(T.store, &lane, id, "alice", &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORDED);
    assert_ok(cf_bridge_row_remove(T.store, &lane, id, "alice", &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORD_STALE);
    assert_fails(cf_bridge_get(T.store, id, &row, &err), &err, CF_ERR_NOT_FOUND, id);
    assert_fails(cf_bridge_ask_removal(T.store, id, "alice", &err), &err, CF_ERR_NOT_FOUND, id);
    json_decref(spec);
}

static void checkpoints_keep_their_fences(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char one[CF_UUID_TEXT], two[CF_UUID_TEXT];
    make_run("gates-1", one);
    make_run("gates-2", two);
    struct cf_fence f1 = fence_of(one), f2 = fence_of(two);
    json_t *doc = json_pack("{s:[f,f]}", "r", 1.25, 1e-300), *read = NULL;
    struct cf_gate_checkpoint rows[3] = {
        { .shard = f1.shard, .epoch = f1.epoch, .stream = "a", .doc = doc },
        { .shard = f1.shard, .epoch = f1.epoch, .stream = "b", .doc = doc },
        { .shard = f2.shard, .epoch = f2.epoch - 1, .stream = "a", .doc = doc }
    };
    memcpy(rows[0].run_id, one, sizeof one);
    memcpy(rows[1].run_id, one, sizeof one);
    memcpy(rows[2].run_id, two, sizeof two);
    size_t written = 0;
    int64_t age = -1;
    assert_ok(cf_gates_save(T.store, OWNER, rows, 3, &written, &err), &err);
    assert_int_equal(written, 2);
    assert_ok(cf_gates_save(T.store, OWNER, rows, 2, &written, &err), &err);
    assert_int_equal(written, 2);
    assert_ok(cf_gates_save(T.store, OTHER, rows, 2, &written, &err), &err);
    assert_int_equal(written, 0);
    assert_ok(cf_gates_load(T.store, one, &read, &age, &err), &err);
    assert_int_equal(json_object_size(read), 2);
    assert_true(json_equal(json_object_get(read, "b"), doc) && age >= 0);
    json_decref(read);
    assert_ok(cf_gates_load(T.store, two, &read, &age, &err), &err);
    assert_int_equal(json_object_size(read), 0);
    json_decref(read);
    json_decref(doc);
}

static void series_come_back_in_columns(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_UUID_TEXT];
    make_run("series", id);
    struct cf_fence f = fence_of(id);
    enum { N = 12000 };
    struct cf_series_point *points = calloc(N, sizeof *points);
    for (int i = 0; i < N; i++) {
        points[i] = (struct cf_series_point){ .shard = f.shard,
                                              .epoch = f.epoch,
                                              .stream = "rate",
                                              .at_ms = INT64_C(1790000000123) + i * 1000,
                                              .weight_desired = 25,
                                              .weight_applied = -1,
                                              .n = i,
                                              .k = -1,
                                              .value = i % 2 ? NAN : 0.5 };
        memcpy(points[i].run_id, id, sizeof id);
    }
    size_t written = 0;
    assert_ok(cf_series_append(T.store, OWNER, points, 3, &written, &err), &err);
    assert_int_equal(written, 3);
    assert_ok(cf_series_append(T.store, OWNER, points, 3, &written, &err), &err);
    assert_int_equal(written, 0);
    json_t *all = NULL;
    assert_ok(cf_series_read(T.store, id, 0, &all, &err), &err);
    char *text = cf_json_dump(all);
    assert_string_equal(
        text,
        "{\"rate\":{\"t\":[1790000000.123,1790000001.123,1790000002.123],\"desired\":[25,25,25],"
        "\"applied\":[null,null,null],\"n\":[0,1,2],\"k\":[null,null,null],"
        "\"value\":[0.5,null,0.5]}}");
    free(text);
    json_decref(all);
    assert_ok(cf_series_append(T.store, OWNER, points, N, &written, &err), &err);
    assert_int_equal(written, N - 3);
    assert_ok(cf_series_read(T.store, id, 0, &all, &err), &err);
    const json_t *t = cf_json_at(all, "rate", "t", NULL), *n = cf_json_at(all, "rate", "n", NULL);
    assert_in_range(json_array_size(t), 3000, CF_SERIES_POINTS_MAX);
    assert_int_equal(json_integer_value(json_array_get(n, json_array_size(n) - 1)), N - 1);
    json_decref(all);
    assert_ok(cf_series_read(T.store, id, points[N - 2].at_ms, &all, &err), &err);
    assert_int_equal(json_array_size(cf_json_at(all, "rate", "t", NULL)), 1);
    json_decref(all);
    free(points);
}

static void settings_are_kept(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_setting s = { 0 };
    assert_ok(cf_setting_get(T.store, CF_SETTING_FREEZE, &s, &err), &err);
    assert_null(s.value);
    cf_setting_free(&s);
    json_t *on = json_pack("{s:b, s:s}", "frozen", 1, "reason", "x");
    assert_ok(cf_setting_put(T.store, CF_SETTING_FREEZE, on, "root", &err), &err);
    assert_ok(cf_setting_put(T.store, CF_SETTING_FREEZE, on, "admin", &err), &err);
    assert_ok(cf_setting_get(T.store, CF_SETTING_FREEZE, &s, &err), &err);
    assert_true(json_equal(s.value, on) && s.at_ms > 0);
    assert_string_equal(s.author, "admin");
    cf_setting_free(&s);
    json_decref(on);
    assert_sql("SELECT count(*) FROM event WHERE kind = 'setting.changed'", "2");
}

static void a_preflight_is_done_once(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_preflight_row row = { 0 };
    struct cf_preflight_list list = { 0 };
    char id[CF_UUID_TEXT], same[CF_UUID_TEXT], second[CF_UUID_TEXT];
    bool found = true;
    assert_ok(cf_preflight_claim(T.store, OWNER, 1000, &found, &row, &err), &err);
    assert_false(found);
    json_t *effective = json_pack("{s:s}", "kind", "Plan"), *result = json_pack("{s:[]}", "checks");
    struct cf_preflight_new job = {
        .plan = "pf", .revision = 2, .effective = effective, .author = "alice"
    };
    struct cf_idem idem = {
        .principal = "t", .route = "POST preflights", .key = "k", .request_sha256 = "r"
    };
    assert_ok(cf_preflight_add(T.store, &job, &idem, id, &err), &err);
    assert_ok(cf_preflight_add(T.store, &job, &idem, same, &err), &err);
    assert_string_equal(id, same);
    assert_ok(cf_preflight_add(T.store, &job, NULL, second, &err), &err);
    assert_ok(cf_preflight_claim(T.store, OWNER, 1, &found, &row, &err), &err);
    assert_true(found);
    assert_string_equal(row.id, id);
    assert_true(json_equal(row.effective, effective));
    assert_string_equal(row.state, CF_PREFLIGHT_RUNNING);
    int attempt = row.attempt;
    cf_preflight_row_free(&row);
    usleep(5000); /* the lease runs out, another worker comes */
    assert_ok(cf_preflight_claim(T.store, OTHER, 60000, &found, &row, &err), &err);
    assert_string_equal(row.id, id);
    assert_fails(cf_preflight_finish(T.store, id, attempt, result, NULL, &err), &err, CF_ERR_FENCED,
                 id);
    assert_ok(cf_preflight_finish(T.store, id, row.attempt, result, NULL, &err), &err);
    assert_fails(cf_preflight_finish(T.store, id, row.attempt, result, NULL, &err), &err,
                 CF_ERR_FENCED, id);
    cf_preflight_row_free(&row);
    assert_ok(cf_preflight_claim(T.store, OTHER, 60000, &found, &row, &err), &err);
    assert_string_equal(row.id, second);
    assert_ok(cf_preflight_finish(T.store, second, row.attempt, NULL, "no cluster", &err), &err);
    cf_preflight_row_free(&row);
    assert_ok(cf_preflight_get(T.store, second, &row, &err), &err);
    assert_string_equal(row.state, CF_PREFLIGHT_FAILED);
    assert_string_equal(row.message, "no cluster");
    assert_null(row.result);
    cf_preflight_row_free(&row);
    assert_ok(cf_preflight_list_page(T.store, "pf", NULL, 1, &list, &err), &err);
    assert_true(list.n == 1 && list.more && !list.rows[0].effective);
    assert_string_equal(list.rows[0].id, second);
    cf_preflight_list_free(&list);
    assert_ok(cf_preflight_list_page(T.store, "pf", second, 1, &list, &err), &err);
    assert_string_equal(list.rows[0].id, id);
    cf_preflight_list_free(&list);
    assert_fails(cf_preflight_get(T.store, OTHER, &row, &err), &err, CF_ERR_NOT_FOUND,
                 "no preflight");
    json_decref(effective);
    json_decref(result);
}

static void hear(void *ctx, const char *what, const char *id)
{
    char *heard = ctx;
    size_t len = strlen(heard);
    snprintf(heard + len, 256 - len, "%s:%s ", what, id);
}

static void replicas_hear_of_what_they_must_notice(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char heard[256] = "", want[256], run[CF_UUID_TEXT];
    struct cf_listener *l = cf_listener_new(T.store);
    assert_ok(cf_listener_wait(l, 1000, hear, heard, &err), &err);
    assert_string_equal(heard, "resync: ");
    make_run("heard", run);
    json_t *off = json_pack("{s:b}", "frozen", 0);
    assert_ok(cf_setting_put(T.store, CF_SETTING_FREEZE, off, "root", &err), &err);
    json_decref(off);
    heard[0] = '\0';
    snprintf(want, sizeof want, "run:%s setting:freeze ", run);
    for (int i = 0; i < 20 && strcmp(heard, want) != 0; i++)
        assert_ok(cf_listener_wait(l, 100, hear, heard, &err), &err);
    assert_string_equal(heard, want);
    /* Whoever waits can be woken: the wait under way, or the next. */
    int64_t begun = cf_mono_now_ms();
    cf_listener_wake(l);
    assert_ok(cf_listener_wait(l, 5000, hear, heard, &err), &err);
    assert_true(cf_mono_now_ms() - begun < 2500);
    begun = cf_mono_now_ms();
    assert_ok(cf_listener_wait(l, 50, hear, heard, &err), &err);
    assert_true(cf_mono_now_ms() - begun >= 45);
    /* A lost connection is said once; the next wait begins anew. */
    free(sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query = 'LISTEN "
             "crossfade'"
             " AND datname = current_database()"));
    heard[0] = '\0';
    assert_fails(cf_listener_wait(l, 5000, hear, heard, &err), &err, CF_ERR_TRANSIENT, "lost");
    assert_ok(cf_listener_wait(l, 1000, hear, heard, &err), &err);
    assert_string_equal(heard, "resync: ");
    cf_listener_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bridge_is_one_row),
        cmocka_unit_test(a_bridge_knows_its_weight),
        cmocka_unit_test(a_service_may_have_a_bridge_of_either_sort),
        cmocka_unit_test(a_run_asks_another_lane_to_take_its_bridge_away),
        cmocka_unit_test(bridges_outlive_their_runs),
        cmocka_unit_test(checkpoints_keep_their_fences),
        cmocka_unit_test(series_come_back_in_columns),
        cmocka_unit_test(settings_are_kept),
        cmocka_unit_test(a_preflight_is_done_once),
        cmocka_unit_test(replicas_hear_of_what_they_must_notice),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
