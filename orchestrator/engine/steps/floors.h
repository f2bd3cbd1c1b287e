/* SPDX-License-Identifier: Apache-2.0 */
/* The floors (minReplicas) of the source's autoscalers: while traffic leaves the source, they would
 * shrink it, and a rollback would find two pods.
 *
 * A floor row: {"name", "had": the minReplicas before us or null, "raised": n}. Recorded in the
 * intent of workload.ready before anything is written. Only a floor that still shows our value is
 * given back. */
#ifndef CF_ENGINE_STEPS_FLOORS_H
#define CF_ENGINE_STEPS_FLOORS_H

#include "orchestrator/engine/pass.h"

/* The autoscalers of the source namespace whose copies are in the ledger; new array, only those
 * whose floor is below the present replicas. */
bool cf_floors_find(struct cf_pass *p, json_t **out_floors, struct cf_error *err) CF_NODISCARD;

/* Done, or waits for the control plane that writes the source's floors (copy.mode adopt); `s` is the
 * step that asks, whose age decides when the wait becomes a hold. */
bool cf_floors_raise(struct cf_pass *p, const struct cf_step *s, const json_t *floors,
                     struct cf_outcome *out, struct cf_error *err) CF_NODISCARD;
bool cf_floors_give_back(struct cf_pass *p, const struct cf_step *s, const json_t *floors,
                         struct cf_outcome *out, struct cf_error *err) CF_NODISCARD;

#endif
