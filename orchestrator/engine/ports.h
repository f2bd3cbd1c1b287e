/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's ports: everything that reconcile and the steps ask of the outside. All of it blocks
 * here and nowhere else.
 *
 * Production implements them over the store (journal_store.c), the cluster registry (clusters.c),
 * the rollback lane (responder.c), the gate threads (gates.c) and the bridge lane (bridges.c);
 * tests and the simulator implement them in memory. Each table's `self` comes first; every function
 * may fail, be slow or be the last thing that a killed process does. */
#ifndef CF_ENGINE_PORTS_H
#define CF_ENGINE_PORTS_H

#include "base/clock.h"
#include "federation/kube/kube.h"
#include "federation/propagate/propagator.h"
#include "orchestrator/engine/run.h"
#include "orchestrator/gate/verdict.h"

/* What must survive. */
struct cf_journal_ops {
    /* The run with steps, routers and open actions. NOT_FOUND. */
    bool (*load)(void *self, const char *run_id, struct cf_live **out, struct cf_error *err);
    /* Writes what is marked in `run` together with `events`, answered actions and, for terminal
     * states, the release of its claims, as one statement under `fence` and `run->rev`. After
     * CF_RECORDED the marks are clear and run->rev is the new one. An error UNKNOWN means that
     * it may have been written: load again. `wake_ms`: how long from now until the next look, for a
     * replica that takes over. */
    bool (*record)(void *self, const struct cf_fence *fence, struct cf_live *run,
                   const json_t *events, int64_t wake_ms, enum cf_record *out,
                   struct cf_error *err);
    /* What the run did to its target, as last recorded: an array (new reference). */
    bool (*copies)(void *self, const char *run_id, json_t **out, struct cf_error *err);
    /* Whether an administrator froze everything; `reason` (CF_HOLD_TEXT_MAX bytes) says why. */
    bool (*frozen)(void *self, bool *out, char *reason, struct cf_error *err);
    /* Before-images of objects in the target, sealed at rest. As in propagator.h. */
    bool (*image_put)(void *self, const struct cf_fence *fence, const struct cf_live *run,
                      const char *key, const json_t *object, struct cf_error *err);
    bool (*image_get)(void *self, const struct cf_live *run, const char *key, json_t **out_object,
                      struct cf_error *err);
    void *self;
};

/* Clients of clusters, by the name a plan uses. */
struct cf_clusters_ops {
    /* A counted reference. NOT_FOUND when no such cluster is registered. */
    bool (*kube)(void *self, const char *cluster, struct cf_kube **out, struct cf_error *err);
    void *self;
};

/* How the routers of a run came home. */
enum cf_lane_state {
    CF_LANE_QUIET,   /* nothing asked */
    CF_LANE_FIRED,   /* under way; at least one router has not answered */
    CF_LANE_HOME,    /* every router carries the weights of its baseline */
    CF_LANE_REFUSED, /* at least one router may not be sent back by us: fenced, disarmed, changed;
                        `why` */
};

enum { CF_LANE_ROUTERS_MAX = CF_PLAN_ROUTERS_MAX };

struct cf_lane_view {
    enum cf_lane_state state;
    char cause[32]; /* "gate", "operator", "deadline", … */
    char why[CF_HOLD_TEXT_MAX];
    int64_t bad_ms, alarm_ms, sent_ms,
        done_ms; /* wall: first bad look, decision, first PATCH on the wire, last router home */
    struct {
        bool home;
        char seq[CF_NONCE_TEXT]; /* what the object carries now */
        int tries;
        char why[256];
    } routers[CF_LANE_ROUTERS_MAX];
    size_t n_routers;
};

/* The rollback lane. Works without PostgreSQL. */
struct cf_lane_ops {
    /* The ways back of a run in its present situation: one document per router (lb/router.h),
     * fsynced before it returns. Called before every raise and after every touch; replaces what was
     * there. A fired lane stays fired. */
    bool (*prepare)(void *self, const struct cf_live *run, struct cf_error *err);
    /* Sends the traffic back now, all routers at once, and waits until all have answered or
     * `wait_ms` is over; goes on by itself afterwards. Fired already: only waits. */
    void (*fire)(void *self, const char *run_id, const char *cause, const char *why,
                 int64_t wait_ms, struct cf_lane_view *out);
    /* What became of it; QUIET when nobody fired. */
    void (*view)(void *self, const char *run_id, struct cf_lane_view *out);
    /* While blocked, no alarm fires for the run (going back to nothing; a declared freeze). `why`
     * NULL: no longer. */
    void (*block)(void *self, const char *run_id, const char *why);
    /* The run has ended or was committed: forgets its documents, durably. */
    bool (*forget)(void *self, const char *run_id, struct cf_error *err);
    void *self;
};

/* One gate's judgement of now. */
struct cf_gate_now {
    char name[CF_PLAN_NAME_MAX + 1];
    struct cf_judgement j;
    double min; /* the promise */
};

struct cf_gates_view {
    int64_t last_bad_ms; /* wall time of the last look with failures; 0: none */
    bool source_known;   /* source_rps is measured, now, for every router of the run */
    double source_rps; /* requests a second that the routers still send to the source, over the last
                          ten seconds */
    int observed; /* the target's share of the requests since the last weight change, percent; -1:
                     unknown */
    enum cf_verdict worst; /* breach before no-data before undecided before pass; pass when there
                              are no gates */
    const char *which;     /* the name of the gate that gave it, "" if none */
    struct cf_gate_now gates[CF_PLAN_GATES_MAX];
    size_t n_gates;
};

/* The judges. An alarm fires the lane by itself; reconcile learns of it from the lane's view. */
struct cf_gates_ops {
    /* Watches the run's gates from now on; idempotent. `since_ms`: wall time of the last weight
     * change; a later one than before begins the counts for a pass anew. */
    bool (*watch)(void *self, const struct cf_fence *fence, const struct cf_live *run,
                  int64_t since_ms, struct cf_error *err);
    void (*judge)(void *self, const char *run_id, struct cf_gates_view *out);
    /* A person resumed after a breach: forget the alarm. */
    void (*reset)(void *self, const char *run_id);
    void (*forget)(void *self, const char *run_id);
    void *self;
};

/* The way to the target's pods, kept in step by a lane that outlives the run. */
struct cf_bridge_place {
    const char *cluster, *ns, *service; /* where it stands, and the Service there */
    bool by_name; /* the Service's own name leads over it; else one of ours stands beside */
};

struct cf_bridge_view {
    bool known, synced, stale;
    int64_t unseen_ms; /* since the last successful look at the target's endpoints */
    int ready;         /* endpoints in the bridge now */
    int others;    /* by name: ready endpoints beside the bridge's: pods of both clusters answer */
    char why[256]; /* of stale or not synced, or who the others are */
};

struct cf_bridge_want {
    const struct cf_fence *fence; /* of the run's shard */
    const char *run_id;
    const char *cluster, *ns, *service; /* the router's cluster, and the source's Service there */
    const char *target_cluster, *target_ns, *target_service;
    const struct cf_plan_traffic *traffic; /* REACH_ADDRESS: the fixed addresses and ports; by name
                                              not looked at */
    bool by_name;                          /* lb/bridge.h says which Services may have one */
};

struct cf_bridges_ops {
    /* Makes the bridge (row; Service and first slices within a second) and keeps it in step from now
     * on; idempotent. */
    bool (*ensure)(void *self, const struct cf_bridge_want *want, struct cf_error *err);
    void (*view)(void *self, const struct cf_bridge_place *place, struct cf_bridge_view *out);
    /* Before a raise and after a lowering: above 0 the bridge is never emptied. Durable. Those by
     * name have no weight: they follow the other Service, also when it has no ready endpoint. */
    bool (*weight)(void *self, const struct cf_fence *fence, const char *run_id, int weight,
                   struct cf_error *err);
    /* Removes the run's bridges, by name or not, that no router names. CONFLICT names the router.
     * TRANSIENT: another replica feeds one and was asked; it goes by itself, call again. */
    bool (*remove)(void *self, const struct cf_fence *fence, const char *run_id,
                   struct cf_error *err);
    /* The same for one; one that is not there, or another run's, is success. After it no replica
     * writes it any more. */
    bool (*remove_one)(void *self, const struct cf_fence *fence, const char *run_id,
                       const struct cf_bridge_place *place, struct cf_error *err);
    void *self;
};

struct cf_preflight_world;
struct cf_ports {
    struct cf_journal_ops journal;
    struct cf_clusters_ops clusters;
    struct cf_lane_ops lane;
    struct cf_gates_ops gates;
    struct cf_bridges_ops bridges;
    const struct cf_preflight_world
        *preflight; /* orchestrator/preflight/checks.h: what the checks ask */
    const struct cf_propagator_ops *propagator; /* NULL: the plan's copy.method */
    /* One request through the router's own data plane or to the bridge's address at weight 0; says
     * what was probed. */
    bool (*probe)(void *self, const struct cf_live *run, const struct cf_run_router *router,
                  bool *out_ok, char *said, size_t size, struct cf_error *err);
    void *probe_self;
    const struct cf_clock *clock;
};

#endif
