/* SPDX-License-Identifier: Apache-2.0 */
/* The members that a control plane knows: Karmada's Clusters and Clusternet's ManagedClusters in one
 * form.
 *
 * Called by: `cluster check`, the import of members, preflight, and the drivers, which find source
 * and target among them by identity, never by name. Reads only; any thread. */
#ifndef CF_FEDERATION_PROPAGATE_MEMBERS_H
#define CF_FEDERATION_PROPAGATE_MEMBERS_H

#include "base/error.h"
#include "base/json.h"

struct cf_kube;

enum cf_plane_kind { CF_PLANE_NONE, CF_PLANE_KARMADA, CF_PLANE_CLUSTERNET };

const char *cf_plane_kind_name(enum cf_plane_kind k); /* "", "karmada", "clusternet" */

/* What the API server is the control plane of, by what it serves; NONE for an ordinary cluster. */
bool cf_plane_kind_of(struct cf_kube *plane, enum cf_plane_kind *out,
                      struct cf_error *err) CF_NODISCARD;

/* One row per member, in the order of names (new reference):
 *   {"name": "east",
 *    "namespace": "clusternet-abc12"    of the ManagedCluster; "" in Karmada
 *    "id": "<uid>"                      Karmada: uid of the member's namespace kube-system;
 *                                       Clusternet: uid of the Lease of the member's agent
 *    "server": "https://…"              as the control plane reaches it; "" when it does not
 *    "syncMode": "Push|Pull|Dual",
 *    "ready": bool, "why": "…"          why it is not ready; "" when it is
 *    "taints": ["key=value:NoSchedule"],
 *    "kinds": n, "kindsComplete": bool  kinds that the control plane knows it to serve; -1, true
 *                                       where it keeps no such list
 *    "version": "v1.35.4"}
 * NOT_FOUND: it is no control plane. */
bool cf_members_list(struct cf_kube *plane, json_t **out, struct cf_error *err) CF_NODISCARD;

/* The row with that id, or NULL; borrowed. */
const json_t *cf_member_by_id(const json_t *members, const char *id);

/* How a member calls itself towards its control plane, read in the member: what "id" above is.
 * NOT_FOUND for Clusternet: no agent holds a Lease there. */
bool cf_member_identity(struct cf_kube *member, enum cf_plane_kind kind, char *out, size_t size,
                        struct cf_error *err) CF_NODISCARD;

#endif
