/* SPDX-License-Identifier: Apache-2.0 */
/* Proves, against a server that is stopped, crashed, killed off and stalled under us: errors are
 * the ones that callers may act on, a write that may have happened is UNKNOWN and one that cannot
 * have happened is not, and everything works again by itself. */
#include "tests/unit/store/store_test.h"

#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "base/thread.h"

static struct cf_test_pg *server;

static int setup(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report;
    server = cf_test_pg_start();
    T.conninfo = cf_test_pg_new_database(server);
    T.store = open_store(T.conninfo, NULL);
    assert_ok(cf_store_migrate(T.store, &report, &err), &err);
    int n;
    assert_ok(cf_shards_claim(T.store, OWNER, 600000, CF_SHARDS, false, T.shards, &n, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cf_store_close(T.store);
    free(T.conninfo);
    cf_test_pg_free(server);
    return 0;
}

static void wait_until_ready(void)
{
    struct cf_error err = CF_ERROR_INIT;
    for (int i = 0; i < 100; i++) {
        cf_error_clear(&err);
        if (cf_store_ready(T.store, &err))
            return;
        assert_true(cf_error_is_retryable(&err));
        cf_sleep_ms(&cf_clock_real, 100);
    }
    fail_msg("not ready again: %s", err.message);
}

static void a_restart_between_calls_is_not_noticed(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    make_run("restart", id);
    struct cf_fence fence = fence_of(id);
    const enum cf_test_pg_stop how[] = { CF_TEST_PG_FAST, CF_TEST_PG_CRASH };
    int64_t rev = 1;
    for (int i = 0; i < 2; i++) {
        cf_test_pg_stop(server, how[i]);
        cf_test_pg_continue(server);
        assert_ok(record_event(T.store, &fence, id, rev, "after", &done, &err), &err);
        assert_int_equal(done.outcome, CF_RECORDED);
        rev = done.rev;
    }
}

static void an_absent_server_is_unavailable_at_once(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    struct cf_store_stats stats;
    char id[CF_UUID_TEXT];
    make_run("absent", id);
    struct cf_fence fence = fence_of(id);
    cf_test_pg_stop(server, CF_TEST_PG_FAST);
    int64_t start = cf_mono_now_ms();
    for (int i = 0; i < 10; i++) {
        /* Nothing was sent, so nothing is unknown. */
        assert_false(record_event(T.store, &fence, id, 1, "lost", &done, &err));
        assert_int_equal(err.kind, CF_ERR_UNAVAILABLE);
        assert_non_null(strstr(err.message, "PostgreSQL"));
        cf_error_clear(&err);
    }
    assert_true(cf_mono_now_ms() - start < 2000);
    cf_store_stats(T.store, &stats);
    assert_true(stats.failures > 0 && stats.waiting == 0);
    cf_test_pg_continue(server);
    wait_until_ready();
    assert_ok(record_event(T.store, &fence, id, 1, "back", &done, &err), &err);
    assert_int_equal(done.outcome, CF_RECORDED);
}

/* A commit that takes long: a trigger at its end sleeps. */
static void slow_commits(bool on)
{
    free(
        sql(on ? "CREATE OR REPLACE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS"
                 " $$ BEGIN PERFORM pg_sleep(3); RETURN NULL; END $$;"
                 "CREATE CONSTRAINT TRIGGER nap AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED"
                 " FOR EACH ROW WHEN (NEW.kind LIKE 'slow%' OR NEW.kind = 'plan.applied') EXECUTE "
                 "FUNCTION nap()"
               : "DROP TRIGGER nap ON event"));
}

static void *terminator(void *arg)
{
    (void)arg;
    cf_sleep_ms(&cf_clock_real, 500);
    PGconn *pg = PQconnectdb(T.conninfo);
    PQclear(PQexec(pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                       "application_name = 'crossfade'"
                       " AND datname = current_database()"));
    PQfinish(pg);
    return NULL;
}

static void *crasher(void *arg)
{
    (void)arg;
    cf_sleep_ms(&cf_clock_real, 500);
    cf_test_pg_stop(server, CF_TEST_PG_CRASH);
    return NULL;
}

static bool apply_slowly(const char *name, struct cf_error *err)
{
    json_t *doc = json_object();
    struct cf_plan_new plan = { .name = name,
                                .text = "",
                                .media_type = "application/json",
                                .spec = doc,
                                .effective = doc,
                                .digest = DIGEST_A,
                                .author = "x" };
    enum cf_plan_applied applied;
    int revision;
    bool ok = cf_plan_apply(T.store, &plan, CF_PLAN_ANY, NULL, &applied, &revision, err);
    json_decref(doc);
    return ok;
}

static void a_connection_lost_while_committing_is_unknown(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    pthread_t thread;
    slow_commits(true);
    /* A statement that is its own transaction. */
    assert_int_equal(pthread_create(&thread, NULL, terminator, NULL), 0);
    assert_fails(cf_event_append(T.store, "slow", "x", NULL, NULL, &err), &err, CF_ERR_UNKNOWN,
                 "event_append");
    pthread_join(thread, NULL);
    /* COMMIT of a transaction, ended by the server, then by a crash. */
    assert_int_equal(pthread_create(&thread, NULL, terminator, NULL), 0);
    assert_fails(apply_slowly("unknown-1", &err), &err, CF_ERR_UNKNOWN, "commit");
    pthread_join(thread, NULL);
    assert_int_equal(pthread_create(&thread, NULL, crasher, NULL), 0);
    assert_fails(apply_slowly("unknown-2", &err), &err, CF_ERR_UNKNOWN, "commit");
    pthread_join(thread, NULL);
    cf_test_pg_continue(server);
    wait_until_ready();
    slow_commits(false);
    assert_ok(apply_slowly("unknown-1", &err), &err);
}

static void a_connection_lost_before_the_commit_is_not(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    pthread_t thread;
    free(sql("CREATE FUNCTION nap_now() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "
             "pg_sleep(3); RETURN NEW; END"
             " $$; CREATE TRIGGER nap_now BEFORE INSERT ON plan_revision FOR EACH ROW EXECUTE "
             "FUNCTION nap_now()"));
    assert_int_equal(pthread_create(&thread, NULL, terminator, NULL), 0);
    assert_fails(apply_slowly("certain", &err), &err, CF_ERR_TRANSIENT, "certain");
    pthread_join(thread, NULL);
    free(sql("DROP TRIGGER nap_now ON plan_revision"));
    assert_sql("SELECT count(*) FROM plan WHERE name = 'certain'", "0");
}

static void a_read_is_tried_again(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_plan_list list = { 0 };
    pthread_t thread;
    free(sql("ALTER TABLE plan RENAME TO plan_real; CREATE VIEW plan AS SELECT * FROM plan_real"
             " WHERE pg_sleep(CASE WHEN (SELECT count(*) FROM pg_stat_activity WHERE "
             "application_name = 'crossfade'"
             " AND backend_start > now() - interval '400 ms') > 0 THEN 0 ELSE 2 END) IS NOT NULL"));
    apply_plan("again", DIGEST_A);
    cf_sleep_ms(&cf_clock_real, 500);
    assert_int_equal(pthread_create(&thread, NULL, terminator, NULL), 0);
    assert_ok(cf_plan_list_page(T.store, "", "again", 5, &list, &err), &err);
    pthread_join(thread, NULL);
    assert_int_equal(list.n, 1);
    cf_plan_list_free(&list);
    free(sql("DROP VIEW plan; ALTER TABLE plan_real RENAME TO plan"));
}

static void statements_and_pools_have_their_time(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_store_config config = {
        .conninfo = T.conninfo, .pool_size = 1, .acquire_ms = 300, .statement_ms = 1500
    };
    struct cf_store *small = cf_store_open(&config, &err);
    assert_non_null(small);
    /* Somebody else holds the row that we want. */
    PGconn *pg = PQconnectdb(T.conninfo);
    PQclear(PQexec(pg, "SET search_path = crossfade; BEGIN"));
    PQclear(PQexec(pg, "LOCK TABLE setting"));
    PQclear(PQexec(pg, "LOCK TABLE plan"));
    struct cf_plan_row row = { 0 };
    int64_t start = cf_mono_now_ms();
    assert_false(cf_plan_get(small, "x", 0, &row, &err));
    assert_int_equal(err.kind, CF_ERR_TRANSIENT);
    assert_string_equal(err.reason, "57014");
    cf_error_clear(&err);
    assert_in_range(cf_mono_now_ms() - start, 1400, 3000);
    PQclear(PQexec(pg, "ROLLBACK"));
    PQfinish(pg);
    cf_store_close(small);
}

static struct cf_store *one_connection;

static void *hold_connection(void *arg)
{
    struct cf_error *err = arg;
    cf_error_clear(err);
    struct cf_plan_row row = { 0 };
    if (cf_plan_get(one_connection, "x", 0, &row, err))
        cf_plan_row_free(&row);
    return NULL;
}

static void a_full_pool_says_so(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT, held = CF_ERROR_INIT;
    struct cf_store_config config = {
        .conninfo = T.conninfo, .pool_size = 1, .acquire_ms = 200, .statement_ms = 1500
    };
    one_connection = cf_store_open(&config, &err);
    PGconn *pg = PQconnectdb(T.conninfo);
    PQclear(PQexec(pg, "SET search_path = crossfade; BEGIN"));
    PQclear(PQexec(pg, "LOCK TABLE plan"));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hold_connection, &held), 0);
    cf_sleep_ms(&cf_clock_real, 300);
    int64_t now;
    assert_false(cf_store_now(one_connection, &now, &err));
    assert_int_equal(err.kind, CF_ERR_TRANSIENT);
    assert_string_equal(err.reason, CF_STORE_POOL);
    cf_error_clear(&err);
    /* The lease has a connection of its own. */
    int alive = 0;
    assert_ok(cf_replica_beat(one_connection, OWNER, "a", "1", 1000, &alive, &err), &err);
    pthread_join(thread, NULL);
    assert_int_equal(held.kind, CF_ERR_TRANSIENT);
    assert_ok(cf_store_now(one_connection, &now, &err), &err);
    PQclear(PQexec(pg, "ROLLBACK"));
    PQfinish(pg);
    cf_store_close(one_connection);
}

static void a_stopped_server_is_given_up(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_store_config config = { .conninfo = T.conninfo, .statement_ms = 300 };
    struct cf_store *brief = cf_store_open(&config, &err);
    int64_t now = 0;
    assert_ok(cf_store_now(brief, &now, &err), &err);
    assert_true(now > 1700000000000);
    /* A statement that is lost while it is being prepared would be tried again: nothing has
     * happened. */
    assert_ok(cf_event_append(brief, "first", "x", NULL, NULL, &err), &err);
    char *pid = sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'crossfade' ORDER "
                    "BY backend_start DESC LIMIT 1");
    assert_true(atoi(pid) > 1);
    assert_int_equal(kill(atoi(pid), SIGSTOP), 0);
    int64_t start = cf_mono_now_ms();
    assert_fails(cf_event_append(brief, "stalled", "x", NULL, NULL, &err), &err, CF_ERR_UNKNOWN,
                 "in time");
    assert_in_range(cf_mono_now_ms() - start, 2000, 4000);
    assert_ok(cf_store_now(brief, &now, &err), &err);
    kill(atoi(pid), SIGCONT);
    free(pid);
    cf_store_close(brief);
}

static void wrong_connection_strings_are_refused(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_store_config config = { .conninfo = "host=x nonsense=1" };
    assert_null(cf_store_open(&config, &err));
    assert_int_equal(err.kind, CF_ERR_INVALID);
    cf_error_clear(&err);
    config.conninfo = "host=/nonexistent dbname=x";
    struct cf_store *store = cf_store_open(&config, &err);
    assert_fails(cf_store_ready(store, &err), &err, CF_ERR_UNAVAILABLE, "/nonexistent");
    cf_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_between_calls_is_not_noticed),
        cmocka_unit_test(an_absent_server_is_unavailable_at_once),
        cmocka_unit_test(a_connection_lost_while_committing_is_unknown),
        cmocka_unit_test(a_connection_lost_before_the_commit_is_not),
        cmocka_unit_test(a_read_is_tried_again),
        cmocka_unit_test(statements_and_pools_have_their_time),
        cmocka_unit_test(a_full_pool_says_so),
        cmocka_unit_test(a_stopped_server_is_given_up),
        cmocka_unit_test(wrong_connection_strings_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
