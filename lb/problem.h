/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the way of steering a router, for preflight: a short list of values without memory
 * of their own. */
#ifndef CF_LB_PROBLEM_H
#define CF_LB_PROBLEM_H

#include <stdbool.h>

#include "base/mem.h"

enum cf_problem_severity { CF_PROBLEM_WARNING, CF_PROBLEM_BLOCKER };

enum {
    CF_PROBLEMS_MAX = 16, /* more would not be read; left_out counts the rest */
    CF_PROBLEM_CODE_MAX = 40,
    CF_PROBLEM_TEXT_MAX = 384,
};

struct cf_problem {
    enum cf_problem_severity severity;
    char code[CF_PROBLEM_CODE_MAX]; /* stable: "route-not-found", "owned-by-flagger",
                                       "weight-not-expressible" … */
    char text[CF_PROBLEM_TEXT_MAX]; /* what is wrong and what to do */
};

struct cf_problems {
    int count;
    int left_out;
    struct cf_problem item[CF_PROBLEMS_MAX];
};

/* A blocker that finds the list full takes the place of a warning. */
void cf_problems_add(struct cf_problems *list, enum cf_problem_severity severity, const char *code,
                     const char *fmt, ...) CF_PRINTF(4, 5);
bool cf_problems_block(const struct cf_problems *list);
/* The first blocker, or NULL. */
const struct cf_problem *cf_problems_first_blocker(const struct cf_problems *list);
bool cf_problems_has(const struct cf_problems *list, const char *code);

#endif
