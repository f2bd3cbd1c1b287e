/* SPDX-License-Identifier: Apache-2.0 */
/* From API objects to a table: hosts, rules in order, Services and their ready endpoints. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/dataplane/route.h"

static const char *meta(const json_t *o, const char *field)
{
    return cf_json_str(o, "", "metadata", field, NULL);
}

const char *sbx_build_name(struct sbx_builder *b, const char *kind, const json_t *object)
{
    return cf_arena_printf(b->table->arena, "%s %s/%s", kind, meta(object, "namespace"),
                           meta(object, "name"));
}

struct sbx_text_rule sbx_build_text(struct sbx_builder *b, enum sbx_text_match how,
                                    const char *text)
{
    struct cf_arena *a = b->table->arena;
    struct sbx_text_rule r = { .how = how, .text = cf_arena_strdup(a, text) };
    if (how != SBX_REGEX)
        return r;
    struct sbx_regexes *row = cf_arena_alloc(a, sizeof(*row));
    if (regcomp(&row->regex, cf_arena_printf(a, "^(%s)$", text), REG_EXTENDED | REG_NOSUB) != 0)
        return r;
    row->next = b->table->regexes;
    b->table->regexes = row;
    r.regex = &row->regex;
    return r;
}

void sbx_build_rule(struct sbx_builder *b, const char *host, const struct sbx_rule *rule)
{
    struct cf_arena *a = b->table->arena;
    char *name = cf_arena_strdup(a, *host ? host : "*");
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    struct sbx_host *h = b->table->hosts;
    while (h && strcmp(h->name, name) != 0)
        h = h->next;
    if (!h) {
        h = cf_arena_alloc(a, sizeof(*h));
        *h = (struct sbx_host){ .name = name, .next = b->table->hosts };
        b->table->hosts = h;
    }
    struct sbx_rule *mine = cf_arena_alloc(a, sizeof(*mine));
    *mine = *rule;
    mine->orphaned = cf_arena_alloc(a, sizeof(*mine->orphaned));
    atomic_init(mine->orphaned, false);
    mine->total = 0;
    for (int i = 0; i < mine->n; i++)
        mine->total += mine->targets[i].weight;
    struct sbx_rule **at = &h->rules;
    while (*at && (*at)->rank >= mine->rank)
        at = &(*at)->next;
    mine->next = *at;
    *at = mine;
}

/* ---- Services and endpoints */

static const json_t *find(const json_t *objects, const char *ns, const char *name)
{
    size_t i;
    json_t *o;
    json_array_foreach(objects, i, o) if (strcmp(meta(o, "name"), name) == 0 &&
                                          strcmp(meta(o, "namespace"), ns) == 0) return o;
    return NULL;
}

static const json_t *service_port(const json_t *service, int port, const char *port_name)
{
    const json_t *ports = cf_json_at(service, "spec", "ports", NULL);
    size_t i;
    json_t *p;
    json_array_foreach(ports, i, p)
    {
        if (port > 0 && cf_json_int(p, 0, "port", NULL) == port)
            return p;
        if (port <= 0 && port_name && strcmp(cf_json_str(p, "", "name", NULL), port_name) == 0)
            return p;
    }
    return port <= 0 && !port_name && json_array_size(ports) == 1 ? json_array_get(ports, 0) : NULL;
}

/* Whether the endpoint's pod has all these labels. */
static bool pod_has(const struct sbx_builder *b, const char *ns, const json_t *endpoint,
                    const json_t *labels)
{
    if (!labels)
        return true;
    const json_t *pod =
        find(b->objects->pods, ns, cf_json_str(endpoint, "", "targetRef", "name", NULL));
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(labels), key,
                        value) if (!json_is_string(value) ||
                                   strcmp(cf_json_str(pod, "", "metadata", "labels", key, NULL),
                                          json_string_value(value)) != 0) return false;
    return true;
}

struct gathered {
    struct sbx_endpoint *rows;
    int n, cap;
};

static void gather(struct sbx_builder *b, const json_t *slice, int port, const json_t *labels,
                   struct gathered *g)
{
    size_t i, k;
    json_t *e, *address;
    json_array_foreach(json_object_get(slice, "endpoints"), i, e)
    {
        if (!cf_json_bool(e, true, "conditions", "ready", NULL) ||
            !pod_has(b, meta(slice, "namespace"), e, labels))
            continue;
        json_array_foreach(json_object_get(e, "addresses"), k, address)
        {
            const char *text = json_string_value(address);
            if (!text || strlen(text) >= SBX_WIRE_ADDRESS)
                continue;
            if (g->n == g->cap) {
                int cap = g->cap ? g->cap * 2 : 8;
                struct sbx_endpoint *rows =
                    cf_arena_alloc(b->table->arena, (size_t)cap * sizeof(*rows));
                if (g->n)
                    memcpy(rows, g->rows, (size_t)g->n * sizeof(*rows));
                g->rows = rows;
                g->cap = cap;
            }
            struct sbx_endpoint *row = &g->rows[g->n++];
            snprintf(row->address, sizeof(row->address), "%s", text);
            row->port = port;
        }
    }
}

static void endpoints(struct sbx_builder *b, struct sbx_backend *backend, const char *ns,
                      const char *service, const char *port_name, const json_t *labels)
{
    struct gathered g = { 0 };
    size_t i, k;
    json_t *slice, *p;
    json_array_foreach(b->objects->slices, i, slice)
    {
        if (strcmp(meta(slice, "namespace"), ns) != 0 ||
            strcmp(cf_json_str(slice, "", "metadata", "labels", "kubernetes.io/service-name", NULL),
                   service) != 0)
            continue;
        json_array_foreach(json_object_get(slice, "ports"), k,
                           p) if (strcmp(cf_json_str(p, "", "name", NULL), port_name) == 0 &&
                                  cf_json_int(p, 0, "port", NULL) > 0)
            gather(b, slice, (int)cf_json_int(p, 0, "port", NULL), labels, &g);
    }
    backend->endpoints = g.rows;
    backend->n = g.n;
}

struct sbx_backend *sbx_build_backend(struct sbx_builder *b, enum sbx_router router, const char *ns,
                                      const char *service, int port, const char *port_name,
                                      const char *subset, const json_t *labels)
{
    struct cf_arena *a = b->table->arena;
    struct sbx_backend *backend = cf_arena_alloc(a, sizeof(*backend));
    const json_t *found = service_port(find(b->objects->services, ns, service), port, port_name);
    int number = found ? (int)cf_json_int(found, 0, "port", NULL) : port;
    const char *host = cf_arena_printf(a, "%s.%s.svc.cluster.local", service, ns);
    backend->router = router;
    backend->exists = found;
    backend->name = subset && *subset ? cf_arena_printf(a, "%s/%s", host, subset) : host;
    backend->metric = cf_arena_printf(a, "outbound|%d|%s|%s", number, subset ? subset : "", host);
    backend->ns = cf_arena_strdup(a, ns);
    backend->service = cf_arena_strdup(a, service);
    backend->ingress = backend->canary = "";
    if (found)
        endpoints(b, backend, ns, service, cf_json_str(found, "", "name", NULL), labels);
    return backend;
}

/* ---- the table */

struct sbx_table *sbx_table_build(const struct sbx_objects *objects)
{
    struct cf_arena *arena = cf_arena_new(0);
    struct sbx_table *t = cf_arena_alloc(arena, sizeof(*t));
    t->arena = arena;
    atomic_init(&t->refs, 1);
    struct sbx_builder b = { .table = t, .objects = objects };
    size_t i;
    json_t *o;
    json_array_foreach(objects->virtual_services, i, o) sbx_build_virtual_service(&b, o);
    json_array_foreach(objects->http_routes, i, o) sbx_build_http_route(&b, o);
    sbx_build_ingresses(&b);
    return t;
}

struct sbx_table *sbx_table_ref(struct sbx_table *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

void sbx_table_unref(struct sbx_table *t)
{
    if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
        return;
    for (struct sbx_regexes *r = t->regexes; r; r = r->next)
        regfree(&r->regex);
    cf_arena_free(t->arena);
}
