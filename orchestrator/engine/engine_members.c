/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a control plane, with the names under which we know them (engine.h). */
#include <string.h>

#include "federation/propagate/members.h"
#include "orchestrator/engine/engine_internal.h"
#include "store/clusters.h"

enum { PAGE = 200 };

/* uid → name of every registered cluster; new reference. */
static json_t *registered(struct cf_engine *e, struct cf_error *err)
{
    cf_autojson json_t *names = json_object();
    cf_autofree char *after = cf_xstrdup("");
    for (bool more = true; more;) {
        CF_CLEANUP(cf_cluster_list_free) struct cf_cluster_list page = { 0 };
        if (!cf_cluster_list_page(e->config.store, after, PAGE, &page, err)) {
            cf_error_wrap(err, "the registered clusters");
            return NULL;
        }
        for (size_t i = 0; i < page.n; i++)
            json_object_set_new(names, page.rows[i].uid, json_string(page.rows[i].name));
        more = page.more && page.n > 0;
        free(after);
        after = cf_xstrdup(page.n > 0 ? page.rows[page.n - 1].name : "");
    }
    return cf_steal(&names);
}

/* Clusternet knows its members by a Lease of theirs, which only a client of the member can tell. */
static const char *name_of(struct cf_engine *e, enum cf_plane_kind kind, const json_t *names,
                           const char *id)
{
    if (kind == CF_PLANE_KARMADA)
        return cf_json_str(names, "", id, NULL);
    const char *uid;
    json_t *name;
    json_object_foreach(cf_json_unconst(names), uid, name)
    {
        CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
        struct cf_error unknown = CF_ERROR_INIT;
        char own[CF_KUBE_UID_TEXT];
        if (cf_engine_kube(e, json_string_value(name), &kube, &unknown) &&
            cf_member_identity(kube, kind, own, sizeof own, &unknown) && strcmp(own, id) == 0)
            return json_string_value(name);
    }
    return "";
}

bool cf_engine_members_of(struct cf_engine *e, struct cf_kube *plane, json_t **out,
                          struct cf_error *err)
{
    enum cf_plane_kind kind;
    cf_autojson json_t *rows = NULL;
    if (!cf_plane_kind_of(plane, &kind, err) || !cf_members_list(plane, &rows, err))
        return false;
    cf_autojson json_t *names = registered(e, err);
    if (!names)
        return false;
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *name = name_of(e, kind, names, cf_json_str(row, "", "id", NULL));
        json_object_set_new(row, "registeredAs", *name ? json_string(name) : json_null());
    }
    *out = json_pack("{s:s,s:O}", "kind", cf_plane_kind_name(kind), "items", rows);
    return true;
}

json_t *cf_engine_cluster_members(struct cf_engine *e, const char *cluster, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *plane = NULL;
    json_t *out = NULL;
    if (!cf_engine_kube(e, cluster, &plane, err) || !cf_engine_members_of(e, plane, &out, err))
        return NULL;
    return out;
}
