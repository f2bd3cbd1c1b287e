/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in C source without a forest of backslashes: single quotes stand for double ones. */
#ifndef TESTS_SUPPORT_QUICK_JSON_H
#define TESTS_SUPPORT_QUICK_JSON_H

#include "base/json.h"

/* "{'a': 1}" as a tree (new reference); malformed text fails the test. */
json_t *cf_test_json(const char *text);
/* Compact text of a tree with single quotes, for comparing; caller frees. */
char *cf_test_dump(const json_t *j);

#endif
