/* SPDX-License-Identifier: Apache-2.0 */
/* Owners in repositories (gitops.h). The fields are those of Argo CD 2.x and 3.x and of Flux 2. */
#include "federation/objects/gitops.h"

#include <stdio.h>
#include <string.h>

#include "federation/objects/kinds.h"

#define ARGO_SKIP     "argocd.argoproj.io/skip-reconcile"
#define ARGO_ID       "argocd.argoproj.io/tracking-id"
#define ARGO_INSTANCE "argocd.argoproj.io/instance"
#define INSTANCE      "app.kubernetes.io/instance"
#define FLUX_OFF      "kustomize.toolkit.fluxcd.io/reconcile"
#define MANAGER       "crossfade"

enum { APPLICATION, KUSTOMIZATION, HELM_RELEASE };

static const struct cf_gitops_kind kinds[] = {
    [APPLICATION] = { "Argo CD",
                      "Application",
                      { "argoproj.io/v1alpha1" },
                      "spec.syncPolicy.automated" },
    [KUSTOMIZATION] = { "Flux",
                        "Kustomization",
                        { "kustomize.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1beta2" },
                        "spec.suspend" },
    [HELM_RELEASE] = { "Flux",
                       "HelmRelease",
                       { "helm.toolkit.fluxcd.io/v2", "helm.toolkit.fluxcd.io/v2beta2",
                         "helm.toolkit.fluxcd.io/v2beta1" },
                       "spec.suspend" },
};

const struct cf_gitops_kind *cf_gitops_kind(const char *kind)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    return NULL;
}

/* ---- marks ---- */

static const char *label(const json_t *object, const char *key)
{
    return cf_json_str(object, "", "metadata", "labels", key, NULL);
}

static const char *note(const json_t *object, const char *key)
{
    return cf_json_str(object, "", "metadata", "annotations", key, NULL);
}

/* Names that do not fit are no names: such a mark leads nowhere. */
static bool name_owner(size_t kind, const char *ns, size_t ns_len, const char *name,
                       size_t name_len, struct cf_gitops_owner *out)
{
    if (name_len == 0 || name_len >= sizeof out->name || ns_len >= sizeof out->ns)
        return false;
    memset(out, 0, sizeof *out);
    out->kind = &kinds[kind];
    memcpy(out->ns, ns, ns_len);
    memcpy(out->name, name, name_len);
    return true;
}

/* "app:apps/Deployment:ns/name"; an Application outside Argo CD's own namespace is "ns_app". */
static bool by_argo_name(const char *text, size_t len, struct cf_gitops_owner *out)
{
    const char *split = memchr(text, '_', len);
    if (!split)
        return name_owner(APPLICATION, "", 0, text, len, out);
    size_t ns_len = (size_t)(split - text);
    return name_owner(APPLICATION, text, ns_len, split + 1, len - ns_len - 1, out);
}

static bool by_argo(const json_t *object, struct cf_gitops_owner *out)
{
    const char *id = note(object, ARGO_ID);
    const char *own = label(object, ARGO_INSTANCE);
    const char *common = label(object, INSTANCE);
    if (*id)
        return by_argo_name(id, strcspn(id, ":"), out);
    if (*own)
        return by_argo_name(own, strlen(own), out);
    if (!*common || !by_argo_name(common, strlen(common), out))
        return false;
    out->doubtful = true;
    return true;
}

static bool by_flux(const json_t *object, size_t kind, const char *name_key, const char *ns_key,
                    struct cf_gitops_owner *out)
{
    const char *ns = label(object, ns_key), *name = label(object, name_key);
    return name_owner(kind, ns, strlen(ns), name, strlen(name), out);
}

size_t cf_gitops_owners(const json_t *object, struct cf_gitops_owner out[CF_GITOPS_OWNERS_MAX])
{
    size_t n = 0;
    n += by_argo(object, &out[n]);
    if (strcmp(note(object, FLUX_OFF), "disabled") != 0)
        n += by_flux(object, KUSTOMIZATION, "kustomize.toolkit.fluxcd.io/name",
                     "kustomize.toolkit.fluxcd.io/namespace", &out[n]);
    n += by_flux(object, HELM_RELEASE, "helm.toolkit.fluxcd.io/name",
                 "helm.toolkit.fluxcd.io/namespace", &out[n]);
    return n;
}

bool cf_gitops_lists(const json_t *application, const json_t *object, bool doubtful)
{
    const json_t *listed = cf_json_at(application, "status", "resources", NULL);
    size_t i;
    json_t *row;
    if (json_array_size(listed) == 0)
        return !doubtful;
    json_array_foreach(listed, i, row)
    {
        if (strcmp(cf_json_str(row, "", "kind", NULL), cf_json_str(object, "", "kind", NULL)) ==
                0 &&
            strcmp(cf_json_str(row, "", "namespace", NULL), cf_object_namespace(object)) == 0 &&
            strcmp(cf_json_str(row, "", "name", NULL), cf_object_name(object)) == 0)
            return true;
    }
    return false;
}

/* ---- an owner as it is ---- */

static bool is_application(const json_t *owner)
{
    return strcmp(cf_json_str(owner, "", "kind", NULL), kinds[APPLICATION].kind) == 0;
}

bool cf_gitops_is_paused(const json_t *owner)
{
    if (!is_application(owner))
        return cf_json_bool(owner, false, "spec", "suspend", NULL);
    const json_t *automated = cf_json_at(owner, "spec", "syncPolicy", "automated", NULL);
    return !json_is_object(automated) || !cf_json_bool(automated, true, "enabled", NULL) ||
           strcmp(note(owner, ARGO_SKIP), "true") == 0;
}

bool cf_gitops_is_at_work(const json_t *owner)
{
    const char *phase = cf_json_str(owner, "", "status", "operationState", "phase", NULL);
    if (is_application(owner))
        return json_is_object(json_object_get(owner, "operation")) ||
               strcmp(phase, "Running") == 0 || strcmp(phase, "Terminating") == 0;
    return cf_object_condition_is(owner, "Ready", "Unknown");
}

json_t *cf_gitops_saved(const json_t *owner)
{
    const json_t *value = is_application(owner)
                              ? cf_json_at(owner, "spec", "syncPolicy", "automated", NULL)
                              : cf_json_at(owner, "spec", "suspend", NULL);
    return value ? json_incref(cf_json_unconst(value)) : json_null();
}

static json_t *op(const char *what, const char *path, json_t *value)
{
    return value ? json_pack("{s:s,s:s,s:o}", "op", what, "path", path, "value", value)
                 : json_pack("{s:s,s:s}", "op", what, "path", path);
}

static json_t *set_or_remove(const char *path, const json_t *value)
{
    return json_is_null(value) ? op("remove", path, NULL)
                               : op("add", path, json_incref(cf_json_unconst(value)));
}

json_t *cf_gitops_patch(const json_t *owner, bool back, const json_t *had)
{
    static const char *const policy = "/spec/syncPolicy", *const at = "/spec/syncPolicy/automated";
    json_t *patch = json_array();
    json_array_append_new(patch, op("test", "/metadata/uid", json_string(cf_object_uid(owner))));
    json_array_append_new(patch, op("test", "/spec", json_incref(json_object_get(owner, "spec"))));
    if (!is_application(owner)) {
        json_array_append_new(patch, back ? set_or_remove("/spec/suspend", had)
                                          : op("add", "/spec/suspend", json_true()));
        return patch;
    }
    if (back && !json_is_object(cf_json_at(owner, "spec", "syncPolicy", NULL)))
        json_array_append_new(patch, op("add", policy, json_object()));
    json_array_append_new(patch, back ? set_or_remove(at, had) : op("remove", at, NULL));
    return patch;
}

/* ---- who would put the pause itself back ---- */

/* Whether a list of JSON pointers holds the sync policy or what we change in it. */
static bool points_at_policy(const json_t *pointers)
{
    size_t i;
    json_t *pointer;
    json_array_foreach(pointers, i, pointer)
    {
        const char *text = json_is_string(pointer) ? json_string_value(pointer) : "";
        if (strcmp(text, "/spec/syncPolicy") == 0 ||
            strcmp(text, "/spec/syncPolicy/automated") == 0)
            return true;
    }
    return false;
}

bool cf_gitops_set_spares_policy(const json_t *application_set, const char *application)
{
    const char *how =
        cf_json_str(application_set, "sync", "spec", "syncPolicy", "applicationsSync", NULL);
    size_t i;
    json_t *row;
    if (strcmp(how, "create-only") == 0 || strcmp(how, "create-delete") == 0)
        return true;
    json_array_foreach(cf_json_at(application_set, "spec", "ignoreApplicationDifferences", NULL), i,
                       row)
    {
        const char *name = cf_json_str(row, "", "name", NULL);
        if ((!*name || strcmp(name, application) == 0) &&
            points_at_policy(json_object_get(row, "jsonPointers")))
            return true;
    }
    return false;
}

static bool ignores_policy(const json_t *parent, const json_t *owner)
{
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(parent, "spec", "ignoreDifferences", NULL), i, row)
    {
        const char *name = cf_json_str(row, "", "name", NULL);
        if (strcmp(cf_json_str(row, "", "kind", NULL), kinds[APPLICATION].kind) == 0 &&
            (!*name || strcmp(name, cf_object_name(owner)) == 0) &&
            points_at_policy(json_object_get(row, "jsonPointers")))
            return true;
    }
    return false;
}

/* Whether somebody else wrote spec.suspend himself, such as a repository that says `suspend: false`: a
 * field that nobody's text has stays as we set it. */
static bool others_set_suspend(const json_t *owner)
{
    size_t i;
    json_t *entry;
    json_array_foreach(cf_json_at(owner, "metadata", "managedFields", NULL), i, entry)
    {
        if (strcmp(cf_json_str(entry, "", "manager", NULL), MANAGER) != 0 &&
            cf_json_at(entry, "fieldsV1", "f:spec", "f:suspend", NULL))
            return true;
    }
    return false;
}

bool cf_gitops_parent_undoes(const json_t *parent, const json_t *owner)
{
    if (cf_gitops_is_paused(parent))
        return false;
    if (!is_application(owner))
        return others_set_suspend(owner);
    if (!is_application(parent))
        return true; /* Flux applies what its repository has, and that has the policy */
    return cf_json_bool(parent, false, "spec", "syncPolicy", "automated", "selfHeal", NULL) &&
           !ignores_policy(parent, owner);
}
