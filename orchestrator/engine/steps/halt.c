/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping workloads of the source (halt.h). */
#include "orchestrator/engine/steps/halt.h"

#include <stdio.h>
#include <string.h>

#include "federation/objects/held.h"
#include "federation/objects/kinds.h"
#include "orchestrator/engine/steps/freeze.h"

enum { NAMES_SHOWN = 4 }; /* in a message; the rest is counted */

static bool is_suspend(const json_t *row)
{
    return json_object_get(row, "suspend") != NULL;
}

static bool is_scaler(const json_t *row)
{
    return json_object_get(row, "paused") != NULL;
}

static struct cf_object_ref ref_of(const struct cf_pass *p, const json_t *row)
{
    return cf_ref(cf_json_str(row, "", "apiVersion", NULL), cf_json_str(row, "", "kind", NULL),
                  p->run->plan->source_namespace, cf_json_str(row, "", "name", NULL));
}

/* ---- which ---- */

static bool is_stopped(const json_t *object, bool suspend)
{
    return suspend ? cf_json_bool(object, false, "spec", "suspend", NULL)
                   : cf_json_int(object, 1, "spec", "replicas", NULL) == 0;
}

bool cf_halt_add(struct cf_pass *p, struct cf_kube *kube, const json_t *copy, const char *field,
                 json_t *rows, struct cf_error *err)
{
    char version[CF_API_VERSION_MAX];
    const char *group = cf_json_str(copy, "", "ref", "group", NULL);
    const char *v = cf_json_str(copy, "", "ref", "version", NULL);
    (void)snprintf(version, sizeof version, "%s%s%s", group, *group ? "/" : "", v);
    cf_autojson json_t *row = json_pack("{s:s,s:s,s:s}", "apiVersion", version, "kind",
                                        cf_json_str(copy, "", "ref", "kind", NULL), "name",
                                        cf_json_str(copy, "", "ref", "name", NULL));
    struct cf_object_ref ref = ref_of(p, row);
    bool found = false, suspend = strcmp(field, "suspend") == 0;
    cf_autojson json_t *object = NULL;
    if (!cf_kube_find(kube, NULL, &ref, &found, &object, err))
        return cf_error_wrap(err, "%s %s", ref.kind, ref.name);
    if (!found || is_stopped(object, suspend))
        return true;
    json_object_set_new(row, "uid", json_string(cf_object_uid(object)));
    json_object_set_new(
        row, field,
        suspend ? json_false()
                : json_integer((json_int_t)cf_json_int(object, 1, "spec", "replicas", NULL)));
    json_array_append(rows, row);
    return true;
}

static bool is_at_nothing(const json_t *paused)
{
    const char *text = json_string_value(paused);
    return text && strcmp(text, "0") == 0;
}

bool cf_halt_add_scalers(struct cf_pass *p, struct cf_kube *kube, const json_t *copies,
                         json_t *rows, struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    struct cf_freeze f = { p, kube, plan->source_cluster, plan->source_namespace };
    cf_autojson json_t *refs = cf_json_members(copies, "ref");
    cf_autojson json_t *scalers = json_array();
    size_t i;
    json_t *one;
    if (json_array_size(refs) > 0 && !cf_freeze_scalers(&f, refs, NULL, scalers, err))
        return false;
    json_array_foreach(scalers, i, one)
    {
        if (!is_at_nothing(json_object_get(one, "paused")))
            json_array_insert(rows, 0, one);
    }
    return true;
}

json_t *cf_halt_scalers(const json_t *rows)
{
    json_t *scalers = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (is_scaler(row))
            json_array_append(scalers, row);
    }
    return scalers;
}

/* ---- stopping ---- */

/* The merge patch of a scaler makes its annotations where there are none. */
static bool patch_one(struct cf_kube *kube, const struct cf_object_ref *ref, const json_t *row,
                      struct cf_error *err)
{
    const char *uid = cf_json_str(row, "", "uid", NULL);
    bool suspend = is_suspend(row);
    if (is_scaler(row)) {
        cf_autojson json_t *still = cf_held_still("paused");
        cf_autojson json_t *merge = json_pack("{s:{s:s}}", "metadata", "uid", uid);
        cf_held_put(merge, "paused", still);
        return cf_kube_merge_patch(kube, NULL, ref, merge, NULL, NULL, err);
    }
    cf_autojson json_t *patch =
        json_pack("[{s:s,s:s,s:s},{s:s,s:s,s:o}]", "op", "test", "path", "/metadata/uid", "value",
                  uid, "op", "add", "path", suspend ? "/spec/suspend" : "/spec/replicas", "value",
                  suspend ? json_true() : json_integer(0));
    return cf_kube_json_patch(kube, NULL, ref, patch, NULL, NULL, err);
}

/* After a refusal: whether the object is gone, or another one under its name. */
static bool is_not_meant(struct cf_kube *kube, const struct cf_object_ref *ref, const json_t *row,
                         bool *out, struct cf_error *err)
{
    bool found = false;
    cf_autojson json_t *object = NULL;
    if (!cf_kube_find(kube, NULL, ref, &found, &object, err))
        return false;
    *out = !found || strcmp(cf_object_uid(object), cf_json_str(row, "", "uid", NULL)) != 0;
    return true;
}

static bool stop_one(struct cf_pass *p, struct cf_kube *kube, const json_t *row,
                     struct cf_error *err)
{
    struct cf_object_ref ref = ref_of(p, row);
    bool not_meant = false;
    struct cf_error refusal = CF_ERROR_INIT;
    if (patch_one(kube, &ref, row, &refusal))
        return true;
    if (refusal.kind == CF_ERR_NOT_FOUND || refusal.kind == CF_ERR_CONFLICT ||
        refusal.upstream == 422) {
        if (!is_not_meant(kube, &ref, row, &not_meant, err))
            return cf_error_wrap(err, "%s %s", ref.kind, ref.name);
        if (not_meant)
            return true;
    }
    cf_error_move(err, &refusal);
    return cf_error_wrap(err, "%s %s %s%s",
                         is_scaler(row)    ? "pause"
                         : is_suspend(row) ? "suspend"
                                           : "scale",
                         ref.kind, ref.name, is_scaler(row) || is_suspend(row) ? "" : " to 0");
}

bool cf_halt_write(struct cf_pass *p, struct cf_kube *kube, const json_t *rows,
                   struct cf_error *err)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (!stop_one(p, kube, row, err))
            return false;
    }
    return true;
}

/* ---- looking ---- */

static bool has_ended(struct cf_pass *p, struct cf_kube *kube, const json_t *row, bool *out,
                      struct cf_error *err)
{
    struct cf_object_ref ref = ref_of(p, row);
    bool found = false;
    cf_autojson json_t *object = NULL;
    if (!cf_kube_find(kube, NULL, &ref, &found, &object, err))
        return cf_error_wrap(err, "%s %s", ref.kind, ref.name);
    cf_autojson json_t *still = cf_held_still("paused");
    *out = !found || strcmp(cf_object_uid(object), cf_json_str(row, "", "uid", NULL)) != 0 ||
           (is_scaler(row)    ? cf_held_is(object, "paused", still)
            : is_suspend(row) ? is_stopped(object, true)
                              : cf_json_int(object, 0, "status", "replicas", NULL) == 0);
    return true;
}

bool cf_halt_look(struct cf_pass *p, struct cf_kube *kube, const json_t *rows, int *out_done,
                  const json_t **out_first, struct cf_error *err)
{
    size_t i;
    json_t *row;
    *out_done = 0;
    *out_first = NULL;
    json_array_foreach(rows, i, row)
    {
        bool ended = false;
        if (!has_ended(p, kube, row, &ended, err))
            return false;
        if (ended)
            ++*out_done;
        else if (!*out_first)
            *out_first = row;
    }
    return true;
}

/* ---- saying ---- */

/* The separator before the nth name; false when it is one too many and was counted instead. */
static bool begin_name(size_t nth, size_t all, struct cf_buf *out)
{
    if (nth == NAMES_SHOWN)
        cf_buf_printf(out, ", and %zu more", all - nth);
    else if (nth > 0 && nth < NAMES_SHOWN)
        cf_buf_puts(out, ", ");
    return nth < NAMES_SHOWN;
}

void cf_halt_names(const json_t *rows, struct cf_buf *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (!begin_name(i, json_array_size(rows), out))
            return;
        cf_buf_printf(out, "%s %s", cf_json_str(row, "?", "kind", NULL),
                      cf_json_str(row, "?", "name", NULL));
        if (is_scaler(row))
            cf_buf_puts(out, " (paused)");
        else if (!is_suspend(row))
            cf_buf_printf(out, " (%lld replicas)",
                          (long long)cf_json_int(row, 0, "replicas", NULL));
    }
}

/* DaemonSets have nothing to scale; the others stay when the plan keeps the source. */
static bool stays(const struct cf_pass *p, const json_t *copy)
{
    static const char *const kept[] = { "Deployment", "StatefulSet", "ReplicaSet" };
    const char *kind = cf_json_str(copy, "", "ref", "kind", NULL);
    const struct cf_step *commit = cf_run_step(p->run, "commit");
    if (strcmp(kind, "DaemonSet") == 0)
        return true;
    for (size_t i = 0; i < CF_ARRAY_LEN(kept); i++)
        if (strcmp(kind, kept[i]) == 0)
            return p->run->plan->cleanup_source == CF_PLAN_CLEANUP_KEEP &&
                   !cf_row_of(cf_json_at(commit ? commit->intent : NULL, "source", NULL), kind,
                              cf_json_str(copy, "", "ref", "name", NULL));
    return false;
}

void cf_halt_say_what_stays(const struct cf_pass *p, struct cf_buf *out)
{
    cf_autojson json_t *staying = json_array();
    size_t i;
    json_t *copy;
    json_array_foreach(cf_copies_ledger(p), i, copy)
    {
        if (stays(p, copy))
            json_array_append(staying, copy);
    }
    size_t n = json_array_size(staying);
    if (n > 0)
        cf_buf_printf(out, "; still running in %s: ", p->run->plan->source_cluster);
    json_array_foreach(staying, i, copy)
    {
        if (!begin_name(i, n, out))
            return;
        cf_buf_printf(out, "%s %s", cf_json_str(copy, "?", "ref", "kind", NULL),
                      cf_json_str(copy, "?", "ref", "name", NULL));
    }
}
