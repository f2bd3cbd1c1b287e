/* SPDX-License-Identifier: Apache-2.0 */
/* Proves of shards: epochs only grow and are never used twice; two replicas never hold one shard; a
 * lease that ran out can be taken, one that was renewed cannot; a restarted replica takes its own
 * at once; a writer under way is waited for or skipped, never overtaken. */
#include "tests/unit/store/store_test.h"

#include <pthread.h>

#include "base/clock.h"

static int setup(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report;
    T.conninfo = cf_test_pg_database();
    T.store = open_store(T.conninfo, NULL);
    assert_ok(cf_store_migrate(T.store, &report, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cf_store_close(T.store);
    free(T.conninfo);
    return 0;
}

static void shares_are_claimed_renewed_and_given_back(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_shard_row a[CF_SHARDS], b[CF_SHARDS], all[CF_SHARDS];
    bool kept[CF_SHARDS];
    int n_a = 0, n_b = 0, alive = 0;
    assert_ok(cf_replica_beat(T.store, OWNER, "10.0.0.1:8080", "1", 60000, &alive, &err), &err);
    assert_int_equal(alive, 1);
    assert_ok(cf_replica_beat(T.store, OTHER, "10.0.0.2:8080", "1", 60000, &alive, &err), &err);
    assert_int_equal(alive, 2);
    assert_ok(cf_shards_claim(T.store, OWNER, 60000, 40, false, a, &n_a, &err), &err);
    assert_int_equal(n_a, 40);
    assert_ok(cf_shards_claim(T.store, OTHER, 60000, 40, false, b, &n_b, &err), &err);
    assert_int_equal(n_b, 24);
    assert_ok(cf_shards_list(T.store, all, &err), &err);
    for (int i = 0; i < CF_SHARDS; i++) {
        assert_int_equal(all[i].shard, i);
        assert_true(all[i].epoch > 0 && all[i].owner[0] && all[i].lease_left_ms > 50000);
        for (int j = 0; j < i; j++)
            assert_true(all[i].epoch != all[j].epoch);
    }
    assert_ok(cf_shards_renew(T.store, OWNER, 60000, a, n_a, kept, &err), &err);
    for (int i = 0; i < n_a; i++)
        assert_true(kept[i]);
    /* Fair share: eight go. What the other then takes has larger epochs. */
    assert_ok(cf_shards_release(T.store, OWNER, a, 8, &err), &err);
    assert_ok(cf_shards_claim(T.store, OTHER, 60000, 8, false, b, &n_b, &err), &err);
    assert_int_equal(n_b, 8);
    for (int i = 0; i < n_b; i++)
        assert_true(b[i].epoch > 64);
    assert_ok(cf_shards_renew(T.store, OWNER, 60000, a, n_a, kept, &err), &err);
    for (int i = 0; i < n_a; i++)
        assert_int_equal(kept[i], i >= 8);
    assert_ok(cf_shards_release(T.store, OWNER, a, 8, &err),
              &err); /* not ours any more: nothing happens */
    assert_ok(cf_shards_claim(T.store, OWNER, 60000, 64, false, a, &n_a, &err), &err);
    assert_int_equal(n_a, 0);
}

static void a_lease_that_ran_out_can_be_taken(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_shard_row a[CF_SHARDS], b[CF_SHARDS];
    bool kept[CF_SHARDS];
    int n = 0;
    assert_ok(cf_shards_claim(T.store, OWNER, 200, 2, false, a, &n, &err), &err);
    assert_ok(cf_shards_renew(T.store, OWNER, 60000, &a[0], 1, kept, &err), &err);
    cf_sleep_ms(&cf_clock_real, 250);
    assert_ok(cf_shards_claim(T.store, OTHER, 60000, CF_SHARDS, false, b, &n, &err), &err);
    assert_int_equal(n, CF_SHARDS - 1);
    for (int i = 0; i < n; i++)
        assert_int_not_equal(b[i].shard, a[0].shard);
    assert_ok(cf_shards_renew(T.store, OWNER, 60000, a, 2, kept, &err), &err);
    assert_true(kept[0] && !kept[1]);
}

static void a_restarted_replica_takes_its_own_at_once(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_shard_row a[CF_SHARDS], again[CF_SHARDS];
    int n = 0;
    assert_ok(cf_shards_claim(T.store, OWNER, 60000, 5, false, a, &n, &err), &err);
    assert_ok(cf_shards_claim(T.store, OWNER, 60000, 5, true, again, &n, &err), &err);
    assert_int_equal(n, 5);
    for (int i = 0; i < 5; i++) {
        bool found = false;
        for (int j = 0; j < 5; j++)
            found |= again[i].shard == a[j].shard && again[i].epoch > a[j].epoch;
        assert_true(found);
    }
}

static void a_writer_under_way_is_not_overtaken(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_shard_row rows[CF_SHARDS];
    int n = 0;
    assert_ok(cf_shards_claim(T.store, OWNER, 1, CF_SHARDS, false, rows, &n, &err), &err);
    PGconn *pg = PQconnectdb(T.conninfo);
    PQclear(PQexec(pg, "SET search_path = crossfade; BEGIN"));
    PQclear(PQexec(pg, "SELECT 1 FROM shard WHERE id = 7 FOR SHARE"));
    assert_ok(cf_shards_claim(T.store, OTHER, 60000, CF_SHARDS, false, rows, &n, &err), &err);
    assert_int_equal(n, CF_SHARDS - 1);
    for (int i = 0; i < n; i++)
        assert_int_not_equal(rows[i].shard, 7);
    PQclear(PQexec(pg, "COMMIT"));
    PQfinish(pg);
    assert_ok(cf_shards_claim(T.store, OTHER, 60000, CF_SHARDS, false, rows, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].shard, 7);
}

struct claimer {
    struct cf_store *store;
    char owner[CF_UUID_TEXT];
    struct cf_shard_row rows[CF_SHARDS];
    int n;
};

static void *claimer(void *arg)
{
    struct claimer *c = arg;
    struct cf_error err = CF_ERROR_INIT;
    for (int round = 0; round < 10; round++) {
        struct cf_shard_row rows[CF_SHARDS];
        int n = 0;
        if (!cf_shards_claim(c->store, c->owner, 60000, 5, false, rows, &n, &err)) {
            fprintf(stderr, "%s\n", err.message);
            abort();
        }
        memcpy(&c->rows[c->n], rows, (size_t)n * sizeof rows[0]);
        c->n += n;
    }
    return NULL;
}

static void many_claimers_never_share(void **state)
{
    (void)state;
    enum { N = 4 };
    pthread_t threads[N];
    static struct claimer c[N];
    int total = 0, of_shard[CF_SHARDS] = { 0 };
    for (int i = 0; i < N; i++) {
        c[i] = (struct claimer){ .store = open_store(T.conninfo, NULL) };
        snprintf(c[i].owner, sizeof c[i].owner, "01900000-0000-7000-8000-00000000010%d", i % 10);
        assert_int_equal(pthread_create(&threads[i], NULL, claimer, &c[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        cf_store_close(c[i].store);
        total += c[i].n;
        for (int j = 0; j < c[i].n; j++)
            of_shard[c[i].rows[j].shard]++;
    }
    assert_int_equal(total, CF_SHARDS);
    for (int i = 0; i < CF_SHARDS; i++)
        assert_int_equal(of_shard[i], 1);
}

static void ids_spread_over_all_shards(void **state)
{
    (void)state;
    int count[CF_SHARDS] = { 0 };
    for (int i = 0; i < 6400; i++) {
        char id[CF_UUID_TEXT];
        count[cf_shard_of(cf_uuid_v7(id))]++;
    }
    for (int i = 0; i < CF_SHARDS; i++)
        assert_in_range(count[i], 40, 180); /* 100 ± 6 standard deviations and more */
    assert_int_equal(cf_shard_of(OWNER), cf_shard_of(OWNER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shares_are_claimed_renewed_and_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lease_that_ran_out_can_be_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restarted_replica_takes_its_own_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_writer_under_way_is_not_overtaken, setup, teardown),
        cmocka_unit_test_setup_teardown(many_claimers_never_share, setup, teardown),
        cmocka_unit_test(ids_spread_over_all_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
