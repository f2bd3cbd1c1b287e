/* SPDX-License-Identifier: Apache-2.0 */
/* What stands beside a run in the engine's test world: a lane and gates that do at once what they
 * are told, bridges without a thread, a probe. Included by world.h alone. */
#ifndef TESTS_UNIT_ENGINE_WORLD_LANES_H
#define TESTS_UNIT_ENGINE_WORLD_LANES_H

/* ---- the lane ---- */

static bool lane_prepare(void *self, const struct cf_live *run, struct cf_error *err)
{
    struct world *w = self;
    bool lost;
    if (!live_call(w, &lost))
        return gone(err);
    json_array_clear(w->documents);
    for (size_t i = 0; i < run->n_routers; i++)
        if (run->routers[i].restore)
            json_array_append_new(w->documents,
                                  json_pack("{s:s,s:o}", "cluster", run->routers[i].cluster,
                                            "document", cf_json_copy(run->routers[i].restore)));
    return !lost || gone(err);
}

static inline void send_back(struct world *w, size_t i)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_reading r;
    const json_t *row = json_array_get(w->documents, i);
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    assert_true(clusters_kube(w, cf_json_str(row, "", "cluster", NULL), &kube, &err));
    w->lane.routers[i].tries++;
    if (!cf_router_rollback(kube, NULL, json_object_get(row, "document"), &r, &err))
        return;
    w->lane.routers[i].home = r.state == CF_ROUTER_OURS;
    if (!w->lane.routers[i].home) {
        w->lane.state = CF_LANE_REFUSED;
        snprintf(w->lane.why, sizeof w->lane.why, "%s", r.what);
    }
    snprintf(w->lane.routers[i].seq, sizeof w->lane.routers[i].seq, "%.32s", r.seq);
}

static inline void lane_go(struct world *w)
{
    bool all = true;
    w->lane.n_routers = json_array_size(w->documents);
    w->lane.state = CF_LANE_FIRED;
    if (w->lane_stuck)
        return;
    for (size_t i = 0; i < w->lane.n_routers; i++) {
        if (!w->lane.routers[i].home)
            send_back(w, i);
        all = all && w->lane.routers[i].home;
    }
    if (all)
        w->lane.state = CF_LANE_HOME;
    w->lane.sent_ms = w->lane.done_ms = w->now;
}

static void lane_fire(void *self, const char *run_id, const char *cause, const char *why,
                      int64_t wait_ms, struct cf_lane_view *out)
{
    struct world *w = self;
    bool lost;
    (void)run_id;
    (void)wait_ms;
    memset(out, 0, sizeof *out);
    if (!live_call(w, &lost))
        return;
    if (w->lane.state == CF_LANE_QUIET) {
        w->fired++;
        snprintf(w->lane.cause, sizeof w->lane.cause, "%s", cause);
        snprintf(w->lane.why, sizeof w->lane.why, "%s", why);
    }
    lane_go(w);
    *out = w->lane;
}

static void lane_view(void *self, const char *run_id, struct cf_lane_view *out)
{
    (void)run_id;
    *out = ((struct world *)self)->lane;
}

static void lane_block(void *self, const char *run_id, const char *why)
{
    (void)run_id;
    ((struct world *)self)->lane_blocked = why != NULL;
}

static bool lane_forget(void *self, const char *run_id, struct cf_error *err)
{
    struct world *w = self;
    bool lost;
    (void)run_id;
    if (!live_call(w, &lost))
        return gone(err);
    json_array_clear(w->documents);
    memset(&w->lane, 0, sizeof w->lane);
    return !lost || gone(err);
}

/* ---- gates ---- */

static bool gates_watch(void *self, const struct cf_fence *fence, const struct cf_live *run,
                        int64_t since_ms, struct cf_error *err)
{
    struct world *w = self;
    (void)fence;
    (void)run;
    (void)since_ms;
    (void)err;
    w->gate_watches++;
    return true;
}

static void gates_judge(void *self, const char *run_id, struct cf_gates_view *out)
{
    struct world *w = self;
    (void)run_id;
    memset(out, 0, sizeof *out);
    out->observed = w->observed ? w->observed : -1;
    out->worst = w->verdict;
    out->n_gates = 1;
    snprintf(out->gates[0].name, sizeof out->gates[0].name, "success");
    snprintf(out->gates[0].j.text, sizeof out->gates[0].j.text, "42 requests are missing");
    out->gates[0].j.verdict = w->verdict;
    out->which = out->gates[0].name;
    out->source_known = w->source_known;
    out->source_rps = w->source_rps;
}

static void gates_reset(void *self, const char *run_id)
{
    (void)run_id;
    ((struct world *)self)->gate_resets++;
}

static void gates_forget(void *self, const char *run_id)
{
    (void)self;
    (void)run_id;
}

/* ---- bridges ---- */

static bool bridge_sync(struct world *w, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *from = cf_fake_kube_client(w->dc2, "dc2");
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *to = cf_fake_kube_client(w->dc1, "dc1");
    cf_autojson json_t *service = NULL;
    cf_autojson json_t *slices = NULL;
    cf_autojson json_t *desired = NULL;
    int ready, writes;
    if (!cf_bridge_ensure(to, NULL, &w->bridge, &service, err) ||
        !cf_bridge_target_slices(from, NULL, w->bridge.target_ns, w->bridge.target_service, &slices,
                                 err))
        return false;
    desired = cf_bridge_slices(&w->bridge, service, slices, &ready, err);
    return desired && cf_bridge_sync(to, NULL, &w->bridge, desired, w->bridge_weight, &writes, err);
}

static bool bridges_ensure(void *self, const struct cf_bridge_want *want, struct cf_error *err)
{
    struct world *w = self;
    w->bridge_made = true;
    memset(&w->bridge, 0, sizeof w->bridge);
    snprintf(w->bridge.ns, sizeof w->bridge.ns, "%s", want->ns);
    snprintf(w->bridge.service, sizeof w->bridge.service, "%s", want->service);
    snprintf(w->bridge.run, sizeof w->bridge.run, "%s", want->run_id);
    snprintf(w->bridge.target_cluster, sizeof w->bridge.target_cluster, "%s", want->target_cluster);
    snprintf(w->bridge.target_ns, sizeof w->bridge.target_ns, "%s", want->target_ns);
    snprintf(w->bridge.target_service, sizeof w->bridge.target_service, "%s", want->target_service);
    return bridge_sync(w, err);
}

static void bridges_view(void *self, const struct cf_bridge_place *place,
                         struct cf_bridge_view *out)
{
    struct world *w = self;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = cf_fake_kube_client(w->dc1, "dc1");
    (void)place;
    memset(out, 0, sizeof *out);
    out->known = w->bridge_made;
    out->synced = w->bridge_made && cf_bridge_read(kube, NULL, &w->bridge, &out->ready, &err);
    snprintf(out->why, sizeof out->why, "%.200s", err.message);
}

static bool bridges_weight(void *self, const struct cf_fence *fence, const char *run_id, int weight,
                           struct cf_error *err)
{
    struct world *w = self;
    bool lost;
    (void)fence;
    (void)run_id;
    if (!live_call(w, &lost))
        return gone(err);
    w->bridge_weight = weight;
    return !lost || gone(err);
}

static bool bridges_remove(void *self, const struct cf_fence *fence, const char *run_id,
                           struct cf_error *err)
{
    struct world *w = self;
    (void)fence;
    (void)run_id;
    if (!w->bridge_made)
        return true;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = cf_fake_kube_client(w->dc1, "dc1");
    return cf_bridge_remove(kube, NULL, &w->bridge, err);
}

static bool probe(void *self, const struct cf_live *run, const struct cf_run_router *router,
                  bool *out_ok, char *said, size_t size, struct cf_error *err)
{
    struct world *w = self;
    (void)run;
    (void)router;
    (void)err;
    *out_ok = !w->probe_fails;
    snprintf(said, size, "asked 10.2.0.1:8080");
    return true;
}

#endif
