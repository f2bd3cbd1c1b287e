/* SPDX-License-Identifier: Apache-2.0 */
/* A watch as a chain of streams: pages of a list, then the events since, each opened in the end of
 * the one before.
 *
 * Everything but start and stop runs on the port's thread, one callback at a time. `lock` guards
 * only which stream is open and whether the watch was stopped; it is not held while the caller's
 * function runs. */
#include "federation/kube/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "federation/kube/kube_internal.h"
#include "federation/kube/lines.h"
#include "federation/kube/status.h"

enum { START_MS = 30000, QUICK_END_MS = 1000 };

enum phase { PHASE_LIST, PHASE_WATCH };
enum verdict {
    VERDICT_NONE,
    VERDICT_RELIST,
    VERDICT_BROKEN
}; /* what an event in the stream calls for */

struct cf_kube_watch {
    struct cf_kube *k;
    struct cf_kube_resource resource;
    char *ns, *label_selector, *field_selector;
    char api_version[CF_API_VERSION_MAX];
    int64_t stall_ms;
    cf_watch_fn *fn;
    void *arg;

    pthread_mutex_t lock; /* guards the next three */
    pthread_cond_t cond;
    struct cf_kube_stream *stream;
    bool stopped, busy;

    enum phase phase;
    bool first_page;
    char *token;              /* of the next page, "" for the first */
    char rv[CF_KUBE_RV_TEXT]; /* where to resume */
    int status;
    int64_t retry_after_ms, opened_ms, backoff_ms;
    bool had_events;
    enum verdict verdict;
    struct cf_error problem; /* why, when the verdict is BROKEN */
    struct cf_buf body;      /* a page, or what a refusal says */
    struct kube_lines lines;
    uint32_t dice;

    _Atomic int64_t last_seen_ms;
    atomic_bool synced;
};

/* --- telling --- */

static void tell(struct cf_kube_watch *w, enum cf_watch_event_type type, json_t *object,
                 const struct cf_error *err)
{
    bool in_step = type == CF_WATCH_SYNCED || type == CF_WATCH_PUT || type == CF_WATCH_GONE ||
                   type == CF_WATCH_ALIVE;
    if (in_step) {
        atomic_store(&w->last_seen_ms, cf_mono_now_ms());
        w->backoff_ms = 0;
        w->had_events = true;
    }
    if (type == CF_WATCH_SYNCED)
        atomic_store(&w->synced, true);
    if (object)
        kube_fill_item(object, w->api_version, w->resource.kind);
    w->fn(w->arg, &(struct cf_watch_event){ .type = type, .object = object, .err = err });
}

/* --- opening --- */

static uint32_t roll(struct cf_kube_watch *w)
{
    w->dice = w->dice * 1664525u + 1013904223u; /* spreads clients out; needs no quality */
    return w->dice >> 8;
}

/* The next wait: doubles, with a quarter of jitter, never less than the server asked for. */
static int64_t next_delay_ms(struct cf_kube_watch *w)
{
    int64_t doubled_ms = CF_MAX((int64_t)CF_WATCH_BACKOFF_MS_MIN, 2 * w->backoff_ms);
    w->backoff_ms = CF_MIN((int64_t)CF_WATCH_BACKOFF_MS_MAX, doubled_ms);
    int64_t jitter_ms = roll(w) % (w->backoff_ms / 4 + 1);
    return CF_MAX(w->backoff_ms + jitter_ms, w->retry_after_ms);
}

static bool phase_path(struct cf_kube_watch *w, struct cf_buf *path, struct cf_error *err)
{
    char number[32];
    if (!cf_kube_resource_path(&w->resource, w->ns, NULL, NULL, path, err))
        return false;
    if (w->label_selector)
        kube_query(path, "labelSelector", w->label_selector);
    if (w->field_selector)
        kube_query(path, "fieldSelector", w->field_selector);
    if (w->phase == PHASE_LIST) {
        snprintf(number, sizeof number, "%d", CF_WATCH_PAGE);
        kube_query(path, "limit", number);
        if (w->token[0])
            kube_query(path, "continue", w->token);
        return kube_path_fits(path, err);
    }
    snprintf(number, sizeof number, "%" PRIu32, CF_WATCH_LIFE_S - roll(w) % (CF_WATCH_LIFE_S / 4));
    kube_query(path, "watch", "true");
    kube_query(path, "allowWatchBookmarks", "true");
    kube_query(path, "resourceVersion", w->rv);
    kube_query(path, "timeoutSeconds", number);
    return kube_path_fits(path, err);
}

static bool on_start(void *arg, int status, int64_t retry_after_ms);
static bool on_chunk(void *arg, const void *data, size_t len);
static void on_end(void *arg, const struct cf_error *why);

/* The stream of the present phase. The caller keeps it. */
static struct cf_kube_stream *open_stream(struct cf_kube_watch *w, int64_t delay_ms,
                                          struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(KUBE_PATH_MAX);
    if (!phase_path(w, &path, err))
        return NULL;
    w->status = 0;
    w->retry_after_ms = 0;
    w->had_events = false;
    w->verdict = VERDICT_NONE;
    cf_error_clear(&w->problem);
    cf_buf_reset(&w->body);
    kube_lines_reset(&w->lines);
    w->opened_ms = cf_mono_now_ms() + delay_ms;
    struct cf_kube_request request = {
        .method = "GET",
        .path = cf_buf_str(&path),
        .accept = KUBE_JSON,
        .timeout_ms = START_MS,
        .is_read = true,
    };
    struct cf_kube_stream_events events = {
        .on_start = on_start, .on_chunk = on_chunk, .on_end = on_end, .arg = w
    };
    int64_t stall_ms = w->phase == PHASE_LIST ? START_MS : w->stall_ms;
    return w->k->ops->stream_open(w->k->self, &request, delay_ms, stall_ms, &events, err);
}

/* Opens the next stream and closes the one that has ended. */
static void go_on(struct cf_kube_watch *w, int64_t delay_ms)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_stream *ended = NULL, *next;
    {
        CF_LOCKED(&w->lock);
        if (w->stopped)
            return; /* whoever stops it closes what is open */
        next = open_stream(w, delay_ms, &err);
        ended = w->stream;
        w->stream = next;
    }
    if (ended)
        w->k->ops->stream_close(w->k->self, ended);
    if (!next)
        tell(w, CF_WATCH_TROUBLE, NULL, &err);
}

static void list_anew(struct cf_kube_watch *w, int64_t delay_ms)
{
    w->phase = PHASE_LIST;
    w->first_page = true;
    free(w->token);
    w->token = cf_xstrdup("");
    go_on(w, delay_ms);
}

/* --- what comes --- */

static void note_version(struct cf_kube_watch *w, const json_t *object)
{
    const char *rv = cf_json_str(object, "", "metadata", "resourceVersion", NULL);
    if (rv[0] && strlen(rv) < sizeof w->rv)
        memcpy(w->rv, rv, strlen(rv) + 1);
}

static bool end_with(struct cf_kube_watch *w, enum verdict verdict)
{
    w->verdict = verdict;
    return false;
}

/* An ERROR event carries a Status: mostly that our version has expired. */
static bool on_error_event(struct cf_kube_watch *w, const json_t *status)
{
    cf_kube_status_error_json(0, status, 0, false, &w->problem);
    return end_with(w, w->problem.upstream == 410 ? VERDICT_RELIST : VERDICT_BROKEN);
}

static bool on_line(void *arg, const char *line, size_t len)
{
    static const struct {
        const char *name;
        enum cf_watch_event_type type;
    } types[] = {
        { "ADDED", CF_WATCH_PUT },
        { "MODIFIED", CF_WATCH_PUT },
        { "DELETED", CF_WATCH_GONE },
        { "BOOKMARK", CF_WATCH_ALIVE },
    };
    struct cf_kube_watch *w = arg;
    cf_autojson json_t *event = cf_json_parse(line, len, CF_WATCH_LINE_MAX, &w->problem);
    if (!event)
        return end_with(w, VERDICT_RELIST);
    const char *type = cf_json_str(event, "", "type", NULL);
    json_t *object = json_object_get(event, "object");
    if (strcmp(type, "ERROR") == 0)
        return on_error_event(w, object);
    for (size_t i = 0; i < CF_ARRAY_LEN(types); i++) {
        if (strcmp(type, types[i].name) != 0 || !json_is_object(object))
            continue;
        note_version(w, object);
        tell(w, types[i].type, types[i].type == CF_WATCH_ALIVE ? NULL : object, NULL);
        return true;
    }
    return true; /* a kind of event that came after us */
}

/* One page of the list; false: it was none. */
static bool on_page(struct cf_kube_watch *w, struct cf_error *err)
{
    cf_autojson json_t *page =
        cf_json_parse(cf_buf_str(&w->body), w->body.len, CF_KUBE_PAGE_BYTES_MAX, err);
    if (!page)
        return cf_error_wrap(err, "list %s", w->resource.plural);
    if (w->first_page)
        tell(w, CF_WATCH_RELIST, NULL, NULL);
    w->first_page = false;
    const json_t *items = cf_json_at(page, "items", NULL);
    for (size_t i = 0; i < json_array_size(items); i++)
        tell(w, CF_WATCH_OBJECT, json_array_get(items, i), NULL);
    free(w->token);
    w->token = cf_xstrdup(cf_json_str(page, "", "metadata", "continue", NULL));
    if (w->token[0] == '\0') {
        note_version(w, page);
        tell(w, CF_WATCH_SYNCED, NULL, NULL);
        w->phase = PHASE_WATCH;
    }
    return true;
}

/* --- callbacks of the port --- */

/* Between these two the watch is not freed. */
static bool enter(struct cf_kube_watch *w)
{
    CF_LOCKED(&w->lock);
    w->busy = !w->stopped;
    return w->busy;
}

static void leave(struct cf_kube_watch *w)
{
    CF_LOCKED(&w->lock);
    w->busy = false;
    pthread_cond_broadcast(&w->cond);
}

static bool on_start(void *arg, int status, int64_t retry_after_ms)
{
    struct cf_kube_watch *w = arg;
    w->status = status;
    w->retry_after_ms = retry_after_ms;
    return true;
}

static bool on_chunk(void *arg, const void *data, size_t len)
{
    struct cf_kube_watch *w = arg;
    if (!enter(w))
        return false;
    bool ok = true, too_long = false;
    if (w->phase == PHASE_WATCH && w->status == 200) {
        ok = kube_lines_feed(&w->lines, data, len, on_line, w, &too_long);
    } else {
        cf_buf_append(&w->body, data, len);
        ok = !(too_long = w->body.overflow);
    }
    if (too_long) {
        cf_error_set(&w->problem, CF_ERR_LIMIT, "watch %s: an event or page is too large",
                     w->resource.plural);
        w->verdict = VERDICT_RELIST;
    }
    leave(w);
    return ok;
}

/* What is wrong with the stream that ended, if anything. */
static bool judge_end(struct cf_kube_watch *w, const struct cf_error *why, struct cf_error *out)
{
    if (w->problem.kind)
        *out = w->problem;
    else if (w->status != 200 && w->status != 0)
        cf_kube_status_error(w->status, cf_buf_str(&w->body), w->body.len, w->retry_after_ms, false,
                             out);
    else if (why->kind)
        *out = *why;
    else if (w->phase == PHASE_LIST && !on_page(w, out))
        return false;
    return out->kind == CF_ERR_NONE;
}

static void ended(struct cf_kube_watch *w, const struct cf_error *why)
{
    struct cf_error err = CF_ERROR_INIT;
    bool was_watch = w->phase == PHASE_WATCH;
    if (judge_end(w, why, &err)) {
        /* the server ended it as we asked it to; one that ends at once is not hurried back to */
        bool quick = was_watch && !w->had_events && cf_mono_now_ms() - w->opened_ms < QUICK_END_MS;
        go_on(w, quick ? next_delay_ms(w) : 0);
        return;
    }
    bool expired = err.upstream == 410;
    bool first_time = expired && was_watch && w->backoff_ms == 0;
    w->retry_after_ms = CF_MAX(w->retry_after_ms, err.retry_after_ms);
    int64_t delay_ms = next_delay_ms(w);
    tell(w, CF_WATCH_TROUBLE, NULL, &err);
    if (expired || w->verdict == VERDICT_RELIST || !was_watch)
        list_anew(w, first_time ? 0 : delay_ms);
    else
        go_on(w, delay_ms);
}

static void on_end(void *arg, const struct cf_error *why)
{
    struct cf_kube_watch *w = arg;
    if (!enter(w))
        return;
    ended(w, why);
    leave(w);
}

/* --- life --- */

static void watch_free(struct cf_kube_watch *w)
{
    cf_buf_free(&w->body);
    kube_lines_free(&w->lines);
    free(w->ns);
    free(w->label_selector);
    free(w->field_selector);
    free(w->token);
    pthread_cond_destroy(&w->cond);
    pthread_mutex_destroy(&w->lock);
    cf_kube_unref(w->k);
    free(w);
}

static char *copy_or_null(const char *s)
{
    return s && s[0] ? cf_xstrdup(s) : NULL;
}

struct cf_kube_watch *cf_kube_watch_start(struct cf_kube *k, const struct cf_kube_how *how,
                                          const struct cf_watch_options *options, cf_watch_fn *fn,
                                          void *arg, struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    struct cf_kube_resource resource;
    if (!k->ops->stream_open) {
        cf_error_set(err, CF_ERR_BUG, "this client cannot watch");
        return NULL;
    }
    if (!kube_resource_of(&span, options->api_version, options->kind, &resource, err))
        return NULL;
    struct cf_kube_watch *w = cf_xcalloc(1, sizeof *w);
    w->k = cf_kube_ref(k);
    w->resource = resource;
    snprintf(w->api_version, sizeof w->api_version, "%s", options->api_version);
    w->ns = copy_or_null(options->ns);
    w->label_selector = copy_or_null(options->label_selector);
    w->field_selector = copy_or_null(options->field_selector);
    w->stall_ms = options->stall_ms > 0 ? options->stall_ms : CF_WATCH_STALL_MS_DEFAULT;
    w->fn = fn;
    w->arg = arg;
    w->token = cf_xstrdup("");
    w->first_page = true;
    w->body = CF_BUF_INIT(CF_KUBE_PAGE_BYTES_MAX);
    w->lines = KUBE_LINES_INIT(CF_WATCH_LINE_MAX);
    w->dice = (uint32_t)((uintptr_t)w >> 4) ^ (uint32_t)cf_mono_now_ms();
    pthread_mutex_init(&w->lock, NULL);
    cf_cond_init(&w->cond);
    bool opened;
    {
        CF_LOCKED(&w->lock); /* the first callback waits until the stream is noted */
        w->stream = open_stream(w, 0, err);
        opened = w->stream != NULL;
    }
    if (opened)
        return w;
    watch_free(w);
    return NULL;
}

void cf_kube_watch_stop(struct cf_kube_watch *w)
{
    if (!w)
        return;
    struct cf_kube_stream *open;
    {
        CF_LOCKED(&w->lock);
        w->stopped = true;
        while (w->busy)
            pthread_cond_wait(&w->cond, &w->lock);
        open = cf_steal(&w->stream);
    }
    if (open)
        w->k->ops->stream_close(w->k->self, open);
    watch_free(w);
}

int64_t cf_kube_watch_last_seen_ms(const struct cf_kube_watch *w)
{
    return atomic_load(&w->last_seen_ms);
}

bool cf_kube_watch_synced(const struct cf_kube_watch *w)
{
    return atomic_load(&w->synced);
}
