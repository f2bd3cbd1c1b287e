/* SPDX-License-Identifier: Apache-2.0 */
/* Claims whose data the application replicates by itself (strategy `external`): their `until` says when it is there. Called
 * by: volume.final_sync. */
#ifndef CF_ENGINE_STEPS_EXTERNAL_H
#define CF_ENGINE_STEPS_EXTERNAL_H

#include "orchestrator/engine/pass.h"

/* *out DONE when all of them are; WAIT with the first that is not. */
bool cf_external_there(struct cf_pass *p, struct cf_outcome *out,
                       struct cf_error *err) CF_NODISCARD;

#endif
