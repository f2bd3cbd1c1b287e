/* SPDX-License-Identifier: Apache-2.0 */
/* What would be written: to the hub, and beside it to the target. Whether the target takes it, the
 * direct method's dry run tells: the hub's would create, since its shadow API does not hear the
 * word. */
#include <string.h>

#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/clusternet.h"
#include "federation/propagate/waves.h"

static void add(json_t *bodies, const char *verb, json_t *body_take, const char *note)
{
    cf_autojson json_t *body = body_take;
    struct cf_object_ref ref;
    struct cf_error ignored = CF_ERROR_INIT;
    if (cf_ref_of(body, &ref, &ignored))
        json_array_append_new(bodies,
                              json_pack("{s:s, s:s, s:o, s:o, s:s}", "cluster", "controlPlane",
                                        "verb", verb, "ref", cf_direct_ref_json(&ref), "body",
                                        cf_object_mask(body), "note", note));
}

/* A Secret's Localization may say its values. */
static json_t *masked_localization(const json_t *item, json_t *localization_take)
{
    if (strcmp(cf_json_str(item, "", "ref", "kind", NULL), "Secret") != 0 || !localization_take)
        return localization_take;
    struct cf_error ignored = CF_ERROR_INIT;
    cf_autojson json_t *patch = cf_clusternet_override(localization_take, &ignored);
    cf_autojson json_t *named = patch ? cf_json_copy(patch) : json_object();
    json_object_set_new(named, "kind", json_string("Secret"));
    cf_autojson json_t *masked = cf_object_mask(named);
    json_object_del(masked, "kind");
    cf_json_put_take(localization_take, cf_clusternet_overrides(masked), "spec", "overrides", NULL);
    return localization_take;
}

static void preview_item(const struct cf_clusternet *c, const json_t *inventory, const json_t *item,
                         json_t *templates, json_t *localizations)
{
    json_t *localization = masked_localization(item, cf_clusternet_localization(c, item));
    add(templates, "create", cf_clusternet_template(c, item), "template, by the shadow API");
    cf_preview_wave(templates, inventory, item);
    if (!localization)
        return;
    add(localizations, "create", localization, "what the target has otherwise");
    cf_preview_wave(localizations, inventory, item);
}

static bool preview_namespace(const struct cf_clusternet *c, json_t *bodies, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, c->p->target_namespace);
    bool found = false;
    if (!cf_kube_find(c->hub, NULL, &ref, &found, NULL, err))
        return cf_error_wrap(err, "read namespace %s on %s", ref.name, cf_kube_name(c->hub));
    if (!found)
        add(bodies, "create", cf_hub_namespace_body(c->p, NULL),
            "holds the Subscriptions; it is never fed");
    return true;
}

static bool preview(const struct cf_propagation *p, const json_t *inventory, json_t *bodies,
                    struct cf_error *err)
{
    struct cf_clusternet c;
    cf_autojson json_t *localizations = json_array();
    size_t i;
    json_t *row;
    if (!cf_clusternet_open(p, &c, err) || !preview_namespace(&c, bodies, err))
        return false;
    json_array_foreach(json_object_get(inventory, "objects"), i, row)
    {
        if (cf_is_carried(row))
            preview_item(&c, inventory, row, bodies, localizations);
    }
    json_array_extend(bodies, localizations);
    cf_clusternet_assign(&c, inventory);
    json_array_foreach(cf_clusternet_subscriptions(&c), i, row)
    {
        add(bodies, "create", cf_clusternet_subscription(&c, row),
            "deploys them to the target alone, wave after wave");
        cf_preview_wave(bodies, inventory, row);
    }
    return true;
}

bool cf_clusternet_preview(const struct cf_propagation *p, const json_t *inventory,
                           json_t **out_bodies, struct cf_error *err)
{
    struct cf_propagation aside;
    cf_autojson json_t *direct = cf_carried_part(inventory, false);
    cf_autojson json_t *bodies = NULL;
    if (!cf_direct_preview(p, direct, &bodies, err))
        return false;
    cf_clusternet_aside(p, &aside);
    bool ok = preview(&aside, inventory, bodies, err);
    json_decref(aside.state);
    if (ok)
        *out_bodies = cf_steal(&bodies);
    return ok;
}
