/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back. Touches the target only, and only what is ours. */
#include <string.h>

#include "base/json_patch.h"
#include "federation/kube/fan_out.h"
#include "federation/objects/clean.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "federation/propagate/definitions.h"
#include "federation/propagate/direct.h"

static void left(json_t *lines, const char *key, const char *why)
{
    cf_autofree char *text = cf_xasprintf("%s: %s", key, why);
    json_array_append_new(lines, json_string(text));
}

/* --- undo --- */

/* Whether somebody else's objects live in a namespace that we made. */
static bool has_inhabitants(const struct cf_propagation *p, const char *ns, bool *out,
                            struct cf_error *err)
{
    *out = false;
    for (const struct cf_kind *k = cf_kinds; k->kind && !*out; k++) {
        char api_version[64];
        struct cf_kube_list list = { .api_version = cf_kind_api_version(k, api_version),
                                     .kind = k->kind,
                                     .ns = ns };
        cf_autojson json_t *items = NULL;
        struct cf_error mine = CF_ERROR_INIT;
        if (k->flags & (CF_KIND_CLUSTER | CF_KIND_ON_DEMAND))
            continue;
        if (!cf_kube_list(p->target, NULL, &list, &items, NULL, &mine)) {
            if (mine.kind == CF_ERR_NOT_FOUND ||
                (k->flags & CF_KIND_OPTIONAL && mine.kind == CF_ERR_DENIED))
                continue;
            return cf_error_move(err, &mine);
        }
        size_t i;
        json_t *object;
        json_array_foreach(items, i, object)
        {
            *out = *out || !cf_object_skip_reason(object);
        }
    }
    return true;
}

/* A namespace goes only when it is empty but for what every namespace has, a definition only when
 * nothing is defined by it; otherwise it stays and is ours no longer. */
static bool may_delete(const struct cf_propagation *p, const struct cf_object_ref *ref,
                       const json_t *live, const char *key, bool *out, json_t *lines,
                       struct cf_error *err)
{
    bool inhabited = false;
    if (strcmp(ref->kind, "Namespace") == 0 && !has_inhabitants(p, ref->name, &inhabited, err))
        return false;
    if (strcmp(ref->kind, "CustomResourceDefinition") == 0 &&
        !cf_definition_is_used(p, live, &inhabited, err))
        return false;
    *out = !inhabited;
    if (!inhabited)
        return true;
    left(lines, key, "other objects live in it, so it stays");
    cf_autojson json_t *patch = json_pack("{s:{s:{s:n}}}", "metadata", "labels", CF_LABEL_RUN);
    return cf_kube_merge_patch(p->target, NULL, ref, patch, NULL, NULL, err);
}

/* Deletes what we made: our label and the recorded uid, or it is not ours any more. */
static bool delete_created(const struct cf_propagation *p, const json_t *entry, json_t *lines,
                           struct cf_error *err)
{
    const char *key = cf_json_str(entry, "", "key", NULL);
    struct cf_object_ref ref = cf_direct_ref(entry);
    cf_autojson json_t *live = NULL;
    if (!cf_direct_live(p, entry, &live, err))
        return false;
    if (!live)
        return true;
    if (strcmp(cf_json_str(live, "", "metadata", "labels", CF_LABEL_RUN, NULL), p->run_id) != 0) {
        left(lines, key, "it no longer carries this run's label, so it is not ours to delete");
        return true;
    }
    bool may = false;
    if (!may_delete(p, &ref, live, key, &may, lines, err))
        return cf_error_wrap(err, "look into %s on %s", key, cf_kube_name(p->target));
    if (!may)
        return true;
    struct cf_kube_delete how = CF_KUBE_DELETE_INIT;
    how.uid = cf_object_uid(live);
    struct cf_error mine = CF_ERROR_INIT;
    if (cf_kube_delete(p->target, NULL, &ref, &how, &mine) || mine.kind == CF_ERR_NOT_FOUND)
        return true;
    cf_error_move(err, &mine);
    return cf_error_wrap(err, "delete %s on %s", key, cf_kube_name(p->target));
}

/* Only the parts that people write; what the server keeps stays the server's. The old name of the
 * account is one of them: where it stays, the server takes the account from it again. */
static json_t *written_parts(const json_t *object)
{
    json_t *clean = cf_object_clean(object);
    const json_t *account = json_object_get(cf_object_pod_spec(object), "serviceAccount");
    if (account)
        json_object_set(cf_object_pod_spec(clean), "serviceAccount", cf_json_unconst(account));
    json_object_del(clean, "apiVersion");
    json_object_del(clean, "kind");
    cf_json_del(clean, "metadata", "name", NULL);
    cf_json_del(clean, "metadata", "namespace", NULL);
    return clean;
}

/* Labels and annotations, key by key: what came while the object was ours goes, whoever wrote it;
 * what people had written is so again; what tools and controllers keep there stays theirs. */
static void restore_keys(json_t *patch, const char *part, const json_t *live, const json_t *image,
                         const json_t *then)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(cf_json_at(live, "metadata", part, NULL)), key, value)
    {
        if (!cf_json_at(image, "metadata", part, key, NULL))
            cf_json_put_take(patch, json_null(), "metadata", part, key, NULL);
    }
    json_object_foreach(cf_json_unconst(cf_json_at(then, "metadata", part, NULL)), key, value)
    {
        if (!cf_json_equal(value, cf_json_at(live, "metadata", part, key, NULL)))
            cf_json_put_take(patch, json_incref(value), "metadata", part, key, NULL);
    }
}

static json_t *way_back(const json_t *live, const json_t *image)
{
    static const char *const parts[] = { "labels", "annotations" };
    cf_autojson json_t *now = written_parts(live);
    cf_autojson json_t *then = written_parts(image);
    cf_autojson json_t *whole = cf_json_copy(then);
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++) {
        cf_json_del(now, "metadata", parts[i], NULL);
        cf_json_del(then, "metadata", parts[i], NULL);
    }
    json_t *patch = cf_json_merge_diff(now, then);
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++)
        restore_keys(patch, parts[i], live, image, whole);
    return patch;
}

/* Gives the stored values back; the label of our run goes with them. */
static bool restore_overwritten(const struct cf_propagation *p, const json_t *entry, json_t *lines,
                                struct cf_error *err)
{
    const char *key = cf_json_str(entry, "", "key", NULL);
    struct cf_object_ref ref = cf_direct_ref(entry);
    cf_autojson json_t *image = NULL;
    cf_autojson json_t *live = NULL;
    bool found = false;
    if (!p->before.get(p->before.self, key, &image, err) ||
        !cf_kube_find(p->target, NULL, &ref, &found, &live, err))
        return cf_error_wrap(err, "restore %s on %s", key, cf_kube_name(p->target));
    if (!image || !found) {
        left(lines, key,
             image ? "it is gone, so its former state was not given back"
                   : "its before-image is missing");
        return true;
    }
    if (strcmp(cf_json_str(live, "", "metadata", "labels", CF_LABEL_RUN, NULL), p->run_id) != 0)
        return true; /* given back before, or somebody else's meanwhile */
    cf_autojson json_t *patch = way_back(live, image);
    cf_json_put_take(patch, json_null(), "metadata", "labels", CF_LABEL_RUN, NULL);
    cf_json_put_take(patch, json_string(cf_object_uid(live)), "metadata", "uid", NULL);
    if (!cf_kube_merge_patch(p->target, NULL, &ref, patch, NULL, NULL, err))
        return cf_error_wrap(err, "restore %s on %s", key, cf_kube_name(p->target));
    return true;
}

static bool undo_one(const struct cf_propagation *p, const json_t *entry, json_t *lines,
                     struct cf_error *err)
{
    const char *how = cf_json_str(entry, "", "how", NULL);
    if (strcmp(how, "created") == 0)
        return delete_created(p, entry, lines, err);
    if (strcmp(how, "overwritten") == 0)
        return restore_overwritten(p, entry, lines, err);
    return true; /* adopted and shared objects were never written */
}

/* Objects of one kind with our label that no ledger names. What is optional may be unreadable: then
 * we could not have made any. */
static bool collect_kind(const struct cf_propagation *p, const struct cf_kube_list *list,
                         bool optional, const json_t *known, json_t *ledger, struct cf_error *err)
{
    cf_autojson json_t *items = NULL;
    struct cf_error mine = CF_ERROR_INIT;
    size_t i;
    json_t *object;
    if (!cf_kube_list(p->target, NULL, list, &items, NULL, &mine)) {
        if (mine.kind == CF_ERR_NOT_FOUND || (optional && mine.kind == CF_ERR_DENIED))
            return true;
        cf_error_move(err, &mine);
        return cf_error_wrap(err, "look for our %s objects on %s", list->kind,
                             cf_kube_name(p->target));
    }
    json_array_foreach(items, i, object)
    {
        cf_autofree char *key = cf_object_key(object, NULL);
        struct cf_object_ref ref;
        bool going = cf_json_at(object, "metadata", "deletionTimestamp", NULL) != NULL;
        if (going || json_object_get(known, key) || !cf_ref_of(object, &ref, &mine))
            continue;
        json_array_append_new(ledger,
                              json_pack("{s:s, s:o, s:s, s:s, s:s}", "key", key, "ref",
                                        cf_direct_ref_json(&ref), "uid", cf_object_uid(object),
                                        "how", "created", "digest", ""));
    }
    return true;
}

/* Objects with our label that no ledger names: made just before a crash. */
static bool collect_strays(const struct cf_propagation *p, json_t *ledger, struct cf_error *err)
{
    cf_autojson json_t *known = cf_json_index(ledger, "key", NULL);
    cf_autojson json_t *custom = cf_custom_kinds(p->target);
    cf_autofree char *selector = cf_xasprintf(CF_LABEL_RUN "=%s", p->run_id);
    struct cf_kube_list list = { .label_selector = selector };
    size_t i;
    json_t *row;
    for (const struct cf_kind *k = cf_kinds; k->kind; k++) {
        char api_version[64];
        bool cluster_wide = k->flags & CF_KIND_CLUSTER;
        list.api_version = cf_kind_api_version(k, api_version);
        list.kind = k->kind;
        list.ns = cluster_wide ? NULL : p->target_namespace;
        if (!collect_kind(p, &list, cluster_wide || k->flags & CF_KIND_OPTIONAL, known, ledger,
                          err))
            return false;
    }
    list.ns = p->target_namespace;
    json_array_foreach(custom, i, row)
    {
        list.api_version = cf_json_str(row, "", "apiVersion", NULL);
        list.kind = cf_json_str(row, "", "kind", NULL);
        if (!collect_kind(p, &list, true, known, ledger, err))
            return false;
    }
    return true;
}

/* As it was applied; strays were not recorded, but they are of kinds in the table. */
static int wave_of(const json_t *entry)
{
    struct cf_object_ref ref = cf_direct_ref(entry);
    const struct cf_kind *k = cf_kind_find(ref.group, ref.kind);
    return (int)cf_json_int(entry, k ? k->wave : 0, "wave", NULL);
}

/* One entry that is taken back. Written by the thread that has its number. */
struct undoing {
    json_t *entry; /* borrowed of the ledger */
    size_t place;  /* in the ledger */
    json_t *lines; /* what stays, and why */
    bool done;
    struct cf_error *err; /* NULL: nothing went wrong */
};

struct undo_wave {
    const struct cf_propagation *p;
    struct undoing *rows;
    size_t n;
};

/* The last entries of the last wave: what came last goes first. */
static void last_wave(const json_t *ledger, size_t max, struct undo_wave *w)
{
    int last = -1;
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        last = CF_MAX(last, wave_of(entry));
    }
    for (i = json_array_size(ledger); i-- > 0 && w->n < max;) {
        entry = json_array_get(ledger, i);
        if (wave_of(entry) == last)
            w->rows[w->n++] = (struct undoing){ .entry = entry, .place = i };
    }
}

static bool undo_number(void *arg, size_t i)
{
    struct undo_wave *w = arg;
    struct undoing *u = &w->rows[i];
    struct cf_error err = CF_ERROR_INIT;
    u->lines = json_array();
    u->done = undo_one(w->p, u->entry, u->lines, &err);
    if (u->done)
        return true;
    u->err = cf_xmalloc(sizeof *u->err);
    *u->err = err;
    return false;
}

/* What was taken back leaves the ledger, whatever failed beside it. */
static bool settle(struct undo_wave *w, size_t begun, json_t *ledger, json_t *lines,
                   struct cf_error *err)
{
    bool ok = true;
    for (size_t i = 0; i < begun; i++) { /* places fall: removing one leaves the others' alone */
        struct undoing *u = &w->rows[i];
        json_array_extend(lines, u->lines);
        if (u->done)
            json_array_remove(ledger, u->place);
        else if (ok)
            ok = cf_error_move(err, u->err);
        json_decref(u->lines);
        free(u->err);
    }
    return ok;
}

/* Takes back at most `max` entries of one wave, side by side. *out_n: how many were tried. */
static bool undo_wave(const struct cf_propagation *p, json_t *ledger, size_t max, size_t *out_n,
                      json_t *lines, struct cf_error *err)
{
    struct undo_wave w = { .p = p, .rows = cf_xcalloc(max, sizeof *w.rows) };
    last_wave(ledger, max, &w);
    *out_n = w.n;
    bool ok = settle(&w, cf_kube_fan_out(p->target, w.n, undo_number, &w), ledger, lines, err);
    free(w.rows);
    return ok;
}

bool cf_direct_undo(const struct cf_propagation *p, json_t **io_ledger, int max_objects,
                    struct cf_copying *out, json_t **out_left, struct cf_error *err)
{
    cf_autojson json_t *lines = json_array();
    size_t left = (size_t)CF_MAX(max_objects, 0), n;
    for (; left > 0 && json_array_size(*io_ledger) > 0; left -= n)
        if (!undo_wave(p, *io_ledger, left, &n, lines, err))
            return false;
    if (json_array_size(*io_ledger) == 0 && !collect_strays(p, *io_ledger, err))
        return false;
    out->done = json_array_size(*io_ledger) == 0;
    *out_left = json_incref(lines);
    return true;
}
