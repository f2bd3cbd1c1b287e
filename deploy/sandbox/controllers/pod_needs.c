/* SPDX-License-Identifier: Apache-2.0 */
/* Where a pod's spec names ConfigMaps, Secrets and claims. */
#include "deploy/sandbox/controllers/pod_needs.h"

#include <string.h>

#include "deploy/sandbox/controllers/meta.h"

/* Members that name an object, by the member that holds the name. */
static const struct {
    const char *member, *name, *plural, *what;
} references[] = {
    { "configMapRef", "name", "configmaps", "ConfigMap" },    /* envFrom */
    { "secretRef", "name", "secrets", "Secret" },             /* envFrom */
    { "configMapKeyRef", "name", "configmaps", "ConfigMap" }, /* env */
    { "secretKeyRef", "name", "secrets", "Secret" },          /* env */
    { "configMap", "name", "configmaps", "ConfigMap" },       /* volumes, also projected */
    { "secret", "secretName", "secrets", "Secret" },          /* volumes */
    { "secret", "name", "secrets", "Secret" },                /* projected volumes */
};

/* The object that `holder`'s members name and that is not there. */
static char *missing_in(struct sbx_pass *p, const char *ns, const json_t *holder)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(references); i++) {
        const json_t *ref = json_object_get(holder, references[i].member);
        const char *name = cf_json_str(ref, "", references[i].name, NULL);
        if (*name && !cf_json_bool(ref, false, "optional", NULL) &&
            !sbx_pass_one(p, "", references[i].plural, ns, name))
            return cf_xasprintf("%s %s is not there", references[i].what, name);
    }
    return NULL;
}

static char *missing_in_container(struct sbx_pass *p, const char *ns, const json_t *container)
{
    char *missing = NULL;
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(container, "envFrom"), i, e)
    {
        if (!missing)
            missing = missing_in(p, ns, e);
    }
    json_array_foreach(json_object_get(container, "env"), i, e)
    {
        if (!missing)
            missing = missing_in(p, ns, json_object_get(e, "valueFrom"));
    }
    return missing;
}

static char *missing_claim(struct sbx_pass *p, const char *ns, const char *name)
{
    const json_t *claim = sbx_pass_one(p, "", "persistentvolumeclaims", ns, name);
    if (claim && strcmp(cf_json_str(claim, "", "status", "phase", NULL), "Bound") == 0)
        return NULL;
    return cf_xasprintf("PersistentVolumeClaim %s is not %s", name, claim ? "bound" : "there");
}

static char *missing_in_volume(struct sbx_pass *p, const char *ns, const json_t *volume)
{
    const char *claim = cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL);
    char *missing = *claim ? missing_claim(p, ns, claim) : missing_in(p, ns, volume);
    size_t i;
    json_t *source;
    json_array_foreach(cf_json_at(volume, "projected", "sources", NULL), i, source)
    {
        if (!missing)
            missing = missing_in(p, ns, source);
    }
    return missing;
}

char *sbx_pod_missing(struct sbx_pass *p, const json_t *pod)
{
    static const char *const groups[] = { "initContainers", "containers" };
    char *missing = NULL;
    size_t i;
    json_t *part;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, part)
    {
        if (!missing)
            missing = missing_in_volume(p, sbx_ns(pod), part);
    }
    for (size_t g = 0; g < CF_ARRAY_LEN(groups); g++)
        json_array_foreach(cf_json_at(pod, "spec", groups[g], NULL), i, part)
        {
            if (!missing)
                missing = missing_in_container(p, sbx_ns(pod), part);
        }
    return missing;
}

bool sbx_pod_create(struct sbx_pass *p, json_t *pod)
{
    const char *account = cf_json_str(pod, "default", "spec", "serviceAccountName", NULL);
    if (!sbx_pass_one(p, "", "serviceaccounts", sbx_ns(pod), account)) {
        json_decref(pod);
        return false;
    }
    cf_json_put_take(pod, json_string(account), "spec", "serviceAccountName", NULL);
    return sbx_pass_create(p, SBX_MANAGER, "", "pods", pod);
}
