/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a copy through Clusternet, as one table.
 *
 *   row            writes                                       the gate: why it waits
 *   check          nothing                                      the source is nobody's, the target
 *                                                               is Ready, nobody else feeds ours
 *   namespace      target: namespace, quotas, limits, directly; the target's is there
 *                  hub: the namespace, never fed
 *   rehearse       nothing                                      the target takes each object
 *   templates      every object's template                      -
 *   localizations  what the target has otherwise                the hub has joined each to its
 *                                                               template: until then it is ignored
 *   subscribe      wave after wave: nothing of its objects      bound to the target alone,
 *                  stands in the target, then a Subscription    deployed, standing in the target;
 *                                                               before a wave of workloads: all
 *                                                               before it healthy there
 *   autoscalers    nothing                                      they have brought their workloads
 *                                                               to their floors
 *
 * What is reversible ends before `subscribe`: until then nothing of the target is touched but its
 * namespace. Objects that appear in mid-run get a Subscription of their own. */
#include <string.h>

#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/clusternet.h"
#include "federation/propagate/waves.h"

struct copy {
    struct cf_clusternet c;
    const json_t *inventory;
    json_t **io_ledger;
    int room; /* objects that this call may still write */
};

/* *out_so: the row is over, and the next begins. */
typedef bool row_fn(struct copy *k, bool *out_so, struct cf_copying *out, struct cf_error *err);

/* --- check --- */

static bool row_check(struct copy *k, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *findings = NULL;
    size_t i;
    json_t *f;
    *out_so = false;
    if (!cf_clusternet_check(k->c.p, k->inventory, &findings, err))
        return false;
    json_array_foreach(findings, i, f)
    {
        if (strcmp(cf_json_str(f, "", "level", NULL), "blocker") == 0)
            return cf_copying_stuck(out, "%s (%s)", cf_json_str(f, "", "message", NULL),
                                    cf_json_str(f, "", "hint", NULL));
    }
    bool known = *k->c.name != '\0';
    if (!cf_clusternet_open(k->c.p, &k->c, err))
        return false;
    if (!known)
        k->room = 0; /* where things are is recorded before the first is written */
    *out_so = true;
    return true;
}

/* --- namespace --- */

static bool row_namespace(struct copy *k, bool *out_so, struct cf_copying *out,
                          struct cf_error *err)
{
    cf_autojson json_t *direct = cf_carried_part(k->inventory, false);
    struct cf_copying copying = { 0 };
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, k->c.p->target_namespace);
    bool found = false;
    *out_so = false;
    if (!cf_direct_apply(k->c.p, direct, k->io_ledger, k->room, &copying, err))
        return false;
    if (!copying.done) {
        *out = copying;
        return true;
    }
    if (!cf_hub_namespace_write(k->c.p, NULL, err) ||
        !cf_kube_find(k->c.p->target, NULL, &ref, &found, NULL, err))
        return false;
    if (!found)
        return cf_copying_stuck(out,
                                "namespace %s does not exist on %s: create it, or set "
                                "target.createNamespace: true",
                                ref.name, cf_kube_name(k->c.p->target));
    *out_so = true;
    return true;
}

/* --- rehearse --- */

/* A copy that cannot be finished is not begun. */
static bool row_rehearse(struct copy *k, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *carried = cf_carried_part(k->inventory, true);
    cf_autojson json_t *findings = NULL;
    size_t i;
    json_t *f;
    *out_so = false;
    if (!cf_direct_dry_run(k->c.p, carried, &findings, err))
        return false;
    json_array_foreach(findings, i, f)
    {
        if (strcmp(cf_json_str(f, "", "level", NULL), "blocker") == 0)
            return cf_copying_stuck(out, "%s: %s", cf_json_str(f, "", "key", NULL),
                                    cf_json_str(f, "", "message", NULL));
    }
    *out_so = true;
    return true;
}

/* --- templates and Localizations --- */

static int64_t cursor_of(const struct copy *k, const char *cursor)
{
    return cf_json_int(k->c.p->state, 0, cursor, NULL);
}

/* The next carried item behind the cursor, which moves past it; NULL: there is none. */
static const json_t *next_item(struct copy *k, const char *cursor)
{
    const json_t *objects = json_object_get(k->inventory, "objects");
    for (size_t at = (size_t)cursor_of(k, cursor); at < json_array_size(objects); at++) {
        json_object_set_new(k->c.p->state, cursor, json_integer((json_int_t)at + 1));
        if (cf_is_carried(json_array_get(objects, at)))
            return json_array_get(objects, at);
    }
    return NULL;
}

static bool row_templates(struct copy *k, bool *out_so, struct cf_copying *out,
                          struct cf_error *err)
{
    cf_autojson json_t *kinds = NULL;
    cf_autojson json_t *manifests = NULL;
    (void)out;
    *out_so = false;
    if (!cf_clusternet_kinds(&k->c, &kinds, err) ||
        !cf_clusternet_manifests(&k->c, false, &manifests, err))
        return false;
    while (k->room > 0) {
        int64_t before = cursor_of(k, "written");
        const json_t *item = next_item(k, "written");
        *out_so = !item;
        if (!item)
            return true;
        const json_t *manifest = json_object_get(manifests, cf_json_str(item, "", "key", NULL));
        if (!cf_clusternet_template_write(&k->c, kinds, item, manifest, err)) {
            json_object_set_new(k->c.p->state, "written", json_integer(before));
            return false;
        }
        k->room--;
    }
    return true;
}

/* Makes the item's Localization stand, or be gone; *out_wrote: something was written. */
static bool localize(struct copy *k, const json_t *item, const json_t *there, bool *out_wrote,
                     struct cf_error *err)
{
    cf_autojson json_t *wanted = cf_clusternet_localization(&k->c, item);
    *out_wrote = true;
    if (!wanted && there)
        return cf_clusternet_delete(&k->c, there, err);
    if (wanted && !there)
        return cf_kube_create(k->c.hub, NULL, wanted, NULL, NULL, err);
    *out_wrote = wanted && !cf_object_same(wanted, there, NULL);
    if (!*out_wrote)
        return true;
    struct cf_object_ref ref;
    cf_autojson json_t *patch =
        json_pack("{s:{s:s, s:O}, s:O}", "metadata", "uid", cf_object_uid(there), "labels",
                  cf_json_unconst(cf_json_at(wanted, "metadata", "labels", NULL)), "spec",
                  json_object_get(wanted, "spec"));
    return cf_ref_of(wanted, &ref, err) &&
           cf_kube_merge_patch(k->c.hub, NULL, &ref, patch, NULL, NULL, err);
}

static bool write_localizations(struct copy *k, bool *out_so, struct cf_error *err)
{
    cf_autojson json_t *ours = NULL;
    *out_so = false;
    if (!cf_clusternet_localizations(&k->c, &ours, err))
        return false;
    while (k->room > 0) {
        int64_t before = cursor_of(k, "localized");
        const json_t *item = next_item(k, "localized");
        const char *key = cf_json_str(item, "", "key", NULL);
        char name[CF_CLUSTERNET_NAME_MAX];
        bool wrote;
        *out_so = !item;
        if (!item)
            return true;
        cf_clusternet_localization_name(&k->c, key, name);
        if (!localize(k, item, json_object_get(ours, name), &wrote, err)) {
            json_object_set_new(k->c.p->state, "localized", json_integer(before));
            return cf_error_wrap(err, "Localization of %s on %s", key, cf_kube_name(k->c.hub));
        }
        k->room -= wrote;
        cf_autojson json_t *wanted = cf_clusternet_localization(&k->c, item);
        cf_clusternet_note_override(&k->c, key, cf_json_at(wanted, "spec", "overrides", NULL));
    }
    return true;
}

/* The hub finds a Localization by a label with the uid of the template, which it sets itself. */
static bool localizations_are_joined(struct copy *k, bool *out_so, struct cf_copying *out,
                                     struct cf_error *err)
{
    cf_autojson json_t *ours = NULL;
    cf_autojson json_t *manifests = NULL;
    size_t i;
    json_t *item;
    *out_so = false;
    if (!cf_clusternet_localizations(&k->c, &ours, err) ||
        !cf_clusternet_manifests(&k->c, true, &manifests, err))
        return false;
    json_array_foreach(json_object_get(k->inventory, "objects"), i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        const json_t *manifest = json_object_get(manifests, key);
        char name[CF_CLUSTERNET_NAME_MAX];
        if (!cf_is_carried(item))
            continue;
        if (!manifest)
            return cf_copying_stuck(out, "the template of %s on %s is gone", key,
                                    cf_kube_name(k->c.hub));
        cf_clusternet_localization_name(&k->c, key, name);
        const json_t *there = json_object_get(ours, name);
        if (there && !cf_json_at(there, "metadata", "labels", cf_object_uid(manifest), NULL))
            return cf_copying_waits(out,
                                    "%s has not joined Localization %s to the template of %s "
                                    "yet",
                                    cf_kube_name(k->c.hub), name, key);
    }
    *out_so = true;
    return true;
}

static bool row_localizations(struct copy *k, bool *out_so, struct cf_copying *out,
                              struct cf_error *err)
{
    if (!write_localizations(k, out_so, err))
        return false;
    return !*out_so || localizations_are_joined(k, out_so, out, err);
}

/* --- autoscalers --- */

/* Whether they have brought the workloads of the waves before `wave` to their floors. */
static bool are_scaled(struct copy *k, int wave, bool *out_so, struct cf_copying *out,
                       struct cf_error *err)
{
    size_t i;
    json_t *item;
    *out_so = false;
    json_array_foreach(json_object_get(k->inventory, "objects"), i, item)
    {
        const char *key = cf_json_str(item, "", "key", NULL);
        int64_t wanted = cf_json_int(item, 0, "body", "spec", "replicas", NULL);
        cf_autojson json_t *live = NULL;
        if (!cf_is_carried(item) || cf_wave_of(item) >= wave ||
            !cf_clusternet_is_left_to_autoscaler(item))
            continue;
        if (!cf_direct_live(k->c.p, item, &live, err))
            return false;
        int64_t now = cf_json_int(live, 0, "spec", "replicas", NULL);
        if (now < wanted)
            return cf_copying_waits(out,
                                    "the autoscaler of %s on %s is to bring it from %lld to %lld "
                                    "replicas: what Clusternet wrote would stay",
                                    key, cf_kube_name(k->c.p->target), (long long)now,
                                    (long long)wanted);
    }
    *out_so = true;
    return true;
}

static bool row_autoscalers(struct copy *k, bool *out_so, struct cf_copying *out,
                            struct cf_error *err)
{
    return are_scaled(k, cf_waves_of(k->inventory) + 1, out_so, out, err);
}

/* --- Subscriptions --- */

/* One of that name may stand from before a crash. */
static bool subscribe(struct copy *k, json_t *row, const json_t *items, struct cf_error *err)
{
    cf_autojson json_t *wanted = cf_clusternet_subscription(&k->c, row);
    cf_autojson json_t *live = NULL;
    const char *name = cf_json_str(row, "", "name", NULL);
    struct cf_object_ref ref = cf_clusternet_ref("Subscription", k->c.p->target_namespace, name);
    bool found = false;
    if (!cf_clusternet_is_free(&k->c, items, err))
        return false;
    if (!cf_kube_find(k->c.hub, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "read Subscription %s on %s", name, cf_kube_name(k->c.hub));
    if (found && (!cf_is_of_run(k->c.p, live) || !cf_clusternet_is_ours(&k->c, row, live, NULL)))
        return cf_error_set(err, CF_ERR_CONFLICT,
                            "Subscription %s/%s on %s is not as this run would write it: look "
                            "whose it is",
                            ref.ns, name, cf_kube_name(k->c.hub));
    if (!found && !cf_kube_create(k->c.hub, NULL, wanted, NULL, NULL, err))
        return cf_error_wrap(err, "create Subscription %s on %s", name, cf_kube_name(k->c.hub));
    json_object_set_new(row, "phase", json_integer(CF_SUB_SUBSCRIBED));
    return true;
}

static void note_one(struct copy *k, const json_t *item, const char *uid, json_t *index)
{
    json_t *entry = json_object_get(index, cf_json_str(item, "", "key", NULL));
    if (entry) {
        json_object_set(entry, "digest", json_object_get(item, "digest"));
        json_object_set_new(entry, "uid", json_string(uid));
        return;
    }
    json_array_append_new(
        *k->io_ledger,
        json_pack("{s:O, s:O, s:s, s:s, s:O, s:O}", "key", json_object_get(item, "key"), "ref",
                  json_object_get(item, "ref"), "uid", uid, "how", "created", "digest",
                  json_object_get(item, "digest"), "wave", json_object_get(item, "wave")));
}

static void note_all(struct copy *k, const json_t *items, const json_t *lives)
{
    cf_autojson json_t *index = cf_json_index(*k->io_ledger, "key", NULL);
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        const json_t *live = json_object_get(lives, cf_json_str(item, "", "key", NULL));
        note_one(k, item, cf_object_uid(live), index);
    }
}

static bool bring_to_stand(struct copy *k, json_t *row, bool *out_so, struct cf_copying *out,
                           struct cf_error *err)
{
    cf_autojson json_t *items = cf_clusternet_items(row, k->inventory);
    cf_autojson json_t *lives = NULL;
    if (cf_clusternet_phase_of(row) == CF_SUB_PLANNED) {
        *out_so = false;
        if (!subscribe(k, row, items, err))
            return false;
        k->room = 0; /* it is to be recorded before anything is made of it */
        return true;
    }
    if (!cf_clusternet_stands(&k->c, row, items, out_so, &lives, out, err))
        return false;
    if (!*out_so)
        return true;
    note_all(k, items, lives);
    json_object_set_new(row, "phase", json_integer(CF_SUB_STANDING));
    return true;
}

static bool may_begin(struct copy *k, const json_t *row, bool *out_so, struct cf_copying *out,
                      struct cf_error *err)
{
    int wave = cf_wave_of(row);
    if (cf_clusternet_phase_of(row) != CF_SUB_PLANNED)
        wave = 1;
    if (!are_scaled(k, wave, out_so, out, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    return cf_wave_may_begin(k->c.p, k->inventory, wave, cf_direct_health, out_so, out, err);
}

static bool row_subscribe(struct copy *k, bool *out_so, struct cf_copying *out,
                          struct cf_error *err)
{
    size_t i;
    json_t *row;
    *out_so = !cf_clusternet_assign(&k->c, k->inventory);
    if (!*out_so) {
        k->room = 0; /* which object is in which is recorded before the first is written */
        return true;
    }
    json_array_foreach(cf_clusternet_subscriptions(&k->c), i, row)
    {
        if (cf_clusternet_phase_of(row) == CF_SUB_STANDING)
            continue;
        if (!may_begin(k, row, out_so, out, err) || !*out_so)
            return err->kind == CF_ERR_NONE;
        if (!bring_to_stand(k, row, out_so, out, err))
            return false;
        if (!*out_so)
            return true;
    }
    return true;
}

/* --- the table --- */

static const struct {
    const char *name;
    row_fn *run;
} rows[] = {
    { "check", row_check },
    { "namespace", row_namespace },
    { "rehearse", row_rehearse },
    { "templates", row_templates },
    { "localizations", row_localizations },
    { "subscribe", row_subscribe },
    { "autoscalers", row_autoscalers },
};

static size_t row_of(const struct cf_clusternet *c)
{
    const char *name = cf_json_str(c->p->state, "", "row", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return i;
    return strcmp(name, "done") == 0 ? CF_ARRAY_LEN(rows) : 0;
}

static void note_row(const struct cf_clusternet *c, size_t row)
{
    json_object_set_new(c->p->state, "row",
                        json_string(row < CF_ARRAY_LEN(rows) ? rows[row].name : "done"));
}

/* Another inventory than the last time: from the beginning, which finds what stands. */
static void begin(const struct cf_clusternet *c, const json_t *inventory)
{
    const char *digest = cf_json_str(inventory, "", "digest", NULL);
    size_t i;
    json_t *row;
    if (strcmp(cf_json_str(c->p->state, "", "inventory", NULL), digest) == 0)
        return;
    json_object_set_new(c->p->state, "inventory", json_string(digest));
    json_object_set_new(c->p->state, "written", json_integer(0));
    json_object_set_new(c->p->state, "localized", json_integer(0));
    json_array_foreach(cf_clusternet_subscriptions(c), i, row)
    {
        if (cf_clusternet_phase_of(row) == CF_SUB_STANDING)
            json_object_set_new(row, "phase", json_integer(CF_SUB_SUBSCRIBED));
    }
    note_row(c, 0);
}

bool cf_clusternet_apply(const struct cf_propagation *p, const json_t *inventory,
                         json_t **io_ledger, int max_objects, struct cf_copying *out,
                         struct cf_error *err)
{
    struct copy k = { .inventory = inventory, .io_ledger = io_ledger, .room = max_objects };
    cf_clusternet_view(p, &k.c);
    begin(&k.c, inventory);
    size_t row = row_of(&k.c);
    if (row > 0 && !cf_clusternet_open(p, &k.c, err))
        return false;
    while (row < CF_ARRAY_LEN(rows)) {
        bool so = true;
        if (!rows[row].run(&k, &so, out, err))
            return false;
        if (!so)
            return true;
        note_row(&k.c, ++row);
        if (k.room <= 0)
            return true; /* what was written is to be recorded */
    }
    out->done = true;
    return true;
}
