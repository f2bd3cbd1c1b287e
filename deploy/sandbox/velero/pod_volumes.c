/* SPDX-License-Identifier: Apache-2.0 */
/* Movers of pods' volumes: PodVolumeBackups read them, PodVolumeRestores fill them while the pod
 * waits in its init container. */
#include "deploy/sandbox/controllers/mounts.h"
#include "deploy/sandbox/velero/movers.h"

#include <string.h>

#include "base/uuid.h"

enum { ID_LEN = 32 };

/* ---- Uploads of both sorts ---- */

static char *kept_key(const struct vl_move *m)
{
    return cf_xasprintf("kept:%s/%s", m->c->name, sbx_uid(m->o));
}

static char *location_key(const struct vl_move *m)
{
    return vl_location_key(
        vl_location(m->c, cf_json_str(m->o, "", "spec", "backupStorageLocation", NULL)));
}

void vl_upload_begin(const struct vl_move *m, json_t *memory, const char *contents,
                     const char *source)
{
    const struct vl_common *v = vl_common(m->c->velero);
    cf_autofree char *kept = kept_key(m), *where = location_key(m);
    cf_autofree char *parent = vl_bucket_parent(v->bucket, where, source);
    cf_autofree char *base = *parent ? vl_snapshot_key(where, parent) : NULL;
    sbx_volume_copy(v->volumes, contents, kept);
    json_object_set_new(memory, "total", json_integer(sbx_volume_bytes(v->volumes, kept)));
    json_object_set_new(memory, "moves", json_integer(sbx_volume_changed(v->volumes, kept, base)));
}

json_t *vl_upload_finish(const struct vl_move *m, json_t *memory, const char *source,
                         const char *claim)
{
    const struct vl_common *v = vl_common(m->c->velero);
    char id[ID_LEN + 1];
    cf_autofree char *kept = kept_key(m), *where = location_key(m);
    cf_autojson json_t *summary = sbx_volume_summary(v->volumes, kept);
    json_t *status = json_object();
    if (cf_json_int(summary, 0, "files", NULL) == 0) {
        sbx_volume_drop(v->volumes, kept);
        json_object_set_new(status, "message",
                            json_string("volume was empty so no snapshot was taken"));
        return status;
    }
    cf_random_hex(id, ID_LEN);
    cf_autofree char *key = vl_snapshot_key(where, id);
    sbx_volume_copy(v->volumes, kept, key);
    sbx_volume_drop(v->volumes, kept);
    vl_bucket_set_parent(v->bucket, where, source, id);
    if (vl_meets(v->switches, VL_CORRUPT, m->c->name, m->kind->kind, sbx_name(m->o), claim,
                 sbx_uid(m->o), NULL))
        sbx_volume_corrupt(v->volumes, key);
    json_object_set_new(status, "snapshotID", json_string(id));
    int64_t changed = cf_json_int(memory, 0, "moves", NULL);
    if (changed && atomic_load(&m->c->version) >= VL_VERSION(18, 0)) /* 0 is left out */
        json_object_set_new(status, "incrementalBytes", json_integer(changed));
    return status;
}

char *vl_download_source(const struct vl_move *m, char **out_why)
{
    cf_autofree char *where = location_key(m);
    const char *id = cf_json_str(m->o, "", "spec", "snapshotID", NULL);
    cf_autofree char *key = vl_snapshot_key(where, id);
    cf_autojson json_t *summary = sbx_volume_summary(vl_common(m->c->velero)->volumes, key);
    if (cf_json_int(summary, 0, "files", NULL) > 0)
        return cf_steal(&key);
    *out_why = cf_xasprintf("Failed to restore snapshot %s: unable to load snapshot: %s: entry not "
                            "found",
                            id, id);
    return NULL;
}

/* ---- Pods ---- */

const json_t *vl_pod_of(const struct vl_move *m)
{
    const json_t *ref = cf_json_at(m->o, "spec", "pod", NULL);
    const json_t *pod =
        sbx_pass_one(&m->c->pass, "", "pods", cf_json_str(ref, "", "namespace", NULL),
                     cf_json_str(ref, "", "name", NULL));
    return pod && strcmp(sbx_uid(pod), cf_json_str(ref, "", "uid", NULL)) == 0 ? pod : NULL;
}

char *vl_pod_volume_key(struct vl_cluster *c, const json_t *pod, const char *volume)
{
    size_t i;
    json_t *v;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, v)
    {
        const char *claim_name = cf_json_str(v, "", "persistentVolumeClaim", "claimName", NULL);
        if (strcmp(cf_json_str(v, "", "name", NULL), volume) != 0)
            continue;
        if (!*claim_name)
            return sbx_volume_key_of_pod(c->name, sbx_uid(pod), volume);
        const json_t *claim =
            sbx_pass_one(&c->pass, "", "persistentvolumeclaims", sbx_ns(pod), claim_name);
        const char *pv = cf_json_str(claim, "", "spec", "volumeName", NULL);
        return *pv ? sbx_volume_key(c->name, pv) : NULL;
    }
    return NULL;
}

static char *key_of(const struct vl_move *m)
{
    const json_t *pod = vl_pod_of(m);
    return pod ? vl_pod_volume_key(m->c, pod, cf_json_str(m->o, "", "spec", "volume", NULL)) : NULL;
}

/* ---- PodVolumeBackups ---- */

static const char *backup_node(const struct vl_move *m)
{
    return cf_json_str(m->o, "", "spec", "node", NULL);
}

static const char *backup_space(const struct vl_move *m)
{
    return cf_json_str(m->o, "", "spec", "pod", "namespace", NULL);
}

/* Until 1.16 a claim's uid was what a snapshot was compared with, since then the pod's name. */
static char *source_of(const struct vl_move *m)
{
    const json_t *pod = cf_json_at(m->o, "spec", "pod", NULL);
    const char *claim = cf_json_str(m->o, "", "metadata", "annotations", VL_PVC_NAME, NULL);
    if (atomic_load(&m->c->version) < VL_VERSION(17, 0) && *sbx_label(m->o, VL_PVC_UID))
        return cf_xasprintf("claim %s", sbx_label(m->o, VL_PVC_UID));
    return cf_xasprintf("%s/%s/%s", cf_json_str(pod, "", "namespace", NULL),
                        cf_json_str(pod, "", "name", NULL),
                        *claim ? claim : cf_json_str(m->o, "", "spec", "volume", NULL));
}

static bool backup_begin(const struct vl_move *m, json_t *memory, char **out_why)
{
    cf_autofree char *key = key_of(m), *source = source_of(m);
    if (!key) {
        *out_why = cf_xasprintf("error getting pod %s/%s: it is gone", backup_space(m),
                                cf_json_str(m->o, "", "spec", "pod", "name", NULL));
        return false;
    }
    vl_upload_begin(m, memory, key, source);
    return true;
}

static json_t *backup_finish(const struct vl_move *m, json_t *memory, char **out_why)
{
    cf_autofree char *source = source_of(m);
    (void)out_why;
    json_t *status = vl_upload_finish(
        m, memory, source, cf_json_str(m->o, "", "metadata", "annotations", VL_PVC_NAME, NULL));
    cf_autofree char *path = cf_xasprintf("/host_pods/%s/volumes/kubernetes.io~csi/%s/mount",
                                          cf_json_str(m->o, "", "spec", "pod", "uid", NULL),
                                          cf_json_str(m->o, "", "spec", "volume", NULL));
    json_object_set_new(status, "path", json_string(path));
    return status;
}

const struct vl_mover vl_pod_volume_backup = {
    .kind = "PodVolumeBackup",
    .plural = "podvolumebackups",
    .node = backup_node,
    .space = backup_space,
    .begin = backup_begin,
    .finish = backup_finish,
};

/* ---- PodVolumeRestores ---- */

/* The pod's node, once its init container waits there. */
static const char *restore_node(const struct vl_move *m)
{
    const json_t *pod = vl_pod_of(m),
                 *first =
                     json_array_get(cf_json_at(pod, "status", "initContainerStatuses", NULL), 0);
    const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL);
    bool waits = strcmp(cf_json_str(first, "", "name", NULL), SBX_RESTORE_WAIT) == 0 &&
                 cf_json_at(first, "state", "running", NULL);
    if (cf_json_bool(m->o, false, "spec", "cancel", NULL) && !*node)
        return vl_any_agent(m->c);
    return *node && (waits || !vl_phase_in(m->o, "New")) ? node : NULL;
}

static const char *restore_space(const struct vl_move *m)
{
    return cf_json_str(m->o, "", "spec", "sourceNamespace", NULL);
}

static bool restore_begin(const struct vl_move *m, json_t *memory, char **out_why)
{
    cf_autofree char *from = vl_download_source(m, out_why), *to = key_of(m);
    if (from && !to)
        *out_why = cf_xstrdup("the pod is gone");
    if (!from || !to)
        return false;
    int64_t bytes = sbx_volume_bytes(vl_common(m->c->velero)->volumes, from);
    json_object_set_new(memory, "total", json_integer(bytes));
    json_object_set_new(memory, "moves", json_integer(bytes));
    return true;
}

/* Every file is written over, others stay; then the mark that the init container waits for. */
static json_t *restore_finish(const struct vl_move *m, json_t *memory, char **out_why)
{
    struct sbx_volumes *volumes = vl_common(m->c->velero)->volumes;
    struct cf_error err = CF_ERROR_INIT;
    (void)memory;
    cf_autofree char *from = vl_download_source(m, out_why), *to = key_of(m);
    cf_autofree char *mark = cf_xasprintf(VL_DONE_DIR "/%s", sbx_label(m->o, VL_RESTORE_UID));
    if (from && !to)
        *out_why = cf_xstrdup("the pod is gone");
    if (!from || !to)
        return NULL;
    sbx_volume_overlay(volumes, from, to);
    if (!sbx_volume_write(volumes, to, mark, "", 0, &err)) {
        *out_why = cf_xstrdup(err.message);
        return NULL;
    }
    return json_object();
}

const struct vl_mover vl_pod_volume_restore = {
    .kind = "PodVolumeRestore",
    .plural = "podvolumerestores",
    .is_download = true,
    .node = restore_node,
    .space = restore_space,
    .begin = restore_begin,
    .finish = restore_finish,
};
