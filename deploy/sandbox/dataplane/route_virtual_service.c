/* SPDX-License-Identifier: Apache-2.0 */
/* Istio's VirtualService: http routes in their order, matches by uri, method and headers,
 * destinations with subsets. Left out: mirrors, rewrites, redirects, fault injection, delegates,
 * and the gateways it is bound to. */
#include <string.h>

#include "deploy/sandbox/dataplane/route.h"

enum { RANK = 1 << 30 /* in front of what path lengths make */ };

static struct sbx_text_rule text_rule(struct sbx_builder *b, const json_t *match)
{
    static const struct {
        const char *key;
        enum sbx_text_match how;
    } kinds[] = { { "exact", SBX_EXACT }, { "prefix", SBX_PREFIX }, { "regex", SBX_REGEX } };
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++) {
        const char *text = cf_json_str(match, NULL, kinds[i].key, NULL);
        if (text)
            return sbx_build_text(b, kinds[i].how, text);
    }
    return (struct sbx_text_rule){ .how = SBX_ANY };
}

static void add_headers(struct sbx_builder *b, const json_t *match, const char *field, bool negate,
                        struct sbx_header_rule *rows, int *n)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(match, field), name, value) rows[(*n)++] =
        (struct sbx_header_rule){ .name = cf_arena_strdup(b->table->arena, name),
                                  .value = text_rule(b, value),
                                  .negate = negate };
}

static void take_match(struct sbx_builder *b, const json_t *match, struct sbx_rule *r)
{
    size_t n = json_object_size(json_object_get(match, "headers")) +
               json_object_size(json_object_get(match, "withoutHeaders"));
    struct sbx_header_rule *rows = n ? cf_arena_alloc(b->table->arena, n * sizeof(*rows)) : NULL;
    r->n_headers = 0;
    add_headers(b, match, "headers", false, rows, &r->n_headers);
    add_headers(b, match, "withoutHeaders", true, rows, &r->n_headers);
    r->headers = rows;
    r->path = text_rule(b, json_object_get(match, "uri"));
    r->method = cf_arena_strdup(b->table->arena, cf_json_str(match, NULL, "method", "exact", NULL));
}

/* "echo" and "echo.web.svc.cluster.local" into name and namespace. */
static const char *split_host(struct cf_arena *a, const char *host, const char *own_ns,
                              const char **out_ns)
{
    const char *dot = strchr(host, '.');
    if (!dot) {
        *out_ns = own_ns;
        return host;
    }
    *out_ns = cf_arena_strndup(a, dot + 1, strcspn(dot + 1, "."));
    return cf_arena_strndup(a, host, (size_t)(dot - host));
}

/* The labels of a subset, from the DestinationRule for that Service; NULL when there is none. */
static const json_t *subset_labels(struct sbx_builder *b, const char *ns, const char *service,
                                   const char *subset)
{
    size_t i, k;
    json_t *rule, *row;
    json_array_foreach(b->objects->destination_rules, i, rule)
    {
        const char *rule_ns;
        const char *name =
            split_host(b->table->arena, cf_json_str(rule, "", "spec", "host", NULL),
                       cf_json_str(rule, "", "metadata", "namespace", NULL), &rule_ns);
        if (strcmp(name, service) != 0 || strcmp(rule_ns, ns) != 0)
            continue;
        json_array_foreach(cf_json_at(rule, "spec", "subsets", NULL), k,
                           row) if (strcmp(cf_json_str(row, "", "name", NULL), subset) ==
                                    0) return json_object_get(row, "labels");
    }
    return NULL;
}

static struct sbx_backend *destination(struct sbx_builder *b, const json_t *d, const char *own_ns)
{
    const char *ns;
    const char *service =
        split_host(b->table->arena, cf_json_str(d, "", "host", NULL), own_ns, &ns);
    const char *subset = cf_json_str(d, "", "subset", NULL);
    const json_t *labels = *subset ? subset_labels(b, ns, service, subset) : NULL;
    struct sbx_backend *backend =
        sbx_build_backend(b, SBX_VIRTUAL_SERVICE, ns, service,
                          (int)cf_json_int(d, 0, "port", "number", NULL), NULL, subset, labels);
    if (*subset && !labels)
        backend->n = 0; /* a subset that nobody defines has no endpoint */
    return backend;
}

static void http(struct sbx_builder *b, const json_t *object, const json_t *route,
                 struct sbx_rule *r)
{
    const char *ns = cf_json_str(object, "", "metadata", "namespace", NULL);
    const json_t *rows = json_object_get(route, "route");
    size_t i, k;
    json_t *row, *match, *host;
    r->targets = cf_arena_alloc(b->table->arena, (json_array_size(rows) + 1) * sizeof(*r->targets));
    r->n = 0;
    bool alone = json_array_size(rows) == 1;
    json_array_foreach(rows, i, row) r->targets[r->n++] =
        (struct sbx_target){ destination(b, json_object_get(row, "destination"), ns),
                             alone ? 100 : (int)cf_json_int(row, 0, "weight", NULL) };
    const json_t *matches = json_object_get(route, "match");
    json_array_foreach(cf_json_at(object, "spec", "hosts", NULL), i, host)
    {
        if (json_array_size(matches) == 0)
            sbx_build_rule(b, json_string_value(host) ? json_string_value(host) : "", r);
        json_array_foreach(matches, k, match)
        {
            struct sbx_rule one = *r;
            take_match(b, match, &one);
            sbx_build_rule(b, json_string_value(host) ? json_string_value(host) : "", &one);
        }
    }
}

void sbx_build_virtual_service(struct sbx_builder *b, const json_t *object)
{
    struct sbx_rule r = { .router = SBX_VIRTUAL_SERVICE,
                          .object = sbx_build_name(b, "VirtualService", object),
                          .rank = RANK };
    size_t i;
    json_t *route;
    json_array_foreach(cf_json_at(object, "spec", "http", NULL), i, route)
        http(b, object, route, &r);
}
