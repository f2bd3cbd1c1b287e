/* SPDX-License-Identifier: Apache-2.0 */
/* `verify: checksum` against the sandbox: after a whole way its pods read both volumes and find them equal;
 * what a disk has changed without a word is named, file by file; nothing stays. */
#include "tests/unit/deploy-sandbox/velero_driver.h"

/* Logs are text, which the lines to the sandbox do not carry. */
static bool call_with_logs(void *self, const struct cf_kube_request *request,
                           struct cf_kube_response *out, struct cf_error *err)
{
    struct line *l = self;
    struct sbx_call call = { .method = request->method, .target = request->path, .trusted = true };
    struct sbx_answer answer;
    if (!strstr(request->path, "/log?"))
        return line_call(self, request, out, err);
    sbx_api_call(l->api, &call, NULL, NULL, NULL, &answer);
    out->status = answer.status;
    out->body = CF_BUF_INIT(CF_KUBE_PAGE_BYTES_MAX);
    cf_buf_puts(&out->body, answer.text ? answer.text : "");
    sbx_answer_free(&answer);
    return true;
}

static struct cf_kube *with_logs(struct line *l, struct cf_kube *old, const char *name)
{
    static const struct cf_kube_ops ops = { .call = call_with_logs };
    cf_kube_unref(old);
    return cf_kube_new(name, &ops, l);
}

static void up(struct driver *d)
{
    driver_up(d);
    d->v.from = with_logs(&d->lines[0], d->v.from, "east");
    d->v.to = with_logs(&d->lines[1], d->v.to, "west");
    json_decref(cf_json_unconst(d->v.claims));
    d->v.claims = read_json(
        "[{'name':'data-db-0','strategy':'veleroFsBackup','storageClass':'','size':'','verify':'checksum'},"
        "{'name':'data-db-1','strategy':'veleroFsBackup','storageClass':'','size':''},"
        "{'name':'pictures','strategy':'veleroSnapshot','storageClass':'','size':'','verify':'checksum'}]");
    FREEZE(d);
    drive_done(d, FROZEN, 1);
    drive_done(d, HAND_OVER, 1);
    drive_done(d, RESTORE, 1);
}

static void verify(struct driver *d, struct cf_moving *out)
{
    int64_t end = cf_mono_ms(&cf_clock_real) + PART_MS;
    while (cf_mono_ms(&cf_clock_real) < end) {
        struct cf_error err = CF_ERROR_INIT;
        d->v.now_ms = d->now_ms += CALL_MS;
        *out = (struct cf_moving){ 0 };
        if (!cf_volumes_verify(&d->v, 1, out, &err))
            fail_msg("%s", err.message);
        if (out->done || out->failed)
            return;
        if (out->waits)
            cf_sleep_ms(&cf_clock_real, ROUND_MS);
    }
    fail_msg("no end: %s", out->why);
}

static void what_arrived_is_proved(void **state)
{
    (void)state;
    struct driver d;
    struct cf_moving out;
    up(&d);
    verify(&d, &out);
    if (!out.done)
        fail_msg("%s", out.why);
    cf_autojson json_t *report = cf_volumes_verify_report(d.v.state, "there", 1);
    const json_t *claims = json_object_get(report, "claims");
    assert_int_equal(json_array_size(claims), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *one = json_array_get(claims, i);
        assert_string_equal(cf_json_str(one, "", "verdict", NULL), "equal");
        assert_int_equal(cf_json_int(one, 0, "files", NULL), 2);
        assert_int_equal(cf_json_int(one, 0, "bytes", NULL), SIZE + 5);
    }
    check_none(d.east, "", "pods", NULL);
    check_none(d.west, "", "pods", NULL);
    driver_down(&d);
}

static void a_disk_that_lies_is_found_out(void **state)
{
    (void)state;
    struct driver d;
    struct cf_moving out;
    up(&d);
    cf_autofree char *key = key_of(d.west, "west", "store", "pictures");
    sbx_volume_corrupt(d.contents, key);
    verify(&d, &out);
    assert_true(out.failed);
    assert_non_null(strstr(out.why,
                           "claim pictures: 2 of 2 files and folders differ between east and west: "
                           "content of big, content of log"));
    json_decref(d.stored);
    d.stored = cf_json_copy(d.v.state);
    drive_done(&d, CANCEL, 0);
    check_none(d.east, "", "pods", NULL);
    check_none(d.west, "", "pods", NULL);
    driver_down(&d);
}

static void a_log_is_given_out_as_a_kubelet_does(void **state)
{
    (void)state;
    struct driver d;
    struct sbx_answer answer;
    static const struct {
        const char *path;
        int status;
        const char *text;
    } calls[] = {
        { "/api/v1/namespaces/shop/pods/nobody/log", 404, NULL },
        { "/api/v1/namespaces/shop/pods/db-0/log?tailLines=1", 200, "" },
        { "/api/v1/namespaces/shop/pods/reader/log?container=read&tailLines=1", 200, "end\n" },
        { "/api/v1/namespaces/shop/pods/reader/log?limitBytes=3", 200, "beg" },
    };
    driver_up(&d);
    make(
        d.east, "", "pods", "shop",
        "{'metadata':{'name':'reader','labels':{'crossfade.dev/stage':'verify'}},'spec':{'restartPolicy':'Never',"
        "'containers':[{'name':'read','image':'busybox'}],'volumes':[{'name':'data','persistentVolumeClaim':"
        "{'claimName':'pictures'}}]}}");
    assert_true(sbx_controllers_settle(d.controllers, SETTLE_MS));
    for (size_t i = 0; i < CF_ARRAY_LEN(calls); i++) {
        struct sbx_call call = { .method = "GET", .target = calls[i].path, .trusted = true };
        sbx_api_call(d.east, &call, NULL, NULL, NULL, &answer);
        if (answer.status != calls[i].status ||
            (calls[i].text && strcmp(answer.text ? answer.text : "-", calls[i].text) != 0))
            fail_msg("%s: %d %s", calls[i].path, answer.status, answer.text ? answer.text : "");
        sbx_answer_free(&answer);
    }
    struct sbx_call call = { .method = "GET", .target = calls[1].path };
    sbx_api_call(d.east, &call, NULL, NULL, NULL, &answer);
    assert_int_equal(answer.status, 401);
    sbx_answer_free(&answer);
    driver_down(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_arrived_is_proved),
        cmocka_unit_test(a_disk_that_lies_is_found_out),
        cmocka_unit_test(a_log_is_given_out_as_a_kubelet_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
