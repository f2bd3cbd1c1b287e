/* SPDX-License-Identifier: Apache-2.0 */
/* Bridges: which Services we feed with another cluster's endpoints: one of our own beside the named
 * one, or the named one itself ("byName" of the spec; a Service may have both). A bridge outlives
 * its run: the lane that feeds it belongs to the owner of the bridge's shard (a hash of its id).
 * Events: bridge.added, bridge.removed. */
#ifndef CF_STORE_BRIDGES_H
#define CF_STORE_BRIDGES_H

#include "store/fence.h"
#include "store/store.h"

struct cf_bridge_row {
    char id[CF_UUID_TEXT];
    int shard;
    char run_id[CF_UUID_TEXT]; /* the run that made it last */
    char *run_name;
    char *cluster, *ns, *service;                      /* where it stands */
    char *target_cluster, *target_ns, *target_service; /* whose endpoints it carries */
    json_t *spec;   /* ports, reach, addresses, routers over it …; the engine's; an object */
    char *state;    /* the lane's word: "active", "retiring" … */
    json_t *status; /* what the lane last saw; NULL if nothing */
    int64_t created_ms, updated_ms;
};
void cf_bridge_row_free(struct cf_bridge_row *row);
struct cf_bridge_list {
    struct cf_bridge_row *rows;
    size_t n;
};
void cf_bridge_list_free(struct cf_bridge_list *list);

struct cf_bridge_new {
    const char *run_id;
    const char *cluster, *ns, *service;
    const char *target_cluster, *target_ns, *target_service;
    const json_t *spec; /* NULL: {} */
    const char *state;
};

/* The id of the bridge at a place: a function of it, so that a repeated step and a replaced bridge
 * keep it, and with it the shard. */
void cf_bridge_id(const char *cluster, const char *ns, const char *service, bool by_name,
                  char out_id[CF_UUID_TEXT]);

/* Makes or replaces the bridge at (cluster, ns, service, byName of the spec); the fence is that of
 * the run's shard. STALE never happens. */
bool cf_bridge_put(struct cf_store *store, const struct cf_fence *fence,
                   const struct cf_bridge_new *bridge, char out_id[CF_UUID_TEXT],
                   enum cf_record *out, struct cf_error *err) CF_NODISCARD;
/* Writes `weight` into the spec of every bridge of the run but those by name, which have none; the
 * fence is that of the run's shard. STALE: the run has none. */
bool cf_bridge_weight(struct cf_store *store, const struct cf_fence *fence, const char *run_id,
                      int weight, enum cf_record *out, struct cf_error *err) CF_NODISCARD;
/* The lane's own writes; the fence is that of the bridge's shard. state or status may be NULL:
 * kept. STALE: it is gone. */
bool cf_bridge_set(struct cf_store *store, const struct cf_fence *fence, const char *id,
                   const char *state, const json_t *status, enum cf_record *out,
                   struct cf_error *err) CF_NODISCARD;
/* Takes the row of a retiring bridge away, after its objects are gone. STALE: it is gone, or wanted
 * again. */
bool cf_bridge_row_remove(struct cf_store *store, const struct cf_fence *fence, const char *id,
                          const char *author, enum cf_record *out,
                          struct cf_error *err) CF_NODISCARD;
/* The run that made it asks the bridge's lane, another replica's, to take it away: state :=
 * "retiring". The fence is that of the run's shard. STALE: it is gone, or another run's. */
bool cf_bridge_retire(struct cf_store *store, const struct cf_fence *fence, const char *id,
                      const char *run_id, enum cf_record *out, struct cf_error *err) CF_NODISCARD;
/* What the API may do to a bridge: ask its lane to retire it (state := "retiring"). CONFLICT/IN_USE
 * while the run that made it is unfinished. */
bool cf_bridge_ask_removal(struct cf_store *store, const char *id, const char *author,
                           struct cf_error *err) CF_NODISCARD;

bool cf_bridge_get(struct cf_store *store, const char *id, struct cf_bridge_row *out,
                   struct cf_error *err) CF_NODISCARD;
/* All, or those of some shards and of unfinished runs of those shards (n_shards > 0), or of one run
 * (run_id not NULL). */
bool cf_bridge_list_all(struct cf_store *store, const int *shards, size_t n_shards,
                        const char *run_id, struct cf_bridge_list *out,
                        struct cf_error *err) CF_NODISCARD;

#endif
