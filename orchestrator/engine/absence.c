/* SPDX-License-Identifier: Apache-2.0 */
/* How long samples are missing, and what then (absence.h). */
#include "orchestrator/engine/absence.h"

#include <stdio.h>

#include "base/units.h"
#include "orchestrator/engine/pass.h"
#include "orchestrator/engine/pause.h"

#define MEMO "noData"

void cf_absence_forget(struct cf_live *run)
{
    cf_memo_clear(run, MEMO);
}

/* Since when they are missing in this attempt of this soak; now, if not yet. */
static int64_t since(struct cf_pass *p, const struct cf_step *s)
{
    const json_t *memo = cf_memo(p->run, MEMO);
    if (cf_json_int(memo, -1, "step", NULL) == s->no &&
        cf_json_int(memo, -1, "attempt", NULL) == s->attempt)
        return cf_json_int(memo, p->now_wall, "since", NULL);
    cf_memo_set_take(p->run, MEMO,
                     json_pack("{s:i,s:i,s:I}", "step", s->no, "attempt", s->attempt, "since",
                               (json_int_t)p->now_wall));
    return p->now_wall;
}

bool cf_absence_hear(struct cf_pass *p, const struct cf_step *s, enum cf_verdict now,
                     struct cf_outcome *out)
{
    const struct cf_plan *plan = p->run->plan;
    char wait[CF_UNIT_TEXT_MAX], why[CF_HOLD_TEXT_MAX];
    if (now != CF_VERDICT_NO_DATA) {
        cf_absence_forget(p->run);
        return false;
    }
    if (p->now_wall - since(p, s) <= plan->no_data_wait_ms)
        return false;
    (void)snprintf(why, sizeof why, "samples were missing for longer than the plan waits (%s)",
                   cf_duration_format(plan->no_data_wait_ms, wait));
    cf_absence_forget(p->run);
    cf_out_hold(out, CF_HOLD_NO_DATA, CF_PASS_WAKE_MAX_MS, "%s", why);
    if (plan->no_data_then == CF_PLAN_NO_DATA_ROLLBACK) {
        out->kind = CF_OUT_ROLLBACK;
        return true;
    }
    cf_pause_by_plan(p->run, why, p->now_wall);
    (void)cf_pause_stands(p->run, &out->hold);
    return true;
}
