/* SPDX-License-Identifier: Apache-2.0 */
/* The handler threads: two queues, of which the normal one may never take the last threads. */
#ifndef ORCHESTRATOR_HTTP_POOL_H
#define ORCHESTRATOR_HTTP_POOL_H

#include "orchestrator/http/exchange.h"

struct http_pool;

/* Starts `threads`, of which `reserved` serve only actions. What has run is posted back to `loop`
 * (x->back). */
struct http_pool *http_pool_start(const char *name, int threads, int reserved, int queue_max,
                                  struct http_loop *loop, struct cf_error *err) CF_NODISCARD;
/* Queues an exchange for its lane. False: the queue is full (never for a continuation). Any thread.
 */
bool http_pool_submit(struct http_pool *p, struct http_exchange *x) CF_NODISCARD;
/* Waits for the threads, which first run what is queued. Accepts NULL. */
void http_pool_stop(struct http_pool *p);

#endif
