/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of the whole program: one table, by whose names every part counts (base/metrics.h).
 */
#ifndef CF_API_METRICS_TABLE_H
#define CF_API_METRICS_TABLE_H

#include <pthread.h>

#include "base/metrics.h"

struct cf_store;
struct cf_engine;

extern const struct cf_metric_desc cf_metrics_table[]; /* ends with a row without a name */

/* What others count themselves, as last seen: counters get the difference. */
struct cf_metrics_seen {
    pthread_mutex_t mutex;
    double connects, failures, passes;
};

/* Takes in what is only looked at when somebody asks. Handler threads; asks nobody outside. */
void cf_metrics_sample(struct cf_metrics *m, struct cf_metrics_seen *seen, struct cf_store *store,
                       struct cf_engine *engine, const char *version);

#endif
