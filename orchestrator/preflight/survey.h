/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan's router rows mean in the clusters as they are now: which route of which object,
 * which two destinations, which Service stands behind the source, and the bridge that leads to the
 * target.
 *
 * Called by: preflight, plan diff, and the steps propagate and reach of a run. Reads only. One
 * thread; results are owned by the caller. */
#ifndef CF_PREFLIGHT_SURVEY_H
#define CF_PREFLIGHT_SURVEY_H

#include "federation/propagate/propagator.h"
#include "lb/bridge.h"
#include "lb/router.h"
#include "orchestrator/plan/plan.h"

struct cf_kube;

struct cf_survey_router {
    const struct cf_plan_router *row; /* borrowed from the plan */
    bool found;                       /* the object exists; else `error` says why not */
    struct cf_error error;
    struct cf_router_target target; /* complete when view.located */
    struct cf_router_view view;     /* owned */
    bool has_service; /* a Service of the router's cluster stands behind the source destination */
    char service_ns[CF_DEST_WORD_MAX];
    char service[CF_DEST_NAME_MAX];
    bool uses_bridge;
    struct cf_bridge bridge; /* when uses_bridge and has_service */
    /* The Service of the router's cluster that the plan's own target destination names; "" when
     * there is a bridge, or when it names something else (a host outside, a ServiceImport). */
    char target_ns[CF_DEST_WORD_MAX];
    char target_service[CF_DEST_NAME_MAX];
    /* The destinations' ports as metrics name them: the destination's own, or the only port of its
     * Service; "" when neither tells. */
    char source_port[CF_DEST_WORD_MAX];
    char target_port[CF_DEST_WORD_MAX];
};
void cf_survey_router_free(
    struct cf_survey_router *r); /* for CF_CLEANUP; zeroed before first use */

/* One router. False only when its cluster gave no usable answer; a router that is not there is
 * found = false. `run_id` marks the bridge, "" in previews. */
bool cf_survey_router(struct cf_kube *kube, const struct cf_plan *plan,
                      const struct cf_plan_router *row, const char *run_id,
                      struct cf_survey_router *out, struct cf_error *err) CF_NODISCARD;

/* The destination of a side with its port resolved, for streams (streams.h); not for writing. */
struct cf_destination cf_survey_source(const struct cf_survey_router *r);

/* The plan's row as lb/router.h wants it, before looking. INVALID with the field. */
bool cf_survey_target(const struct cf_plan_router *row, struct cf_router_target *out,
                      struct cf_error *err) CF_NODISCARD;

/* Adds the router's source Service to an array of names, once, when it is one of the plan's source
 * namespace and cluster. */
void cf_survey_add_service(const struct cf_plan *plan, const struct cf_survey_router *r,
                           json_t *services);

/* The fixed addresses of REACH_ADDRESS for one bridge: room for `max`, returns how many. Ports: the
 * plan's, by their order. */
int cf_survey_addresses(const struct cf_plan_traffic *traffic, struct cf_bridge_address *out,
                        int max);

/* The driver of the plan's copy.method. */
const struct cf_propagator_ops *cf_survey_propagator(const struct cf_plan *plan);

/* The copying part of a plan between two clients; borrowed parts stay the caller's. `services` as
 * above. A federation's control plane and state are the caller's to add. */
struct cf_propagation cf_survey_propagation(const struct cf_plan *plan, struct cf_kube *source,
                                            struct cf_kube *target, const char *run_id,
                                            const json_t *services);

#endif
