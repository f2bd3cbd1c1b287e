/* SPDX-License-Identifier: Apache-2.0 */
/* The least rights that Crossfade needs in a cluster: one table, which is both asked
 * (SelfSubjectAccessReview) and printed as RBAC for `kubectl apply`. Blocking where a client is
 * given; any thread. */
#ifndef CF_PREFLIGHT_RIGHTS_H
#define CF_PREFLIGHT_RIGHTS_H

#include "federation/kube/kube.h"

enum cf_rights_role {
    CF_RIGHTS_SOURCE = 1,
    CF_RIGHTS_TARGET = 2,
    CF_RIGHTS_ROUTER = 4,
    CF_RIGHTS_BOTH = 7,
    CF_RIGHTS_KARMADA = 8,     /* a Karmada control plane */
    CF_RIGHTS_CLUSTERNET = 16, /* a hub of Clusternet */
    CF_RIGHTS_ADOPTED = 32,    /* beside SOURCE: what a control plane takes over */
    CF_RIGHTS_VOLUMES = 64,    /* beside SOURCE and TARGET: claims whose data moves */
    CF_RIGHTS_VELERO = 128     /* in Velero's namespace of both */
};

/* The resource whose right lets the API server carry the probe to the target (engine/probe.h). */
#define CF_RIGHTS_PROBE "services/proxy"

bool cf_rights_role_parse(const char *name, enum cf_rights_role *out)
    CF_NODISCARD; /* "source", "target", "both", "adopted", "volumes", "velero", "karmada",
                     "clusternet" */

/* Asks for every verb of the table's rows of this role: [{"verb", "group", "resource", "namespace",
 * "allowed", "reason", "for", "optional"}]. New reference. Fails with the first review that has no
 * answer: what was not answered is not known, neither allowed nor denied. */
bool cf_rights_check(struct cf_kube *kube, enum cf_rights_role role, const char *ns,
                     json_t **out_rows, struct cf_error *err) CF_NODISCARD;

/* Whether a right is needed only if the cluster serves the kind (routers of other meshes): a denied
 * one is no blocker by itself. */
bool cf_rights_is_optional(const json_t *row);

/* Role and RoleBinding in `ns` plus the ClusterRole for what has no namespace; with ns NULL one
 * ClusterRole for all. Caller frees. */
char *cf_rights_yaml(enum cf_rights_role role, const char *ns) CF_NODISCARD;

#endif
