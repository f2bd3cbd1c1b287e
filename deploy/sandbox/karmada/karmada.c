/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's thread: when to look, and which of its parts run. */
#include "deploy/sandbox/karmada/karmada.h"

#include <string.h>

#include "base/thread.h"
#include "deploy/sandbox/karmada/front.h"
#include "deploy/sandbox/karmada/round.h"
#include "deploy/sandbox/karmada/switches.h"
#include "deploy/sandbox/karmada/webhook.h"

enum {
    ROUND_GAP_MS = 4,         /* many changes at once make one look */
    IDLE_MS = 60 * 60 * 1000, /* a wait without an end needs one anyway */
    FULL_WAIT = 100,
};

struct sbx_karmada {
    struct km_plane plane; /* the thread's, but for the switches; everyone's while it is held */
    int slot;
    struct km_front front;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows; never held over a call to an API server */
    pthread_cond_t wake;  /* to the thread: a change, or stop */
    pthread_cond_t idle;  /* from the thread: a look ended */
    bool stop, is_dirty, is_looking, is_waiting, is_running;
    int held;
    int64_t last, wake_ms;
};

/* Which process of a real control plane does it. */
enum part { PART_CONTROLLERS, PART_SCHEDULER };

static const struct {
    enum part part;
    void (*look)(struct km_round *r);
} controllers[] = {
    { PART_CONTROLLERS, km_ctl_clusters },        { PART_CONTROLLERS, km_ctl_namespaces },
    { PART_CONTROLLERS, km_ctl_policies },        { PART_CONTROLLERS, km_ctl_detector },
    { PART_CONTROLLERS, km_ctl_rebalancer },      { PART_SCHEDULER, km_ctl_scheduler },
    { PART_CONTROLLERS, km_ctl_eviction },        { PART_CONTROLLERS, km_ctl_dependencies },
    { PART_CONTROLLERS, km_ctl_bindings },        { PART_CONTROLLERS, km_ctl_execution },
    { PART_CONTROLLERS, km_ctl_work_status },     { PART_CONTROLLERS, km_ctl_binding_status },
    { PART_CONTROLLERS, km_ctl_template_status },
};

static void on_change(void *user)
{
    struct sbx_karmada *k = user;
    CF_LOCKED(&k->lock);
    k->is_dirty = true;
    pthread_cond_signal(&k->wake);
}

/* One look, without the lock. */
static void look(struct km_plane *plane, int64_t *out_wake, bool *out_waiting)
{
    static const enum km_switch pauses[] = {
        [PART_CONTROLLERS] = KM_CONTROLLERS_PAUSED, [PART_SCHEDULER] = KM_SCHEDULER_PAUSED
    };
    struct km_round r;
    km_round_begin(&r, plane);
    for (size_t i = 0; i < CF_ARRAY_LEN(controllers); i++)
        if (!km_on(&plane->switches, pauses[controllers[i].part]) &&
            (r.hub_answers || controllers[i].look == km_ctl_execution))
            controllers[i].look(&r);
    km_round_end(&r, out_wake, out_waiting);
}

/* With the lock held: until when there is nothing to do. */
static int64_t due(const struct sbx_karmada *k)
{
    if (k->held)
        return INT64_MAX;
    return k->is_dirty ? CF_MIN(k->wake_ms, k->last + ROUND_GAP_MS) : k->wake_ms;
}

static void *run(void *arg)
{
    struct sbx_karmada *k = arg;
    CF_LOCKED(&k->lock);
    while (!k->stop) {
        int64_t now = cf_mono_now_ms();
        if (due(k) > now) {
            cf_cond_wait_until(&k->wake, &k->lock, CF_MIN(due(k), now + IDLE_MS));
            continue;
        }
        k->is_dirty = false;
        k->is_looking = true;
        pthread_mutex_unlock(&k->lock);
        int64_t wake;
        bool waiting;
        look(&k->plane, &wake, &waiting);
        pthread_mutex_lock(&k->lock);
        k->is_looking = false;
        k->is_waiting = waiting;
        k->wake_ms = wake;
        k->last = cf_mono_now_ms();
        pthread_cond_broadcast(&k->idle);
    }
    return NULL;
}

/* ---- life ---- */

static struct sbx_world world_of(struct sbx_api *api, size_t index)
{
    return (struct sbx_world){ .api = api, .index = index, .timers = json_object() };
}

static void listen_to_all(struct sbx_karmada *k, bool listen)
{
    void (*fn)(void *) = listen ? on_change : NULL;
    sbx_api_on_change(k->plane.hub.api, k->slot, fn, k);
    for (size_t i = 0; i < k->plane.count; i++)
        sbx_api_on_change(k->plane.members[i].world.api, k->slot, fn, k);
}

struct sbx_karmada *sbx_karmada_start(const struct sbx_karmada_options *o, struct cf_error *err)
{
    cf_assert(o->count <= SBX_KARMADA_MEMBERS_MAX);
    struct sbx_karmada *k = cf_xcalloc(1, sizeof(*k));
    pthread_mutex_init(&k->lock, NULL);
    cf_cond_init(&k->wake);
    cf_cond_init(&k->idle);
    k->slot = o->listener_slot;
    k->is_dirty = true;
    k->plane.hub = world_of(o->hub, 0);
    k->plane.wait_percent = o->wait_percent > 0 ? o->wait_percent : FULL_WAIT;
    k->plane.memory = json_object();
    k->plane.count = o->count;
    for (size_t i = 0; i < o->count; i++) {
        struct km_member *m = &k->plane.members[i];
        m->name = cf_xstrdup(sbx_api_cluster(o->members[i]));
        m->url = cf_xstrdup(o->urls ? o->urls[i] : "");
        m->world = world_of(o->members[i], i);
    }
    k->front = (struct km_front){ &k->plane };
    sbx_api_on_write(o->hub, km_webhook, &k->plane.switches);
    sbx_api_on_call(o->hub, km_front_answer, &k->front);
    listen_to_all(k, true);
    k->is_running = cf_thread_start(&k->thread, "karmada", run, k, err);
    if (k->is_running)
        return k;
    sbx_karmada_stop(k);
    return NULL;
}

void sbx_karmada_stop(struct sbx_karmada *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->stop = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
    if (k->is_running)
        pthread_join(k->thread, NULL);
    listen_to_all(k, false);
    sbx_api_on_write(k->plane.hub.api, NULL, NULL);
    sbx_api_on_call(k->plane.hub.api, NULL, NULL);
    for (size_t i = 0; i < k->plane.count; i++) {
        json_decref(k->plane.members[i].world.timers);
        free(k->plane.members[i].name);
        free(k->plane.members[i].url);
    }
    json_decref(k->plane.hub.timers);
    json_decref(k->plane.memory);
    pthread_cond_destroy(&k->wake);
    pthread_cond_destroy(&k->idle);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

bool sbx_karmada_settle(struct sbx_karmada *k, int64_t timeout_ms)
{
    int64_t until = cf_mono_now_ms() + timeout_ms;
    CF_LOCKED(&k->lock);
    while (k->is_dirty || k->is_looking || k->is_waiting)
        if (!cf_cond_wait_until(&k->idle, &k->lock, until))
            return !k->is_dirty && !k->is_looking && !k->is_waiting;
    return true;
}

void sbx_karmada_hold(struct sbx_karmada *k)
{
    CF_LOCKED(&k->lock);
    k->held++;
    while (k->is_looking)
        pthread_cond_wait(&k->idle, &k->lock);
}

static void forget(struct km_plane *plane)
{
    json_object_clear(plane->memory);
    json_object_clear(plane->hub.timers);
    for (size_t i = 0; i < plane->count; i++)
        plane->members[i].joined = false;
}

void sbx_karmada_release(struct sbx_karmada *k)
{
    CF_LOCKED(&k->lock);
    if (k->held == 1)
        forget(&k->plane);
    k->held--;
    k->is_dirty = true;
    pthread_cond_signal(&k->wake);
}

/* ---- switches ---- */

bool sbx_karmada_switch(struct sbx_karmada *k, const char *member, const char *name, int64_t value,
                        struct cf_error *err)
{
    if (!km_switch_set(&k->plane, member, name, value, err))
        return false;
    on_change(k);
    return true;
}

void sbx_karmada_heal(struct sbx_karmada *k)
{
    km_switches_heal(&k->plane);
    on_change(k);
}

json_t *sbx_karmada_switches(struct sbx_karmada *k)
{
    return km_switches_tell(&k->plane);
}

void sbx_karmada_away(struct sbx_karmada *k, const char *member, bool away)
{
    struct cf_error err = CF_ERROR_INIT;
    bool known = km_switch_set(&k->plane, member, member ? "unreachable" : "away", away, &err);
    cf_assert(known);
    on_change(k);
}
