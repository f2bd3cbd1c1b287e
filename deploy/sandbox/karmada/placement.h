/* SPDX-License-Identifier: Apache-2.0 */
/* Where a binding's clusters come from: filters, and replicas among those that pass. Pure. */
#ifndef DEPLOY_SANDBOX_KARMADA_PLACEMENT_H
#define DEPLOY_SANDBOX_KARMADA_PLACEMENT_H

#include "base/json.h"

/* The clusters for a binding, [{name, replicas?}] in order of their names; *out_affinity is the
 * name of the term of clusterAffinities that won, borrowed, or NULL. NULL when none fits: *out_why,
 * the caller's to free, says why. */
json_t *km_place(const json_t *binding, const json_t *clusters, const char **out_affinity,
                 char **out_why) CF_NODISCARD;
/* Whether it wants all replicas in each cluster. */
bool km_is_duplicated(const json_t *binding);

#endif
