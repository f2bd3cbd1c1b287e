/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the store, its clock, its identity, its readiness. */
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/thread.h"
#include "store/fence.h"
#include "store/migrate.h"
#include "store/private.h"

static int64_t or_default(int64_t value, int64_t dflt)
{
    return value > 0 ? value : dflt;
}

struct cf_store *cf_store_open(const struct cf_store_config *config, struct cf_error *err)
{
    char *complaint = NULL;
    const char *conninfo = config->conninfo ? config->conninfo : "";
    PQconninfoOption *options = PQconninfoParse(conninfo, &complaint);
    if (!options) {
        cf_error_set(err, CF_ERR_INVALID, "database connection string: %s",
                     complaint ? complaint : "unreadable");
        PQfreemem(complaint);
        return NULL;
    }
    PQconninfoFree(options);
    struct cf_store *store = cf_xcalloc(1, sizeof *store);
    store->conninfo = cf_xstrdup(conninfo);
    store->config = (struct cf_store_config){
        .conninfo = store->conninfo,
        .pool_size = (int)CF_MIN(or_default(config->pool_size, CF_POOL_SIZE), CF_POOL_SIZE_MAX),
        .acquire_ms = or_default(config->acquire_ms, CF_ACQUIRE_MS),
        .connect_ms = or_default(config->connect_ms, CF_CONNECT_MS),
        .statement_ms = or_default(config->statement_ms, CF_STATEMENT_MS),
        .idle_in_transaction_ms =
            or_default(config->idle_in_transaction_ms, CF_IDLE_IN_TRANSACTION_MS),
        .keyring = config->keyring,
    };
    cf_pool_init(&store->pool, &store->config, store->config.pool_size);
    cf_pool_init(&store->lease, &store->config, 1);
    pthread_mutex_init(&store->mutex, NULL);
    return store;
}

void cf_store_close(struct cf_store *store)
{
    if (!store)
        return;
    cf_pool_destroy(&store->pool);
    cf_pool_destroy(&store->lease);
    pthread_mutex_destroy(&store->mutex);
    free(store->conninfo);
    free(store);
}

void cf_store_close_p(struct cf_store **store)
{
    cf_store_close(*store);
}

bool cf_store_ready(struct cf_store *store, struct cf_error *err)
{
    static const struct cf_stmt in_recovery = {
        "store_writable",
        "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool", false
    };
    struct cf_migrate_report report;
    if (!cf_store_migrate_check(store, &report, err))
        return false;
    cf_autores PGresult *res = cf_query(store, &in_recovery, NULL, err);
    if (!res)
        return false;
    struct cf_column c = cf_row(res, 0);
    if (cf_col_bool(&c))
        return cf_error_set(err, CF_ERR_UNAVAILABLE, "the database is read-only (a standby?)");
    return true;
}

bool cf_store_now(struct cf_store *store, int64_t *out_ms, struct cf_error *err)
{
    static const struct cf_stmt now = {
        "store_now", "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", false
    };
    cf_autores PGresult *res = cf_query(store, &now, NULL, err);
    if (!res)
        return false;
    struct cf_column c = cf_row(res, 0);
    *out_ms = cf_col_int64(&c);
    return true;
}

static int64_t connects_of(struct cf_store *store)
{
    CF_LOCKED(&store->pool.mutex);
    return store->pool.connects;
}

/* The text whose hash is the incarnation. Servers that deny the control file's contents leave those
 * parts empty. */
static const struct cf_stmt incarnation_parts = {
    "store_incarnation",
    "SELECT concat_ws('|', m.id, CASE WHEN has_function_privilege('pg_control_system()',"
    "   'execute') THEN (SELECT system_identifier::text FROM pg_control_system()) ELSE '' END,"
    "   (SELECT oid::text FROM pg_database WHERE datname = current_database()), CASE WHEN"
    "   has_function_privilege('pg_walfile_name(pg_lsn)', 'execute')"
    "   AND NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1,"
    "   8) ELSE '' END) FROM meta m",
    false
};

bool cf_store_incarnation(struct cf_store *store, char out_id[CF_UUID_TEXT], struct cf_error *err)
{
    int64_t connects = connects_of(store);
    {
        CF_LOCKED(&store->mutex);
        if (connects > 0 && store->incarnation[0] && store->incarnation_connects == connects) {
            memcpy(out_id, store->incarnation, CF_UUID_TEXT);
            return true;
        }
    }
    cf_autores PGresult *res = cf_query(store, &incarnation_parts, NULL, err);
    if (!res)
        return false;
    struct cf_column c = cf_row(res, 0);
    const char *parts = cf_col_borrow(&c);
    char hex[CF_SHA256_HEX];
    cf_sha256_hex(parts, strlen(parts), hex);
    CF_LOCKED(&store->mutex);
    /* The form of a UUID of version 8 (free use). */
    snprintf(store->incarnation, sizeof store->incarnation, "%.8s-%.4s-8%.3s-a%.3s-%.12s", hex,
             hex + 8, hex + 12, hex + 15, hex + 18);
    /* As counted before the query: one more connect since then, and it is asked again. */
    store->incarnation_connects = connects;
    memcpy(out_id, store->incarnation, CF_UUID_TEXT);
    return true;
}

void cf_store_stats(struct cf_store *store, struct cf_store_stats *out)
{
    CF_LOCKED(&store->pool.mutex);
    *out = (struct cf_store_stats){ .open = store->pool.open,
                                    .idle = store->pool.n_idle,
                                    .waiting = store->pool.waiting,
                                    .connects = store->pool.connects,
                                    .failures = store->pool.failures };
}

int cf_page_limit(int limit)
{
    return limit < 1 ? 1 : CF_MIN(limit, CF_STORE_LIMIT_MAX);
}

const char *cf_record_name(enum cf_record r)
{
    static const char *const names[] = { "recorded", "fenced", "stale" };
    return names[r];
}
