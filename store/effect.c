/* SPDX-License-Identifier: Apache-2.0 */
/* What the effects of the API have in common: their event, their notification, their idempotency
 * key. */
#include <stdio.h>
#include <string.h>

#include "store/events.h"
#include "store/idempotency.h"
#include "store/private.h"

/* The place within the transaction keeps ids apart and in order ($1). */
static const struct cf_stmt insert_event = {
    "event_insert",
    "INSERT INTO event (id, subject, kind, actor, body)"
    "   SELECT (pg_current_xact_id()::text::bigint + m.event_base) * 4096 + $1::int, $2, $3,"
    "   coalesce($4, ''), coalesce($5::json, '{}') FROM meta m",
    true
};

bool cf_tx_event(struct cf_tx *tx, const char *kind, const char *subject, const char *actor,
                 const json_t *body, struct cf_error *err)
{
    cf_assert(tx->events < CF_EVENTS_PER_RECORD);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_int(&a, tx->events++);
    cf_arg_text(&a, subject);
    cf_arg_text(&a, kind);
    cf_arg_text(&a, actor);
    cf_arg_json(&a, body);
    cf_autores PGresult *res = cf_tx_query(tx, &insert_event, &a, err);
    return res != NULL;
}

bool cf_tx_notify(struct cf_tx *tx, const char *what, const char *id, struct cf_error *err)
{
    static const struct cf_stmt notify = { "notify",
                                           "SELECT pg_notify('crossfade', $1 || ':' || $2)", true };
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, what);
    cf_arg_text(&a, id);
    cf_autores PGresult *res = cf_tx_query(tx, &notify, &a, err);
    return res != NULL;
}

bool cf_tx_idem_begin(struct cf_tx *tx, struct cf_idem *idem, struct cf_error *err)
{
    static const struct cf_stmt insert = {
        "idem_insert",
        "INSERT INTO idempotency (principal, route, key, request) VALUES ($1, $2, $3, $4)"
        "   ON CONFLICT DO NOTHING",
        true
    };
    static const struct cf_stmt find = { "idem_find",
                                         "SELECT request = $4, resource FROM idempotency"
                                         "   WHERE principal = $1 AND route = $2 AND key = $3",
                                         false };
    if (!idem)
        return true;
    idem->replayed = false;
    idem->resource[0] = '\0';
    size_t len = strlen(idem->key);
    if (len == 0 || len > CF_IDEM_KEY_MAX)
        return cf_error_set(err, CF_ERR_INVALID, "an Idempotency-Key has 1 to %d characters",
                            CF_IDEM_KEY_MAX);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, idem->principal);
    cf_arg_text(&a, idem->route);
    cf_arg_text(&a, idem->key);
    cf_arg_text(&a, idem->request_sha256);
    /* Waits while another transaction with this key is under way. */
    cf_autores PGresult *inserted = cf_tx_query(tx, &insert, &a, err);
    if (!inserted)
        return false;
    if (strcmp(PQcmdTuples(inserted), "1") == 0)
        return true;
    cf_autores PGresult *res = cf_tx_query(tx, &find, &a, err);
    if (!res)
        return false;
    if (PQntuples(res) == 0)
        return cf_error_set(err, CF_ERR_TRANSIENT, "the Idempotency-Key's row has just expired");
    struct cf_column c = cf_row(res, 0);
    if (!cf_col_bool(&c)) {
        cf_error_set(err, CF_ERR_INVALID, "the Idempotency-Key was used for another request");
        return cf_error_reason(err, CF_STORE_IDEMPOTENCY);
    }
    idem->replayed = true;
    cf_col_copy(&c, idem->resource, sizeof idem->resource);
    return true;
}

bool cf_tx_idem_made(struct cf_tx *tx, struct cf_idem *idem, const char *resource,
                     struct cf_error *err)
{
    static const struct cf_stmt update = {
        "idem_made",
        "UPDATE idempotency SET resource = $4 WHERE principal = $1 AND route = $2 AND key = $3",
        true
    };
    if (!idem)
        return true;
    int len = snprintf(idem->resource, sizeof idem->resource, "%s", resource);
    cf_assert(len < (int)sizeof idem->resource);
    CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
    cf_arg_text(&a, idem->principal);
    cf_arg_text(&a, idem->route);
    cf_arg_text(&a, idem->key);
    cf_arg_text(&a, resource);
    cf_autores PGresult *res = cf_tx_query(tx, &update, &a, err);
    return res != NULL;
}
