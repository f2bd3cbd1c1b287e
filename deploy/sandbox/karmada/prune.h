/* SPDX-License-Identifier: Apache-2.0 */
/* A template's way into a Work's manifest. Pure. */
#ifndef DEPLOY_SANDBOX_KARMADA_PRUNE_H
#define DEPLOY_SANDBOX_KARMADA_PRUNE_H

#include "base/json.h"

/* Takes away what the hub's API server or controllers gave the object and what belongs to one
 * cluster. */
void km_prune(json_t *manifest);
/* The id of the Work, and the lists of labels and annotations that are Karmada's to take back. */
void km_mark_manifest(json_t *manifest, const json_t *work);
/* Takes away every label and annotation by which Karmada holds an object, but for the one about
 * conflicts. */
void km_unmark(json_t *object);
/* Labels and annotations of a policy's claim. */
void km_unclaim(json_t *object);

#endif
