/* SPDX-License-Identifier: Apache-2.0 */
/* What a cleaned object becomes for the target: its namespace, routes that lead only to what is
 * copied, the plan's transforms, how many replicas, and what waits for the switch.
 *
 * Pure functions on trees; any thread. */
#ifndef CF_FEDERATION_OBJECTS_TRANSFORM_H
#define CF_FEDERATION_OBJECTS_TRANSFORM_H

#include "base/json.h"

/* Annotations on copies, by which the switch and the release find what they have to change. */
/* {"field": value} that the switch gives (held.h). */
#define CF_ANNOTATION_ACTIVATE "crossfade.dev/activate"
/* An autoscaler's own minReplicas, given back at the release. */
#define CF_ANNOTATION_FLOOR "crossfade.dev/floor"

/* external-dns leaves alone what carries another controller's name here. */
#define CF_ANNOTATION_DNS "external-dns.alpha.kubernetes.io/controller"
#define CF_DNS_HELD       "crossfade"

struct cf_transform {
    const char *target_namespace;
    const json_t *workloads; /* effective form of spec.workloads: transforms, replicas */
    const json_t *members;   /* of the closure: there an autoscaler's target is looked up */
};

/* The body for the target (new reference) of a closure's member ({"object", "start", …}). LIMIT or
 * INVALID when a transform makes something that is no object any more, or changes its kind or
 * name. */
json_t *cf_object_transform(const struct cf_transform *t, const json_t *member,
                            struct cf_error *err) CF_NODISCARD;

/* The cleaned object in another namespace and otherwise as the source has it (new reference): what
 * both sides of a federation share. */
json_t *cf_object_rehome(const json_t *object, const char *ns) CF_NODISCARD;

/* Takes back, in place, what a copy has only while both sides serve (an autoscaler's raised floor, a
 * route kept from external-dns): what an object of somebody else would look like. */
void cf_object_unhold(json_t *body);

/* "registry.dc1/web:1" with from "registry.dc1" and to "registry.dc2": new text, or NULL when the
 * prefix does not fit at a path border. */
char *cf_image_rewrite(const char *image, const char *from, const char *to) CF_NODISCARD;

#endif
