/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange with the server and what became of it: answered, refused, never sent, or lost after
 * sending. Everything that the callers' error kinds say about writes is decided here. */
#include "store/statement.h"

#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "store/private.h"
#include "store/sqlstate.h"

/* What became of one exchange with the server. */
enum fate {
    FATE_ANSWERED, /* the result is a good one */
    FATE_REFUSED,  /* the server's error; nothing happened */
    FATE_UNSENT,   /* the connection was lost before the statement was sent; nothing happened */
    FATE_LOST,     /* sent, and no answer: it may have happened */
};

static enum fate lost(struct cf_conn *conn, enum fate fate, struct cf_error *err)
{
    char text[200];
    snprintf(text, sizeof text, "%s", PQerrorMessage(conn->pg));
    for (char *p = text; *p; p++)
        if (*p == '\n')
            *p = ' ';
    cf_error_set(err, CF_ERR_TRANSIENT, "the connection to PostgreSQL was lost: %s", text);
    return fate;
}

/* The last of the results that are on their way. */
static enum fate answer(struct cf_conn *conn, int64_t until_ms, PGresult **out,
                        struct cf_error *err)
{
    PGresult *last = NULL;
    for (;;) {
        while (PQisBusy(conn->pg)) {
            if (!cf_socket_wait(conn->pg, false, until_ms)) {
                PQclear(last);
                PQfinish(conn->pg); /* the server is stopped or gone: never wait for it again */
                conn->pg = NULL;
                cf_error_set(err, CF_ERR_TRANSIENT, "PostgreSQL did not answer in time");
                return FATE_LOST;
            }
            if (!PQconsumeInput(conn->pg)) {
                PQclear(last);
                return lost(conn, FATE_LOST, err);
            }
        }
        PGresult *res = PQgetResult(conn->pg);
        if (!res)
            break;
        /* After a FATAL error libpq adds a second failure, without SQLSTATE, for the closed
         * connection. */
        if (last && PQresultStatus(last) == PGRES_FATAL_ERROR) {
            PQclear(res);
            continue;
        }
        PQclear(last);
        last = res;
    }
    if (!last)
        return lost(conn, FATE_LOST, err);
    ExecStatusType status = PQresultStatus(last);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        *out = last;
        return FATE_ANSWERED;
    }
    const char *state = PQresultErrorField(last, PG_DIAG_SQLSTATE);
    enum fate fate = FATE_REFUSED;
    if (!state)
        fate = lost(conn, FATE_LOST, err);
    else {
        cf_sqlstate_error(err, last);
        if (cf_sqlstate_ends_connection(state) || PQstatus(conn->pg) == CONNECTION_BAD)
            fate = FATE_LOST;
    }
    PQclear(last);
    return fate;
}

static int64_t answer_deadline(const struct cf_store *store)
{
    return cf_mono_now_ms() + store->config.statement_ms + CF_ANSWER_GRACE_MS;
}

static bool is_prepared(const struct cf_conn *conn, const struct cf_stmt *stmt)
{
    for (int i = 0; i < conn->n_prepared; i++)
        if (conn->prepared[i] == stmt)
            return true;
    return false;
}

/* A statement of ours names a table or column that is not there: the schema is another one. */
static void hint_at_schema(struct cf_error *err)
{
    static const char *const states[] = { "3F000", "42P01", "42703", "42883" };
    for (size_t i = 0; i < CF_ARRAY_LEN(states); i++) {
        if (strcmp(err->reason, states[i]) == 0) {
            cf_error_wrap(err, "the database's schema is not this program's (crossfade migrate)");
            cf_error_reason(err, CF_STORE_SCHEMA_OLDER);
            return;
        }
    }
}

static enum fate prepare(struct cf_store *store, struct cf_conn *conn, const struct cf_stmt *stmt,
                         struct cf_error *err)
{
    if (is_prepared(conn, stmt))
        return FATE_ANSWERED;
    cf_assert(conn->n_prepared < CF_STATEMENTS_MAX);
    if (!PQsendPrepare(conn->pg, stmt->name, stmt->sql, 0, NULL))
        return lost(conn, FATE_UNSENT, err);
    PGresult *res = NULL;
    enum fate fate = answer(conn, answer_deadline(store), &res, err);
    PQclear(res);
    if (fate == FATE_LOST)
        return FATE_UNSENT;
    if (fate == FATE_REFUSED)
        hint_at_schema(err);
    else
        conn->prepared[conn->n_prepared++] = stmt;
    return fate;
}

static enum fate execute(struct cf_store *store, struct cf_conn *conn, const struct cf_stmt *stmt,
                         const struct cf_args *args, PGresult **out, struct cf_error *err)
{
    enum fate fate = prepare(store, conn, stmt, err);
    if (fate != FATE_ANSWERED)
        return fate;
    if (!PQsendQueryPrepared(conn->pg, stmt->name, args ? args->n : 0, args ? args->value : NULL,
                             NULL, NULL, 0))
        return lost(conn, FATE_LOST, err); /* part of it may have been sent */
    return answer(conn, answer_deadline(store), out, err);
}

static PGresult *query_on(struct cf_store *store, struct cf_pool *pool, const struct cf_stmt *stmt,
                          const struct cf_args *args, struct cf_error *err)
{
    for (int attempt = 1;; attempt++) {
        struct cf_conn *conn = cf_pool_acquire(pool, err);
        if (!conn) {
            cf_error_wrap(err, "%s", stmt->name);
            return NULL;
        }
        PGresult *res = NULL;
        enum fate fate = execute(store, conn, stmt, args, &res, err);
        cf_pool_release(pool, conn);
        if (fate == FATE_ANSWERED)
            return res;
        bool nothing_happened = fate == FATE_UNSENT || (fate == FATE_LOST && !stmt->writes);
        if (nothing_happened && attempt == 1) {
            cf_error_clear(err);
            continue;
        }
        if (fate == FATE_LOST && stmt->writes)
            err->kind = CF_ERR_UNKNOWN;
        cf_error_wrap(err, "%s", stmt->name);
        return NULL;
    }
}

PGresult *cf_query(struct cf_store *store, const struct cf_stmt *stmt, const struct cf_args *args,
                   struct cf_error *err)
{
    return query_on(store, &store->pool, stmt, args, err);
}

PGresult *cf_query_lease(struct cf_store *store, const struct cf_stmt *stmt,
                         const struct cf_args *args, struct cf_error *err)
{
    return query_on(store, &store->lease, stmt, args, err);
}

/* A command without parameters or rows. */
static enum fate command(struct cf_tx *tx, const char *sql, int64_t until_ms, char tag[64],
                         struct cf_error *err)
{
    if (!PQsendQuery(tx->conn->pg, sql))
        return lost(tx->conn, FATE_UNSENT, err);
    PGresult *res = NULL;
    enum fate fate = answer(tx->conn, until_ms, &res, err);
    if (fate == FATE_ANSWERED && tag)
        snprintf(tag, 64, "%s", PQcmdStatus(res));
    PQclear(res);
    return fate;
}

static bool begin(struct cf_store *store, struct cf_tx *tx, const char *sql, struct cf_error *err)
{
    for (int attempt = 1;; attempt++) {
        *tx = (struct cf_tx){ .store = store, .conn = cf_pool_acquire(&store->pool, err) };
        if (!tx->conn)
            return false;
        enum fate fate = command(tx, sql, answer_deadline(store), NULL, err);
        if (fate == FATE_ANSWERED) {
            tx->open = true;
            return true;
        }
        cf_tx_end(tx);
        if (fate == FATE_REFUSED || attempt > 1)
            return cf_error_wrap(err, "begin a transaction");
        cf_error_clear(err);
    }
}

bool cf_tx_begin(struct cf_store *store, struct cf_tx *tx, struct cf_error *err)
{
    return begin(store, tx, "BEGIN", err);
}

bool cf_tx_begin_snapshot(struct cf_store *store, struct cf_tx *tx, struct cf_error *err)
{
    return begin(store, tx, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", err);
}

PGresult *cf_tx_query(struct cf_tx *tx, const struct cf_stmt *stmt, const struct cf_args *args,
                      struct cf_error *err)
{
    cf_assert(tx->open);
    PGresult *res = NULL;
    /* Losing the connection before COMMIT was sent rolls back: TRANSIENT, whatever the statement
     * does. */
    if (execute(tx->store, tx->conn, stmt, args, &res, err) == FATE_ANSWERED)
        return res;
    cf_error_wrap(err, "%s", stmt->name);
    return NULL;
}

bool cf_tx_script(struct cf_tx *tx, const char *sql, struct cf_error *err)
{
    cf_assert(tx->open);
    return command(tx, sql, INT64_MAX, NULL, err) == FATE_ANSWERED;
}

bool cf_tx_commit(struct cf_tx *tx, struct cf_error *err)
{
    cf_assert(tx->open);
    char tag[64] = "";
    enum fate fate = command(tx, "COMMIT", answer_deadline(tx->store), tag, err);
    tx->open = false;
    if (fate == FATE_LOST || fate == FATE_UNSENT)
        err->kind = CF_ERR_UNKNOWN;
    else if (fate == FATE_ANSWERED && strcmp(tag, "COMMIT") != 0)
        cf_error_set(err, CF_ERR_BUG, "a failed transaction was committed (%s)", tag);
    if (err->kind != CF_ERR_NONE)
        cf_error_wrap(err, "commit");
    cf_tx_end(tx);
    return err->kind == CF_ERR_NONE;
}

void cf_tx_end(struct cf_tx *tx)
{
    if (!tx->conn)
        return;
    if (tx->open) {
        struct cf_error ignored = CF_ERROR_INIT;
        command(tx, "ROLLBACK", answer_deadline(tx->store), NULL, &ignored);
        tx->open = false;
    }
    cf_pool_release(&tx->store->pool, tx->conn);
    tx->conn = NULL;
}
