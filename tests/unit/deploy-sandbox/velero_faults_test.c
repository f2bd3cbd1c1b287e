/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that each fault of a Velero does what its row of the README says, and that it ends: F1 to
 * F24 of what an orchestrator must bear. F16, F17 and F19 are of the API server, or one of these on
 * an object of somebody else's. */
#include "tests/unit/deploy-sandbox/velero_world.h"

enum { A_WHILE_MS = 150 /* a real 15 s */ };

static const char *status_of(struct sbx_api *api, const char *plural, const char *name,
                             const char *pointer)
{
    return field(api, VL_G, plural, VL_NS, name, pointer);
}

static void heal(struct velero_world *w, const char *name)
{
    sbx_velero_heal(w->velero, name, NULL);
}

/* A backup of snapshots of `data` with a file, without a pod. */
static void back_up_data(struct velero_world *w, const char *name)
{
    if (!is_there(w->east, "", "persistentvolumeclaims", "shop", "data")) {
        make_claim(w->east, "shop", "data", "standard");
        put_text(w, w->east, "data", "a.txt", "alpha");
    }
    back_up(w, name, SNAPSHOT_BACKUP);
}

/* F1: refused while the bucket is known to be away, fine afterwards. */
static void a_bucket_that_is_away(void **state)
{
    struct velero_world *w = *state;
    fault(w, "{'fault':'storageAway','cluster':'east'}");
    until_phase(w->east, "backupstoragelocations", "there", "Unavailable");
    back_up_data(w, "b");
    until_phase(w->east, "backups", "b", "FailedValidation");
    heal(w, "storageAway");
    until_phase(w->east, "backupstoragelocations", "there", "Available");
    back_up_data(w, "b2");
    until_phase(w->east, "backups", "b2", "Completed");
}

/* F2: a bucket that goes in the middle takes the volumes with it. */
static void a_bucket_that_goes(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    fault(w, "{'fault':'moverStuck','value':'InProgress'}");
    back_up(w, "b", FS_BACKUP);
    until_count(w->east, "podvolumebackups", 1);
    cf_autojson json_t *pvb = first_of(w->east, "podvolumebackups");
    until_phase(w->east, "podvolumebackups", cf_json_str(pvb, "", "metadata", "name", NULL),
                "InProgress");
    fault(w, "{'fault':'storageAway','cluster':'east'}");
    heal(w, "moverStuck");
    until_phase(w->east, "backups", "b", "Failed,PartiallyFailed");
}

/* F3: 1.18.0 reads nothing from a read-only location. */
static void the_read_only_bug(void **state)
{
    struct velero_world *w = *state;
    fault(w, "{'fault':'version','cluster':'west','value':'1.18.0'}");
    back_up_data(w, "b");
    until_synced(w, "b", 0);
    restore(w, "r", "b", "");
    until_phase(w->west, "restores", "r", "PartiallyFailed");
    cf_autojson json_t *repository = first_of(w->west, "backuprepositories");
    assert_string_equal(cf_json_str(repository, "", "status", "phase", NULL), "NotReady");
}

/* F4: an object fails, the volumes are fine. */
static void an_object_fails(void **state)
{
    struct velero_world *w = *state;
    fault(w, "{'fault':'itemError','kind':'Backup','name':'b','attempt':1}");
    back_up_data(w, "b");
    until_phase(w->east, "backups", "b", "PartiallyFailed");
    assert_string_equal(status_of(w->east, "backups", "b", "/status/errors"), "1");
    assert_string_equal(status_of(w->east, "backups", "b", "/status/backupItemOperationsCompleted"),
                        "1");
    until_synced(w, "b", 0);
    restore(w, "r", "b", "");
    until_phase(w->west, "restores", "r", "Completed");
    assert_string_equal(text_in(w, w->west, "shop", "data", "a.txt"), "alpha");
}

/* F5: a volume is lost; by attempt: the second time it is well. */
static void a_volume_is_lost_once(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    fault(w, "{'fault':'volumeLost','name':'data','attempt':1}");
    back_up(w, "b1", FS_BACKUP);
    until_phase(w->east, "backups", "b1", "PartiallyFailed");
    cf_autojson json_t *pvb = first_of(w->east, "podvolumebackups");
    assert_string_equal(cf_json_str(pvb, "", "status", "phase", NULL), "Failed");
    back_up(w, "b2", FS_BACKUP);
    until_phase(w->east, "backups", "b2", "Completed");
}

/* F6: Completed, and one claim is not in it. */
static void a_volume_is_skipped_in_silence(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    make_claim(w->east, "shop", "other", "standard");
    make_pod_with(w->east, "shop", "other");
    fault(w, "{'fault':'volumeSkipped','name':'other'}");
    back_up(w, "b", FS_BACKUP);
    until_phase(w->east, "backups", "b", "Completed");
    assert_int_equal(count(w->east, VL_G, "podvolumebackups", VL_NS), 1);
    assert_string_equal(status_of(w->east, "backups", "b", "/status/errors"), "");
}

/* F7: an error for pods' volumes and for snapshots; what is under way waits without a word. */
static void no_node_agent(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    fault(w, "{'fault':'agentAway','cluster':'east','value':'node-1'}");
    back_up(w, "b1", FS_BACKUP);
    until_phase(w->east, "backups", "b1", "PartiallyFailed");
    back_up(w, "b2", SNAPSHOT_BACKUP);
    until_phase(w->east, "backups", "b2", "PartiallyFailed");
    assert_string_equal(status_of(w->east, "backups", "b2", "/status/errors"), "2");
    assert_int_equal(count(w->east, VL_G, "datauploads", VL_NS), 0);
    heal(w, "agentAway");
    fault(w, "{'fault':'moverStuck','value':'New'}");
    back_up(w, "b3", SNAPSHOT_BACKUP);
    until_phase(w->east, "backups", "b3", "WaitingForPluginOperations");
    fault(w, "{'fault':'agentAway','cluster':'east'}");
    heal(w, "moverStuck");
    cf_sleep_ms(&cf_clock_real, A_WHILE_MS);
    cf_autojson json_t *du = first_of(w->east, "datauploads");
    assert_string_equal(cf_json_str(du, "", "status", "phase", NULL), "");
    heal(w, "agentAway");
    until_phase(w->east, "backups", "b3", "Completed");
}

/* F8: the other side does not hear of it. */
static void no_sync(void **state)
{
    struct velero_world *w = *state;
    fault(w, "{'fault':'syncOff','cluster':'west'}");
    back_up_data(w, "b");
    until_phase(w->east, "backups", "b", "Completed");
    cf_sleep_ms(&cf_clock_real, 5 * A_WHILE_MS);
    assert_false(is_there(w->west, VL_G, "backups", VL_NS, "b"));
    heal(w, "syncOff");
    until_synced(w, "b", 0);
}

/* Killed and started again before anybody looked: a restart all the same. */
static void a_server_that_restarts_at_once(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    fault(w, "{'fault':'moverStuck','value':'InProgress'}");
    back_up(w, "b1", FS_BACKUP);
    until_count(w->east, "podvolumebackups", 1);
    until_phase(w->east, "backups", "b1", "InProgress");
    fault(w, "{'fault':'serverAway','cluster':'east'}");
    heal(w, "serverAway");
    until_phase(w->east, "backups", "b1", "Failed");
    heal(w, "");
}

/* F9: a Backup before its PodVolumeBackups, and one of them never. */
static void a_backup_without_its_volumes(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    fault(w, "{'fault':'podVolumeBackupsLate','ms':360000000}");
    back_up(w, "b1", FS_BACKUP);
    until_phase(w->west, "backups", "b1", "Completed");
    assert_int_equal(count(w->west, VL_G, "podvolumebackups", VL_NS), 0);
    restore(w, "r", "b1", "");
    until_phase(w->west, "restores", "r", "Completed");
    assert_string_equal(text_in(w, w->west, "shop", "data", "a.txt"), "");
    heal(w, "");
    until_count(w->west, "podvolumebackups", 1);
    fault(w, "{'fault':'podVolumeBackupMissing','name':'data'}");
    back_up(w, "b2", FS_BACKUP);
    until_phase(w->west, "backups", "b2", "Completed");
    cf_sleep_ms(&cf_clock_real, A_WHILE_MS);
    assert_int_equal(count(w->west, VL_G, "podvolumebackups", VL_NS), 1);
}

/* F10, F19: for ever, and everybody behind it. */
static void a_restore_that_does_not_move(void **state)
{
    struct velero_world *w = *state;
    back_up_data(w, "b");
    until_synced(w, "b", 0);
    fault(w, "{'fault':'stuck','kind':'Restore','name':'foreign'}");
    restore(w, "foreign", "b", ",'namespaceMapping':{'shop':'theirs'}");
    until_phase(w->west, "restores", "foreign", "InProgress");
    restore(w, "ours", "b", "");
    cf_sleep_ms(&cf_clock_real, A_WHILE_MS);
    assert_string_equal(status_of(w->west, "restores", "ours", "/status"), "");
    heal(w, "stuck");
    until_phase(w->west, "restores", "ours", "Completed");
    until_phase(w->west, "restores", "foreign", "Completed");
}

/* F11: what was InProgress has failed, its volumes are cancelled, the next name works. */
static void a_server_that_restarts(void **state)
{
    struct velero_world *w = *state;
    make_data(w);
    fault(w, "{'fault':'moverStuck','value':'InProgress'}");
    fault(w, "{'fault':'stuck','kind':'Backup','name':'b1'}");
    back_up(w, "b1", FS_BACKUP);
    until_phase(w->east, "backups", "b1", "InProgress");
    heal(w, "stuck");
    until_count(w->east, "podvolumebackups", 1);
    fault(w, "{'fault':'serverAway','cluster':'east'}");
    cf_sleep_ms(&cf_clock_real, A_WHILE_MS);
    assert_string_equal(status_of(w->east, "backups", "b1", "/status/phase"), "InProgress");
    heal(w, "serverAway");
    until_phase(w->east, "backups", "b1", "Failed");
    assert_string_equal(
        status_of(w->east, "backups", "b1", "/status/failureReason"),
        "found a backup with status \"InProgress\" during the server starting, mark "
        "it as \"Failed\"");
    cf_autojson json_t *pvb = first_of(w->east, "podvolumebackups");
    until_phase(w->east, "podvolumebackups", cf_json_str(pvb, "", "metadata", "name", NULL),
                "Canceled");
    heal(w, "");
    fault(w, "{'fault':'serverRestart','kind':'Backup','name':'b2','value':'InProgress'}");
    back_up(w, "b2", FS_BACKUP);
    until_phase(w->east, "backups", "b2", "Failed");
    back_up(w, "b3", FS_BACKUP);
    until_phase(w->east, "backups", "b3", "Completed");
}

/* F12: gone after it was good. */
static void a_backup_that_vanishes(void **state)
{
    struct velero_world *w = *state;
    back_up_data(w, "b");
    until_synced(w, "b", 0);
    fault(w, "{'fault':'backupGone','cluster':'east','name':'b'}");
    until_gone(w->east, "backups", "b");
    until_gone(w->west, "backups", "b");
    restore(w, "r", "b", "");
    until_phase(w->west, "restores", "r", "FailedValidation");
}

/* F13. */
static void a_name_that_is_taken(void **state)
{
    struct velero_world *w = *state;
    fault(w, "{'fault':'nameTaken','name':'b1'}");
    back_up_data(w, "b1");
    until_phase(w->east, "backups", "b1", "Failed");
    assert_string_equal(status_of(w->east, "backups", "b1", "/status/failureReason"),
                        "backup already exists in object storage");
    back_up_data(w, "b2");
    until_phase(w->east, "backups", "b2", "Completed");
}

/* F14: kinds and fields that an old version lacks. */
static void an_old_version(void **state)
{
    struct velero_world *w = *state;
    cf_autofree char *path = path_of(VL_G, "datauploads", VL_NS);
    assert_int_equal(sbx_api_do(w->east, "test", "GET", NULL, NULL, NULL, "%s", path), 200);
    fault(w, "{'fault':'version','cluster':'east','value':'1.11.0'}");
    assert_false(sbx_api_serves(w->east, VL_G, "datauploads"));
    back_up(w, "b",
            SNAPSHOT_BACKUP ",'resourcePolicy':{'kind':'configmap','name':'p'},'nonsense':1");
    assert_string_equal(status_of(w->east, "backups", "b", "/spec/snapshotMoveData"), "");
    assert_string_equal(status_of(w->east, "backups", "b", "/spec/nonsense"), "");
    assert_string_equal(status_of(w->east, "backups", "b", "/spec/resourcePolicy/name"), "p");
    make(w->east, VL_G, "serverstatusrequests", VL_NS, "{'metadata':{'name':'s'},'spec':{}}");
    until_phase(w->east, "serverstatusrequests", "s", "Processed");
    assert_string_equal(status_of(w->east, "serverstatusrequests", "s", "/status/serverVersion"),
                        "v1.11.0");
}

/* F15. */
static void a_phase_that_nobody_knows(void **state)
{
    struct velero_world *w = *state;
    fault(w, "{'fault':'unknownPhase','kind':'Backup','value':'Foo'}");
    back_up_data(w, "b");
    until_phase(w->east, "backups", "b", "Foo");
    cf_sleep_ms(&cf_clock_real, A_WHILE_MS);
    assert_string_equal(status_of(w->east, "backups", "b", "/status/phase"), "Foo");
    heal(w, "unknownPhase");
    until_phase(w->east, "backups", "b", "Completed");
}

/* F18: its results cannot be had. */
static void downloads_that_lead_nowhere(void **state)
{
    struct velero_world *w = *state;
    static const char request[] =
        "{'metadata':{'name':'%s'},'spec':{'target':{'kind':'BackupResults','name':'b'}}}";
    back_up_data(w, "b");
    until_phase(w->east, "backups", "b", "Completed");
    fault(w, "{'fault':'downloadNever'}");
    cf_autofree char *first = cf_xasprintf(request, "d1"), *second = cf_xasprintf(request, "d2");
    make(w->east, VL_G, "downloadrequests", VL_NS, first);
    cf_sleep_ms(&cf_clock_real, A_WHILE_MS);
    assert_string_equal(status_of(w->east, "downloadrequests", "d1", "/status/phase"), "");
    heal(w, "");
    fault(w, "{'fault':'downloadDead'}");
    make(w->east, VL_G, "downloadrequests", VL_NS, second);
    until_phase(w->east, "downloadrequests", "d2", "Processed");
    const char *url = status_of(w->east, "downloadrequests", "d2", "/status/downloadURL");
    assert_true(strncmp(url, "http://127.0.0.1:9/", strlen("http://127.0.0.1:9/")) == 0);
}

/* F20: in the way of everything, until it is cancelled. */
static void a_mover_that_does_not_move(void **state)
{
    struct velero_world *w = *state;
    back_up_data(w, "b");
    until_synced(w, "b", 0);
    fault(w, "{'fault':'moverStuck','kind':'DataDownload','value':'Accepted'}");
    restore(w, "r", "b", "");
    until_count(w->west, "datadownloads", 1);
    cf_autojson json_t *dd = first_of(w->west, "datadownloads");
    const char *name = cf_json_str(dd, "", "metadata", "name", NULL);
    until_phase(w->west, "datadownloads", name, "Accepted");
    cf_sleep_ms(&cf_clock_real, A_WHILE_MS);
    assert_string_equal(status_of(w->west, "datadownloads", name, "/status/phase"), "Accepted");
    assert_int_equal(merge(w->west, VL_G, "datadownloads", VL_NS, name, "{'spec':{'cancel':true}}"),
                     200);
    until_phase(w->west, "datadownloads", name, "Canceled");
    until_phase(w->west, "restores", "r", "PartiallyFailed");
}

/* F21: nothing tells but the contents. */
static void contents_that_are_wrong(void **state)
{
    struct velero_world *w = *state;
    fault(w, "{'fault':'corrupt','name':'data'}");
    back_up_data(w, "b");
    until_synced(w, "b", 0);
    restore(w, "r", "b", "");
    until_phase(w->west, "restores", "r", "Completed");
    cf_autojson json_t *dd = first_of(w->west, "datadownloads");
    assert_int_equal(cf_json_int(dd, 0, "status", "progress", "bytesDone", NULL), 5);
    const char *there = text_in(w, w->west, "shop", "data", "a.txt");
    assert_int_equal(strlen(there), 5);
    assert_string_not_equal(there, "alpha");
}

/* F22: with the label an orphan goes at the next look at the bucket, without it stays. */
static void orphans_go_by_their_label(void **state)
{
    struct velero_world *w = *state;
    make(w->west, VL_G, "backups", VL_NS,
         "{'metadata':{'name':'labelled','labels':{'" VL_LOCATION "':'there'}},'spec':{"
         "'storageLocation':'there'},'status':{'phase':'Completed'}}");
    make(w->west, VL_G, "backups", VL_NS,
         "{'metadata':{'name':'bare'},'spec':{'storageLocation':'there'},'status':{'phase':"
         "'Completed'}}");
    until_gone(w->west, "backups", "labelled");
    assert_true(is_there(w->west, VL_G, "backups", VL_NS, "bare"));
}

/* F23: what should go does not. */
static void a_deletion_that_fails(void **state)
{
    struct velero_world *w = *state;
    back_up_data(w, "b");
    until_synced(w, "b", 0);
    fault(w, "{'fault':'deleteFails','name':'b'}");
    make(w->east, VL_G, "deletebackuprequests", VL_NS,
         "{'metadata':{'name':'d'},'spec':{'backupName':'b'}}");
    until_phase(w->east, "deletebackuprequests", "d", "Processed");
    assert_true(is_there(w->east, VL_G, "backups", VL_NS, "b"));
    restore(w, "r", "b", "");
    until_phase(w->west, "restores", "r", "Completed");
    fault(w, "{'fault':'storageAway','cluster':'west'}");
    drop(w->west, VL_G, "restores", VL_NS, "r", "");
    cf_sleep_ms(&cf_clock_real, A_WHILE_MS);
    assert_true(is_there(w->west, VL_G, "restores", VL_NS, "r"));
    heal(w, "storageAway");
    until_gone(w->west, "restores", "r");
}

/* F24: one cluster's clock is an hour ahead. */
static void clocks_that_differ(void **state)
{
    struct velero_world *w = *state;
    fault(w, "{'fault':'clockAhead','cluster':'east','ms':3600000}");
    back_up_data(w, "b");
    until_synced(w, "b", 0);
    int64_t ended = 0, synced = 0;
    assert_true(
        cf_time_parse(status_of(w->east, "backups", "b", "/status/completionTimestamp"), &ended));
    assert_true(
        cf_time_parse(status_of(w->west, "backups", "b", "/metadata/creationTimestamp"), &synced));
    assert_true(ended > synced);
}

/* F16: as if somebody else had written in between. */
static void writes_that_conflict(void **state)
{
    struct velero_world *w = *state;
    sbx_api_token(w->east, "t", "somebody", SBX_RIGHTS_FULL);
    fault(w, "{'fault':'conflict','cluster':'east','count':2}");
    static const char body[] =
        "{\"apiVersion\":\"velero.io/v1\",\"kind\":\"Backup\",\"metadata\":{\"name\":\"b\"},"
        "\"spec\":{\"includedNamespaces\":[\"shop\"],\"storageLocation\":\"there\"}}";
    for (int i = 0; i < 3; i++) {
        struct sbx_answer answer;
        const struct sbx_call post = { .method = "POST",
                                       .target = "/apis/velero.io/v1/namespaces/velero/backups",
                                       .authorization = "Bearer t",
                                       .body = body,
                                       .body_len = strlen(body) };
        sbx_api_call(w->east, &post, NULL, NULL, NULL, &answer);
        assert_int_equal(answer.status, i < 2 ? 409 : 201);
        sbx_answer_free(&answer);
    }
}

static void wrong_faults_are_refused(void **state)
{
    struct velero_world *w = *state;
    static const struct {
        const char *fault;
        enum cf_err_kind kind;
    } cases[] = {
        { "{'fault':'nonsense'}", CF_ERR_INVALID },
        { "{'fault':'stuck','ms':5}", CF_ERR_INVALID },
        { "{'fault':'stuck','attempt':'one'}", CF_ERR_INVALID },
        { "{'fault':'stuck','cluster':'north'}", CF_ERR_NOT_FOUND },
        { "{'fault':'version'}", CF_ERR_INVALID },
        { "{'fault':'version','value':'2.0'}", CF_ERR_INVALID },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *body = read_json(cases[i].fault);
        assert_false(sbx_velero_fault(w->velero, body, &err));
        assert_int_equal(err.kind, cases[i].kind);
    }
    cf_autojson json_t *thrown = sbx_velero_faults(w->velero);
    assert_int_equal(json_array_size(thrown), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, velero_up, velero_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_bucket_that_is_away),
        CASE(a_bucket_that_goes),
        CASE(the_read_only_bug),
        CASE(an_object_fails),
        CASE(a_volume_is_lost_once),
        CASE(a_volume_is_skipped_in_silence),
        CASE(no_node_agent),
        CASE(no_sync),
        CASE(a_backup_without_its_volumes),
        CASE(a_restore_that_does_not_move),
        CASE(a_server_that_restarts),
        CASE(a_server_that_restarts_at_once),
        CASE(a_backup_that_vanishes),
        CASE(a_name_that_is_taken),
        CASE(an_old_version),
        CASE(a_phase_that_nobody_knows),
        CASE(writes_that_conflict),
        CASE(downloads_that_lead_nowhere),
        CASE(a_mover_that_does_not_move),
        CASE(contents_that_are_wrong),
        CASE(orphans_go_by_their_label),
        CASE(a_deletion_that_fails),
        CASE(clocks_that_differ),
        CASE(wrong_faults_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
