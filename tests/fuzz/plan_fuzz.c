/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a plan, as YAML and as JSON: a refusal has an issue with detail and hint, and what
 * is accepted decodes from its effective form to itself. */
/* libs: cf_plan */
#include <string.h>

#include "orchestrator/plan/plan.h"
#include "tests/fuzz/fuzz.h"

static void check_issues(const struct cf_plan_issues *issues)
{
    for (size_t i = 0; i < issues->n; i++) {
        const struct cf_plan_issue *it = &issues->items[i];
        cf_assert(it->pointer && it->detail && *it->detail && it->hint && *it->hint);
        cf_assert(it->line >= 0 && it->column >= 0);
        cf_assert(i == 0 || it[-1].line <= it->line);
    }
    cf_autojson json_t *errors = cf_plan_issues_json(issues, false);
    cf_assert(json_array_size(errors) == issues->n_errors);
}

static void check_accepted(const struct cf_plan *plan)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_plan *stored CF_CLEANUP(cf_plan_free_p) =
        cf_plan_from_effective(plan->effective, &err);
    cf_assert(stored);
    cf_assert(strcmp(stored->digest, plan->digest) == 0);
    cf_autojson json_t *difference = cf_plan_diff(stored->effective, plan->effective);
    cf_assert(json_array_size(difference) == 0);
    cf_assert(plan->traffic.n_steps > 0 &&
              plan->traffic.steps[plan->traffic.n_steps - 1].weight == 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int media = CF_PLAN_YAML; media <= CF_PLAN_JSON; media++) {
        struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
        struct cf_plan *plan CF_CLEANUP(cf_plan_free_p) = NULL;
        bool ok = cf_plan_decode((const char *)data, size, (enum cf_plan_media)media, &plan, NULL,
                                 &issues);
        cf_assert(ok == !issues.has_errors && ok == (plan != NULL));
        check_issues(&issues);
        if (ok)
            check_accepted(plan);
    }
    return 0;
}
