/* SPDX-License-Identifier: Apache-2.0 */
/* Walks of a pod spec. */
#include "federation/objects/pods.h"

#include <ctype.h>
#include <string.h>

#define CF_SECRET_PROVIDER_CLASS "SecretProviderClass.secrets-store.csi.x-k8s.io"

struct walk {
    cf_need_fn *need;
    void *user;
};

/* Reports the name at `field` of `reference`, if there is one. */
static void named(const struct walk *w, const char *kind, const json_t *reference,
                  const char *field)
{
    const char *name = cf_json_str(reference, "", field, NULL);
    if (*name)
        w->need(w->user, kind, name, cf_json_bool(reference, false, "optional", NULL));
}

static void walk_container(const struct walk *w, const json_t *container)
{
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(container, "envFrom"), i, e)
    {
        named(w, "ConfigMap", json_object_get(e, "configMapRef"), "name");
        named(w, "Secret", json_object_get(e, "secretRef"), "name");
    }
    json_array_foreach(json_object_get(container, "env"), i, e)
    {
        named(w, "ConfigMap", cf_json_at(e, "valueFrom", "configMapKeyRef", NULL), "name");
        named(w, "Secret", cf_json_at(e, "valueFrom", "secretKeyRef", NULL), "name");
    }
}

/* Volume sources that carry a reference to a Secret in their own way: source, path of the
 * reference. */
static const struct {
    const char *source;
    const char *reference;
} secret_sources[] = {
    { "csi", "nodePublishSecretRef" }, { "cephfs", "secretRef" },     { "rbd", "secretRef" },
    { "iscsi", "secretRef" },          { "flexVolume", "secretRef" }, { "scaleIO", "secretRef" },
    { "storageos", "secretRef" },
};

static void walk_volume(const struct walk *w, const json_t *volume)
{
    named(w, "ConfigMap", json_object_get(volume, "configMap"), "name");
    named(w, "Secret", json_object_get(volume, "secret"), "secretName");
    named(w, "Secret", json_object_get(volume, "azureFile"), "secretName");
    named(w, "PersistentVolumeClaim", json_object_get(volume, "persistentVolumeClaim"),
          "claimName");
    for (size_t s = 0; s < CF_ARRAY_LEN(secret_sources); s++)
        named(w, "Secret",
              cf_json_at(volume, secret_sources[s].source, secret_sources[s].reference, NULL),
              "name");
    named(w, CF_SECRET_PROVIDER_CLASS, cf_json_at(volume, "csi", "volumeAttributes", NULL),
          "secretProviderClass");
    named(w, "StorageClass", cf_json_at(volume, "ephemeral", "volumeClaimTemplate", "spec", NULL),
          "storageClassName");
    size_t i;
    json_t *source;
    json_array_foreach(cf_json_at(volume, "projected", "sources", NULL), i, source)
    {
        named(w, "ConfigMap", json_object_get(source, "configMap"), "name");
        named(w, "Secret", json_object_get(source, "secret"), "name");
    }
}

void cf_pod_needs(const json_t *pod_spec, cf_need_fn *need, void *user)
{
    const struct walk w = { need, user };
    static const char *const container_lists[] = { "initContainers", "containers",
                                                   "ephemeralContainers" };
    size_t i;
    json_t *one;
    for (size_t l = 0; l < CF_ARRAY_LEN(container_lists); l++) {
        json_array_foreach(json_object_get(pod_spec, container_lists[l]), i, one)
        {
            walk_container(&w, one);
        }
    }
    json_array_foreach(json_object_get(pod_spec, "volumes"), i, one)
    {
        walk_volume(&w, one);
    }
    json_array_foreach(json_object_get(pod_spec, "imagePullSecrets"), i, one)
    {
        named(&w, "Secret", one, "name");
    }
    json_array_foreach(json_object_get(pod_spec, "resourceClaims"), i, one)
    {
        named(&w, "ResourceClaimTemplate", one, "resourceClaimTemplateName");
    }
    const char *account = cf_json_str(pod_spec, "default", "serviceAccountName", NULL);
    need(user, "ServiceAccount", *account ? account : "default", false);
    named(&w, "PriorityClass", pod_spec, "priorityClassName");
    named(&w, "RuntimeClass", pod_spec, "runtimeClassName");
}

json_t *cf_pod_placement(const json_t *pod_spec)
{
    static const char *const keys[] = { "nodeSelector", "affinity", "tolerations" };
    json_t *placement = json_object();
    for (size_t i = 0; i < CF_ARRAY_LEN(keys); i++)
        if (json_object_get(pod_spec, keys[i]))
            json_object_set(placement, keys[i], json_object_get(pod_spec, keys[i]));
    return placement;
}

static bool is_ordinal(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if (!isdigit((unsigned char)*s))
            return false;
    return true;
}

struct mount {
    const char *claim;
    bool found;
};

static void is_it(void *user, const char *kind, const char *name, bool optional)
{
    struct mount *m = user;
    (void)optional;
    m->found =
        m->found || (strcmp(kind, "PersistentVolumeClaim") == 0 && strcmp(name, m->claim) == 0);
}

bool cf_pod_mounts(const json_t *pod_spec, const char *claim)
{
    struct mount m = { .claim = claim };
    cf_pod_needs(pod_spec, is_it, &m);
    return m.found;
}

struct mount_of {
    const json_t *claims;
    const char *found;
};

static void is_one_of(void *user, const char *kind, const char *name, bool optional)
{
    struct mount_of *m = user;
    void *at = json_object_iter_at(cf_json_unconst(m->claims), name);
    (void)optional;
    if (!m->found && at && strcmp(kind, "PersistentVolumeClaim") == 0)
        m->found = json_object_iter_key(at);
}

const char *cf_pod_mounts_of(const json_t *pod_spec, const json_t *claims)
{
    struct mount_of m = { .claims = claims };
    cf_pod_needs(pod_spec, is_one_of, &m);
    return m.found;
}

bool cf_claim_is_of_set(const char *claim_name, const json_t *stateful_set)
{
    const char *set = cf_json_str(stateful_set, "", "metadata", "name", NULL);
    size_t i;
    json_t *template;
    json_array_foreach(cf_json_at(stateful_set, "spec", "volumeClaimTemplates", NULL), i, template)
    {
        cf_autofree char *prefix =
            cf_xasprintf("%s-%s-", cf_json_str(template, "", "metadata", "name", NULL), set);
        size_t len = strlen(prefix);
        if (strncmp(claim_name, prefix, len) == 0 && is_ordinal(claim_name + len))
            return true;
    }
    return false;
}
