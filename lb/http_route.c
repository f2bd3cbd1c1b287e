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

static void fill_in(json_t *object, const char *key, const char *value)
{
    if (!json_object_get(object, key))
        json_object_set_new(object, key, json_string(value));
}

/* With what the API server fills in where it is left out. New reference. */
static json_t *whole_match(const json_t *match)
{
    static const char *const typed[] = { "headers", "queryParams" };
    json_t *m = cf_json_copy(match);
    if (!json_is_object(json_object_get(m, "path")))
        json_object_set_new(m, "path", json_object());
    fill_in(json_object_get(m, "path"), "type", "PathPrefix");
    fill_in(json_object_get(m, "path"), "value", "/");
    for (size_t t = 0; t < CF_ARRAY_LEN(typed); t++) {
        json_t *list = json_object_get(m, typed[t]);
        for (size_t i = 0; i < json_array_size(list); i++)
            fill_in(json_array_get(list, i), "type", "Exact");
    }
    return m;
}

char *cf_router_match_selector(const json_t *match, char buf[CF_ROUTE_SELECTOR_MAX])
{
    char hash[9];
    cf_autojson json_t *whole = json_is_object(match) ? whole_match(match) : cf_json_copy(match);
    snprintf(buf, CF_ROUTE_SELECTOR_MAX, "match:%s", cf_json_short_hash(whole, hash));
    return buf;
}

static bool has_match(const json_t *rule, const char *selector)
{
    char key[CF_ROUTE_SELECTOR_MAX];
    const json_t *matches = json_object_get(rule, "matches");
    for (size_t i = 0; i < json_array_size(matches); i++)
        if (strcmp(cf_router_match_selector(json_array_get(matches, i), key), selector) == 0)
            return true;
    return false;
}

/* A rule by name, canonical key, one of its matches, or index; -1: none, or a match that several
 * have. */
static int select_rule(const char *selector, const json_t *object)
{
    struct cf_error ignored = CF_ERROR_INIT;
    const json_t *rules = cf_split_routes(&split, object);
    int n = (int)json_array_size(rules), found = -1, hits = 0;
    int64_t index;
    char key[CF_ROUTE_SELECTOR_MAX];
    int named = cf_split_named(&split, object, selector);
    if (named >= 0)
        return named;
    for (int i = 0; i < n; i++)
        if (strcmp(cf_split_route_key(&split, rules, i, key), selector) == 0)
            return i;
    for (int i = 0; i < n; i++) {
        if (!has_match(json_array_get(rules, (size_t)i), selector))
            continue;
        found = i;
        hits++;
    }
    if (hits > 0)
        return hits == 1 ? found : -1;
    return cf_int_parse(selector, 0, n - 1, &index, &ignored) ? (int)index : -1;
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
