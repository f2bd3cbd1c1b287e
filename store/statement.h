/* SPDX-License-Identifier: Apache-2.0 */
/* Running statements: prepared once per connection, alone or inside a transaction. Internal to
 * store/.
 *
 * The answer is waited for at most statement_timeout plus a grace; a connection that does not
 * answer is closed. */
#ifndef CF_STORE_STATEMENT_H
#define CF_STORE_STATEMENT_H

#include <libpq-fe.h>

#include "store/args.h"
#include "store/column.h"
#include "store/pool.h"
#include "store/store.h"

/* Static; identified by its address. `writes`: a lost connection means UNKNOWN; reads are tried
 * once more on a new connection. */
struct cf_stmt {
    const char *name;
    const char *sql;
    bool writes;
};

/* One statement, one transaction, on a connection of the pool. The caller clears the result. */
PGresult *cf_query(struct cf_store *store, const struct cf_stmt *stmt, const struct cf_args *args,
                   struct cf_error *err) CF_NODISCARD;
/* The same on the connection kept for leases. */
PGresult *cf_query_lease(struct cf_store *store, const struct cf_stmt *stmt,
                         const struct cf_args *args, struct cf_error *err) CF_NODISCARD;

/* BEGIN … COMMIT on one connection. `CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };` rolls back
 * what was not committed. */
struct cf_tx {
    struct cf_store *store;
    struct cf_conn *conn;
    bool open;
    int events; /* written so far: the next one's place within the transaction */
};
bool cf_tx_begin(struct cf_store *store, struct cf_tx *tx, struct cf_error *err) CF_NODISCARD;
/* Reads only, all of one snapshot. */
bool cf_tx_begin_snapshot(struct cf_store *store, struct cf_tx *tx,
                          struct cf_error *err) CF_NODISCARD;
PGresult *cf_tx_query(struct cf_tx *tx, const struct cf_stmt *stmt, const struct cf_args *args,
                      struct cf_error *err) CF_NODISCARD;
/* Several commands as text, without parameters: migrations and SET. */
bool cf_tx_script(struct cf_tx *tx, const char *sql, struct cf_error *err) CF_NODISCARD;
/* UNKNOWN if the connection was lost before the answer came. */
bool cf_tx_commit(struct cf_tx *tx, struct cf_error *err) CF_NODISCARD;
void cf_tx_end(struct cf_tx *tx);

#endif
