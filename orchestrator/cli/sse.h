/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: bytes in, events out. Pure; one thread. */
#ifndef CF_CLI_SSE_H
#define CF_CLI_SSE_H

#include "base/buf.h"

enum { CF_SSE_EVENT_MAX = 1024 * 1024, CF_SSE_ID_MAX = 64 };

struct cf_sse {
    struct cf_buf line, data;
    char id[CF_SSE_ID_MAX];      /* of the last whole event: what to resume after */
    char next_id[CF_SSE_ID_MAX]; /* of the event that is being read */
    char event[CF_SSE_ID_MAX];
    bool after_cr;
    bool too_long; /* the event that is being read has a line beyond the limit */
};
#define CF_SSE_INIT                                                                                \
    ((struct cf_sse){ .line = CF_BUF_INIT(CF_SSE_EVENT_MAX),                                       \
                      .data = CF_BUF_INIT(CF_SSE_EVENT_MAX) })
void cf_sse_free(struct cf_sse *s); /* for CF_CLEANUP */

/* Called for each event with data; `id` may be "" as long as none was seen. */
typedef void cf_sse_event(void *arg, const char *id, const char *event, const char *data,
                          size_t len);
void cf_sse_feed(struct cf_sse *s, const void *bytes, size_t len, cf_sse_event *on_event,
                 void *arg);
/* A new connection: what was begun is dropped, the id stays. */
void cf_sse_reset(struct cf_sse *s);

#endif
