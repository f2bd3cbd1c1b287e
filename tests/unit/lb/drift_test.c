/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what happens when somebody else writes the router as well: drift is named, moves are
 * followed, rollbacks go through, and two runs on two routes of one object leave each other alone.
 */
#include "tests/unit/lb/world.h"

static void drift_names_who_and_what(void **state)
{
    (void)state;
    static const struct {
        int type; /* index in types */
        const char *edit, *what;
    } cases[] = {
        { 0,
          "[{'op':'replace','path':'/spec/http/0/route/0/weight','value':60},"
          "{'op':'replace','path':'/spec/http/0/route/1/weight','value':40}]",
          "40% instead of 25%" },
        { 0, "[{'op':'remove','path':'/spec/http/0/route/1'}]", "target destination is no longer" },
        { 0, "[{'op':'replace','path':'/spec/http/0/route/0/destination/host','value':'x'}]",
          "destinations are no longer" },
        { 0, "[{'op':'replace','path':'/spec/http','value':[]}]", "http route primary is gone" },
        { 1, "[{'op':'replace','path':'/spec/rules/1/backendRefs/0/weight','value':0}]",
          "100% instead of 25%" },
        { 1, "[{'op':'replace','path':'/spec/rules/1/backendRefs/1/name','value':'x'}]",
          "target destination is no longer" },
        { 2,
          "[{'op':'replace',"
          "'path':'/metadata/annotations/nginx.ingress.kubernetes.io~1canary-weight',"
          "'value':'90'}]",
          "90% instead of 25%" },
        { 2,
          "[{'op':'replace','path':'/metadata/annotations/nginx.ingress.kubernetes.io~1canary',"
          "'value':'false'}]",
          "no longer marked" },
        { 2, "[{'op':'replace','path':'/spec/rules/0/host','value':'other'}]",
          "rules of the canary" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct world w;
        struct cf_router_reading r;
        setup(&w, &types[cases[i].type]);
        forward(&w, 25, "f1");
        edit(&w, cases[i].edit);
        cf_fake_kube_log_reset(w.fake);
        assert_int_equal(try_forward(&w, &w.grip, 25, 50, "f2", &r), CF_ROUTER_DRIFTED);
        assert_int_equal(cf_fake_kube_writes(w.fake), 0);
        if (!strstr(r.what, cases[i].what) || !strstr(r.who, "kubectl-edit"))
            fail_msg("case %zu: %s by %s", i, r.what, r.who);
        teardown(&w);
    }
}

static void weights_of_others_do_not_stop_a_rollback(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world w;
        struct cf_router_reading r;
        setup(&w, &types[i]);
        forward(&w, 25, "f1");
        cf_autojson json_t *document = prepare(&w, "gate");
        edit(&w, i == 0
                     ? "[{'op':'replace','path':'/spec/http/0/route/1/weight','value':90}]"
                     : "[{'op':'replace','path':'/spec/rules/1/backendRefs/1/weight','value':90}]");
        assert_int_equal(try_rollback(&w, document, &r), CF_ROUTER_OURS);
        assert_int_equal(weight_now(&w), 0);
        teardown(&w);
    }
}

/* Somebody puts a route in front, or swaps our two: the same destinations elsewhere. */
static void a_moved_route_is_found_again(void **state)
{
    (void)state;
    static const struct {
        int type;
        const char *edit;
    } moves[] = {
        { 0, "[{'op':'add','path':'/spec/http/0','value':{'name':'new','route':[{'destination':{"
             "'host':'x'}}]}}]" },
        { 0, "[{'op':'move','from':'/spec/http/0/route/1','path':'/spec/http/0/route/0'}]" },
        { 0, "[{'op':'replace','path':'/spec/http/0/name','value':'renamed'}]" },
        { 0, "[{'op':'add','path':'/spec/http/0/route/0','value':{'destination':{"
             "'host':'third'},'weight':0}}]" },
        { 1, "[{'op':'move','from':'/spec/rules/1','path':'/spec/rules/0'}]" },
        { 1, "[{'op':'replace','path':'/spec/rules/1/matches','value':[{'path':{"
             "'type':'PathPrefix','value':'/v2'}}]}]" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(moves); i++) {
        struct world w;
        struct cf_router_reading r;
        setup(&w, &types[moves[i].type]);
        forward(&w, 25, "f1");
        cf_autojson json_t *document = prepare(&w, "gate");
        struct intruder in = { .w = &w, .left = 1, .patch = moves[i].edit };
        cf_fake_kube_hook(w.fake, intrude, &in);
        assert_int_equal(try_forward(&w, &w.grip, 25, 50, "f2", &r), CF_ROUTER_OURS);
        assert_int_equal(in.left, 0);
        assert_int_equal(weight_now(&w), 50);
        assert_int_equal(try_rollback(&w, document, &r), CF_ROUTER_OURS);
        assert_int_equal(weight_now(&w), 0);
        cf_fake_kube_hook(w.fake, NULL, NULL);
        teardown(&w);
    }
}

static void a_route_that_never_rests_is_moved(void **state)
{
    (void)state;
    struct world w;
    struct cf_router_reading r;
    setup(&w, &types[0]);
    struct intruder in = { .w = &w,
                           .left = 100,
                           .patch =
                               "[{'op':'add','path':'/spec/http/0','value':{'name':'n','route':["
                               "{'destination':{'host':'x'}}]}}]" };
    cf_fake_kube_hook(w.fake, intrude, &in);
    assert_int_equal(try_forward(&w, &w.grip, 0, 50, "f2", &r), CF_ROUTER_MOVED);
    cf_fake_kube_hook(w.fake, NULL, NULL);
    assert_int_equal(weight_now(&w), 0);
    teardown(&w);
}

static void a_refusal_by_others_is_an_error(void **state)
{
    (void)state;
    struct world w;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    setup(&w, &types[0]);
    struct cf_fake_fault webhook = {
        .method = "PATCH", .times = 9, .status = 422, .reason = "Invalid"
    };
    cf_fake_kube_fail(w.fake, &webhook);
    assert_fails(cf_router_forward(w.kube, NULL, w.baseline, &w.grip, 0, 50, "f2", &r, &err), &err,
                 CF_ERR_INVALID, NULL);
    teardown(&w);
    setup(&w, &types[0]);
    struct cf_fake_fault denied = {
        .method = "PATCH", .times = 1, .status = 403, .reason = "Forbidden"
    };
    cf_fake_kube_fail(w.fake, &denied);
    assert_fails(cf_router_forward(w.kube, NULL, w.baseline, &w.grip, 0, 50, "f2", &r, &err), &err,
                 CF_ERR_DENIED, NULL);
    teardown(&w);
}

static void a_new_object_under_the_name(void **state)
{
    (void)state;
    struct world w;
    struct cf_router_reading r;
    setup(&w, &types[0]);
    cf_autojson json_t *document = prepare(&w, "gate");
    cf_autojson json_t *object = peek(&w);
    cf_json_put_take(object, json_string("another"), "metadata", "uid", NULL);
    cf_fake_kube_remove(w.fake, w.api_version, w.kind, "shop", w.name);
    cf_fake_kube_put_json(w.fake, object);
    assert_int_equal(try_forward(&w, &w.grip, 0, 25, "f1", &r), CF_ROUTER_DRIFTED);
    assert_non_null(strstr(r.what, "made again"));
    assert_int_equal(try_rollback(&w, document, &r), CF_ROUTER_DRIFTED);
    touch(&w, &w.grip, CF_ROUTER_DRIFTED);
    teardown(&w);
}

/* Two runs on two routes of one VirtualService. */
static void two_runs_on_one_object(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    struct cf_fake_kube *fake = cf_fake_kube_new();
    struct cf_kube *kube = cf_fake_kube_client(fake, "dc1");
    struct cf_router_target ta = router(VS, "a", NULL, "new-a"),
                            tb = router(VS, "b", NULL, "new-b");
    struct cf_router_grip ga = a_grip(), gb = a_grip();
    snprintf(gb.run, sizeof gb.run, OTHER_RUN);
    cf_autojson json_t *object = js(
        "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'web',"
        "'namespace':'shop','uid':'u'},'spec':{'hosts':['h'],'gateways':['g'],'http':[{"
        "'name':'a','route':[{'destination':{'host':'a'}}]},{'name':'b','route':[{'destination':{"
        "'host':'b'}}]}]}}");
    cf_autojson json_t *a = baseline_of(&ta, object);
    cf_autojson json_t *b = baseline_of(&tb, object);
    cf_fake_kube_put_json(fake, object);
    assert_ok(cf_router_adopt(kube, NULL, a, &ga, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_ok(cf_router_adopt(kube, NULL, b, &gb, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_ok(cf_router_forward(kube, NULL, a, &ga, 0, 25, "fa", &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_ok(cf_router_forward(kube, NULL, b, &gb, 0, 75, "fb", &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_ok(cf_router_restore(kube, NULL, a, &ga, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_ok(cf_router_read(kube, NULL, b, &gb, 75, &r, NULL, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    cf_kube_unref(kube);
    cf_fake_kube_free(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drift_names_who_and_what),
        cmocka_unit_test(weights_of_others_do_not_stop_a_rollback),
        cmocka_unit_test(a_moved_route_is_found_again),
        cmocka_unit_test(a_route_that_never_rests_is_moved),
        cmocka_unit_test(a_refusal_by_others_is_an_error),
        cmocka_unit_test(a_new_object_under_the_name),
        cmocka_unit_test(two_runs_on_one_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
