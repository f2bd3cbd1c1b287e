/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects of a namespace move together: what the plan selects, everything that needs, and
 * everything that acts on it.
 *
 * Forward: a pod's ConfigMaps, Secrets, ServiceAccount (with its RoleBindings and Roles, and its
 * pull secrets), claims; a StatefulSet's Service and its templates' claims; the endpoints of a
 * Service that a person keeps; a route's gateways and certificates; what a custom resource names.
 * Backward: Services, disruption budgets, network policies and monitors by selector, autoscalers by
 * target, routes by backend, custom resources that name a member. With anything come the
 * namespace's quota and limits. What the plan's own routers steer, what operators make and what
 * every cluster makes itself is left out, and said. A pure function on the objects of the
 * namespace; any thread. */
#ifndef CF_FEDERATION_OBJECTS_CLOSURE_H
#define CF_FEDERATION_OBJECTS_CLOSURE_H

#include "base/json.h"

enum {
    /* Findings of one closure; one per object at most would be 50,000. */
    CF_CLOSURE_NOTES_MAX = 1000,
    /* Objects that are not copied, each with its reason; those without one are only counted. */
    CF_CLOSURE_SKIPPED_MAX = 1000,
};

struct cf_closure_input {
    /* Array: everything in the namespace of the kinds in kinds.h and of custom kinds, the Namespace
     * itself, and of the cluster the definitions of those custom kinds and the
     * ClusterRoleBindings. */
    const json_t *objects;
    const json_t *workloads; /* effective form of the plan's spec.workloads */
    const json_t *services;  /* array of names: the source Services of the routers */
    /* Each may be NULL for none: */
    const json_t *volumes; /* effective form of the plan's spec.volumes */
    const json_t *routers; /* [{"kind", "name"}]: routes of the namespace that the plan steers */
    const json_t *absent;  /* [{"group", "kind", "served"?}]: kinds of `objects` that the target
                              does not serve (or only in the version `served`) */
    const json_t
        *unread; /* [{"kind", "why", "custom": bool}]: optional kinds that could not be read */
};

/* {"members": [{"object": {…} (as read), "why": "selected by Service web",
 *               "from": "Service/web" (what brought it; "" for what the plan names),
 *               "wave": n (kinds.h), "start": "now" | "atSwitch", "onConflict": "fail" | …,
 *               "pullSecrets": [{"name"}] (of the default ServiceAccount, for pods that use it)}],
 *  "required": [{"kind", "name", "why", "ref": {group, version, kind, namespace, name},
 *                "level": "blocker" | "warning"}]
 *              what the target must have: "namespace" is the source's own where the copies' is
 *              meant
 *  "skipped": [{"kind", "name", "why"}], "unrelated": {kind: number}   what is not copied
 *  "notes": [{"level", "code", "message", "hint"}],
 *  "volumes": {"claims": [{"name", "strategy", "verify", "storageClass", "size", "claim": {…}, "by":
 *              ["StatefulSet/db"], "placement" (pods.h; of the first of `by`, as read)}], "writers":
 *              [{"apiVersion", "kind", "name"}]}   whose data moves, and the members that mount
 *              them; absent without. Such claims are no members, and such members start atSwitch
 *  "waves": n   how many waves of workloads (include[].after); absent without
 * Members are in the order of application. INVALID when the selection matches nothing, a listed
 * thing is not there, or a wave would wait for what cannot become ready before the switch. New
 * reference. */
json_t *cf_closure(const struct cf_closure_input *in, struct cf_error *err) CF_NODISCARD;

#endif
