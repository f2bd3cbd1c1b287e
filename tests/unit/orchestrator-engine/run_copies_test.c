/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what a record has to write of the copies (only what changed), and what is said of a step's
 * pace: nothing before it was measured, nothing once it stands still. */
#include "orchestrator/engine/moves.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

static void only_what_changed_is_written(void **state)
{
    (void)state;
    struct cf_live run = { 0 };
    assert_null(cf_run_copies_changes(&run));
    cf_run_copies_read_take(&run, cf_test_json("[{'key':'a','digest':'1'},{'key':'b','digest':'1'},"
                                               "{'key':'c','digest':'1'}]"));
    assert_null(cf_run_copies_changes(&run));
    cf_run_copies_set_take(&run, cf_test_json("[{'key':'a','digest':'1'},{'key':'b','digest':'2'},"
                                              "{'key':'d','digest':'1'}]"));
    assert_true(run.changed);
    cf_autojson json_t *changes = cf_run_copies_changes(&run);
    cf_autojson json_t *want =
        cf_test_json("[{'key':'b','entry':{'key':'b','digest':'2'}},"
                     "{'key':'d','entry':{'key':'d','digest':'1'}},{'key':'c'}]");
    assert_true(json_equal(changes, want));
    cf_run_copies_recorded(&run);
    assert_null(cf_run_copies_changes(&run));
    json_decref(run.copies);
    json_decref(run.recorded_copies);
}

/* Who looks often and sees nothing new has nothing to record. */
static void what_is_the_same_is_no_change(void **state)
{
    (void)state;
    struct cf_live run = { 0 };
    struct cf_step step = { 0 };
    cf_run_copies_read_take(&run, cf_test_json("[{'key':'a','digest':'1'}]"));
    cf_run_copies_set_take(&run, cf_test_json("[{'key':'a','digest':'1'}]"));
    assert_false(run.changed);
    cf_step_set_observation_take(&step, cf_test_json("{'federation':{'policies':[1]}}"));
    assert_true(step.changed);
    step.changed = false;
    cf_step_set_observation_take(&step, cf_test_json("{'federation':{'policies':[1]}}"));
    assert_false(step.changed);
    cf_step_set_observation_take(&step, cf_test_json("{'federation':{'policies':[2]}}"));
    assert_true(step.changed);
    json_decref(step.observation);
    json_decref(run.copies);
    json_decref(run.recorded_copies);
}

/* One look at a step: when, how far; and what is to be said (0: nothing). */
struct look {
    int64_t at_ms;
    int done;
    double per_s, eta_s;
};

static void the_end_is_announced_only_when_it_was_measured(void **state)
{
    (void)state;
    static const struct look looks[] = {
        { 1000, 250, 0, 0 },       /* the first: from here it is measured */
        { 1500, 500, 0, 0 },       /* half a second says nothing */
        { 2000, 750, 500, 18.5 },  /* 500 in a second */
        { 3000, 750, 250, 37.0 },  /* nothing new: it is slower than it was */
        { 6000, 2750, 500, 14.5 }, /* 2500 in five */
        { 11000, 10000, 975, 0 },  /* done: nothing is left */
    };
    struct cf_step step = { .total = 10000, .state = CF_STEP_INTENT };
    for (size_t i = 0; i < CF_ARRAY_LEN(looks); i++) {
        const struct look *l = &looks[i];
        cf_step_progress(&step, l->done, 10000);
        cf_step_pace(&step, l->at_ms);
        cf_autojson json_t *p = cf_step_progress_json(&step);
        double rate = json_number_value(json_object_get(p, "perSecond"));
        double eta = json_number_value(json_object_get(p, "etaSeconds"));
        if (eta != l->eta_s || (l->eta_s > 0 && rate != l->per_s))
            fail_msg("look %zu: %f a second, %f s left", i, rate, eta);
        struct cf_step again = { .state = CF_STEP_INTENT };
        cf_step_progress_read(&again, p); /* a restart goes on measuring */
        assert_int_equal(again.pace.since_ms, step.pace.since_ms);
        assert_int_equal(again.pace.from, step.pace.from);
    }
    cf_step_progress(&step, 5000, 10000);
    cf_step_pace_lost(&step); /* it waits */
    cf_autojson json_t *waits = cf_step_progress_json(&step);
    assert_true(json_is_null(json_object_get(waits, "etaSeconds")));
}

/* Reading the source again is no copying, but it is part of when the copying ends. */
static void pauses_are_part_of_the_end_and_not_of_the_rate(void **state)
{
    (void)state;
    struct cf_step step = { .total = 10000, .state = CF_STEP_INTENT };
    cf_step_pace_paused(&step, 2000, 900); /* the first reading, before anything was counted */
    cf_step_progress(&step, 1000, 10000);
    cf_step_pace(&step, 1000);
    cf_step_progress(&step, 2000, 10000);
    cf_step_pace(&step, 2000);
    cf_step_pace_pauses(&step, 2);
    cf_autojson json_t *p = cf_step_progress_json(&step);
    assert_true(json_real_value(json_object_get(p, "perSecond")) == 1000.0);
    assert_true(json_real_value(json_object_get(p, "etaSeconds")) == 8.0 + 2 * 2.0);
    struct cf_step again = { .state = CF_STEP_INTENT };
    cf_step_progress_read(&again, p); /* the next pass */
    cf_step_pace_paused(&again, 2500, 5000);
    cf_step_progress(&again, 3000, 10000);
    cf_step_pace(&again, 6000);
    cf_step_pace_pauses(&again, 1);
    cf_autojson json_t *q = cf_step_progress_json(&again);
    assert_true(json_real_value(json_object_get(q, "perSecond")) == 1000.0);
    assert_true(json_real_value(json_object_get(q, "etaSeconds")) == 7.0 + 3.0);
}

/* Bytes of volumes have a rate and an end, too; each pass has its own. */
static void bytes_have_a_rate(void **state)
{
    (void)state;
    enum { MIB = 1024 * 1024 };
    struct cf_step step = { .no = 2 };
    struct cf_outcome out = { .kind = CF_OUT_DONE };
    struct cf_moving m = {
        .waits = true, .why = "it moves", .bytes_total = 100 * MIB, .at_ms = 1000, .claims_total = 4
    };
    m.bytes = MIB;
    assert_true(cf_moves_progress(&m, "pass 1", &step, &out));
    assert_string_equal(out.message, "pass 1 (0 of 4 claims): it moves");
    m.bytes = 41 * MIB;
    m.at_ms = 3000;
    assert_true(cf_moves_progress(&m, "pass 1", &step, &out));
    cf_autojson json_t *progress = cf_step_progress_json(&step);
    assert_int_equal(cf_json_int(progress, 0, "done", NULL), 41 * 1024);
    assert_true(json_number_value(json_object_get(progress, "perSecond")) == 20 * 1024);
    assert_true(json_number_value(json_object_get(progress, "etaSeconds")) == 3.0);
    m.bytes = MIB;
    m.at_ms = 4000;
    assert_true(cf_moves_progress(&m, "pass 2", &step, &out));
    cf_autojson json_t *next = cf_step_progress_json(&step);
    assert_true(json_is_null(json_object_get(next, "perSecond")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_changed_is_written),
        cmocka_unit_test(what_is_the_same_is_no_change),
        cmocka_unit_test(the_end_is_announced_only_when_it_was_measured),
        cmocka_unit_test(pauses_are_part_of_the_end_and_not_of_the_rate),
        cmocka_unit_test(bytes_have_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
