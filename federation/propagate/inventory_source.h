/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the source for a closure: its namespace, kind by kind, and what of the cluster belongs to
 * it. Internal to this room; blocking, on the caller's thread.
 *
 * What every cluster serves must be readable. What only some serve, or only some may read, is
 * optional: without it the copy goes on, and the closure says what could not be read. */
#ifndef CF_FEDERATION_PROPAGATE_INVENTORY_SOURCE_H
#define CF_FEDERATION_PROPAGATE_INVENTORY_SOURCE_H

#include "federation/propagate/propagator.h"

enum {
    CF_INVENTORY_CUSTOM_MAX =
        150, /* custom kinds that are looked through; clusters have about 80 */
};

/* As struct cf_closure_input wants them; all owned. */
struct cf_inventory_source {
    json_t *objects;
    json_t *routers;
    json_t *absent;
    json_t *unread;
};
void cf_inventory_source_free(
    struct cf_inventory_source *s); /* for CF_CLEANUP; zeroed before first use */

bool cf_inventory_source_read(const struct cf_propagation *p, struct cf_inventory_source *out,
                              struct cf_error *err) CF_NODISCARD;

#endif
