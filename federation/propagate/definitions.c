/* SPDX-License-Identifier: Apache-2.0 */
/* CustomResourceDefinitions among the copies (definitions.h). */
#include "federation/propagate/definitions.h"

#include <stdio.h>
#include <string.h>

#include "federation/kube/discovery.h"
#include "federation/objects/health.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/direct.h"

bool cf_is_definition(const json_t *row)
{
    return strcmp(cf_json_str(row, "", "ref", "kind", NULL), "CustomResourceDefinition") == 0;
}

bool cf_definitions_served(const struct cf_propagation *p, const json_t *ledger, bool *out_served,
                           struct cf_copying *out, struct cf_error *err)
{
    size_t i;
    json_t *entry;
    bool any = false;
    json_array_foreach(ledger, i, entry)
    {
        cf_autojson json_t *live = NULL;
        char text[CF_HEALTH_TEXT_MAX] = "it is gone";
        if (!cf_is_definition(entry))
            continue;
        if (!cf_direct_live(p, entry, &live, err))
            return false;
        any = true;
        if (live && cf_object_health(live, text) == CF_HEALTH_READY)
            continue;
        out->waits = true;
        (void)snprintf(out->why, sizeof out->why, "%.300s on %.100s: %.250s",
                       cf_json_str(entry, "", "key", NULL), cf_kube_name(p->target), text);
        *out_served = false;
        return true;
    }
    if (any)
        cf_kube_discovery_reset(p->target); /* it remembers that the kinds were not served */
    *out_served = true;
    return true;
}

bool cf_definition_is_to_come(const struct cf_propagation *p, const json_t *inventory,
                              const json_t *item)
{
    struct cf_object_ref ref = cf_direct_ref(item);
    char api_version[CF_API_VERSION_MAX];
    struct cf_kube_resource unused;
    struct cf_error err = CF_ERROR_INIT;
    const struct cf_kind *kind = cf_kind_find(ref.group, ref.kind);
    size_t i;
    json_t *row;
    if (!kind || !(kind->flags & CF_KIND_CUSTOM))
        return false;
    json_array_foreach(json_object_get(inventory, "objects"), i, row)
    {
        if (!cf_is_definition(row) ||
            strcmp(cf_json_str(row, "", "body", "spec", "group", NULL), ref.group) != 0 ||
            strcmp(cf_json_str(row, "", "body", "spec", "names", "kind", NULL), ref.kind) != 0)
            continue;
        return !cf_kube_resource_of(p->target, NULL, cf_ref_api_version(&ref, api_version),
                                    ref.kind, &unused, &err) &&
               err.kind == CF_ERR_NOT_FOUND;
    }
    return false;
}

bool cf_definition_is_used(const struct cf_propagation *p, const json_t *definition, bool *out,
                           struct cf_error *err)
{
    const char *group = cf_json_str(definition, "", "spec", "group", NULL);
    size_t i;
    json_t *version;
    *out = false;
    cf_kube_discovery_reset(p->target); /* it may remember a time before the definition */
    json_array_foreach(cf_json_at(definition, "spec", "versions", NULL), i, version)
    {
        cf_autofree char *api_version =
            cf_xasprintf("%s/%s", group, cf_json_str(version, "", "name", NULL));
        struct cf_kube_list list = { .api_version = api_version,
                                     .kind = cf_json_str(definition, "", "spec", "names", "kind",
                                                         NULL) };
        cf_autojson json_t *items = NULL;
        struct cf_error mine = CF_ERROR_INIT;
        if (!cf_json_bool(version, false, "served", NULL))
            continue;
        if (cf_kube_list(p->target, NULL, &list, &items, NULL, &mine)) {
            *out = json_array_size(items) > 0;
            return true;
        }
        if (mine.kind != CF_ERR_NOT_FOUND)
            return cf_error_move(err, &mine);
    }
    return true;
}

json_t *cf_custom_kinds(struct cf_kube *kube)
{
    struct cf_kube_resource *all = NULL;
    size_t n = 0;
    struct cf_error untold = CF_ERROR_INIT;
    json_t *kinds = json_array();
    if (!cf_kube_resources(kube, NULL, &all, &n, NULL, &untold))
        return kinds;
    for (size_t i = 0; i < n; i++) {
        const struct cf_kind *k = cf_kind_find(all[i].group, all[i].kind);
        if (!all[i].namespaced || !(all[i].verbs & CF_KUBE_VERB_LIST) || !k ||
            !(k->flags & CF_KIND_CUSTOM))
            continue;
        json_array_append_new(kinds, json_pack("{s:o, s:s}", "apiVersion",
                                               json_sprintf("%s/%s", all[i].group, all[i].version),
                                               "kind", all[i].kind));
    }
    free(all);
    return kinds;
}
