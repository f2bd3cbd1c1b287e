/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of tests/data/wrong_plans.json: {"base": text, "cases": [{"name", "edit": [[find,
 * replace], …] or "text", "media"?: "json", "issues": […]}]}. Used by the plan's own tests and by
 * those of the API. */
#ifndef TESTS_SUPPORT_WRONG_PLANS_H
#define TESTS_SUPPORT_WRONG_PLANS_H

#include <stdbool.h>

#include "base/json.h"

#define CF_TEST_WRONG_PLANS "tests/data/wrong_plans.json"

/* The document of a case: its text, or the base with its edits, each of which must fit exactly once
 * (or the program ends). Caller frees. */
char *cf_test_wrong_plan_text(const json_t *data, const json_t *wrong);

/* Whether the case is JSON; else it is YAML. */
bool cf_test_wrong_plan_is_json(const json_t *wrong);

#endif
