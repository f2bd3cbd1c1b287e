/* SPDX-License-Identifier: Apache-2.0 */
/* Proves how a run takes a router and leaves it: find with what lies beside, adopt against others,
 * restore to the letter, switch and release after commit. */
#include "tests/unit/lb/world.h"

static void find(struct cf_fake_kube *fake, const struct cf_router_target *t,
                 struct cf_router_view *v)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube *kube = cf_fake_kube_client(fake, "dc1");
    assert_ok(cf_router_find(kube, NULL, t, v, &err), &err);
    cf_kube_unref(kube);
}

static void a_missing_router(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fake_kube *fake = cf_fake_kube_new();
    struct cf_kube *kube = cf_fake_kube_client(fake, "dc1");
    struct cf_router_view v = { 0 };
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++) {
        struct cf_router_target t = router(types[i].type, NULL, NULL, NULL);
        assert_fails(cf_router_find(kube, NULL, &t, &v, &err), &err, CF_ERR_NOT_FOUND, "shop/web");
    }
    cf_fake_kube_forget_group(fake, "networking.istio.io");
    struct cf_router_target t = router(VS, NULL, NULL, NULL);
    assert_fails(cf_router_find(kube, NULL, &t, &v, &err), &err, CF_ERR_NOT_FOUND,
                 "VirtualService shop/web");
    cf_kube_unref(kube);
    cf_fake_kube_free(fake);
}

static void what_lies_beside_is_read(void **state)
{
    (void)state;
    struct cf_fake_kube *fake = cf_fake_kube_new();
    struct cf_router_target t = router(VS, "p", NULL, NULL);
    cf_autojson json_t *root = js(
        "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'web',"
        "'namespace':'shop'},'spec':{'hosts':['h'],'gateways':['mesh'],'http':[{'name':'p',"
        "'delegate':{'name':'inner','namespace':'team'}}]}}");
    cf_autojson json_t *inner = js(
        "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'inner',"
        "'namespace':'team'},'spec':{'http':[{'route':[{'destination':{'host':'web'}}]}]}}");
    cf_autojson json_t *peer =
        js("{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'b',"
           "'namespace':'shop'},'spec':{'hosts':['h']}}");
    cf_fake_kube_put_json(fake, root);
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v = { 0 };
    find(fake, &t, &v);
    assert_true(cf_problems_has(&v.problems, "delegate-missing"));

    cf_fake_kube_put_json(fake, inner);
    CF_CLEANUP(cf_router_view_free) struct cf_router_view w = { 0 };
    find(fake, &t, &w);
    assert_false(cf_problems_block(&w.problems));
    assert_string_equal(w.name, "inner");

    cf_fake_kube_put_json(fake, peer);
    CF_CLEANUP(cf_router_view_free) struct cf_router_view x = { 0 };
    find(fake, &t, &x);
    assert_true(cf_problems_has(&x.problems, "host-shared"));

    struct cf_fake_fault denied = { .method = "GET",
                                    .path_part = "virtualservices?",
                                    .times = 2, /* a refusal is looked at twice */
                                    .status = 403,
                                    .reason = "Forbidden" };
    cf_fake_kube_fail(fake, &denied);
    CF_CLEANUP(cf_router_view_free) struct cf_router_view y = { 0 };
    find(fake, &t, &y);
    assert_true(cf_problems_has(&y.problems, "peers-not-read"));
    cf_fake_kube_free(fake);
}

/* A client of a fake with the usual object of a type, its baseline stored, nothing written yet. */
static void unadopted(struct world *w, const struct type_row *row)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(row->type, row->route, NULL, row->target);
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v = { 0 };
    *w = (struct world){
        .grip = a_grip(), .api_version = row->api_version, .kind = row->kind, .name = row->name
    };
    w->fake = cf_fake_kube_new();
    w->kube = cf_fake_kube_client(w->fake, "dc1");
    cf_autojson json_t *object = js(row->object);
    cf_fake_kube_put_json(w->fake, object);
    assert_ok(cf_router_find(w->kube, NULL, &t, &v, &err), &err);
    w->baseline = cf_router_baseline(&t, &v, &err);
    assert_non_null(w->baseline);
}

static void adopt(struct world *w, enum cf_router_state want)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    assert_ok(cf_router_adopt(w->kube, NULL, w->baseline, &w->grip, &r, &err), &err);
    assert_state(&r, want);
}

static void a_lost_adoption_is_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++) {
        struct world w;
        unadopted(&w, &types[i]);
        struct cf_fake_fault lost = { .method = types[i].type == ING ? "POST" : "PATCH",
                                      .times = 1,
                                      .kind = CF_ERR_UNKNOWN,
                                      .after = true };
        cf_fake_kube_fail(w.fake, &lost);
        cf_fake_kube_log_reset(w.fake);
        adopt(&w, CF_ROUTER_OURS);
        assert_int_equal(cf_fake_kube_writes(w.fake), 1);
        teardown(&w);
    }
}

static void the_next_owner_adopts_under_the_same_intent(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++) {
        struct world w;
        struct cf_error err = CF_ERROR_INIT;
        struct cf_router_reading r;
        unadopted(&w, &types[i]);
        adopt(&w, CF_ROUTER_OURS);
        w.grip.epoch = 8;
        struct cf_fake_fault lost = {
            .method = "PATCH", .times = 1, .kind = CF_ERR_UNKNOWN, .after = true
        };
        cf_fake_kube_fail(w.fake, &lost);
        assert_ok(cf_router_adopt(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
        assert_state(&r, CF_ROUTER_OURS);
        assert_int_equal(r.epoch, 8);
        w.grip.epoch = 7;
        adopt(&w, CF_ROUTER_FENCED);
        teardown(&w);
    }
}

static void adoption_meets_other_writers(void **state)
{
    (void)state;
    struct world w;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    unadopted(&w, &types[0]);
    struct intruder in = { .w = &w,
                           .left = 2,
                           .patch = "[{'op':'add','path':'/metadata/labels','value':{'a':'b'}}]" };
    cf_fake_kube_hook(w.fake, intrude, &in);
    adopt(&w, CF_ROUTER_OURS);
    cf_fake_kube_hook(w.fake, NULL, NULL);
    teardown(&w);

    unadopted(&w, &types[0]);
    struct cf_fake_fault webhook = {
        .method = "PATCH", .times = 9, .status = 422, .reason = "Invalid"
    };
    cf_fake_kube_fail(w.fake, &webhook);
    assert_fails(cf_router_adopt(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err, CF_ERR_INVALID,
                 "take VirtualService");
    teardown(&w);
}

static void adoption_refuses_what_is_not_the_baseline(void **state)
{
    (void)state;
    struct world w;
    unadopted(&w, &types[0]);
    edit(&w, "[{'op':'replace','path':'/spec/http/0/route/0/destination/host','value':'x'}]");
    adopt(&w, CF_ROUTER_DRIFTED);
    teardown(&w);

    unadopted(&w, &types[0]);
    cf_fake_kube_remove(w.fake, w.api_version, w.kind, "shop", w.name);
    adopt(&w, CF_ROUTER_DRIFTED);
    teardown(&w);

    unadopted(&w, &types[0]);
    edit(&w,
         "[{'op':'add','path':'/metadata/annotations','value':{'crossfade.dev/run.a':'" OTHER_RUN
         "'}}]");
    adopt(&w, CF_ROUTER_FENCED);
    teardown(&w);

    unadopted(&w, &types[2]);
    cf_autojson json_t *theirs = js(ING_ONE);
    cf_json_put_take(theirs, json_string("web-crossfade"), "metadata", "name", NULL);
    cf_json_put_take(theirs, json_string("u9"), "metadata", "uid", NULL);
    cf_fake_kube_put_json(w.fake, theirs);
    adopt(&w, CF_ROUTER_DRIFTED);
    teardown(&w);

    unadopted(&w, &types[2]);
    cf_fake_kube_remove(w.fake, "networking.k8s.io/v1", "Ingress", "shop", "web");
    cf_autojson json_t *again = js(ING_ONE);
    cf_json_put_take(again, json_string("u8"), "metadata", "uid", NULL);
    cf_fake_kube_put_json(w.fake, again);
    adopt(&w, CF_ROUTER_DRIFTED);
    teardown(&w);
}

static json_t *without_server_metadata(json_t *object_taken)
{
    static const char *const members[] = { "resourceVersion", "generation", "managedFields",
                                           "creationTimestamp" };
    for (size_t i = 0; i < CF_ARRAY_LEN(members); i++)
        cf_json_del(object_taken, "metadata", members[i], NULL);
    if (json_object_size(cf_json_at(object_taken, "metadata", "annotations", NULL)) == 0)
        cf_json_del(object_taken, "metadata", "annotations", NULL);
    return object_taken;
}

static void restored_to_the_letter(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++) {
        struct world w;
        struct cf_error err = CF_ERROR_INIT;
        struct cf_router_reading r;
        unadopted(&w, &types[i]);
        cf_autojson json_t *before = without_server_metadata(
            cf_fake_kube_peek(w.fake, w.api_version, w.kind, "shop", "web"));
        adopt(&w, CF_ROUTER_OURS);
        forward(&w, 25, "f1");
        struct cf_fake_fault lost = { .method = types[i].type == ING ? "DELETE" : "PATCH",
                                      .times = 1,
                                      .kind = CF_ERR_UNKNOWN,
                                      .after = true };
        cf_fake_kube_fail(w.fake, &lost);
        assert_ok(cf_router_restore(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
        assert_state(&r, CF_ROUTER_OURS);
        cf_autojson json_t *after = without_server_metadata(
            cf_fake_kube_peek(w.fake, w.api_version, w.kind, "shop", "web"));
        assert_true(json_equal(before, after));
        assert_int_equal(cf_fake_kube_count(w.fake), 2);
        teardown(&w);
    }
}

static void restore_reports_what_it_cannot_give_back(void **state)
{
    (void)state;
    struct world w;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    setup(&w, &types[0]);
    edit(&w, "[{'op':'replace','path':'/spec/http','value':[]}]");
    assert_ok(cf_router_restore(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_DRIFTED);
    teardown(&w);
}

/* Somebody else's edits beside ours survive a restore. */
static void restore_leaves_others_alone(void **state)
{
    (void)state;
    struct world w;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    setup(&w, &types[0]);
    forward(&w, 25, "f1");
    edit(&w, "[{'op':'add','path':'/spec/http/0/timeout','value':'5s'},{'op':'add',"
             "'path':'/spec/http/0/route/0','value':{'destination':{'host':'third'},'weight':7}},"
             "{'op':'add','path':'/metadata/annotations/team','value':'x'}]");
    assert_ok(cf_router_restore(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    cf_autojson json_t *after = peek(&w);
    assert_json(
        cf_json_at(after, "spec", "http", NULL),
        "[{'name':'primary','timeout':'5s','route':[{'destination':{'host':'third'},'weight':7},"
        "{'destination':{'host':'web','port':{'number':80}}}]}]");
    assert_string_equal(annotation_of(after, "team"), "x");
    teardown(&w);
}

static json_t *keeper_of(const struct world *w)
{
    return cf_fake_kube_peek(w->fake, w->api_version, "Ingress", "shop", "web-crossfade-keeper");
}

static void after_commit(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++) {
        struct world w;
        struct cf_error err = CF_ERROR_INIT;
        struct cf_router_reading r;
        setup(&w, &types[i]);
        forward(&w, 100, "f1");
        assert_ok(cf_router_set_arm(w.kube, NULL, w.baseline, &w.grip, "", "d1", &r, &err), &err);
        for (int twice = 0; twice < 2; twice++) {
            assert_ok(cf_router_switch(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
            assert_state(&r, CF_ROUTER_OURS);
        }
        for (int twice = 0; twice < 2; twice++) {
            assert_ok(cf_router_retire(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
            assert_state(&r, CF_ROUTER_OURS);
        }
        for (int twice = 0; twice < 2; twice++) {
            assert_ok(cf_router_release(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
            assert_state(&r, CF_ROUTER_OURS);
        }
        cf_autojson json_t *now = peek(&w);
        if (types[i].type == ING) {
            assert_null(now);
        } else {
            cf_autofree char *text = cf_json_dump(now);
            assert_null(strstr(text, "crossfade.dev/"));
            assert_non_null(strstr(text, "\"weight\":100"));
        }
        teardown(&w);
    }
}

/* The order in which an Ingress ends: the source stays named until its old readers have gone. */
static void an_ingress_ends(void **state)
{
    (void)state;
    struct world w;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    setup(&w, &types[2]);
    forward(&w, 100, "f1");
    assert_ok(cf_router_set_arm(w.kube, NULL, w.baseline, &w.grip, "", "d1", &r, &err), &err);
    assert_fails(cf_router_retire(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err,
                 CF_ERR_CONFLICT, "canary stays");
    assert_fails(cf_router_release(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err,
                 CF_ERR_CONFLICT, "canary stays");

    /* The keeper is there before the backend changes. */
    struct cf_fake_fault refused = { .method = "PATCH", .times = 1, .kind = CF_ERR_DENIED };
    cf_fake_kube_fail(w.fake, &refused);
    assert_fails(cf_router_switch(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err, CF_ERR_DENIED,
                 "switch the backend");
    cf_autojson json_t *keeper = keeper_of(&w);
    assert_string_equal(annotation_of(keeper, "nginx.ingress.kubernetes.io/canary"), "true");
    assert_json(cf_json_at(keeper, "spec", "rules", NULL),
                "[{'host':'" RUN ".crossfade.invalid','http':{'paths':[{'path':'/0','pathType':"
                "'Exact','backend':{'service':{'name':'web','port':{'number':80}}}}]}}]");

    assert_ok(cf_router_switch(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
    assert_ok(cf_router_retire(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
    cf_autojson json_t *canary = peek(&w), *kept = keeper_of(&w);
    assert_null(canary);
    assert_non_null(kept);
    cf_autojson json_t *main_object =
        cf_fake_kube_peek(w.fake, w.api_version, "Ingress", "shop", "web");
    cf_autofree char *text = cf_json_dump(main_object);
    assert_non_null(strstr(text, "\"name\":\"web-crossfade\",\"port\":{\"number\":80}"));

    assert_ok(cf_router_release(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
    cf_autojson json_t *gone = keeper_of(&w);
    assert_null(gone);
    teardown(&w);
}

/* Somebody else's Ingress under the keeper's name is not used, not changed and not deleted. */
static void a_keeper_of_somebody_else(void **state)
{
    (void)state;
    struct world w;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    setup(&w, &types[2]);
    cf_autojson json_t *theirs =
        js("{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'namespace':'shop',"
           "'name':'web-crossfade-keeper'},'spec':{}}");
    cf_fake_kube_put_json(w.fake, theirs);
    assert_ok(cf_router_switch(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_DRIFTED);
    assert_non_null(strstr(r.what, "web-crossfade-keeper exists and is not ours"));
    teardown(&w);
}

static void a_switch_meets_other_writers(void **state)
{
    (void)state;
    struct world w;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    setup(&w, &types[2]);
    struct cf_fake_fault lost = {
        .method = "PATCH", .times = 1, .kind = CF_ERR_UNKNOWN, .after = true
    };
    cf_fake_kube_fail(w.fake, &lost);
    cf_fake_kube_log_reset(w.fake);
    assert_ok(cf_router_switch(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_OURS);
    assert_int_equal(cf_fake_kube_writes(w.fake), 2); /* the keeper, and the backend once */
    teardown(&w);

    setup(&w, &types[2]);
    w.name = "web";
    edit(&w, "[{'op':'replace','path':'/spec/rules/0/http/paths/0/backend/service/name',"
             "'value':'else'}]");
    assert_ok(cf_router_switch(w.kube, NULL, w.baseline, &w.grip, &r, &err), &err);
    assert_state(&r, CF_ROUTER_DRIFTED);
    teardown(&w);
}

static void accepted_in_a_cluster(void **state)
{
    (void)state;
    struct world w;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_acceptance a;
    setup(&w, &types[1]);
    assert_ok(cf_router_accepted(w.kube, NULL, w.baseline, &a, &err), &err);
    assert_false(a.accepted);
    cf_fake_kube_remove(w.fake, w.api_version, w.kind, "shop", w.name);
    assert_ok(cf_router_accepted(w.kube, NULL, w.baseline, &a, &err), &err);
    assert_true(a.refused);
    teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_router),
        cmocka_unit_test(what_lies_beside_is_read),
        cmocka_unit_test(a_lost_adoption_is_read_back),
        cmocka_unit_test(the_next_owner_adopts_under_the_same_intent),
        cmocka_unit_test(adoption_meets_other_writers),
        cmocka_unit_test(adoption_refuses_what_is_not_the_baseline),
        cmocka_unit_test(restored_to_the_letter),
        cmocka_unit_test(restore_reports_what_it_cannot_give_back),
        cmocka_unit_test(restore_leaves_others_alone),
        cmocka_unit_test(after_commit),
        cmocka_unit_test(an_ingress_ends),
        cmocka_unit_test(a_keeper_of_somebody_else),
        cmocka_unit_test(a_switch_meets_other_writers),
        cmocka_unit_test(accepted_in_a_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
