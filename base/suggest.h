/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean …?": the nearest of the known words. Any thread. */
#ifndef CF_BASE_SUGGEST_H
#define CF_BASE_SUGGEST_H

#include <stddef.h>

/* The candidate nearest to `word` (edit distance with transpositions, case ignored), or NULL if
 * none is near enough to be meant (distance at most a third of the longer word, at least 1).
 * Borrowed from `candidates`, which ends with NULL. */
const char *cf_suggest(const char *word, const char *const *candidates);

#endif
