/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of claims, and who holds which. Taking them is part of run_create.c, giving back of
 * run_record.c. */
#include "store/claims.h"

#include <stdarg.h>

#include "base/url.h"
#include "store/private.h"

enum { KEY_MAX = 2048 }; /* a uid and four names of at most 253 characters, percent-encoded */

char *cf_claim_key(const char *cluster_uid, ...)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT(KEY_MAX);
    cf_url_escape(&b, cluster_uid);
    va_list ap;
    va_start(ap, cluster_uid);
    for (const char *part; (part = va_arg(ap, const char *));) {
        cf_buf_putc(&b, '/');
        cf_url_escape(&b, part);
    }
    va_end(ap);
    cf_assert(!b.overflow);
    return cf_buf_take(&b);
}

void cf_claim_list_free(struct cf_claim_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->rows[i].kind);
        free(list->rows[i].key);
        free(list->rows[i].text);
        free(list->rows[i].run_name);
    }
    free(list->rows);
    *list = (struct cf_claim_list){ 0 };
}

static bool read_rows(const PGresult *res, struct cf_claim_list *out, struct cf_error *err)
{
    CF_CLEANUP(cf_claim_list_free) struct cf_claim_list list = { 0 };
    int n = PQntuples(res);
    list.rows = cf_xcalloc((size_t)n + 1, sizeof *list.rows);
    for (int i = 0; i < n; i++) {
        struct cf_column c = cf_row(res, i);
        struct cf_claim_row *row = &list.rows[list.n++];
        row->kind = cf_col_text(&c);
        row->key = cf_col_text(&c);
        row->text = cf_col_text(&c);
        cf_col_copy(&c, row->run_id, sizeof row->run_id);
        row->run_name = cf_col_text(&c);
        row->at_ms = cf_col_int64(&c);
        if (!cf_row_end(&c, err))
            return false;
    }
    *out = list;
    list = (struct cf_claim_list){ 0 };
    return true;
}

#define COLUMNS "c.kind, c.key, c.text, c.run_id, r.plan || '/' || r.number, wall_ms(c.at)"

bool cf_claims_held(struct cf_store *store, const char *run_id, struct cf_claim_list *out,
                    struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "claims_held",
        "SELECT " COLUMNS
        " FROM claim c JOIN run r ON r.id = c.run_id WHERE $1::uuid IS NULL OR c.run_id = $1"
        "   ORDER BY c.kind, c.key",
        false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_nonempty(&a, run_id);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    return res && read_rows(res, out, err);
}

bool cf_claims_find(struct cf_store *store, const struct cf_claim *claims, size_t n,
                    struct cf_claim_list *out, struct cf_error *err)
{
    static const struct cf_stmt stmt = { "claims_find",
                                         "SELECT " COLUMNS
                                         " FROM json_to_recordset($1) AS x(kind text, key text)"
                                         "   JOIN claim c ON c.kind = x.kind AND c.key = x.key"
                                         "   JOIN run r ON r.id = c.run_id"
                                         "   ORDER BY c.kind, c.key",
                                         false };
    cf_autojson json_t *wanted = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            wanted, json_pack("{s:s, s:s}", "kind", claims[i].kind, "key", claims[i].key));
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_json(&a, wanted);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    return res && read_rows(res, out, err);
}
