/* SPDX-License-Identifier: Apache-2.0 */
/* The way back with the data: what the target's writers wrote since the switch goes into the source
 * before its writers start, through the other prefix. As on the way there: a pass while they run, then
 * they stand still for one more and its restore. maxPause does not bind it, for somebody wants to go
 * back: how long it will take is told (event freeze.back), and noted when it is over. Called by: the
 * undo of writers.switch and of quiesce. */
#ifndef CF_ENGINE_STEPS_BRING_BACK_H
#define CF_ENGINE_STEPS_BRING_BACK_H

#include "orchestrator/engine/moves.h"

/* A pass back while the target's writers run; it carries everything, for the other prefix is empty. *out
 * DONE when it is made, when it will not succeed (the last one carries everything then), and at once
 * where nothing is brought back or the target's writers never ran. */
bool cf_bring_back_ahead(struct cf_pass *p, struct cf_outcome *out,
                         struct cf_error *err) CF_NODISCARD;

/* The target's writers are about to stop: the forecast is told, the clock begins. Idempotent. */
void cf_bring_back_freeze(struct cf_pass *p);

/* Before anything is stopped once more: who has started in the target since its last pass began, or
 * mounts a claim there, makes that pass void, which is noted. */
bool cf_bring_back_watch(struct cf_pass *p, struct cf_error *err) CF_NODISCARD;

/* After the target's writers have stopped, and nobody mounts a claim there. *out DONE when the data is
 * there, or a person let it be lost: then what was set aside is put back. A failure holds. */
bool cf_bring_back(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err) CF_NODISCARD;

/* The source's writers run again: what that took is noted. */
void cf_bring_back_thawed(struct cf_pass *p);

#endif
