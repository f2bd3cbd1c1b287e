/* SPDX-License-Identifier: Apache-2.0 */
/* How two objects differ, in lines for people, and the digest that says whether they do. Pure; any
 * thread. */
#ifndef CF_FEDERATION_OBJECTS_DIFF_H
#define CF_FEDERATION_OBJECTS_DIFF_H

#include "base/digest.h"
#include "base/json.h"

enum { CF_DIFF_LINES_MAX = 20, CF_DIFF_VALUE_MAX = 80 };

/* Whether everything that `wanted` says is so in `live`: fields that only `live` has (defaults,
 * status, other managers') do not count. Appends lines "spec.template.spec.containers[0].image: a →
 * b" (live → wanted) to the array `lines`, CF_DIFF_LINES_MAX at most; `lines` may be NULL. Values
 * of Secrets are never shown. */
bool cf_object_same(const json_t *wanted, const json_t *live, json_t *lines);

/* SHA-256 hex of the cleaned source object, without what runs by itself: replicas when
 * `autoscaled`. */
void cf_object_digest(const json_t *source_object, bool autoscaled, char out[CF_SHA256_HEX]);

/* A copy with the values of a Secret replaced by their digests (new reference). */
json_t *cf_object_mask(const json_t *object) CF_NODISCARD;

/* Who wrote to the object last ("kubectl-edit at 2026-11-21T10:00:00Z"), by managedFields, ignoring
 * `except` and status writes; new text, or NULL. */
char *cf_object_last_writer(const json_t *object, const char *except) CF_NODISCARD;

#endif
