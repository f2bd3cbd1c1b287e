/* SPDX-License-Identifier: Apache-2.0 */
/* The table of step kinds, and how a step answers (step.h). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "orchestrator/engine/step.h"

const struct cf_step_kind *const cf_step_kinds[] = {
    &cf_step_preflight,
    &cf_step_propagate,
    &cf_step_volume_sync,
    &cf_step_workload_ready,
    &cf_step_reach,
    &cf_step_quiesce,
    &cf_step_volume_final_sync,
    &cf_step_writers_switch,
    &cf_step_traffic_shift,
    &cf_step_traffic_soak,
    &cf_step_commit,
    &cf_step_source_scale_down,
    &cf_step_cleanup,
    NULL,
};

const struct cf_step_kind *cf_step_kind_find(const char *name)
{
    for (size_t i = 0; cf_step_kinds[i]; i++)
        if (strcmp(cf_step_kinds[i]->name, name) == 0)
            return cf_step_kinds[i];
    return NULL;
}

static void say(struct cf_outcome *out, const char *fmt, va_list ap)
{
    (void)vsnprintf(out->message, sizeof out->message, fmt, ap);
    cf_utf8_mend(out->message);
}

bool cf_out_done(struct cf_outcome *out)
{
    out->kind = CF_OUT_DONE;
    return true;
}

bool cf_out_more(struct cf_outcome *out)
{
    out->kind = CF_OUT_MORE;
    return true;
}

bool cf_out_wait(struct cf_outcome *out, int64_t wake_ms, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(out, fmt, ap);
    va_end(ap);
    out->kind = CF_OUT_WAIT;
    out->wake_ms = wake_ms;
    return true;
}

bool cf_out_hold(struct cf_outcome *out, enum cf_hold_reason reason, int64_t wake_ms,
                 const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(out, fmt, ap);
    va_end(ap);
    out->kind = CF_OUT_HOLD;
    out->wake_ms = wake_ms;
    cf_hold_set(&out->hold, reason, "%s", out->message);
    return true;
}

bool cf_out_lost(struct cf_outcome *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(out, fmt, ap);
    va_end(ap);
    out->kind = CF_OUT_LOST;
    return true;
}

bool cf_out_failed(struct cf_outcome *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(out, fmt, ap);
    va_end(ap);
    out->kind = CF_OUT_FAILED;
    return true;
}

bool cf_pass_kube(struct cf_pass *p, const char *cluster, struct cf_kube **out,
                  struct cf_error *err)
{
    if (!p->ports->clusters.kube(p->ports->clusters.self, cluster, out, err))
        return cf_error_wrap(err, "cluster %s", cluster);
    return true;
}
