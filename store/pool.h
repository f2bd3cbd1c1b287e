/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: opened when wanted, checked before use, replaced when lost. Internal to store/.
 *
 * Any thread takes one with cf_pool_acquire, uses it alone, and gives it back. The mutex guards the
 * lists and counters and is never held over I/O. After a failed connect callers fail at once with
 * UNAVAILABLE until the back-off has passed, so that everybody learns quickly that the database is
 * away and one caller at a time tries again. */
#ifndef CF_STORE_POOL_H
#define CF_STORE_POOL_H

#include <libpq-fe.h>
#include <pthread.h>

#include "store/limits.h"
#include "store/store.h"

struct cf_stmt;

struct cf_conn {
    PGconn *pg;
    int n_prepared;
    const struct cf_stmt *prepared[CF_STATEMENTS_MAX];
    struct cf_conn *next; /* in the idle list */
};

struct cf_pool {
    const struct cf_store_config *config; /* completed with defaults; of the store */
    int size;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct cf_conn
        *idle; /* newest first: the rest may be closed by a quiet time-out without harm */
    int open, n_idle, waiting;
    int64_t connects, failures;
    int64_t backoff_ms, not_before_ms; /* monotonic; 0: the last connect worked */
    char last_error[256];
};

void cf_pool_init(struct cf_pool *pool, const struct cf_store_config *config, int size);
void cf_pool_destroy(struct cf_pool *pool); /* all connections must be back */

/* NULL: UNAVAILABLE (no server), TRANSIENT/POOL (none free in time), DENIED. */
struct cf_conn *cf_pool_acquire(struct cf_pool *pool, struct cf_error *err) CF_NODISCARD;
/* A connection whose status is bad, or that is still in a transaction, is closed. */
void cf_pool_release(struct cf_pool *pool, struct cf_conn *conn);

/* A new connection outside any pool, set up like all of ours. */
PGconn *cf_connect(const struct cf_store_config *config, struct cf_error *err) CF_NODISCARD;

/* Waits until the socket of pg is ready for what `for_write` says, at most until the monotonic
 * `until_ms`. */
bool cf_socket_wait(PGconn *pg, bool for_write, int64_t until_ms) CF_NODISCARD;

#endif
