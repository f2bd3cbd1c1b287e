/* SPDX-License-Identifier: Apache-2.0 */
/* An API server in memory, behind the port of federation/kube/kube.h: for unit tests of what stands
 * on it.
 *
 * It does: discovery, get, list (limit/continue, labelSelector by equality, fieldSelector
 * metadata.name), create (also with generateName), update, JSON Patch, merge patch, server-side
 * apply (merge with conflicts of managers; fields left out of a later apply are not removed),
 * delete (preconditions, finalizers), dryRun, resourceVersion, generation on a spec change, the
 * status subresource, managedFields, SelfSubjectAccessReview, /version; Status bodies of 404, 409,
 * 410, 415, 422 with the reasons of a real one. It does not: watch, validation, defaulting,
 * controllers, namespaces that must exist, sockets, time. One mutex guards all of it: any thread.
 */
#ifndef TESTS_SUPPORT_FAKE_KUBE_H
#define TESTS_SUPPORT_FAKE_KUBE_H

#include "federation/kube/kube.h"

struct cf_fake_kube;

struct cf_fake_kube *cf_fake_kube_new(void); /* with the usual kinds and namespace kube-system */
void cf_fake_kube_free(struct cf_fake_kube *f);
/* A client of it (a new reference each time); `f` must outlive it. */
struct cf_kube *cf_fake_kube_client(struct cf_fake_kube *f, const char *name);

/* One more kind. The usual ones are those of v1, apps/v1, batch/v1, autoscaling/v2, policy/v1,
 * networking.k8s.io/v1, discovery.k8s.io/v1, rbac.authorization.k8s.io/v1, networking.istio.io/v1
 * and /v1beta1, gateway.networking.k8s.io/v1 that we handle. */
void cf_fake_kube_kind(struct cf_fake_kube *f, const char *api_version, const char *kind,
                       const char *plural, bool namespaced);
/* The kinds of this group have no status subresource: whoever creates or patches one writes its
 * status, too. One group. */
void cf_fake_kube_plain_status(struct cf_fake_kube *f, const char *group);
/* The server no longer knows the group ("gateway.networking.k8s.io"). */
void cf_fake_kube_forget_group(struct cf_fake_kube *f, const char *group);

/* Behind the API's back: stores the object as it stands (status too), with uid, resourceVersion and
 * generation filled in where they are missing; a new resourceVersion in any case. Takes JSON text.
 * Fails the test if it is none. */
void cf_fake_kube_put(struct cf_fake_kube *f, const char *json_text);
void cf_fake_kube_put_json(struct cf_fake_kube *f, const json_t *object);
/* A copy of what is stored (new reference), or NULL. */
json_t *cf_fake_kube_peek(struct cf_fake_kube *f, const char *api_version, const char *kind,
                          const char *ns, const char *name);
void cf_fake_kube_remove(struct cf_fake_kube *f, const char *api_version, const char *kind,
                         const char *ns, const char *name);
size_t cf_fake_kube_count(struct cf_fake_kube *f); /* objects stored */

/* The next `times` calls with this method (NULL: any) whose path contains `path_part` (NULL: any)
 * are answered with `status` and reason; a status of 0 means no answer: the port fails with `kind`.
 * With `after` the call has its effect first (the lost answer of a write). Several rules may stand;
 * the first that fits is used. */
struct cf_fake_fault {
    const char *method, *path_part;
    int times;
    int status;
    const char *reason;
    enum cf_err_kind kind;
    int64_t retry_after_ms;
    bool after;
};
void cf_fake_kube_fail(struct cf_fake_kube *f, const struct cf_fake_fault *fault);
void cf_fake_kube_mend(struct cf_fake_kube *f); /* forgets all of them */

/* GETs whose path contains `path_part` are answered with this text, as a container's log is. A copy is
 * kept; the same path_part again replaces it. */
void cf_fake_kube_text(struct cf_fake_kube *f, const char *path_part, const char *text);

/* Called before each call is carried out, without the lock: for somebody else's write in between.
 * NULL removes it. */
void cf_fake_kube_hook(struct cf_fake_kube *f,
                       void (*hook)(void *arg, const struct cf_kube_request *request), void *arg);

/* What SelfSubjectAccessReview denies: "verb group/resource" ("patch
 * networking.istio.io/virtualservices"). */
void cf_fake_kube_deny(struct cf_fake_kube *f, const char *verb_and_resource);

/* "GET /api/v1/…", one line per call, discovery left out; cleared by reset. Borrowed until the next
 * call. */
const char *cf_fake_kube_log(struct cf_fake_kube *f);
int cf_fake_kube_writes(struct cf_fake_kube *f); /* calls that were not GET, since the last reset */
void cf_fake_kube_log_reset(struct cf_fake_kube *f);

#endif
