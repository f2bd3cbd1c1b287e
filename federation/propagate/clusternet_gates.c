/* SPDX-License-Identifier: Apache-2.0 */
/* What has become of a Subscription: bound, deployed, and standing in the target. Success of a
 * Description is of some moment in the past, and says nothing of who made what is there: the
 * target's own answer decides. */
#include <string.h>

#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/clusternet.h"

bool cf_clusternet_offspring(const struct cf_clusternet *c, const char *kind, const char *sub_uid,
                             json_t **out, struct cf_error *err)
{
    cf_autofree char *selector = cf_xasprintf(CF_CLUSTERNET_SUB_UID "=%s", sub_uid);
    return cf_clusternet_list(c, kind, c->ns, selector, out, err);
}

/* --- bound --- */

static bool is_bound(const struct cf_clusternet *c, const json_t *sub, bool *out_so,
                     struct cf_copying *out)
{
    const json_t *bound = cf_json_at(sub, "status", "bindingClusters", NULL);
    cf_autofree char *wanted = cf_xasprintf("%s/%s", c->ns, c->name);
    const char *first = json_string_value(json_array_get(bound, 0));
    *out_so = false;
    if (!first)
        return cf_copying_waits(out, "Subscription %s is not bound to a cluster of %s yet",
                                cf_object_name(sub), cf_kube_name(c->hub));
    if (json_array_size(bound) != 1 || strcmp(first, wanted) != 0)
        return cf_copying_stuck(out,
                                "Subscription %s on %s is bound to %s%s instead of %s alone: does "
                                "another ManagedCluster carry the label %s=%s?",
                                cf_object_name(sub), cf_kube_name(c->hub), first,
                                json_array_size(bound) > 1 ? " and others" : "", wanted,
                                CF_CLUSTERNET_CLUSTER_ID, c->cluster_id);
    *out_so = true;
    return true;
}

/* --- deployed --- */

static bool is_deployed(const struct cf_clusternet *c, const json_t *sub, bool *out_so,
                        struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *descriptions = NULL;
    *out_so = false;
    if (!cf_clusternet_offspring(c, "Description", cf_object_uid(sub), &descriptions, err))
        return false;
    const json_t *description = json_array_get(descriptions, 0);
    const char *phase = cf_json_str(description, "", "status", "phase", NULL);
    if (json_array_size(descriptions) != 1)
        return cf_copying_waits(out, "Subscription %s has %zu Descriptions in %s instead of one",
                                cf_object_name(sub), json_array_size(descriptions), c->ns);
    *out_so = strcmp(phase, "Success") == 0;
    if (*out_so)
        return true;
    if (strcmp(phase, "Failure") == 0)
        return cf_copying_stuck(out, "Clusternet cannot deploy Description %s/%s: %.400s", c->ns,
                                cf_object_name(description),
                                cf_json_str(description, "", "status", "reason", NULL));
    return cf_copying_waits(out, "Description %s/%s is not deployed yet", c->ns,
                            cf_object_name(description));
}

/* --- standing --- */

/* The first line of how a copy differs from what it is to be; NULL: it does not. */
static char *why_not_standing(const struct cf_clusternet *c, const json_t *item, const json_t *live)
{
    cf_autojson json_t *lines = json_array();
    cf_autojson json_t *wanted = cf_clusternet_wanted(item);
    if (!live)
        return cf_xstrdup("is not there");
    if (!cf_is_of_run(c->p, live))
        return cf_xstrdup("is there, but is not this run's");
    if (cf_json_bool(item, false, "autoscaled", NULL))
        cf_json_del(wanted, "spec", "replicas", NULL);
    if (!cf_object_same(wanted, live, lines))
        return cf_xasprintf("is not as it is to be: %s",
                            json_array_size(lines) ? json_string_value(json_array_get(lines, 0))
                                                   : "it differs");
    if (!*cf_json_str(live, "", "metadata", "annotations", CF_CLUSTERNET_OWNED_BY, NULL))
        return cf_xstrdup("is there, but Clusternet did not write it");
    return NULL;
}

static bool all_stand(const struct cf_clusternet *c, const json_t *items, const json_t *lives,
                      bool *out_so, struct cf_copying *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        cf_autofree char *why = why_not_standing(c, item, json_object_get(lives, key));
        *out_so = !why;
        if (why)
            return cf_copying_waits(out, "%s %s on %s", key, why, cf_kube_name(c->p->target));
    }
    *out_so = true;
    return true;
}

bool cf_clusternet_stands(const struct cf_clusternet *c, const json_t *row, const json_t *items,
                          bool *out_so, json_t **out_live, struct cf_copying *out,
                          struct cf_error *err)
{
    const char *name = cf_json_str(row, "", "name", NULL);
    struct cf_object_ref ref = cf_clusternet_ref("Subscription", c->p->target_namespace, name);
    cf_autojson json_t *sub = NULL;
    cf_autojson json_t *lives = NULL;
    bool found = false;
    *out_so = false;
    if (!cf_kube_find(c->hub, NULL, &ref, &found, &sub, err))
        return cf_error_wrap(err, "read Subscription %s on %s", name, cf_kube_name(c->hub));
    if (!found)
        return cf_copying_stuck(out, "Subscription %s/%s on %s is gone", ref.ns, name,
                                cf_kube_name(c->hub));
    if (!is_bound(c, sub, out_so, out) || !*out_so)
        return true;
    if (!is_deployed(c, sub, out_so, out, err))
        return false;
    if (!*out_so)
        return true;
    if (!cf_direct_look(c->p, items, NULL, &lives, err))
        return false;
    if (all_stand(c, items, lives, out_so, out) && *out_so)
        *out_live = cf_steal(&lives);
    return true;
}

/* --- before a Subscription --- */

bool cf_clusternet_is_free(const struct cf_clusternet *c, const json_t *items, struct cf_error *err)
{
    cf_autojson json_t *lives = NULL;
    size_t i;
    json_t *item;
    if (!cf_direct_look(c->p, items, c->p->run_id, &lives, err))
        return false;
    json_array_foreach(items, i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        const json_t *live = json_object_get(lives, key);
        if (!live)
            continue;
        cf_autofree char *writer = cf_object_last_writer(live, "");
        cf_error_set(err, CF_ERR_CONFLICT,
                     "%s is already there on %s (written by %s). Clusternet would write over it, "
                     "and delete it with the Subscription: remove it, or copy with method: direct",
                     key, cf_kube_name(c->p->target), writer ? writer : "somebody");
        return cf_error_field(err, key);
    }
    return true;
}
