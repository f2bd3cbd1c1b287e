/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON within limits, and paths into trees. Writing is in json_write.c. See json.h. */
#include "base/json.h"

#include <stdio.h>
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

int64_t cf_json_int(const json_t *j, int64_t dflt, ...)
{
    va_list ap;
    va_start(ap, dflt);
    j = walk(j, ap);
    va_end(ap);
    return json_is_integer(j) ? (int64_t)json_integer_value(j) : dflt;
}

bool cf_json_bool(const json_t *j, bool dflt, ...)
{
    va_list ap;
    va_start(ap, dflt);
    j = walk(j, ap);
    va_end(ap);
    return json_is_boolean(j) ? json_is_true(j) : dflt;
}

/* One reference token without its slash, unescaped in place ("~1" is '/', "~0" is '~'). */
static bool unescape_token(char *token)
{
    char *out = token;
    for (const char *in = token; *in; in++) {
        if (*in != '~') {
            *out++ = *in;
            continue;
        }
        in++;
        if (*in != '0' && *in != '1')
            return false;
        *out++ = *in == '0' ? '~' : '/';
    }
    *out = '\0';
    return true;
}

static json_t *child(const json_t *j, const char *token)
{
    if (json_is_object(j))
        return json_object_get(j, token);
    if (!json_is_array(j) || *token == '\0' || (token[0] == '0' && token[1] != '\0'))
        return NULL;
    size_t index = 0;
    for (const char *p = token; *p; p++) {
        if (*p < '0' || *p > '9' || p - token > 9)
            return NULL;
        index = index * 10 + (size_t)(*p - '0');
    }
    return json_array_get(j, index);
}

json_t *cf_json_pointer(const json_t *j, const char *pointer)
{
    if (*pointer != '\0' && *pointer != '/')
        return NULL;
    while (j && *pointer == '/') {
        size_t len = strcspn(pointer + 1, "/");
        cf_autofree char *token = cf_xstrndup(pointer + 1, len);
        j = unescape_token(token) ? child(j, token) : NULL;
        pointer += 1 + len;
    }
    return cf_json_unconst(j);
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

size_t cf_json_pointer_push(char *buf, const char *token)
{
    size_t old = strlen(buf);
    size_t at = old;
    const size_t end = CF_JSON_POINTER_MAX - 1;
    if (at < end)
        buf[at++] = '/';
    for (; *token && at < end; token++) {
        if (*token != '~' && *token != '/') {
            buf[at++] = *token;
            continue;
        }
        if (at + 2 > end)
            break;
        buf[at++] = '~';
        buf[at++] = *token == '~' ? '0' : '1';
    }
    buf[at] = '\0';
    return old;
}

size_t cf_json_pointer_push_index(char *buf, size_t index)
{
    char token[24];
    snprintf(token, sizeof token, "%zu", index);
    return cf_json_pointer_push(buf, token);
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
