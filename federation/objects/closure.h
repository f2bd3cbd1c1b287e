/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects of a namespace move together: what the plan selects, everything that needs, and
 * everything that acts on it.
 *
 * Forward: a pod's ConfigMaps, Secrets, ServiceAccount (with its RoleBindings and Roles, and its
 * pull secrets), claims; a StatefulSet's Service and its templates' claims. Backward: Services,
 * disruption budgets and network policies by selector, autoscalers by target. With anything come
 * the namespace's quota and limits. A pure function on the objects of the namespace; any thread. */
#ifndef CF_FEDERATION_OBJECTS_CLOSURE_H
#define CF_FEDERATION_OBJECTS_CLOSURE_H

#include "base/json.h"

/* Findings of one closure; one per object at most would be 50,000. */
enum { CF_CLOSURE_NOTES_MAX = 1000 };

struct cf_closure_input {
    /* Array: everything in the namespace of the kinds in kinds.h, and the Namespace itself. */
    const json_t *objects;
    const json_t *workloads; /* effective form of the plan's spec.workloads */
    const json_t *services;  /* array of names: the source Services of the routers */
};

/* {"members": [{"object": {…} (as read), "why": "selected by Service web",
 *               "start": "now" | "atSwitch", "onConflict": "fail" | …}],
 *  "required": [{"kind", "name", "why"}]       cluster-wide things that the target must have
 *  "notes": [{"level", "code", "message", "hint"}]}
 * Members are in the order of application. INVALID when the selection matches nothing, or a listed
 * thing is not there. New reference. */
json_t *cf_closure(const struct cf_closure_input *in, struct cf_error *err) CF_NODISCARD;

#endif
