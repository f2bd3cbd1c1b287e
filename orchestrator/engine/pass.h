/* SPDX-License-Identifier: Apache-2.0 */
/* What reconcile's parts share within one pass: recording, the routers' grips, the copies.
 *
 * Internal to the engine. One worker thread per pass. */
#ifndef CF_ENGINE_PASS_H
#define CF_ENGINE_PASS_H

#include "lb/write.h"
#include "orchestrator/engine/step.h"

/* How a pass ends. */
enum cf_pass_end {
    CF_PASS_WAIT,   /* look again after wake_ms */
    CF_PASS_AGAIN,  /* the run changed under us (an action came): at once */
    CF_PASS_FENCED, /* the shard, or an object, is somebody else's: drop it */
    CF_PASS_ENDED,  /* the run is in a terminal state: forget it */
};

enum {
    CF_PASS_RECORDS_MAX = 40,    /* then others get their turn: the pass goes on in its next */
    CF_PASS_WAKE_MAX_MS = 15000, /* nothing is left alone for longer */
    CF_PASS_RETRY_MS = 1000,     /* after a retryable error of a cluster */
    CF_PASS_RETRY_MAX_MS = 15000,
};

/* Writes what is marked and the events in one fenced statement and forgets them. *out_end is WAIT
 * when the pass may go on; otherwise it must end so. False: the store did not answer; the pass must
 * end and load again. Nothing marked, no events: does nothing. */
bool cf_pass_record(struct cf_pass *p, int64_t wake_ms, enum cf_pass_end *out_end,
                    struct cf_error *err) CF_NODISCARD;

/* ---- routers (routers.c) ---- */

void cf_pass_grip(const struct cf_pass *p, const struct cf_run_router *r,
                  struct cf_router_grip *out);
/* What a write that is in place left behind goes into the row. */
void cf_pass_took(struct cf_run_router *r, const struct cf_router_grip *grip,
                  const struct cf_router_reading *reading);
bool cf_pass_router_kube(struct cf_pass *p, const struct cf_run_router *r, struct cf_kube **out,
                         struct cf_error *err) CF_NODISCARD;

/* What a reading means for a step: OURS → out->kind stays DONE; else the outcome is filled:
 * overtaken and moved LOST (and touched before anything else), drift by the plan's word, another
 * store's marks HOLD. FENCED by another run is a HOLD, by a newer owner of this one an error. */
bool cf_pass_heed(struct cf_pass *p, struct cf_run_router *r,
                  const struct cf_router_reading *reading, struct cf_outcome *out,
                  struct cf_error *err) CF_NODISCARD;
/* What a pass wrote and could not record, because somebody's word came between, is there under the
 * epoch that is still ours: its arm and seq go into the row. False: that is not what the reading
 * shows. */
bool cf_pass_recall(const struct cf_pass *p, struct cf_run_router *r,
                    const struct cf_router_reading *reading);
/* Reads one router; weight -1: whatever it is. */
bool cf_pass_read_router(struct cf_pass *p, const struct cf_run_router *r, int weight,
                         struct cf_router_reading *out, struct cf_error *err) CF_NODISCARD;
/* Reads every router against its recorded weight; *out DONE when all are ours. */
bool cf_pass_look_at_routers(struct cf_pass *p, struct cf_outcome *out,
                             struct cf_error *err) CF_NODISCARD;
/* Renders the way back of every router anew (one GET each), into the rows, and gives them to the
 * lane, which fsyncs. */
bool cf_pass_prepare_way_back(struct cf_pass *p, struct cf_outcome *out,
                              struct cf_error *err) CF_NODISCARD;
/* Touches every router whose last write was under another epoch, and settles what an intent left
 * open. */
bool cf_pass_take_over(struct cf_pass *p, struct cf_outcome *out,
                       struct cf_error *err) CF_NODISCARD;
/* The plan's row of a run's router. */
const struct cf_plan_router *cf_pass_plan_router(const struct cf_pass *p,
                                                 const struct cf_run_router *r);

/* ---- copies (copies.c) ---- */

/* The propagation of the run. Clients are counted references in *source, *target: free them. */
struct cf_copies {
    const struct cf_propagator_ops *ops;
    struct cf_kube *source, *target, *control_plane;
    struct cf_propagation request;
    struct cf_pass *pass;
};
void cf_copies_close(struct cf_copies *c); /* for CF_CLEANUP */
bool cf_copies_open(struct cf_pass *p, struct cf_copies *out, struct cf_error *err) CF_NODISCARD;
/* After a call that may have written: the driver's state, and the ledger unless it is NULL, go into
 * the step `propagate`, to be recorded. */
void cf_copies_keep_take(struct cf_copies *c, json_t *ledger_take);
/* Whether the step is younger than the plan lets a copy wait: a wait until then, a hold after it. */
bool cf_copies_in_time(const struct cf_pass *p, const struct cf_step *s);
/* What a driver says of its progress, as the outcome: done, more, wait, or a hold. */
bool cf_copies_progress(const struct cf_copying *copying, struct cf_outcome *out);
/* Reads the ledger, once in a pass; opening does too. */
bool cf_copies_read(struct cf_pass *p, struct cf_error *err) CF_NODISCARD;
/* The ledger as it stands (borrowed), once it was read. */
const json_t *cf_copies_ledger(const struct cf_pass *p);
/* Services that the routers name in the source, as the propagate step found them (borrowed array).
 */
const json_t *cf_copies_services(const struct cf_pass *p);
/* The source's inventory, read once per pass; borrowed. */
bool cf_copies_inventory(struct cf_copies *c, const json_t **out,
                         struct cf_error *err) CF_NODISCARD;
/* Whether the source is still what was copied; *out HOLD source-changed with the differences when
 * not. */
bool cf_copies_compare(struct cf_pass *p, struct cf_outcome *out,
                       struct cf_error *err) CF_NODISCARD;
/* Whether the federation is as we left it; *out HOLD federation when somebody changed what keeps the
 * copies alive. DONE at once for `direct`. */
bool cf_copies_guard(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err) CF_NODISCARD;
/* The control plane lets go of the source; DONE at once where it never held it. */
bool cf_copies_detach(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err) CF_NODISCARD;
/* Whether every copy is healthy now; *out HOLD not-ready or FAILED with the first reasons when not.
 */
bool cf_copies_health(struct cf_pass *p, struct cf_step *progress_of, struct cf_outcome *out,
                      struct cf_error *err) CF_NODISCARD;

/* ---- the way to the target (reach) ---- */

/* Whether every router's target side has a ready backend now: the bridge in step, or the plan's own
 * destination ready where it can be seen; and the copies healthy. */
bool cf_pass_target_ready(struct cf_pass *p, struct cf_outcome *out,
                          struct cf_error *err) CF_NODISCARD;
/* Whether every bridge under traffic is known to be in step: stale holds, and goes back when it
 * lasts. */
bool cf_pass_bridges_fresh(struct cf_pass *p, struct cf_outcome *out);
/* Whether the source could take everything back: at least one ready endpoint behind each router's
 * source Service. *out_alive is true when that cannot be known. */
bool cf_pass_source_alive(struct cf_pass *p, bool *out_alive, char *why, size_t size,
                          struct cf_error *err) CF_NODISCARD;

/* ---- actions and rollback ---- */

/* Answers every open action by the table of actions × situations. */
bool cf_actions_answer(struct cf_pass *p, struct cf_error *err) CF_NODISCARD;
/* Whether a person asked this step to go on without the rest of its waiting; once it does, the
 * wish is fulfilled and forgotten, so that a step done again waits again. */
bool cf_pass_advance_asked(const struct cf_pass *p, const struct cf_step *s);
void cf_pass_advance_taken(struct cf_pass *p);
/* Begins going back: state, memo and event; records nothing. Before anything was written it cancels
 * instead. */
/* Whether going back now would lose what the target's writers took, and nobody has agreed to that. */
bool cf_rollback_loses_data(const struct cf_live *run);
bool cf_rollback_begin(struct cf_pass *p, const char *cause, const char *why, const char *actor,
                       struct cf_error *err) CF_NODISCARD;
/* The last shift is done once more, so that our weight is written over a drift; `why` becomes the
 * step's message. */
bool cf_pass_reopen_shift(struct cf_pass *p, const char *why, struct cf_error *err) CF_NODISCARD;
/* Goes on going back: traffic, then the undo of the steps in reverse. */
bool cf_rollback_pass(struct cf_pass *p, int64_t *io_wake_ms, enum cf_pass_end *out_end,
                      struct cf_error *err) CF_NODISCARD;

#endif
