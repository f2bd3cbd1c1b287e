/* SPDX-License-Identifier: Apache-2.0 */
/* Which faults applications have, and what that means for one request. Any thread. */
#ifndef DEPLOY_SANDBOX_DATAPLANE_FAULTS_H
#define DEPLOY_SANDBOX_DATAPLANE_FAULTS_H

#include "deploy/sandbox/dataplane/dataplane.h"

struct sbx_faults;

struct sbx_faults *sbx_faults_new(void) CF_NODISCARD;
void sbx_faults_free(struct sbx_faults *f); /* accepts NULL */
/* As sbx_dataplane_fault(). */
bool sbx_faults_set(struct sbx_faults *f, const char *cluster, const char *ns, const char *app,
                    const struct sbx_app_fault *fault, struct cf_error *err) CF_NODISCARD;
void sbx_faults_clear(struct sbx_faults *f);
json_t *sbx_faults_json(struct sbx_faults *f);

struct sbx_verdict {
    int status; /* 0: answer well */
    int64_t delay_ms;
    bool hang;
};
/* Throws the dice for one request that has arrived at a pod. */
struct sbx_verdict sbx_faults_judge(struct sbx_faults *f, const char *cluster, const char *ns,
                                    const char *app, int64_t now_ms);

#endif
