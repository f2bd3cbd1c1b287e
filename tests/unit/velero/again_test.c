/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that nothing is given up that a person can mend: what has used up its attempts gets more when somebody says so, a
 * Backup that somebody has deleted is made again; and that a rehearsal may be stopped at any point. */
#include "tests/unit/velero/world.h"

/* A person has mended the cause: as many attempts again, under names that were never used. */
static void what_has_failed_is_tried_again_when_somebody_says_so(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    world_up(&w, TWO_CLAIMS);
    w.backup_fault = FAILS_A_VOLUME;
    w.fault_times = CF_VELERO_ATTEMPTS;
    drive(&w, BACKUP_FROZEN, 1, &out);
    assert_true(out.failed);
    drive(&w, BACKUP_FROZEN, 1, &out);
    assert_true(out.failed); /* asking alone changes nothing */
    assert_true(cf_volumes_again(w.stored, "there", w.v.now_ms));
    assert_false(cf_volumes_again(w.stored, "there", w.v.now_ms));
    drive_done(&w, BACKUP_FROZEN, 1);
    assert_int_equal(cf_pass_attempt(cf_pass_find(w.stored, "there", 1)), CF_VELERO_ATTEMPTS + 1);
    drive_done(&w, HAND_OVER, 1);
    w.restore_fault = FAILS_A_VOLUME;
    w.fault_times = CF_VELERO_ATTEMPTS + 1;
    drive(&w, RESTORE, 1, &out);
    assert_true(out.failed);
    assert_true(cf_volumes_again(w.stored, "there", w.v.now_ms));
    drive_done(&w, RESTORE, 1);
    drive_done(&w, CLEAN, 0);
    nothing_of_ours_is_left(&w, "after six attempts");
    world_down(&w);
}

static void a_live_pass_that_failed_is_followed_by_another_and_not_repeated(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    world_up(&w, TWO_CLAIMS);
    w.backup_fault = FAILS_A_VOLUME;
    w.fault_times = CF_VELERO_ATTEMPTS;
    drive(&w, BACKUP_LIVE, 1, &out);
    assert_true(out.failed);
    assert_false(cf_volumes_again(w.stored, "there", w.v.now_ms));
    world_down(&w);
}

/* Stopped after any number of calls, a rehearsal leaves nothing: no namespace, no pods. */
static void a_rehearsal_that_is_stopped_leaves_nothing(void **state)
{
    (void)state;
    for (int calls = 1; calls < 12; calls++) {
        struct world w;
        struct cf_moving out;
        struct cf_error err = CF_ERROR_INIT;
        world_up(&w, TWO_CLAIMS);
        drive_done(&w, BACKUP_LIVE, 1);
        for (int i = 0; i < calls; i++) {
            assert_ok(once(&w, REHEARSE, 1, &out, &err), &err);
            world_turn(&w);
        }
        drive_done(&w, CANCEL, 0);
        drive_done(&w, CLEAN, 0);
        nothing_of_ours_is_left(&w, "a rehearsal that was stopped");
        world_down(&w);
    }
}

static void a_backup_that_is_deleted_is_made_again(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    char name[CF_VELERO_NAME_MAX];
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    cf_fake_kube_remove(w.east.api, CF_VELERO_V1, "Backup", "velero",
                        cf_velero_backup_name(&w.v, 1, 1, name));
    drive_done(&w, HAND_OVER, 1);
    const json_t *row = cf_pass_find(w.stored, "there", 1);
    assert_int_equal(cf_pass_attempt(row), 2);
    assert_int_equal(count(&w, &w.west, CF_VELERO_V1, "Backup", "velero"), 1);
    /* Also when it goes just before the restore; but not for ever. */
    cf_fake_kube_remove(w.east.api, CF_VELERO_V1, "Backup", "velero",
                        cf_velero_backup_name(&w.v, 1, 2, name));
    drive_done(&w, RESTORE, 1);
    assert_int_equal(cf_pass_attempt(cf_pass_find(w.stored, "there", 1)), 3);
    cf_fake_kube_remove(w.east.api, CF_VELERO_V1, "Backup", "velero",
                        cf_velero_backup_name(&w.v, 1, 3, name));
    drive(&w, HAND_OVER, 1, &out);
    assert_true(out.failed);
    assert_non_null(strstr(out.why, "has been deleted (attempt 3 of 3)"));
    drive_done(&w, CLEAN, 0);
    nothing_of_ours_is_left(&w, "after backups that somebody deleted");
    world_down(&w);
}

/* The restore of the attempt that was deleted is not forgotten. */
static void what_was_made_before_it_was_deleted_goes_too(void **state)
{
    (void)state;
    struct world w;
    char name[CF_VELERO_NAME_MAX];
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_LIVE, 1);
    w.restore_fault = FAILS_A_VOLUME;
    w.fault_times = 1;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    while (w.fault_times > 0) {
        assert_ok(once(&w, REHEARSE, 1, &out, &err), &err);
        world_turn(&w);
    }
    cf_fake_kube_remove(w.east.api, CF_VELERO_V1, "Backup", "velero",
                        cf_velero_backup_name(&w.v, 1, 1, name));
    drive_done(&w, REHEARSE, 1);
    drive_done(&w, CLEAN, 0);
    nothing_of_ours_is_left(&w, "made before it was deleted");
    world_down(&w);
}

/* Velero's race of two agents: nobody would go on for ever. */
static void what_fell_back_is_canceled_and_made_again(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, TWO_CLAIMS);
    w.backup_fault = w.restore_fault = FALLS_BACK;
    w.fault_times = 1;
    int64_t begun = w.v.now_ms;
    drive_done(&w, BACKUP_FROZEN, 1);
    assert_int_equal(cf_pass_attempt(cf_pass_find(w.stored, "there", 1)), 2);
    assert_in_range(w.v.now_ms - begun, 60 * 1000, 2 * 60 * 1000); /* it is given a minute */
    drive_done(&w, HAND_OVER, 1);
    w.fault_times = 1;
    do { /* until it says what it does */
        assert_ok(once(&w, RESTORE, 1, &out, &err), &err);
        assert_false(out.done || out.failed || out.stuck);
        world_turn(&w);
        w.v.now_ms += out.wait_ms;
    } while (!strstr(out.why, "fell back to Prepared"));
    drive_done(&w, RESTORE, 1); /* the first is still finalizing: nobody waits for it */
    const json_t *row = cf_pass_find(w.stored, "there", 1);
    assert_int_equal(cf_pass_attempt(json_object_get(row, "restore")), 2);
    world_down(&w);
}

/* Killed between the Restore and the record of it: what it has brought since is its own, and stays. */
static void a_restore_that_was_made_just_before_is_not_cleared(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    json_t *before = NULL;
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    drive_done(&w, HAND_OVER, 1);
    for (int i = 0; i < 20 && count(&w, &w.west, CF_VELERO_V1, "Restore", "velero") == 0; i++) {
        json_decref(before);
        before = cf_json_copy(w.stored);
        assert_ok(once(&w, RESTORE, 1, &out, &err), &err);
    }
    json_decref(w.stored);
    w.stored = before;
    for (int i = 0; i < 3; i++)
        world_turn(&w);
    drive_done(&w, RESTORE, 1);
    const json_t *row = cf_pass_find(w.stored, "there", 1);
    assert_int_equal(cf_pass_attempt(json_object_get(row, "restore")), 1);
    world_down(&w);
}

/* Its Backup never ends: once nothing of it moves and our pods are gone, nobody waits for it. */
static void a_backup_that_hangs_keeps_nobody_from_going_on(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, "[{'name':'data-db-0','strategy':'veleroFsBackup'}]");
    w.backup_fault = HANGS;
    w.fault_times = 1;
    for (int i = 0; i < 40; i++) {
        assert_ok(once(&w, BACKUP_FROZEN, 1, &out, &err), &err);
        world_turn(&w);
    }
    cf_autojson json_t *backups = all(&w, &w.east, CF_VELERO_V1, "Backup", "velero");
    assert_string_equal(phase_of(json_array_get(backups, 0)), "InProgress");
    drive_done(&w, CANCEL, 0);
    assert_int_equal(count(&w, &w.east, "v1", "Pod", "shop"), 0);
    world_down(&w);
}

/* Its server takes it between our look and our delete: it is no longer what was to be taken away. */
static void a_restore_that_has_just_begun_is_not_deleted(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    w.restore_fault = TAKES_NOTHING;
    w.fault_times = 1;
    for (int i = 0; i < 50 && count(&w, &w.west, CF_VELERO_V1, "Restore", "velero") == 0; i++)
        assert_ok(once(&w, RESTORE, 1, &out, &err), &err);
    struct cf_fake_fault taken = { .method = "DELETE",
                                   .path_part = "/restores/",
                                   .times = 1,
                                   .status = 409,
                                   .reason = "Conflict" };
    cf_fake_kube_fail(w.west.api, &taken);
    assert_ok(once(&w, CANCEL, 0, &out, &err), &err);
    assert_false(out.done);
    assert_int_equal(count(&w, &w.west, CF_VELERO_V1, "Restore", "velero"), 1);
    drive_done(&w, CANCEL, 0);
    assert_int_equal(count(&w, &w.west, CF_VELERO_V1, "Restore", "velero"), 0);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_failed_is_tried_again_when_somebody_says_so),
        cmocka_unit_test(a_live_pass_that_failed_is_followed_by_another_and_not_repeated),
        cmocka_unit_test(a_rehearsal_that_is_stopped_leaves_nothing),
        cmocka_unit_test(a_backup_that_is_deleted_is_made_again),
        cmocka_unit_test(what_was_made_before_it_was_deleted_goes_too),
        cmocka_unit_test(what_fell_back_is_canceled_and_made_again),
        cmocka_unit_test(a_restore_that_was_made_just_before_is_not_cleared),
        cmocka_unit_test(a_backup_that_hangs_keeps_nobody_from_going_on),
        cmocka_unit_test(a_restore_that_has_just_begun_is_not_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
