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

static void say(const struct collapse *c, const json_t *rule, const struct cf_backend *b)
{
    const char *name = name_of(rule);
    if (!c->lines || json_array_size(c->lines) >= CF_ROUTE_LINES_MAX)
        return;
    cf_autofree char *line = cf_xasprintf("rule %s%sleads to %s%s%s", name, *name ? " " : "",
                                          b->kind, *b->kind ? " " : "", b->name);
    json_array_append_new(c->lines, json_string(line));
}

/* Istio wants weights that sum to 100; one destination alone needs none. Gateways take any. */
static void mend_weights(json_t *destinations, bool is_istio)
{
    size_t n = json_array_size(destinations), i;
    json_t *d;
    json_int_t sum = 0, given = 0;
    if (n == 1) {
        json_object_del(json_array_get(destinations, 0), "weight");
        return;
    }
    json_array_foreach(destinations, i, d)
    {
        sum += cf_json_int(d, 0, "weight", NULL);
    }
    if (!is_istio || sum <= 0)
        return;
    json_array_foreach(destinations, i, d)
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

/* Whether the rule stays; its destinations that are not copied go when another is. */
static bool keep_rule(const struct collapse *c, const struct cf_route_part *part, json_t *rule)
{
    struct cf_backend b;
    if (!part->destinations) {
        bool leaves = part->read(rule, c->ns, &b) && standing_of(c, &b) == LEFT;
        if (leaves)
            say(c, rule, &b);
        return !leaves;
    }
    json_t *list = json_object_get(rule, part->destinations);
    size_t copied = 0, left = 0, i;
    json_t *d;
    json_array_foreach(list, i, d)
    {
        enum standing s = part->read(d, c->ns, &b) ? standing_of(c, &b) : ELSEWHERE;
        copied += s == COPIED;
        left += s == LEFT;
    }
    drop_mirrors(c, rule);
    if (copied == 0) {
        if (left > 0 && part->read(json_array_get(list, 0), c->ns, &b))
            say(c, rule, &b);
        return left == 0;
    }
    if (copied == json_array_size(list))
        return true;
    for (i = json_array_size(list); i-- > 0;) {
        if (part->read(json_array_get(list, i), c->ns, &b) && standing_of(c, &b) == COPIED)
            continue;
        say(c, rule, &b);
        json_array_remove(list, i);
    }
    mend_weights(list, part->read == cf_backend_of_istio);
    return true;
}

static size_t keep_rules(const struct collapse *c, const struct cf_route_part *part, json_t *rules)
{
    for (size_t i = 0; i < json_array_size(rules);) {
        if (keep_rule(c, part, json_array_get(rules, i)))
            i++;
        else
            json_array_remove(rules, i);
    }
    return json_array_size(rules);
}

/* The rules of one part that stay; holders without any go. */
static size_t collapse_part(const struct collapse *c, const struct cf_route_part *part,
                            json_t *route)
{
    json_t *list = cf_json_pointer(route, part->rules);
    if (!part->inner)
        return keep_rules(c, part, list);
    size_t kept = 0;
    for (size_t i = 0; i < json_array_size(list);) {
        json_t *rules = cf_json_pointer(json_array_get(list, i), part->inner);
        size_t of_this = rules ? keep_rules(c, part, rules) : 1;
        kept += of_this;
        if (of_this)
            i++;
        else
            json_array_remove(list, i);
    }
    return kept;
}

/* An Ingress' requests that no rule takes. */
static bool keep_default(const struct collapse *c, json_t *route)
{
    struct cf_backend b;
    const json_t *dflt = cf_json_at(route, "spec", "defaultBackend", NULL);
    if (!dflt)
        return false;
    cf_autojson json_t *as_path =
        json_pack("{s:O, s:s}", "backend", cf_json_unconst(dflt), "name", "(default)");
    if (!cf_backend_of_ingress(as_path, c->ns, &b) || standing_of(c, &b) != LEFT)
        return true;
    say(c, as_path, &b);
    cf_json_del(route, "spec", "defaultBackend", NULL);
    return false;
}

/* An empty list that no API server takes, or that would say something else. */
static void drop_empty(json_t *route, const char *list)
{
    const json_t *l = cf_json_at(route, "spec", list, NULL);
    if (l && json_array_size(l) == 0)
        cf_json_del(route, "spec", list, NULL);
}

bool cf_route_collapse(json_t *route, cf_is_copied_fn *is_copied, const void *user, json_t *lines)
{
    const struct collapse c = { cf_object_namespace(route), is_copied, user, lines };
    const struct cf_kind *k = cf_kind_of(route);
    static const char *const lists[] = { "rules", "http", "tls", "tcp" };
    size_t kept = 0;
    if (!k || !(k->flags & CF_KIND_ROUTE))
        return true;
    for (const struct cf_route_part *part = cf_route_parts; part->kind; part++)
        if (strcmp(part->kind, k->kind) == 0)
            kept += collapse_part(&c, part, route);
    kept += keep_default(&c, route);
    for (size_t i = 0; i < CF_ARRAY_LEN(lists); i++)
        drop_empty(route, lists[i]);
    return kept > 0;
}
