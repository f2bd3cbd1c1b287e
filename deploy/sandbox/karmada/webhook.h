/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in front of the hub's store: the definitions' schemas and karmada-webhook. */
#ifndef DEPLOY_SANDBOX_KARMADA_WEBHOOK_H
#define DEPLOY_SANDBOX_KARMADA_WEBHOOK_H

#include "deploy/sandbox/api/api.h"

/* A sbx_reviewer; `user` is the struct km_switchboard of the plane. */
bool km_webhook(void *user, const struct sbx_review *review, struct sbx_answer *out);

#endif
