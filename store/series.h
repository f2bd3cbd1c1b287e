/* SPDX-License-Identifier: Apache-2.0 */
/* Series: weight and success rate over time, for charts and reports. Written in batches, outside
 * any run's path; pruned. */
#ifndef CF_STORE_SERIES_H
#define CF_STORE_SERIES_H

#include "store/fence.h"
#include "store/store.h"

struct cf_series_point {
    char run_id[CF_UUID_TEXT];
    int shard;
    int64_t epoch;
    const char *stream; /* gate and side: "successRate/target"; "" for the weights alone */
    int64_t at_ms;      /* wall ms; one point per run, stream and time: a second one is dropped */
    int weight_desired, weight_applied; /* -1: not known */
    int64_t n, k;                       /* finished and failed requests of the look; -1: no data */
    double value;                       /* what the gate judges; NaN: none */
};
bool cf_series_append(struct cf_store *store, const char *owner,
                      const struct cf_series_point *points, size_t n, size_t *out_written,
                      struct cf_error *err) CF_NODISCARD;

/* Of one answer; longer spans are thinned to every m-th point. */
enum { CF_SERIES_POINTS_MAX = 5000 };
/* {"stream": {"t": [s…], "desired": […], "applied": […], "n": […], "k": […], "value": […]}, …},
 * columns of equal length, null where nothing is known, times in seconds with three decimals;
 * points with at > after_ms. New reference. */
bool cf_series_read(struct cf_store *store, const char *run_id, int64_t after_ms, json_t **out,
                    struct cf_error *err) CF_NODISCARD;

#endif
