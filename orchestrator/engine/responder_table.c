/* SPDX-License-Identifier: Apache-2.0 */
/* Runs and routers of the rollback lane, in memory (responder_internal.h). */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "orchestrator/engine/responder_internal.h"

struct lane_run *cf_lane_find(struct cf_lane *lane, const char *run_id)
{
    for (struct lane_run *r = lane->runs; r; r = r->next)
        if (strcmp(r->id, run_id) == 0)
            return r;
    return NULL;
}

struct lane_run *cf_lane_find_or_make(struct cf_lane *lane, const char *run_id)
{
    struct lane_run *r = cf_lane_find(lane, run_id);
    if (r)
        return r;
    r = cf_xcalloc(1, sizeof *r);
    (void)snprintf(r->id, sizeof r->id, "%s", run_id);
    r->next = lane->runs;
    lane->runs = r;
    return r;
}

void cf_lane_router_clear(struct lane_router *r)
{
    free(r->cluster);
    json_decref(r->document);
    cf_kube_unref(r->kube);
    memset(r, 0, sizeof *r);
}

static void run_free(struct lane_run *r)
{
    for (size_t i = 0; i < r->n_routers; i++)
        cf_lane_router_clear(&r->routers[i]);
    free(r);
}

void cf_lane_send(struct lane_router *r)
{
    int64_t now = cf_mono_now_ms();
    r->state = GOING;
    r->due_ms[0] = now;
    r->due_ms[1] = now + CF_LANE_RACE_MS;
}

bool cf_lane_all_answered(const struct lane_run *r)
{
    for (size_t i = 0; i < r->n_routers; i++)
        if (r->routers[i].state == READY || r->routers[i].state == GOING)
            return false;
    return true;
}

void cf_lane_fire_locked(struct cf_lane *lane, struct lane_run *run, const char *cause,
                         const char *why, int64_t bad_ms, int64_t alarm_ms)
{
    run->fired = true;
    run->generation++;
    run->bad_ms = bad_ms;
    run->alarm_ms = alarm_ms;
    (void)snprintf(run->cause, sizeof run->cause, "%s", cause);
    (void)snprintf(run->why, sizeof run->why, "%s", why);
    for (size_t i = 0; i < run->n_routers; i++)
        cf_lane_send(&run->routers[i]);
    pthread_cond_broadcast(&lane->changed);
}

void cf_lane_drop_locked(struct cf_lane *lane, const char *run_id)
{
    for (struct lane_run **at = &lane->runs; *at; at = &(*at)->next) {
        struct lane_run *r = *at;
        if (strcmp(r->id, run_id) != 0)
            continue;
        *at = r->next;
        run_free(r);
        return;
    }
}
