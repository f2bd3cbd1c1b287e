/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP/1.1 server on 127.0.0.1 for tests of clients, one thread per connection, with or
 * without TLS. The test's handler decides what is written, and may do it badly: late, half, or not
 * at all. */
#ifndef TESTS_SUPPORT_RUDE_SERVER_H
#define TESTS_SUPPORT_RUDE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct rude_server;

struct rude_server_request {
    char method[16];
    char path[512]; /* with query */
    char *head;     /* the request line and all headers */
    char *body;
    int connection; /* which connection this is, from 1 */
    void *io;       /* the connection, for rude_server_send */
};

/* Runs on a thread per connection; false: the connection is closed. */
typedef bool rude_server_fn(void *arg, const struct rude_server_request *request);

/* `cert_pem` NULL: clear text. Fails the test by abort. */
struct rude_server *rude_server_start(rude_server_fn *fn, void *arg, const char *cert_pem,
                                      const char *key_pem);
/* Closes everything, joins all threads. */
void rude_server_stop(struct rude_server *p);
int rude_server_port(const struct rude_server *p);
int rude_server_connections(struct rude_server *p); /* accepted so far */

/* Raw bytes; false when the other side is gone. */
bool rude_server_send(const struct rude_server_request *r, const char *text);
/* A whole answer with Content-Length; `headers` are lines ended by \r\n, or "". */
bool rude_server_answer(const struct rude_server_request *r, int status, const char *headers,
                        const char *body);
/* Sleeps, but not longer than until the peer is stopped. */
void rude_server_sleep(const struct rude_server_request *r, int ms);

/* A self-signed certificate for a DNS name and 127.0.0.1 (if with_ip), as PEM; caller frees both.
 */
void rude_server_make_cert(const char *name, bool with_ip, char **out_cert_pem, char **out_key_pem);

#endif
