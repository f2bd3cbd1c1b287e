/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of one loop: a binary heap of timers that live inside their owners. The loop's thread
 * only. */
#ifndef ORCHESTRATOR_HTTP_TIMERS_H
#define ORCHESTRATOR_HTTP_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_timer {
    int64_t due_ms; /* cf_mono_now_ms() */
    size_t slot;    /* 1 + index in the heap; 0: not armed */
    void (*fire)(struct http_timer *t);
};

struct http_timers {
    struct http_timer **heap;
    size_t count, cap;
};

/* Arms, or moves an armed timer. `fire` must be set. */
void http_timers_set(struct http_timers *h, struct http_timer *t, int64_t due_ms);
void http_timers_clear(struct http_timers *h, struct http_timer *t); /* not armed: nothing */
/* When the first is due; -1 if none is armed. */
int64_t http_timers_next(const struct http_timers *h);
/* Fires all that are due, disarming each first. */
void http_timers_run(struct http_timers *h, int64_t now_ms);
void http_timers_free(struct http_timers *h);

#endif
