/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a copy through Karmada, as one table.
 *
 *   row        writes                                           the gate: why it waits
 *   check      nothing                                          nobody else's hand is on the objects
 *   namespace  target: namespace, quotas, limits, directly;     both Active, the target's not
 *              control plane: the namespace, not propagated     Karmada's
 *   templates  every object's template, in waves; those that    -
 *              somebody's policy places already stay his
 *   overrides  what a member has otherwise than the template    -
 *   place      a policy per wave, held back; what is placed     bindings on exactly the member, Works
 *              already is claimed for it                        held back and preserving; each tried
 *   take       (adopt) the policies let go, Overwrite           everything of the source taken over,
 *                                                               its pods untouched
 *   keep       (adopt) back to Abort                            no binding would overwrite any more
 *   widen      (adopt) both members, the target held back       as `place`, for the target
 *   open       the policies let go, wave after wave             written, and standing in the member;
 *                                                               before a wave of workloads: all
 *                                                               before it healthy in the target
 *
 * A policy's phase says how far it is; a row's write touches only those that are not there yet, so
 * objects that appear in mid-run go through all rows alone. */
#include <string.h>

#include "federation/propagate/karmada.h"
#include "federation/propagate/waves.h"

struct copy {
    struct cf_karmada k;
    const json_t *inventory;
    json_t **io_ledger;
    int room; /* objects that this call may still write */
};

/* *out_so: the row is over, and the next begins. */
typedef bool row_fn(struct copy *c, bool *out_so, struct cf_copying *out, struct cf_error *err);

/* --- check --- */

static bool row_check(struct copy *c, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *findings = NULL;
    cf_autojson json_t *placed = NULL;
    size_t i;
    json_t *f;
    *out_so = false;
    if (!json_object_get(c->k.p->state, "scheduler")) {
        bool may = false;
        if (!cf_karmada_may_place(&c->k, &may, err))
            return false;
        json_object_set_new(c->k.p->state, "scheduler", json_string(may ? "own" : "default"));
    }
    if (!cf_karmada_survey(c->k.p, c->inventory, &findings, &placed, err) ||
        !cf_karmada_open(c->k.p, &c->k, err))
        return false;
    json_array_foreach(findings, i, f)
    {
        const char *key = cf_json_str(f, "", "key", NULL);
        if (strcmp(cf_json_str(f, "", "level", NULL), "blocker") == 0)
            return cf_copying_stuck(out, "%s%s%s (%s)", key, *key ? ": " : "",
                                    cf_json_str(f, "", "message", NULL),
                                    cf_json_str(f, "", "hint", NULL));
    }
    json_object_set(c->k.p->state, "placed", placed);
    *out_so = true;
    return true;
}

/* --- namespace --- */

static bool row_namespace(struct copy *c, bool *out_so, struct cf_copying *out,
                          struct cf_error *err)
{
    cf_autojson json_t *direct = cf_carried_part(c->inventory, false);
    struct cf_copying copying = { 0 };
    *out_so = false;
    if (!cf_direct_apply(c->k.p, direct, c->io_ledger, c->room, &copying, err))
        return false;
    if (!copying.done) {
        *out = copying;
        return true;
    }
    if (!cf_karmada_namespace_write(&c->k, err))
        return false;
    return cf_karmada_namespace_gate(&c->k, out_so, out, err);
}

/* --- templates and overrides --- */

/* Goes on in the inventory where the last call ended. */
static bool each_item(struct copy *c, const char *cursor, bool *out_so,
                      bool (*fn)(struct copy *c, const json_t *item, struct cf_error *err),
                      struct cf_error *err)
{
    const json_t *objects = json_object_get(c->inventory, "objects");
    json_int_t at = cf_json_int(c->k.p->state, 0, cursor, NULL);
    for (; (size_t)at < json_array_size(objects) && c->room > 0; at++) {
        const json_t *item = json_array_get(objects, (size_t)at);
        if (!cf_is_carried(item))
            continue;
        if (!fn(c, item, err))
            return cf_error_wrap(err, "%s on %s", cf_json_str(item, "", "key", NULL),
                                 cf_kube_name(c->k.hub));
        c->room--;
        json_object_set_new(c->k.p->state, cursor, json_integer(at + 1));
    }
    *out_so = (size_t)at >= json_array_size(objects);
    return true;
}

/* What stands in the target and is not ours is to be taken over: what it was is kept first. Not by a
 * template that is somebody else's, which cannot say `overwrite` for the target alone. */
static bool keep_image(struct copy *c, const json_t *item, bool *out_overwrite,
                       struct cf_error *err)
{
    enum cf_standing standing;
    cf_autojson json_t *live = NULL;
    const char *key = cf_json_str(item, "", "key", NULL);
    if (!cf_direct_standing(c->k.p, item, &standing, &live, err))
        return false;
    *out_overwrite = standing == CF_STANDING_EQUAL || standing == CF_STANDING_FOREIGN;
    if (!*out_overwrite)
        return true;
    bool placed = cf_karmada_is_placed(&c->k, key);
    if (!c->k.overwrite || placed) {
        cf_error_set(err, CF_ERR_CONFLICT,
                     "%s is already there on %s, and Karmada would not manage it: remove it%s", key,
                     cf_kube_name(c->k.p->target),
                     placed ? "" : ", or set copy.onConflict: overwrite");
        return cf_error_field(err, key);
    }
    return c->k.p->before.put(c->k.p->before.self, key, live, err);
}

static bool write_template(struct copy *c, const json_t *item, struct cf_error *err)
{
    struct cf_object_ref ref = cf_direct_ref(item);
    struct cf_kube_write write = { .force = true };
    bool found = false, overwrite = false;
    cf_autojson json_t *live = NULL;
    cf_autojson json_t *template = cf_json_copy(json_object_get(item, "template"));
    if (cf_karmada_is_placed(&c->k, cf_json_str(item, "", "key", NULL)))
        return keep_image(c, item, &overwrite, err);
    if (!cf_kube_find(c->k.hub, NULL, &ref, &found, &live, err))
        return false;
    if (found && strcmp(cf_json_str(live, "", "metadata", "labels", CF_LABEL_RUN, NULL),
                        c->k.p->run_id) != 0) {
        cf_error_set(err, CF_ERR_CONFLICT, "a template of that name is there already");
        return cf_error_field(err, cf_json_str(item, "", "key", NULL));
    }
    if (!keep_image(c, item, &overwrite, err))
        return false;
    if (overwrite || cf_json_at(live, "metadata", "annotations", CF_KARMADA_CONFLICT, NULL))
        cf_json_put_take(template, json_string("overwrite"), "metadata", "annotations",
                         CF_KARMADA_CONFLICT, NULL);
    return cf_kube_apply(c->k.hub, NULL, template, &write, NULL, err);
}

static bool row_templates(struct copy *c, bool *out_so, struct cf_copying *out,
                          struct cf_error *err)
{
    (void)out;
    return each_item(c, "written", out_so, write_template, err);
}

static json_t *object_of(const struct cf_karmada *k, const char *key)
{
    size_t i, n;
    json_t *policy, *object;
    json_array_foreach(cf_karmada_policies(k), i, policy)
    {
        json_array_foreach(json_object_get(policy, "objects"), n, object)
        {
            if (strcmp(cf_json_str(object, "", "key", NULL), key) == 0)
                return object;
        }
    }
    return NULL;
}

static bool drop_override(struct copy *c, json_t *object, struct cf_error *err)
{
    char name[CF_KARMADA_NAME_MAX];
    struct cf_error mine = CF_ERROR_INIT;
    if (!cf_json_bool(object, false, "override", NULL))
        return true;
    cf_karmada_override_name(&c->k, cf_json_str(object, "", "key", NULL), name);
    struct cf_object_ref ref =
        cf_ref(CF_KARMADA_POLICY_API, "OverridePolicy", c->k.p->target_namespace, name);
    if (!cf_kube_delete(c->k.hub, NULL, &ref, NULL, &mine) && mine.kind != CF_ERR_NOT_FOUND)
        return cf_error_move(err, &mine);
    json_object_set_new(object, "override", json_false());
    return true;
}

static bool write_override(struct copy *c, const json_t *item, struct cf_error *err)
{
    struct cf_object_ref ref = cf_direct_ref(item);
    struct cf_kube_write write = { .force = true };
    bool found = false;
    cf_autojson json_t *live = NULL;
    json_t *object = object_of(&c->k, cf_json_str(item, "", "key", NULL));
    if ((strcmp(ref.kind, "Service") == 0 ||
         cf_karmada_is_placed(&c->k, cf_json_str(item, "", "key", NULL))) &&
        !cf_kube_find(c->k.hub, NULL, &ref, &found, &live, err))
        return false;
    cf_autojson json_t *override = cf_karmada_override(&c->k, item, live);
    if (!override)
        return drop_override(c, object, err);
    if (!cf_kube_apply(c->k.hub, NULL, override, &write, NULL, err))
        return cf_error_wrap(err, "OverridePolicy");
    json_object_set_new(object, "override", json_true());
    return true;
}

static bool row_overrides(struct copy *c, bool *out_so, struct cf_copying *out,
                          struct cf_error *err)
{
    (void)out;
    cf_karmada_assign(&c->k, c->inventory);
    return each_item(c, "overridden", out_so, write_override, err);
}

/* --- policies --- */

/* Brings every policy that is `from` to `to`, while there is room. *out_so: all are beyond `from`. */
static bool advance(struct copy *c, enum cf_karmada_phase from, enum cf_karmada_phase to,
                    bool *out_so, struct cf_error *err)
{
    size_t i;
    json_t *policy;
    *out_so = false;
    json_array_foreach(cf_karmada_policies(&c->k), i, policy)
    {
        if (cf_karmada_phase_of(policy) != from)
            continue;
        if (c->room <= 0)
            return true;
        if (!cf_karmada_policy_write(&c->k, policy, to, err))
            return false;
        c->room -= (int)json_array_size(json_object_get(policy, "objects"));
    }
    *out_so = true;
    return true;
}

/* Asks every policy of a phase, so that all of them come on at once; what the first says that is not
 * so far is passed on. */
static bool each_policy(struct copy *c, enum cf_karmada_phase phase,
                        bool (*ask)(struct copy *c, const json_t *policy, bool *out_so,
                                    struct cf_copying *out, struct cf_error *err),
                        bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    int waiting = 0;
    size_t i;
    json_t *policy;
    if (!cf_karmada_members_ready(&c->k, c->k.adopt, out_so, out, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    json_array_foreach(cf_karmada_policies(&c->k), i, policy)
    {
        struct cf_copying mine = { 0 };
        bool so = false;
        if (cf_karmada_phase_of(policy) != phase)
            continue;
        if (!ask(c, policy, &so, &mine, err))
            return false;
        if (!so)
            cf_copying_among(out, &mine, &waiting);
    }
    *out_so = waiting == 0;
    return true;
}

/* Placed and held back; each Work is tried once its policy stands whole. */
static bool is_tried(struct copy *c, const json_t *policy, bool in_source, bool *out_so,
                     struct cf_copying *out, struct cf_error *err)
{
    const char *member = in_source ? c->k.source : c->k.target;
    if (!cf_karmada_bound(&c->k, policy, out_so, out, err) || !*out_so ||
        !cf_karmada_works_stand(&c->k, policy, member, true, out_so, out, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    return cf_karmada_rehearse(&c->k, policy, in_source, out_so, out, err);
}

static bool is_tried_in_source(struct copy *c, const json_t *policy, bool *out_so,
                               struct cf_copying *out, struct cf_error *err)
{
    return is_tried(c, policy, true, out_so, out, err);
}

static bool is_tried_in_target(struct copy *c, const json_t *policy, bool *out_so,
                               struct cf_copying *out, struct cf_error *err)
{
    return is_tried(c, policy, false, out_so, out, err);
}

static bool is_bound(struct copy *c, const json_t *policy, bool *out_so, struct cf_copying *out,
                     struct cf_error *err)
{
    return cf_karmada_bound(&c->k, policy, out_so, out, err);
}

static bool row_place(struct copy *c, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    if (!advance(c, CF_PHASE_PLANNED, CF_PHASE_PLACED, out_so, err) || !*out_so ||
        !cf_karmada_take_claims(&c->k, &c->room, out_so, out, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    return each_policy(c, CF_PHASE_PLACED, c->k.adopt ? is_tried_in_source : is_tried_in_target,
                       out_so, out, err);
}

static bool may_begin(struct copy *c, const json_t *policy, bool *out_so, struct cf_copying *out,
                      struct cf_error *err)
{
    return cf_wave_may_begin(c->k.p, c->inventory, cf_wave_of(policy), cf_karmada_health, out_so,
                             out, err);
}

/* Let go one after the other: the next only when the one before stands in the members. */
static bool in_waves(struct copy *c, enum cf_karmada_phase from, enum cf_karmada_phase to,
                     const char *member, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    size_t i;
    json_t *policy;
    if (!cf_karmada_members_ready(&c->k, c->k.adopt, out_so, out, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    json_array_foreach(cf_karmada_policies(&c->k), i, policy)
    {
        enum cf_karmada_phase now = cf_karmada_phase_of(policy);
        if (now != from && now != to)
            continue;
        if (now == from && to == CF_PHASE_OPEN &&
            (!may_begin(c, policy, out_so, out, err) || !*out_so))
            return err->kind == CF_ERR_NONE;
        if (now == from && !cf_karmada_policy_write(&c->k, policy, to, err))
            return false;
        if (!cf_karmada_bound(&c->k, policy, out_so, out, err) || !*out_so ||
            !cf_karmada_works_stand(&c->k, policy, member, false, out_so, out, err) || !*out_so ||
            !cf_karmada_applied(&c->k, policy, member, out_so, out, err) || !*out_so)
            return err->kind == CF_ERR_NONE;
    }
    return true;
}

static bool row_take(struct copy *c, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    return in_waves(c, CF_PHASE_PLACED, CF_PHASE_TAKING, c->k.source, out_so, out, err);
}

static bool row_keep(struct copy *c, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    if (!advance(c, CF_PHASE_TAKING, CF_PHASE_TAKEN, out_so, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    return each_policy(c, CF_PHASE_TAKEN, is_bound, out_so, out, err);
}

static bool row_widen(struct copy *c, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    if (!advance(c, CF_PHASE_TAKEN, CF_PHASE_WIDENED, out_so, err) || !*out_so)
        return err->kind == CF_ERR_NONE;
    return each_policy(c, CF_PHASE_WIDENED, is_tried_in_target, out_so, out, err);
}

static bool row_open(struct copy *c, bool *out_so, struct cf_copying *out, struct cf_error *err)
{
    return in_waves(c, c->k.adopt ? CF_PHASE_WIDENED : CF_PHASE_PLACED, CF_PHASE_OPEN, c->k.target,
                    out_so, out, err);
}

/* --- the table --- */

static const struct row {
    const char *name;
    bool adopt_only;
    row_fn *run;
} rows[] = {
    { "check", false, row_check },
    { "namespace", false, row_namespace },
    { "templates", false, row_templates },
    { "overrides", false, row_overrides },
    { "place", false, row_place },
    { "take", true, row_take },
    { "keep", true, row_keep },
    { "widen", true, row_widen },
    { "open", false, row_open },
};

static size_t row_of(const struct cf_karmada *k)
{
    const char *name = cf_json_str(k->p->state, "check", "row", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return i;
    return CF_ARRAY_LEN(rows);
}

static void note_row(const struct cf_karmada *k, size_t row)
{
    json_object_set_new(k->p->state, "row",
                        json_string(row < CF_ARRAY_LEN(rows) ? rows[row].name : "done"));
}

/* Another inventory than the last time: from the beginning, which finds what stands. */
static void begin(const struct cf_karmada *k, const json_t *inventory)
{
    const char *digest = cf_json_str(inventory, "", "digest", NULL);
    if (strcmp(cf_json_str(k->p->state, "", "inventory", NULL), digest) == 0)
        return;
    json_object_set_new(k->p->state, "inventory", json_string(digest));
    json_object_set_new(k->p->state, "written", json_integer(0));
    json_object_set_new(k->p->state, "overridden", json_integer(0));
    note_row(k, 0);
}

/* --- the ledger --- */

static bool note_one(struct copy *c, const json_t *item, json_t *index, struct cf_error *err)
{
    const char *key = cf_json_str(item, "", "key", NULL);
    json_t *entry = json_object_get(index, key);
    cf_autojson json_t *live = NULL;
    cf_autojson json_t *image = NULL;
    if (entry &&
        strcmp(cf_json_str(entry, "", "digest", NULL), cf_json_str(item, "", "digest", NULL)) == 0)
        return true;
    if (!cf_direct_live(c->k.p, item, &live, err))
        return false;
    if (!live)
        return cf_error_set(err, CF_ERR_TRANSIENT, "%s is not on %s any more", key,
                            cf_kube_name(c->k.p->target));
    if (entry) {
        json_object_set(entry, "digest", json_object_get(item, "digest"));
        json_object_set_new(entry, "uid",
                            json_string(cf_json_str(live, "", "metadata", "uid", NULL)));
        return true;
    }
    if (c->k.overwrite && !c->k.p->before.get(c->k.p->before.self, key, &image, err))
        return false;
    json_array_append_new(*c->io_ledger, json_pack("{s:O, s:O, s:s, s:s, s:O}", "key",
                                                   json_object_get(item, "key"), "ref",
                                                   json_object_get(item, "ref"), "uid",
                                                   cf_json_str(live, "", "metadata", "uid", NULL),
                                                   "how", image ? "overwritten" : "created",
                                                   "digest", json_object_get(item, "digest")));
    return true;
}

static bool note_all(struct copy *c, struct cf_error *err)
{
    cf_autojson json_t *index = cf_json_index(*c->io_ledger, "key", NULL);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(c->inventory, "objects"), i, item)
    {
        if (cf_is_carried(item) && !note_one(c, item, index, err))
            return false;
    }
    return true;
}

/* One row at a time: a row takes what those before it have brought about to stand, and the next one writes
 * over it. So whoever dies in that must find this one recorded as done. */
static bool apply_all(const struct cf_propagation *p, const json_t *inventory, json_t **io_ledger,
                      int max_objects, struct cf_copying *out, struct cf_error *err)
{
    struct copy c = { .inventory = inventory, .io_ledger = io_ledger, .room = max_objects };
    cf_karmada_view(p, &c.k);
    begin(&c.k, inventory);
    size_t row = row_of(&c.k);
    bool so = true;
    if (row > 0 && !cf_karmada_open(p, &c.k, err))
        return false;
    while (row < CF_ARRAY_LEN(rows) && rows[row].adopt_only && !c.k.adopt)
        row++;
    if (row == CF_ARRAY_LEN(rows)) {
        out->done = note_all(&c, err);
        return out->done;
    }
    if (!rows[row].run(&c, &so, out, err))
        return false;
    if (so)
        note_row(&c.k, row + 1);
    return true;
}

bool cf_karmada_apply(const struct cf_propagation *p, const json_t *inventory, json_t **io_ledger,
                      int max_objects, struct cf_copying *out, struct cf_error *err)
{
    return cf_karmada_end(apply_all(p, inventory, io_ledger, max_objects, out, err), out, err);
}
