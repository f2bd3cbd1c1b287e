/* SPDX-License-Identifier: Apache-2.0 */
/* What Karmada reads out of a member's object, by kind, and how it sums that up. Pure. */
#ifndef DEPLOY_SANDBOX_KARMADA_INTERPRET_H
#define DEPLOY_SANDBOX_KARMADA_INTERPRET_H

#include "base/json.h"

/* "Healthy" or "Unhealthy"; kinds without a rule are healthy. */
const char *km_health_of(const json_t *live);
/* The status that a Work shows of it; NULL: none. New reference. */
json_t *km_reflected(const json_t *live);
/* The template's status over all clusters: `items` is a binding's aggregatedStatus. NULL: kinds
 * that have none. New reference. */
json_t *km_summed_up(const json_t *template, const json_t *items);

#endif
