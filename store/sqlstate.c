/* SPDX-License-Identifier: Apache-2.0 */
/* The table of SQLSTATEs, and errors made from results. */
#include "store/sqlstate.h"

#include <string.h>

#include "base/mem.h"

static const struct {
    const char *prefix;
    enum cf_err_kind kind;
} table[] = {
    { "08", CF_ERR_TRANSIENT },      /* connection exceptions */
    { "22", CF_ERR_INVALID },        /* data: a bad number, an encoding that is not UTF-8 */
    { "22P05", CF_ERR_INVALID },     /* a NUL in JSON text */
    { "23", CF_ERR_INVALID },        /* not null, check */
    { "23503", CF_ERR_CONFLICT },    /* foreign key */
    { "23505", CF_ERR_CONFLICT },    /* unique */
    { "23P01", CF_ERR_CONFLICT },    /* exclusion */
    { "25006", CF_ERR_UNAVAILABLE }, /* read-only: a standby, or being demoted */
    { "25P02", CF_ERR_BUG },         /* we went on after a failed statement */
    { "25P03", CF_ERR_TRANSIENT },   /* idle in transaction: we were stopped for too long */
    { "28", CF_ERR_DENIED },         /* authorisation */
    { "3D000", CF_ERR_INVALID },     /* no such database */
    { "3F000", CF_ERR_INVALID },     /* no such schema: not migrated */
    { "40", CF_ERR_TRANSIENT },      /* rolled back: serialisation, deadlock */
    { "40003", CF_ERR_UNKNOWN },     /* statement completion unknown */
    { "42501", CF_ERR_DENIED },      /* rights */
    { "42P01", CF_ERR_INVALID },     /* no such table: not migrated */
    { "42703", CF_ERR_INVALID },     /* no such column: not migrated */
    { "42883", CF_ERR_INVALID },     /* no such function: not migrated */
    { "53", CF_ERR_TRANSIENT },      /* resources: memory, disk, connections */
    { "54", CF_ERR_LIMIT },          /* a limit of the server */
    { "55006", CF_ERR_TRANSIENT },   /* in use */
    { "55P03", CF_ERR_TRANSIENT },   /* lock not available in time */
    { "57014", CF_ERR_TRANSIENT },   /* statement_timeout */
    { "57P", CF_ERR_TRANSIENT },     /* shutdown, crash, starting up */
    { "58", CF_ERR_TRANSIENT },      /* input/output */
    { "CF", CF_ERR_BUG },            /* refusals of our own statements (migrations: refuse) */
    { "XX001", CF_ERR_UNAVAILABLE }, /* corrupted data */
    { "XX002", CF_ERR_UNAVAILABLE }, /* corrupted index */
};

enum cf_err_kind cf_sqlstate_kind(const char *sqlstate)
{
    enum cf_err_kind kind = CF_ERR_BUG;
    size_t best = 0;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        size_t len = strlen(table[i].prefix);
        if (len > best && strncmp(sqlstate, table[i].prefix, len) == 0) {
            best = len;
            kind = table[i].kind;
        }
    }
    return kind;
}

bool cf_sqlstate_ends_connection(const char *sqlstate)
{
    return strncmp(sqlstate, "57P", 3) == 0 || strcmp(sqlstate, "25P03") == 0;
}

bool cf_sqlstate_error(struct cf_error *err, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    const char *constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
    if (!state)
        state = "XX000";
    cf_error_set(err, cf_sqlstate_kind(state), "%s%s%s", text ? text : "the database refused",
                 detail ? ": " : "", detail ? detail : "");
    cf_error_reason(err, state);
    if (constraint)
        cf_error_field(err, constraint);
    return false;
}
