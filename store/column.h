/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one row of a result, column by column in the order of the SELECT.
 *
 * A reader is `struct cf_column c = cf_row(res, i)`; each call takes the next column. Broken values
 * (JSON that does not parse) are kept as the reader's error and read as NULL or 0: callers check
 * cf_row_end() once per row. */
#ifndef CF_STORE_COLUMN_H
#define CF_STORE_COLUMN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/uuid.h"

struct cf_column {
    const PGresult *res;
    int row, col;
    struct cf_error error;
};

struct cf_column cf_row(const PGresult *res, int row);

char *cf_col_text(struct cf_column *c); /* malloc'd; SQL null: "" */
char *cf_col_text_or_null(struct cf_column *c);
const char *cf_col_borrow(struct cf_column *c); /* valid as long as the result; SQL null: "" */
int64_t cf_col_int64(struct cf_column *c);      /* SQL null: 0 */
int cf_col_int(struct cf_column *c);
bool cf_col_bool(struct cf_column *c);
double cf_col_double(struct cf_column *c);      /* SQL null: NaN */
json_t *cf_col_json(struct cf_column *c);       /* new reference; SQL null: NULL */
bool cf_col_is_null(const struct cf_column *c); /* the next one; does not take it */
void cf_col_skip(struct cf_column *c);
/* Copies at most size - 1 characters. */
void cf_col_copy(struct cf_column *c, char *buf, size_t size);
/* malloc'd bytes of a bytea; *out_len. */
unsigned char *cf_col_bytes(struct cf_column *c, size_t *out_len);

/* Asserts that all columns were taken; false with the first broken value as BUG. */
bool cf_row_end(struct cf_column *c, struct cf_error *err) CF_NODISCARD;

static inline void cf_pg_clear_p(PGresult **res)
{
    PQclear(*res);
}
#define cf_autores __attribute__((cleanup(cf_pg_clear_p)))

#endif
