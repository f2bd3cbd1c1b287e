/* SPDX-License-Identifier: Apache-2.0 */
/* Two clusters in memory with as much of a Velero in each as the driver's own steps need: whoever
 * calls world_turn() lets each server do one thing. The real state machines are the sandbox's; here a
 * test says what a server does wrong, at which attempt. */
#ifndef TESTS_UNIT_VELERO_WORLD_H
#define TESTS_UNIT_VELERO_WORLD_H

#include "tests/unit/velero/room.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fake_kube.h"

enum fault {
    NO_FAULT,
    SKIPS_A_VOLUME,   /* Completed, and one claim has no operation */
    FAILS_A_VOLUME,   /* PartiallyFailed */
    LOSES_THE_SERVER, /* Failed by a restart */
    REFUSES_FOR_NOW,  /* FailedValidation: location Unavailable */
    REFUSES,          /* FailedValidation: for good */
    HANGS,            /* no phase beyond InProgress */
    NEW_PHASE,        /* a phase that nobody knows, for some turns, then it goes on */
    TAKES_NOTHING,    /* no status at all */
    COLLIDES,         /* the bucket knows the name */
    SHORT_OF_BYTES,
};

struct world;

struct side {
    struct world *world;
    struct cf_fake_kube *api;
    struct cf_kube *kube;
    const char *name;
};

struct world {
    struct side east, west;
    struct cf_volumes v;
    json_t *stored; /* the state as the caller has recorded it */
    enum fault backup_fault, restore_fault;
    int fault_times;         /* attempts that it hits */
    bool keeps_pods_pending; /* nothing schedules or starts */
    int cut, calls;          /* the call that is lost, and those so far; -1: none */
    bool cut_after, counting, was_cut;
};

/* --- objects --- */

static inline json_t *all(struct world *w, struct side *s, const char *api_version,
                          const char *kind, const char *ns)
{
    struct cf_kube_list list = { .api_version = api_version, .kind = kind, .ns = ns };
    struct cf_error err = CF_ERROR_INIT;
    json_t *items = NULL;
    bool was = w->counting;
    w->counting = false;
    if (!cf_kube_list(s->kube, NULL, &list, &items, NULL, &err))
        fail_msg("list %s: %s", kind, err.message);
    w->counting = was;
    return items;
}

static inline void put(struct side *s, const json_t *object)
{
    cf_fake_kube_put_json(s->api, object);
}

static inline void set_phase(struct side *s, json_t *object, const char *phase)
{
    cf_json_put_take(object, json_string(phase), "status", "phase", NULL);
    put(s, object);
}

static inline const char *phase_of(const json_t *o)
{
    return cf_json_str(o, "", "status", "phase", NULL);
}

static inline const char *name_of(const json_t *o)
{
    return cf_json_str(o, "", "metadata", "name", NULL);
}

static inline const char *label_of(const json_t *o, const char *key)
{
    return cf_json_str(o, "", "metadata", "labels", key, NULL);
}

static inline size_t count(struct world *w, struct side *s, const char *api_version,
                           const char *kind, const char *ns)
{
    cf_autojson json_t *items = all(w, s, api_version, kind, ns);
    return json_array_size(items);
}

/* --- the kubelets --- */

static inline void pods_turn(struct world *w, struct side *s, const char *ns)
{
    cf_autojson json_t *pods = all(w, s, "v1", "Pod", ns);
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        bool files = strcmp(label_of(pod, CF_VELERO_LABEL_STAGE), "files") == 0;
        if (*phase_of(pod) && strcmp(phase_of(pod), "Pending") != 0)
            continue;
        if (files && !w->keeps_pods_pending) {
            if (!cf_json_at(pod, "spec", "nodeName", NULL))
                cf_json_put_take(pod, json_string("n1"), "spec", "nodeName", NULL);
            set_phase(s, pod, "Running");
        }
    }
}

/* --- backups --- */

static inline json_t *operation(const char *kind, const char *parent_label, const json_t *parent,
                                const char *suffix)
{
    cf_autofree char *name = cf_xasprintf("%s-%s", name_of(parent), suffix);
    bool v2 = strncmp(kind, "Data", 4) == 0;
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s, s:s, s:{s:i, s:i}, s:i}}",
                     "apiVersion", v2 ? CF_VELERO_V2ALPHA1 : CF_VELERO_V1, "kind", kind, "metadata",
                     "name", name, "namespace", "velero", "labels", parent_label, name_of(parent),
                     "status", "phase", "Completed", "snapshotID", "snap", "progress", "bytesDone",
                     100, "totalBytes", 100, "incrementalBytes", 100);
}

static inline void make_operations(struct world *w, struct side *s, const json_t *backup)
{
    cf_autojson json_t *pods = all(w, s, "v1", "Pod", w->v.from_namespace);
    bool skip = w->fault_times > 0 && w->backup_fault == SKIPS_A_VOLUME;
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        const char *stage = label_of(pod, CF_VELERO_LABEL_STAGE);
        const char *claim = cf_json_str(json_array_get(cf_json_at(pod, "spec", "volumes", NULL), 0),
                                        "", "persistentVolumeClaim", "claimName", NULL);
        char suffix[32];
        snprintf(suffix, sizeof suffix, "%zu", i);
        if (!*stage || skip) {
            skip = skip && !*stage;
            continue;
        }
        bool files = strcmp(stage, "files") == 0;
        if (files && strcmp(phase_of(pod), "Running") != 0)
            continue; /* skipped, and nobody is told */
        json_t *o = operation(files ? "PodVolumeBackup" : "DataUpload", CF_VELERO_BACKUP_NAME,
                              backup, suffix);
        if (files) {
            cf_json_put_take(o, json_string(name_of(pod)), "spec", "pod", "name", NULL);
            cf_json_put_take(o, json_string(w->v.from_namespace), "spec", "pod", "namespace", NULL);
        } else {
            cf_json_put_take(o, json_string(claim), "spec", "sourcePVC", NULL);
            cf_json_put_take(o, json_string(w->v.from_namespace), "spec", "sourceNamespace", NULL);
        }
        if (w->fault_times > 0 && w->backup_fault == FAILS_A_VOLUME)
            cf_json_put_take(o, json_string("Failed"), "status", "phase", NULL);
        if (w->fault_times > 0 && w->backup_fault == SHORT_OF_BYTES)
            cf_json_put_take(o, json_integer(100 * 1024 * 1024), "status", "progress", "totalBytes",
                             NULL);
        put(s, o);
        json_decref(o);
    }
}

static inline void refuse(struct side *s, json_t *object, const char *text)
{
    cf_json_put_take(object, json_pack("[s]", text), "status", "validationErrors", NULL);
    set_phase(s, object, "FailedValidation");
}

/* What an object without an end becomes in this turn; false: it goes on well. */
static inline bool goes_wrong(struct world *w, struct side *s, json_t *object, enum fault fault)
{
    bool fresh = !*phase_of(object);
    if (w->fault_times <= 0 || fault == NO_FAULT)
        return false;
    switch (fault) {
    case TAKES_NOTHING:
        return true;
    case HANGS:
        if (fresh)
            set_phase(s, object, "InProgress");
        return true;
    case NEW_PHASE:
        w->fault_times--;
        set_phase(s, object, "Foo");
        return true;
    case REFUSES_FOR_NOW:
        w->fault_times--;
        refuse(s, object, "the BackupStorageLocation is Unavailable");
        return true;
    case REFUSES:
        refuse(s, object, "labelSelector and orLabelSelectors");
        return true;
    case LOSES_THE_SERVER:
    case COLLIDES:
        w->fault_times--;
        cf_json_put_take(object,
                         json_string(fault == COLLIDES
                                         ? "backup already exists in object storage"
                                         : "found a backup with status InProgress during "
                                           "the server starting"),
                         "status", "failureReason", NULL);
        set_phase(s, object, "Failed");
        return true;
    case FAILS_A_VOLUME:
        if (!fresh) {
            w->fault_times--;
            cf_json_put_take(object, json_integer(1), "status", "errors", NULL);
            set_phase(s, object, "PartiallyFailed");
            return true;
        }
        return false;
    case NO_FAULT:
    case SKIPS_A_VOLUME:
    case SHORT_OF_BYTES:
        if (!fresh) {
            w->fault_times--;
            set_phase(s, object, "Completed");
            return true;
        }
        return false;
    }
    return false;
}

static inline void backups_turn(struct world *w, struct side *s)
{
    cf_autojson json_t *backups = all(w, s, CF_VELERO_V1, "Backup", "velero");
    size_t i;
    json_t *b;
    json_array_foreach(backups, i, b)
    {
        const char *phase = phase_of(b);
        bool fresh = !*phase || strcmp(phase, "Foo") == 0;
        if (strcmp(phase, "Completed") == 0 || strstr(phase, "Failed"))
            continue;
        bool wrong = goes_wrong(w, s, b, w->backup_fault);
        if (wrong)
            continue;
        if (fresh)
            make_operations(w, s, b);
        set_phase(s, b, fresh ? "InProgress" : "Completed");
    }
}

static inline void deletions_turn(struct world *w, struct side *s)
{
    cf_autojson json_t *requests = all(w, s, CF_VELERO_V1, "DeleteBackupRequest", "velero");
    cf_autojson json_t *volumes = all(w, s, CF_VELERO_V1, "PodVolumeBackup", "velero");
    size_t i, j;
    json_t *r, *o;
    json_array_foreach(requests, i, r)
    {
        const char *backup = cf_json_str(r, "", "spec", "backupName", NULL);
        cf_fake_kube_remove(s->api, CF_VELERO_V1, "Backup", "velero", backup);
        json_array_foreach(volumes, j, o)
        {
            if (strcmp(label_of(o, CF_VELERO_BACKUP_NAME), backup) == 0)
                cf_fake_kube_remove(s->api, CF_VELERO_V1, "PodVolumeBackup", "velero", name_of(o));
        }
        cf_fake_kube_remove(s->api, CF_VELERO_V1, "DeleteBackupRequest", "velero", name_of(r));
    }
}

/* --- restores --- */

/* One claim, or nothing where there is one already; and its stage pod. */
static inline void restore_claim(struct world *w, struct side *s, const json_t *restore,
                                 const char *ns, const json_t *claim, size_t i)
{
    const char *name = cf_json_str(claim, "", "name", NULL);
    char stage[CF_VELERO_NAME_MAX], suffix[32];
    bool files = cf_velero_is_files(claim);
    bool skip = w->fault_times > 0 && w->restore_fault == SKIPS_A_VOLUME && i == 0;
    cf_velero_stage_name(&w->v, name, stage);
    snprintf(suffix, sizeof suffix, "%zu", i);
    cf_autojson json_t *found = cf_fake_kube_peek(s->api, "v1", "PersistentVolumeClaim", ns, name);
    if (found)
        return;
    cf_autojson json_t *pvc =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:{}, s:{s:s}}", "apiVersion", "v1",
                  "kind", "PersistentVolumeClaim", "metadata", "name", name, "namespace", ns,
                  "labels", CF_VELERO_LABEL_VOLUMES, w->v.run_id, CF_VELERO_RESTORE_NAME,
                  name_of(restore), "spec", "status", "phase", "Bound");
    put(s, pvc);
    if (files) {
        cf_autojson json_t *pod = json_pack(
            "{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s, s:s}}, s:{}}", "apiVersion", "v1", "kind", "Pod",
            "metadata", "name", stage, "namespace", ns, "labels", CF_VELERO_LABEL_RUN, w->v.run_id,
            CF_VELERO_LABEL_WAY, label_of(restore, CF_VELERO_LABEL_WAY), CF_VELERO_LABEL_STAGE,
            "files", "spec");
        put(s, pod);
    }
    if (skip)
        return;
    cf_autojson json_t *o = operation(files ? "PodVolumeRestore" : "DataDownload",
                                      CF_VELERO_RESTORE_NAME, restore, suffix);
    if (files) {
        cf_json_put_take(o, json_string(stage), "spec", "pod", "name", NULL);
        cf_json_put_take(o, json_string(ns), "spec", "pod", "namespace", NULL);
    } else {
        cf_json_put_take(o, json_string(name), "spec", "targetVolume", "pvc", NULL);
        cf_json_put_take(o, json_string(ns), "spec", "targetVolume", "namespace", NULL);
    }
    if (w->fault_times > 0 && w->restore_fault == FAILS_A_VOLUME)
        cf_json_put_take(o, json_string("Failed"), "status", "phase", NULL);
    put(s, o);
}

static inline void restores_turn(struct world *w, struct side *s)
{
    cf_autojson json_t *restores = all(w, s, CF_VELERO_V1, "Restore", "velero");
    size_t i, j;
    json_t *r, *claim;
    json_array_foreach(restores, i, r)
    {
        const char *phase = phase_of(r);
        bool fresh = !*phase || strcmp(phase, "Foo") == 0;
        const char *ns = cf_json_str(r, w->v.from_namespace, "spec", "namespaceMapping",
                                     w->v.from_namespace, NULL);
        if (strcmp(phase, "Completed") == 0 || strstr(phase, "Failed") ||
            !label_of(r, CF_VELERO_LABEL_RUN)[0])
            continue;
        cf_autojson json_t *backup =
            cf_fake_kube_peek(s->api, CF_VELERO_V1, "Backup", "velero",
                              cf_json_str(r, "", "spec", "backupName", NULL));
        if (fresh && !backup) {
            refuse(s, r, "Error retrieving backup: not found");
            continue;
        }
        if (goes_wrong(w, s, r, w->restore_fault))
            continue;
        if (fresh)
            json_array_foreach(w->v.claims, j, claim)
            {
                restore_claim(w, s, r, ns, claim, j);
            }
        set_phase(s, r, fresh ? "InProgress" : "Completed");
    }
}

static inline void world_turn(struct world *w)
{
    pods_turn(w, &w->east, w->v.from_namespace);
    backups_turn(w, &w->east);
    deletions_turn(w, &w->east);
    restores_turn(w, &w->west);
}

/* The servers of the other way. */
static inline void world_turn_back(struct world *w)
{
    pods_turn(w, &w->west, w->v.from_namespace);
    backups_turn(w, &w->west);
    deletions_turn(w, &w->west);
    restores_turn(w, &w->east);
}

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

/* One call, as the engine makes it: the state is recorded when it was good, and what was in memory is
 * gone when it was cut off. */
static inline bool once(struct world *w, enum what what, int n, struct cf_moving *out,
                        struct cf_error *err)
{
    json_decref(w->v.state);
    w->v.state = cf_json_copy(w->stored);
    *out = (struct cf_moving){ 0 };
    w->counting = true;
    bool ok = call(w, what, n, out, err);
    w->counting = false;
    if (ok) {
        json_decref(w->stored);
        w->stored = cf_json_copy(w->v.state);
    }
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
