/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the attempts of a pass are not all made at once, and that a place for its pods is tried for a
 * while. */
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

/* The time counts from when the last of the others stood. */
static void one_stage_pod_of_two_that_does_not_come_is_placed_anew(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    char first[CF_VELERO_NAME_MAX], second[CF_VELERO_NAME_MAX];
    world_up(&w, "[{'name':'a','strategy':'veleroFsBackup'},"
                 "{'name':'b','strategy':'veleroFsBackup'}]");
    add_pod(&w.east, "shop", "a-0", "a", "n7", "Running");
    add_pod(&w.east, "shop", "b-0", "b", "n8", "Running");
    drive_done(&w, BACKUP_LIVE, 1);
    cf_velero_stage_name(&w.v, "a", first);
    cf_velero_stage_name(&w.v, "b", second);
    w.keeps_pods_pending = true;
    for (int i = 0; i < 60; i++, w.v.now_ms += CF_VELERO_LOOK_MS) {
        assert_ok(once(&w, BACKUP_FROZEN, 2, &out, &err), &err);
        cf_autojson json_t *pod = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", first);
        if (i == 3)
            set_phase(&w.east, pod, "Running");
    }
    cf_autojson json_t *a = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", first);
    cf_autojson json_t *b = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", second);
    assert_string_equal(cf_json_str(a, "", "spec", "nodeName", NULL), "n7");
    assert_non_null(b);
    assert_null(cf_json_at(b, "spec", "nodeName", NULL));
    w.keeps_pods_pending = false;
    drive_done(&w, BACKUP_FROZEN, 2);
    world_down(&w);
}

/* Nobody ran when the run began: the nodes that reach the volume may be those that only its workload's pods
 * may go to. */
static void a_stage_pod_tolerates_what_its_workload_does(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    char name[CF_VELERO_NAME_MAX];
    cf_autojson json_t *stage = NULL;
    world_up(&w, "[{'name':'a','strategy':'veleroFsBackup','tolerations':[{'key':'db','operator':"
                 "'Exists','effect':'NoSchedule'}]}]");
    cf_velero_stage_name(&w.v, "a", name);
    for (int i = 0; i < 50 && !stage; i++) {
        assert_ok(once(&w, BACKUP_LIVE, 1, &out, &err), &err);
        stage = cf_fake_kube_peek(w.east.api, "v1", "Pod", "shop", name);
    }
    cf_autofree char *text = cf_json_dump(cf_json_at(stage, "spec", "tolerations", NULL));
    assert_non_null(strstr(text, "NoExecute"));
    assert_non_null(
        strstr(text, "{\"key\":\"db\",\"operator\":\"Exists\",\"effect\":\"NoSchedule\"}"));
    drive_done(&w, BACKUP_LIVE, 1);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_attempt_waits_a_while),
        cmocka_unit_test(one_stage_pod_of_two_that_does_not_come_is_placed_anew),
        cmocka_unit_test(a_stage_pod_tolerates_what_its_workload_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
