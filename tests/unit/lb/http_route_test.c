/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what inspection finds and refuses in HTTPRoutes, the patches on one, and when one counts
 * as accepted. */
#include "tests/unit/lb/fixtures.h"

#define ROUTE_OF(rules)                                                                            \
    "{'apiVersion':'gateway.networking.k8s.io/v1','kind':'HTTPRoute','metadata':{'name':'web',"    \
    "'namespace':'shop','uid':'u','resourceVersion':'1'},'spec':{'parentRefs':[{'name':'edge'}],'" \
    "rules':[" rules "]}}"
#define REF(name, w) "{'group':'','kind':'Service','name':'" name "','port':80,'weight':" w "}"
#define PATH(p)      "'matches':[{'path':{'type':'PathPrefix','value':'" p "'}}]"

struct seen {
    const char *object, *route, *source, *target, *blocker;
    int index; /* of the rule, where there is no blocker */
    int share, weight, others;
};

static const struct seen cases[] = {
    { ROUTE_OF("{'backendRefs':[" REF("web", "1") "]}"), NULL, NULL, "new:80", NULL, 0, 100, 0, 0 },
    { ROUTE_OF("{'backendRefs':[{'name':'web'}]}"), NULL, NULL, "new:80", NULL, 0, 100, 0, 0 },
    { ROUTE_OF("{'backendRefs':[" REF("web", "9") "," REF("new", "1") "]}"), NULL, NULL, "new:80",
      NULL, 0, 100, 10, 0 },
    { ROUTE_OF("{'backendRefs':[" REF("web", "50") "," REF("x", "50") "]}"), NULL, "web", "new:80",
      NULL, 0, 50, 0, 50 },
    { ROUTE_OF("{'backendRefs':[{'name':'web'},{'name':'x'}]}"), NULL, "web", "new:80", NULL, 0, 1,
      0, 1 },
    { ROUTE_OF("{" PATH("/a") ",'backendRefs':[" REF("a", "1") "]},{" PATH(
          "/b") ",'backendRefs':[" REF("web", "1") "]}"),
      "1", NULL, "new:80", NULL, 1, 100, 0, 0 },
    { ROUTE_OF("{" PATH("/a") ",'backendRefs':[" REF(
          "a", "1") "]},{'name':'mine','backendRefs':[" REF("web", "1") "]}"),
      "mine", NULL, "new:80", NULL, 1, 100, 0, 0 },
    { ROUTE_OF("{" PATH("/a") ",'backendRefs':[" REF("a", "1") "]},{" PATH(
          "/b") ",'backendRefs':[" REF("web", "1") "]}"),
      NULL, "web", "new:80", NULL, 1, 100, 0, 0 },
    { ROUTE_OF(
          "{'name':'1','backendRefs':[" REF("web", "1") "]},{'backendRefs':[" REF("a", "1") "]}"),
      "1", NULL, "new:80", NULL, 0, 100, 0, 0 },
    { ROUTE_OF("{'backendRefs':[{'name':'web','namespace':'other','port':80},{'name':'web','port':"
               "80}]}"),
      NULL, "web:80", "other/web:80", NULL, 0, 100, 50, 0 },
    { ROUTE_OF(""), NULL, NULL, "new:80", "no-routes", 0, 0, 0, 0 },
    { ROUTE_OF("{'backendRefs':[" REF("a", "1") "]}"), "1", NULL, "new:80", "route-not-found", 0, 0,
      0, 0 },
    { ROUTE_OF("{'backendRefs':[" REF("a", "1") "]}"), "nope", NULL, "new:80", "route-not-found", 0,
      0, 0, 0 },
    { ROUTE_OF("{'backendRefs':[" REF("web", "0") "]}"), NULL, NULL, "new:80", "no-weight", 0, 0, 0,
      0 },
    { ROUTE_OF("{'filters':[{'type':'RequestRedirect'}]}"), NULL, NULL, "new:80", "no-destinations",
      0, 0, 0, 0 },
    { ROUTE_OF("{'backendRefs':[" REF("web", "1") "]}"), NULL, "web:81", "new:80",
      "source-not-found", 0, 0, 0, 0 },
};

static void inspection(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        const struct seen *c = &cases[i];
        struct cf_router_target t = router(HR, c->route, c->source, c->target);
        cf_autojson json_t *object = js(c->object);
        struct cf_router_objects o = { .object = object };
        CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
        cf_router_inspect(&t, &o, &v);
        const struct cf_problem *b = cf_problems_first_blocker(&v.problems);
        if ((b == NULL) != (c->blocker == NULL) || (b && strcmp(b->code, c->blocker) != 0))
            fail_msg("case %zu: blocker %s, not %s", i, b ? b->code : "none",
                     c->blocker ? c->blocker : "none");
        if (!b && (v.route_index != c->index || v.share != c->share || v.weight != c->weight ||
                   v.others_weight != c->others))
            fail_msg("case %zu: rule %d share %d weight %d others %d", i, v.route_index, v.share,
                     v.weight, v.others_weight);
    }
}

static void rules_are_found_by_their_match(void **state)
{
    (void)state;
    struct cf_router_target t = router(HR, "1", NULL, HR_TARGET);
    cf_autojson json_t *object = js(HR_TWO);
    struct cf_router_objects o = { .object = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(&t, &o, &v);
    assert_int_equal(strncmp(v.route_key, "match:", 6), 0);
    assert_int_equal(strlen(v.route_key), 14);
    snprintf(t.route, sizeof t.route, "%s", v.route_key);
    CF_CLEANUP(cf_router_view_free) struct cf_router_view w;
    cf_router_inspect(&t, &o, &w);
    assert_true(w.located);
    assert_int_equal(w.route_index, 1);
}

static void rules_are_found_by_one_of_their_matches(void **state)
{
    (void)state;
    static const struct {
        const char *match;
        int index; /* -1: not found */
    } rows[] = {
        { "{'path':{'type':'PathPrefix','value':'/api'}}", 0 },
        { "{'path':{'value':'/api'}}", 0 },
        { "{'headers':[{'name':'x','value':'1'}]}", 1 },
        { "{'path':{'value':'/'},'headers':[{'value':'1','name':'x','type':'Exact'}]}", 1 },
        { "{'path':{'type':'Exact','value':'/api'}}", -1 },
        { "{'method':'GET'}", -1 },
    };
    cf_autojson json_t *object = js(ROUTE_OF("{" PATH("/api") ",'backendRefs':[" REF(
        "a", "1") "]},"
                  "{'matches':[{'path':{'type':'PathPrefix','value':'/"
                  "'},'headers':[{'type':'Exact','name':'x','value':'1'}]},"
                  "{'path':{'type':'PathPrefix','value':'/'},'method':'GET'}],'backendRefs':[" REF(
                      "b", "1") "]},"
                                "{'matches':[{'path':{'type':'PathPrefix','value':'/"
                                "'},'method':'GET'}],'backendRefs':[" REF("c", "1") "]}"));
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_router_target t = router(HR, NULL, NULL, NULL);
        struct cf_router_objects o = { .object = object };
        CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
        cf_autojson json_t *match = js(rows[i].match);
        cf_router_match_selector(match, t.route);
        cf_router_inspect(&t, &o, &v);
        if (v.located != (rows[i].index >= 0) || (v.located && v.route_index != rows[i].index))
            fail_msg("row %zu: located %d at %d", i, v.located, v.route_index);
    }
}

static void equal_matches_are_told_apart(void **state)
{
    (void)state;
    struct cf_router_target t = router(HR, NULL, "web", "new:80");
    cf_autojson json_t *object =
        js(ROUTE_OF("{'backendRefs':[" REF("a", "1") "]},{'backendRefs':[" REF("web", "1") "]}"));
    struct cf_router_objects o = { .object = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(&t, &o, &v);
    assert_string_equal(v.route_key, "#1");
}

static void what_is_said_beside(void **state)
{
    (void)state;
    static const struct {
        const char *object, *target, *code;
        bool blocks;
    } notes[] = {
        { "{'metadata':{'name':'web','namespace':'shop'},'spec':{'rules':[{'backendRefs':[" REF(
              "web", "1") "]}]}}",
          "new:80", "no-gateway", true },
        { ROUTE_OF("{'sessionPersistence':{},'backendRefs':[" REF("web", "1") "]}"), "new:80",
          "sticky-sessions", false },
        { ROUTE_OF("{'backendRefs':[" REF("web", "1") "]}"), "other/new:80", "other-namespace",
          false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(notes); i++) {
        struct cf_router_target t = router(HR, NULL, NULL, notes[i].target);
        cf_autojson json_t *object = js(notes[i].object);
        struct cf_router_objects o = { .object = object };
        CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
        cf_router_inspect(&t, &o, &v);
        assert_true(cf_problems_has(&v.problems, notes[i].code));
        assert_int_equal(cf_problems_block(&v.problems), notes[i].blocks);
    }
}

static void a_full_rule_takes_no_more(void **state)
{
    (void)state;
    struct cf_router_target t = router(HR, NULL, "web", "new:80");
    cf_autojson json_t *object = js(ROUTE_OF("{'backendRefs':[" REF("web", "100") "]}"));
    json_t *refs = json_object_get(
        json_array_get(cf_json_unconst(cf_json_at(object, "spec", "rules", NULL)), 0),
        "backendRefs");
    for (int i = 1; i < 16; i++) {
        cf_autofree char *name = cf_xasprintf("{'name':'s%d','weight':0}", i);
        json_array_append_new(refs, js(name));
    }
    struct cf_router_objects o = { .object = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(&t, &o, &v);
    assert_true(cf_problems_has(&v.problems, "too-many-destinations"));
}

#define A "/metadata/annotations/crossfade.dev~1"
#define TEST_REF(i, name)                                                                          \
    "{'op':'test','path':'/spec/rules/0/backendRefs/" i "/group','value':''},"                     \
    "{'op':'test','path':'/spec/rules/0/backendRefs/" i "/kind','value':'Service'},"               \
    "{'op':'test','path':'/spec/rules/0/backendRefs/" i "/name','value':'" name "'},"              \
    "{'op':'test','path':'/spec/rules/0/backendRefs/" i "/port','value':80}"

static void golden_patches(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(HR, NULL, NULL, "new:80");
    struct cf_router_grip g = a_grip();
    cf_autojson json_t *object =
        js(ROUTE_OF("{" PATH("/") ",'backendRefs':[" REF("web", "1") "]}"));
    cf_autojson json_t *b = baseline_of(&t, object);
    cf_autojson json_t *adopt = cf_router_render_adopt(b, object, &g, &err);
    cf_autojson json_t *adopted = patched(object, adopt);
    assert_json(cf_json_at(adopted, "spec", "rules", NULL),
                "[{" PATH("/") ",'backendRefs':[" REF("web", "100") "," REF("new", "0") "]}]");

    cf_autojson json_t *forward = cf_router_render_forward(b, adopted, &g, 10, "s2", &err);
    json_array_remove(forward, json_array_size(forward) - 1);
    assert_json(
        forward,
        "[{'op':'test','path':'/metadata/uid','value':'u'},{'op':'test','path':'" A
        "run','value':'" RUN "'},"
        "{'op':'test','path':'" A "arm','value':'a1'},{'op':'test','path':'" A "seq','value':'s1'},"
        "{'op':'test','path':'" A "emergency','value':''},"
        "{'op':'test','path':'/spec/rules/0/"
        "matches','value':[{'path':{'type':'PathPrefix','value':'/'}}]}," TEST_REF(
            "0", "web") "," TEST_REF("1", "new") ","
                                                 "{'op':'add','path':'/spec/rules/0/backendRefs/0/"
                                                 "weight','value':90},"
                                                 "{'op':'add','path':'/spec/rules/0/backendRefs/1/"
                                                 "weight','value':10},"
                                                 "{'op':'add','path':'" A
                                                 "want','value':'10'},{'op':'add','path':'" A
                                                 "seq','value':'s2'}]");
    cf_autojson json_t *raised = patched(adopted, forward);
    snprintf(g.seq, sizeof g.seq, "s2");
    cf_autojson json_t *restore = cf_router_render_restore(b, raised, &g, &err);
    cf_autojson json_t *restored = patched(raised, restore);
    cf_json_put_take(object, json_object(), "metadata", "annotations", NULL);
    assert_true(json_equal(restored, object));
}

static void a_target_without_port_has_the_sources(void **state)
{
    (void)state;
    static const struct {
        const char *object, *port;
    } rows[] = {
        { ROUTE_OF("{'backendRefs':[{'name':'web','port':8080}]}"), "8080" },
        { ROUTE_OF("{'backendRefs':[{'name':'web','port':8080},{'name':'new','port':9090}]}"),
          "9090" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_router_target t = router(HR, NULL, "web", "new");
        cf_autojson json_t *object = js(rows[i].object);
        cf_autojson json_t *b = baseline_of(&t, object);
        assert_string_equal(cf_json_str(b, "", "target", "port", NULL), rows[i].port);
    }
}

static void an_absent_weight_comes_back_absent(void **state)
{
    (void)state;
    static const struct {
        enum cf_router_type type;
        const char *object, *target;
    } objects[] = {
        { HR, ROUTE_OF("{'backendRefs':[{'name':'web','port':80}]}"), "new:80" },
        { HR, ROUTE_OF("{'backendRefs':[{'name':'web','port':80},{'name':'new','port':80}]}"),
          "new:80" },
        { HR, ROUTE_OF("{'backendRefs':[" REF("web", "9") "," REF("new", "1") "]}"), "new:80" },
        { VS, VS_LONE, VS_TARGET },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(objects); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_router_target t = router(objects[i].type, NULL, NULL, objects[i].target);
        struct cf_router_grip g = a_grip();
        cf_autojson json_t *object = js(objects[i].object);
        cf_autojson json_t *b = baseline_of(&t, object);
        cf_autojson json_t *adopt = cf_router_render_adopt(b, object, &g, &err);
        cf_autojson json_t *adopted = patched(object, adopt);
        cf_autojson json_t *forward = cf_router_render_forward(b, adopted, &g, 60, "s2", &err);
        cf_autojson json_t *raised = patched(adopted, forward);
        cf_autojson json_t *document = cf_router_render_rollback(b, raised, &g, "gate", &err);
        cf_autojson json_t *home = patched(raised, json_object_get(document, "patch"));
        struct cf_router_reading r;
        snprintf(g.seq, sizeof g.seq, "%s", cf_json_str(document, "", "seq", NULL));
        cf_router_judge(b, home, &g, cf_baseline_weight(b), &r);
        assert_state(&r, CF_ROUTER_OURS);
        cf_autojson json_t *restore = cf_router_render_restore(b, home, &g, &err);
        cf_autojson json_t *restored = patched(home, restore);
        assert_true(json_equal(json_object_get(restored, "spec"), json_object_get(object, "spec")));
    }
}

#define STATUS(gen, accepted, refs)                                                                \
    "{'metadata':{'namespace':'shop','generation':3},'spec':{'parentRefs':[{'name':'edge'}]},'"    \
    "status':{'parents':["                                                                         \
    "{'parentRef':{'name':'edge','namespace':'shop'},'conditions':[{'type':'Accepted','status':"   \
    "'" accepted "','observedGeneration':" gen "},{'type':'ResolvedRefs','status':'" refs          \
    "','reason':'BackendNotFound','message':'no such Service','observedGeneration':" gen "}]}]}}"

static void acceptance(void **state)
{
    (void)state;
    static const struct {
        enum cf_router_type type;
        const char *object;
        bool accepted, refused;
        const char *why;
    } rows[] = {
        { HR, STATUS("3", "True", "True"), true, false, "" },
        { HR, STATUS("4", "True", "True"), true, false, "" },
        { HR, STATUS("2", "True", "True"), false, false, "not there for this generation" },
        { HR, STATUS("3", "True", "False"), false, true,
          "ResolvedRefs is False: BackendNotFound: no such Service" },
        { HR, STATUS("3", "Unknown", "True"), false, false, "Accepted is Unknown" },
        { HR, "{'metadata':{'generation':1},'spec':{'parentRefs':[{'name':'edge'}]}}", false, false,
          "no controller has answered" },
        { HR, "{'metadata':{'generation':1},'spec':{}}", false, false, "names no parent" },
        { HR,
          "{'metadata':{'generation':1,'namespace':'s'},'spec':{'parentRefs':[{'name':'edge'},{"
          "'name':'mesh'}]},'status':{'parents':[{'parentRef':{'name':'edge'},'conditions':[{"
          "'type':'Accepted','status':'True'},{'type':'ResolvedRefs','status':'True'}]}]}}",
          false, false, "parent mesh" },
        { VS, "{'metadata':{'generation':4}}", true, false, "" },
        { VS,
          "{'metadata':{'generation':4},'status':{'observedGeneration':3,'validationMessages':[{"
          "'level':'ERROR','type':{'name':'X'}}]}}",
          true, false, "" },
        { VS,
          "{'metadata':{'generation':4},'status':{'observedGeneration':4,'validationMessages':[{"
          "'level':'WARNING'}]}}",
          true, false, "" },
        { VS,
          "{'metadata':{'generation':4},'status':{'observedGeneration':'4','validationMessages':[{"
          "'level':'ERROR','type':{'name':'X','code':'IST01'}}]}}",
          false, true, "error in it: X IST01" },
        { ING, "{}", true, false, "" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_router_acceptance a;
        cf_autojson json_t *object = js(rows[i].object);
        cf_router_judge_acceptance(rows[i].type, object, &a);
        if (a.accepted != rows[i].accepted || a.refused != rows[i].refused ||
            !strstr(a.why, rows[i].why))
            fail_msg("row %zu: accepted %d refused %d why %s", i, a.accepted, a.refused, a.why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inspection),
        cmocka_unit_test(rules_are_found_by_their_match),
        cmocka_unit_test(rules_are_found_by_one_of_their_matches),
        cmocka_unit_test(equal_matches_are_told_apart),
        cmocka_unit_test(what_is_said_beside),
        cmocka_unit_test(a_full_rule_takes_no_more),
        cmocka_unit_test(golden_patches),
        cmocka_unit_test(a_target_without_port_has_the_sources),
        cmocka_unit_test(an_absent_weight_comes_back_absent),
        cmocka_unit_test(acceptance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
