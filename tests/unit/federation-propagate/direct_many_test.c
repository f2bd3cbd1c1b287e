/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the direct method with hundreds of objects side by side: waves stay in order, a kill
 * anywhere repeats without doubles, one bad object among many is named and loses none of the
 * others, whoever comes in between is a conflict, a server that asks for patience gets it, and how
 * many calls an object costs. */
#include <pthread.h>

#include "federation/kube/fan_out.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/propagator.h"
#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

enum { CONFIGS = 300, SECRETS = 200, DEPLOYMENTS = 60, ALL = 1 + CONFIGS + SECRETS + DEPLOYMENTS };

struct rig {
    struct cf_fake_kube *source_api, *target_api;
    struct cf_propagation p;
    json_t *workloads, *services, *inventory, *ledger, *images;
    /* what the hook sees */
    pthread_mutex_t lock;
    json_t *writes; /* paths of applies that are no dry run, in the order of their beginning */
    int lists, dry_runs, reads, kill_at, seen;
    bool dead;
    const char *intruded; /* path: somebody else writes the object just before its apply */
};

static bool image_put(void *self, const char *key, const json_t *object, struct cf_error *err)
{
    (void)err;
    json_object_set_new(self, key, cf_json_copy(object));
    return true;
}

static bool image_get(void *self, const char *key, json_t **out, struct cf_error *err)
{
    (void)err;
    *out = json_incref(json_object_get((json_t *)self, key));
    return true;
}

static void put(struct cf_fake_kube *f, json_t *object_take)
{
    cf_fake_kube_put_json(f, object_take);
    json_decref(object_take);
}

static void put_many(struct cf_fake_kube *f, const char *api, const char *kind, int n)
{
    for (int i = 0; i < n; i++) {
        cf_autofree char *name = cf_xasprintf("o-%03d", i);
        json_t *o = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "apiVersion", api, "kind", kind,
                              "metadata", "name", name, "namespace", "web", "data", "k", "dg==");
        if (strcmp(kind, "Deployment") == 0) {
            json_object_del(o, "data");
            json_object_set_new(o, "spec",
                                cf_test_json("{'replicas':1,'selector':{'matchLabels':{'a':'b'}},"
                                             "'template':{'metadata':{'labels':{'a':'b'}},"
                                             "'spec':{'containers':[]}}}"));
        }
        put(f, o);
    }
}

static void intrude(struct rig *r)
{
    put(r->target_api,
        cf_test_json("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'o-017',"
                     "'namespace':'web','managedFields':[{'manager':'other','operation':'Apply',"
                     "'apiVersion':'v1','fieldsV1':{'f:data':{'f:k':{}}}}]},'data':{'k':'eA=='}}"));
}

static void hook(void *arg, const struct cf_kube_request *request)
{
    struct rig *r = arg;
    pthread_mutex_lock(&r->lock);
    bool applies = strcmp(request->method, "PATCH") == 0;
    bool dry = strstr(request->path, "dryRun=All") != NULL;
    r->dry_runs += dry;
    r->reads += strcmp(request->method, "GET") == 0 && !strstr(request->path, "limit=");
    r->lists += strcmp(request->method, "GET") == 0 && strstr(request->path, "limit=");
    bool kill = false, intruded = false;
    if (applies && !dry) {
        json_array_append_new(r->writes, json_string(request->path));
        kill = r->dead || ++r->seen == r->kill_at;
        r->dead = kill;
        intruded = r->intruded && strstr(request->path, r->intruded);
        if (intruded)
            r->intruded = NULL;
    }
    pthread_mutex_unlock(&r->lock);
    if (kill)
        cf_fake_kube_fail(r->target_api, &(struct cf_fake_fault){
                                             .times = 1, .kind = CF_ERR_UNKNOWN, .after = true });
    if (intruded)
        intrude(r);
}

static int setup(void **state)
{
    struct rig *r = cf_xcalloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->source_api = cf_fake_kube_new();
    r->target_api = cf_fake_kube_new();
    put(r->source_api,
        cf_test_json("{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'web'}}"));
    put_many(r->source_api, "v1", "ConfigMap", CONFIGS);
    put_many(r->source_api, "v1", "Secret", SECRETS);
    put_many(r->source_api, "apps/v1", "Deployment", DEPLOYMENTS);
    r->workloads = cf_test_json("{'include':[{'name':'o-*'}],'exclude':[],'onConflict':'fail',"
                                "'start':'now','transforms':[],'replicas':{'min':1}}");
    r->services = json_array();
    r->ledger = json_array();
    r->images = json_object();
    r->writes = json_array();
    r->p = (struct cf_propagation){ .source = cf_fake_kube_client(r->source_api, "dc1"),
                                    .target = cf_fake_kube_client(r->target_api, "dc2"),
                                    .source_namespace = "web",
                                    .target_namespace = "web",
                                    .create_namespace = true,
                                    .run_id = "run-1",
                                    .plan_name = "p",
                                    .workloads = r->workloads,
                                    .services = r->services,
                                    .before = { image_put, image_get, r->images } };
    cf_kube_set_parallel(r->p.source, 8);
    cf_kube_set_parallel(r->p.target, 8);
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_propagator_direct.inventory(&r->p, &r->inventory, &err), &err);
    assert_int_equal(json_array_size(json_object_get(r->inventory, "objects")), ALL);
    cf_fake_kube_hook(r->target_api, hook, r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    cf_kube_unref(r->p.source);
    cf_kube_unref(r->p.target);
    cf_fake_kube_free(r->source_api);
    cf_fake_kube_free(r->target_api);
    json_decref(r->workloads);
    json_decref(r->services);
    json_decref(r->inventory);
    json_decref(r->ledger);
    json_decref(r->images);
    json_decref(r->writes);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return 0;
}

static bool apply(struct rig *r, struct cf_copying *copying, struct cf_error *err)
{
    return cf_propagator_direct.apply(&r->p, r->inventory, &r->ledger, 100, copying, err);
}

static void apply_all(struct rig *r)
{
    struct cf_copying copying = { 0 };
    for (int i = 0; i < 50 && !copying.done; i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_ok(apply(r, &copying, &err), &err);
    }
    assert_true(copying.done);
    assert_int_equal(json_array_size(r->ledger), ALL);
}

/* Of a path: what stands before what. */
static int wave_of(const char *path)
{
    static const char *const order[] = { "/secrets/", "/configmaps/", "/deployments/" };
    for (int i = 0; i < (int)CF_ARRAY_LEN(order); i++)
        if (strstr(path, order[i]))
            return i + 1;
    return 0; /* the namespace */
}

static void waves_stay_in_order_and_an_object_costs_two_calls(void **state)
{
    struct rig *r = *state;
    apply_all(r);
    size_t i;
    json_t *path;
    int last = 0;
    json_array_foreach(r->writes, i, path)
    {
        int wave = wave_of(json_string_value(path));
        assert_true(wave >= last);
        last = wave;
    }
    assert_int_equal(json_array_size(r->writes), ALL);
    assert_int_equal(cf_json_int(json_array_get(r->ledger, 0), -1, "wave", NULL), 0);
    assert_true(cf_json_int(json_array_get(r->ledger, ALL - 1), 0, "wave", NULL) > 0);
    assert_int_equal(r->dry_runs, ALL); /* the rehearsal */
    assert_in_range(r->lists, 6, 20);
    assert_in_range(r->reads, 2, 8);
}

static void what_was_just_tried_is_not_tried_again(void **state)
{
    struct rig *r = *state;
    r->p.tried = cf_json_str(r->inventory, "", "digest", NULL);
    apply_all(r);
    assert_int_equal(r->dry_runs, 0);
    assert_int_equal(json_array_size(r->writes), ALL);
}

static void a_kill_anywhere_repeats_without_doubles(void **state)
{
    struct rig *r = *state;
    static const int at[] = { 1, 2, 50, 101, 350, 501, ALL };
    size_t clean = cf_fake_kube_count(r->target_api);
    for (size_t k = 0; k < CF_ARRAY_LEN(at); k++) {
        struct cf_copying copying = { 0 };
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *durable = json_array(); /* the ledger as the last record had it */
        r->seen = 0;
        r->kill_at = at[k];
        while (apply(r, &copying, &err) && !copying.done) {
            json_decref(durable);
            durable = cf_json_copy(r->ledger);
        }
        assert_int_equal(err.kind, CF_ERR_UNKNOWN);
        r->dead = false;
        r->kill_at = 0;
        json_decref(r->ledger);
        r->ledger = cf_json_copy(durable);
        size_t before = cf_fake_kube_count(r->target_api);
        assert_true(before <= clean + json_array_size(durable) + 100);
        apply_all(r);
        assert_int_equal(cf_fake_kube_count(r->target_api), clean + ALL);
        struct cf_copying undoing = { 0 };
        while (!undoing.done) {
            cf_autojson json_t *left = NULL;
            struct cf_error problem = CF_ERROR_INIT;
            assert_ok(cf_propagator_direct.undo(&r->p, &r->ledger, 100, &undoing, &left, &problem),
                      &problem);
            assert_int_equal(json_array_size(left), 0);
        }
        assert_int_equal(cf_fake_kube_count(r->target_api), clean);
    }
}

static void one_bad_object_is_named_and_loses_no_other(void **state)
{
    struct rig *r = *state;
    struct cf_copying copying = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    r->p.tried = cf_json_str(r->inventory, "", "digest", NULL);
    cf_fake_kube_fail(r->target_api, &(struct cf_fake_fault){ .method = "PATCH",
                                                              .path_part = "/configmaps/o-017",
                                                              .times = 1,
                                                              .status = 422,
                                                              .reason = "Invalid" });
    while (apply(r, &copying, &err) && !copying.done)
        continue;
    assert_int_equal(err.kind, CF_ERR_INVALID);
    assert_string_equal(err.field, "core/ConfigMap/web/o-017");
    assert_non_null(strstr(err.message, "apply core/ConfigMap/web/o-017 on dc2"));
    size_t written = cf_fake_kube_count(r->target_api) - 1; /* kube-system */
    assert_int_equal(json_array_size(r->ledger), written);
    assert_true(written >= 1 + SECRETS + 17 && written < 1 + SECRETS + 17 + 100);
    apply_all(r);
}

static void whoever_comes_in_between_is_a_conflict(void **state)
{
    struct rig *r = *state;
    struct cf_copying copying = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    r->intruded = "/configmaps/o-017";
    while (apply(r, &copying, &err) && !copying.done)
        continue;
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_string_equal(err.field, "core/ConfigMap/web/o-017");
    assert_non_null(strstr(err.message, "written by other"));
    cf_autojson json_t *theirs =
        cf_fake_kube_peek(r->target_api, "v1", "ConfigMap", "web", "o-017");
    assert_string_equal(cf_json_str(theirs, "", "data", "k", NULL), "eA==");
}

static void a_server_that_asks_for_patience_gets_it(void **state)
{
    struct rig *r = *state;
    struct cf_copying copying = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    r->p.tried = cf_json_str(r->inventory, "", "digest", NULL);
    cf_fake_kube_fail(r->target_api, &(struct cf_fake_fault){ .method = "PATCH",
                                                              .path_part = "/secrets/o-0",
                                                              .times = 3,
                                                              .status = 429,
                                                              .reason = "TooManyRequests",
                                                              .retry_after_ms = 7000 });
    assert_ok(apply(r, &copying, &err), &err);
    assert_true(copying.waits && !copying.done && !copying.stuck);
    assert_int_equal(copying.wait_ms, 7000);
    assert_non_null(strstr(copying.why, "dc2 asks for a pause"));
    apply_all(r);
}

static void many_are_released_and_judged_in_bulk(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_copying copying = { 0 };
    cf_autojson json_t *report = NULL;
    apply_all(r);
    r->lists = r->reads = 0;
    assert_ok(cf_propagator_direct.health(&r->p, r->ledger, &report, &err), &err);
    assert_int_equal(cf_json_int(report, 0, "total", NULL), DEPLOYMENTS + 1);
    assert_in_range(r->lists + r->reads, 1, 3);
    assert_ok(cf_propagator_direct.release(&r->p, r->ledger, &copying, &err), &err);
    cf_autojson json_t *one = cf_fake_kube_peek(r->target_api, "v1", "Secret", "web", "o-199");
    assert_null(cf_json_at(one, "metadata", "labels", "crossfade.dev/run", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(waves_stay_in_order_and_an_object_costs_two_calls, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_just_tried_is_not_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_kill_anywhere_repeats_without_doubles, setup, teardown),
        cmocka_unit_test_setup_teardown(one_bad_object_is_named_and_loses_no_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(whoever_comes_in_between_is_a_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_that_asks_for_patience_gets_it, setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_released_and_judged_in_bulk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
