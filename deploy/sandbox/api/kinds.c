/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds and the look-ups in it. */
#include "deploy/sandbox/api/kinds.h"

#include <stdio.h>
#include <string.h>

#define NS     .namespaced = true
#define STATUS .has_status = true
#define SCALE  .has_scale = true
#define CRD                                                                                        \
    .is_crd = true, .generation = SBX_GEN_CONTENT, .name_rule = "subdomain", .top = "spec,status"
#define RETURNS     .returns_deleted = true
#define SPEC_GEN    .generation = SBX_GEN_SPEC
#define CONTENT_GEN .generation = SBX_GEN_CONTENT
#define SUB         .name_rule = "subdomain"
#define SS          .top = "spec,status"
#define ISTIO       "networking.istio.io", "v1"
#define GATEWAY     "gateway.networking.k8s.io", "v1"
#define RBAC        "rbac.authorization.k8s.io", "v1"
#define KARMADA     .plane = SBX_PLANE_KARMADA, CRD
#define CLUSTERNET  .plane = SBX_PLANE_CLUSTERNET, CRD
#define FEEDS       "apps.clusternet.io", "v1alpha1"
#define POLICY      "policy.karmada.io", "v1alpha1"
#define VELERO      .addon = SBX_ADDON_VELERO, CRD
#define SNAPSHOT    "snapshot.storage.k8s.io", "v1"

const struct sbx_kind sbx_kinds[] = {
    { "", "v1", "configmaps", "ConfigMap", "cm", NS, SUB, .top = "data,binaryData,immutable" },
    { "", "v1", "endpoints", "Endpoints", "ep", NS, SUB, .top = "subsets" },
    { "", "v1", "events", "Event", "ev", NS, SUB,
      .top = "involvedObject,reason,message,source,firstTimestamp,lastTimestamp,count,type,"
             "eventTime,series,action,related,"
             "reportingComponent,reportingInstance" },
    { "", "v1", "limitranges", "LimitRange", "limits", NS, SUB, .top = "spec" },
    { "", "v1", "namespaces", "Namespace", "ns", STATUS, RETURNS, .name_rule = "label", SS },
    { "", "v1", "nodes", "Node", "no", STATUS, SUB, SS },
    { "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", NS, STATUS, RETURNS, SUB,
      SS },
    { "", "v1", "persistentvolumes", "PersistentVolume", "pv", STATUS, RETURNS, SUB, SS },
    { "", "v1", "pods", "Pod", "po", NS, STATUS, RETURNS, SPEC_GEN, SUB, SS },
    { "", "v1", "resourcequotas", "ResourceQuota", "quota", NS, STATUS, RETURNS, SUB, SS },
    { "", "v1", "secrets", "Secret", "", NS, SUB, .top = "data,stringData,type,immutable" },
    { "", "v1", "serviceaccounts", "ServiceAccount", "sa", NS, RETURNS, SUB,
      .top = "secrets,imagePullSecrets,automountServiceAccountToken" },
    { "", "v1", "services", "Service", "svc", NS, STATUS, RETURNS, .name_rule = "label1035", SS },
    { "apps", "v1", "daemonsets", "DaemonSet", "ds", NS, STATUS, SPEC_GEN, SUB, SS },
    { "apps", "v1", "deployments", "Deployment", "deploy", NS, STATUS, SCALE, SPEC_GEN, SUB, SS },
    { "apps", "v1", "replicasets", "ReplicaSet", "rs", NS, STATUS, SCALE, SPEC_GEN, SUB, SS },
    { "apps", "v1", "statefulsets", "StatefulSet", "sts", NS, STATUS, SCALE, SPEC_GEN, SUB, SS },
    { "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", NS, STATUS,
      SUB, SS },
    { FEEDS, "bases", "Base", "", NS, CLUSTERNET },
    { FEEDS, "descriptions", "Description", "desc", NS, STATUS, CLUSTERNET },
    { FEEDS, "globalizations", "Globalization", "glob", CLUSTERNET },
    { FEEDS, "localizations", "Localization", "loc", NS, CLUSTERNET },
    { FEEDS, "manifests", "Manifest", "mfst", NS, .plane = SBX_PLANE_CLUSTERNET, .is_crd = true,
      CONTENT_GEN, SUB, .top = "template" },
    { FEEDS, "subscriptions", "Subscription", "sub", NS, STATUS, CLUSTERNET },
    { "apps.karmada.io", "v1alpha1", "workloadrebalancers", "WorkloadRebalancer", "", STATUS,
      KARMADA },
    { "argoproj.io", "v1alpha1", "applications", "Application", "app", NS, .is_crd = true,
      CONTENT_GEN, SUB, .top = "spec,status,operation" },
    { "argoproj.io", "v1alpha1", "applicationsets", "ApplicationSet", "appset", NS, STATUS, CRD },
    { "batch", "v1", "cronjobs", "CronJob", "cj", NS, STATUS, SPEC_GEN, SUB, SS },
    { "batch", "v1", "jobs", "Job", "", NS, STATUS, SPEC_GEN, SUB, SS },
    { "clusters.clusternet.io", "v1beta1", "managedclusters", "ManagedCluster", "mcls", NS, STATUS,
      CLUSTERNET },
    { "coordination.k8s.io", "v1", "leases", "Lease", "", NS, SUB, .top = "spec" },
    { "cluster.karmada.io", "v1alpha1", "clusters", "Cluster", "", STATUS, KARMADA },
    { "discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "", NS, CONTENT_GEN, SUB,
      .top = "addressType,endpoints,ports" },
    { GATEWAY, "gatewayclasses", "GatewayClass", "gc", STATUS, CRD },
    { GATEWAY, "gateways", "Gateway", "gtw", NS, STATUS, CRD },
    { GATEWAY, "httproutes", "HTTPRoute", "", NS, STATUS, CRD },
    { GATEWAY, "referencegrants", "ReferenceGrant", "refgrant", NS, CRD },
    { "helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease", "hr", NS, STATUS, CRD },
    { "kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization", "ks", NS, STATUS,
      CRD },
    { ISTIO, "destinationrules", "DestinationRule", "dr", NS, STATUS, CRD },
    { ISTIO, "gateways", "Gateway", "gw", NS, STATUS, CRD },
    { ISTIO, "serviceentries", "ServiceEntry", "se", NS, STATUS, CRD },
    { ISTIO, "virtualservices", "VirtualService", "vs", NS, STATUS, CRD },
    { "networking.k8s.io", "v1", "ingressclasses", "IngressClass", "", SPEC_GEN, SUB,
      .top = "spec" },
    { "networking.k8s.io", "v1", "ingresses", "Ingress", "ing", NS, STATUS, SPEC_GEN, SUB, SS },
    { "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "netpol", NS, SPEC_GEN, SUB,
      .top = "spec" },
    { "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", NS, STATUS, SPEC_GEN,
      SUB, SS },
    { POLICY, "clusteroverridepolicies", "ClusterOverridePolicy", "cop", KARMADA },
    { POLICY, "clusterpropagationpolicies", "ClusterPropagationPolicy", "cpp", KARMADA },
    { POLICY, "overridepolicies", "OverridePolicy", "op", NS, KARMADA },
    { POLICY, "propagationpolicies", "PropagationPolicy", "pp", NS, KARMADA },
    { RBAC, "clusterrolebindings", "ClusterRoleBinding", "", .name_rule = "path",
      .top = "subjects,roleRef" },
    { RBAC, "clusterroles", "ClusterRole", "", .name_rule = "path",
      .top = "rules,aggregationRule" },
    { RBAC, "rolebindings", "RoleBinding", "", NS, .name_rule = "path", .top = "subjects,roleRef" },
    { RBAC, "roles", "Role", "", NS, .name_rule = "path", .top = "rules" },
    { "scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", "pc", CONTENT_GEN, SUB,
      .top = "value,globalDefault,description,preemptionPolicy" },
    { SNAPSHOT, "volumesnapshotclasses", "VolumeSnapshotClass", "vsclass",
      .addon = SBX_ADDON_VELERO, .is_crd = true, CONTENT_GEN, SUB,
      .top = "driver,deletionPolicy,parameters" },
    { SNAPSHOT, "volumesnapshotcontents", "VolumeSnapshotContent", "vsc", STATUS, VELERO },
    { SNAPSHOT, "volumesnapshots", "VolumeSnapshot", "vs", NS, STATUS, VELERO },
    { "storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc", RETURNS, SUB,
      .top = "provisioner,parameters,reclaimPolicy,mountOptions,allowVolumeExpansion,"
             "volumeBindingMode,allowedTopologies" },
    { "storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", "", STATUS, RETURNS, SUB,
      SS },
    { "velero.io", "v2alpha1", "datadownloads", "DataDownload", "", NS, VELERO },
    { "velero.io", "v2alpha1", "datauploads", "DataUpload", "", NS, VELERO },
    { "velero.io", "v1", "backuprepositories", "BackupRepository", "", NS, VELERO },
    { "velero.io", "v1", "backups", "Backup", "", NS, VELERO },
    { "velero.io", "v1", "backupstoragelocations", "BackupStorageLocation", "bsl", NS, VELERO },
    { "velero.io", "v1", "deletebackuprequests", "DeleteBackupRequest", "", NS, VELERO },
    { "velero.io", "v1", "downloadrequests", "DownloadRequest", "", NS, VELERO },
    { "velero.io", "v1", "podvolumebackups", "PodVolumeBackup", "", NS, VELERO },
    { "velero.io", "v1", "podvolumerestores", "PodVolumeRestore", "", NS, VELERO },
    { "velero.io", "v1", "restores", "Restore", "", NS, VELERO },
    { "velero.io", "v1", "schedules", "Schedule", "", NS, VELERO },
    { "velero.io", "v1", "serverstatusrequests", "ServerStatusRequest", "ssr", NS, VELERO },
    { "velero.io", "v1", "volumesnapshotlocations", "VolumeSnapshotLocation", "vsl", NS, VELERO },
    { "work.karmada.io", "v1alpha1", "works", "Work", "wk", NS, STATUS, KARMADA },
    { "work.karmada.io", "v1alpha2", "clusterresourcebindings", "ClusterResourceBinding", "crb",
      STATUS, KARMADA },
    { "work.karmada.io", "v1alpha2", "resourcebindings", "ResourceBinding", "rb", NS, STATUS,
      KARMADA },
    { .kind = NULL },
};

const struct sbx_version_alias sbx_version_aliases[] = {
    { "networking.istio.io", "v1beta1", NULL },
    { "networking.istio.io", "v1alpha3", NULL },
    { "gateway.networking.k8s.io", "v1beta1",
      "gatewayclasses,gateways,httproutes,referencegrants" },
    { NULL, NULL, NULL },
};

bool sbx_word_in(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0'))
            return true;
    return false;
}

static bool alias_serves(const char *group, const char *version, const char *plural)
{
    for (const struct sbx_version_alias *a = sbx_version_aliases; a->group; a++)
        if (strcmp(a->group, group) == 0 && strcmp(a->version, version) == 0 &&
            (!a->plurals || sbx_word_in(a->plurals, plural)))
            return true;
    return false;
}

const struct sbx_kind *sbx_kind_of_group(const char *group, const char *plural)
{
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
        if (strcmp(k->group, group) == 0 && strcmp(k->plural, plural) == 0)
            return k;
    return NULL;
}

const struct sbx_kind *sbx_kind_find(const char *group, const char *version, const char *plural)
{
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    if (!k || (strcmp(k->version, version) != 0 && !alias_serves(group, version, plural)))
        return NULL;
    return k;
}

const struct sbx_kind *sbx_kind_named(const char *api_version, const char *kind)
{
    const char *slash = strchr(api_version, '/');
    size_t n = slash ? (size_t)(slash - api_version) : 0;
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
        if (strcmp(k->kind, kind) == 0 && strlen(k->group) == n &&
            strncmp(k->group, api_version, n) == 0)
            return k;
    return NULL;
}

bool sbx_kind_served(const struct sbx_served *s, const struct sbx_kind *k)
{
    char key[128];
    if (k->plane != SBX_PLANE_NONE && k->plane != s->plane)
        return false;
    if (k->addon != SBX_ADDON_NONE && k->addon != s->addon)
        return false;
    snprintf(key, sizeof(key), "%s/%s", k->group, k->plural);
    return !sbx_word_in(s->hidden, key) && !sbx_word_in(s->lacking, key);
}

bool sbx_group_version_served(const struct sbx_served *s, const char *group, const char *version)
{
    if (strcmp(group, "authorization.k8s.io") == 0 && strcmp(version, "v1") == 0)
        return true;
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
        if (strcmp(k->group, group) == 0 && sbx_kind_served(s, k) &&
            (strcmp(k->version, version) == 0 || alias_serves(group, version, k->plural)))
            return true;
    return false;
}
