/* SPDX-License-Identifier: Apache-2.0 */
/* The namespace in the control plane (federation.h). */
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/direct.h"
#include "federation/propagate/federation.h"

static struct cf_object_ref namespace_ref(const struct cf_propagation *p)
{
    return cf_ref("v1", "Namespace", NULL, p->target_namespace);
}

json_t *cf_hub_namespace_body(const struct cf_propagation *p, const json_t *labels)
{
    json_t *body =
        json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "apiVersion", "v1", "kind", "Namespace",
                  "metadata", "name", p->target_namespace, "labels", CF_LABEL_RUN, p->run_id);
    if (labels)
        json_object_update(cf_json_unconst(cf_json_at(body, "metadata", "labels", NULL)),
                           cf_json_unconst(labels));
    return body;
}

bool cf_hub_namespace_write(const struct cf_propagation *p, const json_t *labels,
                            struct cf_error *err)
{
    struct cf_object_ref ref = namespace_ref(p);
    struct cf_error mine = CF_ERROR_INIT;
    bool found = false;
    cf_autojson json_t *body = cf_hub_namespace_body(p, labels);
    if (!cf_kube_find(p->control_plane, NULL, &ref, &found, NULL, err))
        return cf_error_wrap(err, "read namespace %s on %s", ref.name,
                             cf_kube_name(p->control_plane));
    if (found || cf_kube_create(p->control_plane, NULL, body, NULL, NULL, &mine) ||
        strcmp(mine.reason, "AlreadyExists") == 0)
        return true;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "create namespace %s on %s", ref.name,
                         cf_kube_name(p->control_plane));
}

/* Whether objects of the kind are there. A kind that is not served has none; one that is not for us
 * to see may have some. `any`: also those that every namespace has. */
static bool has_any(const struct cf_propagation *p, const char *api_version, const char *kind,
                    bool any, bool *out, struct cf_error *err)
{
    struct cf_kube_list list = { .api_version = api_version,
                                 .kind = kind,
                                 .ns = p->target_namespace };
    cf_autojson json_t *items = NULL;
    struct cf_error mine = CF_ERROR_INIT;
    if (!cf_kube_list(p->control_plane, NULL, &list, &items, NULL, &mine)) {
        *out = *out || mine.kind == CF_ERR_DENIED;
        return mine.kind == CF_ERR_NOT_FOUND || mine.kind == CF_ERR_DENIED ||
               cf_error_move(err, &mine);
    }
    size_t i;
    json_t *object;
    json_array_foreach(items, i, object)
    {
        *out = *out || any || !cf_object_skip_reason(object);
    }
    return true;
}

static bool is_inhabited(const struct cf_propagation *p, const struct cf_hub_kind *kinds, bool *out,
                         struct cf_error *err)
{
    *out = false;
    for (const struct cf_hub_kind *k = kinds; k->kind && !*out; k++)
        if (!has_any(p, k->api_version, k->kind, true, out, err))
            return false;
    for (const struct cf_kind *k = cf_kinds; k->kind && !*out; k++) {
        char version[64];
        if (!(k->flags & (CF_KIND_CLUSTER | CF_KIND_CUSTOM)) &&
            !has_any(p, cf_kind_api_version(k, version), k->kind, false, out, err))
            return false;
    }
    return true;
}

bool cf_hub_namespace_remove(const struct cf_propagation *p, const struct cf_hub_kind *kinds,
                             struct cf_error *err)
{
    struct cf_object_ref ref = namespace_ref(p);
    struct cf_kube *hub = p->control_plane;
    bool found = false, inhabited = false;
    cf_autojson json_t *live = NULL;
    if (!cf_kube_find(hub, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read namespace %s on %s", ref.name, cf_kube_name(hub));
    if (!found || !cf_is_of_run(p, live) || cf_json_at(live, "metadata", "deletionTimestamp", NULL))
        return true;
    if (!is_inhabited(p, kinds, &inhabited, err))
        return cf_error_wrap(err, "look into namespace %s on %s", ref.name, cf_kube_name(hub));
    if (inhabited) {
        cf_autojson json_t *patch = json_pack("{s:{s:{s:n}}}", "metadata", "labels", CF_LABEL_RUN);
        return cf_kube_merge_patch(hub, NULL, &ref, patch, NULL, NULL, err);
    }
    struct cf_kube_delete how = CF_KUBE_DELETE_INIT;
    struct cf_error mine = CF_ERROR_INIT;
    how.uid = cf_object_uid(live);
    if (cf_kube_delete(hub, NULL, &ref, &how, &mine) || mine.kind == CF_ERR_NOT_FOUND)
        return true;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "delete namespace %s on %s", ref.name, cf_kube_name(hub));
}
