/* SPDX-License-Identifier: Apache-2.0 */
/* Restored claims, volumes and pods: who gets data, and from where. */
#include "deploy/sandbox/controllers/mounts.h"
#include "deploy/sandbox/velero/restore_items.h"
#include "deploy/sandbox/velero/results.h"

#include <string.h>

#include "base/uuid.h"

enum { SUFFIX = 5 };

/* ---- What the backup knows of a claim ---- */

static const json_t *upload_of(const struct vl_restoring *r, const json_t *claim)
{
    size_t i;
    json_t *du;
    json_array_foreach(json_object_get(r->record, "uploads"), i, du)
    {
        if (strcmp(cf_json_str(du, "", "spec", "sourcePVC", NULL), sbx_name(claim)) == 0 &&
            strcmp(cf_json_str(du, "", "spec", "sourceNamespace", NULL), sbx_ns(claim)) == 0)
            return du;
    }
    return NULL;
}

static json_t *meta_of(const struct vl_restoring *r, const char *name)
{
    cf_autofree char *base = cf_xasprintf("%s-", sbx_name(r->restore));
    return json_pack("{s:s,s:s,s:{s:s,s:s},s:o}", "name", name, "generateName", base, "labels",
                     VL_RESTORE_NAME, r->restore_label, VL_RESTORE_UID, sbx_uid(r->restore),
                     "ownerReferences", vl_owned_by("Restore", r->restore));
}

/* ---- Claims ---- */

static void forget_binding(json_t *o)
{
    static const char *const notes[] = { "pv.kubernetes.io/bind-completed",
                                         "pv.kubernetes.io/bound-by-controller",
                                         "volume.kubernetes.io/storage-provisioner",
                                         "volume.beta.kubernetes.io/storage-provisioner",
                                         "volume.kubernetes.io/selected-node" };
    for (size_t i = 0; i < CF_ARRAY_LEN(notes); i++)
        (void)cf_json_del(o, "metadata", "annotations", notes[i], NULL);
    (void)cf_json_del(o, "spec", "volumeName", NULL);
}

static void make_download(const struct vl_restoring *r, const json_t *from_backup, const char *ns,
                          const json_t *du)
{
    cf_autofree char *name = vl_new_name(sbx_name(r->restore));
    cf_autofree char *operation =
        cf_xasprintf("dd-%s.%s", sbx_uid(r->restore), sbx_uid(from_backup));
    cf_autofree char *id = vl_label_value(operation);
    json_t *meta = meta_of(r, name);
    cf_json_put_take(meta, json_string(id), "labels", VL_OPERATION, NULL);
    json_array_append_new(json_object_get(r->work, "dds"), json_string(name));
    vl_create(
        r->c, "datadownloads",
        json_pack("{s:o,s:{s:{s:s,s:s,s:s},s:s,s:s,s:I,s:s,s:s,s:s}}", "metadata", meta, "spec",
                  "targetVolume", "pvc", sbx_name(from_backup), "pv", "", "namespace", ns,
                  "backupStorageLocation",
                  cf_json_str(vl_one(r->c, "backups",
                                     cf_json_str(r->restore, "", "spec", "backupName", NULL)),
                              "", "spec", "storageLocation", NULL),
                  "snapshotID", cf_json_str(du, "", "status", "snapshotID", NULL), "snapshotSize",
                  (json_int_t)cf_json_int(du, 0, "status", "progress", "totalBytes", NULL),
                  "sourceNamespace", sbx_ns(from_backup), "operationTimeout",
                  cf_json_str(du, "10m0s", "spec", "operationTimeout", NULL), "nodeOS", "linux"));
}

static bool wants_volumes(const struct vl_restoring *r)
{
    return cf_json_bool(r->restore, true, "spec", "restorePVs", NULL);
}

static bool prepare_claim(const struct vl_restoring *r, const json_t *from_backup, const char *ns,
                          json_t *o)
{
    const json_t *du = wants_volumes(r) ? upload_of(r, from_backup) : NULL;
    char suffix[SUFFIX + 1];
    forget_binding(o);
    if (!du)
        return true;
    if (!vl_phase_in(du, "Completed")) {
        cf_autofree char *text = cf_xasprintf(
            "error preparing persistentvolumeclaims/%s/%s: rpc error: code = Unknown desc = fail "
            "get DataUploadResult for restore: %s: no DataUpload result cm found with labels",
            ns, sbx_name(o), sbx_name(r->restore));
        vl_say(r->work, "errors", ns, text);
        return false;
    }
    cf_autofree char *place =
        cf_xasprintf("%s.%s.%s", ns, sbx_name(o), cf_random_hex(suffix, SUFFIX));
    cf_autofree char *label = vl_label_value(place);
    cf_json_put_take(o, json_string(label), "spec", "selector", "matchLabels", VL_DYNAMIC_PV, NULL);
    return true;
}

/* Whether the backup has the bytes of a claim, by files or as a moved snapshot. */
static bool has_data(const struct vl_restoring *r, const char *ns, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(r->record, "rows"), i, row)
    {
        if (strcmp(cf_json_str(row, "", "claim", NULL), name) == 0 &&
            strcmp(cf_json_str(row, "", "ns", NULL), ns) == 0)
            return *cf_json_str(row, "", "method", NULL);
    }
    return false;
}

static void claim_made(const struct vl_restoring *r, const json_t *from_backup, const char *ns,
                       const json_t *o)
{
    const json_t *du = wants_volumes(r) ? upload_of(r, from_backup) : NULL;
    if (has_data(r, sbx_ns(from_backup), sbx_name(from_backup)))
        json_array_append_new(json_object_get(r->work, "claims"),
                              json_pack("{s:s,s:s}", "ns", ns, "name", sbx_name(o)));
    if (du)
        make_download(r, from_backup, ns, du);
}

/* ---- Volumes: made again as they are only if nothing else brings the data ---- */

static bool prepare_volume(const struct vl_restoring *r, const json_t *from_backup, const char *ns,
                           json_t *o)
{
    const json_t *claim = cf_json_at(from_backup, "spec", "claimRef", NULL);
    (void)ns;
    if (strcmp(cf_json_str(o, "", "spec", "persistentVolumeReclaimPolicy", NULL), "Delete") == 0 ||
        has_data(r, cf_json_str(claim, "", "namespace", NULL),
                 cf_json_str(claim, "", "name", NULL)))
        return false;
    (void)cf_json_del(o, "spec", "claimRef", NULL);
    return true;
}

static void volume_made(const struct vl_restoring *r, const json_t *from_backup, const char *ns,
                        const json_t *o)
{
    (void)r, (void)from_backup, (void)ns, (void)o;
}

/* ---- Pods: those that were backed up wait in their first init container ---- */

/* The PodVolumeBackups of a pod that have something to bring; new array. */
static json_t *copies_of(const struct vl_restoring *r, const json_t *pod)
{
    cf_autojson json_t *all =
        vl_labelled(r->c, "podvolumebackups", VL_BACKUP_NAME, r->backup_label);
    json_t *mine = json_array(), *pvb;
    size_t i;
    json_array_foreach(all, i, pvb)
    {
        const json_t *ref = cf_json_at(pvb, "spec", "pod", NULL);
        if (strcmp(cf_json_str(ref, "", "name", NULL), sbx_name(pod)) == 0 &&
            strcmp(cf_json_str(ref, "", "namespace", NULL), sbx_ns(pod)) == 0 &&
            *cf_json_str(pvb, "", "status", "snapshotID", NULL))
            json_array_append(mine, pvb);
    }
    return mine;
}

static json_t *wait_container(const struct vl_restoring *r, const json_t *copies)
{
    json_t *mounts = json_array(), *pvb;
    size_t i;
    json_array_foreach(copies, i, pvb)
    {
        const char *volume = cf_json_str(pvb, "", "spec", "volume", NULL);
        cf_autofree char *path = cf_xasprintf("/restores/%s", volume);
        json_array_append_new(mounts, json_pack("{s:s,s:s}", "name", volume, "mountPath", path));
    }
    return json_pack("{s:s,s:s,s:[s],s:[s],s:o}", "name", SBX_RESTORE_WAIT, "image",
                     "velero/velero:v" SBX_VELERO_VERSION, "command", "/velero-restore-helper",
                     "args", sbx_uid(r->restore), "volumeMounts", mounts);
}

static bool prepare_pod(const struct vl_restoring *r, const json_t *from_backup, const char *ns,
                        json_t *o)
{
    static const char *const dropped[] = { "nodeName", "priority", "serviceAccount" };
    json_t *spec = json_object_get(o, "spec"), *list = json_array(), *c;
    cf_autojson json_t *copies = copies_of(r, from_backup);
    size_t i;
    (void)ns;
    for (i = 0; i < CF_ARRAY_LEN(dropped); i++)
        json_object_del(spec, dropped[i]);
    if (json_array_size(copies) > 0)
        json_array_append_new(list, wait_container(r, copies));
    json_array_foreach(json_object_get(spec, "initContainers"), i, c)
    {
        if (strcmp(cf_json_str(c, "", "name", NULL), SBX_RESTORE_WAIT) != 0)
            json_array_append(list, c);
    }
    json_object_set_new(spec, "initContainers", list);
    return true;
}

static void make_pod_volume_restore(const struct vl_restoring *r, const json_t *pod,
                                    const char *source_ns, const json_t *pvb)
{
    cf_autofree char *name = vl_new_name(sbx_name(r->restore));
    const char *claim_name = cf_json_str(pvb, "", "metadata", "annotations", VL_PVC_NAME, NULL);
    cf_autojson json_t *claim =
        *claim_name
            ? sbx_api_one(r->c->world.api, "", "persistentvolumeclaims", sbx_ns(pod), claim_name)
            : NULL;
    json_t *meta = meta_of(r, name);
    cf_json_put_take(meta, json_string(sbx_uid(pod)), "labels", VL_POD_UID, NULL);
    if (claim)
        cf_json_put_take(meta, json_string(sbx_uid(claim)), "labels", VL_PVC_UID, NULL);
    json_array_append_new(json_object_get(r->work, "pvrs"), json_string(name));
    vl_create(
        r->c, "podvolumerestores",
        json_pack("{s:o,s:{s:{s:s,s:s,s:s,s:s},s:s,s:s,s:I,s:s,s:s,s:s,s:s}}", "metadata", meta,
                  "spec", "pod", "kind", "Pod", "namespace", sbx_ns(pod), "name", sbx_name(pod),
                  "uid", sbx_uid(pod), "volume", cf_json_str(pvb, "", "spec", "volume", NULL),
                  "snapshotID", cf_json_str(pvb, "", "status", "snapshotID", NULL), "snapshotSize",
                  (json_int_t)cf_json_int(pvb, 0, "status", "progress", "totalBytes", NULL),
                  "backupStorageLocation",
                  cf_json_str(pvb, "", "spec", "backupStorageLocation", NULL), "repoIdentifier", "",
                  "uploaderType", "kopia", "sourceNamespace", source_ns));
}

static void pod_made(const struct vl_restoring *r, const json_t *from_backup, const char *ns,
                     const json_t *o)
{
    cf_autojson json_t *pod = sbx_api_one(r->c->world.api, "", "pods", ns, sbx_name(o)),
                       *copies = wants_volumes(r) ? copies_of(r, from_backup) : json_array();
    size_t i;
    json_t *pvb;
    json_array_foreach(copies, i, pvb)
    {
        if (pod)
            make_pod_volume_restore(r, pod, sbx_ns(from_backup), pvb);
    }
}

static const struct vl_special specials[] = {
    { "PersistentVolumeClaim", prepare_claim, claim_made },
    { "PersistentVolume", prepare_volume, volume_made },
    { "Pod", prepare_pod, pod_made },
};

const struct vl_special *vl_special(const struct sbx_kind *k)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(specials); i++)
        if (!*k->group && strcmp(specials[i].kind, k->kind) == 0)
            return &specials[i];
    return NULL;
}
