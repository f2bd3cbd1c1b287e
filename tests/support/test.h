/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka with the headers it wants first, and checks on our error values. */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

/* The call must succeed; prints the error's message otherwise. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s failed: %s", #call, (err)->message);                                      \
    } while (0)

/* The call must fail with this kind and a message that contains `text`. Resets the error. */
#define assert_fails(call, err, want_kind, text)                                                   \
    do {                                                                                           \
        if (call)                                                                                  \
            fail_msg("%s succeeded", #call);                                                       \
        cf_test_check_error((err), (want_kind), (text), __FILE__, __LINE__);                       \
    } while (0)

void cf_test_check_error(struct cf_error *err, enum cf_err_kind kind, const char *text,
                         const char *file, int line);

#endif
