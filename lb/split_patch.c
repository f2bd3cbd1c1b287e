/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of routes with weighted destinations: the baseline, finding it again, and the patches'
 * pieces.
 *
 * A baseline's members of this form: route {name?, match?, index}, source_entry and target_entry
 * (exact copies; no target_entry means that the run adds the target). */
#include "lb/split.h"

#include <stdio.h>
#include <string.h>

void cf_split_baseline(const struct cf_split *s, const struct cf_router_target *t,
                       const struct cf_router_view *view, json_t *out)
{
    (void)t;
    json_t *route = json_array_get(cf_split_routes(s, view->object), (size_t)view->route_index);
    json_t *entries = json_object_get(route, s->entries);
    json_t *where = json_object();
    json_object_set_new(where, "index", json_integer(view->route_index));
    if (json_object_get(route, "name"))
        json_object_set_new(where, "name", cf_json_copy(json_object_get(route, "name")));
    if (json_object_get(route, s->match))
        json_object_set_new(where, "match", cf_json_copy(json_object_get(route, s->match)));
    json_object_set_new(out, "route", where);
    json_object_set_new(out, "source_entry",
                        cf_json_copy(json_array_get(entries, (size_t)view->source_index)));
    if (view->target_index >= 0)
        json_object_set_new(out, "target_entry",
                            cf_json_copy(json_array_get(entries, (size_t)view->target_index)));
}

/* Whether a route is the baseline's by its own name, or by its match when it has no name. */
static bool is_same_route(const struct cf_split *s, const json_t *where, const json_t *route)
{
    const char *name = cf_json_str(where, "", "name", NULL);
    if (*name)
        return strcmp(name, cf_json_str(route, "", "name", NULL)) == 0;
    const json_t *was = json_object_get(where, "match"), *is = json_object_get(route, s->match);
    if (*cf_json_str(route, "", "name", NULL))
        return false;
    return (!json_array_size(was) && !json_array_size(is)) || json_equal(was, is);
}

struct search {
    const struct cf_split *s;
    const json_t *baseline, *object;
    const char *ns;
    struct cf_destination source, target;
};

static struct search search_of(const struct cf_split *s, const json_t *baseline,
                               const json_t *object)
{
    struct search q = {
        .s = s, .baseline = baseline, .object = object, .ns = cf_baseline_ns(baseline)
    };
    cf_baseline_destinations(baseline, &q.source, &q.target);
    return q;
}

/* Looks for our destinations in route i. */
static bool try_route(const struct search *q, int i, bool needs_target, struct cf_place *out)
{
    json_t *entries = cf_split_entries(q->s, q->object, i);
    int source, target;
    cf_split_find(q->s, q->ns, entries, &q->source, &q->target, &source, &target);
    if (source < 0 || target == -2 || (needs_target && target < 0))
        return false;
    *out = (struct cf_place){ .route = i,
                              .source = source,
                              .target = target,
                              .source_weight = cf_split_weight(q->s, entries, source),
                              .target_weight = cf_split_weight(q->s, entries, target) };
    return true;
}

/* The route by name or match; among equals the one that stands where it stood. */
static bool locate_by_route(const struct search *q, struct cf_place *out, int *out_seen)
{
    const json_t *where = json_object_get(q->baseline, "route");
    json_t *routes = cf_split_routes(q->s, q->object);
    int index = (int)cf_json_int(where, -1, "index", NULL), hits = 0;
    struct cf_place at, best;
    for (int i = 0; i < (int)json_array_size(routes); i++) {
        if (!is_same_route(q->s, where, json_array_get(routes, (size_t)i)))
            continue;
        ++*out_seen;
        if (!try_route(q, i, false, &at))
            continue;
        if (hits++ == 0 || i == index)
            best = at;
    }
    if (hits == 0 || (hits > 1 && best.route != index))
        return false;
    *out = best;
    return true;
}

/* A renamed or rematched route is still ours when it is the only one with both destinations. */
static bool locate_by_destinations(const struct search *q, struct cf_place *out)
{
    int hits = 0;
    struct cf_place at;
    for (int i = 0; i < (int)json_array_size(cf_split_routes(q->s, q->object)); i++)
        if (try_route(q, i, true, &at) && ++hits == 1)
            *out = at;
    return hits == 1;
}

bool cf_split_locate(const struct cf_split *s, const json_t *baseline, const json_t *object,
                     struct cf_place *out, char why[CF_PLACE_WHY_MAX])
{
    struct search q = search_of(s, baseline, object);
    const char *key = cf_baseline_route_key(baseline);
    struct cf_place at;
    int seen = 0;
    if (locate_by_route(&q, &at, &seen) || locate_by_destinations(&q, &at)) {
        *out = at;
        return true;
    }
    if (seen)
        snprintf(why, CF_PLACE_WHY_MAX, "our destinations are no longer in the %s %.100s", s->word,
                 key);
    else
        snprintf(why, CF_PLACE_WHY_MAX, "the %s %.100s is gone", s->word, key);
    return false;
}

static char *entry_path(const struct cf_split *s, int route, int entry, const char *rest, char *buf)
{
    snprintf(buf, CF_JSON_POINTER_MAX, "/spec/%s/%d/%s/%d%s", s->routes, route, s->entries, entry,
             rest);
    return buf;
}

/* A VirtualService's destination is one value; an HTTPRoute's reference lies beside its weight, so
 * member by member. */
static void test_entry(const struct cf_split *s, const json_t *object, int route, int i,
                       json_t *patch)
{
    static const char *const parts[] = {
        "group", "kind", "name", "namespace", "port", "destination"
    };
    const json_t *entry = json_array_get(cf_split_entries(s, object, route), (size_t)i);
    char path[CF_JSON_POINTER_MAX], rest[32];
    for (size_t p = 0; p < CF_ARRAY_LEN(parts); p++) {
        const json_t *value = json_object_get(entry, parts[p]);
        if (!value)
            continue;
        snprintf(rest, sizeof rest, "/%s", parts[p]);
        cf_patch_add_take(patch, "test", entry_path(s, route, i, rest, path), cf_json_copy(value));
    }
}

void cf_split_test_identity(const struct cf_split *s, const json_t *object,
                            const struct cf_place *at, json_t *patch)
{
    const json_t *route = json_array_get(cf_split_routes(s, object), (size_t)at->route);
    const char *by = json_object_get(route, "name") ? "name" : s->match;
    const json_t *value = json_object_get(route, by);
    char path[CF_JSON_POINTER_MAX];
    snprintf(path, sizeof path, "/spec/%s/%d/%s", s->routes, at->route, by);
    if (value)
        cf_patch_add_take(patch, "test", path, cf_json_copy(value));
    test_entry(s, object, at->route, at->source, patch);
    if (at->target >= 0)
        test_entry(s, object, at->route, at->target, patch);
}

void cf_split_set_weight(const struct cf_split *s, const json_t *baseline,
                         const struct cf_place *at, int percent, json_t *patch)
{
    int source, target;
    char path[CF_JSON_POINTER_MAX];
    cf_assert(cf_share_split(cf_baseline_share(baseline), percent, &source, &target) &&
              at->target >= 0);
    cf_patch_add_take(patch, "add", entry_path(s, at->route, at->source, "/weight", path),
                      json_integer(source));
    cf_patch_add_take(patch, "add", entry_path(s, at->route, at->target, "/weight", path),
                      json_integer(target));
}

void cf_split_add_target(const struct cf_split *s, const json_t *baseline, const json_t *object,
                         const struct cf_place *at, json_t *patch)
{
    struct cf_destination source, target;
    char path[CF_JSON_POINTER_MAX];
    const json_t *entry =
        json_array_get(cf_split_entries(s, object, at->route), (size_t)at->source);
    if (at->target >= 0)
        return;
    cf_baseline_destinations(baseline, &source, &target);
    int weight = cf_json_bool(baseline, false, "alone", NULL) ? cf_baseline_share(baseline)
                                                              : at->source_weight;
    cf_patch_add_take(patch, "add", entry_path(s, at->route, at->source, "/weight", path),
                      json_integer(weight));

    /* What else the source's entry says (headers, filters) holds for the target's share as well. */
    json_t *added = cf_json_copy(entry);
    cf_autojson json_t *identity = cf_destination_json(s->type, cf_baseline_ns(baseline), &target);
    if (s->type == CF_ROUTER_VIRTUAL_SERVICE) {
        json_object_set(added, "destination", identity);
    } else {
        static const char *const parts[] = { "group", "kind", "name", "namespace", "port" };
        for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++)
            json_object_del(added, parts[i]);
        json_object_update(added, identity);
    }
    json_object_set_new(added, "weight", json_integer(0));
    snprintf(path, sizeof path, "/spec/%s/%d/%s/-", s->routes, at->route, s->entries);
    cf_patch_add_take(patch, "add", path, added);
}

/* Weight member of entry i as `was` had it: its value, or absent. */
static void give_weight_back(const struct cf_split *s, const json_t *object,
                             const struct cf_place *at, int i, const json_t *was, json_t *patch)
{
    char path[CF_JSON_POINTER_MAX];
    const json_t *weight = json_object_get(was, "weight");
    const json_t *now = json_object_get(
        json_array_get(cf_split_entries(s, object, at->route), (size_t)i), "weight");
    entry_path(s, at->route, i, "/weight", path);
    if (weight)
        cf_patch_add_take(patch, "add", path, cf_json_copy(weight));
    else if (now)
        cf_patch_add_take(patch, "remove", path, NULL);
}

void cf_split_give_back(const struct cf_split *s, const json_t *baseline, const json_t *object,
                        const struct cf_place *at, json_t *patch)
{
    char path[CF_JSON_POINTER_MAX];
    const json_t *target = json_object_get(baseline, "target_entry");
    give_weight_back(s, object, at, at->source, json_object_get(baseline, "source_entry"), patch);
    if (at->target >= 0 && target)
        give_weight_back(s, object, at, at->target, target, patch);
    else if (at->target >= 0)
        cf_patch_add_take(patch, "remove", entry_path(s, at->route, at->target, "", path), NULL);
}

static bool same_weight(const json_t *was, const json_t *entry)
{
    const json_t *a = json_object_get(was, "weight"), *b = json_object_get(entry, "weight");
    return a == b || json_equal(a, b);
}

bool cf_split_is_given_back(const struct cf_split *s, const json_t *baseline, const json_t *object)
{
    char why[CF_PLACE_WHY_MAX];
    struct cf_place at;
    if (!cf_split_locate(s, baseline, object, &at, why))
        return false;
    json_t *entries = cf_split_entries(s, object, at.route);
    const json_t *target = json_object_get(baseline, "target_entry");
    if (!same_weight(json_object_get(baseline, "source_entry"),
                     json_array_get(entries, (size_t)at.source)))
        return false;
    if (!target)
        return at.target < 0;
    return at.target >= 0 && same_weight(target, json_array_get(entries, (size_t)at.target));
}
