/* SPDX-License-Identifier: Apache-2.0 */
/* What a Cluster object of the control plane says about a member: Ready, taints, which kinds. */
#include <string.h>

#include "federation/propagate/karmada.h"
#include "federation/objects/kinds.h"

/* What our policies tolerate: Karmada sets these by itself, and a run in flight must not be thrown
 * out by them. */
static const char *const tolerated[] = { "cluster.karmada.io/not-ready",
                                         "cluster.karmada.io/unreachable" };

bool cf_karmada_cluster(const struct cf_karmada *k, const char *name, json_t **out,
                        struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref(CF_KARMADA_CLUSTER_API, "Cluster", NULL, name);
    if (!cf_kube_get(k->hub, NULL, &ref, out, err))
        return cf_error_wrap(err, "read Cluster %s on %s", name, cf_kube_name(k->hub));
    return true;
}

bool cf_karmada_cluster_is_ready(const json_t *cluster)
{
    return cf_object_condition_is(cluster, "Ready", "True");
}

static bool is_tolerated(const json_t *taint)
{
    const char *key = cf_json_str(taint, "", "key", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(tolerated); i++)
        if (strcmp(tolerated[i], key) == 0)
            return true;
    return strcmp(cf_json_str(taint, "", "effect", NULL), "PreferNoSchedule") == 0;
}

char *cf_karmada_taint(const json_t *cluster)
{
    size_t i;
    json_t *taint;
    json_array_foreach(cf_json_at(cluster, "spec", "taints", NULL), i, taint)
    {
        if (!is_tolerated(taint))
            return cf_xasprintf("%s:%s", cf_json_str(taint, "?", "key", NULL),
                                cf_json_str(taint, "", "effect", NULL));
    }
    return NULL;
}

bool cf_karmada_serves(const json_t *cluster, const char *api_version, const char *kind)
{
    const json_t *complete = cf_object_condition(cluster, "CompleteAPIEnablements");
    size_t i, r;
    json_t *group, *resource;
    if (strcmp(cf_json_str(complete, "True", "status", NULL), "True") != 0)
        return true;
    json_array_foreach(cf_json_at(cluster, "status", "apiEnablements", NULL), i, group)
    {
        if (strcmp(cf_json_str(group, "", "groupVersion", NULL), api_version) != 0)
            continue;
        json_array_foreach(json_object_get(group, "resources"), r, resource)
        {
            if (strcmp(cf_json_str(resource, "", "kind", NULL), kind) == 0)
                return true;
        }
    }
    return false;
}

static bool is_ready(const struct cf_karmada *k, const char *name, bool *out_ready,
                     struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *cluster = NULL;
    if (!cf_karmada_cluster(k, name, &cluster, err))
        return false;
    *out_ready = cf_karmada_cluster_is_ready(cluster);
    if (*out_ready)
        return true;
    const json_t *ready = cf_object_condition(cluster, "Ready");
    return cf_copying_waits(out, "Cluster %s of %s is not Ready: %s", name, cf_kube_name(k->hub),
                            cf_json_str(ready, "never judged", "message", NULL));
}

bool cf_karmada_members_ready(const struct cf_karmada *k, bool with_source, bool *out_ready,
                              struct cf_copying *out, struct cf_error *err)
{
    if (!is_ready(k, k->target, out_ready, out, err))
        return false;
    if (!*out_ready || !with_source)
        return true;
    return is_ready(k, k->source, out_ready, out, err);
}
