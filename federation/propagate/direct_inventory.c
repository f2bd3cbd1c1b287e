/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory: what is read from the source, the closure, and the bodies for the target. */
#include <string.h>

#include "federation/objects/closure.h"
#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/direct.h"
#include "federation/propagate/inventory_source.h"

enum { INVENTORY_TEXT_MAX = 16 * 1024 * 1024 }; /* 50,000 objects at 300 bytes */

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
        const char *kind = cf_json_str(o, "", "kind", NULL);
        if (strcmp(kind, "HorizontalPodAutoscaler") != 0 && strcmp(kind, "ScaledObject") != 0)
            continue;
        const json_t *target = cf_json_at(o, "spec", "scaleTargetRef", NULL);
        cf_autofree char *name = scaled_name(cf_json_str(target, "Deployment", "kind", NULL),
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
    struct cf_object_ref target_ref;
    if (!body || !cf_ref_of(body, &target_ref, err)) {
        cf_autofree char *key = cf_object_key(object, NULL);
        return cf_error_wrap(err, "%s", key);
    }
    if (*p->run_id)
        cf_json_put_take(body, json_string(p->run_id), "metadata", "labels", CF_LABEL_RUN, NULL);
    bool by_itself = is_autoscaled(scaled, object);
    char digest[CF_SHA256_HEX];
    cf_object_digest(object, by_itself, digest);
    cf_autofree char *key = cf_object_key(body, NULL);
    cf_autofree char *writer = cf_object_last_writer(object, "");
    json_array_append_new(
        items, json_pack("{s:s, s:o, s:s, s:O, s:s, s:I, s:s, s:s, s:s, s:b, s:s}", "key", key,
                         "ref", cf_direct_ref_json(&target_ref), "digest", digest, "body", body,
                         "onConflict", cf_json_str(member, "fail", "onConflict", NULL), "wave",
                         (json_int_t)cf_json_int(member, 0, "wave", NULL), "why",
                         cf_json_str(member, "", "why", NULL), "from",
                         cf_json_str(member, "", "from", NULL), "start",
                         cf_json_str(member, "now", "start", NULL), "autoscaled", by_itself, "by",
                         writer ? writer : ""));
    if (strcmp(cf_json_str(p->copy, "direct", "method", NULL), "direct") != 0)
        json_object_set(json_array_get(items, json_array_size(items) - 1), "origin",
                        cf_json_unconst(object));
    return true;
}

/* Once its body is made, of an object of the source only its name, its kind and its scale are asked:
 * the rest would be in memory twice. What a federation keeps as it was read stays whole. */
static void lighten(json_t *object)
{
    static const char *const heavy[] = { "data",  "stringData", "binaryData",
                                         "rules", "status",     "subjects" };
    for (size_t i = 0; i < CF_ARRAY_LEN(heavy); i++)
        json_object_del(object, heavy[i]);
    cf_json_del(object, "spec", "template", NULL);
    cf_json_del(object, "metadata", "managedFields", NULL);
    cf_json_del(object, "metadata", "annotations", NULL);
    cf_json_del(object, "metadata", "labels", NULL);
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

/* Required rows name the source's namespace where the copies' is meant. */
static void move_required(const struct cf_propagation *p, json_t *required)
{
    size_t i;
    json_t *row;
    json_array_foreach(required, i, row)
    {
        json_t *ref = json_object_get(row, "ref");
        if (strcmp(cf_json_str(ref, "", "namespace", NULL), p->source_namespace) == 0)
            json_object_set_new(ref, "namespace", json_string(p->target_namespace));
    }
}

/* A class of the same name that means something else is not what the source's pods have. What the
 * source does not let us read is not compared. */
static void expect_values(const struct cf_propagation *p, json_t *required)
{
    size_t i;
    json_t *row;
    json_array_foreach(required, i, row)
    {
        const char *kind = cf_json_str(row, "", "kind", NULL);
        struct cf_object_ref ref =
            cf_ref("scheduling.k8s.io/v1", kind, NULL, cf_json_str(row, "", "name", NULL));
        cf_autojson json_t *class = NULL;
        struct cf_error unread = CF_ERROR_INIT;
        bool found = false;
        if (strcmp(kind, "PriorityClass") == 0 &&
            cf_kube_find(p->source, NULL, &ref, &found, &class, &unread) && found)
            json_object_set_new(
                row, "expect",
                json_pack("{s:I}", "value", (json_int_t)cf_json_int(class, 0, "value", NULL)));
    }
}

static json_t *items_of(const struct cf_propagation *p, const json_t *members, struct cf_error *err)
{
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
            return NULL;
        if (strcmp(cf_json_str(p->copy, "direct", "method", NULL), "direct") == 0)
            lighten(json_object_get(member, "object"));
    }
    return cf_steal(&items);
}

bool cf_direct_inventory(const struct cf_propagation *p, json_t **out_inventory,
                         struct cf_error *err)
{
    CF_CLEANUP(cf_inventory_source_free) struct cf_inventory_source source = { 0 };
    if (!cf_inventory_source_read(p, &source, err))
        return false;
    struct cf_closure_input input = { .objects = source.objects,
                                      .workloads = p->workloads,
                                      .services = p->services,
                                      .routers = source.routers,
                                      .absent = source.absent,
                                      .unread = source.unread };
    cf_autojson json_t *inventory = cf_closure(&input, err);
    if (!inventory)
        return false;
    json_t *items = items_of(p, json_object_get(inventory, "members"), err);
    if (!items)
        return false;
    json_object_set_new(inventory, "objects", items);
    json_object_del(inventory, "members");
    move_required(p, json_object_get(inventory, "required"));
    expect_values(p, json_object_get(inventory, "required"));
    digest_all(inventory);
    *out_inventory = cf_steal(&inventory);
    return true;
}
