/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to the target, wave after wave in the order of the inventory; the objects of one wave side
 * by side, each step repeatable.
 *
 * A batch looks once at what of others stands where it wants to write. What is not there, or is ours
 * from before a crash, is one apply: without force, so that whoever came between the look and the
 * apply is met as a conflict. Conflicts, and copies made again, take the straight way: read, judge,
 * write. */
#include <stdio.h>
#include <string.h>

#include "federation/kube/fan_out.h"
#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/definitions.h"
#include "federation/propagate/direct.h"
#include "federation/propagate/waves.h"

/* One object of a batch. Written by the thread that has its number. */
struct writing {
    const json_t *item;
    const json_t *live; /* somebody else's, by the batch's look; borrowed, or NULL */
    const json_t *body; /* NULL: nothing to write */
    const char *how;    /* what the ledger will say */
    bool force, straight, done;
    char uid[CF_KUBE_UID_TEXT];
    struct cf_error *err; /* why not; NULL: nothing went wrong */
};

struct batch {
    const struct cf_propagation *p;
    json_t *ledger; /* grows */
    json_t *index;  /* its entries by key */
    struct writing *rows;
    size_t n;
};

static const char *key_of(const json_t *item)
{
    return cf_json_str(item, "", "key", NULL);
}

static bool needs_write(const json_t *index, const json_t *item)
{
    const json_t *entry = json_object_get(index, key_of(item));
    return !entry || strcmp(cf_json_str(entry, "", "digest", NULL),
                            cf_json_str(item, "", "digest", NULL)) != 0;
}

static void record(struct batch *b, const json_t *item, const char *uid, const char *how)
{
    json_t *entry = json_object_get(b->index, key_of(item));
    if (entry) {
        json_object_set(entry, "digest", json_object_get(item, "digest"));
        json_object_set_new(entry, "uid", json_string(uid));
        return;
    }
    entry = json_pack("{s:O, s:O, s:s, s:s, s:O, s:O}", "key", json_object_get(item, "key"), "ref",
                      json_object_get(item, "ref"), "uid", uid, "how", how, "digest",
                      json_object_get(item, "digest"), "wave", json_object_get(item, "wave"));
    json_array_append_new(b->ledger, entry);
    json_object_set(b->index, key_of(item), entry);
}

static bool apply_failed(const struct cf_propagation *p, const json_t *item, struct cf_error *err)
{
    cf_error_field(err, key_of(item));
    return cf_error_wrap(err, "apply %s on %s", key_of(item), cf_kube_name(p->target));
}

/* --- the straight way: one object, read and judged by itself --- */

/* The body, but with the replicas that an autoscaler has set meanwhile: applying others would fight
 * it, applying none would reset them to one. */
static json_t *body_over(const json_t *item, const json_t *live)
{
    json_t *body = cf_json_copy(json_object_get(item, "body"));
    const json_t *replicas = cf_json_at(live, "spec", "replicas", NULL);
    if (live && replicas && cf_json_bool(item, false, "autoscaled", NULL))
        cf_json_put_take(body, json_incref(cf_json_unconst(replicas)), "spec", "replicas", NULL);
    return body;
}

static bool write_body(struct batch *b, const json_t *item, const json_t *live, bool force,
                       const char *how, struct cf_error *err)
{
    cf_autojson json_t *body = body_over(item, live);
    cf_autojson json_t *written = NULL;
    struct cf_kube_write write = { .force = force };
    if (!cf_kube_apply(b->p->target, NULL, body, &write, &written, err))
        return apply_failed(b->p, item, err);
    record(b, item, cf_object_uid(written), how);
    return true;
}

static bool refuse_foreign(const struct cf_propagation *p, const json_t *item, const json_t *live,
                           struct cf_error *err)
{
    cf_autojson json_t *lines = cf_direct_differences(item, live);
    cf_autofree char *writer = cf_object_last_writer(live, CF_KUBE_FIELD_MANAGER);
    cf_error_set(err, CF_ERR_CONFLICT,
                 "%s is already there on %s (written by %s) and differs: %.400s. Remove it, or set "
                 "workloads.onConflict: overwrite",
                 key_of(item), cf_kube_name(p->target), writer ? writer : "somebody",
                 json_array_size(lines) ? json_string_value(json_array_get(lines, 0)) : "");
    return cf_error_field(err, key_of(item));
}

static bool keep_image(const struct cf_propagation *p, const json_t *item, const json_t *live,
                       struct cf_error *err)
{
    return p->before.put(p->before.self, key_of(item), live, err) ||
           cf_error_wrap(err, "keep the before-image of %s", key_of(item));
}

static bool is_policy(const json_t *item, const char *policy)
{
    return strcmp(cf_json_str(item, "fail", "onConflict", NULL), policy) == 0;
}

static bool apply_straight(struct batch *b, const json_t *item, struct cf_error *err)
{
    enum cf_standing standing;
    cf_autojson json_t *live = NULL;
    if (!cf_direct_standing(b->p, item, &standing, &live, err))
        return false;
    const json_t *entry = json_object_get(b->index, key_of(item));
    switch (standing) {
    case CF_STANDING_ABSENT:
        return write_body(b, item, NULL, false, "created", err);
    case CF_STANDING_OURS:
        return write_body(b, item, live, true, cf_json_str(entry, "created", "how", NULL), err);
    case CF_STANDING_SHARED:
        record(b, item, cf_object_uid(live), "same");
        return true;
    case CF_STANDING_EQUAL:
        if (is_policy(item, "fail"))
            return refuse_foreign(b->p, item, live, err);
        record(b, item, cf_object_uid(live), "adopted");
        return true;
    case CF_STANDING_FOREIGN:
        if (!is_policy(item, "overwrite"))
            return refuse_foreign(b->p, item, live, err);
        return keep_image(b->p, item, live, err) &&
               write_body(b, item, live, true, "overwritten", err);
    }
    return true;
}

/* --- a wave of a batch --- */

/* What is to be done with a row, by the batch's look; before-images are durable when it returns. */
static bool decide(const struct batch *b, struct writing *w, struct cf_error *err)
{
    w->body = json_object_get(w->item, "body");
    w->how = "created";
    w->straight = json_object_get(b->index, key_of(w->item)) != NULL;
    if (w->straight || !w->live)
        return true;
    switch (cf_direct_standing_of(b->p, w->item, w->live)) {
    case CF_STANDING_ABSENT:
    case CF_STANDING_OURS:
        return true;
    case CF_STANDING_SHARED:
        w->how = "same";
        break;
    case CF_STANDING_EQUAL:
        if (is_policy(w->item, "fail"))
            return refuse_foreign(b->p, w->item, w->live, err);
        w->how = "adopted";
        break;
    case CF_STANDING_FOREIGN:
        if (!is_policy(w->item, "overwrite"))
            return refuse_foreign(b->p, w->item, w->live, err);
        w->how = "overwritten";
        w->force = true;
        return keep_image(b->p, w->item, w->live, err);
    }
    w->body = NULL;
    w->done = true;
    (void)snprintf(w->uid, sizeof w->uid, "%s", cf_object_uid(w->live));
    return true;
}

/* One apply. A conflict is no failure yet: the straight way finds out whose it is. */
static bool write_number(void *arg, size_t i)
{
    struct batch *b = arg;
    struct writing *w = &b->rows[i];
    if (w->straight || w->done)
        return true;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_write write = { .force = w->force };
    cf_autojson json_t *written = NULL;
    if (cf_kube_apply(b->p->target, NULL, w->body, &write, &written, &err)) {
        w->done = true;
        (void)snprintf(w->uid, sizeof w->uid, "%s", cf_object_uid(written));
        return true;
    }
    w->straight = err.kind == CF_ERR_CONFLICT && !w->force;
    if (w->straight)
        return true;
    w->err = cf_xmalloc(sizeof *w->err);
    *w->err = err;
    return false;
}

static void wave_end(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        free(b->rows[i].err);
    free(b->rows);
    b->rows = NULL;
    b->n = 0;
}

/* What was written is recorded, whatever failed beside it; the first failure in the inventory's
 * order is the error. */
static bool settle(struct batch *b, size_t begun, struct cf_error *err)
{
    bool ok = true;
    for (size_t i = 0; i < begun; i++) {
        struct writing *w = &b->rows[i];
        if (w->done)
            record(b, w->item, w->uid, w->how);
        else if (ok && w->err) {
            cf_error_move(err, w->err);
            ok = apply_failed(b->p, w->item, err);
        }
    }
    for (size_t i = 0; ok && i < b->n; i++)
        if (b->rows[i].straight)
            ok = apply_straight(b, b->rows[i].item, err);
    return ok;
}

static bool write_wave(struct batch *b, const json_t *items, const json_t *live,
                       struct cf_error *err)
{
    bool ok = true;
    b->n = json_array_size(items);
    b->rows = cf_xcalloc(b->n + 1, sizeof *b->rows);
    for (size_t i = 0; ok && i < b->n; i++) {
        struct writing *w = &b->rows[i];
        w->item = json_array_get(items, i);
        w->live = json_object_get(live, key_of(w->item));
        ok = decide(b, w, err);
    }
    if (ok)
        ok = settle(b, cf_kube_fan_out(b->p->target, b->n, write_number, b), err);
    wave_end(b);
    return ok;
}

/* --- the rehearsal --- */

/* What is not in the target's namespace: the namespace itself, and definitions. */
static bool is_outside(const json_t *item)
{
    return strcmp(cf_json_str(item, "", "ref", "kind", NULL), "Namespace") == 0 ||
           cf_is_definition(item);
}

/* Before the first object inside the namespace is written, every object is tried: a copy that
 * cannot be finished is not begun. */
static bool rehearse(const struct cf_propagation *p, const json_t *inventory, struct cf_error *err)
{
    cf_autojson json_t *findings = NULL;
    if (!cf_direct_dry_run(p, inventory, &findings, err))
        return false;
    size_t i;
    json_t *f;
    json_array_foreach(findings, i, f)
    {
        if (strcmp(cf_json_str(f, "", "level", NULL), "blocker") == 0) {
            cf_error_set(err,
                         strcmp(cf_json_str(f, "", "code", NULL), "CONFLICT") == 0 ? CF_ERR_CONFLICT
                                                                                   : CF_ERR_INVALID,
                         "%s", cf_json_str(f, "", "message", NULL));
            return cf_error_field(err, cf_json_str(f, "", "key", NULL));
        }
    }
    return true;
}

static bool has_begun(const json_t *ledger)
{
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        if (!is_outside(entry))
            return true;
    }
    return false;
}

static bool is_tried(const struct cf_propagation *p, const json_t *inventory)
{
    const char *digest = cf_json_str(inventory, "", "digest", NULL);
    return p->tried && *p->tried && strcmp(p->tried, digest) == 0;
}

/* --- batches --- */

/* At most `max` items that the ledger does not show as they are, in order; *out_all: these are all
 * of them. */
static json_t *next_items(const json_t *inventory, const json_t *index, int max, bool *out_all)
{
    json_t *items = json_array();
    *out_all = true;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        if (!needs_write(index, item))
            continue;
        if (json_array_size(items) == (size_t)CF_MAX(max, 0)) {
            *out_all = false;
            break;
        }
        json_array_append(items, item);
    }
    return items;
}

static void keep_first(json_t *items, size_t n)
{
    while (json_array_size(items) > n)
        json_array_remove(items, json_array_size(items) - 1);
}

/* Definitions are a batch of their own: what they define is tried, and written, when they are
 * served. *io_all: whether `items` are all that is left. */
static bool hold_for_definitions(const struct batch *b, json_t *items, bool *io_all,
                                 struct cf_copying *out, struct cf_error *err)
{
    bool served = true, has_definition = false;
    size_t n = 0;
    for (; n < json_array_size(items) && is_outside(json_array_get(items, n)); n++)
        has_definition = has_definition || cf_is_definition(json_array_get(items, n));
    if (n == 0 && !has_begun(b->ledger) &&
        !cf_definitions_served(b->p, b->ledger, &served, out, err))
        return false;
    if (served && (!has_definition || n == json_array_size(items)))
        return true;
    keep_first(items, served ? n : 0);
    *io_all = false;
    return true;
}

/* Of one wave of workloads, and nothing before all that comes before it is healthy. *io_all as
 * above. */
static bool hold_for_wave(const struct cf_propagation *p, const json_t *inventory, json_t *items,
                          bool *io_all, struct cf_copying *out, struct cf_error *err)
{
    int wave = cf_wave_of(json_array_get(items, 0));
    bool so = true;
    size_t n = 0;
    if (json_array_size(items) == 0 || cf_waves_of(inventory) == 1)
        return true;
    while (n < json_array_size(items) && cf_wave_of(json_array_get(items, n)) == wave)
        n++;
    if (!cf_wave_may_begin(p, inventory, wave, cf_direct_health, &so, out, err))
        return false;
    *io_all = *io_all && so && n == json_array_size(items);
    keep_first(items, so ? n : 0);
    return true;
}

/* Takes the items of the first item's wave out of `items`. */
static json_t *next_wave(json_t *items)
{
    json_t *wave = json_array();
    int64_t first = cf_json_int(json_array_get(items, 0), 0, "wave", NULL);
    size_t n = 0;
    while (n < json_array_size(items) &&
           cf_json_int(json_array_get(items, n), 0, "wave", NULL) == first)
        json_array_append(wave, json_array_get(items, n++));
    cf_autojson json_t *rest = json_array();
    for (size_t i = n; i < json_array_size(items); i++)
        json_array_append(rest, json_array_get(items, i));
    json_array_clear(items);
    json_array_extend(items, rest);
    return wave;
}

static bool write_items(struct batch *b, const json_t *inventory, json_t *items,
                        struct cf_error *err)
{
    cf_autojson json_t *live = NULL;
    const char *mine = *b->p->run_id ? b->p->run_id : NULL;
    bool begun = has_begun(b->ledger);
    if (!cf_direct_look(b->p, items, mine, &live, err))
        return false;
    while (json_array_size(items) > 0) {
        cf_autojson json_t *wave = next_wave(items);
        bool inside = !is_outside(json_array_get(wave, 0));
        if (inside && !begun && !is_tried(b->p, inventory) && !rehearse(b->p, inventory, err))
            return false;
        begun = begun || inside;
        if (!write_wave(b, wave, live, err))
            return false;
    }
    return true;
}

/* The server asked for patience: nothing is wrong, and what was written is in the ledger. */
static bool asks_to_wait(const struct cf_propagation *p, struct cf_error *err,
                         struct cf_copying *out)
{
    enum { TOO_MANY = 429 };
    if (err->kind != CF_ERR_TRANSIENT || err->upstream != TOO_MANY)
        return false;
    out->waits = true;
    out->wait_ms = err->retry_after_ms;
    (void)snprintf(out->why, sizeof out->why, "%s asks for a pause: %.300s",
                   cf_kube_name(p->target), err->message);
    cf_error_clear(err);
    return true;
}

bool cf_direct_apply(const struct cf_propagation *p, const json_t *inventory, json_t **io_ledger,
                     int max_objects, struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *index = cf_json_index(*io_ledger, "key", NULL);
    struct batch b = { .p = p, .ledger = *io_ledger, .index = index };
    bool all;
    cf_autojson json_t *items = next_items(inventory, index, max_objects, &all);
    if (!hold_for_definitions(&b, items, &all, out, err) ||
        !hold_for_wave(p, inventory, items, &all, out, err))
        return false;
    if (!write_items(&b, inventory, items, err))
        return asks_to_wait(p, err, out);
    out->done = all;
    return true;
}
