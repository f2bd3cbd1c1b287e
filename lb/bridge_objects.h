/* SPDX-License-Identifier: Apache-2.0 */
/* Inside lb/ only: what the bridge's pure files share. */
#ifndef CF_LB_BRIDGE_OBJECTS_H
#define CF_LB_BRIDGE_OBJECTS_H

#include "lb/bridge.h"

#define CF_BRIDGE_LABEL     "crossfade.dev/bridge" /* "true" on all that belongs to a bridge */
#define CF_BRIDGE_LABEL_RUN "crossfade.dev/run"
#define CF_BRIDGE_BY_NAME   "crossfade.dev/bridge-by-name" /* "true" on slices by name */
#define CF_SLICE_SERVICE    "kubernetes.io/service-name"
#define CF_SLICE_MANAGED_BY "endpointslice.kubernetes.io/managed-by"
#define CF_SLICE_MANAGER    "crossfade.dev"

/* Name, namespace, ownership labels, where the bridge leads. New reference. */
json_t *cf_bridge_metadata(const struct cf_bridge *b, const char *name);
bool cf_bridge_is_ours(const json_t *object);
/* Whether a slice belongs to a bridge by name, whoever's. */
bool cf_bridge_slice_is_by_name(const json_t *slice);
/* By name: whether the Service takes addresses of this type; what it says nothing about, it takes. */
bool cf_bridge_family_fits(const json_t *service, const char *address_type);
/* Its hostname, which `pod.service` is resolved by, into an endpoint of ours. */
void cf_bridge_carry_hostname(json_t *endpoint, const json_t *theirs);

#endif
