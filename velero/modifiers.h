/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore changes of the objects that it makes: a ConfigMap of Velero's resource modifiers, one
 * per Restore, ours to make and to remove. (The cluster-wide ConfigMap that maps storage classes would
 * hold for everybody's restores.) Pure; any thread.
 *
 * Claims get the storage class and size that they shall have there, and our label; stage pods get the
 * placement of the workload that will mount the claim, so that a volume which waits for its first
 * consumer is made where that can run. For such a class the pod that only named a claim is scheduled as well: it
 * is the consumer that the volume waits for. Claims with the same changes share a rule. */
#ifndef CF_VELERO_MODIFIERS_H
#define CF_VELERO_MODIFIERS_H

#include "velero/room.h"

/* Whose claims are to be of a class that waits for its first consumer: {claim: true}, a new reference.
 * `classes` are the StorageClasses at v->to, `was` the claims' classes at v->from. */
json_t *cf_modifiers_waits(const struct cf_volumes *v, const json_t *classes,
                           const json_t *was) CF_NODISCARD;
/* The ConfigMap (new reference) with this name and these labels (a reference of its own is taken). */
json_t *cf_modifiers_of(const struct cf_volumes *v, const char *name, const json_t *labels,
                        const json_t *waits) CF_NODISCARD;

#endif
