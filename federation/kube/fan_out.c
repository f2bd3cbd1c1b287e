/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded fan-out over short-lived threads (fan_out.h). */
#include "federation/kube/fan_out.h"

#include <stdatomic.h>

#include "base/thread.h"
#include "federation/kube/kube_internal.h"

struct fan {
    cf_kube_fan_fn *one;
    void *arg;
    size_t n;
    atomic_size_t next; /* the first number that nobody has begun; may pass n */
    atomic_bool stop;
};

static void *work(void *arg)
{
    struct fan *f = arg;
    while (!atomic_load(&f->stop)) {
        size_t i = atomic_fetch_add(&f->next, 1);
        if (i >= f->n)
            break;
        if (!f->one(f->arg, i))
            atomic_store(&f->stop, true);
    }
    return NULL;
}

size_t cf_kube_fan_out(struct cf_kube *k, size_t n, cf_kube_fan_fn *one, void *arg)
{
    struct fan f = { .one = one, .arg = arg, .n = n };
    pthread_t threads[CF_KUBE_PARALLEL_MAX];
    size_t wanted = CF_MIN((size_t)k->parallel, n), started = 0;
    struct cf_error unstarted = CF_ERROR_INIT; /* fewer threads do the same, a little later */
    while (started + 1 < wanted &&
           cf_thread_start(&threads[started], "fan-out", work, &f, &unstarted))
        started++;
    work(&f);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    return CF_MIN(atomic_load(&f.next), n);
}

struct each {
    const json_t *elements;
    cf_kube_each_fn *one;
    void *arg;
    pthread_mutex_t lock; /* guards err */
    struct cf_error *err;
};

static bool each_number(void *arg, size_t i)
{
    struct each *e = arg;
    struct cf_error why = CF_ERROR_INIT;
    if (e->one(e->arg, json_array_get(e->elements, i), &why))
        return true;
    CF_LOCKED(&e->lock);
    if (e->err->kind == CF_ERR_NONE)
        (void)cf_error_move(e->err, &why);
    return false;
}

bool cf_kube_each(struct cf_kube *k, const json_t *elements, cf_kube_each_fn *one, void *arg,
                  struct cf_error *err)
{
    struct each e = { .elements = elements, .one = one, .arg = arg, .err = err };
    pthread_mutex_init(&e.lock, NULL);
    cf_kube_fan_out(k, json_array_size(elements), each_number, &e);
    pthread_mutex_destroy(&e.lock);
    return err->kind == CF_ERR_NONE;
}

void cf_kube_set_parallel(struct cf_kube *k, int parallel)
{
    cf_assert(parallel >= 1 && parallel <= CF_KUBE_PARALLEL_MAX);
    k->parallel = parallel;
}
