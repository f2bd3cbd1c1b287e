/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an exchange: routed, run, settled by what the handler left behind, ended once. */
#include "orchestrator/http/exchange.h"

#include <string.h>
#include <strings.h>

#include "orchestrator/http/conn.h"
#include "orchestrator/http/park.h"
#include "orchestrator/http/problem.h"
#include "orchestrator/http/stream.h"

static void settle(struct http_exchange *x);

static void receive_back(struct http_mail *m)
{
    settle(HTTP_CONTAINER(m, struct http_exchange, back));
}

static void send_answer(struct http_exchange *x)
{
    struct http_conn *c = x->conn;
    x->phase = HTTP_SENDING;
    c->proto->answer(x);
    http_conn_pump(c);
}

static void fire_timer(struct http_timer *t)
{
    struct http_exchange *x = HTTP_CONTAINER(t, struct http_exchange, timer);
    struct http_conn *c = x->conn;
    switch (x->phase) {
    case HTTP_RECEIVING:
        http_exchange_fail(x, 408, "the request did not arrive in time");
        break;
    case HTTP_PARKED:
        http_exchange_resume(x, CF_HTTP_TIMEOUT);
        break;
    case HTTP_DELAYED:
        send_answer(x);
        break;
    case HTTP_SENDING:
        c->proto->cut(x);
        http_conn_pump(c);
        break;
    case HTTP_WORKING:
        break;
    }
}

struct http_exchange *http_exchange_new(struct http_conn *conn)
{
    struct cf_http_server *s = conn->listener->server;
    struct http_exchange *x = cf_xcalloc(1, sizeof *x);
    x->listener = conn->listener;
    x->conn = conn;
    x->req.arena = x->res.arena = cf_arena_new(0);
    x->req.peer = cf_arena_strdup(x->req.arena, conn->peer);
    x->req.is_tls = conn->ssl != NULL;
    x->req.owner = conn->listener->site.owner;
    x->req.started_ms = http_loop_now(s->loop);
    x->req.method = x->req.target = x->req.path = x->req.host = "";
    x->req.version = "1.1";
    atomic_init(&x->req.gone, false);
    atomic_init(&x->abandoned, false);
    x->res.status = 200;
    x->body_max = conn->listener->limits.body_max;
    x->req.body = CF_BUF_INIT(x->body_max);
    x->back.run = receive_back;
    x->timer.fire = fire_timer;
    x->next = s->exchanges;
    x->at = &s->exchanges;
    if (x->next)
        x->next->at = &x->next;
    s->exchanges = x;
    return x;
}

void http_exchange_fail(struct http_exchange *x, int status, const char *detail)
{
    http_loop_timer(x->listener->server->loop, &x->timer, -1);
    http_problem(x, status, detail, NULL, NULL);
    send_answer(x);
}

static void set_handler(struct http_exchange *x, cf_http_handler *handler, enum cf_http_lane lane,
                        size_t body_max)
{
    x->handler = handler;
    x->lane = lane;
    if (body_max)
        x->body_max = body_max;
    x->req.body.max = x->body_max;
}

static void answer_allow(struct http_exchange *x, enum http_routed routed, const char *allow)
{
    if (routed == HTTP_ROUTE_METHOD) {
        http_problem(x, 405, "this resource has other methods: see Allow", "Allow", allow);
    } else {
        cf_http_response_status(&x->res, 204);
        cf_http_response_header(&x->res, "Allow", allow);
    }
    send_answer(x);
}

bool http_exchange_route(struct http_exchange *x)
{
    const struct cf_http_site *site = &x->listener->site;
    CF_CLEANUP(cf_buf_free) struct cf_buf allow = CF_BUF_INIT(512);
    enum http_routed routed = http_router_find(x->listener->router, &x->req, &allow);
    switch (routed) {
    case HTTP_ROUTED:
        set_handler(x, x->req.route->handler, x->req.route->lane, x->req.route->body_max);
        return true;
    case HTTP_ROUTE_NONE:
        if (site->fallback) {
            set_handler(x, site->fallback, site->fallback_lane, site->fallback_body_max);
            return true;
        }
        http_exchange_fail(x, 404, "nothing is served at this path");
        return false;
    case HTTP_ROUTE_BAD:
        http_exchange_fail(x, 400, "the path has a broken percent escape");
        return false;
    case HTTP_ROUTE_METHOD:
    case HTTP_ROUTE_OPTIONS:
        answer_allow(x, routed, cf_buf_str(&allow));
        return false;
    }
    return false;
}

static void start_work(struct http_exchange *x)
{
    x->phase = HTTP_WORKING;
    if (x->lane == CF_HTTP_INLINE) {
        http_exchange_run(x);
        settle(x);
    } else if (!http_pool_submit(x->listener->server->pool, x)) {
        http_problem(x, 503, "too many requests are waiting", "Retry-After", "1");
        send_answer(x);
    }
}

void http_exchange_dispatch(struct http_exchange *x)
{
    http_loop_timer(x->listener->server->loop, &x->timer, -1);
    start_work(x);
}

static void list_types(struct cf_buf *b, const char *const *types)
{
    for (size_t i = 0; types[i]; i++)
        cf_buf_printf(b, "%s%s", i ? ", " : "", types[i]);
}

static bool check_consumes(struct http_exchange *x, const char *const *types)
{
    const char *type = cf_http_request_header(&x->req, "content-type");
    const char *coding = cf_http_request_header(&x->req, "content-encoding");
    if (coding && strcasecmp(coding, "identity") != 0) {
        http_problem(x, 415, "a body with a Content-Encoding is not read here", "Accept-Encoding",
                     "identity");
        return false;
    }
    if (!type && x->req.body.len == 0)
        return true;
    for (size_t i = 0; types[i]; i++)
        if (cf_http_media_type_is(type, types[i]))
            return true;
    CF_CLEANUP(cf_buf_free) struct cf_buf list = CF_BUF_INIT(1024);
    list_types(&list, types);
    bool is_patch = strcmp(x->req.method, "PATCH") == 0;
    http_problem(x, 415,
                 type ? "the body's Content-Type is not read here" : "the body has no Content-Type",
                 is_patch ? "Accept-Patch" : "Accept", cf_buf_str(&list));
    return false;
}

static bool check_media(struct http_exchange *x)
{
    const struct cf_http_route *route = x->req.route;
    if (route && route->consumes && !check_consumes(x, route->consumes))
        return false;
    if (!route || !route->produces)
        return true;
    x->req.accepted = cf_http_negotiate(cf_http_request_header(&x->req, "accept"), route->produces);
    if (x->req.accepted)
        return true;
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(1024);
    cf_buf_puts(&text, "this resource comes as ");
    list_types(&text, route->produces);
    http_problem(x, 406, cf_buf_str(&text), NULL, NULL);
    return false;
}

void http_exchange_run(struct http_exchange *x)
{
    const struct cf_http_site *site = &x->listener->site;
    if (x->resume) {
        cf_http_continuation *resume = cf_steal(&x->resume);
        resume(&x->req, &x->res, x->why, x->resume_user);
        return;
    }
    if (atomic_load(&x->abandoned))
        return;
    if (site->guard && !site->guard(&x->req, &x->res))
        return;
    if (check_media(x))
        x->handler(&x->req, &x->res);
}

static void park(struct http_exchange *x)
{
    struct cf_http_server *s = x->listener->server;
    if (!x->conn)
        http_exchange_resume(x, CF_HTTP_GONE);
    else if (s->draining)
        http_exchange_resume(x, CF_HTTP_DRAIN);
    else if (http_parked_is_woken(x->parked))
        http_exchange_resume(x, CF_HTTP_WOKEN);
    else
        http_loop_timer(s->loop, &x->timer, http_parked_wait_ms(x->parked));
}

static void open_stream(struct http_exchange *x)
{
    http_stream_attach(x);
    if (x->listener->server->draining)
        cf_http_stream_end(x->stream);
    send_answer(x);
}

/* A client that has shut its side gets an answer that is ready, not one that may take for ever. */
static bool is_too_late(const struct http_exchange *x)
{
    return x->conn && atomic_load(&x->req.gone) &&
           (x->res.outcome != HTTP_ANSWER || x->res.delay_ms > 0);
}

/* The handler has returned: what did it leave behind? */
static void settle(struct http_exchange *x)
{
    struct http_conn *c = x->conn;
    enum http_outcome outcome = x->res.outcome;
    cf_assert(outcome == HTTP_PARK ||
              !x->resume); /* who parks leaves the answer to the continuation */
    x->phase = outcome == HTTP_PARK ? HTTP_PARKED : HTTP_DELAYED;
    if (outcome != HTTP_STREAM)
        http_stream_over(x, CF_HTTP_STREAM_ABORTED);
    if (is_too_late(x))
        http_conn_close(c);
    else if (outcome == HTTP_PARK)
        park(x);
    else if (!c)
        http_exchange_end(x, false);
    else if (outcome == HTTP_STREAM)
        open_stream(x);
    else if (outcome == HTTP_ANSWER && x->res.delay_ms > 0)
        http_loop_timer(http_conn_loop(c), &x->timer, x->res.delay_ms);
    else if (outcome == HTTP_ANSWER)
        send_answer(x);
    else {
        c->proto->cut(x);
        http_conn_pump(c);
    }
}

void http_exchange_resume(struct http_exchange *x, enum cf_http_wake why)
{
    http_loop_timer(x->listener->server->loop, &x->timer, -1);
    http_parked_detach(x);
    x->why = why;
    x->res.outcome = HTTP_ANSWER;
    start_work(x);
}

void http_exchange_drain(struct http_exchange *x)
{
    if (x->phase == HTTP_PARKED)
        http_exchange_resume(x, CF_HTTP_DRAIN);
    else if (x->phase == HTTP_SENDING && x->stream)
        cf_http_stream_end(x->stream);
}

void http_exchange_end(struct http_exchange *x, bool complete)
{
    struct cf_http_server *s = x->listener->server;
    const struct cf_http_site *site = &x->listener->site;
    cf_assert(x->phase != HTTP_WORKING && !x->is_ended);
    x->is_ended = true;
    http_loop_timer(s->loop, &x->timer, -1);
    http_parked_detach(x);
    http_stream_over(x, complete ? CF_HTTP_STREAM_ENDED : CF_HTTP_STREAM_LEFT);
    if (site->done)
        site->done(x->has_request ? &x->req : NULL, &x->res, complete, site->owner);
    *x->at = x->next;
    if (x->next)
        x->next->at = x->at;
    http_response_reset(&x->res);
    cf_buf_free(&x->req.body);
    cf_arena_free(x->req.arena);
    free(x);
    http_server_check_drained(s);
}

void http_exchange_abandon(struct http_exchange *x)
{
    x->conn = NULL;
    atomic_store(&x->req.gone, true);
    atomic_store(&x->abandoned, true);
    if (x->phase == HTTP_PARKED)
        http_exchange_resume(x, CF_HTTP_GONE);
    else if (x->phase != HTTP_WORKING)
        http_exchange_end(x, false);
}
