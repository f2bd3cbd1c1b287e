/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences by state (message.h). */
#include "orchestrator/engine/message.h"

#include <string.h>

#include "base/text.h"
#include "orchestrator/engine/steps/halt.h"

typedef void say_fn(const struct cf_live *run, struct cf_buf *out);

/* " by ann: errors in EU", " because of gate: success: …": from {cause, reason, by}. */
static void put_because(const json_t *why, struct cf_buf *out)
{
    const char *by = cf_json_str(why, "", "by", NULL);
    const char *cause = cf_json_str(why, "", "cause", NULL);
    const char *reason = cf_json_str(why, "", "reason", NULL);
    if (*by)
        cf_buf_printf(out, " by %s", by);
    else if (*cause)
        cf_buf_printf(out, " because of %s", cause);
    if (*reason)
        cf_buf_printf(out, ": %s", reason);
}

static void say_active(const struct cf_live *run, struct cf_buf *out)
{
    const struct cf_step *current = cf_run_current(run);
    if (run->hold.reason != CF_HOLD_NONE)
        cf_buf_puts(out, run->hold.message);
    else if (current)
        cf_buf_puts(out, current->message);
}

static void say_rolling_back(const struct cf_live *run, struct cf_buf *out)
{
    if (run->hold.reason != CF_HOLD_NONE) {
        cf_buf_puts(out, run->hold.message);
        return;
    }
    cf_buf_puts(out, "rolling back");
    put_because(cf_memo(run, "rollback"), out);
}

static void say_completed(const struct cf_live *run, struct cf_buf *out)
{
    const struct cf_step *retired = cf_run_step(run, "source.scale_down");
    const struct cf_step *cleanup = cf_run_step(run, "cleanup");
    const struct cf_step *commit = cf_run_step(run, "commit");
    const json_t *stopped = cf_json_at(commit ? commit->intent : NULL, "source", NULL);
    cf_buf_printf(out, "completed: the traffic goes to %s", run->plan->target_cluster);
    if (json_array_size(stopped) > 0)
        cf_buf_printf(out, "; stopped in %s: ", run->plan->source_cluster);
    cf_halt_names(stopped, out);
    if (retired && retired->message[0])
        cf_buf_printf(out, "; %s", retired->message);
    if (cleanup && cleanup->message[0])
        cf_buf_printf(out, "; %s", cleanup->message);
}

static void say_rolled_back(const struct cf_live *run, struct cf_buf *out)
{
    cf_buf_puts(out, "rolled back");
    put_because(cf_memo(run, "rollback"), out);
}

static void say_failed(const struct cf_live *run, struct cf_buf *out)
{
    const json_t *left = cf_memo(run, "left");
    const char *first = json_string_value(json_array_get(left, 0));
    size_t n = json_array_size(left);
    say_rolled_back(run, out);
    if (n > 1)
        cf_buf_printf(out, "; %zu steps could not be undone, the first: %s", n, first);
    else
        cf_buf_printf(out, "; one step could not be undone: %s", first ? first : "?");
}

static void say_canceled(const struct cf_live *run, struct cf_buf *out)
{
    cf_buf_puts(out, "canceled before anything was written");
    put_because(cf_memo(run, "canceled"), out);
}

static say_fn *const says[CF_RUN_STATES] = {
    [CF_RUN_ACTIVE] = say_active,       [CF_RUN_ROLLING_BACK] = say_rolling_back,
    [CF_RUN_COMPLETED] = say_completed, [CF_RUN_ROLLED_BACK] = say_rolled_back,
    [CF_RUN_FAILED] = say_failed,       [CF_RUN_CANCELED] = say_canceled,
};

void cf_run_message(const struct cf_live *run, char out[CF_RUN_MESSAGE_MAX])
{
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(CF_RUN_MESSAGE_MAX - 1);
    says[run->state](run, &text);
    const char *said = cf_buf_str(&text);
    memcpy(out, said, strlen(said) + 1);
    cf_utf8_mend(out);
}
