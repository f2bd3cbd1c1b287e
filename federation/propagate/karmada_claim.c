/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a template is. Karmada writes the name and the id of the policy that placed a template on
 * the template itself, and asks nobody else as long as they stand there: who rewrites them gives the
 * template from one policy to another, and the binding keeps its clusters. */
#include <string.h>

#include "federation/propagate/karmada.h"

/* The keys of a claim, by the kind of policy. */
static const struct sort {
    const char *kind, *label, *name, *ns;
} sorts[] = {
    { "PropagationPolicy", CF_KARMADA_POLICY_ID, CF_KARMADA_POLICY_NAME, CF_KARMADA_POLICY_NS },
    { "ClusterPropagationPolicy", CF_KARMADA_CLUSTER_ID, CF_KARMADA_CLUSTER_NAME, NULL },
};

static const struct sort *sort_of(const json_t *claim)
{
    const char *kind = cf_json_str(claim, "", "kind", NULL);
    return &sorts[strcmp(kind, sorts[1].kind) == 0];
}

static json_t *claim_of(const struct sort *s, const char *ns, const char *name, const char *id)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "kind", s->kind, "namespace", ns, "name", name, "id",
                     id);
}

json_t *cf_karmada_claim(const json_t *object)
{
    const json_t *labels = cf_json_at(object, "metadata", "labels", NULL);
    const json_t *notes = cf_json_at(object, "metadata", "annotations", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(sorts); i++) {
        const char *id = cf_json_str(labels, "", sorts[i].label, NULL);
        const char *name = cf_json_str(notes, "", sorts[i].name, NULL);
        const char *ns = sorts[i].ns ? cf_json_str(notes, "", sorts[i].ns, NULL) : "";
        if (*id && *name && (*ns || !sorts[i].ns))
            return claim_of(&sorts[i], ns, name, id);
    }
    return NULL;
}

json_t *cf_karmada_claim_by(const json_t *policy)
{
    const struct sort *s = sort_of(policy);
    return claim_of(s, cf_json_str(policy, "", "metadata", "namespace", NULL),
                    cf_json_str(policy, "", "metadata", "name", NULL),
                    cf_json_str(policy, "", "metadata", "labels", s->label, NULL));
}

bool cf_karmada_claim_same(const json_t *a, const json_t *b)
{
    static const char *const members[] = { "kind", "namespace", "name" };
    for (size_t i = 0; i < CF_ARRAY_LEN(members); i++)
        if (strcmp(cf_json_str(a, "", members[i], NULL), cf_json_str(b, "", members[i], NULL)) != 0)
            return false;
    return a && b;
}

bool cf_karmada_claim_is_ours(const struct cf_karmada *k, const json_t *claim)
{
    cf_autofree char *start = cf_xasprintf("crossfade-%s-", k->id);
    return claim && strcmp(cf_json_str(claim, "", "kind", NULL), sorts[0].kind) == 0 &&
           strcmp(cf_json_str(claim, "", "namespace", NULL), k->p->target_namespace) == 0 &&
           strncmp(cf_json_str(claim, "", "name", NULL), start, strlen(start)) == 0;
}

struct cf_object_ref cf_karmada_claim_ref(const json_t *claim)
{
    return cf_ref(CF_KARMADA_POLICY_API, sort_of(claim)->kind,
                  cf_json_str(claim, "", "namespace", NULL), cf_json_str(claim, "", "name", NULL));
}

char *cf_karmada_claim_text(const json_t *claim)
{
    const char *ns = cf_json_str(claim, "", "namespace", NULL);
    return cf_xasprintf("%s %s%s%s", sort_of(claim)->kind, ns, *ns ? "/" : "",
                        cf_json_str(claim, "", "name", NULL));
}

/* --- writing --- */

static void add_op(json_t *patch, const char *op, const char *map, const char *key,
                   const char *value)
{
    char path[CF_JSON_POINTER_MAX] = "/metadata";
    cf_json_pointer_push(path, map);
    cf_json_pointer_push(path, key);
    json_t *row = json_pack("{s:s, s:s}", "op", op, "path", path);
    if (value)
        json_object_set_new(row, "value", json_string(value));
    json_array_append_new(patch, row);
}

/* One operation on each key of a claim; `remove` needs no value. */
static void add_ops(json_t *patch, const char *op, const json_t *claim)
{
    const struct sort *s = sort_of(claim);
    bool with = strcmp(op, "remove") != 0;
    if (!claim)
        return;
    add_op(patch, op, "labels", s->label, with ? cf_json_str(claim, "", "id", NULL) : NULL);
    add_op(patch, op, "annotations", s->name, with ? cf_json_str(claim, "", "name", NULL) : NULL);
    if (s->ns)
        add_op(patch, op, "annotations", s->ns,
               with ? cf_json_str(claim, "", "namespace", NULL) : NULL);
}

/* `add` needs the map itself. */
static void add_maps(json_t *patch, const json_t *object)
{
    static const char *const maps[] = { "labels", "annotations" };
    for (size_t i = 0; i < CF_ARRAY_LEN(maps); i++) {
        cf_autofree char *path = cf_xasprintf("/metadata/%s", maps[i]);
        if (!cf_json_at(object, "metadata", maps[i], NULL))
            json_array_append_new(
                patch, json_pack("{s:s, s:s, s:{}}", "op", "add", "path", path, "value"));
    }
}

bool cf_karmada_claim_write(const struct cf_karmada *k, const json_t *object, const json_t *to,
                            bool *out_so, struct cf_error *err)
{
    cf_autojson json_t *from = cf_karmada_claim(object);
    cf_autojson json_t *patch =
        json_pack("[{s:s, s:s, s:s}]", "op", "test", "path", "/metadata/uid", "value",
                  cf_json_str(object, "", "metadata", "uid", NULL));
    struct cf_error mine = CF_ERROR_INIT;
    struct cf_object_ref ref;
    *out_so = false;
    if (!cf_ref_of(object, &ref, err))
        return false;
    add_ops(patch, "test", from);
    if (!from) /* nobody may have claimed it since */
        json_array_append_new(
            patch,
            json_pack("{s:s, s:s, s:s}", "op", "test", "path", "/metadata/resourceVersion", "value",
                      cf_json_str(object, "", "metadata", "resourceVersion", NULL)));
    add_ops(patch, "remove", from);
    add_maps(patch, object);
    add_ops(patch, "add", to);
    *out_so = cf_kube_json_patch(k->hub, NULL, &ref, patch, NULL, NULL, &mine);
    if (*out_so || mine.upstream == 422 || mine.upstream == 409)
        return true; /* somebody was faster: looked at again */
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "give %s %s on %s to policy %s", ref.kind, ref.name,
                         cf_kube_name(k->hub), cf_json_str(to, "", "name", NULL));
}

bool cf_karmada_claim_leave(const struct cf_karmada *k, const json_t *binding, const json_t *owner,
                            bool *out_so, struct cf_error *err)
{
    const char *id = cf_json_str(binding, "", "metadata", "labels", CF_KARMADA_POLICY_ID, NULL);
    cf_autojson json_t *patch = json_array();
    struct cf_error mine = CF_ERROR_INIT;
    *out_so = sort_of(owner) == &sorts[0] || !*id;
    if (*out_so)
        return true;
    struct cf_object_ref ref =
        cf_ref(CF_KARMADA_BINDING_API, "ResourceBinding", k->p->target_namespace,
               cf_json_str(binding, "", "metadata", "name", NULL));
    add_op(patch, "test", "labels", CF_KARMADA_POLICY_ID, id);
    add_op(patch, "remove", "labels", CF_KARMADA_POLICY_ID, NULL);
    if (cf_json_at(binding, "metadata", "annotations", CF_KARMADA_POLICY_NAME, NULL))
        add_op(patch, "remove", "annotations", CF_KARMADA_POLICY_NAME, NULL);
    if (cf_json_at(binding, "metadata", "annotations", CF_KARMADA_POLICY_NS, NULL))
        add_op(patch, "remove", "annotations", CF_KARMADA_POLICY_NS, NULL);
    if (cf_kube_json_patch(k->hub, NULL, &ref, patch, NULL, NULL, &mine) || mine.upstream == 422 ||
        mine.upstream == 409)
        return true;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "take our policy off ResourceBinding %s on %s", ref.name,
                         cf_kube_name(k->hub));
}
