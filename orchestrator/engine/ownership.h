/* SPDX-License-Identifier: Apache-2.0 */
/* Which shards this replica owns: claimed and renewed by a thread of its own, on a connection of
 * its own.
 *
 * The replica's id lives in a locked file of the state directory, so that after a crash it takes
 * its own shards back at once, under new epochs. Forward work needs a fence that was renewed
 * lately, counted from when the renewal was *sent*; a fence that is too old is not given out. Any
 * thread. */
#ifndef CF_ENGINE_OWNERSHIP_H
#define CF_ENGINE_OWNERSHIP_H

#include "base/error.h"
#include "store/fence.h"

struct cf_store;
struct cf_ownership;

enum { CF_LEASE_MS = 15000, CF_LEASE_ROUND_MS = 2000 };

struct cf_ownership_config {
    struct cf_store *store;
    const char *state_dir;
    const char *address, *version;
    int64_t lease_ms; /* 0: CF_LEASE_MS. Renewed each third of it; believed for two thirds */
    void (*changed)(void *arg); /* shards came or went; must not block */
    void *changed_arg;
};

/* CONFLICT when another process holds the state directory. */
struct cf_ownership *cf_ownership_start(const struct cf_ownership_config *config,
                                        struct cf_error *err) CF_NODISCARD;
/* Gives the shards back. Accepts NULL. */
void cf_ownership_stop(struct cf_ownership *o);

const char *cf_ownership_id(const struct cf_ownership *o);
/* The fence of a shard, or false when it is not ours (any more). Does not block. `self` is a struct
 * cf_ownership. */
bool cf_ownership_fence(void *self, int shard, struct cf_fence *out);
/* The owned shards, room for CF_SHARDS; returns how many. */
int cf_ownership_shards(void *self, int *out);
/* A statement said that the shard is somebody else's. */
void cf_ownership_lost(struct cf_ownership *o, int shard);

#endif
