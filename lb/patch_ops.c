/* SPDX-License-Identifier: Apache-2.0 */
/* Small pieces of JSON Patches. */
#include <string.h>

#include "base/digest.h"
#include "lb/kinds.h"

void cf_patch_add_take(json_t *patch, const char *op, const char *path, json_t *value)
{
    json_t *o = json_object();
    json_object_set_new(o, "op", json_string(op));
    json_object_set_new(o, "path", json_string(path));
    if (value)
        json_object_set_new(o, "value", value);
    json_array_append_new(patch, o);
}

void cf_patch_annotation(json_t *patch, const char *op, const char *key, const char *text)
{
    char path[CF_JSON_POINTER_MAX] = "/metadata/annotations";
    cf_json_pointer_push(path, key);
    cf_patch_add_take(patch, op, path, text ? json_string(text) : NULL);
}

char *cf_json_short_hash(const json_t *j, char buf[9])
{
    char hex[CF_SHA256_HEX];
    cf_autofree char *text = cf_json_canonical(j);
    cf_sha256_hex(text, strlen(text), hex);
    memcpy(buf, hex, 8);
    buf[8] = '\0';
    return buf;
}
