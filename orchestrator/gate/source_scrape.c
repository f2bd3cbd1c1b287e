/* SPDX-License-Identifier: Apache-2.0 */
/* Exposition text read directly from gateways: the freshest source, up to five times a second. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/transport.h"
#include "orchestrator/gate/collector.h"
#include "orchestrator/gate/limits.h"
#include "orchestrator/gate/promtext.h"

struct scrape {
    struct cf_transport *transport;
    struct cf_endpoint **endpoints;
    size_t count;
    struct cf_naming_memory *memory;
};

/* While one text is parsed. */
struct pass {
    struct cf_collector *collector;
    uint64_t place; /* tells the same series of two gateways apart */
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
    uint64_t series = cf_promtext_series(sample, "le") ^ pass->place;
    cf_collector_take(pass->collector, sample->name, cf_promtext_label, sample, series, pass->at_ms,
                      sample->value);
}

static bool read_one(struct scrape *s, size_t i, struct cf_collector *collector,
                     int64_t deadline_mono_ms, struct cf_error *err)
{
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    struct cf_http_call_request request = {
        .path = "",
        .accept = "text/plain;version=0.0.4",
        .deadline_ms = deadline_mono_ms,
        .response_max = CF_GATE_REPLY_MAX,
    };
    const char *url = cf_endpoint_url(s->endpoints[i]);
    if (!cf_http_call(s->transport, s->endpoints[i], &request, &reply, err))
        return cf_error_wrap(err, "metrics at %s", url);
    if (reply.status != 200)
        return cf_error_set(err, CF_ERR_UNAVAILABLE, "metrics at %s: HTTP status %d", url,
                            reply.status);
    struct pass pass = {
        .collector = collector,
        .place = (uint64_t)i * 0x9e3779b97f4a7c15ULL,
        .at_ms = cf_wall_ms(&cf_clock_real),
    };
    if (reply.body.len &&
        !cf_promtext_parse(reply.body.data, reply.body.len, want, take, &pass, err))
        return cf_error_wrap(err, "metrics at %s", url);
    return true;
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
    struct cf_collector *collector = cf_collector_new(streams, count, s->memory);
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++)
        ok = read_one(s, i, collector, deadline_mono_ms, err);
    if (ok) {
        *out = cf_collector_finish(collector);
        refuse_promql(streams, count, *out);
    }
    cf_collector_free(collector);
    return ok;
}

static void scrape_destroy(void *self)
{
    struct scrape *s = self;
    for (size_t i = 0; i < s->count; i++)
        cf_endpoint_unref(s->endpoints[i]);
    free(s->endpoints);
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
    if (count == 0) {
        cf_error_set(err, CF_ERR_INVALID, "a scrape source needs at least one URL");
        return NULL;
    }
    struct scrape *s = cf_xcalloc(1, sizeof *s);
    s->transport = t;
    s->endpoints = cf_xcalloc(count, sizeof(struct cf_endpoint *));
    memcpy(s->endpoints, endpoints_take, count * sizeof(struct cf_endpoint *));
    s->count = count;
    s->memory = cf_naming_memory_new();
    struct cf_source *source = cf_xcalloc(1, sizeof *source);
    *source = (struct cf_source){ .ops = &scrape_ops, .self = s };
    return source;
}
