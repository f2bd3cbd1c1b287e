/* SPDX-License-Identifier: Apache-2.0 */
/* Names of writers: while they run on one side only, the other side's pods reach them there by the
 * Service's own name (bridges by name, ports.h). Called by: volume.sync (before anything of the target is
 * judged ready), writers.switch, cleanup. */
#ifndef CF_ENGINE_STEPS_NAMES_H
#define CF_ENGINE_STEPS_NAMES_H

#include "orchestrator/engine/moves.h"

/* The Services in the target (or the source) lead to the writers of the other side. *out DONE when each
 * is in step and has somebody behind it; WAIT until then. */
bool cf_names_lead_to(struct cf_pass *p, bool to_source, struct cf_outcome *out,
                      struct cf_error *err) CF_NODISCARD;

/* Takes that away again. *out DONE or WAIT (another replica feeds it). */
bool cf_names_end(struct cf_pass *p, bool to_source, struct cf_outcome *out,
                  struct cf_error *err) CF_NODISCARD;

#endif
