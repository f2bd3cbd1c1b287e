/* SPDX-License-Identifier: Apache-2.0 */
/* Waves of workloads: which row of include comes in which, and whether it can (closure_set.h). */
#include <string.h>

#include "federation/objects/closure_set.h"

static json_t *include_of(const struct cf_closure_set *s)
{
    return json_object_get(s->in->workloads, "include");
}

/* What other rows call a row: "StatefulSet/db", or "StatefulSet" where it has no name. */
static char *name_of(const json_t *row)
{
    const char *name = cf_json_str(row, NULL, "name", NULL);
    return cf_xasprintf("%s%s%s", cf_json_str(row, "", "kind", NULL), name ? "/" : "",
                        name ? name : "");
}

/* The number of the row of that name; the number of rows when there is none. */
static size_t find(const struct cf_closure_set *s, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(include_of(s), i, row)
    {
        cf_autofree char *own = name_of(row);
        if (strcmp(own, name) == 0)
            return i;
    }
    return i;
}

static bool refuse(size_t row, struct cf_error *err)
{
    cf_autofree char *field = cf_xasprintf("/spec/workloads/include/%zu/after", row);
    return cf_error_field(err, field);
}

/* --- the rows --- */

/* Moves a row behind those that it names; *out_moved: it was not yet. */
static bool move_behind(struct cf_closure_set *s, size_t row, bool *out_moved, struct cf_error *err)
{
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(json_array_get(include_of(s), row), "after"), i, name)
    {
        size_t named = find(s, json_string_value(name));
        if (named == json_array_size(include_of(s))) {
            cf_error_set(err, CF_ERR_INVALID, "no row of workloads.include is called %s",
                         json_string_value(name));
            return refuse(row, err);
        }
        if (s->row_waves[row] > s->row_waves[named])
            continue;
        s->row_waves[row] = s->row_waves[named] + 1;
        *out_moved = true;
    }
    s->waves = CF_MAX(s->waves, s->row_waves[row] + 1);
    return true;
}

bool cf_closure_row_waves(struct cf_closure_set *s, struct cf_error *err)
{
    size_t n = json_array_size(include_of(s));
    bool moved = true;
    s->row_waves = cf_xcalloc(n + 1, sizeof *s->row_waves);
    for (size_t round = 0; moved; round++) {
        moved = false;
        if (round > n) {
            cf_error_set(err, CF_ERR_INVALID, "rows of workloads.include wait for each other");
            return cf_error_field(err, "/spec/workloads/include");
        }
        for (size_t i = 0; i < n; i++)
            if (!move_behind(s, i, &moved, err))
                return false;
    }
    return true;
}

/* --- what is waited for --- */

/* Why an object cannot be waited for; NULL: it can. */
static const char *why_in_vain(const struct cf_closure_set *s, const struct cf_node *n)
{
    bool is_job = strcmp(n->kind->kind, "Job") == 0 || strcmp(n->kind->kind, "CronJob") == 0;
    if (!(n->kind->flags & (CF_KIND_WORKLOAD | CF_KIND_CUSTOM)))
        return "has nothing to become ready: by its kind it is written before the workloads "
               "anyway, or after them";
    if (is_job)
        return "is suspended until the switch";
    if (!(n->kind->flags & CF_KIND_SCALABLE))
        return NULL;
    if (cf_json_int(n->object, 1, "spec", "replicas", NULL) == 0)
        return "has no replicas in the source";
    if (strcmp(cf_closure_start(s, n), "atSwitch") == 0)
        return "starts only at the switch, since no router reaches it or the plan says so; write "
               "start: now in its row, if it may run on both sides at once";
    return NULL;
}

static bool check_awaited(const struct cf_closure_set *s, size_t row, const char *name,
                          struct cf_error *err)
{
    const json_t *named = json_array_get(include_of(s), find(s, name));
    bool any = false;
    for (size_t i = 0; i < s->queued; i++) {
        const struct cf_node *n = s->queue[i];
        if (n->include != named)
            continue;
        const char *why = why_in_vain(s, n);
        any = true;
        if (why) {
            cf_error_set(err, CF_ERR_INVALID, "nothing can wait for %s before the switch: it %s",
                         n->key, why);
            return refuse(row, err);
        }
    }
    if (any)
        return true;
    cf_error_set(err, CF_ERR_INVALID,
                 "nothing can wait for %s: no object is copied because of that row (it is kept "
                 "out, or belongs to a row before it)",
                 name);
    return refuse(row, err);
}

bool cf_closure_check_waves(const struct cf_closure_set *s, struct cf_error *err)
{
    size_t i, k;
    json_t *row, *name;
    json_array_foreach(include_of(s), i, row)
    {
        json_array_foreach(json_object_get(row, "after"), k, name)
        {
            if (!check_awaited(s, i, json_string_value(name), err))
                return false;
        }
        if (s->late && s->late->include == row) {
            cf_error_set(err, CF_ERR_INVALID,
                         "%s is to come in wave %d, but %s needs it and comes in wave %d: let both "
                         "come after the same rows",
                         s->late->key, s->late->wave + 1, s->late_for->key, s->late_for->wave + 1);
            return refuse(i, err);
        }
    }
    return true;
}
