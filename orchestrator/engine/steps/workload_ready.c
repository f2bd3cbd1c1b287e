/* SPDX-License-Identifier: Apache-2.0 */
/* Step `workload.ready`: the copies are healthy, and the source cannot shrink while both serve.
 *
 *   intend   which autoscalers of the source get their floor raised to the present replicas, with
 *            what they had
 *   start    raises the floors
 *   observe  every copy is healthy by the rules of its kind, never by time
 *   undo     gives the floors back exactly, where they are still ours */
#include <string.h>

#include "orchestrator/engine/pass.h"
#include "orchestrator/engine/steps/floors.h"

enum { LOOK_MS = 1000 };

static bool intend(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err)
{
    json_t *floors = NULL;
    if (s->intent) /* planned again: what the autoscalers had before us must not be forgotten */
        return cf_out_done(out);
    if (!cf_floors_find(p, &floors, err))
        return false;
    cf_step_set_intent_take(s, json_pack("{s:o}", "floors", floors));
    return cf_out_done(out);
}

static bool start(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err)
{
    return cf_floors_raise(p, s, cf_json_at(s->intent, "floors", NULL), out, err);
}

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    if (!cf_copies_health(p, s, out, err))
        return false;
    if (out->kind == CF_OUT_HOLD && cf_copies_in_time(p, s))
        return cf_out_wait(out, LOOK_MS, "%s", out->hold.message);
    if (out->kind == CF_OUT_DONE)
        cf_step_say(s, "every copy is ready");
    return true;
}

static bool undo(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out, struct cf_error *err)
{
    return cf_floors_give_back(p, s, cf_json_at(s->intent, "floors", NULL), out, err);
}

const struct cf_step_kind cf_step_workload_ready = {
    .name = "workload.ready",
    .phase = "Starting",
    .says = "waits until every copy is healthy; keeps the source's autoscalers from shrinking "
            "meanwhile",
    .intend = intend,
    .start = start,
    .observe = observe,
    .undo = undo,
};
