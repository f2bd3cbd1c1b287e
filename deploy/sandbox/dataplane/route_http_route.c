/* SPDX-License-Identifier: Apache-2.0 */
/* Gateway API's HTTPRoute: rules by the most specific match, weighted backendRefs.
 * Left out: filters, query parameters, the listeners of the parents, ReferenceGrants. */
#include <string.h>

#include "deploy/sandbox/dataplane/route.h"

enum { RANK_EXACT = 1 << 24, RANK_LENGTH = 256, RANK_METHOD = 128 };

static void take_path(struct sbx_builder *b, const json_t *path, struct sbx_rule *r)
{
    const char *type = cf_json_str(path, "PathPrefix", "type", NULL);
    const char *value = cf_json_str(path, "/", "value", NULL);
    enum sbx_text_match how = strcmp(type, "Exact") == 0               ? SBX_EXACT
                              : strcmp(type, "RegularExpression") == 0 ? SBX_REGEX
                                                                       : SBX_PATH_PREFIX;
    r->path = sbx_build_text(b, how, value);
    r->rank = (how == SBX_EXACT ? RANK_EXACT : 0) + (long)strlen(value) * RANK_LENGTH;
}

static void take_match(struct sbx_builder *b, const json_t *match, struct sbx_rule *r)
{
    struct cf_arena *a = b->table->arena;
    const json_t *headers = json_object_get(match, "headers");
    size_t i;
    json_t *h;
    take_path(b, json_object_get(match, "path"), r);
    r->method = cf_arena_strdup(a, cf_json_str(match, NULL, "method", NULL));
    struct sbx_header_rule *rows =
        cf_arena_alloc(a, (json_array_size(headers) + 1) * sizeof(*rows));
    r->n_headers = 0;
    json_array_foreach(headers, i, h)
    {
        bool regex = strcmp(cf_json_str(h, "Exact", "type", NULL), "RegularExpression") == 0;
        rows[r->n_headers++] = (struct sbx_header_rule){
            .name = cf_arena_strdup(a, cf_json_str(h, "", "name", NULL)),
            .value =
                sbx_build_text(b, regex ? SBX_REGEX : SBX_EXACT, cf_json_str(h, "", "value", NULL)),
        };
    }
    r->headers = rows;
    r->rank += (r->method ? RANK_METHOD : 0) + r->n_headers;
}

static void add_to_hosts(struct sbx_builder *b, const json_t *object, const struct sbx_rule *r)
{
    const json_t *hosts = cf_json_at(object, "spec", "hostnames", NULL);
    size_t i;
    json_t *host;
    if (json_array_size(hosts) == 0)
        sbx_build_rule(b, "*", r);
    json_array_foreach(hosts, i, host) if (json_is_string(host))
        sbx_build_rule(b, json_string_value(host), r);
}

void sbx_build_http_route(struct sbx_builder *b, const json_t *object)
{
    const char *ns = cf_json_str(object, "", "metadata", "namespace", NULL);
    size_t i, k;
    json_t *rule, *row;
    json_array_foreach(cf_json_at(object, "spec", "rules", NULL), i, rule)
    {
        struct sbx_rule r = { .router = SBX_HTTP_ROUTE,
                              .object = sbx_build_name(b, "HTTPRoute", object) };
        const json_t *rows = json_object_get(rule, "backendRefs");
        r.targets =
            cf_arena_alloc(b->table->arena, (json_array_size(rows) + 1) * sizeof(*r.targets));
        json_array_foreach(rows, k, row) r.targets[r.n++] = (struct sbx_target){
            sbx_build_backend(b, SBX_HTTP_ROUTE, cf_json_str(row, ns, "namespace", NULL),
                              cf_json_str(row, "", "name", NULL),
                              (int)cf_json_int(row, 0, "port", NULL), NULL, NULL, NULL),
            (int)cf_json_int(row, 1, "weight", NULL)
        };
        const json_t *matches = json_object_get(rule, "matches");
        if (json_array_size(matches) == 0) {
            take_match(b, NULL, &r);
            add_to_hosts(b, object, &r);
        }
        json_array_foreach(matches, k, row)
        {
            struct sbx_rule one = r;
            take_match(b, row, &one);
            add_to_hosts(b, object, &one);
        }
    }
}
