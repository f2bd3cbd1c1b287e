/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what inspection finds and refuses in VirtualServices, and every patch of the protocol on
 * one, to the letter. */
#include "tests/unit/lb/fixtures.h"

#define HEAD                                                                                       \
    "'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'web',"      \
    "'namespace':'shop','uid':'u','resourceVersion':'1'}"
#define VS_OF(spec) "{" HEAD ",'spec':{'hosts':['h'],'gateways':['g']," spec "}}"
#define D(host)     "{'destination':{'host':'" host "'}}"
#define DW(host, w) "{'destination':{'host':'" host "'},'weight':" w "}"

struct seen {
    const char *object, *route, *source, *target;
    const char *blocker; /* code of the first, or NULL */
    const char *key;     /* of the route */
    int share, weight, others;
};

static const struct seen cases[] = {
    /* found */
    { VS_OF("'http':[{'route':[" D("web") "]}]"), NULL, NULL, "new", NULL, "", 100, 0, 0 },
    { VS_OF("'http':[{'route':[" DW("web", "3") "]}]"), NULL, NULL, "new", NULL, "", 100, 0, 0 },
    { VS_OF("'http':[{'name':'p','route':[" D("web") "]}]"), "p", NULL, "new", NULL, "p", 100, 0,
      0 },
    { VS_OF("'http':[{'name':'a','route':[" D("x") "]},{'name':'p','route':[" D("web") "]}]"), "p",
      NULL, "new", NULL, "p", 100, 0, 0 },
    { VS_OF("'http':[{'name':'a','route':[" D("x") "]},{'name':'p','route':[" D("web") "]}]"), NULL,
      "web", "new", NULL, "p", 100, 0, 0 },
    { VS_OF("'http':[{'route':[" DW("web", "100") "," DW("new", "0") "]}]"), NULL, NULL, "new",
      NULL, "", 100, 0, 0 },
    { VS_OF("'http':[{'route':[" DW("web", "75") "," DW("new", "25") "]}]"), NULL, NULL, "new",
      NULL, "", 100, 25, 0 },
    { VS_OF("'http':[{'route':[" D("new") "," DW("web", "100") "]}]"), NULL, NULL, "new", NULL, "",
      100, 0, 0 },
    { VS_OF("'http':[{'route':[" DW("web", "80") "," DW("other", "20") "]}]"), NULL, "web", "new",
      NULL, "", 80, 0, 20 },
    { VS_OF("'http':[{'route':[" DW("web", "60") "," DW("new", "20") "," DW("other", "20") "]}]"),
      NULL, "web", "new", NULL, "", 80, 25, 20 },
    { VS_OF("'http':[{'route':[" DW("web", "100") "," D("other") "]}]"), NULL, "web", "new", NULL,
      "", 100, 0, 0 },
    { VS_OF("'http':[{'route':[" DW("web.shop.remote", "50") "," DW("web", "50") "]}]"), NULL,
      "web", "web.shop.remote", NULL, "", 100, 50, 0 },
    /* refused */
    { VS_OF("'http':[{'route':[" D("web") "]}]"), NULL, "web", "web", "same-destination", NULL, 0,
      0, 0 },
    { VS_OF("'tcp':[{'route':[]}]"), NULL, NULL, "new", "not-supported", NULL, 0, 0, 0 },
    { VS_OF("'tls':[{'route':[]}]"), NULL, NULL, "new", "not-supported", NULL, 0, 0, 0 },
    { VS_OF("'http':[]"), NULL, NULL, "new", "no-routes", NULL, 0, 0, 0 },
    { VS_OF("'http':[{'name':'primary','route':[" D("web") "]}]"), "primry", NULL, "new",
      "route-not-found", NULL, 0, 0, 0 },
    { VS_OF("'http':[{'route':[" D("web") "]},{'route':[" D("web") "]}]"), NULL, "web", "new",
      "route-ambiguous", NULL, 0, 0, 0 },
    { VS_OF("'http':[{'route':[" D("a") "]},{'route':[" D("b") "]}]"), NULL, NULL, "new",
      "route-ambiguous", NULL, 0, 0, 0 },
    { VS_OF("'http':[{'route':[" D("a") "]},{'route':[" D("b") "]}]"), NULL, "web", "new",
      "route-ambiguous", NULL, 0, 0, 0 },
    { VS_OF("'http':[{'route':[" DW("a", "50") "," DW("b", "50") "]}]"), NULL, NULL, "new",
      "source-ambiguous", NULL, 0, 0, 0 },
    { VS_OF("'http':[{'route':[" D("a") "]}]"), NULL, "web", "new", "source-not-found", NULL, 0, 0,
      0 },
    { VS_OF("'http':[{'route':[" D("web.elsewhere.svc.cluster.local") "]}]"), NULL, "web", "new",
      "source-not-found", NULL, 0, 0, 0 },
    { VS_OF("'http':[{'redirect':{'uri':'/'}}]"), NULL, NULL, "new", "no-destinations", NULL, 0, 0,
      0 },
    { VS_OF("'http':[{'route':[" DW("web", "50") "," DW("web", "50") "]}]"), NULL, "web", "new",
      "destination-twice", NULL, 0, 0, 0 },
    { VS_OF("'http':[{'route':[" DW("web", "0") "," DW("other", "100") "]}]"), NULL, "web", "new",
      "no-weight", "", 0, -1, 100 },
    { VS_OF("'http':[{'route':[" D("web") "," D("other") "]}]"), NULL, "web", "new", "no-weight",
      "", 100, -1, 0 },
    { VS_OF("'http':[{'route':[" DW("web", "0") "," DW("new", "100") "]}]"), NULL, "web", "new",
      "already-shifted", "", 100, 100, 0 },
    { VS_OF("'http':[{'route':[" DW("web", "2") "," DW("new", "1") "]}]"), NULL, "web", "new",
      "weight-not-expressible", "", 100, -1, 0 },
    { VS_OF("'http':[{'route':[" D("web") "]}]"), NULL, NULL, "web", "same-destination", NULL, 0, 0,
      0 },
    { VS_OF("'http':[{'delegate':{'name':'other'}}]"), NULL, NULL, "new", "delegate-missing", NULL,
      0, 0, 0 },
};

static void inspection(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        const struct seen *c = &cases[i];
        struct cf_router_target t = router(VS, c->route, c->source, c->target);
        cf_autojson json_t *object = js(c->object);
        struct cf_router_objects o = { .object = object };
        CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
        cf_router_inspect(&t, &o, &v);
        const struct cf_problem *b = cf_problems_first_blocker(&v.problems);
        if ((b == NULL) != (c->blocker == NULL) || (b && strcmp(b->code, c->blocker) != 0))
            fail_msg("case %zu: blocker %s, not %s", i, b ? b->code : "none",
                     c->blocker ? c->blocker : "none");
        if (!c->key)
            continue;
        assert_true(v.located);
        assert_string_equal(v.route_key, c->key);
        if (v.share != c->share || v.weight != c->weight || v.others_weight != c->others)
            fail_msg("case %zu: share %d weight %d others %d", i, v.share, v.weight,
                     v.others_weight);
    }
}

static void a_missing_name_is_suggested(void **state)
{
    (void)state;
    struct cf_router_target t = router(VS, "primry", NULL, NULL);
    cf_autojson json_t *object = js(VS_LONE);
    struct cf_router_objects o = { .object = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(&t, &o, &v);
    assert_non_null(
        strstr(cf_problems_first_blocker(&v.problems)->text, "did you mean \"primary\"?"));
}

static void a_router_that_is_not_there(void **state)
{
    (void)state;
    for (int type = 0; type < CF_ROUTER_TYPES; type++) {
        struct cf_router_target t = router((enum cf_router_type)type, NULL, NULL, NULL);
        struct cf_router_objects o = { 0 };
        CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
        cf_router_inspect(&t, &o, &v);
        assert_string_equal(cf_problems_first_blocker(&v.problems)->code, "not-found");
    }
}

static void who_else_steers(void **state)
{
    (void)state;
    static const struct {
        const char *metadata, *code;
        bool blocks;
    } owners[] = {
        { "{'ownerReferences':[{'apiVersion':'flagger.app/v1beta1','kind':'Canary','name':'web'}]}",
          "owned-by-flagger", true },
        { "{'annotations':{'flagger.kubernetes.app/original-configuration':'{}'}}",
          "owned-by-flagger", true },
        { "{'labels':{'app.kubernetes.io/managed-by':'flagger'}}", "owned-by-flagger", true },
        { "{'ownerReferences':[{'apiVersion':'argoproj.io/v1alpha1','kind':'Rollout',"
          "'name':'web'}]}",
          "owned-by-argo-rollouts", true },
        { "{'annotations':{'argo-rollouts.argoproj.io/managed-by-rollouts':'x'}}",
          "owned-by-argo-rollouts", true },
        { "{'annotations':{'rollouts.kruise.io/original-spec-configuration':'{}'}}",
          "owned-by-kruise", true },
        { "{'annotations':{'argocd.argoproj.io/tracking-id':'x'}}", "gitops", false },
        { "{'labels':{'kustomize.toolkit.fluxcd.io/name':'x'}}", "gitops", false },
        { "{'annotations':{'crossfade.dev/run':'somebody'}}", "held", true },
        { "{'deletionTimestamp':'2026-11-21T10:00:00Z'}", "being-deleted", true },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(owners); i++) {
        struct cf_router_target t = router(VS, NULL, NULL, VS_TARGET);
        cf_autojson json_t *object = js(VS_LONE);
        cf_autojson json_t *metadata = js(owners[i].metadata);
        json_object_update(json_object_get(object, "metadata"), metadata);
        struct cf_router_objects o = { .object = object };
        CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
        cf_router_inspect(&t, &o, &v);
        if (!cf_problems_has(&v.problems, owners[i].code) ||
            cf_problems_block(&v.problems) != owners[i].blocks)
            fail_msg("case %zu", i);
    }
}

static void other_managers_labels_are_no_owners(void **state)
{
    (void)state;
    struct cf_router_target t = router(VS, NULL, NULL, VS_TARGET);
    cf_autojson json_t *object = js(VS_LONE);
    cf_json_put_take(object, json_string("Helm"), "metadata", "labels",
                     "app.kubernetes.io/managed-by", NULL);
    struct cf_router_objects o = { .object = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(&t, &o, &v);
    assert_int_equal(v.problems.count, 0);
}

#define DELEGATING                                                                                 \
    VS_OF("'http':[{'name':'p','delegate':{'name':'inner','namespace':'team'}},"                   \
          "{'name':'q','route':[" D("x") "]}]")

static void delegates_carry_the_weight(void **state)
{
    (void)state;
    char ns[CF_DEST_WORD_MAX], name[CF_DEST_NAME_MAX];
    struct cf_router_target t = router(VS, "p", NULL, "new.team.svc.cluster.local");
    cf_autojson json_t *root = js(DELEGATING);
    cf_autojson json_t *inner = js(
        "{'metadata':{'name':'inner','namespace':'team','uid':'ui'},'spec':{'http':[{'route':[" D(
            "web") "]}]}}");
    cf_autojson json_t *nested = js("{'metadata':{'name':'inner','namespace':'team'},'spec':{'http'"
                                    ":[{'delegate':{'name':'z'}}]}}");
    assert_true(cf_router_delegate_of(&t, root, ns, name));
    assert_string_equal(ns, "team");
    assert_string_equal(name, "inner");

    struct cf_router_objects o = { .object = root, .delegate = inner };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(&t, &o, &v);
    assert_false(cf_problems_block(&v.problems));
    assert_ptr_equal(v.object, inner);
    assert_string_equal(v.ns, "team");
    assert_string_equal(v.name, "inner");
    assert_string_equal(v.source.host, "web.team.svc.cluster.local");

    o.delegate = nested;
    CF_CLEANUP(cf_router_view_free) struct cf_router_view w;
    cf_router_inspect(&t, &o, &w);
    assert_true(cf_problems_has(&w.problems, "delegate-nested"));

    struct cf_router_target q = router(VS, "q", NULL, NULL);
    assert_false(cf_router_delegate_of(&q, root, ns, name));
}

static void the_same_host_twice(void **state)
{
    (void)state;
    static const struct {
        const char *gateways, *peer;
        bool said, blocks;
    } peers[] = {
        { "['g']", "{'metadata':{'name':'b'},'spec':{'hosts':['h'],'gateways':['g']}}", true,
          false },
        { "['g']", "{'metadata':{'name':'b'},'spec':{'hosts':['h'],'gateways':['other']}}", false,
          false },
        { "['g']", "{'metadata':{'name':'b'},'spec':{'hosts':['k'],'gateways':['g']}}", false,
          false },
        { "['g']", "{'metadata':{'name':'b'},'spec':{'hosts':['h']}}", false, false },
        { "['g']", "{'metadata':{'name':'web'},'spec':{'hosts':['h'],'gateways':['g']}}", false,
          false },
        { "['g','mesh']", "{'metadata':{'name':'b'},'spec':{'hosts':['h']}}", true, true },
        { "[]", "{'metadata':{'name':'b'},'spec':{'hosts':['x','h'],'gateways':['mesh']}}", true,
          true },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(peers); i++) {
        struct cf_router_target t = router(VS, NULL, NULL, "new");
        cf_autojson json_t *object = js(VS_OF("'http':[{'route':[" D("web") "]}]"));
        cf_json_put_take(object, js(peers[i].gateways), "spec", "gateways", NULL);
        cf_autojson json_t *list = json_array();
        json_array_append_new(list, js(peers[i].peer));
        struct cf_router_objects o = { .object = object, .peers = list };
        CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
        cf_router_inspect(&t, &o, &v);
        if (cf_problems_has(&v.problems, "host-shared") != peers[i].said ||
            cf_problems_block(&v.problems) != peers[i].blocks)
            fail_msg("case %zu", i);
    }
}

static void mesh_only_is_said(void **state)
{
    (void)state;
    struct cf_router_target t = router(VS, NULL, NULL, "new");
    cf_autojson json_t *object =
        js("{" HEAD ",'spec':{'hosts':['h'],'http':[{'route':[" D("web") "]}]}}");
    struct cf_router_objects o = { .object = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(&t, &o, &v);
    assert_true(cf_problems_has(&v.problems, "mesh-only"));
    assert_false(cf_problems_block(&v.problems));
}

static void slots_keep_runs_apart(void **state)
{
    (void)state;
    struct cf_router_target t = router(VS, "p", NULL, "new");
    cf_autojson json_t *object =
        js(VS_OF("'http':[{'name':'p','route':[" D("web") "]},{'name':'q','route':[" D("x") "]}]"));
    cf_json_put_take(object, json_string("another"), "metadata", "annotations",
                     "crossfade.dev/run.q", NULL);
    struct cf_router_objects o = { .object = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(&t, &o, &v);
    assert_false(cf_problems_block(&v.problems));
    assert_string_equal(v.slot, "p");
}

/* ---- patches ---- */

/* All operations but those on the restore mark, which has a nonce of its own. */
static json_t *without_restore(const json_t *patch)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(patch); i++)
        if (!strstr(cf_json_str(json_array_get(patch, i), "", "path", NULL),
                    "crossfade.dev~1restore"))
            json_array_append(out, json_array_get(patch, i));
    return out;
}

#define A "/metadata/annotations/crossfade.dev~1"
#define TEST_FENCE                                                                                 \
    "{'op':'test','path':'/metadata/uid','value':'u-vs'},{'op':'test','path':'" A                  \
    "run','value':'" RUN "'},"                                                                     \
    "{'op':'test','path':'" A "arm','value':'a1'}"
#define TEST_NAME "{'op':'test','path':'/spec/http/0/name','value':'primary'}"
#define TEST_SOURCE                                                                                \
    "{'op':'test','path':'/spec/http/0/route/0/"                                                   \
    "destination','value':{'host':'web','port':{'number':80}}}"
#define TARGET_DESTINATION "{'host':'web-crossfade.shop.svc.cluster.local','port':{'number':80}}"
#define TEST_TARGET                                                                                \
    "{'op':'test','path':'/spec/http/0/route/1/destination','value':" TARGET_DESTINATION "}"
#define WEIGHTS(s, t)                                                                              \
    "{'op':'add','path':'/spec/http/0/route/0/weight','value':" s "},"                             \
    "{'op':'add','path':'/spec/http/0/route/1/weight','value':" t "}"

static void golden_patches(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(VS, NULL, NULL, VS_TARGET);
    struct cf_router_grip g = a_grip();
    cf_autojson json_t *object = js(VS_LONE);
    cf_json_put_take(object, json_string("41"), "metadata", "resourceVersion", NULL);
    cf_autojson json_t *b = baseline_of(&t, object);

    cf_autojson json_t *adopt = cf_router_render_adopt(b, object, &g, &err);
    cf_autojson json_t *adopt_plain = without_restore(adopt);
    assert_json(
        adopt_plain,
        "[{'op':'test','path':'/metadata/uid','value':'u-vs'},"
        "{'op':'test','path':'/metadata/resourceVersion','value':'41'}," TEST_NAME "," TEST_SOURCE
        ","
        "{'op':'add','path':'/metadata/annotations','value':{}},"
        "{'op':'add','path':'" A "run','value':'" RUN "'},{'op':'add','path':'" A
        "epoch','value':'7'},"
        "{'op':'add','path':'" A "incarnation','value':'" INCARNATION "'},{'op':'add','path':'" A
        "arm','value':'a1'},"
        "{'op':'add','path':'" A "seq','value':'s1'},{'op':'add','path':'" A "want','value':'0'},"
        "{'op':'add','path':'" A "emergency','value':''},"
        "{'op':'add','path':'/spec/http/0/route/0/weight','value':100},"
        "{'op':'add','path':'/spec/http/0/route/-','value':{'destination':" TARGET_DESTINATION
        ",'weight':0}}]");

    cf_autojson json_t *adopted = patched(object, adopt);
    cf_autojson json_t *forward = cf_router_render_forward(b, adopted, &g, 25, "s2", &err);
    cf_autojson json_t *forward_plain = without_restore(forward);
    assert_json(forward_plain,
                "[" TEST_FENCE ",{'op':'test','path':'" A "seq','value':'s1'},"
                "{'op':'test','path':'" A "emergency','value':''}," TEST_NAME "," TEST_SOURCE
                "," TEST_TARGET
                "," WEIGHTS("75", "25") ",{'op':'add','path':'" A "want','value':'25'},"
                                        "{'op':'add','path':'" A "seq','value':'s2'}]");

    cf_autojson json_t *raised = patched(adopted, forward);
    cf_autojson json_t *document = cf_router_render_rollback(b, raised, &g, "gate", &err);
    cf_autojson json_t *back = cf_json_copy(json_object_get(document, "patch"));
    json_object_set_new(json_array_get(back, 9), "value", json_string("nonce"));
    assert_json(back,
                "[" TEST_FENCE "," TEST_NAME "," TEST_SOURCE "," TEST_TARGET
                "," WEIGHTS("100", "0") ","
                                        "{'op':'add','path':'" A
                                        "want','value':'0'},{'op':'add','path':'" A
                                        "seq','value':'nonce'},"
                                        "{'op':'add','path':'" A "emergency','value':'gate'}]");

    cf_autojson json_t *home = patched(raised, json_object_get(document, "patch"));
    struct cf_router_grip h = g;
    snprintf(h.seq, sizeof h.seq, "%s", cf_json_str(document, "", "seq", NULL));
    cf_autojson json_t *restore = cf_router_render_restore(b, home, &h, &err);
    cf_autojson json_t *restored = patched(home, restore);
    cf_json_put_take(object, json_object(), "metadata", "annotations", NULL);
    assert_true(json_equal(restored, object));
}

static void arming(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(VS, NULL, NULL, VS_TARGET);
    struct cf_router_grip g = a_grip();
    cf_autojson json_t *object = js(VS_LONE);
    cf_autojson json_t *b = baseline_of(&t, object);
    cf_autojson json_t *adopt = cf_router_render_adopt(b, object, &g, &err);
    cf_autojson json_t *o1 = patched(object, adopt);
    assert_non_null(strstr(annotation_of(o1, "crossfade.dev/restore"), "\"value\":\"a1\""));

    assert_null(cf_router_render_arm(b, o1, &g, "a2", "s2", &err));
    assert_fails(false, &err, CF_ERR_INVALID, "armed already");
    cf_autojson json_t *disarm = cf_router_render_arm(b, o1, &g, "", "s2", &err);
    cf_autojson json_t *o2 = patched(o1, disarm);
    assert_string_equal(annotation_of(o2, "crossfade.dev/arm"), "");
    assert_string_equal(annotation_of(o2, "crossfade.dev/restore"), "");
    snprintf(g.seq, sizeof g.seq, "s2");
    g.arm[0] = '\0';
    assert_null(cf_router_render_rollback(b, o2, &g, "gate", &err));
    assert_string_equal(err.reason, "not-armed");
    assert_fails(false, &err, CF_ERR_INVALID, "not safe");
    cf_autojson json_t *arm = cf_router_render_arm(b, o2, &g, "a3", "s3", &err);
    cf_autojson json_t *o3 = patched(o2, arm);
    assert_string_equal(annotation_of(o3, "crossfade.dev/arm"), "a3");
    assert_non_null(strstr(annotation_of(o3, "crossfade.dev/restore"), "\"value\":\"a3\""));
}

static void the_restore_mark_sends_traffic_back(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(VS, NULL, NULL, VS_TARGET);
    struct cf_router_grip g = a_grip();
    cf_autojson json_t *object = js(VS_LONE);
    cf_autojson json_t *b = baseline_of(&t, object);
    cf_autojson json_t *adopt = cf_router_render_adopt(b, object, &g, &err);
    cf_autojson json_t *o1 = patched(object, adopt);
    cf_autojson json_t *forward = cf_router_render_forward(b, o1, &g, 50, "s2", &err);
    cf_autojson json_t *o2 = patched(o1, forward);
    const char *text = annotation_of(o2, "crossfade.dev/restore");
    cf_autojson json_t *patch = cf_json_parse(text, strlen(text), 0, &err);
    cf_autojson json_t *o3 = patched(o2, patch);
    struct cf_router_reading r;
    cf_router_judge(b, o3, &g, -1, &r);
    assert_state(&r, CF_ROUTER_OVERTAKEN);
    assert_int_equal(r.weight, 0);
    assert_true(r.emergency);
    assert_string_equal(r.emergency_why, "kubectl");
    assert_int_equal(strncmp(r.seq, "kubectl-", 8), 0);

    char line[CF_ROUTER_LINE_MAX];
    assert_string_equal(cf_router_kubectl_line(b, line),
                        "kubectl --context dc1 -n shop patch virtualservices.networking.istio.io "
                        "web --type=json -p \"$(kubectl --context dc1 -n shop get "
                        "virtualservices.networking.istio.io web -o "
                        "jsonpath='{.metadata.annotations.crossfade\\.dev/restore}')\"");
    assert_string_equal(cf_baseline_text(b, line), "VirtualService shop/web route primary on dc1");
}

static void previews_need_no_marks(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(VS, NULL, NULL, VS_TARGET);
    cf_autojson json_t *object = js(VS_LONE);
    cf_autojson json_t *b = baseline_of(&t, object);
    cf_autojson json_t *preview = cf_router_render_preview(b, object, 40, &err);
    cf_autojson json_t *after = patched(object, preview);
    assert_json(cf_json_at(after, "spec", "http", NULL),
                "[{'name':'primary','route':[{'destination':{'host':'web','port':{'number':80}},'"
                "weight':60},"
                "{'destination':" TARGET_DESTINATION ",'weight':40}]}]");
    assert_null(cf_router_render_preview(b, object, 101, &err));
    assert_fails(false, &err, CF_ERR_INVALID, "no whole number");
}

static void what_the_source_entry_says_holds_for_the_target(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(VS, NULL, NULL, "new");
    struct cf_router_grip g = a_grip();
    cf_autojson json_t *object = js(VS_OF("'http':[{'route':[{'destination':{'host':'web'},"
                                          "'headers':{'request':{'set':{'x':'y'}}}}]}]"));
    cf_autojson json_t *b = baseline_of(&t, object);
    cf_autojson json_t *adopt = cf_router_render_adopt(b, object, &g, &err);
    cf_autojson json_t *after = patched(object, adopt);
    assert_json(
        json_array_get(
            cf_json_at(json_array_get(cf_json_at(after, "spec", "http", NULL), 0), "route", NULL),
            1),
        "{'destination':{'host':'new.shop.svc.cluster.local'},'headers':{'request':{'set':{'x':'y'}"
        "}},'weight':0}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inspection),
        cmocka_unit_test(a_missing_name_is_suggested),
        cmocka_unit_test(a_router_that_is_not_there),
        cmocka_unit_test(who_else_steers),
        cmocka_unit_test(other_managers_labels_are_no_owners),
        cmocka_unit_test(delegates_carry_the_weight),
        cmocka_unit_test(the_same_host_twice),
        cmocka_unit_test(mesh_only_is_said),
        cmocka_unit_test(slots_keep_runs_apart),
        cmocka_unit_test(golden_patches),
        cmocka_unit_test(arming),
        cmocka_unit_test(the_restore_mark_sends_traffic_back),
        cmocka_unit_test(previews_need_no_marks),
        cmocka_unit_test(what_the_source_entry_says_holds_for_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
