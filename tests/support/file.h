/* SPDX-License-Identifier: Apache-2.0 */
/* Test data from the source tree. Paths are relative to its root; failing to read one ends the test program. */
#ifndef TESTS_SUPPORT_FILE_H
#define TESTS_SUPPORT_FILE_H

#include <stddef.h>

#include "base/json.h"

/* Caller frees; NUL-terminated; out_len may be NULL. */
char *cf_test_read_file(const char *path, size_t *out_len);
json_t *cf_test_read_json(const char *path); /* new reference */

#endif
