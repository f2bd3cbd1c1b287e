/* SPDX-License-Identifier: Apache-2.0 */
/* Tailing the event table for everybody who reads. */
#include "orchestrator/api/hub.h"

#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"

/* A stream or a parked request. The hub's thread owns it; `over` is set by whoever ended it, after
 * which nobody else touches it. */
struct reader {
    struct reader *next;
    atomic_bool over;
    int64_t cursor;
    bool live;                            /* follows the tail */
    char *run_id, *kind, *subject, *plan; /* the filter; NULL: any */
    struct cf_http_stream *stream;        /* or */
    struct cf_http_parked *parked;        /* NULL again once woken */
    enum cf_hub_form form;
    struct cf_event_hub *hub;
    cf_http_continuation *again;
    void *user;
};

struct cf_event_hub {
    struct cf_store *store;
    struct cf_metrics *metrics;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t cond;
    struct reader *arriving;
    bool nudged, stopping;
    atomic_int count;       /* readers */
    struct reader *readers; /* the hub's thread */
    int64_t tail;           /* the hub's thread; -1: not known */
};

/* ---- readers ---- */

static struct reader *reader_new(struct cf_event_hub *h, int64_t after,
                                 const struct cf_event_filter *filter)
{
    if (atomic_fetch_add(&h->count, 1) >= CF_HUB_READERS_MAX) {
        atomic_fetch_sub(&h->count, 1);
        return NULL;
    }
    struct reader *r = cf_xcalloc(1, sizeof *r);
    r->hub = h;
    r->cursor = after;
    r->run_id = filter && filter->run_id ? cf_xstrdup(filter->run_id) : NULL;
    r->kind = filter && filter->kind_prefix ? cf_xstrdup(filter->kind_prefix) : NULL;
    r->subject = filter && filter->subject ? cf_xstrdup(filter->subject) : NULL;
    r->plan = filter && filter->plan ? cf_xstrdup(filter->plan) : NULL;
    return r;
}

static void reader_free(struct reader *r)
{
    atomic_fetch_sub(&r->hub->count, 1);
    cf_http_stream_unref(r->stream);
    cf_http_parked_release(r->parked);
    free(r->run_id);
    free(r->kind);
    free(r->subject);
    free(r->plan);
    free(r);
}

static void arrive(struct reader *r)
{
    struct cf_event_hub *h = r->hub;
    CF_LOCKED(&h->mutex);
    r->next = h->arriving;
    h->arriving = r;
    h->nudged = true;
    pthread_cond_signal(&h->cond);
}

/* The plan itself, or "PLAN/NUMBER" of one of its runs. */
static bool is_of_plan(const struct cf_event_row *e, const char *plan)
{
    size_t len = strlen(plan);
    return (strncmp(e->run_name, plan, len) == 0 && e->run_name[len] == '/') ||
           (strncmp(e->subject, "plan/", 5) == 0 && strcmp(e->subject + 5, plan) == 0);
}

static bool wants(const struct reader *r, const struct cf_event_row *e)
{
    return e->id > r->cursor && (!r->run_id || strcmp(r->run_id, e->run_id) == 0) &&
           (!r->kind || strncmp(e->kind, r->kind, strlen(r->kind)) == 0) &&
           (!r->subject || strcmp(r->subject, e->subject) == 0) &&
           (!r->plan || is_of_plan(e, r->plan));
}

/* One event in the reader's form. False: the stream is over. */
static bool write_event(struct reader *r, const struct cf_event_row *e)
{
    char id[CF_EVENT_ID_TEXT];
    cf_autojson json_t *j = cf_render_event(e);
    cf_autofree char *text = cf_json_dump(j);
    if (r->form == CF_HUB_SSE)
        return cf_http_stream_event(r->stream, cf_event_id_text(e->id, id), e->kind, text);
    cf_autofree char *line = cf_xasprintf("%s\n", text);
    return cf_http_stream_write(r->stream, line, strlen(line));
}

static void deliver(struct reader *r, const struct cf_event_row *e)
{
    if (r->stream) {
        (void)write_event(r, e);
        return;
    }
    if (!r->parked)
        return;
    cf_http_parked_wake(r->parked);
    cf_http_parked_release(r->parked);
    r->parked = NULL;
}

static void tell_resync(struct reader *r, int64_t next)
{
    char id[CF_EVENT_ID_TEXT];
    (void)cf_event_id_text(next, id);
    cf_autofree char *data = cf_xasprintf("{\"kind\":\"resync\",\"id\":\"%s\"}", id);
    cf_metric_add(r->hub->metrics, "crossfade_sse_resyncs_total", NULL, 1);
    if (r->stream && r->form == CF_HUB_SSE) {
        (void)cf_http_stream_event(r->stream, id, "resync", data);
    } else if (r->stream) {
        cf_autofree char *line = cf_xasprintf("%s\n", data);
        (void)cf_http_stream_write(r->stream, line, strlen(line));
    }
}

/* ---- the thread ---- */

/* Takes newcomers in and lets those go that are over. */
static void tend(struct cf_event_hub *h)
{
    struct reader *arriving;
    {
        CF_LOCKED(&h->mutex);
        arriving = h->arriving;
        h->arriving = NULL;
    }
    for (struct reader *r = arriving, *next; r; r = next) {
        next = r->next;
        r->next = h->readers;
        h->readers = r;
    }
    for (struct reader **at = &h->readers; *at;) {
        struct reader *r = *at;
        if (!atomic_load(&r->over)) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        reader_free(r);
    }
    if (!h->readers)
        h->tail = -1;
}

/* Whether a page may be put on top of what the client has not taken yet. */
static bool has_room(const struct reader *r)
{
    enum { WAITING_MAX = 256 * 1024 };
    return !r->stream || cf_http_stream_queued(r->stream) < WAITING_MAX;
}

/* One page for a reader that is behind, as far as there is room. False: no database. */
static bool catch_up(struct reader *r, bool *out_more, struct cf_error *err)
{
    CF_CLEANUP(cf_event_list_free) struct cf_event_list list = { 0 };
    struct cf_event_filter filter = {
        .run_id = r->run_id, .kind_prefix = r->kind, .subject = r->subject, .plan = r->plan
    };
    if (!has_room(r))
        return true;
    if (!cf_events_after(r->hub->store, r->cursor, &filter, CF_HUB_PAGE, &list, err))
        return false;
    if (list.resync)
        tell_resync(r, list.next);
    for (size_t i = 0; i < list.n; i++) {
        if (!has_room(r))
            return true;
        deliver(r, &list.rows[i]);
        r->cursor = list.rows[i].id;
    }
    r->cursor = list.next;
    r->live = !list.more && r->cursor >= r->hub->tail;
    *out_more = *out_more || list.more;
    return true;
}

/* Whoever has no room falls behind and catches up at its own pace. */
static void hand_out(struct cf_event_hub *h, const struct cf_event_row *e)
{
    for (struct reader *r = h->readers; r; r = r->next) {
        if (!r->live || !wants(r, e))
            continue;
        r->live = has_room(r);
        if (!r->live)
            continue;
        deliver(r, e);
        r->cursor = e->id;
    }
}

static bool follow_tail(struct cf_event_hub *h, bool *out_more, struct cf_error *err)
{
    CF_CLEANUP(cf_event_list_free) struct cf_event_list list = { 0 };
    if (h->tail < 0)
        return cf_events_horizon(h->store, &h->tail, err);
    if (!cf_events_after(h->store, h->tail, NULL, CF_HUB_PAGE, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++)
        hand_out(h, &list.rows[i]);
    h->tail = list.next;
    for (struct reader *r = h->readers; r; r = r->next) {
        if (list.resync)
            r->live = false; /* each hears of it by its own cursor */
        else if (r->live)
            r->cursor = CF_MAX(r->cursor, h->tail);
    }
    *out_more = *out_more || list.more;
    return true;
}

/* One look; *out_more: go on without a pause. */
static bool look(struct cf_event_hub *h, bool *out_more, struct cf_error *err)
{
    if (!follow_tail(h, out_more, err))
        return false;
    for (struct reader *r = h->readers; r; r = r->next)
        if (!r->live && !catch_up(r, out_more, err))
            return false;
    return true;
}

/* False: stop. */
static bool pause_for(struct cf_event_hub *h, int64_t ms)
{
    CF_LOCKED(&h->mutex);
    int64_t until = cf_mono_now_ms() + ms;
    while (!h->stopping && !h->nudged)
        if (h->readers || h->arriving) {
            if (!cf_cond_wait_until(&h->cond, &h->mutex, until))
                break;
        } else {
            pthread_cond_wait(&h->cond, &h->mutex);
        }
    h->nudged = false;
    return !h->stopping;
}

static void *hub_thread(void *arg)
{
    struct cf_event_hub *h = arg;
    bool lost = false;
    int64_t pause_ms = CF_HUB_TICK_MS;
    while (pause_for(h, pause_ms)) {
        bool more = true, ok = true;
        struct cf_error err = CF_ERROR_INIT;
        tend(h);
        for (int i = 0; ok && more && h->readers && i < 100; i++) {
            more = false;
            ok = look(h, &more, &err);
        }
        if (!ok && !lost)
            cf_log_err(CF_LOG_WARN, "events.lost", "events cannot be read", &err);
        lost = !ok;
        pause_ms = ok ? CF_HUB_TICK_MS : CF_HUB_BACKOFF_MS;
        cf_metric_set(h->metrics, "crossfade_sse_clients", NULL, atomic_load(&h->count));
    }
    return NULL;
}

struct cf_event_hub *cf_hub_start(struct cf_store *store, struct cf_metrics *metrics,
                                  struct cf_error *err)
{
    struct cf_event_hub *h = cf_xcalloc(1, sizeof *h);
    h->store = store;
    h->metrics = metrics;
    h->tail = -1;
    pthread_mutex_init(&h->mutex, NULL);
    cf_cond_init(&h->cond);
    if (cf_thread_start(&h->thread, "events", hub_thread, h, err))
        return h;
    free(h);
    return NULL;
}

void cf_hub_stop(struct cf_event_hub *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->mutex);
    h->stopping = true;
    pthread_cond_signal(&h->cond);
    pthread_mutex_unlock(&h->mutex);
    pthread_join(h->thread, NULL);
    tend(h);
    for (struct reader *r = h->readers, *next; r; r = next) {
        next = r->next;
        reader_free(r);
    }
    pthread_cond_destroy(&h->cond);
    pthread_mutex_destroy(&h->mutex);
    free(h);
}

void cf_hub_nudge(struct cf_event_hub *h)
{
    CF_LOCKED(&h->mutex);
    h->nudged = true;
    pthread_cond_signal(&h->cond);
}

int cf_hub_readers(struct cf_event_hub *h)
{
    return atomic_load(&h->count);
}

/* ---- streams ---- */

/* The sockets' thread, once. */
static void stream_over(void *user, enum cf_http_stream_end why)
{
    (void)why;
    struct reader *r = user;
    struct cf_event_hub *h = r->hub;
    atomic_store(&r->over, true);
    cf_hub_nudge(h);
}

static void stream_head(struct cf_http_response *res, struct reader *r)
{
    bool sse = r->form == CF_HUB_SSE;
    char jitter[3];
    cf_http_response_status(res, 200);
    cf_http_response_header(res, "Content-Type",
                            sse ? "text/event-stream" : "application/x-ndjson");
    cf_http_response_header(res, "Cache-Control", "no-store");
    cf_http_response_header(res, "X-Accel-Buffering", "no");
    struct cf_http_stream_options options = { .ping_ms = CF_HUB_PING_MS,
                                              .ping = sse ? NULL : "\n",
                                              .end_after_ms = CF_HUB_STREAM_MS,
                                              .over = stream_over,
                                              .user = r };
    r->stream = cf_http_stream_open(res, &options);
    /* Clients that were cut off together come back spread over three seconds. */
    long spread = strtol(cf_random_hex(jitter, 2), NULL, 16) * 3000 / 255;
    cf_autofree char *retry = cf_xasprintf("retry: %ld\n\n", 2000 + spread);
    if (sse)
        (void)cf_http_stream_write(r->stream, retry, strlen(retry));
}

bool cf_hub_stream(struct cf_event_hub *h, struct cf_http_response *res, int64_t after,
                   const struct cf_event_filter *filter, enum cf_hub_form form)
{
    struct cf_error err = CF_ERROR_INIT;
    if (after < 0 && !cf_events_horizon(h->store, &after, &err)) {
        cf_problem_error(res, &err);
        return false;
    }
    struct reader *r = reader_new(h, after, filter);
    if (!r) {
        cf_http_response_header(res, "Retry-After", "5");
        cf_problem(res, "UNAVAILABLE", "%d readers of events are connected: that is the limit",
                   CF_HUB_READERS_MAX);
        return false;
    }
    r->form = form;
    stream_head(res, r);
    arrive(r);
    return true;
}

/* ---- waits ---- */

static void resume(struct cf_http_request *req, struct cf_http_response *res, enum cf_http_wake why,
                   void *user)
{
    struct reader *r = user;
    struct cf_event_hub *h = r->hub;
    cf_http_continuation *again = r->again;
    void *again_user = r->user;
    atomic_store(&r->over, true);
    cf_hub_nudge(h);
    again(req, res, why, again_user);
}

bool cf_hub_park(struct cf_event_hub *h, struct cf_http_response *res, const char *run_id,
                 int64_t after, int64_t wait_ms, cf_http_continuation *again, void *user)
{
    struct cf_event_filter filter = { .run_id = run_id };
    struct reader *r = reader_new(h, after, &filter);
    if (!r)
        return false;
    r->again = again;
    r->user = user;
    r->parked = cf_http_park(res, wait_ms, resume, r);
    arrive(r);
    return true;
}
