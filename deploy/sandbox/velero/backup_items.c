/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects a Backup takes: those that its filters fit, and what they bring with them: pods
 * their claims, claims their volumes, all of them their namespace. */
#include "deploy/sandbox/controllers/mounts.h"
#include "deploy/sandbox/velero/round.h"

#include <string.h>

/* Objects of these groups are never taken. */
static bool is_ours(const struct sbx_kind *k)
{
    return strcmp(k->group, VL_G) == 0 || strcmp(k->group, "snapshot.storage.k8s.io") == 0;
}

static bool kind_wanted(const json_t *spec, const struct sbx_kind *k)
{
    static const char *const scopes[2][2] = {
        { "includedClusterScopedResources", "excludedClusterScopedResources" },
        { "includedNamespaceScopedResources", "excludedNamespaceScopedResources" },
    };
    const char *const *scope = scopes[k->namespaced];
    return vl_kind_included(json_object_get(spec, "includedResources"),
                            json_object_get(spec, "excludedResources"), k) &&
           vl_kind_included(json_object_get(spec, scope[0]), json_object_get(spec, scope[1]), k);
}

static bool cluster_scope_wanted(const json_t *spec)
{
    return cf_json_bool(spec, true, "includeClusterResources", NULL);
}

static bool namespace_wanted(const json_t *spec, const char *ns)
{
    return vl_is_included(json_object_get(spec, "includedNamespaces"),
                          json_object_get(spec, "excludedNamespaces"), ns);
}

/* Once each, unless it says itself that it wants to stay out. */
static bool take(json_t *work, const json_t *spec, const struct sbx_kind *k, const json_t *object)
{
    cf_autofree char *key =
        cf_xasprintf("%s.%s/%s/%s", k->plural, k->group, sbx_ns(object), sbx_name(object));
    if (cf_json_at(work, "taken", key, NULL) || sbx_is_going(object) || !kind_wanted(spec, k) ||
        strcmp(sbx_label(object, VL_EXCLUDE), "true") == 0 ||
        (k->namespaced ? !namespace_wanted(spec, sbx_ns(object)) : !cluster_scope_wanted(spec)))
        return false;
    cf_json_put_take(work, json_true(), "taken", key, NULL);
    json_array_append(json_object_get(work, "items"), cf_json_unconst(object));
    return true;
}

static void take_claims(struct vl_cluster *c, json_t *work, const json_t *spec, const json_t *pod);

/* Since 1.15 a claim brings the pods that run with it, whatever their labels are. */
static void take_users(struct vl_cluster *c, json_t *work, const json_t *spec, const json_t *claim)
{
    const json_t *users = sbx_claim_users(&c->pass, sbx_ns(claim), sbx_name(claim));
    size_t i;
    json_t *pod;
    json_array_foreach(users, i, pod)
    {
        if (strcmp(cf_json_str(pod, "", "status", "phase", NULL), "Running") == 0 &&
            take(work, spec, sbx_kind_of_group("", "pods"), pod))
            take_claims(c, work, spec, pod);
    }
}

static void take_named(struct vl_cluster *c, json_t *work, const json_t *spec, const char *plural,
                       const char *ns, const char *name)
{
    const struct sbx_kind *k = sbx_kind_of_group("", plural);
    const json_t *o = sbx_pass_one(&c->pass, "", plural, ns, name);
    if (!o || !take(work, spec, k, o) || strcmp(plural, "persistentvolumeclaims") != 0)
        return;
    const char *volume = cf_json_str(o, "", "spec", "volumeName", NULL);
    if (*volume)
        take_named(c, work, spec, "persistentvolumes", NULL, volume);
    if (*volume && atomic_load(&c->version) >= VL_VERSION(15, 0))
        take_users(c, work, spec, o);
}

static void take_claims(struct vl_cluster *c, json_t *work, const json_t *spec, const json_t *pod)
{
    size_t i;
    json_t *volume;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        const char *claim = cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL);
        if (*claim)
            take_named(c, work, spec, "persistentvolumeclaims", sbx_ns(pod), claim);
    }
}

static void take_kind(struct vl_cluster *c, json_t *work, const json_t *spec,
                      const struct sbx_kind *k)
{
    bool pods = strcmp(k->plural, "pods") == 0,
         claims = strcmp(k->plural, "persistentvolumeclaims") == 0;
    size_t i;
    json_t *o;
    json_array_foreach(sbx_pass_all(&c->pass, k->group, k->plural), i, o)
    {
        if (!namespace_wanted(spec, sbx_ns(o)) || !vl_selects(spec, o))
            continue;
        if (claims)
            take_named(c, work, spec, k->plural, sbx_ns(o), sbx_name(o));
        else if (take(work, spec, k, o) && pods)
            take_claims(c, work, spec, o);
        take_named(c, work, spec, "namespaces", NULL, sbx_ns(o));
    }
}

/* Kinds of the whole cluster only when they are asked for by name or altogether. */
static void take_cluster_kind(struct vl_cluster *c, json_t *work, const json_t *spec,
                              const struct sbx_kind *k)
{
    const json_t *named = json_object_get(spec, "includedClusterScopedResources");
    size_t i;
    json_t *o;
    if (!cf_json_bool(spec, false, "includeClusterResources", NULL) &&
        (json_array_size(named) == 0 || !vl_kind_included(named, NULL, k)))
        return;
    json_array_foreach(sbx_pass_all(&c->pass, k->group, k->plural), i, o)
    {
        if (vl_selects(spec, o))
            take(work, spec, k, o);
    }
}

void vl_collect(struct vl_cluster *c, const json_t *backup, json_t *work)
{
    const json_t *spec = json_object_get(backup, "spec");
    static const char *const lists[] = { "items", "errors", "warnings", "steps", "volumes" };
    for (size_t i = 0; i < CF_ARRAY_LEN(lists); i++)
        json_object_set_new(work, lists[i], json_array());
    const struct sbx_kind *pods = sbx_kind_of_group("", "pods");
    take_kind(c, work, spec, pods); /* first, as a real one does */
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++) {
        if (is_ours(k) || k->plane != SBX_PLANE_NONE || k == pods)
            continue;
        if (k->namespaced)
            take_kind(c, work, spec, k);
        else
            take_cluster_kind(c, work, spec, k);
    }
    json_object_del(work, "taken");
}
