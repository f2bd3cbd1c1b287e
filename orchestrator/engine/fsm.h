/* SPDX-License-Identifier: Apache-2.0 */
/* The states of runs and of steps: two tables of edges, each with one setter.
 *
 * Called by: reconcile (the only writer), `crossfade fsm` and the docs (the pictures), tests (which
 * walk the tables). Pure: no thread, no memory.
 *
 * What is true in each run state
 *   active        the run goes forward, or holds. Steps are done in order; at most one is between
 *                 intent and done.
 *   rolling-back  traffic goes back first, then the steps are undone in reverse order. Nothing
 *                 raises a weight any more.
 *   completed     every step is done; claims are released; a bridge may still be needed and says
 *                 so.
 *   rolled-back   every undo is done; routers equal their baseline; claims are released.
 *   failed        an undo could not be finished; what is left is listed; routers are at their
 *                 baseline; claims are released.
 *   canceled      ended before anything was written anywhere.
 *
 * What is true in each step state
 *   planned       nothing of it has happened, or a recorded look proved that nothing of it is left
 *                 to see
 *   intent        what is to be done is durable; it may or may not have happened: look at the
 *                 objects
 *   applied       the cluster has accepted it; not yet seen to be so
 *   done          seen in the world
 *   failed        it will not become done by waiting: the run holds; a person resumes or rolls back
 *   undoing       its reverse is durable and may have happened in part
 *   undone        seen to be as before */
#ifndef CF_ENGINE_FSM_H
#define CF_ENGINE_FSM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

enum cf_run_state {
    CF_RUN_ACTIVE,
    CF_RUN_ROLLING_BACK,
    CF_RUN_COMPLETED,
    CF_RUN_ROLLED_BACK,
    CF_RUN_FAILED,
    CF_RUN_CANCELED,
    CF_RUN_STATES
};

enum cf_step_state {
    CF_STEP_PLANNED,
    CF_STEP_INTENT,
    CF_STEP_APPLIED,
    CF_STEP_DONE,
    CF_STEP_FAILED,
    CF_STEP_UNDOING,
    CF_STEP_UNDONE,
    CF_STEP_STATES
};

struct cf_edge {
    int from, to;
    const char *event; /* the kind of the event that records it */
    const char *when;  /* the log line, and the arrow's text in pictures */
};

/* The tables; both end with a row whose event is NULL. */
extern const struct cf_edge cf_run_edges[];
extern const struct cf_edge cf_step_edges[];

/* The names stored in the database and shown: "rolling-back". */
const char *cf_run_state_name(enum cf_run_state s);
const char *cf_step_state_name(enum cf_step_state s);
bool cf_run_state_parse(const char *name, enum cf_run_state *out) CF_NODISCARD;
bool cf_step_state_parse(const char *name, enum cf_step_state *out) CF_NODISCARD;
bool cf_run_state_is_terminal(enum cf_run_state s);

/* The setters: the only places where a state changes. An edge that the table lacks is a bug of ours
 * and leaves *state as it is (CF_ERR_BUG). On success *out_edge is the table's row. */
bool cf_run_state_set(enum cf_run_state *state, enum cf_run_state to,
                      const struct cf_edge **out_edge, struct cf_error *err) CF_NODISCARD;
bool cf_step_state_set(enum cf_step_state *state, enum cf_step_state to,
                       const struct cf_edge **out_edge, struct cf_error *err) CF_NODISCARD;

/* The picture of one machine, "run" or "step", as mermaid (stateDiagram-v2). False for another
 * name. */
bool cf_fsm_mermaid(const char *machine, struct cf_buf *out) CF_NODISCARD;
/* The same edges as a Markdown table. */
bool cf_fsm_markdown(const char *machine, struct cf_buf *out) CF_NODISCARD;

#endif
