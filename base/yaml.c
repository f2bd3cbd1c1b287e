/* SPDX-License-Identifier: Apache-2.0 */
/* Reading YAML: libyaml's events become a jansson tree. Scalars are judged in yaml_scalar.c,
 * positions are kept in yaml_marks.c, writing is in yaml_dump.c. Recursion is bounded by
 * CF_JSON_DEPTH_MAX. */
#include "base/yaml.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/yaml_marks.h"
#include "base/yaml_scalar.h"

struct reading {
    yaml_parser_t parser;
    const char *text;
    struct cf_marks *marks; /* NULL: not wanted */
    size_t nodes;
    char pointer[CF_JSON_POINTER_MAX]; /* of the node at work */
    struct cf_error *err;
};

static bool fail_at(struct reading *r, yaml_mark_t at, enum cf_err_kind kind, const char *fmt, ...)
    CF_PRINTF(4, 5);

/* Sets the error with line and column in front and the pointer as its field; false. */
static bool fail_at(struct reading *r, yaml_mark_t at, enum cf_err_kind kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_error_setv(r->err, kind, fmt, ap);
    va_end(ap);
    cf_error_field(r->err, r->pointer);
    return cf_error_wrap(r->err, "line %zu, column %zu", at.line + 1, at.column + 1);
}

/* Whether the white space that a line (from 0) begins with has a tab in it. */
static bool line_has_tab_indent(const char *text, size_t line)
{
    for (; line > 0 && *text; line--) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return text[strspn(text, " ")] == '\t';
}

/* What libyaml found wrong. Its reader tells an offset instead of a mark. */
static bool fail_syntax(struct reading *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not valid YAML";
    cf_assert(p->error != YAML_MEMORY_ERROR);
    if (p->error == YAML_READER_ERROR) {
        int line, column;
        cf_text_position(r->text, p->problem_offset, &line, &column);
        yaml_mark_t at = { .line = (size_t)line - 1, .column = (size_t)column - 1 };
        return fail_at(r, at, CF_ERR_INVALID, "%s", problem);
    }
    if (p->error == YAML_SCANNER_ERROR && line_has_tab_indent(r->text, p->problem_mark.line))
        return fail_at(r, p->problem_mark, CF_ERR_INVALID, "tabs cannot indent: use spaces");
    const char *context = p->context ? p->context : "";
    return fail_at(r, p->problem_mark, CF_ERR_INVALID, "not valid YAML: %s%s%s", problem,
                   *context ? ", " : "", context);
}

static bool next_event(struct reading *r, yaml_event_t *out)
{
    return yaml_parser_parse(&r->parser, out) ? true : fail_syntax(r);
}

/* Anchors, aliases and tags: what a tree of plain data does not have. */
static bool check_plain_data(struct reading *r, const yaml_event_t *e)
{
    const unsigned char *anchor = NULL, *tag = NULL;
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return fail_at(r, e->start_mark, CF_ERR_INVALID,
                       "aliases (*%.50s) are not allowed: write the value out",
                       (const char *)e->data.alias.anchor);
    case YAML_SCALAR_EVENT:
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor)
        return fail_at(r, e->start_mark, CF_ERR_INVALID,
                       "anchors (&%.50s) are not allowed: write the value out",
                       (const char *)anchor);
    if (tag)
        return fail_at(r, e->start_mark, CF_ERR_INVALID, "tags (%.50s) are not allowed",
                       (const char *)tag);
    if (++r->nodes > CF_YAML_NODES_MAX)
        return fail_at(r, e->start_mark, CF_ERR_LIMIT, "more than %d nodes", CF_YAML_NODES_MAX);
    return true;
}

static bool check_no_nul(struct reading *r, const yaml_event_t *e)
{
    if (memchr(e->data.scalar.value, '\0', e->data.scalar.length))
        return fail_at(r, e->start_mark, CF_ERR_INVALID, "NUL characters are not allowed");
    return true;
}

static json_t *scalar(struct reading *r, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    if (!check_no_nul(r, e))
        return NULL;
    const char *problem = "not UTF-8";
    json_t *value = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
                        ? cf_yaml_plain_value(text, &problem)
                        : json_stringn(text, e->data.scalar.length);
    if (!value)
        fail_at(r, e->start_mark, CF_ERR_INVALID, "\"%.60s\": %s", text, problem);
    return value;
}

static json_t *node(struct reading *r, const yaml_event_t *e, int depth);

static json_t *sequence(struct reading *r, int depth)
{
    cf_autojson json_t *array = json_array();
    for (size_t i = 0;; i++) {
        CF_CLEANUP(yaml_event_delete) yaml_event_t e = { .type = YAML_NO_EVENT };
        if (!next_event(r, &e))
            return NULL;
        if (e.type == YAML_SEQUENCE_END_EVENT)
            return cf_steal(&array);
        size_t up = cf_json_pointer_push_index(r->pointer, i);
        size_t mark =
            cf_marks_open(r->marks, NULL, (int)e.start_mark.line + 1, (int)e.start_mark.column + 1);
        json_t *item = node(r, &e, depth + 1);
        if (!item)
            return NULL;
        json_array_append_new(array, item);
        cf_marks_close(r->marks, mark);
        r->pointer[up] = '\0';
    }
}

/* A key must be a string and the first of its name. */
static bool check_key(struct reading *r, const yaml_event_t *e, const json_t *object)
{
    if (!check_plain_data(r, e))
        return false;
    if (e->type != YAML_SCALAR_EVENT)
        return fail_at(r, e->start_mark, CF_ERR_INVALID, "a key must be a string");
    if (!check_no_nul(r, e))
        return false;
    const char *key = (const char *)e->data.scalar.value;
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        if (strcmp(key, "<<") == 0)
            return fail_at(r, e->start_mark, CF_ERR_INVALID,
                           "merge keys (<<) are not allowed: write the members out");
        cf_autojson json_t *value = scalar(r, e);
        if (!value)
            return false;
        if (!json_is_string(value))
            return fail_at(r, e->start_mark, CF_ERR_INVALID,
                           "a key must be a string: write \"%.60s\" in quotes", key);
    }
    cf_json_pointer_push(r->pointer, key);
    if (json_object_get(object, key))
        return fail_at(r, e->start_mark, CF_ERR_INVALID, "the key \"%.60s\" is there twice", key);
    return true;
}

static json_t *mapping(struct reading *r, int depth)
{
    cf_autojson json_t *object = json_object();
    size_t up = strlen(r->pointer);
    for (;;) {
        CF_CLEANUP(yaml_event_delete) yaml_event_t k = { .type = YAML_NO_EVENT };
        CF_CLEANUP(yaml_event_delete) yaml_event_t v = { .type = YAML_NO_EVENT };
        if (!next_event(r, &k))
            return NULL;
        if (k.type == YAML_MAPPING_END_EVENT)
            return cf_steal(&object);
        if (!check_key(r, &k, object) || !next_event(r, &v))
            return NULL;
        const char *key = (const char *)k.data.scalar.value;
        size_t mark =
            cf_marks_open(r->marks, key, (int)k.start_mark.line + 1, (int)k.start_mark.column + 1);
        json_t *value = node(r, &v, depth + 1);
        if (!value)
            return NULL;
        if (json_object_set_new(object, key, value) != 0) {
            fail_at(r, k.start_mark, CF_ERR_INVALID, "a key is not UTF-8");
            return NULL;
        }
        cf_marks_close(r->marks, mark);
        r->pointer[up] = '\0';
    }
}

/* The value that begins with event `e`. */
static json_t *node(struct reading *r, const yaml_event_t *e, int depth)
{
    if (!check_plain_data(r, e))
        return NULL;
    if (e->type == YAML_SCALAR_EVENT)
        return scalar(r, e);
    if (depth >= CF_JSON_DEPTH_MAX) {
        fail_at(r, e->start_mark, CF_ERR_LIMIT, "nested deeper than %d levels", CF_JSON_DEPTH_MAX);
        return NULL;
    }
    return e->type == YAML_SEQUENCE_START_EVENT ? sequence(r, depth) : mapping(r, depth);
}

/* The document behind a document start, including its end. */
static json_t *document(struct reading *r)
{
    CF_CLEANUP(yaml_event_delete) yaml_event_t first = { .type = YAML_NO_EVENT };
    CF_CLEANUP(yaml_event_delete) yaml_event_t end = { .type = YAML_NO_EVENT };
    if (!next_event(r, &first))
        return NULL;
    r->pointer[0] = '\0';
    size_t mark = cf_marks_open(r->marks, NULL, (int)first.start_mark.line + 1,
                                (int)first.start_mark.column + 1);
    cf_autojson json_t *root = node(r, &first, 0);
    if (!root)
        return NULL;
    cf_marks_close(r->marks, mark);
    return next_event(r, &end) ? cf_steal(&root) : NULL;
}

/* Reads the stream's documents into an array; refuses more than `most`. */
static json_t *documents(struct reading *r, size_t most)
{
    cf_autojson json_t *all = json_array();
    for (;;) {
        CF_CLEANUP(yaml_event_delete) yaml_event_t e = { .type = YAML_NO_EVENT };
        if (!next_event(r, &e))
            return NULL;
        if (e.type == YAML_STREAM_END_EVENT)
            return cf_steal(&all);
        if (e.type != YAML_DOCUMENT_START_EVENT)
            continue; /* the stream's start */
        if (json_array_size(all) == most) {
            if (most == 1)
                fail_at(r, e.start_mark, CF_ERR_INVALID, "only one document is allowed");
            else
                fail_at(r, e.start_mark, CF_ERR_LIMIT, "more than %zu documents", most);
            return NULL;
        }
        json_t *doc = document(r);
        if (!doc)
            return NULL;
        json_array_append_new(all, doc);
    }
}

/* "\ud83d" → 0xD83D, or -1 */
static int unicode_escape(const char *s, const char *end)
{
    if (end - s < 6 || s[0] != '\\' || s[1] != 'u')
        return -1;
    char digits[5] = { s[2], s[3], s[4], s[5], '\0' };
    return strspn(digits, "0123456789abcdefABCDEF") == 4 ? (int)strtol(digits, NULL, 16) : -1;
}

/* JSON escapes characters beyond U+FFFF as two surrogates, which libyaml refuses: in a text that is
 * JSON (where backslashes are in strings only) each pair becomes YAML's \UXXXXXXXX. Empty if there
 * is nothing to do. */
static void rewrite_surrogates(const char *text, size_t len, struct cf_buf *out)
{
    size_t blank = strspn(text, " \t\r\n");
    struct cf_error ignored = CF_ERROR_INIT;
    if (!strchr("{[\"", text[blank]) || !strcasestr(text, "\\ud"))
        return;
    cf_autojson json_t *as_json = cf_json_parse(text, len, 0, &ignored);
    if (!as_json)
        return; /* not JSON, or wrong: libyaml will say where */
    const char *end = text + len;
    for (const char *s = text; s < end;) {
        int high = unicode_escape(s, end);
        int low = high >= 0xD800 && high <= 0xDBFF ? unicode_escape(s + 6, end) : -1;
        size_t n = *s == '\\' ? 2 : 1;
        if (low >= 0xDC00 && low <= 0xDFFF) {
            cf_buf_printf(out, "\\U%08X", 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
            n = 12;
        } else {
            cf_buf_append(out, s, n);
        }
        s += n;
    }
}

static json_t *parse(const char *text, size_t len, size_t max, size_t most, struct cf_marks *marks,
                     struct cf_error *err)
{
    size_t limit = max ? max : CF_YAML_TEXT_MAX;
    if (len > limit) {
        cf_error_set(err, CF_ERR_LIMIT, "a text of %zu bytes is larger than the limit of %zu", len,
                     limit);
        return NULL;
    }
    cf_autofree char *copy = cf_xmalloc(len + 1); /* NUL-terminated for the searches */
    memcpy(copy, text, len);
    copy[len] = '\0';
    CF_CLEANUP(cf_buf_free) struct cf_buf rewritten = CF_BUF_INIT(len);
    rewrite_surrogates(copy, len, &rewritten);

    struct reading r = { .text = copy, .marks = marks, .err = err };
    if (rewritten.len > 0) {
        r.text = rewritten.data;
        len = rewritten.len;
    }
    cf_assert(yaml_parser_initialize(&r.parser));
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text, len);
    json_t *all = documents(&r, most);
    yaml_parser_delete(&r.parser);
    return all;
}

json_t *cf_yaml_parse(const char *text, size_t len, size_t max, struct cf_marks **out_marks,
                      struct cf_error *err)
{
    CF_CLEANUP(cf_marks_free_p) struct cf_marks *marks = out_marks ? cf_marks_new() : NULL;
    cf_autojson json_t *all = parse(text, len, max, 1, marks, err);
    if (!all)
        return NULL;
    if (json_array_size(all) == 0) {
        cf_error_set(err, CF_ERR_INVALID, "line 1, column 1: the text is empty");
        cf_error_reason(err, "Empty");
        return NULL;
    }
    if (out_marks)
        *out_marks = cf_steal(&marks);
    return json_incref(json_array_get(all, 0));
}

json_t *cf_yaml_parse_all(const char *text, size_t len, size_t max, struct cf_error *err)
{
    json_t *all = parse(text, len, max, CF_YAML_DOCUMENTS_MAX, NULL, err);
    for (size_t i = json_array_size(all); i-- > 0;)
        if (json_is_null(json_array_get(all, i)))
            json_array_remove(all, i);
    return all;
}
