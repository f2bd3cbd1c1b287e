/* SPDX-License-Identifier: Apache-2.0 */
/* Backups of the bucket become objects of the cluster, then their PodVolumeBackups do; what is no
 * longer in the bucket goes. Each location by its own clock; a start of the server looks at once. */
#include "deploy/sandbox/velero/round.h"

#include <inttypes.h>
#include <string.h>

#define BACKUPS "backups"
#define PVBS    "podvolumebackups"

static json_t *as_synced(const json_t *cr)
{
    json_t *o = json_pack("{s:{s:s}}", "metadata", "name", sbx_name(cr));
    static const char *const kept[] = { "labels", "annotations" };
    for (size_t i = 0; i < CF_ARRAY_LEN(kept); i++) {
        const json_t *v = cf_json_at(cr, "metadata", kept[i], NULL);
        if (v)
            cf_json_put_take(o, cf_json_copy(v), "metadata", kept[i], NULL);
    }
    json_object_set_new(o, "spec", cf_json_copy(json_object_get(cr, "spec")));
    json_object_set_new(o, "status", cf_json_copy(json_object_get(cr, "status")));
    return o;
}

static void make_backup(struct vl_cluster *c, const json_t *location, const json_t *cr)
{
    cf_autofree char *label = vl_label_value(sbx_name(location));
    json_t *o = as_synced(cr);
    cf_json_put_take(o, json_string(sbx_name(location)), "spec", "storageLocation", NULL);
    cf_json_put_take(o, json_string(label), "metadata", "labels", VL_LOCATION, NULL);
    vl_create(c, BACKUPS, o);
}

static void make_pod_volume(struct vl_cluster *c, const json_t *location, const json_t *backup,
                            const json_t *pvb)
{
    if (vl_meets(vl_common(c->velero)->switches, VL_PVB_MISSING, c->name, "PodVolumeBackup",
                 sbx_name(pvb), cf_json_str(pvb, "", "metadata", "annotations", VL_PVC_NAME, NULL),
                 sbx_uid(pvb), NULL))
        return;
    json_t *o = as_synced(pvb);
    cf_json_put_take(o, json_string(sbx_uid(backup)), "metadata", "labels", VL_BACKUP_UID, NULL);
    cf_json_put_take(o, vl_owned_by("Backup", backup), "metadata", "ownerReferences", NULL);
    cf_json_put_take(o, json_string(sbx_name(location)), "spec", "backupStorageLocation", NULL);
    vl_create(c, PVBS, o);
}

/* Those of a Backup that this very server has just made; never again later. */
static void add_pod_volumes(struct vl_cluster *c, const json_t *location, const json_t *backup)
{
    struct vl_met late = { 0 };
    json_t *pending = json_object_get(vl_memory(c->server, location), "pending");
    if (!json_object_get(pending, sbx_name(backup)))
        return;
    if (vl_meets(vl_common(c->velero)->switches, VL_PVB_LATE, c->name, "Backup", sbx_name(backup),
                 NULL, sbx_uid(backup), &late) &&
        !vl_after(c, late.ms, "late", sbx_uid(backup)))
        return;
    cf_autofree char *key = vl_location_key(location);
    cf_autojson json_t *record =
        vl_bucket_get(vl_common(c->velero)->bucket, key, BACKUPS, sbx_name(backup));
    size_t i;
    json_t *pvb;
    json_array_foreach(json_object_get(record, "podVolumeBackups"), i, pvb)
    {
        make_pod_volume(c, location, backup, pvb);
    }
    json_object_del(pending, sbx_name(backup));
}

static void take_in(struct vl_cluster *c, const json_t *location, const char *key,
                    const json_t *names)
{
    json_t *memory = vl_memory(c->server, location);
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        cf_autojson json_t *record =
            vl_bucket_get(vl_common(c->velero)->bucket, key, BACKUPS, json_string_value(name));
        const json_t *cr = json_object_get(record, "metadata");
        if (vl_one(c, BACKUPS, json_string_value(name)) ||
            !vl_phase_in(cr, "Completed,PartiallyFailed,Failed"))
            continue;
        make_backup(c, location, cr);
        cf_json_put_take(memory, json_true(), "pending", json_string_value(name), NULL);
    }
}

static bool is_in(const json_t *names, const char *name)
{
    size_t i;
    json_t *n;
    json_array_foreach(names, i, n)
    {
        if (strcmp(json_string_value(n), name) == 0)
            return true;
    }
    return false;
}

static void drop_orphans(struct vl_cluster *c, const json_t *location, const json_t *names)
{
    cf_autofree char *label = vl_label_value(sbx_name(location));
    cf_autojson json_t *ours = vl_labelled(c, BACKUPS, VL_LOCATION, label);
    size_t i;
    json_t *backup;
    json_array_foreach(ours, i, backup)
    {
        if (vl_phase_in(backup, "Completed,PartiallyFailed") && !is_in(names, sbx_name(backup)))
            vl_delete(c, BACKUPS, backup);
    }
}

static void sync(struct vl_cluster *c, const json_t *location)
{
    cf_autofree char *key = vl_location_key(location), *now = vl_time(c, 0);
    cf_autojson json_t *names = vl_bucket_names(vl_common(c->velero)->bucket, key, BACKUPS);
    if (!vl_location_reachable(c, location))
        return;
    json_object_set_new(c->synced, sbx_uid(location), json_integer(c->pass.now));
    take_in(c, location, key, names);
    drop_orphans(c, location, names);
    vl_status(c, "backupstoragelocations", location, json_pack("{s:s}", "lastSyncedTime", now));
}

static void look_at(struct vl_cluster *c, const json_t *location)
{
    const struct vl_common *v = vl_common(c->velero);
    json_t *memory = vl_memory(c->server, location);
    struct vl_met late = { 0 };
    if (!vl_location_available(location) || vl_is_on(v->switches, VL_SYNC_OFF, c->name, NULL) ||
        strcmp(cf_json_str(location, "", "spec", "backupSyncPeriod", NULL), "0s") == 0)
        return;
    int64_t n = cf_json_int(memory, 0, "syncs", NULL), wait = n ? v->options.sync_ms : 0;
    if (vl_is_on(v->switches, VL_SYNC_LATE, c->name, &late))
        wait += late.ms;
    /* A server that has just started leaves out what was looked at less than a period ago. */
    if (n == 0 && c->pass.now - cf_json_int(c->synced, INT64_MIN / 2, sbx_uid(location), NULL) <
                      vl_ms(c, v->options.sync_ms))
        json_object_set_new(memory, "syncs", json_integer(n = 1));
    if (n)
        wait = CF_MAX(wait, v->options.sync_ms);
    cf_autofree char *what = cf_xasprintf("sync %" PRId64, n);
    if (wait && !vl_every(c, wait, what, sbx_uid(location)))
        return;
    json_object_set_new(memory, "syncs", json_integer(n + 1));
    sync(c, location);
}

void vl_ctl_sync(struct vl_cluster *c)
{
    size_t i, k;
    json_t *location, *backup;
    json_array_foreach(vl_all(c, "backupstoragelocations"), i, location)
    {
        if (json_object_size(json_object_get(vl_memory(c->server, location), "pending")) > 0)
            json_array_foreach(vl_all(c, BACKUPS), k, backup)
            {
                if (strcmp(cf_json_str(backup, "", "spec", "storageLocation", NULL),
                           sbx_name(location)) == 0)
                    add_pod_volumes(c, location, backup);
            }
        look_at(c, location);
    }
}
