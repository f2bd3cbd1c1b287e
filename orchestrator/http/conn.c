/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: accepted, shaken hands with, told apart, pumped, lingered over, buried. */
#include "orchestrator/http/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "orchestrator/http/conn_io.h"
#include "orchestrator/http/limits.h"

static const char h2_preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { H2_PREFACE_BYTES = sizeof h2_preface - 1 };

struct http_loop *http_conn_loop(const struct http_conn *c)
{
    return c->listener->server->loop;
}

void http_conn_deadline(struct http_conn *c, int64_t in_ms)
{
    http_loop_timer(http_conn_loop(c), &c->timer, in_ms);
}

size_t http_conn_room(const struct http_conn *c)
{
    size_t waiting = c->out.len - c->out_at;
    return waiting < CF_HTTP_OUT_BYTES ? CF_HTTP_OUT_BYTES - waiting : 0;
}

static void bury(struct http_dead *d)
{
    struct http_conn *c = HTTP_CONTAINER(d, struct http_conn, burial);
    SSL_free(c->ssl);
    cf_buf_free(&c->preface);
    cf_buf_free(&c->out);
    free(c);
}

void http_conn_close(struct http_conn *c)
{
    if (c->dead)
        return;
    struct cf_http_server *s = c->listener->server;
    c->dead = true;
    if (c->proto)
        c->proto->close(c);
    http_loop_timer(s->loop, &c->timer, -1);
    http_loop_timer(s->loop, &c->stall, -1);
    http_loop_unwatch(s->loop, &c->fd);
    close(c->fd.fd);
    *c->at = c->next;
    if (c->next)
        c->next->at = c->at;
    c->listener->conn_count--;
    s->connections--;
    http_loop_bury(s->loop, &c->burial);
    http_server_check_drained(s);
}

/* Our side is shut; the client's answer to that is the end. Closing at once could make the kernel
 * discard the answer. */
static void linger(struct http_conn *c)
{
    if (c->state == HTTP_CONN_LINGER)
        return;
    if (c->eof || c->state != HTTP_CONN_OPEN) {
        http_conn_close(c);
        return;
    }
    c->state = HTTP_CONN_LINGER;
    http_conn_shutdown(c);
    http_loop_timer(http_conn_loop(c), &c->stall, -1);
    http_conn_deadline(c, CF_HTTP_LINGER_MS);
}

static void open_protocol(struct http_conn *c, const struct http_proto *proto)
{
    c->state = HTTP_CONN_OPEN;
    c->proto = proto;
    http_conn_deadline(c, -1);
    proto->open(c);
    if (!c->dead && c->listener->server->draining)
        proto->drain(c);
}

static void shake_hands(struct http_conn *c)
{
    switch (http_conn_handshake(c)) {
    case HTTP_IO_OK:
        open_protocol(c, http_tls_chose_h2(c->ssl) ? &http_proto_h2 : &http_proto_h1);
        break;
    case HTTP_IO_AGAIN:
        break;
    default:
        http_conn_close(c);
    }
}

/* Clear text: the first bytes tell HTTP/2's preface from a request line. */
static void tell_protocol(struct http_conn *c, const char *data, size_t len)
{
    cf_buf_append(&c->preface, data, len);
    size_t n = CF_MIN(c->preface.len, (size_t)H2_PREFACE_BYTES);
    bool is_h2 = memcmp(c->preface.data, h2_preface, n) == 0;
    if (is_h2 && n < H2_PREFACE_BYTES)
        return;
    open_protocol(c, is_h2 ? &http_proto_h2 : &http_proto_h1);
    if (!c->dead)
        c->proto->input(c, c->preface.data, c->preface.len);
    cf_buf_free(&c->preface);
}

static void take_input(struct http_conn *c, const char *data, size_t len)
{
    if (c->state == HTTP_CONN_PREFACE)
        tell_protocol(c, data, len);
    else if (c->state == HTTP_CONN_OPEN)
        c->proto->input(c, data, len);
}

static void take_eof(struct http_conn *c)
{
    c->eof = true;
    if (c->state == HTTP_CONN_OPEN)
        c->proto->eof(c);
    else
        http_conn_close(c);
}

static bool wants_input(const struct http_conn *c)
{
    if (c->eof || c->dead)
        return false;
    return c->state != HTTP_CONN_OPEN || (!c->closing && c->proto->wants_input(c));
}

/* One piece an event, at least a TLS record: what it caused is written before the next is read, and
 * no connection keeps the others waiting. */
static void read_input(struct http_conn *c)
{
    char *buf = http_loop_scratch(http_conn_loop(c));
    size_t n = 0;
    switch (http_conn_read(c, buf, CF_HTTP_READ_BYTES, &n)) {
    case HTTP_IO_OK:
        take_input(c, buf, n);
        break;
    case HTTP_IO_AGAIN:
        break;
    case HTTP_IO_EOF:
        take_eof(c);
        break;
    case HTTP_IO_FAILED:
        http_conn_close(c);
        break;
    }
}

/* Writes what is there. False: the connection failed and is closed. */
static bool flush(struct http_conn *c)
{
    bool any = false;
    while (c->out_at < c->out.len) {
        size_t n = 0;
        enum http_io io = http_conn_write(c, c->out.data + c->out_at, c->out.len - c->out_at, &n);
        if (io == HTTP_IO_AGAIN)
            break;
        if (io != HTTP_IO_OK) {
            http_conn_close(c);
            return false;
        }
        c->out_at += n;
        any = true;
    }
    bool is_empty = c->out_at == c->out.len;
    if (is_empty) {
        cf_buf_reset(&c->out);
        c->out_at = 0;
    } else if (c->out_at > CF_HTTP_OUT_BYTES) {
        cf_buf_consume(&c->out, c->out_at);
        c->out_at = 0;
    }
    if (is_empty)
        http_loop_timer(http_conn_loop(c), &c->stall, -1);
    else if (any || !c->stall.slot)
        http_loop_timer(http_conn_loop(c), &c->stall, c->listener->limits.write_stall_ms);
    return true;
}

static void set_interest(struct http_conn *c)
{
    uint32_t mask = 0;
    bool has_output = c->out_at < c->out.len;
    if (wants_input(c))
        mask |= c->read_wants_write ? EPOLLOUT : EPOLLIN;
    if (has_output)
        mask |= EPOLLOUT;
    if (!c->eof)
        mask |= EPOLLRDHUP;
    if (!http_loop_watch(http_conn_loop(c), &c->fd, mask))
        http_conn_close(c);
}

void http_conn_pump(struct http_conn *c)
{
    if (c->dead || c->busy)
        return;
    if (c->state == HTTP_CONN_OPEN) {
        c->busy = true;
        bool more = true;
        while (more && !c->dead) {
            bool had_room = http_conn_room(c) > 0;
            c->proto->fill(c);
            more = !c->dead && flush(c) && c->out.len == 0 && (c->proto->flushed(c) || !had_room);
        }
        c->busy = false;
        if (!c->dead && c->closing && c->out.len == 0)
            linger(c);
    }
    if (!c->dead)
        set_interest(c);
}

/* While a connection lingers, or its input waits, only its end is of interest. */
static void drop_input(struct http_conn *c)
{
    char *buf = http_loop_scratch(http_conn_loop(c));
    ssize_t n = recv(c->fd.fd, buf, CF_HTTP_READ_BYTES, MSG_DONTWAIT);
    c->lingered += n > 0 ? (size_t)n : 0;
    if (n == 0 || c->lingered > CF_HTTP_LINGER_BYTES_MAX ||
        (n < 0 && errno != EAGAIN && errno != EINTR))
        http_conn_close(c);
}

static void ready(struct http_fd *f, uint32_t events)
{
    struct http_conn *c = HTTP_CONTAINER(f, struct http_conn, fd);
    c->busy = true;
    if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN))
        http_conn_close(c);
    else if (c->state == HTTP_CONN_LINGER)
        drop_input(c);
    else if (c->state == HTTP_CONN_HANDSHAKE)
        shake_hands(c);
    if ((c->state == HTTP_CONN_PREFACE || c->state == HTTP_CONN_OPEN) && wants_input(c) &&
        (events & EPOLLIN || c->read_wants_write))
        read_input(c);
    /* The client has hung up behind input that nobody takes yet. */
    if (!c->dead && !c->eof && events & EPOLLRDHUP && !wants_input(c))
        take_eof(c);
    c->busy = false;
    http_conn_pump(c);
}

static void fire_timer(struct http_timer *t)
{
    struct http_conn *c = HTTP_CONTAINER(t, struct http_conn, timer);
    if (c->state == HTTP_CONN_OPEN)
        c->proto->expired(c);
    else
        http_conn_close(c);
    http_conn_pump(c);
}

static void fire_stall(struct http_timer *t)
{
    http_conn_close(HTTP_CONTAINER(t, struct http_conn, stall));
}

static void describe_peer(struct http_conn *c)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (c->addr.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&c->addr;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(c->peer, sizeof c->peer, "[%s]:%d", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&c->addr;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(c->peer, sizeof c->peer, "%s:%d", host, ntohs(in->sin_port));
    }
}

bool http_conn_same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET6)
        return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                      &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
    return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
           ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

void http_conn_accept(struct cf_http_listener *l, int fd, const struct sockaddr_storage *addr)
{
    struct http_conn *c = cf_xcalloc(1, sizeof *c);
    c->fd.fd = fd;
    c->fd.ready = ready;
    c->burial.bury = bury;
    c->listener = l;
    c->addr = *addr;
    c->timer.fire = fire_timer;
    c->stall.fire = fire_stall;
    c->preface = CF_BUF_INIT(H2_PREFACE_BYTES + CF_HTTP_READ_BYTES);
    c->out = CF_BUF_INIT(SIZE_MAX / 2); /* bounded by http_conn_room() */
    describe_peer(c);
    c->next = l->conns;
    c->at = &l->conns;
    if (c->next)
        c->next->at = &c->next;
    l->conns = c;
    l->conn_count++;
    l->server->connections++;
    c->state = l->tls ? HTTP_CONN_HANDSHAKE : HTTP_CONN_PREFACE;
    http_conn_deadline(c, l->tls ? l->limits.handshake_ms : l->limits.header_ms);
    if (l->tls && !(c->ssl = http_tls_session(l->tls, fd)))
        http_conn_close(c);
    else
        set_interest(c);
}
