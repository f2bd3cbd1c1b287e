/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping. Velero cannot cancel a Backup or a Restore: what moves bytes for it can be, one by one,
 * and then it ends by itself, with errors. What has not begun is taken away before it does. */
#include <string.h>

#include "velero/phases.h"
#include "velero/room.h"

enum { CANCEL_MS = 12 * 60 * 1000 }; /* Velero forces after 5; a Backup takes notice each 10 s */

struct canceling {
    struct cf_kube *k;
};

static bool cancel_one(void *arg, const json_t *operation, struct cf_error *err)
{
    const struct canceling *c = arg;
    struct cf_object_ref ref;
    struct cf_error why = CF_ERROR_INIT;
    char text[CF_REF_TEXT_MAX];
    cf_autojson json_t *patch = json_pack("{s:{s:b}}", "spec", "cancel", 1);
    if (cf_json_bool(operation, false, "spec", "cancel", NULL))
        return true;
    if (!cf_ref_of(operation, &ref, err))
        return false;
    if (cf_kube_merge_patch(c->k, NULL, &ref, patch, NULL, NULL, &why) ||
        why.kind == CF_ERR_NOT_FOUND)
        return true;
    cf_error_move(err, &why);
    return cf_error_wrap(err, "cancel %s on %s", cf_ref_text(&ref, text), cf_kube_name(c->k));
}

bool cf_velero_cancel_all(struct cf_kube *k, const json_t *operations, int *out_moving,
                          struct cf_error *err)
{
    cf_autojson json_t *moving = json_array();
    struct canceling c = { k };
    size_t i;
    json_t *one;
    json_array_foreach(operations, i, one)
    {
        if (!cf_phase_is_end(cf_phase_of(one)))
            json_array_append(moving, one);
    }
    *out_moving = (int)json_array_size(moving);
    return cf_kube_each(k, moving, cancel_one, &c, err);
}

/* --- everything of this way that is under way --- */

struct ending {
    const struct cf_volumes *v;
    struct cf_kube *k;
    const char *kind, *label;
    int left;       /* not over yet */
    int moves;      /* of those, what moves bytes, or may begin to */
    char what[256]; /* the first that is still there */
};

static bool end_one(struct ending *e, const json_t *object, struct cf_error *err)
{
    const char *name = cf_json_str(object, "", "metadata", "name", NULL);
    const struct cf_phase_rule *r = cf_phase_of(object);
    struct cf_object_ref ref = cf_velero_ref(e->v, e->kind, name);
    cf_autojson json_t *operations = NULL;
    bool gone = false;
    int moving = 0;
    if (cf_phase_is_end(r))
        return true;
    /* Only as it was read, not begun: deleted a moment later, it would go on without a trace. */
    if (r->class == CF_PHASE_WAITS) {
        if (!cf_velero_delete(e->k, &ref, object, true, &gone, err))
            return false;
        if (gone)
            return true;
    }
    if (!cf_velero_operations(e->k, e->v->velero_namespace, e->label, name, &operations, err) ||
        !cf_velero_cancel_all(e->k, operations, &moving, err))
        return false;
    /* What finalizes only writes into objects, and begins nothing any more. */
    if (moving == 0 &&
        strncmp(cf_json_str(object, "", "status", "phase", NULL), "Finalizing", 10) == 0)
        return true;
    e->left++;
    e->moves += moving > 0 || r->class == CF_PHASE_WAITS;
    if (!*e->what)
        snprintf(e->what, sizeof e->what, "%s %s on %s is %s", e->kind, name, cf_kube_name(e->k),
                 r->class == CF_PHASE_WAITS ? "being deleted"
                                            : cf_json_str(object, "", "status", "phase", NULL));
    return true;
}

static bool end_all(struct ending *e, struct cf_error *err)
{
    cf_autofree char *ours = cf_velero_selector(e->v, CF_VELERO_LABEL_WAY, e->v->way);
    cf_autojson json_t *items = NULL;
    size_t i;
    json_t *one;
    if (!cf_velero_list(e->k, CF_VELERO_V1, e->kind, e->v->velero_namespace, ours, NULL, &items,
                        err))
        return false;
    json_array_foreach(items, i, one)
    {
        if (!end_one(e, one, err))
            return false;
    }
    return true;
}

static bool end_there(struct ending *restores, bool *out_gone, struct cf_error *err)
{
    const struct cf_volumes *v = restores->v;
    char scratch[CF_VELERO_NAME_MAX];
    bool pods = false, rehearsal = false;
    if (!end_all(restores, err) || !cf_stage_down(v, v->to, v->to_namespace, &pods, err) ||
        !cf_stage_down(v, v->to, cf_velero_rehearsal_namespace(v, scratch), &rehearsal, err))
        return false;
    *out_gone = pods && rehearsal;
    return true;
}

int64_t cf_velero_there_ms(const struct cf_volumes *v, bool only)
{
    json_t *way = cf_way_open(v);
    if (!only)
        json_object_del(way, "thereSince");
    else if (!json_object_get(way, "thereSince"))
        json_object_set_new(way, "thereSince", json_integer(v->now_ms));
    return only ? v->now_ms - cf_json_int(way, v->now_ms, "thereSince", NULL) : 0;
}

bool cf_volumes_cancel(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err)
{
    struct ending backups = {
        .v = v, .k = v->from, .kind = "Backup", .label = CF_VELERO_BACKUP_NAME
    };
    struct ending restores = {
        .v = v, .k = v->to, .kind = "Restore", .label = CF_VELERO_RESTORE_NAME
    };
    json_t *row = cf_velero_object_in(cf_way_open(v), "cancel");
    bool here = false, there = false;
    if (!end_all(&backups, err) || !cf_stage_down(v, v->from, v->from_namespace, &here, err))
        return false;
    bool only_there = backups.moves == 0 && here;
    if (!end_there(&restores, &there, err)) {
        out->there_ms = cf_velero_there_ms(v, only_there);
        return false;
    }
    /* A Backup that hangs reads nothing any more once our pods are gone: it is left to the clean-up,
     * and keeps nobody's writers from starting. A Restore could still make claims. */
    if (only_there && restores.left == 0 && there) {
        json_object_del(cf_way_open(v), "cancel");
        return cf_moving_done(out);
    }
    if (!cf_json_at(row, "since", NULL))
        cf_pass_go(row, "cancel", v->now_ms);
    out->there_ms = cf_velero_there_ms(v, only_there);
    const char *what = *backups.what    ? backups.what
                       : *restores.what ? restores.what
                                        : "stage pods are being taken away";
    if (v->now_ms - cf_json_int(row, v->now_ms, "since", NULL) > CANCEL_MS)
        return cf_moving_stuck(out,
                               "%s, although what it moves was canceled: restart that Velero's "
                               "server, or its node-agent",
                               what);
    return cf_moving_waits(out, CF_VELERO_LOOK_MS, "%s", what);
}
