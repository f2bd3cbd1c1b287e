/* SPDX-License-Identifier: Apache-2.0 */
/* DeleteBackupRequests: refused with a reason, or the backup goes from the bucket and the cluster
 * with all that hangs on it. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define REQUESTS "deletebackuprequests"
#define RUNNING                                                                                    \
    "New,Queued,ReadyToStart,InProgress,WaitingForPluginOperations,"                               \
    "WaitingForPluginOperationsPartiallyFailed,Finalizing,FinalizingPartiallyFailed"

static const char *backup_name(const json_t *o)
{
    return cf_json_str(o, "", "spec", "backupName", NULL);
}

/* Why it is refused, in new memory, or NULL. */
static char *refusal(struct vl_cluster *c, const json_t *o, const json_t *backup)
{
    const char *name = cf_json_str(backup, "", "spec", "storageLocation", NULL);
    const json_t *location = vl_location(c, name);
    if (!*backup_name(o))
        return cf_xstrdup("spec.backupName is required");
    if (backup && sbx_word_in(RUNNING, *vl_phase(backup) ? vl_phase(backup) : "New"))
        return cf_xstrdup("backup is still in progress");
    if (!backup)
        return cf_xstrdup("backup not found");
    if (!location)
        return cf_xasprintf("backup storage location %s not found", name);
    if (vl_location_read_only(location))
        return cf_xasprintf("cannot delete backup because backup storage location %s is currently "
                            "in read-only mode",
                            name);
    if (!vl_location_available(location))
        return cf_xasprintf("cannot delete backup because backup storage location %s is currently "
                            "in Unavailable state",
                            name);
    if (!vl_location_reachable(c, location) ||
        vl_meets(vl_common(c->velero)->switches, VL_DELETE_FAILS, c->name, "DeleteBackupRequest",
                 sbx_name(o), backup_name(o), sbx_uid(o), NULL))
        return cf_xstrdup("error removing backup from backup storage: connection refused");
    return NULL;
}

static void end(struct vl_cluster *c, const json_t *o, const char *why)
{
    cf_autofree char *text = cf_xasprintf("backup deletion failed: %s", why);
    vl_status(c, REQUESTS, o, json_pack("{s:s,s:[s]}", "phase", "Processed", "errors", text));
}

/* Snapshots' contents, which only this backup has. */
static void drop_contents(struct vl_cluster *c, const char *key, const json_t *record)
{
    static const char *const lists[] = { "podVolumeBackups", "uploads" };
    for (size_t k = 0; k < CF_ARRAY_LEN(lists); k++) {
        size_t i;
        json_t *o;
        json_array_foreach(json_object_get(record, lists[k]), i, o)
        {
            cf_autofree char *at =
                vl_snapshot_key(key, cf_json_str(o, "", "status", "snapshotID", NULL));
            sbx_volume_drop(vl_common(c->velero)->volumes, at);
        }
    }
}

static void drop_restores(struct vl_cluster *c, const char *name)
{
    size_t i;
    json_t *r;
    json_array_foreach(vl_all(c, "restores"), i, r)
    {
        if (strcmp(cf_json_str(r, "", "spec", "backupName", NULL), name) == 0 && !sbx_is_going(r))
            vl_delete(c, "restores", r);
    }
}

static void carry_out(struct vl_cluster *c, const json_t *o, const json_t *backup)
{
    struct vl_bucket *bucket = vl_common(c->velero)->bucket;
    cf_autofree char *key =
        vl_location_key(vl_location(c, cf_json_str(backup, "", "spec", "storageLocation", NULL)));
    cf_autojson json_t *record = vl_bucket_get(bucket, key, "backups", sbx_name(backup));
    drop_contents(c, key, record);
    vl_bucket_drop(bucket, key, "backups", sbx_name(backup));
    drop_restores(c, sbx_name(backup));
    vl_delete(c, "backups", backup);
    vl_delete(c, REQUESTS, o);
}

/* What is marked and accepted first, so that a request is seen at work. */
static void accept(struct vl_cluster *c, const json_t *o, const json_t *backup)
{
    cf_autofree char *label = vl_label_value(backup_name(o));
    vl_patch(c, REQUESTS, o,
             json_pack("{s:{s:{s:s,s:s}},s:{s:s}}", "metadata", "labels", VL_BACKUP_NAME, label,
                       VL_BACKUP_UID, sbx_uid(backup), "status", "phase", "InProgress"));
    vl_status(c, "backups", backup, json_pack("{s:s}", "phase", "Deleting"));
}

static void look_at(struct vl_cluster *c, const json_t *o)
{
    const json_t *backup = vl_one(c, "backups", backup_name(o));
    if (vl_phase_in(o, "Processed") || !vl_after(c, VL_REQUEST_MS, "delete", sbx_uid(o)))
        return;
    cf_autofree char *why = refusal(c, o, backup);
    if (why)
        end(c, o, why);
    else if (!vl_phase_in(o, "InProgress"))
        accept(c, o, backup);
    else if (vl_after(c, VL_DELETE_MS, "deleting", sbx_uid(o)))
        carry_out(c, o, backup);
}

void vl_ctl_deletions(struct vl_cluster *c)
{
    size_t i;
    json_t *o;
    json_array_foreach(vl_all(c, REQUESTS), i, o)
    {
        look_at(c, o);
    }
}
