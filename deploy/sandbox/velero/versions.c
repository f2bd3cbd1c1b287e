/* SPDX-License-Identifier: Apache-2.0 */
/* What a version's definitions know: fields of specs and statuses by the release that brought them.
 * Others are pruned from what clients write, without a word. Any thread. */
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/api/status.h"
#include "deploy/sandbox/velero/round.h"

enum { SINCE_ALWAYS = 0 };
#define V(minor) VL_VERSION(minor, 0)

/* A field of these kinds ("a,b"), at a path from the object, since a version. What is not in the
 * table has always been there. */
static const struct {
    const char *plurals, *part, *field;
    int since;
} fields[] = {
    { "restores", "spec", "existingResourcePolicy", V(9) },
    { "restores", "spec", "restoreStatus", V(9) },
    { "backups", "spec", "defaultVolumesToFsBackup", V(10) },
    { "backups", "spec", "resourcePolicy", V(11) },
    { "backups", "spec", "itemOperationTimeout", V(11) },
    { "restores", "spec", "itemOperationTimeout", V(11) },
    { "backups", "spec", "includedNamespaceScopedResources", V(11) },
    { "backups", "spec", "excludedNamespaceScopedResources", V(11) },
    { "backups", "spec", "includedClusterScopedResources", V(11) },
    { "backups", "spec", "excludedClusterScopedResources", V(11) },
    { "backups", "status", "backupItemOperationsAttempted", V(11) },
    { "backups", "status", "backupItemOperationsCompleted", V(11) },
    { "backups", "status", "backupItemOperationsFailed", V(11) },
    { "backups", "spec", "snapshotMoveData", V(12) },
    { "backups", "spec", "datamover", V(12) },
    { "restores", "spec", "resourceModifier", V(12) },
    { "backups,restores", "spec", "uploaderConfig", V(13) },
    { "backups,restores", "status", "hookStatus", V(13) },
    { "podvolumebackups,podvolumerestores", "spec", "uploaderSettings", V(13) },
    { "podvolumebackups,podvolumerestores", "spec", "cancel", V(17) },
    { "podvolumebackups,podvolumerestores", "status", "acceptedTimestamp", V(17) },
    { "podvolumerestores", "status", "node", V(17) },
    { "backups", "spec", "volumeGroupSnapshotLabelKey", V(17) },
    { "backups", "status", "queuePosition", V(18) },
    { "podvolumebackups,datauploads", "status", "incrementalBytes", V(18) },
    { "podvolumerestores,datadownloads", "spec", "snapshotSize", V(18) },
    { "restores", "spec", "resourcePolicy", V(19) },
    { "restores", "spec", "existingVolumeDataPolicy", V(19) },
};

const char *vl_lacking(int version)
{
    return version < V(10)   ? "velero.io/datauploads,velero.io/datadownloads,"
                               "velero.io/backuprepositories"
           : version < V(12) ? "velero.io/datauploads,velero.io/datadownloads"
                             : NULL;
}

static void prune(const char *plural, json_t *obj, int version)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++)
        if (version < fields[i].since && sbx_word_in(fields[i].plurals, plural))
            json_object_del(json_object_get(obj, fields[i].part), fields[i].field);
}

/* Members that no version knows, in specs that we know whole. */
static const struct {
    const char *plural, *members;
} specs[] = {
    { "backups",
      "metadata,includedNamespaces,excludedNamespaces,includedResources,excludedResources,"
      "includedClusterScopedResources,excludedClusterScopedResources,"
      "includedNamespaceScopedResources,excludedNamespaceScopedResources,labelSelector,"
      "orLabelSelectors,snapshotVolumes,ttl,includeClusterResources,hooks,storageLocation,"
      "volumeSnapshotLocations,defaultVolumesToRestic,defaultVolumesToFsBackup,orderedResources,"
      "csiSnapshotTimeout,itemOperationTimeout,resourcePolicy,snapshotMoveData,datamover,"
      "uploaderConfig,volumeGroupSnapshotLabelKey" },
    { "restores",
      "backupName,scheduleName,includedNamespaces,excludedNamespaces,includedResources,"
      "excludedResources,namespaceMapping,labelSelector,orLabelSelectors,restorePVs,restoreStatus,"
      "preserveNodePorts,includeClusterResources,hooks,existingResourcePolicy,"
      "itemOperationTimeout,resourceModifier,uploaderConfig,resourcePolicy,"
      "existingVolumeDataPolicy" },
};

static void prune_unknown(const char *plural, json_t *obj)
{
    const char *name;
    json_t *v, *spec = json_object_get(obj, "spec");
    void *tmp;
    for (size_t i = 0; i < CF_ARRAY_LEN(specs); i++) {
        if (strcmp(specs[i].plural, plural) != 0)
            continue;
        json_object_foreach_safe(spec, tmp, name, v)
        {
            if (!sbx_word_in(specs[i].members, name))
                json_object_del(spec, name);
        }
    }
}

bool vl_review(void *user, const struct sbx_review *review, struct sbx_answer *out)
{
    struct vl_cluster *c = user;
    const char *name = cf_json_str(review->obj ? review->obj : review->live, "", "metadata", "name",
                                   NULL),
               *kind = cf_json_str(review->obj, "", "kind", NULL);
    if (strcmp(review->group, VL_G) != 0)
        return true;
    if (!review->trusted &&
        vl_meets(vl_common(c->velero)->switches, VL_CONFLICT, c->name, kind, name, NULL, "", NULL))
        return sbx_fail_conflict(out, sbx_kind_of_group(VL_G, review->plural), name,
                                 "the object has been modified; please apply your changes to the "
                                 "latest version and try again");
    if (review->obj) {
        prune(review->plural, review->obj, atomic_load(&c->version));
        prune_unknown(review->plural, review->obj);
    }
    return true;
}
