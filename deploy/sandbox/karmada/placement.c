/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's decision. */
#include "deploy/sandbox/karmada/placement.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/karmada/match.h"
#include "deploy/sandbox/karmada/round.h"

enum { WHY_MAX = 2048 };

bool km_is_duplicated(const json_t *binding)
{
    const json_t *s = cf_json_at(binding, "spec", "placement", "replicaScheduling", NULL);
    return !s || strcmp(cf_json_str(s, "", "replicaSchedulingType", NULL), "Duplicated") == 0;
}

/* ---- Filters ---- */

static bool serves(const json_t *cluster, const json_t *ref)
{
    size_t i, j;
    json_t *gv, *res;
    json_array_foreach(cf_json_at(cluster, "status", "apiEnablements", NULL), i, gv)
    {
        if (strcmp(cf_json_str(gv, "", "groupVersion", NULL),
                   cf_json_str(ref, "", "apiVersion", NULL)) != 0)
            continue;
        json_array_foreach(json_object_get(gv, "resources"), j, res)
        {
            if (strcmp(cf_json_str(res, "", "kind", NULL), cf_json_str(ref, "", "kind", NULL)) == 0)
                return true;
        }
    }
    return false;
}

/* "cluster(s) had untolerated taint {key=value:effect}". */
static char *taint_text(const json_t *taint)
{
    const char *value = cf_json_str(taint, "", "value", NULL);
    return cf_xasprintf("cluster(s) had untolerated taint {%s%s%s:%s}",
                        cf_json_str(taint, "", "key", NULL), *value ? "=" : "", value,
                        cf_json_str(taint, "", "effect", NULL));
}

/* Why that cluster cannot be had, or NULL. Caller frees. Clusters that are bound already are asked
 * neither for taints nor for kinds. */
static char *why_not(const json_t *binding, const json_t *affinity, const json_t *cluster)
{
    const char *name = sbx_name(cluster);
    const json_t *spec = json_object_get(binding, "spec");
    bool bound = km_has_cluster(json_object_get(spec, "clusters"), name);
    if (!km_affinity_takes(affinity, cluster))
        return cf_xstrdup("cluster(s) did not match the placement cluster affinity constraint");
    const json_t *taint =
        bound ? NULL
              : km_untolerated(cluster, cf_json_at(spec, "placement", "clusterTolerations", NULL),
                               "NoSchedule,NoExecute");
    if (taint)
        return taint_text(taint);
    if (!bound && !serves(cluster, json_object_get(spec, "resource")))
        return cf_xstrdup("cluster(s) did not have the API resource");
    size_t i;
    json_t *t;
    json_array_foreach(json_object_get(spec, "gracefulEvictionTasks"), i, t)
    {
        if (strcmp(cf_json_str(t, "", "fromCluster", NULL), name) == 0)
            return cf_xstrdup("cluster(s) is in the process of eviction");
    }
    return NULL;
}

static char *sum_up(const json_t *reasons, size_t clusters)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(WHY_MAX);
    cf_buf_printf(&b, "0/%zu clusters are available: ", clusters);
    cf_autojson json_t *lines = json_object();
    const char *why;
    json_t *n;
    json_object_foreach(cf_json_unconst(reasons), why, n)
    {
        cf_autofree char *line = cf_xasprintf("%d %s", (int)json_integer_value(n), why);
        json_object_set_new(lines, line, json_true());
    }
    cf_autofree char *sorted = cf_json_canonical(lines);
    cf_autojson json_t *in_order = json_loads(sorted, 0, NULL);
    bool first = true;
    json_object_foreach(in_order, why, n)
    {
        cf_buf_printf(&b, "%s%s", first ? "" : ", ", why);
        first = false;
    }
    if (clusters == 0)
        cf_buf_printf(&b, "no cluster is joined");
    cf_buf_printf(&b, ".");
    return cf_xstrdup(cf_buf_str(&b));
}

/* The Clusters that pass; NULL with *out_why when none does. */
static json_t *filter(const json_t *binding, const json_t *affinity, const json_t *clusters,
                      char **out_why)
{
    json_t *fit = json_array(), *c;
    cf_autojson json_t *reasons = json_object();
    size_t i, seen = 0;
    json_array_foreach(cf_json_unconst(clusters), i, c)
    {
        if (sbx_is_going(c))
            continue;
        seen++;
        cf_autofree char *why = why_not(binding, affinity, c);
        if (!why)
            json_array_append(fit, c);
        else
            json_object_set_new(reasons, why, json_integer(cf_json_int(reasons, 0, why, NULL) + 1));
    }
    if (json_array_size(fit) > 0)
        return fit;
    json_decref(fit);
    free(*out_why);
    *out_why = sum_up(reasons, seen);
    return NULL;
}

/* At most (and at least) so many clusters, as a spread constraint on clusters says. */
static bool spread(const json_t *binding, json_t *fit, char **out_why)
{
    size_t i;
    json_t *s;
    json_array_foreach(cf_json_at(binding, "spec", "placement", "spreadConstraints", NULL), i, s)
    {
        if (strcmp(cf_json_str(s, "cluster", "spreadByField", NULL), "cluster") != 0)
            continue;
        int64_t least = cf_json_int(s, 1, "minGroups", NULL),
                most = cf_json_int(s, 0, "maxGroups", NULL), have = (int64_t)json_array_size(fit);
        if (have < least) {
            *out_why = cf_xasprintf("the number of feasible clusters is less than spreadConstraint"
                                    ".MinGroups");
            return false;
        }
        for (; most > 0 && have > most; have--)
            json_array_remove(fit, (size_t)have - 1);
    }
    return true;
}

/* ---- Replicas ---- */

static int64_t weight_of(const json_t *weights, const json_t *cluster)
{
    int64_t best = 0;
    size_t i;
    json_t *w;
    json_array_foreach(cf_json_unconst(weights), i, w)
    {
        if (km_affinity_takes(json_object_get(w, "targetCluster"), cluster))
            best = CF_MAX(best, cf_json_int(w, 0, "weight", NULL));
    }
    return best;
}

/* Seat after seat to whom the most is owed: weight / (2 seats + 1); the first name wins a tie. */
static json_t *divide(const json_t *binding, const json_t *fit, int64_t replicas)
{
    const json_t *preference =
        cf_json_at(binding, "spec", "placement", "replicaScheduling", "weightPreference", NULL);
    const json_t *list = json_object_get(preference, "staticWeightList");
    int64_t weights[SBX_KARMADA_MEMBERS_MAX] = { 0 }, seats[SBX_KARMADA_MEMBERS_MAX] = { 0 };
    size_t n = CF_MIN(json_array_size(fit), (size_t)SBX_KARMADA_MEMBERS_MAX);
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += weights[i] = weight_of(list, json_array_get(fit, i));
    for (size_t i = 0; i < n && sum == 0; i++)
        weights[i] = 1;
    for (int64_t left = replicas; left > 0; left--) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++)
            if (weights[i] * (2 * seats[best] + 1) > weights[best] * (2 * seats[i] + 1))
                best = i;
        seats[best]++;
    }
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        if (seats[i])
            json_array_append_new(all,
                                  json_pack("{s:s,s:I}", "name", sbx_name(json_array_get(fit, i)),
                                            "replicas", (json_int_t)seats[i]));
    return all;
}

/* What stands, where it still sums up and all of it fits; else NULL. */
static json_t *steady(const json_t *binding, const json_t *fit, int64_t replicas)
{
    const json_t *now = cf_json_at(binding, "spec", "clusters", NULL);
    int64_t sum = 0;
    size_t i, j;
    json_t *c, *f;
    json_array_foreach(cf_json_unconst(now), i, c)
    {
        bool fits = false;
        json_array_foreach(cf_json_unconst(fit), j, f)
        {
            fits |= strcmp(sbx_name(f), cf_json_str(c, "", "name", NULL)) == 0;
        }
        sum += fits ? cf_json_int(c, 0, "replicas", NULL) : replicas + 1;
    }
    return sum == replicas ? cf_json_copy(now) : NULL;
}

static bool is_static(const json_t *scheduling)
{
    return strcmp(cf_json_str(scheduling, "", "replicaDivisionPreference", NULL), "Aggregated") !=
               0 &&
           !*cf_json_str(scheduling, "", "weightPreference", "dynamicWeight", NULL);
}

static json_t *assign(const json_t *binding, const json_t *fit)
{
    int64_t replicas = cf_json_int(binding, 0, "spec", "replicas", NULL);
    const json_t *scheduling = cf_json_at(binding, "spec", "placement", "replicaScheduling", NULL);
    if (replicas > 0 && !km_is_duplicated(binding)) {
        json_t *same = is_static(scheduling) ? NULL : steady(binding, fit, replicas);
        return same ? same : divide(binding, fit, replicas);
    }
    json_t *all = json_array(), *c;
    size_t i;
    json_array_foreach(cf_json_unconst(fit), i, c)
    {
        json_t *one = json_pack("{s:s}", "name", sbx_name(c));
        if (replicas > 0)
            json_object_set_new(one, "replicas", json_integer(replicas));
        json_array_append_new(all, one);
    }
    return all;
}

json_t *km_place(const json_t *binding, const json_t *clusters, const char **out_affinity,
                 char **out_why)
{
    const json_t *placement = cf_json_at(binding, "spec", "placement", NULL);
    const json_t *terms = json_object_get(placement, "clusterAffinities");
    size_t n = CF_MAX(json_array_size(terms), (size_t)1);
    for (size_t i = 0; i < n; i++) {
        const json_t *affinity =
            terms ? json_array_get(terms, i) : json_object_get(placement, "clusterAffinity");
        cf_autojson json_t *fit = filter(binding, affinity, clusters, out_why);
        if (!fit || !spread(binding, fit, out_why))
            continue;
        free(*out_why);
        *out_why = NULL;
        *out_affinity = terms ? cf_json_str(affinity, NULL, "affinityName", NULL) : NULL;
        return assign(binding, fit);
    }
    return NULL;
}
