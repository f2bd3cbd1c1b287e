/* SPDX-License-Identifier: Apache-2.0 */
/* What the plan's spec.volumes means for one claim, and how the writers of an inventory
 * (federation/propagate/propagator.h) are called. Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_VOLUMES_H
#define CF_FEDERATION_OBJECTS_VOLUMES_H

#include <stdbool.h>

#include "base/json.h"

/* The row that counts for a claim: the first of `claims` that fits its name, else `default`; NULL
 * when `volumes` is NULL. */
const json_t *cf_volumes_row(const json_t *volumes, const char *claim);

/* Whether a row's data goes through Velero. */
bool cf_volumes_is_moved(const json_t *row);

/* The Services among what is copied whose selectors mean a writer: ["db", …]. New reference. */
json_t *cf_volumes_names_of_writers(const json_t *inventory) CF_NODISCARD;
/* The first workload among what is copied that is no writer; NULL: none. Borrowed. */
const json_t *cf_volumes_caller(const json_t *inventory);
/* The body of the copy with that label ("StatefulSet/db"); NULL: there is none. Borrowed. */
const json_t *cf_inventory_body(const json_t *inventory, const char *label);

#endif
