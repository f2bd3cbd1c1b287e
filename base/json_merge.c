/* SPDX-License-Identifier: Apache-2.0 */
/* Merge patches (RFC 7396): applying one, and finding the one between two documents. Recursion is
 * bounded by the depth of the patch, and of `to`. */
#include "base/json_patch.h"

/* Changes `target`, an object of our own. */
static void merge_into(json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(patch), key, value)
    {
        if (json_is_null(value)) {
            json_object_del(target, key);
        } else if (!json_is_object(value)) {
            cf_assert(json_object_set_new(target, key, cf_json_copy(value)) == 0);
        } else {
            json_t *inner = json_object_get(target, key);
            if (!json_is_object(inner)) {
                inner = json_object();
                cf_assert(json_object_set_new(target, key, inner) == 0);
            }
            merge_into(inner, value);
        }
    }
}

json_t *cf_json_merge_apply(const json_t *doc, const json_t *patch)
{
    if (!json_is_object(patch))
        return cf_json_copy(patch);
    json_t *result = json_is_object(doc) ? cf_json_copy(doc) : json_object();
    merge_into(result, patch);
    return result;
}

static json_t *diff_objects(const json_t *from, const json_t *to)
{
    json_t *patch = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(from), key, value)
    {
        const json_t *now = json_object_get(to, key);
        if (!now || json_is_null(now))
            json_object_set_new(patch, key, json_null());
    }
    json_object_foreach(cf_json_unconst(to), key, value)
    {
        const json_t *before = json_object_get(from, key);
        if (json_is_null(value) || cf_json_equal(before, value))
            continue;
        bool both = json_is_object(before) && json_is_object(value);
        json_object_set_new(patch, key, both ? diff_objects(before, value) : cf_json_copy(value));
    }
    return patch;
}

json_t *cf_json_merge_diff(const json_t *from, const json_t *to)
{
    if (json_is_object(from) && json_is_object(to))
        return diff_objects(from, to);
    return cf_json_equal(from, to) ? json_object() : cf_json_copy(to);
}
