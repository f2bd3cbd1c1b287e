/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings, lists and maps: unknown keys, missing fields, defaults. Scalars are in scalar.c. See
 * walk.h. */
#include "orchestrator/plan/walk.h"

#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "orchestrator/plan/hint.h"

enum { CHILDREN_MAX = 64 }; /* fields of one mapping in the table; the largest has 25 */

static json_t *walk_value(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value);

/* ---- unknown fields ---- */

/* Where else in the document a field of that name stands, if it is one place only: "/spec". */
static bool find_home(const char *key, char *buf)
{
    const struct cf_schema_row *row = NULL, *found = NULL;
    while ((row = cf_schema_next(row)))
        if (!(row->flags & (CF_SCHEMA_NOTE | CF_SCHEMA_LATER)) &&
            strcmp(cf_schema_key(row), key) == 0) {
            if (found)
                return false;
            found = row;
        }
    if (!found)
        return false;
    snprintf(buf, CF_JSON_POINTER_MAX, "%.*s", (int)(strlen(found->path) - strlen(key) - 1),
             found->path);
    return true;
}

static size_t known_fields(const struct cf_schema_row *parent, const char *names[CHILDREN_MAX + 1])
{
    size_t n = 0;
    const struct cf_schema_row *row = NULL;
    while ((row = cf_schema_next_child(parent, row))) {
        bool is_offered = !(row->flags & CF_SCHEMA_LATER) &&
                          (!(row->flags & CF_SCHEMA_NOTE) || (row->flags & CF_SCHEMA_SHORT));
        if (!is_offered)
            continue;
        cf_assert(n < CHILDREN_MAX);
        names[n++] = cf_schema_key(row);
    }
    names[n] = NULL;
    return n;
}

static void report_unknown(struct cf_walk *w, const struct cf_schema_row *parent, const char *key)
{
    const char *names[CHILDREN_MAX + 1];
    size_t n = known_fields(parent, names);
    struct cf_buf hint CF_CLEANUP(cf_buf_free) = CF_BUF_INIT(1024);
    char quoted[CF_QUOTE_MAX], home[CF_JSON_POINTER_MAX];
    if (cf_did_you_mean(key, names, quoted)) {
        cf_buf_puts(&hint, quoted);
    } else if (find_home(key, home)) {
        cf_buf_printf(&hint, "\"%s\" belongs in %s", key, *home ? home : "the document itself");
    } else {
        cf_buf_puts(&hint, "known here: ");
        for (size_t i = 0; i < n; i++)
            cf_buf_printf(&hint, "%s%s", i ? ", " : "", names[i]);
    }
    cf_report(w->report, CF_PLAN_UNKNOWN_FIELD, w->pointer, cf_buf_str(&hint), "unknown field %s",
              cf_quote(key, quoted));
}

/* Judges the fields that are there and must not be. */
static void check_keys(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    const char *key;
    json_t *ignored;
    json_object_foreach(cf_json_unconst(value), key, ignored)
    {
        const struct cf_schema_row *child = cf_schema_child(row, key);
        size_t len = cf_json_pointer_push(w->pointer, key);
        if (!child || strcmp(key, "*") == 0)
            report_unknown(w, row, key);
        else if (child->flags & CF_SCHEMA_NOTE)
            cf_report(w->report, CF_PLAN_UNKNOWN_FIELD, w->pointer, child->help,
                      "unknown field \"%s\"", key);
        else if (child->flags & CF_SCHEMA_LATER)
            cf_report(w->report, CF_PLAN_NOT_SUPPORTED_YET, w->pointer, "remove it",
                      "\"%s\" is not supported yet", key);
        w->pointer[len] = '\0';
    }
}

/* Whether an unknown key is a misspelling of `key`: then that is the mistake, not that `key` is
 * missing. */
static bool is_misspelt(const struct cf_schema_row *row, const json_t *value, const char *key)
{
    const char *names[CHILDREN_MAX + 1];
    known_fields(row, names);
    const char *given;
    json_t *ignored;
    json_object_foreach(cf_json_unconst(value), given, ignored)
    {
        const char *near = cf_schema_child(row, given) ? NULL : cf_suggest(given, names);
        if (near && strcmp(near, key) == 0)
            return true;
    }
    return false;
}

/* Whether nothing in a mapping is what it should be, or a short form got fields beside it: one
 * mistake, already reported. */
static bool is_something_else(const struct cf_schema_row *row, const json_t *value)
{
    const char *key;
    json_t *ignored;
    size_t n_known = 0;
    json_object_foreach(cf_json_unconst(value), key, ignored)
    {
        const struct cf_schema_row *child = cf_schema_child(row, key);
        unsigned flags = child ? child->flags : CF_SCHEMA_NOTE;
        if (child && (flags & CF_SCHEMA_NOTE) && (flags & CF_SCHEMA_SHORT))
            return true;
        n_known += !(flags & CF_SCHEMA_NOTE);
    }
    return n_known == 0 && json_object_size(value) > 0;
}

static void report_missing(struct cf_walk *w, const struct cf_schema_row *row,
                           const struct cf_schema_row *child, const json_t *value)
{
    const char *key = cf_schema_key(child);
    char hint[CF_HINT_MAX];
    if (!is_something_else(row, value) && !is_misspelt(row, value, key))
        cf_report_missing(w->report, w->pointer, key, cf_hint_shape(child, hint));
}

/* ---- defaults ---- */

static json_t *default_of(const struct cf_schema_row *row)
{
    switch (row->type) {
    case CF_SCHEMA_OBJECT:
    case CF_SCHEMA_MAP:
    case CF_SCHEMA_LIST:
    case CF_SCHEMA_BOOL:
    case CF_SCHEMA_INT: {
        json_t *j = json_loads(row->dflt, JSON_DECODE_ANY, NULL);
        cf_assert(j);
        return j;
    }
    default:
        return json_string(row->dflt);
    }
}

/* The value of a field that was left out, or NULL if it stays absent. */
static json_t *absent(struct cf_walk *w, const struct cf_schema_row *row)
{
    if (!row->dflt)
        return NULL;
    if (cf_schema_is_derived(row))
        return json_null();
    cf_autojson json_t *dflt = default_of(row);
    return walk_value(w, row, dflt);
}

/* ---- mappings and lists ---- */

static json_t *walk_object(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    if (!json_is_object(value))
        return cf_walk_wrong_type(w, row, value, "a mapping", NULL);
    check_keys(w, row, value);
    json_t *out = json_object();
    const struct cf_schema_row *child = NULL;
    while ((child = cf_schema_next_child(row, child))) {
        if (child->flags & (CF_SCHEMA_NOTE | CF_SCHEMA_LATER | CF_SCHEMA_SHORT))
            continue;
        const char *key = cf_schema_key(child);
        const json_t *given = json_object_get(value, key);
        if (!given && (child->flags & CF_SCHEMA_REQUIRED)) {
            report_missing(w, row, child, value);
            continue;
        }
        size_t len = cf_json_pointer_push(w->pointer, key);
        json_t *v = given ? walk_value(w, child, given) : absent(w, child);
        w->pointer[len] = '\0';
        if (v)
            json_object_set_new(out, key, v);
    }
    return out;
}

static bool check_count(struct cf_walk *w, const struct cf_schema_row *row, size_t n)
{
    char hint[CF_HINT_MAX];
    if (n > (size_t)row->max) {
        cf_report(w->report, CF_PLAN_LIMIT, w->pointer, "remove some, or make several plans",
                  "%zu entries are more than the %d allowed", n, (int)row->max);
        return false;
    }
    if (n < (size_t)row->min) {
        cf_report(w->report, CF_PLAN_OUT_OF_RANGE, w->pointer, cf_hint_shape(row, hint),
                  "must have at least %d element%s", (int)row->min, row->min == 1 ? "" : "s");
        return false;
    }
    return true;
}

/* Whether the expansion has already refused this element. */
static bool was_refused(const struct cf_walk *w, const json_t *element)
{
    return json_is_null(element) && w->report->written &&
           !json_is_null(cf_json_pointer(w->report->written, w->pointer));
}

static json_t *walk_list(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    if (!json_is_array(value))
        return cf_walk_wrong_type(w, row, value, "a list", NULL);
    if (!check_count(w, row, json_array_size(value)))
        return NULL;
    const struct cf_schema_row *element_row = cf_schema_child(row, "*");
    json_t *out = json_array();
    size_t i;
    json_t *element;
    json_array_foreach(value, i, element)
    {
        size_t len = cf_json_pointer_push_index(w->pointer, i);
        json_t *v = was_refused(w, element) ? NULL : walk_value(w, element_row, element);
        w->pointer[len] = '\0';
        json_array_append_new(out, v ? v : json_null());
    }
    return out;
}

static void walk_label(struct cf_walk *w, const struct cf_schema_row *row, const char *key,
                       const json_t *value, json_t *out)
{
    char quoted[CF_QUOTE_MAX];
    size_t len = cf_json_pointer_push(w->pointer, key);
    if (!cf_format_ok(CF_FORMAT_LABEL_KEY, key)) {
        cf_report(w->report, CF_PLAN_BAD_FORMAT, w->pointer, "such as team or example.org/team",
                  "%s is not a label key", cf_quote(key, quoted));
    } else {
        struct cf_schema_row text = *row;
        text.type = CF_SCHEMA_TEXT;
        json_t *v = cf_walk_scalar(w, &text, value);
        if (v)
            json_object_set_new(out, key, v);
    }
    w->pointer[len] = '\0';
}

static json_t *walk_map(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    if (!json_is_object(value))
        return cf_walk_wrong_type(w, row, value, "a mapping of texts", NULL);
    if (!check_count(w, row, json_object_size(value)))
        return NULL;
    json_t *out = json_object();
    const char *key;
    json_t *v;
    json_object_foreach(cf_json_unconst(value), key, v) walk_label(w, row, key, v, out);
    return out;
}

static json_t *walk_value(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    switch (row->type) {
    case CF_SCHEMA_OBJECT:
        return walk_object(w, row, value);
    case CF_SCHEMA_LIST:
        return walk_list(w, row, value);
    case CF_SCHEMA_MAP:
        return walk_map(w, row, value);
    default:
        return cf_walk_scalar(w, row, value);
    }
}

json_t *cf_walk_document(const json_t *expanded, struct cf_report *r)
{
    struct cf_walk w = { .report = r };
    json_t *out = walk_value(&w, cf_schema_root(), expanded);
    return out ? out : json_object();
}
