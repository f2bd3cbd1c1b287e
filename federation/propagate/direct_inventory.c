/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the source: every kind of the table in its namespace, the closure, and the bodies for the
 * target. */
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/closure.h"
#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/direct.h"

enum { INVENTORY_TEXT_MAX = 16 * 1024 * 1024 }; /* 50,000 objects at 300 bytes */

/* Adds the namespace's objects of one kind; a kind that the source does not serve has none. */
static bool read_kind(const struct cf_propagation *p, const struct cf_kind *k, json_t *objects,
                      struct cf_error *err)
{
    char api_version[64];
    struct cf_kube_list list = { .api_version = cf_kind_api_version(k, api_version),
                                 .kind = k->kind,
                                 .ns = p->source_namespace };
    cf_autojson json_t *items = NULL;
    struct cf_error mine = CF_ERROR_INIT;
    if (!cf_kube_list(p->source, NULL, &list, &items, NULL, &mine)) {
        if (mine.kind == CF_ERR_NOT_FOUND)
            return true;
        cf_error_move(err, &mine);
        return cf_error_wrap(err, "list %s in %s on %s", k->kind, p->source_namespace,
                             cf_kube_name(p->source));
    }
    json_array_extend(objects, items);
    return true;
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
    bool ok = read_namespace(p, objects, err);
    for (const struct cf_kind *k = cf_kinds; ok && k->kind; k++)
        if (strcmp(k->kind, "Namespace") != 0)
            ok = read_kind(p, k, objects, err);
    if (!ok) {
        json_decref(objects);
        return NULL;
    }
    return objects;
}

/* Whether an autoscaler among the members scales this object: then its replicas run by
 * themselves. */
static bool is_autoscaled(const json_t *members, const json_t *object)
{
    size_t i;
    json_t *m;
    json_array_foreach(members, i, m)
    {
        const json_t *o = json_object_get(m, "object");
        if (strcmp(cf_json_str(o, "", "kind", NULL), "HorizontalPodAutoscaler") == 0 &&
            strcmp(cf_json_str(o, "", "spec", "scaleTargetRef", "name", NULL),
                   cf_object_name(object)) == 0 &&
            strcmp(cf_json_str(o, "", "spec", "scaleTargetRef", "kind", NULL),
                   cf_json_str(object, "", "kind", NULL)) == 0)
            return true;
    }
    return false;
}

static bool add_item(const struct cf_propagation *p, const struct cf_transform *t,
                     const json_t *member, json_t *items, struct cf_error *err)
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
    bool autoscaled = is_autoscaled(t->members, object);
    char digest[CF_SHA256_HEX];
    cf_object_digest(object, autoscaled, digest);
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
                  "autoscaled", autoscaled, "by", writer ? writer : ""));
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
    cf_autojson json_t *items = json_array();
    size_t i;
    json_t *member;
    json_array_foreach(members, i, member)
    {
        if (is_wanted(p, member) && !add_item(p, &transform, member, items, err))
            return false;
    }
    json_t *inventory =
        json_pack("{s:O, s:O, s:O}", "objects", items, "required",
                  json_object_get(closure, "required"), "notes", json_object_get(closure, "notes"));
    digest_all(inventory);
    *out_inventory = inventory;
    return true;
}
