/* SPDX-License-Identifier: Apache-2.0 */
/* Hints from the table and from the text at hand. See hint.h. */
#include "orchestrator/plan/hint.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"

const char *cf_quote(const char *text, char *buf)
{
    enum { KEEP = CF_QUOTE_MAX - 8 };
    size_t n = 0;
    buf[n++] = '"';
    const char *p = text;
    for (; *p && n < KEEP; p++)
        buf[n++] = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
    if (*p) {
        while (n > 1 && ((unsigned char)*p & 0xc0) == 0x80) { /* not inside a character */
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
    snprintf(buf, CF_QUOTE_MAX, "did you mean \"%.64s\"?", near);
    return buf;
}

const char *cf_hint_words(const struct cf_schema_row *row, char *buf)
{
    const char *offered[16];
    size_t n = 0;
    for (size_t i = 0; row->words[i] && n < CF_ARRAY_LEN(offered); i++)
        if (row->words[i][0] != '!')
            offered[n++] = row->words[i];
    int used = snprintf(buf, CF_HINT_MAX, n > 1 ? "one of " : "write ");
    for (size_t i = 0; i < n && used < CF_HINT_MAX; i++)
        used +=
            snprintf(buf + used, (size_t)(CF_HINT_MAX - used), "%s%s", i ? ", " : "", offered[i]);
    return buf;
}

const char *cf_hint_shape(const struct cf_schema_row *row, char *buf)
{
    if (row->words)
        return cf_hint_words(row, buf);
    if (row->example)
        snprintf(buf, CF_HINT_MAX, "such as %s", row->example);
    else if (row->type == CF_SCHEMA_DURATION)
        snprintf(buf, CF_HINT_MAX, "such as 90s, 5m or 1h30m");
    else if (row->type == CF_SCHEMA_PERCENT)
        snprintf(buf, CF_HINT_MAX, "such as 99.5%%");
    else if (row->type == CF_SCHEMA_BOOL)
        snprintf(buf, CF_HINT_MAX, "write true or false");
    else if (row->type == CF_SCHEMA_TEXT || row->type == CF_SCHEMA_MAP)
        snprintf(buf, CF_HINT_MAX, "such as %s", cf_format_row(row->format)->example);
    else
        snprintf(buf, CF_HINT_MAX, "%s", row->help);
    return buf;
}

/* The nearest text that a mistyped name stands for: other characters become '-', letters get the
 * wanted case. */
static bool mend(enum cf_format f, const char *text, char *out, size_t size)
{
    size_t n = strlen(text);
    if (n >= size)
        return false;
    for (size_t i = 0; i <= n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_kept = isalnum(c) || c == '\0' || (c == '.' && f == CF_FORMAT_OBJECT_NAME);
        out[i] = is_kept ? (char)tolower(c) : '-';
    }
    if (f == CF_FORMAT_KIND) {
        memcpy(out, text, n + 1);
        out[0] = (char)toupper((unsigned char)text[0]);
    }
    return cf_format_ok(f, out);
}

const char *cf_hint_format(enum cf_format f, const char *text, char *buf)
{
    char mended[CF_QUOTE_MAX];
    bool is_name = f == CF_FORMAT_NAME || f == CF_FORMAT_OBJECT_NAME || f == CF_FORMAT_PORT_NAME ||
                   f == CF_FORMAT_KIND;
    if (is_name && mend(f, text, mended, sizeof mended))
        snprintf(buf, CF_HINT_MAX, "did you mean \"%s\"?", mended);
    else
        snprintf(buf, CF_HINT_MAX, "such as %s", cf_format_row(f)->example);
    return buf;
}

const char *cf_hint_units(const struct cf_schema_row *row, const char *number, char *buf)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    enum { LARGEST_FOR_MS = 600000 }; /* in fields that take hours nobody means milliseconds */
    const char *fitting[CF_ARRAY_LEN(units)];
    size_t n = 0;
    double x = strtod(number, NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(units) && !strchr(number, '.'); i++) {
        double ms = x * units[i].ms;
        if (ms >= row->min && ms <= row->max && (i > 0 || row->max <= LARGEST_FOR_MS))
            fitting[n++] = units[i].name;
    }
    if (n == 0)
        return cf_hint_shape(row, buf);
    int used = snprintf(buf, CF_HINT_MAX, "write ");
    for (size_t i = 0; i < n; i++)
        used += snprintf(buf + used, (size_t)(CF_HINT_MAX - used), "%s%s%s",
                         i == 0      ? ""
                         : i + 1 < n ? ", "
                                     : " or ",
                         number, fitting[i]);
    return buf;
}
