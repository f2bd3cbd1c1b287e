/* SPDX-License-Identifier: Apache-2.0 */
/* The rollback lane's port and life (responder.h). */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "orchestrator/engine/responder_internal.h"

/* ---- the port ---- */

static bool is_same(const struct lane_run *run, const struct cf_live *live)
{
    size_t n = 0;
    for (size_t i = 0; i < live->n_routers && n < CF_LANE_ROUTERS_MAX; i++) {
        if (!live->routers[i].restore)
            continue;
        if (n >= run->n_routers || !json_equal(run->routers[n].document, live->routers[i].restore))
            return false;
        n++;
    }
    return n == run->n_routers;
}

/* Puts new documents in; clients come with them. A fired run sends what is not home. */
static void replace_documents(struct cf_lane *lane, struct lane_run *run,
                              const struct cf_live *live, struct cf_kube **kubes)
{
    size_t n = 0;
    run->generation++;
    for (size_t i = 0; i < live->n_routers && n < CF_LANE_ROUTERS_MAX; i++) {
        const struct cf_run_router *from = &live->routers[i];
        struct lane_router *to = &run->routers[n];
        if (!from->restore)
            continue;
        bool home = run->fired && n < run->n_routers && to->state == HOME;
        if (!home) {
            bool flying[ATTEMPTS] = { to->flying[0], to->flying[1] };
            cf_lane_router_clear(to);
            to->cluster = cf_xstrdup(from->cluster);
            to->document = cf_json_copy(from->restore);
            memcpy(to->flying, flying, sizeof flying);
            if (run->fired)
                cf_lane_send(to);
        }
        if (!to->kube)
            to->kube = cf_kube_ref(kubes[i]);
        n++;
    }
    run->n_routers = n;
    if (run->fired)
        run->done_ms = 0;
    pthread_cond_broadcast(&lane->changed);
}

static json_t *live_line(const struct cf_live *live)
{
    json_t *routers = json_array();
    for (size_t i = 0; i < live->n_routers; i++)
        if (live->routers[i].restore)
            json_array_append_new(routers,
                                  json_pack("{s:s,s:O}", "cluster", live->routers[i].cluster,
                                            "document", live->routers[i].restore));
    return json_pack("{s:s,s:s,s:o}", "op", "prepare", "run", live->id, "routers", routers);
}

static bool keep_documents(struct cf_lane *lane, const struct cf_live *live, struct cf_kube **kubes,
                           struct cf_error *err)
{
    CF_LOCKED(&lane->journal_mutex);
    if (!cf_lane_append_take(lane, live_line(live), err))
        return false;
    {
        CF_LOCKED(&lane->mutex);
        replace_documents(lane, cf_lane_find_or_make(lane, live->id), live, kubes);
    }
    return cf_lane_compact(lane, err);
}

static bool prepare(void *self, const struct cf_live *live, struct cf_error *err)
{
    struct cf_lane *lane = self;
    struct cf_kube *kubes[CF_LANE_ROUTERS_MAX] = { NULL };
    bool ok = true;
    {
        CF_LOCKED(&lane->mutex);
        struct lane_run *known = cf_lane_find(lane, live->id);
        if (known && is_same(known, live))
            return true;
    }
    for (size_t i = 0; ok && i < live->n_routers && i < CF_LANE_ROUTERS_MAX; i++)
        ok = lane->config.clusters.kube(lane->config.clusters.self, live->routers[i].cluster,
                                        &kubes[i], err);
    ok = ok && keep_documents(lane, live, kubes, err);
    for (size_t i = 0; i < CF_LANE_ROUTERS_MAX; i++)
        cf_kube_unref(kubes[i]);
    return ok;
}

static void view_locked(const struct lane_run *run, struct cf_lane_view *out)
{
    memset(out, 0, sizeof *out);
    if (!run || !run->fired)
        return;
    (void)snprintf(out->cause, sizeof out->cause, "%s", run->cause);
    (void)snprintf(out->why, sizeof out->why, "%s", run->why);
    out->bad_ms = run->bad_ms;
    out->alarm_ms = run->alarm_ms;
    out->sent_ms = run->sent_ms;
    out->done_ms = run->done_ms;
    out->n_routers = run->n_routers;
    out->state = CF_LANE_HOME;
    for (size_t i = 0; i < run->n_routers; i++) {
        const struct lane_router *r = &run->routers[i];
        out->routers[i].home = r->state == HOME;
        out->routers[i].tries = r->tries;
        memcpy(out->routers[i].seq, r->seq, sizeof r->seq);
        memcpy(out->routers[i].why, r->why, sizeof r->why);
        if (r->state == GOING || r->state == READY)
            out->state = CF_LANE_FIRED;
        else if (r->state == REFUSED && out->state == CF_LANE_HOME)
            out->state = CF_LANE_REFUSED;
        if (r->state != HOME && r->why[0])
            (void)snprintf(out->why, sizeof out->why, "%s", r->why);
    }
}

static void view(void *self, const char *run_id, struct cf_lane_view *out)
{
    struct cf_lane *lane = self;
    CF_LOCKED(&lane->mutex);
    view_locked(cf_lane_find(lane, run_id), out);
}

/* Written after the PATCHes were handed over: the line serves a restart, not the alarm. */
static void journal_fired(struct cf_lane *lane, json_t *line_take, const char *run_id)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_LOCKED(&lane->journal_mutex);
    if (line_take && !cf_lane_append_take(lane, line_take, &err))
        cf_log_err(CF_LOG_ERROR, "lane.journal", "the rollback is under way but not journalled",
                   &err, CF_S("run", run_id));
}

static void fire(void *self, const char *run_id, const char *cause, const char *why,
                 int64_t wait_ms, struct cf_lane_view *out)
{
    struct cf_lane *lane = self;
    int64_t until = cf_mono_now_ms() + wait_ms;
    json_t *line = NULL;
    {
        CF_LOCKED(&lane->mutex);
        struct lane_run *run = cf_lane_find_or_make(lane, run_id);
        if (!run->fired) {
            cf_lane_fire_locked(lane, run, cause, why, 0, cf_wall_ms(lane->config.clock));
            line = cf_lane_fired_line(run);
        }
    }
    journal_fired(lane, line, run_id);
    CF_LOCKED(&lane->mutex);
    struct lane_run *run;
    while ((run = cf_lane_find(lane, run_id)) && !cf_lane_all_answered(run) && !lane->stopping &&
           cf_cond_wait_until(&lane->changed, &lane->mutex, until))
        continue;
    view_locked(run, out);
}

bool cf_lane_alarm(struct cf_lane *lane, const char *run_id, const char *why, int64_t bad_ms,
                   int64_t alarm_ms)
{
    json_t *line;
    {
        CF_LOCKED(&lane->mutex);
        struct lane_run *run = cf_lane_find(lane, run_id);
        if (!run || run->fired || run->blocked[0] || run->n_routers == 0)
            return false;
        cf_lane_fire_locked(lane, run, "gate", why, bad_ms, alarm_ms);
        line = cf_lane_fired_line(run);
    }
    journal_fired(lane, line, run_id);
    lane->config.woken(lane->config.woken_arg, run_id);
    return true;
}

static void block(void *self, const char *run_id, const char *why)
{
    struct cf_lane *lane = self;
    CF_LOCKED(&lane->mutex);
    struct lane_run *run = cf_lane_find(lane, run_id);
    if (run)
        (void)snprintf(run->blocked, sizeof run->blocked, "%s", why ? why : "");
}

static bool forget(void *self, const char *run_id, struct cf_error *err)
{
    struct cf_lane *lane = self;
    {
        CF_LOCKED(&lane->mutex);
        if (!cf_lane_find(lane, run_id))
            return true;
    }
    CF_LOCKED(&lane->journal_mutex);
    if (!cf_lane_append_take(lane, json_pack("{s:s,s:s}", "op", "forget", "run", run_id), err))
        return false;
    CF_LOCKED(&lane->mutex);
    cf_lane_drop_locked(lane, run_id);
    return true;
}

struct cf_lane_ops cf_lane_port(struct cf_lane *lane)
{
    return (struct cf_lane_ops){ .prepare = prepare,
                                 .fire = fire,
                                 .view = view,
                                 .block = block,
                                 .forget = forget,
                                 .self = lane };
}

/* ---- life ---- */

struct cf_lane *cf_lane_start(const struct cf_lane_config *config, struct cf_error *err)
{
    cf_autojson json_t *lines = NULL;
    struct cf_local_journal *journal = cf_local_journal_open(config->journal_path, &lines, err);
    if (!journal) {
        cf_error_wrap(err, "rollback journal");
        return NULL;
    }
    struct cf_lane *lane = cf_xcalloc(1, sizeof *lane);
    lane->config = *config;
    lane->journal = journal;
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_mutex_init(&lane->journal_mutex, NULL);
    cf_cond_init(&lane->changed);
    cf_lane_replay(lane, lines);
    int wanted = config->threads > 0 ? CF_MIN(config->threads, CF_LANE_THREADS) : CF_LANE_THREADS;
    for (int i = 0; i < wanted; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "responder-%d", i);
        if (!cf_thread_start(&lane->threads[i], name, cf_lane_thread, lane, err)) {
            cf_lane_stop(lane);
            return NULL;
        }
        lane->n_threads = i + 1;
    }
    return lane;
}

void cf_lane_stop(struct cf_lane *lane)
{
    if (!lane)
        return;
    {
        CF_LOCKED(&lane->mutex);
        lane->stopping = true;
        pthread_cond_broadcast(&lane->changed);
    }
    for (int i = 0; i < lane->n_threads; i++)
        pthread_join(lane->threads[i], NULL);
    while (lane->runs)
        cf_lane_drop_locked(lane, lane->runs->id);
    cf_local_journal_close(lane->journal);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->mutex);
    pthread_mutex_destroy(&lane->journal_mutex);
    free(lane);
}
