/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes: finding them, and what they are as JSON Schema. */
#include "orchestrator/api/schemas.h"

#include <string.h>

static const struct cf_schema *find_in(const struct cf_schema *table, const char *name)
{
    for (const struct cf_schema *s = table; s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

const struct cf_schema *cf_schema_find(const char *name)
{
    const struct cf_schema *s = find_in(cf_request_schemas, name);
    return s ? s : find_in(cf_response_schemas, name);
}

static json_t *ref_json(const char *ref)
{
    return ref ? json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", ref))
               : json_object();
}

static json_t *words_json(const char *words)
{
    json_t *list = json_array();
    cf_autofree char *copy = cf_xstrdup(words);
    char *rest = copy, *word;
    while ((word = strsep(&rest, "|")) != NULL)
        json_array_append_new(list, json_string(word));
    return list;
}

static json_t *type_json(const struct cf_field *f)
{
    switch (f->type) {
    case CF_FIELD_STRING:
        return json_pack("{s:s}", "type", "string");
    case CF_FIELD_NOTE:
        return json_pack("{s:s,s:i}", "type", "string", "maxLength", CF_FIELD_NOTE_MAX);
    case CF_FIELD_INT:
        return json_pack("{s:s}", "type", "integer");
    case CF_FIELD_NUMBER:
        return json_pack("{s:s}", "type", "number");
    case CF_FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case CF_FIELD_TIME:
        return json_pack("{s:s,s:s}", "type", "string", "format", "date-time");
    case CF_FIELD_OBJECT:
        return f->ref ? ref_json(f->ref) : json_pack("{s:s}", "type", "object");
    case CF_FIELD_LIST:
        return json_pack("{s:s,s:o}", "type", "array", "items", ref_json(f->ref));
    case CF_FIELD_STRINGS:
        return json_pack("{s:s,s:{s:s}}", "type", "array", "items", "type", "string");
    case CF_FIELD_TEXT_OR_OBJECT:
        return json_pack("{s:[s,s]}", "type", "string", "object");
    }
    return json_object();
}

static json_t *field_json(const struct cf_field *f)
{
    json_t *j = type_json(f);
    if (f->words)
        json_object_set_new(j, "enum", words_json(f->words));
    if (f->flags & CF_FIELD_NULL)
        j = json_pack("{s:[o,{s:s}]}", "anyOf", j, "type", "null");
    json_object_set_new(j, "description", json_string(f->help));
    return j;
}

json_t *cf_schema_json(const struct cf_schema *s)
{
    json_t *properties = json_object(), *required = json_array();
    bool is_body = find_in(cf_request_schemas, s->name) != NULL;
    for (const struct cf_field *f = s->fields; f->name; f++) {
        json_object_set_new(properties, f->name, field_json(f));
        if (f->flags & CF_FIELD_REQUIRED)
            json_array_append_new(required, json_string(f->name));
    }
    json_t *j = json_pack("{s:s,s:s,s:o}", "type", "object", "description", s->help, "properties",
                          properties);
    if (json_array_size(required) > 0)
        json_object_set(j, "required", required);
    json_decref(required);
    if (is_body)
        json_object_set_new(j, "additionalProperties", json_false());
    return j;
}
