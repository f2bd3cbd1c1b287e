/* SPDX-License-Identifier: Apache-2.0 */
/* Which run the path means. Handler threads. */
#ifndef CF_API_RUN_REF_H
#define CF_API_RUN_REF_H

#include "base/uuid.h"
#include "orchestrator/http/http.h"

enum { CF_API_WAIT_MAX_MS = 60000 }; /* of Prefer: wait; proxies cut longer silences */

/* The id of the run that {run} names: an id, PLAN/3, PLAN@latest. False: answered. */
bool cf_run_of_path(struct cf_http_request *req, struct cf_http_response *res,
                    char out_id[CF_UUID_TEXT]);

/* Answers with the run as it is now. */
void cf_run_send(struct cf_http_request *req, struct cf_http_response *res, const char *id,
                 int status);

#endif
