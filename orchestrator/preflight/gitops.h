/* SPDX-License-Identifier: Apache-2.0 */
/* The GitOps owners (federation/objects/gitops.h) of workloads, as they are in a cluster now.
 *
 * Called by: preflight's check `gitops`, and the run step `quiesce`. Reads only; blocking; one thread. */
#ifndef CF_PREFLIGHT_GITOPS_H
#define CF_PREFLIGHT_GITOPS_H

#include "federation/kube/kube.h"

/* Of workloads ([{"kind", "name"}], in `ns`; those that are gone have none): [{"tool", "apiVersion",
 * "kind", "namespace", "name", "of": "StatefulSet db", "more": other workloads that it keeps,
 * "state": "on" (it would put them back) | "paused" | "absent" (not in this cluster) | "denied",
 * "why": the server's words when denied, "undoneBy": "ApplicationSet argocd/all", who would undo a
 * pause, or "", "object": as read, or null}], each owner once. New reference. */
bool cf_gitops_read(struct cf_kube *kube, const char *ns, const json_t *workloads,
                    json_t **out_owners, struct cf_error *err) CF_NODISCARD;

/* "Kustomization flux-system/shop" */
void cf_gitops_say(const json_t *owner, struct cf_buf *out);
/* "StatefulSet db and 2 more" */
void cf_gitops_say_kept(const json_t *owner, struct cf_buf *out);

/* Why the run cannot pause it, and what to do; false: it can, or need not. `hint` gets words that end
 * with how a person takes it over. */
bool cf_gitops_blocks(const json_t *owner, const char *cluster, struct cf_buf *message,
                      struct cf_buf *hint);

#endif
