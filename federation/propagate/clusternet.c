/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the method clusternet, and the view that its parts share (clusternet.h). */
#include "federation/propagate/clusternet.h"

#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/propagate/members.h"

const struct cf_propagator_ops cf_propagator_clusternet = {
    .name = "clusternet",
    .inventory = cf_clusternet_inventory,
    .preview = cf_clusternet_preview,
    .dry_run = cf_direct_dry_run,
    .apply = cf_clusternet_apply,
    .health = cf_direct_health,
    .changes = cf_direct_changes,
    .waiting = cf_direct_waiting,
    .activate = cf_clusternet_activate,
    .undo = cf_clusternet_undo,
    .release = cf_clusternet_release,
    .check = cf_clusternet_check,
    .guard = cf_clusternet_guard,
};

void cf_clusternet_view(const struct cf_propagation *p, struct cf_clusternet *out)
{
    *out = (struct cf_clusternet){
        .p = p,
        .hub = p->control_plane,
        .ns = cf_json_str(p->state, "", "member", "namespace", NULL),
        .name = cf_json_str(p->state, "", "member", "name", NULL),
        .cluster_id = cf_json_str(p->state, "", "member", "id", NULL),
    };
    cf_federation_id(p->run_id, out->id);
}

/* The ManagedClusters with that id; the list of members shows a name that people gave. */
static bool find_member(const struct cf_clusternet *c, const char *id, json_t **out_member,
                        struct cf_error *err)
{
    cf_autojson json_t *all = NULL;
    struct cf_kube_list list = { .api_version = CF_CLUSTERNET_CLUSTERS, .kind = "ManagedCluster" };
    size_t i;
    json_t *member;
    if (!cf_kube_list(c->hub, NULL, &list, &all, NULL, err))
        return cf_error_wrap(err, "list the members of %s", cf_kube_name(c->hub));
    json_array_foreach(all, i, member)
    {
        if (strcmp(cf_json_str(member, "", "spec", "clusterId", NULL), id) != 0)
            continue;
        *out_member = json_pack("{s:s, s:s, s:s}", "namespace", cf_object_namespace(member), "name",
                                cf_object_name(member), "id", id);
        return true;
    }
    return cf_error_set(err, CF_ERR_INVALID,
                        "no member of %s is %s: none has the id %s (uid of the Lease of its "
                        "agent)",
                        cf_kube_name(c->hub), cf_kube_name(c->p->target), id);
}

bool cf_clusternet_open(const struct cf_propagation *p, struct cf_clusternet *out,
                        struct cf_error *err)
{
    char id[CF_KUBE_UID_TEXT];
    json_t *member = NULL;
    cf_clusternet_view(p, out);
    if (*out->name)
        return true;
    if (!cf_member_identity(p->target, CF_PLANE_CLUSTERNET, id, sizeof id, err)) {
        if (err->kind == CF_ERR_NOT_FOUND)
            err->kind = CF_ERR_INVALID;
        return cf_error_wrap(err, "%s is no member of a hub", cf_kube_name(p->target));
    }
    if (!find_member(out, id, &member, err))
        return false;
    json_object_set_new(p->state, "member", member);
    cf_clusternet_view(p, out);
    return true;
}

void cf_clusternet_aside(const struct cf_propagation *p, struct cf_propagation *out)
{
    *out = *p;
    out->state = p->state ? cf_json_copy(p->state) : json_object();
}

bool cf_clusternet_inventory(const struct cf_propagation *p, json_t **out_inventory,
                             struct cf_error *err)
{
    if (!cf_direct_inventory(p, out_inventory, err))
        return false;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(*out_inventory, "objects"), i, item)
    {
        if (cf_is_carried(item))
            json_object_set_new(item, "onConflict", json_string("fail"));
    }
    return true;
}
