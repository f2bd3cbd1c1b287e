/* SPDX-License-Identifier: Apache-2.0 */
/* Which replica may steer which runs. 64 rows; a row is leased to one replica under an epoch that
 * only grows.
 *
 * Called by the shards thread, on a connection of its own, so that a busy pool cannot cost a lease.
 * Promise: after a claim returned epoch E for a shard, no statement fenced with an older epoch
 * commits. All epochs come from one sequence of the database; only the database's clock decides
 * leases. A replica judges its own right to go forward by the time at which it *sent* the last
 * successful renewal. */
#ifndef CF_STORE_SHARDS_H
#define CF_STORE_SHARDS_H

#include "store/fence.h"
#include "store/store.h"

enum { CF_SHARDS = 64 };

struct cf_shard_row {
    int shard;
    char owner[CF_UUID_TEXT]; /* "" if free */
    int64_t epoch;
    int64_t lease_left_ms; /* negative when it has run out */
};

/* The shard of a run or a bridge: a hash of its id, the same for ever. */
int cf_shard_of(const char *id);

/* Says that this replica lives, and how many do (itself included): the fair share is CF_SHARDS /
 * alive, rounded up. */
bool cf_replica_beat(struct cf_store *store, const char *owner, const char *address,
                     const char *version, int64_t lease_ms, int *out_alive,
                     struct cf_error *err) CF_NODISCARD;

/* Takes up to `max` shards that are free or whose lease has run out; with `and_mine` (a restarted
 * replica) also those that the same owner held, under new epochs. The taken rows go to
 * out_rows[0..*out_n), room for CF_SHARDS. */
bool cf_shards_claim(struct cf_store *store, const char *owner, int64_t lease_ms, int max,
                     bool and_mine, struct cf_shard_row *out_rows, int *out_n,
                     struct cf_error *err) CF_NODISCARD;

/* Extends the leases of `rows` (shard and epoch); out_kept[i] tells which are still ours. A lost
 * one is gone for good: its epoch never comes back. */
bool cf_shards_renew(struct cf_store *store, const char *owner, int64_t lease_ms,
                     const struct cf_shard_row *rows, int n, bool *out_kept,
                     struct cf_error *err) CF_NODISCARD;

/* Gives shards back (at a drain, or beyond the fair share); those that are no longer ours are
 * skipped. */
bool cf_shards_release(struct cf_store *store, const char *owner, const struct cf_shard_row *rows,
                       int n, struct cf_error *err) CF_NODISCARD;

/* All 64, for people; room for CF_SHARDS. */
bool cf_shards_list(struct cf_store *store, struct cf_shard_row *out_rows,
                    struct cf_error *err) CF_NODISCARD;

#endif
