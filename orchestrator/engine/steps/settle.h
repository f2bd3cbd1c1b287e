/* SPDX-License-Identifier: Apache-2.0 */
/* Between commit and the end: what the switch at commit still needs, and the canaries that have
 * done their work. Worker threads. */
#ifndef CF_ENGINE_STEPS_SETTLE_H
#define CF_ENGINE_STEPS_SETTLE_H

#include "orchestrator/engine/pass.h"

/* Waits until each gateway serves by what commit made of its router. At once where commit changed
 * no backend (all but Ingresses). */
bool cf_settle_wait(const struct cf_pass *p, struct cf_outcome *out);

/* The routers' canaries go (cf_router_retire). An outcome other than DONE says why not yet. */
bool cf_settle_retire(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err) CF_NODISCARD;

#endif
