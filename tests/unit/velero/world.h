/* SPDX-License-Identifier: Apache-2.0 */
/* Two clusters in memory with as much of a Velero in each as the driver's own steps need: whoever
 * calls world_turn() lets each server do one thing. The real state machines are the sandbox's; here a
 * test says what a server does wrong, at which attempt. */
#ifndef TESTS_UNIT_VELERO_WORLD_H
#define TESTS_UNIT_VELERO_WORLD_H

#include "tests/unit/velero/world_servers.h"

/* --- up and down --- */

static inline void on_call(void *arg, const struct cf_kube_request *request)
{
    struct side *s = arg;
    struct world *w = s->world;
    (void)request;
    if (!w->counting)
        return;
    if (w->calls++ == w->cut) {
        struct cf_fake_fault lost = { .times = 1, .kind = CF_ERR_UNKNOWN, .after = w->cut_after };
        w->was_cut = true;
        cf_fake_kube_fail(s->api, &lost);
    }
}

/* The cluster has a Velero. */
static inline void side_serves_velero(struct side *s)
{
    static const char *const kinds[][2] = { { "Backup", "backups" },
                                            { "Restore", "restores" },
                                            { "PodVolumeBackup", "podvolumebackups" },
                                            { "PodVolumeRestore", "podvolumerestores" },
                                            { "BackupStorageLocation", "backupstoragelocations" },
                                            { "DeleteBackupRequest", "deletebackuprequests" },
                                            { "ServerStatusRequest", "serverstatusrequests" } };
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
        cf_fake_kube_kind(s->api, CF_VELERO_V1, kinds[i][0], kinds[i][1], true);
    cf_fake_kube_kind(s->api, CF_VELERO_V2ALPHA1, "DataUpload", "datauploads", true);
    cf_fake_kube_kind(s->api, CF_VELERO_V2ALPHA1, "DataDownload", "datadownloads", true);
    cf_fake_kube_plain_status(s->api, "velero.io");
}

static inline void side_up(struct world *w, struct side *s, const char *name)
{
    s->world = w;
    s->name = name;
    s->api = cf_fake_kube_new();
    s->kube = cf_fake_kube_client(s->api, name);
    side_serves_velero(s);
    cf_fake_kube_hook(s->api, on_call, s);
}

static inline void add_location(struct side *s, const char *name, const char *mode)
{
    cf_autojson json_t *location = json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:{s:s, s:s}}, s:{s:s, s:s}}", "apiVersion",
        CF_VELERO_V1, "kind", "BackupStorageLocation", "metadata", "name", name, "namespace",
        "velero", "spec", "provider", "aws", "accessMode", mode, "objectStorage", "bucket", "b",
        "prefix", "p", "status", "phase", "Available", "lastSyncedTime", "2026-01-01T00:00:00Z");
    put(s, location);
}

static inline void add_claim(struct side *s, const char *ns, const char *name)
{
    cf_autojson json_t *pvc =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:[s]}, s:{s:s}}", "apiVersion", "v1", "kind",
                  "PersistentVolumeClaim", "metadata", "name", name, "namespace", ns, "spec",
                  "accessModes", "ReadWriteOnce", "status", "phase", "Bound");
    put(s, pvc);
}

static inline void add_pod(struct side *s, const char *ns, const char *name, const char *claim,
                           const char *node, const char *phase)
{
    cf_autojson json_t *pod =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:[{s:s, s:{s:s}}]}, s:{s:s}}", "apiVersion",
                  "v1", "kind", "Pod", "metadata", "name", name, "namespace", ns, "spec",
                  "nodeName", node, "volumes", "name", "v", "persistentVolumeClaim", "claimName",
                  claim, "status", "phase", phase);
    put(s, pod);
}

static inline void world_up(struct world *w, const char *claims)
{
    size_t i;
    json_t *claim;
    *w = (struct world){ .v = pure_way(claims), .cut = -1 };
    side_up(w, &w->east, "east");
    side_up(w, &w->west, "west");
    w->v.from = w->east.kube;
    w->v.to = w->west.kube;
    add_location(&w->east, "there", "ReadWrite");
    add_location(&w->west, "there-too", "ReadOnly");
    w->stored = json_object();
    json_array_foreach(w->v.claims, i, claim)
    {
        add_claim(&w->east, "shop", cf_json_str(claim, "", "name", NULL));
    }
}

static inline void world_down(struct world *w)
{
    struct side *sides[] = { &w->east, &w->west };
    for (size_t i = 0; i < 2; i++) {
        cf_kube_unref(sides[i]->kube);
        cf_fake_kube_free(sides[i]->api);
    }
    json_decref(w->stored);
    way_free(&w->v);
}

/* --- the caller --- */

enum what { BACKUP_LIVE, BACKUP_FROZEN, HAND_OVER, RESTORE, REHEARSE, CANCEL, TAKE_BACK, CLEAN };

static inline bool call(struct world *w, enum what what, int n, struct cf_moving *out,
                        struct cf_error *err)
{
    switch (what) {
    case BACKUP_LIVE:
        return cf_volumes_backup(&w->v, n, CF_PASS_LIVE, out, err);
    case BACKUP_FROZEN:
        return cf_volumes_backup(&w->v, n, CF_PASS_FROZEN, out, err);
    case HAND_OVER:
        return cf_volumes_hand_over(&w->v, n, out, err);
    case RESTORE:
        return cf_volumes_restore(&w->v, n, false, out, err);
    case REHEARSE:
        return cf_volumes_restore(&w->v, n, true, out, err);
    case CANCEL:
        return cf_volumes_cancel(&w->v, out, err);
    case TAKE_BACK:
        return cf_volumes_take_back(&w->v, out, err);
    case CLEAN:
        return cf_volumes_clean(&w->v, n, out, err);
    }
    return false;
}

/* One call, as the engine makes it: the state is recorded when it was good and differs, and what was in
 * memory is gone. */
static inline bool once(struct world *w, enum what what, int n, struct cf_moving *out,
                        struct cf_error *err)
{
    json_decref(w->v.state);
    w->v.state = cf_json_copy(w->stored);
    *out = (struct cf_moving){ 0 };
    w->counting = true;
    bool ok = call(w, what, n, out, err);
    w->counting = false;
    if (ok)
        keep_state(&w->stored, w->v.state);
    return ok;
}

enum { ROUNDS = 2000 };

/* Until it is done, failed, or stuck. A call that was cut off is made again. */
static inline void drive(struct world *w, enum what what, int n, struct cf_moving *out)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct cf_error err = CF_ERROR_INIT;
        if (!once(w, what, n, out, &err)) {
            if (!w->was_cut || err.kind != CF_ERR_UNKNOWN)
                fail_msg("%s", err.message);
            continue;
        }
        if (out->done || out->failed || out->stuck)
            return;
        if (out->waits) {
            world_turn(w);
            w->v.now_ms += out->wait_ms;
        }
    }
    fail_msg("no end: %s", out->why);
}

static inline void drive_done(struct world *w, enum what what, int n)
{
    struct cf_moving out;
    drive(w, what, n, &out);
    if (!out.done)
        fail_msg("%s%s", out.failed ? "failed: " : "stuck: ", out.why);
}

static inline void nothing_of_ours_is_left(struct world *w, const char *where)
{
    static const char *const kinds[][2] = { { CF_VELERO_V1, "Backup" },
                                            { CF_VELERO_V1, "Restore" },
                                            { CF_VELERO_V1, "DeleteBackupRequest" },
                                            { "v1", "ConfigMap" } };
    struct side *sides[] = { &w->east, &w->west };
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
            if (count(w, sides[s], kinds[i][0], kinds[i][1], "velero") != 0)
                fail_msg("%s: %s left on %s", where, kinds[i][1], sides[s]->name);
        cf_autojson json_t *pods = all(w, sides[s], "v1", "Pod", NULL);
        size_t i;
        json_t *pod;
        json_array_foreach(pods, i, pod)
        {
            if (*label_of(pod, CF_VELERO_LABEL_STAGE))
                fail_msg("%s: stage pod %s left on %s", where, name_of(pod), sides[s]->name);
        }
    }
    char ns[CF_VELERO_NAME_MAX];
    cf_autojson json_t *scratch = cf_fake_kube_peek(w->west.api, "v1", "Namespace", NULL,
                                                    cf_velero_rehearsal_namespace(&w->v, ns));
    assert_null(scratch);
}

#endif
