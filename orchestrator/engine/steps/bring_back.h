/* SPDX-License-Identifier: Apache-2.0 */
/* The way back with the data: what the target's writers wrote, into the source (rollback.targetData:
 * reverse). Called by the undo of writers.switch, once the target's writers have stopped. */
#ifndef CF_ENGINE_STEPS_BRING_BACK_H
#define CF_ENGINE_STEPS_BRING_BACK_H

#include "orchestrator/engine/moves.h"

/* A pass from the target, its hand over; the source's claims set aside with their volumes kept; its
 * restore, with evidence. *out DONE when the source's claims hold it, or when the plan or a person lets
 * it be lost. What cannot be done holds: the source's own data stays, and a person may give the
 * target's up (rollback with targetData discard), which puts the claims back as they were. */
bool cf_bring_back(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err) CF_NODISCARD;

#endif
