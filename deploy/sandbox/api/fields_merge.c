/* SPDX-License-Identifier: Apache-2.0 */
/* Merging an applied object into a live one, and taking single fields out again. */
#include <string.h>

#include "base/buf.h"
#include "deploy/sandbox/api/fields.h"

static json_t *merge_value(const struct sbx_kind *k, struct cf_buf *dotted, const json_t *live,
                           const json_t *applied);

static json_t *merge_parts(const struct sbx_kind *k, struct cf_buf *dotted, const json_t *live,
                           const json_t *applied)
{
    json_t *out = json_is_object(live) ? json_copy(cf_json_unconst(live)) : json_object();
    const char *name;
    json_t *value;
    json_object_foreach(cf_json_unconst(applied), name, value)
    {
        size_t len = dotted->len;
        cf_buf_printf(dotted, "%s%s", len ? "." : "", name);
        json_object_set_new(out, name, merge_value(k, dotted, json_object_get(out, name), value));
        dotted->len = len;
        dotted->data[len] = '\0';
    }
    return out;
}

static bool find_item(const json_t *list, const char *keys, const char *wanted, size_t *out_at)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        cf_autofree char *key = keys ? sbx_item_key(keys, item) : cf_json_dump(item);
        if (strcmp(key, wanted) == 0) {
            *out_at = i;
            return true;
        }
    }
    return false;
}

static char *key_of(struct sbx_shape shape, const json_t *item)
{
    return shape.keys ? sbx_item_key(shape.keys, item) : cf_json_dump(item);
}

static json_t *merge_item(const struct sbx_kind *k, struct cf_buf *dotted, struct sbx_shape shape,
                          const json_t *live, const json_t *applied)
{
    cf_autofree char *key = key_of(shape, applied);
    size_t at;
    bool found = find_item(live, shape.keys, key, &at);
    return shape.kind == SBX_SHAPE_KEYED
               ? merge_value(k, dotted, found ? json_array_get(live, at) : NULL, applied)
               : json_incref(cf_json_unconst(applied));
}

/* The first applied item from `from` on that is live too; the list's size when there is none. */
static size_t next_shared(struct sbx_shape shape, const json_t *live, const json_t *applied,
                          size_t from)
{
    size_t at;
    for (; from < json_array_size(applied); from++) {
        cf_autofree char *key = key_of(shape, json_array_get(applied, from));
        if (find_item(live, shape.keys, key, &at))
            break;
    }
    return from;
}

/* The applied items in their order; a live item that is not among them keeps its place before the
 * shared ones that follow it. */
static json_t *merge_list(const struct sbx_kind *k, struct cf_buf *dotted, struct sbx_shape shape,
                          const json_t *live, const json_t *applied)
{
    json_t *out = json_array();
    size_t i, at, next = 0, shared = next_shared(shape, live, applied, 0);
    json_t *item;
    json_array_foreach(live, i, item)
    {
        cf_autofree char *key = key_of(shape, item);
        if (!find_item(applied, shape.keys, key, &at)) {
            json_array_append(out, item);
        } else if (at == shared) {
            for (; next <= shared; next++)
                json_array_append_new(
                    out, merge_item(k, dotted, shape, live, json_array_get(applied, next)));
            shared = next_shared(shape, live, applied, next);
        }
    }
    for (; next < json_array_size(applied); next++)
        json_array_append_new(out,
                              merge_item(k, dotted, shape, live, json_array_get(applied, next)));
    return out;
}

static json_t *merge_value(const struct sbx_kind *k, struct cf_buf *dotted, const json_t *live,
                           const json_t *applied)
{
    struct sbx_shape shape = sbx_shape_of(k, cf_buf_str(dotted), applied);
    if (json_is_array(applied) && shape.kind != SBX_SHAPE_WHOLE)
        return merge_list(k, dotted, shape, live, applied);
    if (json_is_object(applied) && shape.kind != SBX_SHAPE_WHOLE)
        return merge_parts(k, dotted, live, applied);
    return cf_json_copy(applied);
}

json_t *sbx_fields_merge(const struct sbx_kind *k, const json_t *live, const json_t *applied)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf dotted = CF_BUF_INIT(SBX_FIELD_PATH_MAX);
    cf_autojson json_t *merged = merge_value(k, &dotted, live, applied);
    return cf_json_copy(merged);
}

/* Whether a list's item has the members that a "k:{…}" names. */
static bool item_is(const json_t *item, const json_t *key)
{
    const char *name;
    json_t *v;
    json_object_foreach(cf_json_unconst(key), name, v)
    {
        const json_t *have = json_object_get(item, name);
        if (!have && strcmp(name, "protocol") == 0 && json_is_string(v) &&
            strcmp(json_string_value(v), "TCP") == 0)
            continue;
        if (!cf_json_equal(have, v))
            return false;
    }
    return true;
}

static bool array_index(const json_t *list, const char *element, size_t *out_at)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *key = cf_json_parse(element + 2, strlen(element + 2), 0, &err);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (element[0] == 'v' ? cf_json_equal(item, key) : item_is(item, key)) {
            *out_at = i;
            return true;
        }
    }
    return false;
}

static bool is_empty(const json_t *v)
{
    return (json_is_object(v) && json_object_size(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0);
}

static void drop_at(json_t *node, char **elements, size_t count)
{
    const char *el = elements[0];
    size_t at;
    if (el[0] == 'f' && json_is_object(node)) {
        json_t *child = json_object_get(node, el + 2);
        if (child && count > 1) {
            bool had = !is_empty(child);
            drop_at(child, elements + 1, count - 1);
            if (had && is_empty(child))
                json_object_del(node, el + 2);
        } else {
            json_object_del(node, el + 2);
        }
    } else if (el[0] != 'f' && json_is_array(node) && array_index(node, el, &at)) {
        if (count > 1)
            drop_at(json_array_get(node, at), elements + 1, count - 1);
        else
            json_array_remove(node, at);
    }
}

void sbx_fields_drop(json_t *obj, const char *path)
{
    enum { DEPTH = 2 * CF_JSON_DEPTH_MAX };
    char *elements[DEPTH];
    size_t n = 0;
    cf_autofree char *copy = cf_xstrdup(path);
    char *save = NULL;
    for (char *el = strtok_r(copy, SBX_SEP, &save); el && n < DEPTH;
         el = strtok_r(NULL, SBX_SEP, &save))
        elements[n++] = el;
    if (n)
        drop_at(obj, elements, n);
}
