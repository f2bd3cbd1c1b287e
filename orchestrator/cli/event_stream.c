/* SPDX-License-Identifier: Apache-2.0 */
/* The stream behind a watch. */
#include "orchestrator/cli/event_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"

enum {
    QUEUE_MAX = 16 * 1024 * 1024,
    STALL_MS = 40000, /* the service pings every 15 s */
    RETRY_MS_MIN = 250,
    RETRY_MS_MAX = 5000,
};

struct cf_event_stream {
    struct cf_client *client;
    char *path;
    int fd;
    struct cf_http_download *download;
    struct cf_sse sse;    /* caller's thread */
    int64_t retry_ms;     /* caller's thread */
    bool is_away;         /* caller's thread */
    pthread_mutex_t lock; /* guards the rest */
    struct cf_buf queue;
    bool ended;
    int status;
    struct cf_error why;
};

static void wake(struct cf_event_stream *s)
{
    uint64_t one = 1;
    (void)!write(s->fd, &one, sizeof one);
}

static bool on_start(void *arg, const struct cf_http_reply *head)
{
    struct cf_event_stream *s = arg;
    CF_LOCKED(&s->lock);
    s->status = head->status;
    wake(s);
    return head->status == 200;
}

static bool on_chunk(void *arg, const void *data, size_t len)
{
    struct cf_event_stream *s = arg;
    CF_LOCKED(&s->lock);
    cf_buf_append(&s->queue, data, len);
    wake(s);
    return !s->queue.overflow;
}

static void on_end(void *arg, const struct cf_error *why)
{
    struct cf_event_stream *s = arg;
    CF_LOCKED(&s->lock);
    s->ended = true;
    s->why = *why;
    wake(s);
}

static bool connect_stream(struct cf_event_stream *s, int64_t delay_ms, struct cf_error *err)
{
    char resume[96];
    snprintf(resume, sizeof resume, "Last-Event-ID: %s", s->sse.id);
    const char *const headers[] = { resume, NULL };
    struct cf_http_call_request request = { .path = s->path,
                                            .headers = headers,
                                            .accept = "text/event-stream" };
    struct cf_http_download_options options = { .delay_ms = delay_ms, .stall_ms = STALL_MS };
    struct cf_http_download_events events = { on_start, on_chunk, on_end, s };
    s->download = cf_http_download_open(s->client->transport, s->client->endpoint, &request,
                                        &options, &events, err);
    return s->download != NULL;
}

struct cf_event_stream *cf_event_stream_open(struct cf_client *client, const char *path,
                                             const char *after, struct cf_error *err)
{
    struct cf_event_stream *s = cf_xcalloc(1, sizeof *s);
    s->client = client;
    s->path = cf_xstrdup(path);
    s->sse = CF_SSE_INIT;
    s->queue = CF_BUF_INIT(QUEUE_MAX);
    s->retry_ms = RETRY_MS_MIN;
    snprintf(s->sse.id, sizeof s->sse.id, "%s", after);
    pthread_mutex_init(&s->lock, NULL);
    s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->fd < 0)
        cf_error_errno(err, errno, "eventfd");
    else if (connect_stream(s, 0, err))
        return s;
    cf_event_stream_close(s);
    return NULL;
}

void cf_event_stream_close(struct cf_event_stream *s)
{
    if (!s)
        return;
    cf_http_download_close(s->download);
    if (s->fd >= 0)
        close(s->fd);
    pthread_mutex_destroy(&s->lock);
    cf_buf_free(&s->queue);
    cf_sse_free(&s->sse);
    free(s->path);
    free(s);
}

int cf_event_stream_fd(const struct cf_event_stream *s)
{
    return s->fd;
}

bool cf_event_stream_is_away(const struct cf_event_stream *s)
{
    return s->is_away;
}

/* Only what will not change by itself ends the watch: who we are, or that there is no such run. */
static bool is_final(int status)
{
    return status == 401 || status == 403 || status == 404;
}

static bool reconnect(struct cf_event_stream *s, int status, const struct cf_error *why,
                      struct cf_error *err)
{
    if (is_final(status))
        return cf_error_set(err, status == 404 ? CF_ERR_NOT_FOUND : CF_ERR_DENIED,
                            "the service refuses the stream (%d)", status);
    if (status == 410) /* what we were after is no longer kept */
        s->sse.id[0] = '\0';
    s->is_away = why->kind == CF_ERR_UNAVAILABLE || status >= 500;
    cf_http_download_close(s->download);
    s->download = NULL;
    cf_sse_reset(&s->sse);
    {
        CF_LOCKED(&s->lock);
        s->ended = false;
        s->status = 0;
        s->queue.overflow = false;
        cf_buf_reset(&s->queue);
    }
    bool ok = connect_stream(s, s->retry_ms, err);
    s->retry_ms = CF_MIN(s->retry_ms * 2, (int64_t)RETRY_MS_MAX);
    return ok;
}

bool cf_event_stream_take(struct cf_event_stream *s, cf_sse_event *on_event, void *arg,
                          struct cf_error *err)
{
    uint64_t count;
    (void)!read(s->fd, &count, sizeof count);
    CF_CLEANUP(cf_buf_free) struct cf_buf got = CF_BUF_INIT(QUEUE_MAX);
    bool ended;
    int status;
    struct cf_error why;
    {
        CF_LOCKED(&s->lock);
        got = s->queue;
        s->queue = CF_BUF_INIT(QUEUE_MAX);
        s->queue.overflow = got.overflow;
        ended = s->ended;
        status = s->status;
        why = s->why;
    }
    if (status == 200 && got.len > 0) {
        s->retry_ms = RETRY_MS_MIN;
        s->is_away = false;
        cf_sse_feed(&s->sse, got.data, got.len, on_event, arg);
    }
    return !ended || reconnect(s, status, &why, err);
}
