/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of the rollback lane: attempts, raced and repeated (responder_internal.h). */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "lb/write.h"
#include "orchestrator/engine/responder_internal.h"

/* One attempt, taken out of the table so that it runs without the lock. */
struct attempt {
    char run_id[CF_UUID_TEXT];
    size_t router;
    int slot;
    int generation;
    struct cf_kube *kube;
    char cluster[CF_LABEL_MAX];
    json_t *document;
};

static struct lane_router *earliest_due(struct cf_lane *lane, struct lane_run **out_run,
                                        int *out_slot)
{
    struct lane_router *best = NULL;
    int64_t due = INT64_MAX;
    for (struct lane_run *run = lane->runs; run; run = run->next) {
        for (size_t i = 0; run->fired && i < run->n_routers; i++) {
            struct lane_router *r = &run->routers[i];
            for (int slot = 0; r->state == GOING && slot < ATTEMPTS; slot++) {
                if (r->flying[slot] || r->due_ms[slot] >= due)
                    continue;
                due = r->due_ms[slot];
                best = r;
                *out_run = run;
                *out_slot = slot;
            }
        }
    }
    return best;
}

/* Waits for an attempt that is due and takes it; false when the lane stops. */
static bool take_attempt(struct cf_lane *lane, struct attempt *out)
{
    CF_LOCKED(&lane->mutex);
    while (!lane->stopping) {
        struct lane_run *run = NULL;
        int slot = 0;
        struct lane_router *r = earliest_due(lane, &run, &slot);
        int64_t now = cf_mono_now_ms();
        if (!r) {
            pthread_cond_wait(&lane->changed, &lane->mutex);
            continue;
        }
        if (r->due_ms[slot] > now) {
            (void)cf_cond_wait_until(&lane->changed, &lane->mutex, r->due_ms[slot]);
            continue;
        }
        r->flying[slot] = true;
        r->tries++;
        if (run->sent_ms == 0)
            run->sent_ms = cf_wall_ms(lane->config.clock);
        *out = (struct attempt){ .router = (size_t)(r - run->routers),
                                 .slot = slot,
                                 .generation = run->generation };
        memcpy(out->run_id, run->id, sizeof out->run_id);
        (void)snprintf(out->cluster, sizeof out->cluster, "%s", r->cluster);
        out->kube = r->kube ? cf_kube_ref(r->kube) : NULL;
        out->document = json_incref(r->document);
        return true;
    }
    return false;
}

static void answer_router(struct cf_lane *lane, struct lane_run *run, struct lane_router *r,
                          const struct attempt *a, const struct cf_router_reading *reading,
                          const struct cf_error *err)
{
    if (err->kind != CF_ERR_NONE) {
        (void)snprintf(r->why, sizeof r->why, "%s: %.200s", r->cluster, err->message);
        r->due_ms[a->slot] = cf_mono_now_ms() + CF_LANE_AGAIN_MS;
        return;
    }
    if (reading->state == CF_ROUTER_OURS) {
        r->state = HOME;
        r->why[0] = '\0';
        (void)snprintf(r->seq, sizeof r->seq, "%.32s", reading->seq);
    } else if (r->state == GOING) {
        r->state = REFUSED;
        (void)snprintf(r->why, sizeof r->why, "%s: %.200s", cf_router_state_name(reading->state),
                       reading->what);
    }
    if (cf_lane_all_answered(run) && run->done_ms == 0)
        run->done_ms = cf_wall_ms(lane->config.clock);
}

static void give_attempt_back(struct cf_lane *lane, struct attempt *a, struct cf_kube *kube,
                              const struct cf_router_reading *reading, const struct cf_error *err)
{
    bool answered = err->kind == CF_ERR_NONE;
    {
        CF_LOCKED(&lane->mutex);
        struct lane_run *run = cf_lane_find(lane, a->run_id);
        struct lane_router *r = run && a->router < run->n_routers ? &run->routers[a->router] : NULL;
        if (r)
            r->flying[a->slot] = false;
        if (r && !r->kube && kube)
            r->kube = cf_kube_ref(kube);
        if (r && run->generation == a->generation && r->state != HOME)
            answer_router(lane, run, r, a, reading, err);
        pthread_cond_broadcast(&lane->changed);
    }
    if (answered)
        lane->config.woken(lane->config.woken_arg, a->run_id);
}

void *cf_lane_thread(void *arg)
{
    struct cf_lane *lane = arg;
    struct attempt a;
    while (take_attempt(lane, &a)) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_router_reading reading = { 0 };
        struct cf_kube *kube = a.kube;
        struct cf_kube_how how = { .timeout_ms = CF_LANE_ATTEMPT_MS,
                                   .fresh_connection = a.slot == 1,
                                   .urgent = true };
        if (kube || lane->config.clusters.kube(lane->config.clusters.self, a.cluster, &kube, &err))
            (void)!cf_router_rollback(kube, &how, a.document, &reading, &err);
        give_attempt_back(lane, &a, kube, &reading, &err);
        cf_kube_unref(kube);
        json_decref(a.document);
    }
    return NULL;
}
