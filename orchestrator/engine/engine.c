/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's life: what is started in which order, and who wakes whom (engine.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/thread.h"
#include "orchestrator/engine/engine_internal.h"
#include "orchestrator/engine/journal_store.h"
#include "orchestrator/engine/probe.h"
#include "store/listen.h"
#include "store/runs.h"
#include "store/shards.h"

enum { HEADS_MS = 3000, LISTEN_AGAIN_MS = 1000 };

/* ---- who wakes whom ---- */

static void wake_run(void *arg, const char *run_id)
{
    struct cf_engine *e = arg;
    cf_workers_wake(e->workers, run_id);
}

static void poke(struct cf_engine *e)
{
    CF_LOCKED(&e->mutex);
    e->heads_due = true;
    cf_listener_wake(e->listener);
    pthread_cond_signal(&e->poked);
}

static void poke_bridges(struct cf_engine *e)
{
    CF_LOCKED(&e->mutex);
    if (e->bridges)
        cf_bridges_poke(e->bridges);
}

static void shards_changed(void *arg)
{
    struct cf_engine *e = arg;
    poke(e);
    poke_bridges(e);
}

static void heard(void *arg, const char *what, const char *id)
{
    struct cf_engine *e = arg;
    if (strcmp(what, "run") == 0)
        cf_workers_wake(e->workers, id);
    else if (strcmp(what, "preflight") == 0)
        cf_workers_wake_preflight(e->workers);
    else if (strcmp(what, "bridge") == 0)
        poke_bridges(e);
    else
        poke(e);
}

/* ---- the dispatcher: which runs are ours ---- */

static void read_heads(struct cf_engine *e)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_head *heads = NULL;
    size_t n = 0;
    int shards[CF_SHARDS];
    int n_shards = cf_ownership_shards(e->ownership, shards);
    if (n_shards == 0)
        return;
    if (!cf_run_heads(e->config.store, shards, (size_t)n_shards, &heads, &n, &err)) {
        cf_log_err(CF_LOG_WARN, "runs.heads", "the unfinished runs could not be read", &err);
        return;
    }
    for (size_t i = 0; i < n; i++)
        cf_workers_offer(e->workers, heads[i].id, heads[i].rev, heads[i].open_actions > 0);
    free(heads);
    cf_workers_wake_preflight(e->workers);
    atomic_store(&e->ready, true);
}

static bool take_poke(struct cf_engine *e)
{
    CF_LOCKED(&e->mutex);
    bool due = e->heads_due;
    e->heads_due = false;
    return due;
}

/* Waits for hints of other replicas and the API, or for a poke. */
static void wait_for_hints(struct cf_engine *e, int64_t until_ms)
{
    struct cf_error err = CF_ERROR_INIT;
    int timeout_ms = (int)CF_MAX(until_ms - cf_mono_now_ms(), (int64_t)0);
    if (cf_listener_wait(e->listener, timeout_ms, heard, e, &err))
        return;
    CF_LOCKED(&e->mutex);
    if (!e->heads_due && !atomic_load(&e->stopping))
        (void)cf_cond_wait_until(&e->poked, &e->mutex, cf_mono_now_ms() + LISTEN_AGAIN_MS);
}

static void *dispatch_thread(void *arg)
{
    struct cf_engine *e = arg;
    int64_t read_ms = 0;
    while (!atomic_load(&e->stopping)) {
        int64_t now = cf_mono_now_ms();
        if (take_poke(e) || now - read_ms >= HEADS_MS) {
            read_heads(e);
            read_ms = now;
        }
        wait_for_hints(e, read_ms + HEADS_MS);
    }
    return NULL;
}

/* ---- ports ---- */

static void tie_world(struct cf_engine *e)
{
    e->world = (struct cf_preflight_world){
        .kube = cf_clusters_kube,
        .record = cf_clusters_record,
        .source = cf_clusters_source,
        .self = e->clusters,
    };
    if (e->config.world)
        e->world = *e->config.world;
}

static struct cf_clusters_ops clusters_port(const struct cf_engine *e)
{
    return (struct cf_clusters_ops){ .kube = e->world.kube, .self = e->world.self };
}

static void tie_ports(struct cf_engine *e)
{
    e->ports = (struct cf_ports){
        .journal = cf_journal_store(e->config.store),
        .clusters = clusters_port(e),
        .lane = cf_lane_port(e->lane),
        .gates = cf_gates_port(e->gates),
        .bridges = cf_bridges_port(e->bridges),
        .preflight = &e->world,
        .probe = cf_probe,
        .probe_self = e,
        .clock = &cf_clock_real,
    };
}

/* ---- starting, in the order in which they need each other ---- */

static bool start_ownership(struct cf_engine *e, struct cf_error *err)
{
    struct cf_ownership_config config = {
        .store = e->config.store,
        .state_dir = e->config.state_dir,
        .address = e->config.address,
        .version = e->config.version,
        .lease_ms = e->config.lease_ms,
        .changed = shards_changed,
        .changed_arg = e,
    };
    e->ownership = cf_ownership_start(&config, err);
    return e->ownership != NULL;
}

static bool start_lane(struct cf_engine *e, struct cf_error *err)
{
    cf_autofree char *path = cf_xasprintf("%s/journal", e->config.state_dir);
    struct cf_lane_config config = {
        .journal_path = path,
        .clusters = clusters_port(e),
        .clock = &cf_clock_real,
        .woken = wake_run,
        .woken_arg = e,
    };
    e->lane = cf_lane_start(&config, err);
    return e->lane != NULL;
}

static bool start_gates(struct cf_engine *e, struct cf_error *err)
{
    struct cf_gates_config config = {
        .store = e->config.store,
        .lane = e->lane,
        .source = e->world.source,
        .source_self = e->world.self,
        .clock = &cf_clock_real,
        .look_ms_min = e->config.look_ms,
        .owner = cf_ownership_id(e->ownership),
    };
    e->gates = cf_gates_start(&config, err);
    return e->gates != NULL;
}

static bool start_bridges(struct cf_engine *e, struct cf_error *err)
{
    struct cf_bridges_config config = {
        .store = e->config.store,
        .clusters = clusters_port(e),
        .fence = cf_ownership_fence,
        .shards = cf_ownership_shards,
        .self = e->ownership,
        .woken = wake_run,
        .woken_arg = e,
    };
    struct cf_bridges *bridges = cf_bridges_start(&config, err);
    CF_LOCKED(&e->mutex);
    e->bridges = bridges;
    return bridges != NULL;
}

static bool worker_fence(void *self, int shard, struct cf_fence *out)
{
    struct cf_engine *e = self;
    return cf_ownership_fence(e->ownership, shard, out);
}

static bool start_workers(struct cf_engine *e, struct cf_error *err)
{
    struct cf_workers_config config = {
        .ports = &e->ports,
        .threads = e->config.workers,
        .fence = worker_fence,
        .preflight = cf_engine_do_preflight,
        .self = e,
    };
    return cf_workers_start(e->workers, &config, err);
}

static bool make_state_dir(const char *path, struct cf_error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    return cf_error_errno(err, errno, path);
}

/* The lane and the gates come first, so that rollbacks that were under way go on before anything
 * else. The queue exists before those who wake it. */
static bool start_parts(struct cf_engine *e, struct cf_error *err)
{
    e->clusters = cf_clusters_new(e->config.store, e->config.net, &e->config.clusters);
    tie_world(e);
    if (!make_state_dir(e->config.state_dir, err) || !start_ownership(e, err) ||
        !start_lane(e, err) || !start_gates(e, err) || !start_bridges(e, err))
        return false;
    tie_ports(e);
    if (!start_workers(e, err) ||
        !cf_thread_start(&e->dispatcher, "dispatch", dispatch_thread, e, err))
        return false;
    e->dispatches = true;
    return true;
}

struct cf_engine *cf_engine_start(const struct cf_engine_config *config, struct cf_error *err)
{
    struct cf_engine *e = cf_xcalloc(1, sizeof *e);
    e->config = *config;
    pthread_mutex_init(&e->mutex, NULL);
    cf_cond_init(&e->poked);
    e->workers = cf_workers_new();
    e->listener = cf_listener_new(e->config.store);
    if (!start_parts(e, err)) {
        cf_error_wrap(err, "start the engine");
        cf_engine_stop(e);
        return NULL;
    }
    return e;
}

/* The shards thread, which still runs, pokes no bridges any more. */
static struct cf_bridges *take_bridges(struct cf_engine *e)
{
    CF_LOCKED(&e->mutex);
    return cf_steal(&e->bridges);
}

void cf_engine_stop(struct cf_engine *e)
{
    if (!e)
        return;
    atomic_store(&e->stopping, true);
    poke(e);
    if (e->dispatches)
        pthread_join(e->dispatcher, NULL);
    cf_workers_stop(e->workers);
    cf_gates_stop(e->gates);
    cf_bridges_stop(take_bridges(e));
    cf_lane_stop(e->lane);
    cf_ownership_stop(e->ownership);
    cf_workers_free(e->workers);
    cf_listener_free(e->listener);
    cf_clusters_free(e->clusters);
    pthread_cond_destroy(&e->poked);
    pthread_mutex_destroy(&e->mutex);
    free(e);
}

/* ---- small questions ---- */

bool cf_engine_ready(struct cf_engine *e, char *why)
{
    int shards[CF_SHARDS];
    if (!atomic_load(&e->ready) || cf_ownership_shards(e->ownership, shards) == 0) {
        (void)snprintf(why, CF_ENGINE_WHY_MAX, "no shard is owned yet");
        return false;
    }
    return true;
}

void cf_engine_wake(struct cf_engine *e, const char *run_id)
{
    cf_workers_wake(e->workers, run_id);
}

void cf_engine_stats(struct cf_engine *e, struct cf_engine_stats *out)
{
    int shards[CF_SHARDS];
    memset(out, 0, sizeof *out);
    cf_workers_stats(e->workers, &out->runs, &out->busy, &out->passes);
    out->shards = cf_ownership_shards(e->ownership, shards);
}
