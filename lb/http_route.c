/* SPDX-License-Identifier: Apache-2.0 */
/* Gateway API's HTTPRoute: rules by name, index or a hash of their matches. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "lb/split.h"

enum { BACKEND_REFS_MAX = 16 }; /* the CRD's limit per rule */

static const struct cf_split split = {
    .type = CF_ROUTER_HTTP_ROUTE,
    .routes = "rules",
    .entries = "backendRefs",
    .match = "matches",
    .word = "rule",
    .absent_weight = 1,
};

/* A rule by name, canonical key or index; -1. */
static int select_rule(const char *selector, const json_t *object)
{
    struct cf_error ignored = CF_ERROR_INIT;
    const json_t *rules = cf_split_routes(&split, object);
    int64_t index;
    char key[CF_ROUTE_SELECTOR_MAX];
    int named = cf_split_named(&split, object, selector);
    if (named >= 0)
        return named;
    for (int i = 0; i < (int)json_array_size(rules); i++)
        if (strcmp(cf_split_route_key(&split, rules, i, key), selector) == 0)
            return i;
    if (cf_int_parse(selector, 0, INT32_MAX, &index, &ignored) &&
        (size_t)index < json_array_size(rules))
        return (int)index;
    return -1;
}

static int choose(const struct cf_router_target *t, const json_t *object,
                  struct cf_router_view *out)
{
    size_t n = json_array_size(cf_split_routes(&split, object));
    if (n == 0) {
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "no-routes",
                        "the HTTPRoute has no rules");
        return -1;
    }
    if (!*t->route)
        return cf_split_only_route(&split, t, object, out);
    int index = select_rule(t->route, object);
    if (index < 0)
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "route-not-found",
                        "no rule has the name, the index or the match \"%.100s\"; there are %d "
                        "rules, counted from 0",
                        t->route, (int)n);
    return index;
}

static void check(const struct cf_router_target *t, const json_t *object,
                  struct cf_router_view *out)
{
    const json_t *rule = json_array_get(cf_split_routes(&split, object), (size_t)out->route_index);
    if (!out->target_present &&
        json_array_size(json_object_get(rule, "backendRefs")) >= BACKEND_REFS_MAX)
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "too-many-destinations",
                        "the rule already has %d backendRefs, the most there may be",
                        BACKEND_REFS_MAX);
    if (!json_array_size(cf_json_at(object, "spec", "parentRefs", NULL)))
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "no-gateway",
                        "the HTTPRoute names no parent, so no gateway serves it");
    if (json_object_get(rule, "sessionPersistence"))
        cf_problems_add(&out->problems, CF_PROBLEM_WARNING, "sticky-sessions",
                        "the rule keeps sessions: neither a shift nor a rollback moves sessions "
                        "that are already pinned");
    if (t->has_target && strcmp(t->target.ns, out->ns) != 0)
        cf_problems_add(
            &out->problems, CF_PROBLEM_WARNING, "other-namespace",
            "the target is in namespace %s: a ReferenceGrant there must allow HTTPRoutes of %s",
            t->target.ns, out->ns);
}

static void inspect(const struct cf_router_target *t, const struct cf_router_objects *o,
                    struct cf_router_view *out)
{
    int index = choose(t, o->object, out);
    if (index < 0)
        return;
    cf_split_inspect(&split, t, o->object, index, out);
    if (out->located)
        check(t, o->object, out);
}

static void baseline(const struct cf_router_target *t, const struct cf_router_view *view,
                     json_t *out)
{
    cf_split_baseline(&split, t, view, out);
}

static bool locate(const json_t *b, const json_t *object, struct cf_place *out,
                   char why[CF_PLACE_WHY_MAX])
{
    return cf_split_locate(&split, b, object, out, why);
}

static void test_identity(const json_t *b, const json_t *object, const struct cf_place *at,
                          json_t *patch)
{
    (void)b;
    cf_split_test_identity(&split, object, at, patch);
}

static void set_weight(const json_t *b, const struct cf_place *at, int percent, json_t *patch)
{
    cf_split_set_weight(&split, b, at, percent, patch);
}

static void add_target(const json_t *b, const json_t *object, const struct cf_place *at,
                       json_t *patch)
{
    cf_split_add_target(&split, b, object, at, patch);
}

static void give_back(const json_t *b, const json_t *object, const struct cf_place *at,
                      json_t *patch)
{
    cf_split_give_back(&split, b, object, at, patch);
}

static bool is_given_back(const json_t *b, const json_t *object)
{
    return cf_split_is_given_back(&split, b, object);
}

static const char *const versions[] = { "v1", "v1beta1", NULL };

const struct cf_kind_ops cf_kind_http_route = {
    .group = "gateway.networking.k8s.io",
    .versions = versions,
    .kind = "HTTPRoute",
    .plural = "httproutes",
    .inspect = inspect,
    .baseline = baseline,
    .locate = locate,
    .test_identity = test_identity,
    .set_weight = set_weight,
    .add_target = add_target,
    .give_back = give_back,
    .is_given_back = is_given_back,
};
