/* SPDX-License-Identifier: Apache-2.0 */
/* Proves: each SQLSTATE that PostgreSQL may answer leads to the kind that callers retry, hold or
 * refuse on. */
#include "store/sqlstate.h"

#include "tests/support/test.h"

static void maps_by_the_longest_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        enum cf_err_kind kind;
    } cases[] = {
        { "40001", CF_ERR_TRANSIENT },
        { "40P01", CF_ERR_TRANSIENT },
        { "40003", CF_ERR_UNKNOWN },
        { "08006", CF_ERR_TRANSIENT },
        { "08000", CF_ERR_TRANSIENT },
        { "57P01", CF_ERR_TRANSIENT },
        { "57P02", CF_ERR_TRANSIENT },
        { "57P03", CF_ERR_TRANSIENT },
        { "57014", CF_ERR_TRANSIENT },
        { "53300", CF_ERR_TRANSIENT },
        { "55P03", CF_ERR_TRANSIENT },
        { "25P03", CF_ERR_TRANSIENT },
        { "23505", CF_ERR_CONFLICT },
        { "23503", CF_ERR_CONFLICT },
        { "23502", CF_ERR_INVALID },
        { "22021", CF_ERR_INVALID },
        { "22P05", CF_ERR_INVALID },
        { "28P01", CF_ERR_DENIED },
        { "42501", CF_ERR_DENIED },
        { "42P01", CF_ERR_INVALID },
        { "42601", CF_ERR_BUG },
        { "25006", CF_ERR_UNAVAILABLE },
        { "XX001", CF_ERR_UNAVAILABLE },
        { "XX000", CF_ERR_BUG },
        { "54000", CF_ERR_LIMIT },
        { "CF001", CF_ERR_BUG },
        { "58030", CF_ERR_TRANSIENT },
        { "P0001", CF_ERR_BUG },
        { "", CF_ERR_BUG },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (cf_sqlstate_kind(cases[i].sqlstate) != cases[i].kind)
            fail_msg("%s is %s", cases[i].sqlstate,
                     cf_err_kind_name(cf_sqlstate_kind(cases[i].sqlstate)));
}

static void knows_which_end_the_connection(void **state)
{
    (void)state;
    assert_true(cf_sqlstate_ends_connection("57P01"));
    assert_true(cf_sqlstate_ends_connection("25P03"));
    assert_false(cf_sqlstate_ends_connection("57014"));
    assert_false(cf_sqlstate_ends_connection("40001"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_by_the_longest_prefix),
        cmocka_unit_test(knows_which_end_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
