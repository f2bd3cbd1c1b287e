/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's thread: when to look, and which of its parts run. */
#include "deploy/sandbox/karmada/karmada.h"

#include <string.h>

#include "deploy/sandbox/controllers/rounds.h"
#include "deploy/sandbox/karmada/front.h"
#include "deploy/sandbox/karmada/round.h"
#include "deploy/sandbox/karmada/switches.h"
#include "deploy/sandbox/karmada/webhook.h"

enum { FULL_WAIT = 100 };

struct sbx_karmada {
    struct km_plane plane; /* the thread's, but for the switches; everyone's while it is held */
    int slot;
    struct km_front front;
    struct sbx_rounds *rounds;
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

/* One look, without the lock. */
static void look(void *user, int64_t *out_wake, bool *out_waiting)
{
    struct km_plane *plane = user;
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

/* ---- life ---- */

static struct sbx_world world_of(struct sbx_api *api, size_t index)
{
    return (struct sbx_world){ .api = api, .index = index, .timers = json_object() };
}

static void listen_to_all(struct sbx_karmada *k, bool listen)
{
    void (*fn)(void *) = listen ? sbx_rounds_change : NULL;
    sbx_api_on_change(k->plane.hub.api, k->slot, fn, k->rounds);
    for (size_t i = 0; i < k->plane.count; i++)
        sbx_api_on_change(k->plane.members[i].world.api, k->slot, fn, k->rounds);
}

struct sbx_karmada *sbx_karmada_start(const struct sbx_karmada_options *o, struct cf_error *err)
{
    cf_assert(o->count <= SBX_KARMADA_MEMBERS_MAX);
    struct sbx_karmada *k = cf_xcalloc(1, sizeof(*k));
    k->rounds = sbx_rounds_new(look, &k->plane);
    k->slot = o->listener_slot;
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
    if (sbx_rounds_start(k->rounds, "karmada", err))
        return k;
    sbx_karmada_stop(k);
    return NULL;
}

void sbx_karmada_stop(struct sbx_karmada *k)
{
    if (!k)
        return;
    sbx_rounds_stop(k->rounds);
    listen_to_all(k, false);
    sbx_api_on_write(k->plane.hub.api, NULL, NULL);
    sbx_api_on_call(k->plane.hub.api, NULL, NULL);
    for (size_t i = 0; i < k->plane.count; i++) {
        sbx_world_end(&k->plane.members[i].world);
        free(k->plane.members[i].name);
        free(k->plane.members[i].url);
    }
    sbx_world_end(&k->plane.hub);
    json_decref(k->plane.memory);
    sbx_rounds_free(k->rounds);
    free(k);
}

bool sbx_karmada_settle(struct sbx_karmada *k, int64_t timeout_ms)
{
    return sbx_rounds_settle(k->rounds, timeout_ms);
}

void sbx_karmada_hold(struct sbx_karmada *k)
{
    sbx_rounds_hold(k->rounds);
}

static void forget(void *user)
{
    struct km_plane *plane = user;
    json_object_clear(plane->memory);
    json_object_clear(plane->hub.timers);
    for (size_t i = 0; i < plane->count; i++)
        plane->members[i].joined = false;
}

void sbx_karmada_release(struct sbx_karmada *k)
{
    sbx_rounds_release(k->rounds, forget);
}

/* ---- switches ---- */

bool sbx_karmada_switch(struct sbx_karmada *k, const char *member, const char *name, int64_t value,
                        struct cf_error *err)
{
    if (!km_switch_set(&k->plane, member, name, value, err))
        return false;
    sbx_rounds_change(k->rounds);
    return true;
}

void sbx_karmada_heal(struct sbx_karmada *k)
{
    km_switches_heal(&k->plane);
    sbx_rounds_change(k->rounds);
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
    sbx_rounds_change(k->rounds);
}
