/* SPDX-License-Identifier: Apache-2.0 */
/* Proves of plans: revisions only for new contents, also when many apply at once; preconditions;
 * pages; deleting and what stays; keys of requests that are repeated. */
#include "tests/unit/store/store_test.h"

#include <pthread.h>

static bool apply(const char *name, const char *digest, int expect, struct cf_idem *idem,
                  enum cf_plan_applied *applied, int *revision, struct cf_error *err)
{
    json_t *doc = json_pack("{s:s, s:f}", "name", name, "number", 1.5);
    struct cf_plan_new plan = { .name = name,
                                .text = "text",
                                .media_type = "application/json",
                                .spec = doc,
                                .effective = doc,
                                .digest = digest,
                                .author = "bob" };
    bool ok = cf_plan_apply(T.store, &plan, expect, idem, applied, revision, err);
    json_decref(doc);
    return ok;
}

static void revisions_follow_contents(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    enum cf_plan_applied applied;
    int revision;
    assert_ok(apply("p", DIGEST_A, CF_PLAN_ANY, NULL, &applied, &revision, &err), &err);
    assert_int_equal(applied, CF_PLAN_CREATED);
    assert_int_equal(revision, 1);
    assert_ok(apply("p", DIGEST_A, CF_PLAN_ANY, NULL, &applied, &revision, &err), &err);
    assert_int_equal(applied, CF_PLAN_UNCHANGED);
    assert_int_equal(revision, 1);
    assert_ok(apply("p", DIGEST_B, 1, NULL, &applied, &revision, &err), &err);
    assert_int_equal(applied, CF_PLAN_REVISED);
    assert_int_equal(revision, 2);

    struct cf_plan_row row = { 0 };
    assert_ok(cf_plan_get(T.store, "p", 1, &row, &err), &err);
    assert_int_equal(row.revision, 1);
    assert_int_equal(row.latest, 2);
    assert_string_equal(row.digest, DIGEST_A);
    assert_string_equal(row.text, "text");
    assert_string_equal(cf_json_str(row.spec, "", "name", NULL), "p");
    assert_true(row.created_ms > 1700000000000 && row.last_run_id[0] == '\0');
    cf_plan_row_free(&row);
    assert_ok(cf_plan_get(T.store, "p", 0, &row, &err), &err);
    assert_int_equal(row.revision, 2);
    cf_plan_row_free(&row);
    assert_fails(cf_plan_get(T.store, "p", 3, &row, &err), &err, CF_ERR_NOT_FOUND,
                 "no revision 3 of plan p");
    assert_fails(cf_plan_get(T.store, "q", 0, &row, &err), &err, CF_ERR_NOT_FOUND, "no plan q");
    assert_sql("SELECT count(*) FROM event WHERE subject = 'plan/p'", "2");
}

static void preconditions_are_kept(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    enum cf_plan_applied applied;
    int revision;
    assert_false(apply("pre", DIGEST_A, 1, NULL, &applied, &revision, &err));
    assert_string_equal(err.reason, CF_STORE_PRECONDITION);
    cf_error_clear(&err);
    struct cf_plan_row row = { 0 };
    assert_fails(cf_plan_get(T.store, "pre", 0, &row, &err), &err, CF_ERR_NOT_FOUND, "no plan");
    assert_ok(apply("pre", DIGEST_A, CF_PLAN_ABSENT, NULL, &applied, &revision, &err), &err);
    assert_fails(apply("pre", DIGEST_A, CF_PLAN_ABSENT, NULL, &applied, &revision, &err), &err,
                 CF_ERR_CONFLICT, "at revision 1");
    assert_fails(apply("pre", DIGEST_B, 2, NULL, &applied, &revision, &err), &err, CF_ERR_CONFLICT,
                 "at revision 1");
}

static void deleting_hides_and_counting_goes_on(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    enum cf_plan_applied applied;
    struct cf_plan_row row = { 0 };
    struct cf_run_recorded done;
    char id[CF_UUID_TEXT];
    int revision;
    make_run("gone", id);
    assert_false(cf_plan_delete(T.store, "gone", CF_PLAN_ANY, "bob", &err));
    assert_string_equal(err.reason, CF_STORE_IN_USE);
    assert_non_null(strstr(err.message, "gone/1"));
    cf_error_clear(&err);
    struct cf_fence fence = fence_of(id);
    struct cf_event_new event = { .kind = "run.finished", .step = -1 };
    struct cf_run_change end = { .run = CF_RUN_UPDATE_INIT, .events = &event, .n_events = 1 };
    end.run.finished = true;
    assert_ok(cf_run_record(T.store, &fence, id, 1, &end, &done, &err), &err);
    assert_fails(cf_plan_delete(T.store, "gone", 7, "bob", &err), &err, CF_ERR_CONFLICT,
                 "revision 1");
    assert_ok(cf_plan_delete(T.store, "gone", 1, "bob", &err), &err);
    assert_fails(cf_plan_delete(T.store, "gone", CF_PLAN_ANY, "bob", &err), &err, CF_ERR_NOT_FOUND,
                 "no plan gone");
    assert_fails(cf_plan_get(T.store, "gone", 0, &row, &err), &err, CF_ERR_NOT_FOUND,
                 "no plan gone");
    assert_ok(cf_plan_get(T.store, "gone", 1, &row, &err), &err);
    assert_true(row.deleted);
    cf_plan_row_free(&row);
    int number;
    assert_fails(try_run("gone", NULL, 0, NULL, id, &number, &err), &err, CF_ERR_NOT_FOUND,
                 "plan gone");
    /* Its run can be read as before. */
    struct cf_run run = { 0 };
    assert_ok(cf_run_load(T.store, id, &run, &err), &err);
    cf_run_free(&run);
    assert_ok(apply("gone", DIGEST_A, CF_PLAN_ABSENT, NULL, &applied, &revision, &err), &err);
    assert_int_equal(applied, CF_PLAN_CREATED);
    assert_int_equal(revision, 2);
}

static void pages_follow_names(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_plan_list list = { 0 };
    const char *names[] = { "list-b", "list-a", "list-c" };
    for (int i = 0; i < 3; i++)
        apply_plan(names[i], DIGEST_A);
    assert_ok(cf_plan_list_page(T.store, "", "list-", 2, &list, &err), &err);
    assert_int_equal(list.n, 2);
    assert_true(list.more);
    assert_string_equal(list.rows[0].name, "list-a");
    assert_null(list.rows[0].text);
    assert_null(list.rows[0].spec);
    cf_plan_list_free(&list);
    assert_ok(cf_plan_list_page(T.store, "list-b", "list-", 2, &list, &err), &err);
    assert_int_equal(list.n, 1);
    assert_false(list.more);
    assert_string_equal(list.rows[0].name, "list-c");
    cf_plan_list_free(&list);
    apply_plan("list-a", DIGEST_B);
    assert_ok(cf_plan_revisions(T.store, "list-a", 0, 1, &list, &err), &err);
    assert_int_equal(list.rows[0].revision, 2);
    assert_true(list.more);
    cf_plan_list_free(&list);
    assert_ok(cf_plan_revisions(T.store, "list-a", 2, 1, &list, &err), &err);
    assert_int_equal(list.rows[0].revision, 1);
    assert_false(list.more);
    cf_plan_list_free(&list);
}

struct applier {
    const char *digest;
    int revision;
};

static void *apply_thread(void *arg)
{
    struct cf_error err = CF_ERROR_INIT;
    enum cf_plan_applied applied;
    struct applier *a = arg;
    if (!apply("race", a->digest, CF_PLAN_ANY, NULL, &applied, &a->revision, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return NULL;
}

static void equal_plans_at_once_are_one_revision(void **state)
{
    (void)state;
    enum { N = 8 };
    const char *digests[] = { DIGEST_A, DIGEST_B, DIGEST_A };
    for (int round = 0; round < 3; round++) {
        pthread_t threads[N];
        struct applier appliers[N];
        for (int i = 0; i < N; i++) {
            appliers[i].digest = digests[round];
            assert_int_equal(pthread_create(&threads[i], NULL, apply_thread, &appliers[i]), 0);
        }
        for (int i = 0; i < N; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(appliers[i].revision, round + 1);
        }
    }
    assert_sql("SELECT count(*) FROM plan_revision WHERE plan = 'race'", "3");
}

static void a_repeated_request_has_one_effect(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    enum cf_plan_applied applied;
    int revision = 0;
    struct cf_idem idem = {
        .principal = "t1", .route = "PUT plans", .key = "k1", .request_sha256 = "r1"
    };
    assert_ok(apply("idem", DIGEST_A, CF_PLAN_ABSENT, &idem, &applied, &revision, &err), &err);
    assert_false(idem.replayed);
    assert_string_equal(idem.resource, "1");
    assert_ok(apply("idem", DIGEST_A, CF_PLAN_ABSENT, &idem, &applied, &revision, &err), &err);
    assert_true(idem.replayed);
    assert_int_equal(revision, 1);
    idem.request_sha256 = "r2";
    assert_false(apply("idem", DIGEST_B, CF_PLAN_ANY, &idem, &applied, &revision, &err));
    assert_int_equal(err.kind, CF_ERR_INVALID);
    assert_string_equal(err.reason, CF_STORE_IDEMPOTENCY);
    cf_error_clear(&err);
    /* Another principal's key is another key. */
    idem.principal = "t2";
    assert_ok(apply("idem", DIGEST_B, CF_PLAN_ANY, &idem, &applied, &revision, &err), &err);
    assert_false(idem.replayed);
    assert_int_equal(revision, 2);
    /* What failed is not remembered. */
    idem.key = "k2";
    assert_fails(apply("idem", DIGEST_A, 9, &idem, &applied, &revision, &err), &err,
                 CF_ERR_CONFLICT, "revision 2");
    assert_ok(apply("idem", DIGEST_A, 2, &idem, &applied, &revision, &err), &err);
    assert_int_equal(revision, 3);
    char *key = calloc(1, CF_IDEM_KEY_MAX + 2);
    memset(key, 'k', CF_IDEM_KEY_MAX + 1);
    idem.key = key;
    assert_fails(apply("idem", DIGEST_A, 2, &idem, &applied, &revision, &err), &err, CF_ERR_INVALID,
                 "Idempotency-Key");
    free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revisions_follow_contents),
        cmocka_unit_test(preconditions_are_kept),
        cmocka_unit_test(deleting_hides_and_counting_goes_on),
        cmocka_unit_test(pages_follow_names),
        cmocka_unit_test(equal_plans_at_once_are_one_revision),
        cmocka_unit_test(a_repeated_request_has_one_effect),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
