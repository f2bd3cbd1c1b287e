/* SPDX-License-Identifier: Apache-2.0 */
/* What the kubelets and the Veleros of the two clusters do in one turn. */
#ifndef TESTS_UNIT_VELERO_WORLD_SERVERS_H
#define TESTS_UNIT_VELERO_WORLD_SERVERS_H

#include "tests/unit/velero/world_objects.h"

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

static inline void fall_back(json_t *operation)
{
    cf_json_put_take(operation, json_string("Prepared"), "status", "phase", NULL);
    cf_json_put_take(operation, json_string("2026-01-01T00:00:00Z"), "status", "startTimestamp",
                     NULL);
}

/* Those of the parent that were to be canceled are. Whether all were. */
static inline bool operations_are_canceled(struct world *w, struct side *s, const json_t *parent)
{
    static const char *const kinds[][2] = { { CF_VELERO_V1, "PodVolumeBackup" },
                                            { CF_VELERO_V1, "PodVolumeRestore" },
                                            { CF_VELERO_V2ALPHA1, "DataUpload" },
                                            { CF_VELERO_V2ALPHA1, "DataDownload" } };
    bool all_so = true;
    for (size_t k = 0; k < CF_ARRAY_LEN(kinds); k++) {
        cf_autojson json_t *items = all(w, s, kinds[k][0], kinds[k][1], "velero");
        size_t i;
        json_t *o;
        json_array_foreach(items, i, o)
        {
            const char *backup = label_of(o, CF_VELERO_BACKUP_NAME);
            const char *of = *backup ? backup : label_of(o, CF_VELERO_RESTORE_NAME);
            if (strcmp(of, name_of(parent)) != 0)
                continue;
            all_so = all_so && cf_json_bool(o, false, "spec", "cancel", NULL);
            if (cf_json_bool(o, false, "spec", "cancel", NULL))
                set_phase(s, o, "Canceled");
        }
    }
    return all_so;
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
        if (w->fault_times > 0 && w->backup_fault == FALLS_BACK)
            fall_back(o);
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
    case FALLS_BACK:
        if (!fresh && operations_are_canceled(w, s, object)) {
            bool backup = strcmp(cf_json_str(object, "", "kind", NULL), "Backup") == 0;
            w->fault_times--;
            set_phase(s, object, backup ? "PartiallyFailed" : "FinalizingPartiallyFailed");
        }
        return !fresh;
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
    if (w->fault_times > 0 && w->restore_fault == FALLS_BACK)
        fall_back(o);
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
        bool finalizes = !fresh && w->finalizing > 0;
        w->finalizing -= finalizes;
        set_phase(s, r, fresh ? "InProgress" : finalizes ? "Finalizing" : "Completed");
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

#endif
