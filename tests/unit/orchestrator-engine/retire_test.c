/* SPDX-License-Identifier: Apache-2.0 */
/* Proves when the source is retired: never while the routers still send it requests, and never for
 * want of knowing; a person may say that nobody calls it. */
#include "tests/unit/orchestrator-engine/life.h"

static void pass_times(struct world *w, int n)
{
    for (int i = 0; i < n; i++)
        world_pass(w);
}

static void it_goes_by_itself_when_the_routers_send_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->source_known = true;
    run_until(w, "completed", 200);
    assert_int_equal(replicas(w->dc1), 0);
    assert_int_equal(count_events(w, "action.done"), 0);
    world_free(w);
}

static void what_nobody_measures_waits_for_a_person(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->source_known = false;
    run_until(w, "source-busy", 200);
    pass_times(w, 100);
    assert_string_equal(hold_of(w), "source-busy");
    assert_non_null(strstr(hold_message(w), "nothing measures"));
    assert_non_null(strstr(cf_hold_rows[CF_HOLD_SOURCE_BUSY].command, "crossfade advance"));
    assert_int_equal(replicas(w->dc1), 3);
    act(w, "advance");
    run_until(w, "completed", 50);
    assert_int_equal(replicas(w->dc1), 0);
    world_free(w);
}

/* A restart knows nothing for a moment: that ends by itself. */
static void what_is_known_again_goes_on(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->source_known = false;
    run_until(w, "source-busy", 200);
    w->source_known = true;
    run_until(w, "completed", 50);
    world_free(w);
}

static void a_busy_source_stays_until_a_person_says_so(void **state)
{
    (void)state;
    struct world *w = world_new(PLAN_TEXT AUTO);
    w->source_rps = 2;
    run_until(w, "source-busy", 200);
    assert_non_null(strstr(hold_message(w), "2.0 requests"));
    assert_int_equal(replicas(w->dc1), 3);
    act(w, "advance");
    run_until(w, "completed", 50);
    assert_int_equal(replicas(w->dc1), 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_by_itself_when_the_routers_send_nothing),
        cmocka_unit_test(what_nobody_measures_waits_for_a_person),
        cmocka_unit_test(what_is_known_again_goes_on),
        cmocka_unit_test(a_busy_source_stays_until_a_person_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
