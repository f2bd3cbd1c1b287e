/* SPDX-License-Identifier: Apache-2.0 */
/* What the three parts of the gates share: gates.c (runs, views, life), gates_look.c (threads),
 * gates_save.c (the store). */
#ifndef CF_ENGINE_GATES_INTERNAL_H
#define CF_ENGINE_GATES_INTERNAL_H

#include <pthread.h>

#include "orchestrator/engine/gates.h"
#include "orchestrator/preflight/streams.h"

enum { CF_RATE_BUCKETS = 10 }; /* seconds over which the source's requests are counted */

/* One stream under watch. A gate's (then `gate`), or one side's plain traffic (then `sampler`). */
struct cf_watch_entry {
    struct cf_named_stream named;
    char cluster[CF_LABEL_MAX];
    int64_t look_ms, due_ms; /* monotonic */
    struct cf_gate *gate;
    const struct cf_plan_gate *plan_gate;
    const char *router; /* the plan's name of it */
    struct cf_sampler *sampler;
    enum cf_side side;
    bool partial; /* the last reading lacked places of its source: its traffic is not all known */
    struct cf_watched_run *run;
};

/* A run under watch. Counted: one reference of the list, one per look under way. */
struct cf_watched_run {
    char id[CF_UUID_TEXT];
    struct cf_fence fence;
    struct cf_plan *plan; /* owned; entries point into it */
    int64_t since_ms;
    struct cf_watch_entry *entries;
    size_t n_entries;
    bool alarmed;
    /* plain traffic */
    bool source_known, target_known;
    uint64_t n_target, n_source; /* since the last weight change */
    uint64_t recent_source[CF_RATE_BUCKETS];
    int64_t recent_second;
    int64_t last_bad_ms;
    /* for the series: since the last point */
    uint64_t point_n[2], point_k[2];
    int desired, applied;
    int refs;
    bool dead;
    struct cf_watched_run *next;
};

struct cf_looker {
    struct cf_gates *gates;
    char cluster[CF_LABEL_MAX];
    pthread_t thread;
    struct cf_source *source;
    const char *preset;
    int64_t made_ms;     /* monotonic, of the last attempt to make the source */
    int64_t patience_ms; /* how long a read may take, as learnt from the last ones; only the
                            looker's thread */
    struct cf_error why; /* of the last attempt that failed */
};

struct cf_gates {
    struct cf_gates_config config;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    struct cf_watched_run *runs;
    struct cf_looker *lookers[CF_GATES_LOOKERS_MAX];
    int n_lookers;
    bool stopping;
    pthread_t saver;
    bool saver_runs;
};

/* ---- gates.c, with the mutex held ---- */
struct cf_watched_run *cf_watched_find(struct cf_gates *g, const char *run_id);
void cf_watched_unref(struct cf_watched_run *run);

/* ---- gates_look.c ---- */
/* Makes sure that somebody looks at the cluster's metrics; with the mutex held. */
bool cf_looker_ensure(struct cf_gates *g, const char *cluster, struct cf_error *err) CF_NODISCARD;
void *cf_looker_thread(void *arg);

/* ---- gates_save.c ---- */
void *cf_gates_saver(void *arg);
/* What the store remembers of a run's gates; {} when it has none or does not answer. New reference.
 */
json_t *cf_gates_remembered(struct cf_gates *g, const char *run_id);
/* "success/mesh": the name under which a gate of a router is kept. */
void cf_gates_stream_name(const struct cf_watch_entry *e, char *buf, size_t size);

#endif
