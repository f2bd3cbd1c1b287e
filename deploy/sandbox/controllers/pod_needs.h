/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod needs before its containers start: the ConfigMaps, Secrets and claims that it names.
 */
#ifndef DEPLOY_SANDBOX_CONTROLLERS_POD_NEEDS_H
#define DEPLOY_SANDBOX_CONTROLLERS_POD_NEEDS_H

#include "deploy/sandbox/controllers/pass.h"

/* Makes the pod unless its ServiceAccount is not there; takes `pod`. Whether it was made. */
bool sbx_pod_create(struct sbx_pass *p, json_t *pod);
/* The first thing that is not there, in words, or NULL. Caller frees. */
char *sbx_pod_missing(struct sbx_pass *p, const json_t *pod) CF_NODISCARD;

#endif
