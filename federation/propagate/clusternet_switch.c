/* SPDX-License-Identifier: Apache-2.0 */
/* The switch and the release, both by way of the hub: a write of ours in the target would be taken
 * back by the agent, whose Recovery gate restores what it deployed. */
#include <string.h>

#include "base/json_patch.h"
#include "federation/kube/fan_out.h"
#include "federation/objects/held.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/clusternet.h"

/* --- Localizations --- */

/* Puts another merge patch into a Localization, if it is another. */
static bool rewrite(const struct cf_clusternet *c, const json_t *localization, const json_t *patch,
                    bool release, struct cf_error *err)
{
    struct cf_object_ref ref;
    cf_autojson json_t *overrides = cf_clusternet_overrides(patch);
    if (!release && cf_json_equal(overrides, cf_json_at(localization, "spec", "overrides", NULL)))
        return true;
    cf_autojson json_t *change =
        json_pack("{s:{s:s}, s:{s:O}}", "metadata", "resourceVersion",
                  cf_json_str(localization, "", "metadata", "resourceVersion", NULL), "spec",
                  "overrides", overrides);
    if (release)
        cf_json_put_take(change, json_null(), "metadata", "labels", CF_LABEL_RUN, NULL);
    if (!cf_ref_of(localization, &ref, err) ||
        !cf_kube_merge_patch(c->hub, NULL, &ref, change, NULL, NULL, err))
        return cf_error_wrap(err, "change Localization %s on %s", cf_object_name(localization),
                             cf_kube_name(c->hub));
    return true;
}

/* --- the switch --- */

static bool is_autoscaled(const json_t *localization)
{
    return cf_json_at(localization, "metadata", "annotations", CF_ANNOTATION_AUTOSCALED, NULL);
}

static bool switch_one(const struct cf_clusternet *c, const char *key, const json_t *localization,
                       bool off, struct cf_error *err)
{
    cf_autojson json_t *patch = cf_clusternet_override(localization, err);
    cf_autojson json_t *fields = NULL;
    if (!patch || !cf_held_read(patch, off, &fields, err))
        return false;
    if (!fields)
        return true;
    /* From now on they are the autoscaler's. */
    if (!off && is_autoscaled(localization) && json_object_get(fields, "replicas"))
        json_object_set_new(fields, "replicas", json_null());
    const char *field;
    json_t *value;
    json_object_foreach(fields, field, value)
    {
        cf_held_put(patch, field, value);
    }
    cf_autojson json_t *overrides = cf_clusternet_overrides(patch);
    cf_clusternet_note_override(c, key, overrides);
    return rewrite(c, localization, patch, false, err);
}

/* Whether the copy in the target is as the switch says. */
static bool is_switched(const json_t *localization, const json_t *row, bool off)
{
    const json_t *live = json_object_get(row, "live");
    const char *field;
    json_t *value;
    json_object_foreach(json_object_get(row, "fields"), field, value)
    {
        bool free_to_scale = !off && is_autoscaled(localization) && strcmp(field, "replicas") == 0;
        if (free_to_scale ? cf_json_int(live, 0, "spec", field, NULL) == 0
                          : !cf_held_is(live, field, value))
            return false;
    }
    return true;
}

static bool switch_entry(const struct cf_clusternet *c, const json_t *row, const json_t *ours,
                         bool off, struct cf_copying *out, struct cf_error *err)
{
    const char *key = cf_json_str(row, "", "key", NULL);
    char name[CF_CLUSTERNET_NAME_MAX];
    cf_clusternet_localization_name(c, key, name);
    const json_t *localization = json_object_get(ours, name);
    if (!localization) {
        out->done = false;
        return cf_copying_stuck(
            out, "Localization %s/%s of %s on %s is gone: %s cannot be %s by it", c->ns, name, key,
            cf_kube_name(c->hub), key, off ? "stopped" : "started");
    }
    if (!switch_one(c, key, localization, off, err))
        return cf_error_wrap(err, "%s %s", off ? "stop" : "start", key);
    if (!is_switched(localization, row, off))
        cf_copying_waits(out, "%s is to be %s on %s by %s", key, off ? "stopped" : "started",
                         cf_kube_name(c->p->target), cf_kube_name(c->hub));
    return true;
}

bool cf_clusternet_activate(const struct cf_propagation *p, const json_t *ledger, bool off,
                            struct cf_copying *out, struct cf_error *err)
{
    struct cf_clusternet c;
    cf_autojson json_t *held = NULL;
    cf_autojson json_t *ours = NULL;
    size_t i;
    json_t *row;
    if (!cf_direct_held(p, ledger, off, &held, err))
        return false;
    out->done = true;
    if (json_array_size(held) == 0)
        return true;
    if (!cf_clusternet_open(p, &c, err) || !cf_clusternet_localizations(&c, &ours, err))
        return false;
    json_array_foreach(held, i, row)
    {
        if (!switch_entry(&c, row, ours, off, out, err))
            return false;
    }
    return true;
}

/* --- the release --- */

/* Our annotations leave the copies with it; an autoscaler gets its own floor back. */
static json_t *released(const json_t *patch)
{
    static const char *const marks[] = { CF_ANNOTATION_ACTIVATE, CF_ANNOTATION_FLOOR };
    json_t *free_of_us = cf_json_copy(patch);
    const char *floor =
        cf_json_str(patch, NULL, "metadata", "annotations", CF_ANNOTATION_FLOOR, NULL);
    if (floor)
        cf_json_put_take(free_of_us, json_integer(strtoll(floor, NULL, 10)), "spec", "minReplicas",
                         NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(marks); i++)
        cf_json_del(free_of_us, "metadata", "annotations", marks[i], NULL);
    return free_of_us;
}

static bool release_localizations(const struct cf_clusternet *c, struct cf_error *err)
{
    cf_autojson json_t *ours = NULL;
    const char *name;
    json_t *row;
    if (!cf_clusternet_localizations(c, &ours, err))
        return false;
    json_object_foreach(ours, name, row)
    {
        cf_autojson json_t *patch = cf_clusternet_override(row, err);
        cf_autojson json_t *without = patch ? released(patch) : NULL;
        if (!without || !rewrite(c, row, without, true, err))
            return false;
    }
    return true;
}

/* The Manifest itself: through the shadow API a label leaves the template only. */
static bool release_templates(const struct cf_clusternet *c, struct cf_error *err)
{
    cf_autojson json_t *manifests = NULL;
    const char *key;
    json_t *manifest;
    if (!cf_clusternet_manifests(c, true, &manifests, err))
        return false;
    json_object_foreach(manifests, key, manifest)
    {
        struct cf_object_ref ref;
        cf_autojson json_t *patch =
            json_pack("{s:{s:s, s:{s:n}}, s:{s:{s:{s:n}}}}", "metadata", "resourceVersion",
                      cf_json_str(manifest, "", "metadata", "resourceVersion", NULL), "labels",
                      CF_LABEL_RUN, "template", "metadata", "labels", CF_LABEL_RUN);
        if (!cf_ref_of(manifest, &ref, err) ||
            !cf_kube_merge_patch(c->hub, NULL, &ref, patch, NULL, NULL, err))
            return cf_error_wrap(err, "release the template of %s on %s", key,
                                 cf_kube_name(c->hub));
    }
    return true;
}

static bool release_subscriptions(const struct cf_clusternet *c, struct cf_error *err)
{
    cf_autofree char *selector = cf_xasprintf(CF_LABEL_RUN "=%s", c->p->run_id);
    cf_autojson json_t *subs = NULL;
    cf_autojson json_t *patch = json_pack("{s:{s:{s:n}}}", "metadata", "labels", CF_LABEL_RUN);
    struct cf_object_ref ref;
    size_t i;
    json_t *sub;
    if (!cf_clusternet_list(c, "Subscription", c->p->target_namespace, selector, &subs, err))
        return false;
    json_array_foreach(subs, i, sub)
    {
        if (!cf_ref_of(sub, &ref, err) ||
            !cf_kube_merge_patch(c->hub, NULL, &ref, patch, NULL, NULL, err))
            return cf_error_wrap(err, "release Subscription %s on %s", cf_object_name(sub),
                                 cf_kube_name(c->hub));
    }
    return true;
}

static bool release_namespace(const struct cf_clusternet *c, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, c->p->target_namespace);
    cf_autojson json_t *live = NULL;
    cf_autojson json_t *patch = json_pack("{s:{s:{s:n}}}", "metadata", "labels", CF_LABEL_RUN);
    bool found = false;
    if (!cf_kube_find(c->hub, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read namespace %s on %s", ref.name, cf_kube_name(c->hub));
    return !found || !cf_is_of_run(c->p, live) ||
           cf_kube_merge_patch(c->hub, NULL, &ref, patch, NULL, NULL, err);
}

/* Whether the hub has taken our label off each copy: it is the last that it does. */
static bool is_released(const struct cf_clusternet *c, const json_t *carried,
                        struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *lives = NULL;
    const char *key;
    json_t *live;
    if (!cf_direct_look(c->p, carried, NULL, &lives, err))
        return false;
    json_object_foreach(lives, key, live)
    {
        if (cf_is_of_run(c->p, live))
            return cf_copying_waits(out, "%s is to take this run's label off %s on %s",
                                    cf_kube_name(c->hub), key, cf_kube_name(c->p->target));
    }
    out->done = true;
    return true;
}

bool cf_clusternet_release(const struct cf_propagation *p, const json_t *ledger,
                           struct cf_copying *out, struct cf_error *err)
{
    struct cf_clusternet c;
    struct cf_copying direct = { 0 };
    cf_autojson json_t *written = cf_carried_entries(ledger, false);
    cf_autojson json_t *carried = cf_carried_entries(ledger, true);
    if (!cf_clusternet_open(p, &c, err) || !release_localizations(&c, err) ||
        !release_templates(&c, err) || !release_subscriptions(&c, err) ||
        !release_namespace(&c, err) || !cf_direct_release(p, written, &direct, err))
        return false;
    return is_released(&c, carried, out, err);
}
