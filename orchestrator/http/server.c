/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop of a server.
 *
 * Stopping: listeners close; idle connections end; streams end; the parked are asked to answer now;
 * what is in flight is waited for until the deadline, then cut. The loop ends when no connection
 * and no exchange is left; handlers that still run hold it. */
#include "orchestrator/http/server.h"

#include <stdio.h>

#include "base/thread.h"
#include "orchestrator/http/conn.h"
#include "orchestrator/http/limits.h"

void http_server_check_drained(struct cf_http_server *s)
{
    if (!s->draining || s->stopped || s->exchanges || s->connections)
        return;
    s->stopped = true;
    http_loop_timer(s->loop, &s->deadline, -1);
    http_loop_quit(s->loop);
}

static void fire_deadline(struct http_timer *t)
{
    struct cf_http_server *s = HTTP_CONTAINER(t, struct cf_http_server, deadline);
    for (struct cf_http_listener *l = s->listeners; l; l = l->next)
        http_listener_cut_all(l);
    http_server_check_drained(s);
}

static void drain_connections(struct cf_http_listener *l)
{
    struct http_conn *next;
    for (struct http_conn *c = l->conns; c; c = next) {
        next = c->next;
        if (c->state == HTTP_CONN_OPEN)
            c->proto->drain(c);
        else
            http_conn_close(c);
        http_conn_pump(c);
    }
}

/* Draining one exchange may end others of its connection: begin anew until none is left to be told.
 */
static void drain_exchanges(struct cf_http_server *s)
{
    struct http_exchange *x = s->exchanges;
    while (x) {
        if (x->is_drained) {
            x = x->next;
            continue;
        }
        x->is_drained = true;
        http_exchange_drain(x);
        x = s->exchanges;
    }
}

struct stop {
    struct cf_http_server *s;
    int64_t drain_ms;
};

static void do_stop(void *arg)
{
    struct stop *o = arg;
    struct cf_http_server *s = o->s;
    s->draining = true;
    for (struct cf_http_listener *l = s->listeners; l; l = l->next)
        http_listener_close(l);
    http_loop_timer(s->loop, &s->deadline, CF_MAX(o->drain_ms, 0));
    for (struct cf_http_listener *l = s->listeners; l; l = l->next)
        drain_connections(l);
    drain_exchanges(s);
    http_server_check_drained(s);
}

void cf_http_server_stop(struct cf_http_server *s, int64_t drain_ms)
{
    if (!s)
        return;
    struct stop o = { s, drain_ms };
    http_loop_call(s->loop, do_stop, &o);
    http_loop_join(s->loop);
    http_pool_stop(s->pool);
    while (s->listeners) {
        struct cf_http_listener *l = s->listeners;
        s->listeners = l->next;
        http_listener_free(l);
    }
    http_loop_free(s->loop);
    free(s);
}

struct cf_http_server *cf_http_server_start(const struct cf_http_server_options *options,
                                            struct cf_error *err)
{
    static const struct cf_http_server_options none;
    const struct cf_http_server_options *o = options ? options : &none;
    const char *name = o->name ? o->name : "http";
    int threads = CF_MIN(o->handler_threads ? o->handler_threads : CF_HTTP_HANDLERS_DEFAULT,
                         (int)CF_HTTP_HANDLERS_MAX);
    int reserved = o->action_threads < 0 ? 0 : o->action_threads ? o->action_threads : 1;
    struct cf_http_server *s = cf_xcalloc(1, sizeof *s);
    s->deadline.fire = fire_deadline;
    s->loop = http_loop_start(name, err);
    if (!s->loop) {
        free(s);
        return NULL;
    }
    s->pool = http_pool_start(name, threads, CF_MIN(reserved, threads - 1),
                              o->queue_max ? o->queue_max : CF_HTTP_QUEUE_MAX, s->loop, err);
    if (!s->pool) {
        s->draining = true;
        cf_http_server_stop(s, 0);
        return NULL;
    }
    return s;
}
