/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of runs, read from the database when somebody asks for metrics: gauges from the active
 * runs, counters from the events since the last look. They speak of the whole service, so every
 * replica says the same.
 *
 * Handler threads; a second look at the same time is passed over. */
#ifndef CF_API_METRICS_RUNS_H
#define CF_API_METRICS_RUNS_H

#include <stdatomic.h>

#include "base/json.h"
#include "base/metrics.h"

struct cf_store;

enum {
    CF_METRICS_EVENTS_MAX = 20000, /* of one look; what is beyond is counted by the next one */
    CF_METRICS_RUNS_MAX = 500,     /* with series of their own */
};

/* Zeroed before first use; freed by cf_metrics_runs_end. */
struct cf_metrics_runs {
    atomic_flag busy;
    int64_t after;  /* the last event counted; 0: none yet */
    json_t *plans;  /* with series now */
    json_t *phases; /* with series now */
};

/* Counts from now on; without a database, from the first look that reaches it. */
void cf_metrics_runs_begin(struct cf_metrics_runs *r, struct cf_store *store);
void cf_metrics_runs_look(struct cf_metrics_runs *r, struct cf_metrics *m, struct cf_store *store);
void cf_metrics_runs_end(struct cf_metrics_runs *r);

#endif
