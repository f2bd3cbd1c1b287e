/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing what was applied with what we have, and applying the rest in one transaction. */
#include "store/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "store/private.h"

extern const struct cf_embedded cf_store_migrations[];

/* Any number will do, as long as it stays the same. */
#define LOCK "SELECT pg_advisory_xact_lock(7014223051)"

static const struct cf_stmt table_exists = {
    "migrate_table", "SELECT to_regclass('crossfade.migration') IS NOT NULL", false
};
static const struct cf_stmt applied_files = {
    "migrate_applied", "SELECT version, name, sha256 FROM crossfade.migration ORDER BY version",
    false
};
static const struct cf_stmt note_applied = {
    "migrate_note", "INSERT INTO crossfade.migration (version, name, sha256) VALUES ($1, $2, $3)",
    true
};

static int count(const struct cf_embedded *files)
{
    int n = 0;
    while (files[n].name)
        n++;
    return n;
}

static bool refuse(struct cf_error *err, const char *reason, const char *fmt, ...) CF_PRINTF(3, 4);
static bool refuse(struct cf_error *err, const char *reason, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_error_setv(err, CF_ERR_INVALID, fmt, ap);
    va_end(ap);
    return cf_error_reason(err, reason);
}

/* Files are called 001_…, 002_… without a gap: versions are places in the list. */
static bool check_names(const struct cf_embedded *files, struct cf_error *err)
{
    for (int i = 0; files[i].name; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "%03d_", i + 1);
        if (strncmp(files[i].name, prefix, strlen(prefix)) != 0)
            return cf_error_set(err, CF_ERR_BUG, "migration %s should begin with %s", files[i].name,
                                prefix);
    }
    return true;
}

/* Compares what was applied with what we have. */
static bool compare(const PGresult *res, const struct cf_embedded *files, int want,
                    struct cf_error *err)
{
    for (int i = 0; i < PQntuples(res); i++) {
        struct cf_column c = cf_row(res, i);
        int version = cf_col_int(&c);
        const char *name = cf_col_borrow(&c);
        const char *sha256 = cf_col_borrow(&c);
        if (version > want)
            return refuse(
                err, CF_STORE_SCHEMA_NEWER,
                "the database has schema %d (%s), this program knows up to %d: use a newer program",
                version, name, want);
        char ours[CF_SHA256_HEX];
        cf_sha256_hex(files[i].data, files[i].len, ours);
        if (version != i + 1 || strcmp(sha256, ours) != 0)
            return refuse(err, CF_STORE_SCHEMA_CHANGED,
                          "migration %s was applied to this database with other contents than"
                          "   this program's %s",
                          name, files[i].name);
    }
    return true;
}

/* Sets report->have; in a transaction, so that what is compared is what is then built upon. */
static bool look(struct cf_tx *tx, const struct cf_embedded *files,
                 struct cf_migrate_report *report, struct cf_error *err)
{
    cf_autores PGresult *exists = cf_tx_query(tx, &table_exists, NULL, err);
    if (!exists)
        return false;
    struct cf_column c = cf_row(exists, 0);
    if (!cf_col_bool(&c))
        return true;
    cf_autores PGresult *res = cf_tx_query(tx, &applied_files, NULL, err);
    if (!res)
        return false;
    report->have = PQntuples(res);
    return compare(res, files, report->want, err);
}

static bool apply(struct cf_tx *tx, const struct cf_embedded *files,
                  struct cf_migrate_report *report, struct cf_error *err)
{
    if (report->have == 0 &&
        !cf_tx_script(tx,
                      "CREATE SCHEMA IF NOT EXISTS crossfade;CREATE TABLE IF NOT EXISTS"
                      "   crossfade.migration (version int PRIMARY KEY, name text NOT NULL,"
                      "   sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
                      err))
        return cf_error_wrap(err, "prepare the schema");
    for (int i = report->have; i < report->want; i++) {
        if (!cf_tx_script(tx, files[i].data, err))
            return cf_error_wrap(err, "migration %s", files[i].name);
        char sha256[CF_SHA256_HEX];
        CF_CLEANUP(cf_args_free) struct cf_args a = { 0 };
        cf_arg_int(&a, i + 1);
        cf_arg_text(&a, files[i].name);
        cf_arg_text(&a, cf_sha256_hex(files[i].data, files[i].len, sha256));
        cf_autores PGresult *res = cf_tx_query(tx, &note_applied, &a, err);
        if (!res)
            return false;
        report->applied++;
    }
    return true;
}

/* Where a database is a logical copy of another, its transaction ids may be lower than those in its
 * event ids: event_base lifts the new ones above. Nothing to do when the origin is the one noted.
 */
static bool adopt_origin(struct cf_tx *tx, struct cf_error *err)
{
    static const struct cf_stmt adopt = {
        "migrate_adopt_origin",
        "WITH o AS (SELECT concat_ws('|', CASE WHEN"
        "   has_function_privilege('pg_control_system()', 'execute') THEN (SELECT"
        "   system_identifier::text FROM pg_control_system()) ELSE '' END, (SELECT oid::text"
        "   FROM pg_database WHERE datname = current_database())) AS origin)"
        " UPDATE meta SET origin = o.origin, event_base = greatest(event_base, coalesce((SELECT"
        "   max(id) / 4096 FROM event), 0) - pg_current_xact_id()::text::bigint + 1) FROM o"
        "   WHERE meta.origin <> o.origin",
        true
    };
    cf_autores PGresult *res = cf_tx_query(tx, &adopt, NULL, err);
    return res != NULL;
}

bool cf_store_migrate_files(struct cf_store *store, const struct cf_embedded *files,
                            bool check_only, struct cf_migrate_report *out, struct cf_error *err)
{
    *out = (struct cf_migrate_report){ .want = count(files) };
    CF_CLEANUP(cf_tx_end) struct cf_tx tx = { 0 };
    if (!check_names(files, err) || !cf_tx_begin(store, &tx, err))
        return false;
    if (!check_only && !cf_tx_script(&tx, "SET LOCAL statement_timeout = 0; " LOCK, err))
        return cf_error_wrap(err, "lock the schema");
    if (!look(&tx, files, out, err))
        return false;
    if (check_only) {
        if (out->have < out->want)
            return refuse(err, CF_STORE_SCHEMA_OLDER,
                          "the database has schema %d of %d: run crossfade migrate", out->have,
                          out->want);
        return true;
    }
    if (!apply(&tx, files, out, err))
        return false;
    if (files == cf_store_migrations && !adopt_origin(&tx, err))
        return false;
    return cf_tx_commit(&tx, err);
}

bool cf_store_migrate(struct cf_store *store, struct cf_migrate_report *out, struct cf_error *err)
{
    return cf_store_migrate_files(store, cf_store_migrations, false, out, err);
}

bool cf_store_migrate_check(struct cf_store *store, struct cf_migrate_report *out,
                            struct cf_error *err)
{
    return cf_store_migrate_files(store, cf_store_migrations, true, out, err);
}
