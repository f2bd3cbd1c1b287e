/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the source: every kind of the table in its namespace, the closure, and the bodies for the
 * target. */
#include <string.h>

#include "federation/kube/fan_out.h"
#include "federation/objects/clean.h"
#include "federation/objects/closure.h"
#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/direct.h"

enum {
    INVENTORY_TEXT_MAX = 16 * 1024 * 1024, /* 50,000 objects at 300 bytes */
    LIST_TIMEOUT_MS = 60000,               /* 50,000 objects in pages, from a server that is busy */
    KINDS_MAX = 64,                        /* rows of the table of kinds */
};

/* What managedFields say is half of an object, and only a Service's ports are asked of them; who
 * wrote last stands beside. */
static void trim(json_t *object)
{
    size_t i;
    json_t *entry;
    if (strcmp(cf_json_str(object, "", "kind", NULL), "Service") == 0)
        return;
    json_array_foreach(cf_json_at(object, "metadata", "managedFields", NULL), i, entry)
    {
        json_object_del(entry, "fieldsV1");
    }
}

/* One kind of the source's namespace. Written by the thread that has its number. */
struct kind_read {
    const struct cf_kind *kind;
    json_t *items; /* NULL: none, or not read */
    struct cf_error err;
};

struct source_read {
    const struct cf_propagation *p;
    struct kind_read *kinds;
    size_t n;
};

/* A kind that the source does not serve has no objects. */
static bool read_number(void *arg, size_t i)
{
    const struct source_read *r = arg;
    struct kind_read *k = &r->kinds[i];
    char api_version[64];
    struct cf_kube_list list = { .api_version = cf_kind_api_version(k->kind, api_version),
                                 .kind = k->kind->kind,
                                 .ns = r->p->source_namespace,
                                 .trim = trim };
    struct cf_kube_how how = { .timeout_ms = LIST_TIMEOUT_MS };
    if (cf_kube_list(r->p->source, &how, &list, &k->items, NULL, &k->err))
        return true;
    if (k->err.kind != CF_ERR_NOT_FOUND)
        return cf_error_wrap(&k->err, "list %s in %s on %s", k->kind->kind, r->p->source_namespace,
                             cf_kube_name(r->p->source));
    cf_error_clear(&k->err);
    return true;
}

static bool read_kinds(const struct cf_propagation *p, json_t *objects, struct cf_error *err)
{
    struct kind_read kinds[KINDS_MAX] = { 0 };
    struct source_read r = { .p = p, .kinds = kinds };
    for (const struct cf_kind *k = cf_kinds; k->kind; k++) {
        if (strcmp(k->kind, "Namespace") == 0)
            continue;
        cf_assert(r.n < KINDS_MAX);
        kinds[r.n++].kind = k;
    }
    cf_kube_fan_out(p->source, r.n, read_number, &r);
    bool ok = true;
    for (size_t i = 0; i < r.n; i++) {
        if (ok && kinds[i].err.kind != CF_ERR_NONE)
            ok = cf_error_move(err, &kinds[i].err);
        if (ok && kinds[i].items)
            json_array_extend(objects, kinds[i].items);
        json_decref(kinds[i].items);
    }
    return ok;
}

static bool read_namespace(const struct cf_propagation *p, json_t *objects, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, p->source_namespace);
    json_t *ns = NULL;
    if (!cf_kube_get(p->source, NULL, &ref, &ns, err))
        return cf_error_wrap(err, "read the source namespace %s on %s", p->source_namespace,
                             cf_kube_name(p->source));
    json_array_append_new(objects, ns);
    return true;
}

static json_t *read_all(const struct cf_propagation *p, struct cf_error *err)
{
    json_t *objects = json_array();
    if (read_namespace(p, objects, err) && read_kinds(p, objects, err))
        return objects;
    json_decref(objects);
    return NULL;
}

static char *scaled_name(const char *kind, const char *name)
{
    return cf_xasprintf("%s/%s", kind, name);
}

/* What the autoscalers among the members scale, "Kind/name": its replicas run by themselves. */
static json_t *autoscaled(const json_t *members)
{
    json_t *names = json_object();
    size_t i;
    json_t *m;
    json_array_foreach(members, i, m)
    {
        const json_t *o = json_object_get(m, "object");
        if (strcmp(cf_json_str(o, "", "kind", NULL), "HorizontalPodAutoscaler") != 0)
            continue;
        const json_t *target = cf_json_at(o, "spec", "scaleTargetRef", NULL);
        cf_autofree char *name = scaled_name(cf_json_str(target, "", "kind", NULL),
                                             cf_json_str(target, "", "name", NULL));
        json_object_set_new(names, name, json_true());
    }
    return names;
}

static bool is_autoscaled(const json_t *names, const json_t *object)
{
    cf_autofree char *name =
        scaled_name(cf_json_str(object, "", "kind", NULL), cf_object_name(object));
    return json_object_get(names, name) != NULL;
}

static bool add_item(const struct cf_propagation *p, const struct cf_transform *t,
                     const json_t *scaled, const json_t *member, json_t *items,
                     struct cf_error *err)
{
    const json_t *object = json_object_get(member, "object");
    cf_autojson json_t *body = cf_object_transform(t, member, err);
    struct cf_object_ref source_ref, target_ref;
    if (!body || !cf_ref_of(object, &source_ref, err) || !cf_ref_of(body, &target_ref, err)) {
        cf_autofree char *key = cf_object_key(object, NULL);
        return cf_error_wrap(err, "%s", key);
    }
    if (*p->run_id)
        cf_json_put_take(body, json_string(p->run_id), "metadata", "labels", CF_LABEL_RUN, NULL);
    bool by_itself = is_autoscaled(scaled, object);
    char digest[CF_SHA256_HEX];
    cf_object_digest(object, by_itself, digest);
    cf_autofree char *key = cf_object_key(body, NULL);
    json_t *source = cf_direct_ref_json(&source_ref);
    json_object_set_new(source, "uid", json_string(cf_object_uid(object)));
    cf_autofree char *writer = cf_object_last_writer(object, "");
    json_array_append_new(
        items,
        json_pack("{s:s, s:o, s:o, s:s, s:O, s:s, s:i, s:s, s:b, s:s}", "key", key, "ref",
                  cf_direct_ref_json(&target_ref), "source", source, "digest", digest, "body", body,
                  "onConflict", cf_json_str(member, "fail", "onConflict", NULL), "wave",
                  cf_kind_of(object)->wave, "why", cf_json_str(member, "", "why", NULL),
                  "autoscaled", by_itself, "by", writer ? writer : ""));
    if (strcmp(cf_json_str(p->copy, "direct", "method", NULL), "direct") != 0)
        json_object_set(json_array_get(items, json_array_size(items) - 1), "origin",
                        cf_json_unconst(object));
    return true;
}

static void digest_all(json_t *inventory)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf all = CF_BUF_INIT(INVENTORY_TEXT_MAX);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        cf_buf_printf(&all, "%s %s\n", cf_json_str(item, "", "key", NULL),
                      cf_json_str(item, "", "digest", NULL));
    }
    cf_assert(!all.overflow);
    char hex[CF_SHA256_HEX];
    json_object_set_new(inventory, "digest",
                        json_string(cf_sha256_hex(cf_buf_str(&all), all.len, hex)));
}

/* Namespaces are only copied when the plan lets us make one. */
static bool is_wanted(const struct cf_propagation *p, const json_t *member)
{
    return p->create_namespace ||
           strcmp(cf_json_str(member, "", "object", "kind", NULL), "Namespace") != 0;
}

bool cf_direct_inventory(const struct cf_propagation *p, json_t **out_inventory,
                         struct cf_error *err)
{
    cf_autojson json_t *objects = read_all(p, err);
    if (!objects)
        return false;
    struct cf_closure_input input = { .objects = objects,
                                      .workloads = p->workloads,
                                      .services = p->services };
    cf_autojson json_t *closure = cf_closure(&input, err);
    if (!closure)
        return false;
    const json_t *members = json_object_get(closure, "members");
    struct cf_transform transform = { .target_namespace = p->target_namespace,
                                      .workloads = p->workloads,
                                      .members = members };
    cf_autojson json_t *scaled = autoscaled(members);
    cf_autojson json_t *items = json_array();
    size_t i;
    json_t *member;
    json_array_foreach(members, i, member)
    {
        if (is_wanted(p, member) && !add_item(p, &transform, scaled, member, items, err))
            return false;
    }
    json_t *inventory =
        json_pack("{s:O, s:O, s:O}", "objects", items, "required",
                  json_object_get(closure, "required"), "notes", json_object_get(closure, "notes"));
    digest_all(inventory);
    *out_inventory = inventory;
    return true;
}
