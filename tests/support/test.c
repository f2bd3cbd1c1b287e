/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on error values that tests share. */
#include "tests/support/test.h"

void cf_test_check_error(struct cf_error *err, enum cf_err_kind kind, const char *text,
                         const char *file, int line)
{
    if (err->kind != kind) {
        print_error("error kind is %s, not %s: %s\n", cf_err_kind_name(err->kind),
                    cf_err_kind_name(kind), err->message);
        _fail(file, line);
    }
    if (text && !strstr(err->message, text)) {
        print_error("message \"%s\" lacks \"%s\"\n", err->message, text);
        _fail(file, line);
    }
    cf_error_clear(err);
}
