/* SPDX-License-Identifier: Apache-2.0 */
/* The controllers' thread: which cluster to look at, and when. */
#include "deploy/sandbox/controllers/controllers.h"

#include "base/thread.h"
#include "deploy/sandbox/controllers/pass.h"
#include "deploy/sandbox/controllers/readers.h"

enum {
    PASS_GAP_MS = 4, /* between two looks at one cluster: many changes at once make one look */
    IDLE_MS = 60 * 60 * 1000, /* a wait without an end needs one anyway */
};

struct cluster {
    struct sbx_controllers *owner;
    struct sbx_world world; /* the thread's */
    bool is_dirty;          /* from here on guarded by the owner's lock */
    bool is_busy;           /* a look is under way, or a timer runs that settling waits for */
    int64_t last;           /* when the last look ended */
    int64_t wake;           /* the earliest timer */
};

struct sbx_controllers {
    pthread_mutex_t lock; /* never held over a call to an API server */
    pthread_cond_t wake;  /* to the thread: a change, or stop */
    pthread_cond_t idle;  /* from the thread: a look ended */
    pthread_t thread;
    bool stop;
    size_t n;
    struct cluster clusters[SBX_CLUSTERS_MAX];
};

static void (*const controllers[])(struct sbx_pass *p) = {
    sbx_ctl_namespaces,  sbx_ctl_garbage,    sbx_ctl_claims,        sbx_ctl_attachments,
    sbx_ctl_contents,    sbx_ctl_pods,       sbx_ctl_slices,        sbx_ctl_replica_sets,
    sbx_ctl_deployments, sbx_ctl_scaling,    sbx_ctl_stateful_sets, sbx_ctl_daemon_sets,
    sbx_ctl_jobs,        sbx_ctl_disruption, sbx_ctl_gateways,
};

/* How many of them, from the first on, a control plane has. */
enum { UPKEEP = 2 };

/* With the API server's lock held. */
static void on_change(void *user)
{
    struct cluster *k = user;
    CF_LOCKED(&k->owner->lock);
    k->is_dirty = true;
    pthread_cond_signal(&k->owner->wake);
}

/* One look, without the lock. */
static void look(struct sbx_world *w, int64_t *out_wake, bool *out_waiting)
{
    struct sbx_pass p;
    sbx_pass_begin(&p, w);
    size_t n = w->options.only_upkeep ? UPKEEP : CF_ARRAY_LEN(controllers);
    for (size_t i = 0; i < n; i++)
        controllers[i](&p);
    *out_wake = p.wake;
    *out_waiting = p.is_waiting;
    sbx_pass_end(&p);
}

static int64_t due(const struct cluster *k)
{
    return k->is_dirty ? CF_MIN(k->wake, k->last + PASS_GAP_MS) : k->wake;
}

/* With the lock held: the cluster whose turn it is, or NULL; *out_until is when to ask again. */
static struct cluster *next(struct sbx_controllers *c, int64_t *out_until)
{
    struct cluster *first = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (!first || due(&c->clusters[i]) < due(first))
            first = &c->clusters[i];
    int64_t now = cf_mono_now_ms();
    *out_until = first ? CF_MIN(due(first), now + IDLE_MS) : now + IDLE_MS;
    return first && due(first) <= now ? first : NULL;
}

static void *run(void *arg)
{
    struct sbx_controllers *c = arg;
    CF_LOCKED(&c->lock);
    while (!c->stop) {
        int64_t until;
        struct cluster *k = next(c, &until);
        if (!k) {
            cf_cond_wait_until(&c->wake, &c->lock, until);
            continue;
        }
        k->is_dirty = false;
        k->is_busy = true;
        pthread_mutex_unlock(&c->lock);
        int64_t wake;
        bool waiting;
        look(&k->world, &wake, &waiting);
        pthread_mutex_lock(&c->lock);
        k->is_busy = waiting;
        k->wake = wake;
        k->last = cf_mono_now_ms();
        pthread_cond_broadcast(&c->idle);
    }
    return NULL;
}

static int64_t or_default(int64_t value, int64_t dflt)
{
    return value > 0 ? value : dflt;
}

static struct sbx_controllers_options complete(const struct sbx_controllers_options *given)
{
    struct sbx_controllers_options o = given ? *given : (struct sbx_controllers_options){ 0 };
    o.pod_ready_ms = or_default(o.pod_ready_ms, 300);
    o.pod_drain_ms = or_default(o.pod_drain_ms, 300);
    o.job_run_ms = or_default(o.job_run_ms, 500);
    o.detach_ms = or_default(o.detach_ms, 100);
    o.route_status_ms = or_default(o.route_status_ms, 50);
    o.first_octet = (int)or_default(o.first_octet, 10);
    return o;
}

struct sbx_controllers *sbx_controllers_start(struct sbx_api *const *apis, size_t n,
                                              const struct sbx_controllers_options *options,
                                              struct cf_error *err)
{
    cf_assert(n <= SBX_CLUSTERS_MAX);
    struct sbx_controllers *c = cf_xcalloc(1, sizeof(*c));
    pthread_mutex_init(&c->lock, NULL);
    cf_cond_init(&c->wake);
    cf_cond_init(&c->idle);
    c->n = n;
    for (size_t i = 0; i < n; i++) {
        struct cluster *k = &c->clusters[i];
        *k = (struct cluster){ .owner = c, .is_dirty = true };
        k->world = (struct sbx_world){
            .api = apis[i], .index = i, .options = complete(options), .timers = json_object()
        };
        sbx_api_on_change(apis[i], k->world.options.listener_slot, on_change, k);
        if (k->world.options.volumes)
            sbx_api_on_call(apis[i], sbx_reader_log, &k->world);
    }
    if (cf_thread_start(&c->thread, "controllers", run, c, err))
        return c;
    c->stop = true;
    sbx_controllers_stop(c);
    return NULL;
}

void sbx_controllers_stop(struct sbx_controllers *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    bool is_running = !c->stop;
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    if (is_running)
        pthread_join(c->thread, NULL);
    for (size_t i = 0; i < c->n; i++) {
        sbx_api_on_change(c->clusters[i].world.api, c->clusters[i].world.options.listener_slot,
                          NULL, NULL);
        if (c->clusters[i].world.options.volumes)
            sbx_api_on_call(c->clusters[i].world.api, NULL, NULL);
        sbx_world_end(&c->clusters[i].world);
    }
    pthread_cond_destroy(&c->wake);
    pthread_cond_destroy(&c->idle);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static bool is_settled(const struct sbx_controllers *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->clusters[i].is_dirty || c->clusters[i].is_busy)
            return false;
    return true;
}

bool sbx_controllers_settle(struct sbx_controllers *c, int64_t timeout_ms)
{
    int64_t until = cf_mono_now_ms() + timeout_ms;
    CF_LOCKED(&c->lock);
    while (!is_settled(c))
        if (!cf_cond_wait_until(&c->idle, &c->lock, until))
            return is_settled(c);
    return true;
}
