/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping the writers of one side and starting them again, exactly as they were.
 *
 * What is stopped is saved once, as rows of halt.h with their uids, in the intent of the step that
 * stops them, before it does. A row of a freeze has, beyond those: "ready" (how many pods were, where
 * it has replicas) and, for what KEDA scales, "paused" (the annotation's value before, or null).
 * Called by: quiesce, volume.final_sync, writers.switch. */
#ifndef CF_ENGINE_STEPS_FREEZE_H
#define CF_ENGINE_STEPS_FREEZE_H

#include "orchestrator/engine/moves.h"

/* One side's writers. `kube` borrowed. */
struct cf_freeze {
    struct cf_pass *pass;
    struct cf_kube *kube;
    const char *cluster, *ns;
};

/* The writers of the source, or of the target; *kube (for CF_CLEANUP) is what `f` borrows. */
bool cf_freeze_open(struct cf_pass *p, bool target, struct cf_kube **kube, struct cf_freeze *f,
                    struct cf_error *err) CF_NODISCARD;

/* The rows of what is to be stopped: `writers` (closure.h: {"apiVersion", "kind", "name"}) and the
 * plan's volumes.finalSync.quiesce; of what is gone or stands still already there is none, but for
 * what would start it again (KEDA). New reference. */
bool cf_freeze_rows(const struct cf_freeze *f, const json_t *writers, const json_t *more,
                    json_t **out_rows, struct cf_error *err) CF_NODISCARD;

/* Puts in front of `rows` those of whoever scales one of the writers up from nothing by itself (KEDA), also
 * one that stands at nothing now. A cluster without KEDA has none. */
bool cf_freeze_scalers(const struct cf_freeze *f, const json_t *writers, const json_t *more,
                       json_t *rows, struct cf_error *err) CF_NODISCARD;

/* The objects of the rows as they are, {"Kind/name": object with what this file is about}; none: it is
 * gone. One call for each, or one list where a kind has many. New reference. */
bool cf_freeze_objects(const struct cf_freeze *f, const json_t *rows, json_t **out,
                       struct cf_error *err) CF_NODISCARD;
/* The one of a row in that; borrowed, NULL: gone. */
const json_t *cf_freeze_object(const json_t *objects, const json_t *row);

/* The nodes on which pods run that mount one of the claims, with the pods' names:
 * [{"node", "pod"}]. New reference. Pods of ours (label crossfade.dev/stage) do not count. */
bool cf_freeze_mounts(const struct cf_freeze *f, const json_t *claims, json_t **out_mounts,
                      struct cf_error *err) CF_NODISCARD;

/* Whether the nodes of those mounts answer; a silent one may go on writing after its pods' objects are
 * gone. *out DONE or HOLD `data`. */
bool cf_freeze_nodes(const struct cf_freeze *f, const json_t *mounts, struct cf_outcome *out,
                     struct cf_error *err) CF_NODISCARD;

/* Stops them; idempotent. */
bool cf_freeze_stop(const struct cf_freeze *f, const json_t *rows,
                    struct cf_error *err) CF_NODISCARD;

/* Whether everything stands still: no replica left, no pod mounts a claim, no node that had one has
 * stopped answering meanwhile (its containers may write on), no volume attached to a node. *out DONE, or
 * WAIT, or HOLD `data` with who is in the way. */
bool cf_freeze_look(const struct cf_freeze *f, const json_t *rows, const json_t *claims,
                    const json_t *had, struct cf_outcome *out, struct cf_error *err) CF_NODISCARD;

/* Whose change tells that somebody may have written in the freeze: what was stopped in the source, and the
 * writers that stood still before it; or the writers in the target. New reference. */
json_t *cf_freeze_watched(const struct cf_live *run, bool target) CF_NODISCARD;

/* The uids and generations of objects, {"Kind/name": "uid/n"}, "" for one that is gone: equal before and
 * after a pass, nothing has started in between. New reference. */
bool cf_freeze_generations(const struct cf_freeze *f, const json_t *rows, json_t **out,
                           struct cf_error *err) CF_NODISCARD;

/* Gives back what each row had, where ours is still in place; what somebody else changed since stays
 * theirs, and is named in `left`. Every row is tried; the error is the first. Idempotent. */
bool cf_freeze_give_back(const struct cf_freeze *f, const json_t *rows, json_t *left,
                         struct cf_error *err) CF_NODISCARD;

/* Whether all that was given back runs: as many ready replicas as before, or as are wanted now. *out
 * DONE or WAIT. */
bool cf_freeze_runs(const struct cf_freeze *f, const json_t *rows, struct cf_outcome *out,
                    struct cf_error *err) CF_NODISCARD;

#endif
