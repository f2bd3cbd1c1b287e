/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of routes with weighted destinations: what there is to see, for the view and the baseline.
 */
#include "lb/split.h"

#include <stdio.h>
#include <string.h>

json_t *cf_split_routes(const struct cf_split *s, const json_t *object)
{
    return cf_json_unconst(cf_json_at(object, "spec", s->routes, NULL));
}

json_t *cf_split_entries(const struct cf_split *s, const json_t *object, int route)
{
    return json_object_get(json_array_get(cf_split_routes(s, object), (size_t)route), s->entries);
}

bool cf_split_destination(const struct cf_split *s, const char *ns, const json_t *entry,
                          struct cf_destination *out)
{
    if (s->type == CF_ROUTER_VIRTUAL_SERVICE)
        entry = json_object_get(entry, "destination");
    return cf_destination_read(s->type, ns, entry, out);
}

void cf_split_find(const struct cf_split *s, const char *ns, const json_t *entries,
                   const struct cf_destination *source, const struct cf_destination *target,
                   int *out_source, int *out_target)
{
    struct cf_destination d;
    *out_source = *out_target = -1;
    for (int i = 0; i < (int)json_array_size(entries); i++) {
        if (!cf_split_destination(s, ns, json_array_get(entries, (size_t)i), &d))
            continue;
        if (target && cf_destination_matches(s->type, target, &d))
            *out_target = *out_target == -1 ? i : -2;
        else if (source && cf_destination_matches(s->type, source, &d))
            *out_source = *out_source == -1 ? i : -2;
    }
}

int cf_split_weight(const struct cf_split *s, const json_t *entries, int i)
{
    if (i < 0)
        return 0;
    bool lone = json_array_size(entries) == 1;
    const json_t *w = json_object_get(json_array_get(entries, (size_t)i), "weight");
    if (lone && s->type == CF_ROUTER_VIRTUAL_SERVICE)
        return 100;
    if (lone && (!w || json_integer_value(w) > 0))
        return 100;
    if (!w)
        return s->absent_weight;
    json_int_t n = json_is_integer(w) ? json_integer_value(w) : -1;
    return n < 0 || n > 1000000 ? 0 : (int)n;
}

int cf_split_named(const struct cf_split *s, const json_t *object, const char *name)
{
    json_t *routes = cf_split_routes(s, object);
    for (size_t i = 0; i < json_array_size(routes); i++)
        if (strcmp(cf_json_str(json_array_get(routes, i), "", "name", NULL), name) == 0)
            return (int)i;
    return -1;
}

/* Without the part that tells equals apart. */
static void plain_key(const struct cf_split *s, const json_t *route,
                      char buf[CF_ROUTE_SELECTOR_MAX])
{
    char hash[9];
    const char *name = cf_json_str(route, "", "name", NULL);
    const json_t *match = json_object_get(route, s->match);
    buf[0] = '\0';
    if (*name)
        snprintf(buf, CF_ROUTE_SELECTOR_MAX, "%s", name);
    else if (json_array_size(match))
        snprintf(buf, CF_ROUTE_SELECTOR_MAX, "match:%s", cf_json_short_hash(match, hash));
}

char *cf_split_route_key(const struct cf_split *s, const json_t *routes, int index,
                         char buf[CF_ROUTE_SELECTOR_MAX])
{
    char other[CF_ROUTE_SELECTOR_MAX], mine[CF_ROUTE_SELECTOR_MAX];
    bool twice = false;
    plain_key(s, json_array_get(routes, (size_t)index), mine);
    for (int i = 0; i < (int)json_array_size(routes); i++) {
        plain_key(s, json_array_get(routes, (size_t)i), other);
        twice |= i != index && strcmp(mine, other) == 0;
    }
    if (twice)
        snprintf(buf, CF_ROUTE_SELECTOR_MAX, "%.200s#%d", mine, index);
    else
        snprintf(buf, CF_ROUTE_SELECTOR_MAX, "%s", mine);
    return buf;
}

int cf_split_only_route(const struct cf_split *s, const struct cf_router_target *t,
                        const json_t *object, struct cf_router_view *out)
{
    json_t *routes = cf_split_routes(s, object);
    const char *ns = cf_json_str(object, t->ns, "metadata", "namespace", NULL);
    int found = -1, hits = 0, at, other;
    if (json_array_size(routes) == 1)
        return 0;
    for (int i = 0; t->has_source && i < (int)json_array_size(routes); i++) {
        cf_split_find(s, ns, cf_split_entries(s, object, i), &t->source, NULL, &at, &other);
        if (at != -1) {
            found = i;
            hits++;
        }
    }
    if (hits == 1)
        return found;
    cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "route-ambiguous",
                    "there are %d %ss%s; say which one the plan means",
                    (int)json_array_size(routes), s->word,
                    hits > 1        ? ", and several have the source destination"
                    : t->has_source ? ", and none has the source destination"
                                    : "");
    return -1;
}

/* The source: as the plan says, or the only entry that is not the target. */
static int find_source(const struct cf_split *s, const struct cf_router_target *t,
                       const json_t *entries, const char *ns, struct cf_router_view *out,
                       int *out_target)
{
    char text[CF_DEST_TEXT_MAX];
    int source, n = (int)json_array_size(entries);
    cf_split_find(s, ns, entries, t->has_source ? &t->source : NULL,
                  t->has_target ? &t->target : NULL, &source, out_target);
    if (*out_target >= 0 && (n == 1 || (t->has_source && source == -1 &&
                                        cf_destination_matches(s->type, &t->source, &t->target)))) {
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "same-destination",
                        "source and target are the same destination");
        return -1;
    }
    if (source == -2 || *out_target == -2) {
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "destination-twice",
                        "the %s lists the same destination twice; give the plan's destination a "
                        "port or subset, or merge the two",
                        s->word);
        return -1;
    }
    if (t->has_source) {
        if (source < 0)
            cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "source-not-found",
                            "the %s has no destination %s", s->word,
                            cf_destination_text(s->type, &t->source, text));
        return source;
    }
    if (n - (*out_target >= 0) == 1)
        return *out_target == 0 ? 1 : 0;
    cf_problems_add(
        &out->problems, CF_PROBLEM_BLOCKER, n ? "source-ambiguous" : "no-destinations",
        n ? "the %s has %d destinations; say with destinations.source which one moves"
          : "the %s has no destinations (%d): a redirect, a direct response or a delegate",
        s->word, n);
    return -1;
}

static void inspect_weights(const struct cf_split *s, const json_t *entries, int source, int target,
                            struct cf_router_view *out)
{
    out->others_weight = 0;
    for (int i = 0; i < (int)json_array_size(entries); i++)
        if (i != source && i != target)
            out->others_weight += cf_split_weight(s, entries, i);
    out->alone = out->others_weight == 0;
    out->source_weight = cf_split_weight(s, entries, source);
    out->target_weight = cf_split_weight(s, entries, target);
    int both = out->source_weight + out->target_weight;
    out->share = out->alone ? 100 : both;
    out->weight = cf_share_percent(both, out->source_weight, out->target_weight);
    if (both == 0)
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "no-weight",
                        "source and target have no weight in the %s, so there is nothing to shift",
                        s->word);
    else if (out->source_weight == 0)
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "already-shifted",
                        "the target already has all of the traffic of this %s", s->word);
    else if (out->weight < 0)
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "weight-not-expressible",
                        "the present split %d:%d is no whole percentage; the way back could not be "
                        "written exactly",
                        out->source_weight, out->target_weight);
}

void cf_split_inspect(const struct cf_split *s, const struct cf_router_target *t,
                      const json_t *object, int index, struct cf_router_view *out)
{
    json_t *entries = cf_split_entries(s, object, index), *routes = cf_split_routes(s, object);
    char slot[CF_SLOT_MAX] = "";
    int target;
    snprintf(out->ns, sizeof out->ns, "%s",
             cf_json_str(object, t->ns, "metadata", "namespace", NULL));
    snprintf(out->name, sizeof out->name, "%s",
             cf_json_str(object, t->object, "metadata", "name", NULL));
    cf_split_route_key(s, routes, index, out->route_key);
    int source = find_source(s, t, entries, out->ns, out, &target);
    if (source < 0)
        return;
    if (!cf_split_destination(s, out->ns, json_array_get(entries, (size_t)source), &out->source)) {
        cf_problems_add(&out->problems, CF_PROBLEM_BLOCKER, "source-unreadable",
                        "the source destination of the %s has no name that we understand", s->word);
        return;
    }
    out->located = true;
    out->route_index = index;
    out->source_index = source;
    out->target_index = target;
    out->target_present =
        target >= 0 &&
        cf_split_destination(s, out->ns, json_array_get(entries, (size_t)target), &out->target);
    inspect_weights(s, entries, source, target, out);
    if (json_array_size(routes) > 1)
        cf_mark_slot(*out->route_key ? out->route_key : "default", slot);
    snprintf(out->slot, sizeof out->slot, "%s", slot);
    cf_marks_read(object, slot, &out->marks);
    cf_problems_of_owners(object, slot, &out->problems);
}
