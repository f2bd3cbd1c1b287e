/* SPDX-License-Identifier: Apache-2.0 */
/* What step volume.sync keeps of each claim whose data moves: rows of velero/volumes.h for the way there,
 * with `by` and `uid` and, where there is a way back with the data, what that needs of the source:
 * "source": {"storageClass", "placement"}. Pure; any thread. */
#ifndef CF_ENGINE_CLAIM_ROWS_H
#define CF_ENGINE_CLAIM_ROWS_H

#include "base/error.h"
#include "base/json.h"

/* From the source's inventory (federation/propagate/propagator.h), in its order. New reference. */
json_t *cf_claim_rows_there(const json_t *inventory) CF_NODISCARD;

/* Adds `source` to the rows of that inventory. `facts`: of the source's cluster (cf_velero_look). */
void cf_claim_rows_note_source(json_t *rows, const json_t *inventory, const json_t *facts);

/* The rows of the way back: the source's class and placement for what is restored there. Rows without
 * `source`, of a run that an older version has begun, stay as they are. New reference. */
json_t *cf_claim_rows_back(const json_t *rows) CF_NODISCARD;

#endif
