/* SPDX-License-Identifier: Apache-2.0 */
/* The store: everything that must survive, in one PostgreSQL database (15 or newer), schema
 * `crossfade`.
 *
 * Called by the API's handlers, the engine's threads and the command line; every function of store/
 * may be called from any thread and blocks until its answer is there (pool.h bounds the waiting).
 * One durable step is one statement; the few effects that need more are one transaction. A function
 * that returned true has committed.
 *
 * Errors: TRANSIENT (lock, deadlock, restart, no free connection), UNAVAILABLE (no server), UNKNOWN
 * (the connection was lost after a write was sent: look before doing it again), CONFLICT,
 * NOT_FOUND, INVALID, FENCED, LIMIT, DENIED; err->reason is one of the words below, or the
 * SQLSTATE. Times are the database's clock, in ms since 1970 ("wall ms"); 0 is "never". JSON
 * outputs are new references owned by the row that holds them; JSON inputs are borrowed. Texts in
 * rows are never NULL unless said so.
 *
 * Words: a fence (fence.h) proves that the writer still owns the run's shard; a run's `rev` moves
 * at each record and at each action that arrives, so that a writer who has not seen an action
 * cannot overwrite it. */
#ifndef CF_STORE_STORE_H
#define CF_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/uuid.h"

/* err->reason of errors that callers tell apart. */
#define CF_STORE_CLAIMED                                                                           \
    "CLAIMED" /* CONFLICT: another run holds a router or namespace (named in the message) */
#define CF_STORE_PRECONDITION                                                                      \
    "PRECONDITION" /* CONFLICT: If-Match / If-None-Match does not hold (412) */
#define CF_STORE_IDEMPOTENCY                                                                       \
    "IDEMPOTENCY_MISMATCH"          /* INVALID: the key was used for another request (422) */
#define CF_STORE_EXISTS    "EXISTS" /* CONFLICT: the name or identity is taken */
#define CF_STORE_IN_USE    "IN_USE" /* CONFLICT: refused while a run or bridge needs it (named) */
#define CF_STORE_RUN_ENDED "RUN_ENDED" /* CONFLICT: the run has ended, no action can reach it */
#define CF_STORE_POOL      "POOL"      /* TRANSIENT: no free connection in time */
#define CF_STORE_SCHEMA_NEWER                                                                      \
    "SCHEMA_NEWER" /* INVALID: the database was migrated by a newer program */
#define CF_STORE_SCHEMA_OLDER "SCHEMA_OLDER" /* INVALID: migrations are pending */
#define CF_STORE_SCHEMA_CHANGED                                                                    \
    "SCHEMA_CHANGED" /* INVALID: an applied migration is not the one in this program */

struct cf_store;

/* Zero means the default. */
struct cf_store_config {
    const char *conninfo; /* libpq keywords or URI; "" takes PGHOST and the like */
    int pool_size;        /* connections shared by all callers; 16. One more is kept for leases */
    int64_t acquire_ms;   /* longest wait for a free connection; 5 s */
    int64_t connect_ms;   /* longest wait for a new connection; 3 s */
    int64_t statement_ms; /* server-side statement_timeout; 10 s */
    int64_t idle_in_transaction_ms; /* so that a stopped process cannot hold rows; 5 s */
    const struct cf_keyring
        *keyring; /* borrowed for the store's life; NULL: sealing functions fail with INVALID */
};

/* Makes the pool; does not connect. INVALID if conninfo does not parse. */
struct cf_store *cf_store_open(const struct cf_store_config *config,
                               struct cf_error *err) CF_NODISCARD;
/* No call may be under way. Accepts NULL. */
void cf_store_close(struct cf_store *store);
void cf_store_close_p(struct cf_store **store);

/* For /readyz: a round trip, the schema is exactly ours, and the database accepts writes. */
bool cf_store_ready(struct cf_store *store, struct cf_error *err) CF_NODISCARD;

/* Database clock in wall ms: one round trip; for measuring skew. */
bool cf_store_now(struct cf_store *store, int64_t *out_ms, struct cf_error *err) CF_NODISCARD;

/* Who this database is, as a UUID: made from the id that the first migration drew, the server's
 * system identifier, the database's oid and the write-ahead log's timeline, so that a restored copy
 * or a promoted standby is somebody else. Cached per connection life: cheap to call. */
bool cf_store_incarnation(struct cf_store *store, char out_id[CF_UUID_TEXT],
                          struct cf_error *err) CF_NODISCARD;

/* For /metrics. */
struct cf_store_stats {
    int open, idle, waiting;    /* connections and callers without one */
    int64_t connects, failures; /* since start: successful connects; connects or statements lost
                                   with their connection */
};
void cf_store_stats(struct cf_store *store, struct cf_store_stats *out);

/* A page of a list: `rows` that matched, and whether more follow. Every list type of store/ has
 * these two beside its rows. */
enum { CF_STORE_LIMIT_MAX = 500 }; /* rows of one page; larger asks are cut to it */

/* Seals again, with the keyring's current key, every blob that an older key sealed; in small
 * transactions, may be interrupted and started again. *out_n is how many were changed. DENIED names
 * the key that is missing for one. */
bool cf_store_reseal(struct cf_store *store, int64_t *out_n, struct cf_error *err) CF_NODISCARD;

/* What grows is cut: idempotency keys older than a day, preflights and series of ended runs, events
 * of ended runs and of no run, older than `keep_ms`. Runs, their steps and plans stay. Deletes at
 * most `max_rows` per kind; *out_n is how many went. */
bool cf_store_prune(struct cf_store *store, int64_t keep_ms, int max_rows, int64_t *out_n,
                    struct cf_error *err) CF_NODISCARD;

#endif
