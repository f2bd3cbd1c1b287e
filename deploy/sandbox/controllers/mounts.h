/* SPDX-License-Identifier: Apache-2.0 */
/* Which pods use which claims, and whether a pod's volumes are at its node. Controllers' thread. */
#ifndef DEPLOY_SANDBOX_CONTROLLERS_MOUNTS_H
#define DEPLOY_SANDBOX_CONTROLLERS_MOUNTS_H

#include "deploy/sandbox/controllers/pass.h"

/* The init container in which a pod that Velero restores waits for its files. */
#define SBX_RESTORE_WAIT "restore-wait"

/* The pods that mount the claim and have not ended; borrowed, NULL: none. */
const json_t *sbx_claim_users(struct sbx_pass *p, const char *ns, const char *claim);
bool sbx_has_access_mode(const json_t *spec, const char *mode);
/* A pod may name another scheduler, which is nobody here: it never gets a node. */
bool sbx_pod_is_ours_to_schedule(const json_t *pod);
/* Why a pod without a node may not have one, by its volumes; NULL: it may. Caller frees. */
char *sbx_pod_shut_out(struct sbx_pass *p, const json_t *pod) CF_NODISCARD;
/* Why a pod's volumes are not mounted on its node; NULL: they are. Caller frees. */
char *sbx_pod_unmounted(struct sbx_pass *p, const json_t *pod) CF_NODISCARD;
/* Whether its init container still waits for files that Velero brings. */
bool sbx_pod_awaits_files(struct sbx_pass *p, const json_t *pod);

#endif
