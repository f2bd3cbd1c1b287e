/* SPDX-License-Identifier: Apache-2.0 */
/* Movers of snapshots: DataUploads read one, DataDownloads fill a new volume and give it to the
 * claim that waits for it. */
#include "deploy/sandbox/velero/movers.h"

#include <string.h>

#define SNAPSHOTS "snapshot.storage.k8s.io", "volumesnapshots"

/* Any agent; the one that has taken it up goes on. */
static const char *any_node(const struct vl_move *m)
{
    const char *mine = cf_json_str(m->o, "", "status", "acceptedByNode", NULL);
    return *mine ? mine : vl_any_agent(m->c);
}

static const char *source_space(const struct vl_move *m)
{
    return cf_json_str(m->o, "", "spec", "sourceNamespace", NULL);
}

/* ---- DataUploads ---- */

static char *upload_source(const struct vl_move *m)
{
    return cf_xasprintf("%s/%s", source_space(m), cf_json_str(m->o, "", "spec", "sourcePVC", NULL));
}

static char *snapshot_of(const struct vl_move *m)
{
    return cf_xasprintf("snapshot:%s/%s", m->c->name, sbx_name(m->o));
}

static bool upload_begin(const struct vl_move *m, json_t *memory, char **out_why)
{
    cf_autofree char *from = snapshot_of(m), *source = upload_source(m);
    (void)out_why;
    vl_upload_begin(m, memory, from, source);
    return true;
}

/* Once its contents are held for the mover, the snapshot in the claim's namespace goes. */
static char *upload_exposed(const struct vl_move *m)
{
    const json_t *vs =
        sbx_pass_one(&m->c->pass, SNAPSHOTS, source_space(m),
                     cf_json_str(m->o, "", "spec", "csiSnapshot", "volumeSnapshot", NULL));
    if (vs)
        sbx_pass_delete(&m->c->pass, SNAPSHOTS, vs, -1);
    return NULL;
}

static json_t *upload_finish(const struct vl_move *m, json_t *memory, char **out_why)
{
    cf_autofree char *from = snapshot_of(m), *source = upload_source(m);
    (void)out_why;
    json_t *status =
        vl_upload_finish(m, memory, source, cf_json_str(m->o, "", "spec", "sourcePVC", NULL));
    sbx_volume_drop(vl_common(m->c->velero)->volumes, from);
    json_object_set_new(status, "path", json_string("/snapshot"));
    json_object_set_new(status, "nodeOS", json_string("linux"));
    return status;
}

const struct vl_mover vl_data_upload = {
    .kind = "DataUpload",
    .plural = "datauploads",
    .in_v2 = true,
    .node = any_node,
    .space = source_space,
    .exposed = upload_exposed,
    .begin = upload_begin,
    .finish = upload_finish,
};

/* ---- DataDownloads ---- */

static const json_t *target(const struct vl_move *m)
{
    const json_t *ref = cf_json_at(m->o, "spec", "targetVolume", NULL);
    return sbx_pass_one(&m->c->pass, "", "persistentvolumeclaims",
                        cf_json_str(ref, "", "namespace", NULL), cf_json_str(ref, "", "pvc", NULL));
}

static const json_t *class_of(struct vl_cluster *c, const json_t *claim)
{
    return sbx_pass_one(&c->pass, "storage.k8s.io", "storageclasses", NULL,
                        cf_json_str(claim, "", "spec", "storageClassName", NULL));
}

/* The agents' configuration: the ConfigMap that their arguments name. */
static bool ignores_delay(struct vl_cluster *c)
{
    static const char option[] = "--node-agent-configmap=";
    const json_t *ds = sbx_pass_one(&c->pass, "apps", "daemonsets", VL_NS, "node-agent"),
                 *first = json_array_get(
                     cf_json_at(ds, "spec", "template", "spec", "containers", NULL), 0);
    const char *name = "", *key;
    size_t i;
    json_t *arg, *text;
    json_array_foreach(json_object_get(first, "args"), i, arg)
    {
        if (json_is_string(arg) && strncmp(json_string_value(arg), option, sizeof(option) - 1) == 0)
            name = json_string_value(arg) + sizeof(option) - 1;
    }
    const json_t *config = sbx_pass_one(&c->pass, "", "configmaps", VL_NS, name);
    json_object_foreach(json_object_get(config, "data"), key, text)
    {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *value =
            json_is_string(text)
                ? cf_json_parse(json_string_value(text), json_string_length(text), 0, &err)
                : NULL;
        if (cf_json_bool(value, false, "restorePVC", "ignoreDelayBinding", NULL))
            return true;
    }
    return false;
}

static bool has_consumer(const struct vl_move *m, const json_t *claim)
{
    size_t i, k;
    json_t *pod, *volume;
    json_array_foreach(sbx_pass_all(&m->c->pass, "", "pods"), i, pod)
    {
        if (strcmp(sbx_ns(pod), sbx_ns(claim)) != 0 || sbx_pod_is_done(pod) ||
            !*cf_json_str(pod, "", "spec", "nodeName", NULL))
            continue;
        json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), k, volume)
        {
            if (strcmp(cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL),
                       sbx_name(claim)) == 0)
                return true;
        }
    }
    return false;
}

static char *download_exposed(const struct vl_move *m)
{
    const json_t *claim = target(m), *class = class_of(m->c, claim);
    if (!claim)
        return cf_xasprintf("error to get target PVC %s",
                            cf_json_str(m->o, "", "spec", "targetVolume", "pvc", NULL));
    if (!class)
        return cf_xasprintf("error getting storage class %s",
                            cf_json_str(claim, "", "spec", "storageClassName", NULL));
    if (strcmp(cf_json_str(class, "", "volumeBindingMode", NULL), "WaitForFirstConsumer") == 0 &&
        !ignores_delay(m->c) && !has_consumer(m, claim))
        return cf_xasprintf("error to wait target PVC consumed, %s/%s", sbx_ns(claim),
                            sbx_name(claim));
    return NULL;
}

static bool download_begin(const struct vl_move *m, json_t *memory, char **out_why)
{
    const json_t *claim = target(m);
    if (*cf_json_str(claim, "", "spec", "volumeName", NULL)) {
        *out_why = cf_xasprintf("Target PVC %s/%s has already been bound, abort", sbx_ns(claim),
                                sbx_name(claim));
        return false;
    }
    cf_autofree char *from = vl_download_source(m, out_why);
    if (!from)
        return false;
    int64_t bytes = sbx_volume_bytes(vl_common(m->c->velero)->volumes, from);
    json_object_set_new(memory, "total", json_integer(bytes));
    json_object_set_new(memory, "moves", json_integer(bytes));
    return true;
}

/* The volume that the claim selects by its label, bound to it from the start. */
static json_t *new_volume(struct vl_cluster *c, const json_t *claim, const char *name)
{
    const json_t *class = class_of(c, claim),
                 *modes = cf_json_at(claim, "spec", "accessModes", NULL),
                 *size = cf_json_at(claim, "spec", "resources", "requests", NULL),
                 *labels = cf_json_at(claim, "spec", "selector", "matchLabels", NULL);
    const char *driver = cf_json_str(class, "", "provisioner", NULL);
    json_t *ref =
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "apiVersion", "v1", "kind", "PersistentVolumeClaim",
                  "namespace", sbx_ns(claim), "name", sbx_name(claim), "uid", sbx_uid(claim));
    return json_pack(
        "{s:{s:s,s:o,s:{s:s}},s:{s:s,s:s,s:s,s:{s:s,s:s},s:o,s:o,s:o}}", "metadata", "name", name,
        "labels", labels ? cf_json_copy(labels) : json_object(), "annotations",
        "pv.kubernetes.io/provisioned-by", driver, "spec", "persistentVolumeReclaimPolicy",
        cf_json_str(class, "Delete", "reclaimPolicy", NULL), "storageClassName", sbx_name(class),
        "volumeMode", cf_json_str(claim, "Filesystem", "spec", "volumeMode", NULL), "csi", "driver",
        driver, "volumeHandle", name, "accessModes", modes ? cf_json_copy(modes) : json_array(),
        "capacity", size ? cf_json_copy(size) : json_object(), "claimRef", ref);
}

static json_t *download_finish(const struct vl_move *m, json_t *memory, char **out_why)
{
    const json_t *claim = target(m);
    cf_autofree char *from = vl_download_source(m, out_why);
    (void)memory;
    if (from && !claim)
        *out_why = cf_xstrdup("error to get target PVC: it is gone");
    if (!from || !claim)
        return NULL;
    cf_autofree char *name = cf_xasprintf("pvc-%s", sbx_uid(m->o));
    cf_autofree char *to = sbx_volume_key(m->c->name, name);
    sbx_pass_create(&m->c->pass, VL_AGENT, "", "persistentvolumes", new_volume(m->c, claim, name));
    sbx_volume_copy(vl_common(m->c->velero)->volumes, from, to);
    return json_pack("{s:s}", "node", m->node);
}

const struct vl_mover vl_data_download = {
    .kind = "DataDownload",
    .plural = "datadownloads",
    .in_v2 = true,
    .is_download = true,
    .node = any_node,
    .space = source_space,
    .exposed = download_exposed,
    .begin = download_begin,
    .finish = download_finish,
};
