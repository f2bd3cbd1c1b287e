/* SPDX-License-Identifier: Apache-2.0 */
/* Label selectors. */
#include "federation/objects/selector.h"

#include <ctype.h>
#include <string.h>

bool cf_selector_map_matches(const json_t *map, const json_t *labels)
{
    const char *key;
    json_t *value;
    if (json_object_size(map) == 0)
        return false;
    json_object_foreach(cf_json_unconst(map), key, value)
    {
        const char *have = json_string_value(json_object_get(labels, key));
        if (!have || !json_is_string(value) || strcmp(have, json_string_value(value)) != 0)
            return false;
    }
    return true;
}

static bool list_has(const json_t *values, const char *value)
{
    size_t i;
    json_t *one;
    json_array_foreach(values, i, one)
    {
        if (value && json_is_string(one) && strcmp(json_string_value(one), value) == 0)
            return true;
    }
    return false;
}

/* One requirement; `have` is NULL when the label is absent. */
static bool requirement_holds(const char *op, const json_t *values, const char *have)
{
    if (strcmp(op, "In") == 0)
        return have && list_has(values, have);
    if (strcmp(op, "NotIn") == 0)
        return !have || !list_has(values, have);
    if (strcmp(op, "Exists") == 0)
        return have != NULL;
    return strcmp(op, "DoesNotExist") == 0 && !have;
}

bool cf_selector_object_matches(const json_t *selector, const json_t *labels)
{
    if (!json_is_object(selector))
        return false;
    const json_t *map = json_object_get(selector, "matchLabels");
    if (json_object_size(map) > 0 && !cf_selector_map_matches(map, labels))
        return false;
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(selector, "matchExpressions"), i, e)
    {
        const char *have =
            json_string_value(json_object_get(labels, cf_json_str(e, "", "key", NULL)));
        if (!requirement_holds(cf_json_str(e, "", "operator", NULL), json_object_get(e, "values"),
                               have))
            return false;
    }
    return true;
}

/* --- the text form --- */

static const char *skip_space(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || strchr("-_./", c) != NULL;
}

/* A key or value; advances. Empty text when there is none. */
static char *take_word(const char **p)
{
    const char *start = *p = skip_space(*p);
    while (**p && is_word_char(**p))
        (*p)++;
    char *word = cf_xstrndup(start, (size_t)(*p - start));
    *p = skip_space(*p);
    return word;
}

/* "(a, b)" as an array; NULL when malformed. */
static json_t *take_values(const char **p)
{
    json_t *values = json_array();
    *p = skip_space(*p);
    if (**p != '(') {
        json_decref(values);
        return NULL;
    }
    do {
        (*p)++;
        cf_autofree char *word = take_word(p);
        json_array_append_new(values, json_string(word));
    } while (**p == ',');
    if (**p != ')') {
        json_decref(values);
        return NULL;
    }
    *p = skip_space(*p + 1);
    return values;
}

/* One requirement; advances. False: malformed or it does not hold. */
static bool take_requirement(const char **p, const json_t *labels)
{
    *p = skip_space(*p);
    bool absent = **p == '!';
    if (absent)
        (*p)++;
    cf_autofree char *key = take_word(p);
    const char *have = json_string_value(json_object_get(labels, key));
    if (!*key)
        return false;
    if (absent)
        return !have;
    if (**p == 0 || **p == ',')
        return have != NULL;
    if (**p == '=' || **p == '!') {
        bool equal = **p == '=';
        if (!equal && (*p)[1] != '=')
            return false;
        *p += (*p)[1] == '=' ? 2 : 1;
        cf_autofree char *value = take_word(p);
        return equal ? have && strcmp(have, value) == 0 : !have || strcmp(have, value) != 0;
    }
    cf_autofree char *word = take_word(p);
    cf_autojson json_t *values = take_values(p);
    if (!values || (strcmp(word, "in") != 0 && strcmp(word, "notin") != 0))
        return false;
    return requirement_holds(strcmp(word, "in") == 0 ? "In" : "NotIn", values, have);
}

bool cf_selector_text_matches(const char *text, const json_t *labels)
{
    const char *p = text;
    for (;;) {
        if (!take_requirement(&p, labels))
            return false;
        if (*p == 0)
            return true;
        if (*p++ != ',')
            return false;
    }
}

bool cf_name_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            retry = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

bool cf_match_holds(const json_t *row, const json_t *object)
{
    const char *api_version = cf_json_str(row, NULL, "apiVersion", NULL);
    const char *kind = cf_json_str(row, NULL, "kind", NULL);
    const char *name = cf_json_str(row, NULL, "name", NULL);
    const char *selector = cf_json_str(row, NULL, "selector", NULL);
    return (!api_version ||
            strcmp(api_version, cf_json_str(object, "", "apiVersion", NULL)) == 0) &&
           (!kind || strcmp(kind, cf_json_str(object, "", "kind", NULL)) == 0) &&
           (!name || cf_name_matches(name, cf_json_str(object, "", "metadata", "name", NULL))) &&
           (!selector ||
            cf_selector_text_matches(selector, cf_json_at(object, "metadata", "labels", NULL)));
}
