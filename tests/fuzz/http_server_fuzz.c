/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a client may send on a clear-text connection, HTTP/1.1 or HTTP/2, to a running server:
 * it answers or closes, and when the client hangs up the connection ends. The first byte says in
 * what pieces the rest is sent. */
/* libs: cf_http */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "orchestrator/http/conn.h"
#include "tests/fuzz/fuzz.h"

static void echo(struct cf_http_request *req, struct cf_http_response *res)
{
    size_t len;
    const char *body = cf_http_request_body(req, &len);
    cf_assert(strlen(cf_http_request_path(req)) <= strlen(cf_http_request_target(req)));
    cf_assert(body[len] == 0);
    cf_http_response_header(res, "X-Method", cf_http_request_method(req));
    cf_http_response_body(res, "text/plain", body, len);
}

static void stream(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_http_stream *st = cf_http_stream_open(res, NULL);
    (void)cf_http_stream_event(st, cf_http_request_query(req, "id"), NULL,
                               cf_http_request_path(req));
    cf_http_stream_end(st);
    cf_http_stream_unref(st);
}

static void parked(struct cf_http_request *req, struct cf_http_response *res, enum cf_http_wake why,
                   void *user)
{
    (void)user;
    if (why != CF_HTTP_GONE)
        echo(req, res);
}

static void park(struct cf_http_request *req, struct cf_http_response *res)
{
    (void)req;
    cf_http_parked_release(cf_http_park(res, 1, parked, NULL));
}

static const struct cf_http_route routes[] = {
    { .method = "GET", .path = "/s/{name}", .handler = stream, .lane = CF_HTTP_INLINE },
    { .method = "GET", .path = "/p", .handler = park, .lane = CF_HTTP_INLINE },
    { .method = "*", .path = "/e/{rest...}", .handler = echo, .lane = CF_HTTP_INLINE },
    { .method = "POST", .path = "/", .handler = echo, .lane = CF_HTTP_INLINE, .body_max = 64 },
    { .method = NULL },
};

static struct cf_http_server *server;
static struct cf_http_listener *listener;

static void stop(void)
{
    cf_http_server_stop(server, 0);
}

static void start(void)
{
    struct cf_error err = CF_ERROR_INIT;
    server = cf_http_server_start(NULL, &err);
    cf_assert(server);
    const struct cf_http_listen_options o = { .site.routes = routes, .limits.body_max = 4096 };
    listener = cf_http_listen(server, &o, &err);
    cf_assert(listener);
    atexit(stop);
}

static void accept_pair(void *arg)
{
    struct sockaddr_storage addr = { .ss_family = AF_INET };
    http_conn_accept(listener, *(int *)arg, &addr);
}

/* Takes what the server says; false at the end. */
static bool drain(int fd, int wait_ms)
{
    char buf[4096];
    struct pollfd p = { .fd = fd, .events = POLLIN };
    while (poll(&p, 1, wait_ms) == 1) {
        if (recv(fd, buf, sizeof buf, MSG_DONTWAIT) <= 0)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!server)
        start();
    int pair[2];
    if (size == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return 0;
    http_loop_call(server->loop, accept_pair, &pair[1]);
    size_t step = data[0] ? (size_t)data[0] * 16 : size;
    bool is_open = true;
    for (size_t at = 1; at < size && is_open; at += step) {
        size_t n = CF_MIN(step, size - at);
        while (is_open && n && send(pair[0], data + at, n, MSG_NOSIGNAL) != (ssize_t)n)
            is_open = drain(pair[0], 10);
        is_open = is_open && drain(pair[0], 0);
    }
    shutdown(pair[0], SHUT_WR);
    cf_assert(!is_open || !drain(pair[0], 20000)); /* the server lets go */
    close(pair[0]);
    return 0;
}
