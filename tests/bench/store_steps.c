/* SPDX-License-Identifier: Apache-2.0 */
/* Durable steps per second: fenced records of a step with its event, one run per thread, through
 * the store.
 *
 *   bench_store_steps CONNINFO THREADS SECONDS   prints "steps/s  p50 µs  p99 µs"
 *   bench_store_steps CONNINFO prepare N         migrates and makes the runs bench/1 … bench/N,
 *                                                prints nothing
 *
 * tests/bench/store.py runs it, beside pgbench with the same statement. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/migrate.h"
#include "store/plans.h"
#include "store/runs.h"
#include "store/shards.h"

#define OWNER "01900000-0000-7000-8000-00000000000a"

enum { THREADS_MAX = 64, SAMPLES_MAX = 2000000 };

static struct cf_store *store;
static struct cf_shard_row shards[CF_SHARDS];
static atomic_bool stopping;

struct worker {
    pthread_t thread;
    char run[CF_UUID_TEXT];
    int n;
    int *us; /* latency of each step */
};

static void die(const struct cf_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void make_plan(struct cf_error *err)
{
    json_t *doc = json_object();
    struct cf_plan_new plan = {
        .name = "bench",
        .text = "",
        .media_type = "application/json",
        .spec = doc,
        .effective = doc,
        .digest = "0000000000000000000000000000000000000000000000000000000000000000",
        .author = "bench"
    };
    enum cf_plan_applied applied;
    int revision;
    if (!cf_plan_apply(store, &plan, CF_PLAN_ANY, NULL, &applied, &revision, err))
        die(err);
    json_decref(doc);
}

static void prepare(int n)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_migrate_report report;
    int claimed;
    if (!cf_store_migrate(store, &report, &err) ||
        !cf_shards_claim(store, OWNER, 3600000, CF_SHARDS, true, shards, &claimed, &err))
        die(&err);
    make_plan(&err);
    for (int i = 0; i < n; i++) {
        struct cf_step_new steps[] = { { "propagate", "copy", NULL },
                                       { "traffic.shift", "10%", NULL } };
        struct cf_run_new run = { .plan = "bench",
                                  .revision = 1,
                                  .source = "a",
                                  .target = "b",
                                  .state = "active",
                                  .phase = "Shifting",
                                  .started_by = "bench",
                                  .steps = steps,
                                  .n_steps = 2 };
        char id[CF_UUID_TEXT];
        int number;
        if (!cf_run_create(store, &run, NULL, id, &number, &err))
            die(&err);
    }
}

static void record_once(struct worker *w, const struct cf_fence *fence, int64_t *rev)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_recorded done;
    json_t *intent = json_pack("{s:i, s:s, s:s}", "weight", 25, "seq", "0123456789abcdef", "arm",
                               "0123456789abcdef");
    struct cf_step_update step = CF_STEP_UPDATE(1);
    step.state = "intent";
    step.intent = intent;
    struct cf_event_new event = { .kind = "run.weight.intent", .step = 1, .body = intent };
    struct cf_run_change change = {
        .run = CF_RUN_UPDATE_INIT, .steps = &step, .n_steps = 1, .events = &event, .n_events = 1
    };
    change.run.weight_desired = 25;
    change.run.wake_in_ms = 1000;
    if (!cf_run_record(store, fence, w->run, *rev, &change, &done, &err))
        die(&err);
    if (done.outcome != CF_RECORDED) {
        fprintf(stderr, "%s\n", cf_record_name(done.outcome));
        exit(1);
    }
    *rev = done.rev;
    json_decref(intent);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_run_row row = { 0 };
    if (!cf_run_get(store, w->run, &row, &err))
        die(&err);
    int64_t rev = row.rev;
    struct cf_fence fence = { .shard = row.shard };
    memcpy(fence.owner, OWNER, sizeof fence.owner);
    for (int i = 0; i < CF_SHARDS; i++)
        if (shards[i].shard == row.shard)
            fence.epoch = shards[i].epoch;
    cf_run_row_free(&row);
    while (!atomic_load(&stopping) && w->n < SAMPLES_MAX) {
        int64_t start = now_us();
        record_once(w, &fence, &rev);
        w->us[w->n++] = (int)(now_us() - start);
    }
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void report(const struct worker *workers, int threads, double seconds)
{
    int total = 0, at = 0;
    for (int i = 0; i < threads; i++)
        total += workers[i].n;
    int *all = cf_xcalloc((size_t)total + 1, sizeof *all);
    for (int i = 0; i < threads; i++) {
        memcpy(all + at, workers[i].us, (size_t)workers[i].n * sizeof *all);
        at += workers[i].n;
    }
    qsort(all, (size_t)total, sizeof *all, by_value);
    printf("%.0f %d %d\n", total / seconds, all[total / 2], all[(int)(total * 0.99)]);
    free(all);
}

static void run(int threads, int seconds)
{
    struct cf_error err = CF_ERROR_INIT;
    static struct worker workers[THREADS_MAX];
    int claimed;
    if (!cf_shards_claim(store, OWNER, 3600000, CF_SHARDS, true, shards, &claimed, &err))
        die(&err);
    for (int i = 0; i < threads; i++) {
        char ref[32];
        snprintf(ref, sizeof ref, "bench/%d", i + 1);
        if (!cf_run_find(store, ref, workers[i].run, &err))
            die(&err);
        workers[i].us = cf_xcalloc(SAMPLES_MAX, sizeof(int));
    }
    int64_t start = now_us();
    for (int i = 0; i < threads; i++)
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    nanosleep(&(struct timespec){ .tv_sec = seconds }, NULL);
    atomic_store(&stopping, true);
    for (int i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    report(workers, threads, (double)(now_us() - start) / 1e6);
    for (int i = 0; i < threads; i++)
        free(workers[i].us);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s CONNINFO THREADS SECONDS | CONNINFO prepare RUNS\n", argv[0]);
        return 2;
    }
    struct cf_error err = CF_ERROR_INIT;
    struct cf_store_config config = { .conninfo = argv[1], .pool_size = THREADS_MAX };
    store = cf_store_open(&config, &err);
    if (!store)
        die(&err);
    if (strcmp(argv[2], "prepare") == 0)
        prepare(atoi(argv[3]));
    else
        run(CF_MIN(CF_MAX(atoi(argv[2]), 1), THREADS_MAX), CF_MAX(atoi(argv[3]), 1));
    cf_store_close(store);
    return 0;
}
