/* SPDX-License-Identifier: Apache-2.0 */
/* Includes, excludes and selectors of Backups and Restores. Pure. */
#include "deploy/sandbox/velero/round.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool has(const json_t *list, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        const char *text = json_string_value(v);
        if (text && (strcmp(text, "*") == 0 || strcasecmp(text, name) == 0))
            return true;
    }
    return false;
}

bool vl_is_included(const json_t *included, const json_t *excluded, const char *name)
{
    return !has(excluded, name) && (json_array_size(included) == 0 || has(included, name));
}

const char *vl_resource_name(const struct sbx_kind *k, char *buf, size_t size)
{
    snprintf(buf, size, "%s%s%s", k->plural, *k->group ? "." : "", k->group);
    return buf;
}

/* By its plural, with or without its group, its singular or its short name. */
static bool has_kind(const json_t *list, const struct sbx_kind *k)
{
    char full[128];
    return has(list, vl_resource_name(k, full, sizeof(full))) || has(list, k->plural) ||
           has(list, k->kind) || (k->short_name && *k->short_name && has(list, k->short_name));
}

bool vl_kind_included(const json_t *included, const json_t *excluded, const struct sbx_kind *k)
{
    return !has_kind(excluded, k) && (json_array_size(included) == 0 || has_kind(included, k));
}

bool vl_selects(const json_t *spec, const json_t *object)
{
    const json_t *one = json_object_get(spec, "labelSelector"),
                 *any = json_object_get(spec, "orLabelSelectors"),
                 *labels = cf_json_at(object, "metadata", "labels", NULL);
    size_t i;
    json_t *selector;
    if (one)
        return sbx_selector_matches(one, labels);
    json_array_foreach(any, i, selector)
    {
        if (sbx_selector_matches(selector, labels))
            return true;
    }
    return json_array_size(any) == 0;
}
