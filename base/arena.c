/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: a list of zeroed blocks, bump-allocated. See arena.h. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_BYTES = 16 * 1024 }; /* a typical request fits in one */

struct block {
    struct block *next;
    size_t size;
    size_t used;
    max_align_t data[];
};

struct cf_arena {
    struct block *blocks; /* the newest first */
    size_t used;
    size_t limit;
};

struct cf_arena *cf_arena_new(size_t limit_bytes)
{
    struct cf_arena *a = cf_xcalloc(1, sizeof *a);
    a->limit = limit_bytes ? limit_bytes : CF_ARENA_LIMIT_DEFAULT;
    return a;
}

void cf_arena_free(struct cf_arena *a)
{
    if (!a)
        return;
    while (a->blocks) {
        struct block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    free(a);
}

void cf_arena_free_p(struct cf_arena **a)
{
    cf_arena_free(*a);
    *a = NULL;
}

void *cf_arena_alloc(struct cf_arena *a, size_t size)
{
    cf_assert(size <= a->limit - a->used);
    size_t rounded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct block *b = a->blocks;
    if (!b || rounded > b->size - b->used) {
        size_t room = CF_MAX(rounded, (size_t)BLOCK_BYTES);
        b = cf_xcalloc(1, sizeof *b + room);
        b->size = room;
        b->next = a->blocks;
        a->blocks = b;
    }
    void *p = (char *)b->data + b->used;
    b->used += rounded;
    a->used += size;
    return p;
}

char *cf_arena_strdup(struct cf_arena *a, const char *s)
{
    return s ? cf_arena_strndup(a, s, strlen(s)) : NULL;
}

char *cf_arena_strndup(struct cf_arena *a, const char *s, size_t n)
{
    if (!s)
        return NULL;
    size_t len = strnlen(s, n);
    char *copy = cf_arena_alloc(a, len + 1);
    memcpy(copy, s, len);
    return copy;
}

char *cf_arena_printf(struct cf_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    cf_assert(len >= 0);
    char *s = cf_arena_alloc(a, (size_t)len + 1);
    vsnprintf(s, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return s;
}

size_t cf_arena_used(const struct cf_arena *a)
{
    return a->used;
}
