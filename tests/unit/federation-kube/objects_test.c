/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing objects through the port, against the API server in memory: what becomes of
 * each answer, that lists follow pages and start again when they expire, that writes carry what
 * they should. */
#include "tests/support/test.h"

#include "base/thread.h"
#include "federation/kube/discovery.h"
#include "federation/kube/kube_internal.h"
#include "tests/support/fake_kube.h"

struct world {
    struct cf_fake_kube *fake;
    struct cf_kube *k;
};

static const char ECHO[] =
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"echo\","
    "\"namespace\":\"web\",\"labels\":{\"app\":\"echo\"}},\"spec\":{\"replicas\":3}}";

static int set_up(void **state)
{
    struct world *w = cf_xcalloc(1, sizeof *w);
    w->fake = cf_fake_kube_new();
    w->k = cf_fake_kube_client(w->fake, "dc1");
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    cf_kube_unref(w->k);
    cf_fake_kube_free(w->fake);
    free(w);
    return 0;
}

static json_t *parse(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, strlen(text), 0, &err);
    assert_non_null(j);
    return j;
}

static void test_create_get_delete(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *object = parse(ECHO);
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    bool found = true;
    assert_ok(cf_kube_find(w->k, NULL, &ref, &found, NULL, &err), &err);
    assert_false(found);

    cf_autojson json_t *created = NULL;
    assert_ok(
        cf_kube_create(w->k, NULL, object, &(struct cf_kube_write){ .dry_run = true }, NULL, &err),
        &err);
    assert_ok(cf_kube_create(w->k, NULL, object, NULL, &created, &err), &err);
    assert_int_equal(cf_json_int(created, 0, "metadata", "generation", NULL), 1);
    assert_fails(cf_kube_create(w->k, NULL, object, NULL, NULL, &err), &err, CF_ERR_CONFLICT,
                 "already exists");

    cf_autojson json_t *got = NULL;
    assert_ok(cf_kube_get(w->k, NULL, &ref, &got, &err), &err);
    assert_true(json_equal(got, created));
    const char *uid = cf_json_str(got, NULL, "metadata", "uid", NULL);
    struct cf_kube_delete other = CF_KUBE_DELETE_INIT, right = CF_KUBE_DELETE_INIT;
    other.uid = "11111111-0000-4000-8000-000000000000";
    right.uid = uid;
    assert_fails(cf_kube_delete(w->k, NULL, &ref, &other, &err), &err, CF_ERR_CONFLICT, "UID");
    assert_ok(cf_kube_delete(w->k, NULL, &ref, &right, &err), &err);
    assert_fails(cf_kube_get(w->k, NULL, &ref, &got, &err), &err, CF_ERR_NOT_FOUND,
                 "\"echo\" not found");
}

static void test_json_patch_guards(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_fake_kube_put(w->fake, ECHO);
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    cf_autojson json_t *good =
        parse("[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":3},"
              "{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":5}]");
    cf_autojson json_t *now = NULL;
    assert_ok(cf_kube_json_patch(w->k, NULL, &ref, good, NULL, &now, &err), &err);
    assert_int_equal(cf_json_int(now, 0, "spec", "replicas", NULL), 5);
    assert_int_equal(cf_json_int(now, 0, "metadata", "generation", NULL), 2);
    assert_string_equal(
        cf_json_str(json_array_get(cf_json_at(now, "metadata", "managedFields", NULL), 0), "",
                    "manager", NULL),
        "crossfade");
    assert_false(cf_kube_json_patch(w->k, NULL, &ref, good, NULL, NULL, &err));
    assert_int_equal(err.upstream, 422);
    assert_string_equal(err.reason, "Invalid");
    assert_int_equal(err.kind, CF_ERR_INVALID);
}

static void test_apply_conflict(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *object = parse(ECHO);
    struct cf_kube_write theirs = { .field_manager = "kubectl" }, force = { .force = true };
    assert_ok(cf_kube_apply(w->k, NULL, object, &theirs, NULL, &err), &err);
    json_object_set_new(json_object_get(object, "spec"), "replicas", json_integer(1));
    assert_false(cf_kube_apply(w->k, NULL, object, NULL, NULL, &err));
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_string_equal(err.field, "spec.replicas");
    assert_non_null(strstr(err.message, "kubectl"));
    cf_error_clear(&err);
    assert_ok(cf_kube_apply(w->k, NULL, object, &force, NULL, &err), &err);
}

/* A server that is just starting refuses everybody, also what everybody may ask. */
static void test_refused_before_the_roles_are_read(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    struct cf_fake_fault get = { .path_part = "/echo", .times = 1, .status = 403 };
    struct cf_fake_fault ask = { .path_part = "subjectaccess", .times = 1, .status = 403 };
    cf_autojson json_t *got = NULL;
    cf_fake_kube_put(w->fake, ECHO);
    cf_fake_kube_fail(w->fake, &get);
    cf_fake_kube_fail(w->fake, &ask);
    assert_fails(cf_kube_get(w->k, NULL, &ref, &got, &err), &err, CF_ERR_TRANSIENT,
                 "yet to read its roles");
    /* Read meanwhile: the refusal was of the moment before. */
    cf_fake_kube_fail(w->fake, &get);
    assert_ok(cf_kube_get(w->k, NULL, &ref, &got, &err), &err);
    /* Known a moment ago: believed, and not asked again. */
    cf_fake_kube_fail(w->fake, &get);
    cf_fake_kube_log_reset(w->fake);
    cf_autojson json_t *none = NULL;
    assert_fails(cf_kube_get(w->k, NULL, &ref, &none, &err), &err, CF_ERR_DENIED, "asked");
    assert_null(strstr(cf_fake_kube_log(w->fake), "subjectaccess"));
}

/* Nothing was done, and the caller looks at the object before it writes again. */
static void test_a_refused_write_is_not_repeated(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fake_fault fault = {
        .method = "POST", .path_part = "deployments", .times = 1, .status = 403
    };
    cf_autojson json_t *object = parse(ECHO);
    cf_fake_kube_fail(w->fake, &fault);
    assert_fails(cf_kube_create(w->k, NULL, object, NULL, NULL, &err), &err, CF_ERR_DENIED,
                 "asked");
    assert_int_equal(cf_fake_kube_count(w->fake), 1); /* kube-system */
}

static void put_many(struct world *w, int n)
{
    for (int i = 0; i < n; i++) {
        cf_autofree char *text =
            cf_xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c%"
                         "03d\",\"namespace\":\"web\","
                         "\"labels\":{\"odd\":\"%d\"}}}",
                         i, i % 2);
        cf_fake_kube_put(w->fake, text);
    }
}

static void test_list_pages(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    put_many(w, 25);
    struct cf_kube_list what = {
        .api_version = "v1", .kind = "ConfigMap", .ns = "web", .page = 10
    };
    cf_autojson json_t *items = NULL;
    char rv[CF_KUBE_RV_TEXT];
    assert_ok(cf_kube_list(w->k, NULL, &what, &items, rv, &err), &err);
    assert_int_equal(json_array_size(items), 25);
    assert_string_equal(cf_json_str(json_array_get(items, 24), "", "kind", NULL), "ConfigMap");
    assert_string_equal(cf_json_str(json_array_get(items, 24), "", "apiVersion", NULL), "v1");
    assert_string_not_equal(rv, "");

    what.label_selector = "odd=1";
    cf_autojson json_t *odd = NULL;
    assert_ok(cf_kube_list(w->k, NULL, &what, &odd, NULL, &err), &err);
    assert_int_equal(json_array_size(odd), 12);
    what.max_items = 11;
    assert_fails(cf_kube_list(w->k, NULL, &what, &items, NULL, &err), &err, CF_ERR_LIMIT,
                 "more than 11");
}

static void test_list_expires(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    put_many(w, 25);
    cf_fake_kube_fail(
        w->fake, &(struct cf_fake_fault){
                     .path_part = "continue=10", .times = 2, .status = 410, .reason = "Expired" });
    struct cf_kube_list what = {
        .api_version = "v1", .kind = "ConfigMap", .ns = "web", .page = 10
    };
    cf_autojson json_t *items = NULL;
    assert_ok(cf_kube_list(w->k, NULL, &what, &items, NULL, &err), &err);
    assert_int_equal(json_array_size(items), 25);
    cf_fake_kube_fail(
        w->fake, &(struct cf_fake_fault){
                     .path_part = "continue=10", .times = 9, .status = 410, .reason = "Expired" });
    assert_fails(cf_kube_list(w->k, NULL, &what, &items, NULL, &err), &err, CF_ERR_NOT_FOUND, "");
}

static void test_answers_and_no_answers(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_fake_kube_put(w->fake, ECHO);
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    cf_autojson json_t *patch = parse("{\"spec\":{\"replicas\":7}}");
    cf_fake_kube_fail(w->fake,
                      &(struct cf_fake_fault){
                          .method = "PATCH", .times = 1, .status = 429, .retry_after_ms = 2000 });
    assert_false(cf_kube_merge_patch(w->k, NULL, &ref, patch, NULL, NULL, &err));
    assert_int_equal(err.kind, CF_ERR_TRANSIENT);
    assert_int_equal(err.retry_after_ms, 2000);
    cf_error_clear(&err);
    cf_fake_kube_fail(w->fake,
                      &(struct cf_fake_fault){
                          .method = "PATCH", .times = 1, .kind = CF_ERR_UNKNOWN, .after = true });
    assert_fails(cf_kube_merge_patch(w->k, NULL, &ref, patch, NULL, NULL, &err), &err,
                 CF_ERR_UNKNOWN, "no answer");
    cf_autojson json_t *now = cf_fake_kube_peek(w->fake, "apps/v1", "Deployment", "web", "echo");
    assert_int_equal(cf_json_int(now, 0, "spec", "replicas", NULL), 7);

    struct cf_cancel stop = CF_CANCEL_INIT;
    cf_cancel_request(&stop);
    struct cf_kube_how how = { .cancel = &stop };
    assert_fails(cf_kube_merge_patch(w->k, &how, &ref, patch, NULL, NULL, &err), &err,
                 CF_ERR_CANCELLED, "stop");
}

static void test_discovery(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_resource r;
    assert_ok(cf_kube_resource_of(w->k, NULL, "networking.istio.io/v1", "VirtualService", &r, &err),
              &err);
    assert_string_equal(r.plural, "virtualservices");
    assert_true(r.namespaced);
    assert_true(r.verbs & CF_KUBE_VERB_PATCH);
    assert_false(cf_kube_resource_of(w->k, NULL, "apps/v1", "Rollout", &r, &err));
    assert_string_equal(err.reason, "NoKindMatch");
    cf_error_clear(&err);
    assert_fails(cf_kube_resource_of(w->k, NULL, "nowhere.io/v1", "Thing", &r, &err), &err,
                 CF_ERR_NOT_FOUND, "does not serve Thing of nowhere.io/v1");
    /* a kind that is missing is not asked for again at once, and comes after a reset */
    cf_fake_kube_kind(w->fake, "apps/v1", "Rollout", "rollouts", true);
    assert_fails(cf_kube_resource_of(w->k, NULL, "apps/v1", "Rollout", &r, &err), &err,
                 CF_ERR_NOT_FOUND, "Rollout");
    cf_kube_discovery_reset(w->k);
    assert_ok(cf_kube_resource_of(w->k, NULL, "apps/v1", "Rollout", &r, &err), &err);

    struct cf_kube_resource *all = NULL;
    size_t n = 0, istio = 0;
    assert_ok(cf_kube_resources(w->k, NULL, &all, &n, NULL, &err), &err);
    for (size_t i = 0; i < n; i++)
        istio += strcmp(all[i].plural, "virtualservices") == 0;
    assert_int_equal(istio, 1);
    assert_true(n > 30);
    free(all);
}

static void grow_old(struct cf_kube *k)
{
    for (struct kube_group_version *e = k->discovery; e; e = e->next)
        e->asked_ms -= CF_KUBE_DISCOVERY_FRESH_MS + 1000;
}

/* An old entry is renewed if that is possible, else it serves; the rollback lane uses it as it is.
 */
static void test_old_discovery(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_fake_kube_put(w->fake, ECHO);
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    struct cf_kube_how urgent = { .urgent = true };
    bool found;
    assert_ok(cf_kube_find(w->k, NULL, &ref, &found, NULL, &err), &err);
    grow_old(w->k);
    assert_ok(cf_kube_find(w->k, &urgent, &ref, &found, NULL, &err), &err);
    assert_true(cf_mono_now_ms() - w->k->discovery->asked_ms > CF_KUBE_DISCOVERY_FRESH_MS);
    assert_ok(cf_kube_find(w->k, NULL, &ref, &found, NULL, &err), &err);
    assert_true(cf_mono_now_ms() - w->k->discovery->asked_ms < CF_KUBE_DISCOVERY_FRESH_MS);
    grow_old(w->k);
    /* the next call, which is the one for discovery, has no answer */
    cf_fake_kube_fail(w->fake, &(struct cf_fake_fault){
                                   .method = "GET", .times = 1, .kind = CF_ERR_UNAVAILABLE });
    assert_ok(cf_kube_find(w->k, NULL, &ref, &found, NULL, &err), &err);
    assert_true(found);
}

static void test_refused_before_any_call(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    json_t *out = NULL;
    struct cf_object_ref no_ns = cf_ref("apps/v1", "Deployment", NULL, "echo");
    struct cf_object_ref with_ns = cf_ref("v1", "Namespace", "web", "web");
    char longer[400];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    struct cf_object_ref too_long = cf_ref("apps/v1", "Deployment", "web", longer);
    assert_fails(cf_kube_get(w->k, NULL, &no_ns, &out, &err), &err, CF_ERR_INVALID,
                 "needs a namespace");
    assert_fails(cf_kube_get(w->k, NULL, &with_ns, &out, &err), &err, CF_ERR_INVALID,
                 "no namespaces");
    assert_fails(cf_kube_get(w->k, NULL, &too_long, &out, &err), &err, CF_ERR_INVALID, "too long");
    cf_autojson json_t *nameless =
        parse("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{}}");
    assert_fails(cf_kube_apply(w->k, NULL, nameless, NULL, NULL, &err), &err, CF_ERR_INVALID,
                 "metadata/name");
    assert_string_equal(cf_fake_kube_log(w->fake), "");
}

static void test_server_facts(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_version v;
    int64_t skew_ms = 99999;
    char uid[CF_KUBE_UID_TEXT], reason[CF_ERROR_FIELD_MAX];
    bool allowed = false;
    assert_ok(cf_kube_version(w->k, NULL, &v, &err), &err);
    assert_int_equal(v.minor, 35);
    assert_ok(cf_kube_clock_skew(w->k, NULL, &skew_ms, &err), &err);
    assert_true(skew_ms > -1000 && skew_ms < 1000);
    assert_ok(cf_kube_uid(w->k, NULL, uid, &err), &err);
    assert_true(strlen(uid) > 30);
    struct cf_kube_access patch = {
        .verb = "patch", .group = "apps", .resource = "deployments", .ns = "web"
    };
    assert_ok(cf_kube_can(w->k, NULL, &patch, &allowed, reason, &err), &err);
    assert_true(allowed);
    cf_fake_kube_deny(w->fake, "patch apps/deployments");
    assert_ok(cf_kube_can(w->k, NULL, &patch, &allowed, reason, &err), &err);
    assert_false(allowed);
}

static void test_finalizers_keep(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_fake_kube_put(w->fake, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{"
                              "\"name\":\"a\",\"namespace\":\"web\","
                              "\"finalizers\":[\"x/y\"]}}");
    struct cf_object_ref ref = cf_ref("v1", "ConfigMap", "web", "a");
    bool found = false;
    assert_ok(cf_kube_delete(w->k, NULL, &ref, NULL, &err), &err);
    assert_ok(cf_kube_find(w->k, NULL, &ref, &found, NULL, &err), &err);
    assert_true(found);
    cf_autojson json_t *clear = parse("{\"metadata\":{\"finalizers\":null}}");
    assert_ok(cf_kube_merge_patch(w->k, NULL, &ref, clear, NULL, NULL, &err), &err);
    assert_ok(cf_kube_find(w->k, NULL, &ref, &found, NULL, &err), &err);
    assert_false(found);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_create_get_delete),
        CASE(test_json_patch_guards),
        CASE(test_apply_conflict),
        CASE(test_refused_before_the_roles_are_read),
        CASE(test_a_refused_write_is_not_repeated),
        CASE(test_list_pages),
        CASE(test_list_expires),
        CASE(test_answers_and_no_answers),
        CASE(test_discovery),
        CASE(test_old_discovery),
        CASE(test_refused_before_any_call),
        CASE(test_server_facts),
        CASE(test_finalizers_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
