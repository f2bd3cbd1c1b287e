/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that ends the process instead of failing, and the assertion that stays on. See
 * mem.h. */
#include "base/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void out_of_memory(size_t size) __attribute__((noreturn));

static void out_of_memory(size_t size)
{
    fprintf(stderr, "crossfade: out of memory (%zu bytes wanted)\n", size);
    abort();
}

void *cf_xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *cf_xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p)
        out_of_memory(size && n > SIZE_MAX / size ? SIZE_MAX : n * size);
    return p;
}

void *cf_xrealloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (!q)
        out_of_memory(size);
    return q;
}

char *cf_xstrdup(const char *s)
{
    return s ? cf_xstrndup(s, strlen(s)) : NULL;
}

char *cf_xstrndup(const char *s, size_t n)
{
    if (!s)
        return NULL;
    size_t len = strnlen(s, n);
    char *copy = cf_xmalloc(len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *cf_xasprintf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = cf_xvasprintf(fmt, ap);
    va_end(ap);
    return s;
}

char *cf_xvasprintf(const char *fmt, va_list ap)
{
    char *s = NULL;
    if (vasprintf(&s, fmt, ap) < 0)
        out_of_memory(0);
    return s;
}

void cf_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, cond);
    abort();
}

void cf_mem_few_arenas(void)
{
    enum { ARENAS = 2 }; /* glibc's default is eight for each processor, and each keeps its most */
    (void)mallopt(M_ARENA_MAX, ARENAS);
}

void cf_mem_give_back(void)
{
    (void)malloc_trim(0);
}
