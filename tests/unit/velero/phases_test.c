/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what is made of each phase, with evidence and without; that an unknown phase is neither an end nor for ever; and
 * that nothing may last without a limit. */
#include "tests/unit/velero/room.h"

#include <stdlib.h>

#include "base/digest.h"
#include "velero/phases.h"

#define OK "[{'name':'a','ok':true,'why':''}]"
#define LACKING                                                                                    \
    "[{'name':'a','ok':true,'why':''},{'name':'b','ok':false,'why':'no PodVolumeBackup: Velero skipped the volume'}]"

/* clang-format off */
static const struct {
    const char *kind, *status, *rows;
    enum cf_verdict want;
    const char *says; /* in the reason */
} table[] = {
    { "Backup", "{}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'New'}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'Queued','queuePosition':2}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'ReadyToStart'}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'InProgress'}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'WaitingForPluginOperations'}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'WaitingForPluginOperationsPartiallyFailed'}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'Finalizing'}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'FinalizingPartiallyFailed'}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'Deleting'}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'Foo'}", OK, CF_VERDICT_RUNS, "" },
    { "Backup", "{'phase':'Completed'}", OK, CF_VERDICT_GOOD, "" },
    { "Backup", "{'phase':'Completed','warnings':3}", OK, CF_VERDICT_GOOD, "" },
    { "Backup", "{'phase':'Completed','errors':1}", OK, CF_VERDICT_AGAIN, "errors 1" },
    { "Backup", "{'phase':'Completed','backupItemOperationsFailed':2}", OK, CF_VERDICT_AGAIN, "backupItemOperationsFailed 2" },
    { "Backup", "{'phase':'Completed'}", LACKING, CF_VERDICT_AGAIN, "is Completed, but 1 of 2 claims lack evidence: b: no PodVolumeBackup" },
    { "Backup", "{'phase':'Completed'}", "[]", CF_VERDICT_AGAIN, "0 of 0" },
    { "Backup", "{'phase':'PartiallyFailed','errors':1}", OK, CF_VERDICT_AGAIN, "ended PartiallyFailed with 1 errors" },
    { "Backup", "{'phase':'PartiallyFailed','errors':1}", LACKING, CF_VERDICT_AGAIN, "b: no PodVolumeBackup" },
    { "Backup", "{'phase':'Failed','failureReason':'backup already exists in object storage'}", OK, CF_VERDICT_AGAIN, "already exists in object storage" },
    { "Backup", "{'phase':'Failed','failureReason':'found a backup with status InProgress during the server starting'}", OK, CF_VERDICT_AGAIN, "server starting" },
    { "Backup", "{'phase':'FailedValidation','validationErrors':['the BackupStorageLocation there is Unavailable']}", OK, CF_VERDICT_AGAIN, "Unavailable" },
    { "Backup", "{'phase':'FailedValidation','validationErrors':['include-resources and include-cluster-scoped-resources']}", OK, CF_VERDICT_NEVER, "was refused: include-resources" },
    { "Backup", "{'phase':'FailedValidation'}", OK, CF_VERDICT_NEVER, "no reason given" },
    { "Restore", "{}", OK, CF_VERDICT_RUNS, "" },
    { "Restore", "{'phase':'InProgress'}", OK, CF_VERDICT_RUNS, "" },
    { "Restore", "{'phase':'WaitingForPluginOperations'}", OK, CF_VERDICT_RUNS, "" },
    { "Restore", "{'phase':'Finalizing'}", OK, CF_VERDICT_GOOD, "" },
    { "Restore", "{'phase':'Finalizing'}", LACKING, CF_VERDICT_RUNS, "" },
    { "Restore", "{'phase':'Finalizing','errors':1}", OK, CF_VERDICT_AGAIN, "errors 1" },
    { "Restore", "{'phase':'FinalizingPartiallyFailed','errors':1}", OK, CF_VERDICT_AGAIN, "is FinalizingPartiallyFailed with 1 errors" },
    { "Restore", "{'phase':'Bar'}", OK, CF_VERDICT_RUNS, "" },
    { "Restore", "{'phase':'Completed','warnings':6}", OK, CF_VERDICT_GOOD, "" },
    { "Restore", "{'phase':'Completed','warnings':6}", LACKING, CF_VERDICT_AGAIN, "lack evidence" },
    { "Restore", "{'phase':'Completed','restoreItemOperationsFailed':1}", OK, CF_VERDICT_AGAIN, "restoreItemOperationsFailed" },
    { "Restore", "{'phase':'PartiallyFailed','errors':2}", OK, CF_VERDICT_AGAIN, "2 errors" },
    { "Restore", "{'phase':'Failed','failureReason':'error downloading backup'}", OK, CF_VERDICT_AGAIN, "downloading" },
    { "Restore", "{'phase':'FailedValidation','validationErrors':['Error retrieving backup: Backup.velero.io b not found']}", OK, CF_VERDICT_AGAIN, "not found" },
    { "Restore", "{'phase':'FailedValidation','validationErrors':['Either a backup or schedule must be specified']}", OK, CF_VERDICT_NEVER, "must be specified" },
};
/* clang-format on */

static void verdicts_follow_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        cf_autojson json_t *status = cf_test_json(table[i].status);
        cf_autojson json_t *rows = cf_test_json(table[i].rows);
        cf_autojson json_t *object = json_pack("{s:s, s:{s:s}, s:O}", "kind", table[i].kind,
                                               "metadata", "name", "b", "status", status);
        char why[CF_VERDICT_WHY_MAX];
        enum cf_verdict verdict = cf_velero_verdict(object, rows, why);
        if (verdict != table[i].want || !strstr(why, table[i].says))
            fail_msg("%s %s: verdict %d \"%s\", not %d \"%s\"", table[i].kind, table[i].status,
                     (int)verdict, why, (int)table[i].want, table[i].says);
    }
}

static void what_has_been_deleted_is_made_again(void **state)
{
    (void)state;
    char why[CF_VERDICT_WHY_MAX];
    cf_autojson json_t *rows = cf_test_json(OK);
    assert_int_equal(cf_velero_verdict(NULL, rows, why), CF_VERDICT_AGAIN);
    assert_non_null(strstr(why, "has been deleted"));
}

/* Whatever is no end has a limit and says what to do; each kind knows what to make of a phase that it does not know. */
static void nothing_lasts_for_ever(void **state)
{
    (void)state;
    for (const struct cf_phase_rule *r = cf_phase_rules; r->kind; r++) {
        if (cf_phase_is_end(r)) {
            assert_int_equal(r->quiet_ms, 0);
            continue;
        }
        assert_true(r->quiet_ms > 0 && r->quiet_ms <= 60 * 60 * 1000);
        assert_true(strlen(r->hint) > 10);
        const struct cf_phase_rule *unknown = cf_phase_rule(r->kind, "SomethingNew");
        assert_non_null(unknown);
        assert_int_equal(unknown->class, CF_PHASE_UNKNOWN);
        assert_ptr_equal(cf_phase_rule(r->kind, r->phase), r);
    }
}

static void progress_is_seen_and_who_waits_is_named(void **state)
{
    (void)state;
    cf_autojson json_t *backup =
        cf_test_json("{'kind':'Backup','metadata':{'name':'b'},'status':{'phase':'InProgress'}}");
    cf_autojson json_t *one = cf_test_json(
        "[{'kind':'PodVolumeBackup','metadata':{'name':'v1'},'status':{'phase':'Completed'}},"
        "{'kind':'DataUpload','metadata':{'name':'v2'},'status':{'phase':'InProgress','progress':{'bytesDone':1}}},"
        "{'kind':'PodVolumeBackup','metadata':{'name':'v3'},'status':{}}]");
    cf_autojson json_t *two = cf_json_copy(one);
    char a[CF_SHA256_HEX], b[CF_SHA256_HEX];
    const json_t *of = NULL;
    cf_json_put_take(json_array_get(two, 1), json_integer(2), "status", "progress", "bytesDone",
                     NULL);
    cf_velero_fingerprint(backup, one, a);
    assert_string_equal(cf_velero_fingerprint(backup, one, b), a);
    assert_string_not_equal(cf_velero_fingerprint(backup, two, b), a);
    const struct cf_phase_rule *r = cf_velero_slowest(backup, one, &of);
    assert_string_equal(cf_json_str(of, "", "metadata", "name", NULL), "v3");
    assert_non_null(strstr(r->hint, "node-agent"));
    json_array_clear(one);
    assert_string_equal(cf_velero_slowest(backup, one, &of)->kind, "Backup");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_follow_the_table),
        cmocka_unit_test(what_has_been_deleted_is_made_again),
        cmocka_unit_test(nothing_lasts_for_ever),
        cmocka_unit_test(progress_is_seen_and_who_waits_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
