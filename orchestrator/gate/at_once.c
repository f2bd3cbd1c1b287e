/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that live for one round (at_once.h): some tens of microseconds each, against milliseconds of a call. */
#include "orchestrator/gate/at_once.h"

#include <stdatomic.h>

#include "base/thread.h"
#include "orchestrator/gate/limits.h"

struct round {
    atomic_size_t next;
    size_t n;
    void (*fn)(void *arg, size_t i);
    void *arg;
};

static void *work(void *arg)
{
    struct round *r = arg;
    for (size_t i; (i = atomic_fetch_add(&r->next, 1)) < r->n;)
        r->fn(r->arg, i);
    return NULL;
}

void cf_at_once(size_t n, void (*fn)(void *arg, size_t i), void *arg)
{
    struct round r = { .n = n, .fn = fn, .arg = arg };
    pthread_t threads[CF_GATE_AT_ONCE_MAX];
    size_t started = 0;
    atomic_init(&r.next, 0);
    while (started + 1 < CF_MIN(n, (size_t)CF_GATE_AT_ONCE_MAX)) {
        struct cf_error ignored = CF_ERROR_INIT; /* fewer threads do the same work */
        if (!cf_thread_start(&threads[started], "gate-read", work, &r, &ignored))
            break;
        started++;
    }
    work(&r);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}
