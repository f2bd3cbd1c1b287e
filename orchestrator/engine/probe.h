/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the target before the first raise: Ready pods behind a network policy or strict
 * mTLS fail every one.
 *
 * Says honestly what was asked and from where. Through a bridge: first from this process to one of
 * the bridge's addresses; if it does not stand in the pods' network, through the API server of the
 * router's cluster (its service proxy). A refusal is a no; when neither way can tell, it says that
 * the first weight will be the proof, and lets the run go on under the gate. */
#ifndef CF_ENGINE_PROBE_H
#define CF_ENGINE_PROBE_H

#include "orchestrator/engine/ports.h"

enum { CF_PROBE_TIMEOUT_MS = 2000 };

/* The port's function; `self` is a struct cf_engine. */
bool cf_probe(void *self, const struct cf_live *run, const struct cf_run_router *router,
              bool *out_ok, char *said, size_t size, struct cf_error *err) CF_NODISCARD;

#endif
