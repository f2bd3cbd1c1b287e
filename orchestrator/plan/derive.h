/* SPDX-License-Identifier: Apache-2.0 */
/* The defaults that follow from other fields: every row of the table whose default begins with '='.
 * Private; pure. */
#ifndef CF_PLAN_DERIVE_H
#define CF_PLAN_DERIVE_H

#include "base/json.h"

/* Fills the nulls that cf_walk_document() left, in place, and puts sets into the table's order.
 * What cannot be derived because its origin is missing or wrong is removed. */
void cf_derive(json_t *effective);

/* Ten times what a gate tolerates, at most one half: the failure rate that must be excluded before
 * a step passes. */
double cf_derive_detect(double min);

#endif
