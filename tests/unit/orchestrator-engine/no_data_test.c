/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what missing samples do: they hold; after `waitUpTo` without a break they do what the plan
 * says; and nothing that was missing once counts after data came back, a person decided, or the
 * weight changed. */
#include "tests/unit/orchestrator-engine/life.h"

#define WAIT_THEN(then) "  gateDefaults: {noData: {waitUpTo: 60s, then: " then "}}\n"

/* Passes until so much time has gone by. */
static void pass_for(struct world *w, int64_t ms)
{
    int64_t until = w->now + ms;
    while (w->now < until && strcmp(state_of(w), "active") == 0)
        world_pass(w);
}

/* In the first soak, without data for `ms`. */
static struct world *without_data(const char *plan, int64_t ms)
{
    struct world *w = world_new(plan);
    run_until_step(w, "traffic.soak", 0, "applied");
    w->verdict = CF_VERDICT_NO_DATA;
    pass_for(w, ms);
    return w;
}

static void the_data_come_back(struct world *w)
{
    w->verdict = CF_VERDICT_PASS;
}

static void missing_data_hold_and_go_on_by_themselves(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("rollback"), 40000);
    assert_string_equal(hold_of(w), "no-data");
    assert_int_equal(weight_now(w), 5);
    the_data_come_back(w);
    run_until(w, "completed", 200);
    assert_int_equal(w->fired, 0);
    world_free(w);
}

static void after_the_wait_the_traffic_goes_back(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("rollback"), 58000);
    assert_string_equal(state_of(w), "active");
    run_until(w, "rolled-back", 50);
    assert_string_equal(cf_json_str(w->row, "", "memo", "rollback", "cause", NULL), "no-data");
    assert_non_null(strstr(message_of(w), "1m"));
    assert_router_as_before(w);
    world_free(w);
}

static void after_the_wait_a_person_is_waited_for(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("pause"), 58000);
    assert_string_equal(hold_of(w), "no-data");
    run_until(w, "paused", 20);
    assert_non_null(strstr(hold_message(w), "1m"));
    the_data_come_back(w);
    pass_for(w, 600000);
    assert_string_equal(hold_of(w), "paused");
    assert_int_equal(weight_now(w), 5);
    act(w, "resume");
    run_until(w, "completed", 200);
    world_free(w);
}

/* Resuming without data begins the wait anew, it does not end it. */
static void a_resume_waits_once_more(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("pause"), 70000);
    assert_string_equal(hold_of(w), "paused");
    act(w, "resume");
    run_until(w, "no-data", 5);
    pass_for(w, 50000);
    assert_string_equal(hold_of(w), "no-data");
    assert_int_equal(weight_now(w), 5);
    run_until(w, "paused", 20);
    world_free(w);
}

static void advance_ends_the_plans_pause(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("pause"), 70000);
    assert_string_equal(hold_of(w), "paused");
    act(w, "advance");
    run_until_step(w, "traffic.shift", 1, "done");
    assert_int_equal(weight_now(w), 50);
    world_free(w);
}

static void a_persons_pause_stands_over_the_plans(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("pause"), 70000);
    act(w, "pause");
    world_pass(w);
    world_pass(w);
    assert_non_null(strstr(hold_message(w), "by ann"));
    act(w, "advance");
    pass_for(w, 60000);
    assert_string_equal(hold_of(w), "paused");
    assert_int_equal(weight_now(w), 5);
    world_free(w);
}

/* The plan's pause is no person's: the deadline's clock goes on. */
static void the_deadline_runs_through_the_plans_pause(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT "    deadline: 5m\n" AUTO WAIT_THEN("pause"), 70000);
    assert_string_equal(hold_of(w), "paused");
    w->now += 300 * 1000;
    run_until(w, "rolled-back", 50);
    assert_string_equal(cf_json_str(w->row, "", "memo", "rollback", "cause", NULL), "deadline");
    world_free(w);
}

/* ---- what was missing once ---- */

/* A short gap at the last weight, `advance`, then a long wait for the commit: nothing is missing
 * any more, and nobody looks at what is. */
static void advance_forgets_what_was_missing(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT WAIT_THEN("rollback"));
    run_until_step(w, "traffic.soak", 2, "applied");
    w->verdict = CF_VERDICT_NO_DATA;
    pass_for(w, 5000);
    act(w, "advance");
    run_until(w, "commit", 10);
    pass_for(w, 600000);
    assert_string_equal(state_of(w), "active");
    assert_string_equal(hold_of(w), "commit");
    assert_int_equal(weight_now(w), 100);
    world_free(w);
}

/* The gap is as long before as after the advance, but it is another weight's. */
static void another_weight_begins_the_wait_anew(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("rollback"), 40000);
    act(w, "advance");
    run_until_step(w, "traffic.soak", 1, "applied");
    pass_for(w, 40000);
    assert_string_equal(state_of(w), "active");
    run_until(w, "rolled-back", 50);
    world_free(w);
}

static void a_pause_forgets_what_was_missing(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("rollback"), 6000);
    act(w, "pause");
    run_until(w, "paused", 3);
    the_data_come_back(w);
    pass_for(w, 600000);
    assert_string_equal(state_of(w), "active");
    w->verdict = CF_VERDICT_NO_DATA; /* a new gap at the moment of the resume */
    act(w, "resume");
    pass_for(w, 40000);
    assert_string_equal(state_of(w), "active");
    the_data_come_back(w);
    run_until(w, "completed", 200);
    world_free(w);
}

static void a_freeze_forgets_what_was_missing(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("rollback"), 6000);
    w->frozen = true;
    run_until(w, "frozen", 3);
    pass_for(w, 600000);
    assert_string_equal(state_of(w), "active");
    w->frozen = false;
    pass_for(w, 40000);
    assert_string_equal(state_of(w), "active");
    world_free(w);
}

static void data_in_between_begin_the_wait_anew(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("rollback"), 40000);
    w->verdict = CF_VERDICT_UNDECIDED;
    pass_for(w, 3000);
    w->verdict = CF_VERDICT_NO_DATA;
    pass_for(w, 40000);
    assert_string_equal(state_of(w), "active");
    assert_string_equal(hold_of(w), "no-data");
    world_free(w);
}

/* A restarted replica goes on counting: the gap is not its own. */
static void a_restart_does_not_begin_the_wait_anew(void **state)
{
    (void)state;
    struct world *w = without_data(PLAN_TEXT AUTO WAIT_THEN("rollback"), 40000);
    revive(w);
    pass_for(w, 25000);
    assert_string_not_equal(state_of(w), "active");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_data_hold_and_go_on_by_themselves),
        cmocka_unit_test(after_the_wait_the_traffic_goes_back),
        cmocka_unit_test(after_the_wait_a_person_is_waited_for),
        cmocka_unit_test(a_resume_waits_once_more),
        cmocka_unit_test(advance_ends_the_plans_pause),
        cmocka_unit_test(a_persons_pause_stands_over_the_plans),
        cmocka_unit_test(the_deadline_runs_through_the_plans_pause),
        cmocka_unit_test(advance_forgets_what_was_missing),
        cmocka_unit_test(another_weight_begins_the_wait_anew),
        cmocka_unit_test(a_pause_forgets_what_was_missing),
        cmocka_unit_test(a_freeze_forgets_what_was_missing),
        cmocka_unit_test(data_in_between_begin_the_wait_anew),
        cmocka_unit_test(a_restart_does_not_begin_the_wait_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
