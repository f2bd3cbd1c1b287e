/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping and starting the writers of one side (freeze.h). */
#include "orchestrator/engine/steps/freeze.h"

#include <stdio.h>
#include <string.h>

#include "federation/kube/fan_out.h"
#include "federation/objects/held.h"
#include "federation/objects/kinds.h"

#define KEDA_API  "keda.sh/v1alpha1"
#define KEDA_KIND "ScaledObject"

bool cf_freeze_open(struct cf_pass *p, bool target, struct cf_kube **kube, struct cf_freeze *f,
                    struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    const char *cluster = target ? plan->target_cluster : plan->source_cluster;
    if (!cf_pass_kube(p, cluster, kube, err))
        return false;
    *f = (struct cf_freeze){ p, *kube, cluster,
                             target ? plan->target_namespace : plan->source_namespace };
    return true;
}

/* ---- rows ---- */

static struct cf_object_ref ref_of(const struct cf_freeze *f, const json_t *row)
{
    return cf_ref(cf_json_str(row, "", "apiVersion", NULL), cf_json_str(row, "", "kind", NULL),
                  f->ns, cf_json_str(row, "", "name", NULL));
}

/* The field of spec by which a kind stands still, and its value then. */
static const struct {
    const char *kind, *api_version, *field;
} fields[] = {
    { "Deployment", "apps/v1", "replicas" }, { "StatefulSet", "apps/v1", "replicas" },
    { "ReplicaSet", "apps/v1", "replicas" }, { "CronJob", "batch/v1", "suspend" },
    { "Job", "batch/v1", "suspend" },
};

static size_t field_no(const char *kind)
{
    size_t i = 0;
    while (i < CF_ARRAY_LEN(fields) && strcmp(fields[i].kind, kind) != 0)
        i++;
    return i;
}

static json_t *value_of(const json_t *object, const char *field)
{
    const json_t *value = cf_json_at(object, "spec", field, NULL);
    if (value)
        return json_incref(cf_json_unconst(value));
    return strcmp(field, "suspend") == 0 ? json_false() : json_integer(1);
}

/* Those of the list that can stand still, each once. */
static void add_wanted(const json_t *writers, json_t *wanted)
{
    size_t i;
    json_t *w;
    json_array_foreach(writers, i, w)
    {
        const char *kind = cf_json_str(w, "", "kind", NULL);
        const char *name = cf_json_str(w, "", "name", NULL);
        size_t no = field_no(kind);
        if (no < CF_ARRAY_LEN(fields) && !cf_row_of(wanted, kind, name))
            json_array_append_new(wanted,
                                  json_pack("{s:s,s:s,s:s}", "apiVersion", fields[no].api_version,
                                            "kind", kind, "name", name));
    }
}

static void add_row(const json_t *wanted, const json_t *object, json_t *rows)
{
    const char *field = fields[field_no(cf_json_str(wanted, "", "kind", NULL))].field;
    cf_autojson json_t *had = object ? value_of(object, field) : NULL;
    cf_autojson json_t *stopped = cf_held_still(field);
    if (!object || json_equal(had, stopped))
        return;
    json_t *row = json_copy(cf_json_unconst(wanted));
    json_object_set_new(row, "uid", json_string(cf_object_uid(object)));
    json_object_set(row, field, had);
    if (json_is_integer(had))
        json_object_set_new(row, "ready",
                            json_integer(cf_json_int(object, 0, "status", "readyReplicas", NULL)));
    json_array_append_new(rows, row);
}

bool cf_freeze_scalers(const struct cf_freeze *f, const json_t *writers, const json_t *more,
                       json_t *rows, struct cf_error *err)
{
    struct cf_kube_list what = { .api_version = KEDA_API, .kind = KEDA_KIND, .ns = f->ns };
    cf_autojson json_t *scalers = NULL;
    struct cf_error none = CF_ERROR_INIT;
    size_t i;
    json_t *s;
    if (!cf_kube_list(f->kube, NULL, &what, &scalers, NULL, &none)) {
        if (none.kind == CF_ERR_NOT_FOUND || none.kind == CF_ERR_DENIED)
            return true;
        (void)cf_error_move(err, &none);
        return cf_error_wrap(err, "list %s", KEDA_KIND);
    }
    json_array_foreach(scalers, i, s)
    {
        const json_t *target = cf_json_at(s, "spec", "scaleTargetRef", NULL);
        const char *kind = cf_json_str(target, "Deployment", "kind", NULL);
        const char *name = cf_json_str(target, "", "name", NULL);
        if (!cf_row_of(writers, kind, name) && !cf_row_of(more, kind, name))
            continue;
        const char *paused = cf_json_str(s, NULL, "metadata", "annotations", CF_KEDA_PAUSED, NULL);
        json_array_insert_new(rows, 0,
                              json_pack("{s:s,s:s,s:s,s:s,s:o}", "apiVersion", KEDA_API, "kind",
                                        KEDA_KIND, "name", cf_object_name(s), "uid",
                                        cf_object_uid(s), "paused",
                                        paused ? json_string(paused) : json_null()));
    }
    return true;
}

bool cf_freeze_rows(const struct cf_freeze *f, const json_t *writers, const json_t *more,
                    json_t **out_rows, struct cf_error *err)
{
    cf_autojson json_t *rows = json_array();
    cf_autojson json_t *wanted = json_array();
    cf_autojson json_t *objects = NULL;
    size_t i;
    json_t *w;
    add_wanted(writers, wanted);
    add_wanted(more, wanted);
    if (!cf_freeze_objects(f, wanted, &objects, err))
        return false;
    json_array_foreach(wanted, i, w)
    {
        add_row(w, cf_freeze_object(objects, w), rows);
    }
    if (!cf_freeze_scalers(f, writers, more, rows, err))
        return false;
    *out_rows = cf_steal(&rows);
    return true;
}

json_t *cf_freeze_watched(const struct cf_live *run, bool target)
{
    const json_t *stopped = target ? NULL : cf_moves_stopped(run);
    json_t *rows = stopped ? json_copy(cf_json_unconst(stopped)) : json_array();
    add_wanted(cf_moves_writer_rows(run), rows);
    add_wanted(cf_json_at(run->plan->effective, "spec", "volumes", "finalSync", "quiesce", NULL),
               rows);
    return rows;
}

/* ---- stopping and starting ---- */

static bool is_scaler(const json_t *row)
{
    return json_object_get(row, "paused") != NULL;
}

/* The patch of a row: to standstill, or back to what it had. A JSON Patch tests the uid, and on the way
 * back that our value still stands there. */
static json_t *patch_of(const json_t *row, bool back)
{
    json_t *patch = json_pack("[{s:s,s:s,s:s}]", "op", "test", "path", "/metadata/uid", "value",
                              cf_json_str(row, "", "uid", NULL));
    if (is_scaler(row)) {
        static const char *const at = "/metadata/annotations/autoscaling.keda.sh~1paused-replicas";
        const json_t *had = json_object_get(row, "paused");
        if (back)
            json_array_append_new(
                patch, json_pack("{s:s,s:s,s:s}", "op", "test", "path", at, "value", "0"));
        if (back && json_is_null(had))
            json_array_append_new(patch, json_pack("{s:s,s:s}", "op", "remove", "path", at));
        else
            json_array_append_new(
                patch, json_pack("{s:s,s:s,s:o}", "op", "add", "path", at, "value",
                                 back ? json_incref(cf_json_unconst(had)) : json_string("0")));
        return patch;
    }
    const char *field = fields[field_no(cf_json_str(row, "", "kind", NULL))].field;
    cf_autofree char *at = cf_xasprintf("/spec/%s", field);
    if (back)
        json_array_append_new(patch, json_pack("{s:s,s:s,s:o}", "op", "test", "path", at, "value",
                                               cf_held_still(field)));
    json_array_append_new(
        patch, json_pack("{s:s,s:s,s:o}", "op", "add", "path", at, "value",
                         back ? json_incref(json_object_get(row, field)) : cf_held_still(field)));
    return patch;
}

/* An annotation cannot be added where there are none yet. */
static bool make_annotations(const struct cf_freeze *f, const struct cf_object_ref *ref,
                             const json_t *row, struct cf_error *err)
{
    cf_autojson json_t *patch =
        json_pack("{s:{s:s,s:{s:s}}}", "metadata", "uid", cf_json_str(row, "", "uid", NULL),
                  "annotations", CF_KEDA_PAUSED, "0");
    return cf_kube_merge_patch(f->kube, NULL, ref, patch, NULL, NULL, err);
}

static bool stop_one(void *arg, const json_t *row, struct cf_error *err)
{
    const struct cf_freeze *f = arg;
    struct cf_object_ref ref = ref_of(f, row);
    cf_autojson json_t *patch = patch_of(row, false);
    struct cf_error refusal = CF_ERROR_INIT;
    bool ok = is_scaler(row) ? make_annotations(f, &ref, row, &refusal)
                             : cf_kube_json_patch(f->kube, NULL, &ref, patch, NULL, NULL, &refusal);
    if (ok || refusal.kind == CF_ERR_NOT_FOUND) {
        cf_error_clear(&refusal);
        return true;
    }
    (void)cf_error_move(err, &refusal);
    return cf_error_wrap(err, "stop %s %s of %s", ref.kind, ref.name, f->cluster);
}

/* Scalers first, one after the other: while they are there, what they scale may come back. The others
 * side by side, for whoever stops last has the clients waiting. */
bool cf_freeze_stop(const struct cf_freeze *f, const json_t *rows, struct cf_error *err)
{
    cf_autojson json_t *others = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (!is_scaler(row))
            json_array_append(others, row);
        else if (!stop_one((void *)(uintptr_t)f, row, err))
            return false;
    }
    return cf_kube_each(f->kube, others, stop_one, (void *)(uintptr_t)f, err);
}

/* What a row had, or what its object has now: a number, a boolean, the annotation's text or null. */
static json_t *saved_of(const json_t *row, const char **out_name)
{
    bool scaler = is_scaler(row);
    const char *field =
        scaler ? "paused" : fields[field_no(cf_json_str(row, "", "kind", NULL))].field;
    *out_name = scaler ? "paused-replicas" : field;
    return json_incref(json_object_get(row, field));
}

static json_t *present_of(const json_t *row, const json_t *object)
{
    if (!is_scaler(row))
        return value_of(object, fields[field_no(cf_json_str(row, "", "kind", NULL))].field);
    const json_t *paused = cf_json_at(object, "metadata", "annotations", CF_KEDA_PAUSED, NULL);
    return paused ? json_incref(cf_json_unconst(paused)) : json_null();
}

/* After a refused way back: what stands there now is what it had already, or somebody's. */
static bool judge_refusal(const struct cf_freeze *f, const struct cf_object_ref *ref,
                          const json_t *row, json_t *left, struct cf_error *err)
{
    bool found = false;
    const char *name;
    cf_autojson json_t *object = NULL;
    if (!cf_kube_find(f->kube, NULL, ref, &found, &object, err))
        return cf_error_wrap(err, "%s %s", ref->kind, ref->name);
    cf_autofree char *line = NULL;
    cf_autojson json_t *had = saved_of(row, &name);
    cf_autojson json_t *is = present_of(row, object);
    if (!found || strcmp(cf_object_uid(object), cf_json_str(row, "", "uid", NULL)) != 0) {
        line = cf_xasprintf("%s %s of %s, which the freeze stopped, is gone", ref->kind, ref->name,
                            f->cluster);
    } else if (!json_equal(had, is)) {
        cf_autofree char *before = cf_json_dump(had);
        cf_autofree char *now = cf_json_dump(is);
        line = cf_xasprintf("%s %s of %s has %s %s and not %s as before the freeze: somebody has "
                            "changed it since, and it stays so",
                            ref->kind, ref->name, f->cluster, name, now, before);
    }
    if (line)
        json_array_append_new(left, json_string(line));
    return true;
}

static bool give_back_one(const struct cf_freeze *f, const json_t *row, json_t *left,
                          struct cf_error *err)
{
    struct cf_object_ref ref = ref_of(f, row);
    cf_autojson json_t *patch = patch_of(row, true);
    struct cf_error refusal = CF_ERROR_INIT;
    if (cf_kube_json_patch(f->kube, NULL, &ref, patch, NULL, NULL, &refusal))
        return true;
    if (refusal.kind == CF_ERR_NOT_FOUND || refusal.upstream == 422) {
        cf_error_clear(&refusal);
        return judge_refusal(f, &ref, row, left, err);
    }
    (void)cf_error_move(err, &refusal);
    return cf_error_wrap(err, "start %s %s of %s again", ref.kind, ref.name, f->cluster);
}

bool cf_freeze_give_back(const struct cf_freeze *f, const json_t *rows, json_t *left,
                         struct cf_error *err)
{
    /* Scalers last: they were first to stop. One that is refused keeps none of the others stopped. */
    for (size_t i = json_array_size(rows); i-- > 0;) {
        struct cf_error why = CF_ERROR_INIT;
        if (!give_back_one(f, json_array_get(rows, i), left, &why))
            cf_error_keep_first(err, &why);
    }
    return err->kind == CF_ERR_NONE;
}
