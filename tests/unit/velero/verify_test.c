/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the driver of `verify: checksum` between two clusters in memory: which pods it makes and who
 * they are, what it concludes from what they say, what it does when they do not come, fail or go, and
 * that it may be cut off at any call. The pods' own script has its test beside this one. */
#include "tests/unit/velero/world.h"

#include "base/digest.h"
#include "tests/support/stride.h"
#include "velero/verify.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define VERIFIED                                                                                   \
    "[{'name':'data-db-0','strategy':'veleroFsBackup','verify':'checksum','workload':"             \
    "{'apiVersion':'apps/v1','kind':'StatefulSet','name':'db'},'placement':{'nodeSelector':"       \
    "{'disk':'fast'}}},{'name':'pictures','strategy':'veleroSnapshot'}]"

#define ROWS "f\t./a\tf\t1\t" A64 "\t644 0 0\nf\t./b\tf\t1\t" A64 "\t644 0 0\n"

/* --- the kubelets, and what is in the volumes --- */

struct volumes {
    const char *rows[2]; /* at each end */
    int unreadable;
    bool cut;     /* the first log holds no rows */
    bool pending; /* nothing starts */
    int fails;    /* pods that fail yet */
    int most;     /* pods at once, as seen */
};

static void end_pod(struct world *w, struct side *s, json_t *pod, struct volumes *d)
{
    const char *rows = d->rows[s == &w->west];
    const char *buckets = "";
    const json_t *env =
        cf_json_at(json_array_get(cf_json_at(pod, "spec", "containers", NULL), 0), "env", NULL);
    char content[CF_SHA256_HEX], whole[CF_SHA256_HEX], message[600];
    size_t i;
    json_t *one;
    json_array_foreach(env, i, one)
    {
        if (strcmp(cf_json_str(one, "", "name", NULL), "CF_BUCKETS") == 0)
            buckets = cf_json_str(one, "", "value", NULL);
    }
    /* Without the last field of each row: no modes here but in the digest of all. */
    cf_autofree char *light = cf_xstrdup(rows);
    for (char *c = strstr(light, "\t6"); c; c = strstr(c + 1, "\t6"))
        memset(c + 1, '-', 3);
    cf_sha256_hex(light, strlen(light), content);
    cf_sha256_hex(rows, strlen(rows), whole);
    snprintf(message, sizeof message,
             "{\"files\":2,\"directories\":0,\"links\":0,\"others\":1,\"bytes\":100,"
             "\"unreadable\":%d,\"content\":\"%s\",\"all\":\"%s\",\"seconds\":4}",
             d->unreadable, content, whole);
    bool cut = d->cut && !*buckets;
    cf_autofree char *path = cf_xasprintf("/pods/%s/log", name_of(pod));
    cf_autofree char *log =
        cf_xasprintf("begin\np 1 50\nb\t3f\t%s\n%s%send\n", content, cut ? "cut\n" : rows, "");
    cf_fake_kube_text(s->api, path, log);
    bool fails = d->fails > 0 && d->fails-- > 0;
    cf_json_put_take(pod,
                     json_pack("[{s:{s:{s:i, s:s, s:s}}}]", "state", "terminated", "exitCode",
                               fails, "reason", fails ? "Error" : "Completed", "message",
                               fails ? "{\"error\":\"sort failed: is there room\"}" : message),
                     "status", "containerStatuses", NULL);
    set_phase(s, pod, fails ? "Failed" : "Succeeded");
}

static void kubelets_turn(struct world *w, struct volumes *d)
{
    struct side *sides[] = { &w->east, &w->west };
    int here = 0;
    for (size_t s = 0; s < 2; s++) {
        cf_autojson json_t *pods = all(w, sides[s], "v1", "Pod", NULL);
        size_t i;
        json_t *pod;
        json_array_foreach(pods, i, pod)
        {
            if (strcmp(label_of(pod, CF_VELERO_LABEL_STAGE), CF_VERIFY_STAGE) != 0)
                continue;
            here++;
            if (strcmp(phase_of(pod), "Running") == 0)
                end_pod(w, sides[s], pod, d);
            else if (!*phase_of(pod) && !d->pending) {
                cf_autofree char *path = cf_xasprintf("/pods/%s/log", name_of(pod));
                cf_fake_kube_text(sides[s]->api, path, "p 1 50\n");
                set_phase(sides[s], pod, "Running");
            }
        }
    }
    d->most = CF_MAX(d->most, here);
}

/* --- the caller --- */

static bool verify_once(struct world *w, struct cf_moving *out, struct cf_error *err)
{
    json_decref(w->v.state);
    w->v.state = cf_json_copy(w->stored);
    *out = (struct cf_moving){ 0 };
    w->counting = true;
    bool ok = cf_volumes_verify(&w->v, 2, out, err);
    w->counting = false;
    if (ok)
        keep_state(&w->stored, w->v.state);
    return ok;
}

static void verify(struct world *w, struct volumes *d, struct cf_moving *out)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct cf_error err = CF_ERROR_INIT;
        if (!verify_once(w, out, &err)) {
            if (!w->was_cut || err.kind != CF_ERR_UNKNOWN)
                fail_msg("%s", err.message);
            continue;
        }
        if (out->done || out->failed || out->stuck)
            return;
        if (out->waits) {
            kubelets_turn(w, d);
            world_turn(w);
            w->v.now_ms += out->wait_ms;
        }
    }
    fail_msg("no end: %s", out->why);
}

static size_t reading_pods(struct world *w)
{
    return count(w, &w->east, "v1", "Pod", "shop") + count(w, &w->west, "v1", "Pod", "store");
}

static json_t *only_pod(struct world *w, struct side *s, const char *ns)
{
    cf_autojson json_t *pods = all(w, s, "v1", "Pod", ns);
    assert_int_equal(json_array_size(pods), 1);
    return json_incref(json_array_get(pods, 0));
}

static json_t *claim_report(struct world *w)
{
    cf_autojson json_t *report = cf_volumes_verify_report(w->stored, "there", 2);
    return json_incref(json_array_get(json_object_get(report, "claims"), 0));
}

/* --- verdicts --- */

static void equal_claims_are_done_and_leave_nothing(void **state)
{
    (void)state;
    struct world w;
    struct volumes d = { .rows = { ROWS, ROWS } };
    struct cf_moving out;
    world_up(&w, VERIFIED);
    verify(&w, &d, &out);
    assert_true(out.done);
    assert_int_equal(reading_pods(&w), 0);
    assert_int_equal(d.most, 2); /* the other claim is not asked for */
    cf_autojson json_t *one = claim_report(&w);
    assert_string_equal(cf_json_str(one, "", "verdict", NULL), "equal");
    assert_int_equal(cf_json_int(one, 0, "files", NULL), 2);
    assert_int_equal(cf_json_int(one, 0, "others", NULL), 1);
    assert_true(json_is_null(json_object_get(one, "differences")));
    int calls = w.calls;
    verify(&w, &d, &out);
    assert_true(out.done);
    assert_int_equal(w.calls, calls); /* asked again, it knows */
    world_down(&w);
}

static const struct {
    const char *what, *to;
    int unreadable;
    bool cut, done;
    const char *says, *verdict;
} verdicts[] = {
    { "content", "f\t./a\tf\t1\t" A64 "\t644 0 0\nf\t./b\tf\t1\t" B64 "\t644 0 0\n", 0, false,
      false, "claim data-db-0: 1 of 2 files and folders differ between east and west: content of b",
      "different" },
    { "a file is missing", "f\t./a\tf\t1\t" A64 "\t644 0 0\n", 0, false, false, "missing of b",
      "different" },
    { "through a second look", "f\t./b\tf\t1\t" A64 "\t644 0 0\n", 0, true, false, "missing of a",
      "different" },
    { "unreadable", ROWS, 1, false, false, "cannot be read on east or west", "unreadable" },
    { "a mode alone", "f\t./a\tf\t1\t" A64 "\t600 0 0\nf\t./b\tf\t1\t" A64 "\t644 0 0\n", 0, false,
      true, "", "equal" },
};

static void what_differs_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(verdicts); i++) {
        struct world w;
        struct volumes d = { .rows = { ROWS, verdicts[i].to },
                             .unreadable = verdicts[i].unreadable,
                             .cut = verdicts[i].cut };
        struct cf_moving out;
        world_up(&w, VERIFIED);
        verify(&w, &d, &out);
        cf_autojson json_t *one = claim_report(&w);
        if (out.done != verdicts[i].done || out.failed == verdicts[i].done ||
            !strstr(out.why, verdicts[i].says) ||
            strcmp(cf_json_str(one, "", "verdict", NULL), verdicts[i].verdict) != 0)
            fail_msg("%s: %s%s", verdicts[i].what, out.done ? "done " : "", out.why);
        if (!verdicts[i].unreadable)
            assert_true(json_array_size(cf_json_at(one, "differences", "listed", NULL)) > 0);
        drive_done(&w, CANCEL, 0);
        assert_int_equal(reading_pods(&w), 0);
        verify(&w, &d, &out); /* the verdict stays */
        assert_true(out.done == verdicts[i].done);
        world_down(&w);
    }
}

/* The digests are the verdict; who may not read logs is told that the names are missing. */
static void without_the_right_to_read_logs_the_verdict_stands(void **state)
{
    (void)state;
    struct world w;
    struct volumes d = { .rows = { ROWS, "f\t./a\tf\t1\t" A64 "\t644 0 0\n" } };
    struct cf_moving out;
    struct cf_fake_fault denied = {
        .method = "GET", .path_part = "/log", .times = 1000, .status = 403, .reason = "Forbidden"
    };
    world_up(&w, VERIFIED);
    cf_fake_kube_fail(w.east.api, &denied);
    verify(&w, &d, &out);
    assert_true(out.failed);
    assert_non_null(strstr(out.why, "2 files with 100 bytes and 2 files with 100 bytes differ"));
    assert_non_null(strstr(out.why, "(which: the log of pod shop/"));
    world_down(&w);
}

/* --- pods --- */

static void it_reads_everything_and_writes_nothing(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, VERIFIED);
    cf_json_put_take(w.stored, json_pack("{s:s}", "data-db-0", "n7"), "ways", "there", "nodes",
                     NULL);
    assert_ok(verify_once(&w, &out, &err), &err);
    cf_autojson json_t *here = only_pod(&w, &w.east, "shop");
    cf_autojson json_t *there = only_pod(&w, &w.west, "store");
    const json_t *c = json_array_get(cf_json_at(here, "spec", "containers", NULL), 0);
    assert_string_equal(cf_json_str(here, "", "spec", "nodeName", NULL), "n7");
    assert_null(cf_json_at(there, "spec", "nodeName", NULL));
    assert_string_equal(cf_json_str(there, "", "spec", "nodeSelector", "disk", NULL), "fast");
    assert_int_equal(cf_json_int(here, -1, "spec", "securityContext", "runAsUser", NULL), 0);
    assert_null(cf_json_at(here, "spec", "securityContext", "fsGroup", NULL));
    cf_autofree char *capabilities =
        cf_json_dump(cf_json_at(c, "securityContext", "capabilities", NULL));
    assert_string_equal(capabilities, "{\"drop\":[\"ALL\"],\"add\":[\"DAC_OVERRIDE\"]}");
    const json_t *mount = json_array_get(json_object_get(c, "volumeMounts"), 0);
    assert_true(cf_json_bool(mount, false, "readOnly", NULL));
    assert_string_equal(cf_json_str(c, "", "image", NULL), CF_VELERO_VERIFY_IMAGE);
    assert_string_equal(cf_json_str(here, "", "spec", "restartPolicy", NULL), "Never");
    world_down(&w);
}

static void where_root_is_not_admitted_it_is_the_workload_s_user(void **state)
{
    (void)state;
    struct world w;
    struct volumes d = { .rows = { ROWS, ROWS } };
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fake_fault denied = {
        .method = "POST", .path_part = "/pods", .times = 1, .status = 403, .reason = "Forbidden"
    };
    world_up(&w, VERIFIED);
    cf_fake_kube_put(w.east.api,
                     "{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"metadata\":{\"name\":"
                     "\"db\",\"namespace\":\"shop\"},\"spec\":{\"template\":{\"spec\":{"
                     "\"securityContext\":{\"runAsUser\":999,\"fsGroup\":998,"
                     "\"supplementalGroups\":[7]},\"containers\":[{\"name\":\"db\"}]}}}}");
    cf_fake_kube_fail(w.west.api, &denied);
    assert_ok(verify_once(&w, &out, &err), &err);
    cf_autojson json_t *here = only_pod(&w, &w.east, "shop");
    cf_autojson json_t *there = only_pod(&w, &w.west, "store");
    assert_int_equal(cf_json_int(here, -1, "spec", "securityContext", "runAsUser", NULL), 0);
    const json_t *who = cf_json_at(there, "spec", "securityContext", NULL);
    assert_int_equal(cf_json_int(who, -1, "runAsUser", NULL), 999);
    assert_true(cf_json_bool(who, false, "runAsNonRoot", NULL));
    cf_autofree char *groups = cf_json_dump(json_object_get(who, "supplementalGroups"));
    assert_string_equal(groups, "[7,998]");
    assert_null(json_object_get(who, "fsGroup"));
    const json_t *c = json_array_get(cf_json_at(there, "spec", "containers", NULL), 0);
    assert_null(cf_json_at(c, "securityContext", "capabilities", "add", NULL));
    verify(&w, &d, &out);
    assert_true(out.done);
    /* And who is denied that, too, is told. */
    world_down(&w);
    world_up(&w, VERIFIED);
    denied.times = 2;
    cf_fake_kube_fail(w.east.api, &denied);
    assert_fails(verify_once(&w, &out, &err), &err, CF_ERR_DENIED, "create Pod shop/crossfade-");
    world_down(&w);
}

static void a_pod_that_fails_is_read_again_three_times(void **state)
{
    (void)state;
    for (int fails = 1; fails <= 5; fails += 4) {
        struct world w;
        struct volumes d = { .rows = { ROWS, ROWS }, .fails = fails };
        struct cf_moving out;
        world_up(&w, VERIFIED);
        verify(&w, &d, &out);
        assert_true(fails == 1 ? out.done : out.failed);
        if (fails > 1) {
            assert_non_null(strstr(out.why, "that reads claim data-db-0 on "));
            assert_non_null(strstr(out.why, "sort failed: is there room"));
            assert_non_null(strstr(out.why, "(attempt 3 of 3)"));
        }
        drive_done(&w, CLEAN, 0);
        assert_int_equal(reading_pods(&w), 0);
        world_down(&w);
    }
}

/* --- a person has mended the cause --- */

static const struct {
    const char *what, *rows; /* in the target */
    int fails, unreadable;
    bool cut, restored_again;
} mended[] = {
    { "pods fail", ROWS, 5, 0, false, false },
    { "a disk lies", "f\t./b\tf\t1\t" A64 "\t644 0 0\n", 0, 0, false, true },
    { "a disk lies about many", "f\t./b\tf\t1\t" A64 "\t644 0 0\n", 0, 0, true, true },
    { "nobody may read", ROWS, 0, 1, false, false },
};

/* What is restored wrong is restored again; what could not be read is only read again, by other pods. */
static void what_has_failed_is_tried_again_when_somebody_says_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(mended); i++) {
        struct world w;
        struct volumes d = { .rows = { ROWS, mended[i].rows },
                             .fails = mended[i].fails,
                             .unreadable = mended[i].unreadable,
                             .cut = mended[i].cut };
        struct cf_moving out;
        world_up(&w, VERIFIED);
        drive_done(&w, BACKUP_FROZEN, 2);
        drive_done(&w, RESTORE, 2);
        for (int times = 1; times <= 2; times++) { /* the first time, nothing was mended */
            verify(&w, &d, &out);
            assert_true(out.failed);
            if (times < 2) {
                verify(&w, &d, &out);
                assert_true(out.failed); /* asking alone changes nothing, but takes its pods away */
            }
            assert_true(cf_volumes_again(w.stored, "there", w.v.now_ms));
            assert_false(cf_volumes_again(w.stored, "there", w.v.now_ms));
            d.fails = times < 2 ? mended[i].fails : 0;
        }
        d = (struct volumes){ .rows = { ROWS, ROWS } };
        verify(&w, &d, &out);
        const json_t *restore = json_object_get(cf_pass_find(w.stored, "there", 2), "restore");
        int restores = mended[i].restored_again ? 3 : 1;
        if (!out.done || cf_pass_attempt(restore) != restores || !cf_pass_is(restore, "done"))
            fail_msg("%s: %s, restored %d times", mended[i].what, out.why,
                     cf_pass_attempt(restore));
        assert_int_equal(reading_pods(&w), 0);
        drive_done(&w, CLEAN, 0);
        nothing_of_ours_is_left(&w, mended[i].what);
        world_down(&w);
    }
}

static void a_pod_that_was_deleted_is_made_again(void **state)
{
    (void)state;
    struct world w;
    struct volumes d = { .rows = { ROWS, ROWS } };
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, VERIFIED);
    assert_ok(verify_once(&w, &out, &err), &err);
    cf_autojson json_t *here = only_pod(&w, &w.east, "shop");
    cf_fake_kube_remove(w.east.api, "v1", "Pod", "shop", name_of(here));
    assert_ok(verify_once(&w, &out, &err), &err);
    cf_autojson json_t *next = only_pod(&w, &w.east, "shop");
    assert_string_not_equal(name_of(here), name_of(next));
    verify(&w, &d, &out);
    assert_true(out.done);
    world_down(&w);
}

static void a_pod_that_does_not_come_is_told_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *status, *says;
    } reasons[] = {
        { "{'phase':'Pending','conditions':[{'type':'PodScheduled','status':'False','message':"
          "'0/3 nodes are available: 3 node(s) had volume node affinity conflict.'}]}",
          "no node takes it: 0/3 nodes are available: 3 node(s) had volume node affinity" },
        { "{'phase':'Pending','containerStatuses':[{'state':{'waiting':{'reason':"
          "'ImagePullBackOff','message':'Back-off pulling image busybox'}}}]}",
          "ImagePullBackOff Back-off pulling image busybox" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(reasons); i++) {
        struct world w;
        struct volumes d = { .rows = { ROWS, ROWS } };
        struct cf_moving out;
        struct cf_error err = CF_ERROR_INIT;
        world_up(&w, VERIFIED);
        assert_ok(verify_once(&w, &out, &err), &err);
        cf_autojson json_t *pod = only_pod(&w, &w.west, "store");
        json_object_set_new(pod, "status", cf_test_json(reasons[i].status));
        put(&w.west, pod);
        verify(&w, &d, &out);
        assert_true(out.stuck && !out.failed);
        if (!strstr(out.why, reasons[i].says) || !strstr(out.why, "claim data-db-0 on west"))
            fail_msg("%s", out.why);
        world_down(&w);
    }
}

static void it_leaves_a_node_that_does_not_take_it(void **state)
{
    (void)state;
    struct world w;
    struct volumes d = { .rows = { ROWS, ROWS }, .pending = true };
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, VERIFIED);
    cf_json_put_take(w.stored, json_pack("{s:s}", "data-db-0", "n7"), "ways", "there", "nodes",
                     NULL);
    for (int i = 0; i < 40; i++) {
        assert_ok(verify_once(&w, &out, &err), &err);
        w.v.now_ms += out.wait_ms;
    }
    cf_autojson json_t *pod = only_pod(&w, &w.east, "shop");
    assert_null(cf_json_at(pod, "spec", "nodeName", NULL));
    d.pending = false;
    w.v.now_ms += 1;
    for (int i = 0; i < 10 && !out.done; i++) {
        kubelets_turn(&w, &d);
        assert_ok(verify_once(&w, &out, &err), &err);
    }
    assert_true(out.done);
    world_down(&w);
}

/* --- progress --- */

static void progress_is_what_the_pods_have_read_of_what_velero_has_moved(void **state)
{
    (void)state;
    struct world w;
    struct volumes d = { .rows = { ROWS, ROWS } };
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, VERIFIED);
    cf_json_put_take(w.stored, json_pack("[{s:s, s:i}]", "name", "data-db-0", "bytes", 100), "ways",
                     "there", "passes", "2", "rows", NULL);
    assert_ok(verify_once(&w, &out, &err), &err);
    assert_int_equal(out.bytes_total, 200);
    kubelets_turn(&w, &d);
    assert_ok(verify_once(&w, &out, &err), &err);
    assert_int_equal(out.bytes, 100); /* half, at both ends */
    w.v.now_ms += 11 * 60 * 1000;     /* and no more since */
    assert_ok(verify_once(&w, &out, &err), &err);
    assert_true(out.stuck);
    assert_non_null(strstr(out.why, "it has read nothing for 11 minutes"));
    verify(&w, &d, &out);
    world_down(&w);
}

static void only_a_few_claims_are_read_at_once(void **state)
{
    (void)state;
    enum { MANY = 40 };
    struct world w;
    struct volumes d = { .rows = { ROWS, ROWS } };
    struct cf_moving out;
    cf_autojson json_t *claims = json_array();
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "data-%d", i);
        json_array_append_new(claims, json_pack("{s:s, s:s, s:s}", "name", name, "strategy",
                                                "veleroFsBackup", "verify", "checksum"));
    }
    cf_autofree char *text = cf_json_dump(claims);
    world_up(&w, text);
    verify(&w, &d, &out);
    assert_true(out.done);
    assert_true(d.most <= 4 * CF_VERIFY_AT_ONCE); /* those that go, and those that come */
    assert_int_equal(reading_pods(&w), 0);
    cf_autofree char *stored = cf_json_dump(w.stored);
    assert_true(strlen(stored) < MANY * 800);
    world_down(&w);
}

static void nothing_is_done_for_claims_without_it(void **state)
{
    (void)state;
    struct world w;
    struct cf_moving out;
    struct cf_error err = CF_ERROR_INIT;
    world_up(&w, TWO_CLAIMS);
    assert_ok(verify_once(&w, &out, &err), &err);
    assert_true(out.done);
    assert_int_equal(w.calls, 0);
    assert_null(cf_volumes_verify_report(w.stored, "there", 2));
    world_down(&w);
}

/* --- cut off --- */

static void it_may_be_cut_off_at_any_call(void **state)
{
    (void)state;
    int stride = cf_test_stride(2), total;
    struct volumes d = { .rows = { ROWS, ROWS } };
    struct cf_moving out;
    struct world w;
    world_up(&w, VERIFIED);
    verify(&w, &d, &out);
    total = w.calls;
    world_down(&w);
    assert_true(total > 10);
    for (int cut = 0; cut < total; cut += stride) {
        for (int after = 0; after < 2; after++) {
            world_up(&w, VERIFIED);
            w.cut = cut;
            w.cut_after = after == 1;
            verify(&w, &d, &out);
            cf_autofree char *stored = cf_json_dump(w.stored);
            if (!out.done || reading_pods(&w) != 0 || strstr(stored, "\"attempt\""))
                fail_msg("cut at %d: %s %s", cut, out.why, stored);
            world_down(&w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_claims_are_done_and_leave_nothing),
        cmocka_unit_test(what_differs_is_named),
        cmocka_unit_test(without_the_right_to_read_logs_the_verdict_stands),
        cmocka_unit_test(it_reads_everything_and_writes_nothing),
        cmocka_unit_test(where_root_is_not_admitted_it_is_the_workload_s_user),
        cmocka_unit_test(a_pod_that_fails_is_read_again_three_times),
        cmocka_unit_test(what_has_failed_is_tried_again_when_somebody_says_so),
        cmocka_unit_test(a_pod_that_was_deleted_is_made_again),
        cmocka_unit_test(a_pod_that_does_not_come_is_told_with_its_reason),
        cmocka_unit_test(it_leaves_a_node_that_does_not_take_it),
        cmocka_unit_test(progress_is_what_the_pods_have_read_of_what_velero_has_moved),
        cmocka_unit_test(only_a_few_claims_are_read_at_once),
        cmocka_unit_test(nothing_is_done_for_claims_without_it),
        cmocka_unit_test(it_may_be_cut_off_at_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
