/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds and their REST paths: what an API server serves, asked once per group and version and kept.
 *
 * The cache belongs to the client and is filled on demand; a kind that is not in it is asked for
 * again, at most each CF_KUBE_DISCOVERY_MISS_MS per group and version (a CRD may just have been
 * installed), and everything is asked for again after CF_KUBE_DISCOVERY_FRESH_MS. An old entry
 * still serves when the server does not answer, and always for the rollback lane. Any thread. */
#ifndef CF_FEDERATION_KUBE_DISCOVERY_H
#define CF_FEDERATION_KUBE_DISCOVERY_H

#include "federation/kube/kube.h"

enum {
    CF_KUBE_DISCOVERY_FRESH_MS = 10 * 60 * 1000,
    CF_KUBE_DISCOVERY_MISS_MS = 5 * 1000,
    /* Over all groups; real clusters with many CRDs have about 1,000. */
    CF_KUBE_RESOURCES_MAX = 20000,
};

enum cf_kube_verb {
    CF_KUBE_VERB_GET = 1,
    CF_KUBE_VERB_LIST = 2,
    CF_KUBE_VERB_WATCH = 4,
    CF_KUBE_VERB_CREATE = 8,
    CF_KUBE_VERB_UPDATE = 16,
    CF_KUBE_VERB_PATCH = 32,
    CF_KUBE_VERB_DELETE = 64,
};

struct cf_kube_resource {
    char group[CF_NAME_MAX];
    char version[CF_LABEL_MAX];
    char kind[CF_LABEL_MAX];
    char plural[CF_NAME_MAX]; /* "deployments" */
    bool namespaced;
    unsigned verbs; /* CF_KUBE_VERB_… */
};

/* NOT_FOUND with reason "NoKindMatch" when the server does not serve the kind in this version. */
bool cf_kube_resource_of(struct cf_kube *k, const struct cf_kube_how *how, const char *api_version,
                         const char *kind, struct cf_kube_resource *out,
                         struct cf_error *err) CF_NODISCARD;

/* Each resource (without subresources) of every group in the group's preferred version (or the
 * first version that has it); caller frees *out. Groups that do not answer (a dead aggregated API)
 * are left out and listed in `out_missing` (comma separated, may be NULL). Not cached. */
bool cf_kube_resources(struct cf_kube *k, const struct cf_kube_how *how,
                       struct cf_kube_resource **out, size_t *out_n, struct cf_buf *out_missing,
                       struct cf_error *err) CF_NODISCARD;

/* Appends "/apis/apps/v1/namespaces/web/deployments/echo"; ns and name may be empty (collection),
 * subresource NULL. INVALID when the kind needs a namespace for a name, or has none. */
bool cf_kube_resource_path(const struct cf_kube_resource *r, const char *ns, const char *name,
                           const char *subresource, struct cf_buf *out,
                           struct cf_error *err) CF_NODISCARD;

/* Forgets everything. */
void cf_kube_discovery_reset(struct cf_kube *k);

#endif
