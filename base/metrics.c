/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: metrics by name, series by their label text as it is rendered, in order of first
 * use. See metrics.h. */
#include "base/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
/* not the default hash, whose fall-through cases clang warns about */
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

#include "base/text.h"
#include "base/thread.h"

enum {
    LABEL_VALUE_MAX = 128,  /* bytes; longer values are cut: names and identifiers are shorter */
    LABELS_TEXT_MAX = 4096, /* of one series: each byte of a value becomes three at most */
};

struct series {
    char *labels; /* a="1",b="2" escaped; the key */
    double value; /* histograms: the sum */
    uint64_t count;
    uint64_t *buckets; /* histograms: observations at or below each bound, not cumulated */
    UT_hash_handle hh;
};

struct metric {
    const struct cf_metric_desc *desc;
    struct series *series;
    int labels, buckets;
    UT_hash_handle hh;
};

struct cf_metrics {
    pthread_mutex_t mutex; /* guards all that follows */
    struct metric *by_name;
    uint64_t dropped;
};

static void append_escaped(struct cf_buf *b, const char *text, bool quotes_too)
{
    for (; *text; text++) {
        if (*text == '\n')
            cf_buf_puts(b, "\\n");
        else if (*text == '\\' || (quotes_too && *text == '"'))
            cf_buf_append(b, (char[]){ '\\', *text }, 2);
        else
            cf_buf_putc(b, *text);
    }
}

static void append_label(struct cf_buf *b, const char *name, const char *value)
{
    CF_CLEANUP(cf_buf_free)
    struct cf_buf clean = CF_BUF_INIT(LABEL_VALUE_MAX);
    CF_CLEANUP(cf_buf_free) struct cf_buf valid = CF_BUF_INIT(LABELS_TEXT_MAX);
    cf_buf_puts(&clean, value);
    cf_utf8_append(&valid, cf_buf_str(&clean), clean.len);
    cf_buf_printf(b, "%s%s=\"", b->len > 0 ? "," : "", name);
    append_escaped(b, cf_buf_str(&valid), true);
    cf_buf_putc(b, '"');
}

static void free_series(struct metric *m, struct series *s)
{
    HASH_DEL(m->series, s);
    free(s->labels);
    free(s->buckets);
    free(s);
}

/* NULL when the metric has too many. */
static struct series *find_series(struct cf_metrics *m, struct metric *metric, const char *labels)
{
    struct series *s;
    HASH_FIND_STR(metric->series, labels, s);
    if (s)
        return s;
    if (HASH_COUNT(metric->series) >= CF_METRIC_SERIES_MAX) {
        m->dropped++;
        return NULL;
    }
    s = cf_xcalloc(1, sizeof *s);
    s->labels = cf_xstrdup(labels);
    s->buckets = cf_xcalloc((size_t)metric->buckets, sizeof *s->buckets);
    HASH_ADD_KEYPTR(hh, metric->series, s->labels, strlen(s->labels), s);
    return s;
}

static struct metric *find_metric(struct cf_metrics *m, const char *name)
{
    struct metric *metric;
    HASH_FIND_STR(m->by_name, name, metric);
    cf_assert(metric);
    return metric;
}

/* The series of these values under the held mutex. */
static struct series *series_of(struct cf_metrics *m, struct metric *metric,
                                const char *const *values)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf labels = CF_BUF_INIT(LABELS_TEXT_MAX);
    for (int i = 0; i < metric->labels; i++) {
        cf_assert(values && values[i]);
        append_label(&labels, metric->desc->labels[i], values[i]);
    }
    cf_assert(!values || !values[metric->labels]);
    return find_series(m, metric, cf_buf_str(&labels));
}

struct cf_metrics *cf_metrics_new(const struct cf_metric_desc *table)
{
    struct cf_metrics *m = cf_xcalloc(1, sizeof *m);
    pthread_mutex_init(&m->mutex, NULL);
    for (; table->name; table++) {
        struct metric *metric = cf_xcalloc(1, sizeof *metric);
        metric->desc = table;
        while (metric->labels < CF_METRIC_LABELS_MAX && table->labels[metric->labels])
            metric->labels++;
        while (metric->buckets < CF_METRIC_BUCKETS_MAX && table->buckets[metric->buckets] > 0)
            metric->buckets++;
        HASH_ADD_KEYPTR(hh, m->by_name, table->name, strlen(table->name), metric);
        if (metric->labels == 0) /* is there from the start, as zero */
            find_series(m, metric, "");
    }
    return m;
}

void cf_metrics_free(struct cf_metrics *m)
{
    if (!m)
        return;
    struct metric *metric, *next;
    HASH_ITER(hh, m->by_name, metric, next)
    {
        struct series *s, *next_series;
        HASH_ITER(hh, metric->series, s, next_series)
        {
            free_series(metric, s);
        }
        HASH_DEL(m->by_name, metric);
        free(metric);
    }
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

void cf_metric_add(struct cf_metrics *m, const char *name, const char *const *values, double delta)
{
    if (!m)
        return;
    CF_LOCKED(&m->mutex);
    struct metric *metric = find_metric(m, name);
    cf_assert(metric->desc->type == CF_METRIC_GAUGE ||
              (metric->desc->type == CF_METRIC_COUNTER && delta >= 0));
    struct series *s = series_of(m, metric, values);
    if (s)
        s->value += delta;
}

void cf_metric_set(struct cf_metrics *m, const char *name, const char *const *values, double value)
{
    if (!m)
        return;
    CF_LOCKED(&m->mutex);
    struct metric *metric = find_metric(m, name);
    cf_assert(metric->desc->type == CF_METRIC_GAUGE);
    struct series *s = series_of(m, metric, values);
    if (s)
        s->value = value;
}

void cf_metric_observe(struct cf_metrics *m, const char *name, const char *const *values,
                       double value)
{
    if (!m)
        return;
    CF_LOCKED(&m->mutex);
    struct metric *metric = find_metric(m, name);
    cf_assert(metric->desc->type == CF_METRIC_HISTOGRAM);
    struct series *s = series_of(m, metric, values);
    if (!s)
        return;
    s->value += value;
    s->count++;
    for (int i = 0; i < metric->buckets; i++) {
        if (value <= metric->desc->buckets[i]) {
            s->buckets[i]++;
            break;
        }
    }
}

void cf_metrics_drop(struct cf_metrics *m, const char *label, const char *value)
{
    if (!m)
        return;
    CF_LOCKED(&m->mutex);
    CF_CLEANUP(cf_buf_free) struct cf_buf want = CF_BUF_INIT(LABELS_TEXT_MAX);
    append_label(&want, label, value);
    struct metric *metric, *next;
    HASH_ITER(hh, m->by_name, metric, next)
    {
        struct series *s, *next_series;
        HASH_ITER(hh, metric->series, s, next_series)
        {
            /* a quote inside a value is escaped, so that the label's text begins only where a label
             * does */
            const char *at = strstr(s->labels, want.data);
            while (at && at != s->labels && at[-1] != ',')
                at = strstr(at + 1, want.data);
            if (at && (at[want.len] == ',' || at[want.len] == '\0'))
                free_series(metric, s);
        }
    }
}

static void append_value(struct cf_buf *out, double value)
{
    char text[40];
    if (isnan(value)) {
        cf_buf_puts(out, "NaN\n");
        return;
    }
    if (isinf(value)) {
        cf_buf_puts(out, value > 0 ? "+Inf\n" : "-Inf\n");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    cf_buf_printf(out, "%s\n", text);
}

/* name{labels,extra} and a space; without braces when there are no labels. */
static void append_name(struct cf_buf *out, const char *name, const char *suffix,
                        const char *labels, const char *extra)
{
    bool both = *labels && *extra;
    cf_buf_printf(out, "%s%s", name, suffix);
    if (*labels || *extra)
        cf_buf_printf(out, "{%s%s%s}", labels, both ? "," : "", extra);
    cf_buf_putc(out, ' ');
}

static void render_histogram(const struct metric *metric, const struct series *s,
                             struct cf_buf *out)
{
    const char *name = metric->desc->name;
    uint64_t below = 0;
    for (int i = 0; i < metric->buckets; i++) {
        char bound[48];
        snprintf(bound, sizeof bound, "le=\"%.15g\"", metric->desc->buckets[i]);
        below += s->buckets[i];
        append_name(out, name, "_bucket", s->labels, bound);
        cf_buf_printf(out, "%llu\n", (unsigned long long)below);
    }
    append_name(out, name, "_bucket", s->labels, "le=\"+Inf\"");
    cf_buf_printf(out, "%llu\n", (unsigned long long)s->count);
    append_name(out, name, "_sum", s->labels, "");
    append_value(out, s->value);
    append_name(out, name, "_count", s->labels, "");
    cf_buf_printf(out, "%llu\n", (unsigned long long)s->count);
}

static const char *const type_names[] = { "counter", "gauge", "histogram" };

void cf_metrics_render(struct cf_metrics *m, struct cf_buf *out)
{
    CF_LOCKED(&m->mutex);
    struct metric *metric, *next;
    HASH_ITER(hh, m->by_name, metric, next)
    {
        const struct cf_metric_desc *d = metric->desc;
        cf_buf_printf(out, "# HELP %s ", d->name);
        append_escaped(out, d->help, false);
        cf_buf_printf(out, "\n# TYPE %s %s\n", d->name, type_names[d->type]);
        for (const struct series *s = metric->series; s; s = s->hh.next) {
            if (d->type == CF_METRIC_HISTOGRAM) {
                render_histogram(metric, s, out);
                continue;
            }
            append_name(out, d->name, "", s->labels, "");
            append_value(out, s->value);
        }
    }
    cf_buf_puts(out,
                "# HELP crossfade_metrics_dropped_total Samples lost because a metric had too many "
                "series.\n# TYPE crossfade_metrics_dropped_total counter\n");
    cf_buf_printf(out, "crossfade_metrics_dropped_total %llu\n", (unsigned long long)m->dropped);
}

void cf_metrics_markdown(const struct cf_metric_desc *table, struct cf_buf *out)
{
    cf_buf_puts(out, "| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n");
    for (; table->name; table++) {
        cf_buf_printf(out, "| `%s` | %s | ", table->name, type_names[table->type]);
        for (int i = 0; i < CF_METRIC_LABELS_MAX && table->labels[i]; i++)
            cf_buf_printf(out, "%s`%s`", i > 0 ? ", " : "", table->labels[i]);
        cf_buf_printf(out, " | %s |\n", table->help);
    }
}
