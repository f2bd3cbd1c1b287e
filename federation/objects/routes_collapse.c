/* SPDX-License-Identifier: Apache-2.0 */
/* Collapsing a route to what is copied (routes.h). */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/objects/routes_internal.h"

struct collapse {
    const char *ns;
    cf_is_copied_fn *is_copied;
    const void *user;
    json_t *lines;
    size_t copied, left; /* destinations of the whole route */
};

enum standing { COPIED, LEFT, ELSEWHERE };

static enum standing standing_of(const struct collapse *c, const struct cf_backend *b)
{
    if (strcmp(b->kind, "Service") != 0 || strcmp(b->ns, c->ns) != 0)
        return ELSEWHERE;
    return c->is_copied(c->user, b->name) ? COPIED : LEFT;
}

/* What a rule matches, for people. */
static const char *name_of(const json_t *rule)
{
    static const char *const places[] = { "/name", "/path", "/matches/0/path/value",
                                          "/match/0/uri/prefix", "/match/0/uri/exact" };
    for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
        const json_t *text = cf_json_pointer(rule, places[i]);
        if (json_is_string(text))
            return json_string_value(text);
    }
    return "";
}

static void say(const struct collapse *c, const json_t *rule, const struct cf_backend *b,
                const char *what)
{
    const char *name = name_of(rule);
    if (!c->lines || json_array_size(c->lines) >= CF_ROUTE_LINES_MAX)
        return;
    cf_autofree char *line =
        cf_xasprintf("rule %s%sleads to %s%s%s, which is not copied: %s", name, *name ? " " : "",
                     b->kind, *b->kind ? " " : "", b->name, what);
    json_array_append_new(c->lines, json_string(line));
}

static void drop_weights(json_t *destinations)
{
    size_t i;
    json_t *d;
    json_array_foreach(destinations, i, d)
    {
        json_object_del(d, "weight");
    }
}

/* Istio wants weights that sum to 100; a gateway takes any. One destination alone needs none, and
 * those that had no share of the traffic get equal ones: it has nowhere else to go. */
static void mend_weights(json_t *destinations, bool is_istio)
{
    size_t n = json_array_size(destinations), i;
    json_t *d;
    json_int_t sum = 0, given = 0;
    json_array_foreach(destinations, i, d)
    {
        sum += cf_json_int(d, is_istio ? 0 : 1, "weight", NULL);
    }
    if (n == 1 || sum <= 0) {
        drop_weights(destinations);
        return;
    }
    json_array_foreach(is_istio ? destinations : NULL, i, d)
    {
        json_int_t share = i + 1 == n ? 100 - given : cf_json_int(d, 0, "weight", NULL) * 100 / sum;
        given += share;
        json_object_set_new(d, "weight", json_integer(share));
    }
}

/* Copies of requests go only where a copy is. */
static void drop_mirrors(const struct collapse *c, json_t *rule)
{
    struct cf_backend b;
    const char *host = cf_json_str(rule, "", "mirror", "host", NULL);
    cf_host_backend(host, c->ns, &b);
    if (*host && standing_of(c, &b) != COPIED) {
        json_object_del(rule, "mirror");
        json_object_del(rule, "mirrorPercentage");
    }
    json_t *mirrors = json_object_get(rule, "mirrors");
    for (size_t i = json_array_size(mirrors); i-- > 0;)
        if (cf_backend_of_istio(json_array_get(mirrors, i), c->ns, &b) &&
            standing_of(c, &b) != COPIED)
            json_array_remove(mirrors, i);
    json_t *filters = json_object_get(rule, "filters");
    for (size_t i = json_array_size(filters); i-- > 0;) {
        const json_t *ref =
            cf_json_at(json_array_get(filters, i), "requestMirror", "backendRef", NULL);
        if (ref && cf_backend_of_ref(ref, c->ns, &b) && standing_of(c, &b) != COPIED)
            json_array_remove(filters, i);
    }
}

#define STAYS "it fails there until it is"

/* A rule that leads nowhere stays: without it its requests would fall to a broader rule, and reach
 * what they are not meant for. */
static void collapse_one(struct collapse *c, const struct cf_route_part *part, const json_t *rule)
{
    struct cf_backend b;
    if (!part->read(rule, c->ns, &b))
        return;
    enum standing standing = standing_of(c, &b);
    c->copied += standing == COPIED;
    c->left += standing == LEFT;
    if (standing == LEFT)
        say(c, rule, &b, STAYS);
}

/* The destinations that are not copied go when another is. */
static void collapse_list(struct collapse *c, const struct cf_route_part *part, json_t *rule)
{
    struct cf_backend b;
    json_t *list = json_object_get(rule, part->destinations);
    size_t copied = 0, gone = 0, i;
    json_t *d;
    json_array_foreach(list, i, d)
    {
        enum standing s = part->read(d, c->ns, &b) ? standing_of(c, &b) : ELSEWHERE;
        copied += s == COPIED;
        c->left += s == LEFT;
    }
    c->copied += copied;
    drop_mirrors(c, rule);
    for (i = json_array_size(list); i-- > 0;) {
        bool named = part->read(json_array_get(list, i), c->ns, &b);
        enum standing s = named ? standing_of(c, &b) : ELSEWHERE;
        if (copied == 0 && s == LEFT)
            say(c, rule, &b, STAYS);
        if (copied == 0 || s == COPIED)
            continue;
        say(c, rule, &b, "left out");
        json_array_remove(list, i);
        gone++;
    }
    if (gone > 0)
        mend_weights(list, part->read == cf_backend_of_istio);
}

static void collapse_rules(struct collapse *c, const struct cf_route_part *part, json_t *rules)
{
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        if (part->destinations)
            collapse_list(c, part, rule);
        else
            collapse_one(c, part, rule);
    }
}

static void collapse_part(struct collapse *c, const struct cf_route_part *part, json_t *route)
{
    json_t *list = cf_json_pointer(route, part->rules), *holder;
    size_t i;
    if (!part->inner)
        collapse_rules(c, part, list);
    json_array_foreach(part->inner ? list : NULL, i, holder)
    {
        collapse_rules(c, part, cf_json_pointer(holder, part->inner));
    }
}

/* An Ingress' requests that no rule takes. */
static void collapse_default(struct collapse *c, json_t *route)
{
    const struct cf_route_part part = { .read = cf_backend_of_ingress };
    const json_t *dflt = cf_json_at(route, "spec", "defaultBackend", NULL);
    cf_autojson json_t *as_path =
        json_pack("{s:O*, s:s}", "backend", cf_json_unconst(dflt), "name", "(default)");
    collapse_one(c, &part, as_path);
}

bool cf_route_collapse(json_t *route, cf_is_copied_fn *is_copied, const void *user, json_t *lines)
{
    struct collapse c = { cf_object_namespace(route), is_copied, user, lines, 0, 0 };
    const struct cf_kind *k = cf_kind_of(route);
    if (!k || !(k->flags & CF_KIND_ROUTE))
        return true;
    for (const struct cf_route_part *part = cf_route_parts; part->kind; part++)
        if (strcmp(part->kind, k->kind) == 0)
            collapse_part(&c, part, route);
    collapse_default(&c, route);
    return c.copied > 0 || c.left == 0;
}
