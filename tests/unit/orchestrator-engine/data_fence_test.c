/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that nobody writes unseen between the end of the last writer and the start of the next one: who comes
 * and goes while the data travels makes the pass void, there and back. */
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN DATA_PLAN AUTO DATA_VOLUMES("") DISCARD

/* The restore of the last pass is under way. */
static void until_restoring(struct data *d)
{
    data_until_step(d, "volume.final_sync", 0, "applied");
    for (int i = 0; i < 100; i++) {
        const char *says = cf_json_str(step_at(d->w, "volume.final_sync", 0), "", "message", NULL);
        if (strstr(says, "its restore"))
            return;
        data_pass(d);
    }
    fail_msg("it is not restored");
}

static void assert_made_again(struct data *d, const char *why)
{
    int64_t first = cf_json_int(step_at(d->w, "volume.final_sync", 0), 0, "intent", "pass", NULL);
    data_until_step(d, "writers.switch", 0, "done");
    assert_int_equal(count_events(d->w, "pass.void"), 1);
    size_t at = (size_t)event_at(d, "pass.void", NULL);
    const char *reason = cf_json_str(json_array_get(d->w->events, at), "", "body", "reason", NULL);
    if (!strstr(reason, why))
        fail_msg("void because of: %s", reason);
    assert_int_equal(
        cf_json_int(step_at(d->w, "volume.final_sync", 0), -1, "observation", "pass", NULL),
        first + 1);
    data_until(d, "completed", 300);
}

/* A Job of a few seconds: gone when the switch looks. */
static void a_pod_that_comes_and_goes(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN);
    until_restoring(d);
    add_pod(&d->velero.east, "web", "intruder", "data", "n1", "Running");
    data_pass(d);
    assert_string_equal(step_state(d->w, "volume.final_sync", 0), "applied");
    cf_fake_kube_remove(d->w->dc1, "v1", "Pod", "web", "intruder");
    assert_made_again(d, "pod intruder of dc1 mounts a claim");
    data_free(d);
}

static void scale_extra(struct data *d, int n)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "extra");
    cf_autojson json_t *patch = json_pack("{s:{s:i}}", "spec", "replicas", n);
    assert_ok(cf_kube_merge_patch(d->velero.east.kube, NULL, &ref, patch, NULL, NULL, &err), &err);
}

/* It had nothing to stop, so nothing of it was saved; started and stopped between two looks it is seen all
 * the same. */
static void a_writer_that_stood_still_before(void **state)
{
    (void)state;
    struct data *d = data_new(
        DATA_PLAN AUTO DATA_VOLUMES(", quiesce: [{kind: Deployment, name: extra}]") DISCARD);
    put_text(d->w->dc1,
             "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'extra','namespace':"
             "'web','generation':1},'spec':{'replicas':0}}");
    until_restoring(d);
    assert_int_equal(
        json_array_size(cf_json_at(step_at(d->w, "quiesce", 0), "intent", "stopped", NULL)), 1);
    scale_extra(d, 1);
    scale_extra(d, 0);
    assert_made_again(d, "a stopped workload of dc1 was changed");
    data_free(d);
}

/* ---- back ---- */

/* The target is asked to give the data back, and its last pass is restored in the source. */
static struct data *restoring_back(void)
{
    struct data *d = switched();
    roll_back(d, NULL);
    for (int i = 0; i < 300; i++) {
        if (strstr(hold_message(d->w), "the restore in the source"))
            return d;
        data_pass(d);
    }
    dump_run(d->w);
    fail_msg("it is not restored: %s", hold_message(d->w));
    return NULL;
}

static void assert_brought_back_again(struct data *d, const char *why)
{
    data_until(d, "rolled-back", 300);
    assert_int_equal(count_events(d->w, "pass.void"), 1);
    size_t at = (size_t)event_at(d, "pass.void", NULL);
    const char *reason = cf_json_str(json_array_get(d->w->events, at), "", "body", "reason", NULL);
    if (!strstr(reason, why))
        fail_msg("void because of: %s", reason);
    cf_autojson json_t *claim =
        cf_fake_kube_peek(d->w->dc1, "v1", "PersistentVolumeClaim", "web", "data");
    assert_non_null(strstr(label_of(claim, CF_VELERO_RESTORE_NAME), "-back-p3-"));
    assert_int_equal(replicas(d->w->dc1), 1);
}

static void a_pod_that_comes_and_goes_in_the_target(void **state)
{
    (void)state;
    struct data *d = restoring_back();
    add_pod(&d->velero.west, "web", "intruder", "data", "n1", "Running");
    for (int i = 0; i < 3; i++)
        data_pass(d);
    assert_int_equal(replicas(d->w->dc1), 0);
    cf_fake_kube_remove(d->w->dc2, "v1", "Pod", "web", "intruder");
    assert_brought_back_again(d, "pod intruder of dc2 mounts a claim");
    data_free(d);
}

static void a_writer_that_is_started_in_the_target(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    struct data *d = restoring_back();
    for (int n = 1; n >= 0; n--) {
        cf_autojson json_t *patch = json_pack("{s:{s:i}}", "spec", "replicas", n);
        assert_ok(cf_kube_merge_patch(d->velero.west.kube, NULL, &ref, patch, NULL, NULL, &err),
                  &err);
    }
    assert_brought_back_again(d, "a stopped workload of dc2 was changed");
    data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_that_comes_and_goes),
        cmocka_unit_test(a_writer_that_stood_still_before),
        cmocka_unit_test(a_pod_that_comes_and_goes_in_the_target),
        cmocka_unit_test(a_writer_that_is_started_in_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
