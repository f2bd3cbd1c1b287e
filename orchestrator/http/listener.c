/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: opened, closed for a while, accepting within their caps. */
#include "orchestrator/http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "orchestrator/http/addr.h"
#include "orchestrator/http/conn.h"
#include "orchestrator/http/limits.h"

enum { ACCEPTS_PER_ROUND = 64, BACKLOG = 512 };

const struct cf_http_site *http_listener_site(const struct cf_http_listener *l)
{
    return &l->site;
}

int cf_http_listener_port(const struct cf_http_listener *l)
{
    return l->port;
}

const char *cf_http_listener_url(const struct cf_http_listener *l)
{
    return l->url;
}

static bool is_over_cap(const struct cf_http_listener *l, const struct sockaddr_storage *addr)
{
    if (l->conn_count >= l->limits.connections)
        return true;
    int same = 0;
    for (const struct http_conn *c = l->conns; c; c = c->next)
        same += http_conn_same_address(&c->addr, addr);
    return same >= l->limits.connections_per_address;
}

static void accept_one(struct cf_http_listener *l, int fd, const struct sockaddr_storage *addr)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (is_over_cap(l, addr))
        close(fd);
    else
        http_conn_accept(l, fd, addr);
}

/* Out of descriptors or memory: the backlog waits, instead of this thread turning in circles. */
static void pause_accepting(struct cf_http_listener *l)
{
    http_loop_unwatch(l->server->loop, &l->fd);
    http_loop_timer(l->server->loop, &l->pause, CF_HTTP_ACCEPT_PAUSE_MS);
}

static void ready(struct http_fd *f, uint32_t events)
{
    (void)events;
    struct cf_http_listener *l = HTTP_CONTAINER(f, struct cf_http_listener, fd);
    for (int i = 0; i < ACCEPTS_PER_ROUND; i++) {
        struct sockaddr_storage addr;
        socklen_t len = sizeof addr;
        memset(&addr, 0, sizeof addr);
        int fd = accept4(f->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            accept_one(l, fd, &addr);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(l);
            return;
        } else if (errno == EAGAIN)
            return;
    }
}

static void fire_pause(struct http_timer *t)
{
    struct cf_http_listener *l = HTTP_CONTAINER(t, struct cf_http_listener, pause);
    if (l->fd.fd >= 0)
        (void)http_loop_watch(l->server->loop, &l->fd, EPOLLIN);
}

static bool open_socket(struct cf_http_listener *l, struct cf_error *err)
{
    int on = 1;
    int fd = socket(l->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    l->fd.fd = fd;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (const struct sockaddr *)&l->addr, l->addr_len) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)&l->addr, &l->addr_len) == 0 &&
        http_loop_watch(l->server->loop, &l->fd, EPOLLIN))
        return true;
    int errnum = errno;
    http_listener_close(l);
    return cf_error_set(err, errnum == EACCES ? CF_ERR_DENIED : CF_ERR_UNAVAILABLE,
                        "listen on port %d: %s", http_addr_port(&l->addr), strerrordesc_np(errnum));
}

void http_listener_close(struct cf_http_listener *l)
{
    if (l->fd.fd < 0)
        return;
    http_loop_timer(l->server->loop, &l->pause, -1);
    http_loop_unwatch(l->server->loop, &l->fd);
    close(l->fd.fd);
    l->fd.fd = -1;
}

void http_listener_cut_all(struct cf_http_listener *l)
{
    while (l->conns)
        http_conn_close(l->conns);
}

void http_listener_free(struct cf_http_listener *l)
{
    if (!l)
        return;
    cf_assert(!l->conns && l->fd.fd < 0);
    cf_http_tls_unref(l->tls);
    http_router_free(l->router);
    free(l);
}

static void default_limits(struct cf_http_limits *m)
{
#define DEFAULT(field, value) m->field = m->field ? m->field : (value)
    DEFAULT(handshake_ms, CF_HTTP_HANDSHAKE_MS);
    DEFAULT(header_ms, CF_HTTP_HEADER_MS);
    DEFAULT(body_ms, CF_HTTP_BODY_MS);
    DEFAULT(idle_ms, CF_HTTP_IDLE_MS);
    DEFAULT(write_stall_ms, CF_HTTP_WRITE_STALL_MS);
    DEFAULT(body_max, CF_HTTP_BODY_MAX);
    DEFAULT(connections, CF_HTTP_CONNECTIONS);
    DEFAULT(connections_per_address, CF_HTTP_CONNECTIONS_PER_ADDRESS);
    DEFAULT(streams, CF_HTTP_STREAMS);
#undef DEFAULT
}

/* A request to the sockets' thread, and its answer. */
struct order {
    struct cf_http_listener *l;
    struct cf_http_tls *tls;
    bool away, ok;
    struct cf_error *err;
};

static void do_listen(void *arg)
{
    struct order *o = arg;
    struct cf_http_server *s = o->l->server;
    o->ok = !s->draining ? open_socket(o->l, o->err)
                         : cf_error_set(o->err, CF_ERR_CANCELLED, "the server is stopping");
    if (!o->ok)
        return;
    o->l->next = s->listeners;
    s->listeners = o->l;
}

static bool prepare(struct cf_http_listener *l, const struct cf_http_listen_options *o,
                    struct cf_error *err)
{
    const char *address = o->address ? o->address : "127.0.0.1";
    if (o->port < 0 || o->port > 65535 ||
        !http_addr_parse(address, o->port, &l->addr, &l->addr_len))
        return cf_error_set(err, CF_ERR_INVALID,
                            "\"%s\" port %d is not a numeric address and a port", address, o->port);
    l->router = http_router_new(o->site.routes, err);
    return l->router != NULL;
}

struct cf_http_listener *cf_http_listen(struct cf_http_server *s,
                                        const struct cf_http_listen_options *options,
                                        struct cf_error *err)
{
    struct cf_http_listener *l = cf_xcalloc(1, sizeof *l);
    l->server = s;
    l->site = options->site;
    l->limits = options->limits;
    l->fd.fd = -1;
    l->fd.ready = ready;
    l->pause.fire = fire_pause;
    default_limits(&l->limits);
    struct order o = { .l = l, .err = err };
    if (prepare(l, options, err)) {
        l->tls = http_tls_ref(options->tls);
        http_loop_call(s->loop, do_listen, &o);
    }
    if (!o.ok) {
        http_listener_free(l);
        return NULL;
    }
    l->port = http_addr_port(&l->addr);
    bool is_v6 = l->addr.ss_family == AF_INET6;
    snprintf(l->url, sizeof l->url, "%s://%s%s%s:%d", l->tls ? "https" : "http", is_v6 ? "[" : "",
             options->address ? options->address : "127.0.0.1", is_v6 ? "]" : "", l->port);
    return l;
}

static void do_set_tls(void *arg)
{
    struct order *o = arg;
    cf_http_tls_unref(o->l->tls);
    o->l->tls = http_tls_ref(o->tls);
}

void cf_http_listener_set_tls(struct cf_http_listener *l, struct cf_http_tls *tls)
{
    cf_assert(tls);
    struct order o = { .l = l, .tls = tls };
    http_loop_call(l->server->loop, do_set_tls, &o);
}

static void do_set_away(void *arg)
{
    struct order *o = arg;
    o->ok = true;
    if (o->away) {
        http_listener_close(o->l);
        http_listener_cut_all(o->l);
    } else if (o->l->fd.fd < 0 && !o->l->server->draining) {
        o->ok = open_socket(o->l, o->err);
    }
}

bool cf_http_listener_set_away(struct cf_http_listener *l, bool away, struct cf_error *err)
{
    struct order o = { .l = l, .away = away, .err = err };
    http_loop_call(l->server->loop, do_set_away, &o);
    return o.ok;
}

static void do_cut(void *arg)
{
    http_listener_cut_all(((struct order *)arg)->l);
}

void cf_http_listener_cut(struct cf_http_listener *l)
{
    struct order o = { .l = l };
    http_loop_call(l->server->loop, do_cut, &o);
}
