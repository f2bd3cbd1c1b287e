/* SPDX-License-Identifier: Apache-2.0 */
/* Proves of runs: numbers per plan, claims that name their holder, one run for a repeated request
 * however many send it at once, finding, pages, heads, and texts of any kind that come back as they
 * were. */
#include "tests/unit/store/store_test.h"

#include <pthread.h>

static void runs_are_numbered_and_found(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char one[CF_UUID_TEXT], two[CF_UUID_TEXT], found[CF_UUID_TEXT];
    int number = 0;
    make_run("numbers", one);
    assert_ok(try_run("numbers", NULL, 0, NULL, two, &number, &err), &err);
    assert_int_equal(number, 2);
    assert_ok(cf_run_find(T.store, "numbers/1", found, &err), &err);
    assert_string_equal(found, one);
    assert_ok(cf_run_find(T.store, "numbers@latest", found, &err), &err);
    assert_string_equal(found, two);
    assert_ok(cf_run_find(T.store, one, found, &err), &err);
    assert_string_equal(found, one);
    assert_fails(cf_run_find(T.store, "numbers/3", found, &err), &err, CF_ERR_NOT_FOUND,
                 "numbers/3");
    assert_fails(cf_run_find(T.store, OTHER, found, &err), &err, CF_ERR_NOT_FOUND, "no run");
    const char *bad[] = { "",   "numbers", "numbers/",  "numbers/0",  "numbers/x",
                          "/1", "@latest", "numbers@1", "a/b@latest", NULL };
    for (size_t i = 0; bad[i]; i++)
        assert_fails(cf_run_find(T.store, bad[i], found, &err), &err, CF_ERR_INVALID, "is no run");
    struct cf_plan_row plan = { 0 };
    assert_ok(cf_plan_get(T.store, "numbers", 0, &plan, &err), &err);
    assert_int_equal(plan.runs, 2);
    assert_string_equal(plan.last_run_id, two);
    cf_plan_row_free(&plan);
    assert_fails(try_run("nowhere", NULL, 0, NULL, two, &number, &err), &err, CF_ERR_NOT_FOUND,
                 "plan nowhere");
}

static void a_run_is_loaded_whole(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run run = { 0 };
    char id[CF_UUID_TEXT];
    make_run("whole", id);
    assert_ok(cf_run_load(T.store, id, &run, &err), &err);
    assert_string_equal(run.row.plan, "whole");
    assert_int_equal(run.row.shard, cf_shard_of(id));
    assert_string_equal(run.row.source, "dc1");
    assert_string_equal(run.row.started_by, "alice");
    assert_int_equal(run.row.rev, 1);
    assert_int_equal(run.row.seq, 1);
    assert_true(run.row.last_event > 0 && run.row.wake_in_ms <= 0 && run.row.finished_ms == 0);
    assert_true(json_is_object(run.row.memo) && json_is_array(run.row.warnings));
    assert_string_equal(cf_json_str(run.row.labels, "", "team", NULL), "web");
    assert_string_equal(cf_json_str(run.effective, "", "name", NULL), "whole");
    assert_int_equal(run.n_steps, 3);
    assert_string_equal(run.steps[1].kind, "traffic.shift");
    assert_int_equal(cf_json_int(run.steps[1].params, 0, "weight", NULL), 25);
    assert_true(json_is_object(run.steps[2].params) && !run.steps[2].intent);
    assert_int_equal(run.n_routers, 2);
    assert_string_equal(run.routers[0].route, "main");
    assert_string_equal(run.routers[1].route, "");
    assert_int_equal(run.n_actions, 0);
    cf_run_free(&run);
    assert_fails(cf_run_load(T.store, OTHER, &run, &err), &err, CF_ERR_NOT_FOUND, "no run");
    assert_fails(cf_run_load(T.store, "no uuid", &run, &err), &err, CF_ERR_INVALID, "uuid");
}

static void claims_name_their_holder(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    struct cf_claim_list held = { 0 };
    char one[CF_UUID_TEXT], two[CF_UUID_TEXT];
    int number;
    char *router = cf_claim_key("uid-1", "VirtualService", "web", "echo", "main", NULL);
    char *ns = cf_claim_key("uid-1", "web", NULL);
    char *tricky = cf_claim_key("uid-1", "web/echo", NULL);
    char *other = cf_claim_key("uid-1", "web", "echo", NULL);
    assert_string_equal(router, "uid-1/VirtualService/web/echo/main");
    assert_string_not_equal(tricky, other);
    struct cf_claim claims[] = { { CF_CLAIM_ROUTER, router, "VirtualService web/echo on dc1" },
                                 { CF_CLAIM_SOURCE, ns, "namespace web on dc1" } };
    apply_plan("claims", DIGEST_A);
    apply_plan("rival", DIGEST_A);
    assert_ok(try_run("claims", claims, 2, NULL, one, &number, &err), &err);
    assert_false(try_run("rival", &claims[1], 1, NULL, two, &number, &err));
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_string_equal(err.reason, CF_STORE_CLAIMED);
    assert_string_equal(err.field, "namespace web on dc1");
    assert_non_null(strstr(err.message, "namespace web on dc1 is held by run claims/1"));
    cf_error_clear(&err);
    /* Nothing of the refused run is left, not even its number. */
    assert_sql("SELECT runs FROM plan WHERE name = 'rival'", "0");
    assert_ok(cf_claims_find(T.store, claims, 2, &held, &err), &err);
    assert_int_equal(held.n, 2);
    assert_string_equal(held.rows[0].run_name, "claims/1");
    cf_claim_list_free(&held);
    /* The same key in another role is another claim. */
    struct cf_claim target = { CF_CLAIM_TARGET, ns, "namespace web on dc1" };
    assert_ok(try_run("rival", &target, 1, NULL, two, &number, &err), &err);
    assert_int_equal(number, 1);
    /* Given back by a record. */
    struct cf_fence fence = fence_of(one);
    struct cf_event_new event = { .kind = "run.released", .step = -1 };
    struct cf_run_change release = { .run = CF_RUN_UPDATE_INIT, .events = &event, .n_events = 1 };
    release.run.release_claims = true;
    assert_ok(cf_run_record(T.store, &fence, one, 1, &release, &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORDED);
    assert_ok(cf_claims_held(T.store, one, &held, &err), &err);
    assert_int_equal(held.n, 0);
    cf_claim_list_free(&held);
    assert_ok(try_run("rival", claims, 2, NULL, two, &number, &err), &err);
    free(router);
    free(ns);
    free(tricky);
    free(other);
}

enum { RACERS = 6 };
struct racer {
    int i;
    char id[CF_UUID_TEXT];
    struct cf_error err;
    bool ok, replayed;
};

/* All want the same two claims, in different orders. */
static void *claim_racer(void *arg)
{
    struct racer *r = arg;
    char a[] = "uid/a", b[] = "uid/b";
    struct cf_claim claims[2] = { { CF_CLAIM_ROUTER, a, "a" }, { CF_CLAIM_ROUTER, b, "b" } };
    struct cf_claim swapped[2] = { claims[1], claims[0] };
    char plan[16];
    int number;
    snprintf(plan, sizeof plan, "race-%d", r->i);
    r->err = CF_ERROR_INIT;
    r->ok = try_run(plan, r->i & 1 ? swapped : claims, 2, NULL, r->id, &number, &r->err);
    return NULL;
}

static void one_of_many_gets_the_claims(void **state)
{
    (void)state;
    pthread_t threads[RACERS];
    struct racer racers[RACERS] = { 0 };
    int won = 0;
    for (int i = 0; i < RACERS; i++) {
        char plan[32];
        snprintf(plan, sizeof plan, "race-%d", i);
        apply_plan(plan, DIGEST_A);
    }
    for (int i = 0; i < RACERS; i++) {
        racers[i].i = i;
        assert_int_equal(pthread_create(&threads[i], NULL, claim_racer, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        won += racers[i].ok;
        if (!racers[i].ok)
            assert_string_equal(racers[i].err.reason, CF_STORE_CLAIMED);
    }
    assert_int_equal(won, 1);
}

static void *idem_racer(void *arg)
{
    struct racer *r = arg;
    int number;
    struct cf_idem idem = {
        .principal = "t", .route = "POST runs", .key = "same", .request_sha256 = "r"
    };
    r->err = CF_ERROR_INIT;
    r->ok = try_run("repeated", NULL, 0, &idem, r->id, &number, &r->err);
    r->replayed = idem.replayed;
    return NULL;
}

static void a_repeated_request_starts_one_run(void **state)
{
    (void)state;
    pthread_t threads[RACERS];
    struct racer racers[RACERS] = { 0 };
    int fresh = 0;
    apply_plan("repeated", DIGEST_A);
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, idem_racer, &racers[i]), 0);
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        assert_ok(racers[i].ok, &racers[i].err);
        assert_string_equal(racers[i].id, racers[0].id);
        fresh += !racers[i].replayed;
    }
    assert_int_equal(fresh, 1);
    assert_sql("SELECT count(*) FROM run WHERE plan = 'repeated'", "1");
}

/* Three runs of a plan; the second has ended. */
static void make_three(const char *plan, char ids[3][CF_UUID_TEXT])
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    int number;
    make_run(plan, ids[0]);
    for (int i = 1; i < 3; i++)
        assert_ok(try_run(plan, NULL, 0, NULL, ids[i], &number, &err), &err);
    struct cf_fence fence = fence_of(ids[1]);
    struct cf_event_new event = { .kind = "run.finished", .step = -1 };
    struct cf_run_change end = { .run = CF_RUN_UPDATE_INIT, .events = &event, .n_events = 1 };
    end.run.state = "completed";
    end.run.finished = true;
    assert_ok(cf_run_record(T.store, &fence, ids[1], 1, &end, &done, &err), &err);
}

static void runs_come_in_pages(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_list list = { 0 };
    char ids[3][CF_UUID_TEXT];
    make_three("pages", ids);
    struct cf_run_filter f = { .plan = "pages" };
    assert_ok(cf_run_list_page(T.store, &f, 2, &list, &err), &err);
    assert_int_equal(list.n, 2);
    assert_true(list.more);
    assert_string_equal(list.rows[0].id, ids[2]);
    f.after = list.rows[1].id;
    struct cf_run_list rest = { 0 };
    assert_ok(cf_run_list_page(T.store, &f, 2, &rest, &err), &err);
    assert_int_equal(rest.n, 1);
    assert_string_equal(rest.rows[0].id, ids[0]);
    cf_run_list_free(&rest);
    cf_run_list_free(&list);
}

static void runs_are_filtered(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_list list = { 0 };
    char ids[3][CF_UUID_TEXT];
    make_three("filters", ids);
    const char *states[] = { "completed", "weird \"state\", \\x{}", NULL };
    struct cf_run_filter f = { .plan = "filters", .states = states };
    assert_ok(cf_run_list_page(T.store, &f, 9, &list, &err), &err);
    assert_int_equal(list.n, 1);
    cf_run_list_free(&list);
    f = (struct cf_run_filter){ .plan = "filters",
                                .active = true,
                                .cluster = "dc2",
                                .label_key = "team",
                                .label_value = "web" };
    assert_ok(cf_run_list_page(T.store, &f, 9, &list, &err), &err);
    assert_int_equal(list.n, 2);
    cf_run_list_free(&list);
    f.label_value = "x";
    assert_ok(cf_run_list_page(T.store, &f, 9, &list, &err), &err);
    assert_int_equal(list.n, 0);
    cf_run_list_free(&list);
    f = (struct cf_run_filter){ .plan = "filters", .source = "dc2" };
    assert_ok(cf_run_list_page(T.store, &f, 9, &list, &err), &err);
    assert_int_equal(list.n, 0);
    cf_run_list_free(&list);
}

static void heads_are_the_open_runs_of_a_shard(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char ids[3][CF_UUID_TEXT];
    make_three("heads", ids);
    struct cf_run_head *heads = NULL;
    size_t n = 0;
    int shard = cf_shard_of(ids[0]);
    assert_ok(cf_run_heads(T.store, &shard, 1, &heads, &n, &err), &err);
    bool seen = false;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(heads[i].shard, shard);
        assert_string_not_equal(heads[i].id, ids[1]);
        seen |= strcmp(heads[i].id, ids[0]) == 0 && heads[i].rev == 1 && heads[i].wake_in_ms <= 0;
    }
    assert_true(seen);
    free(heads);
}

static void limits_are_errors(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_UUID_TEXT];
    int number;
    struct cf_run_new run = { .plan = "x", .n_steps = CF_RUN_STEPS_MAX + 1 };
    assert_fails(cf_run_create(T.store, &run, NULL, id, &number, &err), &err, CF_ERR_LIMIT,
                 "steps");
    run = (struct cf_run_new){ .plan = "x", .n_events = CF_EVENTS_PER_RECORD };
    assert_fails(cf_run_create(T.store, &run, NULL, id, &number, &err), &err, CF_ERR_LIMIT,
                 "events");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_numbered_and_found),
        cmocka_unit_test(a_run_is_loaded_whole),
        cmocka_unit_test(claims_name_their_holder),
        cmocka_unit_test(one_of_many_gets_the_claims),
        cmocka_unit_test(a_repeated_request_starts_one_run),
        cmocka_unit_test(runs_come_in_pages),
        cmocka_unit_test(runs_are_filtered),
        cmocka_unit_test(heads_are_the_open_runs_of_a_shard),
        cmocka_unit_test(limits_are_errors),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
