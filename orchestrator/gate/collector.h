/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts samples of any source into the readings of streams: which stream a series belongs to, what of it counts as bad, and the two
 * buckets of a latency stream joined into one point.
 *
 * A stream with preset "auto" is tried under every naming that fits its kind of router; the first naming (in the table's order)
 * that has series for it is remembered in the source's memory, so that two namings never count the same request twice.
 * One thread at a time. */
#ifndef CF_GATE_COLLECTOR_H
#define CF_GATE_COLLECTOR_H

#include "orchestrator/gate/presets.h"

struct cf_collector;

/* What a source remembers between reads: the naming found for each stream. */
struct cf_naming_memory;
struct cf_naming_memory *cf_naming_memory_new(void) CF_NODISCARD;
void cf_naming_memory_free(struct cf_naming_memory *m);

/* Borrows everything. Streams of kind PROMQL are left alone. */
struct cf_collector *cf_collector_new(const struct cf_stream *streams, size_t count,
                                      struct cf_naming_memory *memory) CF_NODISCARD;
void cf_collector_free(struct cf_collector *c);

/* Whether any stream may want this preset's request counters / latency buckets. */
bool cf_collector_wants(const struct cf_collector *c, const struct cf_preset *p,
                        enum cf_stream_kind kind);
/* Whether any stream may want this metric. */
bool cf_collector_wants_metric(const struct cf_collector *c, const char *metric);
/* Appends the distinct values of the key label that streams of this preset and kind look for, as a regular expression alternative
 * "v1|v2" with everything special escaped. Two calls when ordinary and canary backends have different key labels. */
void cf_collector_key_regex(const struct cf_collector *c, const struct cf_preset *p,
                            enum cf_stream_kind kind, bool canary, struct cf_buf *out);

/* One sample. `series` is its hash without the label "le"; `place` is where it was read, 0 where there is one place. */
void cf_collector_take(struct cf_collector *c, const char *metric, cf_label_fn *label,
                       const void *labels, uint64_t series, uint8_t place, int64_t at_ms,
                       double value);

/* The readings, one per stream; the collector is spent. Free with cf_readings_free. */
struct cf_reading *cf_collector_finish(struct cf_collector *c) CF_NODISCARD;

#endif
