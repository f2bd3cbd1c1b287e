/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what many claims cost: a pass makes and takes away a pod for each and asks for lists otherwise, and a look that
 * only sees bytes move leaves nothing that has to be stored. */
#include "tests/unit/velero/world.h"

/* Lists, whatever the number of claims: what grows with it is making and taking away their pods. */
static void five_hundred_claims_cost_lists(void **state)
{
    (void)state;
    enum { MANY = 500 };
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *claims = json_array();
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "data-%d", i);
        json_array_append_new(claims, json_pack("{s:s, s:s}", "name", name, "strategy",
                                                i % 2 ? "veleroFsBackup" : "veleroSnapshot"));
    }
    cf_autofree char *text = cf_json_dump(claims);
    world_up(&w, text);
    w.backup_fault = HANGS;
    drive_done(&w, BACKUP_LIVE, 1);
    if (w.calls > 2 * MANY + 40)
        fail_msg("%d calls for a pass of %d claims", w.calls, MANY);
    w.fault_times = 1;
    for (int i = 0; i < 4; i++) {
        assert_ok(once(&w, BACKUP_LIVE, 2, &out, &err), &err);
        world_turn(&w);
    }
    w.calls = 0;
    assert_ok(once(&w, BACKUP_LIVE, 2, &out, &err), &err);
    assert_non_null(strstr(out.why, "InProgress"));
    if (w.calls > 4)
        fail_msg("%d calls for one look at %d claims", w.calls, MANY);
    assert_int_equal(out.claims_total, MANY);
    cf_autofree char *stored = cf_json_dump(w.stored);
    assert_true(strlen(stored) < MANY * 600);
    world_down(&w);
}

/* A large state is stored when something has come of it, and not with each look at bytes that move. */
static void a_look_that_only_sees_progress_needs_no_record(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, TWO_CLAIMS);
    w.backup_fault = HANGS;
    w.fault_times = 1;
    for (int i = 0; i < 4; i++) {
        assert_ok(once(&w, BACKUP_LIVE, 1, &out, &err), &err);
        world_turn(&w);
    }
    assert_ok(once(&w, BACKUP_LIVE, 1, &out, &err), &err);
    assert_true(out.waits);
    cf_autojson json_t *before = cf_json_copy(w.stored);
    const json_t *row = cf_pass_find(before, "there", 1);
    assert_true(cf_pass_is(row, "run"));
    assert_null(json_object_get(row, "rows")); /* what a later look would see again */
    json_t *backup = cf_json_unconst(cf_json_at(row, "backup", NULL));
    cf_autojson json_t *live =
        cf_fake_kube_peek(w.east.api, CF_VELERO_V1, "Backup", "velero", json_string_value(backup));
    cf_json_put_take(live, json_integer(1), "status", "progress", "itemsBackedUp", NULL);
    put(&w.east, live);
    assert_ok(once(&w, BACKUP_LIVE, 1, &out, &err), &err);
    assert_false(json_equal(before, w.v.state)); /* standstill is counted anew */
    assert_true(json_equal(before, w.stored));
    cf_json_put_take(w.stored, json_string("other"), "ways", "there", "nodes", "data-db-0", NULL);
    assert_true(cf_volumes_state_differs(before, w.stored));
    assert_true(cf_volumes_state_differs(w.stored, before));
    world_down(&w);
}

/* And yet it is stored once in a while, for what stands still then has to be seen to. */
static void a_look_is_stored_once_in_a_while(void **state)
{
    (void)state;
    enum { LOOKS = 300, EACH_MS = 2000 };
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    int stored = 0;
    world_up(&w, TWO_CLAIMS);
    w.backup_fault = HANGS;
    w.fault_times = 1;
    for (int i = 0; i < LOOKS; i++, w.v.now_ms += EACH_MS) {
        cf_autojson json_t *before = json_incref(w.stored);
        assert_ok(once(&w, BACKUP_LIVE, 1, &out, &err), &err);
        assert_false(out.stuck);
        stored += before != w.stored;
        world_turn(&w);
        cf_autojson json_t *backups = all(&w, &w.east, CF_VELERO_V1, "Backup", "velero");
        json_t *backup = json_array_get(backups, 0);
        if (!backup)
            continue;
        cf_json_put_take(backup, json_integer(i), "status", "progress", "itemsBackedUp", NULL);
        put(&w.east, backup);
    }
    assert_in_range(stored, LOOKS * EACH_MS / 30000, LOOKS * EACH_MS / 20000 + 5);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_hundred_claims_cost_lists),
        cmocka_unit_test(a_look_that_only_sees_progress_needs_no_record),
        cmocka_unit_test(a_look_is_stored_once_in_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
