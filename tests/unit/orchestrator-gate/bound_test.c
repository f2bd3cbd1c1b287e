/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the pass bound against exact rational arithmetic (tests/data/gate_reference.py) and its own definition. */
#include "tests/support/test.h"

#include <math.h>

#include "base/json.h"
#include "orchestrator/gate/bound.h"
#include "tests/support/file.h"

static void equals_exact_arithmetic(void **state)
{
    (void)state;
    cf_autojson json_t *reference = cf_test_read_json("tests/data/gate_reference.json");
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(reference, "bounds"), i, row)
    {
        double got = cf_bound_upper((uint64_t)cf_json_int(row, 0, "n", NULL),
                                    (uint64_t)cf_json_int(row, 0, "k", NULL), CF_PASS_CONFIDENCE);
        double want = json_number_value(json_object_get(row, "upper"));
        if (fabs(got - want) > 1e-8 * want)
            fail_msg("row %zu: %.15g, not %.15g", i, got, want);
    }
    json_array_foreach(json_object_get(reference, "needWithoutFailures"), i, row)
    {
        assert_int_equal(cf_bound_missing(0, 0, json_number_value(json_object_get(row, "detect")),
                                          CF_PASS_CONFIDENCE),
                         cf_json_int(row, 0, "n", NULL));
    }
}

static void missing_is_the_smallest_number_that_passes(void **state)
{
    (void)state;
    static const struct {
        uint64_t n, k;
        double detect;
    } table[] = { { 0, 0, 0.05 }, { 50, 0, 0.05 }, { 10, 1, 0.05 },     { 500, 10, 0.05 },
                  { 0, 0, 0.5 },  { 7, 7, 0.1 },   { 100000, 3, 0.01 }, { 20, 3, 0.001 } };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        uint64_t m = cf_bound_missing(table[i].n, table[i].k, table[i].detect, CF_PASS_CONFIDENCE);
        assert_true(cf_bound_upper(table[i].n + m, table[i].k, CF_PASS_CONFIDENCE) <
                    table[i].detect);
        if (m > 0)
            assert_true(cf_bound_upper(table[i].n + m - 1, table[i].k, CF_PASS_CONFIDENCE) >=
                        table[i].detect);
    }
}

static void is_one_without_evidence(void **state)
{
    (void)state;
    assert_true(cf_bound_upper(0, 0, CF_PASS_CONFIDENCE) == 1);
    assert_true(cf_bound_upper(5, 5, CF_PASS_CONFIDENCE) == 1);
}

static void works_for_a_month_of_traffic(void **state)
{
    (void)state;
    /* Normal approximation is good to 1 % here: mean + 2.326 sigma. */
    double got = cf_bound_upper(2592000000, 1296000, CF_PASS_CONFIDENCE);
    double p = 0.0005;
    double want = p + 2.326 * sqrt(p * (1 - p) / 2592000000.0);
    assert_true(fabs(got - want) < 0.001 * want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_exact_arithmetic),
        cmocka_unit_test(missing_is_the_smallest_number_that_passes),
        cmocka_unit_test(is_one_without_evidence),
        cmocka_unit_test(works_for_a_month_of_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
