/* SPDX-License-Identifier: Apache-2.0 */
/* The hub's thread: when to look, and which of its parts run. */
#include "deploy/sandbox/clusternet/clusternet.h"

#include <string.h>

#include "base/thread.h"
#include "deploy/sandbox/clusternet/round.h"

enum {
    ROUND_GAP_MS = 4,         /* many changes at once make one look */
    IDLE_MS = 60 * 60 * 1000, /* a wait without an end needs one anyway */
};

struct sbx_clusternet {
    struct cn_hub plane; /* the thread's, but for the switches; everyone's while it is held */
    int slot;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows; never held over a call to an API server */
    pthread_cond_t wake;  /* to the thread: a change, or stop */
    pthread_cond_t idle;  /* from the thread: a look ended */
    bool stop, is_dirty, is_looking, is_waiting, is_running;
    int held;
    int64_t last, wake_ms;
};

/* Which process of a real hub does it. */
enum part { PART_CONTROLLERS, PART_SCHEDULER };

static const struct {
    enum part part;
    void (*look)(struct cn_round *r);
} controllers[] = {
    { PART_CONTROLLERS, cn_ctl_members },       { PART_CONTROLLERS, cn_ctl_manifests },
    { PART_CONTROLLERS, cn_ctl_overrides },     { PART_SCHEDULER, cn_ctl_scheduler },
    { PART_CONTROLLERS, cn_ctl_subscriptions }, { PART_CONTROLLERS, cn_ctl_bases },
    { PART_CONTROLLERS, cn_ctl_descriptions },
};

static void on_change(void *user)
{
    struct sbx_clusternet *c = user;
    CF_LOCKED(&c->lock);
    c->is_dirty = true;
    pthread_cond_signal(&c->wake);
}

/* One look, without the lock. Of a hub that does not answer nobody learns anything. */
static void look(struct cn_hub *plane, int64_t *out_wake, bool *out_waiting)
{
    static const enum cn_switch pauses[] = {
        [PART_CONTROLLERS] = CN_CONTROLLERS_PAUSED, [PART_SCHEDULER] = CN_SCHEDULER_PAUSED
    };
    struct cn_round r;
    *out_wake = INT64_MAX;
    *out_waiting = false;
    if (cn_on(&plane->switches, CN_AWAY))
        return;
    cn_round_begin(&r, plane);
    for (size_t i = 0; i < CF_ARRAY_LEN(controllers); i++)
        if (!cn_on(&plane->switches, pauses[controllers[i].part]))
            controllers[i].look(&r);
    cn_round_end(&r, out_wake, out_waiting);
}

/* With the lock held: until when there is nothing to do. */
static int64_t due(const struct sbx_clusternet *c)
{
    if (c->held)
        return INT64_MAX;
    return c->is_dirty ? CF_MIN(c->wake_ms, c->last + ROUND_GAP_MS) : c->wake_ms;
}

static void *run(void *arg)
{
    struct sbx_clusternet *c = arg;
    CF_LOCKED(&c->lock);
    while (!c->stop) {
        int64_t now = cf_mono_now_ms();
        if (due(c) > now) {
            cf_cond_wait_until(&c->wake, &c->lock, CF_MIN(due(c), now + IDLE_MS));
            continue;
        }
        c->is_dirty = false;
        c->is_looking = true;
        pthread_mutex_unlock(&c->lock);
        int64_t wake;
        bool waiting;
        look(&c->plane, &wake, &waiting);
        pthread_mutex_lock(&c->lock);
        c->is_looking = false;
        c->is_waiting = waiting;
        c->wake_ms = wake;
        c->last = cf_mono_now_ms();
        pthread_cond_broadcast(&c->idle);
    }
    return NULL;
}

/* ---- life ---- */

static struct sbx_world world_of(struct sbx_api *api, size_t index)
{
    return (struct sbx_world){ .api = api, .index = index, .timers = json_object() };
}

static void listen_to_all(struct sbx_clusternet *c, bool listen)
{
    void (*fn)(void *) = listen ? on_change : NULL;
    sbx_api_on_change(c->plane.world.api, c->slot, fn, c);
    for (size_t i = 0; i < c->plane.count; i++)
        sbx_api_on_change(c->plane.members[i].world.api, c->slot, fn, c);
}

struct sbx_clusternet *sbx_clusternet_start(const struct sbx_clusternet_options *o,
                                            struct cf_error *err)
{
    cf_assert(o->count <= SBX_CLUSTERNET_MEMBERS_MAX);
    struct sbx_clusternet *c = cf_xcalloc(1, sizeof(*c));
    pthread_mutex_init(&c->lock, NULL);
    cf_cond_init(&c->wake);
    cf_cond_init(&c->idle);
    c->slot = o->listener_slot;
    c->is_dirty = true;
    c->plane.world = world_of(o->hub, 0);
    c->plane.seen = json_object();
    c->plane.count = o->count;
    for (size_t i = 0; i < o->count; i++) {
        c->plane.members[i].name = cf_xstrdup(sbx_api_cluster(o->members[i]));
        c->plane.members[i].world = world_of(o->members[i], i);
    }
    sbx_api_on_call(o->hub, cn_shadow_answer, &c->plane);
    listen_to_all(c, true);
    c->is_running = cf_thread_start(&c->thread, "clusternet", run, c, err);
    if (c->is_running)
        return c;
    sbx_clusternet_stop(c);
    return NULL;
}

void sbx_clusternet_stop(struct sbx_clusternet *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    if (c->is_running)
        pthread_join(c->thread, NULL);
    listen_to_all(c, false);
    sbx_api_on_call(c->plane.world.api, NULL, NULL);
    for (size_t i = 0; i < c->plane.count; i++) {
        json_decref(c->plane.members[i].world.timers);
        free(c->plane.members[i].name);
    }
    json_decref(c->plane.world.timers);
    json_decref(c->plane.seen);
    pthread_cond_destroy(&c->wake);
    pthread_cond_destroy(&c->idle);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

bool sbx_clusternet_settle(struct sbx_clusternet *c, int64_t timeout_ms)
{
    int64_t until = cf_mono_now_ms() + timeout_ms;
    CF_LOCKED(&c->lock);
    while (c->is_dirty || c->is_looking || c->is_waiting)
        if (!cf_cond_wait_until(&c->idle, &c->lock, until))
            return !c->is_dirty && !c->is_looking && !c->is_waiting;
    return true;
}

void sbx_clusternet_hold(struct sbx_clusternet *c)
{
    CF_LOCKED(&c->lock);
    c->held++;
    while (c->is_looking)
        pthread_cond_wait(&c->idle, &c->lock);
}

void sbx_clusternet_release(struct sbx_clusternet *c)
{
    CF_LOCKED(&c->lock);
    if (c->held == 1) {
        json_object_clear(c->plane.seen);
        json_object_clear(c->plane.world.timers);
    }
    c->held--;
    c->is_dirty = true;
    pthread_cond_signal(&c->wake);
}

/* ---- switches ---- */

bool sbx_clusternet_switch(struct sbx_clusternet *c, const char *member, const char *name,
                           int64_t value, struct cf_error *err)
{
    if (!cn_switch_set(&c->plane, member, name, value, err))
        return false;
    on_change(c);
    return true;
}

void sbx_clusternet_heal(struct sbx_clusternet *c)
{
    cn_switches_heal(&c->plane);
    on_change(c);
}

json_t *sbx_clusternet_switches(struct sbx_clusternet *c)
{
    return cn_switches_tell(&c->plane);
}

void sbx_clusternet_away(struct sbx_clusternet *c, const char *member, bool away)
{
    struct cf_error err = CF_ERROR_INIT;
    if (cn_switch_set(&c->plane, member, member ? "unreachable" : "away", away, &err))
        on_change(c);
}
