/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory: what is read from the source, the closure, and the bodies for the target. */
#include <string.h>

#include "federation/objects/closure.h"
#include "federation/objects/diff.h"
#include "federation/objects/held.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/direct.h"
#include "federation/propagate/inventory_source.h"

enum {
    INVENTORY_TEXT_MAX = 16 * 1024 * 1024, /* 50,000 objects at 300 bytes */
    /* Objects of the source that are let go of before their memory goes back: what the threads of a
     * list have freed is not used for bodies, which are made by another. */
    GIVE_BACK_EVERY = 2000,
};

static bool is_direct(const struct cf_propagation *p)
{
    return strcmp(cf_json_str(p->copy, "direct", "method", NULL), "direct") == 0;
}

static char *scaled_name(const char *kind, const char *name)
{
    return cf_xasprintf("%s/%s", kind, name);
}

/* What the autoscalers among the members scale, {"Kind/name": whether also up from nothing, as KEDA does}. */
static json_t *autoscaled(const json_t *members)
{
    json_t *names = json_object();
    size_t i;
    json_t *m;
    json_array_foreach(members, i, m)
    {
        const json_t *o = json_object_get(m, "object");
        const struct cf_kind *k = cf_kind_of(o);
        bool starts = k && k->flags & CF_KIND_STARTS;
        if (!k || (!starts && strcmp(k->kind, "HorizontalPodAutoscaler") != 0))
            continue;
        const json_t *target = cf_json_at(o, "spec", "scaleTargetRef", NULL);
        cf_autofree char *name = scaled_name(cf_json_str(target, "Deployment", "kind", NULL),
                                             cf_json_str(target, "", "name", NULL));
        starts = starts || json_is_true(json_object_get(names, name));
        json_object_set_new(names, name, json_boolean(starts));
    }
    return names;
}

/* Whether its replicas run by themselves. */
static bool is_autoscaled(const json_t *names, const json_t *object)
{
    cf_autofree char *name =
        scaled_name(cf_json_str(object, "", "kind", NULL), cf_object_name(object));
    const json_t *starts = json_object_get(names, name);
    return starts && (json_is_true(starts) || cf_json_int(object, 1, "spec", "replicas", NULL) > 0);
}

/* A text of an item, shared with the item before it where that says the same: most do. */
static json_t *like(const json_t *last, const char *key, const char *text)
{
    json_t *before = json_object_get(last, key);
    return before && strcmp(json_string_value(before), text) == 0 ? json_incref(before)
                                                                  : json_string(text);
}

static json_t *ref_like(const json_t *last, const struct cf_object_ref *ref)
{
    const json_t *before = json_object_get(last, "ref");
    return json_pack("{s:o, s:o, s:o, s:o, s:s}", "group", like(before, "group", ref->group),
                     "version", like(before, "version", ref->version), "kind",
                     like(before, "kind", ref->kind), "namespace",
                     like(before, "namespace", ref->ns), "name", ref->name);
}

static bool add_item(const struct cf_propagation *p, const struct cf_transform *t,
                     const json_t *scaled, const json_t *member, json_t *items,
                     struct cf_error *err)
{
    const json_t *object = json_object_get(member, "object");
    const json_t *last = json_array_get(items, json_array_size(items) - 1);
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
    json_t *item =
        json_pack("{s:s, s:o, s:s, s:O, s:o, s:O, s:o, s:o, s:o, s:b, s:o}", "key", key, "ref",
                  ref_like(last, &target_ref), "digest", digest, "body", body, "onConflict",
                  like(last, "onConflict", cf_json_str(member, "fail", "onConflict", NULL)), "wave",
                  json_object_get(member, "wave"), "why",
                  like(last, "why", cf_json_str(member, "", "why", NULL)), "from",
                  like(last, "from", cf_json_str(member, "", "from", NULL)), "start",
                  like(last, "start", cf_json_str(member, "now", "start", NULL)), "autoscaled",
                  by_itself, "by", like(last, "by", writer ? writer : ""));
    if (!is_direct(p))
        json_object_set(item, "origin", cf_json_unconst(object));
    json_array_append_new(items, item);
    return true;
}

/* Once its body is made, of an object of the source only its name, its kind and its scale are asked,
 * by routes and autoscalers: the rest would be in memory twice. What a federation keeps as it was
 * read stays whole. */
static void let_go(const struct cf_propagation *p, json_t *member)
{
    json_t *object = json_object_get(member, "object");
    const struct cf_kind *k = cf_kind_of(object);
    bool is_asked = k->flags & CF_KIND_SCALABLE || strcmp(k->kind, "Service") == 0;
    if (!is_asked) {
        json_object_clear(member);
        return;
    }
    if (is_direct(p))
        json_object_set_new(member, "object",
                            json_pack("{s:O, s:{s:O}, s:{s:O*}}", "kind",
                                      json_object_get(object, "kind"), "metadata", "name",
                                      cf_json_at(object, "metadata", "name", NULL), "spec",
                                      "replicas", cf_json_at(object, "spec", "replicas", NULL)));
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
        let_go(p, member);
        if (i % GIVE_BACK_EVERY == GIVE_BACK_EVERY - 1)
            cf_mem_give_back();
    }
    return cf_steal(&items);
}

/* What a freeze has stopped, as it was before it. */
static void unstop_all(const json_t *stopped, json_t *objects)
{
    size_t i;
    json_t *object;
    json_array_foreach(objects, i, object)
    {
        const struct cf_kind *k = cf_kind_of(object);
        if (k && k->flags & CF_KIND_STANDS_STILL)
            cf_held_unstop(object, cf_row_of(stopped, k->kind, cf_object_name(object)));
    }
}

bool cf_direct_inventory(const struct cf_propagation *p, json_t **out_inventory,
                         struct cf_error *err)
{
    CF_CLEANUP(cf_inventory_source_free) struct cf_inventory_source source = { 0 };
    if (!cf_inventory_source_read(p, &source, err))
        return false;
    if (json_array_size(p->stopped) > 0)
        unstop_all(p->stopped, source.objects);
    struct cf_closure_input input = { .objects = source.objects,
                                      .workloads = p->workloads,
                                      .volumes = p->volumes,
                                      .services = p->services,
                                      .routers = source.routers,
                                      .absent = source.absent,
                                      .unread = source.unread };
    cf_autojson json_t *inventory = cf_closure(&input, err);
    if (!inventory)
        return false;
    json_array_clear(source.objects); /* members have their own references */
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
