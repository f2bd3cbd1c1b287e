/* SPDX-License-Identifier: Apache-2.0 */
/* Restores: one after the other, their phases, what they wait for, how they end. */
#include "deploy/sandbox/velero/results.h"
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define RESTORES "restores"

static bool meets(struct vl_cluster *c, const json_t *r, enum vl_fault f, struct vl_met *out)
{
    return vl_meets(vl_common(c->velero)->switches, f, c->name, "Restore", sbx_name(r), NULL,
                    sbx_uid(r), out);
}

static const json_t *backup_of(struct vl_cluster *c, const json_t *r)
{
    return vl_one(c, "backups", cf_json_str(r, "", "spec", "backupName", NULL));
}

static const json_t *location_of(struct vl_cluster *c, const json_t *r)
{
    return vl_location(c, cf_json_str(backup_of(c, r), "", "spec", "storageLocation", NULL));
}

/* ---- Validation ---- */

static void add(json_t *errors, char *text_take)
{
    json_array_append_new(errors, json_string(text_take));
    free(text_take);
}

static void check_backup(struct vl_cluster *c, const json_t *r, json_t *errors)
{
    const char *name = cf_json_str(r, "", "spec", "backupName", NULL);
    bool scheduled = *cf_json_str(r, "", "spec", "scheduleName", NULL);
    if ((*name != '\0') == scheduled)
        add(errors, cf_xstrdup("Either a backup or schedule must be specified as a source for the "
                               "restore, but not both"));
    else if (!backup_of(c, r))
        add(errors,
            cf_xasprintf(
                "Error retrieving backup: can't find backup %s/%s: Backup.velero.io \"%s\" not found",
                VL_NS, name, name));
    else if (!vl_location_available(location_of(c, r)))
        add(errors,
            cf_xasprintf("The BSL %s is unavailable, cannot retrieve the backup",
                         cf_json_str(backup_of(c, r), "", "spec", "storageLocation", NULL)));
}

static void check_modifier(struct vl_cluster *c, const json_t *r, json_t *errors)
{
    const char *name = cf_json_str(r, "", "spec", "resourceModifier", "name", NULL);
    cf_autofree char *why = NULL;
    if (!*name || json_array_size(errors) > 0)
        return;
    const json_t *config = sbx_pass_one(&c->pass, "", "configmaps", VL_NS, name);
    cf_autojson json_t *rules = config ? vl_modifiers_read(config, &why) : NULL;
    if (!config)
        add(errors, cf_xasprintf("failed to get resource modifiers configmap %s/%s", VL_NS, name));
    else if (!rules)
        add(errors, cf_xasprintf("Error in parsing resource modifiers provided in configmap %s/%s: "
                                 "%s",
                                 VL_NS, name, why));
}

static json_t *validate(struct vl_cluster *c, const json_t *r)
{
    const json_t *spec = json_object_get(r, "spec");
    const char *existing = cf_json_str(spec, "", "existingResourcePolicy", NULL);
    json_t *errors = json_array();
    if (json_object_get(spec, "labelSelector") && json_object_get(spec, "orLabelSelectors"))
        add(errors, cf_xstrdup("encountered labelSelector as well as orLabelSelectors in restore "
                               "spec, only one can be specified"));
    if (*existing && !sbx_word_in("none,update", existing))
        add(errors, cf_xasprintf("Invalid ExistingResourcePolicy: %s", existing));
    check_backup(c, r, errors);
    check_modifier(c, r, errors);
    return errors;
}

/* ---- Beginning: the first of those that wait, when nobody else is at it ---- */

static bool is_my_turn(struct vl_cluster *c, const json_t *r)
{
    size_t i;
    json_t *other;
    json_array_foreach(vl_all(c, RESTORES), i, other)
    {
        bool shows = cf_json_at(json_object_get(c->server, sbx_uid(other)), "shows", NULL) != NULL;
        if (other == r || sbx_is_going(other))
            continue;
        if (vl_phase_in(other, "InProgress") || shows ||
            ((!*vl_phase(other) || vl_phase_in(other, "New")) &&
             strcmp(sbx_uid(other), sbx_uid(r)) < 0))
            return false;
    }
    return true;
}

static json_t *taken_up(const json_t *r)
{
    json_t *finalizers =
               sbx_list_without(cf_json_at(r, "metadata", "finalizers", NULL), NULL, VL_FINALIZER),
           *patch;
    json_array_append_new(finalizers, json_string(VL_FINALIZER));
    patch = json_pack("{s:{s:o}}", "metadata", "finalizers", finalizers);
    if (!cf_json_at(r, "spec", "excludedResources", NULL))
        cf_json_put_take(patch,
                         json_pack("[s,s,s,s,s,s,s,s]", "nodes", "events", "events.events.k8s.io",
                                   "backups.velero.io", "restores.velero.io",
                                   "csinodes.storage.k8s.io", "volumeattachments.storage.k8s.io",
                                   "backuprepositories.velero.io"),
                         "spec", "excludedResources", NULL);
    if (!cf_json_at(r, "spec", "itemOperationTimeout", NULL))
        cf_json_put_take(patch, json_string("4h0m0s"), "spec", "itemOperationTimeout", NULL);
    return patch;
}

static void start(struct vl_cluster *c, const json_t *r)
{
    if (!is_my_turn(c, r) || !vl_after(c, VL_JUDGE_MS, "start", sbx_uid(r)))
        return;
    cf_autojson json_t *errors = validate(c, r);
    cf_autofree char *now = vl_time(c, 0);
    json_t *patch = taken_up(r);
    if (json_array_size(errors) > 0)
        json_object_set_new(patch, "status",
                            json_pack("{s:s,s:O,s:s,s:s}", "phase", "FailedValidation",
                                      "validationErrors", errors, "startTimestamp", now,
                                      "completionTimestamp", now));
    else
        json_object_set_new(patch, "status",
                            json_pack("{s:s,s:s}", "phase", "InProgress", "startTimestamp", now));
    vl_patch(c, RESTORES, r, patch);
}

/* ---- In progress ---- */

static void fail(struct vl_cluster *c, const json_t *r, const char *reason)
{
    cf_autofree char *now = vl_time(c, 0);
    vl_status(c, RESTORES, r,
              json_pack("{s:s,s:s,s:s}", "phase", "Failed", "failureReason", reason,
                        "completionTimestamp", now));
    json_object_del(c->server, sbx_uid(r));
}

static json_t *record_of(struct vl_cluster *c, const json_t *r)
{
    const json_t *location = location_of(c, r);
    cf_autofree char *key = location ? vl_location_key(location) : NULL;
    return key && vl_location_reachable(c, location)
               ? vl_bucket_get(vl_common(c->velero)->bucket, key, "backups",
                               cf_json_str(r, "", "spec", "backupName", NULL))
               : NULL;
}

/* Of the movers by their names: whether all have ended; each bad end is an error, said once. */
static bool all_ended(struct vl_cluster *c, const char *plural, json_t *work, const char *list)
{
    static const char ended[] = "Completed,Failed,Canceled";
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(work, list), i, name)
    {
        const json_t *o = vl_one(c, plural, json_string_value(name));
        if (o && !vl_phase_in(o, ended))
            return false;
    }
    json_array_foreach(json_object_get(work, list), i, name)
    {
        const json_t *o = vl_one(c, plural, json_string_value(name));
        cf_autofree char *text = !o ? cf_xasprintf("%s is gone", json_string_value(name))
                                 : vl_phase_in(o, "Canceled")
                                     ? cf_xasprintf("pod volume restore canceled: %s",
                                                    cf_json_str(o, "", "status", "message", NULL))
                                     : cf_xasprintf("pod volume restore failed: %s",
                                                    cf_json_str(o, "", "status", "message", NULL));
        if (!vl_phase_in(o, "Completed"))
            vl_say(work, "errors", cf_json_str(o, "", "spec", "pod", "namespace", NULL), text);
    }
    return true;
}

static void make_items(struct vl_cluster *c, const json_t *r, json_t *work)
{
    cf_autojson json_t *record = record_of(c, r);
    if (!record) {
        fail(c, r, "error downloading backup: connection refused or no such key");
        return;
    }
    vl_restore_items(c, r, record, work);
    if (meets(c, r, VL_ITEM_ERROR, NULL))
        vl_say(work, "errors", "", "error restoring an item: a fault was asked for");
    json_int_t total = (json_int_t)cf_json_int(work, 0, "total", NULL);
    vl_status(
        c, RESTORES, r,
        total ? json_pack("{s:{s:I,s:I}}", "progress", "totalItems", total, "itemsRestored", total)
              : json_pack("{s:{}}", "progress"));
}

static void go_on(struct vl_cluster *c, const json_t *r)
{
    json_t *work = vl_memory(c->server, r), *status = json_object();
    bool late = vl_every(c, VL_FS_TIMEOUT_MS, "fs timeout", sbx_uid(r));
    cf_autojson json_t *kept = status;
    if (meets(c, r, VL_STUCK, NULL) || !vl_after(c, VL_ITEMS_MS, "items", sbx_uid(r)))
        return;
    if (!json_object_get(work, "errors")) {
        make_items(c, r, work);
        return;
    }
    if (!all_ended(c, "podvolumerestores", work, "pvrs") && !late)
        return;
    if (late)
        vl_say(work, "errors", "", "timed out waiting for all PodVolumeRestores to complete");
    size_t errors = json_array_size(json_object_get(work, "errors")),
           downloads = json_array_size(json_object_get(work, "dds"));
    if (downloads)
        json_object_set_new(status, "restoreItemOperationsAttempted",
                            json_integer((json_int_t)downloads));
    vl_set_counts(status, work);
    json_object_set_new(status, "hookStatus", json_object());
    json_object_set_new(status, "phase",
                        json_string(downloads
                                        ? (errors ? "WaitingForPluginOperationsPartiallyFailed"
                                                  : "WaitingForPluginOperations")
                                        : (errors ? "FinalizingPartiallyFailed" : "Finalizing")));
    vl_status(c, RESTORES, r, json_incref(status));
}

/* ---- Operations ---- */

static void wait_for_operations(struct vl_cluster *c, const json_t *r)
{
    json_t *memory = vl_memory(c->server, r);
    int64_t n = cf_json_int(memory, 0, "polls", NULL);
    cf_autofree char *what = cf_xasprintf("poll %lld", (long long)n);
    size_t i, ended = 0, failed = 0;
    json_t *dd;
    if (meets(c, r, VL_STUCK, NULL) || !vl_after(c, VL_POLL_MS, what, sbx_uid(r)))
        return;
    json_object_set_new(memory, "polls", json_integer(n + 1));
    c->pass.wake = c->pass.now;
    cf_autojson json_t *all = vl_labelled(c, "datadownloads", VL_RESTORE_UID, sbx_uid(r));
    json_array_foreach(all, i, dd)
    {
        ended += vl_phase_in(dd, "Completed,Failed,Canceled");
        failed += vl_phase_in(dd, "Failed,Canceled");
    }
    bool gone = !backup_of(c, r);
    int64_t errors = cf_json_int(r, 0, "status", "errors", NULL) + (int64_t)failed + gone;
    json_t *status = json_object();
    if (ended > failed)
        json_object_set_new(status, "restoreItemOperationsCompleted",
                            json_integer((json_int_t)(ended - failed)));
    if (failed)
        json_object_set_new(status, "restoreItemOperationsFailed",
                            json_integer((json_int_t)failed));
    if (gone || ended == json_array_size(all)) {
        if (errors)
            json_object_set_new(status, "errors", json_integer((json_int_t)errors));
        json_object_set_new(status, "phase",
                            json_string(errors ? "FinalizingPartiallyFailed" : "Finalizing"));
    } else if (failed) {
        json_object_set_new(status, "phase",
                            json_string("WaitingForPluginOperationsPartiallyFailed"));
    }
    vl_status(c, RESTORES, r, status);
}

/* ---- The end ---- */

static void finish(struct vl_cluster *c, const json_t *r)
{
    bool moved = cf_json_int(r, 0, "status", "restoreItemOperationsAttempted", NULL) > 0;
    enum vl_finalized end = VL_FINALIZING;
    if (!meets(c, r, VL_STUCK, NULL))
        end = vl_finalize(c, r, moved ? VL_FINALIZE_VOLUMES_MS : VL_FINALIZE_MS);
    if (end == VL_FINALIZING)
        return;
    const json_t *location = location_of(c, r);
    cf_autofree char *now = vl_time(c, 0), *key = location ? vl_location_key(location) : NULL;
    json_t *work = vl_memory(c->server, r);
    bool lost = !key || !vl_location_reachable(c, location);
    int64_t errors =
        cf_json_int(r, 0, "status", "errors", NULL) + lost + (end == VL_FINALIZED_UNBOUND);
    json_t *status = json_pack("{s:s,s:s}", "phase", errors ? "PartiallyFailed" : "Completed",
                               "completionTimestamp", now);
    if (errors)
        json_object_set_new(status, "errors", json_integer((json_int_t)errors));
    if (!lost)
        vl_bucket_put_take(vl_common(c->velero)->bucket, key, RESTORES, sbx_name(r),
                           json_pack("{s:O,s:o,s:s}", "metadata", r, "results", vl_results(work),
                                     "log", "level=info msg=\"restore completed\"\n"));
    vl_status(c, RESTORES, r, status);
    json_object_del(c->server, sbx_uid(r));
}

/* Its own record goes first, which takes a bucket that answers. */
static void end(struct vl_cluster *c, const json_t *r)
{
    const json_t *location = location_of(c, r);
    cf_autofree char *key = location ? vl_location_key(location) : NULL;
    if (!sbx_has_finalizer(r, VL_FINALIZER) ||
        (location && (!vl_location_available(location) || !vl_location_reachable(c, location))))
        return;
    if (key)
        vl_bucket_drop(vl_common(c->velero)->bucket, key, RESTORES, sbx_name(r));
    vl_patch(c, RESTORES, r,
             json_pack("{s:{s:o}}", "metadata", "finalizers",
                       sbx_list_without(cf_json_at(r, "metadata", "finalizers", NULL), NULL,
                                        VL_FINALIZER)));
}

static const struct {
    const char *phases;
    void (*step)(struct vl_cluster *c, const json_t *r);
} steps[] = {
    { "New", start },
    { "InProgress", go_on },
    { "WaitingForPluginOperations,WaitingForPluginOperationsPartiallyFailed", wait_for_operations },
    { "Finalizing,FinalizingPartiallyFailed", finish },
};

void vl_ctl_restores(struct vl_cluster *c)
{
    size_t i;
    json_t *r;
    json_array_foreach(vl_all(c, RESTORES), i, r)
    {
        const char *phase = *vl_phase(r) ? vl_phase(r) : "New";
        if (sbx_is_going(r)) {
            end(c, r);
            continue;
        }
        if (vl_unknown_phase(c, RESTORES, "Restore", r))
            continue;
        for (size_t s = 0; s < CF_ARRAY_LEN(steps); s++)
            if (sbx_word_in(steps[s].phases, phase))
                steps[s].step(c, r);
    }
}
