/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the target before the first raise: Ready pods behind a network policy or strict
 * mTLS fail every one.
 *
 * Says honestly what was asked and from where. The Service that the router will send to (the
 * bridge, or the plan's own destination) tells an address: it is asked from this process; if that
 * does not stand in the pods' network, through the API server of the router's cluster (its service
 * proxy). A refusal is a no; when neither way can tell, it says that the first weight will be the
 * proof, and lets the run go on under the gate. Why not through the router: docs/decisions/011. */
#ifndef CF_ENGINE_PROBE_H
#define CF_ENGINE_PROBE_H

#include "orchestrator/engine/ports.h"

struct cf_transport;

enum { CF_PROBE_TIMEOUT_MS = 2000 };

/* The port's function; `self` is a struct cf_engine. */
bool cf_probe(void *self, const struct cf_live *run, const struct cf_run_router *router,
              bool *out_ok, char *said, size_t size, struct cf_error *err) CF_NODISCARD;

/* What is probed: a Service of a router's cluster. Borrowed. */
struct cf_probe_way {
    struct cf_kube *kube;
    struct cf_transport *calls;
    const char *ns, *service;
    const char *port; /* of the Service: number or name; "" = its first */
};

/* Asks. *out_ok false: refused, or nobody to ask. `said` tells it. False only when the router's
 * cluster does not answer. */
bool cf_probe_service(const struct cf_probe_way *way, bool *out_ok, char *said, size_t size,
                      struct cf_error *err) CF_NODISCARD;

#endif
