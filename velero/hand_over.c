/* SPDX-License-Identifier: Apache-2.0 */
/* A pass becomes known to the other cluster's Velero.
 *
 * Velero looks into the bucket once a minute, makes a Backup of each name that it does not know, then
 * its PodVolumeBackups one by one, and never looks at that name again: a restore that begins between
 * the two restores empty volumes and calls them Completed. So what counts is not that the Backup is
 * there, but that it is in the pass's final phase and each PodVolumeBackup with it.
 *
 * What is missing is written here, as the sync would: same names, same status, the location's name on
 * this side. Both may go on at once, for each leaves alone what the other has made. Without the label
 * of its location such a Backup is not taken away as an orphan by a sync that had listed the bucket
 * before the pass was in it; it is ours to remove (clean.c). Who may not create Backups there waits
 * for the sync. DataUploads are not brought over: a restore reads their results from the bucket. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "velero/phases.h"
#include "velero/room.h"

enum { SYNC_MS = 5 * 60 * 1000 }; /* four syncs; then the location or the server is at fault */

struct handing {
    const struct cf_volumes *v;
    json_t *row;  /* of the pass */
    json_t *note; /* row.handOver */
    const char *name;
    json_t *source, *target;                 /* Backups; target NULL: not there */
    json_t *source_volumes, *target_volumes; /* PodVolumeBackups */
};

static void handing_free(struct handing *h)
{
    json_decref(h->source);
    json_decref(h->target);
    json_decref(h->source_volumes);
    json_decref(h->target_volumes);
}

/* --- looking --- */

static bool look_at(const struct handing *h, struct cf_kube *k, json_t **backup, json_t **volumes,
                    struct cf_error *err)
{
    struct cf_object_ref ref = cf_velero_ref(h->v, "Backup", h->name);
    cf_autofree char *selector = cf_xasprintf(CF_VELERO_BACKUP_NAME "=%s", h->name);
    bool found = false;
    json_decref(*backup);
    json_decref(*volumes);
    *backup = *volumes = NULL;
    if (!cf_kube_find(k, NULL, &ref, &found, backup, err))
        return cf_error_wrap(err, "read Backup %s on %s", h->name, cf_kube_name(k));
    if (found && !cf_velero_is_ours(h->v, *backup))
        return cf_error_set(
            err, CF_ERR_CONFLICT,
            "Backup %s on %s exists and is not this run's: delete it if nobody needs it", h->name,
            cf_kube_name(k));
    return cf_velero_list(k, CF_VELERO_V1, "PodVolumeBackup", h->v->velero_namespace, selector,
                          NULL, volumes, err);
}

/* --- writing --- */

static json_t *copied(const json_t *object, const char *const *meta)
{
    json_t *copy =
        json_pack("{s:O, s:O, s:{}}", "apiVersion", json_object_get(object, "apiVersion"), "kind",
                  json_object_get(object, "kind"), "metadata");
    for (size_t i = 0; meta[i]; i++) {
        const json_t *value = cf_json_at(object, "metadata", meta[i], NULL);
        if (value)
            cf_json_put_take(copy, cf_json_copy(value), "metadata", meta[i], NULL);
    }
    json_object_set_new(copy, "spec", cf_json_copy(json_object_get(object, "spec")));
    json_object_set_new(copy, "status", cf_json_copy(json_object_get(object, "status")));
    return copy;
}

static const char *const carried[] = { "name", "namespace", "labels", "annotations", NULL };

static json_t *backup_there(const struct handing *h)
{
    json_t *b = copied(h->source, carried);
    cf_json_put_take(b, json_string(h->v->velero_namespace), "metadata", "namespace", NULL);
    cf_json_put_take(b, json_string(h->v->to_location), "spec", "storageLocation", NULL);
    cf_json_del(b, "metadata", "labels", CF_VELERO_STORAGE_LOCATION, NULL);
    cf_json_del(b, "spec", "hooks", NULL);
    return b;
}

static bool write_backup(struct handing *h, struct cf_error *err)
{
    cf_autojson json_t *body = backup_there(h);
    cf_autojson json_t *made = NULL;
    if (!cf_velero_make(h->v->to, body, &made, err))
        return false;
    const char *want = cf_json_str(body, "", "status", "phase", NULL);
    if (strcmp(cf_json_str(made, "", "status", "phase", NULL), want) == 0)
        return true;
    /* A Backup without its phase would be taken for a new one, and be run. */
    bool gone = false;
    struct cf_object_ref ref = cf_velero_ref(h->v, "Backup", h->name);
    if (!cf_velero_drop(h->v, h->v->to, &ref, &gone, err))
        return false;
    json_object_set_new(h->note, "denied", json_string("it does not keep a status"));
    return true;
}

static bool write_volume(void *arg, const json_t *volume, struct cf_error *err)
{
    const struct handing *h = arg;
    const char *uid = cf_json_str(h->target, "", "metadata", "uid", NULL);
    cf_autojson json_t *body = copied(volume, carried);
    struct cf_error why = CF_ERROR_INIT;
    cf_json_put_take(body, json_string(h->v->velero_namespace), "metadata", "namespace", NULL);
    cf_json_put_take(body, json_string(h->v->to_location), "spec", "backupStorageLocation", NULL);
    cf_json_put_take(body, json_string(uid), "metadata", "labels", CF_VELERO_BACKUP_UID, NULL);
    cf_json_put_take(body,
                     json_pack("[{s:s, s:s, s:s, s:s, s:b}]", "apiVersion", CF_VELERO_V1, "kind",
                               "Backup", "name", h->name, "uid", uid, "controller", 1),
                     "metadata", "ownerReferences", NULL);
    if (cf_kube_create(h->v->to, NULL, body, NULL, NULL, &why) ||
        strcmp(why.reason, "AlreadyExists") == 0)
        return true;
    cf_error_move(err, &why);
    return cf_error_wrap(err, "create PodVolumeBackup %s on %s",
                         cf_json_str(body, "", "metadata", "name", NULL), cf_kube_name(h->v->to));
}

/* Those of the source that the target lacks, or has otherwise than ended. */
static json_t *missing(const struct handing *h)
{
    cf_autojson json_t *there = cf_json_index(h->target_volumes, "metadata", "name", NULL);
    json_t *list = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(h->source_volumes, i, one)
    {
        if (!json_object_get(there, cf_json_str(one, "", "metadata", "name", NULL)))
            json_array_append(list, one);
    }
    return list;
}

/* Everything that is missing, once. A refusal is noted: then the sync has to do it. */
static bool write_missing(struct handing *h, struct cf_error *err)
{
    struct cf_error why = CF_ERROR_INIT;
    bool ok = h->target || write_backup(h, &why);
    if (ok && !h->target)
        ok = look_at(h, h->v->to, &h->target, &h->target_volumes, &why);
    if (ok && h->target) {
        cf_autojson json_t *lacking = missing(h);
        ok = cf_kube_each(h->v->to, lacking, write_volume, h, &why);
        ok = ok && (json_array_size(lacking) == 0 ||
                    look_at(h, h->v->to, &h->target, &h->target_volumes, &why));
    }
    if (!ok && why.kind != CF_ERR_DENIED)
        return cf_error_move(err, &why);
    if (!ok)
        json_object_set_new(h->note, "denied", json_string("this service may not create Backups"));
    return true;
}

/* --- the condition --- */

static bool synced_since(const struct handing *h, bool *out_so, struct cf_error *err)
{
    struct cf_object_ref ref = cf_velero_ref(h->v, "BackupStorageLocation", h->v->to_location);
    cf_autojson json_t *location = NULL;
    int64_t made = 0, synced = 0;
    if (!cf_kube_get(h->v->to, NULL, &ref, &location, err))
        return cf_error_wrap(err, "read BackupStorageLocation %s on %s", ref.name,
                             cf_kube_name(h->v->to));
    /* Both by the clock of the same cluster. */
    *out_so =
        cf_time_parse(cf_json_str(h->target, "", "metadata", "creationTimestamp", NULL), &made) &&
        cf_time_parse(cf_json_str(location, "", "status", "lastSyncedTime", NULL), &synced) &&
        synced >= made;
    return true;
}

static bool is_known(const struct handing *h, struct cf_moving *out)
{
    const char *want = cf_json_str(h->source, "", "status", "phase", NULL);
    cf_autojson json_t *lacking = missing(h);
    if (!h->target) {
        cf_moving_waits(out, CF_VELERO_LOOK_MS, "Backup %s is not on %s yet", h->name,
                        cf_kube_name(h->v->to));
        return false;
    }
    const char *phase = cf_json_str(h->target, "", "status", "phase", NULL);
    if (strcmp(phase, want) != 0) {
        cf_moving_waits(out, CF_VELERO_LOOK_MS, "Backup %s is %s on %s and %s on %s", h->name, want,
                        cf_kube_name(h->v->from), *phase ? phase : "New", cf_kube_name(h->v->to));
        return false;
    }
    if (json_array_size(lacking) > 0) {
        cf_moving_waits(out, CF_VELERO_LOOK_MS, "%zu of %zu PodVolumeBackups are not on %s yet",
                        json_array_size(lacking), json_array_size(h->source_volumes),
                        cf_kube_name(h->v->to));
        return false;
    }
    return true;
}

static bool wait_for_sync(struct handing *h, struct cf_moving *out)
{
    cf_autofree char *what = cf_xstrdup(out->why);
    int64_t waited = h->v->now_ms - cf_json_int(h->note, h->v->now_ms, "startMs", NULL);
    const char *denied = cf_json_str(h->note, "", "denied", NULL);
    if (waited > SYNC_MS)
        return cf_moving_stuck(
            out,
            "%s after %lld minutes (%s): does Velero on %s sync BackupStorageLocation %s? "
            "(its phase, its backupSyncPeriod)",
            what, (long long)(waited / 60000), *denied ? denied : "it was written",
            cf_kube_name(h->v->to), h->v->to_location);
    return cf_moving_waits(out, CF_VELERO_LOOK_MS, "%s%s%s", what,
                           *denied ? ": waiting for its sync; " : "", denied);
}

/* Somebody has deleted it: the pass is made again. */
static bool lost(struct handing *h, struct cf_moving *out)
{
    char why[CF_VERDICT_WHY_MAX];
    snprintf(why, sizeof why, "Backup %s on %s has been deleted", h->name,
             cf_kube_name(h->v->from));
    json_object_del(h->row, "handOver");
    json_object_set_new(h->row, "again", json_true());
    return cf_pass_again(h->row, "stage", h->v->now_ms, why, out);
}

static bool hand_over(struct handing *h, struct cf_moving *out, struct cf_error *err)
{
    bool denied = cf_json_at(h->note, "denied", NULL) != NULL, settled = true;
    if (!look_at(h, h->v->from, &h->source, &h->source_volumes, err))
        return false;
    out->lost = !h->source;
    if (!h->source)
        return lost(h, out);
    if (!look_at(h, h->v->to, &h->target, &h->target_volumes, err))
        return false;
    if (!denied && !is_known(h, out)) {
        *out = (struct cf_moving){ 0 };
        json_object_set_new(h->note, "how", json_string("written"));
        if (!write_missing(h, err))
            return false;
    } else if (denied && h->target && !synced_since(h, &settled, err)) {
        return false;
    }
    *out = (struct cf_moving){ 0 };
    if (!is_known(h, out))
        return wait_for_sync(h, out);
    if (!settled) {
        cf_moving_waits(out, CF_VELERO_LOOK_MS, "a sync on %s is under way",
                        cf_kube_name(h->v->to));
        return wait_for_sync(h, out);
    }
    if (!cf_json_at(h->note, "how", NULL))
        json_object_set_new(h->note, "how", json_string("synced"));
    if (!cf_json_at(h->note, "ms", NULL))
        json_object_set_new(
            h->note, "ms",
            json_integer(h->v->now_ms - cf_json_int(h->note, h->v->now_ms, "startMs", NULL)));
    return cf_moving_done(out);
}

bool cf_volumes_hand_over(const struct cf_volumes *v, int n, struct cf_moving *out,
                          struct cf_error *err)
{
    json_t *row = cf_pass_find(v->state, v->way, n);
    bool again = cf_json_bool(row, false, "again", NULL);
    if (!row || (!cf_pass_is(row, "done") && !again))
        return cf_error_set(err, CF_ERR_BUG, "pass %d is not done and cannot be handed over", n);
    if (!cf_pass_is(row, "done")) {
        bool live = cf_json_bool(row, false, "live", NULL);
        if (!cf_volumes_backup(v, n, live ? CF_PASS_LIVE : CF_PASS_FROZEN, out, err) || !out->done)
            return err->kind == CF_ERR_NONE;
        *out = (struct cf_moving){ 0 };
    }
    CF_CLEANUP(handing_free)
    struct handing h = { .v = v, .row = row, .name = cf_json_str(row, "", "backup", NULL) };
    h.note = cf_velero_object_in(row, "handOver");
    if (!cf_json_at(h.note, "startMs", NULL))
        json_object_set_new(h.note, "startMs", json_integer(v->now_ms));
    return hand_over(&h, out, err);
}
