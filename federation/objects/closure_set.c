/* SPDX-License-Identifier: Apache-2.0 */
/* The set of a closure: who becomes a member, and why somebody does not. */
#include "federation/objects/closure_set.h"

#include <stdlib.h>
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/selector.h"

struct cf_node *cf_set_find(const struct cf_closure_set *s, const char *label, const char *name)
{
    cf_autofree char *key = cf_xasprintf("%s/%s", label, name);
    struct cf_node *n = NULL;
    HASH_FIND_STR(s->nodes, key, n);
    return n;
}

struct cf_node *cf_set_find_ref(struct cf_closure_set *s, const char *api_version, const char *kind,
                                const char *name)
{
    if (*api_version) {
        cf_autofree char *group = cf_group_of(api_version);
        cf_autofree char *label = cf_kind_label(group, kind);
        return cf_set_find(s, label, name);
    }
    return cf_set_find(s, kind, name);
}

bool cf_node_is(const struct cf_node *n, const char *label)
{
    return strcmp(n->kind->label ? n->kind->label : n->kind->kind, label) == 0;
}

/* --- notes and requirements --- */

void cf_set_note(struct cf_closure_set *s, const char *level, const char *code, const char *hint,
                 const char *message, ...)
{
    if (json_array_size(s->notes) >= CF_CLOSURE_NOTES_MAX)
        return;
    va_list ap;
    va_start(ap, message);
    cf_autofree char *text = cf_xvasprintf(message, ap);
    va_end(ap);
    json_array_append_new(s->notes, json_pack("{s:s, s:s, s:s, s:s}", "level", level, "code", code,
                                              "message", text, "hint", hint));
}

static const struct {
    const char *kind, *api_version;
} classes[] = {
    { "PriorityClass", "scheduling.k8s.io/v1" },
    { "RuntimeClass", "node.k8s.io/v1" },
    { "StorageClass", "storage.k8s.io/v1" },
    { "IngressClass", "networking.k8s.io/v1" },
    { "GatewayClass", "gateway.networking.k8s.io/v1" },
    { "ClusterRole", "rbac.authorization.k8s.io/v1" },
    { "CustomResourceDefinition", "apiextensions.k8s.io/v1" },
};

static const char *api_version_of_class(const char *kind)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(classes); i++)
        if (strcmp(classes[i].kind, kind) == 0)
            return classes[i].api_version;
    return "v1";
}

void cf_set_require(struct cf_closure_set *s, const char *api_version, const char *kind,
                    const char *ns, const char *name, const char *level, const struct cf_node *by)
{
    size_t i;
    json_t *r;
    json_array_foreach(s->required, i, r)
    {
        if (strcmp(cf_json_str(r, "", "kind", NULL), kind) == 0 &&
            strcmp(cf_json_str(r, "", "name", NULL), name) == 0 &&
            strcmp(cf_json_str(r, "", "ref", "namespace", NULL), ns ? ns : "") == 0)
            return;
    }
    if (!api_version)
        api_version = api_version_of_class(kind);
    const char *slash = strchr(api_version, '/');
    cf_autofree char *group = cf_group_of(api_version);
    cf_autofree char *why = cf_xasprintf("needed by %s", by->key);
    json_array_append_new(s->required,
                          json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}}", "kind",
                                    kind, "name", name, "why", why, "level", level, "ref", "group",
                                    group, "version", slash ? slash + 1 : api_version, "kind", kind,
                                    "namespace", ns ? ns : "", "name", name));
}

/* --- joining --- */

enum edge { SELECTED, NEEDED, ACTING };

static void keep_out(struct cf_node *n, const char *fmt, ...) CF_PRINTF(2, 3);

static void keep_out(struct cf_node *n, const char *fmt, ...)
{
    va_list ap;
    if (n->why_not)
        return;
    va_start(ap, fmt);
    n->why_not = cf_xvasprintf(fmt, ap);
    va_end(ap);
}

bool cf_closure_is_steered(const struct cf_closure_set *s, const struct cf_node *n)
{
    size_t i;
    json_t *r;
    json_array_foreach(s->in->routers, i, r)
    {
        if (strcmp(cf_json_str(r, "", "kind", NULL), n->kind->kind) == 0 &&
            strcmp(cf_json_str(r, "", "name", NULL), cf_object_name(n->object)) == 0)
            return true;
    }
    return false;
}

/* Whether a row of the plan means exactly this one. */
static bool is_named(const struct cf_node *n, const json_t *include)
{
    return strcmp(cf_json_str(include, "", "name", NULL), cf_object_name(n->object)) == 0;
}

const json_t *cf_closure_absent(const struct cf_closure_set *s, const struct cf_node *n)
{
    cf_autofree char *group = cf_group_of(cf_json_str(n->object, "", "apiVersion", NULL));
    size_t i;
    json_t *row;
    json_array_foreach(s->in->absent, i, row)
    {
        if (strcmp(cf_json_str(row, "", "group", NULL), group) == 0 &&
            strcmp(cf_json_str(row, "", "kind", NULL), cf_json_str(n->object, "", "kind", NULL)) ==
                0)
            return row;
    }
    return NULL;
}

/* What the target does not serve is left out. A custom resource that is listed or needed is not: it
 * brings its definition, unless an operator would be missing (closure_custom.c). */
static bool is_unserved(struct cf_closure_set *s, struct cf_node *n, enum edge edge)
{
    const json_t *absent = cf_closure_absent(s, n);
    bool custom = n->kind->flags & CF_KIND_CUSTOM;
    if (!absent || (custom && (edge != ACTING || cf_json_at(absent, "served", NULL))))
        return false;
    if (!n->why_not)
        cf_set_note(s, edge == SELECTED ? "blocker" : "warning", "NOT_SERVED",
                    "Install what serves it in the target, or exclude it",
                    "%s is left out: the target does not serve its kind", n->key);
    keep_out(n, "the target does not serve its kind");
    return true;
}

/* What a custom resource's operator makes is made again by the operator of the target. What is made
 * by the built-in controllers of something that is copied is an ordinary object. */
static bool is_made(struct cf_closure_set *s, struct cf_node *n, enum edge edge)
{
    const json_t *maker = cf_object_controller(n->object);
    const char *api_version = cf_json_str(maker, "", "apiVersion", NULL);
    const char *kind = cf_json_str(maker, "", "kind", NULL);
    cf_autofree char *group = cf_group_of(api_version);
    bool built_in = *api_version && !cf_group_is_custom(group);
    if (!maker || built_in)
        return false;
    cf_autofree char *label = cf_kind_label(group, kind);
    const char *name = cf_json_str(maker, "", "name", NULL);
    struct cf_node *owner = cf_set_find(s, label, name);
    if (owner && owner->why) {
        keep_out(n, "made by %s, which is copied", owner->key);
        return true;
    }
    keep_out(n, "made by %s/%s", label, name);
    n->refused = n->refused || edge != ACTING;
    return true;
}

/* The plan copies only what it lists: what is missing then is for the target to have. */
static void miss(struct cf_closure_set *s, struct cf_node *n, const struct cf_node *from,
                 enum edge edge)
{
    if (n->unlisted)
        return;
    n->unlisted = true;
    if (edge == NEEDED) {
        cf_set_require(s, cf_json_str(n->object, "v1", "apiVersion", NULL),
                       cf_json_str(n->object, "", "kind", NULL),
                       n->kind->flags & CF_KIND_CLUSTER ? NULL : s->ns, cf_object_name(n->object),
                       "blocker", from);
        cf_set_note(s, "warning", "NOT_LISTED",
                    "List it in workloads.include, or create it in the target beforehand",
                    "%s needs %s, which is not listed", from->key, n->key);
    } else {
        cf_set_note(s, "info", "NOT_LISTED", "List it in workloads.include if it shall come too",
                    "%s acts on %s and is not listed", n->key, from->key);
    }
    keep_out(n, edge == NEEDED ? "not listed; %s needs it" : "not listed; it acts on %s",
             from->key);
}

static void join(struct cf_closure_set *s, struct cf_node *n, const struct cf_node *from,
                 const json_t *include, enum edge edge, const char *why, va_list ap)
{
    if (!n)
        return;
    if (n->why) {
        if (edge == NEEDED && n->wave > from->wave && n->include && !s->late) {
            s->late = n;
            s->late_for = from;
        }
        return;
    }
    const char *never = cf_object_skip_reason(n->object);
    if (never)
        keep_out(n, "%s", never);
    else if (n->excluded)
        keep_out(n, "excluded by the plan");
    else if (cf_closure_is_steered(s, n) && !is_named(n, include))
        keep_out(n, "the plan steers it: it stays where it is");
    else if (is_made(s, n, edge) || is_unserved(s, n, edge))
        return;
    else if (s->listed && edge != SELECTED)
        miss(s, n, from, edge);
    else {
        n->why = cf_xvasprintf(why, ap);
        n->from = from;
        n->include = include;
        /* What is around the namespace is there before the first wave. */
        n->wave = from && !(n->kind->flags & CF_KIND_CLUSTER) ? from->wave : 0;
        s->queue[s->queued++] = n;
    }
}

void cf_set_select(struct cf_closure_set *s, struct cf_node *n, const json_t *include,
                   const char *why, ...)
{
    va_list ap;
    va_start(ap, why);
    join(s, n, NULL, include, SELECTED, why, ap);
    va_end(ap);
}

void cf_set_need(struct cf_closure_set *s, struct cf_node *n, const struct cf_node *from,
                 const char *why, ...)
{
    va_list ap;
    va_start(ap, why);
    join(s, n, from, NULL, NEEDED, why, ap);
    va_end(ap);
}

void cf_set_bring(struct cf_closure_set *s, struct cf_node *n, const struct cf_node *from,
                  const char *why, ...)
{
    va_list ap;
    va_start(ap, why);
    join(s, n, from, NULL, ACTING, why, ap);
    va_end(ap);
}

void cf_set_drop(struct cf_closure_set *s, struct cf_node *n, const char *why_not)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->queued; i++)
        if (s->queue[i] != n)
            s->queue[kept++] = s->queue[i];
    s->queued = kept;
    free(n->why);
    n->why = NULL;
    keep_out(n, "%s", why_not);
}

bool cf_closure_has_service(const void *set, const char *service)
{
    /* uthash's look-up wants a mutable table, which it does not change. */
    struct cf_closure_set *s = (struct cf_closure_set *)(uintptr_t)set;
    const struct cf_node *n = cf_set_find(s, "Service", service);
    return n && n->why;
}

/* --- the nodes --- */

static void add_node(struct cf_closure_set *s, const json_t *object)
{
    const struct cf_kind *kind = cf_kind_of(object);
    if (!kind)
        return;
    struct cf_node *n = cf_xcalloc(1, sizeof *n);
    n->key = cf_object_label(object);
    n->object = object;
    n->kind = kind;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(s->in->workloads, "exclude"), i, row)
    {
        n->excluded = n->excluded || cf_match_holds(row, n->object);
    }
    if (*s->ns == '\0')
        s->ns = cf_object_namespace(object);
    HASH_ADD_KEYPTR(hh, s->nodes, n->key, strlen(n->key), n);
}

void cf_set_init(struct cf_closure_set *s, const struct cf_closure_input *in)
{
    const char *dependencies = cf_json_str(in->workloads, "auto", "dependencies", NULL);
    *s = (struct cf_closure_set){ .in = in,
                                  .ns = "",
                                  .waves = 1,
                                  .listed = strcmp(dependencies, "listed") == 0,
                                  .required = json_array(),
                                  .notes = json_array(),
                                  .claims = json_array(),
                                  .writers = json_array() };
    s->queue = cf_xcalloc(json_array_size(in->objects) + 1, sizeof(struct cf_node *));
    size_t i;
    json_t *object;
    json_array_foreach(in->objects, i, object)
    {
        add_node(s, object);
    }
}

void cf_set_free(struct cf_closure_set *s)
{
    struct cf_node *n, *next;
    HASH_ITER(hh, s->nodes, n, next)
    {
        HASH_DEL(s->nodes, n);
        free(n->key);
        free(n->why);
        free(n->why_not);
        free(n);
    }
    free(s->queue);
    free(s->row_waves);
    json_decref(s->required);
    json_decref(s->notes);
    json_decref(s->claims);
    json_decref(s->writers);
}
