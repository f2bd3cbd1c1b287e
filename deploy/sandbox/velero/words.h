/* SPDX-License-Identifier: Apache-2.0 */
/* Velero's labels, annotations and the names of those who write. */
#ifndef DEPLOY_SANDBOX_VELERO_WORDS_H
#define DEPLOY_SANDBOX_VELERO_WORDS_H

#define VL_NS     "velero"
#define VL_SERVER "velero-server"
#define VL_AGENT  "node-agent-server"
#define VL_G      "velero.io"
#define VL_V1     "velero.io/v1"
#define VL_V2     "velero.io/v2alpha1"

#define VL_BACKUP_NAME  "velero.io/backup-name"
#define VL_BACKUP_UID   "velero.io/backup-uid"
#define VL_RESTORE_NAME "velero.io/restore-name"
#define VL_RESTORE_UID  "velero.io/restore-uid"
#define VL_PVC_UID      "velero.io/pvc-uid"
#define VL_POD_UID      "velero.io/pod-uid"
#define VL_OPERATION    "velero.io/async-operation-id"
#define VL_LOCATION     "velero.io/storage-location"
#define VL_EXCLUDE      "velero.io/exclude-from-backup"
#define VL_DYNAMIC_PV   "velero.io/dynamic-pv-restore"
#define VL_PVC_NAME     "velero.io/pvc-name" /* an annotation of PodVolumeBackups */
#define VL_DATA_UPLOAD  "velero.io/data-upload-name"
#define VL_OPT_IN       "backup.velero.io/backup-volumes"
#define VL_OPT_OUT      "backup.velero.io/backup-volumes-excludes"
#define VL_SNAPSHOTS    "velero.io/csi-volumesnapshot-class"
#define VL_FINALIZER    "restores.velero.io/external-resources-finalizer"

#define VL_DONE_DIR ".velero" /* where fs-restores leave their mark */

#endif
