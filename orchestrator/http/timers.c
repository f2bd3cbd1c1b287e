/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap ordered by due time; each timer knows its place, so that disarming is cheap. */
#include "orchestrator/http/timers.h"

#include "base/mem.h"

static void place(struct http_timers *h, size_t at, struct http_timer *t)
{
    h->heap[at] = t;
    t->slot = at + 1;
}

static void sift_up(struct http_timers *h, size_t at)
{
    struct http_timer *t = h->heap[at];
    while (at > 0 && h->heap[(at - 1) / 2]->due_ms > t->due_ms) {
        place(h, at, h->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(h, at, t);
}

static void sift_down(struct http_timers *h, size_t at)
{
    struct http_timer *t = h->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && h->heap[child + 1]->due_ms < h->heap[child]->due_ms)
            child++;
        if (h->heap[child]->due_ms >= t->due_ms)
            break;
        place(h, at, h->heap[child]);
        at = child;
    }
    place(h, at, t);
}

void http_timers_set(struct http_timers *h, struct http_timer *t, int64_t due_ms)
{
    cf_assert(t->fire);
    http_timers_clear(h, t);
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 64;
        h->heap = cf_xrealloc(h->heap, h->cap * sizeof(struct http_timer *));
    }
    t->due_ms = due_ms;
    h->heap[h->count] = t;
    sift_up(h, h->count++);
}

void http_timers_clear(struct http_timers *h, struct http_timer *t)
{
    if (!t->slot)
        return;
    size_t at = t->slot - 1;
    cf_assert(at < h->count && h->heap[at] == t);
    t->slot = 0;
    struct http_timer *last = h->heap[--h->count];
    if (last == t)
        return;
    place(h, at, last);
    sift_up(h, at);
    sift_down(h, last->slot - 1);
}

int64_t http_timers_next(const struct http_timers *h)
{
    return h->count ? h->heap[0]->due_ms : -1;
}

void http_timers_run(struct http_timers *h, int64_t now_ms)
{
    while (h->count && h->heap[0]->due_ms <= now_ms) {
        struct http_timer *t = h->heap[0];
        http_timers_clear(h, t);
        t->fire(t);
    }
}

void http_timers_free(struct http_timers *h)
{
    free(h->heap);
    *h = (struct http_timers){ .heap = NULL };
}
