/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each volume of a Backup: read through its pod, snapshotted and moved, or left out
 * with a reason; one pod, one claim after the other, as a real one does. */
#include "deploy/sandbox/velero/results.h"
#include "deploy/sandbox/velero/round.h"

#include <string.h>

#define SKIP_POLICY "matched action is 'skip' in chosen resource policies"
#define SKIP_NONE   "not satisfied the criteria for VolumePolicy or the legacy snapshot way"

static const json_t *claim_of(struct vl_cluster *c, const json_t *pod, const json_t *volume)
{
    const char *name = cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL);
    return *name ? sbx_pass_one(&c->pass, "", "persistentvolumeclaims", sbx_ns(pod), name) : NULL;
}

static const json_t *volume_of(struct vl_cluster *c, const json_t *claim)
{
    const char *name = cf_json_str(claim, "", "spec", "volumeName", NULL);
    return *name ? sbx_pass_one(&c->pass, "", "persistentvolumes", NULL, name) : NULL;
}

/* The row of a claim in work.volumes, made when it is not there. */
static json_t *row_of(struct vl_cluster *c, json_t *work, const json_t *claim)
{
    cf_autofree char *key = cf_xasprintf("%s/%s", sbx_ns(claim), sbx_name(claim));
    json_t *row = cf_json_unconst(cf_json_at(work, "rows", key, NULL));
    if (row)
        return row;
    const json_t *pv = volume_of(c, claim);
    const json_t *labels = cf_json_at(pv, "metadata", "labels", NULL);
    row = json_pack("{s:s,s:s,s:s,s:{s:s,s:o}}", "ns", sbx_ns(claim), "claim", sbx_name(claim),
                    "pv", sbx_name(pv), "pvInfo", "reclaimPolicy",
                    cf_json_str(pv, "", "spec", "persistentVolumeReclaimPolicy", NULL), "labels",
                    labels ? cf_json_copy(labels) : json_object());
    json_array_append(json_object_get(work, "volumes"), row);
    cf_json_put_take(work, row, "rows", key, NULL);
    return row;
}

static void skip(json_t *row, const char *reason)
{
    if (row)
        json_object_set_new(row, "skipped", json_string(reason));
}

/* ---- fs-backup ---- */

static bool in_list(const json_t *pod, const char *annotation, const char *name)
{
    return sbx_word_in(cf_json_str(pod, "", "metadata", "annotations", annotation, NULL), name);
}

static bool may_be_read(const json_t *volume)
{
    static const char *const never[] = { "hostPath", "secret", "configMap", "projected",
                                         "downwardAPI" };
    for (size_t i = 0; i < CF_ARRAY_LEN(never); i++)
        if (json_object_get(volume, never[i]))
            return false;
    return true;
}

static bool is_in_list_of_containers(const json_t *pod, const char *list, const char *name)
{
    size_t i, k;
    json_t *container, *mount;
    json_array_foreach(cf_json_at(pod, "spec", "containers", NULL), i, container)
    {
        json_array_foreach(json_object_get(container, list), k, mount)
        {
            if (strcmp(cf_json_str(mount, "", "name", NULL), name) == 0)
                return true;
        }
    }
    return false;
}

/* Whether a pod's volume is to be read through it, by policy, annotations and the default. */
static bool by_pod(struct vl_cluster *c, const json_t *backup, const json_t *pod,
                   const json_t *volume, json_t *row)
{
    const char *name = cf_json_str(volume, "", "name", NULL);
    const json_t *claim = claim_of(c, pod, volume);
    const char *action = claim ? vl_policy_action(c, backup, claim, volume_of(c, claim)) : "";
    if (strcmp(action, "skip") == 0)
        skip(row, SKIP_POLICY);
    if (*action)
        return strcmp(action, "fs-backup") == 0;
    if (cf_json_bool(backup, false, "spec", "defaultVolumesToFsBackup", NULL))
        return may_be_read(volume) && !in_list(pod, VL_OPT_OUT, name);
    return in_list(pod, VL_OPT_IN, name) && may_be_read(volume);
}

/* Why a volume that should be read cannot be, or NULL. Caller frees. */
static char *unreadable(const json_t *pod, const char *name, const json_t *pv)
{
    if (cf_json_at(pv, "spec", "hostPath", NULL))
        return cf_xasprintf(
            "Volume %s in pod %s/%s is a hostPath volume which is not supported for "
            "pod volume backup, skipping",
            name, sbx_ns(pod), sbx_name(pod));
    if (is_in_list_of_containers(pod, "volumeDevices", name))
        return cf_xasprintf("volume %s declared in pod %s/%s is a block volume. Block volumes are "
                            "not supported for fs backup, skipping",
                            name, sbx_ns(pod), sbx_name(pod));
    if (!is_in_list_of_containers(pod, "volumeMounts", name))
        return cf_xasprintf(
            "volume %s is declared in pod %s/%s but not mounted by any container, skipping", name,
            sbx_ns(pod), sbx_name(pod));
    return NULL;
}

/* Why no volume of the pod can be read, or NULL; an error unless it just does not run. */
static char *unreadable_pod(struct vl_cluster *c, const json_t *pod, json_t *work)
{
    const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL),
               *phase = cf_json_str(pod, "", "status", "phase", NULL);
    if (strcmp(phase, "Running") != 0)
        return cf_xasprintf("pod is not in the expected status, name=%s, namespace=%s, phase=%s: "
                            "pod is not running",
                            sbx_name(pod), sbx_ns(pod), phase);
    if (vl_agent_on(c, node))
        return NULL;
    char *why = cf_xasprintf("daemonset pod not found in running state in node %s", node);
    vl_say(work, "errors", sbx_ns(pod), why);
    return why;
}

/* Pods that a Backup puts into an order are one block: nobody waits between them. */
static bool is_ordered(const json_t *backup, const json_t *pod)
{
    cf_autofree char *name = cf_xasprintf("%s/%s", sbx_ns(pod), sbx_name(pod));
    return sbx_word_in(cf_json_str(backup, "", "spec", "orderedResources", "pods", NULL), name);
}

static void add_step(const json_t *backup, const json_t *pod, json_t *names, json_t *work)
{
    json_t *steps = json_object_get(work, "steps"),
           *last = json_array_get(steps, json_array_size(steps) - 1),
           *one = json_pack("{s:O,s:O}", "pod", pod, "volumes", names);
    bool ordered = is_ordered(backup, pod);
    if (ordered && cf_json_bool(last, false, "ordered", NULL))
        json_array_append_new(json_object_get(last, "block"), one);
    else
        json_array_append_new(steps, json_pack("{s:b,s:[o]}", "ordered", ordered, "block", one));
}

static void plan_pod(struct vl_cluster *c, const json_t *backup, const json_t *pod, json_t *work)
{
    cf_autojson json_t *names = json_array();
    cf_autofree char *shut = NULL;
    bool asked = false;
    size_t i;
    json_t *volume;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        const char *name = cf_json_str(volume, "", "name", NULL);
        const json_t *claim = claim_of(c, pod, volume);
        json_t *row = claim ? row_of(c, work, claim) : NULL;
        if ((row && json_object_get(row, "method")) || !by_pod(c, backup, pod, volume, row))
            continue;
        if (!asked)
            shut = unreadable_pod(c, pod, work);
        asked = true;
        cf_autofree char *why =
            shut ? cf_xstrdup(shut) : unreadable(pod, name, volume_of(c, claim));
        if (row)
            json_object_set_new(row, "asked", json_true());
        if (!why && row &&
            vl_meets(vl_common(c->velero)->switches, VL_VOLUME_SKIPPED, c->name, "Backup",
                     sbx_name(backup), sbx_name(claim), sbx_uid(backup), NULL))
            why = cf_xstrdup("a fault was asked for");
        if (why) {
            skip(row, why);
            continue;
        }
        if (row)
            json_object_set_new(row, "method", json_string("PodVolumeBackup"));
        json_array_append_new(names, json_string(name));
    }
    if (json_array_size(names) > 0)
        add_step(backup, pod, names, work);
}

/* ---- snapshots ---- */

static const json_t *snapshot_class(struct vl_cluster *c, const char *driver)
{
    size_t i;
    json_t *o;
    json_array_foreach(sbx_pass_all(&c->pass, "snapshot.storage.k8s.io", "volumesnapshotclasses"),
                       i, o)
    {
        if (strcmp(cf_json_str(o, "", "driver", NULL), driver) == 0 &&
            strcmp(sbx_label(o, VL_SNAPSHOTS), "true") == 0)
            return o;
    }
    return NULL;
}

/* What stands against a snapshot of the claim: an error in new memory, or NULL. */
static char *cannot_snapshot(struct vl_cluster *c, const json_t *backup, json_t *work,
                             const char *class, const char *driver)
{
    if (cf_json_bool(backup, false, "spec", "snapshotMoveData", NULL) && !vl_any_agent(c)) {
        vl_say(work, "errors", "",
               "cannot perform snapshot data movement without running node-agent pods: no ready "
               "pods found");
        return cf_xstrdup("CSI PVC BIA cannot proceed: node-agent is not ready for snapshot data "
                          "movement: node-agent is not ready: no ready pods found");
    }
    return snapshot_class(c, driver)
               ? NULL
               : cf_xasprintf(
                     "failed to get VolumeSnapshotClass for StorageClass %s: failed to get "
                     "VolumeSnapshotClass for provisioner %s, ensure that the desired "
                     "VolumeSnapshotClass has the velero.io/csi-volumesnapshot-class label "
                     "or snapshot.storage.kubernetes.io/is-default-class annotation",
                     class, driver);
}

/* A volume that no CSI driver has made: two warnings, and it stays behind. */
static void leave_out_foreign(const json_t *claim, const json_t *pv, json_t *row, json_t *work)
{
    cf_autofree char *first =
        cf_xasprintf("Cannot use CSI data mover to handle PV %s, because it is "
                     "not a CSI volume",
                     sbx_name(pv));
    cf_autofree char *second = cf_xasprintf("Volume of PersistentVolumeClaim %s/%s is not moved",
                                            sbx_ns(claim), sbx_name(claim));
    vl_say(work, "warnings", sbx_ns(claim), first);
    vl_say(work, "warnings", sbx_ns(claim), second);
    skip(row, "csiSnapshot: skipped b/c it's not a CSI volume;");
}

static void plan_claim(struct vl_cluster *c, const json_t *backup, const json_t *claim,
                       json_t *work)
{
    json_t *row = row_of(c, work, claim);
    const json_t *pv = volume_of(c, claim);
    const char *driver = cf_json_str(pv, "", "spec", "csi", "driver", NULL),
               *class = cf_json_str(claim, "", "spec", "storageClassName", NULL);
    const char *action = pv ? vl_policy_action(c, backup, claim, pv) : "";
    if (json_object_get(row, "method") || json_object_get(row, "asked"))
        return;
    bool fault = vl_meets(vl_common(c->velero)->switches, VL_VOLUME_SKIPPED, c->name, "Backup",
                          sbx_name(backup), sbx_name(claim), sbx_uid(backup), NULL);
    if (strcmp(action, "skip") == 0) {
        skip(row, SKIP_POLICY);
    } else if (pv && !*driver && cf_json_bool(backup, false, "spec", "snapshotMoveData", NULL)) {
        leave_out_foreign(claim, pv, row, work);
    } else if (!pv || !*driver || fault || strcmp(action, "fs-backup") == 0 ||
               (!cf_json_bool(backup, true, "spec", "snapshotVolumes", NULL) &&
                strcmp(action, "snapshot") != 0)) {
        skip(row, SKIP_NONE);
    } else {
        cf_autofree char *why = cannot_snapshot(c, backup, work, class, driver);
        if (why) {
            cf_autofree char *text =
                cf_xasprintf("error executing custom action (groupResource=persistentvolumeclaims, "
                             "namespace=%s, name=%s): rpc error: code = Unknown desc = %s",
                             sbx_ns(claim), sbx_name(claim), why);
            vl_say(work, "errors", sbx_ns(claim), text);
            skip(row, why);
            return;
        }
        json_object_set_new(row, "method", json_string("CSISnapshot"));
        json_array_append_new(json_object_get(work, "steps"),
                              json_pack("{s:O,s:s,s:s,s:s}", "claim", claim, "driver", driver,
                                        "class", class, "snapshotClass",
                                        sbx_name(snapshot_class(c, driver))));
    }
}

void vl_plan_volumes(struct vl_cluster *c, const json_t *backup, json_t *work)
{
    static const char *const kinds[] = { "Pod", "PersistentVolumeClaim" };
    static void (*const plan[])(struct vl_cluster *, const json_t *, const json_t *,
                                json_t *) = { plan_pod, plan_claim };
    for (size_t k = 0; k < CF_ARRAY_LEN(kinds); k++) {
        size_t i;
        json_t *o;
        json_array_foreach(json_object_get(work, "items"), i, o)
        {
            if (strcmp(cf_json_str(o, "", "kind", NULL), kinds[k]) == 0 &&
                strchr(cf_json_str(o, "", "apiVersion", NULL), '/') == NULL)
                plan[k](c, backup, o, work);
        }
    }
}
