/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: one row each, with an event and a notification. */
#include "store/settings.h"

#include "store/private.h"

void cf_setting_free(struct cf_setting *s)
{
    json_decref(s->value);
    free(s->author);
    *s = (struct cf_setting){ 0 };
}

bool cf_setting_get(struct cf_store *store, const char *name, struct cf_setting *out,
                    struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "setting_get", "SELECT value, author, wall_ms(at) FROM setting WHERE name = $1", false
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_autores PGresult *res = cf_query(store, &stmt, &a, err);
    if (!res)
        return false;
    CF_CLEANUP(cf_setting_free) struct cf_setting s = { 0 };
    if (PQntuples(res) == 0) {
        s.author = cf_xstrdup("");
    } else {
        struct cf_column c = cf_row(res, 0);
        s.value = cf_col_json(&c);
        s.author = cf_col_text(&c);
        s.at_ms = cf_col_int64(&c);
        if (!cf_row_end(&c, err))
            return false;
    }
    *out = s;
    s = (struct cf_setting){ 0 };
    return true;
}

bool cf_setting_put(struct cf_store *store, const char *name, const json_t *value,
                    const char *author, struct cf_error *err)
{
    static const struct cf_stmt stmt = {
        "setting_put",
        "INSERT INTO setting (name, value, author) VALUES ($1, $2, $3) ON CONFLICT (name) DO"
        "   UPDATE SET value = $2, author = $3, at = now()",
        true
    };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, name);
    cf_arg_json(&a, value);
    cf_arg_text(&a, author);
    cf_autofree char *subject = cf_xasprintf("setting/%s", name);
    cf_autojson json_t *body =
        json_pack("{s:s, s:o}", "setting", name, "value", cf_json_copy(value));
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!cf_tx_begin(store, &tx, err))
        return false;
    cf_autores PGresult *res = cf_tx_query(&tx, &stmt, &a, err);
    return res && cf_tx_event(&tx, "setting.changed", subject, author, body, err) &&
           cf_tx_notify(&tx, "setting", name, err) && cf_tx_commit(&tx, err);
}
