/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting what grows. Each kind is one statement, bounded by the caller's number of rows. */
#include <stdlib.h>

#include "store/private.h"

/* $1: older than so many ms; $2: at most so many rows. */
static const struct cf_stmt rows[] = {
    { "prune_preflights",
      "DELETE FROM preflight WHERE id IN (SELECT id FROM preflight"
      "   WHERE finished_at < now() - $1::bigint * interval '1 ms' LIMIT $2)",
      true },
    { "prune_series",
      "DELETE FROM series WHERE ctid IN (SELECT s.ctid FROM series s"
      "   JOIN run r ON r.id = s.run_id WHERE r.finished_at < now() - $1::bigint * interval"
      "   '1 ms' LIMIT $2)",
      true },
    { "prune_checkpoints",
      "DELETE FROM gate_checkpoint WHERE ctid IN (SELECT g.ctid FROM gate_checkpoint g"
      "   JOIN run r ON r.id = g.run_id WHERE r.finished_at < now() - $1::bigint * interval"
      "   '1 ms' LIMIT $2)",
      true },
    { "prune_images",
      "DELETE FROM before_image WHERE ctid IN (SELECT i.ctid FROM before_image i"
      "   JOIN run r ON r.id = i.run_id WHERE r.finished_at < now() - $1::bigint * interval"
      "   '1 ms' LIMIT $2)",
      true },
    /* From the oldest on, so that one number, event_floor, says what is missing. Active runs keep
     all of theirs. */
    { "prune_events",
      "WITH d AS (DELETE FROM event WHERE id IN (SELECT e.id FROM event e LEFT"
      "   JOIN run r ON r.id = e.run_id WHERE e.at < now() - $1::bigint * interval '1 ms'"
      "   AND (e.run_id IS NULL OR r.id IS NULL OR r.finished_at < now() - $1::bigint * interval"
      "   '1 ms') ORDER BY e.id LIMIT $2) RETURNING id),"
      " m AS (UPDATE meta SET event_floor = greatest(event_floor, (SELECT max(id) FROM d))"
      "   WHERE EXISTS (SELECT 1 FROM d))"
      " SELECT FROM d",
      true },
};

/* Nobody starts a run on what was shown yesterday. */
static const struct cf_stmt diffs = {
    "prune_diffs",
    "DELETE FROM plan_diff WHERE ctid IN (SELECT ctid FROM plan_diff"
    "   WHERE at < now() - $1::bigint * interval '1 ms' LIMIT $2)",
    true
};

static const struct cf_stmt idempotency = {
    "prune_idempotency",
    "DELETE FROM idempotency WHERE ctid IN (SELECT ctid FROM idempotency"
    "   WHERE at < now() - $1::bigint * interval '1 ms' LIMIT $2)",
    true
};

static bool prune(struct cf_store *store, const struct cf_stmt *stmt, int64_t keep_ms, int max_rows,
                  int64_t *total, struct cf_error *err)
{
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_int(&a, keep_ms);
    cf_arg_int(&a, max_rows);
    cf_autores PGresult *res = cf_query(store, stmt, &a, err);
    if (!res)
        return false;
    *total += strtoll(PQcmdTuples(res), NULL, 10);
    return true;
}

bool cf_store_prune(struct cf_store *store, int64_t keep_ms, int max_rows, int64_t *out_n,
                    struct cf_error *err)
{
    int64_t total = 0;
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        if (!prune(store, &rows[i], keep_ms, max_rows, &total, err))
            return false;
    if (!prune(store, &idempotency, CF_IDEMPOTENCY_MS, max_rows, &total, err) ||
        !prune(store, &diffs, CF_IDEMPOTENCY_MS, max_rows, &total, err))
        return false;
    *out_n = total;
    return true;
}
