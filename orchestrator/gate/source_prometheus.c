/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' HTTP API as a source: raw scrapes of counters, for many workloads in one query.
 *
 * An instant query with a range selector returns the scrapes themselves with their own times. So nothing is interpolated,
 * freshness is seen rather than assumed, and a scrape that was seen counts once. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/transport.h"
#include "base/url.h"
#include "orchestrator/gate/at_once.h"
#include "orchestrator/gate/collector.h"
#include "orchestrator/gate/limits.h"

enum {
    QUERY_MAX = 8 * 1024 * 1024, /* 20,000 backends' names, escaped */
    SKEW_IGNORED_MS = 2000,      /* the Date header counts whole seconds */
};

struct prometheus {
    struct cf_transport *transport;
    struct cf_endpoint *endpoint;
    struct cf_naming_memory *memory;
    pthread_mutex_t mutex; /* guards skew_ms while several queries are under way */
    int64_t range_ms;      /* asked for; grows while slow scrapes leave it empty */
    int64_t skew_ms;       /* their clock minus ours, when it is large enough to be known */
};

/* --- one query --- */

/* Keeps the skew still while it only trembles: the same scrape must have the same time in every read. */
static void note_skew(struct prometheus *p, const struct cf_http_reply *reply)
{
    CF_LOCKED(&p->mutex);
    int64_t skew = reply->date_ms ? reply->date_ms - cf_wall_ms(&cf_clock_real) : 0;
    if (llabs(skew - p->skew_ms) > SKEW_IGNORED_MS)
        p->skew_ms = llabs(skew) > SKEW_IGNORED_MS ? skew : 0;
}

/* The `data` object of the answer, or NULL. */
static json_t *query(struct prometheus *p, const char *expression, int64_t deadline_mono_ms,
                     struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf body = CF_BUF_INIT(3 * QUERY_MAX);
    cf_buf_puts(&body, "query=");
    cf_url_escape(&body, expression);
    CF_CLEANUP(cf_http_reply_free) struct cf_http_reply reply = CF_HTTP_REPLY_INIT;
    struct cf_http_call_request request = {
        .method = "POST",
        .path = "/api/v1/query",
        .content_type = "application/x-www-form-urlencoded",
        .accept = "application/json",
        .body = cf_buf_str(&body),
        .body_len = body.len,
        .deadline_ms = deadline_mono_ms,
        .response_max = CF_GATE_REPLY_MAX,
        .is_read = true,
    };
    if (!cf_http_call(p->transport, p->endpoint, &request, &reply, err))
        return NULL;
    cf_autojson json_t *answer =
        cf_json_parse(cf_buf_str(&reply.body), reply.body.len, CF_GATE_REPLY_MAX, err);
    if (reply.status != 200) {
        const char *said = cf_json_str(answer, "no reason given", "error", NULL);
        cf_error_clear(err);
        cf_error_set(err,
                     reply.status == 400 || reply.status == 422   ? CF_ERR_INVALID
                     : reply.status == 401 || reply.status == 403 ? CF_ERR_DENIED
                                                                  : CF_ERR_UNAVAILABLE,
                     "HTTP status %d: %.300s", reply.status, said);
        return NULL;
    }
    json_t *data = json_object_get(answer, "data");
    if (!data) {
        if (err->kind == CF_ERR_NONE)
            cf_error_set(err, CF_ERR_INVALID, "the answer is not one of Prometheus' query API");
        return NULL;
    }
    note_skew(p, &reply);
    return json_incref(data);
}

/* --- the batch of a preset --- */

static const char *json_label(const void *labels, const char *name)
{
    return json_string_value(json_object_get((const json_t *)labels, name));
}

static uint64_t hash_text(uint64_t h, const char *s)
{
    do {
        h = (h ^ (unsigned char)*s) * 1099511628211ULL;
    } while (*s++);
    return h;
}

static uint64_t series_hash(const json_t *labels)
{
    const char *name;
    json_t *value;
    uint64_t sum = 0;
    json_object_foreach(cf_json_unconst(labels), name, value)
    {
        if (strcmp(name, "le") != 0 && json_is_string(value))
            sum += hash_text(hash_text(14695981039346656037ULL, name), json_string_value(value));
    }
    return sum;
}

/* [time, "value"] */
static bool read_pair(const json_t *pair, int64_t skew_ms, int64_t *out_at_ms, double *out_value)
{
    const json_t *at = json_array_get(pair, 0);
    const char *text = json_string_value(json_array_get(pair, 1));
    if (!json_is_number(at) || !text)
        return false;
    char *end;
    *out_value = strtod(text, &end);
    *out_at_ms = llround(json_number_value(at) * 1000) - skew_ms;
    return end != text;
}

static void take_matrix(struct cf_collector *c, const json_t *data, int64_t skew_ms)
{
    size_t i;
    json_t *series;
    json_array_foreach(json_object_get(data, "result"), i, series)
    {
        const json_t *labels = json_object_get(series, "metric");
        const char *metric = json_label(labels, "__name__");
        uint64_t hash = series_hash(labels);
        size_t n;
        json_t *pair;
        json_array_foreach(json_object_get(series, "values"), n, pair)
        {
            int64_t at_ms;
            double value;
            if (metric && read_pair(pair, skew_ms, &at_ms, &value))
                cf_collector_take(c, metric, json_label, labels, hash, 0, at_ms, value);
        }
    }
}

static void append_names(const struct cf_preset *preset, enum cf_stream_kind kind,
                         struct cf_buf *out)
{
    if (kind == CF_STREAM_LATENCY) {
        cf_buf_puts(out, preset->latency);
        return;
    }
    for (int i = 0; preset->requests[i]; i++)
        cf_buf_printf(out, "%s%s", i ? "|" : "", preset->requests[i]);
}

static void append_quoted(struct cf_buf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '\\' || *s == '"')
            cf_buf_putc(out, '\\');
        cf_buf_putc(out, *s);
    }
}

static bool read_preset(struct prometheus *p, struct cf_collector *c,
                        const struct cf_preset *preset, enum cf_stream_kind kind, bool canary,
                        int64_t deadline_mono_ms, struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf keys = CF_BUF_INIT(QUERY_MAX);
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(QUERY_MAX);
    cf_collector_key_regex(c, preset, kind, canary, &keys);
    if (keys.len == 0)
        return true;
    const struct cf_preset_match *match = canary ? preset->canary_match : preset->match;
    cf_buf_puts(&text, "{__name__=~\"");
    append_names(preset, kind, &text);
    cf_buf_printf(&text, "\",%s=~\"", match[0].label);
    append_quoted(&text, cf_buf_str(&keys));
    cf_buf_printf(&text, "\"}[%" PRId64 "s]", p->range_ms / 1000);
    if (keys.overflow || text.overflow)
        return cf_error_set(err, CF_ERR_LIMIT, "the batched query is longer than %d bytes",
                            QUERY_MAX);
    cf_autojson json_t *data = query(p, cf_buf_str(&text), deadline_mono_ms, err);
    if (!data)
        return cf_error_wrap(err, "Prometheus at %s", cf_endpoint_url(p->endpoint));
    take_matrix(c, data, p->skew_ms);
    return true;
}

static bool read_presets(struct prometheus *p, struct cf_collector *c, int64_t deadline_mono_ms,
                         struct cf_error *err)
{
    static const enum cf_stream_kind kinds[] = { CF_STREAM_SUCCESS, CF_STREAM_LATENCY };
    for (const struct cf_preset *preset = cf_presets; preset->name; preset++)
        for (size_t k = 0; k < CF_ARRAY_LEN(kinds); k++)
            for (int canary = 0; canary < 2; canary++)
                if ((!canary || preset->canary_match[0].label) &&
                    cf_collector_wants(c, preset, kinds[k]) &&
                    !read_preset(p, c, preset, kinds[k], canary, deadline_mono_ms, err))
                    return false;
    return true;
}

/* --- a plan's own expressions --- */

/* One of the two expressions of a stream. */
struct ask {
    const char *expression;
    json_t *data; /* the answer, or NULL and `error` */
    int64_t at_ms;
    double value;
    bool empty;
    struct cf_error error;
};

struct asks {
    struct prometheus *p;
    struct ask *rows; /* two for each stream: all, then failed */
    int64_t deadline_ms;
};

static void ask_one(void *arg, size_t i)
{
    struct asks *all = arg;
    struct ask *a = &all->rows[i];
    a->data = query(all->p, a->expression, all->deadline_ms, &a->error);
    if (!a->data)
        cf_error_wrap(&a->error, "query %.200s", a->expression);
}

/* One number: a scalar, or a vector with one element; `empty` when the vector has none. */
static bool read_number(struct ask *a, int64_t skew_ms)
{
    const json_t *result = json_object_get(a->data, "result");
    const char *type = cf_json_str(a->data, "", "resultType", NULL);
    const json_t *pair = result;
    if (!a->data)
        return false;
    if (strcmp(type, "vector") == 0) {
        size_t n = json_array_size(result);
        if (n > 1)
            return cf_error_set(&a->error, CF_ERR_INVALID,
                                "query %.200s gives %zu series; wrap it in sum(…)", a->expression,
                                n);
        a->empty = n == 0;
        if (n == 0)
            return true;
        pair = json_object_get(json_array_get(result, 0), "value");
    } else if (strcmp(type, "scalar") != 0) {
        return cf_error_set(&a->error, CF_ERR_INVALID, "query %.200s gives a %.20s, not one number",
                            a->expression, type);
    }
    if (!read_pair(pair, skew_ms, &a->at_ms, &a->value))
        return cf_error_set(&a->error, CF_ERR_INVALID, "query %.200s: the answer is not readable",
                            a->expression);
    return true;
}

static void finish_promql(struct ask *all, struct ask *bad, int64_t skew_ms, struct cf_reading *out)
{
    bool has_all = read_number(all, skew_ms), has_bad = read_number(bad, skew_ms);
    if (!has_all || !has_bad) {
        out->error = has_all ? bad->error : all->error;
        return;
    }
    out->ok = true;
    if (all->empty)
        return;
    out->points = cf_xcalloc(1, sizeof *out->points);
    out->points[0] = (struct cf_point){
        .series = hash_text(hash_text(1, all->expression), bad->expression),
        .at_ms = all->at_ms,
        .total = all->value,
        .bad = bad->empty ? 0 : bad->value, /* a counter of failures is absent until the first */
    };
    out->count = 1;
}

/* All expressions of all streams in one round. */
static void read_promql(struct prometheus *p, const struct cf_stream *streams, size_t count,
                        int64_t deadline_mono_ms, struct cf_reading *readings)
{
    struct asks all = { p, cf_xcalloc(2 * count + 1, sizeof(struct ask)), deadline_mono_ms };
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (streams[i].kind != CF_STREAM_PROMQL)
            continue;
        all.rows[n++].expression = streams[i].total_query;
        all.rows[n++].expression = streams[i].bad_query;
    }
    cf_at_once(n, ask_one, &all);
    struct ask *row = all.rows;
    for (size_t i = 0; i < count; i++) {
        if (streams[i].kind != CF_STREAM_PROMQL)
            continue;
        finish_promql(row, row + 1, p->skew_ms, &readings[i]);
        json_decref(row[0].data);
        json_decref(row[1].data);
        row += 2;
    }
    free(all.rows);
}

/* --- the port --- */

/* The largest distance between two scrapes of one series; 0 when no series has two. */
static int64_t scrape_distance(const struct cf_reading *readings, size_t count, bool *out_any)
{
    int64_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        *out_any = *out_any || readings[i].count > 0;
        for (size_t n = 1; n < readings[i].count; n++) {
            const struct cf_point *a = &readings[i].points[n - 1], *b = &readings[i].points[n];
            if (a->series == b->series)
                largest = CF_MAX(largest, b->at_ms - a->at_ms);
        }
    }
    return largest;
}

/* Four scrapes are asked for. Nothing at all came back: they may be further apart than the range. */
static void adapt_range(struct prometheus *p, const struct cf_reading *readings, size_t count)
{
    bool any = false;
    int64_t distance = scrape_distance(readings, count, &any);
    int64_t range = any ? (distance ? 4 * distance : p->range_ms) : 2 * p->range_ms;
    p->range_ms =
        CF_MAX(CF_MIN(range, (int64_t)CF_GATE_RANGE_MAX_MS), (int64_t)CF_GATE_RANGE_MIN_MS);
}

static bool prometheus_read(void *self, const struct cf_stream *streams, size_t count,
                            int64_t deadline_mono_ms, struct cf_reading **out, struct cf_error *err)
{
    struct prometheus *p = self;
    struct cf_collector *c = cf_collector_new(streams, count, p->memory);
    bool ok = read_presets(p, c, deadline_mono_ms, err);
    if (ok) {
        struct cf_reading *readings = cf_collector_finish(c);
        read_promql(p, streams, count, deadline_mono_ms, readings);
        adapt_range(p, readings, count);
        *out = readings;
    }
    cf_collector_free(c);
    return ok;
}

static void prometheus_destroy(void *self)
{
    struct prometheus *p = self;
    pthread_mutex_destroy(&p->mutex);
    cf_endpoint_unref(p->endpoint);
    cf_naming_memory_free(p->memory);
    free(p);
}

static const struct cf_source_ops prometheus_ops = {
    .type = "prometheus",
    .read = prometheus_read,
    .destroy = prometheus_destroy,
};

struct cf_source *cf_source_prometheus_new(struct cf_transport *t,
                                           struct cf_endpoint *endpoint_take)
{
    struct prometheus *p = cf_xcalloc(1, sizeof *p);
    p->transport = t;
    p->endpoint = endpoint_take;
    pthread_mutex_init(&p->mutex, NULL);
    p->memory = cf_naming_memory_new();
    p->range_ms = CF_GATE_RANGE_MIN_MS;
    struct cf_source *source = cf_xcalloc(1, sizeof *source);
    *source = (struct cf_source){ .ops = &prometheus_ops, .self = p };
    return source;
}
