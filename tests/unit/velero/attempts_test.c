/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the attempts of a pass are not all made at once. */
#include "tests/unit/velero/world.h"

/* A bucket that is away for a moment refuses each attempt within a second: the moment must be able to pass. */
static void another_attempt_waits_a_while(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, TWO_CLAIMS);
    w.backup_fault = LOSES_THE_SERVER;
    w.fault_times = 9;
    for (int i = 0; i < 40; i++) { /* at one moment, as it were */
        assert_ok(once(&w, BACKUP_FROZEN, 1, &out, &err), &err);
        world_turn(&w);
    }
    assert_int_equal(cf_pass_attempt(cf_pass_find(w.stored, "there", 1)), 2);
    assert_true(out.waits && !out.stuck);
    assert_non_null(strstr(out.why, "ended Failed"));
    assert_non_null(strstr(out.why, "another attempt is made in 3 s"));
    w.fault_times = 0;
    w.v.now_ms += 3000;
    drive_done(&w, BACKUP_FROZEN, 1);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_attempt_waits_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
