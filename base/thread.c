/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and condition variables with our defaults. See thread.h. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

struct start {
    void *(*fn)(void *);
    void *arg;
    char name[16]; /* the kernel's size */
};

static void *run(void *arg)
{
    struct start s = *(struct start *)arg;
    free(arg);
    pthread_setname_np(pthread_self(), s.name);
    return s.fn(s.arg);
}

bool cf_thread_start(pthread_t *out, const char *name, void *(*fn)(void *), void *arg,
                     struct cf_error *err)
{
    struct start *s = cf_xcalloc(1, sizeof *s);
    s->fn = fn;
    s->arg = arg;
    snprintf(s->name, sizeof s->name, "%s", name);

    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, CF_THREAD_STACK_BYTES);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the new thread */
    int rc = pthread_create(out, &attr, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc != 0) {
        free(s);
        return cf_error_errno(err, rc, "start a thread");
    }
    return true;
}

void cf_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    cf_assert(pthread_cond_init(cond, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

bool cf_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_ms)
{
    if (until_ms < 0)
        until_ms = 0;
    struct timespec ts = { .tv_sec = until_ms / 1000, .tv_nsec = (until_ms % 1000) * 1000000 };
    int rc = pthread_cond_timedwait(cond, mutex, &ts);
    cf_assert(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}

int64_t cf_mono_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
