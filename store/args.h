/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of one statement, in order ($1, $2 …), as text. Borrowed texts must live until the
 * statement was sent. More than CF_ARGS_MAX is a bug (assert). `CF_CLEANUP(cf_args_free) struct
 * cf_args a = { 0 };` */
#ifndef CF_STORE_ARGS_H
#define CF_STORE_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "store/limits.h"

struct cf_args {
    int n;
    const char *value[CF_ARGS_MAX];
    char *owned[CF_ARGS_MAX];
};

void cf_args_free(struct cf_args *a);

void cf_arg_text(struct cf_args *a, const char *s);     /* NULL: SQL null */
void cf_arg_nonempty(struct cf_args *a, const char *s); /* NULL or "": SQL null */
void cf_arg_take(struct cf_args *a, char *malloced);
void cf_arg_int(struct cf_args *a, int64_t v);
void cf_arg_bool(struct cf_args *a, bool v);
void cf_arg_double(struct cf_args *a, double v);                           /* NaN: SQL null */
void cf_arg_json(struct cf_args *a, const json_t *j);                      /* NULL: SQL null */
void cf_arg_json_or(struct cf_args *a, const json_t *j, const char *dflt); /* NULL: the text dflt */
void cf_arg_bytes(struct cf_args *a, const void *data, size_t len);
/* Array literals; elements are quoted, whatever they contain. */
void cf_arg_ints(struct cf_args *a, const int *v, size_t n);
void cf_arg_texts(struct cf_args *a, const char *const *v, size_t n);

#endif
