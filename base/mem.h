/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is there or the process ends, and ownership that can be seen.
 *
 * Running out of memory aborts with one line on stderr: every state that matters is in PostgreSQL,
 * and a restart is safe. Sizes that come from outside are checked against a limit *before* they
 * reach these functions. Any thread. */
#ifndef CF_BASE_MEM_H
#define CF_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#define CF_NODISCARD         __attribute__((warn_unused_result))
#define CF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define CF_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CF_MIN(a, b)    ((a) < (b) ? (a) : (b))
#define CF_MAX(a, b)    ((a) > (b) ? (a) : (b))

void *cf_xmalloc(size_t size) CF_NODISCARD;
void *cf_xcalloc(size_t n, size_t size) CF_NODISCARD; /* checks n * size for overflow */
void *cf_xrealloc(void *p, size_t size) CF_NODISCARD;
char *cf_xstrdup(const char *s) CF_NODISCARD; /* NULL in, NULL out */
char *cf_xstrndup(const char *s, size_t n) CF_NODISCARD;
char *cf_xasprintf(const char *fmt, ...) CF_PRINTF(1, 2) CF_NODISCARD;
char *cf_xvasprintf(const char *fmt, va_list ap) CF_PRINTF(1, 0) CF_NODISCARD;

/* `cf_autofree char *s = …` frees at the end of the scope; hand over with `return cf_steal(&s)`. */
static inline void cf_free_ptr(void *pp)
{
    free(*(void **)pp);
}
#define cf_autofree __attribute__((cleanup(cf_free_ptr)))

/* `CF_CLEANUP(cf_buf_free) struct cf_buf b = …` runs the destructor, which takes the variable's
 * address. */
#define CF_CLEANUP(destructor) __attribute__((cleanup(destructor)))

/* Yields the pointer and leaves NULL behind. */
#define cf_steal(pp)                                                                               \
    ({                                                                                             \
        __typeof__(*(pp)) cf_stolen_ = *(pp);                                                      \
        *(pp) = NULL;                                                                              \
        cf_stolen_;                                                                                \
    })

/* What must be true. Stays on in release builds: prints file, line and condition, then aborts. */
#define cf_assert(cond) ((cond) ? (void)0 : cf_assert_failed(#cond, __FILE__, __LINE__))
void cf_assert_failed(const char *cond, const char *file, int line) __attribute__((noreturn));

/* For a service with many threads that come and go: memory that one of them has freed is another's
 * to take. Once, before any thread is started. */
void cf_mem_few_arenas(void);
/* Gives what is free back to the system; for after a large piece of work. Takes milliseconds. */
void cf_mem_give_back(void);

#endif
