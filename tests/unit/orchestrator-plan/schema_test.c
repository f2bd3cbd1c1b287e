/* SPDX-License-Identifier: Apache-2.0 */
/* The table is whole, and the three things made from it agree: decoding, the JSON Schema, the
 * defaults.
 *
 * A small validator of the part of JSON Schema that we use (2020-12; any other keyword fails the
 * test) holds the exported schema against every wrong plan and every right one: what the schema
 * refuses, decoding refuses too; what decoding accepts, the schema accepts. */
#include <regex.h>
#include <stdio.h>

#include "base/yaml.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/schema.h"
#include "orchestrator/plan/variant.h"
#include "tests/support/file.h"
#include "tests/support/test.h"
#include "tests/support/wrong_plans.h"

/* ---- the table ---- */

static const struct cf_schema_row *parent_of(const struct cf_schema_row *row)
{
    cf_autofree char *path =
        cf_xstrndup(row->path, strlen(row->path) - strlen(cf_schema_key(row)) - 1);
    const struct cf_schema_row *p = NULL;
    while ((p = cf_schema_next(p)))
        if (strcmp(p->path, path) == 0)
            return p;
    return NULL;
}

static void every_row_is_whole(void **state)
{
    (void)state;
    const struct cf_schema_row *row = NULL;
    size_t n = 0;
    while ((row = cf_schema_next(row))) {
        n++;
        assert_true(row->help && *row->help && row->help[strlen(row->help) - 1] != '.');
        assert_true(row->type != CF_SCHEMA_WORD || row->words ||
                    (row->flags & (CF_SCHEMA_NOTE | CF_SCHEMA_LATER)));
        assert_true(row->min <= row->max);
        if (row->type == CF_SCHEMA_LIST && !(row->flags & CF_SCHEMA_LATER)) {
            assert_non_null(cf_schema_child(row, "*"));
            assert_true(row->max > 0);
        }
        if (!*row->path || strchr(row->path, '='))
            continue;
        const struct cf_schema_row *parent = parent_of(row);
        if (!parent)
            fail_msg("%s has no parent", row->path);
        assert_true(parent->type == CF_SCHEMA_OBJECT || parent->type == CF_SCHEMA_LIST);
        if (cf_schema_child(parent, cf_schema_key(row)) != row)
            fail_msg("%s is there twice", row->path);
    }
    assert_true(n > 120);
}

/* A known field or word must be refused, never ignored: each such row is tried by wrong_plans.json.
 */
static void every_later_field_has_a_case(void **state)
{
    (void)state;
    cf_autofree char *cases = cf_test_read_file(CF_TEST_WRONG_PLANS, NULL);
    const struct cf_schema_row *row = NULL;
    while ((row = cf_schema_next(row))) {
        cf_autofree char *field =
            cf_xasprintf("\\\"%s\\\" is not supported yet", cf_schema_key(row));
        if ((row->flags & CF_SCHEMA_LATER) && !strstr(cases, field))
            fail_msg("no case for %s", row->path);
    }
}

static void every_variant_names_fields_of_the_table(void **state)
{
    (void)state;
    for (const struct cf_variant *v = cf_variants; v->list; v++) {
        const struct cf_schema_row *row = NULL;
        cf_autofree char *path = cf_xasprintf("%s/*%s", v->list, v->part);
        while ((row = cf_schema_next(row)) && strcmp(row->path, path) != 0)
            ;
        assert_non_null(row);
        cf_autofree char *words = cf_xstrdup(v->own);
        char *rest = NULL;
        for (char *key = strtok_r(words, " ", &rest); key; key = strtok_r(NULL, " ", &rest))
            if (!cf_schema_child(row, key))
                fail_msg("%s has no field %s", path, key);
    }
}

/* ---- the JSON Schema ---- */

static bool valid(const json_t *schema, const json_t *value);

static bool is_of_type(const json_t *value, const char *type)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return strcmp(type, "object") == 0;
    case JSON_ARRAY:
        return strcmp(type, "array") == 0;
    case JSON_STRING:
        return strcmp(type, "string") == 0;
    case JSON_INTEGER:
        return strcmp(type, "integer") == 0;
    case JSON_TRUE:
    case JSON_FALSE:
        return strcmp(type, "boolean") == 0;
    default:
        return false;
    }
}

static bool fits(const char *pattern, const char *text)
{
    regex_t re;
    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool ok = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return ok;
}

static size_t n_valid(const json_t *schemas, const json_t *value)
{
    size_t i, n = 0;
    json_t *schema;
    json_array_foreach(schemas, i, schema)
    {
        n += valid(schema, value);
    }
    return n;
}

static bool valid_object(const json_t *schema, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    json_t *required;
    json_array_foreach(json_object_get(schema, "required"), i, required)
    {
        if (!json_object_get(value, json_string_value(required)))
            return false;
    }
    const json_t *more = json_object_get(schema, "additionalProperties");
    const json_t *names = json_object_get(schema, "propertyNames");
    json_object_foreach(cf_json_unconst(value), key, member)
    {
        const json_t *property = cf_json_at(schema, "properties", key, NULL);
        cf_autojson json_t *name = json_string(key);
        if (names && !valid(names, name))
            return false;
        if (property ? !valid(property, member)
                     : json_is_false(more) || (json_is_object(more) && !valid(more, member)))
            return false;
    }
    return (int64_t)json_object_size(value) <=
           cf_json_int(schema, INT64_MAX, "maxProperties", NULL);
}

static bool valid_array(const json_t *schema, const json_t *value)
{
    size_t i;
    json_t *element;
    json_array_foreach(value, i, element)
    {
        if (!valid(json_object_get(schema, "items"), element))
            return false;
    }
    int64_t n = (int64_t)json_array_size(value);
    return n >= cf_json_int(schema, 0, "minItems", NULL) &&
           n <= cf_json_int(schema, INT64_MAX, "maxItems", NULL);
}

static bool valid_scalar(const json_t *schema, const json_t *value)
{
    if (json_is_string(value)) {
        int64_t n = (int64_t)strlen(json_string_value(value));
        const char *pattern = cf_json_str(schema, NULL, "pattern", NULL);
        return n >= cf_json_int(schema, 0, "minLength", NULL) &&
               n <= cf_json_int(schema, INT64_MAX, "maxLength", NULL) &&
               (!pattern || fits(pattern, json_string_value(value)));
    }
    if (json_is_integer(value))
        return json_integer_value(value) >= cf_json_int(schema, INT64_MIN, "minimum", NULL) &&
               json_integer_value(value) <= cf_json_int(schema, INT64_MAX, "maximum", NULL);
    return true;
}

/* The keywords that combine schemas. */
static bool valid_combined(const json_t *schema, const json_t *value)
{
    const json_t *any = json_object_get(schema, "anyOf"), *one = json_object_get(schema, "oneOf");
    const json_t *all = json_object_get(schema, "allOf"), *if_ = json_object_get(schema, "if");
    return (!any || n_valid(any, value) > 0) && (!one || n_valid(one, value) == 1) &&
           (!all || n_valid(all, value) == json_array_size(all)) &&
           (!if_ || !valid(if_, value) || valid(json_object_get(schema, "then"), value));
}

static void check_keywords(const json_t *schema)
{
    static const char known[] =
        " $schema $id title description default type enum const properties required "
        "additionalProperties propertyNames maxProperties items minItems maxItems pattern "
        "minLength maxLength minimum maximum anyOf oneOf allOf if then examples ";
    const char *key;
    json_t *ignored;
    json_object_foreach(cf_json_unconst(schema), key, ignored)
    {
        cf_autofree char *padded = cf_xasprintf(" %s ", key);
        if (!strstr(known, padded))
            fail_msg("the validator of this test does not know %s", key);
    }
}

static bool valid(const json_t *schema, const json_t *value)
{
    check_keywords(schema);
    const char *type = cf_json_str(schema, NULL, "type", NULL);
    const json_t *only = json_object_get(schema, "const"), *words = json_object_get(schema, "enum");
    if ((type && !is_of_type(value, type)) || (only && !json_equal(only, value)))
        return false;
    bool is_word = !words;
    for (size_t i = 0; i < json_array_size(words); i++)
        is_word |= json_equal(json_array_get(words, i), value) != 0;
    if (!is_word || !valid_combined(schema, value))
        return false;
    if (json_is_object(value))
        return valid_object(schema, value);
    return json_is_array(value) ? valid_array(schema, value) : valid_scalar(schema, value);
}

static json_t *tree_of(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    return cf_yaml_parse(text, strlen(text), 0, NULL, &err);
}

static void the_schema_accepts_right_plans(void **state)
{
    (void)state;
    cf_autojson json_t *schema = cf_plan_json_schema();
    static const char *const paths[] = { "docs/examples/first-plan.yaml",
                                         "docs/examples/complete-plan.yaml",
                                         "docs/examples/karmada-plan.yaml",
                                         "tests/data/effective_first_plan.json",
                                         "tests/data/effective_complete_plan.json" };
    for (size_t i = 0; i < CF_ARRAY_LEN(paths); i++) {
        cf_autofree char *text = cf_test_read_file(paths[i], NULL);
        cf_autojson json_t *plan = tree_of(text);
        assert_non_null(plan);
        if (!valid(schema, plan))
            fail_msg("the schema refuses %s", paths[i]);
    }
}

/* Codes that come from rules between fields, which a schema cannot say. */
static bool is_beyond_a_schema(const char *code)
{
    static const char beyond[] =
        " DANGLING_NAME DUPLICATE_NAME DUPLICATE_FIELD CONFLICTING_FIELDS STEP_ORDER "
        "SAME_ENDS SYNTAX ";
    cf_autofree char *padded = cf_xasprintf(" %s ", code);
    return strstr(beyond, padded) != NULL;
}

/* Wrong plans that only decoding refuses, beyond those codes: ranges of quantities, forms without a
 * pattern, rules between two fields that are told by another code. */
static bool is_for_decoding_only(const char *name)
{
    static const char *const names[] = {
        "include a Pod",
        "include a ClusterRole",
        "dependencies listed, and no list",
        "include with a bad selector",
        "too many waves",
        "a transform without change",
        "a patch that changes nothing",
        "a copy timeout that is too short",
        "karmada without a control plane",
        "clusternet without a control plane",
        "a split over data that moves, without a word about its writer",
        "external without until",
        "a way back with data without a location",
        "a pause that is too short",
        "a destination without host",
        "address without addresses",
        "an address that is a name",
        "addresses that no bridge may have",
        "two ports for fixed addresses",
        "a hold that is too long",
        "a deadline that is too short",
        "a one-key gate out of range",
        "min out of range",
        "detect below what min allows",
        "detect out of range",
        "alpha out of range",
        "an interval that is too short",
        "a query with an open bracket",
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void the_schema_refuses_wrong_plans(void **state)
{
    (void)state;
    cf_autojson json_t *schema = cf_plan_json_schema();
    cf_autojson json_t *data = cf_test_read_json(CF_TEST_WRONG_PLANS);
    size_t i, n_refused = 0;
    json_t *c;
    json_array_foreach(json_object_get(data, "cases"), i, c)
    {
        const char *name = cf_json_str(c, "", "name", NULL);
        cf_autofree char *text = cf_test_wrong_plan_text(data, c);
        cf_autojson json_t *plan = tree_of(text);
        if (!plan)
            continue;
        bool is_refused = !valid(schema, plan);
        n_refused += is_refused;
        const json_t *first = json_array_get(json_object_get(c, "issues"), 0);
        if (!is_refused && !is_beyond_a_schema(cf_json_str(first, "", "code", NULL)) &&
            !is_for_decoding_only(name))
            fail_msg("the schema accepts \"%s\"", name);
    }
    assert_true(n_refused > 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(every_later_field_has_a_case),
        cmocka_unit_test(every_variant_names_fields_of_the_table),
        cmocka_unit_test(the_schema_accepts_right_plans),
        cmocka_unit_test(the_schema_refuses_wrong_plans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
