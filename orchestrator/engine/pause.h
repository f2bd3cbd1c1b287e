/* SPDX-License-Identifier: Apache-2.0 */
/* Pauses of a run: a person's, and the plan's own when samples were missing for too long.
 *
 * Owner of the memo's members `paused` {at, by, reason, byPlan} and `pausedMs`; nobody else reads or
 * writes them. A person's pause is ended by resume or commit and stops the deadline's clock; the
 * plan's is ended by advance too, gives way to a person's, and the deadline runs through it. A
 * rollback ends both.
 *
 * Called by: the actions, reconcile, absence, rollback. Within one pass; nothing here fails. */
#ifndef CF_ENGINE_PAUSE_H
#define CF_ENGINE_PAUSE_H

#include "orchestrator/engine/run.h"

void cf_pause_by_person(struct cf_live *run, const char *who, const char *reason, int64_t now_wall);
void cf_pause_by_plan(struct cf_live *run, const char *reason, int64_t now_wall);
/* Ends whichever stands; without one does nothing. */
void cf_pause_end(struct cf_live *run, int64_t now_wall);
void cf_pause_end_of_plan(struct cf_live *run, int64_t now_wall);

/* The hold of the pause that stands, in *out; false: none stands. */
bool cf_pause_stands(const struct cf_live *run, struct cf_hold *out);
/* How long people have paused it so far: what the deadline does not count. */
int64_t cf_pause_spent_ms(const struct cf_live *run, int64_t now_wall);

#endif
