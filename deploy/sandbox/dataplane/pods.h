/* SPDX-License-Identifier: Apache-2.0 */
/* The little backends: each pod with an address has a listener on it for each of its ports, which
 * answers who it is.
 *
 * A pod goes on answering for SBX_DRAIN_MS after its object is gone, as a well-behaved application
 * does, so that gateways have time to hear of it. Two sandboxes on one machine use the same pod
 * addresses: when a port is taken, another one of that address is used, and sbx_pods_port() knows
 * which. */
#ifndef DEPLOY_SANDBOX_DATAPLANE_PODS_H
#define DEPLOY_SANDBOX_DATAPLANE_PODS_H

#include "deploy/sandbox/api/api.h"
#include "deploy/sandbox/dataplane/faults.h"

struct sbx_volumes;

struct sbx_pods;

enum { SBX_DRAIN_MS = 5000 /* far beyond propagation through a bridge */ };

/* Both are borrowed; `volumes` may be NULL. */
struct sbx_pods *sbx_pods_start(struct sbx_faults *faults, struct sbx_volumes *volumes,
                                struct cf_error *err) CF_NODISCARD;
void sbx_pods_stop(struct sbx_pods *p); /* accepts NULL */

/* These are the cluster's pods, slices and claims now (arrays of API objects, borrowed). Opens what is new,
 * begins to drain what is gone. One thread. A listener that cannot be opened is said in the log,
 * and its pod refuses connections. */
void sbx_pods_sync(struct sbx_pods *p, struct sbx_api *api, const json_t *pods,
                   const json_t *slices, const json_t *claims);
/* Closes what has drained; returns when to call again (cf_mono_now_ms), or -1. The same thread. */
int64_t sbx_pods_close_drained(struct sbx_pods *p);
/* The real port of a pod's port; 0 when that pod is closed; `port` itself for an address that is no
 * pod's. Any thread. */
int sbx_pods_port(struct sbx_pods *p, const char *address, int port);
json_t *sbx_pods_json(
    struct sbx_pods *p); /* [{cluster, namespace, pod, address, port, requests, draining}] */

#endif
