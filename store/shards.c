/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of shards. Each is one statement, judged by the database's clock alone. */
#include "store/shards.h"

#include <string.h>

#include "base/digest.h"
#include "store/private.h"

int cf_shard_of(const char *id)
{
    unsigned char hash[CF_SHA256_BYTES];
    cf_sha256(id, strlen(id), hash);
    return hash[0] % CF_SHARDS;
}

bool cf_replica_beat(struct cf_store *store, const char *owner, const char *address,
                     const char *version, int64_t lease_ms, int *out_alive, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "replica_beat",
        "WITH me AS (INSERT INTO replica (id, address, version, seen_until)"
        "   VALUES ($1, $2, $3, clock_timestamp() + $4::bigint * interval '1 ms')"
        "   ON CONFLICT (id) DO UPDATE SET address = $2, version = $3, seen_until ="
        "   excluded.seen_until),"
        " gone AS (DELETE FROM replica WHERE seen_until < clock_timestamp() - interval '1 day'"
        "   AND id <> $1)"
        " SELECT 1 + (SELECT count(*) FROM replica WHERE id <> $1"
        "   AND seen_until > clock_timestamp())",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, owner);
    cf_arg_text(&a, address);
    cf_arg_text(&a, version);
    cf_arg_int(&a, lease_ms);
    cf_autores PGresult *res = cf_query_lease(store, &stmt, &a, err);
    if (!res)
        return false;
    struct cf_column c = cf_row(res, 0);
    *out_alive = cf_col_int(&c);
    return true;
}

static void read_row(struct cf_column *c, struct cf_shard_row *row)
{
    *row = (struct cf_shard_row){ 0 };
    row->shard = cf_col_int(c);
    cf_col_copy(c, row->owner, sizeof row->owner);
    row->epoch = cf_col_int64(c);
    row->lease_left_ms = cf_col_int64(c);
}

#define COLUMNS                                                                                    \
    "s.id, s.owner, s.epoch, coalesce((extract(epoch FROM s.lease_until - clock_timestamp()) * "   \
    "1000)::bigint, 0)"

bool cf_shards_claim(struct cf_store *store, const char *owner, int64_t lease_ms, int max,
                     bool and_mine, struct cf_shard_row *out_rows, int *out_n, struct cf_error *err)
{
    /* The CTE is materialized: as a plain subquery it might be run again for each row. */
    static const struct cf_stmt stmt = {
        "shards_claim",
        "WITH c AS MATERIALIZED (SELECT id FROM shard"
        "   WHERE owner IS NULL OR lease_until < clock_timestamp() OR ($4::boolean"
        "   AND owner = $1) ORDER BY (owner = $1) DESC NULLS LAST, id LIMIT $3 FOR"
        "   UPDATE SKIP LOCKED)"
        " UPDATE shard s SET owner = $1, epoch = nextval('shard_epoch'), lease_until ="
        "   clock_timestamp() + $2::bigint * interval '1 ms' FROM c WHERE s.id = "
        "c.id RETURNING " COLUMNS,
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, owner);
    cf_arg_int(&a, lease_ms);
    cf_arg_int(&a, CF_MIN(CF_MAX(max, 0), CF_SHARDS));
    cf_arg_bool(&a, and_mine);
    cf_autores PGresult *res = cf_query_lease(store, &stmt, &a, err);
    if (!res)
        return false;
    *out_n = PQntuples(res);
    for (int i = 0; i < *out_n; i++) {
        struct cf_column c = cf_row(res, i);
        read_row(&c, &out_rows[i]);
    }
    return true;
}

static json_t *rows_json(const struct cf_shard_row *rows, int n)
{
    json_t *out = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(
            out, json_pack("{s:i, s:I}", "id", rows[i].shard, "epoch", (json_int_t)rows[i].epoch));
    return out;
}

bool cf_shards_renew(struct cf_store *store, const char *owner, int64_t lease_ms,
                     const struct cf_shard_row *rows, int n, bool *out_kept, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "shards_renew",
        "UPDATE shard s SET lease_until = clock_timestamp() + $2::bigint * interval '1 ms'"
        "   FROM json_to_recordset($3) AS x(id int, epoch bigint) WHERE s.id = x.id"
        "   AND s.owner = $1 AND s.epoch = x.epoch RETURNING s.id",
        true
    };
    cf_autojson json_t *wanted = rows_json(rows, n);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, owner);
    cf_arg_int(&a, lease_ms);
    cf_arg_json(&a, wanted);
    cf_autores PGresult *res = cf_query_lease(store, &stmt, &a, err);
    if (!res)
        return false;
    bool kept[CF_SHARDS] = { false };
    for (int i = 0; i < PQntuples(res); i++) {
        struct cf_column c = cf_row(res, i);
        kept[cf_col_int(&c) % CF_SHARDS] = true;
    }
    for (int i = 0; i < n; i++)
        out_kept[i] = kept[rows[i].shard];
    return true;
}

bool cf_shards_release(struct cf_store *store, const char *owner, const struct cf_shard_row *rows,
                       int n, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "shards_release",
        "UPDATE shard s SET owner = NULL, lease_until = NULL"
        "   FROM json_to_recordset($2) AS x(id int, epoch bigint) WHERE s.id = x.id"
        "   AND s.owner = $1 AND s.epoch = x.epoch",
        true
    };
    cf_autojson json_t *wanted = rows_json(rows, n);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, owner);
    cf_arg_json(&a, wanted);
    cf_autores PGresult *res = cf_query_lease(store, &stmt, &a, err);
    return res != NULL;
}

bool cf_shards_list(struct cf_store *store, struct cf_shard_row *out_rows, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "shards_list",
                                         "SELECT " COLUMNS " FROM shard s ORDER BY s.id", false };
    cf_autores PGresult *res = cf_query(store, &stmt, NULL, err);
    if (!res)
        return false;
    cf_assert(PQntuples(res) == CF_SHARDS);
    for (int i = 0; i < CF_SHARDS; i++) {
        struct cf_column c = cf_row(res, i);
        read_row(&c, &out_rows[i]);
    }
    return true;
}
