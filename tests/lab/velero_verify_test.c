/* SPDX-License-Identifier: Apache-2.0 */
/* `verify: checksum` on real clusters: two claims of 100 MB in 10,000 files with every awkward name, moved
 * by a real Velero (one by fs-backup, one by a snapshot), are read at both ends and found equal; one
 * byte is changed in the target, and it is named. (Names that are no UTF-8 are left out: kopia stores
 * others in their place, which this verification finds, too.)
 *
 * CROSSFADE_TEST_KUBECONFIG_EAST and _WEST name kubeconfigs with all rights; without them this says so
 * and exits with 77. Works in namespaces of its own, writes into the volumes' folders of this machine as the
 * lab's network storage makes them, and tells how long each part took. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "federation/kube/kube.h"
#include "velero/volumes.h"

enum {
    PART_MS = 15 * 60 * 1000, /* any one part of the way */
    BIG_MB = 40,
    CLAIMS = 2,
};

static const char *const claims[CLAIMS] = { "data-0", "pictures" };

static struct cf_kube_net *net;
static struct cf_kube *east, *west;
static char from_ns[32], to_ns[64], run_id[CF_UUID_TEXT];

static struct cf_kube *open_client(const char *variable, const char *name)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_credentials *c = cf_kubeconfig_load(getenv(variable), NULL, &err);
    struct cf_kube *opened =
        c ? cf_kube_open(net, c, &(struct cf_kube_options){ .name = name }, &err) : NULL;
    if (!opened)
        fail_msg("%s: %s", variable, err.message);
    cf_kube_credentials_unref(c);
    return opened;
}

static void make_take(struct cf_kube *k, json_t *object)
{
    struct cf_error err = CF_ERROR_INIT;
    assert_non_null(object);
    assert_ok(cf_kube_create(k, NULL, object, NULL, NULL, &err), &err);
    json_decref(object);
}

static void make_namespace(struct cf_kube *k, const char *name)
{
    make_take(k, json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "Namespace",
                           "metadata", "name", name));
}

static void make_claim(struct cf_kube *k, const char *ns, const char *name)
{
    make_take(k, json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:[s], s:{s:{s:s}}}}", "apiVersion",
                           "v1", "kind", "PersistentVolumeClaim", "metadata", "name", name,
                           "namespace", ns, "spec", "storageClassName", "lab-csi", "accessModes",
                           "ReadWriteOnce", "resources", "requests", "storage", "1Gi"));
}

/* The folder of a claim's volume, as soon as it is Bound; caller frees. */
static char *folder_of(struct cf_kube *k, const char *ns, const char *claim)
{
    struct cf_object_ref ref = cf_ref("v1", "PersistentVolumeClaim", ns, claim);
    struct cf_error err = CF_ERROR_INIT;
    int64_t end = cf_mono_ms(&cf_clock_real) + PART_MS;
    for (;;) {
        cf_autojson json_t *pvc = NULL;
        assert_ok(cf_kube_get(k, NULL, &ref, &pvc, &err), &err);
        if (strcmp(cf_json_str(pvc, "", "status", "phase", NULL), "Bound") == 0) {
            struct cf_object_ref of = cf_ref("v1", "PersistentVolume", NULL,
                                             cf_json_str(pvc, "", "spec", "volumeName", NULL));
            cf_autojson json_t *volume = NULL;
            assert_ok(cf_kube_get(k, NULL, &of, &volume, &err), &err);
            return cf_xstrdup(cf_json_str(volume, "", "spec", "csi", "volumeAttributes",
                                          "lab.crossfade.dev/folder", NULL));
        }
        if (cf_mono_ms(&cf_clock_real) > end)
            fail_msg("claim %s/%s is never Bound", ns, claim);
        cf_sleep_ms(&cf_clock_real, 200);
    }
}

static void shell(const char *fmt, ...) CF_PRINTF(1, 2);
static void shell(const char *fmt, ...)
{
    char command[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    if (system(command) != 0) /* NOLINT: a test on this machine's own folders */
        fail_msg("%s", command);
}

static void fill(const char *folder)
{
    shell("python3 %s/tests/unit/velero/verify_walk.py make %s utf8", CF_SOURCE_DIR, folder);
    shell("head -c %dM /dev/urandom >%s/big && chown -R 999:998 %s/many", BIG_MB, folder, folder);
}

/* --- the way --- */

typedef bool part_fn(const struct cf_volumes *v, int n, struct cf_moving *out,
                     struct cf_error *err);

static bool backup_frozen(const struct cf_volumes *v, int n, struct cf_moving *out,
                          struct cf_error *err)
{
    return cf_volumes_backup(v, n, CF_PASS_FROZEN, out, err);
}

static bool restore(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_restore(v, n, false, out, err);
}

static bool take_back(const struct cf_volumes *v, int n, struct cf_moving *out,
                      struct cf_error *err)
{
    (void)n;
    return cf_volumes_take_back(v, out, err);
}

static bool cancel(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err)
{
    (void)n;
    return cf_volumes_cancel(v, out, err);
}

/* Until it is done, or has failed: *out as it was last. */
static void part(struct cf_volumes *v, const char *name, part_fn *fn, int n, struct cf_moving *out)
{
    int64_t begun = cf_mono_ms(&cf_clock_real);
    for (;;) {
        struct cf_error err = CF_ERROR_INIT;
        *out = (struct cf_moving){ 0 };
        v->now_ms = cf_wall_ms(&cf_clock_real);
        if (!fn(v, n, out, &err))
            fail_msg("%s: %s", name, err.message);
        int64_t ms = cf_mono_ms(&cf_clock_real) - begun;
        if (out->stuck || ms > PART_MS)
            fail_msg("%s: %s", name, out->why);
        if (out->bytes > 0 && fn == cf_volumes_verify)
            printf("    %6lld ms: %lld of %lld bytes\n", (long long)ms, (long long)out->bytes,
                   (long long)out->bytes_total);
        if (out->done || out->failed) {
            printf("  %s: %lld ms %s\n", name, (long long)ms, out->why);
            return;
        }
        if (out->waits)
            cf_sleep_ms(&cf_clock_real, CF_MIN(out->wait_ms, 500));
    }
}

static void part_done(struct cf_volumes *v, const char *name, part_fn *fn, int n)
{
    struct cf_moving out;
    part(v, name, fn, n, &out);
    if (!out.done)
        fail_msg("%s: %s", name, out.why);
}

static json_t *expected(void)
{
    json_t *list = json_array();
    for (int i = 0; i < CLAIMS; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", claims[i], "strategy",
                                        i == 0 ? "veleroFsBackup" : "veleroSnapshot",
                                        "storageClass", "", "size", "", "verify", "checksum"));
    return list;
}

static void print_report(const struct cf_volumes *v, int n)
{
    cf_autojson json_t *report = cf_volumes_verify_report(v->state, "there", n);
    cf_autofree char *text = cf_json_dump(report);
    printf("  %s\n", text);
}

static void equal_and_then_not(void **state)
{
    (void)state;
    cf_autojson json_t *rows = expected();
    struct cf_moving out;
    struct cf_volumes v = { .from = east,
                            .to = west,
                            .from_namespace = from_ns,
                            .to_namespace = to_ns,
                            .velero_namespace = "velero",
                            .from_location = "there",
                            .to_location = "there",
                            .run_id = run_id,
                            .way = "there",
                            .stage_image = "lab/pause:v1",
                            .verify_image = "lab/shell:v1",
                            .claims = rows,
                            .state = json_object() };
    for (int i = 0; i < CLAIMS; i++) {
        make_claim(east, from_ns, claims[i]);
        cf_autofree char *folder = folder_of(east, from_ns, claims[i]);
        fill(folder);
    }
    part_done(&v, "frozen pass", backup_frozen, 1);
    part_done(&v, "hand over", cf_volumes_hand_over, 1);
    part_done(&v, "restore", restore, 1);
    part(&v, "verify", cf_volumes_verify, 1, &out);
    print_report(&v, 1);
    assert_true(out.done);

    cf_autofree char *there = folder_of(west, to_ns, claims[1]);
    shell("printf X | dd of=%s/many/007/03503.dat bs=1 conv=notrunc 2>/dev/null", there);
    json_object_del(cf_json_unconst(cf_json_at(v.state, "ways", "there", NULL)), "verify");
    part(&v, "verify again", cf_volumes_verify, 1, &out);
    print_report(&v, 1);
    assert_true(out.failed);
    assert_non_null(strstr(out.why, "claim pictures: 1 of "));
    assert_non_null(strstr(out.why, "content of many/007/03503.dat"));
    part_done(&v, "cancel", cancel, 1);
    part_done(&v, "take back", take_back, 1);
    part_done(&v, "clean", cf_volumes_clean, 0);
    json_decref(v.state);
}

/* More rows than a log holds: one file of 40,000 is named all the same, by reading some of them again. */
static void one_of_forty_thousand(void **state)
{
    (void)state;
    cf_autojson json_t *rows = json_pack("[{s:s, s:s, s:s}]", "name", "many", "strategy",
                                         "veleroFsBackup", "verify", "checksum");
    struct cf_moving out;
    struct cf_volumes v = { .from = east,
                            .to = west,
                            .from_namespace = from_ns,
                            .to_namespace = to_ns,
                            .velero_namespace = "velero",
                            .from_location = "there",
                            .to_location = "there",
                            .run_id = run_id,
                            .way = "there",
                            .verify_image = "lab/shell:v1",
                            .claims = rows,
                            .state = json_object() };
    make_claim(east, from_ns, "many");
    make_claim(west, to_ns, "many");
    cf_autofree char *here = folder_of(east, from_ns, "many");
    cf_autofree char *there = folder_of(west, to_ns, "many");
    shell("cd %s && for d in $(seq 40); do mkdir $d && (cd $d && seq 40000 | split -l 40 -a 4); "
          "done && cp -a . %s && printf X >%s/17/xaabc",
          here, there, there);
    part(&v, "verify", cf_volumes_verify, 3, &out);
    print_report(&v, 3);
    assert_true(out.failed);
    assert_non_null(strstr(out.why, "claim many: 1 of 40040 files and folders differ"));
    assert_non_null(strstr(out.why, "size of 17/xaabc"));
    part_done(&v, "cancel", cancel, 3);
    json_decref(v.state);
}

static int up(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char hex[9];
    net = cf_kube_net_new(&err);
    assert_non_null(net);
    east = open_client("CROSSFADE_TEST_KUBECONFIG_EAST", "east");
    west = open_client("CROSSFADE_TEST_KUBECONFIG_WEST", "west");
    snprintf(from_ns, sizeof from_ns, "verify-%s", cf_random_hex(hex, 8));
    snprintf(to_ns, sizeof to_ns, "%s-there", from_ns);
    cf_uuid_v7(run_id);
    make_namespace(east, from_ns);
    make_namespace(west, to_ns);
    return 0;
}

static void drop_namespace(struct cf_kube *k, const char *name)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, name);
    struct cf_error err = CF_ERROR_INIT;
    if (!cf_kube_delete(k, NULL, &ref, NULL, &err))
        printf("  %s: %s\n", name, err.message);
}

static int down(void **state)
{
    (void)state;
    drop_namespace(east, from_ns);
    drop_namespace(west, to_ns);
    cf_kube_unref(east);
    cf_kube_unref(west);
    cf_kube_net_free(net);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(equal_and_then_not),
                                        cmocka_unit_test(one_of_forty_thousand) };
    if (!getenv("CROSSFADE_TEST_KUBECONFIG_EAST") || !getenv("CROSSFADE_TEST_KUBECONFIG_WEST")) {
        printf("skipped: CROSSFADE_TEST_KUBECONFIG_EAST and _WEST name no clusters\n");
        return 77;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    cmocka_set_test_filter(getenv("CROSSFADE_TEST_ONLY")); /* NULL: all */
    return cmocka_run_group_tests(tests, up, down);
}
