/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the bridge by name: which Services may have one, what its slices carry, that it leaves the
 * Service and everybody else's slices alone, that two in opposite directions do not feed each other,
 * and that pods of both clusters behind one name are counted. */
#include "lb/bridge.h"
#include "tests/support/fake_kube.h"
#include "tests/unit/lb/fixtures.h"

/* In dc2, where `db` was copied and has no pods, to the writer's in dc1. */
static const struct cf_bridge to_source = { .ns = "store",
                                            .service = "db",
                                            .run = RUN,
                                            .target_cluster = "dc1",
                                            .target_ns = "shop",
                                            .target_service = "db",
                                            .by_name = true };
/* The other way round, after the switch. */
static const struct cf_bridge to_target = { .ns = "shop",
                                            .service = "db",
                                            .run = RUN,
                                            .target_cluster = "dc2",
                                            .target_ns = "store",
                                            .target_service = "db",
                                            .by_name = true };

#define PORT  "{'name':'sql','port':5432,'targetPort':'sql','protocol':'TCP'}"
#define LABEL "{'kubernetes.io/service-name':'db','endpointslice.kubernetes.io/managed-by':'"

/* A slice as a cluster's own controller writes it. */
#define OWN(ns, endpoints)                                                                         \
    "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'db-abcde',"    \
    "'namespace':'" ns "','labels':" LABEL                                                         \
    "endpointslice-controller.k8s.io'}},'addressType':'IPv4','endpoints':[" endpoints              \
    "],'ports':[{'name':'sql','protocol':'TCP','port':6543}]}"
#define POD(ip, host, ready)                                                                       \
    "{'addresses':['" ip "'],'conditions':{'ready':" ready ",'serving':" ready                     \
    "},'hostname':'" host "','nodeName':'n1','zone':'z','targetRef':{'kind':'Pod','name':'" host   \
    "'}}"

static void which_services_may_have_one(void **state)
{
    (void)state;
    static const struct {
        const char *service, *refusal; /* NULL: it may */
        enum cf_err_kind kind;
    } rows[] = {
        { "{'spec':{'clusterIP':'10.0.0.1','selector':{'app':'db'},'ports':[" PORT "]}}", NULL, 0 },
        { "{'spec':{'type':'LoadBalancer','selector':{'app':'db'},'ports':[" PORT "]}}", NULL, 0 },
        { "{'spec':{'clusterIP':'None','selector':{'app':'db'},'ports':[" PORT "]}}", NULL, 0 },
        { "{'spec':{'clusterIP':'None','selector':{'app':'db'}}}", NULL, 0 },
        { "{'spec':{'clusterIP':'None','publishNotReadyAddresses':true,'selector':{'app':'db'}}}",
          NULL, 0 },
        { "{'spec':{'type':'LoadBalancer','externalTrafficPolicy':'Local','selector':{'a':'b'}}}",
          NULL, 0 },
        { "{'spec':{'clusterIP':'None','internalTrafficPolicy':'Local','selector':{'a':'b'}}}",
          NULL, 0 },
        { "{'spec':{'type':'ExternalName','externalName':'db.example.com'}}",
          "Service store/db is an ExternalName", CF_ERR_INVALID },
        { "{'spec':{'ports':[" PORT "]}}", "Service store/db has no selector", CF_ERR_INVALID },
        { "{'spec':{'selector':{},'ports':[" PORT "]}}", "has no selector", CF_ERR_INVALID },
        { "{'metadata':{'labels':{'crossfade.dev/bridge':'true'}},'spec':{'ports':[" PORT "]}}",
          "is a bridge itself", CF_ERR_INVALID },
        { "{'spec':{'clusterIP':'10.0.0.1','internalTrafficPolicy':'Local','selector':{'a':'b'}}}",
          "internalTrafficPolicy Local", CF_ERR_INVALID },
        { "{'metadata':{'deletionTimestamp':'2026-01-01T00:00:00Z'},'spec':{'selector':{'a':'b'}}}",
          "is being deleted", CF_ERR_CONFLICT },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *service = js(rows[i].service);
        bool fits = cf_bridge_by_name_fits(&to_source, service, &err);
        if (fits != !rows[i].refusal)
            fail_msg("row %zu: %s", i, err.message);
        if (fits)
            continue;
        assert_string_equal(err.reason, "no-bridge-possible");
        assert_fails(false, &err, rows[i].kind, rows[i].refusal);
    }
}

/* The other cluster's slices, and what this one's get: [{addressType, ports, endpoints}]. */
static const struct {
    const char *service, *theirs, *ours;
} carried[] = {
    /* The numbers are the pods', the names the Service's; hostnames go along, nodes do not. */
    { "{'spec':{'clusterIP':'10.0.0.1','ports':[" PORT "]}}",
      "[" OWN("shop", POD("10.1.0.1", "db-0", "true") "," POD("10.1.0.2", "db-1", "false")) "]",
      "[{'addressType':'IPv4','ports':[{'name':'sql','protocol':'TCP','port':6543}],'endpoints':[{"
      "'addresses':['10.1.0.1'],'conditions':{'ready':true},'hostname':'db-0'}]}]" },
    /* A headless Service without ports. */
    { "{'spec':{'clusterIP':'None'}}",
      "[{'metadata':{'name':'s'},'addressType':'IPv4','ports':null,'endpoints':[{'addresses':"
      "['10.1.0.1'],'conditions':{'ready':true}}]}]",
      "[{'addressType':'IPv4','ports':[],'endpoints':[{'addresses':['10.1.0.1'],'conditions':{"
      "'ready':true}}]}]" },
    /* What the Service publishes although it is not ready. */
    { "{'spec':{'clusterIP':'None','publishNotReadyAddresses':true,'ports':[" PORT "]}}",
      "[{'metadata':{'name':'s'},'addressType':'IPv4','ports':[{'name':'sql','protocol':'TCP',"
      "'port':1}],'endpoints':[{'addresses':['10.1.0.1'],'conditions':{'ready':true,'serving':"
      "false}}]}]",
      "[{'addressType':'IPv4','ports':[{'name':'sql','protocol':'TCP','port':1}],'endpoints':[{"
      "'addresses':['10.1.0.1'],'conditions':{'ready':true}}]}]" },
    /* Of two families the Service has one. */
    { "{'spec':{'clusterIP':'10.0.0.1','ipFamilies':['IPv4'],'ports':[{'port':80}]}}",
      "[{'metadata':{'name':'a'},'addressType':'IPv6','ports':[{'port':80}],'endpoints':[{"
      "'addresses':['fd00::1']}]},{'metadata':{'name':'b'},'addressType':'IPv4','ports':[{'port':"
      "80}],'endpoints':[{'addresses':['10.1.0.1']}]}]",
      "[{'addressType':'IPv4','ports':[{'name':'','protocol':'TCP','port':80}],'endpoints':[{"
      "'addresses':['10.1.0.1'],'conditions':{'ready':true}}]}]" },
    /* Nobody is ready there: nobody here, as for callers over there. */
    { "{'spec':{'clusterIP':'10.0.0.1','ipFamilies':['IPv6'],'ports':[" PORT "]}}",
      "[" OWN("shop", POD("10.1.0.1", "db-0", "false")) "]", "[]" },
};

static void what_its_slices_carry(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(carried); i++) {
        struct cf_error err = CF_ERROR_INIT;
        int ready = -1;
        cf_autojson json_t *service = js(carried[i].service);
        cf_autojson json_t *theirs = js(carried[i].theirs);
        cf_autojson json_t *ours = cf_bridge_slices(&to_source, service, theirs, &ready, &err);
        if (!ours)
            fail_msg("row %zu: %s", i, err.message);
        for (size_t k = 0; k < json_array_size(ours); k++) {
            json_t *s = json_array_get(ours, k);
            const char *name = cf_json_str(s, "", "metadata", "name", NULL);
            assert_int_equal(strncmp(name, "db-crossfade-by-name-", 21), 0);
            assert_json(cf_json_at(s, "metadata", "labels", NULL),
                        "{'app.kubernetes.io/managed-by':'crossfade','crossfade.dev/run':'" RUN
                        "','crossfade.dev/bridge':'true','crossfade.dev/bridge-by-name':'true',"
                        "'kubernetes.io/service-name':'db',"
                        "'endpointslice.kubernetes.io/managed-by':'crossfade.dev'}");
            json_object_del(s, "metadata");
            json_object_del(s, "apiVersion");
            json_object_del(s, "kind");
        }
        assert_json(ours, carried[i].ours);
    }
}

static void what_cannot_be_carried(void **state)
{
    (void)state;
    static const struct {
        const char *service, *says, *reason;
    } rows[] = {
        { "{'spec':{'ipFamilies':['IPv6'],'ports':[" PORT "]}}", "set its ipFamilies",
          "no-family-fits" },
        { "{'spec':{'ports':[{'name':'a','port':1},{'name':'b','port':2}]}}", "no port",
          "no-port-maps" },
        { "{'spec':{'clusterIP':'None'}}", "no port", "no-port-maps" },
    };
    cf_autojson json_t *theirs = js("[" OWN("shop", POD("10.1.0.1", "db-0", "true")) "]");
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_error err = CF_ERROR_INIT;
        int ready = -1;
        cf_autojson json_t *service = js(rows[i].service);
        assert_null(cf_bridge_slices(&to_source, service, theirs, &ready, &err));
        assert_string_equal(err.reason, rows[i].reason);
        assert_fails(false, &err, CF_ERR_INVALID, rows[i].says);
    }
}

/* ---- in clusters ---- */

struct two {
    struct cf_fake_kube *fake[2];
    struct cf_kube *dc1, *dc2;
};

#define SERVICE_IN(ns)                                                                             \
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'db','namespace':'" ns                 \
    "'},'spec':{'selector':{'app':'db'},'clusterIP':'10.96.0.9','ports':[" PORT "]}}"

static void put(struct cf_fake_kube *fake, const char *text)
{
    cf_autojson json_t *object = js(text);
    cf_fake_kube_put_json(fake, object);
}

/* The writer's pod is in dc1, shop; dc2, store has the Service and its controller's empty slice. */
static void setup(struct two *t)
{
    for (int i = 0; i < 2; i++)
        t->fake[i] = cf_fake_kube_new();
    t->dc1 = cf_fake_kube_client(t->fake[0], "dc1");
    t->dc2 = cf_fake_kube_client(t->fake[1], "dc2");
    put(t->fake[0], SERVICE_IN("shop"));
    put(t->fake[0], OWN("shop", POD("10.1.0.1", "db-0", "true")));
    put(t->fake[1], SERVICE_IN("store"));
    put(t->fake[1], OWN("store", ""));
}

static void teardown(struct two *t)
{
    cf_kube_unref(t->dc1);
    cf_kube_unref(t->dc2);
    for (int i = 0; i < 2; i++)
        cf_fake_kube_free(t->fake[i]);
}

/* One look of the lane; returns how many writes it took. */
static int look(struct cf_kube *here, struct cf_kube *there, const struct cf_bridge *b)
{
    struct cf_error err = CF_ERROR_INIT;
    int ready, writes = -1;
    cf_autojson json_t *service = NULL;
    cf_autojson json_t *theirs = NULL;
    assert_ok(cf_bridge_ensure(here, NULL, b, &service, &err), &err);
    assert_ok(cf_bridge_target_slices(there, NULL, b->target_ns, b->target_service, &theirs, &err),
              &err);
    cf_autojson json_t *want = cf_bridge_slices(b, service, theirs, &ready, &err);
    assert_non_null(want);
    assert_ok(cf_bridge_sync(here, NULL, b, want, 0, &writes, &err), &err);
    return writes;
}

static int ready_in(struct cf_kube *here, const struct cf_bridge *b)
{
    struct cf_error err = CF_ERROR_INIT;
    int ready = -1;
    assert_ok(cf_bridge_read(here, NULL, b, &ready, &err), &err);
    return ready;
}

static int others_in(struct cf_kube *here, const struct cf_bridge *b)
{
    struct cf_error err = CF_ERROR_INIT;
    int others = -1;
    assert_ok(cf_bridge_others(here, NULL, b, &others, &err), &err);
    return others;
}

static void the_service_and_its_own_slice_stay(void **state)
{
    (void)state;
    struct two t;
    struct cf_error err = CF_ERROR_INIT;
    setup(&t);
    cf_autojson json_t *before = cf_fake_kube_peek(t.fake[1], "v1", "Service", "store", "db");
    cf_autojson json_t *own =
        cf_fake_kube_peek(t.fake[1], "discovery.k8s.io/v1", "EndpointSlice", "store", "db-abcde");
    size_t objects = cf_fake_kube_count(t.fake[1]);
    assert_int_equal(look(t.dc2, t.dc1, &to_source), 1);
    assert_int_equal(look(t.dc2, t.dc1, &to_source), 0);
    assert_int_equal(ready_in(t.dc2, &to_source), 1);
    assert_int_equal(cf_fake_kube_count(t.fake[1]), objects + 1);
    for (int twice = 0; twice < 2; twice++)
        assert_ok(cf_bridge_remove(t.dc2, NULL, &to_source, &err), &err);
    assert_int_equal(cf_fake_kube_count(t.fake[1]), objects);
    cf_autojson json_t *after = cf_fake_kube_peek(t.fake[1], "v1", "Service", "store", "db");
    cf_autojson json_t *still =
        cf_fake_kube_peek(t.fake[1], "discovery.k8s.io/v1", "EndpointSlice", "store", "db-abcde");
    assert_true(json_equal(before, after));
    assert_true(json_equal(own, still));
    teardown(&t);
}

/* The source's pods stop: nothing is held that leads nowhere, or to another pod's address. */
static void it_is_emptied_with_the_service_that_it_follows(void **state)
{
    (void)state;
    struct two t;
    setup(&t);
    look(t.dc2, t.dc1, &to_source);
    put(t.fake[0], OWN("shop", ""));
    assert_int_equal(look(t.dc2, t.dc1, &to_source), 1);
    assert_int_equal(ready_in(t.dc2, &to_source), 0);
    teardown(&t);
}

static void it_goes_when_its_service_is_gone(void **state)
{
    (void)state;
    struct two t;
    struct cf_error err = CF_ERROR_INIT;
    setup(&t);
    size_t objects = cf_fake_kube_count(t.fake[1]);
    look(t.dc2, t.dc1, &to_source);
    cf_fake_kube_remove(t.fake[1], "v1", "Service", "store", "db");
    assert_fails(cf_bridge_ensure(t.dc2, NULL, &to_source, NULL, &err), &err, CF_ERR_NOT_FOUND,
                 "read Service store/db");
    assert_ok(cf_bridge_remove(t.dc2, NULL, &to_source, &err), &err);
    assert_int_equal(cf_fake_kube_count(t.fake[1]), objects - 1);
    teardown(&t);
}

/* One over the other: each follows pods, never the other's slices. */
static void two_in_opposite_directions_do_not_feed_each_other(void **state)
{
    (void)state;
    struct two t;
    setup(&t);
    look(t.dc2, t.dc1, &to_source);
    assert_int_equal(look(t.dc1, t.dc2, &to_target), 0);
    assert_int_equal(ready_in(t.dc1, &to_target), 0);
    put(t.fake[0], OWN("shop", ""));
    put(t.fake[1], OWN("store", POD("10.2.0.1", "db-0", "true")));
    assert_int_equal(look(t.dc1, t.dc2, &to_target), 1);
    assert_int_equal(look(t.dc2, t.dc1, &to_source), 1);
    assert_int_equal(ready_in(t.dc1, &to_target), 1);
    assert_int_equal(ready_in(t.dc2, &to_source), 0);
    teardown(&t);
}

/* Nor does a router's bridge take for the target's pods what is the source's. */
static void a_routers_bridge_does_not_lead_back(void **state)
{
    (void)state;
    struct two t;
    struct cf_bridge beside = to_target;
    beside.by_name = false;
    setup(&t);
    look(t.dc2, t.dc1, &to_source);
    assert_int_equal(look(t.dc1, t.dc2, &beside), 0);
    put(t.fake[1], OWN("store", POD("10.2.0.1", "db-0", "true")));
    /* Both sorts for one Service: neither takes the other's slices for its own. */
    assert_int_equal(look(t.dc1, t.dc2, &beside), 1);
    assert_int_equal(look(t.dc1, t.dc2, &to_target), 1);
    assert_int_equal(look(t.dc1, t.dc2, &beside), 0);
    assert_int_equal(ready_in(t.dc1, &beside), 1);
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_bridge_remove(t.dc1, NULL, &to_target, &err), &err);
    assert_int_equal(ready_in(t.dc1, &beside), 1);
    teardown(&t);
}

static void pods_of_both_clusters_behind_one_name_are_counted(void **state)
{
    (void)state;
    struct two t;
    setup(&t);
    look(t.dc2, t.dc1, &to_source);
    assert_int_equal(others_in(t.dc2, &to_source), 0);
    put(t.fake[1],
        OWN("store", POD("10.2.0.1", "db-0", "true") "," POD("10.2.0.2", "db-1", "false")));
    assert_int_equal(others_in(t.dc2, &to_source), 1);
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_services_may_have_one),
        cmocka_unit_test(what_its_slices_carry),
        cmocka_unit_test(what_cannot_be_carried),
        cmocka_unit_test(the_service_and_its_own_slice_stay),
        cmocka_unit_test(it_is_emptied_with_the_service_that_it_follows),
        cmocka_unit_test(it_goes_when_its_service_is_gone),
        cmocka_unit_test(two_in_opposite_directions_do_not_feed_each_other),
        cmocka_unit_test(a_routers_bridge_does_not_lead_back),
        cmocka_unit_test(pods_of_both_clusters_behind_one_name_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
