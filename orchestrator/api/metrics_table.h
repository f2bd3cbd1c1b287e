/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of the whole program: one table, by whose names every part counts (base/metrics.h).
 */
#ifndef CF_API_METRICS_TABLE_H
#define CF_API_METRICS_TABLE_H

#include "base/metrics.h"

struct cf_store;
struct cf_engine;

extern const struct cf_metric_desc cf_metrics_table[]; /* ends with a row without a name */

/* Sets the gauges that are only looked at when somebody asks. Handler threads; asks nobody. */
void cf_metrics_sample(struct cf_metrics *m, struct cf_store *store, struct cf_engine *engine,
                       const char *version);

#endif
