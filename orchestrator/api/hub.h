/* SPDX-License-Identifier: Apache-2.0 */
/* The event hub: one thread reads the event table in commit order and hands what it finds to
 * streams and to requests that wait.
 *
 * A reader is a cursor with a filter. New readers catch up from their own cursor first, page by
 * page, then follow the common tail: nothing is missed, repeated or reordered. Only the hub's
 * thread touches readers once they are in; the others leave a mark on them. While nobody reads,
 * nothing is asked of the database.
 *
 * A client that reads slowly falls behind and catches up from its own cursor: no more than a
 * bounded piece waits for it. One that reads nothing is cut off by the HTTP server and resumes by
 * Last-Event-ID. */
#ifndef CF_API_HUB_H
#define CF_API_HUB_H

#include "base/metrics.h"
#include "orchestrator/http/http.h"
#include "store/events.h"

struct cf_event_hub;

enum {
    CF_HUB_TICK_MS = 100, /* between looks while somebody reads: what a person sees as at once */
    CF_HUB_BACKOFF_MS = 1000, /* while the database does not answer */
    CF_HUB_PAGE = 100,        /* events of one look */
    CF_HUB_READERS_MAX = 512, /* streams and waits at once; each costs a comparison per event */
    CF_HUB_STREAM_MS = 60 * 60 * 1000, /* then the client comes again, and shows its token again */
    CF_HUB_PING_MS = 15000,            /* below the idle limits of usual proxies */
};

struct cf_event_hub *cf_hub_start(struct cf_store *store, struct cf_metrics *metrics,
                                  struct cf_error *err) CF_NODISCARD;
/* The HTTP server must have stopped. Accepts NULL. */
void cf_hub_stop(struct cf_event_hub *h);

/* "Something was just written": looks at once. Any thread; never blocks. */
void cf_hub_nudge(struct cf_event_hub *h);

enum cf_hub_form { CF_HUB_SSE, CF_HUB_NDJSON };

/* Turns the answer into a stream of the events after `after` (-1: from now on). The filter's texts
 * are copied. False: answered (too many readers, or no database). */
bool cf_hub_stream(struct cf_event_hub *h, struct cf_http_response *res, int64_t after,
                   const struct cf_event_filter *filter, enum cf_hub_form form);

/* Parks the request until an event of this run with a greater id comes, or `wait_ms` pass; then
 * `again` is called with `user`. False: there are too many readers: answer now. */
bool cf_hub_park(struct cf_event_hub *h, struct cf_http_response *res, const char *run_id,
                 int64_t after, int64_t wait_ms, cf_http_continuation *again, void *user);

int cf_hub_readers(struct cf_event_hub *h);

#endif
