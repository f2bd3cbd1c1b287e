/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane of all simulated clusters: what clients' requests really go through.
 *
 * Each cluster has a gateway (one port; the Host header chooses) that splits requests by what its
 * VirtualServices, HTTPRoutes and Ingresses say, a propagation delay after they said it, and each
 * pod with an address has a little backend on that address that answers who it is. Metrics are in
 * the gateways' own naming. Used by world.c and by control/. Any thread. */
#ifndef DEPLOY_SANDBOX_DATAPLANE_DATAPLANE_H
#define DEPLOY_SANDBOX_DATAPLANE_DATAPLANE_H

#include "base/json.h"
#include "deploy/sandbox/api/api.h"

struct sbx_dataplane;
struct sbx_volumes;

struct sbx_dataplane_options {
    struct sbx_api *const *apis; /* borrowed; must outlive the data plane */
    int clusters;
    const int *gateway_ports; /* one per cluster; NULL or 0: any free port */
    const int *admin_ports;   /* the same, for metrics and split */
    int64_t delay_ms; /* from a change of an object to its effect; < 0: SBX_PROPAGATION_MS */
    struct sbx_volumes *volumes; /* for applications that keep something; borrowed, may be NULL */
    int listener_slot;           /* which slot of sbx_api_on_change() is ours */
};
enum {
    SBX_PROPAGATION_MS = 100, /* what istiod takes from a write to the first request by it */
};

/* Everything runs when it returns. UNAVAILABLE: a port is in use. */
struct sbx_dataplane *sbx_dataplane_start(const struct sbx_dataplane_options *options,
                                          struct cf_error *err) CF_NODISCARD;
/* Answers what is in flight, ends all threads. Accepts NULL. Before the APIs are freed. */
void sbx_dataplane_stop(struct sbx_dataplane *d);

/* "http://127.0.0.1:18080"; borrowed. NULL for a cluster that does not exist. */
const char *sbx_dataplane_gateway_url(const struct sbx_dataplane *d, const char *cluster);
/* Base of /stats/prometheus and /split; borrowed. NULL for a cluster that does not exist. */
const char *sbx_dataplane_admin_url(const struct sbx_dataplane *d, const char *cluster);

/* What the cluster's gateway does at present: {host: {object, backends: {name: weight}, ready:
 * {name: endpoints}}}, of the rule that a request for "/" without special headers meets; Ingress
 * canaries are shown as the percent that they get. New reference, NULL for a cluster that does not
 * exist. */
json_t *sbx_dataplane_split(struct sbx_dataplane *d, const char *cluster);
/* The metrics' text as it would be served now. The caller frees; NULL for a cluster that does not
 * exist. */
char *sbx_dataplane_metrics(struct sbx_dataplane *d, const char *cluster);
/* {gateways: {cluster: url}, admin: {...}, pods: [{cluster, namespace, pod, address, requests}],
 * faults: [...], ...} */
json_t *sbx_dataplane_state(struct sbx_dataplane *d);

/* ---- Faults ---- */

/* Of all present and future pods of a workload. Each is as if the application did it. */
struct sbx_app_fault {
    double error;       /* part of the requests that are answered 500, 0..1 */
    int64_t latency_ms; /* more than usual */
    double hang;        /* part of the requests that are never answered, 0..1 */
    int status;         /* instead of 500 for errors; 0: 500 */
    double capacity; /* requests a second of the whole workload; what is beyond is answered 503; 0:
                        no limit */
};
/* `app` is the pod's label `app` or `app.kubernetes.io/name`; "" in `ns` or `app` matches all. A
 * NULL fault clears it. LIMIT beyond SBX_FAULTS_MAX rows, INVALID for values out of range. */
bool sbx_dataplane_fault(struct sbx_dataplane *d, const char *cluster, const char *ns,
                         const char *app, const struct sbx_app_fault *fault,
                         struct cf_error *err) CF_NODISCARD;
enum { SBX_FAULTS_MAX = 64 /* a person types them */ };

/* Metrics that stand still, or whose port refuses connections. */
enum sbx_metrics_fault { SBX_METRICS_FINE, SBX_METRICS_STALE, SBX_METRICS_AWAY };
/* NULL cluster: all. NOT_FOUND for one that does not exist; UNAVAILABLE when the port could not be
 * taken again. */
bool sbx_dataplane_metrics_fault(struct sbx_dataplane *d, const char *cluster,
                                 enum sbx_metrics_fault fault, struct cf_error *err) CF_NODISCARD;
/* A frozen gateway goes on with what it knows and takes up no change. NULL cluster: all. */
bool sbx_dataplane_freeze(struct sbx_dataplane *d, const char *cluster, bool frozen,
                          struct cf_error *err) CF_NODISCARD;
/* No faults of any kind any more. */
void sbx_dataplane_heal(struct sbx_dataplane *d);

#endif
