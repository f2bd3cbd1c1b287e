/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for a key that was used before, outside any effect. */
#include "store/idempotency.h"

#include <string.h>

#include "store/private.h"

bool cf_idem_find(struct cf_store *store, struct cf_idem *idem, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "idem_look",
        "SELECT request = $4, resource FROM idempotency"
        "   WHERE principal = $1 AND route = $2 AND key = $3 AND resource <> ''",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, idem->principal);
    cf_arg_text(&a, idem->route);
    cf_arg_text(&a, idem->key);
    cf_arg_text(&a, idem->request_sha256);
    idem->replayed = false;
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return true;
    struct cf_column c = cf_row(res, 0);
    if (cf_col_bool(&c)) {
        idem->replayed = true;
        cf_col_copy(&c, idem->resource, sizeof idem->resource);
        return true;
    }
    cf_error_set(err, CF_ERR_INVALID, "the Idempotency-Key was used for another request");
    return cf_error_reason(err, CF_STORE_IDEMPOTENCY);
}
