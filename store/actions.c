/* SPDX-License-Identifier: Apache-2.0 */
/* Inserting actions, which moves the run's rev, and reading them. */
#include "store/actions.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/private.h"
#include "store/run_rows.h"

void cf_action_row_free(struct cf_action_row *row)
{
    free(row->run_name);
    free(row->action);
    free(row->reason);
    free(row->principal);
    free(row->state);
    free(row->message);
    json_decref(row->expect);
    json_decref(row->args);
    *row = (struct cf_action_row){ 0 };
}

void cf_action_list_free(struct cf_action_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        cf_action_row_free(&list->rows[i]);
    free(list->rows);
    *list = (struct cf_action_list){ 0 };
}

bool cf_action_row_read(struct cf_column *c, struct cf_action_row *out, struct cf_error *err)
{
    out->id = cf_col_int64(c);
    cf_col_copy(c, out->run_id, sizeof out->run_id);
    out->run_name = cf_col_text(c);
    out->action = cf_col_text(c);
    out->reason = cf_col_text(c);
    out->principal = cf_col_text(c);
    out->state = cf_col_text(c);
    out->message = cf_col_text(c);
    out->expect = cf_col_json(c);
    out->args = cf_col_json(c);
    out->created_ms = cf_col_int64(c);
    out->answered_ms = cf_col_int64(c);
    return cf_row_end(c, err);
}

/* Why nothing was inserted. */
static bool refuse(struct cf_tx *tx, const char *run_id, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "action_refuse", "SELECT plan || '/' || number, state FROM run WHERE id = $1", false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, run_id);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no run %s", run_id);
    cf_error_set(err, CF_ERR_CONFLICT, "run %s has ended: %s", PQgetvalue(res, 0, 0),
                 PQgetvalue(res, 0, 1));
    return cf_error_reason(err, CF_STORE_RUN_ENDED);
}

/* Moving the run's rev makes the owner see the action before it records anything again; the row's
 * lock keeps it from ending meanwhile. */
static bool insert(struct cf_tx *tx, const struct cf_action_new *action, int64_t *out_id,
                   struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "action_insert",
        "WITH m AS (UPDATE run SET rev = rev + 1 WHERE id = $1 AND finished_at IS NULL"
        "   RETURNING id)"
        " INSERT INTO action (run_id, action, reason, principal, expect, args)"
        " SELECT m.id, $2, $3, $4, $5, $6 FROM m RETURNING id",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, action->run_id);
    cf_arg_text(&a, action->action);
    cf_arg_text(&a, action->reason ? action->reason : "");
    cf_arg_text(&a, action->principal);
    cf_arg_json(&a, action->expect);
    cf_arg_json(&a, action->args);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return refuse(tx, action->run_id, err);
    struct cf_column c = cf_row(res, 0);
    *out_id = cf_col_int64(&c);
    return true;
}

bool cf_action_add(struct cf_store *store, const struct cf_action_new *action, struct cf_idem *idem,
                   int64_t *out_id, struct cf_error *err)
{
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    int64_t id = 0;
    char resource[32];
    if (!cf_tx_begin(store, &tx, err) || !cf_tx_idem_begin(&tx, idem, err))
        return cf_error_wrap(err, "%s run %s", action->action, action->run_id);
    if (idem && idem->replayed) {
        *out_id = strtoll(idem->resource, NULL, 10);
        return true;
    }
    if (!insert(&tx, action, &id, err))
        return cf_error_wrap(err, "%s", action->action);
    snprintf(resource, sizeof resource, "%" PRId64, id);
    if (!cf_tx_idem_made(&tx, idem, resource, err) ||
        !cf_tx_notify(&tx, "run", action->run_id, err) || !cf_tx_commit(&tx, err))
        return cf_error_wrap(err, "%s run %s", action->action, action->run_id);
    *out_id = id;
    return true;
}

bool cf_action_get(struct cf_store *store, int64_t id, struct cf_action_row *out,
                   struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "action_get",
        "SELECT " CF_ACTION_COLUMNS " FROM action a JOIN run r ON r.id = a.run_id WHERE a.id = $1",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_int(&a, id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no action %" PRId64, id);
    struct cf_column c = cf_row(res, 0);
    CF_CLEANUP(cf_action_row_free) struct cf_action_row row = { 0 };
    if (!cf_action_row_read(&c, &row, err))
        return false;
    *out = row;
    row = (struct cf_action_row){ 0 };
    return true;
}

bool cf_action_list_page(struct cf_store *store, const char *run_id, int64_t before, int limit,
                         struct cf_action_list *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "action_list",
        "SELECT " CF_ACTION_COLUMNS " FROM action a JOIN run r ON r.id = a.run_id"
        " WHERE ($1::uuid IS NULL OR a.run_id = $1) AND ($2::bigint = 0 OR a.id < $2)"
        "   ORDER BY a.id DESC LIMIT $3",
        false
    };
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_nonempty(&a, run_id);
    cf_arg_int(&a, before);
    cf_arg_int(&a, limit + 1);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_action_list_free) struct cf_action_list list = { .more = PQntuples(res) > limit };
    int n = CF_MIN(PQntuples(res), limit);
    list.rows = cf_xcalloc((size_t)n + 1, sizeof *list.rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        list.n++;
        if (!cf_action_row_read(&c, &list.rows[i], err))
            return false;
    }
    *out = list;
    list = (struct cf_action_list){ 0 };
    return true;
}
