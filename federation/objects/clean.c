/* SPDX-License-Identifier: Apache-2.0 */
/* The strip list: tables for what every object loses, one function for what a kind loses beyond
 * it. */
#include "federation/objects/clean.h"

#include <string.h>

static const char *const metadata_fields[] = {
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "selfLink",
    "managedFields",
    "finalizers",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "generateName",
};

/* Labels and annotations of tools that would act on a copy, and of controllers of the source. A
 * trailing '*' stands for any rest. */
static const char *const keys_of_others[] = {
    "kubectl.kubernetes.io/last-applied-configuration",
    "control-plane.alpha.kubernetes.io/leader",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.daemonset.template.generation",
    "autoscaling.alpha.kubernetes.io/*",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "openshift.io/sa.scc.*",
    "openshift.io/internal-registry-pull-secret-ref",
    "cloud.google.com/neg-status",
    "karmada.io/*",
    "*.karmada.io/*",
    "clusternet.io/*",
    "*.clusternet.io/*",
    "velero.io/*",
    "crossfade.dev/*",
    "argocd.argoproj.io/*",
    "kustomize.toolkit.fluxcd.io/*",
    "helm.toolkit.fluxcd.io/*",
};

/* Patterns "name", "prefix*", "*middle*": one star at most at each end. */
static bool matches(const char *pattern, const char *key)
{
    size_t len = strlen(pattern);
    bool open_end = len > 0 && pattern[len - 1] == '*';
    if (pattern[0] == '*') {
        cf_autofree char *middle = cf_xstrndup(pattern + 1, len - 1 - (open_end ? 1 : 0));
        return strstr(key, middle) != NULL;
    }
    return open_end ? strncmp(pattern, key, len - 1) == 0 : strcmp(pattern, key) == 0;
}

static bool is_of_others(const char *key)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(keys_of_others); i++)
        if (matches(keys_of_others[i], key))
            return true;
    return false;
}

static void strip_keys(json_t *metadata, const char *map_name)
{
    json_t *map = json_object_get(metadata, map_name);
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(map, next, key, value)
    {
        if (is_of_others(key))
            json_object_del(map, key);
    }
    if (map && json_object_size(map) == 0)
        json_object_del(metadata, map_name);
}

static void strip_metadata(json_t *metadata)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(metadata_fields); i++)
        json_object_del(metadata, metadata_fields[i]);
    strip_keys(metadata, "annotations");
    strip_keys(metadata, "labels");
}

/* A nested metadata's null creationTimestamp is what typed clients leave behind. */
static void strip_null_times(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_null(cf_json_at(value, "metadata", "creationTimestamp", NULL)))
        cf_json_del(value, "metadata", "creationTimestamp", NULL);
    json_object_foreach(value, key, member)
    {
        strip_null_times(member);
    }
    json_array_foreach(value, i, member)
    {
        strip_null_times(member);
    }
}

json_t *cf_object_clean(const json_t *object)
{
    json_t *copy = cf_json_copy(object);
    strip_metadata(json_object_get(copy, "metadata"));
    json_object_del(copy, "status");
    strip_null_times(copy);
    const struct cf_kind *k = cf_kind_of(copy);
    if (k && k->clean)
        k->clean(copy, object);
    return copy;
}
