/* SPDX-License-Identifier: Apache-2.0 */
/* The switch: what waits for it starts in the target, or waits again. */
#include <string.h>

#include "federation/objects/held.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/direct.h"

/* --- what waits --- */

static json_t *entries_of(const json_t *ledger, unsigned flag)
{
    json_t *entries = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry)
    {
        struct cf_object_ref ref = cf_direct_ref(entry);
        const struct cf_kind *k = cf_kind_find(ref.group, ref.kind);
        if (k && k->flags & flag)
            json_array_append(entries, entry);
    }
    return entries;
}

static bool scales_one_of(const json_t *refs, const json_t *scaler)
{
    const json_t *target = cf_json_at(scaler, "spec", "scaleTargetRef", NULL);
    return cf_row_of(refs, cf_json_str(target, "Deployment", "kind", NULL),
                     cf_json_str(target, "", "name", NULL)) != NULL;
}

/* Appends a row for an entry's copy, if it waits. */
static bool add_held(const json_t *entry, json_t *live, bool off, json_t *rows,
                     struct cf_error *err)
{
    cf_autojson json_t *fields = NULL;
    if (!cf_held_read(live, off, &fields, err))
        return cf_error_wrap(err, "%s", cf_json_str(entry, "", "key", NULL));
    if (fields)
        json_array_append_new(
            rows, json_pack("{s:O, s:O, s:O, s:O}", "key", json_object_get(entry, "key"), "ref",
                            json_object_get(entry, "ref"), "live", live, "fields", fields));
    return true;
}

bool cf_direct_held(const struct cf_propagation *p, const json_t *ledger, bool off,
                    json_t **out_rows, struct cf_error *err)
{
    cf_autojson json_t *workloads = entries_of(ledger, CF_KIND_WORKLOAD);
    cf_autojson json_t *entries = entries_of(ledger, CF_KIND_STARTS);
    cf_autojson json_t *refs = cf_json_members(workloads, "ref");
    cf_autojson json_t *rows = json_array();
    cf_autojson json_t *lives = NULL;
    size_t i, n_scalers = json_array_size(entries);
    json_t *entry;
    json_array_extend(entries, workloads);
    if (!cf_direct_look(p, entries, NULL, &lives, err))
        return false;
    json_array_foreach(entries, i, entry)
    {
        json_t *live = json_object_get(lives, cf_json_str(entry, "", "key", NULL));
        if ((i >= n_scalers || scales_one_of(refs, live)) && !add_held(entry, live, off, rows, err))
            return false;
    }
    *out_rows = cf_steal(&rows);
    return true;
}

bool cf_direct_waiting(const struct cf_propagation *p, const json_t *ledger, json_t **out_rows,
                       struct cf_error *err)
{
    static const char *const fields[] = { "replicas", "suspend" };
    cf_autojson json_t *held = NULL;
    cf_autojson json_t *rows = json_array();
    size_t i;
    json_t *row;
    if (!cf_direct_held(p, ledger, false, &held, err))
        return false;
    json_array_foreach(held, i, row)
    {
        for (size_t f = 0; f < CF_ARRAY_LEN(fields); f++)
            if (cf_json_at(row, "fields", fields[f], NULL))
                json_array_append_new(
                    rows, json_pack("{s:O, s:O, s:s}", "key", json_object_get(row, "key"), "ref",
                                    json_object_get(row, "ref"), "field", fields[f]));
    }
    *out_rows = cf_steal(&rows);
    return true;
}

/* --- switching --- */

static bool switch_one(const struct cf_propagation *p, const json_t *row, bool off,
                       struct cf_error *err)
{
    struct cf_object_ref ref = cf_direct_ref(row);
    const json_t *live = json_object_get(row, "live");
    cf_autojson json_t *patch = json_pack("{s:{s:s}}", "metadata", "uid", cf_object_uid(live));
    const char *field;
    json_t *value;
    json_object_foreach(json_object_get(row, "fields"), field, value)
    {
        cf_held_put(patch, field, value);
    }
    if (!cf_kube_merge_patch(p->target, NULL, &ref, patch, NULL, NULL, err))
        return cf_error_wrap(err, "%s %s on %s", off ? "stop" : "start",
                             cf_json_str(row, "", "key", NULL), cf_kube_name(p->target));
    return true;
}

bool cf_direct_activate(const struct cf_propagation *p, const json_t *ledger, bool off,
                        struct cf_copying *out, struct cf_error *err)
{
    cf_autojson json_t *rows = NULL;
    size_t i;
    json_t *row;
    if (!cf_direct_held(p, ledger, off, &rows, err))
        return false;
    json_array_foreach(rows, i, row)
    {
        /* What was started before has whatever its autoscaler made of it since. */
        if (!off && !cf_held_stands(json_object_get(row, "live")))
            continue;
        if (!switch_one(p, row, off, err))
            return false;
    }
    out->done = true;
    return true;
}
