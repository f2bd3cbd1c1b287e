/* SPDX-License-Identifier: Apache-2.0 */
/* The client's thread: an epoll loop over connections, a queue of new exchanges and cancellations
 * from other threads, and the deadlines. Connections belong to the thread alone; the mutex guards
 * the queues. */
#include "deploy/sandbox/dataplane/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/thread.h"

enum { EVENTS = 64, READ_BYTES = 16 * 1024, NEVER = -1 };

struct link;

struct exchange {
    TAILQ_ENTRY(exchange) row;
    uint64_t id;
    struct sbx_wire_request request; /* bytes: our copy */
    char *bytes;
    size_t sent;
    int64_t begin_us, deadline_ms;
    sbx_wire_done *done;
    void *user;
    struct link *link;
};
TAILQ_HEAD(exchanges, exchange);

struct link {
    LIST_ENTRY(link)
    row; /* of the idle ones, or of the dead ones until the events in hand are through */
    int fd;
    bool connecting, used, dead;
    char address[SBX_WIRE_ADDRESS];
    int port;
    struct exchange *exchange; /* NULL: idle */
    struct cf_buf in;
};
LIST_HEAD(links, link);

struct cancellation {
    STAILQ_ENTRY(cancellation) row;
    uint64_t id;
};

struct sbx_wire {
    pthread_t thread;
    int epoll, event;
    pthread_mutex_t lock;
    uint64_t last_id;
    bool stopping;
    struct exchanges fresh;
    STAILQ_HEAD(, cancellation) cancellations;
    /* The thread's own. */
    struct exchanges active;
    struct links idle, dead;
    int idle_count;
    int64_t next_ms; /* the nearest deadline, or earlier */
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- connections */

static void link_close(struct sbx_wire *w, struct link *l)
{
    if (l->dead)
        return;
    l->dead = true;
    if (!l->exchange && l->used) {
        LIST_REMOVE(l, row);
        w->idle_count--;
    }
    close(l->fd);
    LIST_INSERT_HEAD(&w->dead, l, row);
}

static void bury(struct sbx_wire *w)
{
    struct link *l;
    while ((l = LIST_FIRST(&w->dead))) {
        LIST_REMOVE(l, row);
        cf_buf_free(&l->in);
        free(l);
    }
}

static void watch(struct sbx_wire *w, struct link *l, int op, uint32_t events)
{
    struct epoll_event ev = { .events = events | EPOLLRDHUP, .data.ptr = l };
    cf_assert(epoll_ctl(w->epoll, op, l->fd, &ev) == 0);
}

static void keep(struct sbx_wire *w, struct link *l)
{
    l->exchange = NULL;
    l->used = true;
    cf_buf_reset(&l->in);
    LIST_INSERT_HEAD(&w->idle, l, row);
    w->idle_count++;
    if (w->idle_count > SBX_WIRE_IDLE_MAX)
        link_close(w, l);
}

/* ---- ends */

static void finish(struct sbx_wire *w, struct exchange *x, struct sbx_wire_answer *answer)
{
    answer->elapsed_us = now_us() - x->begin_us;
    TAILQ_REMOVE(&w->active, x, row);
    x->done(x->user, answer);
    free(x->bytes);
    free(x);
}

static void fail(struct sbx_wire *w, struct exchange *x, const char *error, bool refused)
{
    struct link *l = x->link;
    bool stale = l && l->used && l->in.len == 0;
    if (l) {
        l->used = false; /* it is in no list */
        link_close(w, l);
        l->exchange = NULL;
    }
    finish(w, x, &(struct sbx_wire_answer){ .error = error, .refused = refused, .stale = stale });
}

static void fail_errno(struct sbx_wire *w, struct exchange *x, const char *what, int errnum,
                       bool refused)
{
    char text[128];
    char scratch[96];
    snprintf(text, sizeof(text), "%s: %s", what, strerror_r(errnum, scratch, sizeof(scratch)));
    fail(w, x, text, refused);
}

static void answered(struct sbx_wire *w, struct link *l, const struct sbx_wire_parsed *p)
{
    struct exchange *x = l->exchange;
    struct sbx_wire_answer answer = { .status = p->status,
                                      .head = p->head,
                                      .head_len = p->head_len,
                                      .body = p->body,
                                      .body_len = p->body_len };
    x->link = NULL;
    if (!p->keep || x->sent < x->request.len) {
        finish(w, x, &answer);
        l->used = false;
        link_close(w, l);
        l->exchange = NULL;
        return;
    }
    finish(w, x, &answer); /* before the buffer is emptied */
    keep(w, l);
}

/* ---- reading and writing */

static void push_out(struct sbx_wire *w, struct link *l)
{
    struct exchange *x = l->exchange;
    while (x->sent < x->request.len) {
        ssize_t n =
            send(l->fd, x->bytes + x->sent, x->request.len - x->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            watch(w, l, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0) {
            fail_errno(w, x, "write", errno, false);
            return;
        }
        x->sent += (size_t)n;
    }
    watch(w, l, EPOLL_CTL_MOD, EPOLLIN);
}

static void connected(struct sbx_wire *w, struct link *l)
{
    int error = 0;
    socklen_t len = sizeof(error);
    getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error) {
        fail_errno(w, l->exchange, "connect", error, true);
        return;
    }
    l->connecting = false;
    push_out(w, l);
}

static void pull_in(struct sbx_wire *w, struct link *l)
{
    char chunk[READ_BYTES];
    bool ended = false;
    for (;;) {
        ssize_t n = recv(l->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            fail_errno(w, l->exchange, "read", errno, false);
            return;
        }
        if (n == 0) {
            ended = true;
            break;
        }
        cf_buf_append(&l->in, chunk, (size_t)n);
        if ((size_t)n < sizeof(chunk))
            break; /* level-triggered: what is left comes back as an event */
    }
    if (l->in.overflow) {
        fail(w, l->exchange, "read: the answer is too large", false);
        return;
    }
    if (l->in.len == 0) {
        if (ended)
            fail(w, l->exchange, "read: connection closed", false);
        return;
    }
    struct sbx_wire_parsed p;
    switch (sbx_wire_parse(l->in.data, l->in.len, l->exchange->request.is_head, ended, &p)) {
    case SBX_WIRE_COMPLETE:
        if (ended)
            p.keep = false;
        answered(w, l, &p);
        break;
    case SBX_WIRE_BROKEN:
        fail(w, l->exchange,
             ended ? "read: connection closed within an answer" : "read: not an HTTP answer",
             false);
        break;
    case SBX_WIRE_MORE:
        break;
    }
}

static void on_event(struct sbx_wire *w, struct link *l, uint32_t events)
{
    if (l->dead)
        return;
    if (!l->exchange)
        link_close(w, l); /* an idle one has nothing to say but good-bye */
    else if (l->connecting)
        connected(w, l);
    else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        pull_in(w, l);
    else
        push_out(w, l);
}

/* ---- starting */

static struct link *idle_link(struct sbx_wire *w, const struct sbx_wire_request *r)
{
    struct link *l;
    LIST_FOREACH(l, &w->idle, row)
    {
        if (l->port == r->port && strcmp(l->address, r->address) == 0) {
            LIST_REMOVE(l, row);
            w->idle_count--;
            return l;
        }
    }
    return NULL;
}

static void start(struct sbx_wire *w, struct exchange *x)
{
    TAILQ_INSERT_TAIL(&w->active, x, row);
    w->next_ms = w->next_ms == NEVER ? x->deadline_ms : CF_MIN(w->next_ms, x->deadline_ms);
    struct link *l = idle_link(w, &x->request);
    if (l) {
        l->exchange = x;
        x->link = l;
        push_out(w, l);
        return;
    }
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)x->request.port) };
    int fd = inet_pton(AF_INET, x->request.address, &to.sin_addr) == 1
                 ? socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
                 : -1;
    if (fd < 0) {
        fail(w, x, "connect: no such address, or no more sockets", true);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) {
        int errnum = errno;
        close(fd);
        fail_errno(w, x, "connect", errnum, true);
        return;
    }
    l = cf_xcalloc(1, sizeof(*l));
    *l = (struct link){ .fd = fd,
                        .connecting = true,
                        .port = x->request.port,
                        .exchange = x,
                        .in = CF_BUF_INIT(SBX_WIRE_ANSWER_MAX) };
    memcpy(l->address, x->request.address, sizeof(l->address));
    x->link = l;
    watch(w, l, EPOLL_CTL_ADD, EPOLLOUT);
}

/* ---- the loop */

static void cancel(struct sbx_wire *w, uint64_t id)
{
    struct exchange *x = TAILQ_FIRST(&w->active);
    while (x) {
        struct exchange *next = TAILQ_NEXT(x, row);
        if (id == SBX_WIRE_ALL || x->id == id)
            fail(w, x, "canceled", false);
        x = next;
    }
}

static void take_orders(struct sbx_wire *w)
{
    uint64_t ignored;
    (void)!read(w->event, &ignored, sizeof(ignored));
    for (;;) {
        pthread_mutex_lock(&w->lock);
        struct exchange *x = TAILQ_FIRST(&w->fresh);
        if (x)
            TAILQ_REMOVE(&w->fresh, x, row);
        pthread_mutex_unlock(&w->lock);
        if (!x)
            break;
        start(w, x);
    }
    for (;;) {
        pthread_mutex_lock(&w->lock);
        struct cancellation *c = STAILQ_FIRST(&w->cancellations);
        if (c)
            STAILQ_REMOVE_HEAD(&w->cancellations, row);
        pthread_mutex_unlock(&w->lock);
        if (!c)
            break;
        cancel(w, c->id);
        free(c);
    }
}

static void look_at_deadlines(struct sbx_wire *w)
{
    int64_t now = cf_mono_now_ms();
    if (w->next_ms == NEVER || now < w->next_ms)
        return;
    struct exchange *x = TAILQ_FIRST(&w->active);
    while (x) {
        struct exchange *next = TAILQ_NEXT(x, row);
        if (x->deadline_ms <= now)
            fail(w, x, x->link && x->link->connecting ? "connect: timeout" : "read: timeout",
                 x->link && x->link->connecting);
        x = next;
    }
    w->next_ms = NEVER;
    TAILQ_FOREACH(x, &w->active, row)
    w->next_ms = w->next_ms == NEVER ? x->deadline_ms : CF_MIN(w->next_ms, x->deadline_ms);
}

static bool is_stopping(struct sbx_wire *w)
{
    CF_LOCKED(&w->lock);
    return w->stopping;
}

static void end_all(struct sbx_wire *w)
{
    struct exchange *x;
    do {
        take_orders(w); /* what callbacks have sent meanwhile */
        while ((x = TAILQ_FIRST(&w->active)))
            fail(w, x, "stopped", false);
        pthread_mutex_lock(&w->lock);
        x = TAILQ_FIRST(&w->fresh);
        pthread_mutex_unlock(&w->lock);
    } while (x);
    struct link *l;
    while ((l = LIST_FIRST(&w->idle)))
        link_close(w, l);
    bury(w);
}

static void *run(void *arg)
{
    struct sbx_wire *w = arg;
    while (!is_stopping(w)) {
        int64_t wait = w->next_ms == NEVER ? -1 : CF_MAX(0, w->next_ms - cf_mono_now_ms());
        struct epoll_event events[EVENTS];
        int n = epoll_wait(w->epoll, events, EVENTS, (int)wait);
        for (int i = 0; i < n; i++)
            if (events[i].data.ptr)
                on_event(w, events[i].data.ptr, events[i].events);
        for (int i = 0; i < n; i++)
            if (!events[i].data.ptr)
                take_orders(w);
        look_at_deadlines(w);
        bury(w);
    }
    end_all(w);
    return NULL;
}

static void wake(struct sbx_wire *w)
{
    uint64_t one = 1;
    (void)!write(w->event, &one, sizeof(one));
}

uint64_t sbx_wire_send(struct sbx_wire *w, const struct sbx_wire_request *request,
                       sbx_wire_done *done, void *user)
{
    cf_assert(request->timeout_ms > 0);
    struct exchange *x = cf_xcalloc(1, sizeof(*x));
    x->request = *request;
    x->bytes = cf_xmalloc(request->len + 1);
    memcpy(x->bytes, request->bytes, request->len);
    x->request.bytes = NULL;
    x->begin_us = now_us();
    x->deadline_ms = cf_mono_now_ms() + request->timeout_ms;
    x->done = done;
    x->user = user;
    pthread_mutex_lock(&w->lock);
    uint64_t id = x->id = ++w->last_id;
    TAILQ_INSERT_TAIL(&w->fresh, x, row);
    pthread_mutex_unlock(&w->lock);
    wake(w);
    return id;
}

void sbx_wire_cancel(struct sbx_wire *w, uint64_t id)
{
    struct cancellation *c = cf_xcalloc(1, sizeof(*c));
    c->id = id;
    pthread_mutex_lock(&w->lock);
    STAILQ_INSERT_TAIL(&w->cancellations, c, row);
    pthread_mutex_unlock(&w->lock);
    wake(w);
}

static void wire_free(struct sbx_wire *w)
{
    if (w->event >= 0)
        close(w->event);
    if (w->epoll >= 0)
        close(w->epoll);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct sbx_wire *sbx_wire_start(const char *name, struct cf_error *err)
{
    struct sbx_wire *w = cf_xcalloc(1, sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    TAILQ_INIT(&w->fresh);
    TAILQ_INIT(&w->active);
    STAILQ_INIT(&w->cancellations);
    w->next_ms = NEVER;
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
    if (w->epoll < 0 || w->event < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->event, &ev) < 0) {
        cf_error_errno(err, errno, "make an event loop");
        wire_free(w);
        return NULL;
    }
    if (!cf_thread_start(&w->thread, name, run, w, err)) {
        wire_free(w);
        return NULL;
    }
    return w;
}

void sbx_wire_stop(struct sbx_wire *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_mutex_unlock(&w->lock);
    wake(w);
    pthread_join(w->thread, NULL);
    wire_free(w);
}
