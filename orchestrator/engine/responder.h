/* SPDX-License-Identifier: Apache-2.0 */
/* The rollback lane: sends the traffic of a run back, all routers at once, with nothing in between.
 *
 * The ways back are prepared (rendered, fsynced in the local journal, clients at hand) before a
 * weight is raised; an alarm then only hands the prepared PATCHes to threads that wait for nothing
 * else. Per router two attempts of 2 s race: one on a warm connection at once, one on a fresh
 * connection a moment later; the PATCH is the same, so both may land. What fails is tried again,
 * for ever, until it is home or refused (fenced, disarmed, changed): then reconcile mends the
 * document or holds.
 *
 * Never waits for PostgreSQL, readiness, metrics, approval or another cluster. Its outcome is told
 * by view(), and `woken` is called at each change. Threads: its own; no lock is held over a PATCH,
 * and none that a PATCH needs over an fsync. */
#ifndef CF_ENGINE_RESPONDER_H
#define CF_ENGINE_RESPONDER_H

#include "orchestrator/engine/ports.h"

enum {
    CF_LANE_THREADS = 16, /* eight routers with both attempts in flight */
    CF_LANE_ATTEMPT_MS = 2000,
    CF_LANE_RACE_MS = 250,  /* from the first attempt to the one on a fresh connection */
    CF_LANE_AGAIN_MS = 200, /* from a failed attempt to the next */
    CF_LANE_COMPACT_BYTES = 1024 * 1024,
};

struct cf_lane;

struct cf_lane_config {
    const char *journal_path;
    struct cf_clusters_ops clusters;
    const struct cf_clock *clock;
    void (*woken)(
        void *arg,
        const char *run_id); /* something changed; may be called by any thread, must not block */
    void *woken_arg;
    int threads; /* 0: CF_LANE_THREADS */
};

/* Reads the journal: rollbacks that were under way go on at once. */
struct cf_lane *cf_lane_start(const struct cf_lane_config *config,
                              struct cf_error *err) CF_NODISCARD;
/* Ends attempts within CF_LANE_ATTEMPT_MS; what is not home goes on at the next start. Accepts
 * NULL. */
void cf_lane_stop(struct cf_lane *lane);

/* The port's table. */
struct cf_lane_ops cf_lane_port(struct cf_lane *lane);

/* An alarm: fires without waiting for anything. `bad_ms`: wall time of the first bad look. False if
 * the run has no way back prepared, is blocked, or was fired before. */
bool cf_lane_alarm(struct cf_lane *lane, const char *run_id, const char *why, int64_t bad_ms,
                   int64_t alarm_ms);

#endif
