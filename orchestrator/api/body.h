/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests: YAML or JSON, decoded strictly by the field tables of schemas.h.
 *
 * What is wrong comes back all at once: 422 INVALID_BODY with errors[] of pointer, line, column,
 * code, detail, hint. Handler threads. */
#ifndef CF_API_BODY_H
#define CF_API_BODY_H

#include "base/json.h"
#include "orchestrator/http/http.h"

/* The request's body by the schema that its route names. An empty body is an empty object. NULL:
 * answered. New reference. */
json_t *cf_body_read(struct cf_http_request *req, struct cf_http_response *res) CF_NODISCARD;

/* Answers 422 INVALID_BODY about one place of the body, with its line. `hint` may be NULL. */
void cf_body_refuse(struct cf_http_request *req, struct cf_http_response *res, const char *pointer,
                    const char *hint, const char *fmt, ...) CF_PRINTF(5, 6);

#endif
