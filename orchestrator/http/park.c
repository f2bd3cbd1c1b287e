/* SPDX-License-Identifier: Apache-2.0 */
/* The handle of a parked exchange: shared by the owner, who may wake it from any thread, and the
 * sockets' thread. */
#include "orchestrator/http/park.h"

#include "base/thread.h"
#include "orchestrator/http/listener.h"

struct cf_http_parked {
    atomic_int refs;         /* the owner's, the exchange's, that of mail on its way */
    int64_t wait_ms;         /* constant */
    struct http_loop *loop;  /* constant; alive while not detached */
    struct http_exchange *x; /* the sockets' thread; NULL when detached */
    bool woken;              /* the sockets' thread */
    struct http_mail mail;

    pthread_mutex_t lock; /* guards what follows */
    bool posted, detached;
};

void cf_http_parked_release(struct cf_http_parked *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) > 1)
        return;
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void receive_wake(struct http_mail *m)
{
    struct cf_http_parked *p = HTTP_CONTAINER(m, struct cf_http_parked, mail);
    pthread_mutex_lock(&p->lock);
    p->posted = false;
    pthread_mutex_unlock(&p->lock);
    p->woken = true;
    if (p->x && p->x->phase == HTTP_PARKED)
        http_exchange_resume(p->x, CF_HTTP_WOKEN);
    cf_http_parked_release(p);
}

struct cf_http_parked *cf_http_park(struct cf_http_response *res, int64_t wait_ms,
                                    cf_http_continuation *continuation, void *user)
{
    struct http_exchange *x = http_exchange_of_response(res);
    cf_assert(continuation && !x->parked);
    cf_assert(x->why != CF_HTTP_GONE && x->why != CF_HTTP_DRAIN);
    struct cf_http_parked *p = cf_xcalloc(1, sizeof *p);
    atomic_init(&p->refs, 2);
    pthread_mutex_init(&p->lock, NULL);
    p->wait_ms = wait_ms;
    p->loop = x->listener->server->loop;
    p->x = x;
    p->mail.run = receive_wake;
    x->parked = p;
    x->resume = continuation;
    x->resume_user = user;
    res->outcome = HTTP_PARK;
    return p;
}

void cf_http_parked_wake(struct cf_http_parked *p)
{
    CF_LOCKED(&p->lock);
    if (p->detached || p->posted)
        return;
    p->posted = true;
    atomic_fetch_add(&p->refs, 1);
    http_loop_post(p->loop, &p->mail);
}

int64_t http_parked_wait_ms(const struct cf_http_parked *p)
{
    return p->wait_ms;
}

bool http_parked_is_woken(const struct cf_http_parked *p)
{
    return p->woken;
}

void http_parked_detach(struct http_exchange *x)
{
    struct cf_http_parked *p = cf_steal(&x->parked);
    if (!p)
        return;
    p->x = NULL;
    pthread_mutex_lock(&p->lock);
    p->detached = true;
    pthread_mutex_unlock(&p->lock);
    cf_http_parked_release(p);
}
