/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors. */
#include "deploy/sandbox/karmada/match.h"

#include <string.h>

#include "deploy/sandbox/api/kinds.h"
#include "deploy/sandbox/controllers/meta.h"

static bool same_or_any(const char *want, const char *have)
{
    return !*want || strcmp(want, have) == 0;
}

static enum km_rank rank_of(const json_t *s, const json_t *o)
{
    if (strcmp(cf_json_str(s, "", "apiVersion", NULL), cf_json_str(o, "", "apiVersion", NULL)) !=
            0 ||
        strcmp(cf_json_str(s, "", "kind", NULL), cf_json_str(o, "", "kind", NULL)) != 0 ||
        !same_or_any(cf_json_str(s, "", "namespace", NULL), sbx_ns(o)))
        return KM_RANK_NONE;
    const char *name = cf_json_str(s, "", "name", NULL);
    if (*name)
        return strcmp(name, sbx_name(o)) == 0 ? KM_RANK_NAME : KM_RANK_NONE;
    const json_t *labels = json_object_get(s, "labelSelector");
    if (!labels)
        return KM_RANK_ALL;
    return sbx_selector_matches(labels, cf_json_at(o, "metadata", "labels", NULL)) ? KM_RANK_LABELS
                                                                                   : KM_RANK_NONE;
}

enum km_rank km_selected(const json_t *selectors, const json_t *object)
{
    enum km_rank best = KM_RANK_NONE;
    size_t i;
    json_t *s;
    json_array_foreach(cf_json_unconst(selectors), i, s)
    {
        best = CF_MAX(best, rank_of(s, object));
    }
    return best;
}

static bool has_word(const json_t *list, const char *word)
{
    size_t i;
    json_t *v;
    json_array_foreach(cf_json_unconst(list), i, v)
    {
        if (strcmp(json_string_value(v), word) == 0)
            return true;
    }
    return false;
}

/* provider, region and zone of a Cluster. */
static bool fields_match(const json_t *selector, const json_t *cluster)
{
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(selector, "matchExpressions"), i, e)
    {
        const char *have = cf_json_str(cluster, "", "spec", cf_json_str(e, "", "key", NULL), NULL);
        bool in = has_word(json_object_get(e, "values"), have);
        if (in != (strcmp(cf_json_str(e, "In", "operator", NULL), "In") == 0))
            return false;
    }
    return true;
}

bool km_affinity_takes(const json_t *a, const json_t *cluster)
{
    const char *name = sbx_name(cluster);
    const json_t *names = json_object_get(a, "clusterNames"),
                 *labels = json_object_get(a, "labelSelector");
    if (has_word(json_object_get(a, "exclude"), name))
        return false;
    if (json_array_size(names) > 0 && !has_word(names, name))
        return false;
    if (labels && !sbx_selector_matches(labels, cf_json_at(cluster, "metadata", "labels", NULL)))
        return false;
    return fields_match(json_object_get(a, "fieldSelector"), cluster);
}

static bool tolerates(const json_t *toleration, const json_t *taint)
{
    const char *key = cf_json_str(toleration, "", "key", NULL),
               *effect = cf_json_str(toleration, "", "effect", NULL);
    if (!same_or_any(effect, cf_json_str(taint, "", "effect", NULL)) ||
        !same_or_any(key, cf_json_str(taint, "", "key", NULL)))
        return false;
    return strcmp(cf_json_str(toleration, "Equal", "operator", NULL), "Exists") == 0 ||
           strcmp(cf_json_str(toleration, "", "value", NULL),
                  cf_json_str(taint, "", "value", NULL)) == 0;
}

const json_t *km_untolerated(const json_t *cluster, const json_t *tolerations, const char *effects)
{
    size_t i, j;
    json_t *taint, *t;
    json_array_foreach(cf_json_at(cluster, "spec", "taints", NULL), i, taint)
    {
        if (!sbx_word_in(effects, cf_json_str(taint, "", "effect", NULL)))
            continue;
        bool covered = false;
        json_array_foreach(cf_json_unconst(tolerations), j, t)
        {
            covered |= tolerates(t, taint);
        }
        if (!covered)
            return taint;
    }
    return NULL;
}
