/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of one unit of work (a reconcile pass, a request): allocated in pieces, freed at once.
 *
 * One thread at a time. Passing the limit aborts by cf_assert: callers check outside sizes
 * first. */
#ifndef CF_BASE_ARENA_H
#define CF_BASE_ARENA_H

#include <stddef.h>

#include "base/mem.h"

struct cf_arena;

/* One unit of work; a plan with 10,000 objects needs about 40 MB. */
enum { CF_ARENA_LIMIT_DEFAULT = 64 * 1024 * 1024 };

struct cf_arena *cf_arena_new(size_t limit_bytes) CF_NODISCARD; /* 0: the default limit */
void cf_arena_free(struct cf_arena *a);                         /* accepts NULL */
void cf_arena_free_p(struct cf_arena **a);                      /* for CF_CLEANUP */

/* Zeroed, aligned for any type. */
void *cf_arena_alloc(struct cf_arena *a, size_t size) CF_NODISCARD;
char *cf_arena_strdup(struct cf_arena *a, const char *s) CF_NODISCARD; /* NULL in, NULL out */
char *cf_arena_strndup(struct cf_arena *a, const char *s, size_t n) CF_NODISCARD;
char *cf_arena_printf(struct cf_arena *a, const char *fmt, ...) CF_PRINTF(2, 3) CF_NODISCARD;
size_t cf_arena_used(const struct cf_arena *a);

#endif
