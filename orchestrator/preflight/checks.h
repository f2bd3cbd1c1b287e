/* SPDX-License-Identifier: Apache-2.0 */
/* Preflight: what stands in the way of a plan, found before anything is written.
 *
 * A table of checks (`crossfade help preflight` and docs/ are made from it), each a file-local
 * function with what it reads and its rule. Called by: the run step `preflight`, and the job that
 * the API queues. Reads both ends and the metrics sources, writes nothing (server-side dry-runs
 * only). Blocking; one thread; every check is done even if others fail. */
#ifndef CF_PREFLIGHT_CHECKS_H
#define CF_PREFLIGHT_CHECKS_H

#include "base/clock.h"
#include "federation/kube/kube.h"
#include "federation/propagate/propagator.h"
#include "orchestrator/gate/source.h"
#include "orchestrator/plan/plan.h"

/* What the checks ask the rest of the program. */
struct cf_preflight_world {
    /* A counted reference. NOT_FOUND: not registered. */
    bool (*kube)(void *self, const char *cluster, struct cf_kube **out, struct cf_error *err);
    /* The record of a cluster: {"insecure": bool, "server": text, "metrics": [{"type":
     * "prometheus|scrape", "urls": […], "preset"}]}; new reference. */
    bool (*record)(void *self, const char *cluster, json_t **out, struct cf_error *err);
    /* A metrics source of the cluster, made for this call: free with cf_source_free. NOT_FOUND when
     * its record names none. */
    bool (*source)(void *self, const char *cluster, struct cf_source **out, const char **out_preset,
                   struct cf_error *err);
    void *self;
};

/* "blocker", "warning", "skipped", "info", "ok", ended by NULL. */
extern const char *const cf_preflight_levels[];

struct cf_preflight_request {
    const struct cf_plan *plan;
    const char *run_id; /* "" when asked for without a run */
    const struct cf_preflight_world *world;
    const struct cf_clock *clock;
    const struct cf_propagator_ops *propagator; /* NULL: the plan's copy.method */
};

/* {"blockers": n, "warnings": n, "skipped": n, "infos": n, "startedAt", "finishedAt",
 *  "results": [{"id", "level": one of cf_preflight_levels, "message", "hint", "command", "cluster",
 *               "evidence": {…}}]}
 * In the order of the levels, then of the table. A check that could not be made, here or for one
 * cluster or router, is `skipped` with the reason as its message: `ok` means that it was made and
 * found nothing. New reference. False only for a bug or a plan that cannot be read: a cluster that
 * does not answer is a blocker. */
bool cf_preflight_run(const struct cf_preflight_request *request, json_t **out_report,
                      struct cf_error *err) CF_NODISCARD;

/* The table: [{"id", "reads", "rule", "why"}]. New reference. */
json_t *cf_preflight_table(void) CF_NODISCARD;

#endif
