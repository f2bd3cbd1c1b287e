/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: compact, indented, canonical (RFC 8785). One writer, because jansson prints 0.1 as
 * 0.10000000000000001 and sorts keys by bytes. Recursion is bounded by the depth of what json.c
 * lets in, twice over for trees that we build ourselves. */
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { WRITE_DEPTH_MAX = 4 * CF_JSON_DEPTH_MAX, NUMBER_TEXT_MAX = 40, DIGITS_MAX = 17 };

enum style { COMPACT, PRETTY, CANONICAL };

struct writer {
    struct cf_buf out;
    enum style style;
};

static void write_value(struct writer *w, const json_t *j, int depth);

void cf_json_append_string(struct cf_buf *b, const char *s, size_t len)
{
    cf_buf_putc(b, '"');
    size_t plain = 0; /* start of the stretch that needs no escape */
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        cf_buf_append(b, s + plain, i - plain);
        plain = i + 1;
        static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* character, letter after '\' */
        const char *row = NULL;
        for (const char *p = named; *p; p += 2)
            if ((unsigned char)*p == c)
                row = p;
        if (row)
            cf_buf_append(b, (char[]){ '\\', row[1] }, 2);
        else
            cf_buf_printf(b, "\\u%04x", c);
    }
    cf_buf_append(b, s + plain, len - plain);
    cf_buf_putc(b, '"');
}

/* The shortest decimal digits that read back as `v` (finite, positive): v = 0.DIGITS * 10^point.
 * Returns their number. */
static int shortest_digits(double v, char digits[DIGITS_MAX + 1], int *out_point)
{
    char text[NUMBER_TEXT_MAX];
    for (int precision = v < DBL_MIN ? 1 : 15; precision <= DIGITS_MAX; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, v);
        if (strtod(text, NULL) == v)
            break;
    }
    int n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9') /* skips the decimal point, whatever the locale calls it */
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    *out_point = (int)strtol(p + 1, NULL, 10) + 1;
    return n;
}

/* ECMAScript's Number::toString, which RFC 8785 refers to. */
static void write_real(struct writer *w, double v)
{
    struct cf_buf *b = &w->out;
    cf_assert(isfinite(v));
    if (v == 0) {
        cf_buf_puts(b, w->style == CANONICAL ? "0" : signbit(v) ? "-0.0" : "0.0");
        return;
    }
    char digits[DIGITS_MAX + 1];
    int point;
    int n = shortest_digits(fabs(v), digits, &point);
    if (v < 0)
        cf_buf_putc(b, '-');
    if (n <= point && point <= 21) {
        cf_buf_printf(b, "%s%.*s", digits, point - n, "000000000000000000000");
        if (w->style != CANONICAL)
            cf_buf_puts(b, ".0"); /* reads back as a real */
    } else if (0 < point && point <= 21) {
        cf_buf_printf(b, "%.*s.%s", point, digits, digits + point);
    } else if (-6 < point && point <= 0) {
        cf_buf_printf(b, "0.%.*s%s", -point, "00000", digits);
    } else {
        cf_buf_printf(b, "%c%s%se%+d", digits[0], n > 1 ? "." : "", digits + 1, point - 1);
    }
}

static void new_line(struct writer *w, int depth)
{
    if (w->style == PRETTY)
        cf_buf_printf(&w->out, "\n%*s", depth * 2, "");
}

static void write_array(struct writer *w, const json_t *j, int depth)
{
    size_t n = json_array_size(j);
    cf_buf_putc(&w->out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            cf_buf_putc(&w->out, ',');
        new_line(w, depth + 1);
        write_value(w, json_array_get(j, i), depth + 1);
    }
    if (n > 0)
        new_line(w, depth);
    cf_buf_putc(&w->out, ']');
}

struct member {
    const char *key;
    const json_t *value;
};

/* By UTF-16 code units: UTF-8's byte order, but for characters beyond U+FFFF, whose surrogates
 * (D800-DFFF) come before U+E000-U+FFFF (first byte EE or EF). */
static int by_utf16(const void *a, const void *b)
{
    const unsigned char *x = (const unsigned char *)((const struct member *)a)->key;
    const unsigned char *y = (const unsigned char *)((const struct member *)b)->key;
    while (*x && *x == *y) {
        x++;
        y++;
    }
    if (*x >= 0xEE && *y >= 0xEE && (*x >= 0xF0) != (*y >= 0xF0))
        return *x >= 0xF0 ? -1 : 1;
    return (int)*x - (int)*y;
}

static void write_object(struct writer *w, const json_t *j, int depth)
{
    size_t n = json_object_size(j);
    cf_autofree struct member *members = cf_xcalloc(n, sizeof *members);
    size_t i = 0;
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(j), key, value)
    {
        members[i++] = (struct member){ key, value };
    }
    if (w->style == CANONICAL)
        qsort(members, n, sizeof *members, by_utf16);

    cf_buf_putc(&w->out, '{');
    for (i = 0; i < n; i++) {
        if (i > 0)
            cf_buf_putc(&w->out, ',');
        new_line(w, depth + 1);
        cf_json_append_string(&w->out, members[i].key, strlen(members[i].key));
        cf_buf_puts(&w->out, w->style == PRETTY ? ": " : ":");
        write_value(w, members[i].value, depth + 1);
    }
    if (n > 0)
        new_line(w, depth);
    cf_buf_putc(&w->out, '}');
}

static void write_value(struct writer *w, const json_t *j, int depth)
{
    cf_assert(j && depth <= WRITE_DEPTH_MAX);
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        write_object(w, j, depth);
        break;
    case JSON_ARRAY:
        write_array(w, j, depth);
        break;
    case JSON_STRING:
        cf_json_append_string(&w->out, json_string_value(j), json_string_length(j));
        break;
    case JSON_INTEGER:
        cf_buf_printf(&w->out, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
        break;
    case JSON_REAL:
        write_real(w, json_real_value(j));
        break;
    case JSON_TRUE:
        cf_buf_puts(&w->out, "true");
        break;
    case JSON_FALSE:
        cf_buf_puts(&w->out, "false");
        break;
    case JSON_NULL:
        cf_buf_puts(&w->out, "null");
        break;
    }
}

static char *write_text(const json_t *j, enum style style)
{
    struct writer w = { .out = CF_BUF_INIT(SIZE_MAX - 1), .style = style };
    write_value(&w, j, 0);
    return cf_buf_take(&w.out);
}

char *cf_json_dump(const json_t *j)
{
    return write_text(j, COMPACT);
}

char *cf_json_dump_pretty(const json_t *j)
{
    return write_text(j, PRETTY);
}

char *cf_json_canonical(const json_t *j)
{
    return write_text(j, CANONICAL);
}
