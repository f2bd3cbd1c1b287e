/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities as Kubernetes writes them: "500m", "2", "10Gi", "1e3". Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_QUANTITY_H
#define CF_FEDERATION_OBJECTS_QUANTITY_H

#include "base/json.h"

/* A JSON text or number as a number of units; false for what is no quantity. Doubles are exact far
 * beyond any cluster's memory in bytes. */
bool cf_quantity_of(const json_t *value, double *out);

#endif
