/* SPDX-License-Identifier: Apache-2.0 */
/* The port's real implementation: a cluster's API server over the shared transports, as whom its
 * credentials say.
 *
 * Credentials that change (token files, plugins) are fetched before the first request, then by the
 * refresher's thread ahead of their end, and once more when the server answers 401. One fetch at a
 * time; others go on with what there is. */
#ifndef CF_FEDERATION_KUBE_WIRE_H
#define CF_FEDERATION_KUBE_WIRE_H

#include <pthread.h>

#include "federation/kube/credentials.h"
#include "federation/kube/exec_plugin.h"
#include "federation/kube/kube.h"

enum {
    KUBE_TOKEN_FILE_MS = 60 * 1000, /* token files are read again this often */
    /* Plugins are asked again this long before the end, or at 80 % of a shorter life. */
    KUBE_REFRESH_AHEAD_MS = 60 * 1000,
    KUBE_REFRESH_RETRY_MS = 10 * 1000, /* after a failure */
};

struct cf_kube_net {
    struct cf_transport *calls, *watches, *responders;
    pthread_t refresher;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t cond;
    bool stopping;
    struct kube_wire *wires;   /* those whose credentials change */
    struct kube_wire *at_work; /* whose credentials the refresher fetches now */
};

struct kube_wire {
    struct cf_kube_net *net;
    struct cf_kube_credentials *credentials;
    struct cf_kube_options options;
    struct kube_wire *next; /* guarded by net->lock */

    pthread_mutex_t lock;         /* guards what follows */
    pthread_cond_t cond;          /* a fetch has ended */
    struct cf_endpoint *endpoint; /* replaced when a plugin gives another certificate */
    char *cert_pem;               /* what a plugin gave and the endpoint was made with, or NULL */
    bool has_material, is_fetching;
    uint64_t generation;   /* of the material */
    int64_t next_fetch_ms; /* cf_mono_now_ms(); INT64_MAX: only when the server refuses */
};

struct kube_wire *kube_wire_new(struct cf_kube_net *net, struct cf_kube_credentials *credentials,
                                const struct cf_kube_options *options,
                                struct cf_error *err) CF_NODISCARD;
void kube_wire_free(void *wire);
extern const struct cf_kube_ops kube_wire_ops;

/* Whether the credentials change by themselves. */
bool kube_wire_changes(const struct kube_wire *w);
/* Fetches the material if it is not newer than `generation`, or waits for the fetch under way,
 * until the deadline. */
bool kube_wire_fetch(struct kube_wire *w, uint64_t generation, int64_t deadline_ms,
                     struct cf_error *err) CF_NODISCARD;

/* The server refused the material: the refresher fetches it anew soon. Never blocks. */
void kube_wire_expire(struct kube_wire *w);
/* An endpoint with this client certificate (both NULL: none). */
struct cf_endpoint *kube_wire_endpoint(const struct kube_wire *w, const char *cert_pem,
                                       const char *key_pem, struct cf_error *err) CF_NODISCARD;

void kube_net_add(struct cf_kube_net *net, struct kube_wire *w);
void kube_net_remove(struct cf_kube_net *net, struct kube_wire *w);

#endif
