/* SPDX-License-Identifier: Apache-2.0 */
/* Proves: a fresh database is migrated once, also when several programs start at once; a changed or
 * newer schema is refused by name and left alone; a broken file leaves nothing behind; a logical
 * copy elsewhere is another incarnation whose event ids go on growing. */
#include "tests/unit/store/store_test.h"

#include <pthread.h>

static const struct cf_embedded files_1[] = {
    { "001_one.sql", "SET search_path = crossfade; CREATE TABLE one (x int);", 54 },
    { NULL, NULL, 0 },
};
static const struct cf_embedded files_2[] = {
    { "001_one.sql", "SET search_path = crossfade; CREATE TABLE one (x int);", 54 },
    { "002_two.sql", "CREATE TABLE two (x int);", 25 },
    { NULL, NULL, 0 },
};
static const struct cf_embedded files_changed[] = {
    { "001_one.sql", "SET search_path = crossfade; CREATE TABLE one (y int);", 54 },
    { "002_two.sql", "CREATE TABLE two (x int);", 25 },
    { NULL, NULL, 0 },
};
static const struct cf_embedded files_broken[] = {
    { "001_one.sql", "SET search_path = crossfade; CREATE TABLE one (x int);", 54 },
    { "002_bad.sql", "CREATE TABLE three (x int); SELECT nonsense;", 44 },
    { NULL, NULL, 0 },
};

static int setup(void **state)
{
    (void)state;
    T.conninfo = cf_test_pg_database();
    T.store = open_store(T.conninfo, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cf_store_close(T.store);
    free(T.conninfo);
    return 0;
}

static void goes_forward_and_refuses_the_rest(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report r;
    assert_fails(cf_store_migrate_files(T.store, files_1, true, &r, &err), &err, CF_ERR_INVALID,
                 "schema 0 of 1");
    assert_ok(cf_store_migrate_files(T.store, files_1, false, &r, &err), &err);
    assert_int_equal(r.have, 0);
    assert_int_equal(r.applied, 1);
    assert_ok(cf_store_migrate_files(T.store, files_1, false, &r, &err), &err);
    assert_int_equal(r.applied, 0);
    assert_fails(cf_store_migrate_files(T.store, files_2, true, &r, &err), &err, CF_ERR_INVALID,
                 "schema 1 of 2");
    assert_fails(cf_store_migrate_files(T.store, files_broken, false, &r, &err), &err,
                 CF_ERR_INVALID, "002_bad.sql");
    assert_sql("SELECT to_regclass('crossfade.three') IS NULL", "t");
    assert_ok(cf_store_migrate_files(T.store, files_2, false, &r, &err), &err);
    assert_int_equal(r.have, 1);
    assert_int_equal(r.applied, 1);
    assert_ok(cf_store_migrate_files(T.store, files_2, true, &r, &err), &err);
}

static void names_what_it_refuses(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report r;
    assert_ok(cf_store_migrate_files(T.store, files_2, false, &r, &err), &err);
    assert_false(cf_store_migrate_files(T.store, files_changed, false, &r, &err));
    assert_string_equal(err.reason, CF_STORE_SCHEMA_CHANGED);
    assert_non_null(strstr(err.message, "001_one.sql"));
    cf_error_clear(&err);
    assert_false(cf_store_migrate_files(T.store, files_1, false, &r, &err));
    assert_string_equal(err.reason, CF_STORE_SCHEMA_NEWER);
    assert_non_null(strstr(err.message, "002_two.sql"));
    assert_int_equal(r.have, 2);
}

static void without_a_schema_nothing_is_ready(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    assert_false(cf_store_ready(T.store, &err));
    assert_string_equal(err.reason, CF_STORE_SCHEMA_OLDER);
    cf_error_clear(&err);
    struct cf_run_row row = { 0 };
    assert_false(cf_run_get(T.store, OWNER, &row, &err));
    assert_string_equal(err.reason, CF_STORE_SCHEMA_OLDER);
    cf_error_clear(&err);
    struct cf_migrate_report r;
    assert_ok(cf_store_migrate(T.store, &r, &err), &err);
    assert_ok(cf_store_ready(T.store, &err), &err);
    assert_fails(cf_run_get(T.store, OWNER, &row, &err), &err, CF_ERR_NOT_FOUND, "no run");
}

static void *migrate_thread(void *arg)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report r;
    int *applied = arg;
    *applied = cf_store_migrate(T.store, &r, &err) ? r.applied : -1;
    return NULL;
}

static void starts_at_once_wait_for_each_other(void **state)
{
    (void)state;
    enum { N = 6 };
    pthread_t threads[N];
    int applied[N];
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrate_thread, &applied[i]), 0);
    int who = 0;
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_true(applied[i] >= 0);
        who += applied[i] > 0;
    }
    assert_int_equal(who, 1);
}

static void a_copy_elsewhere_is_somebody_else(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report r;
    char before[CF_UUID_TEXT], again[CF_UUID_TEXT];
    assert_ok(cf_store_migrate(T.store, &r, &err), &err);
    assert_ok(cf_store_incarnation(T.store, before, &err), &err);
    assert_ok(cf_store_incarnation(T.store, again, &err), &err);
    assert_string_equal(before, again);
    assert_true(cf_uuid_valid(before));
    /* As if it came from a server that was a billion transactions ahead. */
    free(sql("INSERT INTO event (id, subject, kind, body) VALUES (1000000000::bigint * 4096, 'x', "
             "'old', '{}');"
             "UPDATE meta SET origin = 'elsewhere', id = gen_random_uuid()"));
    cf_store_close(T.store);
    T.store = open_store(T.conninfo, NULL);
    assert_ok(cf_store_migrate(T.store, &r, &err), &err);
    assert_ok(cf_store_incarnation(T.store, again, &err), &err);
    assert_string_not_equal(before, again);
    assert_ok(cf_event_append(T.store, "new", "x", NULL, NULL, &err), &err);
    struct cf_event_list list = { 0 };
    assert_ok(cf_events_after(T.store, 0, NULL, 10, &list, &err), &err);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.rows[0].kind, "old");
    assert_string_equal(list.rows[1].kind, "new");
    cf_event_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_forward_and_refuses_the_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(names_what_it_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_schema_nothing_is_ready, setup, teardown),
        cmocka_unit_test_setup_teardown(starts_at_once_wait_for_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_elsewhere_is_somebody_else, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
