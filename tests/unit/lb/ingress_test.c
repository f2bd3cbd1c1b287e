/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what inspection finds and refuses in Ingresses, the canary that is made, its patches, and
 * the switch at commit. */
#include "tests/unit/lb/fixtures.h"

#define N "nginx.ingress.kubernetes.io/"
#define PATH_TO(p, svc)                                                                            \
    "{'path':'" p "','pathType':'Prefix','backend':{'service':{'name':'" svc                       \
    "','port':{'number':80}}}}"
#define RULE(host, paths) "{'host':'" host "','http':{'paths':[" paths "]}}"
#define ING_OF(annotations, rules)                                                                 \
    "{'apiVersion':'networking.k8s.io/"                                                            \
    "v1','kind':'Ingress','metadata':{'name':'web','namespace':'shop','uid':'u',"                  \
    "'annotations':{" annotations "}},'spec':{'ingressClassName':'nginx','rules':[" rules "]}}"

struct seen {
    const char *object, *route, *source, *target, *canary, *peers;
    const char *code; /* of a problem that must be there, or NULL for none at all */
    bool blocks;
};

static const struct seen cases[] = {
    { ING_ONE, NULL, NULL, ING_TARGET, NULL, NULL, NULL, false },
    { ING_ONE, "shop.example", NULL, ING_TARGET, NULL, NULL, NULL, false },
    { ING_ONE, "/", NULL, ING_TARGET, NULL, NULL, NULL, false },
    { ING_ONE, "shop.example/", "web:80", ING_TARGET, NULL, NULL, NULL, false },
    { ING_OF("", RULE("h", PATH_TO("/a", "a") "," PATH_TO("/b", "web"))), NULL, "web", ING_TARGET,
      NULL, NULL, NULL, false },
    { ING_OF("", RULE("h", PATH_TO("/a", "a") "," PATH_TO("/b", "web"))), "/b", NULL, ING_TARGET,
      NULL, NULL, NULL, false },
    { ING_OF("", RULE("h", PATH_TO("/a", "web")) "," RULE("k", PATH_TO("/", "web"))), NULL, NULL,
      ING_TARGET, NULL, NULL, NULL, false },
    { ING_OF("", RULE("h", PATH_TO("/a", "web")) "," RULE("k", PATH_TO("/", "web"))), "h", NULL,
      ING_TARGET, NULL, NULL, "paths-share-service", false },
    { ING_OF("'" N "affinity':'cookie'", RULE("h", PATH_TO("/", "web"))), NULL, NULL, ING_TARGET,
      NULL, NULL, "sticky-sessions", false },
    { ING_OF("", RULE("h", PATH_TO("/a", "a") "," PATH_TO("/b", "web"))), NULL, NULL, ING_TARGET,
      NULL, NULL, "source-ambiguous", true },
    { ING_ONE, "other.example", NULL, ING_TARGET, NULL, NULL, "source-not-found", true },
    { ING_ONE, NULL, "api", ING_TARGET, NULL, NULL, "source-not-found", true },
    { ING_ONE, NULL, "web:81", ING_TARGET, NULL, NULL, "source-not-found", true },
    { ING_ONE, NULL, NULL, "web", NULL, NULL, "same-destination", true },
    { ING_OF("'" N "canary':'true'", RULE("h", PATH_TO("/", "web"))), NULL, NULL, ING_TARGET, NULL,
      NULL, "is-canary", true },
    { "{'metadata':{'name':'web','namespace':'shop'},'spec':{'defaultBackend':{'service':{"
      "'name':'web','port':{'number':80}}}}}",
      NULL, NULL, ING_TARGET, NULL, NULL, "catch-all", true },
    { ING_ONE, NULL, NULL, ING_TARGET, "{'metadata':{'name':'web-crossfade'}}", NULL, "name-taken",
      true },
    { ING_ONE, NULL, NULL, ING_TARGET,
      "{'metadata':{'name':'web-crossfade','annotations':{'crossfade.dev/run':'x'}}}", NULL, "held",
      true },
    { ING_ONE, NULL, NULL, ING_TARGET, NULL,
      "[{'metadata':{'name':'web-canary','annotations':{'" N
      "canary':'true'}},'spec':{'rules':[" RULE("shop.example", PATH_TO("/", "x")) "]}}]",
      "canary-exists", true },
    { ING_ONE, NULL, NULL, ING_TARGET, NULL,
      "[{'metadata':{'name':'web-canary','annotations':{'" N
      "canary':'true'}},'spec':{'rules':[" RULE("other", PATH_TO("/", "x")) "]}}]",
      NULL, false },
    { ING_ONE, NULL, NULL, ING_TARGET, NULL,
      "[{'metadata':{'name':'b'},'spec':{'rules':[" RULE("shop.example", PATH_TO("/", "x")) "]}}]",
      NULL, false },
    { "{'metadata':{'name':'web','namespace':'shop'},'spec':{'ingressClassName':'traefik','rules':"
      "[" RULE("h", PATH_TO("/", "web")) "]}}",
      NULL, NULL, ING_TARGET, NULL, NULL, "class-unknown", false },
};

static void inspection(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        const struct seen *c = &cases[i];
        struct cf_router_target t = router(ING, c->route, c->source, c->target);
        cf_autojson json_t *object = js(c->object);
        cf_autojson json_t *canary = c->canary ? js(c->canary) : NULL;
        cf_autojson json_t *peers = c->peers ? js(c->peers) : NULL;
        struct cf_router_objects o = { .object = object, .canary = canary, .peers = peers };
        CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
        cf_router_inspect(&t, &o, &v);
        bool found = c->code ? cf_problems_has(&v.problems, c->code) : v.problems.count == 0;
        if (!found || cf_problems_block(&v.problems) != c->blocks)
            fail_msg("case %zu: %d problems, first %s", i, v.problems.count,
                     v.problems.item[0].text);
    }
}

static void the_canary(void **state)
{
    (void)state;
    struct cf_router_target t = router(ING, "shop.example", NULL, ING_TARGET);
    struct cf_router_grip g = a_grip();
    cf_autojson json_t *object = js(ING_ONE);
    cf_autojson json_t *tls = js("[{'hosts':['shop.example'],'secretName':'cert'}]");
    json_object_set(json_object_get(object, "spec"), "tls", tls);
    cf_json_put_take(object, json_string("cookie"), "metadata", "annotations", N "affinity", NULL);
    cf_json_put_take(object, json_string("60"), "metadata", "annotations", N "proxy-read-timeout",
                     NULL);
    cf_autojson json_t *b = baseline_of(&t, object);
    assert_string_equal(cf_baseline_object(b), "web-crossfade");
    cf_autojson json_t *canary = cf_router_render_canary(b, &g);
    assert_non_null(strstr(annotation_of(canary, "crossfade.dev/restore"), "canary-weight"));
    cf_json_del(canary, "metadata", "annotations", "crossfade.dev/restore", NULL);
    assert_json(
        canary,
        "{'apiVersion':'networking.k8s.io/"
        "v1','kind':'Ingress','metadata':{'name':'web-crossfade','namespace':'shop',"
        "'labels':{'crossfade.dev/run':'" RUN "','app.kubernetes.io/managed-by':'crossfade'},"
        "'annotations':{'" N "canary':'true','" N "canary-weight':'0','" N
        "affinity-canary-behavior':'legacy',"
        "'crossfade.dev/run':'" RUN
        "','crossfade.dev/epoch':'7','crossfade.dev/incarnation':'" INCARNATION "',"
        "'crossfade.dev/arm':'a1','crossfade.dev/seq':'s1','crossfade.dev/want':'0','crossfade.dev/"
        "emergency':''}},"
        "'spec':{'ingressClassName':'nginx','tls':[{'hosts':['shop.example'],'secretName':'cert'}],"
        "'rules':[" RULE("shop.example", PATH_TO("/", "web-crossfade")) "]}}");
}

static void golden_patches(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(ING, NULL, NULL, ING_TARGET);
    struct cf_router_grip g = a_grip();
    cf_autojson json_t *object = js(ING_ONE);
    cf_autojson json_t *b = baseline_of(&t, object);
    cf_autojson json_t *canary = cf_router_render_canary(b, &g);
    cf_json_put_take(canary, json_string("uc"), "metadata", "uid", NULL);
    cf_autojson json_t *forward = cf_router_render_forward(b, canary, &g, 30, "s2", &err);
    json_array_remove(forward, json_array_size(forward) - 1);
#define A "/metadata/annotations/crossfade.dev~1"
    assert_json(
        forward,
        "[{'op':'test','path':'/metadata/uid','value':'uc'},{'op':'test','path':'" A
        "run','value':'" RUN "'},"
        "{'op':'test','path':'" A "arm','value':'a1'},{'op':'test','path':'" A "seq','value':'s1'},"
        "{'op':'test','path':'" A "emergency','value':''},"
        "{'op':'test','path':'/metadata/annotations/"
        "nginx.ingress.kubernetes.io~1canary','value':'true'},"
        "{'op':'test','path':'/spec/rules','value':[" RULE(
            "shop.example",
            PATH_TO("/",
                    "web-crossfade")) "]},"
                                      "{'op':'add','path':'/metadata/annotations/"
                                      "nginx.ingress.kubernetes.io~1canary-weight','value':'30'},"
                                      "{'op':'add','path':'" A
                                      "want','value':'30'},{'op':'add','path':'" A
                                      "seq','value':'s2'}]");
}

static void the_switch(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_target t = router(ING, NULL, "web", ING_TARGET);
    cf_autojson json_t *object =
        js(ING_OF("", RULE("h", PATH_TO("/a", "a") "," PATH_TO("/b", "web")) "," RULE(
                          "k", PATH_TO("/", "web"))));
    cf_autojson json_t *b = baseline_of(&t, object);
    cf_autojson json_t *patch = cf_router_render_switch(b, object, &err);
#define BACKEND(svc) "{'service':{'name':'" svc "','port':{'number':80}}}"
    assert_json(
        patch,
        "[{'op':'test','path':'/metadata/uid','value':'u'},"
        "{'op':'test','path':'/spec/rules/0/http/paths/1/backend','value':" BACKEND(
            "web") "},"
                   "{'op':'replace','path':'/spec/rules/0/http/paths/1/backend','value':" BACKEND(
                       "web-crossfade") "},"
                                        "{'op':'test','path':'/spec/rules/1/http/paths/0/"
                                        "backend','value':" BACKEND(
                                            "web") "},"
                                                   "{'op':'replace','path':'/spec/rules/1/http/"
                                                   "paths/0/backend','value':" BACKEND(
                                                       "web-crossfade") "}]");
    cf_autojson json_t *after = patched(object, patch);
    cf_autojson json_t *again = cf_router_render_switch(b, after, &err);
    assert_json(again, "[]");
    cf_autojson json_t *changed = js(
        ING_OF("", RULE("h", PATH_TO("/b", "somebody-elses")) "," RULE("k", PATH_TO("/", "web"))));
    assert_null(cf_router_render_switch(b, changed, &err));
    assert_fails(false, &err, CF_ERR_CONFLICT, "another backend");
}

static void weights_as_nginx_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *weight, *total;
        int percent;
    } rows[] = {
        { "25", NULL, 25 }, { "250", "1000", 25 }, { "25", "50", 25 },  { "x", NULL, 0 },
        { "", NULL, 0 },    { "1", "1000", -1 },   { "200", NULL, -1 },
    };
    struct cf_router_target t = router(ING, NULL, NULL, ING_TARGET);
    struct cf_router_grip g = a_grip();
    cf_autojson json_t *object = js(ING_ONE);
    cf_autojson json_t *b = baseline_of(&t, object);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_router_reading r;
        cf_autojson json_t *canary = cf_router_render_canary(b, &g);
        cf_json_put_take(canary, json_string(rows[i].weight), "metadata", "annotations",
                         N "canary-weight", NULL);
        if (rows[i].total)
            cf_json_put_take(canary, json_string(rows[i].total), "metadata", "annotations",
                             N "canary-weight-total", NULL);
        cf_router_judge(b, canary, &g, -1, &r);
        assert_int_equal(r.weight, rows[i].percent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inspection),
        cmocka_unit_test(the_canary),
        cmocka_unit_test(golden_patches),
        cmocka_unit_test(the_switch),
        cmocka_unit_test(weights_as_nginx_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
