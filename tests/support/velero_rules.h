/* SPDX-License-Identifier: Apache-2.0 */
/* Two clusters and two claims that break no rule of velero/check.h, and for each rule what breaks it: used by the rules' own
 * test, and by the one that writes them down for people (docs/volumes-refused.md). Quick JSON (quick_json.h). */
#ifndef TESTS_SUPPORT_VELERO_RULES_H
#define TESTS_SUPPORT_VELERO_RULES_H

/* clang-format off */
#define SIDE(mode, other_mode) \
    "{'installed':true,'version':'v1.18.3','plugins':[],'kinds':{'datauploads':true,'datadownloads':true},'prunes':[]," \
    "'locations':[{'name':'there','provider':'aws','bucket':'b','prefix':'there','accessMode':'" mode "','phase':'Available','message':'','isDefault':true}," \
                 "{'name':'back','provider':'aws','bucket':'b','prefix':'back','accessMode':'" other_mode "','phase':'Available','message':'','isDefault':false}]," \
    "'agent':{'present':true,'nodes':['n1'],'missing':['n9'],'ignoreDelayBinding':false}," \
    "'classes':[{'name':'fast','provisioner':'csi.x','bindingMode':'Immediate','isDefault':true},{'name':'late','provisioner':'csi.y','bindingMode':'WaitForFirstConsumer','isDefault':false}]," \
    "'snapshotClasses':[{'name':'snaps','driver':'csi.x','labelled':true}],'running':[]}"
#define CLAIM(name, strategy, owner, workload) \
    "{'name':'" name "','strategy':'" strategy "','verify':'none','storageClass':'','size':''," \
    "'claim':{'metadata':{'name':'" name "'},'spec':{'accessModes':['ReadWriteOnce'],'volumeMode':'Filesystem','storageClassName':'fast'," \
             "'resources':{'requests':{'storage':'10Gi'}}},'status':{'phase':'Bound','capacity':{'storage':'10Gi'}}}," \
    "'volume':{'metadata':{'name':'pv'},'spec':{'csi':{'driver':'csi.x'}}}," \
    "'pods':[{'metadata':{'name':'p','ownerReferences':[{'kind':'" owner "','name':'" workload "','controller':true}]},'spec':{'nodeName':'n1'}}],"

static const char cf_test_velero_good[] =
    "{'clusters':{'from':'east','to':'west'},'location':'there','backLocation':'back','from':" SIDE("ReadWrite", "ReadOnly") ",'to':" SIDE("ReadOnly", "ReadWrite") ","
    "'toClaims':[{'metadata':{'name':'other'}}],'toQuotas':[{'metadata':{'name':'q'},'spec':{'hard':{'requests.storage':'100Gi'}},'status':{'hard':{'requests.storage':'100Gi'},'used':{'requests.storage':'20Gi'}}}],"
    "'claims':[" CLAIM("data", "veleroFsBackup", "StatefulSet", "db") "'workload':{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'name':'db'}}},"
                 CLAIM("pics", "veleroSnapshot", "ReplicaSet", "web-5d8f") "'workload':{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'web'}}}]}";

#define SET(path, value) "{'op':'add','path':'" path "','value':" value "}"

static const struct {
    const char *rule, *claim, *patch, *says;
    const char *also; /* another rule that may speak too, or NULL */
} cf_test_velero_broken[] = {
    { "velero-missing", "", SET("/to/installed", "false"), "west has no Velero", NULL },
    { "velero-missing", "", SET("/from/installed", "false") "," SET("/to/installed", "false"), "east has no Velero; west has no Velero", NULL },
    { "velero-silent", "", SET("/from/version", "''"), "Velero server of east does not answer", NULL },
    { "velero-too-old", "", SET("/from/version", "'v1.11.1'") "," SET("/to/version", "'v1.12.0'"), "Velero v1.11.1 of east is older than v1.12", NULL },
    { "velero-older-target", "", SET("/to/version", "'v1.17.0'"), "east has Velero v1.18.3 and west the older v1.17.0", NULL },
    { "velero-far-apart", "", SET("/from/version", "'v1.14.0'"), "4 minor versions apart", NULL },
    { "velero-prunes", "", SET("/to/prunes", "['Restore.spec.resourceModifier']"), "Restore.spec.resourceModifier: the Velero CRDs of west", NULL },
    { "velero-no-mover", "", SET("/to/kinds/datadownloads", "false"), "west does not serve DataDownloads", NULL },
    { "velero-no-mover", "", SET("/from/kinds/datauploads", "false"), "east does not serve DataUploads", NULL },
    { "agent-missing", "", SET("/to/agent/present", "false"), "west has no node-agent", NULL },
    { "velero-busy", "", SET("/to/running", "[{'kind':'Restore','name':'theirs','phase':'InProgress'}]"), "Restore theirs on west is InProgress", NULL },
    { "velero-busy", "", SET("/from/running", "[{'kind':'Backup','name':'nightly','phase':'New'}]"), "Backup nightly on east", NULL },
    { "location-missing", "", SET("/location", "'none'"), "east has no BackupStorageLocation none", NULL },
    { "location-missing", "", SET("/location", "''") "," SET("/from/locations/0/isDefault", "false"), "no default BackupStorageLocation", NULL },
    { "location-unpaired", "", SET("/to/locations/0/prefix", "'elsewhere'"), "no BackupStorageLocation of west is the place of there on east (provider aws, bucket b, prefix \"there\")", NULL },
    { "location-unpaired", "", SET("/to/locations/0/bucket", "'c'"), "is the place of there", NULL },
    { "location-unavailable", "", SET("/to/locations/0/phase", "'Unavailable'") "," SET("/to/locations/0/message", "'no route'"), "there on west is Unavailable: no route", NULL },
    { "location-unavailable", "", SET("/to/locations/0/phase", "'Unavailable'") "," SET("/to/locations/0/message", "'xдддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддддд'"), "is Unavailable: xд", NULL }, /* cut within a character */
    { "location-unavailable", "", SET("/from/locations/0/phase", "''"), "there on east is not yet validated", NULL },
    { "location-read-only", "", SET("/from/locations/0/accessMode", "'ReadOnly'"), "there on east is read-only", NULL },
    { "location-two-writers", "", SET("/to/locations/0/accessMode", "'ReadWrite'"), "there on west may write where there on east writes", NULL },
    { "location-read-only-bug", "", SET("/to/version", "'v1.18.0'"), "Velero v1.18.0 of west cannot restore", NULL },
    { "back-location-missing", "", SET("/backLocation", "'none'"), "west has no BackupStorageLocation none for the way back", NULL },
    { "back-location-missing", "", SET("/from/locations/1/prefix", "'x'"), "no BackupStorageLocation of east is the place of back on west", NULL },
    { "back-location-unwritable", "", SET("/to/locations/1/accessMode", "'ReadOnly'"), "back on west is read-only", NULL },
    { "back-location-unwritable", "", SET("/to/locations/1/phase", "'Unavailable'"), "back on west is Unavailable", NULL },
    { "back-location-shared", "", SET("/backLocation", "'there'"), "would both write into bucket b, prefix \"there\"", "back-location-unwritable" },
    { "target-quota", "", SET("/toQuotas/0/status/used/requests.storage", "'85Gi'"), "ResourceQuota q leaves less than the claims need of requests.storage", NULL },
    { "target-quota", "", SET("/toQuotas/0/spec/hard/persistentvolumeclaims", "'1'"), "persistentvolumeclaims", NULL },
    { "target-quota", "", SET("/toQuotas/0/spec/hard/fast.storageclass.storage.k8s.io~1requests.storage", "'15Gi'"), "fast.storageclass", NULL },
    { "target-quota-pods", "", SET("/toQuotas/0/spec/hard/pods", "'1'"), "no room for 2 stage pods", NULL },
    { "claim-unbound", "data", SET("/claims/0/claim/status/phase", "'Pending'"), "claim data is Pending", NULL },
    { "claim-unbound", "pics", SET("/claims/1/claim", "null"), "claim pics is missing", NULL },
    { "claim-excluded", "data", SET("/claims/0/claim/metadata/labels", "{'velero.io/exclude-from-backup':'true'}"), "the claim of claim data carries label", NULL },
    { "claim-excluded", "pics", SET("/claims/1/volume/metadata/labels", "{'velero.io/exclude-from-backup':'true'}"), "the volume of claim pics", NULL },
    { "volume-host-path", "data", SET("/claims/0/volume/spec", "{'hostPath':{'path':'/d'}}"), "claim data is a hostPath volume", NULL },
    { "volume-host-path", "pics", SET("/claims/1/volume/spec", "{'hostPath':{'path':'/d'}}"), "claim pics is a hostPath volume", "volume-no-csi" },
    { "volume-block", "data", SET("/claims/0/claim/spec/volumeMode", "'Block'"), "claim data is a block volume", NULL },
    { "volume-one-pod", "data", SET("/claims/0/claim/spec/accessModes", "['ReadWriteOncePod']"), "claim data is ReadWriteOncePod", NULL },
    { "volume-no-csi", "pics", SET("/claims/1/volume/spec", "{'nfs':{}}"), "of no CSI driver", NULL },
    { "snapshot-class-missing", "pics", SET("/from/snapshotClasses", "[]"), "no VolumeSnapshotClass for driver csi.x", NULL },
    { "snapshot-class-unlabelled", "pics", SET("/from/snapshotClasses/0/labelled", "false"), "VolumeSnapshotClass snaps on east is not marked", NULL },
    { "verify-block", "pics", SET("/claims/1/claim/spec/volumeMode", "'Block'") "," SET("/claims/1/verify", "'checksum'"), "compares files", NULL },
    { "claim-unused", "data", SET("/claims/0/pods", "[]"), "no pod mounts claim data", NULL },
    { "agent-not-on-node", "data", SET("/claims/0/pods/0/spec/nodeName", "'n9'"), "pod p mounts claim data on node n9, which has no node-agent", NULL },
    { "claim-of-daemon-set", "data", SET("/claims/0/pods/0/metadata/ownerReferences/0/kind", "'DaemonSet'"), "DaemonSet db mounts claim data", NULL },
    { "claim-of-bare-pod", "data", SET("/claims/0/pods/0/metadata/ownerReferences", "[]"), "pod p mounts claim data and belongs to no workload", NULL },
    { "claim-shared-outside", "pics", SET("/claims/1/pods/0/metadata/ownerReferences/0/name", "'web-admin-7c9d'"), "ReplicaSet web-admin-7c9d mounts claim pics as well", NULL },
    { "claim-shared-outside", "data", SET("/claims/0/pods/0/metadata/ownerReferences/0/name", "'other'"), "StatefulSet other mounts claim data as well", NULL },
    { "claim-of-operator", "data", SET("/claims/0/workload/metadata/ownerReferences", "[{'apiVersion':'postgresql.cnpg.io/v1','kind':'Cluster','name':'pg','controller':true}]"), "claim data belongs to Cluster pg", NULL },
    { "claim-deleted-when-scaled", "data", SET("/claims/0/workload/spec", "{'persistentVolumeClaimRetentionPolicy':{'whenScaled':'Delete'}}"), "StatefulSet db deletes claim data when it is scaled to 0", NULL },
    { "claim-own-backups", "data", SET("/claims/0/pods/0/metadata/annotations", "{'pre.hook.backup.velero.io/command':'[]'}"), "carries pre.hook.backup.velero.io/command", NULL },
    { "target-class-missing", "data", SET("/claims/0/storageClass", "'gone'"), "west has no StorageClass gone for claim data", NULL },
    { "target-class-missing", "data", SET("/claims/0/claim/spec/storageClassName", "''") "," SET("/to/classes/0/isDefault", "false"), "no default StorageClass", NULL },
    { "back-class-missing", "data", SET("/claims/0/claim/spec/storageClassName", "'by-hand'") "," SET("/claims/0/storageClass", "'fast'"), "east has no StorageClass by-hand for claim data", NULL },
    { "back-class-missing", "data", SET("/claims/0/claim/spec/storageClassName", "''") "," SET("/from/classes/0/isDefault", "false"), "east has no default StorageClass for claim data", NULL },
    { "target-class-waits", "pics", SET("/claims/1/storageClass", "'late'"), "StorageClass late on west waits for its first consumer", NULL },
    { "target-class-sharing", "data", SET("/claims/0/claim/spec/accessModes", "['ReadWriteMany']") "," SET("/claims/0/storageClass", "'late'"), "ReadWriteMany by csi.x; whether csi.y", NULL },
    { "target-claim-exists", "data", SET("/toClaims/0/metadata/name", "'data'"), "claim data exists in the target already", NULL },
    { "target-size", "data", SET("/claims/0/size", "'5Gi'"), "claim data has 10Gi and is to have 5Gi", NULL },
};
/* clang-format on */

#endif
