/* SPDX-License-Identifier: Apache-2.0 */
/* Bridges as rows: written under a fence, retired by the API, listed by the lane. */
#include "store/bridges.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"

#include "store/private.h"
#include "store/shards.h"

void cf_bridge_row_free(struct cf_bridge_row *row)
{
    free(row->run_name);
    free(row->cluster);
    free(row->ns);
    free(row->service);
    free(row->target_cluster);
    free(row->target_ns);
    free(row->target_service);
    json_decref(row->spec);
    free(row->state);
    json_decref(row->status);
    *row = (struct cf_bridge_row){ 0 };
}

void cf_bridge_list_free(struct cf_bridge_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        cf_bridge_row_free(&list->rows[i]);
    free(list->rows);
    *list = (struct cf_bridge_list){ 0 };
}

#define COLUMNS                                                                                    \
    "b.id, b.shard, b.run_id, coalesce(r.plan || '/' || r.number, ''), b.cluster, b.ns, "          \
    "b.service, b.target_cluster,"                                                                 \
    " b.target_ns, b.target_service, b.spec, b.state, b.status, wall_ms(b.created_at), "           \
    "wall_ms(b.updated_at)"
#define FENCE                                                                                      \
    "f AS MATERIALIZED (SELECT 1 FROM shard WHERE id = $1 AND owner = $2 AND epoch = $3 FOR "      \
    "SHARE)"

static bool read_row(struct cf_column *c, struct cf_bridge_row *out, struct cf_error *err)
{
    cf_col_copy(c, out->id, sizeof out->id);
    out->shard = cf_col_int(c);
    cf_col_copy(c, out->run_id, sizeof out->run_id);
    out->run_name = cf_col_text(c);
    out->cluster = cf_col_text(c);
    out->ns = cf_col_text(c);
    out->service = cf_col_text(c);
    out->target_cluster = cf_col_text(c);
    out->target_ns = cf_col_text(c);
    out->target_service = cf_col_text(c);
    out->spec = cf_col_json(c);
    out->state = cf_col_text(c);
    out->status = cf_col_json(c);
    out->created_ms = cf_col_int64(c);
    out->updated_ms = cf_col_int64(c);
    return cf_row_end(c, err);
}

static void fence_args(struct cf_args *a, const struct cf_fence *fence)
{
    cf_arg_int(a, fence->shard);
    cf_arg_text(a, fence->owner);
    cf_arg_int(a, fence->epoch);
}

/* The answer of a fenced statement: how many fences held, how many rows were written. */
static enum cf_record outcome_of(const PGresult *res)
{
    struct cf_column c = cf_row(res, 0);
    if (cf_col_int(&c) == 0)
        return CF_RECORD_FENCED;
    return cf_col_int(&c) > 0 ? CF_RECORDED : CF_RECORD_STALE;
}

void cf_bridge_id(const char *cluster, const char *ns, const char *service, bool by_name,
                  char out_id[CF_UUID_TEXT])
{
    cf_autofree char *place =
        cf_xasprintf("%s/%s/%s%s", cluster, ns, service, by_name ? "/by-name" : "");
    unsigned char h[CF_SHA256_BYTES];
    cf_sha256(place, strlen(place), h);
    snprintf(out_id, CF_UUID_TEXT,
             "%02x%02x%02x%02x-%02x%02x-8%01x%02x-a%01x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
             h[2], h[3], h[4], h[5], h[6] & 15, h[7], h[8] & 15, h[9], h[10], h[11], h[12], h[13],
             h[14], h[15]);
}

bool cf_bridge_put(struct cf_store *store, const struct cf_fence *fence,
                   const struct cf_bridge_new *bridge, char out_id[CF_UUID_TEXT],
                   enum cf_record *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "bridge_put",
        "WITH " FENCE ","
        " b AS (INSERT INTO bridge AS w (id, shard, run_id, cluster, ns, service,"
        "   target_cluster, target_ns, target_service, spec, state)"
        "   SELECT $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 FROM f"
        "   ON CONFLICT (id) DO UPDATE SET run_id = excluded.run_id,"
        "   target_cluster = excluded.target_cluster, target_ns = excluded.target_ns,"
        "   target_service = excluded.target_service, spec = excluded.spec,"
        "   state = excluded.state, updated_at = now() RETURNING 1),"
        " e AS (INSERT INTO event (id, subject, kind, epoch, body)"
        "   SELECT (pg_current_xact_id()::text::bigint + m.event_base) * 4096, 'bridge/' ||"
        "   $4::text, 'bridge.added', $3, json_build_object('bridge', $4::text, 'run', $6::text,"
        "   'cluster', $7::text, 'namespace', $8::text, 'service', $9::text) FROM meta m, b)"
        " SELECT (SELECT count(*) FROM f), (SELECT count(*) FROM b)",
        true
    };
    char id[CF_UUID_TEXT];
    cf_bridge_id(bridge->cluster, bridge->ns, bridge->service,
                 cf_json_bool(bridge->spec, false, "byName", NULL), id);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    fence_args(&a, fence);
    cf_arg_text(&a, id);
    cf_arg_int(&a, cf_shard_of(id));
    cf_arg_text(&a, bridge->run_id);
    cf_arg_text(&a, bridge->cluster);
    cf_arg_text(&a, bridge->ns);
    cf_arg_text(&a, bridge->service);
    cf_arg_text(&a, bridge->target_cluster);
    cf_arg_text(&a, bridge->target_ns);
    cf_arg_text(&a, bridge->target_service);
    cf_arg_json_or(&a, bridge->spec, "{}");
    cf_arg_text(&a, bridge->state);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    *out = outcome_of(res);
    memcpy(out_id, id, sizeof id);
    return true;
}

bool cf_bridge_set(struct cf_store *store, const struct cf_fence *fence, const char *id,
                   const char *state, const json_t *status, enum cf_record *out,
                   struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "bridge_set",
        "WITH " FENCE
        ", b AS (UPDATE bridge SET state = coalesce($5, state), status = coalesce($6, status),"
        "   updated_at = now() WHERE id = $4 AND EXISTS (SELECT 1 FROM f) RETURNING 1)"
        "   SELECT (SELECT count(*) FROM f), (SELECT count(*) FROM b)",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    fence_args(&a, fence);
    cf_arg_text(&a, id);
    cf_arg_text(&a, state);
    cf_arg_json(&a, status);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    *out = outcome_of(res);
    return true;
}

bool cf_bridge_weight(struct cf_store *store, const struct cf_fence *fence, const char *run_id,
                      int weight, enum cf_record *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "bridge_weight",
        "WITH " FENCE ", b AS (UPDATE bridge"
        "   SET spec = jsonb_set(spec::jsonb, '{weight}', to_jsonb($5::int))::json,"
        "   updated_at = now() WHERE run_id = $4 AND coalesce(spec ->> 'byName', 'false') = 'false'"
        "   AND EXISTS (SELECT 1 FROM f) RETURNING 1)"
        "   SELECT (SELECT count(*) FROM f), (SELECT count(*) FROM b)",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    fence_args(&a, fence);
    cf_arg_text(&a, run_id);
    cf_arg_int(&a, weight);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    *out = outcome_of(res);
    return true;
}

bool cf_bridge_retire(struct cf_store *store, const struct cf_fence *fence, const char *id,
                      const char *run_id, enum cf_record *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "bridge_hand_to_lane",
        "WITH " FENCE ", b AS (UPDATE bridge SET state = 'retiring', updated_at = now()"
        "   WHERE id = $4 AND run_id = $5 AND EXISTS (SELECT 1 FROM f) RETURNING id),"
        " n AS (SELECT pg_notify('crossfade', 'bridge:' || b.id) FROM b)"
        " SELECT (SELECT count(*) FROM f), (SELECT count(*) FROM b), (SELECT count(*) FROM n)",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    fence_args(&a, fence);
    cf_arg_text(&a, id);
    cf_arg_text(&a, run_id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    *out = outcome_of(res);
    return true;
}

bool cf_bridge_row_remove(struct cf_store *store, const struct cf_fence *fence, const char *id,
                          const char *author, enum cf_record *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "bridge_remove",
        "WITH " FENCE ", b AS (DELETE FROM bridge WHERE id = $4 AND state = 'retiring'"
        " AND EXISTS (SELECT 1 FROM f)"
        " RETURNING id, cluster, ns, service), e AS (INSERT INTO event (id, subject, kind,"
        "   actor, epoch, body) SELECT (pg_current_xact_id()::text::bigint + m.event_base) *"
        "   4096, 'bridge/' || b.id, 'bridge.removed', coalesce($5, ''), $3,"
        "   json_build_object('bridge', b.id, 'cluster', b.cluster, 'namespace', b.ns,"
        "   'service', b.service) FROM meta m, b) SELECT (SELECT count(*)"
        "   FROM f), (SELECT count(*) FROM b)",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    fence_args(&a, fence);
    cf_arg_text(&a, id);
    cf_arg_text(&a, author);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    *out = outcome_of(res);
    return true;
}

static bool not_found(struct cf_error *err, const char *id)
{
    return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no bridge %s", id);
}

bool cf_bridge_ask_removal(struct cf_store *store, const char *id, const char *author,
                           struct cf_error *err)
{
    static const struct cf_stmt find = {
        "bridge_lock",
        "SELECT r.plan || '/' || r.number, r.finished_at IS NULL AND r.id IS NOT NULL"
        "   FROM bridge b LEFT JOIN run r ON r.id = b.run_id WHERE b.id = $1 FOR UPDATE OF b",
        false
    };
    static const struct cf_stmt retire = {
        "bridge_retire", "UPDATE bridge SET state = 'retiring', updated_at = now() WHERE id = $1",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err))
        return false;
    cf_autores PGresult *found = cf_tx_query(&tx, &find, &a, err);
    if (!found)
        return false;
    if (PQntuples(found) == 0)
        return not_found(err, id);
    struct cf_column c = cf_row(found, 0);
    const char *run = cf_col_borrow(&c);
    if (cf_col_bool(&c)) {
        cf_error_set(err, CF_ERR_CONFLICT, "run %s, which made the bridge, is active", run);
        return cf_error_reason(err, CF_STORE_IN_USE);
    }
    cf_autofree char *subject = cf_xasprintf("bridge/%s", id);
    cf_autojson json_t *body = json_pack("{s:s}", "bridge", id);
    cf_autores PGresult *res = cf_tx_query(&tx, &retire, &a, err);
    return res && cf_tx_event(&tx, "bridge.retiring", subject, author, body, err) &&
           cf_tx_notify(&tx, "bridge", id, err) && cf_tx_commit(&tx, err);
}

bool cf_bridge_get(struct cf_store *store, const char *id, struct cf_bridge_row *out,
                   struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "bridge_get",
        "SELECT " COLUMNS " FROM bridge b LEFT JOIN run r ON r.id = b.run_id WHERE b.id = $1", false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return not_found(err, id);
    struct cf_column c = cf_row(res, 0);
    CF_CLEANUP(cf_bridge_row_free) struct cf_bridge_row row = { 0 };
    if (!read_row(&c, &row, err))
        return false;
    *out = row;
    row = (struct cf_bridge_row){ 0 };
    return true;
}

bool cf_bridge_list_all(struct cf_store *store, const int *shards, size_t n_shards,
                        const char *run_id, struct cf_bridge_list *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "bridge_list",
                                         "SELECT " COLUMNS
                                         " FROM bridge b LEFT JOIN run r ON r.id = b.run_id"
                                         "   WHERE ($1::smallint[] IS NULL OR b.shard = ANY"
                                         "   ($1) OR (r.finished_at IS NULL AND r.shard = ANY"
                                         "   ($1))) AND ($2::uuid IS NULL OR b.run_id = $2)"
                                         "   ORDER BY b.cluster, b.ns, b.service,"
                                         "   coalesce(b.spec ->> 'byName', 'false')",
                                         false };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    if (n_shards > 0)
        cf_arg_ints(&a, shards, n_shards);
    else
        cf_arg_text(&a, NULL);
    cf_arg_nonempty(&a, run_id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_bridge_list_free) struct cf_bridge_list list = { 0 };
    int n = PQntuples(res);
    list.rows = cf_xcalloc((size_t)n + 1, sizeof *list.rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        list.n++;
        if (!read_row(&c, &list.rows[i], err))
            return false;
    }
    *out = list;
    list = (struct cf_bridge_list){ 0 };
    return true;
}
