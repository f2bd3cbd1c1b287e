/* SPDX-License-Identifier: Apache-2.0 */
/* A server that comes back: what was under way has failed, what it remembered is gone. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

static void cancel_all(struct vl_cluster *c, const char *plural, const char *label, const char *uid)
{
    cf_autojson json_t *all = vl_labelled(c, plural, label, uid);
    size_t i;
    json_t *o;
    json_array_foreach(all, i, o)
    {
        if (!vl_phase_in(o, "Completed,Failed,Canceled"))
            vl_patch(c, plural, o, json_pack("{s:{s:b}}", "spec", "cancel", 1));
    }
}

static void fail_all(struct vl_cluster *c, const char *plural, const char *what,
                     const char *const movers[2], const char *label)
{
    cf_autofree char *now = vl_time(c, 0);
    cf_autofree char *reason = cf_xasprintf(
        "found a %s with status \"InProgress\" during the server starting, mark it as \"Failed\"",
        what);
    size_t i;
    json_t *o;
    json_array_foreach(vl_all(c, plural), i, o)
    {
        bool shows = cf_json_at(json_object_get(c->server, sbx_uid(o)), "shows", NULL) != NULL;
        if (!vl_phase_in(o, "InProgress") && !shows)
            continue;
        vl_status(c, plural, o,
                  json_pack("{s:s,s:s,s:s}", "phase", "Failed", "failureReason", reason,
                            "completionTimestamp", now));
        for (size_t m = 0; m < 2; m++)
            cancel_all(c, movers[m], label, sbx_uid(o));
    }
}

static void restart(struct vl_cluster *c)
{
    static const char *const of_backups[] = { "podvolumebackups", "datauploads" };
    static const char *const of_restores[] = { "podvolumerestores", "datadownloads" };
    fail_all(c, "backups", "backup", of_backups, VL_BACKUP_UID);
    fail_all(c, "restores", "restore", of_restores, VL_RESTORE_UID);
    json_object_clear(c->server);
    json_object_clear(c->world.timers);
    json_object_clear(c->pass.kinds); /* what was just written is seen by the parts that follow */
}

/* Whether a Backup or Restore is at the point at which a fault kills the server. */
static bool is_due(struct vl_cluster *c, const char *plural, const char *kind)
{
    size_t i;
    json_t *o;
    json_array_foreach(vl_all(c, plural), i, o)
    {
        struct vl_met met = { 0 };
        json_t *memory = json_object_get(c->server, sbx_uid(o));
        if (!*vl_phase(o) || (vl_phase_in(o, "InProgress") && !memory) ||
            vl_phase_in(o, "Failed,Completed,PartiallyFailed,FailedValidation") ||
            !vl_meets(vl_common(c->velero)->switches, VL_SERVER_RESTART, c->name, kind, sbx_name(o),
                      NULL, sbx_uid(o), &met))
            continue;
        cf_autofree char *key = cf_xasprintf("restarted at %s", sbx_uid(o));
        const char *phase = *met.value ? met.value : "InProgress";
        if (strcmp(phase, vl_phase(o)) != 0 || json_object_get(c->agents, key))
            continue;
        json_object_set_new(c->agents, key, json_true());
        return true;
    }
    return false;
}

void vl_ctl_restarts(struct vl_cluster *c)
{
    bool away = vl_is_on(vl_common(c->velero)->switches, VL_SERVER_AWAY, c->name, NULL);
    if (!away && (atomic_exchange(&c->was_away, false) || is_due(c, "backups", "Backup") ||
                  is_due(c, "restores", "Restore")))
        restart(c);
}
