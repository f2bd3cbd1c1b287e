/* SPDX-License-Identifier: Apache-2.0 */
/* The bridge: the durable way from a router's cluster to the target's pods.
 *
 * A Service without selector, `<service>-crossfade`, beside the source's Service and with its
 * ports, and EndpointSlices that we keep equal to the ready endpoints of the target's Service (or
 * to fixed addresses: the target's gateway or load balancer). Pure functions first; then blocking
 * ones for the run's steps and for the lane that watches the target's slices. The lane, its timing
 * and the stale-watch rule are the engine's. A bridge outlives its run: nothing here needs the run.
 */
#ifndef CF_LB_BRIDGE_H
#define CF_LB_BRIDGE_H

#include "federation/kube/kube.h"
#include "lb/destination.h"

enum {
    CF_BRIDGE_SLICE_ENDPOINTS_MAX = 1000, /* the API server's own limit for one EndpointSlice */
    CF_BRIDGE_ENDPOINTS_MAX =
        20000, /* of all slices together; a Service with more is not what we move */
};

/* Which bridge. A plain value. */
struct cf_bridge {
    char ns[CF_DEST_WORD_MAX];      /* of the source's Service and the bridge */
    char service[CF_DEST_NAME_MAX]; /* the source's Service */
    char run[CF_DEST_WORD_MAX];     /* the run that made it: ownership label */
    char target_cluster[CF_DEST_WORD_MAX], target_ns[CF_DEST_WORD_MAX],
        target_service[CF_DEST_NAME_MAX]; /* for annotations */
    bool by_name;                         /* the slices are those of `service` itself */
};

/* "<service>-crossfade"; a name over 63 characters is cut and gets a hash. Returns buf. */
char *cf_bridge_name(const char *service, char buf[CF_DEST_WORD_MAX]);

/* The Service whose slices are the bridge's: `service` itself by name, else its cf_bridge_name().
 * Returns buf. */
char *cf_bridge_service_name(const struct cf_bridge *b, char buf[CF_DEST_NAME_MAX]);

/* One address of the fixed mode. */
struct cf_bridge_address {
    char ip[64];
    int port; /* 0: the Service's own target port, when it is a number, else its port */
};

/* The bridge's Service from the source's: same ports by name, no selector. New reference. INVALID
 * for an ExternalName Service. */
json_t *cf_bridge_service(const struct cf_bridge *b, const json_t *source_service,
                          struct cf_error *err) CF_NODISCARD;

/* Whether a bridge by name may be put on this Service (the table above). */
bool cf_bridge_by_name_fits(const struct cf_bridge *b, const json_t *service,
                            struct cf_error *err) CF_NODISCARD;

/* The bridge's slices from an array of the target Service's EndpointSlices: ready endpoints only,
 * ports mapped by name to the source Service's (or by being the only one). *out_ready counts
 * distinct addresses. New array; INVALID when no port maps, or, by name, no IP family; LIMIT. */
json_t *cf_bridge_slices(const struct cf_bridge *b, const json_t *source_service,
                         const json_t *target_slices, int *out_ready,
                         struct cf_error *err) CF_NODISCARD;
/* The same for fixed addresses. INVALID names an address that no EndpointSlice may carry. */
json_t *cf_bridge_slices_fixed(const struct cf_bridge *b, const json_t *source_service,
                               const struct cf_bridge_address *addresses, int n, int *out_ready,
                               struct cf_error *err) CF_NODISCARD;

/* Distinct ready addresses of an array of EndpointSlices. */
int cf_bridge_ready_count(const json_t *slices);

/* The smallest set of writes from `present` to `desired`, raises before removals: array of {op:
 * "create" | "update" | "delete", name, object | patch, uid}. New reference. */
json_t *cf_bridge_diff(const json_t *desired, const json_t *present) CF_NODISCARD;

/* Whether a VirtualService, HTTPRoute or Ingress object names the bridge. */
bool cf_bridge_named_by(const struct cf_bridge *b, const json_t *object);

/* ---- blocking; `how` may be NULL: defaults ---- */

/* Reads the source's Service (*out_service, may be NULL, new reference) and creates or completes
 * the bridge's. CONFLICT when a Service of that name is not ours. By name it writes nothing, and
 * refuses what the table above refuses. */
bool cf_bridge_ensure(struct cf_kube *kube, const struct cf_kube_how *how,
                      const struct cf_bridge *b, json_t **out_service,
                      struct cf_error *err) CF_NODISCARD;

/* Brings the slices to `desired`. `weight` is the routers' present weight to the target: above 0, a
 * set without a ready endpoint is refused with CONFLICT, reason "would-be-empty", and nothing is
 * written. *out_writes counts writes. Idempotent. */
bool cf_bridge_sync(struct cf_kube *kube, const struct cf_kube_how *how, const struct cf_bridge *b,
                    const json_t *desired, int weight, int *out_writes,
                    struct cf_error *err) CF_NODISCARD;

/* By name: ready addresses that slices of others give the Service beside ours. */
bool cf_bridge_others(struct cf_kube *kube, const struct cf_kube_how *how,
                      const struct cf_bridge *b, int *out_others,
                      struct cf_error *err) CF_NODISCARD;

/* Ready addresses in the bridge's slices now; NOT_FOUND when its Service is gone. */
bool cf_bridge_read(struct cf_kube *kube, const struct cf_kube_how *how, const struct cf_bridge *b,
                    int *out_ready, struct cf_error *err) CF_NODISCARD;

/* The target Service's slices, as cf_bridge_slices wants them: those of a bridge by name are left
 * out, for they are another cluster's pods. New reference. */
bool cf_bridge_target_slices(struct cf_kube *target, const struct cf_kube_how *how, const char *ns,
                             const char *service, json_t **out_slices,
                             struct cf_error *err) CF_NODISCARD;

/* Removes slices and Service, only what is ours; by name the slices alone, whatever has become of
 * the Service. CONFLICT names the router that still sends traffic here. Gone already is success. */
bool cf_bridge_remove(struct cf_kube *kube, const struct cf_kube_how *how,
                      const struct cf_bridge *b, struct cf_error *err) CF_NODISCARD;

#endif
