/* SPDX-License-Identifier: Apache-2.0 */
/* Text and bytes that grow up to a stated maximum.
 *
 * Passing the maximum sets `overflow` and drops the rest; appends after that do nothing, so that a
 * writer checks once, at the end. The content is always NUL-terminated. One thread at a time. */
#ifndef CF_BASE_BUF_H
#define CF_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct cf_buf {
    char *data; /* NULL until the first append */
    size_t len;
    size_t cap;
    size_t max; /* bytes of content */
    bool overflow;
};

#define CF_BUF_INIT(max_bytes) ((struct cf_buf){ .max = (max_bytes) })

void cf_buf_append(struct cf_buf *b, const void *data, size_t len);
void cf_buf_puts(struct cf_buf *b, const char *s);
void cf_buf_putc(struct cf_buf *b, char c);
void cf_buf_printf(struct cf_buf *b, const char *fmt, ...) CF_PRINTF(2, 3);
void cf_buf_vprintf(struct cf_buf *b, const char *fmt, va_list ap) CF_PRINTF(2, 0);
void cf_buf_consume(struct cf_buf *b, size_t n);  /* drops n bytes at the front */
void cf_buf_reset(struct cf_buf *b);              /* empty again, keeps the memory */
void cf_buf_free(struct cf_buf *b);               /* for CF_CLEANUP; usable again afterwards */
const char *cf_buf_str(const struct cf_buf *b);   /* never NULL */
char *cf_buf_take(struct cf_buf *b) CF_NODISCARD; /* caller frees; the buffer is empty afterwards */

#endif
