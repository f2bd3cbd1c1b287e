/* SPDX-License-Identifier: Apache-2.0 */
/* One request through a gateway: choose, send to a pod, answer with what came.
 *
 * A passage has two owners: the parked answer (the server's thread) and the exchange (the wire's
 * thread). Each lets go once. */
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/thread.h"
#include "deploy/sandbox/dataplane/gateway.h"
#include "deploy/sandbox/dataplane/metrics.h"
#include "orchestrator/http/http.h"

enum {
    REQUEST_MAX = 2 * 1024 * 1024,
    HEADER_NAME_MAX = 128,
    HEADER_VALUE_MAX = 8192,
    CANCELED = 499
};

struct passage {
    pthread_mutex_t lock;
    int owners;
    struct sbx_gateway *gateway;
    struct sbx_table *table;
    struct sbx_backend *backend;
    struct sbx_wire_request request;
    struct cf_buf bytes;
    struct cf_http_parked *parked;
    int64_t begin_ms;
    int tries;
    uint64_t exchange;
    bool over; /* nobody waits for the answer */
    /* The answer. */
    int status;
    char *head, *body, *error;
    size_t head_len, body_len;
    int64_t elapsed_us;
};

static void let_go(struct passage *p)
{
    pthread_mutex_lock(&p->lock);
    bool last = --p->owners == 0;
    pthread_mutex_unlock(&p->lock);
    if (!last)
        return;
    cf_http_parked_release(p->parked);
    sbx_table_unref(p->table);
    cf_buf_free(&p->bytes);
    free(p->head);
    free(p->body);
    free(p->error);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Headers that belong to one connection, or that the next one makes itself. */
static bool is_own(const char *name)
{
    static const char *const own[] = {
        "connection", "keep-alive",     "te",   "transfer-encoding", "upgrade", "expect",
        "host",       "content-length", "date", "proxy-connection",  "trailer"
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(own); i++)
        if (strcasecmp(own[i], name) == 0)
            return true;
    return false;
}

static void write_request(const struct cf_http_request *req, struct cf_buf *out)
{
    const char *name, *value;
    size_t len;
    const char *body = cf_http_request_body(req, &len);
    cf_buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\n",
                  cf_http_request_method(req), cf_http_request_target(req),
                  cf_http_request_host(req), cf_http_request_peer(req));
    for (size_t i = 0; cf_http_request_header_at(req, i, &name, &value); i++)
        if (!is_own(name) && name[0] != ':')
            cf_buf_printf(out, "%s: %s\r\n", name, value);
    if (len)
        cf_buf_printf(out, "Content-Length: %zu\r\n", len);
    cf_buf_puts(out, "\r\n");
    cf_buf_append(out, body, len);
}

/* ---- the answer */

static void copy_headers(struct cf_http_response *res, const char *head, size_t head_len)
{
    const char *end = head + head_len;
    for (const char *line = memchr(head, '\n', head_len); line && ++line < end;
         line = memchr(line, '\n', (size_t)(end - line))) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *colon = stop ? memchr(line, ':', (size_t)(stop - line)) : NULL;
        if (!colon || (size_t)(colon - line) >= HEADER_NAME_MAX)
            continue;
        char name[HEADER_NAME_MAX];
        memcpy(name, line, (size_t)(colon - line));
        name[colon - line] = 0;
        const char *v = colon + 1;
        while (v < stop && *v == ' ')
            v++;
        size_t n = (size_t)(stop - v);
        while (n && (v[n - 1] == '\r' || v[n - 1] == ' '))
            n--;
        if (is_own(name) || n >= HEADER_VALUE_MAX)
            continue;
        cf_autofree char *value = cf_xstrndup(v, n);
        cf_http_response_header(res, name, value);
    }
}

static void answered(struct passage *p, struct cf_http_response *res)
{
    bool nginx = p->backend->router == SBX_INGRESS;
    if (p->error) {
        p->status = nginx ? 502 : 503;
        cf_http_response_text(res, p->status,
                              nginx
                                  ? "502 Bad Gateway"
                                  : "upstream connect error or disconnect/reset before headers: %s",
                              p->error);
    } else {
        cf_http_response_status(res, p->status);
        copy_headers(res, p->head, p->head_len);
        cf_http_response_body(res, NULL, p->body, p->body_len);
    }
    sbx_metrics_count(sbx_gateway_counters(p->gateway), p->backend, p->status, p->elapsed_us);
}

static void given_up(struct passage *p, struct cf_http_response *res, enum cf_http_wake why)
{
    int status = why == CF_HTTP_GONE ? CANCELED : why == CF_HTTP_TIMEOUT ? 504 : 503;
    if (why != CF_HTTP_GONE)
        cf_http_response_text(res, status, "upstream request timeout");
    sbx_metrics_count(sbx_gateway_counters(p->gateway), p->backend, status,
                      (cf_mono_now_ms() - p->begin_ms) * 1000);
    sbx_wire_cancel(sbx_gateway_options(p->gateway)->wire, p->exchange);
}

/* The server's thread: the answer is there, or nobody waits any more. */
static void resume(struct cf_http_request *req, struct cf_http_response *res, enum cf_http_wake why,
                   void *user)
{
    (void)req;
    struct passage *p = user;
    pthread_mutex_lock(&p->lock);
    if (why == CF_HTTP_WOKEN)
        answered(p, res);
    else
        given_up(p, res, why);
    p->over = true;
    pthread_mutex_unlock(&p->lock);
    let_go(p);
}

/* ---- the exchange */

static void on_done(void *user, const struct sbx_wire_answer *answer);

/* To the next endpoint. With the lock held. */
static void send_on(struct passage *p)
{
    const struct sbx_gateway_options *o = sbx_gateway_options(p->gateway);
    struct sbx_endpoint e = sbx_backend_next(p->backend);
    memcpy(p->request.address, e.address, sizeof(e.address));
    p->request.port = sbx_pods_port(o->pods, e.address, e.port);
    p->request.bytes = cf_buf_str(&p->bytes);
    p->request.len = p->bytes.len;
    p->tries++;
    p->exchange = sbx_wire_send(o->wire, &p->request, on_done, p);
}

/* The wire's thread. */
static void on_done(void *user, const struct sbx_wire_answer *answer)
{
    struct passage *p = user;
    pthread_mutex_lock(&p->lock);
    if ((answer->refused || answer->stale) && !p->over && p->tries < SBX_GATEWAY_TRIES) {
        send_on(p);
        pthread_mutex_unlock(&p->lock);
        return;
    }
    if (answer->error) {
        p->error = cf_xstrdup(answer->error);
    } else {
        p->status = answer->status;
        p->head = cf_xstrndup(answer->head, answer->head_len);
        p->head_len = answer->head_len;
        p->body = cf_xmalloc(answer->body_len + 1);
        memcpy(p->body, answer->body, answer->body_len);
        p->body_len = answer->body_len;
    }
    p->elapsed_us = answer->elapsed_us;
    bool over = p->over;
    pthread_mutex_unlock(&p->lock);
    if (!over)
        cf_http_parked_wake(p->parked);
    let_go(p);
}

static void forward(struct sbx_gateway *g, struct sbx_table *table, struct sbx_backend *backend,
                    struct cf_http_request *req, struct cf_http_response *res)
{
    struct passage *p = cf_xcalloc(1, sizeof(*p));
    pthread_mutex_init(&p->lock, NULL);
    p->owners = 2;
    p->gateway = g;
    p->table = sbx_table_ref(table);
    p->backend = backend;
    p->bytes = CF_BUF_INIT(REQUEST_MAX);
    p->begin_ms = cf_mono_now_ms();
    p->request.is_head = strcmp(cf_http_request_method(req), "HEAD") == 0;
    p->request.timeout_ms = 2 * SBX_GATEWAY_ANSWER_MS; /* the parked answer's limit comes first */
    write_request(req, &p->bytes);
    p->parked = cf_http_park(res, SBX_GATEWAY_ANSWER_MS, resume, p);
    pthread_mutex_lock(&p->lock);
    send_on(p);
    pthread_mutex_unlock(&p->lock);
}

static const char *header(const void *user, const char *name)
{
    return cf_http_request_header(user, name);
}

void sbx_passage(struct cf_http_request *req, struct cf_http_response *res)
{
    struct sbx_gateway *g = cf_http_request_owner(req);
    struct sbx_table *table = sbx_gateway_table(g);
    const struct sbx_ask ask = {
        .host = cf_http_request_host(req),
        .method = cf_http_request_method(req),
        .path = cf_http_request_path(req),
        .header = header,
        .user = req,
    };
    struct sbx_choice c = sbx_table_choose(table, &ask, sbx_gateway_dice(g));
    if (c.status == 0) {
        forward(g, table, c.backend, req, res);
    } else {
        cf_http_response_text(res, c.status, "%s", c.body);
        if (c.backend)
            sbx_metrics_count(sbx_gateway_counters(g), c.backend, c.status, 0);
    }
    sbx_table_unref(table);
}
