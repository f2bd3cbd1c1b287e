/* SPDX-License-Identifier: Apache-2.0 */
/* A run's events as they come, over connections that may break: reconnects by Last-Event-ID, with
 * growing pauses.
 *
 * The stream runs on the transport's thread and fills a bounded queue of bytes; the caller's thread
 * polls `fd` and takes what is there. */
#ifndef CF_CLI_EVENT_STREAM_H
#define CF_CLI_EVENT_STREAM_H

#include "orchestrator/cli/client.h"
#include "orchestrator/cli/sse.h"

struct cf_event_stream;

/* `path` without a query: "/api/v1/runs/…/events". `after`: an event's id, or "0". */
struct cf_event_stream *cf_event_stream_open(struct cf_client *client, const char *path,
                                             const char *after, struct cf_error *err) CF_NODISCARD;
void cf_event_stream_close(struct cf_event_stream *s); /* accepts NULL */
/* Readable when there is something to take. */
int cf_event_stream_fd(const struct cf_event_stream *s);
/* Hands over what has come, and reconnects when the connection has ended. False: it will not come
 * again (the service refused: *err); a service that is away is waited for. */
bool cf_event_stream_take(struct cf_event_stream *s, cf_sse_event *on_event, void *arg,
                          struct cf_error *err) CF_NODISCARD;
/* Whether the last attempt to connect failed; for "reconnecting". */
bool cf_event_stream_is_away(const struct cf_event_stream *s);

#endif
