/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the bridge in a cluster: made beside the source's Service, kept equal with as few writes
 * as possible, never emptied under traffic, and removed only when no router leads to it. */
#include "lb/bridge.h"
#include "tests/support/fake_kube.h"
#include "tests/unit/lb/fixtures.h"

static const struct cf_bridge bridge = { .ns = "shop",
                                         .service = "web",
                                         .run = RUN,
                                         .target_cluster = "dc2",
                                         .target_ns = "store",
                                         .target_service = "web" };

#define SOURCE                                                                                     \
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'web','namespace':'shop'},'spec':{'"   \
    "selector':{'app':'web'},"                                                                     \
    "'clusterIP':'10.96.0.1','ports':[{'name':'http','port':80,'targetPort':8080}]}}"

struct two {
    struct cf_fake_kube *fake;
    struct cf_kube *kube;
    json_t *service;
};

static void put(struct cf_fake_kube *fake, const char *text)
{
    cf_autojson json_t *object = js(text);
    cf_fake_kube_put_json(fake, object);
}

static void setup(struct two *t)
{
    struct cf_error err = CF_ERROR_INIT;
    t->fake = cf_fake_kube_new();
    t->kube = cf_fake_kube_client(t->fake, "dc1");
    t->service = NULL;
    put(t->fake, SOURCE);
    assert_ok(cf_bridge_ensure(t->kube, NULL, &bridge, &t->service, &err), &err);
}

static void teardown(struct two *t)
{
    json_decref(t->service);
    cf_kube_unref(t->kube);
    cf_fake_kube_free(t->fake);
}

/* The bridge's slices for target endpoints 10.0.0.1 … 10.0.0.n. */
static json_t *desired(const struct two *t, int n)
{
    struct cf_error err = CF_ERROR_INIT;
    int ready;
    json_t *endpoints = json_array();
    for (int i = 1; i <= n; i++) {
        char ip[20];
        snprintf(ip, sizeof ip, "10.0.0.%d", i);
        json_array_append_new(endpoints, json_pack("{s[s]}", "addresses", ip));
    }
    cf_autojson json_t *theirs =
        json_pack("[{s{ss} ss so s[{ss si}]}]", "metadata", "name", "web-abc", "addressType",
                  "IPv4", "endpoints", endpoints, "ports", "name", "http", "port", 8080);
    json_t *out = cf_bridge_slices(&bridge, t->service, theirs, &ready, &err);
    assert_non_null(out);
    assert_int_equal(ready, n);
    return out;
}

static int sync_to(struct two *t, int n, int weight)
{
    struct cf_error err = CF_ERROR_INIT;
    int writes = -1;
    cf_autojson json_t *want = desired(t, n);
    assert_ok(cf_bridge_sync(t->kube, NULL, &bridge, want, weight, &writes, &err), &err);
    return writes;
}

static int ready_now(struct two *t)
{
    struct cf_error err = CF_ERROR_INIT;
    int ready = -1;
    assert_ok(cf_bridge_read(t->kube, NULL, &bridge, &ready, &err), &err);
    return ready;
}

static void made_once(void **state)
{
    (void)state;
    struct two t;
    struct cf_error err = CF_ERROR_INIT;
    setup(&t);
    assert_string_equal(cf_json_str(t.service, "", "metadata", "name", NULL), "web");
    cf_autojson json_t *made = cf_fake_kube_peek(t.fake, "v1", "Service", "shop", "web-crossfade");
    assert_null(cf_json_at(made, "spec", "selector", NULL));
    cf_fake_kube_log_reset(t.fake);
    assert_ok(cf_bridge_ensure(t.kube, NULL, &bridge, NULL, &err), &err);
    assert_int_equal(cf_fake_kube_writes(t.fake), 0);
    /* A port that the source got since is added. */
    put(t.fake, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'web',"
                "'namespace':'shop'},'spec':{'ports':[{'name':'http','port':80},{'name':'admin',"
                "'port':90}]}}");
    assert_ok(cf_bridge_ensure(t.kube, NULL, &bridge, NULL, &err), &err);
    assert_int_equal(cf_fake_kube_writes(t.fake), 1);
    cf_autojson json_t *completed =
        cf_fake_kube_peek(t.fake, "v1", "Service", "shop", "web-crossfade");
    assert_int_equal(json_array_size(cf_json_at(completed, "spec", "ports", NULL)), 2);
    teardown(&t);
}

static void a_lost_create_is_looked_up(void **state)
{
    (void)state;
    struct two t;
    struct cf_error err = CF_ERROR_INIT;
    setup(&t);
    cf_fake_kube_remove(t.fake, "v1", "Service", "shop", "web-crossfade");
    struct cf_fake_fault lost = {
        .method = "POST", .times = 1, .kind = CF_ERR_UNKNOWN, .after = true
    };
    cf_fake_kube_fail(t.fake, &lost);
    assert_ok(cf_bridge_ensure(t.kube, NULL, &bridge, NULL, &err), &err);
    cf_fake_kube_remove(t.fake, "v1", "Service", "shop", "web");
    assert_fails(cf_bridge_ensure(t.kube, NULL, &bridge, NULL, &err), &err, CF_ERR_NOT_FOUND,
                 "read Service shop/web");
    teardown(&t);
}

static void names_of_others_are_left_alone(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct two t = { .fake = cf_fake_kube_new() };
    t.kube = cf_fake_kube_client(t.fake, "dc1");
    put(t.fake, SOURCE);
    put(t.fake, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'web-crossfade','namespace'"
                ":'shop'},'spec':{'selector':{'a':'b'}}}");
    assert_fails(cf_bridge_ensure(t.kube, NULL, &bridge, NULL, &err), &err, CF_ERR_CONFLICT,
                 "no bridge of ours");
    assert_fails(cf_bridge_remove(t.kube, NULL, &bridge, &err), &err, CF_ERR_CONFLICT,
                 "no bridge of ours");
    teardown(&t);
}

static void kept_equal_with_few_writes(void **state)
{
    (void)state;
    struct two t;
    setup(&t);
    assert_int_equal(sync_to(&t, 2, 0), 1);
    assert_int_equal(ready_now(&t), 2);
    assert_int_equal(sync_to(&t, 2, 50), 0);
    assert_int_equal(sync_to(&t, 3, 50), 1);
    assert_int_equal(ready_now(&t), 3);
    assert_int_equal(sync_to(&t, 0, 0), 1);
    assert_int_equal(ready_now(&t), 0);
    teardown(&t);
}

static void never_emptied_under_traffic(void **state)
{
    (void)state;
    struct two t;
    struct cf_error err = CF_ERROR_INIT;
    int writes = -1;
    setup(&t);
    sync_to(&t, 2, 1);
    cf_autojson json_t *nothing = json_array();
    cf_fake_kube_log_reset(t.fake);
    assert_false(cf_bridge_sync(t.kube, NULL, &bridge, nothing, 1, &writes, &err));
    assert_string_equal(err.reason, "would-be-empty");
    assert_fails(false, &err, CF_ERR_CONFLICT, "not emptied");
    assert_int_equal(cf_fake_kube_writes(t.fake), 0);
    assert_int_equal(ready_now(&t), 2);
    teardown(&t);
}

/* As when another replica's write came in between: its slice is there when ours is refused. */
static void what_another_replica_wrote_is_looked_at_again(void **state)
{
    (void)state;
    struct two t;
    setup(&t);
    struct cf_fake_fault theirs = {
        .method = "POST", .times = 1, .kind = CF_ERR_CONFLICT, .after = true
    };
    cf_fake_kube_fail(t.fake, &theirs);
    assert_int_equal(sync_to(&t, 2, 0), 0);
    assert_int_equal(ready_now(&t), 2);
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fake_fault always = { .method = "PATCH", .times = 5, .kind = CF_ERR_CONFLICT };
    cf_fake_kube_fail(t.fake, &always);
    int writes;
    cf_autojson json_t *want = desired(&t, 3);
    assert_fails(cf_bridge_sync(t.kube, NULL, &bridge, want, 0, &writes, &err), &err,
                 CF_ERR_CONFLICT, "write slices of bridge");
    teardown(&t);
}

static void slices_of_others_are_left_alone(void **state)
{
    (void)state;
    struct two t;
    setup(&t);
    put(t.fake,
        "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'theirs',"
        "'namespace':'shop','labels':{'kubernetes.io/service-name':'web-crossfade',"
        "'endpointslice.kubernetes.io/managed-by':'else'}},'addressType':'IPv4','endpoints':[]}");
    sync_to(&t, 1, 0);
    sync_to(&t, 0, 0);
    cf_autojson json_t *theirs =
        cf_fake_kube_peek(t.fake, "discovery.k8s.io/v1", "EndpointSlice", "shop", "theirs");
    assert_non_null(theirs);
    teardown(&t);
}

static void the_targets_slices(void **state)
{
    (void)state;
    struct two t;
    struct cf_error err = CF_ERROR_INIT;
    json_t *slices = NULL;
    setup(&t);
    put(t.fake,
        "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'web-x',"
        "'namespace':'store','labels':{'kubernetes.io/service-name':'web'}},'addressType':'IPv4',"
        "'endpoints':[]}");
    put(t.fake,
        "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'api-x',"
        "'namespace':'store','labels':{'kubernetes.io/service-name':'api'}},'addressType':'IPv4',"
        "'endpoints':[]}");
    assert_ok(cf_bridge_target_slices(t.kube, NULL, "store", "web", &slices, &err), &err);
    assert_int_equal(json_array_size(slices), 1);
    json_decref(slices);
    teardown(&t);
}

static void removed_when_nothing_leads_there(void **state)
{
    (void)state;
    static const char *const routers[] = {
        "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'r',"
        "'namespace':'x'},'spec':{'http':[{'route':[{'destination':{"
        "'host':'web-crossfade.shop.svc.cluster.local'},'weight':0}]}]}}",
        "{'apiVersion':'gateway.networking.k8s.io/v1','kind':'HTTPRoute','metadata':{'name':'r',"
        "'namespace':'shop'},'spec':{'rules':[{'backendRefs':[{'name':'web-crossfade'}]}]}}",
        "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'r',"
        "'namespace':'shop'},'spec':{'defaultBackend':{'service':{'name':'web-crossfade'}}}}",
    };
    for (size_t i = 0; i <= CF_ARRAY_LEN(routers); i++) {
        struct two t;
        struct cf_error err = CF_ERROR_INIT;
        setup(&t);
        sync_to(&t, 2, 0);
        if (i < CF_ARRAY_LEN(routers)) {
            put(t.fake, routers[i]);
            cf_fake_kube_log_reset(t.fake);
            assert_false(cf_bridge_remove(t.kube, NULL, &bridge, &err));
            assert_string_equal(err.reason, "in-use");
            assert_fails(false, &err, CF_ERR_CONFLICT, "still leads to it");
            assert_int_equal(cf_fake_kube_writes(t.fake), 0);
        } else {
            cf_fake_kube_forget_group(t.fake, "gateway.networking.k8s.io");
            for (int twice = 0; twice < 2; twice++)
                assert_ok(cf_bridge_remove(t.kube, NULL, &bridge, &err), &err);
            assert_int_equal(cf_fake_kube_count(t.fake), 2);
        }
        teardown(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once),
        cmocka_unit_test(a_lost_create_is_looked_up),
        cmocka_unit_test(names_of_others_are_left_alone),
        cmocka_unit_test(kept_equal_with_few_writes),
        cmocka_unit_test(never_emptied_under_traffic),
        cmocka_unit_test(what_another_replica_wrote_is_looked_at_again),
        cmocka_unit_test(slices_of_others_are_left_alone),
        cmocka_unit_test(the_targets_slices),
        cmocka_unit_test(removed_when_nothing_leads_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
