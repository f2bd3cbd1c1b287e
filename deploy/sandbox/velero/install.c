/* SPDX-License-Identifier: Apache-2.0 */
/* What a fresh cluster has of Velero: its namespace, the server's Deployment, the node agents'
 * DaemonSet, a class for snapshots, and two locations in one bucket: `there`, which the first
 * cluster writes and the others read, and `back`, which the second one writes. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define BUCKET "velero"
#define DRIVER "sandbox"

static void post(struct vl_cluster *c, const char *path, json_t *body_take)
{
    (void)sbx_api_do(c->world.api, "velero", "POST", NULL, body_take, NULL, "%s", path);
    json_decref(body_take);
}

static json_t *object(const char *version, const char *kind, const char *name)
{
    return json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", version, "kind", kind, "metadata", "name",
                     name);
}

static void add_space(struct vl_cluster *c)
{
    post(c, "/api/v1/namespaces", object("v1", "Namespace", VL_NS));
    post(c, "/api/v1/namespaces/" VL_NS "/serviceaccounts",
         object("v1", "ServiceAccount", "velero"));
    json_t *secret = object("v1", "Secret", "velero-repo-credentials");
    json_object_set_new(secret, "type", json_string("Opaque"));
    cf_json_put_take(secret, json_string("c3RhdGljLXBhc3N3MHJk"), "data", "repository-password",
                     NULL);
    post(c, "/api/v1/namespaces/" VL_NS "/secrets", secret);
}

static void add_workload(struct vl_cluster *c, const char *kind, const char *path, const char *name,
                         const char *role)
{
    int version = atomic_load(&c->version);
    cf_autofree char *image =
        cf_xasprintf("velero/velero:v1.%d.%d", version / 1000, version % 1000);
    json_t *o = object("apps/v1", kind, name);
    json_t *pod =
        json_pack("{s:{s:{s:s,s:s}},s:{s:s,s:[{s:s,s:s,s:[s],s:[s,s]}]}}", "metadata", "labels",
                  "name", name, "role", role, "spec", "serviceAccountName", "velero", "containers",
                  "name", name, "image", image, "command", "/velero", "args", role, "server");
    json_object_set_new(
        o, "spec",
        json_pack("{s:{s:{s:s}},s:o}", "selector", "matchLabels", "name", name, "template", pod));
    post(c, path, o);
}

static void add_classes(struct vl_cluster *c)
{
    json_t *wait = object("storage.k8s.io/v1", "StorageClass", "standard-wait");
    json_object_set_new(wait, "provisioner", json_string(DRIVER));
    json_object_set_new(wait, "reclaimPolicy", json_string("Delete"));
    json_object_set_new(wait, "volumeBindingMode", json_string("WaitForFirstConsumer"));
    post(c, "/apis/storage.k8s.io/v1/storageclasses", wait);
    json_t *other = object("storage.k8s.io/v1", "StorageClass", "standard-other");
    json_object_set_new(other, "provisioner", json_string(DRIVER));
    post(c, "/apis/storage.k8s.io/v1/storageclasses", other);
    json_t *folders = object("storage.k8s.io/v1", "StorageClass", "host-path");
    json_object_set_new(folders, "provisioner", json_string(SBX_HOST_PATH));
    post(c, "/apis/storage.k8s.io/v1/storageclasses", folders);
    json_t *snapshots = object("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "standard");
    cf_json_put_take(snapshots, json_string("true"), "metadata", "labels", VL_SNAPSHOTS, NULL);
    json_object_set_new(snapshots, "driver", json_string(DRIVER));
    json_object_set_new(snapshots, "deletionPolicy", json_string("Delete"));
    post(c, "/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses", snapshots);
}

static void add_location(struct vl_cluster *c, const char *name, bool writes, bool is_default)
{
    json_t *o = object(VL_V1, "BackupStorageLocation", name);
    json_object_set_new(o, "spec",
                        json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:s,s:s}}", "provider", "aws",
                                  "accessMode", writes ? "ReadWrite" : "ReadOnly", "objectStorage",
                                  "bucket", BUCKET, "prefix", name, "config", "region", "us-east-1",
                                  "s3ForcePathStyle", "true"));
    if (is_default)
        cf_json_put_take(o, json_true(), "spec", "default", NULL);
    post(c, "/apis/" VL_V1 "/namespaces/" VL_NS "/backupstoragelocations", o);
}

void vl_install(struct vl_cluster *c, const struct vl_common *v)
{
    (void)v;
    sbx_api_install(c->world.api, vl_lacking(atomic_load(&c->version)));
    add_space(c);
    add_workload(c, "Deployment", "/apis/apps/v1/namespaces/" VL_NS "/deployments", "velero",
                 "server");
    add_workload(c, "DaemonSet", "/apis/apps/v1/namespaces/" VL_NS "/daemonsets", "node-agent",
                 "node-agent");
    add_classes(c);
    add_location(c, "there", c->index == 0, c->index == 0);
    add_location(c, "back", c->index == 1, c->index != 0);
}
