/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: carries out runs. What the API, the command line and main ask of it.
 *
 * One engine per process. It owns the workers (16), the shards thread, the gate threads, the
 * responders and the bridge lane. The API never changes a run: it creates one, inserts actions, and
 * wakes its owner; everything else is the engine's. All functions may be called from any thread;
 * those that talk to a cluster or the store block and say so. */
#ifndef CF_ENGINE_ENGINE_H
#define CF_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/uuid.h"
#include "orchestrator/engine/clusters.h"
#include "orchestrator/plan/plan.h"
#include "store/idempotency.h"

struct cf_store;
struct cf_kube;
struct cf_kube_net;
struct cf_preflight_world;
struct cf_engine;

#define CF_ENGINE_STALE_DIFF "StaleDiff" /* an error's reason */

enum { CF_ENGINE_WHY_MAX = 256, CF_ENGINE_UID_TEXT = 64 };

struct cf_engine_config {
    struct cf_store *store;     /* borrowed */
    struct cf_kube_net *net;    /* borrowed */
    struct cf_metrics *metrics; /* borrowed, may be NULL */
    const char *state_dir; /* holds `replica` (locked: our id) and `journal` (the ways back); made
                              if absent */
    const char *address;   /* where other replicas reach our API; may be "" */
    const char *version;
    struct cf_clusters_local clusters; /* borrowed until the end */
    int workers;                       /* 0: 16 */
    int64_t lease_ms;                  /* 0: 15 s */
    int64_t look_ms;                   /* shortest period of gate looks; 0: 200 ms */
    /* orchestrator/preflight/checks.h; NULL: the registered clusters. Tests and simulators give
     * their own. */
    const struct cf_preflight_world *world;
};

/* Starts all threads. CONFLICT when another process holds the state directory. Does not need the
 * database to answer. */
struct cf_engine *cf_engine_start(const struct cf_engine_config *config,
                                  struct cf_error *err) CF_NODISCARD;
/* Ends the passes under way (bounded by the deadlines of their calls), gives the shards back, joins
 * all threads. Rollbacks that are not home go on at the next start. Accepts NULL. */
void cf_engine_stop(struct cf_engine *e);
/* Whether this replica owns shards and its lanes live: for /readyz; `why` (CF_ENGINE_WHY_MAX bytes)
 * when not. */
bool cf_engine_ready(struct cf_engine *e, char *why);
struct cf_engine_stats {
    int runs, busy, shards; /* unfinished runs of ours, passes under way, owned shards */
    int64_t passes;         /* since the start */
};
void cf_engine_stats(struct cf_engine *e, struct cf_engine_stats *out);
/* "Look at this run now": after an action was inserted or a run was created. Never blocks; a wake
 * for a run of another replica does nothing (that one finds the action by itself). */
void cf_engine_wake(struct cf_engine *e, const char *run_id);

/* ---- runs ---- */

struct cf_run_start {
    const char *plan; /* name */
    int revision;     /* 0: the latest */
    const char *principal;
    const char *reason;   /* may be "" */
    const char *diff;     /* digest of a preview that must still hold; NULL or "": none */
    struct cf_idem *idem; /* may be NULL */
};

/* Compiles the revision into steps and creates the run with its claims, in one transaction. Needs
 * both clusters registered; talks to no cluster, but for `diff`: then the preview is made again, and
 * CONFLICT/CF_ENGINE_STALE_DIFF says what is no longer as it showed. CONFLICT/CLAIMED names the
 * holder. `out_id` gets
 * the run's id. */
bool cf_engine_run_start(struct cf_engine *e, const struct cf_run_start *start,
                         char out_id[CF_UUID_TEXT], struct cf_error *err) CF_NODISCARD;

/* What people see of a run beyond its rows: {"phase", "gates": [{name, state, value, threshold,
 * upper, needed, missing, samples, failures, lastAt, evidence, text}], "routers": [{name, cluster,
 * weight, want, inSync, kubectl}], "noWayBack": null or why no router has a kubectl line,
 * "callToAction": {text, command}, "bridges": […]}. From memory and the run's rows; never asks a
 * cluster. New reference. */
json_t *cf_engine_run_view(struct cf_engine *e, const char *run_id,
                           struct cf_error *err) CF_NODISCARD;

/* The run's report: {"run", "state", "result", "steps": [...], "weights": [{at, weight}],
 * "rollback": {cause, firstBadAt, decidedAt, patchSentAt, patchDoneAt, lastBadAt, decisionMs,
 * patchMs, totalMs}, "left": […], "bridges": […], "kubectl": ["…"],
 * "noWayBack": null or why there is no such line, "text": "for people"}. Blocks (store). */
json_t *cf_engine_run_report(struct cf_engine *e, const char *run_id,
                             struct cf_error *err) CF_NODISCARD;

/* ---- plans ---- */

/* What a run of this plan would write, step by step (`plan diff --live`, ?dryRun): {"steps": [{no,
 * kind, name, phase}], "writes": [{"step", "cluster", "verb", "ref", "patch" | "body", "note"}],
 * "notes": […], "digest": "what cf_run_start.diff takes"}. Blocks (both clusters, read-only, and
 * the store, which keeps the digest for a day). */
json_t *cf_engine_plan_preview(struct cf_engine *e, const struct cf_plan *plan,
                               struct cf_error *err) CF_NODISCARD;
/* Why each object is copied, what the target must have, what is kept out and why (explain.h).
 * Blocks (both clusters, read-only). */
json_t *cf_engine_plan_explain(struct cf_engine *e, const struct cf_plan *plan,
                               struct cf_error *err) CF_NODISCARD;
/* The compiled steps alone: [{no, kind, name, phase, params}]; pure. */
json_t *cf_engine_plan_steps(const struct cf_plan *plan) CF_NODISCARD;

/* Queues a preflight of a plan revision as a job for the workers; its row (store/preflights.h) gets
 * the result. */
bool cf_engine_preflight_start(struct cf_engine *e, const char *plan, int revision,
                               const char *principal, char out_id[CF_UUID_TEXT],
                               struct cf_error *err) CF_NODISCARD;

/* ---- clusters and bridges ---- */

/* A counted client of a registered cluster (cached; a changed record makes a new one). Does not
 * connect. */
bool cf_engine_kube(struct cf_engine *e, const char *cluster, struct cf_kube **out,
                    struct cf_error *err) CF_NODISCARD;
/* Asks a cluster that is not stored yet who it is: the uid of its kube-system namespace and the URL
 * that was asked (caller frees). `doc` and `credentials` as in orchestrator/engine/clusters.h.
 * Blocks. */
bool cf_engine_cluster_probe(struct cf_engine *e, const char *name, const json_t *doc,
                             const char *credentials, size_t len, char uid[CF_ENGINE_UID_TEXT],
                             char **out_server, struct cf_error *err) CF_NODISCARD;
/* Tells the engine that a cluster's record changed or went. */
void cf_engine_cluster_changed(struct cf_engine *e, const char *cluster);
/* Asks the cluster now: {"reachable", "version", "uid", "skewMs", "latencyMs", "insecure",
 * "metrics": [{type, url, ok, message}], "rights": [{verb, resource, namespace, allowed, reason}],
 * "problems": […]}. Blocks. */
json_t *cf_engine_cluster_check(struct cf_engine *e, const char *cluster, const char *ns,
                                struct cf_error *err) CF_NODISCARD;
/* The members of a control plane, as the control plane knows them now: {"kind": "karmada|clusternet",
 * "items": rows of federation/propagate/members.h, each with "registeredAs": our name of it, or
 * null}. NOT_FOUND: no such cluster, or it is no control plane. New reference. Blocks. */
json_t *cf_engine_cluster_members(struct cf_engine *e, const char *cluster,
                                  struct cf_error *err) CF_NODISCARD;
/* The least rights we need, as YAML for `kubectl apply`; caller frees. `role`: "source", "target"
 * or "both"; ns NULL: a ClusterRole. */
char *cf_engine_rbac_yaml(const char *role, const char *ns, struct cf_error *err) CF_NODISCARD;

/* Asks the bridge's lane to take it away; it does when no router names it any more, and says who
 * does otherwise (its status). CONFLICT while the run that made it is unfinished. Blocks (store).
 */
bool cf_engine_bridge_remove(struct cf_engine *e, const char *bridge_id, const char *principal,
                             struct cf_error *err) CF_NODISCARD;
/* {"synced", "stale", "ready", "weight", "why"} as this replica's lane knows it; NULL: another's.
 * New reference. */
json_t *cf_engine_bridge_status(struct cf_engine *e, const char *bridge_id) CF_NODISCARD;

/* An administrator's freeze; reason NULL unfreezes. Blocks (store). */
bool cf_engine_freeze(struct cf_engine *e, const char *reason, const char *principal,
                      struct cf_error *err) CF_NODISCARD;

/* ---- documentation ---- */
json_t *cf_engine_step_kinds(void) CF_NODISCARD;   /* [{name, phase, says, undo: bool}] */
json_t *cf_engine_hold_reasons(void) CF_NODISCARD; /* [{name, way, call, command}] */

#endif
