/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as rows: one hash each, and the lock that makes the first one unique. */
#include "store/access.h"

#include <string.h>

#include "store/private.h"

void cf_token_row_free(struct cf_token_row *row)
{
    free(row->name);
    free(row->role);
    free(row->created_by);
    *row = (struct cf_token_row){ 0 };
}

void cf_token_list_free(struct cf_token_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        cf_token_row_free(&list->rows[i]);
    free(list->rows);
    *list = (struct cf_token_list){ 0 };
}

#define COLUMNS                                                                                    \
    "t.id, t.name, t.role, t.created_by, wall_ms(t.created_at), wall_ms(t.expires_at), "           \
    "wall_ms(t.used_at),"                                                                          \
    " wall_ms(t.revoked_at)"

static bool read_row(struct cf_column *c, struct cf_token_row *out, struct cf_error *err)
{
    cf_col_copy(c, out->id, sizeof out->id);
    out->name = cf_col_text(c);
    out->role = cf_col_text(c);
    out->created_by = cf_col_text(c);
    out->created_ms = cf_col_int64(c);
    out->expires_ms = cf_col_int64(c);
    out->last_used_ms = cf_col_int64(c);
    out->revoked_ms = cf_col_int64(c);
    return cf_row_end(c, err);
}

static bool event(struct cf_tx *tx, const char *kind, const char *id, const char *name,
                  const char *role, const char *author, struct cf_error *err)
{
    cf_autofree char *subject = cf_xasprintf("token/%s", id);
    cf_autojson json_t *body =
        json_pack("{s:s, s:s, s:s}", "token", id, "name", name, "role", role);
    return cf_tx_event(tx, kind, subject, author, body, err);
}

static bool insert(struct cf_tx *tx, const struct cf_token_new *token, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "token_add",
        "INSERT INTO token (id, sha256, name, role, created_by, expires_at)"
        "   VALUES ($1, $2, $3, $4, $5, CASE WHEN $6::bigint > 0 THEN now() + $6 * interval"
        "   '1 ms' END) ON CONFLICT DO NOTHING",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, token->id);
    cf_arg_bytes(&a, token->sha256, CF_SHA256_BYTES);
    cf_arg_text(&a, token->name);
    cf_arg_text(&a, token->role);
    cf_arg_text(&a, token->created_by);
    cf_arg_int(&a, token->expires_in_ms);
    cf_autores PGresult *res = cf_tx_query(tx, &stmt, &a, err);
    if (!res)
        return false;
    if (strcmp(PQcmdTuples(res), "1") != 0) {
        cf_error_set(err, CF_ERR_CONFLICT, "there is a token %s already", token->id);
        return cf_error_reason(err, CF_STORE_EXISTS);
    }
    return event(tx, "token.created", token->id, token->name, token->role, token->created_by, err);
}

bool cf_token_add(struct cf_store *store, const struct cf_token_new *token, struct cf_idem *idem,
                  struct cf_error *err)
{
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err) || !cf_tx_idem_begin(&tx, idem, err))
        return false;
    if (idem && idem->replayed)
        return true;
    return insert(&tx, token, err) && cf_tx_idem_made(&tx, idem, token->id, err) &&
           cf_tx_commit(&tx, err);
}

bool cf_token_bootstrap(struct cf_store *store, const struct cf_token_new *token,
                        struct cf_error *err)
{
    /* The lock makes the look and the insert one step for everybody who inserts. */
    static const char lock[] = "LOCK TABLE token IN SHARE ROW EXCLUSIVE MODE";
    static const struct cf_stmt any = { "token_any", "SELECT 1 FROM token LIMIT 1", false };
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err) || !cf_tx_script(&tx, lock, err))
        return cf_error_wrap(err, "first token");
    cf_autores PGresult *res = cf_tx_query(&tx, &any, NULL, err);
    if (!res)
        return false;
    if (PQntuples(res) > 0) {
        cf_error_set(err, CF_ERR_CONFLICT,
                     "the first token was made already: ask an admin for another");
        return cf_error_reason(err, CF_STORE_EXISTS);
    }
    return insert(&tx, token, err) && cf_tx_commit(&tx, err);
}

bool cf_token_authenticate(struct cf_store *store, const unsigned char sha256[CF_SHA256_BYTES],
                           struct cf_token_row *out, struct cf_error *err)
{
    /* A read that now and then notes its use: repeating it does no harm, so it counts as a read. */
    static const struct cf_stmt stmt = {
        "token_authenticate",
        "WITH t AS (SELECT * FROM token WHERE sha256 = $1 AND revoked_at IS NULL"
        "   AND coalesce(expires_at > now(), true)),"
        " u AS (UPDATE token SET used_at = now() FROM t WHERE token.id = t.id"
        "   AND coalesce(t.used_at < now() - interval '1 minute', true))"
        " SELECT " COLUMNS " FROM t",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_bytes(&a, sha256, CF_SHA256_BYTES);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_DENIED, "the token is not valid");
    struct cf_column c = cf_row(res, 0);
    return read_row(&c, out, err);
}

bool cf_token_get(struct cf_store *store, const char *id, struct cf_token_row *out,
                  struct cf_error *err)
{
    static const struct cf_stmt stmt = { "token_get",
                                         "SELECT " COLUMNS " FROM token t WHERE t.id = $1", false };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no token %s", id);
    struct cf_column c = cf_row(res, 0);
    CF_CLEANUP(cf_token_row_free) struct cf_token_row row = { 0 };
    if (!read_row(&c, &row, err))
        return false;
    *out = row;
    row = (struct cf_token_row){ 0 };
    return true;
}

bool cf_token_list_page(struct cf_store *store, const char *after, int limit,
                        struct cf_token_list *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "token_list",
                                         "SELECT " COLUMNS
                                         " FROM token t WHERE t.id > $1 ORDER BY t.id LIMIT $2",
                                         false };
    limit = cf_page_limit(limit);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, after ? after : "");
    cf_arg_int(&a, limit + 1);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_token_list_free) struct cf_token_list list = { .more = PQntuples(res) > limit };
    int n = CF_MIN(PQntuples(res), limit);
    list.rows = cf_xcalloc((size_t)n + 1, sizeof *list.rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        list.n++;
        if (!read_row(&c, &list.rows[i], err))
            return false;
    }
    *out = list;
    list = (struct cf_token_list){ 0 };
    return true;
}

bool cf_token_revoke(struct cf_store *store, const char *id, const char *author,
                     struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "token_revoke",
        "WITH t AS (SELECT id, name, role, revoked_at FROM token WHERE id = $1 FOR UPDATE),"
        " u AS (UPDATE token SET revoked_at = now() FROM t WHERE token.id = t.id"
        "   AND t.revoked_at IS NULL)"
        " SELECT name, role, revoked_at IS NOT NULL FROM t",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, id);
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err))
        return false;
    cf_autores PGresult *res = cf_tx_query(&tx, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "there is no token %s", id);
    struct cf_column c = cf_row(res, 0);
    const char *name = cf_col_borrow(&c);
    const char *role = cf_col_borrow(&c);
    if (cf_col_bool(&c))
        return true;
    return event(&tx, "token.revoked", id, name, role, author, err) && cf_tx_commit(&tx, err);
}
