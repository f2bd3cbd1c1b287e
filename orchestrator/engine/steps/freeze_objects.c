/* SPDX-License-Identifier: Apache-2.0 */
/* The stopped objects as they are (freeze.h): read as few calls as that takes, for they are read with
 * every look of a freeze. */
#include <inttypes.h>

#include "federation/objects/kinds.h"
#include "orchestrator/engine/steps/freeze.h"

enum {
    LOOK_MS = 500,
    ONE_BY_ONE_MAX = 4, /* of a kind; a list brings all of the namespace, and is one call */
};

static char *key_of(const char *kind, const char *name)
{
    return cf_xasprintf("%s/%s", kind, name);
}

static char *key_of_row(const json_t *row)
{
    return key_of(cf_json_str(row, "", "kind", NULL), cf_json_str(row, "", "name", NULL));
}

/* {kind: how many rows}; new reference. */
static json_t *counts_of(const json_t *rows)
{
    json_t *counts = json_object();
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *kind = cf_json_str(row, "", "kind", NULL);
        json_object_set_new(counts, kind, json_integer(cf_json_int(counts, 0, kind, NULL) + 1));
    }
    return counts;
}

static void trim(json_t *o)
{
    json_t *kept = json_pack("{s:{s:s,s:s,s:I}, s:{s:O?,s:O?}, s:{s:O?,s:O?}}", "metadata", "name",
                             cf_object_name(o), "uid", cf_object_uid(o), "generation",
                             (json_int_t)cf_json_int(o, 0, "metadata", "generation", NULL), "spec",
                             "replicas", cf_json_at(o, "spec", "replicas", NULL), "suspend",
                             cf_json_at(o, "spec", "suspend", NULL), "status", "replicas",
                             cf_json_at(o, "status", "replicas", NULL), "readyReplicas",
                             cf_json_at(o, "status", "readyReplicas", NULL));
    cf_assert(kept);
    json_object_clear(o);
    json_object_update(o, kept);
    json_decref(kept);
}

static bool read_list(const struct cf_freeze *f, const json_t *row, json_t *objects,
                      struct cf_error *err)
{
    const char *kind = cf_json_str(row, "", "kind", NULL);
    struct cf_kube_list what = { .api_version = cf_json_str(row, "", "apiVersion", NULL),
                                 .kind = kind,
                                 .ns = f->ns,
                                 .trim = trim };
    cf_autojson json_t *items = NULL;
    size_t i;
    json_t *o;
    if (!cf_kube_list(f->kube, NULL, &what, &items, NULL, err))
        return cf_error_wrap(err, "%ss of %s/%s", kind, f->cluster, f->ns);
    json_array_foreach(items, i, o)
    {
        cf_autofree char *key = key_of(kind, cf_object_name(o));
        json_object_set(objects, key, o);
    }
    return true;
}

static bool read_one(const struct cf_freeze *f, const json_t *row, json_t *objects,
                     struct cf_error *err)
{
    struct cf_object_ref ref =
        cf_ref(cf_json_str(row, "", "apiVersion", NULL), cf_json_str(row, "", "kind", NULL), f->ns,
               cf_json_str(row, "", "name", NULL));
    bool found = false;
    cf_autojson json_t *object = NULL;
    cf_autofree char *key = key_of_row(row);
    if (!cf_kube_find(f->kube, NULL, &ref, &found, &object, err))
        return cf_error_wrap(err, "%s %s", ref.kind, ref.name);
    if (found)
        json_object_set(objects, key, object);
    return true;
}

bool cf_freeze_objects(const struct cf_freeze *f, const json_t *rows, json_t **out,
                       struct cf_error *err)
{
    cf_autojson json_t *objects = json_object();
    cf_autojson json_t *counts = counts_of(rows);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *kind = cf_json_str(row, "", "kind", NULL);
        int64_t n = cf_json_int(counts, 0, kind, NULL);
        if (n == 0)
            continue; /* in a list that was read */
        if (!(n > ONE_BY_ONE_MAX ? read_list : read_one)(f, row, objects, err))
            return false;
        if (n > ONE_BY_ONE_MAX)
            json_object_del(counts, kind);
    }
    *out = cf_steal(&objects);
    return true;
}

const json_t *cf_freeze_object(const json_t *objects, const json_t *row)
{
    cf_autofree char *key = key_of_row(row);
    return json_object_get(objects, key);
}

/* ---- what is asked of them ---- */

bool cf_freeze_generations(const struct cf_freeze *f, const json_t *rows, json_t **out,
                           struct cf_error *err)
{
    cf_autojson json_t *all = json_object();
    cf_autojson json_t *objects = NULL;
    size_t i;
    json_t *row;
    if (!cf_freeze_objects(f, rows, &objects, err))
        return false;
    json_array_foreach(rows, i, row)
    {
        const json_t *object = cf_freeze_object(objects, row);
        cf_autofree char *name = key_of_row(row);
        cf_autofree char *is =
            object ? cf_xasprintf("%s/%" PRId64, cf_object_uid(object),
                                  cf_json_int(object, 0, "metadata", "generation", NULL))
                   : cf_xstrdup("");
        json_object_set_new(all, name, json_string(is));
    }
    *out = cf_steal(&all);
    return true;
}

bool cf_freeze_runs(const struct cf_freeze *f, const json_t *rows, struct cf_outcome *out,
                    struct cf_error *err)
{
    cf_autojson json_t *objects = NULL;
    size_t i;
    json_t *row;
    if (!cf_freeze_objects(f, rows, &objects, err))
        return false;
    json_array_foreach(rows, i, row)
    {
        const json_t *object = cf_freeze_object(objects, row);
        if (!json_object_get(row, "replicas") || !object)
            continue;
        int64_t wanted = cf_json_int(object, 0, "spec", "replicas", NULL);
        int64_t want = CF_MIN(wanted, cf_json_int(row, wanted, "ready", NULL));
        int64_t ready = cf_json_int(object, 0, "status", "readyReplicas", NULL);
        if (ready < want)
            return cf_out_wait(
                out, LOOK_MS, "%s %s of %s starts again: %lld of %lld pods are ready",
                cf_json_str(row, "", "kind", NULL), cf_json_str(row, "", "name", NULL), f->cluster,
                (long long)ready, (long long)want);
    }
    return cf_out_done(out);
}
