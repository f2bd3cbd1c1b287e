/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a value of a copy that stands: in its OverridePolicy or in its template, wherever the plan
 * has the target's values. */
#include <stdlib.h>
#include <string.h>

#include "federation/objects/held.h"
#include "federation/objects/transform.h"
#include "federation/propagate/karmada.h"

/* The overriders of the rule for the target; made when there are none. Borrowed. */
static json_t *target_rule(const struct cf_karmada *k, json_t *override)
{
    json_t *rules = json_object_get(json_object_get(override, "spec"), "overrideRules");
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        const json_t *names = cf_json_at(rule, "targetCluster", "clusterNames", NULL);
        const char *name = json_string_value(json_array_get(names, 0));
        if (name && strcmp(name, k->target) == 0)
            return json_object_get(rule, "overriders");
    }
    rule = json_pack("{s:{s:[s]}, s:{}}", "targetCluster", "clusterNames", k->target, "overriders");
    json_array_append_new(rules, rule);
    return json_object_get(rule, "overriders");
}

static void set_plaintext(json_t *overriders, const char *pointer, const json_t *value)
{
    json_t *ops = json_object_get(overriders, "plaintext");
    size_t i;
    json_t *op;
    if (!ops) {
        ops = json_array();
        json_object_set_new(overriders, "plaintext", ops);
    }
    json_array_foreach(ops, i, op)
    {
        if (strcmp(cf_json_str(op, "", "path", NULL), pointer) == 0) {
            json_object_set_new(op, "operator", json_string("add"));
            json_object_set_new(op, "value", cf_json_copy(value));
            return;
        }
    }
    json_array_append_new(ops, json_pack("{s:s, s:s, s:o}", "path", pointer, "operator", "add",
                                         "value", cf_json_copy(value)));
}

/* Takes a key out of the overriders of labels or annotations (`map`); its value in new memory, or
 * NULL. */
static char *take_key(json_t *overriders, const char *map_name, const char *annotation)
{
    json_t *rows = json_object_get(overriders, map_name);
    char *value = NULL;
    for (size_t i = json_array_size(rows); i-- > 0;) {
        json_t *map = json_object_get(json_array_get(rows, i), "value");
        const char *text = json_string_value(json_object_get(map, annotation));
        if (!text)
            continue;
        free(value);
        value = cf_xstrdup(text);
        json_object_del(map, annotation);
        if (json_object_size(map) == 0)
            json_array_remove(rows, i);
    }
    if (rows && json_array_size(rows) == 0)
        json_object_del(overriders, map_name);
    return value;
}

/* Null: as in the template. Annotations have an overrider of their own, which does not mind a map that is
 * not there yet. */
static void set_annotation(json_t *overriders, const char *key, const json_t *value)
{
    free(take_key(overriders, "annotationsOverrider", key));
    json_t *rows = json_object_get(overriders, "annotationsOverrider");
    if (json_is_null(value))
        return;
    if (!rows)
        json_object_set_new(overriders, "annotationsOverrider", rows = json_array());
    json_array_append_new(
        rows, json_pack("{s:s, s:{s:O}}", "operator", "add", "value", key, cf_json_unconst(value)));
}

static void set_field(json_t *overriders, const char *field, const json_t *value)
{
    char pointer[CF_JSON_POINTER_MAX] = "/spec";
    if (strcmp(field, "paused") == 0) {
        set_annotation(overriders, CF_KEDA_PAUSED, value);
        return;
    }
    cf_json_pointer_push(pointer, field);
    set_plaintext(overriders, pointer, value);
}

static bool edit_override(const struct cf_karmada *k, const char *key, const char *field,
                          const json_t *value, struct cf_error *err)
{
    char name[CF_KARMADA_NAME_MAX];
    cf_autojson json_t *override = NULL;
    cf_karmada_override_name(k, key, name);
    struct cf_object_ref ref =
        cf_ref(CF_KARMADA_POLICY_API, "OverridePolicy", k->p->target_namespace, name);
    if (!cf_kube_get(k->hub, NULL, &ref, &override, err))
        return false;
    cf_autojson json_t *before = cf_json_copy(override);
    set_field(target_rule(k, override), field, value);
    return cf_json_equal(before, override) ||
           cf_kube_replace(k->hub, NULL, override, NULL, NULL, err);
}

bool cf_karmada_set_field(const struct cf_karmada *k, const json_t *entry, const char *field,
                          const json_t *value, struct cf_error *err)
{
    const char *key = cf_json_str(entry, "", "key", NULL);
    struct cf_object_ref ref = cf_direct_ref(entry);
    cf_autojson json_t *patch = json_object();
    cf_held_put(patch, field, value);
    bool ok = k->in_template ? cf_kube_merge_patch(k->hub, NULL, &ref, patch, NULL, NULL, err)
                             : edit_override(k, key, field, value, err);
    if (!ok)
        return cf_error_wrap(err, "set %s of %s on %s", field, key, cf_kube_name(k->hub));
    return true;
}

/* --- without what is ours --- */

bool cf_karmada_release_override(const struct cf_karmada *k, json_t *override, struct cf_error *err)
{
    cf_autojson json_t *before = cf_json_copy(override);
    json_t *overriders = target_rule(k, override);
    cf_autofree char *activate =
        take_key(overriders, "annotationsOverrider", CF_ANNOTATION_ACTIVATE);
    cf_autofree char *floor = take_key(overriders, "annotationsOverrider", CF_ANNOTATION_FLOOR);
    cf_autofree char *run = take_key(overriders, "labelsOverrider", CF_LABEL_RUN);
    if (floor) {
        cf_autojson json_t *value = json_integer(strtoll(floor, NULL, 10));
        set_plaintext(overriders, "/spec/minReplicas", value);
    }
    if (!activate && !floor && !run)
        return true;
    if (cf_json_equal(before, override))
        return true;
    cf_json_del(override, "metadata", "managedFields", NULL);
    if (!cf_kube_replace(k->hub, NULL, override, NULL, NULL, err))
        return cf_error_wrap(err, "release OverridePolicy %s on %s",
                             cf_json_str(override, "", "metadata", "name", NULL),
                             cf_kube_name(k->hub));
    return true;
}

bool cf_karmada_release_template(const struct cf_karmada *k, const json_t *template,
                                 struct cf_error *err)
{
    static const char *const annotations[] = { CF_ANNOTATION_ACTIVATE, CF_ANNOTATION_FLOOR,
                                               CF_KARMADA_CONFLICT };
    struct cf_object_ref ref;
    const char *floor =
        cf_json_str(template, NULL, "metadata", "annotations", CF_ANNOTATION_FLOOR, NULL);
    cf_autojson json_t *patch =
        json_pack("{s:{s:s, s:{s:n}}}", "metadata", "uid",
                  cf_json_str(template, "", "metadata", "uid", NULL), "labels", CF_LABEL_RUN);
    for (size_t i = 0; i < CF_ARRAY_LEN(annotations); i++)
        if (cf_json_at(template, "metadata", "annotations", annotations[i], NULL))
            cf_json_put_take(patch, json_null(), "metadata", "annotations", annotations[i], NULL);
    if (floor)
        cf_json_put_take(patch, json_integer(strtoll(floor, NULL, 10)), "spec", "minReplicas",
                         NULL);
    if (!cf_ref_of(template, &ref, err) ||
        !cf_kube_merge_patch(k->hub, NULL, &ref, patch, NULL, NULL, err))
        return cf_error_wrap(
            err, "release template %s %s on %s", cf_json_str(template, "", "kind", NULL),
            cf_json_str(template, "", "metadata", "name", NULL), cf_kube_name(k->hub));
    return true;
}
