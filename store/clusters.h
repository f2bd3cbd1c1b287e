/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters: names under which API servers are known, their identity, and their credentials, sealed.
 *
 * A cluster's identity is the uid of its kube-system namespace; the same uid under two names is
 * refused. The credentials are one blob (the kubeconfig as given, inline data only) sealed with
 * "cluster/NAME/UID" as associated data: a row cannot be moved under another name. `doc` is
 * everything that is not secret (server, metrics sources, insecure flag …) and is the API's.
 * Events: cluster.added, .changed, .removed. */
#ifndef CF_STORE_CLUSTERS_H
#define CF_STORE_CLUSTERS_H

#include "store/idempotency.h"
#include "store/store.h"

struct cf_cluster_row {
    char *name;
    char *uid;
    char *server;    /* URL, for people */
    json_t *doc;     /* an object */
    json_t *checked; /* the last check's findings; NULL if never */
    char *author;    /* who registered or changed it last */
    int64_t rev;     /* for ETag; moves with doc and credentials, not with checks */
    int64_t created_ms, updated_ms, checked_ms;
};
void cf_cluster_row_free(struct cf_cluster_row *row);
struct cf_cluster_list {
    struct cf_cluster_row *rows;
    size_t n;
    bool more;
};
void cf_cluster_list_free(struct cf_cluster_list *list);

struct cf_cluster_new {
    const char *name, *uid, *server;
    const json_t *doc;                   /* NULL: {} */
    const struct cf_secret *credentials; /* sealed by the store */
    const char *author;
    struct cf_idem *idem; /* of an add; may be NULL. Its resource is the name */
};

/* CONFLICT/EXISTS: the name is taken, or the uid is registered as … (named). */
bool cf_cluster_add(struct cf_store *store, const struct cf_cluster_new *cluster,
                    struct cf_error *err) CF_NODISCARD;
/* Replaces doc (if not NULL), server (if not NULL) and credentials (if not NULL). `rev` 0: any. The
 * uid must be the same: another cluster under an old name is CONFLICT/EXISTS. */
bool cf_cluster_update(struct cf_store *store, const struct cf_cluster_new *cluster, int64_t rev,
                       struct cf_error *err) CF_NODISCARD;
bool cf_cluster_get(struct cf_store *store, const char *name, struct cf_cluster_row *out,
                    struct cf_error *err) CF_NODISCARD;
bool cf_cluster_list_page(struct cf_store *store, const char *after, int limit,
                          struct cf_cluster_list *out, struct cf_error *err) CF_NODISCARD;
/* New secret, caller frees; *out_rev is the row's rev, so that clients can be made anew when it
 * moves. DENIED: no key fits. */
bool cf_cluster_credentials(struct cf_store *store, const char *name, struct cf_secret **out,
                            int64_t *out_rev, struct cf_error *err) CF_NODISCARD;
/* Keeps what a check found (no event, no new rev). */
bool cf_cluster_set_checked(struct cf_store *store, const char *name, const json_t *checked,
                            struct cf_error *err) CF_NODISCARD;
/* CONFLICT/IN_USE while an unfinished run or a bridge needs it. `rev` 0: any. */
bool cf_cluster_remove(struct cf_store *store, const char *name, int64_t rev, const char *author,
                       struct cf_error *err) CF_NODISCARD;

#endif
