/* SPDX-License-Identifier: Apache-2.0 */
/* The registry behind /metrics: counters, gauges and histograms from one table, as Prometheus text
 * 0.0.4.
 *
 * A program passes its table once; series come into being at first use and can be dropped (those of
 * a finished run). Label values are escaped. More than CF_METRIC_SERIES_MAX series per metric are
 * not created; crossfade_metrics_dropped_total counts them. Any thread; one mutex, held for
 * nanoseconds. */
#ifndef CF_BASE_METRICS_H
#define CF_BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

enum { CF_METRIC_LABELS_MAX = 4, CF_METRIC_SERIES_MAX = 10000, CF_METRIC_BUCKETS_MAX = 24 };
enum cf_metric_type { CF_METRIC_COUNTER, CF_METRIC_GAUGE, CF_METRIC_HISTOGRAM };

struct cf_metric_desc {
    const char *name; /* "crossfade_runs_active" */
    enum cf_metric_type type;
    const char *labels[CF_METRIC_LABELS_MAX + 1]; /* names, ended by NULL */
    double buckets[CF_METRIC_BUCKETS_MAX]; /* histograms: upper bounds, ascending, ended by 0 */
    const char *help;
};

struct cf_metrics;
/* The table ends with a row without a name. */
struct cf_metrics *cf_metrics_new(const struct cf_metric_desc *table);
void cf_metrics_free(struct cf_metrics *m);

/* `values` are the label values in the table's order, ended by NULL. `m` may be NULL: then nothing
 * happens. */
#define CF_LABELS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
void cf_metric_add(struct cf_metrics *m, const char *name, const char *const *values, double delta);
void cf_metric_set(struct cf_metrics *m, const char *name, const char *const *values, double value);
void cf_metric_observe(struct cf_metrics *m, const char *name, const char *const *values,
                       double value);
/* Drops every series whose label `label` has this value. */
void cf_metrics_drop(struct cf_metrics *m, const char *label, const char *value);

void cf_metrics_render(struct cf_metrics *m, struct cf_buf *out);
void cf_metrics_markdown(const struct cf_metric_desc *table, struct cf_buf *out);

#endif
