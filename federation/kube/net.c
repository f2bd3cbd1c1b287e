/* SPDX-License-Identifier: Apache-2.0 */
/* What all clients of the process share: three transports, and the thread that keeps credentials
 * fresh. */
#include "base/log.h"
#include "base/thread.h"
#include "federation/kube/fan_out.h"
#include "federation/kube/wire.h"

enum {
    REFRESHER_LOOK_MS = 30 * 1000,
    CALLS_PER_HOST_CONNECTIONS = 16,
    WATCHES_PER_HOST_CONNECTIONS = 64, /* HTTP/1.1 servers need one per watch; HTTP/2 one per 100 */
};

void kube_net_add(struct cf_kube_net *net, struct kube_wire *w)
{
    CF_LOCKED(&net->lock);
    w->next = net->wires;
    net->wires = w;
}

void kube_net_remove(struct cf_kube_net *net, struct kube_wire *w)
{
    CF_LOCKED(&net->lock);
    struct kube_wire **at = &net->wires;
    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
    while (net->at_work == w)
        pthread_cond_wait(&net->cond, &net->lock);
}

/* A wire whose material is due, or NULL and when to look again. The caller holds net->lock. */
static struct kube_wire *due(struct cf_kube_net *net, uint64_t *out_generation,
                             int64_t *out_next_ms)
{
    int64_t now_ms = cf_mono_now_ms();
    *out_next_ms = now_ms + REFRESHER_LOOK_MS;
    for (struct kube_wire *w = net->wires; w; w = w->next) {
        CF_LOCKED(&w->lock);
        if (w->next_fetch_ms <= now_ms && !w->is_fetching) {
            *out_generation = w->generation;
            return w;
        }
        *out_next_ms = CF_MIN(*out_next_ms, CF_MAX(w->next_fetch_ms, now_ms + 50));
    }
    return NULL;
}

static void refresh(struct kube_wire *w, uint64_t generation)
{
    struct cf_error err = CF_ERROR_INIT;
    if (!kube_wire_fetch(w, generation, cf_mono_now_ms() + KUBE_EXEC_TIMEOUT_MS, &err))
        cf_log_err(CF_LOG_WARN, "kube.credentials.stale",
                   "credentials could not be refreshed; will try again", &err,
                   CF_S("server", w->credentials->server));
}

static void *refresher(void *arg)
{
    struct cf_kube_net *net = arg;
    pthread_mutex_lock(&net->lock);
    while (!net->stopping) {
        uint64_t generation = 0;
        int64_t next_ms = 0;
        struct kube_wire *w = due(net, &generation, &next_ms);
        if (!w) {
            cf_cond_wait_until(&net->cond, &net->lock, next_ms);
            continue;
        }
        net->at_work = w;
        pthread_mutex_unlock(&net->lock);
        refresh(w, generation);
        pthread_mutex_lock(&net->lock);
        net->at_work = NULL;
        pthread_cond_broadcast(&net->cond);
    }
    pthread_mutex_unlock(&net->lock);
    return NULL;
}

static void free_parts(struct cf_kube_net *net)
{
    cf_transport_free(net->calls);
    cf_transport_free(net->watches);
    cf_transport_free(net->responders);
    pthread_cond_destroy(&net->cond);
    pthread_mutex_destroy(&net->lock);
    free(net);
}

struct cf_kube_net *cf_kube_net_new(struct cf_error *err)
{
    const struct cf_transport_options calls = { .name = "calls",
                                                .max_host_connections =
                                                    CALLS_PER_HOST_CONNECTIONS };
    const struct cf_transport_options watches = { .name = "watches",
                                                  .max_host_connections =
                                                      WATCHES_PER_HOST_CONNECTIONS };
    const struct cf_transport_options responders = { .name = "responders",
                                                     .max_host_connections =
                                                         CALLS_PER_HOST_CONNECTIONS };
    struct cf_kube_net *net = cf_xcalloc(1, sizeof *net);
    pthread_mutex_init(&net->lock, NULL);
    cf_cond_init(&net->cond);
    net->calls = cf_transport_new(&calls, err);
    net->watches = net->calls ? cf_transport_new(&watches, err) : NULL;
    net->responders = net->watches ? cf_transport_new(&responders, err) : NULL;
    if (net->responders && cf_thread_start(&net->refresher, "credentials", refresher, net, err))
        return net;
    free_parts(net);
    return NULL;
}

void cf_kube_net_free(struct cf_kube_net *net)
{
    if (!net)
        return;
    {
        CF_LOCKED(&net->lock);
        cf_assert(!net->wires);
        net->stopping = true;
        pthread_cond_broadcast(&net->cond);
    }
    pthread_join(net->refresher, NULL);
    free_parts(net);
}

struct cf_transport *cf_kube_net_calls(struct cf_kube_net *net)
{
    return net->calls;
}

struct cf_kube *cf_kube_open(struct cf_kube_net *net, struct cf_kube_credentials *credentials,
                             const struct cf_kube_options *options, struct cf_error *err)
{
    struct kube_wire *w = kube_wire_new(net, credentials, options, err);
    if (!w)
        return NULL;
    struct cf_kube *k = cf_kube_new(options ? options->name : NULL, &kube_wire_ops, w);
    int places = w->options.max_in_flight > 0 ? w->options.max_in_flight : CF_KUBE_AT_ONCE_DEFAULT;
    cf_kube_set_parallel(k, CF_MAX(1, CF_MIN(places / 2, CF_KUBE_PARALLEL_MAX)));
    return k;
}
