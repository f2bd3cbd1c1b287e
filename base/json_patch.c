/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Patch (RFC 6902). Operations work on one deep copy of the document; merge patches are in
 * json_merge.c. */
#include "base/json_patch.h"

#include <stdio.h>
#include <string.h>

struct patching {
    json_t *root;
    size_t index;  /* of the operation at work */
    size_t copied; /* what `copy` has added so far, in bytes of text or so */
    struct cf_error *err;
};

/* Where a pointer ends: the container and the last token, which need not be there yet. For the root
 * `parent` is NULL. */
struct place {
    json_t *parent;
    char *token;
    int depth; /* tokens in the pointer */
};

static void place_free(struct place *p)
{
    free(p->token);
}

/* Says which operation and which of its members failed; false. */
static bool fail(struct patching *p, enum cf_err_kind kind, const char *member, const char *fmt,
                 ...) CF_PRINTF(4, 5);

static bool fail(struct patching *p, enum cf_err_kind kind, const char *member, const char *fmt,
                 ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_error_setv(p->err, kind, fmt, ap);
    va_end(ap);
    char field[CF_ERROR_FIELD_MAX];
    snprintf(field, sizeof field, "%zu%s%s", p->index, *member ? "/" : "", member);
    cf_error_field(p->err, field);
    return cf_error_wrap(p->err, "operation %zu", p->index);
}

/* How deep a value is and roughly how many bytes its text has. */
static void measure(const json_t *j, int *out_depth, size_t *bytes)
{
    int deepest = 0, depth;
    const char *key;
    json_t *value;
    *bytes += 4;
    if (json_is_object(j)) {
        json_object_foreach(cf_json_unconst(j), key, value)
        {
            *bytes += strlen(key) + 4;
            measure(value, &depth, bytes);
            deepest = CF_MAX(deepest, depth);
        }
    } else if (json_is_array(j)) {
        for (size_t i = 0; i < json_array_size(j); i++) {
            measure(json_array_get(j, i), &depth, bytes);
            deepest = CF_MAX(deepest, depth);
        }
    } else if (json_is_string(j)) {
        *bytes += json_string_length(j);
    }
    *out_depth = deepest + (json_is_object(j) || json_is_array(j));
}

static bool pointer_is_well_formed(const char *pointer)
{
    if (*pointer != '\0' && *pointer != '/')
        return false;
    for (const char *s = pointer; *s; s++)
        if (*s == '~' && s[1] != '0' && s[1] != '1')
            return false;
    return true;
}

static const char *pointer_of(struct patching *p, const json_t *op, const char *member)
{
    const json_t *value = json_object_get(op, member);
    const char *pointer = json_string_value(value);
    if (!pointer)
        fail(p, CF_ERR_INVALID, member, "\"%s\" must be a JSON pointer", member);
    else if (!pointer_is_well_formed(pointer)) {
        fail(p, CF_ERR_INVALID, member, "\"%.100s\" is not a JSON pointer", pointer);
        pointer = NULL;
    }
    return pointer;
}

static const json_t *value_of(struct patching *p, const json_t *op)
{
    const json_t *value = json_object_get(op, "value");
    if (!value)
        fail(p, CF_ERR_INVALID, "value", "\"value\" is missing");
    return value;
}

static bool find_place(struct patching *p, const char *pointer, const char *member,
                       struct place *out)
{
    *out = (struct place){ .parent = NULL };
    if (*pointer == '\0')
        return true;
    const char *last = strrchr(pointer, '/');
    cf_autofree char *parent_pointer = cf_xstrndup(pointer, (size_t)(last - pointer));
    json_t *parent = cf_json_pointer(p->root, parent_pointer);
    if (!json_is_object(parent) && !json_is_array(parent))
        return fail(p, CF_ERR_CONFLICT, member, "there is no object or array at \"%.200s\"",
                    parent_pointer);
    out->parent = parent;
    out->token = cf_json_pointer_next(&last);
    for (const char *s = pointer; *s; s++)
        out->depth += *s == '/';
    return true;
}

static bool index_below(const char *token, size_t size, size_t *out)
{
    size_t index;
    if (!cf_json_pointer_index(token, &index) || index >= size)
        return false;
    *out = index;
    return true;
}

/* Borrowed value at the pointer, or NULL with the error set. */
static json_t *existing(struct patching *p, const char *pointer, const char *member)
{
    json_t *j = cf_json_pointer(p->root, pointer);
    if (!j)
        fail(p, CF_ERR_CONFLICT, member, "there is nothing at \"%.200s\"", pointer);
    return j;
}

/* Puts `value`, whose reference it takes, at the pointer as "add" does. */
static bool put_take(struct patching *p, const char *pointer, json_t *value)
{
    cf_autojson json_t *owned = value;
    CF_CLEANUP(place_free) struct place at;
    if (!find_place(p, pointer, "path", &at))
        return false;
    int depth;
    size_t bytes = 0;
    measure(owned, &depth, &bytes);
    if (at.depth + depth > CF_JSON_DEPTH_MAX)
        return fail(p, CF_ERR_LIMIT, "path", "the document would be nested deeper than %d levels",
                    CF_JSON_DEPTH_MAX);
    if (!at.parent) {
        json_decref(p->root);
        p->root = cf_steal(&owned);
        return true;
    }
    if (json_is_object(at.parent)) {
        cf_assert(json_object_set(at.parent, at.token, owned) == 0);
        return true;
    }
    size_t size = json_array_size(at.parent), index = size;
    if (strcmp(at.token, "-") != 0 && !index_below(at.token, size + 1, &index))
        return fail(p, CF_ERR_CONFLICT, "path", "\"%.100s\" is no index of an array of %zu",
                    at.token, size);
    cf_assert(json_array_insert(at.parent, index, owned) == 0);
    return true;
}

static bool take_out(struct patching *p, const char *pointer, const char *member)
{
    CF_CLEANUP(place_free) struct place at = { .parent = NULL };
    if (!existing(p, pointer, member) || !find_place(p, pointer, member, &at))
        return false;
    if (!at.parent)
        return fail(p, CF_ERR_INVALID, member, "the whole document cannot be removed");
    size_t index;
    if (json_is_object(at.parent))
        json_object_del(at.parent, at.token);
    else if (index_below(at.token, json_array_size(at.parent), &index))
        json_array_remove(at.parent, index);
    return true;
}

static bool op_add(struct patching *p, const json_t *op, const char *path)
{
    const json_t *value = value_of(p, op);
    return value && put_take(p, path, cf_json_copy(value));
}

static bool op_remove(struct patching *p, const json_t *op, const char *path)
{
    (void)op;
    return take_out(p, path, "path");
}

static bool op_replace(struct patching *p, const json_t *op, const char *path)
{
    const json_t *value = value_of(p, op);
    if (!value || !existing(p, path, "path"))
        return false;
    CF_CLEANUP(place_free) struct place at = { .parent = NULL };
    size_t index;
    if (!find_place(p, path, "path", &at))
        return false;
    /* "add" overwrites members and the root in place; only in arrays it would insert */
    if (json_is_array(at.parent) && index_below(at.token, json_array_size(at.parent), &index))
        json_array_remove(at.parent, index);
    return put_take(p, path, cf_json_copy(value));
}

static bool op_move(struct patching *p, const json_t *op, const char *path)
{
    const char *from = pointer_of(p, op, "from");
    json_t *value = from ? existing(p, from, "from") : NULL;
    if (!value)
        return false;
    if (strcmp(from, path) == 0)
        return true;
    size_t len = strlen(from);
    if (strncmp(path, from, len) == 0 && path[len] == '/')
        return fail(p, CF_ERR_INVALID, "path", "a value cannot be moved into itself");
    cf_autojson json_t *held = json_incref(value);
    return take_out(p, from, "from") && put_take(p, path, json_incref(held));
}

static bool op_copy(struct patching *p, const json_t *op, const char *path)
{
    const char *from = pointer_of(p, op, "from");
    json_t *value = from ? existing(p, from, "from") : NULL;
    if (!value)
        return false;
    int depth;
    measure(value, &depth, &p->copied);
    if (p->copied > CF_JSON_PATCH_COPY_MAX)
        return fail(p, CF_ERR_LIMIT, "from", "the patch copies more than %d bytes",
                    CF_JSON_PATCH_COPY_MAX);
    return put_take(p, path, cf_json_copy(value));
}

static bool op_test(struct patching *p, const json_t *op, const char *path)
{
    const json_t *value = value_of(p, op);
    const json_t *there = value ? existing(p, path, "path") : NULL;
    if (!there)
        return false;
    if (cf_json_equal(there, value))
        return true;
    cf_autofree char *is = cf_json_dump(there);
    fail(p, CF_ERR_CONFLICT, "value", "test failed: \"%.200s\" is %.200s", path, is);
    return cf_error_reason(p->err, "TestFailed");
}

static const struct {
    const char *name;
    bool (*apply)(struct patching *p, const json_t *op, const char *path);
} operations[] = {
    { "add", op_add },   { "remove", op_remove }, { "replace", op_replace },
    { "move", op_move }, { "copy", op_copy },     { "test", op_test },
};

static bool apply_one(struct patching *p, const json_t *op)
{
    if (!json_is_object(op))
        return fail(p, CF_ERR_INVALID, "", "must be an object");
    const char *name = cf_json_str(op, NULL, "op", NULL);
    if (!name)
        return fail(p, CF_ERR_INVALID, "op", "\"op\" must be a string");
    const char *path = pointer_of(p, op, "path");
    if (!path)
        return false;
    for (size_t i = 0; i < CF_ARRAY_LEN(operations); i++)
        if (strcmp(operations[i].name, name) == 0)
            return operations[i].apply(p, op, path);
    return fail(p, CF_ERR_INVALID, "op", "\"%.50s\" is no JSON Patch operation", name);
}

json_t *cf_json_patch_apply(const json_t *doc, const json_t *patch, struct cf_error *err)
{
    if (!json_is_array(patch)) {
        cf_error_set(err, CF_ERR_INVALID, "a JSON Patch must be an array of operations");
        return NULL;
    }
    if (json_array_size(patch) > CF_JSON_PATCH_OPS_MAX) {
        cf_error_set(err, CF_ERR_LIMIT, "a JSON Patch of %zu operations is longer than %d",
                     json_array_size(patch), CF_JSON_PATCH_OPS_MAX);
        return NULL;
    }
    struct patching p = { .root = cf_json_copy(doc), .err = err };
    for (; p.index < json_array_size(patch); p.index++) {
        if (!apply_one(&p, json_array_get(patch, p.index))) {
            json_decref(p.root);
            return NULL;
        }
    }
    return p.root;
}
