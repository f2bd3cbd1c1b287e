/* SPDX-License-Identifier: Apache-2.0 */
/* workloads.include[].after: what a document can tell of waves by itself. That the objects of the
 * rows are there, and can be ready before the switch, is found out with the source. See check.h. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/plan/check.h"
#include "orchestrator/plan/hint.h"
#include "orchestrator/plan/limits.h"

#define INCLUDE "/spec/workloads/include"

/* The rows of include, and what they are called. */
struct rows {
    const json_t *include;
    size_t n;
    const char **names; /* ended by NULL; "" where a row has no kind */
};

/* Which wave each row is in, found by going back from row to row. */
struct order {
    const struct rows *rows;
    int *waves;   /* from 1; 0: not known yet */
    size_t *path; /* the rows on the way here */
    bool *is_on_path;
    size_t depth;
    bool said; /* a circle: once is enough */
    struct cf_report *r;
};

static char *name_of(const json_t *row)
{
    const char *name = cf_json_str(row, NULL, "name", NULL);
    return cf_xasprintf("%s%s%s", cf_json_str(row, "", "kind", NULL), name ? "/" : "",
                        name ? name : "");
}

static struct rows rows_of(const json_t *include)
{
    struct rows rows = { .include = include, .n = json_array_size(include) };
    rows.names = cf_xcalloc(rows.n + 1, sizeof *rows.names);
    for (size_t i = 0; i < rows.n; i++)
        rows.names[i] = name_of(json_array_get(include, i));
    return rows;
}

static void rows_free(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        free((char *)(uintptr_t)rows->names[i]);
    free(rows->names);
}

static const json_t *after_of(const struct rows *rows, size_t row)
{
    return json_object_get(json_array_get(rows->include, row), "after");
}

/* The first row of that name, and how many have it. */
static size_t find(const struct rows *rows, const char *name, size_t *out_first)
{
    size_t n = 0;
    for (size_t i = rows->n; i-- > 0;)
        if (strcmp(rows->names[i], name) == 0) {
            *out_first = i;
            n++;
        }
    return n;
}

/* --- one name --- */

static bool is_kept_out(const json_t *row, const json_t *exclude)
{
    static const char *const others[] = { "apiVersion", "selector" };
    const char *name = cf_json_str(row, NULL, "name", NULL);
    const char *pattern = cf_json_str(exclude, "*", "name", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(others); i++)
        if (json_object_get(exclude, others[i]))
            return false; /* the objects decide */
    return name &&
           strcmp(cf_json_str(row, "", "kind", NULL), cf_json_str(exclude, "?", "kind", NULL)) ==
               0 &&
           fnmatch(pattern, name, 0) == 0;
}

static bool is_excluded(const json_t *effective, const json_t *row)
{
    size_t i;
    json_t *exclude;
    json_array_foreach(cf_json_pointer(effective, "/spec/workloads/exclude"), i, exclude)
    {
        if (is_kept_out(row, exclude))
            return true;
    }
    return false;
}

/* Without replicas until the switch; other kinds have none. */
static bool is_held_back(const json_t *row)
{
    const char *kind = cf_json_str(row, "", "kind", NULL);
    return strcmp(cf_json_str(row, "", "start", NULL), "atSwitch") == 0 &&
           (strcmp(kind, "Deployment") == 0 || strcmp(kind, "StatefulSet") == 0);
}

/* What is called so, and cannot be waited for. */
static void check_awaited(const json_t *effective, const json_t *row, const char *name,
                          const char *at, struct cf_report *r)
{
    const char *kind = cf_json_str(row, "", "kind", NULL);
    char quoted[CF_QUOTE_MAX];
    if (is_excluded(effective, row))
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, at, "take it out of one of the two",
                  "workloads.exclude keeps %s out: it would be waited for in vain",
                  cf_quote(name, quoted));
    else if (strcmp(kind, "Job") == 0 || strcmp(kind, "CronJob") == 0)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, at, "take it out",
                  "a %s is suspended until the switch: nothing can wait for it before", kind);
    else if (is_held_back(row))
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, at,
                  "write start: now in its row, if it may run on both sides at once",
                  "%s starts only at the switch: nothing can wait for it before",
                  cf_quote(name, quoted));
}

static void check_name(const json_t *effective, const struct rows *rows, size_t row, size_t nth,
                       struct cf_report *r)
{
    const char *name = json_string_value(json_array_get(after_of(rows, row), nth));
    char at[64], quoted[CF_QUOTE_MAX], hint[CF_QUOTE_MAX];
    size_t named = 0;
    if (!name)
        return;
    snprintf(at, sizeof at, INCLUDE "/%zu/after/%zu", row, nth);
    size_t n = find(rows, name, &named);
    for (size_t i = 0; i < nth; i++)
        if (json_equal(json_array_get(after_of(rows, row), i),
                       json_array_get(after_of(rows, row), nth))) {
            cf_report(r, CF_PLAN_DUPLICATE_NAME, at, "remove it", "%s is there already",
                      cf_quote(name, quoted));
            return;
        }
    if (n == 0)
        cf_report(r, CF_PLAN_DANGLING_NAME, at,
                  cf_did_you_mean(name, rows->names, hint)
                      ?: "add a row for it: a row is called by its kind and its name as written",
                  "no row of workloads.include is called %s", cf_quote(name, quoted));
    else if (n > 1)
        cf_report(r, CF_PLAN_DUPLICATE_NAME, at, "make one row of them",
                  "%zu rows of workloads.include are called %s", n, cf_quote(name, quoted));
    else if (named == row)
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, at, "remove it", "a row cannot come after itself");
    else
        check_awaited(effective, json_array_get(rows->include, named), name, at, r);
}

/* --- all of them --- */

/* "Deployment/a after Deployment/b after Deployment/a" */
static void report_circle(struct order *o, size_t row)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_HINT_MAX);
    char at[64];
    size_t first = o->depth;
    if (o->said)
        return;
    o->said = true;
    while (o->path[first - 1] != row)
        first--;
    for (size_t i = first - 1; i < o->depth; i++)
        cf_buf_printf(&text, "%s after ", o->rows->names[o->path[i]]);
    snprintf(at, sizeof at, INCLUDE "/%zu/after", row);
    cf_report(o->r, CF_PLAN_CONFLICTING_FIELDS, at, "take one of these names out",
              "the rows wait for each other: %s%s", cf_buf_str(&text), o->rows->names[row]);
}

static int wave_of(struct order *o, size_t row)
{
    int wave = 1;
    size_t i, named = row;
    json_t *name;
    if (o->waves[row])
        return o->waves[row];
    if (o->is_on_path[row]) {
        report_circle(o, row);
        return 0;
    }
    o->path[o->depth++] = row;
    o->is_on_path[row] = true;
    json_array_foreach(after_of(o->rows, row), i, name)
    {
        const char *text = json_string_value(name);
        if (text && find(o->rows, text, &named) == 1 && named != row)
            wave = CF_MAX(wave, 1 + wave_of(o, named));
    }
    o->depth--;
    o->is_on_path[row] = false;
    o->waves[row] = wave;
    return wave;
}

static void check_order(const struct rows *rows, struct cf_report *r)
{
    struct order o = { .rows = rows,
                       .waves = cf_xcalloc(rows->n, sizeof *o.waves),
                       .path = cf_xcalloc(rows->n, sizeof *o.path),
                       .is_on_path = cf_xcalloc(rows->n, sizeof *o.is_on_path),
                       .r = r };
    size_t last = 0;
    for (size_t i = 0; i < rows->n; i++)
        if (wave_of(&o, i) > wave_of(&o, last))
            last = i;
    if (!o.said && o.waves[last] > CF_PLAN_WAVES_MAX) {
        char at[64];
        snprintf(at, sizeof at, INCLUDE "/%zu/after", last);
        cf_report(r, CF_PLAN_LIMIT, at, "let more rows come at the same time",
                  "%d waves are more than the %d allowed", o.waves[last], CF_PLAN_WAVES_MAX);
    }
    free(o.waves);
    free(o.path);
    free(o.is_on_path);
}

void cf_check_after(const json_t *effective, struct cf_report *r)
{
    CF_CLEANUP(rows_free) struct rows rows = rows_of(cf_json_pointer(effective, INCLUDE));
    bool any = false;
    for (size_t i = 0; i < rows.n; i++)
        for (size_t k = 0; k < json_array_size(after_of(&rows, i)); k++) {
            any = true;
            check_name(effective, &rows, i, k, r);
        }
    if (any)
        check_order(&rows, r);
}
