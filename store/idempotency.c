/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for a key that was used before, outside any effect. */
#include "store/idempotency.h"

#include <string.h>

#include "store/column.h"
#include "store/statement.h"

bool cf_idem_find(struct cf_store *store, struct cf_idem *idem, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "idem_look",
        "SELECT request = $4, resource FROM idempotency"
        "   WHERE principal = $1 AND route = $2 AND key = $3 AND resource IS NOT NULL",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, idem->principal);
    cf_arg_text(&a, idem->route);
    cf_arg_text(&a, idem->key);
    cf_arg_text(&a, idem->request_sha256);
    idem->replayed = false;
    PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    struct cf_column c = cf_row(res, 0);
    bool found = PQntuples(res) > 0;
    bool same = found && cf_col_bool(&c);
    if (same) {
        idem->replayed = true;
        cf_col_copy(&c, idem->resource, sizeof idem->resource);
    }
    PQclear(res);
    if (!found || same)
        return true;
    cf_error_set(err, CF_ERR_INVALID, "the Idempotency-Key was used for another request");
    return cf_error_reason(err, CF_STORE_IDEMPOTENCY);
}
