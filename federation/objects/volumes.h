/* SPDX-License-Identifier: Apache-2.0 */
/* What the plan's spec.volumes means for one claim. Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_VOLUMES_H
#define CF_FEDERATION_OBJECTS_VOLUMES_H

#include <stdbool.h>

#include "base/json.h"

/* The row that counts for a claim: the first of `claims` that fits its name, else `default`; NULL
 * when `volumes` is NULL. */
const json_t *cf_volumes_row(const json_t *volumes, const char *claim);

/* Whether a row's data goes through Velero. */
bool cf_volumes_is_moved(const json_t *row);

#endif
