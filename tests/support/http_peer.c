/* SPDX-License-Identifier: Apache-2.0 */
/* A raw HTTP/1 client for tests: it sends exactly the bytes it is given, and reads answers as they come. */
#include "tests/support/http_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/test.h"

struct cf_peer cf_peer_connect(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct cf_peer p = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                         .in = CF_BUF_INIT(64 * 1024 * 1024) };
    assert_true(p.fd >= 0);
    if (connect(p.fd, (const struct sockaddr *)&a, sizeof a) != 0)
        fail_msg("connect to port %d: errno %d", port, errno);
    return p;
}

void cf_peer_close(struct cf_peer *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    cf_buf_free(&p->in);
}

void cf_peer_send(struct cf_peer *p, const void *data, size_t len)
{
    const char *at = data;
    while (len) {
        ssize_t n = send(p->fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return;
        assert_true(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

void cf_peer_puts(struct cf_peer *p, const char *text)
{
    cf_peer_send(p, text, strlen(text));
}

void cf_peer_shut(struct cf_peer *p)
{
    (void)shutdown(p->fd, SHUT_WR);
}

bool cf_peer_more(struct cf_peer *p, int wait_ms)
{
    char buf[16384];
    struct pollfd f = { .fd = p->fd, .events = POLLIN };
    if (poll(&f, 1, wait_ms) != 1)
        fail_msg("nothing came within %d ms; so far: %s", wait_ms, cf_buf_str(&p->in));
    ssize_t n = recv(p->fd, buf, sizeof buf, 0);
    if (n <= 0)
        return false;
    cf_buf_append(&p->in, buf, (size_t)n);
    return true;
}

void cf_peer_expect(struct cf_peer *p, const char *text)
{
    while (!strstr(cf_buf_str(&p->in), text))
        if (!cf_peer_more(p, CF_PEER_WAIT_MS))
            fail_msg("the connection ended without \"%s\": %s", text, cf_buf_str(&p->in));
}

void cf_peer_read_all(struct cf_peer *p)
{
    while (cf_peer_more(p, CF_PEER_WAIT_MS))
        ;
}

static bool need(struct cf_peer *p, size_t len)
{
    while (p->in.len < len)
        if (!cf_peer_more(p, CF_PEER_WAIT_MS))
            return false;
    return true;
}

/* The end of the line that begins at `at`. */
static size_t line_end(struct cf_peer *p, size_t at)
{
    for (;;) {
        const char *nl = p->in.len > at ? strstr(p->in.data + at, "\r\n") : NULL;
        if (nl)
            return (size_t)(nl - p->in.data) + 2;
        if (!cf_peer_more(p, CF_PEER_WAIT_MS))
            fail_msg("the connection ended inside an answer: %s", cf_buf_str(&p->in));
    }
}

static size_t take_chunks(struct cf_peer *p, size_t at, struct cf_buf *out)
{
    for (;;) {
        size_t data = line_end(p, at);
        size_t n = strtoul(p->in.data + at, NULL, 16);
        if (!need(p, data + n + 2))
            fail_msg("the connection ended inside a chunk");
        cf_buf_append(out, p->in.data + data, n);
        assert_memory_equal(p->in.data + data + n, "\r\n", 2);
        at = data + n + 2;
        if (n == 0)
            return at;
    }
}

bool cf_peer_answer(struct cf_peer *p, bool is_head, struct cf_buf *out)
{
    if (!need(p, 1))
        return false;
    size_t at = line_end(p, 0), length = 0;
    bool is_chunked = false, is_close = false;
    assert_memory_equal(p->in.data, "HTTP/1.1 ", 9);
    cf_buf_printf(out, "%.3s", p->in.data + 9);
    for (;;) {
        size_t end = line_end(p, at);
        const char *line = p->in.data + at;
        size_t len = end - at;
        at = end;
        if (len == 2)
            break;
        if (strncasecmp(line, "content-length: ", 16) == 0)
            length = strtoul(line + 16, NULL, 10);
        is_chunked |= strncasecmp(line, "transfer-encoding: chunked", 26) == 0;
        is_close |= strncasecmp(line, "connection: close", 17) == 0;
    }
    cf_buf_puts(out, is_close ? " close " : " ");
    if (is_chunked && !is_head) {
        at = take_chunks(p, at, out);
    } else if (!is_head) {
        if (!need(p, at + length))
            fail_msg("the connection ended inside a body");
        cf_buf_append(out, p->in.data + at, length);
        at += length;
    }
    cf_buf_consume(&p->in, at);
    return true;
}
