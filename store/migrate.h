/* SPDX-License-Identifier: Apache-2.0 */
/* The schema: numbered SQL files embedded in the program (store/migrations/NNN_name.sql), applied
 * in order.
 *
 * All pending files are one transaction; an advisory lock makes concurrent starts wait for each
 * other; the SHA-256 of each applied file is kept. An applied file that differs from ours is
 * refused by name (SCHEMA_CHANGED), a database with more files than we have is refused
 * (SCHEMA_NEWER): nothing is written in either case. */
#ifndef CF_STORE_MIGRATE_H
#define CF_STORE_MIGRATE_H

#include "base/embed.h"
#include "store/store.h"

struct cf_migrate_report {
    int have;    /* version of the database before; 0: empty */
    int want;    /* version of this program */
    int applied; /* files applied by this call */
};

/* Brings the database to our version. `serve` calls it at every start. */
bool cf_store_migrate(struct cf_store *store, struct cf_migrate_report *out,
                      struct cf_error *err) CF_NODISCARD;
/* Only looks: true if the schema is exactly ours; otherwise INVALID with reason SCHEMA_OLDER,
 * _NEWER or _CHANGED. *out is filled in both cases if the database answered. */
bool cf_store_migrate_check(struct cf_store *store, struct cf_migrate_report *out,
                            struct cf_error *err) CF_NODISCARD;
/* The same with other files, for tests. */
bool cf_store_migrate_files(struct cf_store *store, const struct cf_embedded *files,
                            bool check_only, struct cf_migrate_report *out,
                            struct cf_error *err) CF_NODISCARD;

#endif
