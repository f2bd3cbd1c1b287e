/* SPDX-License-Identifier: Apache-2.0 */
/* How much an endpoint is given: places for calls under way and a token bucket, first come first
 * served. */
#include "base/thread.h"
#include "base/transport_internal.h"

void transport_gate_init(struct transport_gate *g, int max_in_flight, double rate_per_s, int burst)
{
    *g = (struct transport_gate){ .max_in_flight = max_in_flight,
                                  .rate_per_ms = rate_per_s / 1000.0 };
    g->burst = burst > 0 ? burst : CF_MAX(1.0, rate_per_s);
    g->tokens = g->burst;
    g->filled_ms = cf_mono_now_ms();
    pthread_mutex_init(&g->lock, NULL);
}

void transport_gate_destroy(struct transport_gate *g)
{
    cf_assert(!g->first);
    pthread_mutex_destroy(&g->lock);
}

/* 0 when the first in line may go now, else how long to wait for a token; INT64_MAX: until somebody
 * leaves. */
static int64_t wait_ms(struct transport_gate *g, int64_t now_ms)
{
    if (g->max_in_flight > 0 && g->in_flight >= g->max_in_flight)
        return INT64_MAX;
    if (g->rate_per_ms <= 0)
        return 0;
    g->tokens = CF_MIN(g->burst, g->tokens + (double)(now_ms - g->filled_ms) * g->rate_per_ms);
    g->filled_ms = now_ms;
    return g->tokens >= 1.0 ? 0 : (int64_t)((1.0 - g->tokens) / g->rate_per_ms) + 1;
}

static void take(struct transport_gate *g)
{
    g->in_flight++;
    if (g->rate_per_ms > 0)
        g->tokens -= 1.0;
}

static void line_up(struct transport_gate *g, struct transport_waiter *w)
{
    if (g->last)
        g->last->next = w;
    else
        g->first = w;
    g->last = w;
}

static void step_out(struct transport_gate *g, struct transport_waiter *w)
{
    struct transport_waiter *before = NULL, *at = g->first;
    while (at != w) {
        before = at;
        at = at->next;
    }
    if (before)
        before->next = w->next;
    else
        g->first = w->next;
    if (g->last == w)
        g->last = before;
    if (g->first)
        pthread_cond_signal(&g->first->cond);
}

/* Until when to sleep at most: the deadline, the next token for the first in line, a look at the
 * cancel flag. */
static int64_t sleep_until(struct transport_gate *g, const struct transport_waiter *w,
                           int64_t now_ms, int64_t deadline_ms, bool can_cancel)
{
    int64_t until_ms = deadline_ms;
    int64_t token_ms = g->first == w ? wait_ms(g, now_ms) : INT64_MAX;
    if (token_ms < until_ms - now_ms)
        until_ms = now_ms + token_ms;
    if (can_cancel)
        until_ms = CF_MIN(until_ms, now_ms + TRANSPORT_CANCEL_SLICE_MS);
    return until_ms;
}

bool transport_gate_enter(struct transport_gate *g, int64_t deadline_ms,
                          const struct cf_cancel *cancel, struct cf_error *err)
{
    CF_LOCKED(&g->lock);
    if (!g->first && wait_ms(g, cf_mono_now_ms()) == 0) {
        take(g);
        return true;
    }
    struct transport_waiter w = { 0 };
    cf_cond_init(&w.cond);
    line_up(g, &w);
    bool entered = false;
    for (;;) {
        int64_t now_ms = cf_mono_now_ms();
        entered = now_ms < deadline_ms && g->first == &w && wait_ms(g, now_ms) == 0;
        if (entered || now_ms >= deadline_ms || cf_cancel_requested(cancel))
            break;
        cf_cond_wait_until(&w.cond, &g->lock,
                           sleep_until(g, &w, now_ms, deadline_ms, cancel != NULL));
    }
    if (entered)
        take(g);
    step_out(g, &w);
    pthread_cond_destroy(&w.cond);
    if (entered)
        return true;
    if (cf_cancel_requested(cancel))
        return cf_error_set(err, CF_ERR_CANCELLED, "asked to stop while waiting for a place");
    cf_error_set(err, CF_ERR_TRANSIENT, "our own limit for this server left no place in time");
    return cf_error_reason(err, "Throttled");
}

void transport_gate_leave(struct transport_gate *g)
{
    CF_LOCKED(&g->lock);
    g->in_flight--;
    if (g->first)
        pthread_cond_signal(&g->first->cond);
}
