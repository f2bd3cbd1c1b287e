/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the engine's public face share: engine.c (life), engine_runs.c, engine_plans.c,
 * engine_clusters.c. */
#ifndef CF_ENGINE_INTERNAL_H
#define CF_ENGINE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/digest.h"
#include "orchestrator/engine/bridges.h"
#include "orchestrator/engine/clusters.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/engine/gates.h"
#include "orchestrator/engine/ownership.h"
#include "orchestrator/engine/responder.h"
#include "orchestrator/engine/workers.h"
#include "orchestrator/preflight/checks.h"

struct cf_engine {
    struct cf_engine_config config;
    struct cf_clusters *clusters;
    struct cf_ownership *ownership;
    struct cf_lane *lane;
    struct cf_gates *gates;
    struct cf_bridges *bridges;
    struct cf_workers *workers;
    struct cf_preflight_world world;
    struct cf_ports ports;
    struct cf_listener *listener; /* the dispatcher's */
    pthread_t dispatcher;
    bool dispatches;
    pthread_mutex_t mutex; /* guards `heads_due` and `bridges`, and waits of `poked` */
    pthread_cond_t poked;
    bool heads_due;
    atomic_bool ready; /* the heads of owned shards were read at least once */
    atomic_bool stopping;
};

/* engine_plans.c: does one queued preflight; a worker calls it. `self` is the engine. */
void cf_engine_do_preflight(void *self);

/* engine_plans.c: whether a preview of the plan would still have this digest; CONFLICT with reason
 * CF_ENGINE_STALE_DIFF says what has changed. `out_inventory` gets the digest of the source. */
bool cf_engine_diff_check(struct cf_engine *e, const struct cf_plan *plan, const char *digest,
                          char out_inventory[CF_SHA256_HEX], struct cf_error *err) CF_NODISCARD;

/* engine_members.c: as cf_engine_cluster_members, of a client. */
bool cf_engine_members_of(struct cf_engine *e, struct cf_kube *plane, json_t **out,
                          struct cf_error *err) CF_NODISCARD;

#endif
