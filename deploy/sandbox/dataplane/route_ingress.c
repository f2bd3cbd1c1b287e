/* SPDX-License-Identifier: Apache-2.0 */
/* Ingress as ingress-nginx serves it, with canaries: a second Ingress of the same host and path,
 * marked by annotations, gets requests with a header or a part by weight. A canary without a main
 * one, or without endpoints, gets nothing; a main one without endpoints answers 503 whatever its
 * canary has. When a path gets another main backend, and no Ingress names the old one any more, one
 * request is lost (sbx_table_succeed). Left out: cookies, classes, TLS, snippets, all other
 * annotations. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "deploy/sandbox/dataplane/route.h"

#define NGINX "nginx.ingress.kubernetes.io/"
enum { RANK_EXACT = 1 << 24, RANK_LENGTH = 256, RANK_HEADER = 2, WEIGHT_TOTAL_MAX = 1000000 };

static const char *annotation(const json_t *o, const char *name)
{
    return cf_json_str(o, "", "metadata", "annotations", name, NULL);
}

static const char *ns_of(const json_t *o)
{
    return cf_json_str(o, "", "metadata", "namespace", NULL);
}

static bool is_canary(const json_t *o)
{
    return strcmp(annotation(o, NGINX "canary"), "true") == 0;
}

static int number(const json_t *o, const char *name, int dflt)
{
    int64_t value;
    struct cf_error ignored = CF_ERROR_INIT;
    return cf_int_parse(annotation(o, name), 0, WEIGHT_TOTAL_MAX, &value, &ignored) ? (int)value
                                                                                    : dflt;
}

static struct sbx_backend *backend(struct sbx_builder *b, const json_t *object,
                                   const json_t *service)
{
    struct sbx_backend *made =
        sbx_build_backend(b, SBX_INGRESS, ns_of(object), cf_json_str(service, "", "name", NULL),
                          (int)cf_json_int(service, 0, "port", "number", NULL),
                          cf_json_str(service, NULL, "port", "name", NULL), NULL, NULL);
    made->ingress =
        cf_arena_strdup(b->table->arena, cf_json_str(object, "", "metadata", "name", NULL));
    return made;
}

/* The Service of the canary for this host and path; *out_canary is the Ingress. */
static const json_t *find_canary(struct sbx_builder *b, const json_t *main, const char *host,
                                 const char *path, const json_t **out_canary)
{
    size_t i, k, m;
    json_t *o, *rule, *row;
    json_array_foreach(b->objects->ingresses, i, o)
    {
        if (!is_canary(o) || strcmp(ns_of(o), ns_of(main)) != 0)
            continue;
        json_array_foreach(cf_json_at(o, "spec", "rules", NULL), k, rule)
        {
            if (strcmp(cf_json_str(rule, "", "host", NULL), host) != 0)
                continue;
            json_array_foreach(cf_json_at(rule, "http", "paths", NULL), m, row)
            {
                if (strcmp(cf_json_str(row, "/", "path", NULL), path) == 0) {
                    *out_canary = o;
                    return cf_json_at(row, "backend", "service", NULL);
                }
            }
        }
    }
    return NULL;
}

/* A rule in front of the weights: requests with this header go there. */
static void header_rule(struct sbx_builder *b, const char *host, const struct sbx_rule *base,
                        const char *name, const struct sbx_text_rule *value, struct sbx_backend *to)
{
    struct cf_arena *a = b->table->arena;
    struct sbx_header_rule *header = cf_arena_alloc(a, sizeof(*header));
    *header = (struct sbx_header_rule){ .name = cf_arena_strdup(a, name), .value = *value };
    struct sbx_rule r = *base;
    r.headers = header;
    r.n_headers = 1;
    r.rank += RANK_HEADER;
    r.targets = cf_arena_alloc(a, sizeof(*r.targets));
    r.targets[0] = (struct sbx_target){ to, 100 };
    r.n = 1;
    sbx_build_rule(b, host, &r);
}

static void header_rules(struct sbx_builder *b, const char *host, const struct sbx_rule *base,
                         const json_t *canary, struct sbx_backend *to)
{
    const char *name = annotation(canary, NGINX "canary-by-header");
    const char *value = annotation(canary, NGINX "canary-by-header-value");
    const char *pattern = annotation(canary, NGINX "canary-by-header-pattern");
    if (!*name)
        return;
    struct sbx_text_rule rule = *value     ? sbx_build_text(b, SBX_EXACT, value)
                                : *pattern ? sbx_build_text(b, SBX_REGEX, pattern)
                                           : sbx_build_text(b, SBX_EXACT, "always");
    header_rule(b, host, base, name, &rule, to);
    if (*value || *pattern)
        return;
    rule = sbx_build_text(b, SBX_EXACT, "never");
    header_rule(b, host, base, name, &rule, base->needs);
}

static void add_path(struct sbx_builder *b, const json_t *object, const char *host,
                     const char *path, const char *type, const json_t *service)
{
    struct sbx_backend *main_backend = backend(b, object, service);
    bool exact = strcmp(type, "Exact") == 0;
    struct sbx_rule r = {
        .router = SBX_INGRESS,
        .object = sbx_build_name(b, "Ingress", object),
        .path = sbx_build_text(b, exact ? SBX_EXACT : SBX_PATH_PREFIX, path),
        .rank = (exact ? RANK_EXACT : 0) + (long)strlen(path) * RANK_LENGTH,
        .needs = main_backend,
        .targets = cf_arena_alloc(b->table->arena, 2 * sizeof(*r.targets)),
        .n = 1,
    };
    int total = 100;
    int weight = 0;
    const json_t *canary = NULL;
    const json_t *other = find_canary(b, object, host, path, &canary);
    if (other) {
        struct sbx_backend *to = backend(b, canary, other);
        to->canary = cf_arena_printf(b->table->arena, "%s-%s-%s", to->ns, to->service,
                                     cf_json_str(other, "", "port", "name", NULL));
        if (cf_json_int(other, 0, "port", "number", NULL) > 0)
            to->canary = cf_arena_printf(b->table->arena, "%s-%s-%d", to->ns, to->service,
                                         (int)cf_json_int(other, 0, "port", "number", NULL));
        to->service = main_backend->service;
        to->ingress = main_backend->ingress;
        total = CF_MAX(1, number(canary, NGINX "canary-weight-total", 100));
        weight = CF_MIN(total, number(canary, NGINX "canary-weight", 0));
        header_rules(b, host, &r, canary, to);
        r.targets[r.n++] = (struct sbx_target){ to, weight };
    }
    r.targets[0] = (struct sbx_target){ main_backend, total - weight };
    sbx_build_rule(b, host, &r);
}

static bool is_host_known(const struct sbx_builder *b, const char *host)
{
    for (const struct sbx_host *h = b->table->hosts; h; h = h->next)
        if (strcasecmp(h->name, host) == 0)
            return true;
    return false;
}

/* A canary of a host that no main Ingress has cannot be merged anywhere; its Services stay listed. */
static void keep_unmerged(struct sbx_builder *b, const json_t *canary)
{
    size_t k, m;
    json_t *rule, *row;
    json_array_foreach(cf_json_at(canary, "spec", "rules", NULL), k, rule)
    {
        if (is_host_known(b, cf_json_str(rule, "*", "host", NULL)))
            continue;
        json_array_foreach(cf_json_at(rule, "http", "paths", NULL), m, row)
        {
            struct sbx_kept *kept = cf_arena_alloc(b->table->arena, sizeof(*kept));
            kept->backend = backend(b, canary, cf_json_at(row, "backend", "service", NULL));
            kept->next = b->table->kept;
            b->table->kept = kept;
        }
    }
}

void sbx_build_ingresses(struct sbx_builder *b)
{
    size_t i, k, m;
    json_t *o, *rule, *row;
    json_array_foreach(b->objects->ingresses, i, o)
    {
        if (is_canary(o))
            continue;
        const json_t *dflt = cf_json_at(o, "spec", "defaultBackend", "service", NULL);
        if (dflt)
            add_path(b, o, "", "/", "Prefix", dflt);
        json_array_foreach(cf_json_at(o, "spec", "rules", NULL), k, rule)
        {
            json_array_foreach(cf_json_at(rule, "http", "paths", NULL), m, row) add_path(
                b, o, cf_json_str(rule, "", "host", NULL), cf_json_str(row, "/", "path", NULL),
                cf_json_str(row, "Prefix", "pathType", NULL),
                cf_json_at(row, "backend", "service", NULL));
        }
    }
    json_array_foreach(b->objects->ingresses, i, o)
    {
        if (is_canary(o))
            keep_unmerged(b, o);
    }
}
