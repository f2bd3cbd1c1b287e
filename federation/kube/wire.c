/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a real API server: the port's calls and streams on top of base/transport.h. */
#include "federation/kube/wire.h"

#include <string.h>

#include "base/secret.h"
#include "base/thread.h"

/* --- life --- */

struct kube_wire *kube_wire_new(struct cf_kube_net *net, struct cf_kube_credentials *credentials,
                                const struct cf_kube_options *options, struct cf_error *err)
{
    struct kube_wire *w = cf_xcalloc(1, sizeof *w);
    w->net = net;
    if (options)
        w->options = *options;
    w->options.name = NULL; /* the client keeps it */
    w->credentials = cf_kube_credentials_ref(credentials);
    pthread_mutex_init(&w->lock, NULL);
    cf_cond_init(&w->cond);
    w->next_fetch_ms = INT64_MAX;
    w->endpoint = kube_wire_endpoint(w, credentials->cert_pem, credentials->key_pem, err);
    if (!w->endpoint ||
        (credentials->authorization &&
         !cf_endpoint_set_authorization(w->endpoint, credentials->authorization, err))) {
        kube_wire_free(w);
        return NULL;
    }
    w->has_material = !kube_wire_changes(w);
    if (!w->has_material)
        kube_net_add(net, w);
    return w;
}

void kube_wire_free(void *wire)
{
    struct kube_wire *w = wire;
    if (kube_wire_changes(w))
        kube_net_remove(w->net, w);
    cf_endpoint_unref(w->endpoint);
    free(w->cert_pem);
    cf_kube_credentials_unref(w->credentials);
    pthread_cond_destroy(&w->cond);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* The endpoint to use now and which generation of the material it carries. A new reference. */
static struct cf_endpoint *current(struct kube_wire *w, uint64_t *out_generation, bool *out_ready)
{
    CF_LOCKED(&w->lock);
    *out_generation = w->generation;
    *out_ready = w->has_material;
    return cf_endpoint_ref(w->endpoint);
}

/* --- calls --- */

static bool send_once(struct kube_wire *w, struct cf_endpoint *e, const struct cf_kube_request *r,
                      int64_t deadline_ms, struct cf_http_reply *out, struct cf_error *err)
{
    struct cf_http_call_request request = {
        .method = r->method,
        .path = r->path,
        .headers = (const char *const *)w->credentials->impersonate,
        .content_type = r->content_type,
        .accept = r->accept,
        .body = r->body,
        .body_len = r->body_len,
        .deadline_ms = deadline_ms,
        .response_max = r->response_max,
        .cancel = r->cancel,
        .is_read = r->is_read,
        .fresh_connection = r->fresh_connection,
        .skip_limits = r->urgent,
    };
    return cf_http_call(r->urgent ? w->net->responders : w->net->calls, e, &request, out, err);
}

/* One request as whoever we are now. *out_generation: with which material. */
static bool send_as_now(struct kube_wire *w, const struct cf_kube_request *r, int64_t deadline_ms,
                        struct cf_http_reply *out, uint64_t *out_generation, struct cf_error *err)
{
    bool ready;
    struct cf_endpoint *e = current(w, out_generation, &ready);
    if (!ready) {
        cf_endpoint_unref(e);
        if (!kube_wire_fetch(w, *out_generation, deadline_ms, err))
            return false;
        e = current(w, out_generation, &ready);
    }
    bool ok = send_once(w, e, r, deadline_ms, out, err);
    cf_endpoint_unref(e);
    return ok;
}

static bool wire_call(void *self, const struct cf_kube_request *r, struct cf_kube_response *out,
                      struct cf_error *err)
{
    struct kube_wire *w = self;
    int64_t deadline_ms =
        cf_mono_now_ms() + (r->timeout_ms > 0 ? r->timeout_ms : CF_KUBE_TIMEOUT_MS_DEFAULT);
    struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    uint64_t generation = 0;
    if (!send_as_now(w, r, deadline_ms, &reply, &generation, err))
        return false;
    struct cf_error stale = CF_ERROR_INIT;
    /* 401: nothing was done, so also a write may go out again, as the new self */
    if (reply.status == 401 && kube_wire_changes(w) &&
        kube_wire_fetch(w, generation, deadline_ms, &stale)) {
        cf_http_reply_free(&reply);
        reply = CF_HTTP_REPLY_INIT;
        if (!send_as_now(w, r, deadline_ms, &reply, &generation, err))
            return false;
    }
    out->status = reply.status;
    out->date_ms = reply.date_ms;
    out->retry_after_ms = reply.retry_after_ms;
    out->body = reply.body;
    reply.body = (struct cf_buf){ 0 };
    cf_http_reply_free(&reply);
    return true;
}

/* --- streams --- */

struct cf_kube_stream {
    struct kube_wire *wire;
    struct cf_http_download *download;
    struct cf_kube_stream_events events;
};

static bool stream_started(void *arg, const struct cf_http_reply *head)
{
    struct cf_kube_stream *s = arg;
    if (head->status == 401)
        kube_wire_expire(s->wire);
    return !s->events.on_start ||
           s->events.on_start(s->events.arg, head->status, head->retry_after_ms);
}

static bool stream_chunk(void *arg, const void *data, size_t len)
{
    struct cf_kube_stream *s = arg;
    return s->events.on_chunk(s->events.arg, data, len);
}

static void stream_ended(void *arg, const struct cf_error *why)
{
    struct cf_kube_stream *s = arg;
    s->events.on_end(s->events.arg, why);
}

static struct cf_kube_stream *wire_stream_open(void *self, const struct cf_kube_request *r,
                                               int64_t delay_ms, int64_t stall_ms,
                                               const struct cf_kube_stream_events *events,
                                               struct cf_error *err)
{
    struct kube_wire *w = self;
    uint64_t generation;
    bool ready;
    struct cf_kube_stream *s = cf_xcalloc(1, sizeof *s);
    s->wire = w;
    s->events = *events;
    struct cf_http_call_request request = {
        .path = r->path,
        .headers = (const char *const *)w->credentials->impersonate,
        .accept = r->accept,
    };
    struct cf_http_download_options options = { .delay_ms = delay_ms,
                                                .stall_ms = stall_ms,
                                                .start_ms = r->timeout_ms };
    struct cf_http_download_events hooks = {
        .on_start = stream_started, .on_chunk = stream_chunk, .on_end = stream_ended, .arg = s
    };
    struct cf_endpoint *e = current(w, &generation, &ready);
    s->download = cf_http_download_open(w->net->watches, e, &request, &options, &hooks, err);
    cf_endpoint_unref(e);
    if (!s->download) {
        free(s);
        return NULL;
    }
    return s;
}

static void wire_stream_close(void *self, struct cf_kube_stream *s)
{
    (void)self;
    cf_http_download_close(s->download);
    free(s);
}

const struct cf_kube_ops kube_wire_ops = {
    .call = wire_call,
    .stream_open = wire_stream_open,
    .stream_close = wire_stream_close,
    .free = kube_wire_free,
};
