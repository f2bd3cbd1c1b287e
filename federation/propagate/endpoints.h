/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the copied Services lead anywhere. Internal to this room; blocking, on the caller's
 * thread. */
#ifndef CF_FEDERATION_PROPAGATE_ENDPOINTS_H
#define CF_FEDERATION_PROPAGATE_ENDPOINTS_H

#include "federation/propagate/propagator.h"

/* *out_empty (new reference) has a member for each Service of `lives` (key → object of the target)
 * that selects pods of a workload among them which runs, and yet has no ready endpoint: by its key.
 * Empty where the target does not let us read EndpointSlices. */
bool cf_services_without_endpoints(const struct cf_propagation *p, const json_t *lives,
                                   json_t **out_empty, struct cf_error *err) CF_NODISCARD;

#endif
