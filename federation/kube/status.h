/* SPDX-License-Identifier: Apache-2.0 */
/* An API server's refusal as our error: one table from HTTP status and Status.reason to the kind.
 * Any thread.
 *
 *   400 405 406 413 415 422   INVALID       a failed JSON Patch `test` too: reason "Invalid"
 *   401 403                   DENIED        403 of a server that has yet to read its roles: TRANSIENT,
 *                                           which kube_exchange() finds out
 *   404                       NOT_FOUND
 *   409                       CONFLICT      reason "AlreadyExists" or "Conflict"
 *   410                       NOT_FOUND     reason "Expired"
 *   429 503 and other 5xx     TRANSIENT     with retry_after_ms
 *   502 504, or reason "Timeout" or "ServerTimeout": TRANSIENT for a read, UNKNOWN for a write: it
 *                                           may have happened
 *   anything else             INVALID       not an API server, or something in between */
#ifndef CF_FEDERATION_KUBE_STATUS_H
#define CF_FEDERATION_KUBE_STATUS_H

#include "base/buf.h"
#include "base/json.h"

/* Sets the error for an answer that is not 2xx (or a Status of failure in a watch); returns false.
 * `body` is the text of the answer, `retry_after_ms` its header. */
bool cf_kube_status_error(int http_status, const char *body, size_t len, int64_t retry_after_ms,
                          bool is_write, struct cf_error *err);
/* The same for a Status that is a tree already (a watch's ERROR event). */
bool cf_kube_status_error_json(int http_status, const json_t *status, int64_t retry_after_ms,
                               bool is_write, struct cf_error *err);

#endif
