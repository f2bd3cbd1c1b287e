/* SPDX-License-Identifier: Apache-2.0 */
/* The table as a JSON Schema (draft 2020-12) for editors. It accepts what decoding accepts, short
 * forms included, as far as a schema can say it; rules between fields are left to decoding. Fields
 * that are not supported yet are not in it. */
#include <string.h>

#include "base/units.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/schema.h"
#include "orchestrator/plan/variant.h"

#define DURATION_PATTERN "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
#define PERCENT_PATTERN  "^[0-9]{1,3}(\\.[0-9]{1,6})?%$"

#define ROUTER  "/spec/traffic/router"
#define ROUTERS "/spec/traffic/routers"

static json_t *schema_of(const struct cf_schema_row *row);

static void put(json_t *o, const char *key, json_t *value_take)
{
    json_object_set_new(o, key, value_take);
}

static json_t *text_schema(enum cf_format f)
{
    const struct cf_format_row *form = cf_format_row(f);
    json_t *o = json_pack("{s:s}", "type", "string");
    if (f != CF_FORMAT_LABEL_VALUE)
        put(o, "minLength", json_integer(1));
    put(o, "maxLength", json_integer((json_int_t)form->max));
    if (form->pattern)
        put(o, "pattern", json_string(form->pattern));
    return o;
}

static json_t *int_schema(const struct cf_schema_row *row)
{
    json_t *o = json_pack("{s:s}", "type", "integer");
    put(o, "minimum", json_integer((json_int_t)row->min));
    if (row->max > 0)
        put(o, "maximum", json_integer((json_int_t)row->max));
    return o;
}

static json_t *word_schema(const struct cf_schema_row *row)
{
    json_t *words = json_array();
    for (size_t i = 0; row->words[i]; i++)
        if (row->words[i][0] != '!')
            json_array_append_new(words, json_string(row->words[i]));
    if (json_array_size(words) > 1)
        return json_pack("{s:o}", "enum", words);
    json_t *only = json_pack("{s:O}", "const", json_array_get(words, 0));
    json_decref(words);
    return only;
}

static json_t *list_schema(const struct cf_schema_row *row)
{
    json_t *items = schema_of(cf_schema_child(row, "*"));
    if (strcmp(row->path, "/spec/traffic/steps") == 0) {
        json_t *weight = schema_of(cf_schema_child(cf_schema_child(row, "*"), "weight"));
        items = json_pack("{s:[o, o]}", "anyOf", items, weight);
    } else if (strcmp(row->path, "/spec/gates") == 0) {
        json_t *text = json_pack("{s:s, s:s}", "type", "string", "pattern",
                                 "^ *>= *[0-9]{1,3}(\\.[0-9]{1,6})?%$");
        json_t *short_form =
            json_pack("{s:s, s:{s:o}, s:[s], s:b}", "type", "object", "properties", "successRate",
                      text, "required", "successRate", "additionalProperties", 0);
        items = json_pack("{s:[o, o]}", "anyOf", items, short_form);
    }
    json_t *o = json_pack("{s:s, s:o}", "type", "array", "items", items);
    if (row->min > 0)
        put(o, "minItems", json_integer((json_int_t)row->min));
    put(o, "maxItems", json_integer((json_int_t)row->max));
    return o;
}

/* The words of `list` as an array of strings; a trailing or leading space does not matter. */
static json_t *words_of(const char *list)
{
    json_t *out = json_array();
    for (const char *p = list + strspn(list, " "); *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        json_array_append_new(out, json_stringn(p, n));
        p += n;
    }
    return out;
}

/* "if type is X then these are required" for the rows of a list that come in types. */
static void put_variants(json_t *o, const char *list)
{
    json_t *all = json_array();
    for (const struct cf_variant *v = cf_variants; v->list; v++) {
        if (strcmp(v->list, list) != 0 || *v->part)
            continue;
        json_t *required = words_of(v->required);
        if (json_array_size(required) > 0)
            json_array_append_new(all, json_pack("{s:{s:{s:{s:s}}}, s:{s:O}}", "if", "properties",
                                                 "type", "const", v->type, "then", "required",
                                                 required));
        json_decref(required);
    }
    if (json_array_size(all) > 0)
        put(o, "allOf", all);
    else
        json_decref(all);
}

/* The short form of the routers: one of them, whose object may be left out. */
static json_t *short_router_schema(void)
{
    const struct cf_schema_row *traffic =
        cf_schema_child(cf_schema_child(cf_schema_root(), "spec"), "traffic");
    json_t *o = schema_of(cf_schema_child(cf_schema_child(traffic, "routers"), "*"));
    put(o, "required", json_pack("[s, s]", "name", "type"));
    return o;
}

static json_t *object_schema(const struct cf_schema_row *row)
{
    json_t *properties = json_object(), *required = json_array();
    const struct cf_schema_row *child = NULL;
    while ((child = cf_schema_next_child(row, child))) {
        if (child->flags & (CF_SCHEMA_NOTE | CF_SCHEMA_LATER))
            continue;
        bool is_short = (child->flags & CF_SCHEMA_SHORT) != 0;
        put(properties, cf_schema_key(child), is_short ? short_router_schema() : schema_of(child));
        if ((child->flags & CF_SCHEMA_REQUIRED) && strcmp(child->path, ROUTERS) != 0)
            json_array_append_new(required, json_string(cf_schema_key(child)));
    }
    json_t *o = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
                          "additionalProperties", 0);
    if (json_array_size(required) > 0)
        put(o, "required", json_incref(required));
    json_decref(required);
    if (cf_schema_child(row, "router"))
        put(o, "oneOf",
            json_pack("[{s:[s]}, {s:[s]}]", "required", "router", "required", "routers"));
    size_t n = strlen(row->path);
    if (n > 2 && strcmp(row->path + n - 2, "/*") == 0) {
        cf_autofree char *list = cf_xstrndup(row->path, n - 2);
        put_variants(o, list);
    }
    return o;
}

/* Whether the default can be written as a value of the schema. */
static json_t *default_value(const struct cf_schema_row *row)
{
    if (!row->dflt || cf_schema_is_derived(row) || row->type == CF_SCHEMA_OBJECT)
        return NULL;
    bool is_json = row->type == CF_SCHEMA_LIST || row->type == CF_SCHEMA_MAP ||
                   row->type == CF_SCHEMA_INT || row->type == CF_SCHEMA_BOOL;
    return is_json ? json_loads(row->dflt, JSON_DECODE_ANY, NULL) : json_string(row->dflt);
}

static json_t *bare_schema(const struct cf_schema_row *row)
{
    switch (row->type) {
    case CF_SCHEMA_OBJECT:
        return object_schema(row);
    case CF_SCHEMA_LIST:
        return list_schema(row);
    case CF_SCHEMA_MAP:
        return json_pack("{s:s, s:i, s:o, s:{s:s}}", "type", "object", "maxProperties",
                         (int)row->max, "additionalProperties", text_schema(row->format),
                         "propertyNames", "pattern", cf_format_row(CF_FORMAT_LABEL_KEY)->pattern);
    case CF_SCHEMA_TEXT:
        return text_schema(row->format);
    case CF_SCHEMA_WORD:
        return word_schema(row);
    case CF_SCHEMA_INT:
        return int_schema(row);
    case CF_SCHEMA_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case CF_SCHEMA_DURATION:
        return json_pack("{s:s, s:i, s:s}", "type", "string", "minLength", 2, "pattern",
                         DURATION_PATTERN);
    case CF_SCHEMA_PERCENT:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", PERCENT_PATTERN);
    case CF_SCHEMA_JSON:
        return json_pack("{s:s}", "type", "object");
    case CF_SCHEMA_NAME_OR_INDEX:
        break;
    }
    return json_pack("{s:[o, o]}", "anyOf", text_schema(row->format), int_schema(row));
}

static json_t *schema_of(const struct cf_schema_row *row)
{
    json_t *o = bare_schema(row);
    put(o, "description", json_string(row->help));
    json_t *dflt = default_value(row);
    if (dflt)
        put(o, "default", dflt);
    return o;
}

json_t *cf_plan_json_schema(void)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "$id",
        "https://crossfade.dev/schemas/v1alpha1/migration-plan.json", "title", CF_PLAN_KIND);
    json_t *root = schema_of(cf_schema_root());
    json_object_update(o, root);
    json_decref(root);
    return o;
}
