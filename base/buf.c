/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded buffer. Its capacity doubles and always has room for the NUL. See buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

/* Makes room for up to `want` more bytes; returns how many of them fit below the maximum. */
static size_t reserve(struct cf_buf *b, size_t want)
{
    if (b->overflow)
        return 0;
    size_t room = b->max - b->len;
    if (want > room) {
        b->overflow = true;
        want = room;
    }
    size_t need = b->len + want + 1;
    if (need > b->cap) {
        size_t cap = CF_MAX(need, CF_MAX(b->cap * 2, (size_t)64));
        b->cap = CF_MAX(need, CF_MIN(cap - 1, b->max) + 1);
        b->data = cf_xrealloc(b->data, b->cap);
    }
    return want;
}

void cf_buf_append(struct cf_buf *b, const void *data, size_t len)
{
    size_t n = reserve(b, len);
    if (n > 0)
        memcpy(b->data + b->len, data, n);
    b->len += n;
    if (b->data)
        b->data[b->len] = '\0';
}

void cf_buf_puts(struct cf_buf *b, const char *s)
{
    cf_buf_append(b, s, strlen(s));
}

void cf_buf_putc(struct cf_buf *b, char c)
{
    cf_buf_append(b, &c, 1);
}

void cf_buf_printf(struct cf_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void cf_buf_vprintf(struct cf_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    cf_assert(len >= 0);
    if (!b->overflow) {
        size_t n = reserve(b, (size_t)len);
        vsnprintf(b->data + b->len, n + 1, fmt, again);
        b->len += n;
    }
    va_end(again);
}

void cf_buf_consume(struct cf_buf *b, size_t n)
{
    cf_assert(n <= b->len);
    if (n == 0)
        return;
    b->len -= n;
    memmove(b->data, b->data + n, b->len + 1);
}

void cf_buf_reset(struct cf_buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->data)
        b->data[0] = '\0';
}

void cf_buf_free(struct cf_buf *b)
{
    free(b->data);
    *b = CF_BUF_INIT(b->max);
}

const char *cf_buf_str(const struct cf_buf *b)
{
    return b->data ? b->data : "";
}

char *cf_buf_take(struct cf_buf *b)
{
    char *s = b->data ? b->data : cf_xstrdup("");
    *b = CF_BUF_INIT(b->max);
    return s;
}
