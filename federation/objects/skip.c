/* SPDX-License-Identifier: Apache-2.0 */
/* What is never copied, and who keeps an object (clean.h). */
#include <ctype.h>
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/kinds.h"

static const struct {
    const char *key;
    const char *tool;
} gitops[] = {
    { "argocd.argoproj.io/tracking-id", "Argo CD" },
    { "argocd.argoproj.io/instance", "Argo CD" },
    { "kustomize.toolkit.fluxcd.io/name", "Flux" },
    { "helm.toolkit.fluxcd.io/name", "Flux" },
};

const char *cf_object_gitops_owner(const json_t *object)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(gitops); i++)
        if (cf_json_at(object, "metadata", "labels", gitops[i].key, NULL) ||
            cf_json_at(object, "metadata", "annotations", gitops[i].key, NULL))
            return gitops[i].tool;
    return NULL;
}

const json_t *cf_object_controller(const json_t *object)
{
    size_t i;
    json_t *owner;
    json_array_foreach(cf_json_at(object, "metadata", "ownerReferences", NULL), i, owner)
    {
        if (cf_json_bool(owner, false, "controller", NULL))
            return owner;
    }
    return NULL;
}

bool cf_service_is_by_hand(const json_t *service)
{
    return json_object_size(cf_json_at(service, "spec", "selector", NULL)) == 0 &&
           strcmp(cf_json_str(service, "", "spec", "type", NULL), "ExternalName") != 0;
}

static const char *skip_config_map(const json_t *object)
{
    static const char *const names[] = { "kube-root-ca.crt", "istio-ca-root-cert",
                                         "openshift-service-ca.crt",
                                         "extension-apiserver-authentication" };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++)
        if (strcmp(names[i], cf_object_name(object)) == 0)
            return "every cluster makes its own";
    return NULL;
}

/* "<account>-token-<five characters>", as token controllers name what they make. */
static bool is_made_token(const char *name, const char *account)
{
    cf_autofree char *prefix = cf_xasprintf("%s-token-", account);
    size_t len = strlen(prefix);
    if (strncmp(name, prefix, len) != 0 || strlen(name) != len + 5)
        return false;
    for (const char *c = name + len; *c; c++)
        if (!isalnum((unsigned char)*c))
            return false;
    return true;
}

static const char *skip_secret(const json_t *object)
{
    const char *type = cf_json_str(object, "", "type", NULL);
    const char *account = cf_json_str(object, "", "metadata", "annotations",
                                      "kubernetes.io/service-account.name", NULL);
    if (strcmp(type, "bootstrap.kubernetes.io/token") == 0)
        return "a bootstrap token of the source cluster";
    if (strcmp(type, "helm.sh/release.v1") == 0)
        return "the record of a Helm release of the source cluster";
    if (strcmp(type, CF_SECRET_TYPE_TOKEN) == 0 &&
        (!*account || is_made_token(cf_object_name(object), account)))
        return "a token of the source cluster's service account";
    return NULL;
}

static const char *skip_account(const json_t *object)
{
    return strcmp(cf_object_name(object), "default") == 0 ? "every namespace has its own" : NULL;
}

static const char *skip_job(const json_t *object)
{
    const json_t *maker = cf_object_controller(object);
    if (maker && strcmp(cf_json_str(maker, "CronJob", "kind", NULL), "CronJob") == 0)
        return "its CronJob makes it";
    if (cf_object_condition_is(object, "Complete", "True") ||
        cf_object_condition_is(object, "Failed", "True"))
        return "it has ended: a copy would do its work again";
    return NULL;
}

/* Endpoints and their slices are a controller's, unless the Service has no selector: then a person
 * wrote them. Slices that mirror such Endpoints are made again in the target. */
static const char *skip_slice(const json_t *object)
{
    const char *by = cf_json_str(object, "", "metadata", "labels",
                                 "endpointslice.kubernetes.io/managed-by", NULL);
    return strstr(by, ".k8s.io") ? "the target's controllers make its own" : NULL;
}

static const char *skip_endpoints(const json_t *object)
{
    if (cf_json_at(object, "metadata", "annotations", "control-plane.alpha.kubernetes.io/leader",
                   NULL))
        return "a lock of the source cluster";
    return cf_json_at(object, "metadata", "annotations",
                      "endpoints.kubernetes.io/last-change-trigger-time", NULL)
               ? "the target's controllers make its own"
               : NULL;
}

static const struct {
    const char *kind;
    const char *(*reason)(const json_t *object);
} rules[] = {
    { "ConfigMap", skip_config_map },   { "Secret", skip_secret },
    { "ServiceAccount", skip_account }, { "Job", skip_job },
    { "EndpointSlice", skip_slice },    { "Endpoints", skip_endpoints },
};

const char *cf_object_skip_reason(const json_t *object)
{
    const struct cf_kind *k = cf_kind_of(object);
    if (!k)
        return "its kind is not copied";
    if (cf_json_at(object, "metadata", "labels", "crossfade.dev/bridge", NULL))
        return "a bridge of Crossfade";
    const char *rbac =
        cf_json_str(object, "", "metadata", "labels", "kubernetes.io/bootstrapping", NULL);
    if (strcmp(rbac, "rbac-defaults") == 0)
        return "every cluster makes its own";
    for (size_t i = 0; i < CF_ARRAY_LEN(rules); i++) {
        const char *reason = strcmp(rules[i].kind, k->kind) == 0 ? rules[i].reason(object) : NULL;
        if (reason)
            return reason;
    }
    if (cf_json_at(object, "metadata", "deletionTimestamp", NULL))
        return "it is being deleted";
    return NULL;
}
