/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what the volumes' driver makes of faults that meet a pass on its way into the other cluster, of what no report
 * tells, of what will not be deleted, and of a Velero that does not know a field. */
#include "tests/unit/deploy-sandbox/velero_driver_faults.h"

static void faults_of_restores(void **state)
{
    (void)state;
    check_rows(HAND_OVER, RESTORE, 0);
}

static void more_faults_of_restores(void **state)
{
    (void)state;
    check_rows(HAND_OVER, RESTORE, 1);
}

/* F21: nothing that Velero reports tells it, so it is done; that is what checksums are for. */
static void what_arrives_otherwise_is_not_seen_here(void **state)
{
    (void)state;
    struct driver d;
    driver_up(&d);
    FREEZE(&d);
    throw_fault(&d, "{'fault':'corrupt','cluster':'east'}");
    drive_done(&d, FROZEN, 1);
    drive_done(&d, RESTORE, 1);
    cf_autofree char *here = key_of(d.east, "east", "shop", "pictures");
    cf_autofree char *there = key_of(d.west, "west", "store", "pictures");
    cf_autofree char *a = files_of(&d, here);
    cf_autofree char *b = files_of(&d, there);
    assert_string_not_equal(a, b);
    driver_down(&d);
}

/* F23: said, and done as soon as it can be; in the meantime nothing fails. */
static void what_velero_will_not_delete_is_said_and_tried_again(void **state)
{
    (void)state;
    struct driver d;
    struct cf_moving out = { 0 };
    driver_up(&d);
    drive_done(&d, LIVE, 1);
    throw_fault(&d, "{'fault':'deleteFails'}");
    for (int i = 0; i < 2000 && !strstr(out.why, "would not delete backup"); i++) {
        once(&d, CLEAN, 0, &out);
        cf_sleep_ms(&cf_clock_real, ROUND_MS);
    }
    assert_true(out.waits && !out.failed);
    assert_non_null(strstr(out.why, "Velero on east would not delete backup"));
    d.now_ms += LONG_MS;
    assert_true(once(&d, CLEAN, 0, &out));
    assert_true(out.stuck);
    assert_non_null(strstr(out.why, "objects of volumes are left"));
    sbx_velero_heal(d.velero, "", NULL);
    for (int i = 0; i < 2000 && !out.done; i++) {
        once(&d, CLEAN, 0, &out);
        cf_sleep_ms(&cf_clock_real, ROUND_MS);
    }
    check_clean(&d);
    driver_down(&d);
}

/* F14: an older Velero loses what it does not know; that is said, not carried on with. */
static void a_field_that_is_lost_is_named(void **state)
{
    (void)state;
    struct driver d;
    struct cf_moving out = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    driver_up(&d);
    throw_fault(&d, "{'fault':'version','cluster':'east','value':'1.11.1'}");
    for (int i = 0; i < 4000 && err.kind == CF_ERR_NONE; i++) {
        d.v.now_ms = d.now_ms += CALL_MS;
        out = (struct cf_moving){ 0 };
        if (!cf_volumes_backup(&d.v, 1, CF_PASS_LIVE, &out, &err))
            break;
        cf_sleep_ms(&cf_clock_real, ROUND_MS);
    }
    assert_int_equal(err.kind, CF_ERR_INVALID);
    assert_non_null(
        strstr(err.message, "has lost spec/snapshotMoveData: this Velero does not know"));
    driver_down(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_restores),
        cmocka_unit_test(more_faults_of_restores),
        cmocka_unit_test(what_arrives_otherwise_is_not_seen_here),
        cmocka_unit_test(what_velero_will_not_delete_is_said_and_tried_again),
        cmocka_unit_test(a_field_that_is_lost_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
