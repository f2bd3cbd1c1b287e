/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6901 pointers: taking apart, following, building. See json.h. */
#include "base/json.h"

#include <stdio.h>
#include <string.h>

enum { INDEX_DIGITS_MAX = 9 };

char *cf_json_pointer_next(const char **pointer)
{
    if (**pointer != '/')
        return NULL;
    const char *start = *pointer + 1;
    size_t len = strcspn(start, "/");
    char *token = cf_xstrndup(start, len);
    char *out = token;
    for (const char *in = token; *in; in++) {
        if (*in != '~') {
            *out++ = *in;
            continue;
        }
        in++;
        if (*in != '0' && *in != '1') {
            free(token);
            return NULL;
        }
        *out++ = *in == '0' ? '~' : '/';
    }
    *out = '\0';
    *pointer = start + len;
    return token;
}

bool cf_json_pointer_index(const char *token, size_t *out_index)
{
    size_t len = strlen(token);
    if (len == 0 || len > INDEX_DIGITS_MAX || strspn(token, "0123456789") != len ||
        (token[0] == '0' && len > 1))
        return false;
    *out_index = (size_t)strtoul(token, NULL, 10);
    return true;
}

json_t *cf_json_pointer(const json_t *j, const char *pointer)
{
    while (j && *pointer) {
        cf_autofree char *token = cf_json_pointer_next(&pointer);
        size_t index;
        if (token && json_is_object(j))
            j = json_object_get(j, token);
        else if (token && json_is_array(j) && cf_json_pointer_index(token, &index))
            j = json_array_get(j, index);
        else
            j = NULL;
    }
    return cf_json_unconst(j);
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
