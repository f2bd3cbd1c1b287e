/* SPDX-License-Identifier: Apache-2.0 */
/* Who puts an object back as a repository says (a GitOps owner: Argo CD's Application, Flux's
 * Kustomization or HelmRelease), and how such an owner is paused and let go again.
 *
 * Paused is: Flux, spec.suspend: true; Argo CD, no spec.syncPolicy.automated (or one that is not
 * enabled, or the annotation that keeps the controller from it). Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_GITOPS_H
#define CF_FEDERATION_OBJECTS_GITOPS_H

#include "federation/kube/ref.h"

enum {
    CF_GITOPS_OWNERS_MAX = 3, /* marks that one object may carry: of Argo CD and of both of Flux */
    CF_GITOPS_VERSIONS_MAX = 4, /* API versions of one kind, and the end */
};

/* A kind of owner. */
struct cf_gitops_kind {
    const char *tool, *kind;
    const char *versions[CF_GITOPS_VERSIONS_MAX]; /* newest first, ended by NULL */
    const char *field; /* what is changed to pause it, for people and for rights */
};

/* An owner as an object's labels and annotations name it. */
struct cf_gitops_owner {
    const struct cf_gitops_kind *kind;
    char ns[CF_LABEL_MAX]; /* "": not said (Argo CD's own namespace) */
    char name[CF_NAME_MAX];
    /* The mark is one that Helm charts carry, too: it counts only when the owner lists the object. */
    bool doubtful;
};

/* By kind; NULL: none of ours. */
const struct cf_gitops_kind *cf_gitops_kind(const char *kind);

/* Who keeps the object; an object that its owner is told to leave alone has none. Returns how many. */
size_t cf_gitops_owners(const json_t *object, struct cf_gitops_owner out[CF_GITOPS_OWNERS_MAX]);

/* Whether an Application says that the object is one of its own; one that says nothing yet lists
 * nothing, and is believed only where the mark is beyond doubt. */
bool cf_gitops_lists(const json_t *application, const json_t *object, bool doubtful);

/* ---- an owner as it is ---- */

bool cf_gitops_is_paused(const json_t *owner);
/* Whether it is putting something back at this moment: that goes on after it was paused. */
bool cf_gitops_is_at_work(const json_t *owner);

/* What would be lost by pausing it: the field's value, null where there is none. New reference. */
json_t *cf_gitops_saved(const json_t *owner) CF_NODISCARD;

/* A JSON Patch that pauses this very state of it, or (`back`) gives it `had`; refused with 422 when the
 * object's uid or spec is another one. New reference. */
json_t *cf_gitops_patch(const json_t *owner, bool back, const json_t *had) CF_NODISCARD;

/* ---- who would put the pause itself back ---- */

/* Whether an ApplicationSet keeps its hands off the sync policy of its Applications. */
bool cf_gitops_set_spares_policy(const json_t *application_set, const char *application);
/* Whether the owner of this owner (as read; an Application, Kustomization or HelmRelease) would undo
 * the pause. */
bool cf_gitops_parent_undoes(const json_t *parent, const json_t *owner);

#endif
