/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, as seen by the sockets' thread. */
#ifndef ORCHESTRATOR_HTTP_STREAM_H
#define ORCHESTRATOR_HTTP_STREAM_H

#include "orchestrator/http/exchange.h"

/* The handler has returned: timers run from here, writes reach the connection. */
void http_stream_attach(struct http_exchange *x);
/* Moves at most `max` queued bytes to `dst`; *out_end: nothing is left and nothing will come. */
size_t http_stream_take(struct cf_http_stream *st, char *dst, size_t max, bool *out_end);
/* The exchange lets go of its stream: later writes are refused, the owner is told. */
void http_stream_over(struct http_exchange *x, enum cf_http_stream_end why);

#endif
