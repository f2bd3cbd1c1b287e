/* SPDX-License-Identifier: Apache-2.0 */
/* Optimal string alignment distance over short words. See suggest.h. */
#include "base/suggest.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { WORD_MAX = 64 }; /* longer words are nobody's typing error */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Insertions, deletions, replacements and swaps of neighbours; three rows of the table are kept. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t other = lower(a[i - 1]) != lower(b[j - 1]);
            size_t best = before[j - 1] + other;
            best = CF_MIN(best, before[j] + 1);
            best = CF_MIN(best, now[j - 1] + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                best = CF_MIN(best, two_before[j - 2] + 1);
            now[j] = best;
        }
    }
    return rows[a_len % 3][b_len];
}

const char *cf_suggest(const char *word, const char *const *candidates)
{
    size_t len = strlen(word);
    if (len == 0 || len > WORD_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (; *candidates; candidates++) {
        size_t other = strlen(*candidates);
        if (other == 0 || other > WORD_MAX)
            continue;
        size_t longer = CF_MAX(len, other);
        size_t near_enough = CF_MIN(CF_MAX(longer / 3, (size_t)1), longer - 1);
        size_t d = distance(word, len, *candidates, other);
        if (d <= near_enough && d < best_distance) {
            best = *candidates;
            best_distance = d;
        }
    }
    return best;
}
