/* SPDX-License-Identifier: Apache-2.0 */
/* The REST API as one thing that runs: an HTTP server with one listener, the route table, and the
 * event hub.
 *
 * Started after the store and the engine, stopped before them. */
#ifndef CF_API_API_H
#define CF_API_API_H

#include "base/metrics.h"
#include "orchestrator/http/http.h"

struct cf_api;
struct cf_engine;
struct cf_store;

/* Borrowed for the API's life. */
struct cf_api_config {
    struct cf_store *store;
    struct cf_engine *engine;
    struct cf_metrics *metrics; /* may be NULL */
    const char *version;
    const char *address;     /* numeric; NULL: 127.0.0.1 */
    int port;                /* 0: any free one */
    struct cf_http_tls *tls; /* NULL: clear text */
    int handler_threads;     /* 0: the server's default */
    struct cf_http_limits limits;
};

/* INVALID without TLS on an address that is not loopback; UNAVAILABLE when the port is taken. */
struct cf_api *cf_api_start(const struct cf_api_config *config, struct cf_error *err) CF_NODISCARD;
/* Lets answers under way finish for at most `drain_ms`. Accepts NULL. */
void cf_api_stop(struct cf_api *api, int64_t drain_ms);

int cf_api_port(const struct cf_api *api);
const char *cf_api_url(const struct cf_api *api);
/* Another certificate for connections accepted from now on. */
void cf_api_set_tls(struct cf_api *api, struct cf_http_tls *tls);

#endif
