/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan to the ordered list of steps of a run. Pure.
 *
 * Called by: the start of a run, `plan diff`, tests. The result is stored with the run and never
 * changes: a later version of this program goes on with the steps as they were compiled. */
#ifndef CF_ENGINE_COMPILE_H
#define CF_ENGINE_COMPILE_H

#include "base/json.h"
#include "orchestrator/plan/plan.h"

/* Array of {"kind", "name", "params"} in order. New reference.
 *
 *   preflight · propagate · workload.ready · reach · (traffic.shift · traffic.soak) for each weight
 *   · commit · source.scale_down (unless the source is kept) · cleanup */
json_t *cf_compile(const struct cf_plan *plan) CF_NODISCARD;

#endif
