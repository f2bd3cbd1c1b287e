/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the rollback lane share: responder.c (port, life), responder_table.c (runs and
 * their routers), responder_journal.c (lines on disk), responder_attempts.c (the threads). */
#ifndef CF_ENGINE_RESPONDER_INTERNAL_H
#define CF_ENGINE_RESPONDER_INTERNAL_H

#include <pthread.h>

#include "orchestrator/engine/local_journal.h"
#include "orchestrator/engine/responder.h"

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

/* ---- responder_table.c, with `mutex` held ---- */
struct lane_run *cf_lane_find(struct cf_lane *lane, const char *run_id);
struct lane_run *cf_lane_find_or_make(struct cf_lane *lane, const char *run_id);
void cf_lane_router_clear(struct lane_router *r);
/* Both attempts of a router are due: the warm one now, the fresh one a moment later. */
void cf_lane_send(struct lane_router *r);
bool cf_lane_all_answered(const struct lane_run *r);
void cf_lane_fire_locked(struct cf_lane *lane, struct lane_run *run, const char *cause,
                         const char *why, int64_t bad_ms, int64_t alarm_ms);
void cf_lane_drop_locked(struct cf_lane *lane, const char *run_id);

/* ---- responder_journal.c ---- */
/* With `mutex` held. New reference. */
json_t *cf_lane_fired_line(const struct lane_run *r) CF_NODISCARD;
/* Durable when it returns. With `journal_mutex` held, so that a line and its effect on the table
 * are one to cf_lane_compact(); never with `mutex` held: no PATCH waits for a disk. */
bool cf_lane_append_take(struct cf_lane *lane, json_t *line_take,
                         struct cf_error *err) CF_NODISCARD;
/* Only what is still needed stays in a file that has grown. With `journal_mutex` held. */
bool cf_lane_compact(struct cf_lane *lane, struct cf_error *err) CF_NODISCARD;
/* The table as the journal's lines left it; before any thread runs. */
void cf_lane_replay(struct cf_lane *lane, const json_t *lines);

/* ---- responder_attempts.c ---- */
void *cf_lane_thread(void *arg);

#endif
