/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a run's steps (compile.h). */
#include "orchestrator/engine/compile.h"

#include "base/units.h"

static void add(json_t *steps, const char *kind, char *name_take, json_t *params_take)
{
    json_t *step = json_object();
    json_object_set_new(step, "kind", json_string(kind));
    json_object_set_new(step, "name", json_string(name_take));
    json_object_set_new(step, "params", params_take ? params_take : json_object());
    json_array_append_new(steps, step);
    free(name_take);
}

static void add_weight(json_t *steps, const struct cf_plan *plan, const struct cf_plan_step *step,
                       int index, int from)
{
    char hold[CF_UNIT_TEXT_MAX];
    add(steps, "traffic.shift", cf_xasprintf("%d %% to %s", step->weight, plan->target_cluster),
        json_pack("{s:i,s:i,s:i}", "index", index, "from", from, "weight", step->weight));
    add(steps, "traffic.soak",
        cf_xasprintf("prove %d %% for %s", step->weight, cf_duration_format(step->hold_ms, hold)),
        json_pack("{s:i,s:i,s:I}", "index", index, "weight", step->weight, "holdMs",
                  (json_int_t)step->hold_ms));
}

/* The writers move just before this step's weight is written. */
static bool is_switch(const struct cf_plan *plan, size_t step)
{
    if (plan->traffic.writers != CF_PLAN_WRITERS_SINGLE)
        return false;
    return plan->traffic.switch_weight == 0
               ? step == 0
               : plan->traffic.steps[step].weight == plan->traffic.switch_weight;
}

static void add_switch(json_t *steps, const struct cf_plan *plan)
{
    add(steps, "volume.sync", cf_xstrdup("a pass just before the freeze"),
        json_pack("{s:b}", "refresh", true));
    add(steps, "quiesce", cf_xasprintf("stop the writers in %s", plan->source_cluster), NULL);
    add(steps, "volume.final_sync", cf_xasprintf("the last pass into %s", plan->target_cluster),
        NULL);
    add(steps, "writers.switch", cf_xasprintf("start the writers in %s", plan->target_cluster),
        NULL);
    add(steps, "reach", cf_xasprintf("routers reach the writers in %s", plan->target_cluster),
        json_pack("{s:b}", "again", true));
}

json_t *cf_compile(const struct cf_plan *plan)
{
    json_t *steps = json_array();
    add(steps, "preflight", cf_xstrdup("check both ends"), NULL);
    add(steps, "propagate",
        cf_xasprintf("copy %s/%s to %s/%s", plan->source_cluster, plan->source_namespace,
                     plan->target_cluster, plan->target_namespace),
        NULL);
    bool moves = plan->traffic.writers == CF_PLAN_WRITERS_SINGLE;
    if (moves)
        add(steps, "volume.sync",
            cf_xasprintf("send the data of claims ahead to %s", plan->target_cluster), NULL);
    add(steps, "workload.ready", cf_xasprintf("copies ready in %s", plan->target_cluster), NULL);
    /* Before any traffic the writers may be what the routers reach: they cannot be reached yet. */
    add(steps, "reach", cf_xasprintf("routers reach %s", plan->target_cluster),
        moves && is_switch(plan, 0) ? json_pack("{s:b}", "adoptOnly", true) : NULL);
    int from = 0;
    for (size_t i = 0; i < plan->traffic.n_steps; i++) {
        if (is_switch(plan, i))
            add_switch(steps, plan);
        add_weight(steps, plan, &plan->traffic.steps[i], (int)i, from);
        from = plan->traffic.steps[i].weight;
    }
    bool automatic = plan->commit == CF_PLAN_COMMIT_AUTO;
    add(steps, "commit", cf_xstrdup(automatic ? "commit" : "commit when asked"),
        json_pack("{s:b}", "auto", automatic));
    if (plan->cleanup_source == CF_PLAN_CLEANUP_SCALE_TO_ZERO)
        add(steps, "source.scale_down", cf_xasprintf("retire %s", plan->source_cluster),
            json_pack("{s:I}", "afterMs", (json_int_t)plan->cleanup_after_ms));
    add(steps, "cleanup", cf_xstrdup("release what was marked"), NULL);
    return steps;
}
