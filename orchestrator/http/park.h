/* SPDX-License-Identifier: Apache-2.0 */
/* Parked exchanges, as seen by the sockets' thread. */
#ifndef ORCHESTRATOR_HTTP_PARK_H
#define ORCHESTRATOR_HTTP_PARK_H

#include "orchestrator/http/exchange.h"

/* How long the handler asked to wait; < 0: without limit. */
int64_t http_parked_wait_ms(const struct cf_http_parked *p);
/* Whether it was woken before its handler had returned. */
bool http_parked_is_woken(const struct cf_http_parked *p);
/* The exchange lets go of its handle: waking does nothing from here. */
void http_parked_detach(struct http_exchange *x);

#endif
