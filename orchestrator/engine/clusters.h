/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of clusters: names to clients and metrics sources, kept for as long as their records
 * do not change.
 *
 * A record's `doc` (store/clusters.h) is an object:
 *   {"server": URL, "insecure": bool, "context": name,
 *    "serverSide": true        who we are there stands in the server's own configuration: the file
 *                              NAME.kubeconfig in its folder, where token files and exec plugins
 *                              are allowed, or the service account of the pod we run in. A record
 *                              never holds a path.
 *    "metrics": [{"type": "prometheus" | "scrape", "url": URL | "urls": [URL …],
 *                 "preset": "auto|envoy|istio|nginx|traefik", "insecure": bool}]}
 * Its credentials are one sealed text: a kubeconfig with inline data, or a JSON object
 *   {"kubeconfig": text (not when serverSide),
 *    "metrics": {"bearer": token} | {"username": …, "password": …}, "metricsCa": PEM}
 *
 * A client once made works on when the database does not answer: rollbacks and bridges depend on
 * it. Any thread; the mutex is never held over I/O. */
#ifndef CF_ENGINE_CLUSTERS_H
#define CF_ENGINE_CLUSTERS_H

#include "federation/kube/kube.h"
#include "federation/kube/kubeconfig.h"
#include "orchestrator/gate/source.h"

struct cf_store;
struct cf_clusters;

/* Of the server's configuration; borrowed. */
struct cf_clusters_local {
    const char *folder;     /* clusters.folder: of NAME.kubeconfig; NULL or "": none */
    const char *in_cluster; /* clusters.in-cluster: name of the cluster we run in; NULL or "" */
    int calls_at_once;      /* clusters.calls-at-once: of each cluster; 0: the client's default */
    int calls_per_s;        /* clusters.calls-per-second: of each cluster; 0: likewise */
};

enum {
    /* How long a record is believed before its rev is looked at again. */
    CF_CLUSTERS_FRESH_MS = 5000,
    CF_CLUSTER_URLS_MAX = 32, /* gateways read directly; more want a Prometheus */
};

struct cf_clusters *cf_clusters_new(struct cf_store *store, struct cf_kube_net *net,
                                    const struct cf_clusters_local *local) CF_NODISCARD;
void cf_clusters_free(struct cf_clusters *c); /* accepts NULL */

/* The port's functions; `self` is a struct cf_clusters. */
bool cf_clusters_kube(void *self, const char *name, struct cf_kube **out,
                      struct cf_error *err) CF_NODISCARD;
bool cf_clusters_record(void *self, const char *name, json_t **out,
                        struct cf_error *err) CF_NODISCARD;
/* Made for the caller: free with cf_source_free. *out_preset is static. NOT_FOUND: the record names
 * no metrics. */
bool cf_clusters_source(void *self, const char *name, struct cf_source **out,
                        const char **out_preset, struct cf_error *err) CF_NODISCARD;

/* The record changed or went: the next call looks. */
void cf_clusters_changed(struct cf_clusters *c, const char *name);

/* Who we are in a cluster by a record that is not stored yet (`cluster add` checks before it
 * stores). For serverSide: INVALID, with the key of the configuration, when the name can be no
 * file's or nothing is configured for it. */
struct cf_kube_credentials *cf_clusters_credentials(const struct cf_clusters_local *local,
                                                    const char *name, const json_t *doc,
                                                    const char *credentials, size_t len,
                                                    struct cf_error *err) CF_NODISCARD;

#endif
