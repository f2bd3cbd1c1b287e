/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the evidence of passes and restores: an operation of the claim's own, ended, with all its bytes; anything less,
 * and anything else's, proves nothing. */
#include "tests/unit/velero/room.h"

#include <stdlib.h>

#include "base/buf.h"
#include "velero/phases.h"

/* clang-format off */
#define FS   "[{'name':'data','strategy':'veleroFsBackup'}]"
#define SNAP "[{'name':'data','strategy':'veleroSnapshot'}]"
#define STATUS(phase, done, total) "'status':{'phase':'" phase "','snapshotID':'s','message':'m','progress':{'bytesDone':" done ",'totalBytes':" total "}}"
#define PVB(ns, pod, status) "{'kind':'PodVolumeBackup','metadata':{'name':'v'},'spec':{'pod':{'namespace':'" ns "','name':'" pod "'}}," status "}"
#define PVR(ns, pod, status) "{'kind':'PodVolumeRestore','metadata':{'name':'v'},'spec':{'pod':{'namespace':'" ns "','name':'" pod "'}}," status "}"
#define DU(ns, pvc, status) "{'kind':'DataUpload','metadata':{'name':'v'},'spec':{'sourceNamespace':'" ns "','sourcePVC':'" pvc "'}," status "}"
#define DD(ns, pvc, status) "{'kind':'DataDownload','metadata':{'name':'v'},'spec':{'targetVolume':{'namespace':'" ns "','pvc':'" pvc "'}}," status "}"
#define BOUND "[{'metadata':{'name':'data'},'status':{'phase':'Bound'}}]"
#define BACKED(total) "[{'name':'data','ok':true,'empty':false,'total':" total "}]"

/* "POD" stands for the name of the claim's stage pod. */
static const struct {
    const char *claims, *operations;
    const char *lacks; /* "": it is proved */
} passes[] = {
    { FS, "[" PVB("shop", "POD", STATUS("Completed", "100", "100")) "]", "" },
    { FS, "[" PVB("shop", "POD", STATUS("Completed", "50001698", "50001705")) "]", "" },
    { FS, "[" PVB("shop", "POD", STATUS("Completed", "10000000", "50001705")) "]", "10000000 of 50001705 bytes" },
    { FS, "[]", "no PodVolumeBackup: Velero skipped the volume" },
    { FS, "[" PVB("shop", "db-0", STATUS("Completed", "100", "100")) "]", "skipped" },
    { FS, "[" PVB("other", "POD", STATUS("Completed", "100", "100")) "]", "skipped" },
    { FS, "[" PVB("shop", "POD", STATUS("Failed", "10", "100")) "]", "PodVolumeBackup is Failed: m" },
    { FS, "[" PVB("shop", "POD", STATUS("InProgress", "10", "100")) "]", "is InProgress" },
    { FS, "[" PVB("shop", "POD", STATUS("", "0", "0")) "]", "is New" },
    { FS, "[" PVB("shop", "POD", STATUS("Canceled", "0", "0")) "]", "is Canceled" },
    { FS, "[" PVB("shop", "POD", "'status':{'phase':'Completed','message':'volume was empty so no data was backed up'}") "]", "" },
    { FS, "[" PVB("shop", "POD", "'status':{'phase':'Completed','progress':{'bytesDone':5,'totalBytes':5}}") "]", "has no snapshot" },
    { FS, "[" PVB("shop", "POD", STATUS("Completed", "1", "1")) "," PVB("shop", "POD", STATUS("Completed", "1", "1")) "]", "2 operations" },
    { FS, "[" DU("shop", "data", STATUS("Completed", "100", "100")) "]", "a DataUpload instead of a PodVolumeBackup" },
    { SNAP, "[" DU("shop", "data", STATUS("Completed", "100", "100")) "]", "" },
    { SNAP, "[" DU("shop", "data", STATUS("Completed", "8388608", "83886080")) "]", "8388608 of 83886080 bytes" },
    { SNAP, "[" DU("shop", "other", STATUS("Completed", "100", "100")) "]", "no DataUpload" },
    { SNAP, "[" DU("else", "data", STATUS("Completed", "100", "100")) "]", "no DataUpload" },
    { SNAP, "[" DU("shop", "data", STATUS("Accepted", "0", "0")) "]", "DataUpload is Accepted" },
    { SNAP, "[" DU("shop", "data", STATUS("Canceled", "0", "0")) "]", "is Canceled" },
};

static const struct {
    const char *claims, *backed, *operations, *lives;
    const char *lacks;
} restores[] = {
    { FS, BACKED("100"), "[" PVR("store", "POD", STATUS("Completed", "100", "100")) "]", BOUND, "" },
    { FS, BACKED("50001705"), "[" PVR("store", "POD", STATUS("Completed", "50001698", "50001698")) "]", BOUND, "" },
    { FS, BACKED("50001705"), "[" PVR("store", "POD", STATUS("Completed", "100", "100")) "]", BOUND, "100 of 50001705 bytes" },
    { FS, BACKED("100"), "[]", BOUND, "no PodVolumeRestore" },
    { FS, BACKED("100"), "[" PVR("shop", "POD", STATUS("Completed", "100", "100")) "]", BOUND, "no PodVolumeRestore" },
    { FS, BACKED("100"), "[" PVR("store", "POD", STATUS("Completed", "100", "100")) "]", "[]", "no such claim in namespace store" },
    { FS, BACKED("100"), "[" PVR("store", "POD", STATUS("Completed", "100", "100")) "]",
      "[{'metadata':{'name':'data'},'status':{'phase':'Pending'}}]", "the claim is Pending" },
    { FS, BACKED("100"), "[" PVR("store", "POD", STATUS("Failed", "1", "100")) "]", BOUND, "is Failed: m" },
    { FS, "[{'name':'data','ok':true,'empty':true,'total':0}]", "[]", BOUND, "" },
    { FS, "[{'name':'data','ok':true,'empty':true,'total':0}]", "[]", "[]", "no such claim" },
    { FS, "[{'name':'data','ok':false,'empty':false,'total':100}]", "[" PVR("store", "POD", STATUS("Completed", "100", "100")) "]", BOUND, "its pass has no evidence" },
    { FS, "[]", "[" PVR("store", "POD", STATUS("Completed", "100", "100")) "]", BOUND, "its pass has no evidence" },
    { SNAP, BACKED("100"), "[" DD("store", "data", STATUS("Completed", "100", "100")) "]", BOUND, "" },
    { SNAP, BACKED("8388817"), "[" DD("store", "data", STATUS("Completed", "8388808", "8388808")) "]", BOUND, "" },
    { SNAP, BACKED("8388817"), "[" DD("store", "data", STATUS("Completed", "6388808", "6388808")) "]", BOUND, "6388808 of 8388817 bytes" },
    { SNAP, BACKED("100"), "[" DD("store", "data", STATUS("Prepared", "0", "0")) "]", BOUND, "DataDownload is Prepared" },
    { SNAP, BACKED("100"), "[]", BOUND, "no DataDownload: Velero skipped the volume" },
};
/* clang-format on */

/* With the name of the stage pod of claim "data". */
static json_t *operations_of(const struct cf_volumes *v, const char *text)
{
    struct cf_buf with = CF_BUF_INIT(65536);
    char name[CF_VELERO_NAME_MAX];
    const char *at;
    cf_velero_stage_name(v, "data", name);
    while ((at = strstr(text, "'POD'")) != NULL) {
        cf_buf_append(&with, text, (size_t)(at - text));
        cf_buf_printf(&with, "'%s'", name);
        text = at + 5;
    }
    cf_buf_puts(&with, text);
    json_t *operations = cf_test_json(cf_buf_str(&with));
    cf_buf_free(&with);
    return operations;
}

static void check_row(const json_t *rows, const char *lacks, size_t i)
{
    const json_t *row = json_array_get(rows, 0);
    const char *why = cf_json_str(row, "", "why", NULL);
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(cf_json_str(row, "", "name", NULL), "data");
    if (*lacks ? !strstr(why, lacks) : *why != '\0')
        fail_msg("case %zu: \"%s\", not \"%s\"", i, why, lacks);
    assert_int_equal(cf_json_bool(row, false, "ok", NULL), *lacks == '\0');
    assert_int_equal(cf_evidence_is_whole(rows), *lacks == '\0');
}

static void passes_need_their_own_operation(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(passes); i++) {
        struct cf_volumes v = pure_way(passes[i].claims);
        cf_autojson json_t *operations = operations_of(&v, passes[i].operations);
        cf_autojson json_t *rows = cf_evidence_backup(&v, operations);
        check_row(rows, passes[i].lacks, i);
        way_free(&v);
    }
}

static void restores_need_theirs_and_a_bound_claim(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(restores); i++) {
        struct cf_volumes v = pure_way(restores[i].claims);
        cf_autojson json_t *operations = operations_of(&v, restores[i].operations);
        cf_autojson json_t *backed = cf_test_json(restores[i].backed);
        cf_autojson json_t *lives = cf_test_json(restores[i].lives);
        cf_autojson json_t *rows = cf_evidence_restore(&v, "store", backed, operations, lives);
        check_row(rows, restores[i].lacks, i);
        /* The binder comes after Velero: that alone is waited for. */
        assert_int_equal(cf_evidence_only_unbound(rows),
                         strcmp(restores[i].lacks, "the claim is Pending") == 0);
        way_free(&v);
    }
}

static void every_expected_claim_has_a_row_and_sums_are_sums(void **state)
{
    (void)state;
    struct cf_volumes v = pure_way(
        "[{'name':'data','strategy':'veleroFsBackup'},{'name':'pictures','strategy':'veleroSnapshot'},"
        "{'name':'more','strategy':'veleroSnapshot'}]");
    cf_autojson json_t *operations =
        operations_of(&v, "[" DU("shop", "pictures", STATUS("InProgress", "40", "90")) "," PVB(
                              "shop", "POD", STATUS("Completed", "10", "10")) "]");
    cf_autojson json_t *rows = cf_evidence_backup(&v, operations);
    int64_t bytes = 0, total = 0;
    char why[200];
    assert_int_equal(json_array_size(rows), 3);
    cf_evidence_bytes(rows, &bytes, &total);
    assert_int_equal(bytes, 50);
    assert_int_equal(total, 100);
    struct cf_moving moving = { 0 };
    cf_evidence_progress(&v, rows, &moving);
    assert_int_equal(moving.bytes, 50);
    assert_int_equal(moving.bytes_total, 150); /* the third is taken to be like the others */
    assert_int_equal(moving.claims, 1);
    assert_int_equal(moving.claims_total, 3);
    cf_evidence_lacks(rows, why, sizeof why);
    assert_string_equal(
        why,
        "2 of 3 claims lack evidence: pictures: DataUpload is InProgress: m; more: no DataUpload: Velero skipped the volume");
    cf_evidence_lacks(rows, why, 70);
    assert_string_equal(why, "2 of 3 claims lack evidence: pictures: DataUpload is InProgress: m");
    cf_evidence_lacks(rows, why, 40);
    assert_string_equal(why, "2 of 3 claims lack evidence");
    way_free(&v);
}

/* A real Velero has reported minus 199,945,198 of two volumes that had grown by 54 kB. */
static void what_changed_is_never_less_than_nothing(void **state)
{
    (void)state;
    struct cf_volumes v = pure_way(FS);
    cf_autojson json_t *operations = operations_of(
        &v, "[" PVB("shop", "POD",
                    "'status':{'phase':'Completed','snapshotID':'s','incrementalBytes':-5,"
                    "'progress':{'bytesDone':9,'totalBytes':9}}") "]");
    cf_autojson json_t *rows = cf_evidence_backup(&v, operations);
    const json_t *row = json_array_get(rows, 0);
    assert_int_equal(cf_json_int(row, -1, "incrementalBytes", NULL), 0);
    assert_true(cf_json_bool(row, false, "ok", NULL));
    way_free(&v);
}

/* A mover names the file that it could not read; what is kept of its words ends between two characters. */
static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    struct cf_volumes v = pure_way(FS);
    for (int shift = 0; shift < 2; shift++) {
        struct cf_buf path = CF_BUF_INIT(1024);
        cf_buf_puts(&path, shift ? "x/" : "/");
        while (path.len < 300)
            cf_buf_puts(&path, "\u0434");
        cf_autofree char *text =
            cf_xasprintf("[" PVB("shop", "POD", "'status':{'phase':'Failed','message':'%s'}") "]",
                         cf_buf_str(&path));
        cf_autojson json_t *operations = operations_of(&v, text);
        cf_autojson json_t *rows = cf_evidence_backup(&v, operations);
        check_row(rows, "is Failed: ", 0);
        char why[CF_VERDICT_WHY_MAX];
        cf_autojson json_t *backup =
            json_pack("{s:s,s:{s:s},s:{s:s,s:s}}", "kind", "Backup", "metadata", "name", "b",
                      "status", "phase", "Failed", "failureReason", cf_buf_str(&path));
        (void)cf_velero_verdict(backup, rows, why);
        cf_autojson json_t *said = json_string(why);
        assert_non_null(said);
        cf_buf_free(&path);
    }
    way_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_need_their_own_operation),
        cmocka_unit_test(restores_need_theirs_and_a_bound_claim),
        cmocka_unit_test(every_expected_claim_has_a_row_and_sums_are_sums),
        cmocka_unit_test(what_changed_is_never_less_than_nothing),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
