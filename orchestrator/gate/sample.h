/* SPDX-License-Identifier: Apache-2.0 */
/* From cumulative counters to looks: what happened between two scrapes, through resets, gaps and double reads.
 *
 * Per series the last value is kept. A value that fell is a reset: the new value is what happened since. The first reading
 * that has points is the baseline and counts nothing. A series seen for the first time after it began at zero: its whole
 * value counts (a backend that never failed has no failure series until it fails). A scrape seen twice counts once; a late scrape (older than the last one) is ignored. A vanished series
 * keeps its last value, so that its return is not a second first time.
 * All of this holds per place of a source: a series of a place that was never read before is that place's baseline, and what a place
 * counted while it was missing counts when it is back, but not as surely younger than a weight change in between.
 *
 * Freshness: the observed scrape period is the median distance of the last scrapes; data is stale when the newest scrape is
 * older than three periods (and never earlier than CF_GATE_STALE_FLOOR_MS). One thread at a time. */
#ifndef CF_GATE_SAMPLE_H
#define CF_GATE_SAMPLE_H

#include "orchestrator/gate/source.h"

struct cf_sampler;

struct cf_sampler *cf_sampler_new(void) CF_NODISCARD;
void cf_sampler_free(struct cf_sampler *s);

/* What one reading added. */
struct cf_delta {
    uint64_t n, k; /* requests and failures that are new with this reading */
    /* the part of them that surely happened after `since_ms` (both scrapes later than it) */
    uint64_t n_since, k_since;
    bool fresh; /* at least one scrape was new */
};

/* `since_ms`: the wall time of the last weight change. LIMIT when the stream has too many series. */
bool cf_sampler_feed(struct cf_sampler *s, const struct cf_reading *reading, int64_t since_ms,
                     struct cf_delta *out, struct cf_error *err) CF_NODISCARD;

/* Wall time of the newest scrape; 0: none yet. */
int64_t cf_sampler_newest_ms(const struct cf_sampler *s);
/* Observed scrape period; 0: not known yet. */
int64_t cf_sampler_period_ms(const struct cf_sampler *s);
bool cf_sampler_is_stale(const struct cf_sampler *s, int64_t now_wall_ms);

#endif
