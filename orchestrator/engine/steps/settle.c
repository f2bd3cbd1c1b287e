/* SPDX-License-Identifier: Apache-2.0 */
/* What the switch at commit still needs (settle.h). */
#include "orchestrator/engine/steps/settle.h"

static bool switched(const struct cf_run_router *r)
{
    return r->adopted && cf_baseline_type(r->baseline) == CF_ROUTER_INGRESS;
}

bool cf_settle_wait(const struct cf_pass *p, struct cf_outcome *out)
{
    int64_t left = json_integer_value(cf_memo(p->run, "committedAt")) +
                   CF_ROUTER_SWITCH_SETTLES_MS - p->now_wall;
    for (size_t i = 0; i < p->run->n_routers; i++) {
        const struct cf_run_router *r = &p->run->routers[i];
        if (switched(r) && left > 0)
            return cf_out_wait(out, left, "router %s: its gateway takes up to %d s to change over",
                               r->name, CF_ROUTER_SWITCH_SETTLES_MS / 1000);
    }
    return cf_out_done(out);
}

bool cf_settle_retire(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    for (size_t i = 0; i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
        struct cf_router_grip grip;
        struct cf_router_reading reading;
        if (!switched(r))
            continue;
        cf_pass_grip(p, r, &grip);
        if (!cf_pass_router_kube(p, r, &kube, err) ||
            !cf_router_retire(kube, NULL, r->baseline, &grip, &reading, err))
            return cf_error_wrap(err, "the canary of router %s", r->name);
        if (reading.state == CF_ROUTER_FENCED)
            return cf_pass_heed(p, r, &reading, out, err);
    }
    return cf_out_done(out);
}
