/* SPDX-License-Identifier: Apache-2.0 */
/* Strict decoding of bodies. */
#include "orchestrator/api/body.h"

#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "base/yaml.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/schemas.h"

enum { ERRORS_MAX = 50, WORDS_MAX = 16, FIELDS_MAX = 16 };

/* One decoding. */
struct checking {
    const struct cf_marks *marks; /* NULL: places are not known */
    json_t *errors;
    char pointer[CF_JSON_POINTER_MAX];
};

static void add_error(struct checking *c, const char *code, const char *hint, const char *fmt, ...)
    CF_PRINTF(4, 5);

static void add_error(struct checking *c, const char *code, const char *hint, const char *fmt, ...)
{
    int line, column;
    va_list ap;
    if (json_array_size(c->errors) >= ERRORS_MAX)
        return;
    va_start(ap, fmt);
    cf_autofree char *detail = cf_xvasprintf(fmt, ap);
    va_end(ap);
    json_t *e = json_pack("{s:s}", "pointer", c->pointer);
    if (c->marks && cf_marks_find(c->marks, c->pointer, &line, &column)) {
        json_object_set_new(e, "line", json_integer(line));
        json_object_set_new(e, "column", json_integer(column));
    }
    json_object_set_new(e, "code", json_string(code));
    json_object_set_new(e, "detail", json_string(detail));
    if (hint)
        json_object_set_new(e, "hint", json_string(hint));
    json_array_append_new(c->errors, e);
}

/* "a|b|c" → the words, ended by NULL; `buf` holds them. */
static void split_words(const char *words, char *buf, size_t size, const char *out[WORDS_MAX + 1])
{
    size_t n = 0;
    char *rest = buf, *word;
    (void)snprintf(buf, size, "%s", words);
    while (n < WORDS_MAX && (word = strsep(&rest, "|")) != NULL)
        out[n++] = word;
    out[n] = NULL;
}

static void check_words(struct checking *c, const struct cf_field *f, const char *value)
{
    char buf[256];
    const char *words[WORDS_MAX + 1];
    split_words(f->words, buf, sizeof buf, words);
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], value) == 0)
            return;
    const char *near = cf_suggest(value, words);
    cf_autofree char *hint =
        near ? cf_xasprintf("did you mean \"%s\"?", near) : cf_xasprintf("one of %s", f->words);
    add_error(c, "UNKNOWN_VALUE", hint, "\"%.64s\" is not a value of %s", value, f->name);
}

static void check_object(struct checking *c, const struct cf_schema *s, const json_t *j);

static const char *type_word(enum cf_field_type t)
{
    static const char *const words[] = {
        [CF_FIELD_STRING] = "a string",
        [CF_FIELD_NOTE] = "a string",
        [CF_FIELD_INT] = "an integer",
        [CF_FIELD_NUMBER] = "a number",
        [CF_FIELD_BOOL] = "true or false",
        [CF_FIELD_TIME] = "a time (RFC 3339)",
        [CF_FIELD_OBJECT] = "a mapping",
        [CF_FIELD_LIST] = "a list",
        [CF_FIELD_STRINGS] = "a list of strings",
        [CF_FIELD_TEXT_OR_OBJECT] = "a text or a mapping",
    };
    return words[t];
}

static bool is_strings(const json_t *j)
{
    size_t i;
    json_t *one;
    json_array_foreach(cf_json_unconst(j), i, one)
    {
        if (!json_is_string(one))
            return false;
    }
    return json_is_array(j);
}

static bool has_type(const struct cf_field *f, const json_t *j)
{
    switch (f->type) {
    case CF_FIELD_STRING:
    case CF_FIELD_NOTE:
    case CF_FIELD_TIME:
        return json_is_string(j);
    case CF_FIELD_INT:
        return json_is_integer(j);
    case CF_FIELD_NUMBER:
        return json_is_number(j);
    case CF_FIELD_BOOL:
        return json_is_boolean(j);
    case CF_FIELD_OBJECT:
        return json_is_object(j);
    case CF_FIELD_LIST:
        return json_is_array(j);
    case CF_FIELD_STRINGS:
        return is_strings(j);
    case CF_FIELD_TEXT_OR_OBJECT:
        return json_is_string(j) || json_is_object(j);
    }
    return false;
}

static void check_rows(struct checking *c, const struct cf_field *f, const json_t *j)
{
    size_t i;
    json_t *row;
    const struct cf_schema *s = f->ref ? cf_schema_find(f->ref) : NULL;
    if (json_array_size(j) > CF_FIELD_ROWS_MAX) {
        add_error(c, "LIMIT", NULL, "%s has more than %d rows", f->name, CF_FIELD_ROWS_MAX);
        return;
    }
    json_array_foreach(cf_json_unconst(j), i, row)
    {
        size_t len = cf_json_pointer_push_index(c->pointer, i);
        if (s && !json_is_object(row))
            add_error(c, "WRONG_TYPE", NULL, "each row of %s is a mapping", f->name);
        else if (s)
            check_object(c, s, row);
        c->pointer[len] = 0;
    }
}

static void check_field(struct checking *c, const struct cf_field *f, const json_t *j)
{
    if (!has_type(f, j)) {
        add_error(c, "WRONG_TYPE", NULL, "%s must be %s", f->name, type_word(f->type));
        return;
    }
    int max = f->type == CF_FIELD_NOTE ? CF_FIELD_NOTE_MAX : CF_FIELD_TEXT_MAX;
    if (json_is_string(j) && json_string_length(j) > (size_t)max)
        add_error(c, "LIMIT", NULL, "%s has more than %d bytes", f->name, max);
    else if (f->words)
        check_words(c, f, json_string_value(j));
    else if (f->type == CF_FIELD_OBJECT && f->ref)
        check_object(c, cf_schema_find(f->ref), j);
    else if (f->type == CF_FIELD_LIST || f->type == CF_FIELD_STRINGS)
        check_rows(c, f, j);
}

static const struct cf_field *find_field(const struct cf_schema *s, const char *name)
{
    for (const struct cf_field *f = s->fields; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static void unknown_field(struct checking *c, const struct cf_schema *s, const char *name)
{
    const char *names[FIELDS_MAX + 1];
    size_t n = 0;
    for (const struct cf_field *f = s->fields; f->name && n < FIELDS_MAX; f++)
        names[n++] = f->name;
    names[n] = NULL;
    const char *near = cf_suggest(name, names);
    cf_autofree char *hint = near ? cf_xasprintf("did you mean \"%s\"?", near) : NULL;
    add_error(c, "UNKNOWN_FIELD", hint, "unknown field \"%.64s\"", name);
}

static void check_object(struct checking *c, const struct cf_schema *s, const json_t *j)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(j), key, value)
    {
        size_t len = cf_json_pointer_push(c->pointer, key);
        const struct cf_field *f = find_field(s, key);
        if (!f)
            unknown_field(c, s, key);
        else
            check_field(c, f, value);
        c->pointer[len] = 0;
    }
    for (const struct cf_field *f = s->fields; f->name; f++) {
        if (!(f->flags & CF_FIELD_REQUIRED) || json_object_get(j, f->name))
            continue;
        size_t len = cf_json_pointer_push(c->pointer, f->name);
        add_error(c, "REQUIRED", f->help, "%s is missing", f->name);
        c->pointer[len] = 0;
    }
}

static bool is_json(struct cf_http_request *req)
{
    const char *type = cf_http_request_header(req, "Content-Type");
    return type && cf_http_media_type_is(type, "application/json");
}

/* JSON is read as JSON; the YAML reader only tells where its nodes stood, if it can. */
static json_t *parse(struct cf_http_request *req, struct cf_marks **marks, struct cf_error *err)
{
    size_t len;
    const char *body = cf_http_request_body(req, &len);
    struct cf_error ignored = CF_ERROR_INIT;
    if (len == 0)
        return json_object();
    if (!is_json(req))
        return cf_yaml_parse(body, len, 0, marks, err);
    json_t *j = cf_json_parse(body, len, CF_YAML_TEXT_MAX, err);
    if (j)
        json_decref(cf_yaml_parse(body, len, 0, marks, &ignored));
    return j;
}

json_t *cf_body_read(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct cf_route *route = cf_http_request_row(req);
    const struct cf_schema *schema = cf_schema_find(route->request);
    CF_CLEANUP(cf_marks_free_p) struct cf_marks *marks = NULL;
    struct cf_error err = CF_ERROR_INIT;
    cf_assert(schema);
    cf_autojson json_t *j = parse(req, &marks, &err);
    if (!j) {
        cf_problem(res, "BAD_REQUEST", "The body cannot be read: %s", err.message);
        return NULL;
    }
    struct checking c = { .marks = marks, .errors = json_array() };
    if (!json_is_object(j))
        add_error(&c, "WRONG_TYPE", NULL, "the body must be a mapping");
    else
        check_object(&c, schema, j);
    size_t n = json_array_size(c.errors);
    if (n == 0) {
        json_decref(c.errors);
        return cf_steal(&j);
    }
    cf_problem_full(res, "INVALID_BODY", NULL, c.errors, "%zu thing%s wrong in the body", n,
                    n == 1 ? " is" : "s are");
    return NULL;
}

void cf_body_refuse(struct cf_http_request *req, struct cf_http_response *res, const char *pointer,
                    const char *hint, const char *fmt, ...)
{
    CF_CLEANUP(cf_marks_free_p) struct cf_marks *marks = NULL;
    struct cf_error ignored = CF_ERROR_INIT;
    va_list ap;
    va_start(ap, fmt);
    cf_autofree char *detail = cf_xvasprintf(fmt, ap);
    va_end(ap);
    json_decref(parse(req, &marks, &ignored));
    struct checking c = { .marks = marks, .errors = json_array() };
    (void)snprintf(c.pointer, sizeof c.pointer, "%s", pointer);
    add_error(&c, "INVALID", hint, "%s", detail);
    cf_problem_full(res, "INVALID_BODY", hint, c.errors, "%s", detail);
}
