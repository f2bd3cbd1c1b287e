/* SPDX-License-Identifier: Apache-2.0 */
/* One mutex, one condition, two queues. No lock is held while a handler runs. */
#include "orchestrator/http/pool.h"

#include <stdio.h>

#include "base/thread.h"
#include "orchestrator/http/limits.h"

struct queue {
    struct http_exchange *first, **last;
    int count;
};

struct http_pool {
    struct http_loop *loop;
    int queue_max, normal_max; /* threads that normal requests may use */
    int thread_count;
    pthread_t threads[CF_HTTP_HANDLERS_MAX];

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t cond;
    struct queue normal, action;
    int normal_running;
    bool stopping;
};

static void push(struct queue *q, struct http_exchange *x)
{
    x->next_task = NULL;
    *q->last = x;
    q->last = &x->next_task;
    q->count++;
}

static struct http_exchange *pop(struct queue *q)
{
    struct http_exchange *x = q->first;
    q->first = x->next_task;
    if (!q->first)
        q->last = &q->first;
    q->count--;
    return x;
}

/* The next exchange; waits for one; NULL at the end. */
static struct http_exchange *take(struct http_pool *p)
{
    CF_LOCKED(&p->lock);
    for (;;) {
        if (p->action.count)
            return pop(&p->action);
        if (p->normal.count && p->normal_running < p->normal_max) {
            p->normal_running++;
            return pop(&p->normal);
        }
        if (p->stopping && !p->normal.count)
            return NULL;
        pthread_cond_wait(&p->cond, &p->lock);
    }
}

static void give_back(struct http_pool *p, enum cf_http_lane lane)
{
    if (lane != CF_HTTP_NORMAL)
        return;
    CF_LOCKED(&p->lock);
    p->normal_running--;
    /* This thread may take an action next: another one must see that the normal lane has room. */
    if (p->stopping)
        pthread_cond_broadcast(&p->cond);
    else if (p->normal.count)
        pthread_cond_signal(&p->cond);
}

static void *pool_main(void *arg)
{
    struct http_pool *p = arg;
    struct http_exchange *x;
    while ((x = take(p))) {
        enum cf_http_lane lane = x->lane;
        http_exchange_run(x);
        http_loop_post(p->loop, &x->back); /* x is the loop's from here */
        give_back(p, lane);
    }
    return NULL;
}

struct http_pool *http_pool_start(const char *name, int threads, int reserved, int queue_max,
                                  struct http_loop *loop, struct cf_error *err)
{
    cf_assert(threads > 0 && threads <= CF_HTTP_HANDLERS_MAX && reserved >= 0 &&
              reserved < threads);
    struct http_pool *p = cf_xcalloc(1, sizeof *p);
    p->loop = loop;
    p->queue_max = queue_max;
    p->normal_max = threads - reserved;
    p->normal.last = &p->normal.first;
    p->action.last = &p->action.first;
    pthread_mutex_init(&p->lock, NULL);
    cf_cond_init(&p->cond);
    for (; p->thread_count < threads; p->thread_count++) {
        char thread_name[32];
        snprintf(thread_name, sizeof thread_name, "%.9s-h%d", name, p->thread_count);
        if (!cf_thread_start(&p->threads[p->thread_count], thread_name, pool_main, p, err)) {
            http_pool_stop(p);
            return NULL;
        }
    }
    return p;
}

bool http_pool_submit(struct http_pool *p, struct http_exchange *x)
{
    CF_LOCKED(&p->lock);
    struct queue *q = x->lane == CF_HTTP_ACTION ? &p->action : &p->normal;
    if (q->count >= p->queue_max && !x->resume)
        return false;
    push(q, x);
    pthread_cond_signal(&p->cond);
    return true;
}

void http_pool_stop(struct http_pool *p)
{
    if (!p)
        return;
    {
        CF_LOCKED(&p->lock);
        p->stopping = true;
        pthread_cond_broadcast(&p->cond);
    }
    for (int i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->cond);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
