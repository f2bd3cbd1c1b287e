/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: answers that come for as long as the other side likes, handed on as they come, with
 * timers of our own. */
#include <string.h>

#include "base/thread.h"
#include "base/transport_internal.h"

struct cf_http_download {
    struct transport_job *job;
};

struct cf_http_download *cf_http_download_open(struct cf_transport *t, struct cf_endpoint *e,
                                               const struct cf_http_call_request *request,
                                               const struct cf_http_download_options *options,
                                               const struct cf_http_download_events *events,
                                               struct cf_error *err)
{
    struct transport_job *j = transport_job_new(t, e, request, TRANSPORT_DOWNLOAD, err);
    if (!j)
        return NULL;
    if (options)
        j->options = *options;
    j->events = *events;
    struct cf_http_download *d = cf_xcalloc(1, sizeof *d);
    d->job = j;
    transport_start(j);
    return d;
}

void cf_http_download_close(struct cf_http_download *d)
{
    if (!d)
        return;
    struct transport_job *j = d->job;
    atomic_store(&j->unwanted, true);
    {
        CF_LOCKED(&j->lock);
        j->closed = true;
        while (j->in_callback && !transport_is_own_thread(j->t))
            pthread_cond_wait(&j->cond, &j->lock);
    }
    transport_end(j);
    transport_job_unref(j);
    free(d);
}

/* A callback may run between these two; false: its owner has closed the stream. */
static bool enter(struct transport_job *j)
{
    CF_LOCKED(&j->lock);
    j->in_callback = !j->closed;
    return j->in_callback;
}

static void leave(struct transport_job *j)
{
    CF_LOCKED(&j->lock);
    j->in_callback = false;
    pthread_cond_broadcast(&j->cond);
}

/* Something came: the silence begins anew. */
static void push_limit(struct transport_job *j)
{
    j->limit_ms = j->options.stall_ms > 0 ? cf_mono_now_ms() + j->options.stall_ms : INT64_MAX;
    transport_look_at(j->t, j->limit_ms);
}

bool transport_download_started(struct transport_job *j)
{
    push_limit(j);
    if (!enter(j))
        return false;
    bool go_on = !j->events.on_start || j->events.on_start(j->events.arg, &j->reply);
    leave(j);
    return go_on;
}

bool transport_download_chunk(struct transport_job *j, const void *data, size_t len)
{
    push_limit(j);
    if (!enter(j))
        return false;
    bool go_on = !j->events.on_chunk || j->events.on_chunk(j->events.arg, data, len);
    leave(j);
    return go_on;
}

static void describe_end(const struct transport_job *j, CURLcode code, bool stopped,
                         struct cf_error *why)
{
    if (code == CURLE_OK)
        return;
    if (stopped) {
        cf_error_set(why, CF_ERR_CANCELLED, "the client is being shut down");
    } else if (j->stalled && j->end_ms > 0 && cf_mono_now_ms() >= j->end_ms) {
        cf_error_set(why, CF_ERR_TRANSIENT, "%s: the stream has lived its time",
                     j->endpoint->shown_url);
    } else if (j->stalled && !j->headers_done) {
        cf_error_set(why, CF_ERR_UNAVAILABLE, "%s: no answer in time", j->endpoint->shown_url);
        cf_error_reason(why, "Timeout");
    } else if (j->stalled) {
        cf_error_set(why, CF_ERR_TRANSIENT, "%s: the stream was silent for %lld ms",
                     j->endpoint->shown_url, (long long)j->options.stall_ms);
        cf_error_reason(why, "Stalled");
    } else if (code == CURLE_WRITE_ERROR) {
        cf_error_set(why, CF_ERR_CANCELLED, "ended by its receiver");
    } else {
        transport_no_answer(j, code, atomic_load(&j->sent), why);
    }
}

void transport_download_ended(struct transport_job *j, CURLcode code, bool stopped)
{
    struct cf_error why = CF_ERROR_INIT;
    describe_end(j, code, stopped, &why);
    if (!enter(j))
        return;
    if (j->events.on_end)
        j->events.on_end(j->events.arg, &why);
    leave(j);
}

int64_t transport_download_next_ms(const struct transport_job *j)
{
    return j->end_ms > 0 ? CF_MIN(j->end_ms, j->limit_ms) : j->limit_ms;
}
