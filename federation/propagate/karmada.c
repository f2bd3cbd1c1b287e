/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the method karmada, and the view that its parts share (karmada.h). */
#include "federation/propagate/karmada.h"

#include <string.h>

#include "federation/propagate/members.h"

const struct cf_propagator_ops cf_propagator_karmada = {
    .name = "karmada",
    .inventory = cf_karmada_inventory,
    .preview = cf_karmada_preview,
    .dry_run = cf_karmada_dry_run,
    .apply = cf_karmada_apply,
    .health = cf_karmada_health,
    .changes = cf_direct_changes,
    .waiting = cf_direct_waiting,
    .activate = cf_karmada_activate,
    .undo = cf_karmada_undo,
    .release = cf_karmada_release,
    .check = cf_karmada_check,
    .guard = cf_karmada_guard,
    .detach = cf_karmada_detach,
};

void cf_karmada_view(const struct cf_propagation *p, struct cf_karmada *out)
{
    *out = (struct cf_karmada){
        .p = p,
        .hub = p->control_plane,
        .adopt = strcmp(cf_json_str(p->copy, "", "mode", NULL), "adopt") == 0,
        .overwrite = strcmp(cf_json_str(p->copy, "", "onConflict", NULL), "overwrite") == 0,
        .in_template = strcmp(cf_json_str(p->copy, "", "overrides", NULL), "template") == 0,
        .target = cf_json_str(p->state, "", "target", NULL),
        .source = cf_json_str(p->state, "", "source", NULL),
    };
    cf_federation_id(p->run_id, out->id);
}

static bool find_member(const struct cf_propagation *p, const json_t *members,
                        struct cf_kube *member, const char *as, struct cf_error *err)
{
    char uid[CF_KUBE_UID_TEXT];
    if (!cf_member_identity(member, CF_PLANE_KARMADA, uid, sizeof uid, err))
        return cf_error_wrap(err, "identity of %s", cf_kube_name(member));
    const json_t *row = cf_member_by_id(members, uid);
    if (!row)
        return cf_error_set(err, CF_ERR_INVALID,
                            "no member of %s is %s: none has the id %s (uid of its namespace "
                            "kube-system)",
                            cf_kube_name(p->control_plane), cf_kube_name(member), uid);
    json_object_set(p->state, as, json_object_get(row, "name"));
    return true;
}

bool cf_karmada_open(const struct cf_propagation *p, struct cf_karmada *out, struct cf_error *err)
{
    cf_karmada_view(p, out);
    if (*out->target && (*out->source || !out->adopt))
        return true;
    cf_autojson json_t *members = NULL;
    if (!cf_members_list(p->control_plane, &members, err) ||
        !find_member(p, members, p->target, "target", err) ||
        (out->adopt && !find_member(p, members, p->source, "source", err)))
        return false;
    cf_karmada_view(p, out);
    return true;
}

bool cf_karmada_is_own_scheduler(const struct cf_karmada *k)
{
    return strcmp(cf_json_str(k->p->state, "", "scheduler", NULL), "own") == 0;
}

static bool is_for_a_person(const struct cf_error *err)
{
    switch (err->kind) {
    case CF_ERR_DENIED:
    case CF_ERR_INVALID:
    case CF_ERR_NOT_FOUND:
    case CF_ERR_LIMIT:
        return true;
    case CF_ERR_TRANSIENT:
        return strstr(err->message, "webhook") != NULL;
    default:
        return false;
    }
}

bool cf_karmada_end(bool ok, struct cf_copying *out, struct cf_error *err)
{
    if (ok || !is_for_a_person(err))
        return ok;
    cf_copying_stuck(out, "%s", err->message);
    cf_error_clear(err);
    return true;
}
