/* SPDX-License-Identifier: Apache-2.0 */
/* Samples into readings. Streams are indexed by the value of their key label, so that a batch of ten thousand workloads is one
 * look-up per sample and not ten thousand. */
#include "orchestrator/gate/collector.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "orchestrator/gate/limits.h"

/* A stream under one naming. */
struct want {
    size_t stream;
    const struct cf_preset *preset;
    const struct cf_preset_match *match;
    char key[CF_PRESET_VALUE_MAX]; /* value of the first match row */
    struct want *next_same_key;
};

/* All wants with one key. */
struct slot {
    char *key;
    struct want *first;
    UT_hash_handle hh;
};

/* A half or whole point before joining. */
struct piece {
    struct cf_point point;
    const struct cf_preset *preset;
    double fast; /* latency: the bucket at the edge; NaN until seen */
    bool has_total;
};

struct pieces {
    struct piece *items;
    size_t count, cap;
    bool too_many;
    struct cf_buf edges; /* latency: the edges that exist, for the error when ours does not */
    bool edge_seen;
};

struct naming {
    uint64_t stream;
    const struct cf_preset *preset;
    UT_hash_handle hh;
};

struct cf_naming_memory {
    struct naming *names;
};

struct cf_collector {
    const struct cf_stream *streams;
    size_t count;
    struct cf_naming_memory *memory;
    struct want *wants;
    size_t want_count;
    struct slot *slots;
    struct want *prefixed; /* wants whose key is a prefix: few, walked */
    struct pieces *pieces; /* per stream */
    struct cf_error *errors;
};

enum { EDGES_TEXT_MAX = 256 };

struct cf_naming_memory *cf_naming_memory_new(void)
{
    return cf_xcalloc(1, sizeof(struct cf_naming_memory));
}

void cf_naming_memory_free(struct cf_naming_memory *m)
{
    if (!m)
        return;
    struct naming *one, *next;
    HASH_ITER(hh, m->names, one, next)
    {
        HASH_DEL(m->names, one);
        free(one);
    }
    free(m);
}

/* --- which stream wants which naming --- */

static uint64_t mix(uint64_t h, const char *s)
{
    for (s = s ? s : ""; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211ULL;
    return (h ^ 0xff) * 1099511628211ULL;
}

static uint64_t stream_identity(const struct cf_stream *s)
{
    const struct cf_stream_backend *b = &s->backend;
    uint64_t h = mix(14695981039346656037ULL, b->namespace_);
    h = mix(mix(mix(h, b->service), b->host), b->subset);
    h = mix(mix(mix(h, b->ingress), b->main_service), b->port_name);
    return (h ^ (uint64_t)b->port ^ ((uint64_t)b->canary << 32)) * 1099511628211ULL;
}

static const struct cf_preset *remembered(const struct cf_collector *c, const struct cf_stream *s)
{
    struct naming *one = NULL;
    uint64_t id = stream_identity(s);
    HASH_FIND(hh, c->memory->names, &id, sizeof id, one);
    return one ? one->preset : NULL;
}

static void remember(struct cf_collector *c, const struct cf_stream *s, const struct cf_preset *p)
{
    if (remembered(c, s))
        return;
    struct naming *one = cf_xcalloc(1, sizeof *one);
    one->stream = stream_identity(s);
    one->preset = p;
    HASH_ADD(hh, c->memory->names, stream, sizeof one->stream, one);
}

/* Ingresses are counted by ingress controllers, the other routers by meshes and gateways. */
static bool fits_router(const struct cf_preset *p, const struct cf_stream *s)
{
    return p->routers & (s->backend.ingress ? CF_PRESET_OF_INGRESSES : CF_PRESET_OF_MESHES);
}

static void add_want(struct cf_collector *c, size_t stream, const struct cf_preset *p,
                     struct cf_error *err)
{
    const struct cf_stream *s = &c->streams[stream];
    const struct cf_preset_match *match = cf_preset_matches(p, &s->backend, err);
    if (!match)
        return;
    struct want *w = &c->wants[c->want_count];
    *w = (struct want){ .stream = stream, .preset = p, .match = match };
    if (!cf_preset_value(&match[0], &s->backend, w->key, err))
        return;
    c->want_count++;
    if (match[0].prefix) {
        w->next_same_key = c->prefixed;
        c->prefixed = w;
        return;
    }
    struct slot *slot = NULL;
    HASH_FIND_STR(c->slots, w->key, slot);
    if (!slot) {
        slot = cf_xcalloc(1, sizeof *slot);
        slot->key = w->key;
        HASH_ADD_KEYPTR(hh, c->slots, slot->key, strlen(slot->key), slot);
    }
    w->next_same_key = slot->first;
    slot->first = w;
}

static void add_stream(struct cf_collector *c, size_t i)
{
    const struct cf_stream *s = &c->streams[i];
    if (s->kind == CF_STREAM_PROMQL)
        return;
    const struct cf_preset *only = cf_preset_find(s->preset);
    if (only) {
        add_want(c, i, only, &c->errors[i]);
        return;
    }
    const struct cf_preset *known = remembered(c, s);
    for (const struct cf_preset *p = cf_presets; p->name; p++) {
        struct cf_error cannot = CF_ERROR_INIT; /* this naming cannot; another may */
        if (known ? p == known : fits_router(p, s))
            add_want(c, i, p, &cannot);
    }
}

struct cf_collector *cf_collector_new(const struct cf_stream *streams, size_t count,
                                      struct cf_naming_memory *memory)
{
    size_t presets = 0;
    while (cf_presets[presets].name)
        presets++;
    struct cf_collector *c = cf_xcalloc(1, sizeof *c);
    c->streams = streams;
    c->count = count;
    c->memory = memory;
    c->wants = cf_xcalloc(count * presets + 1, sizeof *c->wants);
    c->pieces = cf_xcalloc(count + 1, sizeof *c->pieces);
    c->errors = cf_xcalloc(count + 1, sizeof *c->errors);
    for (size_t i = 0; i < count; i++) {
        c->pieces[i].edges = CF_BUF_INIT(EDGES_TEXT_MAX);
        add_stream(c, i);
    }
    return c;
}

void cf_collector_free(struct cf_collector *c)
{
    if (!c)
        return;
    struct slot *slot, *next;
    HASH_ITER(hh, c->slots, slot, next)
    {
        HASH_DEL(c->slots, slot);
        free(slot);
    }
    for (size_t i = 0; i < c->count; i++) {
        free(c->pieces[i].items);
        cf_buf_free(&c->pieces[i].edges);
    }
    free(c->pieces);
    free(c->errors);
    free(c->wants);
    free(c);
}

bool cf_collector_wants(const struct cf_collector *c, const struct cf_preset *p,
                        enum cf_stream_kind kind)
{
    for (size_t i = 0; i < c->want_count; i++)
        if (c->wants[i].preset == p && c->streams[c->wants[i].stream].kind == kind)
            return true;
    return false;
}

/* Which kind of stream a preset's metric serves; false if none. */
static bool metric_kind(const struct cf_preset *p, const char *metric, enum cf_stream_kind *out)
{
    for (int i = 0; p->requests[i]; i++) {
        if (strcmp(p->requests[i], metric) == 0) {
            *out = CF_STREAM_SUCCESS;
            return true;
        }
    }
    *out = CF_STREAM_LATENCY;
    return strcmp(p->latency, metric) == 0;
}

bool cf_collector_wants_metric(const struct cf_collector *c, const char *metric)
{
    enum cf_stream_kind kind;
    for (const struct cf_preset *p = cf_presets; p->name; p++)
        if (metric_kind(p, metric, &kind) && cf_collector_wants(c, p, kind))
            return true;
    return false;
}

static void append_escaped(struct cf_buf *out, const char *s, bool prefix)
{
    for (; *s; s++) {
        if (strchr("\\.+*?()|[]{}^$", *s))
            cf_buf_puts(out, "\\");
        cf_buf_putc(out, *s);
    }
    if (prefix)
        cf_buf_puts(out, ".*");
}

void cf_collector_key_regex(const struct cf_collector *c, const struct cf_preset *p,
                            enum cf_stream_kind kind, bool canary, struct cf_buf *out)
{
    const struct cf_preset_match *match = canary ? p->canary_match : p->match;
    bool first = true;
    for (size_t i = 0; i < c->want_count; i++) {
        const struct want *w = &c->wants[i];
        if (w->preset != p || w->match != match || c->streams[w->stream].kind != kind)
            continue;
        if (!first)
            cf_buf_putc(out, '|');
        first = false;
        append_escaped(out, w->key, match[0].prefix);
    }
}

/* --- taking samples --- */

/* Where and when a value was read. */
struct sample {
    const void *labels;
    cf_label_fn *label;
    uint64_t series;
    uint8_t place;
    int64_t at_ms;
    double value;
};

static struct piece *piece_new(struct pieces *all, const struct cf_preset *p,
                               const struct sample *s)
{
    if (all->count >= CF_GATE_POINTS_MAX) {
        all->too_many = true;
        return NULL;
    }
    if (all->count == all->cap) {
        all->cap = all->cap ? all->cap * 2 : 16;
        all->items = cf_xrealloc(all->items, all->cap * sizeof *all->items);
    }
    struct piece *one = &all->items[all->count++];
    *one = (struct piece){ .point = { .series = s->series, .at_ms = s->at_ms, .place = s->place },
                           .preset = p,
                           .fast = NAN };
    return one;
}

static void take_bucket(struct cf_collector *c, const struct want *w, const struct sample *s)
{
    struct pieces *all = &c->pieces[w->stream];
    const char *le = s->label(s->labels, "le");
    if (!le)
        return;
    bool is_total = strcmp(le, "+Inf") == 0;
    double edge_ms = strtod(le, NULL) * w->preset->latency_unit_ms;
    bool is_edge = !is_total && fabs(edge_ms - (double)c->streams[w->stream].slower_than_ms) < 0.5;
    if (!is_total && !is_edge) {
        if (!all->edge_seen)
            cf_buf_printf(&all->edges, "%s%gms", all->edges.len ? ", " : "", edge_ms);
        return;
    }
    struct piece *one = piece_new(all, w->preset, s);
    if (!one)
        return;
    if (is_total) {
        one->point.total = s->value;
        one->has_total = true;
    } else {
        one->fast = s->value;
        all->edge_seen = true;
    }
}

static void take_request(struct cf_collector *c, const struct want *w, const struct sample *s)
{
    bool bad;
    if (!cf_preset_result(w->preset, s->label, s->labels, &bad))
        return;
    struct piece *one = piece_new(&c->pieces[w->stream], w->preset, s);
    if (!one)
        return;
    one->has_total = true;
    one->point.total = s->value;
    one->point.bad = bad ? s->value : 0;
}

static void offer(struct cf_collector *c, const struct want *w, enum cf_stream_kind kind,
                  const struct sample *sample)
{
    const struct cf_stream *s = &c->streams[w->stream];
    if (s->kind != kind ||
        !cf_preset_series_matches(w->match, &s->backend, sample->label, sample->labels))
        return;
    if (kind == CF_STREAM_LATENCY)
        take_bucket(c, w, sample);
    else
        take_request(c, w, sample);
}

static void offer_by_key(struct cf_collector *c, const struct cf_preset *p, const char *key_label,
                         enum cf_stream_kind kind, const struct sample *s)
{
    const char *key = key_label ? s->label(s->labels, key_label) : NULL;
    if (!key)
        return;
    struct slot *slot = NULL;
    HASH_FIND_STR(c->slots, key, slot);
    for (struct want *w = slot ? slot->first : NULL; w; w = w->next_same_key)
        if (w->preset == p && strcmp(w->match[0].label, key_label) == 0)
            offer(c, w, kind, s);
}

void cf_collector_take(struct cf_collector *c, const char *metric, cf_label_fn *label,
                       const void *labels, uint64_t series, uint8_t place, int64_t at_ms,
                       double value)
{
    enum cf_stream_kind kind;
    const struct sample s = { labels, label, series, place, at_ms, value };
    for (const struct cf_preset *p = cf_presets; p->name; p++) {
        if (!metric_kind(p, metric, &kind))
            continue;
        offer_by_key(c, p, p->match[0].label, kind, &s);
        offer_by_key(c, p, p->canary_match[0].label, kind, &s);
        for (struct want *w = c->prefixed; w; w = w->next_same_key)
            if (w->preset == p)
                offer(c, w, kind, &s);
    }
}

/* --- finishing --- */

static int by_series_and_time(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->preset != y->preset)
        return x->preset < y->preset ? -1 : 1;
    if (x->point.series != y->point.series)
        return x->point.series < y->point.series ? -1 : 1;
    return x->point.at_ms < y->point.at_ms ? -1 : x->point.at_ms > y->point.at_ms;
}

/* Sorts, and joins the halves of one point: the bucket at the edge and the total. */
static void join_pieces(struct pieces *all)
{
    if (all->count == 0)
        return;
    qsort(all->items, all->count, sizeof *all->items, by_series_and_time);
    size_t kept = 0;
    for (size_t i = 1; i < all->count; i++) {
        struct piece *last = &all->items[kept];
        const struct piece *one = &all->items[i];
        if (by_series_and_time(last, one) != 0) {
            all->items[++kept] = *one;
            continue;
        }
        if (one->has_total) {
            last->point = one->point;
            last->has_total = true;
        }
        if (!isnan(one->fast))
            last->fast = one->fast;
    }
    all->count = kept + 1;
}

/* The naming whose points count: the first in the table that has any. */
static const struct cf_preset *chosen(const struct pieces *all)
{
    const struct cf_preset *best = NULL;
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].has_total && (!best || all->items[i].preset < best))
            best = all->items[i].preset;
    return best;
}

static void finish_points(const struct pieces *all, const struct cf_preset *p, bool latency,
                          struct cf_reading *out)
{
    out->points = cf_xcalloc(all->count + 1, sizeof *out->points);
    for (size_t i = 0; i < all->count; i++) {
        const struct piece *one = &all->items[i];
        if (one->preset != p || !one->has_total || (latency && isnan(one->fast)))
            continue;
        struct cf_point point = one->point;
        if (latency)
            point.bad = CF_MAX(0.0, point.total - one->fast);
        out->points[out->count++] = point;
    }
}

static void finish_stream(struct cf_collector *c, size_t i, struct cf_reading *out)
{
    const struct cf_stream *s = &c->streams[i];
    struct pieces *all = &c->pieces[i];
    if (c->errors[i].kind != CF_ERR_NONE) {
        out->error = c->errors[i];
        return;
    }
    if (all->too_many) {
        cf_error_set(&out->error, CF_ERR_LIMIT,
                     "more than %d series for one gate; aggregate them at the source",
                     CF_GATE_SERIES_MAX);
        return;
    }
    join_pieces(all);
    const struct cf_preset *p = chosen(all);
    bool latency = s->kind == CF_STREAM_LATENCY;
    if (latency && p && !all->edge_seen) {
        cf_error_set(&out->error, CF_ERR_INVALID,
                     "%" PRId64 "ms is not an edge of the histogram's buckets; there are %s",
                     s->slower_than_ms, cf_buf_str(&all->edges));
        return;
    }
    out->ok = true;
    if (!p)
        return;
    finish_points(all, p, latency, out);
    if (out->count > 0)
        remember(c, s, p);
}

struct cf_reading *cf_collector_finish(struct cf_collector *c)
{
    struct cf_reading *readings = cf_xcalloc(c->count + 1, sizeof *readings);
    for (size_t i = 0; i < c->count; i++)
        if (c->streams[i].kind != CF_STREAM_PROMQL)
            finish_stream(c, i, &readings[i]);
    return readings;
}
