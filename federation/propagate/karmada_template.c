/* SPDX-License-Identifier: Apache-2.0 */
/* What is carried by the control plane: the template of each object, and the OverridePolicy that
 * makes of it what each member is to have. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/karmada.h"

/* kubectl's own copy of the object: as large as that, and of no use in a member. */
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* --- inventory --- */

/* Karmada keeps the replicas that an autoscaler sets in a member for Deployments alone. */
static void retain_replicas(const struct cf_karmada *k, const json_t *item, json_t *template,
                            json_t *notes)
{
    static const char *const retained = "true";
    const char *kind = cf_json_str(item, "", "ref", "kind", NULL);
    if (!cf_json_bool(item, false, "autoscaled", NULL))
        return;
    if (strcmp(kind, "Deployment") == 0) {
        cf_json_put_take(template, json_string(retained), "metadata", "labels", CF_KARMADA_RETAIN,
                         NULL);
        cf_json_put_take(json_object_get(item, "body"), json_string(retained), "metadata", "labels",
                         CF_KARMADA_RETAIN, NULL);
        return;
    }
    cf_autofree char *message =
        cf_xasprintf("%s is scaled by an autoscaler, and Karmada keeps an autoscaler's replicas "
                     "for Deployments alone: it would write %s's back",
                     cf_json_str(item, "", "key", NULL), k->adopt ? "the source" : "the copy");
    json_array_append_new(
        notes, json_pack("{s:s, s:s, s:s, s:s}", "level", k->adopt ? "blocker" : "warning", "code",
                         "REPLICAS_NOT_RETAINED", "message", message, "hint",
                         "Copy it with method: direct, or remove its autoscaler for the move"));
}

static void add_template(const struct cf_karmada *k, json_t *item, json_t *notes)
{
    json_t *body = json_object_get(item, "body");
    json_t *template =
        k->in_template ? cf_json_copy(body)
                       : cf_object_rehome(json_object_get(item, "origin"), k->p->target_namespace);
    if (*k->p->run_id)
        cf_json_put_take(template, json_string(k->p->run_id), "metadata", "labels", CF_LABEL_RUN,
                         NULL);
    retain_replicas(k, item, template, notes);
    json_object_set_new(item, "template", template);
    json_object_set_new(item, "onConflict", json_string(k->overwrite ? "overwrite" : "fail"));
}

bool cf_karmada_inventory(const struct cf_propagation *p, json_t **out_inventory,
                          struct cf_error *err)
{
    struct cf_karmada k;
    cf_karmada_view(p, &k);
    if (k.adopt && strcmp(p->source_namespace, p->target_namespace) != 0)
        return cf_error_set(err, CF_ERR_INVALID,
                            "copy.mode adopt: one template is for both members, so the namespace "
                            "is the same in both");
    if (!cf_direct_inventory(p, out_inventory, err))
        return false;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(*out_inventory, "objects"), i, item)
    {
        if (cf_is_carried(item))
            add_template(&k, item, json_object_get(*out_inventory, "notes"));
    }
    return true;
}

/* --- overriders --- */

static bool has_own_overrider(const char *pointer)
{
    return strcmp(pointer, "/metadata/labels") == 0 ||
           strcmp(pointer, "/metadata/annotations") == 0;
}

static void add_op(json_t *ops, const char *operator, const char * pointer, const json_t *value)
{
    json_t *op = json_pack("{s:s, s:s}", "path", pointer, "operator", operator);
    if (value)
        json_object_set_new(op, "value", cf_json_copy(value));
    json_array_append_new(ops, op);
}

static void diff_values(const json_t *from, const json_t *to, char *pointer, const char *operator,
                        json_t * ops);

static void diff_objects(const json_t *from, const json_t *to, char *pointer, json_t *ops)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(from), key, value)
    {
        size_t len = cf_json_pointer_push(pointer, key);
        if (!json_object_get(to, key) && !has_own_overrider(pointer))
            add_op(ops, "remove", pointer, NULL);
        pointer[len] = '\0';
    }
    json_object_foreach(cf_json_unconst(to), key, value)
    {
        size_t len = cf_json_pointer_push(pointer, key);
        if (!has_own_overrider(pointer))
            diff_values(json_object_get(from, key), value, pointer, "add", ops);
        pointer[len] = '\0';
    }
}

/* `operator` where the value itself is to be set: `add` also replaces an object's member, but would
 * insert into a list. */
static void diff_values(const json_t *from, const json_t *to, char *pointer, const char *operator,
                        json_t * ops)
{
    if (from && cf_json_equal(from, to))
        return;
    if (json_is_object(from) && json_is_object(to)) {
        diff_objects(from, to, pointer, ops);
        return;
    }
    if (!json_is_array(from) || !json_is_array(to) ||
        json_array_size(from) != json_array_size(to)) {
        add_op(ops, operator, pointer, to);
        return;
    }
    for (size_t i = 0; i < json_array_size(to); i++) {
        size_t len = cf_json_pointer_push_index(pointer, i);
        diff_values(json_array_get(from, i), json_array_get(to, i), pointer, "replace", ops);
        pointer[len] = '\0';
    }
}

/* Labels and annotations have overriders of their own, which do not mind a map that is not there
 * yet. */
static void diff_map(const json_t *from, const json_t *to, const char *name, json_t *overriders)
{
    cf_autojson json_t *added = json_object();
    cf_autojson json_t *removed = json_object();
    cf_autojson json_t *rows = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(to), key, value)
    {
        if (!cf_json_equal(json_object_get(from, key), value))
            json_object_set(added, key, value);
    }
    json_object_foreach(cf_json_unconst(from), key, value)
    {
        if (!json_object_get(to, key))
            json_object_set(removed, key, value);
    }
    if (json_object_size(added) > 0)
        json_array_append_new(rows, json_pack("{s:s, s:O}", "operator", "add", "value", added));
    if (json_object_size(removed) > 0)
        json_array_append_new(rows,
                              json_pack("{s:s, s:O}", "operator", "remove", "value", removed));
    if (json_array_size(rows) > 0)
        json_object_set(overriders, name, rows);
}

json_t *cf_karmada_overriders(const json_t *from, const json_t *to)
{
    json_t *overriders = json_object();
    json_t *ops = json_array();
    char pointer[CF_JSON_POINTER_MAX] = "";
    diff_objects(from, to, pointer, ops);
    if (json_array_size(ops) > 0)
        json_object_set(overriders, "plaintext", ops);
    json_decref(ops);
    diff_map(cf_json_at(from, "metadata", "labels", NULL),
             cf_json_at(to, "metadata", "labels", NULL), "labelsOverrider", overriders);
    diff_map(cf_json_at(from, "metadata", "annotations", NULL),
             cf_json_at(to, "metadata", "annotations", NULL), "annotationsOverrider", overriders);
    return overriders;
}

/* --- the OverridePolicy --- */

/* The control plane gives a Service's ports numbers of its own nodes, which it does not have: in a
 * member they are the member's (`wanted` says which, or none does). */
static void correct_node_ports(const json_t *live, const json_t *wanted, json_t *overriders)
{
    size_t i;
    json_t *port;
    json_array_foreach(cf_json_at(live, "spec", "ports", NULL), i, port)
    {
        const json_t *own = cf_json_at(json_array_get(cf_json_at(wanted, "spec", "ports", NULL), i),
                                       "nodePort", NULL);
        if (!json_object_get(port, "nodePort"))
            continue;
        json_t *ops = json_object_get(overriders, "plaintext");
        char pointer[CF_JSON_POINTER_MAX] = "/spec/ports";
        if (!ops) {
            ops = json_array();
            json_object_set_new(overriders, "plaintext", ops);
        }
        cf_json_pointer_push_index(pointer, i);
        cf_json_pointer_push(pointer, "nodePort");
        add_op(ops, own ? "replace" : "remove", pointer, own);
    }
}

static bool is_service(const json_t *item)
{
    return strcmp(cf_json_str(item, "", "ref", "kind", NULL), "Service") == 0;
}

static void add_rule(json_t *rules, const char *member, json_t *overriders_take)
{
    if (json_object_size(overriders_take) > 0)
        json_array_append_new(rules, json_pack("{s:{s:[s]}, s:O}", "targetCluster", "clusterNames",
                                               member, "overriders", overriders_take));
    json_decref(overriders_take);
}

/* Labels or annotations as they stand, but for those of Karmada's, which it sees to itself. */
static void keep_map(json_t *cleaned, const json_t *live, const char *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(cf_json_at(live, "metadata", map, NULL)), key, value)
    {
        if (!strstr(key, "karmada.io/") && strcmp(key, LAST_APPLIED) != 0)
            cf_json_put_take(cleaned, json_incref(value), "metadata", map, key, NULL);
    }
}

/* A template of somebody else's, as Karmada starts from: the values that are the control plane's own
 * leave it, and all labels and annotations stay. */
static json_t *placed_template(const struct cf_karmada *k, const json_t *live)
{
    json_t *template = cf_object_rehome(live, k->p->target_namespace);
    keep_map(template, live, "labels");
    keep_map(template, live, "annotations");
    return template;
}

static json_t *target_overriders(const struct cf_karmada *k, const json_t *item, const json_t *live)
{
    bool placed = live && cf_karmada_is_placed(k, cf_json_str(item, "", "key", NULL));
    cf_autojson json_t *from =
        placed ? placed_template(k, live) : json_incref(json_object_get(item, "template"));
    json_t *overriders = cf_karmada_overriders(from, json_object_get(item, "body"));
    if (is_service(item))
        correct_node_ports(live, json_object_get(item, "body"), overriders);
    return overriders;
}

/* The source's objects never carry our label; nor does a template that is not ours. */
static json_t *source_overriders(const struct cf_karmada *k, const json_t *item, const json_t *live)
{
    json_t *overriders = json_object();
    if (*k->p->run_id)
        json_object_set_new(overriders, "labelsOverrider",
                            json_pack("[{s:s, s:{s:s}}]", "operator", "remove", "value",
                                      CF_LABEL_RUN, k->p->run_id));
    if (is_service(item))
        correct_node_ports(live, json_object_get(item, "origin"), overriders);
    return overriders;
}

void cf_karmada_override_name(const struct cf_karmada *k, const char *key,
                              char out[CF_KARMADA_NAME_MAX])
{
    char hex[CF_SHA256_HEX];
    cf_sha256_hex(key, strlen(key), hex);
    (void)snprintf(out, CF_KARMADA_NAME_MAX, "crossfade-%s-%.12s", k->id, hex);
}

json_t *cf_karmada_override(const struct cf_karmada *k, const json_t *item, const json_t *live)
{
    cf_autojson json_t *rules = json_array();
    struct cf_object_ref ref = cf_direct_ref(item);
    char name[CF_KARMADA_NAME_MAX], version[CF_API_VERSION_MAX];
    add_rule(rules, k->target, target_overriders(k, item, live));
    if (k->adopt && !cf_karmada_is_placed(k, cf_json_str(item, "", "key", NULL)))
        add_rule(rules, k->source, source_overriders(k, item, live));
    if (json_array_size(rules) == 0)
        return NULL;
    cf_karmada_override_name(k, cf_json_str(item, "", "key", NULL), name);
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:[{s:s, s:s, s:s, s:s}], s:O}}",
                     "apiVersion", CF_KARMADA_POLICY_API, "kind", "OverridePolicy", "metadata",
                     "name", name, "namespace", k->p->target_namespace, "labels", CF_LABEL_RUN,
                     k->p->run_id, "spec", "resourceSelectors", "apiVersion",
                     cf_ref_api_version(&ref, version), "kind", ref.kind, "namespace", ref.ns,
                     "name", ref.name, "overrideRules", rules);
}
