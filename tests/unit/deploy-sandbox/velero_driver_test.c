/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the volumes' driver against the Veleros of the sandbox: what was written is in the other
 * cluster's claims, nobody's pods come along, a second pass is an increment, and nothing stays. */
#include "tests/unit/deploy-sandbox/velero_driver.h"

static void what_was_written_arrives_and_nothing_stays(void **state)
{
    (void)state;
    struct driver d;
    driver_up(&d);
    the_whole_way(&d);
    check_arrived(&d);
    assert_int_equal(count(d.west, "", "pods", "store"), 0);
    assert_false(is_there(d.west, "", "persistentvolumeclaims", "store", "not-ours"));
    assert_string_equal(
        field(d.west, "", "persistentvolumeclaims", "store", "data-db-1", "/spec/storageClassName"),
        "standard-wait");
    assert_string_equal(field(d.west, "", "persistentvolumeclaims", "store", "data-db-1",
                              "/spec/resources/requests/storage"),
                        "2Gi");
    cf_autojson json_t *report = cf_volumes_pass_report(d.stored, "there", 2);
    const json_t *first = json_array_get(json_object_get(report, "claims"), 0);
    assert_true(cf_json_int(first, -1, "bytes", NULL) >= SIZE);
    assert_in_range(cf_json_int(first, -1, "incrementalBytes", NULL), 1, 1000);
    drive_done(&d, CLEAN, 0);
    check_clean(&d);
    check_arrived(&d);
    driver_down(&d);
}

static void taken_back_it_can_be_done_again(void **state)
{
    (void)state;
    struct driver d;
    driver_up(&d);
    the_whole_way(&d);
    drive_done(&d, CANCEL, 0);
    drive_done(&d, TAKE_BACK, 0);
    assert_int_equal(count(d.west, "", "persistentvolumeclaims", "store"), 0);
    UNFREEZE(&d);
    assert_true(sbx_controllers_settle(d.controllers, SETTLE_MS));
    write_text(&d, "pictures", "log", "meanwhile");
    FREEZE(&d);
    drive_done(&d, FROZEN, 3);
    drive_done(&d, RESTORE, 3);
    check_arrived(&d);
    drive_done(&d, CLEAN, 1);
    assert_int_equal(count(d.east, "velero.io", "backups", "velero"), 1);
    drive_done(&d, CLEAN, 0);
    check_clean(&d);
    driver_down(&d);
}

static void turn_round(struct driver *d, const char *way)
{
    struct cf_kube *from = d->v.from;
    const char *ns = d->v.from_namespace;
    d->v.from = d->v.to;
    d->v.to = from;
    d->v.from_namespace = d->v.to_namespace;
    d->v.to_namespace = ns;
    d->v.from_location = d->v.to_location = d->v.way = way;
}

/* The other way round, by the other location, with what was written there meanwhile: into the claims that were moved, after
 * somebody has taken them away, and never before. */
static void what_was_written_there_comes_back(void **state)
{
    (void)state;
    struct driver d;
    struct cf_moving out;
    driver_up(&d);
    the_whole_way(&d);
    drive_done(&d, CLEAN, 1);
    turn_round(&d, "back");
    cf_autofree char *there = key_of(d.west, "west", "store", "pictures");
    struct cf_error err = CF_ERROR_INIT;
    assert_true(sbx_volume_write(d.contents, there, "log", "there", 5, &err));
    cf_json_put_take(json_array_get(d.v.claims, 1), json_string("standard"), "storageClass", NULL);
    drive_done(&d, LIVE, 1);
    drive(&d, RESTORE, 1, &out);
    assert_true(out.stuck);
    assert_non_null(strstr(out.why, "exists on east and was not made by this pass"));
    for (size_t i = 0; i < CF_ARRAY_LEN(claim_names); i++)
        assert_int_equal(drop(d.east, "", "persistentvolumeclaims", "shop", claim_names[i], ""),
                         200);
    drive_done(&d, RESTORE, 1);
    check_arrived(&d);
    cf_autofree char *back = key_of(d.east, "east", "shop", "pictures");
    size_t len = 0;
    cf_autofree char *text = sbx_volume_read(d.contents, back, "log", &len);
    assert_string_equal(text, "there");
    drive_done(&d, CLEAN, 0);
    turn_round(&d, "there");
    drive_done(&d, CLEAN, 0);
    check_clean(&d);
    driver_down(&d);
}

static void canceled_in_the_middle_nothing_moves(void **state)
{
    (void)state;
    struct driver d;
    struct cf_moving out = { 0 };
    driver_up(&d);
    throw_fault(&d, "{'fault':'moverStuck'}");
    for (int i = 0;
         i < 2000 && !strstr(out.why, "PodVolumeBackup") && !strstr(out.why, "DataUpload"); i++) {
        once(&d, LIVE, 1, &out);
        cf_sleep_ms(&cf_clock_real, ROUND_MS);
    }
    drive_done(&d, CANCEL, 0);
    check_none(d.east, "", "pods", "shop");
    sbx_velero_heal(d.velero, "", NULL);
    drive_done(&d, CLEAN, 0);
    check_clean(&d);
    driver_down(&d);
}

static void the_facts_are_read(void **state)
{
    (void)state;
    struct driver d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *facts = NULL;
    const json_t *from = NULL;
    driver_up(&d);
    if (!cf_velero_look(d.v.from, "velero", RUN, &facts, &err))
        fail_msg("%s", err.message);
    assert_string_equal(cf_json_str(facts, "", "version", NULL), "v1.18.3");
    assert_true(cf_json_bool(facts, false, "installed", NULL));
    assert_true(cf_json_bool(facts, false, "agent", "present", NULL));
    assert_int_equal(json_array_size(cf_json_at(facts, "agent", "missing", NULL)), 0);
    assert_true(json_array_size(cf_json_at(facts, "agent", "nodes", NULL)) > 0);
    assert_int_equal(json_array_size(json_object_get(facts, "prunes")), 0);
    assert_true(json_array_size(json_object_get(facts, "classes")) >= 3);
    assert_int_equal(json_array_size(json_object_get(facts, "snapshotClasses")), 1);
    cf_autojson json_t *other = NULL;
    if (!cf_velero_look(d.v.to, "velero", RUN, &other, &err))
        fail_msg("%s", err.message);
    const json_t *pair = cf_velero_pair(facts, other, "", &from);
    assert_string_equal(cf_json_str(from, "", "name", NULL), "there");
    assert_string_equal(cf_json_str(pair, "", "accessMode", NULL), "ReadOnly");
    check_none(d.east, "velero.io", "serverstatusrequests", "velero");
    driver_down(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_arrives_and_nothing_stays),
        cmocka_unit_test(taken_back_it_can_be_done_again),
        cmocka_unit_test(what_was_written_there_comes_back),
        cmocka_unit_test(canceled_in_the_middle_nothing_moves),
        cmocka_unit_test(the_facts_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
