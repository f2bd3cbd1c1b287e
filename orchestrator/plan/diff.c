/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between two effective forms. Mappings are compared by key, lists whose rows have
 * names by name, other lists by position; a value of another type is one change. */
#include <string.h>

#include "orchestrator/plan/plan.h"

struct difference {
    json_t *rows;
    char pointer[CF_JSON_POINTER_MAX];
};

static void compare(struct difference *d, const json_t *a, const json_t *b);

/* One change; NULL stands for "not there". */
static void add(struct difference *d, const json_t *from, const json_t *to)
{
    if (json_array_size(d->rows) == CF_PLAN_DIFF_MAX)
        return;
    json_t *row = json_pack("{s:s}", "pointer", d->pointer);
    if (from)
        json_object_set(row, "from", cf_json_unconst(from));
    if (to)
        json_object_set(row, "to", cf_json_unconst(to));
    json_array_append_new(d->rows, row);
}

static void compare_member(struct difference *d, const char *key, const json_t *a, const json_t *b)
{
    size_t len = cf_json_pointer_push(d->pointer, key);
    compare(d, a, b);
    d->pointer[len] = '\0';
}

static void compare_element(struct difference *d, size_t index, const json_t *a, const json_t *b)
{
    size_t len = cf_json_pointer_push_index(d->pointer, index);
    compare(d, a, b);
    d->pointer[len] = '\0';
}

static void compare_objects(struct difference *d, const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(a), key, value)
    {
        compare_member(d, key, value, json_object_get(b, key));
    }
    json_object_foreach(cf_json_unconst(b), key, value)
    {
        if (!json_object_get(a, key))
            compare_member(d, key, NULL, value);
    }
}

static bool has_names(const json_t *list)
{
    size_t i;
    json_t *row;
    json_array_foreach(list, i, row)
    {
        if (!cf_json_str(row, NULL, "name", NULL))
            return false;
    }
    return true;
}

static const json_t *row_named(const json_t *list, const char *name)
{
    return cf_json_named(list, "name", name);
}

static void compare_named(struct difference *d, const json_t *a, const json_t *b)
{
    size_t i;
    json_t *row;
    json_array_foreach(b, i, row)
    {
        compare_element(d, i, row_named(a, cf_json_str(row, "", "name", NULL)), row);
    }
    json_array_foreach(a, i, row)
    {
        if (!row_named(b, cf_json_str(row, "", "name", NULL)))
            compare_element(d, i, row, NULL);
    }
}

static void compare_lists(struct difference *d, const json_t *a, const json_t *b)
{
    if (json_array_size(a) + json_array_size(b) > 0 && has_names(a) && has_names(b)) {
        compare_named(d, a, b);
        return;
    }
    size_t n = CF_MAX(json_array_size(a), json_array_size(b));
    for (size_t i = 0; i < n; i++)
        compare_element(d, i, json_array_get(a, i), json_array_get(b, i));
}

static void compare(struct difference *d, const json_t *a, const json_t *b)
{
    if (a && b && json_equal(a, b))
        return;
    if (json_is_object(a) && json_is_object(b))
        compare_objects(d, a, b);
    else if (json_is_array(a) && json_is_array(b))
        compare_lists(d, a, b);
    else
        add(d, a, b);
}

static int by_pointer(const void *x, const void *y)
{
    const json_t *const *a = x, *const *b = y;
    return strcmp(cf_json_str(*a, "", "pointer", NULL), cf_json_str(*b, "", "pointer", NULL));
}

json_t *cf_plan_diff(const json_t *a, const json_t *b)
{
    struct difference d = { .rows = json_array() };
    compare(&d, a, b);
    size_t n = json_array_size(d.rows);
    cf_autofree json_t **rows = cf_xcalloc(n + 1, sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = json_array_get(d.rows, i);
    qsort(rows, n, sizeof *rows, by_pointer);
    json_t *sorted = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append(sorted, rows[i]);
    json_decref(d.rows);
    return sorted;
}
