/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the volumes' driver may die at any call, before or after its effect, and goes on from what was recorded: the
 * whole way is done, under the first attempt's names, with every file in place and nothing left over. */
#include "tests/unit/deploy-sandbox/velero_driver.h"

#include "tests/support/stride.h"

enum { TIMES = 6 }; /* how many deaths of one program, spread over the calls of a whole way */

static void check_way(int cut, bool after)
{
    struct driver d;
    driver_up(&d);
    d.knife.left = cut;
    d.knife.after = after;
    the_whole_way(&d);
    check_arrived(&d);
    drive_done(&d, CLEAN, 0);
    check_clean(&d);
    cf_autojson json_t *report = cf_volumes_pass_report(d.stored, "there", 2);
    assert_int_equal(cf_json_int(report, 0, "attempt", NULL), 1);
    driver_down(&d);
}

/* The calls of a whole way; how many looks it takes differs from one to the next. */
static int calls_of_a_way(void)
{
    struct driver d;
    driver_up(&d);
    the_whole_way(&d);
    int calls = d.knife.calls;
    driver_down(&d);
    return calls;
}

static void it_may_die_at_any_call(void **state)
{
    (void)state;
    int calls = calls_of_a_way(), stride = CF_MAX(cf_test_stride(calls / TIMES), 1);
    assert_true(calls > 60);
    for (int cut = stride / 2; cut < calls; cut += stride)
        check_way(cut, cut / stride % 2 == 1);
}

/* Whoever dies after a call, and before it has recorded it, has left all that the call wrote. */
static void no_call_needs_its_record(void **state)
{
    (void)state;
    struct driver d;
    driver_up(&d);
    d.forgets = true;
    the_whole_way(&d);
    check_arrived(&d);
    drive_done(&d, TAKE_BACK, 0);
    drive_done(&d, CLEAN, 0);
    check_clean(&d);
    driver_down(&d);
}

/* Where dying hurts most: at each write of a Backup or Restore, whose answer is lost. */
static void what_was_made_just_before_is_found_again(void **state)
{
    (void)state;
    struct driver d;
    struct cf_moving out;
    driver_up(&d);
    for (int i = 0; i < 4000 && count(d.east, "velero.io", "backups", "velero") == 0; i++) {
        once(&d, LIVE, 1, &out);
        cf_sleep_ms(&cf_clock_real, 1);
    }
    assert_int_equal(count(d.east, "velero.io", "backups", "velero"), 1);
    cf_json_put_take(d.stored, json_string("create"), "ways", "there", "passes", "1", "phase",
                     NULL);
    drive_done(&d, LIVE, 1);
    assert_int_equal(count(d.east, "velero.io", "backups", "velero"), 1);
    driver_down(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_may_die_at_any_call),
        cmocka_unit_test(no_call_needs_its_record),
        cmocka_unit_test(what_was_made_just_before_is_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
