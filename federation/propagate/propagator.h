/* SPDX-License-Identifier: Apache-2.0 */
/* How workloads get from the source to the target: a port with one row per method (`direct`, and the
 * federations `karmada` and `clusternet`).
 *
 * Called by: preflight (inventory, dry_run), the plan's diff (preview) and the run steps propagate,
 * workload.ready, commit, cleanup (all the rest), from worker threads, straight-line and blocking.
 * A driver keeps nothing between calls: what it needs later it returns as a *ledger*, which the
 * caller stores durably and hands back. The target may be unreachable at any call.
 *
 * Words: the *inventory* is what is to be copied, as read from the source now: cleaned,
 * transformed, in the order of application. It holds the bodies (Secrets too), lives for one pass
 * and is never stored. The *ledger* is what we did to the target, object by object; it holds no
 * body. The *digests* say what the source looked like when it was copied. The *state* is what a
 * federation's driver notes for itself about the objects of the control plane; the ledger is about
 * the target only.
 *
 * Promise: every function may be killed anywhere and called again. Objects that we create carry the
 * label `crossfade.dev/run: <run id>`, so that an object created just before a crash is known as
 * ours although no ledger names it; a before-image is durable before an object that was there is
 * changed. */
#ifndef CF_FEDERATION_PROPAGATE_PROPAGATOR_H
#define CF_FEDERATION_PROPAGATE_PROPAGATOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

struct cf_kube;
struct cf_object_ref;

enum { CF_COPYING_WHY_MAX = 700 }; /* fits a hold's message with the cluster's name around it */

/* Where sealed copies of objects stand that adopt or overwrite is about to change. Implemented by
 * the engine over the store; both are durable when they return. `key` is
 * "<group>/<kind>/<namespace>/<name>". */
struct cf_before_images {
    /* Keeps the first image of a key and ignores later ones. */
    bool (*put)(void *self, const char *key, const json_t *object, struct cf_error *err);
    /* *out_object: new reference, or NULL when there is none. */
    bool (*get)(void *self, const char *key, json_t **out_object, struct cf_error *err);
    void *self;
};

/* What to copy, from where to where; all borrowed for the call. */
struct cf_propagation {
    struct cf_kube *source;
    struct cf_kube *target;
    const char *source_namespace;
    const char *target_namespace;
    bool create_namespace;
    const char *run_id; /* "" in previews and preflights: nothing is written then */
    const char *plan_name;
    const json_t *workloads; /* the effective form of spec.workloads; never NULL */
    /* Services of the source that the routers name: ["web", …]. Without `include` in workloads
     * everything that these select, and its closure, is copied; never the whole namespace. */
    const json_t *services;
    /* The plan's routers, [{type, cluster, namespace, object}], and its name of the source: those
     * that stand in the source's namespace are steered, not copied. NULL: none. */
    const json_t *routers;
    const char *source_cluster;
    const json_t *volumes; /* the effective form of spec.volumes; NULL: no data moves */
    /* What a freeze has stopped in the source: [{"kind", "name", "replicas": n | "suspend": false |
     * "paused": "n" or null}]. The source is read as if it had not. NULL: nothing. */
    const json_t *stopped;
    struct cf_before_images before; /* .put NULL in previews */
    /* Digest of an inventory in which a dry run of this very run has just found nothing that
     * blocks: it need not be tried again before the first write. NULL or "": none. */
    const char *tried;

    /* Federations only; NULL or "" for `direct`. */
    struct cf_kube *control_plane;
    const json_t *copy; /* the effective form of spec.copy; never NULL for a federation */
    json_t *state; /* an object of the driver's own, which any function that writes may change; the
                      caller stores it together with the ledger, before it calls again */
};

/* How far a call of apply, activate, undo, release or detach has come. Zeroed by the caller. */
struct cf_copying {
    bool done;
    bool waits; /* nothing can be done now: look again in a moment; `why` says what for. Otherwise
                   call again at once */
    int64_t wait_ms; /* with `waits`: the other side asked for at least this long; 0: a moment */
    bool stuck; /* with `waits`: it will not come true without a person; `why` says what to do */
    bool unhealthy; /* with `waits`: for an earlier wave's copies, which may take the plan's time */
    bool failed;    /* with `unhealthy`: one of them will not become healthy by waiting */
    char why[CF_COPYING_WHY_MAX]; /* of a release that is done: what a person has to do, or "" */
};

struct cf_propagator_ops {
    const char *name; /* "direct" */

    /* Reads the closure from the source. *out_inventory is a new reference:
     *   {"objects": [{"key": "<group>/<kind>/<ns>/<name>",
     *                 "ref": {group, version, kind, namespace, name} (in the target),
     *                 "digest": "<sha256 of the cleaned source object>",
     *                 "body": {…},
     *                 "onConflict": "fail|adopt|overwrite",
     *                 "wave": n (kinds.h),
     *                 "why": "selected by Service web",
     *                 "from": "Service/web" (what brought it; "" for what the plan names),
     *                 "start": "now|atSwitch",
     *                 "autoscaled": bool, "by": "<who wrote the source object last>",
     *                 "origin": {…} (federations only: as read from the source)}],
     *    "digest": "<sha256 over all>",
     *    "required": [{"kind", "name", "ref", "why", "level": "blocker|warning",
     *                  "expect": {…}? (fields that it must have)}]   what the target must have by
     *                  itself (ClusterRoles, classes, what is not listed …),
     *    "skipped": [{"kind", "name", "why"}]   what is kept out, and why,
     *    "unrelated": {kind: number}            what nothing asked for,
     *    "notes": [{"level": "warning|info|blocker", "code", "message", "hint"}],
     *    "volumes": {"claims", "writers"} (closure.h: whose data moves; only then),
     *    "waves": n (of workloads, where there is more than one; waves.h)}
     * INVALID when the plan's selection matches nothing or names something that is not there. */
    bool (*inventory)(const struct cf_propagation *p, json_t **out_inventory, struct cf_error *err);

    /* What would be written, for `plan diff` and `?dryRun`: [{"cluster": "target|controlPlane", "verb":
     * "create|apply|keep", "ref", "body" or "patch", "note", "wave": from 1, if there are several}].
     * Secrets' values are replaced by their digests. No side effects. */
    bool (*preview)(const struct cf_propagation *p, const json_t *inventory, json_t **out_bodies,
                    struct cf_error *err);

    /* Server-side dry-run of every object, all of them even if some fail: [{"key", "level":
     * "blocker|warning|info", "code", "message", "hint"}]; conflicts name the other managers and
     * fields. False only when the target does not answer. */
    bool (*dry_run)(const struct cf_propagation *p, const json_t *inventory, json_t **out_findings,
                    struct cf_error *err);

    /* Applies at most `max_objects` objects that the ledger does not yet show with the inventory's
     * digest (new ones, and those whose source changed since), in order; waits for nothing.
     * *io_ledger (an array, replaced by a longer one) holds per object {"key", "ref", "uid", "how":
     * "created|adopted|overwritten| same", "digest", "wave"} (an entry's members are replaced, never changed
     * in place: others share them). out->done: the ledger covers the inventory.
     * CONFLICT (field = key) names the managers: the caller holds. On failure the ledger still
     * shows what was done before it. */
    bool (*apply)(const struct cf_propagation *p, const json_t *inventory, json_t **io_ledger,
                  int max_objects, struct cf_copying *out, struct cf_error *err);

    /* Whether everything in the ledger is healthy by the rules of its kind: {"ready": bool,
     * "failed": bool, "objects": [{"key", "ready": bool, "message": "3 of 5 pods ready"}], "done":
     * n, "total": n, "unseen": "why" (only then)}. `failed` = it will not become healthy by waiting
     * (progress deadline exceeded, failed Job). `unseen` = the federation cannot judge its member
     * now, whatever the objects show: not ready. */
    bool (*health)(const struct cf_propagation *p, const json_t *ledger, json_t **out_report,
                   struct cf_error *err);

    /* How the source differs now from what was copied: [] or [{"key", "change":
     * "changed|added|removed", "detail": "spec.template.spec.containers[0].image: a → b"}]
     * (bounded; values of Secrets never shown). What runs in the source by itself (status, replicas
     * under an HPA) is no change. Names the last writer (managedFields) as "by". */
    bool (*changes)(const struct cf_propagation *p, const json_t *inventory, const json_t *ledger,
                    json_t **out_changes, struct cf_error *err);

    /* Which copies wait for the switch, because they must not run twice: [{"key", "ref", "field":
     * "replicas|suspend"}] (new reference). The caller stops them in the source before it activates
     * them in the target. No side effects. */
    bool (*waiting)(const struct cf_propagation *p, const json_t *ledger, json_t **out_rows,
                    struct cf_error *err);

    /* At commit: what must not run twice starts in the target now (CronJobs un-suspended, Jobs and
     * workloads that wait for the switch get their replicas), at most once each; KEDA goes on with
     * those of them that are in `ledger`. `off` reverses it. */
    bool (*activate)(const struct cf_propagation *p, const json_t *ledger, bool off,
                     struct cf_copying *out, struct cf_error *err);

    /* Takes back up to `max_objects`, newest first: deletes exactly what we created (label and uid;
     * also objects with our label that the ledger does not know), gives adopted and overwritten
     * fields their stored values. Only ever touches the target. *io_ledger shrinks. *out_left:
     * human lines about what could not be taken back and why, [] if nothing. */
    bool (*undo)(const struct cf_propagation *p, json_t **io_ledger, int max_objects,
                 struct cf_copying *out, json_t **out_left, struct cf_error *err);

    /* At the end: removes our labels and annotations from the copies and gives up field ownership
     * where another manager is to follow; the objects stay as they are. */
    bool (*release)(const struct cf_propagation *p, const json_t *ledger, struct cf_copying *out,
                    struct cf_error *err);

    /* Whether the federation can do it, before anything is written: findings as dry_run has them.
     * `inventory` may be NULL: then only what does not depend on it. NULL for `direct`. */
    bool (*check)(const struct cf_propagation *p, const json_t *inventory, json_t **out_findings,
                  struct cf_error *err);

    /* Whether the federation is still as we left it, so that nothing of it can remove a copy that
     * serves: [] or [{"code": "POLICY_CHANGED|BINDING_CHANGED|EVICTION|…", "ref"?, "message",
     * "hint"}]. Asked before each raise, while traffic is shared, and at commit. No side effects;
     * NULL for `direct`. */
    bool (*guard)(const struct cf_propagation *p, const json_t *ledger, json_t **out_findings,
                  struct cf_error *err);

    /* After commit, before anything of the source is stopped: the control plane lets go of the
     * source, whose objects stay. NULL where the source was never the federation's. */
    bool (*detach)(const struct cf_propagation *p, const json_t *ledger, struct cf_copying *out,
                   struct cf_error *err);
};

/* Objects between two durable records: a crash repeats at most these (idempotent). Under a second
 * of work for a driver that writes side by side, so that people's actions are heard in time. */
enum { CF_PROPAGATE_BATCH = 250 };

extern const struct cf_propagator_ops cf_propagator_direct;
extern const struct cf_propagator_ops cf_propagator_karmada;
extern const struct cf_propagator_ops cf_propagator_clusternet;

/* The row for copy.method, or NULL. */
const struct cf_propagator_ops *cf_propagator_find(const char *method);

#endif
