/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON within limits, paths of keys, equality. Writing is in json_write.c, pointers in
 * json_pointer.c. See json.h. */
#include "base/json.h"

#include <string.h>

#include "base/text.h"

/* jansson's own allocations, too, end the process instead of failing half-way; and its hash seed is
 * drawn before there are threads. */
__attribute__((constructor)) static void set_up_jansson(void)
{
    json_set_alloc_funcs(cf_xmalloc, free);
    json_object_seed(0);
}

/* Whether the brackets outside strings stay within the depth limit; *out_at is the offset of the
 * first beyond it. */
static bool depth_ok(const char *text, size_t len, size_t *out_at)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > CF_JSON_DEPTH_MAX) {
                *out_at = i;
                return false;
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

json_t *cf_json_parse(const char *text, size_t len, size_t max, struct cf_error *err)
{
    size_t limit = max ? max : CF_JSON_TEXT_MAX;
    if (len > limit) {
        cf_error_set(err, CF_ERR_LIMIT, "JSON text of %zu bytes is larger than the limit of %zu",
                     len, limit);
        return NULL;
    }
    size_t at;
    if (!depth_ok(text, len, &at)) {
        int line, column;
        cf_text_position(text, at, &line, &column);
        cf_error_set(err, CF_ERR_LIMIT, "line %d, column %d: JSON is nested deeper than %d levels",
                     line, column, CF_JSON_DEPTH_MAX);
        return NULL;
    }
    json_error_t e;
    json_t *j = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    if (!j)
        cf_error_set(err, CF_ERR_INVALID, "line %d, column %d: not valid JSON: %s",
                     CF_MAX(e.line, 1), CF_MAX(e.column, 1), e.text);
    return j;
}

static const json_t *walk(const json_t *j, va_list ap)
{
    const char *key;
    while (j && (key = va_arg(ap, const char *)))
        j = json_object_get(j, key);
    return j;
}

const json_t *cf_json_at(const json_t *j, ...)
{
    va_list ap;
    va_start(ap, j);
    j = walk(j, ap);
    va_end(ap);
    return j;
}

const char *cf_json_str(const json_t *j, const char *dflt, ...)
{
    va_list ap;
    va_start(ap, dflt);
    j = walk(j, ap);
    va_end(ap);
    return json_is_string(j) ? json_string_value(j) : dflt;
}

json_t *cf_json_named(const json_t *list, const char *key, const char *text)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        if (strcmp(cf_json_str(one, "", key, NULL), text) == 0)
            return one;
    }
    return NULL;
}

json_t *cf_json_members(const json_t *list, const char *key)
{
    json_t *members = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        json_array_append(members, json_object_get(one, key));
    }
    return members;
}

json_t *cf_json_index(const json_t *list, ...)
{
    json_t *index = json_object();
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        va_list ap;
        va_start(ap, list);
        const json_t *key = walk(one, ap);
        va_end(ap);
        json_object_set(index, json_is_string(key) ? json_string_value(key) : "", one);
    }
    return index;
}

int64_t cf_json_int(const json_t *j, int64_t dflt, ...)
{
    va_list ap;
    va_start(ap, dflt);
    j = walk(j, ap);
    va_end(ap);
    return json_is_integer(j) ? (int64_t)json_integer_value(j) : dflt;
}

bool cf_json_bool(const json_t *j, int dflt, ...)
{
    va_list ap;
    va_start(ap, dflt);
    j = walk(j, ap);
    va_end(ap);
    return json_is_boolean(j) ? json_is_true(j) : dflt != 0;
}

void cf_json_put_take(json_t *j, json_t *value, ...)
{
    cf_assert(json_is_object(j) && value);
    va_list ap;
    va_start(ap, value);
    const char *key = va_arg(ap, const char *);
    cf_assert(key);
    for (const char *next; (next = va_arg(ap, const char *)); key = next) {
        json_t *inner = json_object_get(j, key);
        if (!json_is_object(inner)) {
            inner = json_object();
            cf_assert(json_object_set_new(j, key, inner) == 0);
        }
        j = inner;
    }
    va_end(ap);
    cf_assert(json_object_set_new(j, key, value) == 0);
}

bool cf_json_del(json_t *j, ...)
{
    va_list ap;
    va_start(ap, j);
    const char *key = va_arg(ap, const char *);
    cf_assert(key);
    for (const char *next; j && (next = va_arg(ap, const char *)); key = next)
        j = json_object_get(j, key);
    va_end(ap);
    return j && json_object_del(j, key) == 0;
}

json_t *cf_json_copy(const json_t *j)
{
    json_t *copy = json_deep_copy(j);
    cf_assert(copy);
    return copy;
}

static bool equal_objects(const json_t *a, const json_t *b)
{
    if (json_object_size(a) != json_object_size(b))
        return false;
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(a), key, value)
    {
        const json_t *other = json_object_get(b, key);
        if (!other || !cf_json_equal(value, other))
            return false;
    }
    return true;
}

static bool equal_arrays(const json_t *a, const json_t *b)
{
    size_t n = json_array_size(a);
    if (n != json_array_size(b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!cf_json_equal(json_array_get(a, i), json_array_get(b, i)))
            return false;
    return true;
}

bool cf_json_equal(const json_t *a, const json_t *b)
{
    if (a == b)
        return true;
    if (!a || !b)
        return false;
    if (json_is_object(a) && json_is_object(b))
        return equal_objects(a, b);
    if (json_is_array(a) && json_is_array(b))
        return equal_arrays(a, b);
    if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b)) {
        /* by value, where the real has the integer's exact value */
        double real = json_is_real(a) ? json_real_value(a) : json_real_value(b);
        json_int_t integer = json_is_real(a) ? json_integer_value(b) : json_integer_value(a);
        return real >= -0x1p63 && real < 0x1p63 && (double)(json_int_t)real == real &&
               (json_int_t)real == integer;
    }
    return json_equal(a, b);
}
