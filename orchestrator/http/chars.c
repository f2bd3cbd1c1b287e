/* SPDX-License-Identifier: Apache-2.0 */
/* Each class is spelled out once, as in the grammars; a table answers. */
#include "orchestrator/http/chars.h"

#include <string.h>
#include <strings.h>

static bool is_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool one_of(unsigned char c, const char *set)
{
    return c && strchr(set, c);
}

static unsigned classify(unsigned char c)
{
    unsigned m = 0;
    if (is_alnum(c) || one_of(c, "!#$%&'*+-.^_`|~"))
        m |= HTTP_TOKEN;
    if ((c >= 0x20 && c != 0x7f) || c == '\t')
        m |= HTTP_FIELD;
    if (is_alnum(c) || one_of(c, "-._~%!$&'()*+,;=:@/?"))
        m |= HTTP_TARGET;
    if (is_alnum(c) || one_of(c, "-._~%!$&'()*+,;=:[]"))
        m |= HTTP_HOST;
    if (c >= '0' && c <= '9')
        m |= HTTP_DIGIT | HTTP_HEX;
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        m |= HTTP_HEX;
    return m;
}

static unsigned char table[256];

__attribute__((constructor)) static void fill_table(void)
{
    for (unsigned c = 0; c < 256; c++)
        table[c] = (unsigned char)classify((unsigned char)c);
}

bool http_char_is(char c, unsigned class_mask)
{
    return (table[(unsigned char)c] & class_mask) != 0;
}

bool http_chars_all(const char *s, size_t len, unsigned class_mask)
{
    for (size_t i = 0; i < len; i++)
        if (!(table[(unsigned char)s[i]] & class_mask))
            return false;
    return true;
}

int http_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    int lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool http_equals_nocase(const char *s, size_t len, const char *lit)
{
    return strlen(lit) == len && strncasecmp(s, lit, len) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

bool http_list_next(const char **p, const char *end, const char **out, size_t *out_len)
{
    const char *at = *p;
    while (at < end && (is_space(*at) || *at == ','))
        at++;
    if (at == end)
        return false;
    const char *stop = memchr(at, ',', (size_t)(end - at));
    *p = stop ? stop : end;
    const char *last = *p;
    while (last > at && is_space(last[-1]))
        last--;
    *out = at;
    *out_len = (size_t)(last - at);
    return true;
}
