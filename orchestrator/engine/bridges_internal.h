/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the bridge lane share: bridges.c (table, port, life), bridges_sync.c (looks and
 * threads), bridges_rows.c (the store), bridges_remove.c (taking away). */
#ifndef CF_ENGINE_BRIDGES_INTERNAL_H
#define CF_ENGINE_BRIDGES_INTERNAL_H

#include <pthread.h>

#include "federation/kube/watch.h"
#include "lb/bridge.h"
#include "orchestrator/engine/bridges.h"
#include "store/bridges.h"

/* One bridge of ours. Counted: one reference of the list, one per look under way. */
struct cf_bridge_live {
    char id[CF_UUID_TEXT]; /* of its row; "" until it is stored */
    int shard;
    char run_id[CF_UUID_TEXT];
    char cluster[CF_LABEL_MAX];
    struct cf_bridge which;
    json_t *spec;    /* {"addresses": [{ip, port}], "weight": n}, or {"byName": true} */
    json_t *service; /* the source's Service as last read, or NULL */
    int weight;
    int64_t weighed_ms; /* monotonic, when a run last set the weight here; 0: never */
    bool retiring;
    bool dirty, flying;
    bool failing, kept; /* told to the log: not in step; asked to go and not free. Of who flies */
    bool synced;
    int ready;
    int others; /* by name: ready endpoints of others beside ours */
    char why[256];
    int64_t born_ms;   /* monotonic, known here since then: what was never seen is not older */
    int64_t looked_ms; /* monotonic, last successful look; 0: none */
    int64_t due_ms;
    struct cf_kube *target; /* keeps the watch's client */
    struct cf_kube_watch
        *watch; /* of the target's slices; NULL for fixed addresses or until it could be opened */
    struct cf_bridges *owner;
    bool dead;
    int refs;
    struct cf_bridge_live *next;
};

/* What its row and its run say of it. During a look others may change that: whoever looks copies it. */
struct cf_bridge_said {
    char id[CF_UUID_TEXT], run_id[CF_UUID_TEXT];
    int shard;
    bool retiring;
};

struct cf_bridges {
    struct cf_bridges_config config;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    struct cf_bridge_live *list;
    bool stopping, rows_due;
    int64_t rows_ms; /* monotonic, when the rows are read next */
    pthread_t threads[CF_BRIDGE_THREADS];
    int n_threads;
};

/* ---- bridges.c ---- */
struct cf_bridge_live *
cf_bridge_live_find(struct cf_bridges *b, const struct cf_bridge_place *place); /* with the mutex */
struct cf_bridge_live *cf_bridge_live_add(struct cf_bridges *b, const char *cluster,
                                          const struct cf_bridge *which,
                                          const json_t *spec); /* with the mutex */
/* Whether somebody's traffic goes over it: looked at often, and stale when it was not. */
bool cf_bridge_live_carries(const struct cf_bridge_live *l);
/* Gives a reference back; the last one ends the watch, so never with the mutex held. */
void cf_bridge_live_unref(struct cf_bridges *b, struct cf_bridge_live *l);
/* Takes it off the list; the caller gives the list's reference back. With the mutex. */
void cf_bridge_live_unlink(struct cf_bridges *b, struct cf_bridge_live *l);
/* The end of what `flying` and a reference were taken for. `gone`: its objects are removed, so it
 * leaves the list. Never with the mutex held. */
void cf_bridge_live_give_back(struct cf_bridges *b, struct cf_bridge_live *l, bool gone);

/* ---- bridges_sync.c ---- */
/* One look: lists the target's endpoints (or takes the fixed ones) and writes what differs. Blocks;
 * without the mutex, by whoever set `flying`. */
bool cf_bridge_live_look(struct cf_bridges *b, struct cf_bridge_live *l,
                         struct cf_error *err) CF_NODISCARD;
void *cf_bridges_thread(void *arg);

/* ---- bridges_rows.c ---- */
/* As it is now. Must not be called with the mutex. */
struct cf_bridge_said cf_bridge_live_said(struct cf_bridges *b, const struct cf_bridge_live *l);
/* Reads the rows of the owned shards: adds what is missing, drops what is not ours any more.
 * Blocks; without the mutex. */
void cf_bridges_read_rows(struct cf_bridges *b);
/* Removes objects and row of a bridge that was asked to retire, which the owner of its shard does.
 * CONFLICT: a router still names it, so it is fed on and asked again. */
bool cf_bridges_retire(struct cf_bridges *b, struct cf_bridge_live *l,
                       struct cf_error *err) CF_NODISCARD;
/* Whether its shard is ours. Must not be called with the mutex. */
bool cf_bridges_own(struct cf_bridges *b, int shard);
/* Keeps what was last seen, for `bridge list`. Failures are of no consequence. */
void cf_bridges_save_status(struct cf_bridges *b, struct cf_bridge_live *l);

/* ---- bridges_remove.c: the port's two functions of that name (ports.h) ---- */
bool cf_bridges_remove_of_run(void *self, const struct cf_fence *fence, const char *run_id,
                              struct cf_error *err);
bool cf_bridges_remove_one(void *self, const struct cf_fence *fence, const char *run_id,
                           const struct cf_bridge_place *place, struct cf_error *err);

#endif
