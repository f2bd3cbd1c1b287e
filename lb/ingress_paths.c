/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths of an Ingress move, and who else has a canary there. */
#include <stdio.h>
#include <string.h>

#include "lb/ingress.h"

struct selector {
    char host[CF_ROUTE_SELECTOR_MAX];
    const char *path; /* "" = any */
};

/* "host", "/path", "host/path". */
static void selector_of(const char *route, struct selector *out, char *copy)
{
    snprintf(copy, CF_ROUTE_SELECTOR_MAX, "%s", route);
    const char *slash = strchr(copy, '/');
    snprintf(out->host, sizeof out->host, "%.*s", slash ? (int)(slash - copy) : (int)strlen(copy),
             copy);
    out->path = slash ? slash : "";
}

static json_t *path_entry(const json_t *rule, const json_t *path)
{
    json_t *e = json_object();
    static const char *const copied[] = { "path", "pathType", "backend" };
    if (json_object_get(rule, "host"))
        json_object_set(e, "host", json_object_get(rule, "host"));
    for (size_t i = 0; i < CF_ARRAY_LEN(copied); i++)
        if (json_object_get(path, copied[i]))
            json_object_set_new(e, copied[i], cf_json_copy(json_object_get(path, copied[i])));
    return e;
}

/* All paths with a Service behind them as flat entries, `only` those that the selector means. */
static json_t *flatten(const json_t *ingress, const struct selector *only)
{
    json_t *out = json_array();
    const json_t *rules = cf_json_at(ingress, "spec", "rules", NULL);
    for (size_t r = 0; r < json_array_size(rules); r++) {
        const json_t *rule = json_array_get(rules, r);
        const json_t *paths = cf_json_at(rule, "http", "paths", NULL);
        if (only && *only->host && strcmp(cf_json_str(rule, "", "host", NULL), only->host) != 0)
            continue;
        for (size_t p = 0; p < json_array_size(paths); p++) {
            const json_t *path = json_array_get(paths, p);
            if (only && *only->path &&
                strcmp(cf_json_str(path, "/", "path", NULL), only->path) != 0)
                continue;
            if (cf_json_at(path, "backend", "service", NULL))
                json_array_append_new(out, path_entry(rule, path));
        }
    }
    return out;
}

static bool backend_of(const json_t *entry, const char *ns, struct cf_destination *out)
{
    return cf_destination_read(CF_ROUTER_INGRESS, ns, json_object_get(entry, "backend"), out);
}

/* The one Service all entries have, as *source (empty: none has one); false with a problem when
 * they differ. */
static bool only_source(const json_t *entries, const char *ns, struct cf_destination *source,
                        struct cf_problems *problems)
{
    struct cf_destination d;
    int seen = 0;
    memset(source, 0, sizeof *source);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        if (!backend_of(json_array_get(entries, i), ns, &d))
            continue;
        if (seen++ == 0)
            *source = d;
        else if (!cf_destination_matches(CF_ROUTER_INGRESS, source, &d)) {
            cf_problems_add(problems, CF_PROBLEM_BLOCKER, "source-ambiguous",
                            "the Ingress has several Services (%s and %s among them); say with "
                            "destinations.source which one moves",
                            source->name, d.name);
            return false;
        }
    }
    return true;
}

static void nothing_moves(const struct cf_router_target *t, const json_t *ingress,
                          struct cf_problems *problems)
{
    struct cf_destination d;
    const json_t *fallback = cf_json_at(ingress, "spec", "defaultBackend", NULL);
    bool is_default = fallback && cf_destination_read(CF_ROUTER_INGRESS, t->ns, fallback, &d) &&
                      (!t->has_source || cf_destination_matches(CF_ROUTER_INGRESS, &t->source, &d));
    cf_problems_add(problems, CF_PROBLEM_BLOCKER, is_default ? "catch-all" : "source-not-found",
                    is_default ? "%s%s the default backend of the Ingress, and ingress-nginx makes "
                                 "no canary for a default "
                                 "backend: give it a rule"
                               : "no path of the Ingress%s%s has the source Service",
                    is_default  ? "the source Service is"
                    : *t->route ? " under "
                                : "",
                    is_default ? "" : t->route);
}

json_t *cf_ingress_paths(const struct cf_router_target *t, const json_t *main_object,
                         struct cf_destination *source, struct cf_problems *problems)
{
    char copy[CF_ROUTE_SELECTOR_MAX];
    struct selector only;
    struct cf_destination d;
    selector_of(t->route, &only, copy);
    cf_autojson json_t *chosen = flatten(main_object, &only);
    cf_autojson json_t *all = flatten(main_object, NULL);
    if (t->has_source)
        *source = t->source;
    else if (!only_source(chosen, t->ns, source, problems))
        return NULL;
    json_t *moving = json_array();
    int others = 0;
    for (size_t i = 0; i < json_array_size(chosen); i++)
        if (backend_of(json_array_get(chosen, i), t->ns, &d) &&
            cf_destination_matches(CF_ROUTER_INGRESS, source, &d))
            json_array_append(moving, json_array_get(chosen, i));
    if (!json_array_size(moving)) {
        json_decref(moving);
        nothing_moves(t, main_object, problems);
        return NULL;
    }
    backend_of(json_array_get(moving, 0), t->ns, source);
    for (size_t i = 0; i < json_array_size(all); i++)
        others += backend_of(json_array_get(all, i), t->ns, &d) &&
                  cf_destination_matches(CF_ROUTER_INGRESS, source, &d);
    if (others > (int)json_array_size(moving))
        cf_problems_add(problems, CF_PROBLEM_WARNING, "paths-share-service",
                        "%d other paths lead to the same Service; ingress-nginx may send their "
                        "requests to the canary as well",
                        others - (int)json_array_size(moving));
    return moving;
}

json_t *cf_ingress_rules(const json_t *paths, const json_t *backend)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const json_t *entry = json_array_get(paths, i);
        const char *host = cf_json_str(entry, "", "host", NULL);
        json_t *rule = NULL, *path = json_object();
        for (size_t r = 0; r < json_array_size(rules) && !rule; r++)
            if (strcmp(cf_json_str(json_array_get(rules, r), "", "host", NULL), host) == 0)
                rule = json_array_get(rules, r);
        if (!rule) {
            json_array_append_new(rules, rule = json_object());
            if (*host)
                json_object_set_new(rule, "host", json_string(host));
            cf_json_put_take(rule, json_array(), "http", "paths", NULL);
        }
        if (json_object_get(entry, "path"))
            json_object_set(path, "path", json_object_get(entry, "path"));
        if (json_object_get(entry, "pathType"))
            json_object_set(path, "pathType", json_object_get(entry, "pathType"));
        json_object_set_new(path, "backend", cf_json_copy(backend));
        json_array_append_new(cf_json_unconst(cf_json_at(rule, "http", "paths", NULL)), path);
    }
    return rules;
}

static bool overlap(const json_t *a, const json_t *b)
{
    return strcmp(cf_json_str(a, "", "host", NULL), cf_json_str(b, "", "host", NULL)) == 0 &&
           strcmp(cf_json_str(a, "/", "path", NULL), cf_json_str(b, "/", "path", NULL)) == 0;
}

static bool any_overlap(const json_t *a, const json_t *b, const json_t **out)
{
    for (size_t i = 0; i < json_array_size(a); i++)
        for (size_t k = 0; k < json_array_size(b); k++)
            if (overlap(json_array_get(a, i), json_array_get(b, k))) {
                *out = json_array_get(a, i);
                return true;
            }
    return false;
}

void cf_ingress_check_canaries(const json_t *paths, const json_t *peers, const char *own_canary,
                               struct cf_problems *out)
{
    const json_t *at = NULL;
    for (size_t p = 0; p < json_array_size(peers); p++) {
        const json_t *peer = json_array_get(peers, p);
        const char *name = cf_json_str(peer, "", "metadata", "name", NULL);
        if (strcmp(name, own_canary) == 0 ||
            strcmp(cf_json_str(peer, "", "metadata", "annotations", CF_NGINX "canary", NULL),
                   "true") != 0)
            continue;
        cf_autojson json_t *theirs = flatten(peer, NULL);
        if (any_overlap(paths, theirs, &at))
            cf_problems_add(out, CF_PROBLEM_BLOCKER, "canary-exists",
                            "Ingress %.100s is already a canary for %.100s%.60s, and ingress-nginx "
                            "takes one only",
                            name, cf_json_str(at, "*", "host", NULL),
                            cf_json_str(at, "/", "path", NULL));
    }
}
