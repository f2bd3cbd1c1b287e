/* SPDX-License-Identifier: Apache-2.0 */
/* One round: wait for descriptors, run what is ready, then the mail, then the timers, then bury the
 * dead. */
#include "orchestrator/http/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"
#include "orchestrator/http/limits.h"

enum { EVENTS_PER_ROUND = 128 };

struct http_loop {
    pthread_t thread;
    int epoll;
    struct http_fd wake; /* eventfd */
    struct http_timers timers;
    struct http_dead *dead;
    int64_t now_ms;
    bool quit;
    char scratch[CF_HTTP_READ_BYTES];

    pthread_mutex_t lock; /* guards the mailbox */
    struct http_mail *first, **last;
};

static void take_wake(struct http_fd *f, uint32_t events)
{
    (void)events;
    uint64_t n;
    while (read(f->fd, &n, sizeof n) > 0)
        ;
}

static struct http_mail *take_mail(struct http_loop *l)
{
    CF_LOCKED(&l->lock);
    struct http_mail *m = l->first;
    l->first = NULL;
    l->last = &l->first;
    return m;
}

static bool run_mail(struct http_loop *l)
{
    struct http_mail *m = take_mail(l);
    bool any = m != NULL;
    while (m) {
        struct http_mail *next = m->next;
        m->run(m);
        m = next;
    }
    return any;
}

static void bury_all(struct http_loop *l)
{
    while (l->dead) {
        struct http_dead *d = l->dead;
        l->dead = d->next;
        d->bury(d);
    }
}

static int wait_ms(const struct http_loop *l)
{
    int64_t next = http_timers_next(&l->timers);
    if (next < 0)
        return -1;
    int64_t ms = next - cf_mono_now_ms();
    return (int)(ms < 0 ? 0 : CF_MIN(ms, 60000));
}

static void *loop_main(void *arg)
{
    struct http_loop *l = arg;
    struct epoll_event events[EVENTS_PER_ROUND];
    while (!l->quit) {
        int n = epoll_wait(l->epoll, events, EVENTS_PER_ROUND, wait_ms(l));
        l->now_ms = cf_mono_now_ms();
        for (int i = 0; i < n; i++) {
            struct http_fd *f = events[i].data.ptr;
            if (f->watched)
                f->ready(f, events[i].events);
        }
        run_mail(l);
        http_timers_run(&l->timers, l->now_ms);
        bury_all(l);
    }
    while (run_mail(l))
        bury_all(l);
    return NULL;
}

struct http_loop *http_loop_start(const char *name, struct cf_error *err)
{
    struct http_loop *l = cf_xcalloc(1, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    l->last = &l->first;
    l->now_ms = cf_mono_now_ms();
    l->wake.ready = take_wake;
    l->wake.fd = -1;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0) {
        cf_error_errno(err, errno, "epoll_create1");
        goto failed;
    }
    l->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->wake.fd < 0 || !http_loop_watch(l, &l->wake, EPOLLIN)) {
        cf_error_errno(err, errno, "eventfd");
        goto failed;
    }
    if (cf_thread_start(&l->thread, name, loop_main, l, err))
        return l;
failed:
    http_loop_free(l);
    return NULL;
}

void http_loop_quit(struct http_loop *l)
{
    l->quit = true;
}

void http_loop_join(struct http_loop *l)
{
    pthread_join(l->thread, NULL);
}

void http_loop_free(struct http_loop *l)
{
    if (l->wake.fd >= 0)
        close(l->wake.fd);
    if (l->epoll >= 0)
        close(l->epoll);
    http_timers_free(&l->timers);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void http_loop_post(struct http_loop *l, struct http_mail *m)
{
    m->next = NULL;
    bool was_empty;
    {
        CF_LOCKED(&l->lock);
        was_empty = l->first == NULL;
        *l->last = m;
        l->last = &m->next;
    }
    /* A full mailbox has its wake-up already on the way. */
    uint64_t one = 1;
    if (was_empty && write(l->wake.fd, &one, sizeof one) < 0)
        cf_assert(errno == EAGAIN);
}

struct call {
    struct http_mail mail;
    void (*fn)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
};

static void run_call(struct http_mail *m)
{
    struct call *c = HTTP_CONTAINER(m, struct call, mail);
    c->fn(c->arg);
    CF_LOCKED(&c->lock);
    c->done = true;
    pthread_cond_signal(&c->cond);
}

void http_loop_call(struct http_loop *l, void (*fn)(void *arg), void *arg)
{
    if (pthread_equal(pthread_self(), l->thread)) {
        fn(arg);
        return;
    }
    struct call c = { .mail.run = run_call, .fn = fn, .arg = arg };
    pthread_mutex_init(&c.lock, NULL);
    cf_cond_init(&c.cond);
    http_loop_post(l, &c.mail);
    pthread_mutex_lock(&c.lock);
    while (!c.done)
        pthread_cond_wait(&c.cond, &c.lock);
    pthread_mutex_unlock(&c.lock);
    pthread_cond_destroy(&c.cond);
    pthread_mutex_destroy(&c.lock);
}

int64_t http_loop_now(const struct http_loop *l)
{
    return l->now_ms;
}

void http_loop_timer(struct http_loop *l, struct http_timer *t, int64_t in_ms)
{
    if (in_ms < 0)
        http_timers_clear(&l->timers, t);
    else
        /* Not in this round again: what re-arms itself for "now" must not keep the sockets waiting.
         */
        http_timers_set(&l->timers, t, l->now_ms + CF_MAX(in_ms, 1));
}

bool http_loop_watch(struct http_loop *l, struct http_fd *f, uint32_t mask)
{
    if (f->watched && f->mask == mask)
        return true;
    struct epoll_event e = { .events = mask, .data.ptr = f };
    if (epoll_ctl(l->epoll, f->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, f->fd, &e) < 0)
        return false;
    f->watched = true;
    f->mask = mask;
    return true;
}

void http_loop_unwatch(struct http_loop *l, struct http_fd *f)
{
    if (f->watched)
        (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, f->fd, NULL);
    f->watched = false;
}

void http_loop_bury(struct http_loop *l, struct http_dead *d)
{
    d->next = l->dead;
    l->dead = d;
}

char *http_loop_scratch(struct http_loop *l)
{
    return l->scratch;
}
