/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers are well-formed, ordered within the process, and different across threads. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/uuid.h"
#include "tests/support/test.h"

static void test_shape_and_order(void **state)
{
    (void)state;
    char before[CF_UUID_TEXT] = "", now[CF_UUID_TEXT];
    for (int i = 0; i < 20000; i++) {
        cf_uuid_v7(now);
        assert_true(cf_uuid_valid(now));
        assert_int_equal(now[14], '7');
        assert_non_null(strchr("89ab", now[19]));
        assert_true(strcmp(before, now) < 0);
        memcpy(before, now, sizeof now);
    }
}

static void test_the_time_is_in_front(void **state)
{
    (void)state;
    char id[CF_UUID_TEXT], hex[13];
    int64_t before = cf_wall_ms(&cf_clock_real);
    cf_uuid_v7(id);
    memcpy(hex, id, 8);
    memcpy(hex + 8, id + 9, 4);
    hex[12] = '\0';
    int64_t ms = strtoll(hex, NULL, 16);
    assert_true(ms >= before && ms <= cf_wall_ms(&cf_clock_real) + 10);
}

static void test_valid(void **state)
{
    (void)state;
    assert_true(cf_uuid_valid("00000000-0000-0000-0000-000000000000"));
    assert_true(cf_uuid_valid("0191E5A6-4F7C-7abc-8def-0123456789aB"));
    static const char *const refused[] = {
        "",
        "0",
        "00000000-0000-0000-0000-00000000000",
        "00000000-0000-0000-0000-0000000000000",
        "00000000000000000000000000000000",
        "00000000-0000-0000-00000-00000000000",
        "g0000000-0000-0000-0000-000000000000",
        "{0000000-0000-0000-0000-000000000000",
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(refused); i++)
        assert_false(cf_uuid_valid(refused[i]));
}

enum { THREADS = 4, EACH = 2000 };

static void *make_many(void *arg)
{
    char(*ids)[CF_UUID_TEXT] = arg;
    for (int i = 0; i < EACH; i++)
        cf_uuid_v7(ids[i]);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_threads_do_not_share_one(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char(*ids)[CF_UUID_TEXT] = malloc(sizeof *ids * THREADS * EACH);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_ok(cf_thread_start(&threads[i], "uuid", make_many, ids + i * EACH, &err), &err);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    qsort(ids, (size_t)THREADS * EACH, sizeof *ids, compare);
    for (int i = 1; i < THREADS * EACH; i++)
        assert_true(strcmp(ids[i - 1], ids[i]) < 0);
    free(ids);
}

static void test_random_hex(void **state)
{
    (void)state;
    char a[17], b[17], none[1] = "x";
    assert_int_equal(strlen(cf_random_hex(a, 16)), 16);
    assert_int_equal(strspn(a, "0123456789abcdef"), 16);
    assert_string_not_equal(a, cf_random_hex(b, 16));
    assert_string_equal(cf_random_hex(none, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape_and_order), cmocka_unit_test(test_the_time_is_in_front),
        cmocka_unit_test(test_valid),           cmocka_unit_test(test_threads_do_not_share_one),
        cmocka_unit_test(test_random_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
