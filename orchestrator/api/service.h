/* SPDX-License-Identifier: Apache-2.0 */
/* A running service, assembled: keyring, store with its schema, clusters' network, engine, API.
 *
 * `crossfade serve` fills the configuration from its table, starts it, waits for signals and stops
 * it; tests do the same. One thread calls these functions. */
#ifndef CF_API_SERVICE_H
#define CF_API_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct cf_service;

/* All texts are copied. Zero or NULL takes the default. */
struct cf_service_config {
    const char *database; /* libpq keywords or URI; "" takes PGHOST and the like */
    int pool_size;        /* connections; 16 */
    const char *key_file; /* sealing keys; without it no cluster can be registered over the API */
    const char *clusters_folder; /* of NAME.kubeconfig for clusters with serverSide; may be NULL */
    const char *in_cluster;      /* name of the cluster that this service runs in; may be NULL */
    int calls_at_once, calls_per_s; /* of each cluster; 0: the client's defaults */
    const char *state_dir;          /* needed: replica id, ways back; made if absent */
    const char *address;            /* to listen on, numeric; 127.0.0.1 */
    int port;                       /* -1: any free one; 0: CF_SERVICE_PORT */
    const char *tls_cert, *tls_key; /* PEM files, both or neither; needed beyond loopback */
    const char *public_url;         /* where other replicas and people reach the API; its own URL */
    int handler_threads;            /* 4 */
    int connections;                /* of clients; 1024 */
    size_t body_max;                /* bytes of a request; 1 MiB */
    int workers;                    /* 16 */
    int64_t lease_ms;               /* of shards; 15 s */
    int64_t look_ms;                /* shortest period of gate looks; 200 ms */
    int64_t keep_ms;                /* events of ended runs; 90 days */
    int64_t drain_ms;               /* at the end, for answers under way; 5 s */
    const char *version;            /* shown by /api/v1/version */
};

enum { CF_SERVICE_PORT = 8700 };

/* Migrates the schema, then starts everything; serves when it returns. INVALID: the configuration
 * (the message says what to do); UNAVAILABLE: the database does not answer, or the port is taken;
 * CONFLICT: another process holds the state directory. */
struct cf_service *cf_service_start(const struct cf_service_config *config,
                                    struct cf_error *err) CF_NODISCARD;
/* In the reverse order; accepts NULL. */
void cf_service_stop(struct cf_service *s);

/* Reads certificate and key again (SIGHUP). What is wrong leaves the old ones in use. */
bool cf_service_reload(struct cf_service *s, struct cf_error *err) CF_NODISCARD;

int cf_service_port(const struct cf_service *s);
const char *cf_service_url(const struct cf_service *s);

#endif
