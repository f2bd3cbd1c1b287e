/* SPDX-License-Identifier: Apache-2.0 */
/* The bridge lane: keeps every bridge's slices equal to the target's ready endpoints, for as long
 * as traffic flows over it.
 *
 * A watch of the target Service's EndpointSlices says "look again"; the look is a list of them and
 * a write of what differs, within a second. While the weight is above 0 everything is listed anew
 * each 5 s whatever the watch says. It outlives runs: bridges of owned shards are read from the
 * store when shards are claimed and every few seconds; without PostgreSQL the lane goes on with
 * what it knows. A watch that was not in step for too long, or a look that failed, makes the bridge
 * stale: reconcile holds, then sends the traffic back. Never emptied while its weight is above 0.
 *
 * A bridge by name has no weight. Its callers are pods, which the routers' weight says nothing
 * about, and it leads to one writer: it is listed as often as one with weight, and is emptied when
 * the Service that it follows has no ready endpoint. Callers over there are refused at once then, and
 * so are those here; held, it would lead to an address that may be another pod's by now. When the
 * other cluster cannot be asked nothing is written.
 *
 * A bridge is fed by the owner of its shard, and while its run is unfinished by the run's owner as
 * well, whose steps must know how it stands: both write the same. To remove one its row is told
 * first, so that no replica that reads it feeds it again.
 *
 * Threads: four of its own; one mutex, never held over I/O. */
#ifndef CF_ENGINE_BRIDGES_H
#define CF_ENGINE_BRIDGES_H

#include "orchestrator/engine/ports.h"

enum {
    CF_BRIDGE_THREADS = 4,
    CF_BRIDGE_RELIST_MS = 5000,       /* while the weight is above 0, and by name */
    CF_BRIDGE_RELIST_IDLE_MS = 30000, /* at weight 0 */
    CF_BRIDGE_AGAIN_MS = 1000,        /* after a failed look */
    CF_BRIDGE_STALE_MS = 15000,       /* without a successful look: three relists */
    CF_BRIDGE_ROWS_MS = 10000,        /* rows of owned shards are read anew */
    CF_BRIDGES_MAX = 10000,
};

struct cf_bridges;
struct cf_store;

struct cf_bridges_config {
    struct cf_store *store;
    struct cf_clusters_ops clusters;
    /* The fence of an owned shard; false when it is not ours. Must not block. */
    bool (*fence)(void *self, int shard, struct cf_fence *out);
    /* The owned shards, room for 64; returns how many. Must not block. */
    int (*shards)(void *self, int *out);
    void *self;
    void (*woken)(void *arg, const char *run_id); /* a bridge of this run changed; must not block */
    void *woken_arg;
};

struct cf_bridges *cf_bridges_start(const struct cf_bridges_config *config,
                                    struct cf_error *err) CF_NODISCARD;
void cf_bridges_stop(struct cf_bridges *b); /* accepts NULL */
struct cf_bridges_ops cf_bridges_port(struct cf_bridges *b);
/* Shards were claimed or lost, or a removal was asked for: reads the rows soon. */
void cf_bridges_poke(struct cf_bridges *b);
/* What the lane knows of a bridge by its row's id: {"synced", "stale", "ready", "weight", "others",
 * "why"}; NULL: not ours. New reference. */
json_t *cf_bridges_status(struct cf_bridges *b, const char *id);

#endif
