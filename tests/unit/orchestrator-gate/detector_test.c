/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the detector against traces computed by another program (tests/data/gate_reference.py), against the published table of
 * detection times, and against its promise: false alarms at most alpha per hour, also in bursts and exactly at the promise. */
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "orchestrator/gate/detector.h"
#include "tests/support/file.h"
#include "tests/support/random.h"

static void follows_the_reference_traces(void **state)
{
    (void)state;
    cf_autojson json_t *reference = cf_test_read_json("tests/data/gate_reference.json");
    size_t s, i;
    json_t *stream, *look;
    json_array_foreach(json_object_get(reference, "detector"), s, stream)
    {
        struct cf_detector d;
        double p0 = json_number_value(json_object_get(stream, "p0"));
        cf_detector_init(&d, 1 - p0, json_number_value(json_object_get(stream, "alpha")),
                         cf_json_int(stream, 0, "lookMs", NULL));
        json_array_foreach(json_object_get(stream, "trace"), i, look)
        {
            bool alarm = cf_detector_look(&d, (uint64_t)cf_json_int(look, 0, "n", NULL),
                                          (uint64_t)cf_json_int(look, 0, "k", NULL));
            double mean = 0;
            for (int b = 0; b < CF_DETECTOR_BETS; b++)
                mean += d.r[b] / CF_DETECTOR_BETS;
            double want = json_number_value(json_object_get(look, "mean"));
            if (fabs(mean - want) > 1e-9 * fmax(1, want))
                fail_msg("stream %zu look %zu: mean %.17g, not %.17g", s, i, mean, want);
            assert_int_equal(alarm, json_is_true(json_object_get(look, "alarm")));
        }
    }
}

/* Failures of one look: independent, or in bursts of five (same long-run rate). */
static uint64_t draw_failures(struct cf_test_random *rng, uint64_t n, double p, bool bursts)
{
    uint64_t k = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (!bursts)
            k += cf_test_random_unit(rng) < p;
        else if (cf_test_random_unit(rng) < p / 5)
            k += 5;
    }
    return CF_MIN(k, n);
}

static int compare_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Median number of one-second looks to the alarm after ten healthy minutes; 1,000,000 when it never comes. */
static int median_delay(double success_min, int rps, double fault, int runs)
{
    int delays[200];
    for (int run = 0; run < runs; run++) {
        struct cf_test_random rng = cf_test_random_seed(1000U + (unsigned)run);
        struct cf_detector d;
        cf_detector_init(&d, success_min, 0.01, 1000);
        for (int i = 0; i < 600; i++)
            cf_detector_look(&d, (uint64_t)rps,
                             draw_failures(&rng, (uint64_t)rps, (1 - success_min) / 5, false));
        delays[run] = 1000000;
        for (int i = 1; i <= 3600; i++) {
            if (cf_detector_look(&d, (uint64_t)rps,
                                 draw_failures(&rng, (uint64_t)rps, fault, false))) {
                delays[run] = i;
                break;
            }
        }
    }
    qsort(delays, (size_t)runs, sizeof *delays, compare_int);
    return delays[runs / 2];
}

static void sees_faults_as_fast_as_the_table_says(void **state)
{
    (void)state;
    /* Medians of the published simulation; the tolerance is that of a median of 50 runs. */
    static const struct {
        double slo;
        int rps;
        double fault;
        int seconds, tolerance;
    } table[] = {
        { 0.9995, 10, 1.00, 2, 1 },   { 0.9995, 100, 1.00, 2, 1 },  { 0.9995, 100, 0.05, 4, 1 },
        { 0.9995, 100, 0.20, 3, 1 },  { 0.9995, 1000, 0.01, 6, 1 }, { 0.995, 1, 1.00, 4, 1 },
        { 0.995, 10, 1.00, 3, 1 },    { 0.995, 10, 0.05, 23, 8 },   { 0.995, 100, 0.05, 7, 1 },
        { 0.995, 100, 0.01, 66, 22 }, { 0.995, 1000, 0.05, 7, 1 },  { 0.99, 100, 1.00, 4, 1 },
        { 0.95, 10, 1.00, 5, 1 },     { 0.95, 10, 0.20, 15, 5 },    { 0.95, 1000, 0.20, 11, 2 },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        int got = median_delay(table[i].slo, table[i].rps, table[i].fault, 50);
        if (abs(got - table[i].seconds) > table[i].tolerance)
            fail_msg("promise %g, %d rps, fault %g: %d s, the table says %d s", table[i].slo,
                     table[i].rps, table[i].fault, got, table[i].seconds);
    }
}

static int false_alarms(double success_min, int rps, double rate, bool bursts, int hours)
{
    int alarms = 0;
    for (int h = 0; h < hours; h++) {
        struct cf_test_random rng = cf_test_random_seed(77000U + (unsigned)h);
        struct cf_detector d;
        cf_detector_init(&d, success_min, 0.01, 1000);
        bool alarm = false;
        for (int i = 0; i < 3600 && !alarm; i++)
            alarm = cf_detector_look(&d, (uint64_t)rps,
                                     draw_failures(&rng, (uint64_t)rps, rate, bursts));
        alarms += alarm;
    }
    return alarms;
}

static void false_alarms_stay_below_alpha(void **state)
{
    (void)state;
    static const struct {
        double slo;
        int rps;
        bool at_promise, bursts;
    } table[] = {
        { 0.995, 1, false, false }, { 0.995, 1, true, false },  { 0.995, 10, true, true },
        { 0.995, 50, true, false }, { 0.995, 50, false, true }, { 0.99, 20, true, true },
        { 0.9995, 20, true, true }, { 0.95, 10, true, false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        double rate = (1 - table[i].slo) * (table[i].at_promise ? 1 : 0.2);
        /* 100 hours at a true rate of 1 %: more than 6 alarms has probability 1.0e-4. */
        int got = false_alarms(table[i].slo, table[i].rps, rate, table[i].bursts, 100);
        if (got > 6)
            fail_msg("row %zu: %d false alarms in 100 hours", i, got);
    }
}

static void a_look_without_requests_changes_nothing(void **state)
{
    (void)state;
    struct cf_detector d;
    cf_detector_init(&d, 0.99, 0.01, 1000);
    cf_detector_look(&d, 100, 3);
    struct cf_detector before = d;
    assert_false(cf_detector_look(&d, 0, 0));
    assert_memory_equal(&before, &d, sizeof d);
}

static void sums_stay_finite(void **state)
{
    (void)state;
    struct cf_detector d;
    cf_detector_init(&d, 0.999999, 0.01, 1000);
    for (int i = 0; i < 100000; i++)
        cf_detector_look(&d, 1000000, 1000000);
    assert_true(cf_detector_alarm(&d));
    assert_true(isfinite(cf_detector_evidence(&d)));
    assert_true(cf_detector_evidence(&d) >= 1);
}

static void evidence_is_one_at_the_alarm(void **state)
{
    (void)state;
    struct cf_detector d;
    cf_detector_init(&d, 0.995, 0.01, 1000);
    bool alarm = false;
    for (int i = 0; i < 100 && !alarm; i++) {
        assert_true(cf_detector_evidence(&d) < 1);
        alarm = cf_detector_look(&d, 100, 20);
    }
    assert_true(alarm);
    assert_true(cf_detector_evidence(&d) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_reference_traces),
        cmocka_unit_test(sees_faults_as_fast_as_the_table_says),
        cmocka_unit_test(false_alarms_stay_below_alpha),
        cmocka_unit_test(a_look_without_requests_changes_nothing),
        cmocka_unit_test(sums_stay_finite),
        cmocka_unit_test(evidence_is_one_at_the_alarm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
