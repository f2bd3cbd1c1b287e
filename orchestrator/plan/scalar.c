/* SPDX-License-Identifier: Apache-2.0 */
/* The walk's leaves: texts, words, numbers, durations, percentages. Promises that what comes out is
 * in the shortest canonical text and within its row's range. */
#include "orchestrator/plan/walk.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"
#include "orchestrator/plan/limits.h"

enum { WORDS_MAX = 16 }; /* words of one field in the table */

const char *cf_quote(const char *text, char *buf)
{
    enum { KEEP = CF_QUOTE_MAX - 8 };
    size_t n = 0;
    buf[n++] = '"';
    const char *p = text;
    for (; *p && n < KEEP; p++)
        buf[n++] = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
    if (*p) {
        while (n > 1 && ((unsigned char)*p & 0xc0) == 0x80) { /* not in the middle of a character */
            p--;
            n--;
        }
        n += (size_t)snprintf(buf + n, 4, "...");
    }
    buf[n++] = '"';
    buf[n] = '\0';
    return buf;
}

const char *cf_did_you_mean(const char *word, const char *const *candidates, char *buf)
{
    const char *near = cf_suggest(word, candidates);
    if (!near)
        return NULL;
    snprintf(buf, CF_QUOTE_MAX, "did you mean \"%s\"?", near);
    return buf;
}

static const char *type_name(const json_t *j)
{
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        return "a mapping";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "empty";
}

json_t *cf_walk_wrong_type(struct cf_walk *w, const json_t *value, const char *wanted,
                           const char *hint)
{
    if (json_is_null(value))
        hint = "give it a value, or leave the field out";
    cf_report(w->report, CF_PLAN_WRONG_TYPE, w->pointer, hint, "must be %s, but is %s", wanted,
              type_name(value));
    return NULL;
}

/* ---- texts ---- */

/* The lower-case form, if that would do. */
static const char *lower_case_hint(enum cf_format f, const char *text, char *buf)
{
    char lower[CF_QUOTE_MAX / 2];
    size_t n = strlen(text);
    if (n >= sizeof lower)
        return NULL;
    for (size_t i = 0; i <= n; i++)
        lower[i] = text[i] == '_' ? '-' : (char)tolower((unsigned char)text[i]);
    if (!cf_format_ok(f, lower))
        return NULL;
    snprintf(buf, CF_QUOTE_MAX, "did you mean \"%s\"?", lower);
    return buf;
}

static json_t *walk_text(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    const struct cf_format_row *form = cf_format_row(row->format);
    char hint[CF_QUOTE_MAX + CF_PLAN_NAME_MAX], quoted[CF_QUOTE_MAX];
    if (json_is_number(value) || json_is_boolean(value)) {
        cf_autofree char *plain = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        snprintf(hint, sizeof hint, "put it in quotes: \"%.32s\"", plain);
        return cf_walk_wrong_type(w, value, "a text", hint);
    }
    if (!json_is_string(value))
        return cf_walk_wrong_type(w, value, "a text", NULL);
    const char *text = json_string_value(value);
    if (strlen(text) > form->max) {
        cf_report(w->report, CF_PLAN_LIMIT, w->pointer, NULL,
                  "%zu characters are more than the %zu allowed", strlen(text), form->max);
        return NULL;
    }
    if (!cf_format_ok(row->format, text)) {
        if (!lower_case_hint(row->format, text, hint))
            snprintf(hint, sizeof hint, "such as %s", form->example);
        cf_report(w->report, CF_PLAN_BAD_FORMAT, w->pointer, hint, "%s is not %s",
                  cf_quote(text, quoted), form->what);
        return NULL;
    }
    return json_string(text);
}

/* ---- words ---- */

static void report_unknown_word(struct cf_walk *w, const struct cf_schema_row *row,
                                const char *text)
{
    const char *offered[WORDS_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; row->words[i]; i++)
        if (row->words[i][0] != '!' && n < WORDS_MAX)
            offered[n++] = row->words[i];
    offered[n] = NULL;
    struct cf_buf hint CF_CLEANUP(cf_buf_free) = CF_BUF_INIT(512);
    char quoted[CF_QUOTE_MAX];
    const char *note = cf_schema_word_note(row, text);
    if (note) {
        cf_buf_puts(&hint, note);
    } else if (cf_did_you_mean(text, offered, quoted)) {
        cf_buf_puts(&hint, quoted);
    } else {
        cf_buf_puts(&hint, n > 1 ? "one of " : "must be ");
        for (size_t i = 0; i < n; i++)
            cf_buf_printf(&hint, "%s%s", i ? ", " : "", offered[i]);
    }
    cf_report(w->report, CF_PLAN_UNKNOWN_VALUE, w->pointer, cf_buf_str(&hint), "unknown value %s",
              cf_quote(text, quoted));
}

static json_t *walk_word(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    if (!json_is_string(value))
        return cf_walk_wrong_type(w, value, "a word", NULL);
    const char *text = json_string_value(value);
    for (size_t i = 0; row->words[i]; i++) {
        bool is_later = row->words[i][0] == '!';
        if (strcmp(row->words[i] + is_later, text) != 0)
            continue;
        if (!is_later)
            return json_string(text);
        cf_report(w->report, CF_PLAN_NOT_SUPPORTED_YET, w->pointer, NULL,
                  "\"%s\" is not supported yet", text);
        return NULL;
    }
    report_unknown_word(w, row, text);
    return NULL;
}

/* ---- numbers ---- */

static json_t *walk_int(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    if (json_is_string(value)) {
        char hint[CF_QUOTE_MAX];
        const char *text = json_string_value(value);
        int digits = (int)strspn(text, "0123456789");
        snprintf(hint, sizeof hint, "write %.*s, without quotes and unit", CF_MIN(digits, 9), text);
        return cf_walk_wrong_type(w, value, "a whole number", digits > 0 ? hint : NULL);
    }
    if (!json_is_integer(value))
        return cf_walk_wrong_type(w, value, "a whole number", NULL);
    json_int_t n = json_integer_value(value);
    bool has_range = row->min != 0 || row->max != 0;
    if (has_range && ((double)n < row->min || (double)n > row->max)) {
        cf_report(w->report, CF_PLAN_OUT_OF_RANGE, w->pointer, NULL,
                  "must be from %.0f to %.0f, but is %" JSON_INTEGER_FORMAT, row->min, row->max, n);
        return NULL;
    }
    return json_integer(n);
}

static bool is_bare_number(const json_t *value)
{
    if (json_is_number(value))
        return true;
    const char *p = json_string_value(value);
    if (!p || !*p)
        return false;
    for (; *p; p++)
        if (!isdigit((unsigned char)*p) && *p != '.')
            return false;
    return true;
}

/* The number as people would write it before a unit. */
static void bare_text(const json_t *value, char *buf, size_t size)
{
    if (json_is_string(value))
        snprintf(buf, size, "%.24s", json_string_value(value));
    else
        snprintf(buf, size, "%.10g", json_number_value(value));
}

static json_t *walk_duration(struct cf_walk *w, const struct cf_schema_row *row,
                             const json_t *value)
{
    char n[32], hint[128], low[CF_UNIT_TEXT_MAX], high[CF_UNIT_TEXT_MAX], quoted[CF_QUOTE_MAX];
    if (is_bare_number(value)) {
        bare_text(value, n, sizeof n);
        snprintf(hint, sizeof hint, "write %ss, %sm or %sh", n, n, n);
        cf_report(w->report, CF_PLAN_UNIT_MISSING, w->pointer, hint,
                  "a duration needs a unit: %s says nothing", n);
        return NULL;
    }
    if (!json_is_string(value))
        return cf_walk_wrong_type(w, value, "a duration", "such as 90s, 5m or 1h30m");
    int64_t ms;
    struct cf_error err = CF_ERROR_INIT;
    if (!cf_duration_parse(json_string_value(value), &ms, &err)) {
        cf_report(w->report, CF_PLAN_BAD_FORMAT, w->pointer, "such as 90s, 5m or 1h30m",
                  "%s is not a duration", cf_quote(json_string_value(value), quoted));
        return NULL;
    }
    if ((double)ms < row->min || (double)ms > row->max) {
        cf_report(w->report, CF_PLAN_OUT_OF_RANGE, w->pointer, NULL,
                  "must be from %s to %s, but is %s", cf_duration_format((int64_t)row->min, low),
                  cf_duration_format((int64_t)row->max, high),
                  cf_quote(json_string_value(value), quoted));
        return NULL;
    }
    return json_string(cf_duration_format(ms, low));
}

static json_t *walk_percent(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    char n[32], hint[128], low[CF_UNIT_TEXT_MAX], high[CF_UNIT_TEXT_MAX], quoted[CF_QUOTE_MAX];
    if (is_bare_number(value)) {
        bare_text(value, n, sizeof n);
        double x = strtod(n, NULL);
        bool is_ratio = x > 0 && x < 1 && row->min > 0.5; /* 0.995 is meant as 99.5 % */
        snprintf(hint, sizeof hint, "write %.10g%%", is_ratio ? x * 100 : x);
        cf_report(w->report, CF_PLAN_UNIT_MISSING, w->pointer, hint,
                  "a percentage needs its sign: %s says nothing", n);
        return NULL;
    }
    if (!json_is_string(value))
        return cf_walk_wrong_type(w, value, "a percentage", "such as 99.5%");
    double ratio;
    struct cf_error err = CF_ERROR_INIT;
    if (!cf_percent_parse(json_string_value(value), &ratio, &err)) {
        cf_report(w->report, CF_PLAN_BAD_FORMAT, w->pointer, "such as 99.5%",
                  "%s is not a percentage", cf_quote(json_string_value(value), quoted));
        return NULL;
    }
    const double rounding = 1e-12; /* of the decimal text to binary */
    if (ratio < row->min - rounding || ratio > row->max + rounding) {
        cf_report(w->report, CF_PLAN_OUT_OF_RANGE, w->pointer, NULL,
                  "must be from %s to %s, but is %s", cf_percent_format(row->min, low),
                  cf_percent_format(row->max, high), cf_quote(json_string_value(value), quoted));
        return NULL;
    }
    return json_string(cf_percent_format(ratio, low));
}

json_t *cf_walk_scalar(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    switch (row->type) {
    case CF_SCHEMA_TEXT:
        return walk_text(w, row, value);
    case CF_SCHEMA_WORD:
        return walk_word(w, row, value);
    case CF_SCHEMA_INT:
        return walk_int(w, row, value);
    case CF_SCHEMA_DURATION:
        return walk_duration(w, row, value);
    case CF_SCHEMA_PERCENT:
        return walk_percent(w, row, value);
    case CF_SCHEMA_NAME_OR_INDEX:
        return json_is_integer(value) ? walk_int(w, row, value) : walk_text(w, row, value);
    case CF_SCHEMA_BOOL:
        return json_is_boolean(value) ? json_boolean(json_is_true(value))
                                      : cf_walk_wrong_type(w, value, "true or false", NULL);
    case CF_SCHEMA_JSON:
        return json_is_object(value) ? cf_json_copy(value)
                                     : cf_walk_wrong_type(w, value, "a mapping", NULL);
    default:
        cf_assert(!"a scalar row");
        return NULL;
    }
}
