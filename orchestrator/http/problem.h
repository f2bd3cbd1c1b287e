/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that the server itself gives, rendered by the site. Any server thread that holds the
 * exchange. */
#ifndef ORCHESTRATOR_HTTP_PROBLEM_H
#define ORCHESTRATOR_HTTP_PROBLEM_H

#include "orchestrator/http/exchange.h"

/* Replaces what is in the response. `extra` is a header's name and value, or NULLs. */
void http_problem(struct http_exchange *x, int status, const char *detail, const char *extra_name,
                  const char *extra_value);

#endif
