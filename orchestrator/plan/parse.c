/* SPDX-License-Identifier: Apache-2.0 */
/* Media types, and texts to trees: one parser for YAML, two for JSON. See parse.h. */
#include "orchestrator/plan/parse.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

bool cf_plan_media_of(const char *content_type, enum cf_plan_media *out)
{
    static const struct {
        const char *name;
        enum cf_plan_media media;
    } known[] = {
        { "application/json", CF_PLAN_JSON },   { "application/yaml", CF_PLAN_YAML },
        { "application/x-yaml", CF_PLAN_YAML }, { "text/yaml", CF_PLAN_YAML },
        { "text/x-yaml", CF_PLAN_YAML },        { "text/plain", CF_PLAN_YAML },
    };
    size_t n = strcspn(content_type, "; \t");
    for (size_t i = 0; i < CF_ARRAY_LEN(known); i++)
        if (strlen(known[i].name) == n && strncasecmp(content_type, known[i].name, n) == 0) {
            *out = known[i].media;
            return true;
        }
    static const char suffix[] = "+json";
    size_t m = sizeof suffix - 1;
    if (n <= m || strncasecmp(content_type + n - m, suffix, m) != 0)
        return false;
    *out = CF_PLAN_JSON;
    return true;
}

static bool is_duplicate(const struct cf_error *err)
{
    return strstr(err->message, "is there twice") != NULL;
}

/* What to do about a syntax error, by a piece of its message. */
static const struct {
    const char *piece, *hint;
} syntax_hints[] = {
    { "is there twice", "keep one of them" },
    { "is empty", "`crossfade plan init` writes a first plan" },
    { "only one document", "remove the line --- and what follows" },
    { "not allowed", "a plan holds mappings, lists and plain values only" },
    { "key must be", "put the key in quotes" },
    { "larger than", "a plan is at most 1 MiB" },
    { "", "look at the brackets, quotes and indentation here and just before" },
};

/* One issue from a parser's error, whose message begins with "line L, column C: ". */
static void report_syntax(const struct cf_error *err, struct cf_report *r)
{
    int line = 0, column = 0, used = 0;
    const char *detail = err->message;
    if (sscanf(detail, "line %d, column %d: %n", &line, &column, &used) == 2 && used > 0)
        detail += used;
    size_t i = 0;
    while (!strstr(err->message, syntax_hints[i].piece))
        i++;
    enum cf_plan_issue_code code = err->kind == CF_ERR_LIMIT ? CF_PLAN_LIMIT
                                   : is_duplicate(err)       ? CF_PLAN_DUPLICATE_FIELD
                                                             : CF_PLAN_SYNTAX;
    cf_report_at(r, code, line, column, err->field, syntax_hints[i].hint, detail);
}

/* JSON is parsed as JSON for its values, and as YAML for the places of its nodes. */
static json_t *parse_json(const char *text, size_t len, struct cf_marks **out_marks,
                          struct cf_report *r)
{
    struct cf_error err = CF_ERROR_INIT, yaml_err = CF_ERROR_INIT;
    struct cf_marks *marks CF_CLEANUP(cf_marks_free_p) = NULL;
    cf_autojson json_t *places = cf_yaml_parse(text, len, CF_PLAN_TEXT_MAX, &marks, &yaml_err);
    cf_autojson json_t *values = cf_json_parse(text, len, CF_PLAN_TEXT_MAX, &err);
    if (!values) {
        report_syntax(!places && is_duplicate(&yaml_err) ? &yaml_err : &err, r);
        return NULL;
    }
    *out_marks = cf_steal(&marks);
    return cf_steal(&values);
}

json_t *cf_plan_parse(const char *text, size_t len, enum cf_plan_media media,
                      struct cf_marks **out_marks, struct cf_report *r)
{
    if (media == CF_PLAN_JSON)
        return parse_json(text, len, out_marks, r);
    struct cf_error err = CF_ERROR_INIT;
    json_t *document = cf_yaml_parse(text, len, CF_PLAN_TEXT_MAX, out_marks, &err);
    if (!document)
        report_syntax(&err, r);
    return document;
}
