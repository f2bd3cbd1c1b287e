/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of all owned gates in one statement, each row under its own fence. */
#include "store/gates.h"

#include <string.h>

#include "store/private.h"

bool cf_gates_save(struct cf_store *store, const char *owner, const struct cf_gate_checkpoint *rows,
                   size_t n, size_t *out_written, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "gates_save",
        "WITH x AS MATERIALIZED (SELECT * FROM json_to_recordset($2) AS x(run uuid,"
        "   shard smallint, epoch bigint, stream text, doc json)),"
        " f AS MATERIALIZED (SELECT s.id, s.epoch FROM shard s WHERE s.owner = $1"
        "   AND s.id IN (SELECT shard FROM x) ORDER BY s.id FOR SHARE),"
        " w AS (INSERT INTO gate_checkpoint (run_id, stream, doc, at)"
        "   SELECT x.run, x.stream, x.doc, now() FROM x JOIN f ON f.id = x.shard"
        "   AND f.epoch = x.epoch JOIN run r ON r.id = x.run AND r.finished_at IS NULL"
        "   ORDER BY x.run, x.stream ON CONFLICT (run_id, stream) DO UPDATE"
        "   SET doc = excluded.doc, at = excluded.at RETURNING 1)"
        " SELECT count(*) FROM w",
        true
    };
    cf_autojson json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all,
                              json_pack("{s:s, s:i, s:I, s:s, s:o}", "run", rows[i].run_id, "shard",
                                        rows[i].shard, "epoch", (json_int_t)rows[i].epoch, "stream",
                                        rows[i].stream, "doc", cf_json_share(rows[i].doc)));
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, owner);
    cf_arg_json(&a, all);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    struct cf_column c = cf_row(res, 0);
    *out_written = (size_t)cf_col_int64(&c);
    return true;
}

bool cf_gates_load(struct cf_store *store, const char *run_id, json_t **out, int64_t *out_age_ms,
                   struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "gates_load",
        "SELECT stream, doc, (extract(epoch FROM clock_timestamp() - at) * 1000)::bigint"
        "   FROM gate_checkpoint WHERE run_id = $1 ORDER BY stream",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, run_id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    cf_autojson json_t *streams = json_object();
    int64_t oldest = 0;
    for (int i = 0; i < PQntuples(res); i++) {
        struct cf_column c = cf_row(res, i);
        const char *stream = cf_col_borrow(&c);
        json_object_set_new(streams, stream, cf_col_json(&c));
        int64_t age = cf_col_int64(&c);
        oldest = CF_MAX(oldest, age);
        if (!cf_row_end(&c, err))
            return false;
    }
    *out = cf_steal(&streams);
    *out_age_ms = oldest;
    return true;
}
