/* SPDX-License-Identifier: Apache-2.0 */
/* Threads with names and bounded waits on the monotonic clock. */
#ifndef CF_BASE_THREAD_H
#define CF_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Straight-line workers; JSON recursion is capped at 64 levels. */
enum { CF_THREAD_STACK_BYTES = 1024 * 1024 };

/* All signals are blocked in the new thread: signals belong to main. `name` is cut to 15
 * characters. */
bool cf_thread_start(pthread_t *out, const char *name, void *(*fn)(void *), void *arg,
                     struct cf_error *err) CF_NODISCARD;

/* A condition variable on CLOCK_MONOTONIC. */
void cf_cond_init(pthread_cond_t *cond);
/* Waits until signalled or until cf_mono_now_ms() reaches `until_ms`; false on time-out. */
bool cf_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_ms);
/* CLOCK_MONOTONIC in ms: the clock of cf_cond_wait_until. */
int64_t cf_mono_now_ms(void);

/* `CF_LOCKED(&m);` holds the mutex to the end of the scope. */
static inline void cf_unlock_p(pthread_mutex_t **m)
{
    pthread_mutex_unlock(*m);
}
#define CF_CONCAT2_(a, b) a##b
#define CF_CONCAT_(a, b)  CF_CONCAT2_(a, b)
#define CF_LOCKED(m)                                                                               \
    __attribute__((cleanup(cf_unlock_p), unused)) pthread_mutex_t *CF_CONCAT_(                     \
        cf_lock_, __LINE__) = (pthread_mutex_lock(m), (m))

#endif
