/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what a run with data does when a pass has to wait for others, is deleted under it, or goes the
 * other way: it does not freeze before Velero is free, makes another pass, and brings most of the data back
 * while the target still serves. */
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN DATA_PLAN AUTO DATA_VOLUMES("")

enum { MINUTE_MS = 60 * 1000 };

static const char *message(struct data *d, const char *kind)
{
    return cf_json_str(step_at(d->w, kind, 0), "", "message", NULL);
}

static const json_t *noted(struct data *d, const char *key)
{
    return cf_json_at(step_at(d->w, "volume.sync", 0), "observation", key, NULL);
}

/* ---- the slot ---- */

static const struct {
    const char *kind, *phase;
    bool east; /* at the source's Velero */
    bool blocks;
} others[] = {
    { "Restore", "InProgress", false, true },
    { "Restore", "", false, true }, /* it was asked before us */
    { "Restore", "Finalizing", false, false },
    { "Restore", "Completed", false, false },
    { "Restore", "InProgress", true, false },
    { "Backup", "InProgress", true, true },
    { "Backup", "Queued", true, true },
    { "Backup", "WaitingForPluginOperations", true, false },
    { "Backup", "InProgress", false, false },
};

static void put_other(struct data *d, size_t i, const char *phase)
{
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'velero.io/v1','kind':'%s','metadata':{'name':'nightly','namespace':"
        "'velero'},'spec':{},'status':{'phase':'%s'}}",
        others[i].kind, phase);
    put_text(others[i].east ? d->w->dc1 : d->w->dc2, text);
}

/* Our server's model has no queue: what is not to be taken up is out of its sight. */
static void pass_beside(struct data *d, size_t i)
{
    world_pass(d->w);
    cf_fake_kube_remove(others[i].east ? d->w->dc1 : d->w->dc2, CF_VELERO_V1, others[i].kind,
                        "velero", "nightly");
    data_turn(d);
    put_other(d, i, others[i].phase);
}

static void nothing_freezes_before_the_slot_is_free(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(others); i++) {
        struct data *d = data_new(PLAN DISCARD);
        put_other(d, i, others[i].phase);
        for (int k = 0; k < 60 && strcmp(step_state(d->w, "quiesce", 0), "planned") == 0; k++)
            pass_beside(d, i);
        bool blocked = strcmp(step_state(d->w, "quiesce", 0), "planned") == 0;
        cf_autofree char *want =
            cf_xasprintf("blocked by %s nightly on %s, not freezing before the slot is free",
                         strcmp(others[i].kind, "Backup") == 0 ? "backup" : "restore",
                         others[i].east ? "dc1" : "dc2");
        if (blocked != others[i].blocks ||
            (blocked && (strcmp(message(d, "quiesce"), want) != 0 || replicas(d->w->dc1) != 1))) {
            dump_run(d->w);
            fail_msg("%s %s of %s: %s", others[i].kind, others[i].phase,
                     others[i].east ? "source" : "target", message(d, "quiesce"));
        }
        data_free(d);
    }
}

static void a_slot_that_does_not_become_free_is_a_hold(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    put_other(d, 0, "InProgress");
    for (int k = 0; k < 60 && !strstr(message(d, "quiesce"), "blocked by"); k++)
        pass_beside(d, 0);
    assert_string_equal(hold_of(d->w), "");
    d->w->now += 11 * 60 * 1000;
    for (int k = 0; k < 60 && strcmp(hold_of(d->w), "data") != 0; k++)
        pass_beside(d, 0);
    assert_non_null(strstr(hold_message(d->w), "blocked by restore nightly on dc2, not freezing"));
    assert_int_equal(replicas(d->w->dc1), 1);
    cf_fake_kube_remove(d->w->dc2, CF_VELERO_V1, "Restore", "velero", "nightly");
    data_until(d, "completed", 300);
    data_free(d);
}

/* ---- deleted under it ---- */

static void a_pass_that_somebody_deletes_is_made_again(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "volume.final_sync", 0, "applied");
    int64_t first = cf_json_int(step_at(d->w, "volume.final_sync", 0), 0, "intent", "pass", NULL);
    char name[CF_VELERO_NAME_MAX];
    cf_velero_backup_name(&d->velero.v, (int)first, 1, name);
    for (int k = 0; k < 100; k++) {
        cf_autojson json_t *b =
            cf_fake_kube_peek(d->w->dc1, CF_VELERO_V1, "Backup", "velero", name);
        if (b && strcmp(phase_of(b), "Completed") == 0)
            break;
        data_pass(d);
    }
    /* Its evidence is taken by the next look; then it is gone. */
    world_pass(d->w);
    cf_fake_kube_remove(d->w->dc1, CF_VELERO_V1, "Backup", "velero", name);
    cf_fake_kube_remove(d->w->dc2, CF_VELERO_V1, "Backup", "velero", name);
    data_until(d, "completed", 300);
    assert_int_equal(
        cf_json_int(step_at(d->w, "volume.final_sync", 0), 0, "observation", "pass", NULL), first);
    const json_t *reports = noted(d, "reports");
    const json_t *last = json_array_get(reports, json_array_size(reports) - 1);
    assert_int_equal(cf_json_int(last, 0, "attempt", NULL), 2);
    data_free(d);
}

/* ---- the way back ---- */

static bool has_back_pass(struct data *d, int n)
{
    cf_autojson json_t *all_backups =
        all(&d->velero, &d->velero.west, CF_VELERO_V1, "Backup", "velero");
    cf_autofree char *part = cf_xasprintf("-back-p%d-", n);
    size_t i;
    json_t *b;
    json_array_foreach(all_backups, i, b)
    {
        if (strstr(name_of(b), part))
            return true;
    }
    return false;
}

static void most_of_it_comes_back_while_the_target_runs(void **state)
{
    (void)state;
    struct data *d = switched();
    act(d->w, "rollback");
    for (int k = 0; k < 50 && !noted(d, "ahead"); k++) {
        data_pass(d);
        if (!noted(d, "ahead"))
            assert_int_equal(replicas(d->w->dc2), 1); /* it serves */
    }
    assert_string_equal(json_string_value(noted(d, "ahead")), "done");
    assert_true(has_back_pass(d, 1));
    for (int k = 0; k < 50 && !has_back_pass(d, 2); k++)
        data_pass(d);
    assert_true(has_back_pass(d, 2));
    assert_int_equal(replicas(d->w->dc2), 0);
    assert_int_equal(count_events(d->w, "freeze.back"), 1);
    data_until(d, "rolled-back", 300);
    assert_int_equal(replicas(d->w->dc1), 1);
    cf_autojson json_t *claim =
        cf_fake_kube_peek(d->w->dc1, "v1", "PersistentVolumeClaim", "web", "data");
    assert_non_null(strstr(label_of(claim, CF_VELERO_RESTORE_NAME), "-back-p2-"));
    const json_t *freeze = noted(d, "freezeBack");
    assert_true(cf_json_int(freeze, 0, "ms", NULL) > 0);
    assert_true(cf_json_int(freeze, 0, "forecastMs", NULL) > 0);
    assert_non_null(cf_json_named(json_object_get(freeze, "parts"), "name", "start"));
    assert_int_equal(json_array_size(noted(d, "reportsBack")), 2);
    data_free(d);
}

/* Going back is never refused for want of a pass that would only have made it shorter. */
static void a_pass_back_that_fails_does_not_keep_it(void **state)
{
    (void)state;
    struct data *d = switched();
    d->velero.backup_fault = FAILS_A_VOLUME;
    d->velero.fault_times = CF_VELERO_ATTEMPTS;
    act(d->w, "rollback");
    data_until(d, "rolled-back", 300);
    assert_string_not_equal(json_string_value(noted(d, "ahead")), "done");
    assert_int_equal(replicas(d->w->dc1), 1);
    data_free(d);
}

/* Whether its server never takes it, or never ends it. */
static void a_pass_back_that_hangs_does_not_keep_it_for_long(void **state)
{
    (void)state;
    for (int taken = 0; taken < 2; taken++) {
        struct data *d = switched();
        d->moves_back = taken;
        d->velero.backup_fault = HANGS;
        d->velero.fault_times = taken;
        act(d->w, "rollback");
        for (int k = 0; k < 20; k++)
            data_pass(d);
        assert_int_equal(replicas(d->w->dc2), 1);
        for (int k = 0; k < 60 && !noted(d, "ahead"); k++) {
            d->w->now += MINUTE_MS / 2;
            data_pass(d);
        }
        if (!noted(d, "ahead")) {
            dump_run(d->w);
            fail_msg("still %s: %s", hold_of(d->w), hold_message(d->w));
        }
        d->moves_back = true;
        d->velero.fault_times = 0;
        data_until(d, "rolled-back", 300);
        data_free(d);
    }
}

static json_t *back_pass(struct data *d, const char *name)
{
    return cf_fake_kube_peek(d->w->dc2, CF_VELERO_V1, "Backup", "velero", name);
}

/* As on the way there: under the same number, another attempt. */
static void a_last_pass_back_that_somebody_deletes_is_made_again(void **state)
{
    (void)state;
    struct data *d = switched();
    struct cf_volumes v = d->velero.v;
    cf_autojson json_t *backup = NULL;
    char name[CF_VELERO_NAME_MAX];
    v.way = "back";
    cf_velero_backup_name(&v, 2, 1, name);
    act(d->w, "rollback");
    for (int k = 0; k < 200 && strcmp(phase_of(backup), "Completed") != 0; k++) {
        data_pass(d);
        json_decref(backup);
        backup = back_pass(d, name);
    }
    assert_non_null(backup);
    cf_fake_kube_remove(d->w->dc2, CF_VELERO_V1, "Backup", "velero", name);
    data_until(d, "rolled-back", 300);
    const json_t *reports = noted(d, "reportsBack");
    assert_int_equal(json_array_size(reports), 2);
    assert_int_equal(cf_json_int(json_array_get(reports, 1), 0, "pass", NULL), 2);
    assert_int_equal(cf_json_int(json_array_get(reports, 1), 0, "attempt", NULL), 2);
    assert_int_equal(replicas(d->w->dc1), 1);
    data_free(d);
}

/* ---- a freeze that goes home ---- */

/* The source's writers run; the run is not over, for something of ours is left in the target. */
static void until_thawed(struct data *d)
{
    for (int k = 0; k < 100 && replicas(d->w->dc1) == 0; k++) {
        d->w->now += 5000;
        data_pass(d);
    }
    if (replicas(d->w->dc1) != 1) {
        dump_run(d->w);
        fail_msg("still frozen: %s", hold_message(d->w));
    }
    for (int k = 0; k < 20; k++)
        data_pass(d);
    assert_string_not_equal(state_of(d->w), "rolled-back");
}

/* The source's writers do not wait for a Restore in the target that never ends; the rest of the way back
 * does, and leaves nothing. */
static void a_restore_that_hangs_keeps_no_writer_from_starting(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    data_until_step(d, "volume.final_sync", 0, "applied");
    d->velero.restore_fault = HANGS;
    d->velero.fault_times = 1;
    for (int k = 0; k < 30; k++)
        data_pass(d);
    act(d->w, "rollback");
    until_thawed(d);
    d->velero.fault_times = 0;
    data_until(d, "rolled-back", 300);
    assert_null(cf_fake_kube_peek(d->w->dc2, "v1", "PersistentVolumeClaim", "web", "data"));
    data_free(d);
}

/* Nor for a restored claim that something in the target keeps. */
static void a_claim_that_does_not_go_keeps_no_writer_from_starting(void **state)
{
    (void)state;
    struct data *d = data_new(PLAN DISCARD);
    cf_autojson json_t *claim = NULL;
    data_until_step(d, "volume.final_sync", 0, "applied");
    for (int k = 0; k < 200 && !claim; k++) {
        data_pass(d);
        claim = cf_fake_kube_peek(d->w->dc2, "v1", "PersistentVolumeClaim", "web", "data");
    }
    assert_non_null(claim);
    cf_json_put_take(claim, cf_test_json("['example.com/keeps']"), "metadata", "finalizers", NULL);
    cf_fake_kube_put_json(d->w->dc2, claim);
    act(d->w, "rollback");
    until_thawed(d);
    cf_fake_kube_remove(d->w->dc2, "v1", "PersistentVolumeClaim", "web", "data");
    data_until(d, "rolled-back", 300);
    data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_freezes_before_the_slot_is_free),
        cmocka_unit_test(a_slot_that_does_not_become_free_is_a_hold),
        cmocka_unit_test(a_pass_that_somebody_deletes_is_made_again),
        cmocka_unit_test(most_of_it_comes_back_while_the_target_runs),
        cmocka_unit_test(a_pass_back_that_fails_does_not_keep_it),
        cmocka_unit_test(a_pass_back_that_hangs_does_not_keep_it_for_long),
        cmocka_unit_test(a_last_pass_back_that_somebody_deletes_is_made_again),
        cmocka_unit_test(a_restore_that_hangs_keeps_no_writer_from_starting),
        cmocka_unit_test(a_claim_that_does_not_go_keeps_no_writer_from_starting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
