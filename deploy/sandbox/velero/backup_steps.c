/* SPDX-License-Identifier: Apache-2.0 */
/* The volumes of a Backup under way: its PodVolumeBackups a pod at a time, its snapshots a claim at
 * a time, each followed by its DataUpload. */
#include "deploy/sandbox/velero/results.h"
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define SNAPSHOTS "snapshot.storage.k8s.io", "volumesnapshots"

static json_t *row_of(json_t *work, const char *ns, const char *claim)
{
    cf_autofree char *key = cf_xasprintf("%s/%s", ns, claim);
    return cf_json_unconst(cf_json_at(work, "rows", key, NULL));
}

static json_t *meta_of(const json_t *backup, const char *name, const char *pvc_uid)
{
    cf_autofree char *label = vl_label_value(sbx_name(backup));
    json_t *labels = json_pack("{s:s,s:s}", VL_BACKUP_NAME, label, VL_BACKUP_UID, sbx_uid(backup));
    if (*pvc_uid)
        json_object_set_new(labels, VL_PVC_UID, json_string(pvc_uid));
    cf_autofree char *base = cf_xasprintf("%s-", sbx_name(backup));
    return json_pack("{s:s,s:s,s:o,s:o}", "name", name, "generateName", base, "labels", labels,
                     "ownerReferences", vl_owned_by("Backup", backup));
}

/* ---- PodVolumeBackups ---- */

static const json_t *volume_named(const json_t *pod, const char *name)
{
    return cf_json_named(cf_json_at(pod, "spec", "volumes", NULL), "name", name);
}

static void make_pod_volume(struct vl_cluster *c, const json_t *backup, json_t *work, json_t *step,
                            const json_t *pod, const char *volume)
{
    const char *claim_name =
        cf_json_str(volume_named(pod, volume), "", "persistentVolumeClaim", "claimName", NULL);
    const json_t *claim =
        sbx_pass_one(&c->pass, "", "persistentvolumeclaims", sbx_ns(pod), claim_name);
    cf_autofree char *name = vl_new_name(sbx_name(backup));
    json_t *meta = meta_of(backup, name, sbx_uid(claim));
    json_t *tags = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "backup", sbx_name(backup), "backup-uid",
                             sbx_uid(backup), "pod", sbx_name(pod), "pod-uid", sbx_uid(pod), "ns",
                             sbx_ns(pod), "volume", volume);
    if (claim) {
        cf_json_put_take(meta, json_string(claim_name), "annotations", VL_PVC_NAME, NULL);
        json_object_set_new(tags, "pvc-uid", json_string(sbx_uid(claim)));
        json_object_set_new(row_of(work, sbx_ns(pod), claim_name), "pvb", json_string(name));
    }
    json_array_append_new(json_object_get(step, "made"), json_string(name));
    vl_create(c, "podvolumebackups",
              json_pack("{s:o,s:{s:s,s:{s:s,s:s,s:s,s:s},s:s,s:o,s:s,s:s,s:s}}", "metadata", meta,
                        "spec", "node", cf_json_str(pod, "", "spec", "nodeName", NULL), "pod",
                        "kind", "Pod", "namespace", sbx_ns(pod), "name", sbx_name(pod), "uid",
                        sbx_uid(pod), "volume", volume, "tags", tags, "backupStorageLocation",
                        cf_json_str(backup, "", "spec", "storageLocation", NULL), "repoIdentifier",
                        "", "uploaderType", "kopia"));
}

/* True when all of the step's PodVolumeBackups have ended, or cannot be waited for any more. */
static bool pod_is_done(struct vl_cluster *c, const json_t *backup, json_t *work, json_t *step)
{
    bool late = vl_every(c, VL_FS_TIMEOUT_MS, "fs timeout", sbx_uid(backup));
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(step, "made"), i, name)
    {
        const json_t *pvb = vl_one(c, "podvolumebackups", json_string_value(name));
        if (pvb && !vl_phase_in(pvb, "Completed,Failed,Canceled") && !late)
            return false;
    }
    json_array_foreach(json_object_get(step, "made"), i, name)
    {
        const json_t *pvb = vl_one(c, "podvolumebackups", json_string_value(name));
        const char *message = cf_json_str(pvb, "", "status", "message", NULL);
        if (vl_phase_in(pvb, "Completed"))
            continue;
        cf_autofree char *text =
            !pvb || !vl_phase_in(pvb, "Failed,Canceled")
                ? cf_xstrdup("timed out waiting for all PodVolumeBackups to complete")
                : cf_xasprintf("pod volume backup %s: %s",
                               vl_phase_in(pvb, "Failed") ? "failed" : "canceled", message);
        vl_say(work, "errors", cf_json_str(pvb, "", "spec", "pod", "namespace", NULL), text);
    }
    return true;
}

static void make_pod_volumes(struct vl_cluster *c, const json_t *backup, json_t *work, json_t *step)
{
    size_t i, k;
    json_t *one, *name;
    json_object_set_new(step, "made", json_array());
    json_array_foreach(json_object_get(step, "block"), i, one)
    {
        json_array_foreach(json_object_get(one, "volumes"), k, name)
        {
            make_pod_volume(c, backup, work, step, json_object_get(one, "pod"),
                            json_string_value(name));
        }
    }
}

static bool pod_step(struct vl_cluster *c, const json_t *backup, json_t *work, json_t *step)
{
    const json_t *pod = json_object_get(json_array_get(json_object_get(step, "block"), 0), "pod");
    const char *location = cf_json_str(backup, "", "spec", "storageLocation", NULL);
    if (json_object_get(step, "made"))
        return pod_is_done(c, backup, work, step);
    cf_autofree char *why = NULL;
    if (!vl_repository_ready(c, location, sbx_ns(pod), &why)) {
        if (why)
            vl_say(work, "errors", sbx_ns(pod), why);
        return why != NULL;
    }
    make_pod_volumes(c, backup, work, step);
    return false;
}

/* ---- snapshots and DataUploads ---- */

static void make_snapshot(struct vl_cluster *c, const json_t *backup, json_t *step)
{
    const json_t *claim = json_object_get(step, "claim");
    cf_autofree char *base = cf_xasprintf("velero-%s", sbx_name(claim));
    cf_autofree char *name = vl_new_name(base), *label = vl_label_value(sbx_name(backup));
    json_object_set_new(step, "snapshot", json_string(name));
    sbx_pass_create(&c->pass, VL_SERVER, SNAPSHOTS,
                    json_pack("{s:{s:s,s:s,s:{s:s}},s:{s:{s:s},s:s}}", "metadata", "name", name,
                              "namespace", sbx_ns(claim), "labels", VL_BACKUP_NAME, label, "spec",
                              "source", "persistentVolumeClaimName", sbx_name(claim),
                              "volumeSnapshotClassName",
                              cf_json_str(step, "", "snapshotClass", NULL)));
}

/* The moment of the snapshot is now: its contents are kept under the DataUpload's name. */
static void make_upload(struct vl_cluster *c, const json_t *backup, json_t *work, json_t *step)
{
    const json_t *claim = json_object_get(step, "claim");
    cf_autofree char *name = vl_new_name(sbx_name(backup));
    cf_autofree char *operation = cf_xasprintf("du-%s.%s", sbx_uid(backup), sbx_uid(claim));
    cf_autofree char *id = vl_label_value(operation);
    cf_autofree char *from =
        sbx_volume_key(c->name, cf_json_str(claim, "", "spec", "volumeName", NULL));
    cf_autofree char *to = cf_xasprintf("snapshot:%s/%s", c->name, name);
    json_t *meta = meta_of(backup, name, sbx_uid(claim)), *row;
    sbx_volume_copy(vl_common(c->velero)->volumes, from, to);
    cf_json_put_take(meta, json_string(id), "labels", VL_OPERATION, NULL);
    row = row_of(work, sbx_ns(claim), sbx_name(claim));
    json_object_set_new(row, "du", json_string(name));
    json_object_set_new(row, "operation", json_string(id));
    json_object_set(row, "snapshot", json_object_get(step, "snapshot"));
    vl_create(c, "datauploads",
              json_pack("{s:o,s:{s:s,s:{s:s,s:s,s:s,s:s},s:s,s:s,s:s,s:s}}", "metadata", meta,
                        "spec", "snapshotType", "CSI", "csiSnapshot", "volumeSnapshot",
                        cf_json_str(step, "", "snapshot", NULL), "storageClass",
                        cf_json_str(step, "", "class", NULL), "snapshotClass",
                        cf_json_str(step, "", "snapshotClass", NULL), "driver",
                        cf_json_str(step, "", "driver", NULL), "sourcePVC", sbx_name(claim),
                        "sourceNamespace", sbx_ns(claim), "backupStorageLocation",
                        cf_json_str(backup, "", "spec", "storageLocation", NULL),
                        "operationTimeout",
                        cf_json_str(backup, "10m0s", "spec", "csiSnapshotTimeout", NULL)));
}

static bool claim_step(struct vl_cluster *c, const json_t *backup, json_t *work, json_t *step)
{
    const json_t *claim = json_object_get(step, "claim");
    const char *name = cf_json_str(step, "", "snapshot", NULL);
    cf_autofree char *what = cf_xasprintf("snapshot of %s for", sbx_uid(claim));
    if (!*name) {
        make_snapshot(c, backup, step);
        return false;
    }
    if (!vl_after(c, VL_SNAPSHOT_MS, what, sbx_uid(backup)))
        return false;
    const json_t *vs = sbx_pass_one(&c->pass, SNAPSHOTS, sbx_ns(claim), name);
    if (vs)
        sbx_pass_status(&c->pass, "snapshot-controller", SNAPSHOTS, vs,
                        json_pack("{s:b}", "readyToUse", 1));
    if (cf_json_bool(backup, false, "spec", "snapshotMoveData", NULL))
        make_upload(c, backup, work, step);
    return true;
}

bool vl_volumes_step(struct vl_cluster *c, const json_t *backup, json_t *work)
{
    const json_t *steps = json_object_get(work, "steps");
    int64_t at = cf_json_int(work, 0, "at", NULL);
    json_t *step = json_array_get(steps, (size_t)at);
    if (!step)
        return true;
    bool done = json_object_get(step, "block") ? pod_step(c, backup, work, step)
                                               : claim_step(c, backup, work, step);
    if (done)
        json_object_set_new(work, "at", json_integer(at + 1));
    if (done)
        c->pass.wake = c->pass.now; /* the next one, in the next look */
    return false;
}
