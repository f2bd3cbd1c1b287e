/* SPDX-License-Identifier: Apache-2.0 */
/* Decoder of chunked bodies: pure, incremental, strict about line ends, bounded in what it skips.
 * Any thread. */
#ifndef ORCHESTRATOR_HTTP_H1_CHUNKED_H
#define ORCHESTRATOR_HTTP_H1_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum http_chunked_result {
    HTTP_CHUNKED_MORE,
    HTTP_CHUNKED_DONE,
    HTTP_CHUNKED_BAD,   /* malformed: `detail` says how */
    HTTP_CHUNKED_LARGE, /* the body exceeds out->max */
};

struct http_chunked {
    int state;       /* 0 at the beginning */
    uint64_t size;   /* of the present chunk, then what is left of it */
    size_t line;     /* bytes of the present line */
    size_t overhead; /* bytes of all chunk lines and trailers */
    size_t trailers;
    const char *detail;
};

/* Reads from buf, appends the body's bytes to `out`, sets *out_used to the bytes taken (nothing
 * beyond the body's end). Extensions and trailers are checked for their characters and dropped. */
enum http_chunked_result http_chunked_feed(struct http_chunked *c, const char *buf, size_t len,
                                           size_t *out_used, struct cf_buf *out);

#endif
