/* SPDX-License-Identifier: Apache-2.0 */
/* Proves of the event stream: a reader misses nothing, repeats nothing and sees one order, while
 * writers commit late and out of order; a filtered stream moves on; ids that have been pruned, or
 * never existed, ask for a resync; active runs keep their events. */
#include "tests/unit/store/store_test.h"

#include <pthread.h>
#include <stdatomic.h>

/* A transaction that writes an event first and commits when it is told to. */
static PGconn *open_writer(const char *kind)
{
    PGconn *pg = PQconnectdb(T.conninfo);
    char text[400];
    snprintf(
        text, sizeof text,
        "SET search_path = crossfade; BEGIN; INSERT INTO event (id, subject, kind, body) SELECT"
        " (pg_current_xact_id()::text::bigint + event_base) * 4096, 'test', '%s', '{}' FROM meta",
        kind);
    PGresult *res = PQexec(pg, text);
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    return pg;
}

static void commit_writer(PGconn *pg)
{
    PGresult *res = PQexec(pg, "COMMIT");
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    PQfinish(pg);
}

static void a_late_commit_is_not_overtaken(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_event_list list = { 0 };
    struct cf_event_filter mine = { .kind_prefix = "late." };
    int64_t start = 0;
    assert_ok(cf_events_horizon(T.store, &start, &err), &err);
    PGconn *first = open_writer("late.first");
    assert_ok(cf_event_append(T.store, "late.second", "test", "alice", NULL, &err), &err);
    /* The second is committed, but the first may still come before it. */
    assert_ok(cf_events_after(T.store, start, &mine, 10, &list, &err), &err);
    assert_int_equal(list.n, 0);
    int64_t next = list.next;
    cf_event_list_free(&list);
    /* A report does not wait. */
    assert_ok(cf_events_last(T.store, &mine, 10, &list, &err), &err);
    assert_int_equal(list.n, 1);
    cf_event_list_free(&list);
    commit_writer(first);
    assert_ok(cf_events_after(T.store, next, &mine, 10, &list, &err), &err);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.rows[0].kind, "late.first");
    assert_string_equal(list.rows[1].kind, "late.second");
    assert_string_equal(list.rows[1].actor, "alice");
    assert_string_equal(list.rows[1].subject, "test");
    assert_true(json_is_object(list.rows[1].body) && list.rows[1].seq == 0 &&
                list.rows[1].run_id[0] == '\0');
    cf_event_list_free(&list);
}

enum { WRITERS = 6, EACH = 60 };
static atomic_int running;

/* Every transaction holds its id for a while before it commits; the first of each three is rolled
 * back. */
static void *slow_writer(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    PGconn *pg = PQconnectdb(T.conninfo);
    PQclear(PQexec(pg, "SET search_path = crossfade"));
    for (int i = 0; i < EACH; i++) {
        char text[500];
        snprintf(text, sizeof text,
                 "BEGIN; INSERT INTO event (id, subject, kind, body) SELECT "
                 "(pg_current_xact_id()::text::bigint +"
                 " event_base) * 4096 + n, 'test', 'slow.%u', '{}' FROM meta, generate_series(0, "
                 "1) n; SELECT"
                 " pg_sleep(%f); %s",
                 seed, (double)(rand_r(&seed) % 10) / 1000, i % 3 == 0 ? "ROLLBACK" : "COMMIT");
        PGresult *res = PQexec(pg, text);
        if (PQresultStatus(res) != PGRES_COMMAND_OK)
            fprintf(stderr, "writer %u: %s", seed, PQerrorMessage(pg));
        PQclear(res);
    }
    PQfinish(pg);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* An empty page does not tell that all was read: any transaction of the server, another database's
 * too, holds the horizon back. An event that is appended after all others does. */
static void readers_miss_nothing_under_late_commits(void **state)
{
    (void)state;
    PGconn *holder = NULL;
    struct cf_error err = CF_ERROR_INIT;
    pthread_t threads[WRITERS];
    struct cf_event_filter mine = { .kind_prefix = "slow." };
    int64_t after = 0, last = 0;
    size_t seen = 0;
    assert_ok(cf_events_horizon(T.store, &after, &err), &err);
    atomic_store(&running, WRITERS);
    for (uintptr_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, slow_writer, (void *)(i + 1)), 0);
    for (bool held = false, ended = false, all = false; !all;) {
        struct cf_event_list list = { 0 };
        assert_ok(cf_events_after(T.store, after, &mine, 7, &list, &err), &err);
        assert_false(list.resync);
        for (size_t i = 0; i < list.n; i++) {
            assert_true(list.rows[i].id > last);
            last = list.rows[i].id;
            all = strcmp(list.rows[i].kind, "slow.end") == 0;
        }
        assert_true(list.next >= after && list.next >= last);
        seen += list.n;
        after = list.next;
        bool empty = list.n == 0;
        cf_event_list_free(&list);
        if (!held && atomic_load(&running) < WRITERS) {
            holder = open_writer("other.holder");
            held = true;
        }
        if (holder && ended && empty) {
            commit_writer(holder);
            holder = NULL;
        }
        if (!ended && atomic_load(&running) == 0) {
            ended = true;
            assert_ok(cf_event_append(T.store, "slow.end", "test", "alice", NULL, &err), &err);
        }
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    assert_sql("SELECT count(*) FROM event WHERE kind LIKE 'slow.%'", "481");
    assert_int_equal(seen, WRITERS * EACH / 3 * 2 * 2 + 1);
}

static void filters_and_pages(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    struct cf_event_list list = { 0 };
    char id[CF_UUID_TEXT];
    make_run("filtered", id);
    struct cf_fence fence = fence_of(id);
    assert_ok(record_event(T.store, &fence, id, 1, "run.one", &done, &err), &err);
    assert_ok(record_event(T.store, &fence, id, 2, "run.two", &done, &err), &err);
    struct cf_event_filter of_run = { .run_id = id };
    assert_ok(cf_events_after(T.store, 0, &of_run, 2, &list, &err), &err);
    assert_int_equal(list.n, 2);
    assert_true(list.more);
    assert_string_equal(list.rows[0].kind, "run.created");
    assert_string_equal(list.rows[0].run_name, "filtered/1");
    assert_string_equal(list.rows[0].subject, "run/filtered/1");
    assert_int_equal(list.rows[1].seq, 2);
    assert_int_equal(list.rows[1].epoch, fence.epoch);
    int64_t next = list.next;
    cf_event_list_free(&list);
    assert_ok(cf_events_after(T.store, next, &of_run, 2, &list, &err), &err);
    assert_int_equal(list.n, 1);
    assert_false(list.more);
    assert_int_equal(list.rows[0].id, done.last_event);
    cf_event_list_free(&list);
    struct cf_event_filter of_plan = { .subject = "plan/filtered" };
    assert_ok(cf_events_after(T.store, 0, &of_plan, 9, &list, &err), &err);
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].kind, "plan.applied");
    cf_event_list_free(&list);
    /* GET the run, then stream after its last event: nothing old, everything new. */
    struct cf_run_row row = { 0 };
    assert_ok(cf_run_get(T.store, id, &row, &err), &err);
    assert_ok(record_event(T.store, &fence, id, 3, "run.three", &done, &err), &err);
    assert_ok(cf_events_after(T.store, row.last_event, &of_run, 9, &list, &err), &err);
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].kind, "run.three");
    cf_event_list_free(&list);
    cf_run_row_free(&row);
}

static void what_was_pruned_asks_for_a_resync(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_event_list list = { 0 };
    char id[CF_UUID_TEXT];
    int64_t pruned = 0;
    make_run("kept", id);
    assert_ok(cf_event_append(T.store, "old.one", "test", NULL, NULL, &err), &err);
    struct cf_event_filter old = { .kind_prefix = "old." };
    assert_ok(cf_events_last(T.store, &old, 1, &list, &err), &err);
    int64_t before = list.rows[0].id - 1;
    int64_t one = list.rows[0].id;
    cf_event_list_free(&list);
    free(sql("UPDATE event SET at = now() - interval '10 days'; UPDATE idempotency SET at = now() "
             "- interval '2 days'"));
    assert_ok(cf_event_append(T.store, "old.two", "test", NULL, NULL, &err), &err);
    assert_ok(cf_store_prune(T.store, 24 * 3600 * 1000, 100000, &pruned, &err), &err);
    assert_true(pruned > 0);
    assert_ok(cf_events_after(T.store, before, &old, 9, &list, &err), &err);
    assert_true(list.resync);
    assert_int_equal(list.n, 0);
    int64_t next = list.next;
    cf_event_list_free(&list);
    assert_ok(cf_events_after(T.store, next, NULL, 9, &list, &err), &err);
    assert_false(list.resync);
    cf_event_list_free(&list);
    assert_ok(cf_events_after(T.store, one, &old, 9, &list, &err), &err);
    assert_false(list.resync);
    assert_int_equal(list.n, 1);
    cf_event_list_free(&list);
    assert_ok(cf_events_after(T.store, 0, &old, 9, &list, &err), &err);
    assert_false(list.resync);
    cf_event_list_free(&list);
    /* An id of another database's future. */
    assert_ok(cf_events_after(T.store, INT64_C(1) << 52, NULL, 9, &list, &err), &err);
    assert_true(list.resync);
    cf_event_list_free(&list);
    char text[128];
    snprintf(text, sizeof text, "SELECT count(*) FROM event WHERE run_id = '%s'", id);
    assert_sql(text, "1");
}

static void ids_are_decimal_text(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char text[CF_EVENT_ID_TEXT];
    int64_t id = 0;
    assert_string_equal(cf_event_id_text(4096, text), "4096");
    assert_ok(cf_event_id_parse("9007199254740992", &id, &err), &err);
    assert_true(id == INT64_C(9007199254740992));
    const char *bad[] = {
        "", "-1", "+1", " 1", "1 ", "x", "9007199254740993", "99999999999999999999", "1-2", NULL
    };
    for (size_t i = 0; bad[i]; i++)
        assert_fails(cf_event_id_parse(bad[i], &id, &err), &err, CF_ERR_INVALID, "event id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_commit_is_not_overtaken),
        cmocka_unit_test(readers_miss_nothing_under_late_commits),
        cmocka_unit_test(filters_and_pages),
        cmocka_unit_test(what_was_pruned_asks_for_a_resync),
        cmocka_unit_test(ids_are_decimal_text),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
