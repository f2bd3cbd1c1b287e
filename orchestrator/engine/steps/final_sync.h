/* SPDX-License-Identifier: Apache-2.0 */
/* What the switch of the writers asks of the last pass (volume_final_sync.c). */
#ifndef CF_ENGINE_STEPS_FINAL_SYNC_H
#define CF_ENGINE_STEPS_FINAL_SYNC_H

#include "orchestrator/engine/pass.h"

/* Whether what was restored is still all that the source has. *out DONE; or MORE, when somebody was
 * started there since: the pass is void, and its step planned again. */
bool cf_final_sync_stands(struct cf_pass *p, struct cf_outcome *out,
                          struct cf_error *err) CF_NODISCARD;

#endif
