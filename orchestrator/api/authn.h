/* SPDX-License-Identifier: Apache-2.0 */
/* In front of and behind every handler: who asks, whether they may, and what was answered.
 *
 * The guard runs on the handler's thread: request id, bearer token → caller, role, query
 * parameters. `done` runs on the sockets' thread: one log line and one observation per answer. */
#ifndef CF_API_AUTHN_H
#define CF_API_AUTHN_H

#include "base/log.h"
#include "orchestrator/http/http.h"

/* For cf_http_site.guard. */
bool cf_api_guard(struct cf_http_request *req, struct cf_http_response *res);
/* For cf_http_site.done; owner: the API. */
void cf_api_done(const struct cf_http_request *req, const struct cf_http_response *res,
                 bool complete, void *owner);

/* What an answer is worth in the log: reads that went well are for debugging, changes, refusals and
 * probes that fail are info, answers that are our fault are warnings. */
enum cf_log_level cf_api_log_level(const char *method, int status, bool probe);

/* The id under which this answer is logged, made if there is none yet. */
const char *cf_api_request_id(struct cf_http_request *req, struct cf_http_response *res);

#endif
