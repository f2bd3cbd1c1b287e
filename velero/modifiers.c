/* SPDX-License-Identifier: Apache-2.0 */
/* Resource modifiers as Velero reads them: rules of conditions and merge patches, as YAML, of which
 * JSON is a part. */
#include "velero/modifiers.h"

#include <string.h>

#include "base/buf.h"

enum { PATTERN_MAX = 512 * 1024 }; /* a ConfigMap holds 1 MiB */

static json_t *claim_patch(const struct cf_volumes *v, const json_t *claim)
{
    json_t *patch =
        json_pack("{s:{s:{s:s}}}", "metadata", "labels", CF_VELERO_LABEL_VOLUMES, v->run_id);
    const char *class = cf_json_str(claim, "", "storageClass", NULL);
    const char *size = cf_json_str(claim, "", "size", NULL);
    if (*class)
        cf_json_put_take(patch, json_string(class), "spec", "storageClassName", NULL);
    if (*size)
        cf_json_put_take(patch, json_string(size), "spec", "resources", "requests", "storage",
                         NULL);
    return patch;
}

static void place(json_t *patch, const json_t *placement)
{
    static const char *const taken[] = { "nodeSelector", "affinity" };
    const json_t *tolerations = cf_json_at(placement, "tolerations", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(taken); i++) {
        const json_t *value = cf_json_at(placement, taken[i], NULL);
        if (json_object_size(value) > 0)
            cf_json_put_take(patch, cf_json_copy(value), "spec", taken[i], NULL);
    }
    if (json_array_size(tolerations) > 0) {
        json_t *all = cf_json_copy(tolerations); /* and what stage pods tolerate by themselves */
        json_array_append_new(all,
                              json_pack("{s:s, s:s}", "operator", "Exists", "effect", "NoExecute"));
        cf_json_put_take(patch, all, "spec", "tolerations", NULL);
    }
}

/* NULL: as it is. */
static json_t *pod_patch(const json_t *claim, bool waits)
{
    bool files = cf_velero_is_files(claim);
    if (!files && !waits)
        return NULL;
    json_t *patch = json_pack("{s:{}}", "spec");
    if (!files)
        cf_json_put_take(patch, json_string("default-scheduler"), "spec", "schedulerName", NULL);
    place(patch, cf_json_at(claim, "placement", NULL));
    if (json_object_size(json_object_get(patch, "spec")) > 0)
        return patch;
    json_decref(patch);
    return NULL;
}

static const json_t *class_named(const json_t *classes, const char *name)
{
    static const char is_default[] = "storageclass.kubernetes.io/is-default-class";
    size_t i;
    json_t *class;
    json_array_foreach(classes, i, class)
    {
        const char *is = cf_json_str(class, "", "metadata", "annotations", is_default, NULL);
        if (*name ? strcmp(cf_json_str(class, "", "metadata", "name", NULL), name) == 0
                  : strcmp(is, "true") == 0)
            return class;
    }
    return NULL;
}

json_t *cf_modifiers_waits(const struct cf_volumes *v, const json_t *classes, const json_t *was)
{
    json_t *waits = json_object();
    size_t i;
    json_t *claim;
    json_array_foreach(v->claims, i, claim)
    {
        const char *name = cf_json_str(claim, "", "name", NULL);
        const char *class = cf_json_str(claim, "", "storageClass", NULL);
        const json_t *found =
            class_named(classes, *class ? class : cf_json_str(was, "", name, NULL));
        if (strcmp(cf_json_str(found, "", "volumeBindingMode", NULL), "WaitForFirstConsumer") == 0)
            json_object_set_new(waits, name, json_true());
    }
    return waits;
}

/* --- rules --- */

/* A name as a part of a regular expression: of what may be in one, the dot alone means more. */
static void append_name(struct cf_buf *pattern, const char *name)
{
    if (pattern->len)
        cf_buf_putc(pattern, '|');
    for (const char *c = name; *c; c++)
        cf_buf_printf(pattern, *c == '.' ? "\\%c" : "%c", *c);
}

/* Adds the name under its patch: {patch text: pattern so far}. Takes the patch, which may be NULL. */
static void group_take(json_t *groups, json_t *patch, const char *name)
{
    if (!patch)
        return;
    cf_autofree char *text = cf_json_canonical(patch);
    struct cf_buf pattern = CF_BUF_INIT(PATTERN_MAX);
    cf_buf_puts(&pattern, cf_json_str(groups, "", text, NULL));
    append_name(&pattern, name);
    json_object_set_new(groups, text, json_string(cf_buf_str(&pattern)));
    cf_buf_free(&pattern);
    json_decref(patch);
}

static void append_rules(const struct cf_volumes *v, json_t *rules, const char *resource,
                         const json_t *groups)
{
    const char *text;
    json_t *pattern;
    json_object_foreach(cf_json_unconst(groups), text, pattern)
    {
        cf_autofree char *whole = cf_xasprintf("^(%s)$", json_string_value(pattern));
        json_array_append_new(rules, json_pack("{s:{s:s, s:s, s:[s]}, s:[{s:s}]}", "conditions",
                                               "groupResource", resource, "resourceNameRegex",
                                               whole, "namespaces", v->from_namespace,
                                               "mergePatches", "patchData", text));
    }
}

json_t *cf_modifiers_of(const struct cf_volumes *v, const char *name, const json_t *labels,
                        const json_t *waits)
{
    cf_autojson json_t *claims = json_object();
    cf_autojson json_t *pods = json_object();
    json_t *rules = json_array();
    cf_autojson json_t *document =
        json_pack("{s:s, s:o}", "version", "v1", "resourceModifierRules", rules);
    char stage[CF_VELERO_NAME_MAX];
    size_t i;
    json_t *claim;
    json_array_foreach(v->claims, i, claim)
    {
        const char *of = cf_json_str(claim, "", "name", NULL);
        group_take(claims, claim_patch(v, claim), of);
        group_take(pods, pod_patch(claim, json_object_get(waits, of) != NULL),
                   cf_velero_stage_name(v, of, stage));
    }
    append_rules(v, rules, "persistentvolumeclaims", claims);
    append_rules(v, rules, "pods", pods);
    cf_autofree char *text = cf_json_dump(document);
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:O}, s:{s:s}}", "apiVersion", "v1", "kind",
                     "ConfigMap", "metadata", "name", name, "namespace", v->velero_namespace,
                     "labels", labels, "data", "rules.yaml", text);
}
