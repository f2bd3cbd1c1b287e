/* SPDX-License-Identifier: Apache-2.0 */
/* Letting go: the copies stay as they are and are nobody's of ours any more. */
#include <string.h>

#include "federation/kube/fan_out.h"
#include "federation/objects/transform.h"
#include "federation/propagate/direct.h"

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

/* One copy that is let go. Written by the thread that has its number. */
struct releasing {
    const json_t *entry;
    struct cf_error *err; /* NULL: nothing went wrong */
};

struct release {
    const struct cf_propagation *p;
    struct releasing *rows;
    size_t n;
};

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

static bool release_number(void *arg, size_t i)
{
    const struct release *r = arg;
    struct releasing *row = &r->rows[i];
    struct cf_error err = CF_ERROR_INIT;
    if (release_one(r->p, row->entry, &err))
        return true;
    row->err = cf_xmalloc(sizeof *row->err);
    *row->err = err;
    return false;
}

/* One read and one patch for each, side by side: a list would hold all of them, with their
 * managedFields, at once. */
bool cf_direct_release(const struct cf_propagation *p, const json_t *ledger, struct cf_copying *out,
                       struct cf_error *err)
{
    struct release r = { .p = p, .n = json_array_size(ledger) };
    r.rows = cf_xcalloc(r.n + 1, sizeof *r.rows);
    for (size_t i = 0; i < r.n; i++)
        r.rows[i].entry = json_array_get(ledger, i);
    cf_kube_fan_out(p->target, r.n, release_number, &r);
    bool ok = true;
    for (size_t i = 0; i < r.n; i++) {
        if (ok && r.rows[i].err)
            ok = cf_error_move(err, r.rows[i].err);
        free(r.rows[i].err);
    }
    free(r.rows);
    out->done = ok;
    return ok;
}
