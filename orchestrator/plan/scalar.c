/* SPDX-License-Identifier: Apache-2.0 */
/* The walk's leaves: texts, words, numbers, durations, percentages. Promises that what comes out is
 * in the shortest canonical text and within its row's range. */
#include "orchestrator/plan/walk.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/plan/hint.h"

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
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "empty";
}

json_t *cf_walk_wrong_type(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value,
                           const char *wanted, const char *hint)
{
    char shape[CF_HINT_MAX];
    if (!hint)
        hint = cf_hint_shape(row, shape);
    cf_report(w->report, CF_PLAN_WRONG_TYPE, w->pointer, hint, "must be %s, but is %s", wanted,
              type_name(value));
    return NULL;
}

/* What is allowed on the side on which the value is beyond it. */
static void report_range(struct cf_walk *w, bool is_below, const char *low, const char *high,
                         const char *value)
{
    char hint[CF_UNIT_TEXT_MAX + 32];
    snprintf(hint, sizeof hint, is_below ? "the smallest is %s" : "the largest is %s",
             is_below ? low : high);
    cf_report(w->report, CF_PLAN_OUT_OF_RANGE, w->pointer, hint, "must be from %s to %s, but is %s",
              low, high, value);
}

/* ---- texts ---- */

static json_t *walk_text(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    const struct cf_format_row *form = cf_format_row(row->format);
    char hint[CF_HINT_MAX], quoted[CF_QUOTE_MAX];
    if (json_is_number(value) || json_is_boolean(value)) {
        cf_autofree char *plain = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        snprintf(hint, sizeof hint, "put it in quotes: \"%.32s\"", plain);
        return cf_walk_wrong_type(w, row, value, "a text", hint);
    }
    if (!json_is_string(value))
        return cf_walk_wrong_type(w, row, value, "a text", NULL);
    const char *text = json_string_value(value);
    if (strlen(text) > form->max) {
        cf_report(w->report, CF_PLAN_LIMIT, w->pointer, "shorten it",
                  "%zu characters are more than the %zu allowed", strlen(text), form->max);
        return NULL;
    }
    if (!cf_format_ok(row->format, text)) {
        cf_report(w->report, CF_PLAN_BAD_FORMAT, w->pointer,
                  cf_hint_format(row->format, text, hint), "%s is not %s", cf_quote(text, quoted),
                  form->what);
        return NULL;
    }
    return json_string(text);
}

/* ---- words ---- */

static void report_unknown_word(struct cf_walk *w, const struct cf_schema_row *row,
                                const char *text)
{
    char quoted[CF_QUOTE_MAX], hint[CF_HINT_MAX];
    const char *says = cf_schema_word_note(row, text);
    if (!says)
        says = cf_did_you_mean(text, row->words, quoted);
    if (!says || strchr(says, '!')) /* words of a later version are not offered */
        says = cf_hint_words(row, hint);
    cf_autofree char *copy = cf_xstrdup(says);
    cf_report(w->report, CF_PLAN_UNKNOWN_VALUE, w->pointer, copy, "unknown value %s",
              cf_quote(text, quoted));
}

static json_t *walk_word(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    char hint[CF_HINT_MAX];
    if (!json_is_string(value))
        return cf_walk_wrong_type(w, row, value, "a word", NULL);
    const char *text = json_string_value(value);
    for (size_t i = 0; row->words[i]; i++) {
        bool is_later = row->words[i][0] == '!';
        if (strcmp(row->words[i] + is_later, text) != 0)
            continue;
        if (!is_later)
            return json_string(text);
        cf_report(w->report, CF_PLAN_NOT_SUPPORTED_YET, w->pointer, cf_hint_words(row, hint),
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
        return cf_walk_wrong_type(w, row, value, "a whole number", digits > 0 ? hint : NULL);
    }
    if (!json_is_integer(value))
        return cf_walk_wrong_type(w, row, value, "a whole number", NULL);
    json_int_t n = json_integer_value(value);
    if ((double)n >= row->min && (double)n <= row->max)
        return json_integer(n);
    char low[32], high[32], text[32];
    snprintf(low, sizeof low, "%.0f", row->min);
    snprintf(high, sizeof high, "%.0f", row->max);
    snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, n);
    report_range(w, (double)n < row->min, low, high, text);
    return NULL;
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
    char n[32], hint[CF_HINT_MAX], low[CF_UNIT_TEXT_MAX], high[CF_UNIT_TEXT_MAX];
    char quoted[CF_QUOTE_MAX];
    if (is_bare_number(value)) {
        bare_text(value, n, sizeof n);
        cf_report(w->report, CF_PLAN_UNIT_MISSING, w->pointer, cf_hint_units(row, n, hint),
                  "a duration needs a unit: %s says nothing", n);
        return NULL;
    }
    if (!json_is_string(value))
        return cf_walk_wrong_type(w, row, value, "a duration", NULL);
    int64_t ms;
    struct cf_error err = CF_ERROR_INIT;
    const char *text = json_string_value(value);
    if (!cf_duration_parse(text, &ms, &err)) {
        cf_report(w->report, CF_PLAN_BAD_FORMAT, w->pointer, cf_hint_shape(row, hint),
                  "%s is not a duration", cf_quote(text, quoted));
        return NULL;
    }
    if ((double)ms >= row->min && (double)ms <= row->max)
        return json_string(cf_duration_format(ms, low));
    report_range(w, (double)ms < row->min, cf_duration_format((int64_t)row->min, low),
                 cf_duration_format((int64_t)row->max, high), cf_quote(text, quoted));
    return NULL;
}

static json_t *walk_percent(struct cf_walk *w, const struct cf_schema_row *row, const json_t *value)
{
    char n[32], hint[CF_HINT_MAX], low[CF_UNIT_TEXT_MAX], high[CF_UNIT_TEXT_MAX];
    char quoted[CF_QUOTE_MAX];
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
        return cf_walk_wrong_type(w, row, value, "a percentage", NULL);
    double ratio;
    struct cf_error err = CF_ERROR_INIT;
    const char *text = json_string_value(value);
    if (!cf_percent_parse(text, &ratio, &err)) {
        cf_report(w->report, CF_PLAN_BAD_FORMAT, w->pointer, cf_hint_shape(row, hint),
                  "%s is not a percentage", cf_quote(text, quoted));
        return NULL;
    }
    const double rounding = 1e-12; /* of the decimal text to binary */
    if (ratio >= row->min - rounding && ratio <= row->max + rounding)
        return json_string(cf_percent_format(ratio, low));
    report_range(w, ratio < row->min, cf_percent_format(row->min, low),
                 cf_percent_format(row->max, high), cf_quote(text, quoted));
    return NULL;
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
                                      : cf_walk_wrong_type(w, row, value, "true or false", NULL);
    case CF_SCHEMA_JSON:
        return json_is_object(value) ? cf_json_copy(value)
                                     : cf_walk_wrong_type(w, row, value, "a mapping", NULL);
    default:
        cf_assert(!"a scalar row");
        return NULL;
    }
}
