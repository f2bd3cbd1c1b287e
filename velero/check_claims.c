/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about one claim: itself, its volume, who mounts it, and what the target has for it. */
#include <string.h>

#include "federation/objects/quantity.h"
#include "velero/check.h"
#include "velero/room.h"

#define BLOCKER "blocker"
#define WARNING "warning"

static const json_t *pvc_of(const struct cf_check *c)
{
    return json_object_get(c->claim, "claim");
}

static const char *name_of(const struct cf_check *c)
{
    return cf_json_str(c->claim, "", "name", NULL);
}

static bool has_mode(const struct cf_check *c, const char *mode)
{
    size_t i;
    json_t *one;
    json_array_foreach(cf_json_at(pvc_of(c), "spec", "accessModes", NULL), i, one)
    {
        if (strcmp(json_string_value(one), mode) == 0)
            return true;
    }
    return false;
}

static bool is_block(const struct cf_check *c)
{
    return strcmp(cf_json_str(pvc_of(c), "", "spec", "volumeMode", NULL), "Block") == 0;
}

static const json_t *pods_of(const struct cf_check *c)
{
    return json_object_get(c->claim, "pods");
}

/* --- the claim and its volume --- */

static bool is_unbound(const struct cf_check *c, struct cf_buf *message)
{
    const char *phase = cf_json_str(pvc_of(c), "missing", "status", "phase", NULL);
    if (strcmp(phase, "Bound") == 0)
        return false;
    cf_buf_printf(message, "claim %s is %s: it has no volume", name_of(c), phase);
    return true;
}

static bool is_excluded(const struct cf_check *c, struct cf_buf *message)
{
    static const char label[] = "velero.io/exclude-from-backup";
    const json_t *volume = json_object_get(c->claim, "volume");
    bool claim = strcmp(cf_json_str(pvc_of(c), "", "metadata", "labels", label, NULL), "true") == 0;
    bool of_volume =
        strcmp(cf_json_str(volume, "", "metadata", "labels", label, NULL), "true") == 0;
    if (!claim && !of_volume)
        return false;
    cf_buf_printf(message, "the %s of claim %s carries label %s=true: Velero leaves it out",
                  claim ? "claim" : "volume", name_of(c), label);
    return true;
}

static bool is_host_path(const struct cf_check *c, struct cf_buf *message)
{
    if (!cf_json_at(c->claim, "volume", "spec", "hostPath", NULL))
        return false;
    cf_buf_printf(message, "claim %s is a hostPath volume, which Velero skips without an error",
                  name_of(c));
    return true;
}

static bool is_block_for_files(const struct cf_check *c, struct cf_buf *message)
{
    if (!is_block(c))
        return false;
    cf_buf_printf(message, "claim %s is a block volume: there are no files to copy", name_of(c));
    return true;
}

static bool is_for_one_pod(const struct cf_check *c, struct cf_buf *message)
{
    if (!has_mode(c, "ReadWriteOncePod"))
        return false;
    cf_buf_printf(message,
                  "claim %s is ReadWriteOncePod: no stage pod can read it beside its own pod",
                  name_of(c));
    return true;
}

static bool has_no_driver(const struct cf_check *c, struct cf_buf *message)
{
    if (*cf_json_str(c->claim, "", "volume", "spec", "csi", "driver", NULL))
        return false;
    cf_buf_printf(message, "the volume of claim %s is of no CSI driver: it has no snapshots",
                  name_of(c));
    return true;
}

/* The snapshot class of the volume's driver that is labelled, or else any. */
static const json_t *snapshot_class(const struct cf_check *c)
{
    const char *driver = cf_json_str(c->claim, "", "volume", "spec", "csi", "driver", NULL);
    const json_t *any = NULL;
    size_t i;
    json_t *class;
    json_array_foreach(json_object_get(c->from, "snapshotClasses"), i, class)
    {
        if (strcmp(cf_json_str(class, "", "driver", NULL), driver) != 0)
            continue;
        if (cf_json_bool(class, false, "labelled", NULL))
            return class;
        any = class;
    }
    return any;
}

static bool has_no_snapshot_class(const struct cf_check *c, struct cf_buf *message)
{
    const char *driver = cf_json_str(c->claim, "", "volume", "spec", "csi", "driver", NULL);
    if (!*driver || snapshot_class(c))
        return false;
    cf_buf_printf(message, "%s has no VolumeSnapshotClass for driver %s of claim %s", c->from_name,
                  driver, name_of(c));
    return true;
}

static bool has_no_label(const struct cf_check *c, struct cf_buf *message)
{
    const json_t *class = snapshot_class(c);
    if (!class || cf_json_bool(class, false, "labelled", NULL))
        return false;
    cf_buf_printf(message, "VolumeSnapshotClass %s on %s is not marked for Velero",
                  cf_json_str(class, "", "name", NULL), c->from_name);
    return true;
}

static bool cannot_verify(const struct cf_check *c, struct cf_buf *message)
{
    if (!is_block(c) || strcmp(cf_json_str(c->claim, "", "verify", NULL), "checksum") != 0)
        return false;
    cf_buf_printf(message, "verify: checksum compares files, and claim %s is a block volume",
                  name_of(c));
    return true;
}

/* --- who mounts it --- */

static bool nobody_mounts(const struct cf_check *c, struct cf_buf *message)
{
    if (json_array_size(pods_of(c)) > 0)
        return false;
    cf_buf_printf(message, "no pod mounts claim %s", name_of(c));
    return true;
}

static bool lacks_agent_on_node(const struct cf_check *c, struct cf_buf *message)
{
    const json_t *missing = cf_json_at(c->from, "agent", "missing", NULL);
    size_t i, j;
    json_t *pod, *node;
    json_array_foreach(pods_of(c), i, pod)
    {
        const char *on = cf_json_str(pod, "", "spec", "nodeName", NULL);
        json_array_foreach(missing, j, node)
        {
            if (message->len == 0 && strcmp(json_string_value(node), on) == 0)
                cf_buf_printf(message, "pod %s mounts claim %s on node %s, which has no node-agent",
                              cf_json_str(pod, "", "metadata", "name", NULL), name_of(c), on);
        }
    }
    return message->len > 0;
}

static const json_t *controller_of(const json_t *object)
{
    size_t i;
    json_t *owner;
    json_array_foreach(cf_json_at(object, "metadata", "ownerReferences", NULL), i, owner)
    {
        if (cf_json_bool(owner, false, "controller", NULL))
            return owner;
    }
    return NULL;
}

static bool is_kind(const json_t *owner, const char *kind)
{
    return strcmp(cf_json_str(owner, "", "kind", NULL), kind) == 0;
}

static bool of_daemon_set(const struct cf_check *c, struct cf_buf *message)
{
    size_t i;
    json_t *pod;
    json_array_foreach(pods_of(c), i, pod)
    {
        const json_t *owner = controller_of(pod);
        if (message->len == 0 && is_kind(owner, "DaemonSet"))
            cf_buf_printf(message, "DaemonSet %s mounts claim %s: it cannot be scaled to 0",
                          cf_json_str(owner, "", "name", NULL), name_of(c));
    }
    return message->len > 0;
}

static bool of_bare_pod(const struct cf_check *c, struct cf_buf *message)
{
    size_t i;
    json_t *pod;
    json_array_foreach(pods_of(c), i, pod)
    {
        if (message->len == 0 && !controller_of(pod))
            cf_buf_printf(message, "pod %s mounts claim %s and belongs to no workload",
                          cf_json_str(pod, "", "metadata", "name", NULL), name_of(c));
    }
    return message->len > 0;
}

/* Whether a pod's owner is the claim's workload; a Deployment's pods belong to its ReplicaSets, which
 * have its name and a hash. */
static bool is_of_workload(const json_t *owner, const json_t *workload)
{
    const char *kind = cf_json_str(workload, "", "kind", NULL);
    const char *name = cf_json_str(workload, "", "name", NULL);
    const char *by = cf_json_str(owner, "", "name", NULL);
    if (!*name)
        name = cf_json_str(workload, "", "metadata", "name", NULL);
    if (strcmp(kind, "Deployment") == 0)
        return is_kind(owner, "ReplicaSet") && strncmp(by, name, strlen(name)) == 0 &&
               by[strlen(name)] == '-' && !strchr(by + strlen(name) + 1, '-');
    return is_kind(owner, kind) && strcmp(by, name) == 0;
}

static bool is_shared_outside(const struct cf_check *c, struct cf_buf *message)
{
    const json_t *workload = json_object_get(c->claim, "workload");
    size_t i;
    json_t *pod;
    if (!json_is_object(workload))
        return false;
    json_array_foreach(pods_of(c), i, pod)
    {
        const json_t *owner = controller_of(pod);
        if (message->len == 0 && owner && !is_kind(owner, "DaemonSet") &&
            !is_of_workload(owner, workload))
            cf_buf_printf(message,
                          "%s %s mounts claim %s as well, and is not the workload that moves",
                          cf_json_str(owner, "", "kind", NULL),
                          cf_json_str(owner, "", "name", NULL), name_of(c));
    }
    return message->len > 0;
}

static bool is_of_operator(const struct cf_check *c, struct cf_buf *message)
{
    const json_t *objects[] = { json_object_get(c->claim, "workload"), pvc_of(c) };
    for (size_t i = 0; i < CF_ARRAY_LEN(objects); i++) {
        const json_t *owner = controller_of(objects[i]);
        const char *version = cf_json_str(owner, "", "apiVersion", NULL);
        /* Kubernetes' own groups have no dot, or end in k8s.io. */
        const char *dot = strchr(version, '.');
        if (!dot || strstr(version, ".k8s.io/"))
            continue;
        cf_buf_printf(message, "claim %s belongs to %s %s: its operator would put it right again",
                      name_of(c), cf_json_str(owner, "", "kind", NULL),
                      cf_json_str(owner, "", "name", NULL));
        return true;
    }
    return false;
}

static bool is_deleted_when_scaled(const struct cf_check *c, struct cf_buf *message)
{
    const json_t *w = json_object_get(c->claim, "workload");
    if (strcmp(
            cf_json_str(w, "", "spec", "persistentVolumeClaimRetentionPolicy", "whenScaled", NULL),
            "Delete") != 0)
        return false;
    cf_buf_printf(message, "StatefulSet %s deletes claim %s when it is scaled to 0",
                  cf_json_str(w, "", "metadata", "name", NULL), name_of(c));
    return true;
}

static bool has_own_backups(const struct cf_check *c, struct cf_buf *message)
{
    static const char *const notes[] = { "backup.velero.io/backup-volumes",
                                         "pre.hook.backup.velero.io/command" };
    size_t i;
    json_t *pod;
    json_array_foreach(pods_of(c), i, pod)
    {
        for (size_t j = 0; j < CF_ARRAY_LEN(notes); j++)
            if (message->len == 0 && cf_json_at(pod, "metadata", "annotations", notes[j], NULL))
                cf_buf_printf(message, "pod %s of claim %s carries %s, which passes will obey too",
                              cf_json_str(pod, "", "metadata", "name", NULL), name_of(c), notes[j]);
    }
    return message->len > 0;
}

/* --- the target --- */

static const char *class_name(const struct cf_check *c)
{
    const char *class = cf_json_str(c->claim, "", "storageClass", NULL);
    return *class ? class : cf_json_str(pvc_of(c), "", "spec", "storageClassName", NULL);
}

static const json_t *class_in(const json_t *facts, const char *name)
{
    size_t i;
    json_t *class;
    json_array_foreach(json_object_get(facts, "classes"), i, class)
    {
        if (*name ? strcmp(cf_json_str(class, "", "name", NULL), name) == 0
                  : cf_json_bool(class, false, "isDefault", NULL))
            return class;
    }
    return NULL;
}

static bool class_is_missing(const struct cf_check *c, struct cf_buf *message)
{
    const char *name = class_name(c);
    if (class_in(c->to, name))
        return false;
    if (*name)
        cf_buf_printf(message, "%s has no StorageClass %s for claim %s", c->to_name, name,
                      name_of(c));
    else
        cf_buf_printf(message, "%s has no default StorageClass for claim %s", c->to_name,
                      name_of(c));
    return true;
}

/* What a way back restores is of the class that the source's claim has: one that names none of the
 * cluster's, for it was bound to a volume made by hand, would never be bound. */
static bool back_class_is_missing(const struct cf_check *c, struct cf_buf *message)
{
    const char *name = cf_json_str(pvc_of(c), "", "spec", "storageClassName", NULL);
    if (!*cf_json_str(c->request, "", "backLocation", NULL) || class_in(c->from, name))
        return false;
    cf_buf_printf(message, "%s has no %sStorageClass%s%s for claim %s: it could not come back",
                  c->from_name, *name ? "" : "default ", *name ? " " : "", name, name_of(c));
    return true;
}

static bool class_waits(const struct cf_check *c, struct cf_buf *message)
{
    const json_t *class = class_in(c->to, class_name(c));
    if (strcmp(cf_json_str(class, "", "bindingMode", NULL), "WaitForFirstConsumer") != 0 ||
        cf_json_bool(c->to, false, "agent", "ignoreDelayBinding", NULL))
        return false;
    cf_buf_printf(
        message,
        "StorageClass %s on %s waits for its first consumer: a stage pod stands in for it, "
        "and the volume of claim %s is made where that pod is placed",
        cf_json_str(class, "", "name", NULL), c->to_name, name_of(c));
    return true;
}

static bool class_may_not_share(const struct cf_check *c, struct cf_buf *message)
{
    const json_t *to = class_in(c->to, class_name(c));
    const json_t *from =
        class_in(c->from, cf_json_str(pvc_of(c), "", "spec", "storageClassName", NULL));
    const char *a = cf_json_str(from, "", "provisioner", NULL);
    const char *b = cf_json_str(to, "", "provisioner", NULL);
    if (!has_mode(c, "ReadWriteMany") || !to || !from || strcmp(a, b) == 0)
        return false;
    cf_buf_printf(message,
                  "claim %s is ReadWriteMany by %s; whether %s of StorageClass %s on %s can do "
                  "that is not known",
                  name_of(c), a, b, cf_json_str(to, "", "name", NULL), c->to_name);
    return true;
}

static bool exists_in_target(const struct cf_check *c, struct cf_buf *message)
{
    size_t i;
    json_t *claim;
    json_array_foreach(json_object_get(c->request, "toClaims"), i, claim)
    {
        if (strcmp(cf_json_str(claim, "", "metadata", "name", NULL), name_of(c)) != 0)
            continue;
        cf_buf_printf(message,
                      "claim %s exists in the target already: Velero would leave it as it is "
                      "and say Completed",
                      name_of(c));
        return true;
    }
    return false;
}

static bool size_is_short(const struct cf_check *c, struct cf_buf *message)
{
    const char *size = cf_json_str(c->claim, "", "size", NULL);
    const json_t *has = cf_json_at(pvc_of(c), "status", "capacity", "storage", NULL);
    const json_t *asked = cf_json_at(pvc_of(c), "spec", "resources", "requests", "storage", NULL);
    double want = 0, is = 0;
    if (!*size || !cf_quantity_of(json_object_get(c->claim, "size"), &want) ||
        !cf_quantity_of(asked ? asked : has, &is) || want >= is)
        return false;
    cf_buf_printf(message, "claim %s has %s and is to have %s in the target", name_of(c),
                  json_string_value(asked ? asked : has), size);
    return true;
}

/* --- the table --- */

#define ALL   CF_CHECK_CLAIM
#define FILES CF_CHECK_FILES
#define SNAP  CF_CHECK_SNAPSHOT

const struct cf_check_rule cf_check_claim_rules[] = {
    { "claim-unbound", BLOCKER, ALL, is_unbound, "leave it out, or have it bound first" },
    { "claim-excluded", BLOCKER, ALL, is_excluded, "take the label off" },
    { "volume-host-path", BLOCKER, ALL, is_host_path,
      "strategy external: something else copies it, and until says when that is done" },
    { "volume-block", BLOCKER, FILES, is_block_for_files, "strategy veleroSnapshot" },
    { "volume-one-pod", BLOCKER, FILES, is_for_one_pod, "strategy veleroSnapshot" },
    { "volume-no-csi", BLOCKER, SNAP, has_no_driver, "strategy veleroFsBackup" },
    { "snapshot-class-missing", BLOCKER, SNAP, has_no_snapshot_class,
      "create one with label velero.io/csi-volumesnapshot-class=true, or strategy veleroFsBackup" },
    { "snapshot-class-unlabelled", BLOCKER, SNAP, has_no_label,
      "label it velero.io/csi-volumesnapshot-class=true" },
    { "verify-block", BLOCKER, ALL, cannot_verify, "verify: none for this claim" },
    { "claim-unused", WARNING, ALL, nobody_mounts, "is it meant to move?" },
    { "agent-not-on-node", BLOCKER, FILES, lacks_agent_on_node,
      "let the node-agent's DaemonSet tolerate that node's taints, or strategy veleroSnapshot" },
    { "claim-of-daemon-set", BLOCKER, ALL, of_daemon_set,
      "it would go on writing: take the mount out, or strategy external" },
    { "claim-of-bare-pod", BLOCKER, ALL, of_bare_pod,
      "nothing would start it again: give it a workload, or end it" },
    { "claim-shared-outside", BLOCKER, ALL, is_shared_outside,
      "move it in the same plan, or take its mount out" },
    { "claim-of-operator", BLOCKER, ALL, is_of_operator,
      "strategy external: its operator replicates, and until says when that is done" },
    { "claim-deleted-when-scaled", BLOCKER, ALL, is_deleted_when_scaled,
      "persistentVolumeClaimRetentionPolicy.whenScaled: Retain" },
    { "claim-own-backups", WARNING, ALL, has_own_backups,
      "hooks run in those pods in every pass; take them off if that is not wanted" },
    { "target-class-missing", BLOCKER, ALL, class_is_missing,
      "name one of the target's in the storageClass of its row in volumes.claims, or create it" },
    { "back-class-missing", BLOCKER, ALL, back_class_is_missing,
      "create it in the source, or leave the way back out" },
    { "target-class-waits", WARNING, SNAP, class_waits,
      "its image must be there; or an Immediate class, or restorePVC.ignoreDelayBinding in the "
      "target's node-agent configuration" },
    { "target-class-sharing", WARNING, ALL, class_may_not_share,
      "choose a class that can be mounted by many nodes" },
    { "target-claim-exists", BLOCKER, ALL, exists_in_target, "delete it, or strategy none" },
    { "target-size", BLOCKER, ALL, size_is_short, "ask for at least as much" },
    { NULL, NULL, 0, NULL, NULL },
};
