/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of Kubernetes' REST API. */
#include "deploy/sandbox/api/path.h"

#include <string.h>

#include "base/units.h"
#include "base/url.h"

static bool decode(char *s, bool is_query)
{
    struct cf_error err = CF_ERROR_INIT;
    return cf_url_unescape(s, is_query, &err);
}

static void parse_query(struct sbx_path *p, char *query)
{
    char *save = NULL;
    for (char *pair = strtok_r(query, "&", &save); pair && p->queries < SBX_QUERY_MAX;
         pair = strtok_r(NULL, "&", &save)) {
        char *eq = strchr(pair, '=');
        char *value = eq ? eq + 1 : pair + strlen(pair);
        if (eq)
            *eq = '\0';
        if (!decode(pair, true) || !decode(value, true))
            continue;
        p->names[p->queries] = pair;
        p->values[p->queries++] = value;
    }
}

static const char *seg(const struct sbx_path *p, int i)
{
    return i < p->count ? p->segments[i] : NULL;
}

/* /api/v1/… and /apis/G/V/… from segment `i` on. */
static void parse_resource(struct sbx_path *p, int i)
{
    const char *first = seg(p, i);
    if (!first)
        return;
    bool in_ns = strcmp(first, "namespaces") == 0 && seg(p, i + 2) &&
                 !(p->count == i + 3 && (strcmp(seg(p, i + 2), "status") == 0 ||
                                         strcmp(seg(p, i + 2), "finalize") == 0));
    if (in_ns) {
        p->ns = seg(p, i + 1);
        i += 2;
    }
    p->plural = seg(p, i);
    p->name = seg(p, i + 1);
    p->sub = seg(p, i + 2);
    if (p->count > i + 3)
        p->count = -1;
    p->kind = sbx_kind_find(p->group, p->version, p->plural);
    if (p->kind && (p->kind->namespaced ? (!p->ns && p->name) : p->ns != NULL))
        p->kind = NULL;
}

void sbx_path_parse(struct sbx_path *p, const char *target)
{
    memset(p, 0, sizeof(*p));
    p->text = cf_xstrdup(target);
    char *query = strchr(p->text, '?');
    if (query) {
        *query = '\0';
        parse_query(p, query + 1);
    }
    char *save = NULL;
    for (char *s = strtok_r(p->text, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
        if (p->count == SBX_SEGMENTS_MAX || !decode(s, false)) {
            p->count = -1;
            return;
        }
        p->segments[p->count++] = s;
    }
    const char *root = seg(p, 0);
    if (root && strcmp(root, "api") == 0 && p->count >= 2) {
        p->group = "";
        p->version = p->segments[1];
        parse_resource(p, 2);
    } else if (root && strcmp(root, "apis") == 0 && p->count >= 3) {
        p->group = p->segments[1];
        p->version = p->segments[2];
        parse_resource(p, 3);
    }
}

void sbx_path_free(struct sbx_path *p)
{
    free(p->text);
    p->text = NULL;
}

const char *sbx_query(const struct sbx_path *p, const char *name)
{
    for (int i = 0; i < p->queries; i++)
        if (strcmp(p->names[i], name) == 0)
            return p->values[i];
    return NULL;
}

bool sbx_query_true(const struct sbx_path *p, const char *name)
{
    const char *v = sbx_query(p, name);
    return v && (strcmp(v, "true") == 0 || strcmp(v, "1") == 0);
}

int64_t sbx_query_int(const struct sbx_path *p, const char *name, int64_t dflt)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *v = sbx_query(p, name);
    int64_t n;
    return v && cf_int_parse(v, 0, SBX_QUERY_INT_MAX, &n, &err) ? n : dflt;
}
