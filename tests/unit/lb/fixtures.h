/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of lb/ share: objects from JSON with single quotes, a router of each type, and
 * checks on readings. */
#ifndef TESTS_UNIT_LB_FIXTURES_H
#define TESTS_UNIT_LB_FIXTURES_H

#include <stdio.h>

#include "base/json_patch.h"
#include "lb/write.h"
#include "tests/support/test.h"

#define VS  CF_ROUTER_VIRTUAL_SERVICE
#define HR  CF_ROUTER_HTTP_ROUTE
#define ING CF_ROUTER_INGRESS

#define RUN         "0192f000-0000-7000-8000-000000000001"
#define OTHER_RUN   "0192f000-0000-7000-8000-000000000002"
#define INCARNATION "0192f000-0000-7000-8000-00000000aaaa"

/* 'a' becomes "a": JSON that can be read in C. New reference. */
static inline json_t *js(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *copy = cf_xstrdup(text);
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_t *j = cf_json_parse(copy, strlen(copy), 0, &err);
    if (!j)
        fail_msg("%s in %s", err.message, copy);
    return j;
}

static inline void assert_json(const json_t *got, const char *want_text)
{
    cf_autojson json_t *want = js(want_text);
    if (json_equal(got, want))
        return;
    cf_autofree char *a = got ? cf_json_dump_pretty(got) : cf_xstrdup("(nothing)");
    cf_autofree char *b = cf_json_dump_pretty(want);
    fail_msg("got %s\nwant %s", a, b);
}

static inline struct cf_destination dest(enum cf_router_type type, const char *text)
{
    struct cf_destination d;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *value = *text == '{' ? js(text) : json_string(text);
    assert_ok(cf_destination_parse(type, "shop", value, &d, &err), &err);
    return d;
}

/* A router "web" in namespace shop on dc1; route, source and target may be NULL. */
static inline struct cf_router_target router(enum cf_router_type type, const char *route,
                                             const char *source, const char *target)
{
    struct cf_router_target t = { .type = type,
                                  .cluster = "dc1",
                                  .ns = "shop",
                                  .object = "web",
                                  .has_source = source != NULL,
                                  .has_target = target != NULL };
    snprintf(t.route, sizeof t.route, "%s", route ? route : "");
    if (source)
        t.source = dest(type, source);
    if (target)
        t.target = dest(type, target);
    return t;
}

static inline struct cf_router_grip a_grip(void)
{
    return (struct cf_router_grip){
        .run = RUN, .incarnation = INCARNATION, .epoch = 7, .arm = "a1", .seq = "s1"
    };
}

/* The usual VirtualService: one http route, one destination without a weight. */
#define VS_LONE                                                                                    \
    "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'web',"     \
    "'namespace':'shop','uid':'u-vs','resourceVersion':'41'},'spec':{'hosts':['shop.example'],'"   \
    "gateways':['gw/edge'],"                                                                       \
    "'http':[{'name':'primary','route':[{'destination':{'host':'web','port':{'number':80}}}]}]}}"
#define VS_TARGET "web-crossfade:80"

/* The usual HTTPRoute: two rules, the second is ours. */
#define HR_TWO                                                                                     \
    "{'apiVersion':'gateway.networking.k8s.io/v1','kind':'HTTPRoute','metadata':{'name':'web',"    \
    "'namespace':'shop','uid':'u-hr','resourceVersion':'41','generation':3},'spec':{'parentRefs':" \
    "[{'name':'edge'}],"                                                                           \
    "'rules':[{'matches':[{'path':{'type':'PathPrefix','value':'/api'}}],'backendRefs':"           \
    "[{'group':'','kind':'Service','name':'api','port':80,'weight':1}]},"                          \
    "{'matches':[{'path':{'type':'PathPrefix','value':'/'}}],'backendRefs':"                       \
    "[{'group':'','kind':'Service','name':'web','port':80,'weight':1}]}]}}"
#define HR_TARGET "web-crossfade:80"

/* The usual Ingress. */
#define ING_ONE                                                                                    \
    "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'web',"              \
    "'namespace':'shop','uid':'u-ing','resourceVersion':'41'},'spec':{'ingressClassName':'nginx'," \
    "'rules':[{'host':"                                                                            \
    "'shop.example','http':{'paths':[{'path':'/','pathType':'Prefix','backend':{'service':"        \
    "{'name':'web','port':{'number':80}}}}]}}]}}"
#define ING_TARGET "web-crossfade"

/* The baseline of an object that must be steerable. New reference. */
static inline json_t *baseline_of(const struct cf_router_target *t, const json_t *object)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_objects o = { .object = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_router_inspect(t, &o, &v);
    json_t *b = cf_router_baseline(t, &v, &err);
    if (!b)
        fail_msg("no baseline: %s", err.message);
    return b;
}

/* The object after a patch that must apply. New reference. */
static inline json_t *patched(const json_t *object, const json_t *patch)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *after = cf_json_patch_apply(object, patch, &err);
    if (!after)
        fail_msg("patch does not apply: %s", err.message);
    return after;
}

static inline void assert_state(const struct cf_router_reading *r, enum cf_router_state want)
{
    if (r->state != want)
        fail_msg("state is %s (%s), not %s", cf_router_state_name(r->state), r->what,
                 cf_router_state_name(want));
}

static inline const char *annotation_of(const json_t *object, const char *key)
{
    return cf_json_str(object, NULL, "metadata", "annotations", key, NULL);
}

#endif
