/* SPDX-License-Identifier: Apache-2.0 */
/* Override policies on a manifest for one cluster. */
#ifndef DEPLOY_SANDBOX_KARMADA_OVERRIDES_H
#define DEPLOY_SANDBOX_KARMADA_OVERRIDES_H

#include "deploy/sandbox/karmada/round.h"

struct km_overridden {
    json_t *by_cluster_policies, *by_policies; /* lists for Works' annotations, or NULL */
};
void km_overridden_free(struct km_overridden *o);

/* Changes *manifest (its reference may be replaced) as the policies for that Cluster say. False:
 * *out_policy and *out_why (the caller's to free) name the policy and what is wrong with it. */
bool km_override(struct km_round *r, json_t **manifest, const json_t *cluster,
                 struct km_overridden *out, char **out_policy, char **out_why);
/* A digest of all override policies in this round: what makes Works be written again. */
const char *km_overrides_digest(struct km_round *r);

#endif
