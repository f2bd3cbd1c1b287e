/* SPDX-License-Identifier: Apache-2.0 */
/* The gates of all runs: looks at the metrics, judges, and fires the rollback lane on an alarm.
 *
 * One thread per cluster with metrics reads all streams that are due in one batch, so that a slow
 * source delays nobody else. Judging is in memory and goes on without PostgreSQL; a thread of its
 * own saves checkpoints (each 10 s) and the series for charts (each second) when the store answers.
 * One mutex, never held over I/O. */
#ifndef CF_ENGINE_GATES_H
#define CF_ENGINE_GATES_H

#include "orchestrator/engine/ports.h"
#include "orchestrator/engine/responder.h"

enum {
    CF_GATES_SAVE_MS = 10000,
    CF_GATES_SERIES_MS = 1000,
    /* Waiting to be stored; older ones are dropped while the store is away. */
    CF_GATES_POINTS_MAX = 20000,
    CF_GATES_LOOKERS_MAX = 128, /* clusters with metrics under watch at once */
    /* A failing source is made anew (its record may have changed) at most so often. */
    CF_GATES_SOURCE_AGAIN_MS = 5000,
};

struct cf_gates;
struct cf_store;

struct cf_gates_config {
    struct cf_store *store; /* may be NULL in tests: nothing is saved */
    struct cf_lane *lane;
    bool (*source)(void *self, const char *cluster, struct cf_source **out, const char **out_preset,
                   struct cf_error *err);
    void *source_self;
    const struct cf_clock *clock;
    int64_t look_ms_min; /* no gate looks more often; 0: 200 */
    const char *owner;   /* this replica's id, for the fences of checkpoints */
};

struct cf_gates *cf_gates_start(const struct cf_gates_config *config,
                                struct cf_error *err) CF_NODISCARD;
void cf_gates_stop(struct cf_gates *g); /* accepts NULL; saves once more */
struct cf_gates_ops cf_gates_port(struct cf_gates *g);

#endif
