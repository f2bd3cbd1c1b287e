/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back, in an order in which the hub deletes nothing that is not ours:
 *
 *   1. the Subscriptions, last wave first: the hub deletes by name what they feed, so each is only
 *      deleted while all of that is this run's
 *   2. their Bases and Descriptions go; while the target is not Ready they go without deleting
 *   3. what is left of ours in the target, by label and uid, as the direct method does
 *   4. Localizations and templates, and the hub's namespace if it is ours and empty
 *
 * Each call looks at the world and does what is next. */
#include <string.h>

#include "federation/objects/kinds.h"
#include "federation/propagate/clusternet.h"

/* --- Subscriptions --- */

static bool list_subscriptions(const struct cf_clusternet *c, json_t **out, struct cf_error *err)
{
    cf_autofree char *selector = cf_xasprintf(CF_LABEL_RUN "=%s", c->p->run_id);
    return cf_clusternet_list(c, "Subscription", c->p->target_namespace, selector, out, err);
}

/* "crossfade-1a2b3c4d-10" is written before "…-20". */
static int wave_of(const struct cf_clusternet *c, const json_t *sub)
{
    size_t i;
    json_t *row;
    json_array_foreach(cf_clusternet_subscriptions(c), i, row)
    {
        if (strcmp(cf_json_str(row, "", "name", NULL), cf_object_name(sub)) == 0)
            return (int)cf_json_int(row, 0, "wave", NULL);
    }
    return 0;
}

static const json_t *last_of(const struct cf_clusternet *c, const json_t *subs)
{
    const json_t *last = NULL;
    size_t i;
    json_t *sub;
    json_array_foreach(subs, i, sub)
    {
        if (!last || wave_of(c, sub) > wave_of(c, last))
            last = sub;
    }
    return last;
}

/* The state's object that a feed means; NULL: it means something that this run did not feed. */
static const json_t *fed_object(const struct cf_clusternet *c, const json_t *feed)
{
    size_t i, n;
    json_t *row, *object;
    if (strcmp(cf_json_str(feed, "", "namespace", NULL), c->p->target_namespace) != 0)
        return NULL;
    json_array_foreach(cf_clusternet_subscriptions(c), i, row)
    {
        json_array_foreach(json_object_get(row, "objects"), n, object)
        {
            if (cf_json_equal(json_object_get(object, "kind"), json_object_get(feed, "kind")) &&
                cf_json_equal(json_object_get(object, "apiVersion"),
                              json_object_get(feed, "apiVersion")) &&
                cf_json_equal(json_object_get(object, "name"), json_object_get(feed, "name")))
                return object;
        }
    }
    return NULL;
}

/* What stands in the target where a Subscription's objects are; rows are made of the state. */
static bool look_at_fed(const struct cf_clusternet *c, const json_t *feeds, json_t **out_live,
                        struct cf_error *err)
{
    cf_autojson json_t *rows = json_array();
    size_t i;
    json_t *feed;
    json_array_foreach(feeds, i, feed)
    {
        const json_t *object = fed_object(c, feed);
        struct cf_object_ref ref =
            cf_ref(cf_json_str(feed, "", "apiVersion", NULL), cf_json_str(feed, "", "kind", NULL),
                   c->p->target_namespace, cf_json_str(feed, "", "name", NULL));
        json_array_append_new(rows,
                              json_pack("{s:s, s:o}", "key", cf_json_str(object, "", "key", NULL),
                                        "ref", cf_direct_ref_json(&ref)));
    }
    return cf_direct_look(c->p, rows, c->p->run_id, out_live, err);
}

/* Whether all that the hub would delete with the Subscription is this run's. */
static bool is_safe(const struct cf_clusternet *c, const json_t *sub, bool *out_so,
                    struct cf_copying *out, struct cf_error *err)
{
    const json_t *feeds = cf_json_at(sub, "spec", "feeds", NULL);
    const char *name = cf_object_name(sub);
    cf_autojson json_t *foreign = NULL;
    size_t i;
    json_t *feed;
    *out_so = false;
    json_array_foreach(feeds, i, feed)
    {
        if (!fed_object(c, feed))
            return cf_copying_stuck(
                out,
                "Subscription %s/%s on %s feeds %s %s, which somebody added: with the Subscription "
                "Clusternet deletes it in %s, and when it leaves the feeds, too. Decide, and take "
                "the feed out",
                c->p->target_namespace, name, cf_kube_name(c->hub),
                cf_json_str(feed, "?", "kind", NULL), cf_json_str(feed, "?", "name", NULL),
                cf_kube_name(c->p->target));
    }
    if (!look_at_fed(c, feeds, &foreign, err))
        return false;
    const char *key = json_object_iter_key(json_object_iter(foreign));
    if (key)
        return cf_copying_stuck(
            out,
            "%s on %s is not this run's any more, and Clusternet deletes it by name with "
            "Subscription %s/%s on %s. Move it away, or delete that Subscription yourself",
            key, cf_kube_name(c->p->target), c->p->target_namespace, name, cf_kube_name(c->hub));
    *out_so = true;
    return true;
}

static bool unsubscribe(const struct cf_clusternet *c, bool *out_so, struct cf_copying *out,
                        struct cf_error *err)
{
    cf_autojson json_t *subs = NULL;
    bool safe = false;
    *out_so = false;
    if (!list_subscriptions(c, &subs, err))
        return false;
    const json_t *last = last_of(c, subs);
    *out_so = !last;
    if (!last)
        return true;
    if (cf_json_at(last, "metadata", "deletionTimestamp", NULL))
        return cf_copying_waits(out, "Subscription %s on %s is going", cf_object_name(last),
                                cf_kube_name(c->hub));
    if (!is_safe(c, last, &safe, out, err))
        return false;
    return !safe || cf_clusternet_delete(c, last, err);
}

/* --- Bases and Descriptions --- */

/* The first of the kind that is of this run; NULL: none. Borrowed. */
static const json_t *first_of_run(const struct cf_clusternet *c, const json_t *rows)
{
    cf_autofree char *ours = cf_xasprintf("crossfade-%s-", c->id);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (strncmp(cf_object_name(row), ours, strlen(ours)) == 0)
            return row;
    }
    return NULL;
}

static bool offspring_is_gone(const struct cf_clusternet *c, bool *out_so, struct cf_copying *out,
                              struct cf_error *err)
{
    static const char *const kinds[] = { "Description", "Base" };
    *out_so = true;
    for (size_t i = 0; *out_so && *c->name && i < CF_ARRAY_LEN(kinds); i++) {
        cf_autofree char *selector =
            cf_xasprintf(CF_CLUSTERNET_SUB_NS "=%s", c->p->target_namespace);
        cf_autojson json_t *rows = NULL;
        if (!cf_clusternet_list(c, kinds[i], c->ns, selector, &rows, err))
            return false;
        const json_t *row = first_of_run(c, rows);
        *out_so = !row;
        if (row)
            return cf_copying_waits(out, "%s %s/%s on %s is going", kinds[i], c->ns,
                                    cf_object_name(row), cf_kube_name(c->hub));
    }
    return true;
}

/* --- Localizations and templates --- */

static bool delete_localizations(const struct cf_clusternet *c, size_t *left, struct cf_error *err)
{
    cf_autojson json_t *ours = NULL;
    const char *name;
    json_t *row;
    if (!*c->name)
        return true;
    if (!cf_clusternet_localizations(c, &ours, err))
        return false;
    json_object_foreach(ours, name, row)
    {
        if (!cf_clusternet_delete(c, row, err))
            return false;
    }
    *left += json_object_size(ours);
    return true;
}

static bool delete_templates(const struct cf_clusternet *c, size_t *left, struct cf_error *err)
{
    cf_autojson json_t *manifests = NULL;
    cf_autojson json_t *kinds = NULL;
    const char *key;
    json_t *manifest;
    if (!cf_clusternet_manifests(c, true, &manifests, err))
        return false;
    *left += json_object_size(manifests);
    if (json_object_size(manifests) == 0)
        return true;
    if (!cf_clusternet_kinds(c, &kinds, err))
        return false;
    json_object_foreach(manifests, key, manifest)
    {
        if (!cf_clusternet_template_delete(c, kinds, manifest, err))
            return false;
    }
    return true;
}

static bool clear_hub(const struct cf_clusternet *c, bool *out_so, struct cf_copying *out,
                      struct cf_error *err)
{
    static const struct cf_hub_kind lives[] = { { CF_CLUSTERNET_APPS, "Subscription" },
                                                { CF_CLUSTERNET_APPS, "HelmChart" },
                                                { NULL, NULL } };
    size_t left = 0;
    *out_so = false;
    if (!delete_localizations(c, &left, err) || !delete_templates(c, &left, err))
        return false;
    if (left > 0)
        return cf_copying_waits(out, "%zu templates and Localizations on %s are going", left,
                                cf_kube_name(c->hub));
    *out_so = true;
    return cf_hub_namespace_remove(c->p, lives, err);
}

/* --- all of it --- */

/* What could not be taken back is kept over the calls that follow. Borrowed. */
static json_t *lines_kept(const struct cf_clusternet *c, const json_t *more)
{
    json_t *lines = json_object_get(c->p->state, "left");
    if (!lines) {
        lines = json_array();
        json_object_set_new(c->p->state, "left", lines);
    }
    json_array_extend(lines, cf_json_unconst(more));
    return lines;
}

bool cf_clusternet_undo(const struct cf_propagation *p, json_t **io_ledger, int max_objects,
                        struct cf_copying *out, json_t **out_left, struct cf_error *err)
{
    struct cf_clusternet c;
    bool so = false;
    cf_clusternet_view(p, &c);
    if (!unsubscribe(&c, &so, out, err) || (so && !offspring_is_gone(&c, &so, out, err)))
        return false;
    if (!so) {
        *out_left = json_array();
        return true;
    }
    cf_autojson json_t *left = NULL;
    if (!cf_direct_undo(p, io_ledger, max_objects, out, &left, err))
        return false;
    if (out->done) {
        out->done = false;
        if (!clear_hub(&c, &so, out, err))
            return false;
        out->done = so;
    }
    *out_left = json_incref(lines_kept(&c, left));
    return true;
}
