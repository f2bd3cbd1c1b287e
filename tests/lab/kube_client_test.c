/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster client against a real API server: every function once for what it promises, in a
 * namespace of its own.
 *
 * CROSSFADE_TEST_KUBECONFIG names a kubeconfig with all rights (`tests/lab/lab up apiserver` makes
 * one); without it this says so and exits with 77. CROSSFADE_TEST_VIEWER, optional, names one that
 * may only read. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/uuid.h"
#include "federation/kube/discovery.h"
#include "federation/kube/kube.h"
#include "federation/kube/watch.h"

static struct cf_kube_net *net;
static struct cf_kube *k;
static char ns[48];

static json_t *parse(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, strlen(text), 0, &err);
    if (!j)
        fail_msg("%s", err.message);
    return j;
}

static struct cf_kube *open_client(const char *path)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_credentials *c = cf_kubeconfig_load(path, NULL, &err);
    struct cf_kube *opened =
        c ? cf_kube_open(net, c, &(struct cf_kube_options){ .name = "lab", .rate_per_s = 500 },
                         &err)
          : NULL;
    if (!opened)
        fprintf(stderr, "%s: %s\n", path, err.message);
    cf_kube_credentials_unref(c);
    return opened;
}

static json_t *config_map(const char *name, const char *value)
{
    json_t *o =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap",
                  "metadata", "name", name, "namespace", ns, "data", "key", value);
    assert_non_null(o);
    return o;
}

static void put(const char *name, const char *value)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *o = config_map(name, value);
    assert_ok(cf_kube_apply(k, NULL, o, &(struct cf_kube_write){ .force = true }, NULL, &err),
              &err);
}

static int set_up_all(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char nonce[9];
    net = cf_kube_net_new(&err);
    k = open_client(getenv("CROSSFADE_TEST_KUBECONFIG"));
    if (!k)
        return 1;
    snprintf(ns, sizeof ns, "kube-client-%s", cf_random_hex(nonce, 8));
    cf_autojson json_t *o = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
                                      "Namespace", "metadata", "name", ns);
    if (cf_kube_create(k, NULL, o, NULL, NULL, &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return 1;
}

static int tear_down_all(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, ns);
    if (k && !cf_kube_delete(k, NULL, &ref, NULL, &err))
        fprintf(stderr, "%s\n", err.message);
    cf_kube_unref(k);
    cf_kube_net_free(net);
    return 0;
}

static void test_what_the_server_is(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_version v;
    int64_t skew_ms = 99999;
    char uid[CF_KUBE_UID_TEXT], reason[CF_ERROR_FIELD_MAX];
    bool allowed = false;
    assert_ok(cf_kube_version(k, NULL, &v, &err), &err);
    assert_true(v.major == 1 && v.minor >= 25);
    assert_ok(cf_kube_clock_skew(k, NULL, &skew_ms, &err), &err);
    assert_true(skew_ms > -3000 && skew_ms < 3000);
    assert_ok(cf_kube_uid(k, NULL, uid, &err), &err);
    assert_true(cf_uuid_valid(uid));
    struct cf_kube_access what = { .verb = "patch",
                                   .group = "apps",
                                   .resource = "deployments",
                                   .subresource = "scale",
                                   .ns = ns };
    assert_ok(cf_kube_can(k, NULL, &what, &allowed, reason, &err), &err);
    assert_true(allowed);
}

static void test_who_may_only_read(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    const char *path = getenv("CROSSFADE_TEST_VIEWER");
    if (!path)
        skip();
    struct cf_kube *viewer = open_client(path);
    assert_non_null(viewer);
    bool allowed = true;
    struct cf_kube_access what = { .verb = "create", .resource = "configmaps", .ns = ns };
    assert_ok(cf_kube_can(viewer, NULL, &what, &allowed, NULL, &err), &err);
    assert_false(allowed);
    cf_autojson json_t *o = config_map("denied", "x");
    assert_false(cf_kube_create(viewer, NULL, o, NULL, NULL, &err));
    assert_int_equal(err.kind, CF_ERR_DENIED);
    assert_int_equal(err.upstream, 403);
    assert_string_equal(err.reason, "Forbidden");
    cf_kube_unref(viewer);
}

static void test_discovery(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_resource r, *all = NULL;
    size_t n = 0, pods = 0;
    CF_CLEANUP(cf_buf_free) struct cf_buf missing = CF_BUF_INIT(1024);
    assert_ok(cf_kube_resource_of(k, NULL, "apps/v1", "Deployment", &r, &err), &err);
    assert_string_equal(r.plural, "deployments");
    assert_true(r.namespaced && (r.verbs & CF_KUBE_VERB_PATCH));
    assert_false(cf_kube_resource_of(k, NULL, "apps/v1", "Nothing", &r, &err));
    assert_string_equal(err.reason, "NoKindMatch");
    cf_error_clear(&err);
    assert_false(cf_kube_resource_of(k, NULL, "nowhere.example/v9", "Thing", &r, &err));
    assert_string_equal(err.reason, "NoKindMatch");
    cf_error_clear(&err);
    assert_ok(cf_kube_resources(k, NULL, &all, &n, &missing, &err), &err);
    for (size_t i = 0; i < n; i++)
        pods += strcmp(all[i].plural, "pods") == 0 && all[i].group[0] == '\0';
    assert_int_equal(pods, 1);
    assert_true(n > 50);
    free(all);
}

static void test_life_of_an_object(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref("v1", "ConfigMap", ns, "life");
    cf_autojson json_t *o = config_map("life", "one"), *created = NULL, *found = NULL,
                       *replaced = NULL;
    bool there = true;
    assert_ok(cf_kube_find(k, NULL, &ref, &there, NULL, &err), &err);
    assert_false(there);
    assert_ok(cf_kube_create(k, NULL, o, &(struct cf_kube_write){ .dry_run = true }, NULL, &err),
              &err);
    assert_ok(cf_kube_find(k, NULL, &ref, &there, NULL, &err), &err);
    assert_false(there);
    assert_ok(cf_kube_create(k, NULL, o, NULL, &created, &err), &err);
    assert_false(cf_kube_create(k, NULL, o, NULL, NULL, &err));
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_string_equal(err.reason, "AlreadyExists");
    cf_error_clear(&err);
    assert_ok(cf_kube_find(k, NULL, &ref, &there, &found, &err), &err);
    assert_string_equal(cf_json_str(found, "", "data", "key", NULL), "one");

    cf_json_put_take(found, json_string("two"), "data", "key", NULL);
    assert_ok(cf_kube_replace(k, NULL, found, NULL, &replaced, &err), &err);
    assert_false(cf_kube_replace(k, NULL, created, NULL, NULL, &err)); /* an old resourceVersion */
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_string_equal(err.reason, "Conflict");
    cf_error_clear(&err);

    struct cf_kube_delete wrong = CF_KUBE_DELETE_INIT, right = CF_KUBE_DELETE_INIT,
                          stale = CF_KUBE_DELETE_INIT;
    wrong.uid = "11111111-2222-4333-8444-555555555555";
    stale.resource_version = cf_json_str(created, "", "metadata", "resourceVersion", NULL);
    right.uid = cf_json_str(replaced, "", "metadata", "uid", NULL);
    right.resource_version = cf_json_str(replaced, "", "metadata", "resourceVersion", NULL);
    assert_fails(cf_kube_delete(k, NULL, &ref, &wrong, &err), &err, CF_ERR_CONFLICT, "UID");
    assert_fails(cf_kube_delete(k, NULL, &ref, &stale, &err), &err, CF_ERR_CONFLICT,
                 "ResourceVersion");
    assert_ok(cf_kube_delete(k, NULL, &ref, &right, &err), &err);
    assert_fails(cf_kube_delete(k, NULL, &ref, &right, &err), &err, CF_ERR_NOT_FOUND, "not found");
}

static const char DEPLOYMENT[] =
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"echo\","
    "\"namespace\":\"%s\"},\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{"
    "\"app\":\"echo\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"echo\"}},\"spec\":{"
    "\"containers\":[{\"name\":\"c\",\"image\":\"echo:1\"}]}}}}";

static void test_patches(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *text = cf_xasprintf(DEPLOYMENT, ns);
    cf_autojson json_t *o = parse(text), *after = NULL, *scale = NULL;
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", ns, "echo");
    assert_ok(cf_kube_apply(k, NULL, o, &(struct cf_kube_write){ .strict = true }, NULL, &err),
              &err);

    cf_autojson json_t *guarded =
        parse("[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":2},"
              "{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"a\":\"b\"}},"
              "{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]");
    assert_ok(cf_kube_json_patch(k, NULL, &ref, guarded, NULL, &after, &err), &err);
    assert_int_equal(cf_json_int(after, 0, "spec", "replicas", NULL), 3);
    assert_false(
        cf_kube_json_patch(k, NULL, &ref, guarded, NULL, NULL, &err)); /* the test fails now */
    assert_int_equal(err.kind, CF_ERR_INVALID);
    assert_int_equal(err.upstream, 422);
    assert_string_equal(err.reason, "Invalid");
    cf_error_clear(&err);

    cf_autojson json_t *merge = parse("{\"metadata\":{\"annotations\":{\"a\":null,\"c\":\"d\"}}}"),
                       *merged = NULL;
    assert_ok(cf_kube_merge_patch(k, NULL, &ref, merge, NULL, &merged, &err), &err);
    assert_null(cf_json_at(merged, "metadata", "annotations", "a", NULL));

    cf_autojson json_t *five = parse("{\"spec\":{\"replicas\":5}}");
    struct cf_kube_write on_scale = { .subresource = "scale" };
    assert_ok(cf_kube_merge_patch(k, NULL, &ref, five, &on_scale, NULL, &err), &err);
    assert_ok(cf_kube_get_subresource(k, NULL, &ref, "scale", &scale, &err), &err);
    assert_int_equal(cf_json_int(scale, 0, "spec", "replicas", NULL), 5);

    cf_autojson json_t *bad = parse("{\"spec\":{\"replicas\":-1}}");
    assert_false(cf_kube_merge_patch(k, NULL, &ref, bad, NULL, NULL, &err));
    assert_int_equal(err.kind, CF_ERR_INVALID);
    assert_string_equal(err.field, "spec.replicas");
    cf_error_clear(&err);
    cf_autojson json_t *unknown = parse("{\"spec\":{\"replica\":1}}");
    struct cf_kube_write strict = { .strict = true, .dry_run = true };
    assert_fails(cf_kube_merge_patch(k, NULL, &ref, unknown, &strict, NULL, &err), &err,
                 CF_ERR_INVALID, "unknown field");
}

static void test_apply_and_its_conflicts(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *mine = config_map("applied", "mine"),
                       *theirs = config_map("applied", "theirs"), *now = NULL;
    struct cf_kube_write other = { .field_manager = "somebody" }, force = { .force = true };
    assert_ok(cf_kube_apply(k, NULL, theirs, &other, NULL, &err), &err);
    assert_false(cf_kube_apply(k, NULL, mine, NULL, NULL, &err));
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_non_null(strstr(err.message, "somebody"));
    assert_non_null(strstr(err.field, "key"));
    cf_error_clear(&err);
    assert_ok(cf_kube_apply(k, NULL, mine, &force, &now, &err), &err);
    assert_string_equal(cf_json_str(now, "", "data", "key", NULL), "mine");
}

static void test_list(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char name[32], rv[CF_KUBE_RV_TEXT];
    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof name, "list-%02d", i);
        put(name, i % 2 ? "odd" : "even");
    }
    struct cf_kube_list what = { .api_version = "v1", .kind = "ConfigMap", .ns = ns, .page = 10 };
    cf_autojson json_t *items = NULL, *one = NULL;
    assert_ok(cf_kube_list(k, NULL, &what, &items, rv, &err), &err);
    assert_true(json_array_size(items) >= 25);
    assert_string_equal(cf_json_str(json_array_get(items, 3), "", "kind", NULL), "ConfigMap");
    assert_true(atoll(rv) > 0);
    what.field_selector = "metadata.name=list-07";
    assert_ok(cf_kube_list(k, NULL, &what, &one, NULL, &err), &err);
    assert_int_equal(json_array_size(one), 1);
    what.label_selector = "this is ( no selector";
    assert_fails(cf_kube_list(k, NULL, &what, &items, NULL, &err), &err, CF_ERR_INVALID, "");
}

/* --- watches --- */

struct heard {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct cf_buf text;
};

static void hear(void *arg, const struct cf_watch_event *e)
{
    static const char *const names[] = { "RELIST", "OBJECT", "SYNCED", "PUT",
                                         "GONE",   "ALIVE",  "TROUBLE" };
    struct heard *h = arg;
    CF_LOCKED(&h->lock);
    cf_buf_printf(&h->text, "%s:%s=%s ", names[e->type],
                  cf_json_str(e->object, "", "metadata", "name", NULL),
                  e->err ? e->err->reason : cf_json_str(e->object, "", "data", "key", NULL));
    pthread_cond_broadcast(&h->cond);
}

static void heard_init(struct heard *h)
{
    *h = (struct heard){ .text = CF_BUF_INIT(1024 * 1024) };
    pthread_mutex_init(&h->lock, NULL);
    cf_cond_init(&h->cond);
}

static void heard_free(struct heard *h)
{
    cf_buf_free(&h->text);
    pthread_cond_destroy(&h->cond);
    pthread_mutex_destroy(&h->lock);
}

static void expect_heard(struct heard *h, const char *part)
{
    int64_t until_ms = cf_mono_now_ms() + 10000;
    CF_LOCKED(&h->lock);
    while (!strstr(cf_buf_str(&h->text), part)) {
        if (!cf_cond_wait_until(&h->cond, &h->lock, until_ms))
            fail_msg("not heard: %s in: %s", part, cf_buf_str(&h->text));
    }
}

static void test_watch(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct heard h;
    heard_init(&h);
    put("watched-a", "1");
    struct cf_watch_options o = { .api_version = "v1", .kind = "ConfigMap", .ns = ns };
    struct cf_kube_watch *w = cf_kube_watch_start(k, NULL, &o, hear, &h, &err);
    if (!w)
        fail_msg("%s", err.message);
    expect_heard(&h, "OBJECT:watched-a=1");
    expect_heard(&h, "SYNCED");
    put("watched-b", "2");
    expect_heard(&h, "PUT:watched-b=2");
    put("watched-a", "3");
    expect_heard(&h, "PUT:watched-a=3");
    struct cf_object_ref ref = cf_ref("v1", "ConfigMap", ns, "watched-b");
    assert_ok(cf_kube_delete(k, NULL, &ref, NULL, &err), &err);
    expect_heard(&h, "GONE:watched-b=2");
    assert_true(cf_kube_watch_synced(w));
    assert_true(cf_mono_now_ms() - cf_kube_watch_last_seen_ms(w) < 5000);
    cf_kube_watch_stop(w);
    heard_free(&h);
}

/* A watch that is silent too long is cut and goes on from where it was; nothing is lost, nothing is
 * listed again. */
static void test_watch_goes_on_after_a_stall(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct heard h;
    heard_init(&h);
    struct cf_watch_options o = { .api_version = "v1",
                                  .kind = "ConfigMap",
                                  .ns = ns,
                                  .field_selector = "metadata.name=stalled",
                                  .stall_ms = 500 };
    struct cf_kube_watch *w = cf_kube_watch_start(k, NULL, &o, hear, &h, &err);
    assert_non_null(w);
    expect_heard(&h, "TROUBLE:=Stalled");
    put("stalled", "1");
    expect_heard(&h, "PUT:stalled=1");
    cf_kube_watch_stop(w);
    const char *first = strstr(cf_buf_str(&h.text), "RELIST");
    assert_null(strstr(first + 1, "RELIST"));
    heard_free(&h);
}

static void test_many_watches(void **state)
{
    enum { MANY = 300 };
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    static struct heard h[MANY];
    static struct cf_kube_watch *w[MANY];
    for (int i = 0; i < MANY; i++) {
        heard_init(&h[i]);
        struct cf_watch_options o = { .api_version = "v1",
                                      .kind = "ConfigMap",
                                      .ns = ns,
                                      .field_selector = "metadata.name=many" };
        w[i] = cf_kube_watch_start(k, NULL, &o, hear, &h[i], &err);
        assert_non_null(w[i]);
    }
    for (int i = 0; i < MANY; i++)
        expect_heard(&h[i], "SYNCED");
    put("many", "x");
    for (int i = 0; i < MANY; i++) {
        expect_heard(&h[i], "PUT:many=x");
        cf_kube_watch_stop(w[i]);
        heard_free(&h[i]);
    }
}

static void test_urgent_and_fresh(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    put("urgent", "1");
    struct cf_object_ref ref = cf_ref("v1", "ConfigMap", ns, "urgent");
    static const char patch[] = "[{\"op\":\"replace\",\"path\":\"/data/key\",\"value\":\"2\"}]";
    struct cf_kube_how how = { .timeout_ms = 2000, .urgent = true, .fresh_connection = true };
    cf_autojson json_t *now = NULL;
    assert_ok(cf_kube_json_patch_text(k, &how, &ref, patch, sizeof patch - 1, NULL, &now, &err),
              &err);
    assert_string_equal(cf_json_str(now, "", "data", "key", NULL), "2");
    struct cf_kube_how at_once = { .timeout_ms = 1 };
    for (int i = 0; i < 20; i++) { /* a write that runs out of time is unknown or was never sent,
                                      never a success unread */
        if (!cf_kube_json_patch_text(k, &at_once, &ref, patch, sizeof patch - 1, NULL, NULL, &err))
            assert_true(err.kind == CF_ERR_UNKNOWN || err.kind == CF_ERR_UNAVAILABLE ||
                        err.kind == CF_ERR_TRANSIENT);
        cf_error_clear(&err);
    }
}

int main(void)
{
    const char *path = getenv("CROSSFADE_TEST_KUBECONFIG");
    if (!path || !path[0]) {
        printf("skipped: CROSSFADE_TEST_KUBECONFIG is not set (tests/lab/lab up apiserver)\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_server_is),
        cmocka_unit_test(test_who_may_only_read),
        cmocka_unit_test(test_discovery),
        cmocka_unit_test(test_life_of_an_object),
        cmocka_unit_test(test_patches),
        cmocka_unit_test(test_apply_and_its_conflicts),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_watch_goes_on_after_a_stall),
        cmocka_unit_test(test_many_watches),
        cmocka_unit_test(test_urgent_and_fresh),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
