/* SPDX-License-Identifier: Apache-2.0 */
/* What the control plane has made of a policy: its bindings, their Works, and the objects in the
 * member. */
#include <string.h>

#include "federation/objects/diff.h"
#include "federation/propagate/karmada.h"

void cf_karmada_look_free(struct cf_karmada_look *look)
{
    json_decref(look->policy_object);
    json_decref(look->bindings);
    json_decref(look->works);
    memset(look, 0, sizeof *look);
}

/* --- reading --- */

static char *binding_key(const char *kind, const char *name)
{
    return cf_xasprintf("%s/%s", kind, name);
}

/* selector NULL: all of the namespace. */
static bool list_bindings(const struct cf_karmada *k, const char *selector, json_t *bindings,
                          struct cf_error *err)
{
    struct cf_kube_list list = { .api_version = CF_KARMADA_BINDING_API,
                                 .kind = "ResourceBinding",
                                 .ns = k->p->target_namespace,
                                 .label_selector = selector };
    cf_autojson json_t *items = NULL;
    if (!cf_kube_list(k->hub, NULL, &list, &items, NULL, err))
        return cf_error_wrap(err, "list the bindings on %s", cf_kube_name(k->hub));
    size_t i;
    json_t *binding;
    json_array_foreach(items, i, binding)
    {
        cf_autofree char *key =
            binding_key(cf_json_str(binding, "", "spec", "resource", "kind", NULL),
                        cf_json_str(binding, "", "spec", "resource", "name", NULL));
        json_object_set(bindings, key, binding);
    }
    return true;
}

bool cf_karmada_bindings(const struct cf_karmada *k, json_t **out_bindings, struct cf_error *err)
{
    cf_autojson json_t *bindings = json_object();
    if (!list_bindings(k, NULL, bindings, err))
        return false;
    *out_bindings = cf_steal(&bindings);
    return true;
}

static bool read_bindings(const struct cf_karmada *k, struct cf_karmada_look *look,
                          struct cf_error *err)
{
    const char *id =
        cf_json_str(look->policy_object, "", "metadata", "labels", CF_KARMADA_POLICY_ID, NULL);
    look->bindings = json_object();
    if (!*id)
        return true;
    cf_autofree char *selector = cf_xasprintf(CF_KARMADA_POLICY_ID "=%s", id);
    return list_bindings(k, selector, look->bindings, err);
}

static const char *binding_id(const json_t *binding)
{
    return cf_json_str(binding, "", "metadata", "labels", CF_KARMADA_BINDING_ID, NULL);
}

static bool list_works(const struct cf_karmada *k, const char *member, const char *ids,
                       json_t *works, struct cf_error *err)
{
    cf_autofree char *selector = cf_xasprintf(CF_KARMADA_BINDING_ID " in (%s)", ids);
    cf_autofree char *ns = cf_xasprintf("karmada-es-%s", member);
    struct cf_kube_list list = {
        .api_version = CF_KARMADA_WORK_API, .kind = "Work", .ns = ns, .label_selector = selector
    };
    cf_autojson json_t *items = NULL;
    if (!cf_kube_list(k->hub, NULL, &list, &items, NULL, err))
        return cf_error_wrap(err, "list the Works of %s on %s", member, cf_kube_name(k->hub));
    size_t i;
    json_t *work;
    json_array_foreach(items, i, work)
    {
        json_object_set(works, binding_id(work), work);
    }
    return true;
}

void cf_karmada_note_ids(const json_t *bindings, json_t *ids)
{
    const char *key;
    json_t *binding;
    json_object_foreach(cf_json_unconst(bindings), key, binding)
    {
        if (*binding_id(binding))
            json_object_set_new(ids, binding_id(binding), json_true());
    }
}

bool cf_karmada_works_of(const struct cf_karmada *k, const json_t *bindings, const char *member,
                         json_t **out_works, struct cf_error *err)
{
    cf_autojson json_t *ids = json_object();
    cf_karmada_note_ids(bindings, ids);
    return cf_karmada_works_by_id(k, ids, member, out_works, err);
}

bool cf_karmada_works_by_id(const struct cf_karmada *k, const json_t *binding_ids,
                            const char *member, json_t **out_works, struct cf_error *err)
{
    cf_autojson json_t *works = json_object();
    CF_CLEANUP(cf_buf_free)
    struct cf_buf ids = CF_BUF_INIT((size_t)CF_KARMADA_IDS_MAX * CF_LABEL_MAX);
    int n = 0;
    const char *id;
    json_t *value;
    json_object_foreach(cf_json_unconst(binding_ids), id, value)
    {
        cf_buf_printf(&ids, "%s%s", n ? "," : "", id);
        if (++n < CF_KARMADA_IDS_MAX)
            continue;
        if (!list_works(k, member, cf_buf_str(&ids), works, err))
            return false;
        cf_buf_reset(&ids);
        n = 0;
    }
    if (n > 0 && !list_works(k, member, cf_buf_str(&ids), works, err))
        return false;
    *out_works = cf_steal(&works);
    return true;
}

bool cf_karmada_look(const struct cf_karmada *k, const json_t *policy, const char *member,
                     struct cf_karmada_look *out, struct cf_error *err)
{
    CF_CLEANUP(cf_karmada_look_free) struct cf_karmada_look look = { 0 };
    struct cf_object_ref ref = cf_karmada_policy_ref(k, policy);
    bool found = false;
    if (!cf_kube_find(k->hub, NULL, &ref, &found, &look.policy_object, err))
        return cf_error_wrap(err, "read PropagationPolicy %s", ref.name);
    if (!read_bindings(k, &look, err))
        return false;
    if (member && !cf_karmada_works_of(k, look.bindings, member, &look.works, err))
        return false;
    *out = look;
    memset(&look, 0, sizeof look);
    return true;
}

const json_t *cf_karmada_binding_among(const json_t *bindings, const char *kind, const char *name)
{
    cf_autofree char *key = binding_key(kind, name);
    return json_object_get(bindings, key);
}

const json_t *cf_karmada_binding(const struct cf_karmada_look *look, const json_t *object)
{
    return cf_karmada_binding_among(look->bindings, cf_json_str(object, "", "kind", NULL),
                                    cf_json_str(object, "", "name", NULL));
}

const json_t *cf_karmada_work(const struct cf_karmada_look *look, const json_t *binding)
{
    return binding ? json_object_get(look->works, binding_id(binding)) : NULL;
}

const json_t *cf_karmada_manifest(const json_t *work)
{
    return json_array_get(cf_json_at(work, "spec", "workload", "manifests", NULL), 0);
}

const json_t *cf_karmada_aggregated(const json_t *binding, const char *member)
{
    return cf_json_named(cf_json_at(binding, "status", "aggregatedStatus", NULL), "clusterName",
                         member);
}
