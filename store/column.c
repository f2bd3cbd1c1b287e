/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a result, taken in the order of the SELECT. */
#include "store/column.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct cf_column cf_row(const PGresult *res, int row)
{
    cf_assert(row < PQntuples(res));
    return (struct cf_column){ .res = res, .row = row, .error = CF_ERROR_INIT };
}

bool cf_col_is_null(const struct cf_column *c)
{
    return PQgetisnull(c->res, c->row, c->col);
}

void cf_col_skip(struct cf_column *c)
{
    c->col++;
}

/* The next column's text, or NULL. */
static const char *next(struct cf_column *c)
{
    cf_assert(c->col < PQnfields(c->res));
    const char *s = cf_col_is_null(c) ? NULL : PQgetvalue(c->res, c->row, c->col);
    c->col++;
    return s;
}

const char *cf_col_borrow(struct cf_column *c)
{
    const char *s = next(c);
    return s ? s : "";
}

char *cf_col_text(struct cf_column *c)
{
    return cf_xstrdup(cf_col_borrow(c));
}

char *cf_col_text_or_null(struct cf_column *c)
{
    return cf_xstrdup(next(c));
}

int64_t cf_col_int64(struct cf_column *c)
{
    const char *s = next(c);
    return s ? strtoll(s, NULL, 10) : 0;
}

int cf_col_int(struct cf_column *c)
{
    return (int)cf_col_int64(c);
}

bool cf_col_bool(struct cf_column *c)
{
    return cf_col_borrow(c)[0] == 't';
}

double cf_col_double(struct cf_column *c)
{
    const char *s = next(c);
    return s ? strtod(s, NULL) : NAN;
}

json_t *cf_col_json(struct cf_column *c)
{
    int col = c->col;
    const char *s = next(c);
    if (!s)
        return NULL;
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(s, strlen(s), 0, &err);
    if (!j && c->error.kind == CF_ERR_NONE)
        cf_error_set(&c->error, CF_ERR_BUG, "column %s of the database: %s", PQfname(c->res, col),
                     err.message);
    return j;
}

void cf_col_copy(struct cf_column *c, char *buf, size_t size)
{
    snprintf(buf, size, "%s", cf_col_borrow(c));
}

unsigned char *cf_col_bytes(struct cf_column *c, size_t *out_len)
{
    size_t len = 0;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)cf_col_borrow(c), &len);
    cf_assert(bytes);
    unsigned char *copy = cf_xmalloc(len + 1);
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    PQfreemem(bytes);
    *out_len = len;
    return copy;
}

bool cf_row_end(struct cf_column *c, struct cf_error *err)
{
    cf_assert(c->col == PQnfields(c->res));
    if (c->error.kind != CF_ERR_NONE)
        return cf_error_move(err, &c->error);
    return true;
}
