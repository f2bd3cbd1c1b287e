/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by the table of the Unicode standard (3.9, table 3-7), and positions. See text.h. */
#include "base/text.h"

#include <string.h>

/* Which first bytes start a sequence of how many bytes, and what the second byte may be: the second
 * byte's range is what excludes overlong forms, surrogates and code points that do not exist. */
static const struct {
    unsigned char first_low, first_high;
    unsigned char second_low, second_high;
    int length;
} sequences[] = {
    { 0x00, 0x7F, 0, 0, 1 },       { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 },
    { 0xE1, 0xEC, 0x80, 0xBF, 3 }, { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 },
    { 0xF0, 0xF0, 0x90, 0xBF, 4 }, { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
};

/* Bytes of the well-formed sequence at the start of s, 0 if there is none. */
static size_t sequence_length(const unsigned char *s, size_t len)
{
    for (size_t row = 0; row < sizeof sequences / sizeof sequences[0]; row++) {
        if (s[0] < sequences[row].first_low || s[0] > sequences[row].first_high)
            continue;
        size_t n = (size_t)sequences[row].length;
        if (n > len)
            return 0;
        if (n > 1 && (s[1] < sequences[row].second_low || s[1] > sequences[row].second_high))
            return 0;
        for (size_t i = 2; i < n; i++)
            if (s[i] < 0x80 || s[i] > 0xBF)
                return 0;
        return n;
    }
    return 0;
}

bool cf_utf8_valid(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < len;) {
        size_t n = sequence_length(s + i, len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

void cf_utf8_append(struct cf_buf *b, const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t good = 0; /* start of the well-formed stretch */
    for (size_t i = 0; i < len;) {
        size_t n = sequence_length(s + i, len - i);
        if (n == 0) {
            cf_buf_append(b, text + good, i - good);
            cf_buf_puts(b, "\xEF\xBF\xBD");
            good = ++i;
        }
        i += n;
    }
    cf_buf_append(b, text + good, len - good);
}

void cf_utf8_mend(char *text)
{
    size_t len = strlen(text), kept = 0;
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = sequence_length((const unsigned char *)text + i, len - i);
        memmove(text + kept, text + i, n);
        kept += n;
    }
    text[kept] = '\0';
}

void cf_text_position(const char *text, size_t offset, int *out_line, int *out_column)
{
    *out_line = 1;
    *out_column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            (*out_line)++;
            *out_column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            (*out_column)++;
        }
    }
}
