/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a connection, clear or TLS, without ever blocking. The sockets' thread. */
#ifndef ORCHESTRATOR_HTTP_CONN_IO_H
#define ORCHESTRATOR_HTTP_CONN_IO_H

#include "orchestrator/http/conn.h"

enum http_io { HTTP_IO_OK, HTTP_IO_AGAIN, HTTP_IO_EOF, HTTP_IO_FAILED };

/* One step; AGAIN: come back when the socket is ready. */
enum http_io http_conn_handshake(struct http_conn *c);
enum http_io http_conn_read(struct http_conn *c, char *buf, size_t cap, size_t *out_n);
enum http_io http_conn_write(struct http_conn *c, const char *data, size_t len, size_t *out_n);
/* Tells the client that nothing follows (close_notify, FIN); reading goes on. */
void http_conn_shutdown(struct http_conn *c);

#endif
