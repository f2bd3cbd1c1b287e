/* SPDX-License-Identifier: Apache-2.0 */
/* Which location of one cluster is the same place as which of the other: provider, bucket and prefix;
 * their names may differ. Pure; any thread. */
#include <string.h>

#include "velero/check.h"

static bool same(const json_t *a, const json_t *b, const char *key)
{
    return strcmp(cf_json_str(a, "", key, NULL), cf_json_str(b, "", key, NULL)) == 0;
}

bool cf_location_same_place(const json_t *a, const json_t *b)
{
    return a && b && same(a, b, "provider") && same(a, b, "bucket") && same(a, b, "prefix");
}

const json_t *cf_location_find(const json_t *facts, const char *name)
{
    size_t i;
    json_t *location;
    json_array_foreach(json_object_get(facts, "locations"), i, location)
    {
        if (*name ? strcmp(cf_json_str(location, "", "name", NULL), name) == 0
                  : cf_json_bool(location, false, "isDefault", NULL))
            return location;
    }
    return NULL;
}

const json_t *cf_velero_pair(const json_t *from_facts, const json_t *to_facts, const char *name,
                             const json_t **out_from)
{
    const json_t *from = cf_location_find(from_facts, name);
    size_t i;
    json_t *location;
    *out_from = from;
    json_array_foreach(json_object_get(to_facts, "locations"), i, location)
    {
        if (cf_location_same_place(from, location))
            return location;
    }
    return NULL;
}
