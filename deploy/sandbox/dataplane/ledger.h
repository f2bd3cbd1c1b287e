/* SPDX-License-Identifier: Apache-2.0 */
/* The application `ledger`, for pods whose image is so called: it keeps records in its pod's volume,
 * as the lab's application of that name does.
 *
 *   POST /append   the body (text) becomes the next record: {"seq", "pod"} once it is in the volume
 *   GET  /records  a line {"seq", "body"} for each; ?from=N
 *   GET  /digest   {"sha256", "bytes", "files": {path: sha256}} of everything in the volume
 *   GET  /healthz  200 while there is a volume
 *
 * Without a volume everything is 503. A pod that is gone acknowledges nothing any more, whatever its
 * connections are: each write looks for the pod first. Any thread. */
#ifndef DEPLOY_SANDBOX_DATAPLANE_LEDGER_H
#define DEPLOY_SANDBOX_DATAPLANE_LEDGER_H

#include "base/json.h"
#include "deploy/sandbox/api/api.h"
#include "deploy/sandbox/volumes/volumes.h"
#include "orchestrator/http/http.h"

#define SBX_LEDGER_FILE "ledger.jsonl"

/* Whose ledger: borrowed for the call. */
struct sbx_ledger {
    struct sbx_api *api;
    struct sbx_volumes *volumes;
    const char *ns, *pod, *uid, *volume; /* the PersistentVolume's name, or "" */
};

bool sbx_ledger_is(const json_t *pod);
/* The volume behind the first claim that the pod mounts, or "". */
const char *sbx_ledger_volume(const json_t *pod, const json_t *claims);
void sbx_ledger_answer(const struct sbx_ledger *l, struct cf_http_request *req,
                       struct cf_http_response *res);

#endif
