/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in the form of HTTP/1.1. The sockets' thread. */
#ifndef ORCHESTRATOR_HTTP_H1_WRITE_H
#define ORCHESTRATOR_HTTP_H1_WRITE_H

#include "orchestrator/http/conn.h"

struct http_h1_writer {
    bool is_chunked;
    bool wrote; /* by the last call */
    bool done;  /* all of the answer is in the output */
};

/* Status line and headers. A stream to a 1.0 client ends with the connection (1.0 never keeps
 * alive). */
void http_h1_write_head(struct http_h1_writer *w, struct http_exchange *x, bool keep_alive,
                        struct cf_buf *out);
/* As much of the body, or of what its stream has, as the connection has room for. */
void http_h1_write_body(struct http_h1_writer *w, struct http_exchange *x, struct http_conn *c);

#endif
