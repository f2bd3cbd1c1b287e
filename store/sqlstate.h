/* SPDX-License-Identifier: Apache-2.0 */
/* SQLSTATE → error kind, from one table (PostgreSQL's manual, appendix A). */
#ifndef CF_STORE_SQLSTATE_H
#define CF_STORE_SQLSTATE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/error.h"

/* The longest prefix in the table wins; what is not in it is BUG: a statement of ours is wrong. */
enum cf_err_kind cf_sqlstate_kind(const char *sqlstate);

/* Whether the server ended the connection with this error (class 57P, 25P03): a write in its own
 * transaction may have happened. */
bool cf_sqlstate_ends_connection(const char *sqlstate);

/* Sets err from a failed result: kind by SQLSTATE, reason = SQLSTATE (or the word of a refusal of
 * ours), field = constraint, message = the server's. Returns false. */
bool cf_sqlstate_error(struct cf_error *err, const PGresult *res);

#endif
