/* SPDX-License-Identifier: Apache-2.0 */
/* The kubectl lines of a run, and why there are none (way_back.h). */
#include "orchestrator/engine/way_back.h"

#include "lb/router.h"

bool cf_way_back_is_armed(const struct cf_run_router *r)
{
    return r->baseline && r->adopted && r->arm[0];
}

void cf_way_back_line(const struct cf_run_router *r, struct cf_buf *out)
{
    char line[CF_ROUTER_LINE_MAX];
    if (cf_way_back_is_armed(r))
        cf_buf_puts(out, cf_router_kubectl_line(r->baseline, line));
}

json_t *cf_way_back_lines(const struct cf_live *run)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < run->n_routers; i++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf line = CF_BUF_INIT(CF_ROUTER_LINE_MAX);
        cf_way_back_line(&run->routers[i], &line);
        if (line.len > 0)
            json_array_append_new(lines, json_string(cf_buf_str(&line)));
    }
    return lines;
}

static bool any_router(const struct cf_live *run, bool (*is)(const struct cf_run_router *))
{
    for (size_t i = 0; i < run->n_routers; i++)
        if (is(&run->routers[i]))
            return true;
    return false;
}

static bool is_adopted(const struct cf_run_router *r)
{
    return r->adopted;
}

const char *cf_way_back_missing(const struct cf_live *run)
{
    if (any_router(run, cf_way_back_is_armed))
        return NULL;
    if (run->n_routers == 0)
        return "the plan moves no traffic";
    if (cf_run_is_disarmed(run))
        return "it is committed; a plan in the other direction brings the workloads back";
    if (run->state == CF_RUN_ROLLED_BACK)
        return "the traffic is back already";
    if (cf_run_state_is_terminal(run->state))
        return "the run has ended and holds no router";
    if (any_router(run, is_adopted))
        return "the way back is switched off on the routers for now";
    return run->state == CF_RUN_ROLLING_BACK ? "the routers are given back already"
                                             : "no router was written to yet";
}
