/* SPDX-License-Identifier: Apache-2.0 */
/* What a cluster's controllers, scheduler and kubelets do: one thread per cluster, woken by changes and by its own timers.
 *
 * Writes through the API as a real controller does (field managers kube-controller-manager and kubelet). */
#ifndef DEPLOY_SANDBOX_CONTROLLERS_CONTROLLERS_H
#define DEPLOY_SANDBOX_CONTROLLERS_CONTROLLERS_H

#include "deploy/sandbox/api/api.h"

struct sbx_controllers;

/* `index` (0…) tells the clusters' address ranges apart: pods of cluster n live in 10.(16 + n).0.0/16. */
struct sbx_controllers *sbx_controllers_start(struct sbx_api *api, int index, struct cf_error *err) CF_NODISCARD;
void sbx_controllers_stop(struct sbx_controllers *c); /* ends the thread; accepts NULL */
void sbx_controllers_free(struct sbx_controllers *c); /* after stop; accepts NULL */

#endif
