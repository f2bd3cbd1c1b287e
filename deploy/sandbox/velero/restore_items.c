/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of a backup made anew: in order, cleaned, changed by rules, into their namespaces; what
 * exists stays as it is. */
#include "deploy/sandbox/velero/restore_items.h"

#include <string.h>

#include "deploy/sandbox/velero/results.h"

/* Kinds that come first; the others follow in the order of the table. */
static const char *const first[][2] = {
    { "", "namespaces" },
    { "storage.k8s.io", "storageclasses" },
    { "", "persistentvolumes" },
    { "", "persistentvolumeclaims" },
    { "", "secrets" },
    { "", "configmaps" },
    { "", "serviceaccounts" },
    { "", "limitranges" },
    { "", "pods" },
    { "apps", "replicasets" },
};
static const char never[] = "nodes,events,endpoints,endpointslices,volumeattachments,leases";

static bool is_first(const struct sbx_kind *k)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(first); i++)
        if (strcmp(first[i][0], k->group) == 0 && strcmp(first[i][1], k->plural) == 0)
            return true;
    return false;
}

/* ---- Which ---- */

/* Whether filters let it through; what brings it along asks no selectors. */
static bool is_allowed(const struct vl_restoring *r, const struct sbx_kind *k, const json_t *o)
{
    const json_t *spec = json_object_get(r->restore, "spec"),
                 *cluster_too = json_object_get(spec, "includeClusterResources");
    if (sbx_word_in(never, k->plural) || strcmp(k->plural, "namespaces") == 0)
        return false;
    if (!vl_kind_included(json_object_get(spec, "includedResources"),
                          json_object_get(spec, "excludedResources"), k))
        return false;
    if (!k->namespaced)
        return !json_is_false(cluster_too);
    return vl_is_included(json_object_get(spec, "includedNamespaces"),
                          json_object_get(spec, "excludedNamespaces"), sbx_ns(o));
}

static const char *mapped(const struct vl_restoring *r, const char *ns)
{
    return cf_json_str(r->restore, ns, "spec", "namespaceMapping", ns, NULL);
}

/* ---- Cleaned ---- */

static json_t *cleaned(const json_t *o)
{
    static const char *const kept[] = { "name", "namespace", "labels", "annotations" };
    json_t *meta = json_object(), *copy = cf_json_copy(o);
    for (size_t i = 0; i < CF_ARRAY_LEN(kept); i++) {
        json_t *v = json_object_get(json_object_get(copy, "metadata"), kept[i]);
        if (v)
            json_object_set(meta, kept[i], v);
    }
    json_object_set_new(copy, "metadata", meta);
    json_object_del(copy, "status");
    return copy;
}

static void clean_service(json_t *o)
{
    json_t *spec = json_object_get(o, "spec"), *port;
    size_t i;
    if (strcmp(cf_json_str(spec, "", "clusterIP", NULL), "None") != 0) {
        json_object_del(spec, "clusterIP");
        json_object_del(spec, "clusterIPs");
    }
    json_object_del(spec, "healthCheckNodePort");
    json_array_foreach(json_object_get(spec, "ports"), i, port)
    {
        json_object_del(port, "nodePort");
    }
}

static void clean_job(json_t *o)
{
    static const char *const drawn[] = { "controller-uid", "batch.kubernetes.io/controller-uid" };
    for (size_t i = 0; i < CF_ARRAY_LEN(drawn); i++) {
        (void)cf_json_del(o, "spec", "selector", "matchLabels", drawn[i], NULL);
        (void)cf_json_del(o, "spec", "template", "metadata", "labels", drawn[i], NULL);
    }
}

static const struct {
    const char *kind;
    void (*clean)(json_t *o);
} cleaners[] = {
    { "Service", clean_service },
    { "Job", clean_job },
};

/* ---- Made ---- */

bool vl_restore_exists(const struct vl_restoring *r, const struct sbx_kind *k, const char *ns,
                       const char *name, json_t **out_live)
{
    *out_live = sbx_api_one(r->c->world.api, k->group, k->plural, k->namespaced ? ns : NULL, name);
    return *out_live != NULL;
}

static void ensure_namespace(const struct vl_restoring *r, const char *ns)
{
    if (!*ns)
        return;
    const struct sbx_kind *k = sbx_kind_of_group("", "namespaces");
    json_t *live = NULL;
    if (!vl_restore_exists(r, k, NULL, ns, &live))
        sbx_pass_create(&r->c->pass, VL_SERVER, "", "namespaces",
                        json_pack("{s:{s:s,s:{s:s,s:s}}}", "metadata", "name", ns, "labels",
                                  VL_BACKUP_NAME, r->backup_label, VL_RESTORE_NAME,
                                  r->restore_label));
    json_decref(live);
}

/* Whether what is there is what would be made, but for what servers and controllers add. */
static bool is_same(const json_t *live, const json_t *o)
{
    static const char *const parts[] = { "spec", "data", "stringData", "binaryData", "rules" };
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++) {
        const json_t *part = json_object_get(o, parts[i]), *other = json_object_get(live, parts[i]);
        if (part && !cf_json_equal(part, other))
            return false;
    }
    return true;
}

static void update(const struct vl_restoring *r, const struct sbx_kind *k, const json_t *live,
                   const json_t *o)
{
    json_t *patch = cf_json_copy(o);
    cf_json_put_take(patch, json_string(sbx_ns(live)), "metadata", "namespace", NULL);
    if (!sbx_pass_merge(&r->c->pass, VL_SERVER, k->group, k->plural, live, patch)) {
        cf_autofree char *text = cf_xasprintf("error patching %s %s", k->kind, sbx_name(o));
        vl_say(r->work, "warnings", sbx_ns(live), text);
    }
}

static void meet(const struct vl_restoring *r, const struct sbx_kind *k, const json_t *live,
                 const json_t *o)
{
    if (strcmp(k->kind, "ServiceAccount") == 0 || is_same(live, o))
        return;
    if (strcmp(cf_json_str(r->restore, "", "spec", "existingResourcePolicy", NULL), "update") ==
            0 &&
        strcmp(k->kind, "Pod") != 0) {
        update(r, k, live, o);
        return;
    }
    cf_autofree char *text = cf_xasprintf(
        "could not restore, %s \"%s\" already exists. Warning: the in-cluster version is different "
        "than the backed-up version",
        k->kind, sbx_name(o));
    vl_say(r->work, "warnings", sbx_ns(live), text);
}

static bool modify(const struct vl_restoring *r, const struct sbx_kind *k, json_t **o)
{
    char resource[128];
    cf_autofree char *why = NULL;
    if (!r->rules)
        return true;
    cf_autofree char *ns = cf_xstrdup(sbx_ns(*o));
    *o = vl_modifiers_apply_take(r->rules, vl_resource_name(k, resource, sizeof(resource)), *o,
                                 &why);
    if (!*o)
        vl_say(r->work, "errors", ns, why);
    return *o != NULL;
}

/* Each object once, whoever brings it along. */
static bool is_first_time(const struct vl_restoring *r, const struct sbx_kind *k, const json_t *o)
{
    cf_autofree char *key =
        cf_xasprintf("%s.%s/%s/%s", k->plural, k->group, sbx_ns(o), sbx_name(o));
    if (cf_json_at(r->work, "done", key, NULL))
        return false;
    cf_json_put_take(r->work, json_true(), "done", key, NULL);
    json_object_set_new(r->work, "total", json_integer(cf_json_int(r->work, 0, "total", NULL) + 1));
    return true;
}

/* Puts an object that is ready into its namespace. False: it was refused, which is an error. */
static bool make(const struct vl_restoring *r, const struct sbx_kind *k, const json_t *o)
{
    char path[SBX_PATH_MAX];
    cf_autojson json_t *answer = NULL;
    sbx_pass_path(path, k->group, k->plural, sbx_ns(o), NULL);
    int status = sbx_api_do(r->c->world.api, VL_SERVER, "POST", NULL, o, &answer, "%s", path);
    if (status < 400)
        return true;
    cf_autofree char *text = cf_xasprintf("error restoring %s/%s/%s: %s", k->plural, sbx_ns(o),
                                          sbx_name(o), cf_json_str(answer, "", "message", NULL));
    vl_say(r->work, "errors", sbx_ns(o), text);
    return false;
}

static void restore_one(const struct vl_restoring *r, const struct sbx_kind *k,
                        const json_t *from_backup);

/* The backup's objects of a kind; borrowed, NULL: none. */
static const json_t *of_kind(const struct vl_restoring *r, const struct sbx_kind *k)
{
    char name[128];
    return json_object_get(r->by_kind, vl_resource_name(k, name, sizeof(name)));
}

static json_t *sorted_by_kind(const json_t *objects)
{
    json_t *by_kind = json_object(), *o;
    size_t i;
    json_array_foreach(objects, i, o)
    {
        char name[128];
        const struct sbx_kind *k = sbx_kind_named(cf_json_str(o, "", "apiVersion", NULL),
                                                  cf_json_str(o, "", "kind", NULL));
        if (!k)
            continue;
        vl_resource_name(k, name, sizeof(name));
        if (!json_object_get(by_kind, name))
            json_object_set_new(by_kind, name, json_array());
        json_array_append(json_object_get(by_kind, name), o);
    }
    return by_kind;
}

/* A pod's claims come with it, whatever their labels are. */
static void bring_claims(const struct vl_restoring *r, const json_t *pod)
{
    const struct sbx_kind *k = sbx_kind_of_group("", "persistentvolumeclaims");
    size_t i, n;
    json_t *volume, *claim;
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        const char *name = cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL);
        json_array_foreach(*name ? of_kind(r, k) : NULL, n, claim)
        {
            if (strcmp(sbx_name(claim), name) == 0 && strcmp(sbx_ns(claim), sbx_ns(pod)) == 0 &&
                is_allowed(r, k, claim))
                restore_one(r, k, claim);
        }
    }
}

static void restore_one(const struct vl_restoring *r, const struct sbx_kind *k,
                        const json_t *from_backup)
{
    if (!is_first_time(r, k, from_backup))
        return;
    ensure_namespace(r, k->namespaced ? mapped(r, sbx_ns(from_backup)) : "");
    if (strcmp(k->plural, "pods") == 0)
        bring_claims(r, from_backup);
    cf_autojson json_t *o = cleaned(from_backup), *live = NULL;
    const char *ns = k->namespaced ? mapped(r, sbx_ns(from_backup)) : "";
    for (size_t i = 0; i < CF_ARRAY_LEN(cleaners); i++)
        if (strcmp(cleaners[i].kind, k->kind) == 0)
            cleaners[i].clean(o);
    bool exists = vl_restore_exists(r, k, ns, sbx_name(o), &live);
    const struct vl_special *special = vl_special(k);
    if (special && !exists && !special->prepare(r, from_backup, ns, o))
        return;
    if (!modify(r, k, &o))
        return;
    cf_json_put_take(o, json_string(r->backup_label), "metadata", "labels", VL_BACKUP_NAME, NULL);
    cf_json_put_take(o, json_string(r->restore_label), "metadata", "labels", VL_RESTORE_NAME, NULL);
    if (*ns)
        cf_json_put_take(o, json_string(ns), "metadata", "namespace", NULL);
    if (exists)
        meet(r, k, live, o);
    else if (make(r, k, o) && special)
        special->made(r, from_backup, ns, o);
}

static void restore_kind(const struct vl_restoring *r, const struct sbx_kind *k)
{
    const json_t *spec = json_object_get(r->restore, "spec");
    size_t i;
    json_t *o;
    json_array_foreach(of_kind(r, k), i, o)
    {
        if (is_allowed(r, k, o) && (!k->namespaced || vl_selects(spec, o)))
            restore_one(r, k, o);
    }
}

void vl_restore_items(struct vl_cluster *c, const json_t *restore, const json_t *record,
                      json_t *work)
{
    const char *modifier = cf_json_str(restore, "", "spec", "resourceModifier", "name", NULL);
    const json_t *config =
        *modifier ? sbx_pass_one(&c->pass, "", "configmaps", VL_NS, modifier) : NULL;
    cf_autofree char *why = NULL,
                     *backup = vl_label_value(cf_json_str(restore, "", "spec", "backupName", NULL)),
                     *name = vl_label_value(sbx_name(restore));
    cf_autojson json_t *rules = config ? vl_modifiers_read(config, &why) : NULL;
    cf_autojson json_t *by_kind = sorted_by_kind(json_object_get(record, "objects"));
    const struct vl_restoring r = { c, restore, record, by_kind, work, rules, backup, name };
    static const char *const lists[] = { "errors", "warnings", "pvrs", "dds", "claims" };
    for (size_t i = 0; i < CF_ARRAY_LEN(lists); i++)
        json_object_set_new(work, lists[i], json_array());
    for (size_t i = 0; i < CF_ARRAY_LEN(first); i++)
        restore_kind(&r, sbx_kind_of_group(first[i][0], first[i][1]));
    for (const struct sbx_kind *k = sbx_kinds; k->kind; k++)
        if (!is_first(k))
            restore_kind(&r, k);
    json_object_del(work, "done");
}
