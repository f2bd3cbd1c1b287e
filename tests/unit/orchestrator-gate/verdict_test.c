/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the four verdicts and their sentences: a pass needs proof, an alarm sticks, missing data never decides, and what survives
 * a restart is what was known. */
#include "tests/support/test.h"

#include <math.h>

#include "orchestrator/gate/verdict.h"

static const struct cf_gate_config config = {
    .name = "success", .success_min = 0.995, .detect = 0.05, .alpha = 0.01, .look_ms = 1000
};

/* A gate under a scripted source: one series that grows by n requests, k of them bad, each second. */
struct rig {
    struct cf_gate *gate;
    int64_t now_ms;
    double total, bad;
};

static struct rig rig_new(const struct cf_gate_config *c)
{
    struct rig r = { .gate = cf_gate_new(c), .now_ms = 1000000 };
    cf_gate_weight_changed(r.gate, r.now_ms);
    return r;
}

static void second(struct rig *r, int n, int k)
{
    r->now_ms += 1000;
    r->total += n;
    r->bad += k;
    struct cf_point p = { 1, r->now_ms, r->total, r->bad };
    struct cf_reading reading = { .ok = true, .points = &p, .count = 1 };
    cf_gate_look(r->gate, &reading, NULL, r->now_ms);
}

static struct cf_judgement judge(const struct rig *r)
{
    struct cf_judgement j;
    cf_gate_judge(r->gate, r->now_ms, &j);
    return j;
}

static void expect(const struct rig *r, enum cf_verdict want, const char *text)
{
    struct cf_judgement j = judge(r);
    if (j.verdict != want || !strstr(j.text, text))
        fail_msg("verdict %s: %s", cf_verdict_name(j.verdict), j.text);
}

static void no_look_is_no_data(void **state)
{
    (void)state;
    struct rig r = rig_new(&config);
    expect(&r, CF_VERDICT_NO_DATA, "the first look is still to come");
    cf_gate_free(r.gate);
}

static void a_pass_needs_proof(void **state)
{
    (void)state;
    struct rig r = rig_new(&config);
    second(&r, 10, 0); /* baseline */
    second(&r, 40, 0);
    expect(&r, CF_VERDICT_UNDECIDED,
           "50 more good requests prove a failure share below 5%, about ");
    second(&r, 50, 0);
    expect(&r, CF_VERDICT_PASS, "100% of 90 requests good (promised 99.5%)");
    assert_true(judge(&r).upper < 0.05);
    assert_int_equal(judge(&r).missing, 0);
    cf_gate_free(r.gate);
}

static void a_weight_change_asks_for_new_proof(void **state)
{
    (void)state;
    struct rig r = rig_new(&config);
    second(&r, 0, 0);
    second(&r, 500, 0);
    expect(&r, CF_VERDICT_PASS, "");
    cf_gate_weight_changed(r.gate, r.now_ms);
    expect(&r, CF_VERDICT_UNDECIDED, "90 more good requests");
    second(&r, 500, 0);
    expect(&r, CF_VERDICT_PASS, "");
    cf_gate_free(r.gate);
}

static void a_total_failure_breaches_and_sticks(void **state)
{
    (void)state;
    struct rig r = rig_new(&config);
    for (int i = 0; i < 60; i++)
        second(&r, 100, 0);
    int looks = 0;
    int64_t fault_ms = r.now_ms;
    while (judge(&r).verdict != CF_VERDICT_BREACH && looks < 100) {
        second(&r, 100, 100);
        looks++;
    }
    assert_in_range(looks, 2, 4);
    struct cf_judgement j = judge(&r);
    assert_int_equal(j.first_bad_ms, fault_ms + 1000);
    assert_int_equal(j.alarm_ms, r.now_ms);
    for (int i = 0; i < 100; i++)
        second(&r, 100, 0);
    expect(&r, CF_VERDICT_BREACH, "breaks its promise of 99.5%");
    cf_gate_reset(r.gate, r.now_ms);
    second(&r, 100, 0);
    expect(&r, CF_VERDICT_PASS, "");
    cf_gate_free(r.gate);
}

static void a_healthy_stream_never_breaches(void **state)
{
    (void)state;
    struct rig r = rig_new(&config);
    for (int i = 0; i < 3600; i++) {
        second(&r, 100, i % 50 == 0);
        assert_int_not_equal(judge(&r).verdict, CF_VERDICT_BREACH);
    }
    cf_gate_free(r.gate);
}

static void stale_data_is_no_data_but_an_alarm_stands(void **state)
{
    (void)state;
    struct rig r = rig_new(&config);
    for (int i = 0; i < 10; i++)
        second(&r, 100, 0);
    r.now_ms += 10000;
    expect(&r, CF_VERDICT_NO_DATA, "the newest sample is 10s old");
    r.now_ms -= 10000;
    for (int i = 0; i < 10; i++)
        second(&r, 100, 100);
    r.now_ms += 10000;
    expect(&r, CF_VERDICT_BREACH, "");
    cf_gate_free(r.gate);
}

static void a_failed_read_says_why(void **state)
{
    (void)state;
    struct rig r = rig_new(&config);
    struct cf_error why = CF_ERROR_INIT;
    cf_error_set(&why, CF_ERR_UNAVAILABLE, "Prometheus at https://p: connection refused");
    cf_gate_look(r.gate, NULL, &why, r.now_ms);
    expect(&r, CF_VERDICT_NO_DATA, "no data: Prometheus at https://p: connection refused");
    struct cf_reading empty = { .ok = true };
    cf_gate_look(r.gate, &empty, NULL, r.now_ms);
    expect(&r, CF_VERDICT_NO_DATA, "the source has no series of this backend");
    cf_gate_free(r.gate);
}

static void what_is_not_counted_is_named(void **state)
{
    (void)state;
    struct rig r = rig_new(&config);
    struct cf_point points[] = { { 1, 1000, 10, 0, 0 } };
    struct cf_reading reading = { .ok = true,
                                  .points = points,
                                  .count = 1,
                                  .missing_places = 2,
                                  .missing_why = "1 of 2 places: metrics at http://b: refused" };
    cf_gate_look(r.gate, &reading, NULL, 1000);
    struct cf_judgement j;
    cf_gate_judge(r.gate, 1000, &j);
    assert_int_equal(j.verdict, CF_VERDICT_UNDECIDED);
    assert_non_null(strstr(j.text, "; not counted: 1 of 2 places"));
    reading.missing_places = 0;
    reading.missing_why[0] = '\0';
    cf_gate_look(r.gate, &reading, NULL, 1000);
    cf_gate_judge(r.gate, 1000, &j);
    assert_null(strstr(j.text, "not counted"));
    cf_gate_free(r.gate);
}

static void min_requests_is_an_extra_floor(void **state)
{
    (void)state;
    struct cf_gate_config c = config;
    c.min_requests = 1000;
    struct rig r = rig_new(&c);
    second(&r, 0, 0);
    second(&r, 400, 0);
    expect(&r, CF_VERDICT_UNDECIDED, "600 more good requests");
    second(&r, 600, 0);
    expect(&r, CF_VERDICT_PASS, "");
    cf_gate_free(r.gate);
}

static void no_requests_is_undecided_and_says_so(void **state)
{
    (void)state;
    struct rig r = rig_new(&config);
    for (int i = 0; i < 5; i++)
        second(&r, 0, 0);
    expect(&r, CF_VERDICT_UNDECIDED,
           "90 more good requests prove a failure share below 5%; none came yet");
    assert_int_equal(judge(&r).missing_ms, -1);
    assert_true(isnan(judge(&r).value));
    cf_gate_free(r.gate);
}

static void a_checkpoint_survives(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct rig r = rig_new(&config);
    for (int i = 0; i < 30; i++)
        second(&r, 100, 1);
    cf_autojson json_t *saved = cf_gate_checkpoint(r.gate);
    struct rig other = rig_new(&config);
    assert_ok(cf_gate_restore(other.gate, saved, &err), &err);
    cf_autojson json_t *again = cf_gate_checkpoint(other.gate);
    assert_true(json_equal(saved, again));
    assert_true(fabs(judge(&other).evidence - judge(&r).evidence) < 1e-12);

    struct cf_gate_config c = config;
    c.success_min = 0.99;
    struct rig changed = rig_new(&c);
    assert_fails(cf_gate_restore(changed.gate, saved, &err), &err, CF_ERR_INVALID,
                 "another configuration");
    json_object_set_new(saved, "k", json_integer(-4));
    assert_fails(cf_gate_restore(other.gate, saved, &err), &err, CF_ERR_INVALID, "not readable");
    cf_gate_free(r.gate);
    cf_gate_free(other.gate);
    cf_gate_free(changed.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_look_is_no_data),
        cmocka_unit_test(a_pass_needs_proof),
        cmocka_unit_test(a_weight_change_asks_for_new_proof),
        cmocka_unit_test(a_total_failure_breaches_and_sticks),
        cmocka_unit_test(a_healthy_stream_never_breaches),
        cmocka_unit_test(stale_data_is_no_data_but_an_alarm_stands),
        cmocka_unit_test(a_failed_read_says_why),
        cmocka_unit_test(what_is_not_counted_is_named),
        cmocka_unit_test(min_requests_is_an_extra_floor),
        cmocka_unit_test(no_requests_is_undecided_and_says_so),
        cmocka_unit_test(a_checkpoint_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
