/* SPDX-License-Identifier: Apache-2.0 */
/* By which names the writers of data are called (volumes.h). */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/objects/selector.h"
#include "federation/objects/volumes.h"

static bool means_writer(const json_t *inventory, const json_t *service)
{
    const json_t *selector = cf_json_at(service, "spec", "selector", NULL);
    const json_t *writers = cf_json_at(inventory, "volumes", "writers", NULL);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const json_t *body = json_object_get(item, "body");
        if (cf_row_of(writers, cf_json_str(body, "", "kind", NULL), cf_object_name(body)) &&
            cf_selector_map_matches(selector, cf_object_pod_labels(body)))
            return true;
    }
    return false;
}

json_t *cf_volumes_names_of_writers(const json_t *inventory)
{
    json_t *names = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const json_t *body = json_object_get(item, "body");
        if (strcmp(cf_json_str(body, "", "kind", NULL), "Service") == 0 &&
            means_writer(inventory, body))
            json_array_append_new(names, json_string(cf_object_name(body)));
    }
    return names;
}

const json_t *cf_volumes_caller(const json_t *inventory)
{
    const json_t *writers = cf_json_at(inventory, "volumes", "writers", NULL);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const json_t *body = json_object_get(item, "body");
        const char *kind = cf_json_str(body, "", "kind", NULL);
        if (cf_object_pod_spec(body) && !cf_row_of(writers, kind, cf_object_name(body)))
            return body;
    }
    return NULL;
}

const json_t *cf_inventory_body(const json_t *inventory, const char *label)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        const json_t *body = json_object_get(item, "body");
        cf_autofree char *own = cf_object_label(body);
        if (strcmp(own, label) == 0)
            return body;
    }
    return NULL;
}
