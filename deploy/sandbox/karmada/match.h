/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a policy is about: selectors of resources and of clusters. Pure. */
#ifndef DEPLOY_SANDBOX_KARMADA_MATCH_H
#define DEPLOY_SANDBOX_KARMADA_MATCH_H

#include "base/json.h"

/* How precisely a selector names an object; more is stronger. */
enum km_rank { KM_RANK_NONE, KM_RANK_ALL, KM_RANK_LABELS, KM_RANK_NAME };
/* The strongest of a list of resourceSelectors; an absent list selects nothing. */
enum km_rank km_selected(const json_t *selectors, const json_t *object);

/* Whether a clusterAffinity takes that Cluster; NULL takes all. */
bool km_affinity_takes(const json_t *affinity, const json_t *cluster);
/* The first taint of the Cluster, with one of these effects, that no toleration covers; NULL:
 * none. */
const json_t *km_untolerated(const json_t *cluster, const json_t *tolerations, const char *effects);

#endif
