/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the target in bulk: one list for each kind with several rows, a read for each other
 * row. */
#include <string.h>

#include "federation/kube/fan_out.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/direct.h"

enum {
    SINGLY_MAX = 3,          /* rows of one kind that are read one by one: cheaper than a list */
    LIST_TIMEOUT_MS = 60000, /* 50,000 objects in pages, from a server that is busy */
};

/* One call, or one list with its pages. */
struct reading {
    struct cf_object_ref ref; /* name "" = a list */
    json_t *found;            /* key → object; NULL: not read */
    struct cf_error err;
};

struct look {
    const struct cf_propagation *p;
    const char *not_of;
    char *selector; /* of lists, or NULL */
    json_t *wanted; /* key → row */
    struct reading *readings;
    size_t n;
};

static bool is_left_out(const struct look *l, const json_t *object)
{
    return l->not_of && strcmp(cf_json_str(object, "", "metadata", "labels", CF_LABEL_RUN, NULL),
                               l->not_of) == 0;
}

/* A kind that the target does not serve has no objects. */
static bool read_list(const struct look *l, struct reading *r)
{
    char api_version[CF_API_VERSION_MAX];
    struct cf_kube_list list = { .api_version = cf_ref_api_version(&r->ref, api_version),
                                 .kind = r->ref.kind,
                                 .ns = r->ref.ns,
                                 .label_selector = l->selector };
    struct cf_kube_how how = { .timeout_ms = LIST_TIMEOUT_MS };
    cf_autojson json_t *items = NULL;
    if (!cf_kube_list(l->p->target, &how, &list, &items, NULL, &r->err)) {
        if (r->err.kind != CF_ERR_NOT_FOUND)
            return cf_error_wrap(&r->err, "list %s in %s", r->ref.kind, r->ref.ns);
        cf_error_clear(&r->err);
    }
    size_t i;
    json_t *object;
    json_array_foreach(items, i, object)
    {
        cf_autofree char *key = cf_object_key(object, NULL);
        if (json_object_get(l->wanted, key))
            json_object_set(r->found, key, object);
    }
    return true;
}

static bool read_one(const struct look *l, struct reading *r)
{
    cf_autojson json_t *object = NULL;
    bool found;
    if (!cf_kube_find(l->p->target, NULL, &r->ref, &found, &object, &r->err)) {
        char text[CF_REF_TEXT_MAX];
        return cf_error_wrap(&r->err, "read %s", cf_ref_text(&r->ref, text));
    }
    if (!object || is_left_out(l, object))
        return true;
    cf_autofree char *key = cf_object_key(object, NULL);
    json_object_set(r->found, key, object);
    return true;
}

static bool read_number(void *arg, size_t i)
{
    const struct look *l = arg;
    struct reading *r = &l->readings[i];
    r->found = json_object();
    return r->ref.name[0] ? read_one(l, r) : read_list(l, r);
}

/* What the rows of one kind and namespace need: a list, or as many reads. */
static void plan_kind(struct look *l, const json_t *rows)
{
    if (json_array_size(rows) > SINGLY_MAX) {
        struct reading *list = &l->readings[l->n++];
        list->ref = cf_direct_ref(json_array_get(rows, 0));
        list->ref.name[0] = '\0';
        return;
    }
    for (size_t i = 0; i < json_array_size(rows); i++)
        l->readings[l->n++].ref = cf_direct_ref(json_array_get(rows, i));
}

/* Rows by "<group>/<kind>/<namespace>", which is their key without the name. */
static json_t *by_kind(const json_t *rows)
{
    json_t *kinds = json_object();
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *key = cf_json_str(row, "", "key", NULL);
        const char *slash = strrchr(key, '/');
        cf_autofree char *kind = cf_xstrndup(key, slash ? (size_t)(slash - key) : strlen(key));
        json_t *of_kind = json_object_get(kinds, kind);
        if (!of_kind)
            json_object_set_new(kinds, kind, of_kind = json_array());
        json_array_append(of_kind, row);
    }
    return kinds;
}

static void look_end(struct look *l)
{
    for (size_t i = 0; i < l->n; i++)
        json_decref(l->readings[i].found);
    free(l->readings);
    free(l->selector);
    json_decref(l->wanted);
}

bool cf_direct_look(const struct cf_propagation *p, const json_t *rows, const char *not_of,
                    json_t **out_live, struct cf_error *err)
{
    CF_CLEANUP(look_end)
    struct look l = { .p = p, .not_of = not_of, .wanted = cf_json_index(rows, "key", NULL) };
    cf_autojson json_t *kinds = by_kind(rows);
    const char *key;
    json_t *of_kind;
    if (not_of)
        l.selector = cf_xasprintf(CF_LABEL_RUN "!=%s", not_of);
    l.readings = cf_xcalloc(json_array_size(rows) + 1, sizeof *l.readings);
    json_object_foreach(kinds, key, of_kind)
    {
        plan_kind(&l, of_kind);
    }
    size_t begun = cf_kube_fan_out(p->target, l.n, read_number, &l);
    cf_autojson json_t *live = json_object();
    for (size_t i = 0; i < begun; i++) {
        if (l.readings[i].err.kind != CF_ERR_NONE) {
            cf_error_move(err, &l.readings[i].err);
            return cf_error_wrap(err, "look at the copies on %s", cf_kube_name(p->target));
        }
        json_object_update(live, l.readings[i].found);
    }
    *out_live = json_incref(live);
    return true;
}
