/* SPDX-License-Identifier: Apache-2.0 */
/* Proves of the record: a stale epoch writes nothing; a stale rev writes nothing; an action makes
 * the owner look again; all parts are written together or not at all; events of a run have no gap,
 * whoever tries at once; a finished run is closed. */
#include "tests/unit/store/store_test.h"

#include <pthread.h>
#include <stdatomic.h>

static void a_stale_epoch_writes_nothing(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    make_run("fence", id);
    struct cf_fence fence = fence_of(id);
    struct cf_fence old = fence, other = fence, elsewhere = fence;
    old.epoch--;
    memcpy(other.owner, OTHER, sizeof other.owner);
    elsewhere.shard = (fence.shard + 1) % CF_SHARDS;
    const struct cf_fence *wrong[] = { &old, &other, &elsewhere };
    for (size_t i = 0; i < 3; i++) {
        assert_ok(record_event(T.store, wrong[i], id, 1, "wrong", &done, &err), &err);
        assert_int_equal(done.outcome, CF_RECORD_FENCED);
    }
    assert_ok(record_event(T.store, &fence, id, 7, "stale", &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORD_STALE);
    assert_ok(record_event(T.store, &fence, OTHER, 1, "nobody", &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORD_STALE);
    assert_sql("SELECT count(*) FROM event WHERE kind IN ('wrong', 'stale', 'nobody')", "0");
    assert_ok(record_event(T.store, &fence, id, 1, "right", &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORDED);
    assert_int_equal(done.rev, 2);
    assert_int_equal(done.seq, 2);
    assert_true(done.last_event > 0);
}

static void a_claimed_shard_fences_its_old_owner(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    make_run("takeover", id);
    struct cf_fence fence = fence_of(id);
    char text[200];
    snprintf(text, sizeof text,
             "UPDATE shard SET lease_until = now() - interval '1 s' WHERE id = %d", fence.shard);
    free(sql(text));
    /* The lease has run out, but nobody else has come: still safe. */
    assert_ok(record_event(T.store, &fence, id, 1, "late", &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORDED);
    struct cf_shard_row taken[CF_SHARDS];
    int n = 0;
    assert_ok(cf_shards_claim(T.store, OTHER, 600000, 1, false, taken, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(taken[0].shard, fence.shard);
    assert_true(taken[0].epoch > fence.epoch);
    assert_ok(record_event(T.store, &fence, id, done.rev, "zombie", &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORD_FENCED);
    /* Given back to the tests' owner. */
    assert_ok(cf_shards_release(T.store, OTHER, taken, 1, &err), &err);
    assert_ok(cf_shards_claim(T.store, OWNER, 600000, 1, false, taken, &n, &err), &err);
    assert_int_equal(n, 1);
    for (int i = 0; i < CF_SHARDS; i++)
        if (T.shards[i].shard == taken[0].shard)
            T.shards[i] = taken[0];
}

static char slow_run[CF_UUID_TEXT];
static struct cf_run_recorded slow_done;

static void *slow_writer(void *arg)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fence fence = fence_of(slow_run);
    (void)arg;
    if (!record_event(T.store, &fence, slow_run, 1, "slow.record", &slow_done, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return NULL;
}

/* While a record is under way its shard cannot change hands: whoever claims it afterwards sees the
 * record. */
static void a_record_under_way_keeps_its_shard(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_shard_row taken[CF_SHARDS];
    pthread_t thread;
    char text[200];
    int n = -1;
    make_run("slow", slow_run);
    int shard = cf_shard_of(slow_run);
    free(sql(
        "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1);"
        " RETURN NEW; END $$; CREATE TRIGGER nap BEFORE INSERT ON event FOR EACH ROW"
        " WHEN (NEW.kind = 'slow.record') EXECUTE FUNCTION nap()"));
    snprintf(text, sizeof text,
             "UPDATE shard SET lease_until = now() - interval '1 s' WHERE id = %d", shard);
    free(sql(text));
    assert_int_equal(pthread_create(&thread, NULL, slow_writer, NULL), 0);
    usleep(300 * 1000);
    assert_ok(cf_shards_claim(T.store, OTHER, 600000, 1, false, taken, &n, &err), &err);
    assert_int_equal(n, 0);
    pthread_join(thread, NULL);
    assert_int_equal(slow_done.outcome, CF_RECORDED);
    free(sql("DROP TRIGGER nap ON event; DROP FUNCTION nap()"));
    assert_ok(cf_shards_claim(T.store, OWNER, 600000, 1, false, taken, &n, &err), &err);
    assert_int_equal(n, 1);
    for (int i = 0; i < CF_SHARDS; i++)
        if (T.shards[i].shard == taken[0].shard)
            T.shards[i] = taken[0];
}

/* Two of a thousand change: two rows are written, and the order of arrival stays. */
static void copies_are_rows(void **state)
{
    (void)state;
    enum { COPIES = 1000 };
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    make_run("copies", id);
    struct cf_fence fence = fence_of(id);
    struct cf_event_new event = { .kind = "copied", .step = -1 };
    struct cf_run_change change = { .run = CF_RUN_UPDATE_INIT, .events = &event, .n_events = 1 };
    cf_autojson json_t *all = json_array(), *some = NULL, *copies = NULL;
    for (int i = 0; i < COPIES; i++) {
        cf_autofree char *key = cf_xasprintf("core/Secret/web/%d", COPIES - i);
        json_array_append_new(
            all, json_pack("{s:s,s:{s:s,s:s}}", "key", key, "entry", "key", key, "digest", "1"));
    }
    change.copies = all;
    assert_ok(cf_run_record(T.store, &fence, id, 1, &change, &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORDED);
    some = json_pack("[{s:s,s:{s:s,s:s}},{s:s}]", "key", "core/Secret/web/1000", "entry", "key",
                     "core/Secret/web/1000", "digest", "2", "key", "core/Secret/web/999");
    change.copies = some;
    struct cf_fence old = fence;
    old.epoch--;
    assert_ok(cf_run_record(T.store, &old, id, done.rev, &change, &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORD_FENCED);
    assert_ok(cf_run_copies(T.store, id, &copies, &err), &err);
    assert_int_equal(json_array_size(copies), COPIES);
    json_decref(copies);
    assert_ok(cf_run_record(T.store, &fence, id, 2, &change, &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORDED);
    assert_ok(cf_run_copies(T.store, id, &copies, &err), &err);
    assert_int_equal(json_array_size(copies), COPIES - 1);
    const json_t *first = json_array_get(copies, 0), *second = json_array_get(copies, 1);
    assert_string_equal(cf_json_str(first, "", "key", NULL), "core/Secret/web/1000");
    assert_string_equal(cf_json_str(first, "", "digest", NULL), "2");
    assert_string_equal(cf_json_str(second, "", "key", NULL), "core/Secret/web/998");
}

/* Something of everything: two steps, a router, the run itself, two events. */
static void record_all_parts(const struct cf_fence *fence, const char *id, json_t *doc,
                             struct cf_run_recorded *done)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_step_update steps[] = { CF_STEP_UPDATE(0), CF_STEP_UPDATE(1) };
    steps[0].state = "done";
    steps[0].finished = true;
    steps[1].state = "intent";
    steps[1].attempt = 1;
    steps[1].intent = doc;
    steps[1].progress = doc;
    steps[1].started = true;
    struct cf_router_update router = CF_ROUTER_UPDATE(1);
    router.arm = "arm1";
    router.seq = "seq1";
    router.epoch = fence->epoch;
    router.weight = 0;
    router.want = 25;
    router.in_sync = 1;
    router.baseline = doc;
    router.written = true;
    struct cf_event_new events[] = { { "run.step.done", 0, NULL, NULL },
                                     { "run.weight.intent", 1, "alice", doc } };
    struct cf_run_change change = { .run = CF_RUN_UPDATE_INIT,
                                    .steps = steps,
                                    .n_steps = 2,
                                    .routers = &router,
                                    .n_routers = 1,
                                    .events = events,
                                    .n_events = 2 };
    change.run.phase = "Shifting";
    change.run.step = 1;
    change.run.weight_desired = 25;
    change.run.weight_observed = 12.5;
    change.run.hold = doc;
    change.run.wake_in_ms = 5000;
    change.run.memo = doc;
    assert_ok(cf_run_record(T.store, fence, id, 1, &change, done, &err), &err);
    assert_int_equal(done->outcome, CF_RECORDED);
}

static json_t *awkward_doc(void)
{
    return json_pack("{s:s, s:n}", "text", "ü \"quoted\" \\ back", "none");
}

static void everything_is_written_together(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    make_run("together", id);
    struct cf_fence fence = fence_of(id);
    json_t *doc = awkward_doc();
    record_all_parts(&fence, id, doc, &done);
    assert_int_equal(done.seq, 3);

    CF_CLEANUP(cf_run_free) struct cf_run run = { 0 };
    assert_ok(cf_run_load(T.store, id, &run, &err), &err);
    assert_int_equal(run.row.rev, 2);
    assert_int_equal(run.row.last_event, done.last_event);
    assert_string_equal(run.row.phase, "Shifting");
    assert_string_equal(run.row.state, "active");
    assert_int_equal(run.row.weight_desired, 25);
    assert_int_equal(run.row.weight_applied, CF_NONE);
    assert_true(run.row.weight_observed == 12.5);
    assert_true(json_equal(run.row.hold, doc));
    assert_true(json_equal(run.row.memo, doc));
    assert_in_range(run.row.wake_in_ms, 3000, 5000);
    assert_string_equal(run.steps[0].state, "done");
    assert_true(run.steps[0].finished_ms > 0);
    assert_true(json_equal(run.steps[1].intent, doc));
    assert_int_equal(run.steps[1].attempt, 1);
    assert_string_equal(run.steps[2].state, "planned");
    assert_string_equal(run.routers[1].seq, "seq1");
    assert_int_equal(run.routers[1].want, 25);
    assert_true(run.routers[1].in_sync && run.routers[1].written_ms > 0);
    assert_string_equal(run.routers[0].seq, "");
    assert_int_equal(run.routers[0].weight, CF_NONE);
    json_decref(doc);
}

static void what_is_not_named_stays_and_null_clears(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    make_run("clears", id);
    struct cf_fence fence = fence_of(id);
    json_t *doc = awkward_doc();
    record_all_parts(&fence, id, doc, &done);
    struct cf_step_update step = CF_STEP_UPDATE(1);
    step.intent = json_null();
    struct cf_router_update router = CF_ROUTER_UPDATE(1);
    router.baseline = json_null();
    struct cf_event_new event = { .kind = "cleared", .step = 1 };
    struct cf_run_change change = { .run = CF_RUN_UPDATE_INIT,
                                    .steps = &step,
                                    .n_steps = 1,
                                    .routers = &router,
                                    .n_routers = 1,
                                    .events = &event,
                                    .n_events = 1 };
    change.run.clear_hold = true;
    change.run.weight_desired = CF_NONE;
    change.run.wake_in_ms = CF_WAKE_NONE;
    assert_ok(cf_run_record(T.store, &fence, id, done.rev, &change, &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORDED);

    CF_CLEANUP(cf_run_free) struct cf_run run = { 0 };
    assert_ok(cf_run_load(T.store, id, &run, &err), &err);
    assert_null(run.row.hold);
    assert_int_equal(run.row.weight_desired, CF_NONE);
    assert_true(run.row.wake_in_ms == CF_WAKE_NONE);
    assert_true(json_equal(run.row.memo, doc));
    assert_null(run.steps[1].intent);
    assert_true(json_equal(run.steps[1].progress, doc));
    assert_null(run.routers[1].baseline);
    assert_string_equal(run.routers[1].arm, "arm1");
    json_decref(doc);
}

static void a_part_that_is_not_there_refuses_all(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    make_run("refuse", id);
    struct cf_fence fence = fence_of(id);
    struct cf_event_new event = { .kind = "refused", .step = -1 };
    struct cf_step_update step = CF_STEP_UPDATE(9);
    struct cf_run_change change = {
        .run = CF_RUN_UPDATE_INIT, .steps = &step, .n_steps = 1, .events = &event, .n_events = 1
    };
    assert_fails(cf_run_record(T.store, &fence, id, 1, &change, &done, &err), &err, CF_ERR_BUG,
                 "step");
    struct cf_router_update router = CF_ROUTER_UPDATE(9);
    change.n_steps = 0;
    change.routers = &router;
    change.n_routers = 1;
    assert_fails(cf_run_record(T.store, &fence, id, 1, &change, &done, &err), &err, CF_ERR_BUG,
                 "router");
    struct cf_action_answer answer = { .id = 999999, .state = CF_ACTION_DONE };
    change.n_routers = 0;
    change.answers = &answer;
    change.n_answers = 1;
    assert_fails(cf_run_record(T.store, &fence, id, 1, &change, &done, &err), &err, CF_ERR_BUG,
                 "action");
    /* A stale record with such parts is stale, not broken. */
    assert_ok(cf_run_record(T.store, &fence, id, 5, &change, &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORD_STALE);
    assert_sql("SELECT count(*) FROM event WHERE kind = 'refused'", "0");
    char text[128];
    snprintf(text, sizeof text, "SELECT rev FROM run WHERE id = '%s'", id);
    assert_sql(text, "1");
    /* Too large for an event. */
    char *large = calloc(1, CF_EVENT_BODY_MAX + 1);
    memset(large, 'x', CF_EVENT_BODY_MAX);
    json_t *body = json_pack("{s:s}", "x", large);
    event.body = body;
    change.n_answers = 0;
    assert_fails(cf_run_record(T.store, &fence, id, 1, &change, &done, &err), &err, CF_ERR_LIMIT,
                 "events");
    json_decref(body);
    free(large);
}

/* Asks for something; returns the action's number. */
static int64_t ask(const char *run, const char *what, const json_t *expect)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t id = 0;
    struct cf_action_new action = {
        .run_id = run, .action = what, .reason = "lunch", .principal = "alice", .expect = expect
    };
    assert_ok(cf_action_add(T.store, &action, NULL, &id, &err), &err);
    return id;
}

static void assert_action(int64_t id, const char *in_state, const char *message)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_action_row row = { 0 };
    assert_ok(cf_action_get(T.store, id, &row, &err), &err);
    assert_string_equal(row.state, in_state);
    if (message)
        assert_string_equal(row.message, message);
    cf_action_row_free(&row);
}

static void an_action_makes_the_owner_look_again(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    make_run("actions", id);
    struct cf_fence fence = fence_of(id);
    json_t *expect = json_pack("{s:s}", "phase", "Shifting");
    int64_t pause = ask(id, "pause", expect);
    assert_true(ask(id, "rollback", NULL) > pause);
    assert_ok(record_event(T.store, &fence, id, 1, "blind", &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORD_STALE);

    struct cf_run run = { 0 };
    assert_ok(cf_run_load(T.store, id, &run, &err), &err);
    assert_int_equal(run.n_actions, 2);
    assert_string_equal(run.actions[0].action, "pause");
    assert_string_equal(run.actions[0].run_name, "actions/1");
    assert_true(json_equal(run.actions[0].expect, expect));
    struct cf_action_answer answer = { .id = pause, .state = CF_ACTION_DONE, .message = "paused" };
    struct cf_event_new event = { .kind = "run.paused", .step = -1, .actor = "alice" };
    struct cf_run_change change = { .run = CF_RUN_UPDATE_INIT,
                                    .answers = &answer,
                                    .n_answers = 1,
                                    .events = &event,
                                    .n_events = 1 };
    assert_ok(cf_run_record(T.store, &fence, id, run.row.rev, &change, &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORDED);
    cf_run_free(&run);
    assert_action(pause, CF_ACTION_DONE, "paused");
    json_decref(expect);
}

static void the_end_refuses_open_actions_and_later_ones(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    make_run("ended", id);
    struct cf_fence fence = fence_of(id);
    int64_t pause = ask(id, "pause", NULL), rollback = ask(id, "rollback", NULL), none;
    struct cf_run run = { 0 };
    assert_ok(cf_run_load(T.store, id, &run, &err), &err);
    struct cf_event_new event = { .kind = "run.finished", .step = -1, .actor = "alice" };
    struct cf_run_change change = { .run = CF_RUN_UPDATE_INIT, .events = &event, .n_events = 1 };
    change.run.state = "rolled-back";
    change.run.finished = true;
    assert_ok(cf_run_record(T.store, &fence, id, run.row.rev, &change, &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORDED);
    cf_run_free(&run);
    assert_action(pause, CF_ACTION_REFUSED, NULL);
    assert_action(rollback, CF_ACTION_REFUSED, NULL);
    assert_ok(record_event(T.store, &fence, id, done.rev, "after", &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORD_STALE);
    struct cf_action_new action = { .run_id = id, .action = "pause", .principal = "alice" };
    assert_false(cf_action_add(T.store, &action, NULL, &none, &err));
    assert_string_equal(err.reason, CF_STORE_RUN_ENDED);
    assert_non_null(strstr(err.message, "ended/1 has ended: rolled-back"));
    cf_error_clear(&err);
    action.run_id = OTHER;
    assert_fails(cf_action_add(T.store, &action, NULL, &none, &err), &err, CF_ERR_NOT_FOUND,
                 "no run");
    struct cf_action_list list = { 0 };
    assert_ok(cf_action_list_page(T.store, id, 0, 1, &list, &err), &err);
    assert_int_equal(list.n, 1);
    assert_true(list.more && list.rows[0].id == rollback);
    cf_action_list_free(&list);
}

enum { WRITERS = 8, ROUNDS = 40 };
static char shared_run[CF_UUID_TEXT];
static atomic_int written, stale;

/* Each thread records until it has won ROUNDS times, reading the run's rev anew after each loss. */
static void *writer(void *arg)
{
    (void)arg;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fence fence = fence_of(shared_run);
    for (int won = 0; won < ROUNDS;) {
        struct cf_run_row row = { 0 };
        struct cf_run_recorded done;
        struct cf_event_new events[2] = { { "round", -1, NULL, NULL },
                                          { "round", -1, NULL, NULL } };
        struct cf_run_change change = { .run = CF_RUN_UPDATE_INIT,
                                        .events = events,
                                        .n_events = 1 + (won & 1) };
        if (!cf_run_get(T.store, shared_run, &row, &err) ||
            !cf_run_record(T.store, &fence, shared_run, row.rev, &change, &done, &err)) {
            fprintf(stderr, "%s\n", err.message);
            abort();
        }
        cf_run_row_free(&row);
        if (done.outcome == CF_RECORDED) {
            atomic_fetch_add(&written, 1 + (won & 1));
            won++;
        } else {
            atomic_fetch_add(&stale, 1);
        }
    }
    return NULL;
}

static void events_have_no_gap_under_eight_writers(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    make_run("gapfree", shared_run);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, writer, NULL), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    char text[400], want[64];
    int total = atomic_load(&written) + 1;
    assert_true(atomic_load(&stale) > 0); /* they really met */
    snprintf(
        text, sizeof text,
        "SELECT count(*) || ' ' || min(seq) || ' ' || max(seq) || ' ' || bool_and(id > before) FROM"
        " (SELECT seq, id, lag(id, 1, 0::bigint) OVER (ORDER BY seq) AS before FROM event WHERE "
        "run_id = '%s') x",
        shared_run);
    snprintf(want, sizeof want, "%d 1 %d true", total, total);
    assert_sql(text, want);
    snprintf(text, sizeof text,
             "SELECT (seq = %d)::text || (rev = %d)::text FROM run WHERE id = '%s'", total,
             WRITERS * ROUNDS + 1, shared_run);
    assert_sql(text, "truetrue");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stale_epoch_writes_nothing),
        cmocka_unit_test(a_claimed_shard_fences_its_old_owner),
        cmocka_unit_test(a_record_under_way_keeps_its_shard),
        cmocka_unit_test(everything_is_written_together),
        cmocka_unit_test(what_is_not_named_stays_and_null_clears),
        cmocka_unit_test(a_part_that_is_not_there_refuses_all),
        cmocka_unit_test(an_action_makes_the_owner_look_again),
        cmocka_unit_test(the_end_refuses_open_actions_and_later_ones),
        cmocka_unit_test(events_have_no_gap_under_eight_writers),
        cmocka_unit_test(copies_are_rows),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
