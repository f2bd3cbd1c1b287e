/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of what was shown (diffs.h). */
#include "store/diffs.h"

#include "store/private.h"

bool cf_diff_keep(struct cf_store *store, const char *digest, const char *plan, const json_t *rows,
                  struct cf_error *err)
{
    static const struct cf_stmt stmt = { "diff_keep",
                                         "INSERT INTO plan_diff (digest, plan, rows) VALUES"
                                         "   ($1, $2, $3) ON CONFLICT (digest) DO UPDATE SET"
                                         "   at = now()",
                                         true };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, digest);
    cf_arg_text(&a, plan);
    cf_arg_json(&a, rows);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    return res || cf_error_wrap(err, "keep the diff of plan %s", plan);
}

bool cf_diff_get(struct cf_store *store, const char *digest, const char *plan, json_t **out_rows,
                 struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "diff_get", "SELECT rows FROM plan_diff WHERE digest = $1 AND plan = $2", false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, digest);
    cf_arg_text(&a, plan);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "no diff of plan %s has this digest", plan);
    struct cf_column c = cf_row(res, 0);
    *out_rows = cf_col_json(&c);
    return true;
}
