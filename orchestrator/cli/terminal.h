/* SPDX-License-Identifier: Apache-2.0 */
/* A block of lines at the bottom of a terminal that is drawn again in place: only what is needed to
 * look still. */
#ifndef CF_CLI_TERMINAL_H
#define CF_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct cf_terminal {
    int fd;
    int lines;   /* of the block as it stands there, as the screen counts them */
    char *shown; /* its text */
};

void cf_terminal_size(int fd, int *out_rows, int *out_columns);
/* Replaces the block by `text` (lines ended by '\n'), written at once; nothing when it is the same.
 * Lines beyond the screen's height are left out at the top. */
void cf_terminal_draw(struct cf_terminal *t, const char *text);
/* The block stays; what follows comes below it. */
void cf_terminal_leave(struct cf_terminal *t);
/* The bytes that replace a block of `old_lines` lines of the screen; pure. A line longer than
 * `columns` takes several. */
void cf_terminal_frame(int old_lines, const char *text, int rows, int columns, struct cf_buf *out,
                       int *out_lines);

/* Whether the locale's characters are UTF-8. */
bool cf_terminal_is_utf8(void);

#endif
