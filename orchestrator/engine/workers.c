/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of runs and its threads (workers.h). */
#include "orchestrator/engine/workers.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <uthash.h>

#include "base/log.h"
#include "base/thread.h"
#include "store/shards.h"

enum { RETRY_MIN_MS = 500, RETRY_MAX_MS = 30000, STALE_SPINS_MAX = 20 };

struct job {
    char id[CF_UUID_TEXT];
    int shard;
    int64_t due_ms; /* monotonic */
    bool busy;      /* a worker has it */
    bool again;     /* woken meanwhile */
    int failures;   /* in a row: back-off */
    int spins;      /* passes in a row that found the row changed */
    int64_t rev;    /* as last left by a pass */
    char source[CF_LABEL_MAX], target[CF_LABEL_MAX];
    UT_hash_handle hh;
};

struct cf_workers {
    struct cf_workers_config config;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    struct job *jobs; /* by id */
    bool preflight_due;
    bool stopping;
    int busy;
    int64_t passes;
    pthread_t threads[CF_WORKERS];
    int n_threads;
};

/* ---- waking ---- */

static struct job *job_add(struct cf_workers *w, const char *run_id)
{
    struct job *j;
    HASH_FIND_STR(w->jobs, run_id, j);
    if (j || HASH_COUNT(w->jobs) >= CF_WORKERS_RUNS_MAX)
        return j;
    j = cf_xcalloc(1, sizeof *j);
    (void)snprintf(j->id, sizeof j->id, "%s", run_id);
    j->shard = cf_shard_of(run_id);
    HASH_ADD_STR(w->jobs, id, j);
    return j;
}

static void wake_locked(struct cf_workers *w, struct job *j, int64_t due_ms)
{
    if (j->busy)
        j->again = true;
    else
        j->due_ms = CF_MIN(j->due_ms, due_ms);
    pthread_cond_signal(&w->changed);
}

void cf_workers_wake(struct cf_workers *w, const char *run_id)
{
    CF_LOCKED(&w->mutex);
    struct job *j = job_add(w, run_id);
    if (j)
        wake_locked(w, j, cf_mono_now_ms());
}

void cf_workers_offer(struct cf_workers *w, const char *run_id, int64_t rev, bool has_actions)
{
    CF_LOCKED(&w->mutex);
    struct job *known;
    HASH_FIND_STR(w->jobs, run_id, known);
    struct job *j = known ? known : job_add(w, run_id);
    int64_t now = cf_mono_now_ms();
    if (!j)
        return;
    if (!known)
        j->due_ms = now; /* a run new to us is touched before its next look is due */
    if (!j->busy && (has_actions || rev != j->rev))
        wake_locked(w, j, now);
}

void cf_workers_wake_preflight(struct cf_workers *w)
{
    CF_LOCKED(&w->mutex);
    w->preflight_due = true;
    pthread_cond_signal(&w->changed);
}

void cf_workers_stats(struct cf_workers *w, int *out_runs, int *out_busy, int64_t *out_passes)
{
    CF_LOCKED(&w->mutex);
    *out_runs = (int)HASH_COUNT(w->jobs);
    *out_busy = w->busy;
    *out_passes = w->passes;
}

/* ---- taking ---- */

static int busy_in(const struct cf_workers *w, const char *cluster)
{
    int n = 0;
    if (!*cluster)
        return 0;
    for (const struct job *j = w->jobs; j; j = j->hh.next)
        if (j->busy && (strcmp(j->source, cluster) == 0 || strcmp(j->target, cluster) == 0))
            n++;
    return n;
}

static bool has_room(const struct cf_workers *w, const struct job *j)
{
    return busy_in(w, j->source) < CF_WORKERS_PER_CLUSTER &&
           busy_in(w, j->target) < CF_WORKERS_PER_CLUSTER;
}

/* The job that is due for longest; *out_next is when the next one will be. */
static struct job *due_job(const struct cf_workers *w, int64_t now, int64_t *out_next)
{
    struct job *best = NULL;
    *out_next = now + 1000;
    for (struct job *j = w->jobs; j; j = j->hh.next) {
        if (j->busy)
            continue;
        if (j->due_ms > now)
            *out_next = CF_MIN(*out_next, j->due_ms);
        else if ((!best || j->due_ms < best->due_ms) && has_room(w, j))
            best = j;
    }
    return best;
}

enum work { WORK_NONE, WORK_RUN, WORK_PREFLIGHT };

static enum work take(struct cf_workers *w, char run_id[CF_UUID_TEXT], int *out_shard)
{
    CF_LOCKED(&w->mutex);
    while (!w->stopping) {
        int64_t next;
        struct job *j = due_job(w, cf_mono_now_ms(), &next);
        if (j) {
            j->busy = true;
            j->again = false;
            w->busy++;
            memcpy(run_id, j->id, CF_UUID_TEXT);
            *out_shard = j->shard;
            return WORK_RUN;
        }
        if (w->preflight_due) {
            w->preflight_due = false;
            return WORK_PREFLIGHT;
        }
        (void)cf_cond_wait_until(&w->changed, &w->mutex, next);
    }
    return WORK_NONE;
}

/* ---- giving back ---- */

static void drop(struct cf_workers *w, struct job *j)
{
    HASH_DEL(w->jobs, j);
    free(j);
}

static int64_t back_off(int failures)
{
    int64_t ms = RETRY_MIN_MS;
    for (int i = 1; i < failures && ms < RETRY_MAX_MS; i++)
        ms *= 2;
    return CF_MIN(ms, RETRY_MAX_MS);
}

static void give_back(struct cf_workers *w, const char *run_id, const struct cf_pass_result *result,
                      bool ok)
{
    CF_LOCKED(&w->mutex);
    struct job *j;
    HASH_FIND_STR(w->jobs, run_id, j);
    w->busy--;
    w->passes++;
    pthread_cond_signal(&w->changed); /* room in a cluster, or a timer that is nearer */
    if (!j)
        return;
    int64_t now = cf_mono_now_ms();
    j->busy = false;
    j->failures = ok ? 0 : j->failures + 1;
    j->rev = result->rev;
    memcpy(j->source, result->source, sizeof j->source);
    memcpy(j->target, result->target, sizeof j->target);
    if (result->end == CF_PASS_ENDED || result->end == CF_PASS_FENCED) {
        drop(w, j);
        return;
    }
    j->spins = result->end == CF_PASS_AGAIN ? j->spins + 1 : 0;
    j->due_ms = now + (ok ? result->wake_ms : back_off(j->failures));
    if (result->end == CF_PASS_AGAIN)
        j->due_ms = now + (j->spins > STALE_SPINS_MAX ? RETRY_MIN_MS : 0);
    if (j->again)
        j->due_ms = now;
}

/* ---- a pass ---- */

static void pass(struct cf_workers *w, const char *run_id, int shard)
{
    struct cf_pass_result result = { .end = CF_PASS_FENCED };
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fence fence;
    bool ok = true;
    if (w->config.fence(w->config.self, shard, &fence)) {
        cf_log_context("run", run_id);
        ok = cf_reconcile(w->config.ports, &fence, run_id, &result, &err);
        if (!ok && err.kind == CF_ERR_NOT_FOUND)
            result.end = CF_PASS_ENDED;
        if (!ok)
            cf_log_err(cf_error_is_retryable(&err) ? CF_LOG_WARN : CF_LOG_ERROR, "run.pass",
                       "a pass could not do its work", &err);
        cf_log_context("run", NULL);
    }
    give_back(w, run_id, &result, ok);
}

static void *worker_thread(void *arg)
{
    struct cf_workers *w = arg;
    char run_id[CF_UUID_TEXT];
    int shard;
    enum work work;
    while ((work = take(w, run_id, &shard)) != WORK_NONE) {
        if (work == WORK_RUN)
            pass(w, run_id, shard);
        else
            w->config.preflight(w->config.self);
    }
    return NULL;
}

/* ---- life ---- */

struct cf_workers *cf_workers_new(void)
{
    struct cf_workers *w = cf_xcalloc(1, sizeof *w);
    pthread_mutex_init(&w->mutex, NULL);
    cf_cond_init(&w->changed);
    return w;
}

bool cf_workers_start(struct cf_workers *w, const struct cf_workers_config *config,
                      struct cf_error *err)
{
    w->config = *config;
    int wanted = config->threads > 0 ? CF_MIN(config->threads, CF_WORKERS) : CF_WORKERS;
    for (int i = 0; i < wanted; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "worker-%d", i);
        if (!cf_thread_start(&w->threads[i], name, worker_thread, w, err))
            return false;
        w->n_threads = i + 1;
    }
    return true;
}

void cf_workers_stop(struct cf_workers *w)
{
    {
        CF_LOCKED(&w->mutex);
        w->stopping = true;
        pthread_cond_broadcast(&w->changed);
    }
    for (int i = 0; i < w->n_threads; i++)
        pthread_join(w->threads[i], NULL);
    w->n_threads = 0;
}

void cf_workers_free(struct cf_workers *w)
{
    struct job *j, *tmp;
    if (!w)
        return;
    HASH_ITER(hh, w->jobs, j, tmp)
    drop(w, j);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}
