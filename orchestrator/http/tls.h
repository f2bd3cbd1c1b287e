/* SPDX-License-Identifier: Apache-2.0 */
/* What connections need of cf_http_tls. */
#ifndef ORCHESTRATOR_HTTP_TLS_H
#define ORCHESTRATOR_HTTP_TLS_H

#include <openssl/ssl.h>

#include "orchestrator/http/http.h"

struct cf_http_tls *http_tls_ref(struct cf_http_tls *t); /* NULL in, NULL out */
/* A server-side session on a socket; NULL when OpenSSL has no memory. */
SSL *http_tls_session(const struct cf_http_tls *t, int fd);
/* Whether ALPN chose HTTP/2. */
bool http_tls_chose_h2(const SSL *ssl);

#endif
