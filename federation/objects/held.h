/* SPDX-License-Identifier: Apache-2.0 */
/* What stands still until the switch, and by which field of it. The same names stand in a copy's
 * CF_ANNOTATION_ACTIVATE, with what the switch gives them, and in the rows of a freeze, with what
 * they had:
 *   "replicas", "suspend"   of spec
 *   "paused"                the annotation by which KEDA leaves what it scales at that many; null:
 *                           there is none, and KEDA scales
 * Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_HELD_H
#define CF_FEDERATION_OBJECTS_HELD_H

#include "base/json.h"

#define CF_KEDA_PAUSED "autoscaling.keda.sh/paused-replicas"

/* What a field has while it stands still; new reference. */
json_t *cf_held_still(const char *field) CF_NODISCARD;

/* Puts its standstill into the field and keeps `running_take` for the switch. */
void cf_held_hold(json_t *object, const char *field, json_t *running_take);

/* {"field": value} that a copy is to have: from the switch on, or (`off`) while it waits. *out_fields
 * (new reference) stays NULL when it waits for nothing. INVALID: the annotation is no JSON. */
bool cf_held_read(const json_t *copy, bool off, json_t **out_fields,
                  struct cf_error *err) CF_NODISCARD;

/* Whether an object has that value in the field. */
bool cf_held_is(const json_t *object, const char *field, const json_t *value);

/* Whether a copy still stands as it was held: it waits for something, and has not been started. */
bool cf_held_stands(const json_t *copy);

/* Puts the value where the field is: into a merge patch, where null takes it out. */
void cf_held_put(json_t *patch, const char *field, const json_t *value);

/* In place: the fields that are in a freeze's row (NULL: none) as they were before it. */
void cf_held_unstop(json_t *object, const json_t *row);

#endif
