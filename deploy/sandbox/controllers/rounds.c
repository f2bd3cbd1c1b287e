/* SPDX-License-Identifier: Apache-2.0 */
/* When to look. */
#include "deploy/sandbox/controllers/rounds.h"

#include "base/thread.h"

enum {
    GAP_MS = 4,               /* many changes at once make one look */
    IDLE_MS = 60 * 60 * 1000, /* a wait without an end needs one anyway */
};

struct sbx_rounds {
    sbx_look_fn *look;
    void *user;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows; never held over a look */
    pthread_cond_t wake;  /* to the thread: a change, or stop */
    pthread_cond_t idle;  /* from the thread: a look ended */
    bool stop, is_dirty, is_looking, is_waiting, is_running;
    int held;
    int64_t last, wake_ms;
};

void sbx_rounds_change(void *rounds)
{
    struct sbx_rounds *r = rounds;
    CF_LOCKED(&r->lock);
    r->is_dirty = true;
    pthread_cond_signal(&r->wake);
}

/* With the lock held: until when there is nothing to do. */
static int64_t due(const struct sbx_rounds *r)
{
    if (r->held)
        return INT64_MAX;
    return r->is_dirty ? CF_MIN(r->wake_ms, r->last + GAP_MS) : r->wake_ms;
}

static void *run(void *arg)
{
    struct sbx_rounds *r = arg;
    CF_LOCKED(&r->lock);
    while (!r->stop) {
        int64_t now = cf_mono_now_ms();
        if (due(r) > now) {
            cf_cond_wait_until(&r->wake, &r->lock, CF_MIN(due(r), now + IDLE_MS));
            continue;
        }
        r->is_dirty = false;
        r->is_looking = true;
        pthread_mutex_unlock(&r->lock);
        int64_t wake = INT64_MAX;
        bool waiting = false;
        r->look(r->user, &wake, &waiting);
        pthread_mutex_lock(&r->lock);
        r->is_looking = false;
        r->is_waiting = waiting;
        r->wake_ms = wake;
        r->last = cf_mono_now_ms();
        pthread_cond_broadcast(&r->idle);
    }
    return NULL;
}

struct sbx_rounds *sbx_rounds_new(sbx_look_fn *look, void *user)
{
    struct sbx_rounds *r = cf_xcalloc(1, sizeof(*r));
    r->look = look;
    r->user = user;
    r->is_dirty = true;
    pthread_mutex_init(&r->lock, NULL);
    cf_cond_init(&r->wake);
    cf_cond_init(&r->idle);
    return r;
}

bool sbx_rounds_start(struct sbx_rounds *r, const char *thread_name, struct cf_error *err)
{
    r->is_running = cf_thread_start(&r->thread, thread_name, run, r, err);
    return r->is_running;
}

void sbx_rounds_stop(struct sbx_rounds *r)
{
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    if (r->is_running)
        pthread_join(r->thread, NULL);
    r->is_running = false;
}

void sbx_rounds_free(struct sbx_rounds *r)
{
    if (!r)
        return;
    cf_assert(!r->is_running);
    pthread_cond_destroy(&r->wake);
    pthread_cond_destroy(&r->idle);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static bool is_settled(const struct sbx_rounds *r)
{
    return !r->is_dirty && !r->is_looking && !r->is_waiting;
}

bool sbx_rounds_settle(struct sbx_rounds *r, int64_t timeout_ms)
{
    int64_t until = cf_mono_now_ms() + timeout_ms;
    CF_LOCKED(&r->lock);
    while (!is_settled(r))
        if (!cf_cond_wait_until(&r->idle, &r->lock, until))
            return is_settled(r);
    return true;
}

void sbx_rounds_hold(struct sbx_rounds *r)
{
    CF_LOCKED(&r->lock);
    r->held++;
    while (r->is_looking)
        pthread_cond_wait(&r->idle, &r->lock);
}

void sbx_rounds_release(struct sbx_rounds *r, void (*forget)(void *user))
{
    CF_LOCKED(&r->lock);
    cf_assert(r->held > 0);
    if (r->held == 1 && forget)
        forget(r->user);
    r->held--;
    r->is_dirty = true;
    pthread_cond_signal(&r->wake);
}
