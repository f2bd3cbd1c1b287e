/* SPDX-License-Identifier: Apache-2.0 */
/* Pauses (pause.h). */
#include "orchestrator/engine/pause.h"

#define MEMO  "paused"
#define SPENT "pausedMs"

static bool is_by_plan(const json_t *memo)
{
    return cf_json_bool(memo, false, "byPlan", NULL);
}

static void set(struct cf_live *run, const char *who, const char *reason, bool by_plan,
                int64_t now_wall)
{
    cf_memo_set_take(run, MEMO,
                     json_pack("{s:I,s:s,s:s,s:b}", "at", (json_int_t)now_wall, "by", who, "reason",
                               reason, "byPlan", by_plan));
}

void cf_pause_by_person(struct cf_live *run, const char *who, const char *reason, int64_t now_wall)
{
    const json_t *memo = cf_memo(run, MEMO);
    if (!memo || is_by_plan(memo))
        set(run, who, reason, false, now_wall);
}

void cf_pause_by_plan(struct cf_live *run, const char *reason, int64_t now_wall)
{
    if (!cf_memo(run, MEMO))
        set(run, "the plan", reason, true, now_wall);
}

int64_t cf_pause_spent_ms(const struct cf_live *run, int64_t now_wall)
{
    int64_t before = json_integer_value(cf_memo(run, SPENT));
    const json_t *memo = cf_memo(run, MEMO);
    if (!memo || is_by_plan(memo))
        return before;
    return before + CF_MAX(now_wall - cf_json_int(memo, now_wall, "at", NULL), (int64_t)0);
}

void cf_pause_end(struct cf_live *run, int64_t now_wall)
{
    if (!cf_memo(run, MEMO))
        return;
    cf_memo_set_take(run, SPENT, json_integer((json_int_t)cf_pause_spent_ms(run, now_wall)));
    cf_memo_clear(run, MEMO);
}

void cf_pause_end_of_plan(struct cf_live *run, int64_t now_wall)
{
    if (is_by_plan(cf_memo(run, MEMO)))
        cf_pause_end(run, now_wall);
}

bool cf_pause_stands(const struct cf_live *run, struct cf_hold *out)
{
    const json_t *memo = cf_memo(run, MEMO);
    if (memo)
        cf_hold_set(out, CF_HOLD_PAUSED, "paused by %s: %s",
                    cf_json_str(memo, "somebody", "by", NULL),
                    cf_json_str(memo, "", "reason", NULL));
    return memo != NULL;
}
