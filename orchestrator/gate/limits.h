/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of the gate, each with its reason. */
#ifndef CF_GATE_LIMITS_H
#define CF_GATE_LIMITS_H

enum {
    /* One answer of a metrics source: 10,000 workloads batched are 1.5 MB from Prometheus; a gateway's whole text
     * with 10,000 clusters is about 30 MB. */
    CF_GATE_REPLY_MAX = 64 * 1024 * 1024,
    /* Series of one stream (gateway pods × response codes). Beyond it the reading fails: an aggregated source is
     * needed, and silently watching a part would be a lie. */
    CF_GATE_SERIES_MAX = 4096,
    /* Points of one stream in one reading: all its series over the longest range at a scrape each five seconds. */
    CF_GATE_POINTS_MAX = 4096 * 64,
    /* Streams in one batched read. */
    CF_GATE_STREAMS_MAX = 20000,
    /* One line of Prometheus text; longer ones are an error. */
    CF_GATE_LINE_MAX = 64 * 1024,
    /* Direct reads: "older than three periods" is at least this, as ARCHITECTURE's stale-samples rule says. */
    CF_GATE_STALE_FLOOR_MS = 3000,
    /* Places of one scrape source: they are bits of one number, and more want a Prometheus. */
    CF_GATE_PLACES_MAX = 64,
    /* Calls of one look at once: a cluster's gateways and a plan's expressions are a handful. */
    CF_GATE_AT_ONCE_MAX = 32,
    /* A place of several gets three times what it usually needs, and at least this: it must not hold up what the others say. */
    CF_GATE_PLACE_MS_MIN = 500,
    CF_GATE_PLACE_MS_FIRST = 1000,
    /* One that did not answer in time is asked again after 1, 2, 4 … seconds, at most this. */
    CF_GATE_PLACE_AGAIN_MS_MAX = 5000,
    /* Scrape periods of which the observed period is the median. */
    CF_GATE_PERIODS_KEPT = 9,
    /* Range asked of Prometheus: enough for four scrapes of a 15 s period; slower sources widen it themselves. */
    CF_GATE_RANGE_MIN_MS = 20000,
    CF_GATE_RANGE_MAX_MS = 300000,
};

#endif
