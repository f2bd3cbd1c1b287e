/* SPDX-License-Identifier: Apache-2.0 */
/* Missing samples: since when, and what is due once they are missing for longer than the plan
 * waits (gateDefaults.noData).
 *
 * Owner of the memo's member `noData` {step, attempt, since}; nobody else reads or writes it. Its
 * life: it begins with the first look of a soak that has no data, and ends with the first look that
 * has, with the soak, and with whatever keeps the soak from looking (a pause, a freeze). It belongs
 * to one attempt of one soak, so another weight begins anew.
 *
 * Called by: traffic.soak at each look, reconcile and the actions to end it. Within one pass. */
#ifndef CF_ENGINE_ABSENCE_H
#define CF_ENGINE_ABSENCE_H

#include "orchestrator/engine/step.h"

/* At each look of a soak, with what the gates say now. True: they are missing for too long now, and
 * *out holds (pause: the plan's pause stands from here) or asks for the rollback. */
bool cf_absence_hear(struct cf_pass *p, const struct cf_step *s, enum cf_verdict now,
                     struct cf_outcome *out);

/* The soak is over, or is not looked at for a while, or a person has decided. */
void cf_absence_forget(struct cf_live *run);

#endif
