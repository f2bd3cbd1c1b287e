/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that knows whether a connection is encrypted. Signals are blocked in this thread,
 * so a write of OpenSSL's to a closed socket is an error, not a SIGPIPE. */
#include "orchestrator/http/conn_io.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>

/* What an SSL_ call's failure means; notes what the socket has to be ready for. */
static enum http_io ssl_result(struct http_conn *c, int rc)
{
    int code = SSL_get_error(c->ssl, rc);
    ERR_clear_error();
    switch (code) {
    case SSL_ERROR_WANT_READ:
        return HTTP_IO_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        c->read_wants_write = true;
        return HTTP_IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return HTTP_IO_EOF;
    default:
        return HTTP_IO_FAILED;
    }
}

enum http_io http_conn_handshake(struct http_conn *c)
{
    ERR_clear_error();
    c->read_wants_write = false;
    int rc = SSL_accept(c->ssl);
    return rc == 1 ? HTTP_IO_OK : ssl_result(c, rc);
}

static enum http_io errno_result(ssize_t n)
{
    if (n == 0)
        return HTTP_IO_EOF;
    return errno == EAGAIN || errno == EINTR ? HTTP_IO_AGAIN : HTTP_IO_FAILED;
}

enum http_io http_conn_read(struct http_conn *c, char *buf, size_t cap, size_t *out_n)
{
    if (c->ssl) {
        ERR_clear_error();
        c->read_wants_write = false;
        int rc = SSL_read_ex(c->ssl, buf, cap, out_n);
        return rc == 1 ? HTTP_IO_OK : ssl_result(c, rc);
    }
    ssize_t n = recv(c->fd.fd, buf, cap, MSG_DONTWAIT);
    if (n <= 0)
        return errno_result(n);
    *out_n = (size_t)n;
    return HTTP_IO_OK;
}

enum http_io http_conn_write(struct http_conn *c, const char *data, size_t len, size_t *out_n)
{
    if (c->ssl) {
        ERR_clear_error();
        int rc = SSL_write_ex(c->ssl, data, len, out_n);
        if (rc == 1)
            return HTTP_IO_OK;
        bool before = c->read_wants_write;
        enum http_io io = ssl_result(c, rc);
        c->read_wants_write = before; /* there is output: EPOLLOUT is waited for anyway */
        return io == HTTP_IO_EOF ? HTTP_IO_FAILED : io;
    }
    ssize_t n = send(c->fd.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return errno_result(n);
    *out_n = (size_t)n;
    return HTTP_IO_OK;
}

void http_conn_shutdown(struct http_conn *c)
{
    if (c->ssl) {
        ERR_clear_error();
        (void)SSL_shutdown(c->ssl);
        ERR_clear_error();
    }
    (void)shutdown(c->fd.fd, SHUT_WR);
}
