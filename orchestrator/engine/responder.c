/* SPDX-License-Identifier: Apache-2.0 */
/* The rollback lane (responder.h). */
#include "orchestrator/engine/responder.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "lb/write.h"
#include "orchestrator/engine/local_journal.h"

enum { ATTEMPTS = 2 }; /* warm, fresh */

enum router_state { READY, GOING, HOME, REFUSED };

struct lane_router {
    char *cluster;
    json_t *document;
    struct cf_kube *kube; /* NULL: to be asked for (after a restart) */
    enum router_state state;
    int64_t due_ms[ATTEMPTS]; /* monotonic */
    bool flying[ATTEMPTS];
    int tries;
    char seq[CF_NONCE_TEXT];
    char why[256];
};

struct lane_run {
    char id[CF_UUID_TEXT];
    bool fired;
    char cause[32];
    char why[CF_HOLD_TEXT_MAX];
    char blocked[CF_HOLD_TEXT_MAX];             /* "" when an alarm may fire */
    int64_t bad_ms, alarm_ms, sent_ms, done_ms; /* wall */
    struct lane_router routers[CF_LANE_ROUTERS_MAX];
    size_t n_routers;
    int generation; /* moves when documents change: an attempt with an older one does not count */
    struct lane_run *next;
};

struct cf_lane {
    struct cf_lane_config config;
    struct cf_local_journal *journal;
    pthread_mutex_t journal_mutex; /* guards the journal; taken before `mutex`, never after it */
    pthread_mutex_t mutex;         /* guards all below */
    pthread_cond_t changed;
    struct lane_run *runs;
    bool stopping;
    pthread_t threads[CF_LANE_THREADS];
    int n_threads;
};

/* ---- runs ---- */

static struct lane_run *find(struct cf_lane *lane, const char *run_id)
{
    for (struct lane_run *r = lane->runs; r; r = r->next)
        if (strcmp(r->id, run_id) == 0)
            return r;
    return NULL;
}

static struct lane_run *find_or_make(struct cf_lane *lane, const char *run_id)
{
    struct lane_run *r = find(lane, run_id);
    if (r)
        return r;
    r = cf_xcalloc(1, sizeof *r);
    (void)snprintf(r->id, sizeof r->id, "%s", run_id);
    r->next = lane->runs;
    lane->runs = r;
    return r;
}

static void router_clear(struct lane_router *r)
{
    free(r->cluster);
    json_decref(r->document);
    cf_kube_unref(r->kube);
    memset(r, 0, sizeof *r);
}

static void run_free(struct lane_run *r)
{
    for (size_t i = 0; i < r->n_routers; i++)
        router_clear(&r->routers[i]);
    free(r);
}

static void send_now(struct cf_lane *lane, struct lane_router *r)
{
    int64_t now = cf_mono_now_ms();
    (void)lane;
    r->state = GOING;
    r->due_ms[0] = now;
    r->due_ms[1] = now + CF_LANE_RACE_MS;
}

static bool all_answered(const struct lane_run *r)
{
    for (size_t i = 0; i < r->n_routers; i++)
        if (r->routers[i].state == READY || r->routers[i].state == GOING)
            return false;
    return true;
}

/* ---- the journal ---- */

static json_t *prepare_line(const struct lane_run *r)
{
    json_t *routers = json_array();
    for (size_t i = 0; i < r->n_routers; i++)
        json_array_append_new(routers, json_pack("{s:s,s:O}", "cluster", r->routers[i].cluster,
                                                 "document", r->routers[i].document));
    return json_pack("{s:s,s:s,s:o}", "op", "prepare", "run", r->id, "routers", routers);
}

static json_t *fired_line(const struct lane_run *r)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "op", "fired", "run", r->id, "cause", r->cause,
                     "why", r->why, "badAt", (json_int_t)r->bad_ms, "alarmAt",
                     (json_int_t)r->alarm_ms);
}

/* Only what is still needed stays in the file. */
static bool compact(struct cf_lane *lane, struct cf_error *err)
{
    if (cf_local_journal_bytes(lane->journal) < CF_LANE_COMPACT_BYTES)
        return true;
    cf_autojson json_t *lines = json_array();
    {
        CF_LOCKED(&lane->mutex);
        for (const struct lane_run *r = lane->runs; r; r = r->next) {
            json_array_append_new(lines, prepare_line(r));
            if (r->fired)
                json_array_append_new(lines, fired_line(r));
        }
    }
    return cf_local_journal_rewrite(lane->journal, lines, err);
}

/* Durable when it returns. With `journal_mutex` held, so that a line and its effect on the table
 * are one to compact(); never with `mutex` held: no PATCH waits for a disk. */
static bool append_take(struct cf_lane *lane, json_t *line_take, struct cf_error *err)
{
    cf_autojson json_t *line = line_take;
    return cf_local_journal_append(lane->journal, line, err);
}

static void replay_prepare(struct lane_run *run, const json_t *line)
{
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(line, "routers", NULL), i, row)
    {
        if (i >= CF_LANE_ROUTERS_MAX)
            break;
        router_clear(&run->routers[i]);
        run->routers[i].cluster = cf_xstrdup(cf_json_str(row, "", "cluster", NULL));
        run->routers[i].document = cf_json_copy(cf_json_at(row, "document", NULL));
        run->n_routers = i + 1;
    }
}

static void fire_locked(struct cf_lane *lane, struct lane_run *run, const char *cause,
                        const char *why, int64_t bad_ms, int64_t alarm_ms)
{
    run->fired = true;
    run->generation++;
    run->bad_ms = bad_ms;
    run->alarm_ms = alarm_ms;
    (void)snprintf(run->cause, sizeof run->cause, "%s", cause);
    (void)snprintf(run->why, sizeof run->why, "%s", why);
    for (size_t i = 0; i < run->n_routers; i++)
        send_now(lane, &run->routers[i]);
    pthread_cond_broadcast(&lane->changed);
}

static void drop_locked(struct cf_lane *lane, const char *run_id)
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

static void replay(struct cf_lane *lane, const json_t *lines)
{
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line)
    {
        const char *op = cf_json_str(line, "", "op", NULL);
        const char *run_id = cf_json_str(line, "", "run", NULL);
        if (strcmp(op, "prepare") == 0)
            replay_prepare(find_or_make(lane, run_id), line);
        else if (strcmp(op, "fired") == 0)
            fire_locked(lane, find_or_make(lane, run_id), cf_json_str(line, "", "cause", NULL),
                        cf_json_str(line, "", "why", NULL), cf_json_int(line, 0, "badAt", NULL),
                        cf_json_int(line, 0, "alarmAt", NULL));
        else if (strcmp(op, "forget") == 0)
            drop_locked(lane, run_id);
    }
}

/* ---- attempts ---- */

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
    if (all_answered(run) && run->done_ms == 0)
        run->done_ms = cf_wall_ms(lane->config.clock);
}

static void give_attempt_back(struct cf_lane *lane, struct attempt *a, struct cf_kube *kube,
                              const struct cf_router_reading *reading, const struct cf_error *err)
{
    bool answered = err->kind == CF_ERR_NONE;
    {
        CF_LOCKED(&lane->mutex);
        struct lane_run *run = find(lane, a->run_id);
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

static void *lane_thread(void *arg)
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
            router_clear(to);
            to->cluster = cf_xstrdup(from->cluster);
            to->document = cf_json_copy(from->restore);
            memcpy(to->flying, flying, sizeof flying);
            if (run->fired)
                send_now(lane, to);
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
    if (!append_take(lane, live_line(live), err))
        return false;
    {
        CF_LOCKED(&lane->mutex);
        replace_documents(lane, find_or_make(lane, live->id), live, kubes);
    }
    return compact(lane, err);
}

static bool prepare(void *self, const struct cf_live *live, struct cf_error *err)
{
    struct cf_lane *lane = self;
    struct cf_kube *kubes[CF_LANE_ROUTERS_MAX] = { NULL };
    bool ok = true;
    {
        CF_LOCKED(&lane->mutex);
        struct lane_run *known = find(lane, live->id);
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
    view_locked(find(lane, run_id), out);
}

/* Written after the PATCHes were handed over: the line serves a restart, not the alarm. */
static void journal_fired(struct cf_lane *lane, json_t *line_take, const char *run_id)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_LOCKED(&lane->journal_mutex);
    if (line_take && !append_take(lane, line_take, &err))
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
        struct lane_run *run = find_or_make(lane, run_id);
        if (!run->fired) {
            fire_locked(lane, run, cause, why, 0, cf_wall_ms(lane->config.clock));
            line = fired_line(run);
        }
    }
    journal_fired(lane, line, run_id);
    CF_LOCKED(&lane->mutex);
    struct lane_run *run;
    while ((run = find(lane, run_id)) && !all_answered(run) && !lane->stopping &&
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
        struct lane_run *run = find(lane, run_id);
        if (!run || run->fired || run->blocked[0] || run->n_routers == 0)
            return false;
        fire_locked(lane, run, "gate", why, bad_ms, alarm_ms);
        line = fired_line(run);
    }
    journal_fired(lane, line, run_id);
    lane->config.woken(lane->config.woken_arg, run_id);
    return true;
}

static void block(void *self, const char *run_id, const char *why)
{
    struct cf_lane *lane = self;
    CF_LOCKED(&lane->mutex);
    struct lane_run *run = find(lane, run_id);
    if (run)
        (void)snprintf(run->blocked, sizeof run->blocked, "%s", why ? why : "");
}

static bool forget(void *self, const char *run_id, struct cf_error *err)
{
    struct cf_lane *lane = self;
    {
        CF_LOCKED(&lane->mutex);
        if (!find(lane, run_id))
            return true;
    }
    CF_LOCKED(&lane->journal_mutex);
    if (!append_take(lane, json_pack("{s:s,s:s}", "op", "forget", "run", run_id), err))
        return false;
    CF_LOCKED(&lane->mutex);
    drop_locked(lane, run_id);
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
    replay(lane, lines);
    int wanted = config->threads > 0 ? CF_MIN(config->threads, CF_LANE_THREADS) : CF_LANE_THREADS;
    for (int i = 0; i < wanted; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "responder-%d", i);
        if (!cf_thread_start(&lane->threads[i], name, lane_thread, lane, err)) {
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
        drop_locked(lane, lane->runs->id);
    cf_local_journal_close(lane->journal);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->mutex);
    pthread_mutex_destroy(&lane->journal_mutex);
    free(lane);
}
