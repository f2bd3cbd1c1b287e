/* SPDX-License-Identifier: Apache-2.0 */
/* propagateDeps: what a workload's pods need follows it, by bindings without a placement that name
 * the bindings which require them. */
#include <string.h>

#include "deploy/sandbox/karmada/binding_spec.h"
#include "deploy/sandbox/karmada/round.h"

enum { FOLLOW_MS = 40 };

#define DEPENDED_BY "resourcebinding.karmada.io/depended-by-"

/* ---- What a template needs ---- */

/* A set: "Kind/name". */
static void need(json_t *set, const char *kind, const char *name)
{
    cf_autofree char *key = cf_xasprintf("%s/%s", kind, name);
    if (*name)
        json_object_set_new(set, key, json_true());
}

static void need_of_volume(json_t *set, const json_t *v)
{
    need(set, "ConfigMap", cf_json_str(v, "", "configMap", "name", NULL));
    need(set, "Secret", cf_json_str(v, "", "secret", "secretName", NULL));
    need(set, "PersistentVolumeClaim",
         cf_json_str(v, "", "persistentVolumeClaim", "claimName", NULL));
    size_t i;
    json_t *s;
    json_array_foreach(cf_json_at(v, "projected", "sources", NULL), i, s)
    {
        need(set, "ConfigMap", cf_json_str(s, "", "configMap", "name", NULL));
        need(set, "Secret", cf_json_str(s, "", "secret", "name", NULL));
    }
}

static void need_of_containers(json_t *set, const json_t *containers)
{
    size_t i, j;
    json_t *c, *e;
    json_array_foreach(cf_json_unconst(containers), i, c)
    {
        json_array_foreach(json_object_get(c, "envFrom"), j, e)
        {
            need(set, "ConfigMap", cf_json_str(e, "", "configMapRef", "name", NULL));
            need(set, "Secret", cf_json_str(e, "", "secretRef", "name", NULL));
        }
        json_array_foreach(json_object_get(c, "env"), j, e)
        {
            need(set, "ConfigMap",
                 cf_json_str(e, "", "valueFrom", "configMapKeyRef", "name", NULL));
            need(set, "Secret", cf_json_str(e, "", "valueFrom", "secretKeyRef", "name", NULL));
        }
    }
}

static const json_t *pod_spec_of(const json_t *template)
{
    const char *kind = cf_json_str(template, "", "kind", NULL);
    if (strcmp(kind, "Pod") == 0)
        return json_object_get(template, "spec");
    if (strcmp(kind, "CronJob") == 0)
        return cf_json_at(template, "spec", "jobTemplate", "spec", "template", "spec", NULL);
    return cf_json_at(template, "spec", "template", "spec", NULL);
}

static json_t *needs_of(const json_t *template)
{
    json_t *set = json_object(), *v;
    const json_t *pod = pod_spec_of(template);
    size_t i;
    json_array_foreach(json_object_get(pod, "volumes"), i, v)
    {
        need_of_volume(set, v);
    }
    json_array_foreach(json_object_get(pod, "imagePullSecrets"), i, v)
    {
        need(set, "Secret", cf_json_str(v, "", "name", NULL));
    }
    need_of_containers(set, json_object_get(pod, "containers"));
    need_of_containers(set, json_object_get(pod, "initContainers"));
    const char *account = cf_json_str(pod, "", "serviceAccountName", NULL);
    if (strcmp(account, "default") != 0)
        need(set, "ServiceAccount", account);
    if (strcmp(cf_json_str(template, "", "kind", NULL), "Ingress") == 0)
        json_array_foreach(cf_json_at(template, "spec", "tls", NULL), i, v)
        {
            need(set, "Secret", cf_json_str(v, "", "secretName", NULL));
        }
    return set;
}

/* ---- Bindings that are required ---- */

static char *label_of(const json_t *binding)
{
    cf_autojson json_t *key = json_pack("[s,s]", sbx_ns(binding), sbx_name(binding));
    char digest[KM_DIGEST];
    return cf_xasprintf(DEPENDED_BY "%.10s", km_digest(key, digest));
}

/* requiredBy with the entry of `binding` as it is now (`required`), or without one. */
static json_t *required_by(const json_t *dependency, const json_t *binding, bool required)
{
    json_t *list = json_array(), *s;
    size_t i;
    json_array_foreach(cf_json_at(dependency, "spec", "requiredBy", NULL), i, s)
    {
        if (strcmp(cf_json_str(s, "", "name", NULL), sbx_name(binding)) != 0)
            json_array_append(list, s);
    }
    const json_t *clusters = cf_json_at(binding, "spec", "clusters", NULL);
    if (required)
        json_array_append_new(list, json_pack("{s:s,s:s,s:O*}", "namespace", sbx_ns(binding),
                                              "name", sbx_name(binding), "clusters", clusters));
    return list;
}

static void create(struct km_round *r, const json_t *binding, const json_t *object,
                   const char *label)
{
    cf_autofree char *name = km_binding_name(object);
    cf_autojson json_t *policy =
        json_pack("{s:{s:O*,s:O*}}", "spec", "conflictResolution",
                  json_object_get(json_object_get(binding, "spec"), "conflictResolution"),
                  "preserveResourcesOnDeletion",
                  json_object_get(json_object_get(binding, "spec"), "preserveResourcesOnDeletion"));
    json_t *spec = json_object();
    km_binding_spec(spec, object, policy);
    json_object_del(spec, "placement");
    json_object_set_new(spec, "requiredBy", required_by(NULL, binding, true));
    json_t *owners = sbx_owned_by(cf_json_str(object, "", "apiVersion", NULL),
                                  cf_json_str(object, "", "kind", NULL), object);
    (void)sbx_pass_create(&r->hub, KM_CONTROLLER, KM_G_WORK, "resourcebindings",
                          json_pack("{s:{s:s,s:s,s:{s:s},s:[s],s:o},s:o}", "metadata", "name", name,
                                    "namespace", sbx_ns(object), "labels", label,
                                    km_binding_id(&km_binding_kinds[0], binding), "finalizers",
                                    KM_F_RB, "ownerReferences", owners, "spec", spec));
}

static void follow(struct km_round *r, const json_t *binding, const char *key, const char *label)
{
    const char *slash = strchr(key, '/');
    cf_autofree char *kind = cf_xstrndup(key, (size_t)(slash - key));
    const struct sbx_kind *k = sbx_kind_named("v1", kind);
    const json_t *object = sbx_pass_one(&r->hub, k->group, k->plural, sbx_ns(binding), slash + 1);
    if (!object || sbx_is_going(object))
        return;
    cf_autofree char *name = km_binding_name(object);
    json_t *dependency =
        sbx_pass_one(&r->hub, KM_G_WORK, "resourcebindings", sbx_ns(binding), name);
    cf_autojson json_t *list = required_by(dependency, binding, true);
    if (dependency && cf_json_equal(list, cf_json_at(dependency, "spec", "requiredBy", NULL)))
        return;
    char digest[KM_DIGEST];
    if (!km_after(r, FOLLOW_MS, "follow %s %s %s", sbx_uid(binding), key, km_digest(list, digest)))
        return;
    if (!dependency)
        create(r, binding, object, label);
    else if (!sbx_is_going(dependency))
        (void)sbx_pass_merge(&r->hub, KM_CONTROLLER, KM_G_WORK, "resourcebindings", dependency,
                             json_pack("{s:{s:{s:s}},s:{s:O}}", "metadata", "labels", label,
                                       km_binding_id(&km_binding_kinds[0], binding), "spec",
                                       "requiredBy", list));
}

/* What nobody needs any more loses the entry; a binding that only existed for it goes. */
static void release(struct km_round *r, const json_t *binding, const json_t *dependency,
                    const char *label)
{
    cf_autojson json_t *list = required_by(dependency, binding, false);
    bool ours = !*sbx_label(dependency, KM_PP_ID) && !*sbx_label(dependency, KM_CPP_ID);
    if (sbx_is_going(dependency) ||
        !km_after(r, FOLLOW_MS, "unfollow %s %s", sbx_uid(binding), sbx_uid(dependency)))
        return;
    if (ours && json_array_size(list) == 0)
        (void)sbx_pass_delete(&r->hub, KM_G_WORK, "resourcebindings", dependency, -1);
    else
        (void)sbx_pass_merge(&r->hub, KM_CONTROLLER, KM_G_WORK, "resourcebindings", dependency,
                             json_pack("{s:{s:{s:n}},s:{s:O}}", "metadata", "labels", label, "spec",
                                       "requiredBy", list));
}

/* Whether the object of a dependency's binding is still needed. */
static bool is_needed(const json_t *needs, const json_t *dependency)
{
    cf_autofree char *key =
        cf_xasprintf("%s/%s", cf_json_str(dependency, "", "spec", "resource", "kind", NULL),
                     cf_json_str(dependency, "", "spec", "resource", "name", NULL));
    return json_object_get(needs, key) != NULL;
}

static void look_at(struct km_round *r, const struct km_binding_kind *bk, json_t *binding)
{
    if (bk != &km_binding_kinds[0] || !*km_binding_id(bk, binding))
        return;
    const json_t *template = km_template_of(r, binding);
    bool wants = cf_json_bool(binding, false, "spec", "propagateDeps", NULL) &&
                 !sbx_is_going(binding) && template;
    cf_autojson json_t *needs = wants ? needs_of(template) : json_object();
    cf_autofree char *label = label_of(binding);
    const char *key;
    json_t *v;
    json_object_foreach(needs, key, v)
    {
        follow(r, binding, key, label);
    }
    size_t i;
    json_array_foreach(sbx_pass_all(&r->hub, KM_G_WORK, "resourcebindings"), i, v)
    {
        if (*sbx_label(v, label) && strcmp(sbx_ns(v), sbx_ns(binding)) == 0 && !is_needed(needs, v))
            release(r, binding, v, label);
    }
}

/* A binding that is gone takes its entries with it while it goes: its finalizer leaves time. */
void km_ctl_dependencies(struct km_round *r)
{
    km_each_binding(r, look_at);
}
