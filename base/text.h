/* SPDX-License-Identifier: Apache-2.0 */
/* Small questions about text: is it UTF-8, where does an offset stand. Any thread. */
#ifndef CF_BASE_TEXT_H
#define CF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Whether these bytes are well-formed UTF-8: no overlong forms, no surrogates, nothing above
 * U+10FFFF. NUL is a character. */
bool cf_utf8_valid(const char *text, size_t len);

/* Appends text of unknown origin as UTF-8: each byte that is part of no character becomes
 * U+FFFD. */
void cf_utf8_append(struct cf_buf *b, const char *text, size_t len);

/* Takes out of `text`, in place, each byte that is part of no character: what a cut at a number of
 * bytes leaves of its last character, above all. */
void cf_utf8_mend(char *text);

/* Line and column, both from 1, of the byte at `offset` (<= length); columns count characters. */
void cf_text_position(const char *text, size_t offset, int *out_line, int *out_column);

#endif
