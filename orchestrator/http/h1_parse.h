/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an HTTP/1.x request: a strict, pure parser over one buffer. Any thread.
 *
 * Lines end with CRLF, never a bare LF or CR; one empty line may precede the request line. Refused,
 * each with a status: control characters and NUL; white space before a colon; folded lines; other
 * than exactly one Host in 1.1; Content-Length that is repeated, a list, or no number;
 * Transfer-Encoding together with Content-Length, in 1.0, repeated, or anything but "chunked";
 * absolute targets of another host; what exceeds the limits. After a refusal the connection has to
 * be closed: where the next request begins is unknown. */
#ifndef ORCHESTRATOR_HTTP_H1_PARSE_H
#define ORCHESTRATOR_HTTP_H1_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/http/limits.h"

/* Bytes of the buffer, relative to the beginning of the request, so that the buffer may move. */
struct http_span {
    uint32_t at, len;
};

struct http_h1_header {
    struct http_span name, value;
};

enum http_h1_result { HTTP_H1_MORE, HTTP_H1_DONE, HTTP_H1_BAD };

struct http_h1_head {
    /* Valid after HTTP_H1_DONE. */
    struct http_span method;
    struct http_span target; /* origin form, or "*" */
    struct http_span host;   /* empty in a 1.0 request without Host */
    int minor;               /* HTTP/1.minor: 0 or 1 */
    size_t header_count;
    struct http_h1_header headers[CF_HTTP_HEADERS_MAX];
    bool keep_alive;
    bool expects_continue;
    bool chunked;
    uint64_t content_length; /* 0 if chunked or absent */
    size_t consumed;         /* bytes of the head */

    /* Valid after HTTP_H1_BAD. */
    int status;
    const char *detail;

    /* How far the parser has come. */
    size_t line; /* beginning of the present line */
    size_t scan; /* everything before has been searched for its end */
    bool has_request_line;
    bool skipped_empty;
};

/* Zero the head for a new request, then call again with the same bytes and more until the result is
 * not HTTP_H1_MORE. The work is linear in the bytes however they arrive, and the result does not
 * depend on how they were split. */
enum http_h1_result http_h1_parse(struct http_h1_head *h, const char *buf, size_t len);

#endif
