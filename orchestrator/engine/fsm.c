/* SPDX-License-Identifier: Apache-2.0 */
/* The edge tables, their setters and their pictures (fsm.h). */
#include "orchestrator/engine/fsm.h"

#include <string.h>

static const char *const run_names[CF_RUN_STATES] = {
    [CF_RUN_ACTIVE] = "active",       [CF_RUN_ROLLING_BACK] = "rolling-back",
    [CF_RUN_COMPLETED] = "completed", [CF_RUN_ROLLED_BACK] = "rolled-back",
    [CF_RUN_FAILED] = "failed",       [CF_RUN_CANCELED] = "canceled",
};

static const char *const step_names[CF_STEP_STATES] = {
    [CF_STEP_PLANNED] = "planned", [CF_STEP_INTENT] = "intent", [CF_STEP_APPLIED] = "applied",
    [CF_STEP_DONE] = "done",       [CF_STEP_FAILED] = "failed", [CF_STEP_UNDOING] = "undoing",
    [CF_STEP_UNDONE] = "undone",
};

const struct cf_edge cf_run_edges[] = {
    { CF_RUN_ACTIVE, CF_RUN_COMPLETED, "run.completed", "every step is done" },
    { CF_RUN_ACTIVE, CF_RUN_ROLLING_BACK, "run.rollback.started",
      "a gate, the deadline or a person asked, before commit" },
    { CF_RUN_ACTIVE, CF_RUN_CANCELED, "run.canceled",
      "rollback asked before anything was written" },
    { CF_RUN_ROLLING_BACK, CF_RUN_ROLLED_BACK, "run.rolled-back", "every undo is done" },
    { CF_RUN_ROLLING_BACK, CF_RUN_FAILED, "run.failed", "an undo cannot be finished" },
    { 0 },
};

const struct cf_edge cf_step_edges[] = {
    { CF_STEP_PLANNED, CF_STEP_INTENT, "step.started", "its turn, and nothing holds the run" },
    { CF_STEP_INTENT, CF_STEP_APPLIED, "step.applied", "written, waiting to see it" },
    { CF_STEP_INTENT, CF_STEP_PLANNED, "step.overtaken",
      "the object shows that it did not happen" },
    { CF_STEP_APPLIED, CF_STEP_DONE, "step.done", "seen in the world" },
    { CF_STEP_INTENT, CF_STEP_FAILED, "step.failed", "refused for good" },
    { CF_STEP_APPLIED, CF_STEP_FAILED, "step.failed", "will not come true by waiting" },
    { CF_STEP_FAILED, CF_STEP_PLANNED, "step.retried", "a person resumed" },
    { CF_STEP_DONE, CF_STEP_PLANNED, "step.reopened", "changed by others since: once more" },
    { CF_STEP_INTENT, CF_STEP_UNDOING, "step.undoing", "rolling back" },
    { CF_STEP_APPLIED, CF_STEP_UNDOING, "step.undoing", "rolling back" },
    { CF_STEP_DONE, CF_STEP_UNDOING, "step.undoing", "rolling back" },
    { CF_STEP_FAILED, CF_STEP_UNDOING, "step.undoing", "rolling back" },
    { CF_STEP_UNDOING, CF_STEP_UNDONE, "step.undone", "seen to be as before" },
    { CF_STEP_UNDOING, CF_STEP_FAILED, "step.undo-failed", "cannot be taken back" },
    { 0 },
};

const char *cf_run_state_name(enum cf_run_state s)
{
    cf_assert(s >= 0 && s < CF_RUN_STATES);
    return run_names[s];
}

const char *cf_step_state_name(enum cf_step_state s)
{
    cf_assert(s >= 0 && s < CF_STEP_STATES);
    return step_names[s];
}

static int name_index(const char *const *names, int count, const char *name)
{
    for (int i = 0; name && i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

bool cf_run_state_parse(const char *name, enum cf_run_state *out)
{
    int i = name_index(run_names, CF_RUN_STATES, name);
    if (i < 0)
        return false;
    *out = (enum cf_run_state)i;
    return true;
}

bool cf_step_state_parse(const char *name, enum cf_step_state *out)
{
    int i = name_index(step_names, CF_STEP_STATES, name);
    if (i < 0)
        return false;
    *out = (enum cf_step_state)i;
    return true;
}

bool cf_run_state_is_terminal(enum cf_run_state s)
{
    return s != CF_RUN_ACTIVE && s != CF_RUN_ROLLING_BACK;
}

static const struct cf_edge *edge_find(const struct cf_edge *table, int from, int to)
{
    for (; table->event; table++)
        if (table->from == from && table->to == to)
            return table;
    return NULL;
}

bool cf_run_state_set(enum cf_run_state *state, enum cf_run_state to,
                      const struct cf_edge **out_edge, struct cf_error *err)
{
    const struct cf_edge *edge = edge_find(cf_run_edges, (int)*state, (int)to);
    if (!edge)
        return cf_error_set(err, CF_ERR_BUG, "a run cannot go from %s to %s",
                            cf_run_state_name(*state), cf_run_state_name(to));
    *state = to;
    *out_edge = edge;
    return true;
}

bool cf_step_state_set(enum cf_step_state *state, enum cf_step_state to,
                       const struct cf_edge **out_edge, struct cf_error *err)
{
    const struct cf_edge *edge = edge_find(cf_step_edges, (int)*state, (int)to);
    if (!edge)
        return cf_error_set(err, CF_ERR_BUG, "a step cannot go from %s to %s",
                            cf_step_state_name(*state), cf_step_state_name(to));
    *state = to;
    *out_edge = edge;
    return true;
}

struct machine {
    const char *name;
    const struct cf_edge *edges;
    const char *const *names;
    int count;
    int first;
};

static const struct machine machines[] = {
    { "run", cf_run_edges, run_names, CF_RUN_STATES, CF_RUN_ACTIVE },
    { "step", cf_step_edges, step_names, CF_STEP_STATES, CF_STEP_PLANNED },
};

static const struct machine *machine_find(const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(machines); i++)
        if (strcmp(machines[i].name, name) == 0)
            return &machines[i];
    return NULL;
}

/* A mermaid identifier cannot hold '-'. */
static void put_id(struct cf_buf *out, const char *name)
{
    for (; *name; name++)
        cf_buf_putc(out, *name == '-' ? '_' : *name);
}

static bool has_way_out(const struct machine *m, int state)
{
    for (const struct cf_edge *e = m->edges; e->event; e++)
        if (e->from == state)
            return true;
    return false;
}

bool cf_fsm_mermaid(const char *machine, struct cf_buf *out)
{
    const struct machine *m = machine_find(machine);
    if (!m)
        return false;
    cf_buf_puts(out, "stateDiagram-v2\n");
    for (int i = 0; i < m->count; i++) {
        cf_buf_printf(out, "    state \"%s\" as ", m->names[i]);
        put_id(out, m->names[i]);
        cf_buf_putc(out, '\n');
    }
    cf_buf_puts(out, "    [*] --> ");
    put_id(out, m->names[m->first]);
    cf_buf_putc(out, '\n');
    for (const struct cf_edge *e = m->edges; e->event; e++) {
        cf_buf_puts(out, "    ");
        put_id(out, m->names[e->from]);
        cf_buf_puts(out, " --> ");
        put_id(out, m->names[e->to]);
        cf_buf_printf(out, ": %s\n", e->when);
    }
    for (int i = 0; i < m->count; i++) {
        if (has_way_out(m, i))
            continue;
        cf_buf_puts(out, "    ");
        put_id(out, m->names[i]);
        cf_buf_puts(out, " --> [*]\n");
    }
    return true;
}

bool cf_fsm_markdown(const char *machine, struct cf_buf *out)
{
    const struct machine *m = machine_find(machine);
    if (!m)
        return false;
    cf_buf_puts(out, "| from | to | when | event |\n|---|---|---|---|\n");
    for (const struct cf_edge *e = m->edges; e->event; e++)
        cf_buf_printf(out, "| %s | %s | %s | `%s` |\n", m->names[e->from], m->names[e->to], e->when,
                      e->event);
    return true;
}
