/* SPDX-License-Identifier: Apache-2.0 */
/* Recording within a pass (pass.h). */
#include "orchestrator/engine/pass.h"

static bool is_marked(const struct cf_live *run)
{
    if (run->changed)
        return true;
    for (size_t i = 0; i < run->n_steps; i++)
        if (run->steps[i].changed)
            return true;
    for (size_t i = 0; i < run->n_routers; i++)
        if (run->routers[i].changed)
            return true;
    for (size_t i = 0; i < run->n_actions; i++)
        if (run->actions[i].answered)
            return true;
    return false;
}

/* A record says why it was made: progress without another event gets one of its own. */
static void add_progress(struct cf_pass *p)
{
    const struct cf_step *s = cf_run_current(p->run);
    if (json_array_size(p->events) > 0)
        return;
    const char *message = s && s->message[0] ? s->message : p->run->hold.message;
    cf_event_add_take(p->events, "step.progress", s ? s->no : -1, NULL,
                      json_pack("{s:s,s:s,s:i,s:i}", "kind", s ? s->kind : "", "message", message,
                                "done", s ? s->done : 0, "total", s ? s->total : 0));
}

bool cf_pass_record(struct cf_pass *p, int64_t wake_ms, enum cf_pass_end *out_end,
                    struct cf_error *err)
{
    *out_end = CF_PASS_WAIT;
    if (!is_marked(p->run) && json_array_size(p->events) == 0)
        return true;
    add_progress(p);
    enum cf_record outcome;
    if (!p->ports->journal.record(p->ports->journal.self, &p->fence, p->run, p->events, wake_ms,
                                  &outcome, err))
        return cf_error_wrap(err, "record");
    p->records++;
    json_array_clear(p->events);
    p->now_wall = cf_wall_ms(p->ports->clock);
    if (outcome == CF_RECORD_FENCED)
        *out_end = CF_PASS_FENCED;
    else if (outcome == CF_RECORD_STALE)
        *out_end = CF_PASS_AGAIN;
    else if (cf_run_state_is_terminal(p->run->state))
        *out_end = CF_PASS_ENDED;
    return true;
}
