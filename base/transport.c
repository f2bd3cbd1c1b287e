/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: one thread, one curl multi handle, and messages from everybody else.
 *
 * Callers post START and END for jobs; the loop puts them on the wire, takes them off, and tells
 * who waits. It never blocks but in curl_multi_poll, which a message ends. */
#include <errno.h>
#include <string.h>

#include "base/thread.h"
#include "base/transport_internal.h"

enum message_kind { MESSAGE_START, MESSAGE_END };

struct message {
    enum message_kind kind;
    struct transport_job *job; /* a reference */
};

struct job_list {
    struct transport_job *first;
    int n;
};

struct cf_transport {
    CURLM *multi;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows up to the blank line */
    pthread_cond_t left;  /* signalled when the last caller has gone */
    int callers;          /* blocked in cf_http_call */
    struct message *inbox;
    size_t n_inbox, cap_inbox;
    bool stopping;
    struct cf_transport_stats stats;

    /* the loop's own */
    struct job_list delayed, running;
    int running_downloads;
    CURL *idle[TRANSPORT_IDLE_EASY_MAX];
    size_t n_idle;
    int64_t next_look_ms; /* when a timer of some download may be due */
};

/* --- messages --- */

static void tell(struct transport_job *j, CURLcode code, bool stopped);

static void post(struct transport_job *j, enum message_kind kind)
{
    struct cf_transport *t = j->t;
    bool too_late = false;
    transport_job_ref(j);
    {
        CF_LOCKED(&t->lock);
        too_late = t->stopping && kind == MESSAGE_START;
        if (t->n_inbox == t->cap_inbox) {
            t->cap_inbox = t->cap_inbox ? 2 * t->cap_inbox : 64;
            t->inbox = cf_xrealloc(t->inbox, t->cap_inbox * sizeof *t->inbox);
        }
        t->inbox[t->n_inbox++] = (struct message){ kind, j };
        if (kind == MESSAGE_START && j->kind == TRANSPORT_CALL)
            t->stats.calls++;
    }
    if (too_late)
        tell(j, CURLE_ABORTED_BY_CALLBACK, true);
    curl_multi_wakeup(t->multi);
}

void transport_start(struct transport_job *j)
{
    post(j, MESSAGE_START);
}

void transport_end(struct transport_job *j)
{
    post(j, MESSAGE_END);
}

bool transport_is_own_thread(const struct cf_transport *t)
{
    return pthread_equal(pthread_self(), t->thread);
}

void transport_count_retry(struct cf_transport *t)
{
    CF_LOCKED(&t->lock);
    t->stats.retries++;
}

void transport_caller_enters(struct cf_transport *t)
{
    CF_LOCKED(&t->lock);
    t->callers++;
}

void transport_caller_leaves(struct cf_transport *t, bool failed)
{
    CF_LOCKED(&t->lock);
    t->stats.failures += failed;
    if (--t->callers == 0)
        pthread_cond_signal(&t->left);
}

void cf_transport_stats(struct cf_transport *t, struct cf_transport_stats *out)
{
    CF_LOCKED(&t->lock);
    *out = t->stats;
}

/* --- lists; each list holds a reference --- */

static void link_in(struct job_list *l, struct transport_job *j, enum transport_job_place place)
{
    transport_job_ref(j);
    j->place = place;
    j->prev = NULL;
    j->next = l->first;
    if (l->first)
        l->first->prev = j;
    l->first = j;
    l->n++;
}

static void link_out(struct cf_transport *t, struct transport_job *j)
{
    struct job_list *l = j->place == JOB_DELAYED ? &t->delayed : &t->running;
    if (j->prev)
        j->prev->next = j->next;
    else
        l->first = j->next;
    if (j->next)
        j->next->prev = j->prev;
    l->n--;
    j->place = JOB_NOWHERE;
    transport_job_unref(j);
}

/* --- on and off the wire --- */

void transport_look_at(struct cf_transport *t, int64_t ms)
{
    t->next_look_ms = CF_MIN(t->next_look_ms, ms);
}

static void tell_call(struct transport_job *j, CURLcode code, bool stopped)
{
    CF_LOCKED(&j->lock);
    j->code = code;
    j->stopped = stopped;
    j->done = true;
    pthread_cond_signal(&j->cond);
}

static void tell(struct transport_job *j, CURLcode code, bool stopped)
{
    if (j->kind == TRANSPORT_CALL)
        tell_call(j, code, stopped);
    else
        transport_download_ended(j, code, stopped);
}

/* Takes a job off whatever list it is on, keeps its handle for the next. The caller holds a
 * reference. */
static void take_off(struct cf_transport *t, struct transport_job *j)
{
    if (j->place == JOB_NOWHERE)
        return;
    if (j->place == JOB_RUNNING) {
        t->running_downloads -= j->kind == TRANSPORT_DOWNLOAD;
        cf_assert(curl_multi_remove_handle(t->multi, j->easy) == CURLM_OK);
        CURL *easy = transport_job_release_easy(j);
        if (t->n_idle < TRANSPORT_IDLE_EASY_MAX)
            t->idle[t->n_idle++] = easy;
        else
            curl_easy_cleanup(easy);
    }
    link_out(t, j);
}

static void put_on_wire(struct cf_transport *t, struct transport_job *j)
{
    CURL *easy = t->n_idle > 0 ? t->idle[--t->n_idle] : curl_easy_init();
    cf_assert(easy);
    transport_job_prepare(j, easy);
    cf_assert(curl_multi_add_handle(t->multi, easy) == CURLM_OK);
    link_in(&t->running, j, JOB_RUNNING);
    if (j->kind == TRANSPORT_DOWNLOAD) {
        t->running_downloads++;
        int64_t start_ms = j->options.start_ms > 0 ? j->options.start_ms : 30000;
        j->limit_ms = j->begun_ms + start_ms;
        j->end_ms = j->options.total_ms > 0 ? j->begun_ms + j->options.total_ms : 0;
        transport_look_at(t, transport_download_next_ms(j));
    }
}

static void start(struct cf_transport *t, struct transport_job *j)
{
    if (atomic_load(&j->unwanted))
        return; /* its END came first */
    if (j->kind == TRANSPORT_DOWNLOAD && j->options.delay_ms > 0) {
        j->due_ms = cf_mono_now_ms() + j->options.delay_ms;
        link_in(&t->delayed, j, JOB_DELAYED);
        transport_look_at(t, j->due_ms);
        return;
    }
    put_on_wire(t, j);
}

/* Carries out what was posted; false when the transport is being freed. */
static bool read_inbox(struct cf_transport *t)
{
    struct message *messages;
    size_t n;
    bool stopping;
    {
        CF_LOCKED(&t->lock);
        messages = cf_steal(&t->inbox);
        n = t->n_inbox;
        t->n_inbox = t->cap_inbox = 0;
        stopping = t->stopping;
    }
    for (size_t i = 0; i < n; i++) {
        struct transport_job *j = messages[i].job;
        if (messages[i].kind == MESSAGE_START)
            start(t, j);
        else
            take_off(t, j);
        transport_job_unref(j);
    }
    free(messages);
    return !stopping;
}

static void finish(struct cf_transport *t, struct transport_job *j, CURLcode code, bool stopped)
{
    transport_job_ref(j);
    if (j->place == JOB_RUNNING && j->kind == TRANSPORT_CALL && code == CURLE_OK)
        j->reply.elapsed_ms = cf_mono_now_ms() - j->begun_ms;
    long connects = 0, os_errno = 0;
    if (j->easy) {
        curl_easy_getinfo(j->easy, CURLINFO_NUM_CONNECTS, &connects);
        curl_easy_getinfo(j->easy, CURLINFO_OS_ERRNO, &os_errno);
    }
    j->refused = code == CURLE_COULDNT_CONNECT && os_errno == ECONNREFUSED;
    take_off(t, j);
    {
        CF_LOCKED(&t->lock);
        t->stats.connections += (uint64_t)connects;
    }
    tell(j, code, stopped);
    transport_job_unref(j);
}

static void read_results(struct cf_transport *t)
{
    int left;
    for (CURLMsg *m = curl_multi_info_read(t->multi, &left); m;
         m = curl_multi_info_read(t->multi, &left)) {
        if (m->msg != CURLMSG_DONE)
            continue;
        char *private = NULL;
        CURLcode code = m->data.result; /* the message goes when the handle does */
        cf_assert(curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private) == CURLE_OK);
        finish(t, (struct transport_job *)(void *)private, code, false);
    }
}

/* --- timers of downloads --- */

static void look_around(struct cf_transport *t)
{
    int64_t now_ms = cf_mono_now_ms();
    if (now_ms < t->next_look_ms)
        return;
    t->next_look_ms = INT64_MAX;
    for (struct transport_job *j = t->delayed.first, *next; j; j = next) {
        next = j->next;
        if (j->due_ms > now_ms) {
            transport_look_at(t, j->due_ms);
            continue;
        }
        transport_job_ref(j);
        link_out(t, j);
        put_on_wire(t, j);
        transport_job_unref(j);
    }
    for (struct transport_job *j = t->running.first, *next; j; j = next) {
        next = j->next;
        if (j->kind != TRANSPORT_DOWNLOAD)
            continue;
        int64_t due_ms = transport_download_next_ms(j);
        if (due_ms > now_ms) {
            transport_look_at(t, due_ms);
            continue;
        }
        j->stalled = true;
        finish(t, j, CURLE_OPERATION_TIMEDOUT, false);
    }
}

static void publish_counts(struct cf_transport *t)
{
    CF_LOCKED(&t->lock);
    t->stats.in_flight = t->running.n - t->running_downloads;
    t->stats.streams = t->running_downloads + t->delayed.n;
}

/* --- the thread --- */

static void end_all(struct cf_transport *t)
{
    read_inbox(t);
    while (t->delayed.first)
        finish(t, t->delayed.first, CURLE_ABORTED_BY_CALLBACK, true);
    while (t->running.first)
        finish(t, t->running.first, CURLE_ABORTED_BY_CALLBACK, true);
}

static void *loop(void *arg)
{
    struct cf_transport *t = arg;
    while (read_inbox(t)) {
        int active = 0;
        cf_assert(curl_multi_perform(t->multi, &active) == CURLM_OK);
        read_results(t);
        look_around(t);
        publish_counts(t);
        int64_t sleep_ms = t->next_look_ms == INT64_MAX ? TRANSPORT_POLL_MS_MAX
                                                        : t->next_look_ms - cf_mono_now_ms();
        sleep_ms = CF_MAX(0, CF_MIN(sleep_ms, TRANSPORT_POLL_MS_MAX));
        cf_assert(curl_multi_poll(t->multi, NULL, 0, (int)sleep_ms, NULL) == CURLM_OK);
    }
    end_all(t);
    return NULL;
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    cf_assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

struct cf_transport *cf_transport_new(const struct cf_transport_options *options,
                                      struct cf_error *err)
{
    static const struct cf_transport_options usual = { .name = "transport" };
    const struct cf_transport_options *o = options ? options : &usual;
    pthread_once(&curl_once, init_curl);
    struct cf_transport *t = cf_xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    cf_cond_init(&t->left);
    t->next_look_ms = INT64_MAX;
    t->multi = curl_multi_init();
    cf_assert(t->multi);
    curl_multi_setopt(t->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(t->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)(o->max_host_connections > 0 ? o->max_host_connections : 16));
    curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS,
                      (long)(o->max_idle_connections > 0 ? o->max_idle_connections : 256));
    if (!cf_thread_start(&t->thread, o->name ? o->name : usual.name, loop, t, err)) {
        curl_multi_cleanup(t->multi);
        pthread_cond_destroy(&t->left);
        pthread_mutex_destroy(&t->lock);
        free(t);
        return NULL;
    }
    return t;
}

void cf_transport_free(struct cf_transport *t)
{
    if (!t)
        return;
    {
        CF_LOCKED(&t->lock);
        t->stopping = true;
    }
    curl_multi_wakeup(t->multi);
    pthread_join(t->thread, NULL);
    {
        CF_LOCKED(&t->lock);
        while (t->callers > 0) /* they have been told: this is a moment */
            pthread_cond_wait(&t->left, &t->lock);
    }
    for (size_t i = 0; i < t->n_inbox; i++) /* ENDs that came last */
        transport_job_unref(t->inbox[i].job);
    free(t->inbox);
    for (size_t i = 0; i < t->n_idle; i++)
        curl_easy_cleanup(t->idle[i]);
    curl_multi_cleanup(t->multi);
    pthread_cond_destroy(&t->left);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
