/* SPDX-License-Identifier: Apache-2.0 */
/* The table of where routes keep their rules. Internal to this room. */
#ifndef CF_FEDERATION_OBJECTS_ROUTES_INTERNAL_H
#define CF_FEDERATION_OBJECTS_ROUTES_INTERNAL_H

#include "federation/objects/routes.h"

/* The destination that an entry names; false when it names none. */
typedef bool cf_backend_read_fn(const json_t *entry, const char *ns, struct cf_backend *out);
cf_backend_read_fn cf_backend_of_ingress, cf_backend_of_ref, cf_backend_of_istio;

struct cf_route_part {
    const char *kind;
    const char *rules;        /* pointer of the list of rules, or of what holds them */
    const char *inner;        /* pointer of the rules within such a holder; NULL: none between */
    const char *destinations; /* member with the rule's destinations; NULL: the rule is one */
    cf_backend_read_fn *read;
};
extern const struct cf_route_part cf_route_parts[]; /* ends with a row without kind */

#endif
