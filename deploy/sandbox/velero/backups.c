/* SPDX-License-Identifier: Apache-2.0 */
/* Backups under way: their items and volumes, the operations that they wait for, their end in the
 * bucket. */
#include "deploy/sandbox/velero/results.h"
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define BACKUPS "backups"
#define ENDED   "Completed,PartiallyFailed,Failed,FailedValidation,Deleting"

static bool meets(struct vl_cluster *c, const json_t *b, enum vl_fault f, struct vl_met *out)
{
    return vl_meets(vl_common(c->velero)->switches, f, c->name, "Backup", sbx_name(b), NULL,
                    sbx_uid(b), out);
}

static void fail(struct vl_cluster *c, const json_t *b, const char *reason)
{
    cf_autofree char *now = vl_time(c, 0);
    vl_status(c, BACKUPS, b,
              json_pack("{s:s,s:s,s:s}", "phase", "Failed", "failureReason", reason,
                        "completionTimestamp", now));
}

/* ---- In progress ---- */

static bool name_is_taken(struct vl_cluster *c, const json_t *b, const char *key)
{
    cf_autojson json_t *there =
        vl_bucket_get(vl_common(c->velero)->bucket, key, BACKUPS, sbx_name(b));
    return there || meets(c, b, VL_NAME_TAKEN, NULL);
}

/* False: it has failed at once. */
static bool collect(struct vl_cluster *c, const json_t *b, json_t *work)
{
    const json_t *location = vl_location(c, cf_json_str(b, "", "spec", "storageLocation", NULL));
    cf_autofree char *key = vl_location_key(location);
    if (!vl_location_reachable(c, location)) {
        if (vl_after(c, 4000, "unreachable", sbx_uid(b)))
            fail(c, b,
                 "error checking if backup already exists in object storage: rpc error: code = "
                 "Unknown desc = connection refused");
        return false;
    }
    if (name_is_taken(c, b, key)) {
        fail(c, b, "backup already exists in object storage");
        return false;
    }
    vl_collect(c, b, work);
    vl_plan_volumes(c, b, work);
    if (meets(c, b, VL_ITEM_ERROR, NULL))
        vl_say(work, "errors", "", "error getting item: a fault was asked for");
    return true;
}

static void tell_progress(struct vl_cluster *c, const json_t *b, const json_t *work, bool all)
{
    size_t total = json_array_size(json_object_get(work, "items"));
    vl_status(c, BACKUPS, b,
              json_pack("{s:{s:I,s:I}}", "progress", "totalItems", (json_int_t)total,
                        "itemsBackedUp", (json_int_t)(all ? total : total / 2)));
}

/* The record as it is at the end of the items; the volumes that move go on. */
static void put_record(struct vl_cluster *c, const json_t *b, const json_t *work)
{
    cf_autofree char *key =
        vl_location_key(vl_location(c, cf_json_str(b, "", "spec", "storageLocation", NULL)));
    cf_autojson json_t *pvbs = vl_labelled(c, "podvolumebackups", VL_BACKUP_UID, sbx_uid(b));
    vl_bucket_put_take(vl_common(c->velero)->bucket, key, BACKUPS, sbx_name(b),
                       json_pack("{s:O,s:O,s:O,s:o,s:O,s:o,s:s}", "metadata", b, "podVolumeBackups",
                                 pvbs, "objects", json_object_get(work, "items"), "resources",
                                 vl_resource_list(json_object_get(work, "items")), "rows",
                                 json_object_get(work, "volumes"), "results", vl_results(work),
                                 "log", "level=info msg=\"Backup completed\"\n"));
}

static void set_count(json_t *status, const char *member, size_t n)
{
    if (n)
        json_object_set_new(status, member, json_integer((json_int_t)n));
}

static size_t uploads_of(const json_t *rows)
{
    size_t n = 0, i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        n += json_object_get(row, "du") != NULL;
    }
    return n;
}

static void go_on(struct vl_cluster *c, const json_t *b)
{
    json_t *work = vl_memory(c->server, b);
    if (meets(c, b, VL_STUCK, NULL))
        return;
    if (!json_object_get(work, "items")) {
        if (collect(c, b, work))
            tell_progress(c, b, work, false);
        return;
    }
    size_t items = json_array_size(json_object_get(work, "items"));
    bool listed = vl_after(c, VL_ITEMS_MS + (int64_t)items * VL_ITEM_MS, "items", sbx_uid(b));
    if (!vl_volumes_step(c, b, work) || !listed)
        return;
    size_t errors = json_array_size(json_object_get(work, "errors")),
           uploads = uploads_of(json_object_get(work, "volumes"));
    json_t *status = json_pack("{s:s,s:{s:I,s:I},s:{}}", "phase",
                               uploads ? (errors ? "WaitingForPluginOperationsPartiallyFailed"
                                                 : "WaitingForPluginOperations")
                                       : (errors ? "FinalizingPartiallyFailed" : "Finalizing"),
                               "progress", "totalItems", (json_int_t)items, "itemsBackedUp",
                               (json_int_t)items, "hookStatus");
    vl_set_counts(status, work);
    set_count(status, "backupItemOperationsAttempted", uploads);
    put_record(c, b, work);
    vl_status(c, BACKUPS, b, status);
    json_object_del(c->server, sbx_uid(b));
}

/* ---- Operations and the end ---- */

static json_t *record_of(struct vl_cluster *c, const json_t *b)
{
    cf_autofree char *key =
        vl_location_key(vl_location(c, cf_json_str(b, "", "spec", "storageLocation", NULL)));
    return vl_bucket_get(vl_common(c->velero)->bucket, key, BACKUPS, sbx_name(b));
}

/* How many uploads have ended, and how many of these badly. */
static void count_uploads(struct vl_cluster *c, const json_t *rows, size_t *ended, size_t *failed)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *name = cf_json_str(row, "", "du", NULL);
        const json_t *du = *name ? vl_one(c, "datauploads", name) : NULL;
        if (!*name)
            continue;
        *ended += !du || vl_phase_in(du, "Completed,Failed,Canceled");
        *failed += !du || vl_phase_in(du, "Failed,Canceled");
    }
}

/* Looked at now and then only; each look is another wait. */
static void wait_for_operations(struct vl_cluster *c, const json_t *b)
{
    json_t *memory = vl_memory(c->server, b);
    int64_t n = cf_json_int(memory, 0, "polls", NULL);
    cf_autofree char *what = cf_xasprintf("poll %lld", (long long)n);
    size_t ended = 0, failed = 0, errors;
    if (meets(c, b, VL_STUCK, NULL) || !vl_after(c, VL_POLL_MS, what, sbx_uid(b)))
        return;
    json_object_set_new(memory, "polls", json_integer(n + 1));
    c->pass.wake = c->pass.now;
    cf_autojson json_t *record = record_of(c, b);
    count_uploads(c, json_object_get(record, "rows"), &ended, &failed);
    errors = (size_t)cf_json_int(b, 0, "status", "errors", NULL) + failed;
    json_t *status = json_object();
    set_count(status, "backupItemOperationsCompleted", ended - failed);
    set_count(status, "backupItemOperationsFailed", failed);
    if (ended == uploads_of(json_object_get(record, "rows"))) {
        set_count(status, "errors", errors);
        json_object_set_new(status, "phase",
                            json_string(errors ? "FinalizingPartiallyFailed" : "Finalizing"));
    } else if (failed) {
        json_object_set_new(status, "phase",
                            json_string("WaitingForPluginOperationsPartiallyFailed"));
    }
    vl_status(c, BACKUPS, b, status);
}

/* The end of a Backup in the bucket is what the other cluster's Velero will read. */
static void finish(struct vl_cluster *c, const json_t *b)
{
    const json_t *location = vl_location(c, cf_json_str(b, "", "spec", "storageLocation", NULL));
    if (meets(c, b, VL_STUCK, NULL) || !vl_after(c, VL_FINALIZE_MS, "finalize", sbx_uid(b)))
        return;
    if (!vl_location_reachable(c, location)) {
        if (vl_after(c, VL_ITEMS_MS * 10, "upload", sbx_uid(b)))
            fail(c, b, "error uploading backup final metadata: connection refused");
        return;
    }
    cf_autofree char *now = vl_time(c, 0), *key = vl_location_key(location);
    cf_autojson json_t *old = record_of(c, b), *ended = cf_json_copy(b);
    json_t *record = old ? json_copy(old) : json_object();
    const char *phase = vl_phase_in(b, "Finalizing") ? "Completed" : "PartiallyFailed";
    json_t *status = json_pack("{s:s,s:s}", "phase", phase, "completionTimestamp", now);
    json_object_update(json_object_get(ended, "status"), status);
    json_object_set(record, "metadata", ended);
    json_object_set_new(record, "volumeInfos",
                        vl_volume_infos(c, b, json_object_get(record, "rows")));
    json_object_set_new(record, "uploads",
                        vl_labelled(c, "datauploads", VL_BACKUP_UID, sbx_uid(b)));
    vl_bucket_put_take(vl_common(c->velero)->bucket, key, BACKUPS, sbx_name(b), record);
    vl_status(c, BACKUPS, b, status);
    json_object_del(c->server, sbx_uid(b));
}

/* ---- Faults that are about Backups ---- */

static void vanish(struct vl_cluster *c, const json_t *b)
{
    cf_autofree char *key =
        vl_location_key(vl_location(c, cf_json_str(b, "", "spec", "storageLocation", NULL)));
    vl_bucket_drop(vl_common(c->velero)->bucket, key, BACKUPS, sbx_name(b));
    vl_delete(c, BACKUPS, b);
}

/* ---- The table ---- */

static const struct {
    const char *phases;
    void (*step)(struct vl_cluster *c, const json_t *b);
} steps[] = {
    { "New,Queued", vl_backup_queue },
    { "ReadyToStart", vl_backup_start },
    { "InProgress", go_on },
    { "WaitingForPluginOperations,WaitingForPluginOperationsPartiallyFailed", wait_for_operations },
    { "Finalizing,FinalizingPartiallyFailed", finish },
};

static void look_at(struct vl_cluster *c, const json_t *b)
{
    const char *phase = *vl_phase(b) ? vl_phase(b) : "New";
    if (sbx_word_in("Completed,PartiallyFailed", phase) && meets(c, b, VL_BACKUP_GONE, NULL))
        vanish(c, b);
    else if (!sbx_is_going(b) && !sbx_word_in(ENDED, phase) &&
             !vl_unknown_phase(c, BACKUPS, "Backup", b))
        for (size_t i = 0; i < CF_ARRAY_LEN(steps); i++)
            if (sbx_word_in(steps[i].phases, phase))
                steps[i].step(c, b);
}

void vl_ctl_backups(struct vl_cluster *c)
{
    size_t i;
    json_t *b;
    json_array_foreach(vl_all(c, BACKUPS), i, b)
    {
        look_at(c, b);
    }
}
