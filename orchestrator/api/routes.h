/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of the REST API: one table from which routing, authorization, query checks, OpenAPI,
 * docs/api.md and the tests come. */
#ifndef CF_API_ROUTES_H
#define CF_API_ROUTES_H

#include "orchestrator/api/context.h"

enum cf_route_flags {
    CF_ROUTE_IDEMPOTENT = 1,   /* takes Idempotency-Key */
    CF_ROUTE_PRECONDITION = 2, /* needs If-Match or If-None-Match */
    CF_ROUTE_PAGED = 4,        /* takes limit and cursor */
    CF_ROUTE_DRY_RUN = 8,      /* takes dryRun */
    CF_ROUTE_WAIT = 16,        /* honours Prefer: wait */
    CF_ROUTE_STREAM = 32,      /* answers with a stream */
};

enum { CF_ROUTE_PARAMS_MAX = 10 };

struct cf_route_param {
    const char *name;
    const char *help;
};

struct cf_route {
    const char *method, *path;
    enum cf_role role; /* NONE: no token is asked for */
    unsigned flags;
    cf_http_handler *handler;
    const char *tag;      /* groups of the documentation */
    const char *summary;  /* one sentence */
    const char *request;  /* name of the body's schema in schemas.c, or NULL */
    const char *response; /* name of the schema of the 2xx answer, or NULL (no body or text) */
    const char *status;   /* of success: "200", "201", "202", "204" */
    struct cf_route_param
        params[CF_ROUTE_PARAMS_MAX]; /* query parameters beyond those that flags bring */
    const char *const *produces;     /* media types when not JSON alone, ended by NULL */
};

extern const struct cf_route cf_routes[]; /* ends with a row without method */

/* The HTTP server's table made of it; ends with a row without method. Caller frees the array; rows
 * point into cf_routes. */
struct cf_http_route *cf_routes_http(void) CF_NODISCARD;

/* Refuses query parameters that the route does not know (400 with a suggestion). False: answered.
 */
bool cf_route_check_query(struct cf_http_request *req, struct cf_http_response *res,
                          const struct cf_route *route);

/* OpenAPI 3.1 of the table (new reference), and the page docs/api.md (caller frees). */
json_t *cf_openapi(const char *version) CF_NODISCARD;
char *cf_api_markdown(void) CF_NODISCARD;

/* handlers, by resource */
cf_http_handler cf_get_plans, cf_post_plan, cf_put_plan, cf_get_plan, cf_delete_plan,
    cf_get_plan_effective, cf_get_plan_diff, cf_get_plan_explain, cf_post_explain,
    cf_get_plan_revisions, cf_get_plan_revision;
cf_http_handler cf_post_run, cf_post_plan_run, cf_get_runs, cf_get_run, cf_get_run_steps,
    cf_get_run_series, cf_get_run_report, cf_get_run_events;
cf_http_handler cf_post_action, cf_get_actions, cf_get_action;
cf_http_handler cf_post_preflight, cf_get_preflights, cf_get_preflight;
cf_http_handler cf_post_cluster, cf_put_cluster, cf_get_clusters, cf_get_cluster, cf_delete_cluster,
    cf_post_cluster_check, cf_get_cluster_rbac, cf_get_cluster_members;
cf_http_handler cf_get_bridges, cf_get_bridge, cf_delete_bridge;
cf_http_handler cf_post_token, cf_get_tokens, cf_get_token, cf_delete_token;
cf_http_handler cf_get_freeze, cf_put_freeze, cf_delete_freeze;
cf_http_handler cf_get_events;
cf_http_handler cf_get_me, cf_get_livez, cf_get_readyz, cf_get_metrics, cf_get_openapi,
    cf_get_plan_schema, cf_get_problems, cf_get_problem, cf_get_version;

#endif
