/* SPDX-License-Identifier: Apache-2.0 */
/* The hub's thread: when to look, and which of its parts run. */
#include "deploy/sandbox/clusternet/clusternet.h"

#include <string.h>

#include "deploy/sandbox/controllers/rounds.h"
#include "deploy/sandbox/clusternet/round.h"

struct sbx_clusternet {
    struct cn_hub plane; /* the thread's, but for the switches; everyone's while it is held */
    int slot;
    struct sbx_rounds *rounds;
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

/* One look, without the lock. Of a hub that does not answer nobody learns anything. */
static void look(void *user, int64_t *out_wake, bool *out_waiting)
{
    struct cn_hub *plane = user;
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

/* ---- life ---- */

static struct sbx_world world_of(struct sbx_api *api, size_t index)
{
    return (struct sbx_world){ .api = api, .index = index, .timers = json_object() };
}

static void listen_to_all(struct sbx_clusternet *c, bool listen)
{
    void (*fn)(void *) = listen ? sbx_rounds_change : NULL;
    sbx_api_on_change(c->plane.world.api, c->slot, fn, c->rounds);
    for (size_t i = 0; i < c->plane.count; i++)
        sbx_api_on_change(c->plane.members[i].world.api, c->slot, fn, c->rounds);
}

struct sbx_clusternet *sbx_clusternet_start(const struct sbx_clusternet_options *o,
                                            struct cf_error *err)
{
    cf_assert(o->count <= SBX_CLUSTERNET_MEMBERS_MAX);
    struct sbx_clusternet *c = cf_xcalloc(1, sizeof(*c));
    c->rounds = sbx_rounds_new(look, &c->plane);
    c->slot = o->listener_slot;
    c->plane.world = world_of(o->hub, 0);
    c->plane.seen = json_object();
    c->plane.count = o->count;
    for (size_t i = 0; i < o->count; i++) {
        c->plane.members[i].name = cf_xstrdup(sbx_api_cluster(o->members[i]));
        c->plane.members[i].world = world_of(o->members[i], i);
    }
    sbx_api_on_call(o->hub, cn_shadow_answer, &c->plane);
    listen_to_all(c, true);
    if (sbx_rounds_start(c->rounds, "clusternet", err))
        return c;
    sbx_clusternet_stop(c);
    return NULL;
}

void sbx_clusternet_stop(struct sbx_clusternet *c)
{
    if (!c)
        return;
    sbx_rounds_stop(c->rounds);
    listen_to_all(c, false);
    sbx_api_on_call(c->plane.world.api, NULL, NULL);
    for (size_t i = 0; i < c->plane.count; i++) {
        sbx_world_end(&c->plane.members[i].world);
        free(c->plane.members[i].name);
    }
    sbx_world_end(&c->plane.world);
    json_decref(c->plane.seen);
    sbx_rounds_free(c->rounds);
    free(c);
}

bool sbx_clusternet_settle(struct sbx_clusternet *c, int64_t timeout_ms)
{
    return sbx_rounds_settle(c->rounds, timeout_ms);
}

void sbx_clusternet_hold(struct sbx_clusternet *c)
{
    sbx_rounds_hold(c->rounds);
}

static void forget(void *plane)
{
    struct cn_hub *hub = plane;
    json_object_clear(hub->seen);
    json_object_clear(hub->world.timers);
}

void sbx_clusternet_release(struct sbx_clusternet *c)
{
    sbx_rounds_release(c->rounds, forget);
}

/* ---- switches ---- */

bool sbx_clusternet_switch(struct sbx_clusternet *c, const char *member, const char *name,
                           int64_t value, struct cf_error *err)
{
    if (!cn_switch_set(&c->plane, member, name, value, err))
        return false;
    sbx_rounds_change(c->rounds);
    return true;
}

void sbx_clusternet_heal(struct sbx_clusternet *c)
{
    cn_switches_heal(&c->plane);
    sbx_rounds_change(c->rounds);
}

json_t *sbx_clusternet_switches(struct sbx_clusternet *c)
{
    return cn_switches_tell(&c->plane);
}

void sbx_clusternet_away(struct sbx_clusternet *c, const char *member, bool away)
{
    struct cf_error err = CF_ERROR_INIT;
    if (cn_switch_set(&c->plane, member, member ? "unreachable" : "away", away, &err))
        sbx_rounds_change(c->rounds);
}
