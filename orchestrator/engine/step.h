/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: everything a run does is a row in one table.
 *
 * A kind is a file in steps/ with at most five functions. Called by: reconcile (workers,
 * straight-line, blocking in ports only) and by plan diff (preview). Each function may be killed
 * after any line and called again; it decides from what it sees, never from how far it believes to
 * have come. Errors by their kind: retryable ones are tried again with back-off (a hold says so
 * after a while), CONFLICT holds, FENCED ends the pass, all others fail the step.
 *
 *   intend   may it start, and what exactly will be done? No effect on any cluster; the intent it
 *            sets is recorded before start. NULL: the intent is {}
 *   start    the effect, idempotent. NULL: none
 *   observe  is it so? From the world only. NULL: done
 *   undo     the reverse, idempotent, before commit only. NULL: nothing to undo
 *   preview  what it would write, as patches, for diff and dry run; no side effects. NULL: nothing
 */
#ifndef CF_ENGINE_STEP_H
#define CF_ENGINE_STEP_H

#include "orchestrator/engine/ports.h"

enum cf_outcome_kind {
    CF_OUT_DONE,     /* this part is over: the next state */
    CF_OUT_MORE,     /* record what was done so far, then call me again at once */
    CF_OUT_WAIT,     /* not yet: look again after wake_ms */
    CF_OUT_HOLD,     /* not yet, and a person should know why (hold); look again after wake_ms */
    CF_OUT_LOST,     /* observe: the effect is not there (any more): plan the step again */
    CF_OUT_REASSERT, /* somebody changed a weight, and ours is to be written again: the last shift
                        is done once more */
    CF_OUT_FAILED,   /* will not come true by waiting (message) */
    CF_OUT_ROLLBACK, /* the plan asks to go back because of this (hold says why) */
};

struct cf_outcome {
    enum cf_outcome_kind kind;
    struct cf_hold hold;
    int64_t wake_ms; /* from now */
    char message[CF_HOLD_TEXT_MAX];
};

/* One reconcile pass. */
struct cf_pass {
    const struct cf_ports *ports;
    struct cf_fence fence;
    struct cf_live *run;
    json_t *events;       /* since the last record */
    int64_t now_wall;     /* taken anew after every record */
    json_t *inventory;    /* of the source, read at most once in a pass; NULL: not yet */
    int64_t inventory_ms; /* how long reading it took */
    int records;          /* so far: the length of a pass is bounded */
};

struct cf_survey_router;
struct cf_preview {
    const struct cf_plan *plan;
    const struct cf_propagator_ops *propagator;
    const struct cf_propagation *propagation;
    const json_t *inventory;
    const struct cf_survey_router *routers; /* one per row of the plan, inspected */
    json_t *out; /* array; the kind appends {"step", "cluster", "verb", "ref", "patch" | "body",
                    "note"} */
};

struct cf_step_kind {
    const char *name;
    const char *phase; /* "Shifting" */
    const char *says;  /* what it does, one line, for docs and --help */
    bool (*preview)(struct cf_preview *p, const json_t *params, struct cf_error *err);
    bool (*intend)(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                   struct cf_error *err);
    bool (*start)(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                  struct cf_error *err);
    bool (*observe)(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err);
    bool (*undo)(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                 struct cf_error *err);
};

/* The table, in the order in which a run goes through them; ends with a row without a name. */
extern const struct cf_step_kind *const cf_step_kinds[];
const struct cf_step_kind *cf_step_kind_find(const char *name); /* NULL: unknown */

extern const struct cf_step_kind cf_step_preflight;
extern const struct cf_step_kind cf_step_propagate;
extern const struct cf_step_kind cf_step_workload_ready;
extern const struct cf_step_kind cf_step_reach;
extern const struct cf_step_kind cf_step_volume_sync;
extern const struct cf_step_kind cf_step_quiesce;
extern const struct cf_step_kind cf_step_volume_final_sync;
extern const struct cf_step_kind cf_step_writers_switch;
extern const struct cf_step_kind cf_step_traffic_shift;
extern const struct cf_step_kind cf_step_traffic_soak;
extern const struct cf_step_kind cf_step_commit;
extern const struct cf_step_kind cf_step_source_scale_down;
extern const struct cf_step_kind cf_step_cleanup;

/* ---- how a step answers ---- */
bool cf_out_done(struct cf_outcome *out);
bool cf_out_more(struct cf_outcome *out);
bool cf_out_wait(struct cf_outcome *out, int64_t wake_ms, const char *fmt, ...) CF_PRINTF(3, 4);
bool cf_out_hold(struct cf_outcome *out, enum cf_hold_reason reason, int64_t wake_ms,
                 const char *fmt, ...) CF_PRINTF(4, 5);
bool cf_out_lost(struct cf_outcome *out, const char *fmt, ...) CF_PRINTF(2, 3);
bool cf_out_failed(struct cf_outcome *out, const char *fmt, ...) CF_PRINTF(2, 3);

/* ---- what steps share ---- */
/* A counted reference to a cluster's client; the error is wrapped with the name. */
bool cf_pass_kube(struct cf_pass *p, const char *cluster, struct cf_kube **out,
                  struct cf_error *err) CF_NODISCARD;

#endif
