/* SPDX-License-Identifier: Apache-2.0 */
/* BackupVolumeInfos: what a Backup says of each of its claims. */
#include "deploy/sandbox/velero/round.h"

#include <string.h>

static void copy(json_t *to, const char *as, const json_t *from, const char *member)
{
    const json_t *v = cf_json_at(from, "status", member, NULL);
    if (v)
        json_object_set_new(to, as, cf_json_copy(v));
}

static void times_and_result(json_t *info, const json_t *mover)
{
    copy(info, "startTimestamp", mover, "startTimestamp");
    copy(info, "completionTimestamp", mover, "completionTimestamp");
    json_object_set_new(info, "result",
                        json_string(vl_phase_in(mover, "Completed") ? "succeeded" : "failed"));
}

static int64_t size_of(const json_t *mover)
{
    return cf_json_int(mover, 0, "status", "progress", "totalBytes", NULL);
}

static json_t *of_pod_volume(const json_t *pvb)
{
    return json_pack(
        "{s:s,s:I,s:I,s:s,s:s,s:s,s:s,s:s}", "snapshotHandle",
        cf_json_str(pvb, "", "status", "snapshotID", NULL), "size", (json_int_t)size_of(pvb),
        "incrementalSize", (json_int_t)cf_json_int(pvb, 0, "status", "incrementalBytes", NULL),
        "uploaderType", "kopia", "volumeName", cf_json_str(pvb, "", "spec", "volume", NULL),
        "podName", cf_json_str(pvb, "", "spec", "pod", "name", NULL), "podNamespace",
        cf_json_str(pvb, "", "spec", "pod", "namespace", NULL), "nodeName",
        cf_json_str(pvb, "", "spec", "node", NULL));
}

static json_t *of_upload(const json_t *du, const char *operation)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:s}", "dataMover", "velero", "uploaderType",
                     "kopia", "snapshotHandle", cf_json_str(du, "", "status", "snapshotID", NULL),
                     "operationID", operation, "size", (json_int_t)size_of(du), "incrementalSize",
                     (json_int_t)cf_json_int(du, 0, "status", "incrementalBytes", NULL), "phase",
                     vl_phase(du));
}

static json_t *info_of(struct vl_cluster *c, const json_t *row)
{
    const char *method = cf_json_str(row, "", "method", NULL),
               *pvb = cf_json_str(row, "", "pvb", NULL), *du = cf_json_str(row, "", "du", NULL);
    json_t *info = json_pack(
        "{s:s,s:s,s:s,s:b,s:b,s:b,s:O}", "pvcName", cf_json_str(row, "", "claim", NULL),
        "pvcNamespace", cf_json_str(row, "", "ns", NULL), "pvName",
        cf_json_str(row, "", "pv", NULL), "snapshotDataMoved", *du != '\0', "preserveLocalSnapshot",
        0, "skipped", *method == '\0', "pvInfo", json_object_get(row, "pvInfo"));
    if (*method)
        json_object_set_new(info, "backupMethod", json_string(method));
    else
        json_object_set_new(info, "skippedReason",
                            json_string(cf_json_str(row, "", "skipped", NULL)));
    if (*pvb) {
        const json_t *mover = vl_one(c, "podvolumebackups", pvb);
        times_and_result(info, mover);
        json_object_set_new(info, "pvbInfo", of_pod_volume(mover));
    }
    if (*du) {
        const json_t *mover = vl_one(c, "datauploads", du);
        times_and_result(info, mover);
        json_object_set_new(info, "snapshotDataMovementInfo",
                            of_upload(mover, cf_json_str(row, "", "operation", NULL)));
    }
    return info;
}

json_t *vl_volume_infos(struct vl_cluster *c, const json_t *backup, const json_t *rows)
{
    json_t *infos = json_array();
    size_t i;
    json_t *row;
    (void)backup;
    json_array_foreach(rows, i, row)
    {
        if (*cf_json_str(row, "", "pv", NULL) || json_object_get(row, "method"))
            json_array_append_new(infos, info_of(c, row));
    }
    return infos;
}
