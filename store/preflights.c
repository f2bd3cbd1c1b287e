/* SPDX-License-Identifier: Apache-2.0 */
/* Preflight jobs: queued by the API, claimed by any worker, finished by the one that holds the
 * attempt. */
#include "store/preflights.h"

#include <string.h>

#include "store/private.h"

void cf_preflight_row_free(struct cf_preflight_row *row)
{
    free(row->plan);
    json_decref(row->effective);
    free(row->state);
    json_decref(row->result);
    free(row->message);
    free(row->author);
    *row = (struct cf_preflight_row){ 0 };
}

void cf_preflight_list_free(struct cf_preflight_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        cf_preflight_row_free(&list->rows[i]);
    free(list->rows);
    *list = (struct cf_preflight_list){ 0 };
}

/* `effective` is an expression: the column, or NULL in lists. */
#define COLUMNS(effective)                                                                         \
    "p.id, p.plan, p.revision, " effective ", p.state, p.result, p.message, p.author, p.attempt,"  \
    " wall_ms(p.created_at), wall_ms(p.started_at), wall_ms(p.finished_at)"

static bool read_row(struct cf_column *c, struct cf_preflight_row *out, struct cf_error *err)
{
    cf_col_copy(c, out->id, sizeof out->id);
    out->plan = cf_col_text(c);
    out->revision = cf_col_int(c);
    out->effective = cf_col_json(c);
    out->state = cf_col_text(c);
    out->result = cf_col_json(c);
    out->message = cf_col_text(c);
    out->author = cf_col_text(c);
    out->attempt = cf_col_int(c);
    out->created_ms = cf_col_int64(c);
    out->started_ms = cf_col_int64(c);
    out->finished_ms = cf_col_int64(c);
    return cf_row_end(c, err);
}

/* Reads the only row, or leaves *out alone. */
static bool read_one(const PGresult *res, struct cf_preflight_row *out, struct cf_error *err)
{
    struct cf_column c = cf_row(res, 0);
    CF_CLEANUP(cf_preflight_row_free) struct cf_preflight_row row = { 0 };
    if (!read_row(&c, &row, err))
        return false;
    *out = row;
    row = (struct cf_preflight_row){ 0 };
    return true;
}

bool cf_preflight_add(struct cf_store *store, const struct cf_preflight_new *job,
                      struct cf_idem *idem, char out_id[CF_UUID_TEXT], struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "preflight_add",
        "INSERT INTO preflight (id, plan, revision, effective, author) VALUES ($1, $2, $3, $4, $5)",
        true
    };
    char id[CF_UUID_TEXT];
    cf_uuid_v7(id);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_arg_text(&a, job->plan ? job->plan : "");
    cf_arg_int(&a, job->revision);
    cf_arg_json(&a, job->effective);
    cf_arg_text(&a, job->author);
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err) || !cf_tx_idem_begin(&tx, idem, err))
        return false;
    if (idem && idem->replayed) {
        memcpy(out_id, idem->resource, CF_UUID_TEXT);
        return true;
    }
    cf_autores PGresult *res = cf_tx_query(&tx, &stmt, &a, err);
    if (!res || !cf_tx_idem_made(&tx, idem, id, err) || !cf_tx_notify(&tx, "preflight", id, err) ||
        !cf_tx_commit(&tx, err))
        return false;
    memcpy(out_id, id, sizeof id);
    return true;
}

bool cf_preflight_claim(struct cf_store *store, const char *owner, int64_t lease_ms,
                        bool *out_found, struct cf_preflight_row *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "preflight_claim",
        "WITH c AS MATERIALIZED (SELECT id FROM preflight WHERE finished_at IS NULL"
        "   AND (lease_until IS NULL OR lease_until < clock_timestamp()) ORDER BY id LIMIT 1 FOR"
        "   UPDATE SKIP LOCKED)"
        " UPDATE preflight p SET state = 'running', owner = $1, attempt = p.attempt + 1,"
        "   started_at = clock_timestamp(), lease_until = clock_timestamp() + $2::bigint *"
        "   interval '1 ms' FROM c WHERE p.id = c.id"
        " RETURNING " COLUMNS("p.effective"),
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, owner);
    cf_arg_int(&a, lease_ms);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    bool found = PQntuples(res) == 1;
    if (found && !read_one(res, out, err))
        return false;
    *out_found = found;
    return true;
}

bool cf_preflight_finish(struct cf_store *store, const char *id, int attempt, const json_t *result,
                         const char *message, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "preflight_finish",
        "UPDATE preflight SET state = CASE WHEN $3::json IS NULL THEN 'failed' ELSE 'done' END,"
        "   result = $3, message = coalesce($4, ''), finished_at = clock_timestamp()"
        "   WHERE id = $1 AND attempt = $2 AND finished_at IS NULL",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_arg_int(&a, attempt);
    cf_arg_json(&a, result);
    cf_arg_text(&a, message);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (strcmp(PQcmdTuples(res), "1") != 0)
        return cf_error_set(err, CF_ERR_FENCED, "preflight %s was given to somebody else", id);
    return true;
}

bool cf_preflight_get(struct cf_store *store, const char *id, struct cf_preflight_row *out,
                      struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "preflight_get", "SELECT " COLUMNS("p.effective") " FROM preflight p WHERE p.id = $1", false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no preflight %s", id);
    return read_one(res, out, err);
}

bool cf_preflight_list_page(struct cf_store *store, const char *plan, const char *after, int limit,
                            struct cf_preflight_list *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "preflight_list",
        "SELECT " COLUMNS(
            "NULL::json") " FROM preflight p WHERE ($1::text IS NULL OR p.plan = $1)"
                          " AND ($2::uuid IS NULL OR p.id < $2) ORDER BY p.id DESC LIMIT $3",
        false
    };
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_nonempty(&a, plan);
    cf_arg_nonempty(&a, after);
    cf_arg_int(&a, limit + 1);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_preflight_list_free)
    struct cf_preflight_list list = { .more = PQntuples(res) > limit };
    int n = CF_MIN(PQntuples(res), limit);
    list.rows = cf_xcalloc((size_t)n + 1, sizeof *list.rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        list.n++;
        if (!read_row(&c, &list.rows[i], err))
            return false;
    }
    *out = list;
    list = (struct cf_preflight_list){ 0 };
    return true;
}
