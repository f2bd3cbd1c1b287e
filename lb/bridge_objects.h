/* SPDX-License-Identifier: Apache-2.0 */
/* Inside lb/ only: what the bridge's pure files share. */
#ifndef CF_LB_BRIDGE_OBJECTS_H
#define CF_LB_BRIDGE_OBJECTS_H

#include "lb/bridge.h"

#define CF_BRIDGE_LABEL     "crossfade.dev/bridge" /* "true" on all that belongs to a bridge */
#define CF_BRIDGE_LABEL_RUN "crossfade.dev/run"
#define CF_SLICE_SERVICE    "kubernetes.io/service-name"
#define CF_SLICE_MANAGED_BY "endpointslice.kubernetes.io/managed-by"
#define CF_SLICE_MANAGER    "crossfade.dev"

/* Name, namespace, ownership labels, where the bridge leads. New reference. */
json_t *cf_bridge_metadata(const struct cf_bridge *b, const char *name);
bool cf_bridge_is_ours(const json_t *object);

#endif
