/* SPDX-License-Identifier: Apache-2.0 */
/* The workers: a queue of runs with timers in memory, and the threads that take them through their
 * passes.
 *
 * A run is in the queue while its shard is ours. It is passed through by one worker at a time; a
 * wake during a pass leads to another pass. At most CF_WORKERS_PER_CLUSTER workers are busy in one
 * cluster: a run whose cluster is full waits in the queue, no worker waits with it. Thin: no
 * decision about a run is made here. One mutex, never held over a pass. */
#ifndef CF_ENGINE_WORKERS_H
#define CF_ENGINE_WORKERS_H

#include "orchestrator/engine/reconcile.h"

enum {
    CF_WORKERS = 16,
    CF_WORKERS_PER_CLUSTER = 4, /* a slow cluster holds at most a quarter of the workers */
    CF_WORKERS_RUNS_MAX = 100000,
};

struct cf_workers;

struct cf_workers_config {
    const struct cf_ports *ports;
    int threads;                                                /* 0: CF_WORKERS */
    bool (*fence)(void *self, int shard, struct cf_fence *out); /* must not block */
    void (*preflight)(void *self); /* does one queued preflight, if there is one; blocks */
    void *self;
};

/* The queue alone: may be woken from now on. */
struct cf_workers *cf_workers_new(void) CF_NODISCARD;
bool cf_workers_start(struct cf_workers *w, const struct cf_workers_config *config,
                      struct cf_error *err) CF_NODISCARD;
/* Waits for the passes under way, which end by the deadlines of their calls. The queue may still be
 * woken, in vain. */
void cf_workers_stop(struct cf_workers *w);
void cf_workers_free(struct cf_workers *w); /* accepts NULL */

/* This run, at once; unknown runs are added. Does not block. */
void cf_workers_wake(struct cf_workers *w, const char *run_id);
/* What a replica reads of its runs: adds, and wakes those whose rev is not the one last seen. */
void cf_workers_offer(struct cf_workers *w, const char *run_id, int64_t rev, bool has_actions);
/* One queued preflight may be there. */
void cf_workers_wake_preflight(struct cf_workers *w);
/* Runs in the queue, and passes done since the start. */
void cf_workers_stats(struct cf_workers *w, int *out_runs, int *out_busy, int64_t *out_passes);

#endif
