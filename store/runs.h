/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: one execution of one plan revision, with its steps, its routers and its events.
 *
 * Created by the API in one transaction; from then on written only by cf_run_record(), which is one
 * statement: fence, compare `rev`, change the run, its steps, its routers, answer actions, release
 * claims, append events; all of it or nothing. The words of states, phases and kinds belong to the
 * engine: the store keeps them and knows only "finished" (terminal) and "committed". Numbers that
 * are not known are CF_NONE. */
#ifndef CF_STORE_RUNS_H
#define CF_STORE_RUNS_H

#include <limits.h>

#include "store/actions.h"
#include "store/claims.h"
#include "store/events.h"
#include "store/fence.h"
#include "store/idempotency.h"
#include "store/store.h"

enum {
    CF_NONE = -1,
    CF_KEEP = INT_MIN, /* in updates: leave the column as it is */
    CF_RUN_STEPS_MAX = 500,
    CF_RUN_ROUTERS_MAX = 64,
    CF_RUN_CLAIMS_MAX = 256,
};

/* ---- rows ---- */

struct cf_run_row {
    char id[CF_UUID_TEXT];
    char *plan;
    int number;   /* of the plan: PLAN/number */
    int revision; /* of the plan */
    char digest[65];
    int shard;
    char *source, *target; /* names of clusters */
    char *state, *phase, *message;
    int step;           /* current step's number; CF_NONE before the first */
    int64_t rev;        /* moves at each record and each action */
    int64_t seq;        /* of the last event of this run */
    int64_t last_event; /* its public id: GET the run, then stream the run's events after it,
                           without a gap */
    json_t *hold;       /* {"reason","message","callToAction"}; NULL: does not hold */
    int weight_desired, weight_applied; /* percent to the target, or CF_NONE */
    double weight_observed;             /* percent, negative if not measured */
    int64_t wake_in_ms;                 /* from now; negative: overdue; INT64_MAX: none */
    json_t *progress;                   /* or NULL */
    json_t *memo;                       /* the engine's own small state; always an object */
    json_t *warnings;                   /* always an array */
    json_t *labels;                     /* always an object */
    char *started_by, *start_reason;
    int open_actions;
    int64_t created_ms, updated_ms, committed_ms, finished_ms;
};
void cf_run_row_free(struct cf_run_row *row); /* for CF_CLEANUP; zeroed before first use */

struct cf_run_list {
    struct cf_run_row *rows;
    size_t n;
    bool more;
};
void cf_run_list_free(struct cf_run_list *list);

struct cf_step_row {
    int no; /* from 0, in order */
    char *kind, *name;
    json_t *params; /* what compile decided; never changes; an object */
    char *state, *message;
    int attempt;
    json_t *intent, *observation, *progress; /* NULL if none */
    int64_t started_ms, finished_ms, updated_ms;
};

struct cf_router_row {
    int idx;                                           /* from 0 */
    char *name, *type, *cluster, *ns, *object, *route; /* route "" if it has none */
    json_t *target;                    /* the plan's router resolved; never changes; an object */
    char *arm, *seq;                   /* as last recorded; "" if none */
    int64_t epoch;                     /* as last written to the object; 0 if never */
    int weight;                        /* as last read back, or CF_NONE */
    int want;                          /* as last decided, or CF_NONE */
    bool in_sync;                      /* the object showed what we want when it was last read */
    json_t *baseline, *restore, *memo; /* NULL if none */
    int64_t written_ms, updated_ms;
};

/* Everything a reconcile pass starts from, read in one snapshot. */
struct cf_run {
    struct cf_run_row row;
    struct cf_step_row *steps;
    size_t n_steps;
    struct cf_router_row *routers;
    size_t n_routers;
    struct cf_action_row *actions; /* the open ones, in order of arrival */
    size_t n_actions;
    json_t *effective; /* of the plan's revision */
};
void cf_run_free(struct cf_run *run); /* for CF_CLEANUP; zeroed before first use */

/* ---- create ---- */

struct cf_step_new {
    const char *kind, *name;
    const json_t *params; /* NULL: {} */
};
struct cf_router_new {
    const char *name, *type, *cluster, *ns, *object, *route; /* route may be NULL */
    const json_t *target;                                    /* NULL: {} */
};
struct cf_run_new {
    const char *plan;
    int revision;
    const char *source, *target;
    const char *state, *phase; /* the first ones */
    const char *started_by, *reason;
    const json_t *labels, *memo, *warnings; /* each may be NULL */
    const struct cf_step_new *steps;
    size_t n_steps;
    const struct cf_router_new *routers;
    size_t n_routers;
    const struct cf_claim *claims;
    size_t n_claims;
    const struct cf_event_new *events; /* after our own first one, "run.created" */
    size_t n_events;
};

/* One transaction. Steps and routers get their places in the arrays as numbers. NOT_FOUND: the plan
 * or revision is not there (or deleted); CONFLICT/ CLAIMED names the run that holds a claim
 * ("PLAN/3"; err->field is the claim's text). out_id is the new run's id, or that of the first
 * request's run when idem was replayed. Notifies the shard's owner. */
bool cf_run_create(struct cf_store *store, const struct cf_run_new *run, struct cf_idem *idem,
                   char out_id[CF_UUID_TEXT], int *out_number, struct cf_error *err) CF_NODISCARD;

/* ---- read ---- */

/* "PLAN/3", "PLAN@latest", or an id → id. NOT_FOUND; INVALID if it is none of these. */
bool cf_run_find(struct cf_store *store, const char *ref, char out_id[CF_UUID_TEXT],
                 struct cf_error *err) CF_NODISCARD;

bool cf_run_get(struct cf_store *store, const char *id, struct cf_run_row *out,
                struct cf_error *err) CF_NODISCARD;
bool cf_run_load(struct cf_store *store, const char *id, struct cf_run *out,
                 struct cf_error *err) CF_NODISCARD;

/* NULL, 0 or false: no such condition. */
struct cf_run_filter {
    const char *plan;
    const char *cluster; /* source or target */
    const char *source, *target;
    const char *const *states; /* ended by NULL */
    const char *label_key, *label_value;
    bool active;       /* not finished */
    const char *after; /* the last id of the page before */
};
/* Newest first. */
bool cf_run_list_page(struct cf_store *store, const struct cf_run_filter *filter, int limit,
                      struct cf_run_list *out, struct cf_error *err) CF_NODISCARD;

/* The entries of cf_run_change.copies as they stand, in the order in which they came: an array (new
 * reference), empty when there are none. */
bool cf_run_copies(struct cf_store *store, const char *id, json_t **out,
                   struct cf_error *err) CF_NODISCARD;

/* The unfinished runs of some shards, for the owner's queue: cheap, called when shards are claimed
 * and as a backstop every few seconds. A rev that is not the one in memory means: load. */
struct cf_run_head {
    char id[CF_UUID_TEXT];
    int shard;
    int64_t rev;
    int64_t wake_in_ms; /* as in cf_run_row */
    int open_actions;
};
/* *out_heads is malloc'd; caller frees. */
bool cf_run_heads(struct cf_store *store, const int *shards, size_t n_shards,
                  struct cf_run_head **out_heads, size_t *out_n, struct cf_error *err) CF_NODISCARD;

/* ---- record ---- */

/* Pointers: NULL keeps the column. Numbers: CF_KEEP keeps it, CF_NONE clears it. Start from
 * CF_RUN_UPDATE_INIT. */
struct cf_run_update {
    const char *state, *phase, *message;
    int step;
    int weight_desired, weight_applied;
    double weight_observed; /* NaN keeps, negative clears */
    const json_t *hold;     /* an object */
    bool clear_hold;
    int64_t wake_in_ms; /* from the database's now; CF_WAKE_KEEP, CF_WAKE_NONE */
    const json_t *progress;
    bool clear_progress;
    const json_t *memo;     /* replaces it */
    const json_t *warnings; /* replaces them */
    bool committed;         /* sets committed_ms, once */
    bool finished; /* sets finished_ms: terminal. Open actions that are not answered here are
                      refused, claims released */
    bool release_claims;
};
#define CF_WAKE_KEEP INT64_MIN
#define CF_WAKE_NONE INT64_MAX
#define CF_RUN_UPDATE_INIT                                                                         \
    ((struct cf_run_update){ .step = CF_KEEP,                                                      \
                             .weight_desired = CF_KEEP,                                            \
                             .weight_applied = CF_KEEP,                                            \
                             .weight_observed = __builtin_nan(""),                                 \
                             .wake_in_ms = CF_WAKE_KEEP })

struct cf_step_update {
    int no;
    const char *state, *message;
    int attempt;                                   /* CF_KEEP keeps */
    const json_t *intent, *observation, *progress; /* json_null() clears */
    bool started, finished; /* set the time to the database's now; started clears finished */
};
#define CF_STEP_UPDATE(n) ((struct cf_step_update){ .no = (n), .attempt = CF_KEEP })

struct cf_router_update {
    int idx;
    const char *arm, *seq;                   /* "" empties */
    int64_t epoch;                           /* 0 keeps */
    int weight, want;                        /* CF_KEEP keeps */
    int in_sync;                             /* 0 or 1; CF_KEEP keeps */
    const json_t *baseline, *restore, *memo; /* json_null() clears */
    bool written;                            /* sets written_ms to now */
};
#define CF_ROUTER_UPDATE(i)                                                                        \
    ((struct cf_router_update){                                                                    \
        .idx = (i), .weight = CF_KEEP, .want = CF_KEEP, .in_sync = CF_KEEP })

struct cf_action_answer {
    int64_t id;
    const char *state;   /* CF_ACTION_DONE or CF_ACTION_REFUSED */
    const char *message; /* may be NULL */
};

/* One record: all parts may be empty, but one event at least says why. */
struct cf_run_change {
    struct cf_run_update run;
    const struct cf_step_update *steps;
    size_t n_steps;
    const struct cf_router_update *routers;
    size_t n_routers;
    const struct cf_action_answer *answers;
    size_t n_answers;
    /* Of what was done to the target, only what changed: [{"key", "entry": {…}}], without `entry`
     * where it is gone. NULL: nothing. */
    const json_t *copies;
    const struct cf_event_new *events;
    size_t n_events; /* 1 … CF_EVENTS_PER_RECORD */
};

struct cf_run_recorded {
    enum cf_record outcome;
    int64_t rev;        /* the new one; pass it as the next `expected_rev` */
    int64_t seq;        /* of the last event written */
    int64_t last_event; /* its public id */
};

/* True if the statement was executed: look at out->outcome, then. A step, router or open action
 * that is not there is BUG and writes nothing. UNKNOWN: may have been written; load the run, its
 * rev tells. Writing to a finished run is STALE. */
bool cf_run_record(struct cf_store *store, const struct cf_fence *fence, const char *run_id,
                   int64_t expected_rev, const struct cf_run_change *change,
                   struct cf_run_recorded *out, struct cf_error *err) CF_NODISCARD;

#endif
