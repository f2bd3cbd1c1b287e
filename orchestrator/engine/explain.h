/* SPDX-License-Identifier: Apache-2.0 */
/* Why each object is copied, and why others are not: an inventory without its bodies, for people.
 * Pure; any thread. */
#ifndef CF_ENGINE_EXPLAIN_H
#define CF_ENGINE_EXPLAIN_H

#include "base/json.h"

/* {"objects": [{"object": "Deployment/web", apiVersion, kind, namespace, name (in the target),
 *               wave, start, onConflict, "why", "from": "Service/web" or ""}],
 *  "required": [{"object", apiVersion, kind, namespace, name, level, "why"}],
 *  "skipped": [{"object": "HTTPRoute/web", "kind", "name", "why"}],
 *  "unrelated": {kind: number}, "notes": […]}. New reference. */
json_t *cf_explain(const json_t *inventory) CF_NODISCARD;

#endif
