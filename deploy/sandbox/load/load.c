/* SPDX-License-Identifier: Apache-2.0 */
/* Loads: one thread each that sends when a request is due, one client for all, a book each. */
#include "deploy/sandbox/load/load.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "base/thread.h"
#include "deploy/sandbox/load/book.h"

enum { REQUEST_MAX = 8192, BODY_MAX = 64, FOREVER = -1, CANCEL_AGAIN_MS = 50 };

struct load {
    LIST_ENTRY(load) row;
    int id;
    struct sbx_loads *loads;
    char *url, *host;
    double rps;
    bool writes;
    int64_t duration_ms;
    char request_text[REQUEST_MAX];
    struct sbx_wire_request request;
    struct sbx_book *book;
    pthread_t thread;
    pthread_cond_t cond;
    /* Guarded by the loads' lock. */
    unsigned char *acknowledged; /* a bit per request of a load that writes */
    bool stopping, sending;
    int in_flight;
    int waiters; /* calls that use it: it is not freed meanwhile */
};

struct sbx_loads {
    pthread_mutex_t lock;
    struct sbx_wire *wire;
    int last_id, n;
    LIST_HEAD(, load) rows;
};

/* One request on its way. */
struct shot {
    struct load *load;
    int64_t n, begin_ns;
};

static int64_t unix_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- sending */

static void on_done(void *user, const struct sbx_wire_answer *answer)
{
    struct shot *s = user;
    struct load *l = s->load;
    sbx_book_add(l->book, s->n, s->begin_ns, answer);
    int64_t n = s->n;
    free(s);
    CF_LOCKED(&l->loads->lock);
    if (l->acknowledged && !answer->error && answer->status >= 200 && answer->status < 300)
        l->acknowledged[n / 8] |= (unsigned char)(1 << n % 8);
    l->in_flight--;
    pthread_cond_broadcast(&l->cond);
}

/* The body of a write: a word of this load's and the request's number. */
static void send_one(struct load *l, int64_t n, struct shot *s)
{
    struct sbx_wire_request request = l->request;
    char text[REQUEST_MAX + BODY_MAX], body[BODY_MAX];
    if (l->writes) {
        int len = snprintf(body, sizeof(body), "load-%d-%lld", l->id, (long long)n);
        request.len = (size_t)snprintf(text, sizeof(text), "%sContent-Length: %d\r\n\r\n%s",
                                       l->request_text, len, body);
        request.bytes = text;
    }
    sbx_wire_send(l->loads->wire, &request, on_done, s);
}

/* With the lock held. */
static void shoot(struct load *l, int64_t n)
{
    bool full = l->in_flight >= SBX_LOAD_IN_FLIGHT;
    if (!full)
        l->in_flight++;
    pthread_mutex_unlock(&l->loads->lock);
    if (full) {
        sbx_book_add(l->book, n, unix_ns(), NULL);
    } else {
        struct shot *s = cf_xcalloc(1, sizeof(*s));
        *s = (struct shot){ .load = l, .n = n, .begin_ns = unix_ns() };
        send_one(l, n, s);
    }
    pthread_mutex_lock(&l->loads->lock);
}

/* Request n is due at begin + n/rate; a generator that falls behind catches up at once: what is
 * sent depends on the clock alone. */
static void *run(void *arg)
{
    struct load *l = arg;
    int64_t begin = cf_mono_now_ms();
    int64_t end = l->duration_ms ? begin + l->duration_ms : INT64_MAX;
    pthread_mutex_lock(&l->loads->lock);
    for (int64_t n = 0; !l->stopping; n++) {
        int64_t due = begin + (int64_t)((double)n / l->rps * 1000.0);
        while (!l->stopping && cf_mono_now_ms() < CF_MIN(due, end))
            cf_cond_wait_until(&l->cond, &l->loads->lock, CF_MIN(due, end));
        if (l->stopping || due >= end || (l->writes && n == SBX_LOAD_WRITES_MAX))
            break;
        shoot(l, n);
    }
    while (l->in_flight > 0)
        pthread_cond_wait(&l->cond, &l->loads->lock);
    l->sending = false;
    pthread_cond_broadcast(&l->cond);
    pthread_mutex_unlock(&l->loads->lock);
    return NULL;
}

/* ---- starting */

/* http://127.0.0.1:8080/path into the request. */
static bool take_url(struct load *l, const struct sbx_load_options *o, struct cf_error *err)
{
    char address[SBX_WIRE_ADDRESS];
    int port = 80;
    int used = 0;
    struct in_addr ignored;
    if (sscanf(o->url, "http://%15[0-9.]%n", address, &used) != 1 ||
        inet_pton(AF_INET, address, &ignored) != 1)
        return cf_error_set(
            err, CF_ERR_INVALID,
            "the URL must be http://, a numeric IPv4 address, a port and a path: %s", o->url);
    const char *rest = o->url + used;
    int more = 0;
    if (*rest == ':' && (sscanf(rest, ":%5d%n", &port, &more) != 1 || port <= 0 || port > 65535))
        return cf_error_set(err, CF_ERR_INVALID, "the URL's port must be from 1 to 65535: %s",
                            o->url);
    rest += more;
    if (*rest && *rest != '/')
        return cf_error_set(err, CF_ERR_INVALID, "the URL's path must start with a slash: %s",
                            o->url);
    for (const char *c = o->url; *c; c++)
        if ((unsigned char)*c <= ' ')
            return cf_error_set(err, CF_ERR_INVALID,
                                "the URL has white space or control characters");
    const char *host = o->host && *o->host ? o->host : NULL;
    const char *texts[] = { host ? host : "", o->header ? o->header : "" };
    for (size_t i = 0; i < CF_ARRAY_LEN(texts); i++)
        if (strpbrk(texts[i], "\r\n"))
            return cf_error_set(err, CF_ERR_INVALID, "a header has a line end");
    l->host = host ? cf_xstrdup(host) : cf_xasprintf("%s:%d", address, port);
    int len = snprintf(
        l->request_text, sizeof(l->request_text),
        "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: crossfade-sandbox\r\nAccept: */*\r\n%s%s%s",
        o->writes ? "POST" : "GET", *rest ? rest : "/", l->host, o->header ? o->header : "",
        o->header ? "\r\n" : "", o->writes ? "" : "\r\n");
    if (len >= (int)sizeof(l->request_text))
        return cf_error_set(err, CF_ERR_LIMIT, "the request would be longer than %d bytes",
                            REQUEST_MAX);
    l->request =
        (struct sbx_wire_request){ .port = port, .bytes = l->request_text, .len = (size_t)len };
    memcpy(l->request.address, address, sizeof(address));
    l->request.timeout_ms = o->timeout_ms ? o->timeout_ms : SBX_LOAD_TIMEOUT_MS;
    return true;
}

static void load_free(struct load *l)
{
    sbx_book_free(l->book);
    pthread_cond_destroy(&l->cond);
    free(l->url);
    free(l->host);
    free(l->acknowledged);
    free(l);
}

static bool check(const struct sbx_load_options *o, struct cf_error *err)
{
    if (!o->url)
        return cf_error_set(err, CF_ERR_INVALID, "a URL is missing");
    if (!(o->rps > 0 && o->rps <= SBX_LOAD_RPS_MAX))
        return cf_error_set(err, CF_ERR_INVALID,
                            "the rate must be above 0 and at most %d requests a second",
                            SBX_LOAD_RPS_MAX);
    if (o->duration_ms < 0 || o->timeout_ms < 0)
        return cf_error_set(err, CF_ERR_INVALID, "durations must not be negative");
    return true;
}

bool sbx_load_start(struct sbx_loads *loads, const struct sbx_load_options *options, int *out_id,
                    struct cf_error *err)
{
    if (!check(options, err))
        return false;
    struct load *l = cf_xcalloc(1, sizeof(*l));
    cf_cond_init(&l->cond);
    l->loads = loads;
    l->rps = options->rps;
    l->writes = options->writes;
    l->acknowledged = l->writes ? cf_xcalloc(SBX_LOAD_WRITES_MAX / 8 + 1, 1) : NULL;
    l->duration_ms = options->duration_ms;
    l->url = cf_xstrdup(options->url);
    l->sending = true;
    if (!take_url(l, options, err) || !(l->book = sbx_book_open(options->log_path, err))) {
        load_free(l);
        return false;
    }
    CF_LOCKED(&loads->lock);
    if (loads->n == SBX_LOADS_MAX) {
        load_free(l);
        return cf_error_set(err, CF_ERR_LIMIT, "there are %d loads already", SBX_LOADS_MAX);
    }
    l->id = loads->last_id + 1;
    if (!cf_thread_start(&l->thread, "load", run, l, err)) {
        load_free(l);
        return false;
    }
    *out_id = ++loads->last_id;
    loads->n++;
    LIST_INSERT_HEAD(&loads->rows, l, row);
    return true;
}

/* ---- asking and stopping */

/* With the lock held. */
static struct load *find(struct sbx_loads *loads, int id)
{
    struct load *l;
    LIST_FOREACH(l, &loads->rows, row)
    {
        if (l->id == id)
            return l;
    }
    return NULL;
}

/* Waits until it does not send any more. With the lock held. */
static bool wait_end(struct load *l, int64_t until_ms)
{
    l->waiters++;
    while (l->sending && (until_ms == FOREVER || cf_mono_now_ms() < until_ms)) {
        if (until_ms == FOREVER)
            pthread_cond_wait(&l->cond, &l->loads->lock);
        else
            cf_cond_wait_until(&l->cond, &l->loads->lock, until_ms);
    }
    l->waiters--;
    pthread_cond_broadcast(&l->cond);
    return !l->sending;
}

static void stop(struct load *l)
{
    l->stopping = true;
    pthread_cond_broadcast(&l->cond);
    wait_end(l, FOREVER);
}

static json_t *summary(struct load *l)
{
    json_t *s = sbx_book_summary(l->book);
    json_object_set_new(s, "id", json_integer(l->id));
    json_object_set_new(s, "url", json_string(l->url));
    json_object_set_new(s, "host", json_string(l->host));
    json_object_set_new(s, "rps", json_real(l->rps));
    json_object_set_new(s, "running", json_boolean(l->sending));
    return s;
}

json_t *sbx_load_summary(struct sbx_loads *loads, int id)
{
    CF_LOCKED(&loads->lock);
    struct load *l = find(loads, id);
    return l ? summary(l) : NULL;
}

json_t *sbx_loads_list(struct sbx_loads *loads)
{
    json_t *all = json_array();
    CF_LOCKED(&loads->lock);
    struct load *l;
    LIST_FOREACH(l, &loads->rows, row)
    {
        json_array_append_new(all, summary(l));
    }
    return all;
}

json_t *sbx_load_acknowledged(struct sbx_loads *loads, int id)
{
    CF_LOCKED(&loads->lock);
    const struct load *l = find(loads, id);
    if (!l || !l->writes)
        return NULL;
    json_t *numbers = json_array();
    for (int64_t n = 0; n < SBX_LOAD_WRITES_MAX; n++)
        if (l->acknowledged[n / 8] >> n % 8 & 1)
            json_array_append_new(numbers, json_integer((json_int_t)n));
    cf_autofree char *prefix = cf_xasprintf("load-%d-", id);
    return json_pack("{s:s,s:o}", "prefix", prefix, "acknowledged", numbers);
}

bool sbx_load_stop(struct sbx_loads *loads, int id)
{
    CF_LOCKED(&loads->lock);
    struct load *l = find(loads, id);
    if (l)
        stop(l);
    return l;
}

bool sbx_load_wait(struct sbx_loads *loads, int id, int64_t ms)
{
    CF_LOCKED(&loads->lock);
    struct load *l = find(loads, id);
    return !l || wait_end(l, cf_mono_now_ms() + ms);
}

bool sbx_load_drop(struct sbx_loads *loads, int id)
{
    pthread_mutex_lock(&loads->lock);
    struct load *l = find(loads, id);
    if (l) {
        LIST_REMOVE(l, row); /* nobody else finds it any more */
        loads->n--;
        stop(l);
        while (l->waiters > 0)
            pthread_cond_wait(&l->cond, &loads->lock);
    }
    pthread_mutex_unlock(&loads->lock);
    if (!l)
        return false;
    pthread_join(l->thread, NULL);
    load_free(l);
    return true;
}

struct sbx_loads *sbx_loads_new(struct cf_error *err)
{
    struct sbx_loads *loads = cf_xcalloc(1, sizeof(*loads));
    pthread_mutex_init(&loads->lock, NULL);
    loads->wire = sbx_wire_start("load-wire", err);
    if (!loads->wire) {
        sbx_loads_free(loads);
        return NULL;
    }
    return loads;
}

void sbx_loads_free(struct sbx_loads *loads)
{
    if (!loads)
        return;
    struct load *l;
    while ((l = LIST_FIRST(&loads->rows))) {
        pthread_mutex_lock(&loads->lock);
        l->stopping = true;
        pthread_cond_broadcast(&l->cond);
        do /* again, since one more may have been on its way */
            sbx_wire_cancel(loads->wire, SBX_WIRE_ALL);
        while (!wait_end(l, cf_mono_now_ms() + CANCEL_AGAIN_MS));
        pthread_mutex_unlock(&loads->lock);
        sbx_load_drop(loads, l->id);
    }
    sbx_wire_stop(loads->wire);
    pthread_mutex_destroy(&loads->lock);
    free(loads);
}
