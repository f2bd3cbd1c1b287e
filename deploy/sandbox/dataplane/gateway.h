/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway of one cluster: a listener for clients, one for metrics and split, the table it
 * routes by.
 *
 * Requests are never held by a thread: the answer is parked until the pod has answered. A pod that
 * refuses the connection is tried again at the next endpoint, twice, as Istio and ingress-nginx do.
 * Any thread. */
#ifndef DEPLOY_SANDBOX_DATAPLANE_GATEWAY_H
#define DEPLOY_SANDBOX_DATAPLANE_GATEWAY_H

#include "deploy/sandbox/dataplane/dataplane.h"
#include "deploy/sandbox/dataplane/pods.h"
#include "deploy/sandbox/dataplane/route.h"

struct cf_http_server;
struct cf_http_request;
struct cf_http_response;
struct sbx_gateway;

enum {
    SBX_GATEWAY_TRIES = 3,         /* one and two again */
    SBX_GATEWAY_ANSWER_MS = 60000, /* ingress-nginx' limit; then 504 */
};

struct sbx_gateway_options {
    const char *cluster;
    int port, admin_port;
    /* Borrowed. The servers are stopped before the gateway is freed. */
    struct cf_http_server *server, *admin_server;
    struct sbx_wire *wire;
    struct sbx_pods *pods;
};

/* *out is to be freed also on failure, after the servers have stopped: a request may have come
 * already. */
bool sbx_gateway_open(const struct sbx_gateway_options *options, struct sbx_gateway **out,
                      struct cf_error *err) CF_NODISCARD;
void sbx_gateway_free(struct sbx_gateway *g); /* accepts NULL */
/* Routes by this table from now on. */
void sbx_gateway_use_take(struct sbx_gateway *g, struct sbx_table *table);
const char *sbx_gateway_cluster(const struct sbx_gateway *g);
const char *sbx_gateway_url(const struct sbx_gateway *g);
const char *sbx_gateway_admin_url(const struct sbx_gateway *g);
json_t *sbx_gateway_split(struct sbx_gateway *g);
char *sbx_gateway_metrics(struct sbx_gateway *g);
bool sbx_gateway_metrics_fault(struct sbx_gateway *g, enum sbx_metrics_fault fault,
                               struct cf_error *err) CF_NODISCARD;

/* ---- Between gateway.c and passage.c */

struct sbx_metrics;
/* One request on its way: `req` and `res` are answered at once or parked. */
void sbx_passage(struct cf_http_request *req, struct cf_http_response *res);
struct sbx_table *sbx_gateway_table(struct sbx_gateway *g); /* a reference */
double sbx_gateway_dice(struct sbx_gateway *g);
struct sbx_metrics *sbx_gateway_counters(struct sbx_gateway *g);
const struct sbx_gateway_options *sbx_gateway_options(const struct sbx_gateway *g);

#endif
