/* SPDX-License-Identifier: Apache-2.0 */
/* The source, kind by kind (inventory_source.h). */
#include "federation/propagate/inventory_source.h"

#include <stdio.h>
#include <string.h>

#include "federation/kube/discovery.h"
#include "federation/kube/fan_out.h"
#include "federation/objects/clean.h"
#include "federation/objects/kinds.h"

enum {
    LIST_TIMEOUT_MS = 60000, /* 50,000 objects in pages, from a server that is busy */
    READS_MAX = 64 + CF_INVENTORY_CUSTOM_MAX,
};

/* One kind to list, or one object to get. Written by the thread that has its number. */
struct one_read {
    char api_version[CF_API_VERSION_MAX];
    char other_version[CF_API_VERSION_MAX]; /* where the kind is served if not there, or "" */
    char kind[CF_LABEL_MAX];
    const char *ns;   /* NULL: of the whole cluster */
    const char *name; /* NULL: all of them */
    bool optional, custom;
    json_t *items; /* NULL: none, or not read */
    struct cf_error err;
};

struct reading {
    const struct cf_propagation *p;
    struct one_read reads[READS_MAX];
    size_t n;
    struct cf_kube_resource *resources; /* what the source serves; NULL: not asked */
    size_t n_resources;
    struct cf_inventory_source *out;
    bool too_many; /* custom kinds */
};

void cf_inventory_source_free(struct cf_inventory_source *s)
{
    json_decref(s->objects);
    json_decref(s->routers);
    json_decref(s->absent);
    json_decref(s->unread);
}

/* What managedFields say is half of an object, and only a Service's ports are asked of them; of the
 * others it is who wrote what when. */
static void trim(json_t *object)
{
    static const char *const unasked[] = { "fieldsV1", "fieldsType", "apiVersion", "operation" };
    size_t i;
    json_t *entry;
    if (strcmp(cf_json_str(object, "", "kind", NULL), "Service") == 0)
        return;
    json_array_foreach(cf_json_at(object, "metadata", "managedFields", NULL), i, entry)
    {
        for (size_t k = 0; k < CF_ARRAY_LEN(unasked); k++)
            json_object_del(entry, unasked[k]);
    }
}

/* --- one call --- */

static bool list(const struct cf_propagation *p, struct one_read *r, const char *api_version)
{
    struct cf_kube_list what = {
        .api_version = api_version, .kind = r->kind, .ns = r->ns, .trim = trim
    };
    struct cf_kube_how how = { .timeout_ms = LIST_TIMEOUT_MS };
    return cf_kube_list(p->source, &how, &what, &r->items, NULL, &r->err);
}

static bool get(const struct cf_propagation *p, struct one_read *r)
{
    struct cf_object_ref ref = cf_ref(r->api_version, r->kind, r->ns, r->name);
    json_t *object = NULL;
    if (!cf_kube_get(p->source, NULL, &ref, &object, &r->err))
        return false;
    r->items = json_pack("[o]", object);
    return true;
}

/* A kind that the source does not serve has no objects. */
static bool read_number(void *arg, size_t i)
{
    struct reading *g = arg;
    struct one_read *r = &g->reads[i];
    if (r->name ? get(g->p, r) : list(g->p, r, r->api_version))
        return true;
    if (r->err.kind == CF_ERR_NOT_FOUND && *r->other_version) {
        cf_error_clear(&r->err);
        if (list(g->p, r, r->other_version))
            return true;
    }
    if (r->err.kind == CF_ERR_NOT_FOUND) {
        cf_error_clear(&r->err);
        return true;
    }
    if (r->optional && r->err.kind == CF_ERR_DENIED)
        return true;
    return cf_error_wrap(&r->err, "list %s in %s on %s", r->kind, r->ns ? r->ns : "the cluster",
                         cf_kube_name(g->p->source));
}

static void note_unread(json_t *unread, const struct one_read *r)
{
    json_array_append_new(unread, json_pack("{s:s, s:s, s:b}", "kind", r->kind, "why",
                                            r->err.message, "custom", r->custom));
}

/* Carries out what was added, and takes what it found. */
static bool read_added(struct reading *g, struct cf_error *err)
{
    bool ok = true;
    cf_kube_fan_out(g->p->source, g->n, read_number, g);
    for (size_t i = 0; i < g->n; i++) {
        struct one_read *r = &g->reads[i];
        if (r->optional && r->err.kind == CF_ERR_DENIED)
            note_unread(g->out->unread, r);
        else if (ok && r->err.kind != CF_ERR_NONE)
            ok = cf_error_move(err, &r->err);
        if (ok && r->items)
            json_array_extend(g->out->objects, r->items);
        json_decref(r->items);
    }
    g->n = 0;
    return ok;
}

static struct one_read *add(struct reading *g, const char *api_version, const char *kind,
                            const char *ns)
{
    cf_assert(g->n < READS_MAX);
    struct one_read *r = &g->reads[g->n++];
    *r = (struct one_read){ .ns = ns };
    (void)snprintf(r->api_version, sizeof r->api_version, "%s", api_version);
    (void)snprintf(r->kind, sizeof r->kind, "%s", kind);
    return r;
}

/* --- which kinds --- */

static const struct cf_kube_resource *resource_of(const struct reading *g, const char *group,
                                                  const char *kind)
{
    for (size_t i = 0; i < g->n_resources; i++)
        if (strcmp(g->resources[i].group, group) == 0 && strcmp(g->resources[i].kind, kind) == 0)
            return &g->resources[i];
    return NULL;
}

static void add_row(struct reading *g, const struct cf_kind *k)
{
    char api_version[64];
    struct one_read *r =
        add(g, cf_kind_api_version(k, api_version), k->kind, g->p->source_namespace);
    const struct cf_kube_resource *served =
        k->flags & CF_KIND_OPTIONAL ? resource_of(g, k->group, k->kind) : NULL;
    r->optional = k->flags & CF_KIND_OPTIONAL;
    if (served && strcmp(served->version, k->version) != 0)
        (void)snprintf(r->other_version, sizeof r->other_version, "%s/%s", served->group,
                       served->version);
}

static void add_table(struct reading *g, bool on_demand)
{
    for (const struct cf_kind *k = cf_kinds; k->kind; k++)
        if (!(k->flags & CF_KIND_CLUSTER) && on_demand == ((k->flags & CF_KIND_ON_DEMAND) != 0))
            add_row(g, k);
}

static bool is_included(const struct cf_propagation *p, const char *kind)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(p->workloads, "include"), i, row)
    {
        if (strcmp(cf_json_str(row, "", "kind", NULL), kind) == 0)
            return true;
    }
    return false;
}

static bool is_automatic(const struct cf_propagation *p)
{
    return strcmp(cf_json_str(p->workloads, "auto", "dependencies", NULL), "auto") == 0;
}

static bool is_custom(const struct cf_kube_resource *r)
{
    const struct cf_kind *k = cf_kind_find(r->group, r->kind);
    return r->namespaced && r->verbs & CF_KUBE_VERB_LIST && k && k->flags & CF_KIND_CUSTOM;
}

static void add_custom(struct reading *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_resources; i++) {
        const struct cf_kube_resource *r = &g->resources[i];
        if (!is_custom(r) || !(is_automatic(g->p) || is_included(g->p, r->kind)))
            continue;
        if (n++ == CF_INVENTORY_CUSTOM_MAX) {
            json_array_append_new(g->out->unread,
                                  json_pack("{s:s, s:s, s:b}", "kind", r->kind, "why",
                                            "the source has too many custom kinds to look through",
                                            "custom", true));
            break;
        }
        char api_version[CF_API_VERSION_MAX];
        struct cf_object_ref ref = { 0 };
        memcpy(ref.group, r->group, sizeof ref.group);
        memcpy(ref.version, r->version, sizeof ref.version);
        struct one_read *read =
            add(g, cf_ref_api_version(&ref, api_version), r->kind, g->p->source_namespace);
        read->custom = true;
        read->optional = !is_included(g->p, r->kind);
    }
}

/* --- what the first look asks for --- */

static bool has(const json_t *objects, bool (*holds)(const json_t *object))
{
    size_t i;
    json_t *o;
    json_array_foreach(objects, i, o)
    {
        if (holds(o))
            return true;
    }
    return false;
}

static bool is_service_by_hand(const json_t *o)
{
    return strcmp(cf_json_str(o, "", "kind", NULL), "Service") == 0 && cf_service_is_by_hand(o);
}

static bool has_own_account(const json_t *o)
{
    const char *account = cf_json_str(cf_object_pod_spec(o), "default", "serviceAccountName", NULL);
    return *account && strcmp(account, "default") != 0;
}

/* Whether the target serves the kind, and if not, in which other version it does. */
static bool ask_target(const struct cf_propagation *p, const char *api_version, const char *kind,
                       json_t *absent, struct cf_error *err)
{
    struct cf_kube_resource unused;
    struct cf_error mine = CF_ERROR_INIT;
    if (cf_kube_resource_of(p->target, NULL, api_version, kind, &unused, &mine))
        return true;
    /* Before a run starts nothing depends on it: whoever looks will hear that the target does not
     * answer. */
    if (mine.kind != CF_ERR_NOT_FOUND)
        return !*p->run_id || cf_error_move(err, &mine);
    cf_autofree char *group = cf_group_of(api_version);
    struct cf_kube_resource *all = NULL;
    size_t n = 0;
    json_t *row = json_pack("{s:s, s:s}", "group", group, "kind", kind);
    if (cf_kube_resources(p->target, NULL, &all, &n, NULL, &mine))
        for (size_t i = 0; i < n; i++)
            if (strcmp(all[i].group, group) == 0 && strcmp(all[i].kind, kind) == 0)
                json_object_set_new(row, "served", json_string(all[i].version));
    free(all);
    json_array_append_new(absent, row);
    return true;
}

/* Kinds of what was found that not every cluster serves, once each: {"apiVersion kind": object}. */
static json_t *uncommon_kinds(const json_t *objects)
{
    json_t *kinds = json_object();
    size_t i;
    json_t *o;
    json_array_foreach(objects, i, o)
    {
        const struct cf_kind *k = cf_kind_of(o);
        if (!k || !(k->flags & CF_KIND_OPTIONAL) || k->flags & CF_KIND_ON_DEMAND)
            continue;
        cf_autofree char *key = cf_xasprintf("%s %s", cf_json_str(o, "", "apiVersion", NULL),
                                             cf_json_str(o, "", "kind", NULL));
        json_object_set(kinds, key, o);
    }
    return kinds;
}

static bool ask_for_kinds(struct reading *g, struct cf_error *err)
{
    cf_autojson json_t *kinds = uncommon_kinds(g->out->objects);
    const char *key;
    json_t *o;
    json_object_foreach(kinds, key, o)
    {
        if (!ask_target(g->p, cf_json_str(o, "", "apiVersion", NULL),
                        cf_json_str(o, "", "kind", NULL), g->out->absent, err))
            return cf_error_wrap(err, "ask what %s serves", cf_kube_name(g->p->target));
    }
    return true;
}

/* The definitions of custom kinds that the target lacks. */
static bool read_definitions(struct reading *g, struct cf_error *err)
{
    cf_autojson json_t *names = json_array();
    size_t i;
    json_t *row, *name;
    json_array_foreach(g->out->absent, i, row)
    {
        const char *group = cf_json_str(row, "", "group", NULL);
        const struct cf_kube_resource *r =
            resource_of(g, group, cf_json_str(row, "", "kind", NULL));
        if (r && is_custom(r))
            json_array_append_new(names, json_sprintf("%s.%s", r->plural, r->group));
    }
    json_array_foreach(names, i, name)
    {
        struct one_read *r = add(g, "apiextensions.k8s.io/v1", "CustomResourceDefinition", NULL);
        r->name = json_string_value(name);
        r->optional = true;
    }
    return read_added(g, err);
}

/* --- all of it --- */

static const char *kind_of_router(const char *type)
{
    static const char *const kinds[][2] = { { "virtualService", "VirtualService" },
                                            { "httpRoute", "HTTPRoute" },
                                            { "ingress", "Ingress" } };
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i][0], type) == 0)
            return kinds[i][1];
    return "";
}

/* The plan's routers that stand in the source's namespace. */
static json_t *steered(const struct cf_propagation *p)
{
    json_t *routers = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(p->routers, i, row)
    {
        if (strcmp(cf_json_str(row, "", "cluster", NULL), p->source_cluster) == 0 &&
            strcmp(cf_json_str(row, "", "namespace", NULL), p->source_namespace) == 0)
            json_array_append_new(routers,
                                  json_pack("{s:s, s:s}", "kind",
                                            kind_of_router(cf_json_str(row, "", "type", NULL)),
                                            "name", cf_json_str(row, "", "object", NULL)));
    }
    return routers;
}

static bool read_namespace(struct reading *g, struct cf_error *err)
{
    const struct cf_propagation *p = g->p;
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, p->source_namespace);
    json_t *ns = NULL;
    if (!cf_kube_get(p->source, NULL, &ref, &ns, err))
        return cf_error_wrap(err, "read the source namespace %s on %s", p->source_namespace,
                             cf_kube_name(p->source));
    json_array_append_new(g->out->objects, ns);
    return true;
}

/* In three rounds, because each tells what the next has to look for. */
static bool read_all(struct reading *g, struct cf_error *err)
{
    if (!read_namespace(g, err))
        return false;
    if (!cf_kube_resources(g->p->source, NULL, &g->resources, &g->n_resources, NULL, err))
        return cf_error_wrap(err, "ask what %s serves", cf_kube_name(g->p->source));
    add_table(g, false);
    add_custom(g);
    if (!read_added(g, err))
        return false;
    if (has(g->out->objects, is_service_by_hand))
        add_table(g, true);
    if (has(g->out->objects, has_own_account))
        add(g, "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", NULL)->optional = true;
    return read_added(g, err) && ask_for_kinds(g, err) && read_definitions(g, err);
}

bool cf_inventory_source_read(const struct cf_propagation *p, struct cf_inventory_source *out,
                              struct cf_error *err)
{
    CF_CLEANUP(cf_inventory_source_free)
    struct cf_inventory_source s = { json_array(), steered(p), json_array(), json_array() };
    struct reading *g = cf_xcalloc(1, sizeof *g);
    g->p = p;
    g->out = &s;
    bool ok = read_all(g, err);
    free(g->resources);
    free(g);
    if (!ok)
        return false;
    *out = s;
    memset(&s, 0, sizeof s);
    return true;
}
