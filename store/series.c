/* SPDX-License-Identifier: Apache-2.0 */
/* Points in, columns out. */
#include "store/series.h"

#include <math.h>
#include <string.h>

#include "store/private.h"

bool cf_series_append(struct cf_store *store, const char *owner,
                      const struct cf_series_point *points, size_t n, size_t *out_written,
                      struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "series_append",
        "WITH x AS MATERIALIZED (SELECT * FROM json_to_recordset($2) AS x(run uuid,"
        "   shard smallint, epoch bigint, stream text, at bigint, d smallint, a smallint,"
        "   n bigint, k bigint, v double precision)),"
        " f AS MATERIALIZED (SELECT s.id, s.epoch FROM shard s WHERE s.owner = $1"
        "   AND s.id IN (SELECT shard FROM x) ORDER BY s.id FOR SHARE),"
        " w AS (INSERT INTO series (run_id, stream, at, weight_desired, weight_applied, n, k,"
        "   value) SELECT x.run, x.stream, to_timestamp(x.at / 1000.0), x.d, x.a, x.n, x.k, x.v"
        "   FROM x JOIN f ON f.id = x.shard AND f.epoch = x.epoch JOIN run r ON r.id = x.run"
        "   ORDER BY x.run, x.stream, x.at ON CONFLICT DO NOTHING RETURNING 1)"
        " SELECT count(*) FROM w",
        true
    };
    cf_autojson json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct cf_series_point *p = &points[i];
        json_t *o = json_pack("{s:s, s:i, s:I, s:s, s:I, s:i, s:i, s:I, s:I}", "run", p->run_id,
                              "shard", p->shard, "epoch", (json_int_t)p->epoch, "stream", p->stream,
                              "at", (json_int_t)p->at_ms, "d", p->weight_desired, "a",
                              p->weight_applied, "n", (json_int_t)p->n, "k", (json_int_t)p->k);
        if (isfinite(p->value))
            json_object_set_new(o, "v", json_real(p->value));
        json_array_append_new(all, o);
    }
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

/* What is not known is null. */
static json_t *known(int64_t v)
{
    return v < 0 ? json_null() : json_integer(v);
}

static json_t *stream_columns(json_t *all, const char *stream)
{
    json_t *columns = json_object_get(all, stream);
    if (!columns) {
        columns = json_pack("{s:[], s:[], s:[], s:[], s:[], s:[]}", "t", "desired", "applied", "n",
                            "k", "value");
        json_object_set_new(all, stream, columns);
    }
    return columns;
}

static void append(json_t *columns, struct cf_column *c)
{
    json_array_append_new(json_object_get(columns, "t"),
                          json_real((double)cf_col_int64(c) / 1000.0));
    json_array_append_new(json_object_get(columns, "desired"), known(cf_col_int64(c)));
    json_array_append_new(json_object_get(columns, "applied"), known(cf_col_int64(c)));
    json_array_append_new(json_object_get(columns, "n"), known(cf_col_int64(c)));
    json_array_append_new(json_object_get(columns, "k"), known(cf_col_int64(c)));
    double value = cf_col_double(c);
    json_array_append_new(json_object_get(columns, "value"),
                          isnan(value) ? json_null() : json_real(value));
}

bool cf_series_read(struct cf_store *store, const char *run_id, int64_t after_ms, json_t **out,
                    struct cf_error *err)
{
    /* Every m-th point of each stream, counted from the newest, so that the last one is always
     * there. */
    static const struct cf_stmt stmt = {
        "series_read",
        "SELECT stream, at_ms, weight_desired, weight_applied, n, k, value FROM ("
        "   SELECT *, wall_ms(at) AS at_ms, row_number() OVER (PARTITION BY stream"
        "   ORDER BY at DESC) AS back, count(*) OVER () AS total FROM series WHERE run_id = $1"
        "   AND at > to_timestamp($2::bigint / 1000.0)) x"
        "   WHERE (back - 1) % (1 + total / $3::int) = 0 ORDER BY stream, at_ms",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, run_id);
    cf_arg_int(&a, after_ms);
    cf_arg_int(&a, CF_SERIES_POINTS_MAX);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    json_t *all = json_object();
    for (int i = 0; i < PQntuples(res); i++) {
        struct cf_column c = cf_row(res, i);
        append(stream_columns(all, cf_col_borrow(&c)), &c);
    }
    *out = all;
    return true;
}
