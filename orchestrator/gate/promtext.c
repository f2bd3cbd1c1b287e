/* SPDX-License-Identifier: Apache-2.0 */
/* The exposition format's reader: one line at a time, in place. */
#include "orchestrator/gate/promtext.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/gate/limits.h"

const char *cf_promtext_label(const void *sample, const char *name)
{
    const struct cf_promtext_sample *s = sample;
    for (size_t i = 0; i < s->label_count; i++)
        if (strcmp(s->labels[i].name, name) == 0)
            return s->labels[i].value;
    return NULL;
}

/* FNV-1a over text and its end. */
static unsigned long long hash(unsigned long long h, const char *s)
{
    do {
        h = (h ^ (unsigned char)*s) * 1099511628211ULL;
    } while (*s++);
    return h;
}

unsigned long long cf_promtext_series(const struct cf_promtext_sample *sample, const char *without)
{
    unsigned long long h = hash(14695981039346656037ULL, sample->name);
    /* Labels may come in any order: their hashes are added. */
    unsigned long long sum = 0;
    for (size_t i = 0; i < sample->label_count; i++)
        if (!without || strcmp(sample->labels[i].name, without) != 0)
            sum += hash(hash(h, sample->labels[i].name), sample->labels[i].value);
    return h ^ sum;
}

static char *skip_blank(char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == ':';
}

static char *skip_name(char *p)
{
    if (!is_name_start(*p))
        return p;
    while (isalnum((unsigned char)*p) || *p == '_' || *p == ':')
        p++;
    return p;
}

/* Unescapes a quoted value in place; returns what follows the closing quote, or NULL. */
static char *take_quoted(char *p, const char **out)
{
    if (*p++ != '"')
        return NULL;
    char *to = p;
    *out = p;
    while (*p && *p != '"') {
        char c = *p++;
        if (c == '\\') {
            if (*p == 'n')
                c = '\n';
            else if (*p == '\\' || *p == '"')
                c = *p;
            else
                return NULL;
            p++;
        }
        *to++ = c;
    }
    if (*p != '"')
        return NULL;
    *to = 0;
    return p + 1;
}

/* The labels after '{'; returns what follows '}', or NULL. */
static char *take_labels(char *p, struct cf_promtext_sample *s)
{
    p = skip_blank(p);
    while (*p != '}') {
        if (s->label_count == CF_PROMTEXT_LABELS_MAX)
            return NULL;
        char *name = p;
        char *end = skip_name(p);
        if (end == name)
            return NULL;
        p = skip_blank(end);
        if (*p++ != '=')
            return NULL;
        *end = 0;
        p = take_quoted(skip_blank(p), &s->labels[s->label_count].value);
        if (!p)
            return NULL;
        s->labels[s->label_count++].name = name;
        p = skip_blank(p);
        if (*p == ',')
            p = skip_blank(p + 1);
        else if (*p != '}')
            return NULL;
    }
    return p + 1;
}

enum line { LINE_SKIPPED, LINE_TAKEN, LINE_BAD };

static enum line take_line(char *line, cf_promtext_want_fn *want, void *user,
                           struct cf_promtext_sample *s)
{
    char *p = skip_blank(line);
    if (*p == 0 || *p == '#')
        return LINE_SKIPPED;
    char *name = p;
    char *end = skip_name(p);
    if (end == name)
        return LINE_BAD;
    char after = *end;
    *end = 0;
    if (!want(user, name))
        return LINE_SKIPPED;
    s->name = name;
    s->label_count = 0;
    p = end + 1;
    if (after == ' ' || after == '\t')
        p = skip_blank(p);
    else if (after != '{')
        return LINE_BAD;
    if (after == '{' || *p == '{') {
        p = take_labels(after == '{' ? p : p + 1, s);
        if (!p)
            return LINE_BAD;
        p = skip_blank(p);
    }
    char *rest;
    s->value = strtod(p, &rest);
    if (rest == p || (*rest != 0 && *rest != ' ' && *rest != '\t' && *rest != '\r'))
        return LINE_BAD;
    return LINE_TAKEN;
}

bool cf_promtext_parse(char *text, size_t len, cf_promtext_want_fn *want,
                       cf_promtext_sample_fn *take, void *user, struct cf_error *err)
{
    struct cf_promtext_sample sample;
    int number = 0;
    for (char *line = text, *stop = text + len; line < stop;) {
        char *end = memchr(line, '\n', (size_t)(stop - line));
        if (!end)
            end = stop;
        number++;
        if (end - line > CF_GATE_LINE_MAX)
            return cf_error_set(err, CF_ERR_LIMIT, "metrics text, line %d: longer than %d bytes",
                                number, CF_GATE_LINE_MAX);
        if (memchr(line, 0, (size_t)(end - line)))
            return cf_error_set(err, CF_ERR_INVALID, "metrics text, line %d: a NUL byte", number);
        *end = 0; /* the buffer is NUL-terminated beyond len, so this is inside it */
        enum line kind = take_line(line, want, user, &sample);
        if (kind == LINE_BAD)
            return cf_error_set(err, CF_ERR_INVALID,
                                "metrics text, line %d is not a sample of the exposition format",
                                number);
        if (kind == LINE_TAKEN)
            take(user, &sample);
        line = end + 1;
    }
    return true;
}
