/* SPDX-License-Identifier: Apache-2.0 */
/* The fields by which something stands still (held.h). */
#include "federation/objects/held.h"

#include <string.h>

#include "federation/objects/transform.h"

static const char *const fields[] = { "replicas", "suspend", "paused" };

static bool is_annotation(const char *field)
{
    return strcmp(field, "paused") == 0;
}

json_t *cf_held_still(const char *field)
{
    if (is_annotation(field))
        return json_string("0");
    return strcmp(field, "suspend") == 0 ? json_true() : json_integer(0);
}

void cf_held_put(json_t *patch, const char *field, const json_t *value)
{
    json_t *put = json_incref(cf_json_unconst(value));
    if (is_annotation(field))
        cf_json_put_take(patch, put, "metadata", "annotations", CF_KEDA_PAUSED, NULL);
    else
        cf_json_put_take(patch, put, "spec", field, NULL);
}

bool cf_held_is(const json_t *object, const char *field, const json_t *value)
{
    const json_t *is = is_annotation(field)
                           ? cf_json_at(object, "metadata", "annotations", CF_KEDA_PAUSED, NULL)
                           : cf_json_at(object, "spec", field, NULL);
    return is ? cf_json_equal(is, value) : json_is_null(value);
}

void cf_held_hold(json_t *object, const char *field, json_t *running_take)
{
    cf_autojson json_t *running = json_pack("{s:o}", field, running_take);
    cf_autojson json_t *waiting = cf_held_still(field);
    cf_autofree char *text = cf_json_dump(running);
    cf_json_put_take(object, json_string(text), "metadata", "annotations", CF_ANNOTATION_ACTIVATE,
                     NULL);
    cf_held_put(object, field, waiting);
}

bool cf_held_read(const json_t *copy, bool off, json_t **out_fields, struct cf_error *err)
{
    const char *text =
        cf_json_str(copy, NULL, "metadata", "annotations", CF_ANNOTATION_ACTIVATE, NULL);
    if (!text)
        return true;
    json_t *kept = cf_json_parse(text, strlen(text), 0, err);
    if (!kept)
        return cf_error_wrap(err, "annotation %s", CF_ANNOTATION_ACTIVATE);
    for (size_t f = 0; off && f < CF_ARRAY_LEN(fields); f++)
        if (json_object_get(kept, fields[f]))
            json_object_set_new(kept, fields[f], cf_held_still(fields[f]));
    *out_fields = kept;
    return true;
}

bool cf_held_stands(const json_t *copy)
{
    cf_autojson json_t *held = NULL;
    struct cf_error unread = CF_ERROR_INIT;
    const char *field;
    json_t *value;
    bool stands = cf_held_read(copy, true, &held, &unread) && held;
    json_object_foreach(held, field, value)
    {
        stands = stands && cf_held_is(copy, field, value);
    }
    cf_error_clear(&unread);
    return stands;
}

void cf_held_unstop(json_t *object, const json_t *row)
{
    for (size_t f = 0; f < CF_ARRAY_LEN(fields); f++) {
        const json_t *had = json_object_get(row, fields[f]);
        if (had && !json_is_null(had))
            cf_held_put(object, fields[f], had);
        else if (had)
            cf_json_del(object, "metadata", "annotations", CF_KEDA_PAUSED, NULL);
    }
}
