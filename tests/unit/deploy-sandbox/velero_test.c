/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the sandbox's Velero carries what is in volumes from one cluster to the other, by both
 * ways, with the evidence that a real one leaves, and above all what a real one does without a word:
 * a backup without a volume, a restore without data, all Completed. */
#include "tests/unit/deploy-sandbox/velero_world.h"

#define CLAIM "persistentvolumeclaims"

static void files_go_through_a_pod(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    back_up(w, "b", FS_BACKUP);
    until_phase(w->east, "backups", "b", "Completed");
    cf_autojson json_t *pvb = first_of(w->east, "podvolumebackups");
    assert_string_equal(cf_json_str(pvb, "", "metadata", "annotations", VL_PVC_NAME, NULL), "data");
    assert_string_equal(cf_json_str(pvb, "", "status", "phase", NULL), "Completed");
    assert_int_equal(cf_json_int(pvb, 0, "status", "progress", "bytesDone", NULL), 5);
    assert_int_equal(cf_json_int(pvb, 0, "status", "incrementalBytes", NULL), 5);
    until_synced(w, "b", 1);
    restore(w, "r", "b", "");
    until_phase(w->west, "restores", "r", "Completed");
    cf_autojson json_t *pvr = first_of(w->west, "podvolumerestores");
    assert_string_equal(cf_json_str(pvr, "", "status", "phase", NULL), "Completed");
    assert_string_equal(text_in(w, w->west, "shop", "data", "a.txt"), "alpha");
    until_field(w->west, "", "pods", "shop", "pod-data", "/status/phase", "Running");
    assert_string_equal(
        field(w->west, "", "pods", "shop", "pod-data", "/spec/initContainers/0/name"),
        "restore-wait");
}

static void a_snapshot_is_of_its_moment(void **state)
{
    struct velero_world *w = *state;
    make_claim(w->east, "shop", "data", "standard");
    put_text(w, w->east, "data", "a.txt", "alpha");
    back_up(w, "b", SNAPSHOT_BACKUP);
    until_phase(w->east, "backups", "b", "WaitingForPluginOperations,Completed");
    put_text(w, w->east, "data", "a.txt", "later");
    until_phase(w->east, "backups", "b", "Completed");
    assert_string_equal(
        field(w->east, VL_G, "backups", VL_NS, "b", "/status/backupItemOperationsCompleted"), "1");
    until_synced(w, "b", 0);
    assert_int_equal(count(w->west, VL_G, "datauploads", VL_NS), 0);
    restore(w, "r", "b", ",'namespaceMapping':{'shop':'shop2'}");
    until_phase(w->west, "restores", "r", "Completed");
    assert_string_equal(text_in(w, w->west, "shop2", "data", "a.txt"), "alpha");
    cf_autojson json_t *dd = first_of(w->west, "datadownloads");
    assert_string_equal(cf_json_str(dd, "", "spec", "targetVolume", "namespace", NULL), "shop2");
    assert_int_equal(cf_json_int(dd, 0, "status", "progress", "totalBytes", NULL), 5);
}

static void a_second_pass_moves_what_changed(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    back_up(w, "b1", FS_BACKUP);
    until_phase(w->east, "backups", "b1", "Completed");
    put_text(w, w->east, "data", "more.txt", "12 bytes too");
    back_up(w, "b2", FS_BACKUP);
    until_phase(w->east, "backups", "b2", "Completed");
    cf_autojson json_t *all = sbx_api_all(w->east, VL_G, "podvolumebackups", VL_NS);
    size_t i;
    json_t *pvb;
    json_array_foreach(all, i, pvb)
    {
        bool second =
            strcmp(cf_json_str(pvb, "", "metadata", "labels", VL_BACKUP_NAME, NULL), "b2") == 0;
        assert_int_equal(cf_json_int(pvb, 0, "status", "incrementalBytes", NULL), second ? 12 : 5);
        assert_int_equal(cf_json_int(pvb, 0, "status", "progress", "totalBytes", NULL),
                         second ? 17 : 5);
    }
}

static void nothing_runs_and_that_is_completed(void **state)
{
    struct velero_world *w = *state;
    make_claim(w->east, "shop", "data", "standard");
    put_text(w, w->east, "data", "a.txt", "alpha");
    back_up(w, "b", FS_BACKUP);
    until_phase(w->east, "backups", "b", "Completed");
    assert_int_equal(count(w->east, VL_G, "podvolumebackups", VL_NS), 0);
    assert_string_equal(field(w->east, VL_G, "backups", VL_NS, "b", "/status/errors"), "");
}

static void a_claim_that_exists_keeps_what_it_has(void **state)
{
    struct velero_world *w = *state;
    make_claim(w->east, "shop", "data", "standard");
    put_text(w, w->east, "data", "a.txt", "alpha");
    back_up(w, "b", SNAPSHOT_BACKUP);
    make(w->west, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    make_claim(w->west, "shop", "data", "standard");
    put_text(w, w->west, "data", "a.txt", "mine");
    until_synced(w, "b", 0);
    restore(w, "r", "b", "");
    until_phase(w->west, "restores", "r", "Completed");
    assert_int_equal(count(w->west, VL_G, "datadownloads", VL_NS), 0);
    assert_string_equal(text_in(w, w->west, "shop", "data", "a.txt"), "mine");
    assert_string_not_equal(field(w->west, VL_G, "restores", VL_NS, "r", "/status/warnings"), "");
}

static void a_restore_without_the_pod_brings_no_data(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    back_up(w, "b", FS_BACKUP);
    until_synced(w, "b", 1);
    make(w->west, VL_G, "restores", VL_NS,
         "{'metadata':{'name':'r'},'spec':{'backupName':'b','includedResources':["
         "'persistentvolumeclaims']}}");
    until_phase(w->west, "restores", "r", "Completed");
    assert_int_equal(count(w->west, VL_G, "podvolumerestores", VL_NS), 0);
    assert_string_equal(text_in(w, w->west, "shop", "data", "a.txt"), "");
}

/* Class, size and replicas by a ConfigMap of the restore's own. */
static void modifiers_change_what_is_made(void **state)
{
    struct velero_world *w = *state;
    make_claim(w->east, "shop", "data", "standard");
    put_text(w, w->east, "data", "a.txt", "alpha");
    back_up(w, "b", SNAPSHOT_BACKUP);
    until_synced(w, "b", 0);
    cf_autojson json_t *rules = json_pack(
        "{s:s,s:s,s:{s:s,s:s},s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata",
        "name", "rules", "namespace", VL_NS, "data", "rules.yaml",
        "version: v1\nresourceModifierRules:\n- conditions:\n    groupResource: "
        "persistentvolumeclaims\n    resourceNameRegex: \"^data$\"\n    namespaces: [shop]\n"
        "  patches:\n  - {operation: replace, path: /spec/storageClassName, value: standard-other}\n"
        "  - {operation: replace, path: /spec/resources/requests/storage, value: 2Gi}\n");
    assert_int_equal(sbx_api_do(w->west, "test", "POST", NULL, rules, NULL,
                                "/api/v1/namespaces/" VL_NS "/configmaps"),
                     201);
    restore(w, "r", "b", ",'resourceModifier':{'kind':'configmap','name':'rules'}");
    until_phase(w->west, "restores", "r", "Completed");
    assert_string_equal(field(w->west, "", CLAIM, "shop", "data", "/spec/storageClassName"),
                        "standard-other");
    assert_string_equal(
        field(w->west, "", CLAIM, "shop", "data", "/spec/resources/requests/storage"), "2Gi");
    assert_string_equal(text_in(w, w->west, "shop", "data", "a.txt"), "alpha");
}

static void a_waiting_class_needs_a_consumer(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    drop(w->west, "storage.k8s.io", "storageclasses", NULL, "standard", "");
    make(w->west, "storage.k8s.io", "storageclasses", NULL,
         "{'metadata':{'name':'standard'},'provisioner':'sandbox','volumeBindingMode':"
         "'WaitForFirstConsumer'}");
    back_up(w, "b", SNAPSHOT_BACKUP);
    until_synced(w, "b", 0);
    make(w->west, VL_G, "restores", VL_NS,
         "{'metadata':{'name':'r'},'spec':{'backupName':'b','includedResources':["
         "'persistentvolumeclaims']}}");
    until_count(w->west, "datadownloads", 1);
    cf_autojson json_t *dd = first_of(w->west, "datadownloads");
    const char *name = cf_json_str(dd, "", "metadata", "name", NULL);
    until_phase(w->west, "datadownloads", name, "Accepted");
    cf_sleep_ms(&cf_clock_real, 200); /* as long as a real 20 s */
    assert_string_equal(field(w->west, VL_G, "datadownloads", VL_NS, name, "/status/phase"),
                        "Accepted");
    make_pod_with(w->west, "shop", "data");
    until_phase(w->west, "restores", "r", "Completed");
    assert_string_equal(text_in(w, w->west, "shop", "data", "a.txt"), "alpha");
}

static void what_is_wrong_is_said_at_its_turn(void **state)
{
    struct velero_world *w = *state;
    static const struct {
        const char *name, *spec, *error;
    } cases[] = {
        { "b1", "'storageLocation':'back'",
          "backup can't be created because backup storage location back is currently in read-only "
          "mode" },
        { "b2",
          FS_BACKUP ",'labelSelector':{'matchLabels':{'a':'b'}},'orLabelSelectors':[{"
                    "'matchLabels':{'a':'b'}}]",
          "encountered labelSelector as well as orLabelSelectors in backup spec, only one can be "
          "specified" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        back_up(w, cases[i].name, cases[i].spec);
        until_phase(w->east, "backups", cases[i].name, "FailedValidation");
        assert_string_equal(
            field(w->east, VL_G, "backups", VL_NS, cases[i].name, "/status/validationErrors/0"),
            cases[i].error);
    }
    restore(w, "r", "nothing", "");
    until_phase(w->west, "restores", "r", "FailedValidation");
}

static void a_deleted_backup_goes_everywhere(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    back_up(w, "b", FS_BACKUP);
    until_synced(w, "b", 1);
    make(w->west, VL_G, "deletebackuprequests", VL_NS,
         "{'metadata':{'name':'d'},'spec':{'backupName':'b'}}");
    until_phase(w->west, "deletebackuprequests", "d", "Processed");
    assert_string_equal(
        field(w->west, VL_G, "deletebackuprequests", VL_NS, "d", "/status/errors/0"),
        "backup deletion failed: cannot delete backup because backup storage location there is "
        "currently in read-only mode");
    make(w->east, VL_G, "deletebackuprequests", VL_NS,
         "{'metadata':{'name':'d'},'spec':{'backupName':'b'}}");
    until_gone(w->east, "backups", "b");
    until_gone(w->east, "deletebackuprequests", "d");
    until_gone(w->west, "backups", "b");
    until_count(w->west, "podvolumebackups", 0);
}

/* A Backup written by hand is used at once, and an orphan only by its label. */
static void a_record_can_be_handed_over(void **state)
{
    struct velero_world *w = *state;
    make_claim(w->east, "shop", "data", "standard");
    put_text(w, w->east, "data", "a.txt", "alpha");
    fault(w, "{'fault':'syncOff','cluster':'west'}");
    back_up(w, "b", SNAPSHOT_BACKUP);
    until_phase(w->east, "backups", "b", "Completed");
    cf_autojson json_t *b = sbx_api_one(w->east, VL_G, "backups", VL_NS, "b");
    cf_autojson json_t *copy = json_pack(
        "{s:s,s:s,s:{s:s},s:O,s:O}", "apiVersion", VL_V1, "kind", "Backup", "metadata", "name", "b",
        "spec", json_object_get(b, "spec"), "status", json_object_get(b, "status"));
    cf_autofree char *path = path_of(VL_G, "backups", VL_NS);
    assert_int_equal(sbx_api_do(w->west, "test", "POST", NULL, copy, NULL, "%s", path), 201);
    restore(w, "r", "b", "");
    until_phase(w->west, "restores", "r", "Completed");
    assert_string_equal(text_in(w, w->west, "shop", "data", "a.txt"), "alpha");
}

static void downloads_are_gzip_files(void **state)
{
    struct velero_world *w = *state;
    char *data = NULL;
    size_t len = 0;
    make_data(w);
    back_up(w, "b", FS_BACKUP);
    until_phase(w->east, "backups", "b", "Completed");
    make(w->east, VL_G, "downloadrequests", VL_NS,
         "{'metadata':{'name':'d'},'spec':{'target':{'kind':'BackupVolumeInfos','name':'b'}}}");
    until_phase(w->east, "downloadrequests", "d", "Processed");
    const char *url = field(w->east, VL_G, "downloadrequests", VL_NS, "d", "/status/downloadURL");
    assert_true(sbx_velero_download(w->velero, strrchr(url, '/') + 1, &data, &len));
    cf_autofree char *held = data;
    assert_true(len > 33 && memcmp(held, "\x1f\x8b", 2) == 0);
    assert_non_null(memmem(held, len, "\"pvcName\":\"data\"", strlen("\"pvcName\":\"data\"")));
    assert_false(sbx_velero_download(w->velero, "bm90aGluZw", &data, &len));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, velero_up, velero_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(files_go_through_a_pod),
        CASE(a_snapshot_is_of_its_moment),
        CASE(a_second_pass_moves_what_changed),
        CASE(nothing_runs_and_that_is_completed),
        CASE(a_claim_that_exists_keeps_what_it_has),
        CASE(a_restore_without_the_pod_brings_no_data),
        CASE(modifiers_change_what_is_made),
        CASE(a_waiting_class_needs_a_consumer),
        CASE(what_is_wrong_is_said_at_its_turn),
        CASE(a_deleted_backup_goes_everywhere),
        CASE(a_record_can_be_handed_over),
        CASE(downloads_are_gzip_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
