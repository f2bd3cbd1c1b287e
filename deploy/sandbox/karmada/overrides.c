/* SPDX-License-Identifier: Apache-2.0 */
/* Which override policies apply, in which order, and what each sort of overrider does. */
#include "deploy/sandbox/karmada/overrides.h"

#include <string.h>

#include "base/json_patch.h"
#include "deploy/sandbox/karmada/match.h"

void km_overridden_free(struct km_overridden *o)
{
    json_decref(o->by_cluster_policies);
    json_decref(o->by_policies);
    *o = (struct km_overridden){ NULL, NULL };
}

static bool patch(json_t **manifest, json_t *ops_take, struct cf_error *err)
{
    cf_autojson json_t *ops = ops_take;
    json_t *after = cf_json_patch_apply(*manifest, ops, err);
    if (!after)
        return false;
    json_decref(*manifest);
    *manifest = after;
    return true;
}

/* ---- Each sort of overrider: one entry on the manifest ---- */

static json_t *pod_spec_of(json_t *manifest)
{
    json_t *spec = json_object_get(manifest, "spec");
    return strcmp(cf_json_str(manifest, "", "kind", NULL), "Pod") == 0
               ? spec
               : cf_json_unconst(cf_json_at(spec, "template", "spec", NULL));
}

/* registry/repository:tag (or @digest) taken apart; each part is the caller's to free. */
static void split_image(const char *image, char *parts[3])
{
    const char *slash = strchr(image, '/');
    bool has_registry = slash && (memchr(image, '.', (size_t)(slash - image)) ||
                                  memchr(image, ':', (size_t)(slash - image)));
    const char *rest = has_registry ? slash + 1 : image;
    const char *tag = strchr(rest, '@');
    if (!tag)
        tag = strrchr(rest, ':');
    parts[0] = has_registry ? cf_xstrndup(image, (size_t)(slash - image)) : cf_xstrdup("");
    parts[1] = tag ? cf_xstrndup(rest, (size_t)(tag - rest)) : cf_xstrdup(rest);
    parts[2] = cf_xstrdup(tag ? tag + 1 : "");
}

static char *change_image(const char *image, const json_t *o)
{
    static const char *const names[] = { "Registry", "Repository", "Tag" };
    char *parts[3];
    split_image(image, parts);
    const char *operator= cf_json_str(o, "", "operator", NULL),
               *value = cf_json_str(o, "", "value", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], cf_json_str(o, "", "component", NULL)) != 0)
            continue;
        char *part = strcmp(operator, "remove") == 0 ? cf_xstrdup("")
                     : strcmp(operator, "add") == 0  ? cf_xasprintf("%s%s", parts[i], value)
                                                     : cf_xstrdup(value);
        free(parts[i]);
        parts[i] = part;
    }
    char *out = cf_xasprintf("%s%s%s%s%s", parts[0], *parts[0] ? "/" : "", parts[1],
                             *parts[2] ? ":" : "", parts[2]);
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++)
        free(parts[i]);
    return out;
}

static bool on_images(json_t **manifest, const json_t *o, struct cf_error *err)
{
    (void)err;
    const char *only = cf_json_str(o, NULL, "predicate", "path", NULL);
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(pod_spec_of(*manifest), "containers"), i, c)
    {
        cf_autofree char *at = cf_xasprintf("/spec/template/spec/containers/%zu/image", i);
        if (only && strcmp(only, at) != 0)
            continue;
        cf_autofree char *image = change_image(cf_json_str(c, "", "image", NULL), o);
        json_object_set_new(c, "image", json_string(image));
    }
    return true;
}

static bool on_words(json_t **manifest, const json_t *o, const char *member)
{
    bool removes = strcmp(cf_json_str(o, "", "operator", NULL), "remove") == 0;
    size_t i, j;
    json_t *c, *word;
    json_array_foreach(json_object_get(pod_spec_of(*manifest), "containers"), i, c)
    {
        if (strcmp(cf_json_str(c, "", "name", NULL), cf_json_str(o, "", "containerName", NULL)) !=
            0)
            continue;
        json_t *words = json_object_get(c, member);
        cf_autojson json_t *after = words ? json_copy(words) : json_array();
        json_array_foreach(json_object_get(o, "value"), j, word)
        {
            for (size_t k = json_array_size(after); removes && k-- > 0;)
                if (json_equal(json_array_get(after, k), word))
                    json_array_remove(after, k);
            if (!removes)
                json_array_append(after, word);
        }
        json_object_set(c, member, after);
    }
    return true;
}

static bool on_command(json_t **manifest, const json_t *o, struct cf_error *err)
{
    (void)err;
    return on_words(manifest, o, "command");
}

static bool on_args(json_t **manifest, const json_t *o, struct cf_error *err)
{
    (void)err;
    return on_words(manifest, o, "args");
}

static bool on_map(json_t **manifest, const json_t *o, const char *map)
{
    const char *operator= cf_json_str(o, "", "operator", NULL), *key;
    json_t *v;
    json_object_foreach(json_object_get(o, "value"), key, v)
    {
        bool there = cf_json_at(*manifest, "metadata", map, key, NULL) != NULL;
        if (strcmp(operator, "remove") == 0)
            (void)cf_json_del(*manifest, "metadata", map, key, NULL);
        else if (there || strcmp(operator, "add") == 0)
            cf_json_put_take(*manifest, json_incref(v), "metadata", map, key, NULL);
    }
    return true;
}

static bool on_labels(json_t **manifest, const json_t *o, struct cf_error *err)
{
    (void)err;
    return on_map(manifest, o, "labels");
}

static bool on_annotations(json_t **manifest, const json_t *o, struct cf_error *err)
{
    (void)err;
    return on_map(manifest, o, "annotations");
}

static bool on_fields(json_t **manifest, const json_t *o, struct cf_error *err)
{
    (void)manifest, (void)o;
    return cf_error_set(err, CF_ERR_INVALID, "the sandbox does not do fieldOverrider");
}

static bool on_plaintext(json_t **manifest, const json_t *o, struct cf_error *err)
{
    json_t *op = json_pack("{s:s,s:s}", "op", cf_json_str(o, "", "operator", NULL), "path",
                           cf_json_str(o, "", "path", NULL));
    if (json_object_get(o, "value"))
        json_object_set(op, "value", json_object_get(o, "value"));
    return patch(manifest, json_pack("[o]", op), err);
}

/* In the order in which they are applied. */
static const struct {
    const char *member;
    bool (*apply)(json_t **manifest, const json_t *o, struct cf_error *err);
} sorts[] = {
    { "imageOverrider", on_images },
    { "commandOverrider", on_command },
    { "argsOverrider", on_args },
    { "labelsOverrider", on_labels },
    { "annotationsOverrider", on_annotations },
    { "fieldOverrider", on_fields },
    { "plaintext", on_plaintext },
};

static bool apply(json_t **manifest, const json_t *overriders, struct cf_error *err)
{
    for (size_t s = 0; s < CF_ARRAY_LEN(sorts); s++) {
        size_t i;
        json_t *o;
        json_array_foreach(json_object_get(overriders, sorts[s].member), i, o)
        {
            if (!sorts[s].apply(manifest, o, err))
                return false;
        }
    }
    return true;
}

/* ---- Policies ---- */

static enum km_rank rank_of(const json_t *policy, const json_t *manifest)
{
    const json_t *selectors = cf_json_at(policy, "spec", "resourceSelectors", NULL);
    return json_array_size(selectors) == 0 ? KM_RANK_ALL : km_selected(selectors, manifest);
}

/* Those that are about the manifest, the least precise first, then by name. New reference. */
static json_t *policies_for(struct km_round *r, const char *plural, const json_t *manifest)
{
    json_t *list = json_array(), *p;
    for (enum km_rank rank = KM_RANK_ALL; rank <= KM_RANK_NAME; rank++) {
        size_t i;
        json_array_foreach(sbx_pass_all(&r->hub, KM_G_POLICY, plural), i, p)
        {
            bool in_reach = !*sbx_ns(p) || strcmp(sbx_ns(p), sbx_ns(manifest)) == 0;
            if (in_reach && !sbx_is_going(p) && rank_of(p, manifest) == rank)
                json_array_append(list, p);
        }
    }
    return list;
}

static bool apply_policy(json_t **manifest, const json_t *policy, const json_t *cluster,
                         json_t *applied, struct cf_error *err)
{
    const json_t *spec = json_object_get(policy, "spec"),
                 *rules = json_object_get(spec, "overrideRules");
    cf_autojson json_t *old_form = json_array_size(rules) > 0 ? NULL : json_pack("[O]", spec);
    size_t i;
    json_t *rule;
    json_array_foreach(old_form ? old_form : cf_json_unconst(rules), i, rule)
    {
        const json_t *target = json_object_get(rule, "targetCluster");
        if (target && !km_affinity_takes(target, cluster))
            continue;
        if (!apply(manifest, json_object_get(rule, "overriders"), err))
            return false;
        json_array_append_new(applied,
                              json_pack("{s:s,s:O?}", "policyName", sbx_name(policy), "overriders",
                                        json_object_get(rule, "overriders")));
    }
    return true;
}

static bool apply_all(struct km_round *r, const char *plural, json_t **manifest,
                      const json_t *cluster, json_t **out_applied, char **out_policy,
                      char **out_why)
{
    cf_autojson json_t *policies = policies_for(r, plural, *manifest), *applied = json_array();
    size_t i;
    json_t *p;
    json_array_foreach(policies, i, p)
    {
        struct cf_error err = CF_ERROR_INIT;
        if (apply_policy(manifest, p, cluster, applied, &err))
            continue;
        *out_policy = cf_xasprintf("%s%s%s", sbx_ns(p), *sbx_ns(p) ? "/" : "", sbx_name(p));
        *out_why = cf_xstrdup(err.message);
        return false;
    }
    if (json_array_size(applied) > 0)
        *out_applied = cf_steal(&applied);
    return true;
}

bool km_override(struct km_round *r, json_t **manifest, const json_t *cluster,
                 struct km_overridden *out, char **out_policy, char **out_why)
{
    if (!apply_all(r, "clusteroverridepolicies", manifest, cluster, &out->by_cluster_policies,
                   out_policy, out_why))
        return false;
    return !*sbx_ns(*manifest) || apply_all(r, "overridepolicies", manifest, cluster,
                                            &out->by_policies, out_policy, out_why);
}

const char *km_overrides_digest(struct km_round *r)
{
    if (*r->overrides)
        return r->overrides;
    static const char *const plurals[] = { "clusteroverridepolicies", "overridepolicies" };
    cf_autojson json_t *all = json_array();
    for (size_t n = 0; n < CF_ARRAY_LEN(plurals); n++) {
        size_t i;
        json_t *p;
        json_array_foreach(sbx_pass_all(&r->hub, KM_G_POLICY, plurals[n]), i, p)
        {
            json_array_append_new(all, json_pack("[s,O?]", sbx_uid(p), json_object_get(p, "spec")));
        }
    }
    return km_digest(all, r->overrides);
}
