/* SPDX-License-Identifier: Apache-2.0 */
/* Exposition text read directly from gateways: the freshest source, up to five times a second.
 *
 * All places are asked at once. Each gets a time that it usually needs a third of, so that one that hangs takes little from the
 * look of the others, and after being late it is left out for some seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/transport.h"
#include "orchestrator/gate/at_once.h"
#include "orchestrator/gate/collector.h"
#include "orchestrator/gate/limits.h"
#include "orchestrator/gate/promtext.h"

/* One URL. */
struct place {
    struct cf_endpoint *endpoint;
    int64_t usual_ms; /* what its last answer took; 0: it never answered */
    int64_t again_ms; /* monotonic: not before, after it was late; 0: now */
    int late;         /* times in a row */
};

struct scrape {
    struct cf_transport *transport;
    struct place *places;
    size_t count;
    struct cf_naming_memory *memory;
};

/* One read of all places. */
struct round {
    struct scrape *scrape;
    pthread_mutex_t mutex; /* guards the collector: texts are parsed one by one */
    struct cf_collector *collector;
    int64_t deadline_ms;
    bool all;                /* none may be left out */
    struct cf_error *errors; /* by place */
};

/* While one text is parsed. */
struct pass {
    struct cf_collector *collector;
    size_t place;
    int64_t at_ms;
};

static bool want(void *user, const char *metric)
{
    const struct pass *pass = user;
    return cf_collector_wants_metric(pass->collector, metric);
}

static void take(void *user, const struct cf_promtext_sample *sample)
{
    const struct pass *pass = user;
    /* tells the same series of two gateways apart */
    uint64_t salt = (uint64_t)pass->place * 0x9e3779b97f4a7c15ULL;
    cf_collector_take(pass->collector, sample->name, cf_promtext_label, sample,
                      cf_promtext_series(sample, "le") ^ salt, (uint8_t)pass->place, pass->at_ms,
                      sample->value);
}

/* ---- one place ---- */

static int64_t time_of(const struct round *r, const struct place *p, int64_t now)
{
    if (r->scrape->count == 1)
        return r->deadline_ms;
    int64_t ms = p->usual_ms ? CF_MAX(3 * p->usual_ms, (int64_t)CF_GATE_PLACE_MS_MIN)
                             : CF_GATE_PLACE_MS_FIRST;
    return CF_MIN(r->deadline_ms, now + ms);
}

static void learn(struct place *p, const struct cf_error *err, int64_t began)
{
    int64_t now = cf_mono_now_ms();
    if (strcmp(err->reason, "Timeout") != 0) {
        p->usual_ms = err->kind == CF_ERR_NONE ? CF_MAX(now - began, (int64_t)1) : p->usual_ms;
        p->again_ms = p->late = 0;
        return;
    }
    p->usual_ms *= 2; /* it may only have become slower */
    int64_t pause = (int64_t)1000 << CF_MIN(p->late, 3);
    p->again_ms = now + CF_MIN(pause, (int64_t)CF_GATE_PLACE_AGAIN_MS_MAX);
    p->late++;
}

static bool fetch(struct round *r, size_t i, int64_t deadline_ms, struct cf_error *err)
{
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    struct cf_endpoint *endpoint = r->scrape->places[i].endpoint;
    struct cf_http_call_request request = {
        .path = "",
        .accept = "text/plain;version=0.0.4",
        .deadline_ms = deadline_ms,
        .response_max = CF_GATE_REPLY_MAX,
    };
    const char *url = cf_endpoint_url(endpoint);
    if (!cf_http_call(r->scrape->transport, endpoint, &request, &reply, err))
        return cf_error_wrap(err, "metrics at %s", url);
    if (reply.status != 200)
        return cf_error_set(err, CF_ERR_UNAVAILABLE, "metrics at %s: HTTP status %d", url,
                            reply.status);
    struct pass pass = {
        .collector = r->collector,
        .place = i,
        .at_ms = cf_wall_ms(&cf_clock_real),
    };
    CF_LOCKED(&r->mutex);
    if (reply.body.len &&
        !cf_promtext_parse(reply.body.data, reply.body.len, want, take, &pass, err))
        return cf_error_wrap(err, "metrics at %s", url);
    return true;
}

static void read_place(void *arg, size_t i)
{
    struct round *r = arg;
    struct place *p = &r->scrape->places[i];
    int64_t now = cf_mono_now_ms();
    if (!r->all && now < p->again_ms) {
        cf_error_set(&r->errors[i], CF_ERR_UNAVAILABLE, "metrics at %s: no answer in time",
                     cf_endpoint_url(p->endpoint));
        return;
    }
    if (fetch(r, i, time_of(r, p, now), &r->errors[i]))
        cf_assert(r->errors[i].kind == CF_ERR_NONE);
    learn(p, &r->errors[i], now);
}

/* ---- all places ---- */

/* Whether one place at least would be asked. */
static bool any_due(const struct scrape *s)
{
    int64_t now = cf_mono_now_ms();
    for (size_t i = 0; i < s->count; i++)
        if (now >= s->places[i].again_ms)
            return true;
    return false;
}

/* What every reading says about the places that are missing; *out_first is the first of them. */
static uint64_t missing_places(const struct round *r, char why[CF_ERROR_FIELD_MAX],
                               const struct cf_error **out_first)
{
    uint64_t missing = 0;
    size_t n = 0;
    for (size_t i = 0; i < r->scrape->count; i++) {
        if (r->errors[i].kind == CF_ERR_NONE)
            continue;
        *out_first = n == 0 ? &r->errors[i] : *out_first;
        missing |= (uint64_t)1 << i;
        n++;
    }
    why[0] = '\0';
    if (n > 0)
        (void)snprintf(why, CF_ERROR_FIELD_MAX, "%zu of %zu places: %.120s", n, r->scrape->count,
                       (*out_first)->message);
    return missing;
}

static bool refuse_promql(const struct cf_stream *streams, size_t count,
                          struct cf_reading *readings)
{
    for (size_t i = 0; i < count; i++)
        if (streams[i].kind == CF_STREAM_PROMQL)
            cf_error_set(&readings[i].error, CF_ERR_INVALID,
                         "a promql gate needs a Prometheus; this cluster's metrics are read "
                         "directly (crossfade cluster add --prometheus URL)");
    return true;
}

static bool scrape_read(void *self, const struct cf_stream *streams, size_t count,
                        int64_t deadline_mono_ms, struct cf_reading **out, struct cf_error *err)
{
    struct scrape *s = self;
    struct round r = {
        .scrape = s,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .collector = cf_collector_new(streams, count, s->memory),
        .deadline_ms = deadline_mono_ms,
        .all = !any_due(s),
        .errors = cf_xcalloc(s->count, sizeof(struct cf_error)),
    };
    char why[CF_ERROR_FIELD_MAX];
    const struct cf_error *first = NULL;
    cf_at_once(s->count, read_place, &r);
    uint64_t missing = missing_places(&r, why, &first);
    bool ok = missing != UINT64_MAX >> (CF_GATE_PLACES_MAX - s->count);
    if (ok) {
        *out = cf_collector_finish(r.collector);
        refuse_promql(streams, count, *out);
        for (size_t i = 0; i < count; i++) {
            (*out)[i].missing_places = missing;
            memcpy((*out)[i].missing_why, why, sizeof why);
        }
    } else {
        *err = *first;
    }
    cf_collector_free(r.collector);
    free(r.errors);
    pthread_mutex_destroy(&r.mutex);
    return ok;
}

static void scrape_destroy(void *self)
{
    struct scrape *s = self;
    for (size_t i = 0; i < s->count; i++)
        cf_endpoint_unref(s->places[i].endpoint);
    free(s->places);
    cf_naming_memory_free(s->memory);
    free(s);
}

static const struct cf_source_ops scrape_ops = {
    .type = "scrape",
    .read = scrape_read,
    .destroy = scrape_destroy,
};

struct cf_source *cf_source_scrape_new(struct cf_transport *t, struct cf_endpoint **endpoints_take,
                                       size_t count, struct cf_error *err)
{
    if (count == 0 || count > CF_GATE_PLACES_MAX) {
        for (size_t i = 0; i < count; i++)
            cf_endpoint_unref(endpoints_take[i]);
        cf_error_set(err, count ? CF_ERR_LIMIT : CF_ERR_INVALID,
                     "a scrape source has from 1 to %d URLs; for more, put a Prometheus in front",
                     CF_GATE_PLACES_MAX);
        return NULL;
    }
    struct scrape *s = cf_xcalloc(1, sizeof *s);
    s->transport = t;
    s->places = cf_xcalloc(count, sizeof *s->places);
    for (size_t i = 0; i < count; i++)
        s->places[i].endpoint = endpoints_take[i];
    s->count = count;
    s->memory = cf_naming_memory_new();
    struct cf_source *source = cf_xcalloc(1, sizeof *source);
    *source = (struct cf_source){ .ops = &scrape_ops, .self = s };
    return source;
}
