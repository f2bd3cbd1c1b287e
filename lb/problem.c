/* SPDX-License-Identifier: Apache-2.0 */
/* The list of problems: bounded, blockers before warnings. Pure; any thread. */
#include "lb/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where the next one goes: the end, or a warning's place for a blocker; NULL when it is left out.
 */
static struct cf_problem *place_for(struct cf_problems *list, enum cf_problem_severity severity)
{
    if (list->count < CF_PROBLEMS_MAX)
        return &list->item[list->count++];
    list->left_out++;
    if (severity != CF_PROBLEM_BLOCKER)
        return NULL;
    for (int i = list->count - 1; i >= 0; i--)
        if (list->item[i].severity == CF_PROBLEM_WARNING)
            return &list->item[i];
    return NULL;
}

void cf_problems_add(struct cf_problems *list, enum cf_problem_severity severity, const char *code,
                     const char *fmt, ...)
{
    struct cf_problem *p = place_for(list, severity);
    if (!p)
        return;
    p->severity = severity;
    snprintf(p->code, sizeof p->code, "%s", code);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p->text, sizeof p->text, fmt, ap);
    va_end(ap);
}

const struct cf_problem *cf_problems_first_blocker(const struct cf_problems *list)
{
    for (int i = 0; i < list->count; i++)
        if (list->item[i].severity == CF_PROBLEM_BLOCKER)
            return &list->item[i];
    return NULL;
}

bool cf_problems_block(const struct cf_problems *list)
{
    return cf_problems_first_blocker(list) != NULL;
}

bool cf_problems_has(const struct cf_problems *list, const char *code)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->item[i].code, code) == 0)
            return true;
    return false;
}
