/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the driver's way from a live pass to a claim in the other cluster: what it creates and what it leaves alone, that
 * it may be cut off at any call, what it does about each thing that can go wrong, and that it takes everything away. */
#include "tests/unit/velero/world.h"

#include "tests/support/stride.h"

static void the_whole_way(struct world *w)
{
    drive_done(w, BACKUP_LIVE, 1);
    drive_done(w, HAND_OVER, 1);
    drive_done(w, REHEARSE, 1);
    drive_done(w, BACKUP_FROZEN, 2);
    drive_done(w, HAND_OVER, 2);
    drive_done(w, RESTORE, 2);
    drive_done(w, CLEAN, 1);
}

/* --- the way --- */

static void both_strategies_arrive(void **state)
{
    (void)state;
    struct world w;
    world_up(&w, TWO_CLAIMS);
    add_pod(&w.east, "shop", "db-0", "data-db-0", "n7", "Running");
    the_whole_way(&w);
    cf_autojson json_t *report = cf_volumes_pass_report(w.stored, "there", 2);
    const json_t *claims = json_object_get(report, "claims");
    assert_int_equal(json_array_size(claims), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *claim = json_array_get(claims, i);
        assert_true(cf_json_bool(claim, false, "backupOk", NULL));
        assert_true(cf_json_bool(claim, false, "restoreOk", NULL));
        assert_int_equal(cf_json_int(claim, 0, "restoredBytes", NULL), 100);
    }
    assert_string_equal(cf_json_str(report, "", "handedOver", NULL), "written");
    /* One pass is kept, with its Backup on both sides, and the claims of the target. */
    assert_int_equal(count(&w, &w.east, CF_VELERO_V1, "Backup", "velero"), 1);
    assert_int_equal(count(&w, &w.west, CF_VELERO_V1, "Backup", "velero"), 1);
    drive_done(&w, CLEAN, 0);
    nothing_of_ours_is_left(&w, "in the end");
    assert_int_equal(count(&w, &w.west, "v1", "PersistentVolumeClaim", "store"), 2);
    world_down(&w);
}

/* What takes long to go: whoever holds it. */
static void hold_stage_pods(struct world *w, bool held)
{
    cf_autojson json_t *pods = all(w, &w->east, "v1", "Pod", "shop");
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        cf_json_put_take(pod, held ? json_pack("[s]", "example.com/slow") : json_array(),
                         "metadata", "finalizers", NULL);
        if (held)
            put(&w->east, pod);
        else
            cf_fake_kube_remove(w->east.api, "v1", "Pod", "shop", name_of(pod));
    }
}

/* A freeze does not wait for pods that only have to go; a live pass does, and so does who thaws. */
static void a_frozen_pass_is_done_before_its_pods_are_gone(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    const enum what passes[] = { BACKUP_LIVE, BACKUP_FROZEN };
    world_up(&w, TWO_CLAIMS);
    for (int n = 1; n <= 2; n++) {
        while (count(&w, &w.east, "v1", "Pod", "shop") == 0)
            assert_ok(once(&w, passes[n - 1], n, &out, &err), &err);
        hold_stage_pods(&w, true);
        for (int i = 0; i < 50 && !out.done; i++) {
            assert_ok(once(&w, passes[n - 1], n, &out, &err), &err);
            world_turn(&w);
        }
        assert_true(out.done == (n == 2));
        assert_true(n == 2 || strstr(out.why, "stage pods are being taken away"));
        assert_ok(once(&w, CANCEL, 0, &out, &err), &err);
        assert_false(out.done);
        hold_stage_pods(&w, false);
        drive_done(&w, passes[n - 1], n);
    }
    drive_done(&w, HAND_OVER, 2);
    world_down(&w);
}

/* Velero finalizes one Restore after the other, and waits for a claim that went. */
static void a_rehearsal_goes_once_its_restore_has_ended(void **state)
{
    (void)state;
    struct world w;
    char name[CF_VELERO_NAME_MAX];
    const enum what restores[] = { REHEARSE, RESTORE };
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    for (int i = 0; i < 2; i++) {
        w.finalizing = 20;
        drive_done(&w, restores[i], 1);
        cf_autojson json_t *restore =
            cf_fake_kube_peek(w.west.api, CF_VELERO_V1, "Restore", "velero",
                              cf_velero_restore_name(&w.v, 1, 1, 1, i == 0, name));
        assert_string_equal(phase_of(restore), i == 0 ? "Completed" : "Finalizing");
    }
    /* Nor for ever, where nobody finalizes. */
    w.finalizing = 100000;
    drive_done(&w, BACKUP_FROZEN, 2);
    drive_done(&w, REHEARSE, 2);
    world_down(&w);
}

static void a_pass_touches_nothing_that_is_not_ours(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, TWO_CLAIMS);
    add_pod(&w.east, "shop", "db-0", "data-db-0", "n7", "Running");
    cf_autojson json_t *pod = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", "db-0");
    cf_autojson json_t *claim =
        cf_fake_kube_peek(w.east.api, "v1", "PersistentVolumeClaim", "shop", "data-db-0");
    assert_ok(once(&w, BACKUP_LIVE, 1, &out, &err), &err); /* recorded */
    assert_ok(once(&w, BACKUP_LIVE, 1, &out, &err), &err); /* stage pods made */
    char name[CF_VELERO_NAME_MAX];
    cf_velero_stage_name(&w.v, "data-db-0", name);
    cf_autojson json_t *stage = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", name);
    assert_string_equal(cf_json_str(stage, "", "spec", "nodeName", NULL), "n7");
    assert_string_equal(
        cf_json_str(stage, "", "metadata", "annotations", CF_VELERO_VOLUMES_TO_BACK, NULL), "data");
    assert_true(cf_json_bool(stage, false, "spec", "securityContext", "runAsNonRoot", NULL));
    assert_null(cf_json_at(stage, "spec", "securityContext", "fsGroup", NULL));
    cf_velero_stage_name(&w.v, "pictures", name);
    cf_autojson json_t *pointer = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", name);
    assert_string_equal(cf_json_str(pointer, "", "spec", "schedulerName", NULL), "crossfade-never");
    assert_null(cf_json_at(pointer, "metadata", "annotations", CF_VELERO_VOLUMES_TO_BACK, NULL));
    drive_done(&w, BACKUP_LIVE, 1);
    cf_autojson json_t *pod_after = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", "db-0");
    cf_autojson json_t *claim_after =
        cf_fake_kube_peek(w.east.api, "v1", "PersistentVolumeClaim", "shop", "data-db-0");
    assert_true(cf_json_equal(pod, pod_after));
    assert_true(cf_json_equal(claim, claim_after));
    assert_int_equal(count(&w, &w.east, "v1", "Pod", "shop"), 1);
    world_down(&w);
}

static void the_frozen_pass_goes_where_the_live_one_was_under_the_same_name(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    char name[CF_VELERO_NAME_MAX];
    world_up(&w, "[{'name':'data-db-0','strategy':'veleroFsBackup'}]");
    add_pod(&w.east, "shop", "db-0", "data-db-0", "n7", "Running");
    drive_done(&w, BACKUP_LIVE, 1);
    cf_fake_kube_remove(w.east.api, "v1", "Pod", "shop", "db-0"); /* frozen */
    assert_ok(once(&w, BACKUP_FROZEN, 2, &out, &err), &err);
    assert_ok(once(&w, BACKUP_FROZEN, 2, &out, &err), &err);
    cf_velero_stage_name(&w.v, "data-db-0", name);
    cf_autojson json_t *stage = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", name);
    assert_string_equal(cf_json_str(stage, "", "spec", "nodeName", NULL), "n7");
    /* Its node is gone: after a while any other will do. */
    w.keeps_pods_pending = true;
    for (int i = 0; i < 60 && (!stage || cf_json_at(stage, "spec", "nodeName", NULL)); i++) {
        assert_ok(once(&w, BACKUP_FROZEN, 2, &out, &err), &err);
        w.v.now_ms += out.wait_ms;
        json_decref(stage);
        stage = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", name);
    }
    assert_non_null(stage);
    assert_null(cf_json_at(stage, "spec", "nodeName", NULL));
    w.keeps_pods_pending = false;
    drive_done(&w, BACKUP_FROZEN, 2);
    world_down(&w);
}

static void a_pass_gives_way_to_a_pod_that_has_moved(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, "[{'name':'data-db-0','strategy':'veleroFsBackup'}]");
    add_pod(&w.east, "shop", "db-0", "data-db-0", "n7", "Running");
    w.backup_fault = HANGS;
    w.fault_times = 1;
    for (int i = 0; i < 6; i++) {
        assert_ok(once(&w, BACKUP_LIVE, 1, &out, &err), &err);
        world_turn(&w);
    }
    assert_non_null(strstr(out.why, "is InProgress"));
    add_pod(&w.east, "shop", "db-0", "data-db-0", "n8", "Pending");
    for (int i = 0; i < 4; i++)
        assert_ok(once(&w, BACKUP_LIVE, 1, &out, &err), &err);
    assert_non_null(strstr(out.why, "pod db-0 has moved to node n8 and waits for claim data-db-0"));
    assert_int_equal(count(&w, &w.east, "v1", "Pod", "shop"), 1);
    add_pod(&w.east, "shop", "db-0", "data-db-0", "n8", "Running");
    w.backup_fault = LOSES_THE_SERVER; /* ends the first attempt */
    drive_done(&w, BACKUP_LIVE, 1);
    cf_autojson json_t *report = cf_volumes_pass_report(w.stored, "there", 1);
    assert_int_equal(cf_json_int(report, 0, "attempt", NULL), 2);
    world_down(&w);
}

/* --- what goes wrong --- */

static const struct {
    const char *what;
    enum fault fault;
    int times;
    bool good;        /* after other attempts */
    const char *says; /* otherwise */
    int attempts;
} wrongs[] = {
    { "a volume is skipped once", SKIPS_A_VOLUME, 1, true, "", 2 },
    { "a volume is skipped always", SKIPS_A_VOLUME, 9, false, "Velero skipped the volume", 3 },
    { "a volume fails once", FAILS_A_VOLUME, 1, true, "", 2 },
    { "a volume fails always", FAILS_A_VOLUME, 9, false, "ended PartiallyFailed", 3 },
    { "the server is restarted", LOSES_THE_SERVER, 1, true, "", 2 },
    { "it is refused for now", REFUSES_FOR_NOW, 2, true, "", 3 },
    { "it is refused", REFUSES, 9, false, "was refused: labelSelector and orLabelSelectors", 3 },
    { "it hangs", HANGS, 9, false, "has been InProgress for", 1 },
    { "nobody takes it", TAKES_NOTHING, 9, false, "is its Velero server running", 1 },
    { "a phase is new", NEW_PHASE, 3, true, "", 1 },
};

static void check_end(struct world *w, size_t i, const struct cf_moving *out, int attempt,
                      const char *side)
{
    (void)w;
    if (out->done != wrongs[i].good || !strstr(out->why, wrongs[i].says))
        fail_msg("%s, %s: %s%s", wrongs[i].what, side, out->done ? "done " : "", out->why);
    if (attempt != wrongs[i].attempts)
        fail_msg("%s, %s: %d attempts, not %d", wrongs[i].what, side, attempt, wrongs[i].attempts);
}

static void what_goes_wrong_with_a_backup(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(wrongs); i++) {
        struct world w;
        struct cf_moving out;
        world_up(&w, TWO_CLAIMS);
        w.backup_fault = wrongs[i].fault;
        w.fault_times = wrongs[i].times;
        drive(&w, BACKUP_FROZEN, 1, &out);
        check_end(&w, i, &out, cf_pass_attempt(cf_pass_find(w.stored, "there", 1)), "backup");
        w.fault_times = 0;
        drive_done(&w, CANCEL, 0);
        world_down(&w);
    }
}

static void what_goes_wrong_with_a_restore(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(wrongs); i++) {
        struct world w;
        struct cf_moving out;
        world_up(&w, TWO_CLAIMS);
        drive_done(&w, BACKUP_FROZEN, 1);
        w.restore_fault = wrongs[i].fault;
        w.fault_times = wrongs[i].times;
        drive(&w, RESTORE, 1, &out);
        const json_t *row = json_object_get(cf_pass_find(w.stored, "there", 1), "restore");
        check_end(&w, i, &out, cf_pass_attempt(row), "restore");
        w.fault_times = 0;
        drive_done(&w, CANCEL, 0);
        drive_done(&w, TAKE_BACK, 0);
        drive_done(&w, CLEAN, 0);
        nothing_of_ours_is_left(&w, wrongs[i].what);
        assert_int_equal(count(&w, &w.west, "v1", "PersistentVolumeClaim", NULL), 0);
        world_down(&w);
    }
}

static void a_name_in_the_bucket_and_bytes_that_lack(void **state)
{
    (void)state;
    struct world w;
    world_up(&w, TWO_CLAIMS);
    w.backup_fault = COLLIDES;
    w.fault_times = 1;
    drive_done(&w, BACKUP_FROZEN, 1);
    w.backup_fault = SHORT_OF_BYTES;
    w.fault_times = 1;
    drive_done(&w, BACKUP_FROZEN, 2);
    assert_int_equal(cf_pass_attempt(cf_pass_find(w.stored, "there", 2)), 2);
    drive_done(&w, CLEAN, 0);
    nothing_of_ours_is_left(&w, "attempts that failed");
    world_down(&w);
}

static void another_s_backup_has_the_name(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    char name[CF_VELERO_NAME_MAX];
    world_up(&w, TWO_CLAIMS);
    cf_autojson json_t *theirs =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{}}", "apiVersion", CF_VELERO_V1, "kind",
                  "Backup", "metadata", "name", cf_velero_backup_name(&w.v, 1, 1, name),
                  "namespace", "velero", "labels", CF_VELERO_LABEL_RUN, "other", "spec");
    put(&w.east, theirs);
    for (int i = 0; i < 3; i++) {
        world_turn(&w);
        if (!once(&w, BACKUP_FROZEN, 1, &out, &err))
            break;
    }
    cf_test_check_error(&err, CF_ERR_CONFLICT, name, __FILE__, __LINE__);
    drive_done(&w, CLEAN, 0);
    assert_int_equal(count(&w, &w.east, CF_VELERO_V1, "Backup", "velero"), 1);
    world_down(&w);
}

static void claims_that_exist_are_never_written_over(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    add_claim(&w.west, "store", "pictures");
    drive(&w, RESTORE, 1, &out);
    assert_true(out.stuck);
    assert_non_null(
        strstr(out.why, "claim store/pictures exists on west and was not made by this pass"));
    assert_int_equal(count(&w, &w.west, CF_VELERO_V1, "Restore", "velero"), 0);
    /* On its way out already: that is waited for. */
    cf_autojson json_t *claim =
        cf_fake_kube_peek(w.west.api, "v1", "PersistentVolumeClaim", "store", "pictures");
    cf_json_put_take(claim, json_string("2026-01-01T00:00:01Z"), "metadata", "deletionTimestamp",
                     NULL);
    cf_json_put_take(claim, json_pack("[s]", "kubernetes.io/pvc-protection"), "metadata",
                     "finalizers", NULL);
    put(&w.west, claim);
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(once(&w, RESTORE, 1, &out, &err), &err);
    assert_true(out.waits && !out.stuck);
    assert_non_null(strstr(out.why, "1 claims are being deleted on west"));
    drive_done(&w, TAKE_BACK, 0);
    assert_int_equal(count(&w, &w.west, "v1", "PersistentVolumeClaim", "store"), 1);
    world_down(&w);
}

static void claims_in_use_are_not_taken_back(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    drive_done(&w, RESTORE, 1);
    add_pod(&w.west, "store", "db-0", "data-db-0", "w1", "Running");
    drive(&w, TAKE_BACK, 0, &out);
    assert_true(out.stuck);
    assert_non_null(strstr(out.why, "claim store/data-db-0 on west is used by pod db-0"));
    assert_int_equal(count(&w, &w.west, "v1", "PersistentVolumeClaim", "store"), 2);
    cf_fake_kube_remove(w.west.api, "v1", "Pod", "store", "db-0");
    drive_done(&w, TAKE_BACK, 0);
    assert_int_equal(count(&w, &w.west, "v1", "PersistentVolumeClaim", "store"), 0);
    world_down(&w);
}

static void a_foreign_restore_in_front_is_named(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    cf_autojson json_t *theirs =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:{}, s:{s:s}}", "apiVersion", CF_VELERO_V1, "kind",
                  "Restore", "metadata", "name", "theirs", "namespace", "velero", "spec", "status",
                  "phase", "InProgress");
    put(&w.west, theirs);
    w.restore_fault = TAKES_NOTHING;
    w.fault_times = 1;
    drive(&w, RESTORE, 1, &out);
    assert_non_null(strstr(out.why, "behind restore theirs"));
    cf_fake_kube_remove(w.west.api, CF_VELERO_V1, "Restore", "velero", "theirs");
    w.fault_times = 0;
    w.v.now_ms += 1;
    drive_done(&w, CANCEL, 0); /* what nobody has begun is taken away */
    assert_int_equal(count(&w, &w.west, CF_VELERO_V1, "Restore", "velero"), 0);
    world_down(&w);
}

static void a_foreign_backup_in_front_is_named(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    world_up(&w, TWO_CLAIMS);
    cf_autojson json_t *theirs =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:{}, s:{s:s}}", "apiVersion", CF_VELERO_V1, "kind",
                  "Backup", "metadata", "name", "nightly", "namespace", "velero", "spec", "status",
                  "phase", "InProgress");
    put(&w.east, theirs);
    w.backup_fault = TAKES_NOTHING;
    w.fault_times = 1;
    drive(&w, BACKUP_LIVE, 1, &out);
    assert_non_null(strstr(out.why, "has waited for 2 minutes behind backup nightly"));
    world_down(&w);
}

/* --- handing over --- */

static void who_may_not_write_backups_waits_for_the_sync(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    char name[CF_VELERO_NAME_MAX];
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    struct cf_fake_fault denied = {
        .method = "POST", .path_part = "/backups", .times = 1, .status = 403, .reason = "Forbidden"
    };
    cf_fake_kube_fail(w.west.api, &denied);
    assert_ok(once(&w, HAND_OVER, 1, &out, &err), &err);
    assert_true(out.waits && !out.stuck);
    assert_non_null(strstr(out.why, "waiting for its sync"));
    /* The Backup comes before its PodVolumeBackups, and they before the sync has ended. */
    cf_autojson json_t *backup = cf_fake_kube_peek(w.east.api, CF_VELERO_V1, "Backup", "velero",
                                                   cf_velero_backup_name(&w.v, 1, 1, name));
    cf_json_put_take(backup, json_string("2026-01-01T00:01:00Z"), "metadata", "creationTimestamp",
                     NULL);
    put(&w.west, backup);
    assert_ok(once(&w, HAND_OVER, 1, &out, &err), &err);
    assert_non_null(strstr(out.why, "1 of 1 PodVolumeBackups are not on west yet"));
    cf_autojson json_t *volumes = all(&w, &w.east, CF_VELERO_V1, "PodVolumeBackup", "velero");
    put(&w.west, json_array_get(volumes, 0));
    assert_ok(once(&w, HAND_OVER, 1, &out, &err), &err);
    assert_non_null(strstr(out.why, "a sync on west is under way"));
    cf_autojson json_t *location =
        cf_fake_kube_peek(w.west.api, CF_VELERO_V1, "BackupStorageLocation", "velero", "there-too");
    cf_json_put_take(location, json_string("2026-01-01T00:01:01Z"), "status", "lastSyncedTime",
                     NULL);
    put(&w.west, location);
    drive_done(&w, HAND_OVER, 1);
    world_down(&w);
}

static void a_sync_that_never_comes_is_said(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    struct cf_fake_fault denied = {
        .method = "POST", .path_part = "/backups", .times = 1, .status = 403, .reason = "Forbidden"
    };
    cf_fake_kube_fail(w.west.api, &denied);
    drive(&w, HAND_OVER, 1, &out);
    assert_true(out.stuck);
    assert_non_null(strstr(out.why, "does Velero on west sync BackupStorageLocation there-too"));
    world_down(&w);
}

static void what_a_sync_has_begun_is_brought_to_its_end(void **state)
{
    (void)state;
    struct world w;
    char name[CF_VELERO_NAME_MAX];
    world_up(&w, TWO_CLAIMS);
    drive_done(&w, BACKUP_FROZEN, 1);
    cf_autojson json_t *backup = cf_fake_kube_peek(w.east.api, CF_VELERO_V1, "Backup", "velero",
                                                   cf_velero_backup_name(&w.v, 1, 1, name));
    put(&w.west, backup); /* and its PodVolumeBackup never */
    drive_done(&w, HAND_OVER, 1);
    cf_autojson json_t *volumes = all(&w, &w.west, CF_VELERO_V1, "PodVolumeBackup", "velero");
    assert_int_equal(json_array_size(volumes), 1);
    assert_string_equal(
        cf_json_str(json_array_get(volumes, 0), "", "spec", "backupStorageLocation", NULL),
        "there-too");
    /* Taken for an orphan before the restore: written again. */
    cf_fake_kube_remove(w.west.api, CF_VELERO_V1, "Backup", "velero", name);
    drive_done(&w, RESTORE, 1);
    world_down(&w);
}

/* --- cut off --- */

static void it_may_be_cut_off_at_any_call(void **state)
{
    (void)state;
    int stride = cf_test_stride(5), total;
    struct world w;
    world_up(&w, TWO_CLAIMS);
    the_whole_way(&w);
    drive_done(&w, CLEAN, 0);
    total = w.calls;
    world_down(&w);
    assert_true(total > 50);
    for (int cut = 0; cut < total; cut += stride) {
        for (int after = 0; after < 2; after++) {
            world_up(&w, TWO_CLAIMS);
            w.cut = cut;
            w.cut_after = after == 1;
            the_whole_way(&w);
            drive_done(&w, CLEAN, 0);
            nothing_of_ours_is_left(&w, "cut off");
            assert_int_equal(count(&w, &w.west, "v1", "PersistentVolumeClaim", "store"), 2);
            const json_t *row = cf_pass_find(w.stored, "there", 2);
            assert_int_equal(cf_pass_attempt(row), 1);
            world_down(&w);
        }
    }
}

/* --- for days --- */

/* Passes go on for days; what is kept of them does not grow with that. */
static void a_hundred_passes_keep_the_state_small(void **state)
{
    (void)state;
    enum { PASSES = 100 };
    struct world w;
    world_up(&w, TWO_CLAIMS);
    for (int n = 1; n <= PASSES; n++) {
        drive_done(&w, BACKUP_LIVE, n);
        drive_done(&w, CLEAN, 1);
    }
    assert_int_equal(count(&w, &w.east, CF_VELERO_V1, "Backup", "velero"), 1);
    assert_null(cf_pass_find(w.stored, "there", 1));
    assert_null(
        json_object_get(cf_pass_find(w.stored, "there", PASSES - CF_VELERO_PASSES_KEPT), "rows"));
    assert_non_null(json_object_get(cf_pass_find(w.stored, "there", PASSES - 1), "rows"));
    assert_in_range(json_object_size(cf_json_at(w.stored, "ways", "there", "passes", NULL)), 4,
                    CF_VELERO_PASSES_NAMED + 1);
    drive_done(&w, CLEAN, 0);
    nothing_of_ours_is_left(&w, "after a hundred passes");
    world_down(&w);
}

static void a_run_without_claims_or_with_too_many_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, "[]");
    assert_fails(cf_volumes_backup(&w.v, 1, CF_PASS_LIVE, &out, &err), &err, CF_ERR_LIMIT,
                 "0 claims in one run");
    assert_fails(cf_volumes_restore(&w.v, 1, false, &out, &err), &err, CF_ERR_BUG,
                 "pass 1 is not done");
    assert_fails(cf_volumes_hand_over(&w.v, 1, &out, &err), &err, CF_ERR_BUG, "pass 1 is not done");
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_strategies_arrive),
        cmocka_unit_test(a_frozen_pass_is_done_before_its_pods_are_gone),
        cmocka_unit_test(a_rehearsal_goes_once_its_restore_has_ended),
        cmocka_unit_test(a_pass_touches_nothing_that_is_not_ours),
        cmocka_unit_test(the_frozen_pass_goes_where_the_live_one_was_under_the_same_name),
        cmocka_unit_test(a_pass_gives_way_to_a_pod_that_has_moved),
        cmocka_unit_test(what_goes_wrong_with_a_backup),
        cmocka_unit_test(what_goes_wrong_with_a_restore),
        cmocka_unit_test(a_name_in_the_bucket_and_bytes_that_lack),
        cmocka_unit_test(another_s_backup_has_the_name),
        cmocka_unit_test(claims_that_exist_are_never_written_over),
        cmocka_unit_test(claims_in_use_are_not_taken_back),
        cmocka_unit_test(a_foreign_restore_in_front_is_named),
        cmocka_unit_test(a_foreign_backup_in_front_is_named),
        cmocka_unit_test(who_may_not_write_backups_waits_for_the_sync),
        cmocka_unit_test(a_sync_that_never_comes_is_said),
        cmocka_unit_test(what_a_sync_has_begun_is_brought_to_its_end),
        cmocka_unit_test(it_may_be_cut_off_at_any_call),
        cmocka_unit_test(a_hundred_passes_keep_the_state_small),
        cmocka_unit_test(a_run_without_claims_or_with_too_many_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
