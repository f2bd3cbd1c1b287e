/* SPDX-License-Identifier: Apache-2.0 */
/* Custom resources: what they name, what names them, and the operators behind them. */
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/closure_set.h"
#include "federation/objects/selector.h"

enum { DEPTH_MAX = 12 }; /* of a spec: references stand near its top */

/* --- names within a spec --- */

typedef void name_fn(void *user, const char *api_version, const char *kind, const char *name,
                     const char *field);

struct names {
    name_fn *fn;
    void *user;
    const char *ns; /* references into other namespaces do not count */
};

/* Members that name one object of a kind by a custom that nearly all follow. */
static const struct {
    const char *member, *kind;
} customs[] = {
    { "secretName", "Secret" },
    { "secretRef", "Secret" },
    { "secretKeyRef", "Secret" },
    { "credentialsSecret", "Secret" },
    { "passwordSecret", "Secret" },
    { "tlsSecret", "Secret" },
    { "configMapName", "ConfigMap" },
    { "configMapRef", "ConfigMap" },
    { "configMapKeyRef", "ConfigMap" },
    { "configMap", "ConfigMap" },
    { "serviceAccountName", "ServiceAccount" },
    { "serviceAccountRef", "ServiceAccount" },
    { "serviceName", "Service" },
    { "serviceRef", "Service" },
    { "claimName", "PersistentVolumeClaim" },
};

static const char *name_in(const json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    return cf_json_str(value, "", "name", NULL);
}

static void walk(const struct names *w, const json_t *value, int depth)
{
    const char *member;
    json_t *v;
    size_t i;
    if (depth > DEPTH_MAX)
        return;
    json_array_foreach(value, i, v)
    {
        walk(w, v, depth + 1);
    }
    if (!json_is_object(value) || strcmp(cf_json_str(value, w->ns, "namespace", NULL), w->ns) != 0)
        return;
    const char *kind = cf_json_str(value, "", "kind", NULL);
    const char *name = cf_json_str(value, "", "name", NULL);
    cf_autofree char *of_group = cf_xasprintf("%s%s", cf_json_str(value, "", "group", NULL),
                                              json_object_get(value, "group") ? "/" : "");
    if (*kind && *name)
        w->fn(w->user, cf_json_str(value, of_group, "apiVersion", NULL), kind, name, "kind");
    json_object_foreach(cf_json_unconst(value), member, v)
    {
        for (i = 0; i < CF_ARRAY_LEN(customs); i++)
            if (strcmp(customs[i].member, member) == 0 && *name_in(v))
                w->fn(w->user, "v1", customs[i].kind, name_in(v), member);
        walk(w, v, depth + 1);
    }
}

static void names_in(const struct cf_node *n, name_fn *fn, void *user)
{
    const struct names w = { fn, user, cf_object_namespace(n->object) };
    walk(&w, json_object_get(n->object, "spec"), 0);
}

/* --- forward --- */

struct edge {
    struct cf_closure_set *set;
    struct cf_node *from;
};

static void take_name(void *user, const char *api_version, const char *kind, const char *name,
                      const char *field)
{
    struct edge *e = user;
    (void)field;
    struct cf_node *n = cf_set_find_ref(e->set, api_version, kind, name);
    /* What it makes itself, it makes again. */
    const json_t *maker = n ? cf_object_controller(n->object) : NULL;
    if (maker && strcmp(cf_json_str(maker, "", "uid", NULL), cf_object_uid(e->from->object)) == 0)
        return;
    cf_set_need(e->set, n, e->from, "named by %s", e->from->key);
}

static bool defines(const json_t *definition, const struct cf_node *n)
{
    cf_autofree char *group = cf_group_of(cf_json_str(n->object, "", "apiVersion", NULL));
    return strcmp(cf_json_str(definition, "", "spec", "group", NULL), group) == 0 &&
           strcmp(cf_json_str(definition, "", "spec", "names", "kind", NULL),
                  cf_json_str(n->object, "", "kind", NULL)) == 0;
}

/* A definition comes only where the target has none: one that is there is never changed. */
static void take_definition(struct cf_closure_set *s, struct cf_node *n)
{
    const json_t *absent = cf_closure_absent(s, n);
    const char *served = cf_json_str(absent, "", "served", NULL);
    const char *kind = cf_json_str(n->object, "", "kind", NULL);
    if (!absent)
        return;
    if (*served) {
        cf_set_note(s, "blocker", "DEFINITION_VERSION",
                    "Update the CustomResourceDefinition in the target: it is not copied over one "
                    "that is there",
                    "%s is %s, and the target serves %s only as %s", n->key,
                    cf_json_str(n->object, "", "apiVersion", NULL), kind, served);
        return;
    }
    for (struct cf_node *d = s->nodes; d; d = d->hh.next) {
        if (!cf_node_is(d, "CustomResourceDefinition") || !defines(d->object, n))
            continue;
        cf_set_need(s, d, n, "defines %s", n->key);
        if (cf_json_at(d->object, "spec", "conversion", "webhook", NULL))
            cf_set_note(s, "warning", "CONVERSION_WEBHOOK",
                        "Install what serves the conversion in the target",
                        "%s is converted between versions by a webhook, which is not copied",
                        d->key);
        return;
    }
    cf_set_note(s, "blocker", "DEFINITION_UNKNOWN",
                "Create it in the target, or let Crossfade read CustomResourceDefinitions",
                "%s needs the definition of %s, which could not be read in the source", n->key,
                kind);
}

void cf_closure_custom_edges(struct cf_closure_set *s, struct cf_node *n)
{
    struct edge e = { s, n };
    names_in(n, take_name, &e);
    if (!cf_closure_is_operated(s, n))
        take_definition(s, n);
}

/* --- backward --- */

struct referring {
    struct cf_closure_set *set;
    const struct cf_node *member;
};

/* Only what runs and what serves: whoever names a ConfigMap need not come because of it. */
static void look_for_member(void *user, const char *api_version, const char *kind, const char *name,
                            const char *field)
{
    struct referring *r = user;
    const struct cf_node *n = cf_set_find_ref(r->set, api_version, kind, name);
    bool acts = n && n->wave <= r->set->wave &&
                (n->kind->flags & CF_KIND_WORKLOAD || cf_node_is(n, "Service"));
    if (acts && n->why && (strcmp(field, "kind") == 0 || cf_node_is(n, "Service")))
        r->member = n;
}

static const struct cf_node *selects_member(const struct cf_closure_set *s,
                                            const struct cf_node *custom)
{
    const json_t *selector = cf_json_at(custom->object, "spec", "selector", NULL);
    if (json_object_size(json_object_get(selector, "matchLabels")) == 0)
        return NULL;
    for (size_t i = 0; i < s->queued; i++) {
        const json_t *labels = cf_object_pod_labels(s->queue[i]->object);
        if (s->queue[i]->kind->flags & CF_KIND_WORKLOAD && s->queue[i]->wave <= s->wave &&
            cf_selector_object_matches(selector, labels))
            return s->queue[i];
    }
    return NULL;
}

void cf_closure_custom_referrers(struct cf_closure_set *s)
{
    for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
        struct referring r = { s, NULL };
        if (n->why || !(n->kind->flags & CF_KIND_CUSTOM))
            continue;
        const struct cf_node *selected = selects_member(s, n);
        names_in(n, look_for_member, &r);
        if (r.member)
            cf_set_bring(s, n, r.member, "names %s", r.member->key);
        else if (selected)
            cf_set_bring(s, n, selected, "selects the pods of %s", selected->key);
    }
}

/* --- operators --- */

static bool is_child(const struct cf_node *n, const struct cf_node *of)
{
    const json_t *maker = cf_object_controller(n->object);
    if (!maker)
        return false;
    cf_autofree char *group = cf_group_of(cf_json_str(maker, "", "apiVersion", NULL));
    cf_autofree char *label = cf_kind_label(group, cf_json_str(maker, "", "kind", NULL));
    cf_autofree char *key = cf_xasprintf("%s/%s", label, cf_json_str(maker, "", "name", NULL));
    return strcmp(key, of->key) == 0;
}

bool cf_closure_is_operated(const struct cf_closure_set *s, const struct cf_node *n)
{
    if (json_object_size(json_object_get(n->object, "status")) > 0)
        return true;
    for (const struct cf_node *other = s->nodes; other; other = other->hh.next)
        if (is_child(other, n))
            return true;
    return false;
}

/* Who wrote its status: what the operator calls itself. */
static const char *operator_of(const json_t *object)
{
    size_t i;
    json_t *entry;
    json_array_foreach(cf_json_at(object, "metadata", "managedFields", NULL), i, entry)
    {
        if (strcmp(cf_json_str(entry, "", "subresource", NULL), "status") == 0 ||
            cf_json_at(entry, "fieldsV1", "f:status", NULL))
            return cf_json_str(entry, "an operator", "manager", NULL);
    }
    return "an operator";
}

static void note_operated(struct cf_closure_set *s, struct cf_node *n)
{
    const json_t *absent = cf_closure_absent(s, n);
    if (!cf_closure_is_operated(s, n))
        return;
    if (absent && !cf_json_at(absent, "served", NULL)) {
        cf_set_note(s, "blocker", "OPERATOR_ABSENT",
                    "Install the operator in the target before the move, or exclude the resource "
                    "and move what it makes by the operator's own means",
                    "%s is looked after by %s in the source, and the target does not even serve "
                    "its kind: a copy would do nothing",
                    n->key, operator_of(n->object));
        cf_set_drop(s, n, "its operator is not in the target");
    } else if (!absent) {
        cf_set_note(s, "warning", "OPERATED",
                    "Make sure that the operator runs in the target; it starts with the copy as "
                    "with a new one, without the data of the source",
                    "%s is looked after by %s in the source: in the target it is up to the "
                    "operator there what becomes of the copy",
                    n->key, operator_of(n->object));
    }
}

/* Refused, unless the maker has become a member meanwhile. */
static void note_refused(struct cf_closure_set *s, struct cf_node *n)
{
    const json_t *maker = cf_object_controller(n->object);
    const char *kind = cf_json_str(maker, "?", "kind", NULL);
    const char *name = cf_json_str(maker, "?", "name", NULL);
    const struct cf_node *owner =
        cf_set_find_ref(s, cf_json_str(maker, "", "apiVersion", NULL), kind, name);
    if (owner && owner->why)
        return;
    cf_autofree char *hint = cf_xasprintf(
        "List {apiVersion: %s, kind: %s, name: %s} in workloads.include if its operator runs in "
        "the target too, or exclude %s and provide it there by other means",
        cf_json_str(maker, "?", "apiVersion", NULL), kind, name, n->key);
    cf_set_note(s, "blocker", "OPERATOR_OWNED", hint,
                "%s is made by %s %s: a copy would have no maker", n->key, kind, name);
}

void cf_closure_operator_notes(struct cf_closure_set *s)
{
    for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
        if (n->refused)
            note_refused(s, n);
        if (n->why && n->kind->flags & CF_KIND_CUSTOM)
            note_operated(s, n);
    }
}
