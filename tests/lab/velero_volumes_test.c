/* SPDX-License-Identifier: Apache-2.0 */
/* The volumes' driver against a real Velero in each of two clusters: bytes that are written into claims
 * in the one are in the other's claims, by both strategies, through a live pass, a rehearsal and a
 * frozen pass, and nothing of it stays.
 *
 * CROSSFADE_TEST_KUBECONFIG_EAST and _WEST name kubeconfigs with all rights; without them this says so
 * and exits with 77. Volumes are folders of this machine, as the lab's network storage makes them. It
 * works in namespaces of its own, and tells how long each part took. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "federation/kube/kube.h"
#include "velero/volumes.h"

#define CLASS "lab-csi"
#define IMAGE "lab/pause:v1"

enum {
    PART_MS = 10 * 60 * 1000, /* any one part of the way */
    BIG = 8 * 1024 * 1024,
    CLAIMS = 3,
};

static const char *const claims[CLAIMS] = { "data-0", "data-1", "pictures" };

static struct cf_kube_net *net;
static struct cf_kube *east, *west;
static char from_ns[32], to_ns[64], run_id[CF_UUID_TEXT];

/* --- clusters --- */

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

static void make_claim(const char *name)
{
    make_take(east,
              json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:[s], s:{s:{s:s}}}}", "apiVersion", "v1",
                        "kind", "PersistentVolumeClaim", "metadata", "name", name, "namespace",
                        from_ns, "spec", "storageClassName", CLASS, "accessModes", "ReadWriteOnce",
                        "resources", "requests", "storage", "1Gi"));
}

/* The workload: a pod that has the claim mounted while live passes run. */
static void make_writer(const char *claim)
{
    make_take(east,
              json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:[{s:s, s:s, s:[{s:s, s:s}]}], "
                        "s:[{s:s, s:{s:s}}]}}",
                        "apiVersion", "v1", "kind", "Pod", "metadata", "name", "db-0", "namespace",
                        from_ns, "labels", "app", "db", "spec", "containers", "name", "main",
                        "image", IMAGE, "volumeMounts", "name", "v", "mountPath", "/data",
                        "volumes", "name", "v", "persistentVolumeClaim", "claimName", claim));
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

/* --- files --- */

static void write_file(const char *folder, const char *name, size_t size, unsigned seed)
{
    cf_autofree char *path = cf_xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f)
        fail_msg("%s cannot be written", path);
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1103515245 + 12345;
        fputc((int)(seed >> 16) & 0xff, f);
    }
    assert_int_equal(fclose(f), 0);
}

static void fill(const char *folder, unsigned seed)
{
    cf_autofree char *sub = cf_xasprintf("%s/sub", folder);
    cf_autofree char *link = cf_xasprintf("%s/link", folder);
    if (mkdir(sub, 0755) != 0 || symlink("sub/small", link) != 0)
        fail_msg("%s cannot be filled", folder);
    write_file(folder, "big", BIG, seed);
    write_file(folder, "sub/small", 100, seed + 1);
    write_file(folder, "empty", 0, 0);
}

static void same_file(const char *a, const char *b, const char *name)
{
    cf_autofree char *one = cf_xasprintf("diff -q '%s/%s' '%s/%s' > /dev/null", a, name, b, name);
    if (system(one) != 0) /* NOLINT: a test on this machine's own folders */
        fail_msg("%s differs: %s and %s", name, a, b);
}

static void same_folder(const char *a, const char *b)
{
    static const char *const names[] = { "big", "sub/small", "empty", "link" };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++)
        same_file(a, b, names[i]);
}

/* --- the way --- */

static json_t *expected(void)
{
    json_t *list = json_array();
    for (int i = 0; i < CLAIMS; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s}", "name", claims[i], "strategy",
                                        i < 2 ? "veleroFsBackup" : "veleroSnapshot", "storageClass",
                                        i > 0 ? "lab-csi-wait" : "", "size", ""));
    return list;
}

typedef bool part_fn(const struct cf_volumes *v, int n, struct cf_moving *out,
                     struct cf_error *err);

static bool backup_live(const struct cf_volumes *v, int n, struct cf_moving *out,
                        struct cf_error *err)
{
    return cf_volumes_backup(v, n, CF_PASS_LIVE, out, err);
}

static bool backup_frozen(const struct cf_volumes *v, int n, struct cf_moving *out,
                          struct cf_error *err)
{
    return cf_volumes_backup(v, n, CF_PASS_FROZEN, out, err);
}

static bool rehearse(const struct cf_volumes *v, int n, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_restore(v, n, true, out, err);
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

static void part(struct cf_volumes *v, const char *name, part_fn *fn, int n)
{
    int64_t begun = cf_mono_ms(&cf_clock_real);
    char said[CF_MOVING_WHY_MAX] = "";
    for (;;) {
        struct cf_moving out = { 0 };
        struct cf_error err = CF_ERROR_INIT;
        v->now_ms = cf_wall_ms(&cf_clock_real);
        if (!fn(v, n, &out, &err))
            fail_msg("%s: %s", name, err.message);
        int64_t ms = cf_mono_ms(&cf_clock_real) - begun;
        if (strcmp(said, out.why) != 0)
            printf("    %6lld ms %s\n", (long long)ms, out.why);
        snprintf(said, sizeof said, "%s", out.why);
        if (out.failed || out.stuck || ms > PART_MS)
            fail_msg("%s: %s", name, out.why);
        if (out.done) {
            printf("  %s: %lld ms\n", name, (long long)ms);
            return;
        }
        if (out.waits)
            cf_sleep_ms(&cf_clock_real, CF_MIN(out.wait_ms, 500));
    }
}

static void print_report(const struct cf_volumes *v, int n)
{
    cf_autojson json_t *report = cf_volumes_pass_report(v->state, "there", n);
    cf_autofree char *text = cf_json_dump(report);
    printf("  pass %d: %s\n", n, text);
}

static void check_arrived(char *const *folders)
{
    for (int i = 0; i < CLAIMS; i++) {
        cf_autofree char *there = folder_of(west, to_ns, claims[i]);
        same_folder(folders[i], there);
    }
}

static bool is_there(struct cf_kube *k, const char *api_version, const char *kind, const char *ns,
                     const char *selector)
{
    struct cf_kube_list list = {
        .api_version = api_version, .kind = kind, .ns = ns, .label_selector = selector
    };
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *items = NULL;
    assert_ok(cf_kube_list(k, NULL, &list, &items, NULL, &err), &err);
    return json_array_size(items) > 0;
}

static void check_gone(void)
{
    cf_autofree char *ours = cf_xasprintf(CF_VELERO_LABEL_RUN "=%s", run_id);
    struct cf_kube *both[] = { east, west };
    for (int i = 0; i < 2; i++) {
        assert_false(is_there(both[i], "velero.io/v1", "Backup", "velero", ours));
        assert_false(is_there(both[i], "velero.io/v1", "Restore", "velero", ours));
        assert_false(is_there(both[i], "v1", "ConfigMap", "velero", ours));
        assert_false(is_there(both[i], "v1", "Pod", NULL, ours));
        assert_false(is_there(both[i], "v1", "Namespace", NULL, ours));
    }
}

static void look_at(struct cf_kube *k)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *facts = NULL;
    assert_ok(cf_velero_look(k, "velero", run_id, &facts, &err), &err);
    cf_autofree char *text = cf_json_dump(facts);
    printf("  %s\n", text);
    assert_true(cf_json_bool(facts, false, "installed", NULL));
    assert_true(cf_json_bool(facts, false, "agent", "present", NULL));
    assert_true(*cf_json_str(facts, "", "version", NULL) == 'v');
    assert_int_equal(json_array_size(json_object_get(facts, "prunes")), 0);
}

static void bytes_move_and_nothing_stays(void **state)
{
    (void)state;
    char *folders[CLAIMS];
    cf_autojson json_t *rows = expected();
    struct cf_volumes v = { .from = east,
                            .to = west,
                            .from_namespace = from_ns,
                            .to_namespace = to_ns,
                            .velero_namespace = "velero",
                            .from_location = "there",
                            .to_location = "there",
                            .run_id = run_id,
                            .way = "there",
                            .stage_image = IMAGE,
                            .claims = rows,
                            .state = json_object() };
    struct cf_object_ref writer = cf_ref("v1", "Pod", from_ns, "db-0");
    struct cf_error err = CF_ERROR_INIT;
    for (int i = 0; i < CLAIMS; i++) {
        make_claim(claims[i]);
        folders[i] = folder_of(east, from_ns, claims[i]);
        fill(folders[i], (unsigned)i * 7);
    }
    make_writer(claims[0]);
    look_at(east);
    look_at(west);
    part(&v, "live pass", backup_live, 1);
    part(&v, "hand over", cf_volumes_hand_over, 1);
    part(&v, "rehearsal", rehearse, 1);
    print_report(&v, 1);
    for (int i = 0; i < CLAIMS; i++)
        write_file(folders[i], "sub/small", 200, 99);
    assert_ok(cf_kube_delete(east, NULL, &writer, &(struct cf_kube_delete){ .grace_s = 0 }, &err),
              &err);
    part(&v, "frozen pass", backup_frozen, 2);
    part(&v, "hand over", cf_volumes_hand_over, 2);
    part(&v, "restore", restore, 2);
    print_report(&v, 2);
    check_arrived(folders);
    assert_false(is_there(west, "v1", "Pod", to_ns, NULL)); /* nobody's pod came along */
    part(&v, "take back", take_back, 0);
    part(&v, "clean", cf_volumes_clean, 0);
    check_gone();
    for (int i = 0; i < CLAIMS; i++)
        free(folders[i]);
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
    snprintf(from_ns, sizeof from_ns, "volumes-%s", cf_random_hex(hex, 8));
    snprintf(to_ns, sizeof to_ns, "%s-there", from_ns);
    cf_uuid_v7(run_id);
    make_namespace(east, from_ns);
    make_namespace(west, to_ns);
    return 0;
}

static int down(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref here = cf_ref("v1", "Namespace", NULL, from_ns);
    struct cf_object_ref there = cf_ref("v1", "Namespace", NULL, to_ns);
    if (!cf_kube_delete(east, NULL, &here, NULL, &err) ||
        !cf_kube_delete(west, NULL, &there, NULL, &err))
        fprintf(stderr, "%s\n", err.message);
    cf_kube_unref(east);
    cf_kube_unref(west);
    cf_kube_net_free(net);
    return 0;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!getenv("CROSSFADE_TEST_KUBECONFIG_EAST") || !getenv("CROSSFADE_TEST_KUBECONFIG_WEST")) {
        puts("skipped: CROSSFADE_TEST_KUBECONFIG_EAST and _WEST name no clusters");
        return 77;
    }
    const struct CMUnitTest tests[] = { cmocka_unit_test(bytes_move_and_nothing_stays) };
    return cmocka_run_group_tests(tests, up, down);
}
