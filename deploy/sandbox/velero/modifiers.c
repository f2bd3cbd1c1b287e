/* SPDX-License-Identifier: Apache-2.0 */
/* Resource modifiers: rules of a ConfigMap that change objects as they are restored. JSON Patches
 * and merge patches; strategic ones are applied as merge patches. Pure. */
#include "deploy/sandbox/velero/round.h"

#include <regex.h>
#include <string.h>

#include "base/json_patch.h"
#include "base/yaml.h"

json_t *vl_modifiers_read(const json_t *config_map, char **out_why)
{
    json_t *data = json_object_get(config_map, "data"), *text;
    const char *key;
    struct cf_error err = CF_ERROR_INIT;
    if (json_object_size(data) != 1) {
        *out_why = cf_xstrdup("illegal resource modifiers configmap: it must have one member");
        return NULL;
    }
    json_object_foreach(data, key, text)
    {
        cf_autojson json_t *doc =
            cf_yaml_parse(json_string_value(text), json_string_length(text), 0, NULL, &err);
        if (!doc)
            *out_why = cf_xasprintf("failed to decode yaml data into resource modifiers, err: %s",
                                    err.message);
        else if (strcmp(cf_json_str(doc, "", "version", NULL), "v1") != 0)
            *out_why = cf_xasprintf("unsupported resource modifiers version %s",
                                    cf_json_str(doc, "", "version", NULL));
        else
            return cf_steal(&doc);
    }
    return NULL;
}

/* ---- conditions ---- */

static bool name_fits(const char *pattern, const char *name)
{
    regex_t regex;
    if (!*pattern)
        return true;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool fits = regexec(&regex, name, 0, NULL, 0) == 0;
    regfree(&regex);
    return fits;
}

static bool space_fits(const json_t *namespaces, const char *ns)
{
    return json_array_size(namespaces) == 0 || vl_is_included(namespaces, NULL, ns);
}

/* A value as a rule has it: a text that is JSON of another type means that. */
static json_t *value_of(const json_t *v)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *text = json_string_value(v);
    json_t *parsed = text ? cf_json_parse(text, strlen(text), 0, &err) : NULL;
    return parsed ? parsed : json_incref(cf_json_unconst(v ? v : json_null()));
}

static bool matches(const json_t *tests, const json_t *o)
{
    size_t i;
    json_t *test;
    json_array_foreach(tests, i, test)
    {
        cf_autojson json_t *want = value_of(json_object_get(test, "value"));
        if (!cf_json_equal(cf_json_pointer(o, cf_json_str(test, "", "path", NULL)), want))
            return false;
    }
    return true;
}

static bool fits(const json_t *conditions, const char *resource, const json_t *o)
{
    const json_t *selector = json_object_get(conditions, "labelSelector");
    const char *group = cf_json_str(conditions, "", "groupResource", NULL);
    return (strcmp(group, resource) == 0 || strcmp(group, "*") == 0) &&
           name_fits(cf_json_str(conditions, "", "resourceNameRegex", NULL), sbx_name(o)) &&
           space_fits(json_object_get(conditions, "namespaces"), sbx_ns(o)) &&
           (!selector ||
            sbx_selector_matches(selector, cf_json_at(o, "metadata", "labels", NULL))) &&
           matches(json_object_get(conditions, "matches"), o);
}

/* ---- patches ---- */

static json_t *apply_patches(const json_t *patches, const json_t *o, struct cf_error *err)
{
    cf_autojson json_t *ops = json_array();
    size_t i;
    json_t *p;
    json_array_foreach(patches, i, p)
    {
        const char *from = cf_json_str(p, "", "from", NULL);
        json_t *op = json_pack("{s:s,s:s}", "op", cf_json_str(p, "", "operation", NULL), "path",
                               cf_json_str(p, "", "path", NULL));
        if (*from)
            json_object_set_new(op, "from", json_string(from));
        if (json_object_get(p, "value"))
            json_object_set_new(op, "value", value_of(json_object_get(p, "value")));
        json_array_append_new(ops, op);
    }
    return cf_json_patch_apply(o, ops, err);
}

static json_t *apply_merges(const json_t *patches, const json_t *o, struct cf_error *err)
{
    json_t *result = cf_json_copy(o), *p;
    size_t i;
    json_array_foreach(patches, i, p)
    {
        const char *text = cf_json_str(p, "", "patchData", NULL);
        cf_autojson json_t *patch = cf_yaml_parse(text, strlen(text), 0, NULL, err);
        cf_autojson json_t *before = result;
        if (!patch)
            return NULL;
        result = cf_json_merge_apply(before, patch);
    }
    return result;
}

static json_t *apply_rule(const json_t *rule, const json_t *o, struct cf_error *err)
{
    const json_t *patches = json_object_get(rule, "patches"),
                 *merges = json_object_get(rule, "mergePatches"),
                 *strategic = json_object_get(rule, "strategicPatches");
    if (json_array_size(patches) > 0)
        return apply_patches(patches, o, err);
    return apply_merges(json_array_size(merges) > 0 ? merges : strategic, o, err);
}

json_t *vl_modifiers_apply_take(const json_t *rules, const char *resource, json_t *object_take,
                                char **out_why)
{
    json_t *o = object_take, *rule;
    size_t i;
    json_array_foreach(json_object_get(rules, "resourceModifierRules"), i, rule)
    {
        struct cf_error err = CF_ERROR_INIT;
        if (!fits(json_object_get(rule, "conditions"), resource, o))
            continue;
        cf_autojson json_t *before = o;
        cf_autojson json_t *shared = apply_rule(rule, before, &err);
        if (!shared) {
            *out_why = cf_xasprintf("error in applying patch %s", err.message);
            return NULL;
        }
        o = cf_json_copy(shared);
    }
    return o;
}
