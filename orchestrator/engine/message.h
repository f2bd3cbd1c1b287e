/* SPDX-License-Identifier: Apache-2.0 */
/* What a run says of itself in one sentence: what it does or waits for; at its end, what happened
 * and why. Stored with the run by each record, shown in lists, by the CLI and in its report. Pure.
 */
#ifndef CF_ENGINE_MESSAGE_H
#define CF_ENGINE_MESSAGE_H

#include "orchestrator/engine/run.h"

enum { CF_RUN_MESSAGE_MAX = CF_HOLD_TEXT_MAX + 300 };

/* "" when an active run has nothing to say yet. */
void cf_run_message(const struct cf_live *run, char out[CF_RUN_MESSAGE_MAX]);

#endif
