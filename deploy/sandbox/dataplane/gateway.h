/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane of one cluster: a gateway that splits real HTTP requests among the pods that its routes lead to, as Envoy (VirtualService,
 * HTTPRoute) and ingress-nginx (Ingress and canaries) do; its metrics; its admin page.
 *
 * Pods are reached by their addresses in any cluster of the world (a flat network). A pod is a function that answers; an address that no
 * pod has answers 503. Configuration is taken from the API some time after it changed there (default: 100 ms). */
#ifndef DEPLOY_SANDBOX_DATAPLANE_GATEWAY_H
#define DEPLOY_SANDBOX_DATAPLANE_GATEWAY_H

#include "deploy/sandbox/world.h"

/* How pods behave, by rule; the first rule that fits a pod decides. */
struct sbx_behaviour {
    char cluster[64], ns[64], workload[64]; /* "" matches all; workload: the pod's label app, or its name's beginning */
    double error;                           /* share of requests answered `status` */
    int status;                             /* 0: 500 */
    int64_t latency_ms;
    double hang;                            /* share of requests never answered */
    double capacity;                        /* requests per second of one pod; beyond it 503; 0: no limit */
};

struct sbx_gateway *sbx_gateway_start(struct sbx_world *w, int index, int port, int metrics_port, struct cf_error *err) CF_NODISCARD;
void sbx_gateway_stop(struct sbx_gateway *g); /* ends its thread; accepts NULL */
void sbx_gateway_free(struct sbx_gateway *g); /* after the HTTP server has stopped; accepts NULL */
const char *sbx_gateway_url(const struct sbx_gateway *g);
const char *sbx_gateway_metrics_url(const struct sbx_gateway *g); /* …/stats/prometheus */
const char *sbx_gateway_admin_url(const struct sbx_gateway *g);   /* …/split: what is applied now */

/* ---- faults; any thread ---- */
void sbx_gateway_behave(struct sbx_gateway *g, const struct sbx_behaviour *b); /* replaces the rule of the same matches */
void sbx_gateway_heal(struct sbx_gateway *g);                                  /* no rules, nothing frozen, default delay */
void sbx_gateway_freeze(struct sbx_gateway *g, bool frozen);                   /* changes of configuration are not taken */
void sbx_gateway_delay(struct sbx_gateway *g, int64_t ms);
void sbx_gateway_metrics_stale(struct sbx_gateway *g, bool stale);             /* the same text for ever */
bool sbx_gateway_metrics_away(struct sbx_gateway *g, bool away, struct cf_error *err) CF_NODISCARD;
json_t *sbx_gateway_state(struct sbx_gateway *g); /* faults, for GET /state; new reference */
json_t *sbx_gateway_split(struct sbx_gateway *g); /* applied routes; new reference */

#endif
