/* SPDX-License-Identifier: Apache-2.0 */
/* Taking away, and giving back, the mark on every router that says that going back is safe
 * (ARCHITECTURE 7: arm). Called by: quiesce and commit, before the source can no longer take the
 * traffic back; the undo of quiesce. */
#ifndef CF_ENGINE_STEPS_DISARM_H
#define CF_ENGINE_STEPS_DISARM_H

#include "orchestrator/engine/pass.h"

/* Per router the seq that it must carry and the one it will: part of the step's intent. New
 * reference. */
json_t *cf_disarm_rows(const struct cf_live *run) CF_NODISCARD;

/* Disarms every router by its row; idempotent. *out as cf_pass_heed() has it. */
bool cf_disarm_all(struct cf_pass *p, const json_t *rows, struct cf_outcome *out,
                   struct cf_error *err) CF_NODISCARD;

/* Arms every router of ours that is disarmed, recorded as such or not, with a nonce of its own. One that somebody has changed is
 * left to the way home, which makes a document of what it is now. *out DONE, or LOST: look again. */
bool cf_disarm_arm_again(struct cf_pass *p, struct cf_outcome *out,
                         struct cf_error *err) CF_NODISCARD;

#endif
