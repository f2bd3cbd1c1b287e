/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the checks share: the table's row type, one preflight under way, and how a
 * check says what it found. */
#ifndef CF_PREFLIGHT_CHECKS_INTERNAL_H
#define CF_PREFLIGHT_CHECKS_INTERNAL_H

#include "orchestrator/preflight/checks.h"
#include "orchestrator/preflight/survey.h"

/* In the order in which people read them; cf_preflight_levels has the names. */
enum cf_level { CF_LEVEL_BLOCKER, CF_LEVEL_WARNING, CF_LEVEL_SKIPPED, CF_LEVEL_INFO, CF_LEVEL_OK };

/* A cluster of the plan, once check `clusters` has asked it. */
struct cf_checked_cluster {
    const char *name;
    bool answers;
};

/* One preflight. What several checks need is read once, by the first that asks. */
struct cf_checking {
    const struct cf_preflight_request *request;
    const struct cf_plan *plan;
    const char *id; /* of the check under way */
    json_t *results;
    /* NULL: not registered or no client; said by check `clusters`. */
    struct cf_kube *source, *target, *control_plane;
    bool source_answers, target_answers;
    struct cf_checked_cluster clusters[CF_PLAN_ROUTERS_MAX + 3];
    size_t n_clusters;
    struct cf_survey_router routers[CF_PLAN_ROUTERS_MAX];
    bool surveyed[CF_PLAN_ROUTERS_MAX]; /* the router's cluster gave an answer */
    json_t *services;
    json_t *inventory;
    bool tried;    /* the target was asked about every object of the inventory */
    json_t *state; /* of a federation's driver; it ends with the checks */
};

struct cf_check {
    const char *id;
    const char *reads;
    const char *rule;
    const char *why;
    void (*run)(struct cf_checking *c);
    bool federations_only; /* not asked where no control plane is named */
    bool volumes_only;     /* nor where no data moves */
};

/* Adds a result. `hint` and `command` may be NULL, `evidence_take` too. */
void cf_found(struct cf_checking *c, enum cf_level level, const char *cluster,
              json_t *evidence_take, const char *hint, const char *command, const char *fmt, ...)
    CF_PRINTF(7, 8);

/* This check was not made for the cluster (NULL: at all), and why. */
void cf_skipped(struct cf_checking *c, const char *cluster, const char *fmt, ...) CF_PRINTF(3, 4);
/* Whether the cluster answered check `clusters`; if not, the check under way is skipped for it. */
bool cf_checking_needs(struct cf_checking *c, const char *cluster);
/* Whether the router was read and its route found; if not, the check under way is skipped for it. */
bool cf_checking_needs_route(struct cf_checking *c, size_t router);
/* Calls `fn` once for every distinct cluster of the plan. */
void cf_checking_each_cluster(struct cf_checking *c,
                              void (*fn)(struct cf_checking *c, const char *cluster));

/* The client of a cluster by its name; NULL when there is none (said by check `clusters`). Counted.
 */
struct cf_kube *cf_checking_kube(struct cf_checking *c, const char *cluster);
const struct cf_propagator_ops *cf_checking_propagator(const struct cf_checking *c);
struct cf_propagation cf_checking_propagation(const struct cf_checking *c);

/* checks_clusters.c */
void cf_preflight_clusters(struct cf_checking *c);
void cf_preflight_identity(struct cf_checking *c);
void cf_preflight_tls(struct cf_checking *c);
void cf_preflight_clock(struct cf_checking *c);
void cf_preflight_rights(struct cf_checking *c);
void cf_preflight_namespaces(struct cf_checking *c);
/* checks_routers.c */
void cf_preflight_routers(struct cf_checking *c);
void cf_preflight_weights(struct cf_checking *c);
void cf_preflight_reach(struct cf_checking *c);
void cf_preflight_bypass(struct cf_checking *c);
/* checks_copies.c */
void cf_preflight_copies(struct cf_checking *c);
void cf_preflight_control_plane(struct cf_checking *c);
void cf_preflight_dry_run(struct cf_checking *c);
void cf_preflight_jobs(struct cf_checking *c);
/* checks_volumes.c */
void cf_preflight_volumes(struct cf_checking *c);
/* checks_volumes_plan.c; a part of the check `volumes`, once the inventory is known */
void cf_preflight_volumes_plan(struct cf_checking *c);
/* checks_gitops.c */
void cf_preflight_gitops(struct cf_checking *c);
/* checks_gates.c */
void cf_preflight_gates(struct cf_checking *c);

#endif
