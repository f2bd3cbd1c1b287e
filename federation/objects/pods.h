/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod needs by name: the forward edges of the dependency closure. Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_PODS_H
#define CF_FEDERATION_OBJECTS_PODS_H

#include "base/json.h"

/* One thing that a pod spec names. `kind` is a kind of kinds.h, or one that must be there but is
 * not copied ("PriorityClass", "RuntimeClass", "StorageClass"). `optional`: the pod starts without it. */
typedef void cf_need_fn(void *user, const char *kind, const char *name, bool optional);

/* Calls `need` for every ConfigMap, Secret, ServiceAccount, PersistentVolumeClaim,
 * ResourceClaimTemplate, SecretProviderClass, PriorityClass, RuntimeClass and StorageClass that the
 * pod spec names: environment, volumes (projected, ephemeral and CSI ones too), pull secrets,
 * claims of devices; probes need none. The same name may come twice. */
void cf_pod_needs(const json_t *pod_spec, cf_need_fn *need, void *user);

/* Whether the pod spec names this claim. */
bool cf_pod_mounts(const json_t *pod_spec, const char *claim);
/* The same for many: the first key of the object `claims` that it names (borrowed), NULL: none. */
const char *cf_pod_mounts_of(const json_t *pod_spec, const json_t *claims);

/* Where its pods may run: {"nodeSelector", "affinity", "tolerations"}, those that it has. New reference. */
json_t *cf_pod_placement(const json_t *pod_spec) CF_NODISCARD;

/* The names of claims that a StatefulSet's templates make: "<template>-<set>-" as prefixes followed
 * by the ordinal. */
bool cf_claim_is_of_set(const char *claim_name, const json_t *stateful_set);

#endif
