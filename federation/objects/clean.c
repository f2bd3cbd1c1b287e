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
    "deprecated.daemonset.template.generation",
    "autoscaling.alpha.kubernetes.io/*",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "openshift.io/sa.scc.*",
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

static const struct {
    const char *key;
    const char *tool;
} gitops[] = {
    { "argocd.argoproj.io/tracking-id", "Argo CD" },
    { "argocd.argoproj.io/instance", "Argo CD" },
    { "kustomize.toolkit.fluxcd.io/name", "Flux" },
    { "helm.toolkit.fluxcd.io/name", "Flux" },
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

json_t *cf_object_clean(const json_t *object)
{
    json_t *copy = cf_json_copy(object);
    strip_metadata(json_object_get(copy, "metadata"));
    json_object_del(copy, "status");
    const struct cf_kind *k = cf_kind_of(copy);
    if (k && k->clean)
        k->clean(copy, object);
    return copy;
}

/* --- rules of kinds --- */

static bool is_token_volume(const char *name, const char *account)
{
    cf_autofree char *prefix = cf_xasprintf("%s-token-", account);
    return strncmp(name, "kube-api-access-", 16) == 0 ||
           (*account && strncmp(name, prefix, strlen(prefix)) == 0);
}

static void drop_named(json_t *list, const char *account)
{
    for (size_t i = json_array_size(list); i-- > 0;)
        if (is_token_volume(cf_json_str(json_array_get(list, i), "", "name", NULL), account))
            json_array_remove(list, i);
}

static void strip_pod_spec(json_t *spec)
{
    const char *account = cf_json_str(spec, "default", "serviceAccountName", NULL);
    json_object_del(spec, "nodeName");
    if (json_object_get(spec, "priorityClassName"))
        json_object_del(spec, "priority"); /* computed from the class */
    drop_named(json_object_get(spec, "volumes"), account);
    static const char *const lists[] = { "containers", "initContainers" };
    for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
        size_t i;
        json_t *container;
        json_array_foreach(json_object_get(spec, lists[l]), i, container)
        {
            drop_named(json_object_get(container, "volumeMounts"), account);
        }
    }
    json_object_del(spec, "serviceAccount"); /* deprecated twin of serviceAccountName */
}

/* A nested metadata's null creationTimestamp is what typed clients leave behind. */
static void strip_template(json_t *template)
{
    cf_json_del(template, "metadata", "creationTimestamp", NULL);
}

void cf_clean_pod_template(json_t *object, const json_t *original)
{
    (void)original;
    json_t *spec = cf_object_pod_spec(object);
    if (spec)
        strip_pod_spec(spec);
    strip_template(json_object_get(json_object_get(object, "spec"), "template"));
}

void cf_clean_stateful_set(json_t *object, const json_t *original)
{
    cf_clean_pod_template(object, original);
    size_t i;
    json_t *claim;
    json_array_foreach(cf_json_at(object, "spec", "volumeClaimTemplates", NULL), i, claim)
    {
        json_object_del(claim, "status");
        cf_json_del(claim, "metadata", "creationTimestamp", NULL);
    }
}

/* The controller's own selector and labels name the uid of the source's Job. */
void cf_clean_job(json_t *object, const json_t *original)
{
    static const char *const labels[] = { "controller-uid", "job-name",
                                          "batch.kubernetes.io/controller-uid",
                                          "batch.kubernetes.io/job-name" };
    cf_clean_pod_template(object, original);
    if (cf_json_bool(object, false, "spec", "manualSelector", NULL))
        return;
    cf_json_del(object, "spec", "selector", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(labels); i++) {
        cf_json_del(object, "spec", "template", "metadata", "labels", labels[i], NULL);
        cf_json_del(object, "metadata", "labels", labels[i], NULL);
    }
}

/* Whether a list of ports (as someone applied it) has this port with this very node port. */
static bool has_node_port(const json_t *ports, const json_t *port)
{
    size_t i;
    json_t *applied;
    json_array_foreach(ports, i, applied)
    {
        if (cf_json_int(applied, 0, "port", NULL) == cf_json_int(port, -1, "port", NULL) &&
            cf_json_int(applied, 0, "nodePort", NULL) == cf_json_int(port, -1, "nodePort", NULL))
            return true;
    }
    return false;
}

/* managedFields say of an applied port `k:{"port":80,"protocol":"TCP"}: {"f:nodePort": {}}`. */
static bool is_applied_node_port(const json_t *original, const json_t *port)
{
    cf_autofree char *key = cf_xasprintf("k:{\"port\":%lld,\"protocol\":\"%s\"}",
                                         (long long)cf_json_int(port, 0, "port", NULL),
                                         cf_json_str(port, "TCP", "protocol", NULL));
    size_t i;
    json_t *entry;
    json_array_foreach(cf_json_at(original, "metadata", "managedFields", NULL), i, entry)
    {
        if (strcmp(cf_json_str(entry, "", "operation", NULL), "Apply") == 0 &&
            cf_json_at(entry, "fieldsV1", "f:spec", "f:ports", key, "f:nodePort", NULL))
            return true;
    }
    return false;
}

/* A node port that a person chose is meant; one that the source cluster gave is not. */
static bool is_chosen_node_port(const json_t *original, const json_t *port)
{
    const char *text = cf_json_str(original, NULL, "metadata", "annotations",
                                   "kubectl.kubernetes.io/last-applied-configuration", NULL);
    struct cf_error unreadable = CF_ERROR_INIT; /* somebody else's text: then it proves nothing */
    cf_autojson json_t *applied = text ? cf_json_parse(text, strlen(text), 0, &unreadable) : NULL;
    return has_node_port(cf_json_at(applied, "spec", "ports", NULL), port) ||
           is_applied_node_port(original, port);
}

void cf_clean_service(json_t *object, const json_t *original)
{
    json_t *spec = json_object_get(object, "spec");
    if (strcmp(cf_json_str(spec, "", "clusterIP", NULL), "None") != 0) {
        json_object_del(spec, "clusterIP");
        json_object_del(spec, "clusterIPs");
    }
    static const char *const given[] = { "healthCheckNodePort", "loadBalancerIP", "ipFamilies",
                                         "ipFamilyPolicy", "externalIPs" };
    for (size_t i = 0; i < CF_ARRAY_LEN(given); i++)
        json_object_del(spec, given[i]);
    size_t i;
    json_t *port;
    json_array_foreach(json_object_get(spec, "ports"), i, port)
    {
        if (!is_chosen_node_port(original, port))
            json_object_del(port, "nodePort");
    }
}

void cf_clean_claim(json_t *object, const json_t *original)
{
    (void)original;
    static const char *const fields[] = { "volumeName", "dataSource", "dataSourceRef" };
    for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++)
        cf_json_del(object, "spec", fields[i], NULL);
}

void cf_clean_service_account(json_t *object, const json_t *original)
{
    (void)original;
    json_t *secrets = json_object_get(object, "secrets");
    cf_autofree char *token = cf_xasprintf("%s-token-", cf_object_name(object));
    for (size_t i = json_array_size(secrets); i-- > 0;) {
        const char *name = cf_json_str(json_array_get(secrets, i), "", "name", NULL);
        if (strncmp(name, token, strlen(token)) == 0 || strstr(name, "-dockercfg-"))
            json_array_remove(secrets, i);
    }
    if (secrets && json_array_size(secrets) == 0)
        json_object_del(object, "secrets");
}

void cf_clean_namespace(json_t *object, const json_t *original)
{
    (void)original;
    cf_json_del(object, "spec", "finalizers", NULL);
    /* The label that carries the name is the API server's; it would contradict another name. */
    cf_json_del(object, "metadata", "labels", "kubernetes.io/metadata.name", NULL);
}

/* --- what is never copied --- */

static bool has_controller(const json_t *object)
{
    size_t i;
    json_t *owner;
    json_array_foreach(cf_json_at(object, "metadata", "ownerReferences", NULL), i, owner)
    {
        if (cf_json_bool(owner, false, "controller", NULL))
            return true;
    }
    return false;
}

static bool is_well_known_config_map(const char *name)
{
    static const char *const names[] = { "kube-root-ca.crt", "istio-ca-root-cert",
                                         "openshift-service-ca.crt",
                                         "extension-apiserver-authentication" };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

const char *cf_object_skip_reason(const json_t *object)
{
    const struct cf_kind *k = cf_kind_of(object);
    if (!k)
        return "its kind is not copied";
    const char *name = cf_object_name(object);
    const char *type = cf_json_str(object, "", "type", NULL);
    if (strcmp(k->kind, "ConfigMap") == 0 && is_well_known_config_map(name))
        return "every cluster makes its own";
    if (strcmp(k->kind, "ServiceAccount") == 0 && strcmp(name, "default") == 0)
        return "every namespace has its own";
    if (strcmp(k->kind, "Secret") == 0 && strcmp(type, "kubernetes.io/service-account-token") == 0)
        return "a token of the source cluster's service account";
    if (strcmp(k->kind, "Secret") == 0 && strcmp(type, "bootstrap.kubernetes.io/token") == 0)
        return "a bootstrap token of the source cluster";
    if (strcmp(k->kind, "Job") == 0 && has_controller(object))
        return "its CronJob makes it";
    if (cf_json_at(object, "metadata", "deletionTimestamp", NULL))
        return "it is being deleted";
    return NULL;
}

const char *cf_object_gitops_owner(const json_t *object)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(gitops); i++)
        if (cf_json_at(object, "metadata", "labels", gitops[i].key, NULL) ||
            cf_json_at(object, "metadata", "annotations", gitops[i].key, NULL))
            return gitops[i].tool;
    return NULL;
}
