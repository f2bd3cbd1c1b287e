/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back, switching on, and letting go. Touches the target only, and only what is ours. */
#include <string.h>

#include "base/json_patch.h"
#include "federation/objects/clean.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
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
        if (strcmp(k->kind, "Namespace") == 0)
            continue;
        if (!cf_kube_list(p->target, NULL, &list, &items, NULL, &mine)) {
            if (mine.kind == CF_ERR_NOT_FOUND)
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

/* A namespace goes only when it is empty but for what every namespace has; otherwise it stays and
 * is ours no longer. */
static bool may_delete(const struct cf_propagation *p, const struct cf_object_ref *ref,
                       const char *key, bool *out, json_t *lines, struct cf_error *err)
{
    bool inhabited = false;
    if (strcmp(ref->kind, "Namespace") == 0 && !has_inhabitants(p, ref->name, &inhabited, err))
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
    if (!may_delete(p, &ref, key, &may, lines, err))
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

/* Only the parts that people write; what the server keeps stays the server's. */
static json_t *written_parts(const json_t *object)
{
    json_t *clean = cf_object_clean(object);
    json_object_del(clean, "apiVersion");
    json_object_del(clean, "kind");
    cf_json_del(clean, "metadata", "name", NULL);
    cf_json_del(clean, "metadata", "namespace", NULL);
    return clean;
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
    cf_autojson json_t *now = written_parts(live);
    cf_autojson json_t *then = written_parts(image);
    cf_autojson json_t *patch = cf_json_merge_diff(now, then);
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

/* Objects with our label that no ledger names: made just before a crash. */
static bool collect_strays(const struct cf_propagation *p, json_t *ledger, struct cf_error *err)
{
    cf_autofree char *selector = cf_xasprintf(CF_LABEL_RUN "=%s", p->run_id);
    for (const struct cf_kind *k = cf_kinds; k->kind; k++) {
        char api_version[64];
        bool cluster_wide = strcmp(k->kind, "Namespace") == 0;
        struct cf_kube_list list = { .api_version = cf_kind_api_version(k, api_version),
                                     .kind = k->kind,
                                     .ns = cluster_wide ? NULL : p->target_namespace,
                                     .label_selector = selector };
        cf_autojson json_t *items = NULL;
        struct cf_error mine = CF_ERROR_INIT;
        if (!cf_kube_list(p->target, NULL, &list, &items, NULL, &mine)) {
            if (mine.kind == CF_ERR_NOT_FOUND || (cluster_wide && mine.kind == CF_ERR_DENIED))
                continue;
            cf_error_move(err, &mine);
            return cf_error_wrap(err, "look for our %s objects on %s", k->kind,
                                 cf_kube_name(p->target));
        }
        size_t i;
        json_t *object;
        json_array_foreach(items, i, object)
        {
            cf_autofree char *key = cf_object_key(object, NULL);
            struct cf_object_ref ref;
            bool going = cf_json_at(object, "metadata", "deletionTimestamp", NULL) != NULL;
            if (going || cf_direct_entry(ledger, key) || !cf_ref_of(object, &ref, &mine))
                continue;
            json_array_append_new(ledger,
                                  json_pack("{s:s, s:o, s:s, s:s, s:s}", "key", key, "ref",
                                            cf_direct_ref_json(&ref), "uid", cf_object_uid(object),
                                            "how", "created", "digest", ""));
        }
    }
    return true;
}

/* The ledger's last entry by wave: what came last goes first. */
static size_t last_in_order(const json_t *ledger)
{
    size_t best = 0;
    int best_wave = -1;
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        struct cf_object_ref ref = cf_direct_ref(entry);
        const struct cf_kind *k = cf_kind_find(ref.group, ref.kind);
        int wave = k ? k->wave : 0;
        if (wave >= best_wave) {
            best_wave = wave;
            best = i;
        }
    }
    return best;
}

bool cf_direct_undo(const struct cf_propagation *p, json_t **io_ledger, int max_objects,
                    struct cf_copying *out, json_t **out_left, struct cf_error *err)
{
    cf_autojson json_t *lines = json_array();
    for (int n = 0; n < max_objects && json_array_size(*io_ledger) > 0; n++) {
        size_t last = last_in_order(*io_ledger);
        if (!undo_one(p, json_array_get(*io_ledger, last), lines, err))
            return false;
        json_array_remove(*io_ledger, last);
    }
    if (json_array_size(*io_ledger) == 0 && !collect_strays(p, *io_ledger, err))
        return false;
    out->done = json_array_size(*io_ledger) == 0;
    *out_left = json_incref(lines);
    return true;
}

/* --- the switch --- */

static bool is_workload(const json_t *entry)
{
    struct cf_object_ref ref = cf_direct_ref(entry);
    const struct cf_kind *k = cf_kind_find(ref.group, ref.kind);
    return k && k->flags & CF_KIND_WORKLOAD;
}

/* The copy as it stands and the patch of spec that it keeps for the switch; *out_spec stays NULL
 * when it waits for nothing. */
static bool read_kept(const struct cf_propagation *p, const json_t *entry, json_t **out_live,
                      json_t **out_spec, struct cf_error *err)
{
    if (!cf_direct_live(p, entry, out_live, err))
        return false;
    const char *text =
        cf_json_str(*out_live, NULL, "metadata", "annotations", CF_ANNOTATION_ACTIVATE, NULL);
    if (!text)
        return true;
    *out_spec = cf_json_parse(text, strlen(text), 0, err);
    if (!*out_spec)
        return cf_error_wrap(err, "annotation %s of %s", CF_ANNOTATION_ACTIVATE,
                             cf_json_str(entry, "", "key", NULL));
    return true;
}

bool cf_direct_waiting(const struct cf_propagation *p, const json_t *ledger, json_t **out_rows,
                       struct cf_error *err)
{
    static const char *const fields[] = { "replicas", "suspend" };
    cf_autojson json_t *rows = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        cf_autojson json_t *live = NULL;
        cf_autojson json_t *spec = NULL;
        if (is_workload(entry) && !read_kept(p, entry, &live, &spec, err))
            return false;
        for (size_t k = 0; k < CF_ARRAY_LEN(fields); k++)
            if (json_object_get(spec, fields[k]))
                json_array_append_new(
                    rows, json_pack("{s:O, s:O, s:s}", "key", json_object_get(entry, "key"), "ref",
                                    json_object_get(entry, "ref"), "field", fields[k]));
    }
    *out_rows = json_incref(rows);
    return true;
}

/* Applies the kept patch of spec, or (off) what stood there before the switch. */
static bool activate_one(const struct cf_propagation *p, const json_t *entry, bool off,
                         struct cf_error *err)
{
    const char *key = cf_json_str(entry, "", "key", NULL);
    struct cf_object_ref ref = cf_direct_ref(entry);
    cf_autojson json_t *live = NULL;
    cf_autojson json_t *spec = NULL;
    if (!read_kept(p, entry, &live, &spec, err))
        return false;
    if (!spec)
        return true;
    if (off) {
        if (json_object_get(spec, "replicas"))
            json_object_set_new(spec, "replicas", json_integer(0));
        if (json_object_get(spec, "suspend"))
            json_object_set_new(spec, "suspend", json_true());
    }
    cf_autojson json_t *patch =
        json_pack("{s:{s:s}, s:O}", "metadata", "uid", cf_object_uid(live), "spec", spec);
    if (!cf_kube_merge_patch(p->target, NULL, &ref, patch, NULL, NULL, err))
        return cf_error_wrap(err, "%s %s on %s", off ? "stop" : "start", key,
                             cf_kube_name(p->target));
    return true;
}

bool cf_direct_activate(const struct cf_propagation *p, const json_t *ledger, bool off,
                        struct cf_copying *out, struct cf_error *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        if (is_workload(entry) && !activate_one(p, entry, off, err))
            return false;
    }
    out->done = true;
    return true;
}

/* --- release --- */

static void remove_op(json_t *patch, const char *map, const char *key)
{
    char pointer[CF_JSON_POINTER_MAX] = "/metadata";
    cf_json_pointer_push(pointer, map);
    cf_json_pointer_push(pointer, key);
    json_array_append_new(patch, json_pack("{s:s, s:s}", "op", "remove", "path", pointer));
}

/* Our entries of managedFields, last first so that the indices hold. Where another manager has an
 * entry too, the next applier meets no conflict with us; where ours was the only one, a server-side
 * applier that changes values has to force them once. */
static void give_up_fields(json_t *patch, const json_t *live)
{
    const json_t *entries = cf_json_at(live, "metadata", "managedFields", NULL);
    for (size_t i = json_array_size(entries); i-- > 0;) {
        if (strcmp(cf_json_str(json_array_get(entries, i), "", "manager", NULL),
                   CF_KUBE_FIELD_MANAGER) != 0)
            continue;
        cf_autofree char *test = cf_xasprintf("/metadata/managedFields/%zu/manager", i);
        cf_autofree char *path = cf_xasprintf("/metadata/managedFields/%zu", i);
        json_array_append_new(patch, json_pack("{s:s, s:s, s:s}", "op", "test", "path", test,
                                               "value", CF_KUBE_FIELD_MANAGER));
        json_array_append_new(patch, json_pack("{s:s, s:s}", "op", "remove", "path", path));
    }
}

static json_t *release_patch(const struct cf_propagation *p, const json_t *live)
{
    json_t *patch = json_array();
    json_array_append_new(patch,
                          json_pack("{s:s, s:s, s:s}", "op", "test", "path",
                                    "/metadata/labels/crossfade.dev~1run", "value", p->run_id));
    const char *floor =
        cf_json_str(live, NULL, "metadata", "annotations", CF_ANNOTATION_FLOOR, NULL);
    if (floor)
        json_array_append_new(patch, json_pack("{s:s, s:s, s:I}", "op", "replace", "path",
                                               "/spec/minReplicas", "value",
                                               (json_int_t)strtoll(floor, NULL, 10)));
    static const char *const annotations[] = { CF_ANNOTATION_ACTIVATE, CF_ANNOTATION_FLOOR };
    for (size_t i = 0; i < CF_ARRAY_LEN(annotations); i++)
        if (cf_json_at(live, "metadata", "annotations", annotations[i], NULL))
            remove_op(patch, "annotations", annotations[i]);
    remove_op(patch, "labels", CF_LABEL_RUN);
    give_up_fields(patch, live);
    return patch;
}

static bool release_one(const struct cf_propagation *p, const json_t *entry, struct cf_error *err)
{
    const char *key = cf_json_str(entry, "", "key", NULL);
    struct cf_object_ref ref = cf_direct_ref(entry);
    cf_autojson json_t *live = NULL;
    if (!cf_direct_live(p, entry, &live, err))
        return false;
    if (!live ||
        strcmp(cf_json_str(live, "", "metadata", "labels", CF_LABEL_RUN, NULL), p->run_id) != 0)
        return true;
    cf_autojson json_t *patch = release_patch(p, live);
    if (!cf_kube_json_patch(p->target, NULL, &ref, patch, NULL, NULL, err))
        return cf_error_wrap(err, "release %s on %s", key, cf_kube_name(p->target));
    return true;
}

bool cf_direct_release(const struct cf_propagation *p, const json_t *ledger,
                       struct cf_copying *out, struct cf_error *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        if (!release_one(p, entry, err))
            return false;
    }
    out->done = true;
    return true;
}
