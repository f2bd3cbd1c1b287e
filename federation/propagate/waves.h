/* SPDX-License-Identifier: Apache-2.0 */
/* Waves of workloads inside one plan (workloads.include[].after): nothing of a wave is written, or
 * let go of by a control plane, before all copies of the waves before it are healthy in the target.
 * Internal to this room; any thread.
 *
 * Inside a wave the order of kinds stays. Nothing is remembered: whether a wave may go on is asked
 * whenever something of it is to be written, so a crash changes nothing. */
#ifndef CF_FEDERATION_PROPAGATE_WAVES_H
#define CF_FEDERATION_PROPAGATE_WAVES_H

#include "federation/propagate/propagator.h"

/* Of anything that has a member "wave" (an item, a ledger's entry, a policy); from 1. */
int cf_wave_of(const json_t *row);
/* How many waves an inventory has; 1 where none of its rows comes after another. */
int cf_waves_of(const json_t *inventory);

/* Where there are several waves: "wave" of `of` (from 1), on the last of the rows of a preview. */
void cf_preview_wave(json_t *rows, const json_t *inventory, const json_t *of);

/* Sorts rows by their number; those with the same keep their order. */
void cf_sort_by_wave(json_t *rows);

/* The `health` of the port. */
typedef bool cf_health_of_fn(const struct cf_propagation *p, const json_t *ledger,
                             json_t **out_report, struct cf_error *err);

/* Whether everything of the inventory before `wave` is healthy in the target, as `health` sees it.
 * *out_so false: `out` names the wave and what it waits for. Asks nobody for the first wave. */
bool cf_wave_may_begin(const struct cf_propagation *p, const json_t *inventory, int wave,
                       cf_health_of_fn *health, bool *out_so, struct cf_copying *out,
                       struct cf_error *err) CF_NODISCARD;

#endif
