/* SPDX-License-Identifier: Apache-2.0 */
/* A raw HTTP/1.x client for tests of servers: sends exactly the bytes it is given, reads answers
 * strictly. Every wait is bounded; what does not come fails the test. */
#ifndef TESTS_SUPPORT_HTTP_PEER_H
#define TESTS_SUPPORT_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { CF_PEER_WAIT_MS = 10000 };

struct cf_peer {
    int fd;
    struct cf_buf in;
};

struct cf_peer cf_peer_connect(int port); /* 127.0.0.1 */
void cf_peer_close(struct cf_peer *p);
void cf_peer_send(struct cf_peer *p, const void *data,
                  size_t len); /* a peer that has closed is no failure */
void cf_peer_puts(struct cf_peer *p, const char *text);
void cf_peer_shut(struct cf_peer *p); /* our side */
/* Waits for more bytes; false at the end of the connection (closed or reset). */
bool cf_peer_more(struct cf_peer *p, int wait_ms);
/* Waits until the input contains `text`. */
void cf_peer_expect(struct cf_peer *p, const char *text);
/* Reads to the end of the connection. */
void cf_peer_read_all(struct cf_peer *p);
/* Takes the next answer from the input, waiting for it: appends "STATUS[ close] body" and returns
 * true; false at the end of the connection. An answer to HEAD has no body whatever its head says.
 */
bool cf_peer_answer(struct cf_peer *p, bool is_head, struct cf_buf *out);

#endif
