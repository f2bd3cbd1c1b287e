/* SPDX-License-Identifier: Apache-2.0 */
/* Weight arithmetic: our percent is of what source and target have together, in integers or not at
 * all. */
#include "lb/kinds.h"

int cf_share_percent(int share, int source_weight, int target_weight)
{
    if (share <= 0 || source_weight < 0 || target_weight < 0 ||
        source_weight + target_weight != share)
        return -1;
    int64_t hundredths = (int64_t)target_weight * 100;
    return hundredths % share == 0 ? (int)(hundredths / share) : -1;
}

bool cf_share_split(int share, int percent, int *out_source, int *out_target)
{
    int64_t hundredths = (int64_t)share * percent;
    if (share <= 0 || percent < 0 || percent > 100 || hundredths % 100 != 0)
        return false;
    *out_target = (int)(hundredths / 100);
    *out_source = share - *out_target;
    return true;
}

void cf_router_check_steps(struct cf_router_view *view, const int *steps, int n)
{
    int source, target;
    for (int i = 0; view->located && i < n; i++) {
        if (cf_share_split(view->share, steps[i], &source, &target))
            continue;
        cf_problems_add(
            &view->problems, CF_PROBLEM_BLOCKER, "weight-not-expressible",
            "step %d%%: source and target have a weight of %d together beside others with %d, and "
            "%d%% of it is no whole number; choose other steps, or give the route weights that add "
            "up to 100 "
            "for source and target",
            steps[i], view->share, view->others_weight, steps[i]);
    }
}
