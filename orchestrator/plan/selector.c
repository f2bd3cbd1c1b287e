/* SPDX-License-Identifier: Apache-2.0 */
/* A recursive-descent reader of label selectors that builds nothing. See selector.h. */
#include "orchestrator/plan/selector.h"

#include <ctype.h>
#include <string.h>

#include "orchestrator/plan/format.h"
#include "orchestrator/plan/limits.h"

enum { TOKEN_MAX = CF_PLAN_OBJECT_NAME_MAX + 1 + CF_PLAN_NAME_MAX }; /* the longest label key */

static void skip_space(const char **p)
{
    while (isspace((unsigned char)**p))
        (*p)++;
}

static bool take(const char **p, const char *word)
{
    skip_space(p);
    size_t n = strlen(word);
    if (strncmp(*p, word, n) != 0)
        return false;
    *p += n;
    return true;
}

/* Copies the run of label characters at *p; false if it is longer than any label. */
static bool token(const char **p, char out[TOKEN_MAX + 1])
{
    skip_space(p);
    size_t n = 0;
    while (isalnum((unsigned char)**p) || (**p && strchr("-_./", **p))) {
        if (n == TOKEN_MAX)
            return false;
        out[n++] = *(*p)++;
    }
    out[n] = '\0';
    return true;
}

static bool key(const char **p, char out[TOKEN_MAX + 1])
{
    return token(p, out) && cf_format_ok(CF_FORMAT_LABEL_KEY, out);
}

static bool value(const char **p)
{
    char text[TOKEN_MAX + 1];
    return token(p, text) && cf_format_ok(CF_FORMAT_LABEL_VALUE, text);
}

static bool value_list(const char **p)
{
    if (!take(p, "("))
        return false;
    do {
        if (!value(p))
            return false;
    } while (take(p, ","));
    return take(p, ")");
}

static bool requirement(const char **p)
{
    char name[TOKEN_MAX + 1];
    if (take(p, "!"))
        return key(p, name);
    if (!key(p, name))
        return false;
    if (take(p, "==") || take(p, "!=") || take(p, "="))
        return value(p);
    skip_space(p);
    if (!isalpha((unsigned char)**p))
        return true;
    char word[TOKEN_MAX + 1];
    if (!token(p, word))
        return false;
    return (strcmp(word, "in") == 0 || strcmp(word, "notin") == 0) && value_list(p);
}

bool cf_selector_ok(const char *text)
{
    const char *p = text;
    do {
        if (!requirement(&p))
            return false;
    } while (take(&p, ","));
    skip_space(&p);
    return *p == '\0';
}
