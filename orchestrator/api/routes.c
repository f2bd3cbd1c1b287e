/* SPDX-License-Identifier: Apache-2.0 */
/* The route table. */
#include "orchestrator/api/routes.h"

#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "orchestrator/api/problem.h"

#define V   CF_ROLE_VIEWER
#define O   CF_ROLE_OPERATOR
#define A   CF_ROLE_ADMIN
#define API "/api/v1"

static const char *const json_types[] = { "application/json", NULL };
static const char *const document_types[] = { "application/json", "application/yaml", NULL };
static const char *const event_types[] = { "text/event-stream", "application/x-ndjson",
                                           "application/json", NULL };

/* What a row leaves out at its end is zero. */
/* clang-format off */
const struct cf_route cf_routes[] = {
    { "GET", API "/plans", V, CF_ROUTE_PAGED, cf_get_plans, "plans", "List the plans by name", NULL, "PlanList", "200",
      { { "q", "only names that contain this" } } },
    { "POST", API "/plans", O, CF_ROUTE_IDEMPOTENT | CF_ROUTE_DRY_RUN, cf_post_plan, "plans",
      "Create a plan under the name in its metadata", "Plan", "PlanView", "201" },
    { "GET", API "/plans/{name}", V, 0, cf_get_plan, "plans", "Read a plan as it was submitted", NULL, "PlanView", "200",
      { { "form", "`document` (as submitted, in its own syntax) or `view` (default)" } }, document_types },
    { "PUT", API "/plans/{name}", O, CF_ROUTE_PRECONDITION | CF_ROUTE_DRY_RUN, cf_put_plan, "plans",
      "Apply a plan: create it (If-None-Match: *) or make its next revision (If-Match)", "Plan", "PlanView", "200" },
    { "DELETE", API "/plans/{name}", O, CF_ROUTE_PRECONDITION, cf_delete_plan, "plans",
      "Delete a plan that has no active run; its revisions stay for the runs that used them", NULL, NULL, "204" },
    { "GET", API "/plans/{name}/effective", V, 0, cf_get_plan_effective, "plans", "The plan with every default written out", NULL,
      "Plan", "200", { { "revision", "of this revision; the latest if left out" } } },
    { "GET", API "/plans/{name}/diff", V, 0, cf_get_plan_diff, "plans",
      "What would be written to both clusters now (against=live), or how two revisions differ", NULL, "PlanDiff", "200",
      { { "against", "`live` (default) or a revision" }, { "revision", "the revision to compare; the latest if left out" } } },
    { "GET", API "/plans/{name}/explain", V, 0, cf_get_plan_explain, "plans",
      "Why each object is copied, what the target must have, what is kept out and why: as the clusters are now", NULL, "PlanExplanation",
      "200", { { "revision", "of this revision; the latest if left out" } } },
    { "POST", API "/explain", O, 0, cf_post_explain, "plans", "The same for a plan document that is not stored", "Plan",
      "PlanExplanation", "200" },
    { "GET", API "/plans/{name}/revisions", V, CF_ROUTE_PAGED, cf_get_plan_revisions, "plans", "List the revisions, newest first",
      NULL, "PlanList", "200" },
    { "GET", API "/plans/{name}/revisions/{revision}", V, 0, cf_get_plan_revision, "plans", "Read one revision", NULL, "PlanView",
      "200" },
    { "POST", API "/plans/{name}/runs", O, CF_ROUTE_IDEMPOTENT, cf_post_plan_run, "runs", "Start a run of the plan", "RunStart",
      "Run", "201" },

    { "POST", API "/runs", O, CF_ROUTE_IDEMPOTENT, cf_post_run, "runs", "Start a run of the plan that the body names", "RunStart",
      "Run", "201" },
    { "GET", API "/runs", V, CF_ROUTE_PAGED, cf_get_runs, "runs", "List runs, newest first", NULL, "RunList", "200",
      { { "plan", "only runs of this plan" }, { "state", "only these states, separated by commas" },
        { "source", "only from this cluster" }, { "target", "only to this cluster" }, { "cluster", "from or to this cluster" },
        { "label", "key=value" }, { "active", "`true`: only those that have not ended" } } },
    { "GET", API "/runs/{run}", V, CF_ROUTE_WAIT, cf_get_run, "runs",
      "Read a run; RUN is its id, PLAN/NUMBER (with %2F) or PLAN@latest. Prefer: wait=N answers when it changes after `after`", NULL,
      "Run", "200", { { "after", "answer once the run's seq is greater than this (with Prefer: wait)" } } },
    { "GET", API "/runs/{run}/steps", V, 0, cf_get_run_steps, "runs", "Its steps with intent and observation", NULL, "StepList", "200" },
    { "GET", API "/runs/{run}/series", V, 0, cf_get_run_series, "runs", "Weights and success rates over time, in columns", NULL,
      "Series", "200", { { "after", "only points later than this time (RFC 3339)" } } },
    { "GET", API "/runs/{run}/report", V, 0, cf_get_run_report, "runs",
      "What happened, with the times of fault, decision, patch and last failure", NULL, "Report", "200" },
    { "GET", API "/runs/{run}/events", V, CF_ROUTE_STREAM, cf_get_run_events, "runs", "The run's events, from the first on", NULL,
      "Event", "200", { { "after", "only events with a greater id" }, { "limit", "at most so many (JSON form)" } }, event_types },

    { "POST", API "/runs/{run}/actions", O, CF_ROUTE_IDEMPOTENT | CF_ROUTE_WAIT, cf_post_action, "actions",
      "Ask the run to pause, resume, advance, rollback or commit", "ActionNew", "Action", "202" },
    { "GET", API "/runs/{run}/actions", V, CF_ROUTE_PAGED, cf_get_actions, "actions", "What was asked of the run, newest first", NULL,
      "ActionList", "200" },
    { "GET", API "/actions/{id}", V, CF_ROUTE_WAIT, cf_get_action, "actions", "Read an action; Prefer: wait=N answers when it is settled",
      NULL, "Action", "200" },

    { "POST", API "/preflights", O, CF_ROUTE_IDEMPOTENT | CF_ROUTE_WAIT, cf_post_preflight, "preflights", "Check a plan against both clusters now",
      "PreflightNew", "Preflight", "202" },
    { "GET", API "/preflights", V, CF_ROUTE_PAGED, cf_get_preflights, "preflights", "List preflights, newest first", NULL,
      "PreflightList", "200", { { "plan", "only of this plan" } } },
    { "GET", API "/preflights/{id}", V, CF_ROUTE_WAIT, cf_get_preflight, "preflights", "Read a preflight and its findings", NULL,
      "Preflight", "200" },

    { "POST", API "/clusters", A, CF_ROUTE_IDEMPOTENT, cf_post_cluster, "clusters",
      "Register a cluster: a kubeconfig with inline data, and where its metrics are", "ClusterNew", "Cluster", "201" },
    { "GET", API "/clusters", V, CF_ROUTE_PAGED, cf_get_clusters, "clusters", "List the clusters", NULL, "ClusterList", "200" },
    { "GET", API "/clusters/{name}", V, 0, cf_get_cluster, "clusters", "Read a cluster's record; credentials are never returned", NULL,
      "Cluster", "200" },
    { "PUT", API "/clusters/{name}", A, CF_ROUTE_PRECONDITION, cf_put_cluster, "clusters",
      "Replace a cluster's credentials or metrics sources; it must be the same cluster", "ClusterNew", "Cluster", "200" },
    { "DELETE", API "/clusters/{name}", A, CF_ROUTE_PRECONDITION, cf_delete_cluster, "clusters",
      "Forget a cluster that no active run and no bridge needs", NULL, NULL, "204" },
    { "POST", API "/clusters/{name}/check", V, 0, cf_post_cluster_check, "clusters",
      "Ask the cluster now: version, identity, clock, rights, metrics", NULL, "ClusterCheck", "200",
      { { "namespace", "check the rights in this namespace" } } },
    { "GET", API "/clusters/{name}/members", V, 0, cf_get_cluster_members, "clusters",
      "The members that a control plane (Karmada, Clusternet) knows, and our names of them", NULL, "MemberList", "200" },
    { "GET", API "/clusters/{name}/rbac", V, 0, cf_get_cluster_rbac, "clusters", "The least rights that we need there, as YAML to apply",
      NULL, NULL, "200", { { "namespace", "a Role in this namespace instead of a ClusterRole" },
                           { "side", "`source`, `target`, `both` (default), `adopted` (a source that a control plane takes over), `volumes` and `velero` (beside them, where data moves: the workloads' namespace, and Velero's), or `karmada`, `clusternet` for a control plane" } } },

    { "GET", API "/bridges", V, 0, cf_get_bridges, "bridges", "The bridges over which traffic still flows", NULL, "BridgeList", "200",
      { { "run", "only those of this run" } } },
    { "GET", API "/bridges/{id}", V, 0, cf_get_bridge, "bridges", "Read a bridge", NULL, "Bridge", "200" },
    { "DELETE", API "/bridges/{id}", O, 0, cf_delete_bridge, "bridges", "Ask for the removal of a bridge: it goes when no router names it any more, one by name at once",
      NULL, "Bridge", "202" },

    { "POST", API "/tokens", A, CF_ROUTE_IDEMPOTENT, cf_post_token, "tokens", "Make an access token; its text is in this answer and nowhere else",
      "TokenNew", "TokenMade", "201" },
    { "GET", API "/tokens", A, CF_ROUTE_PAGED, cf_get_tokens, "tokens", "List the tokens, never their texts", NULL, "TokenList", "200" },
    { "GET", API "/tokens/{id}", A, 0, cf_get_token, "tokens", "Read a token's record, never its text", NULL, "Token", "200" },
    { "DELETE", API "/tokens/{id}", A, 0, cf_delete_token, "tokens", "Revoke a token at once", NULL, NULL, "204" },

    { "GET", API "/freeze", V, 0, cf_get_freeze, "freeze", "Whether everything is frozen, by whom and why", NULL, "Freeze", "200" },
    { "PUT", API "/freeze", A, 0, cf_put_freeze, "freeze", "Freeze: no forward move anywhere until it is lifted; rollbacks go on",
      "FreezeNew", "Freeze", "200" },
    { "DELETE", API "/freeze", A, 0, cf_delete_freeze, "freeze", "Lift the freeze", NULL, "Freeze", "200" },

    { "GET", API "/events", V, CF_ROUTE_STREAM, cf_get_events, "events",
      "Everything decided, done or seen: server-sent events or NDJSON with ids in commit order, or a page as JSON", NULL, "Event", "200",
      { { "after", "only events with a greater id; 0: from the oldest kept. Left out: from now on" }, { "run", "only of this run" },
        { "plan", "only about this plan and its runs" }, { "kind", "only kinds that begin with this" }, { "subject", "only about this" }, { "limit", "at most so many (JSON form)" } },
      event_types },

    { "GET", API "/me", V, 0, cf_get_me, "meta", "Who the token is and what it may do", NULL, "Me", "200" },
    { "GET", API "/version", V, 0, cf_get_version, "meta", "The running version", NULL, "Version", "200" },
    { "GET", "/livez", CF_ROLE_NONE, 0, cf_get_livez, "meta", "Whether the process lives; asks nobody", NULL, NULL, "200" },
    { "GET", "/readyz", CF_ROLE_NONE, 0, cf_get_readyz, "meta", "Whether database, schema and engine are ready", NULL, NULL, "200",
      { { "verbose", "say each part" } } },
    { "GET", "/metrics", V, 0, cf_get_metrics, "meta", "Prometheus text", NULL, NULL, "200" },
    { "GET", "/openapi.json", V, 0, cf_get_openapi, "meta", "This table as OpenAPI 3.1", NULL, NULL, "200" },
    { "GET", "/schemas/plan.json", V, 0, cf_get_plan_schema, "meta", "The plan document as JSON Schema", NULL, NULL, "200" },
    { "GET", "/problems", V, 0, cf_get_problems, "meta", "Every problem code with its status and hint", NULL, NULL, "200" },
    { "GET", "/problems/{slug}", V, 0, cf_get_problem, "meta", "One problem code", NULL, NULL, "200" },
    { .method = NULL },
};
/* clang-format on */

/* What stops or saves a run must not queue behind reads, some of which wait for clusters; nor must
 * the question whether we are ready. */
static enum cf_http_lane lane_of(const struct cf_route *r)
{
    static const char *const saving[] = { "actions", "freeze" };
    if (r->handler == cf_get_livez)
        return CF_HTTP_INLINE;
    for (size_t i = 0; i < CF_ARRAY_LEN(saving); i++)
        if (strcmp(r->tag, saving[i]) == 0)
            return CF_HTTP_ACTION;
    return r->handler == cf_get_readyz ? CF_HTTP_ACTION : CF_HTTP_NORMAL;
}

struct cf_http_route *cf_routes_http(void)
{
    static const char *const body_types[] = { "application/json",   "application/yaml", "text/yaml",
                                              "application/x-yaml", "text/plain",       NULL };
    size_t n = 0;
    while (cf_routes[n].method)
        n++;
    struct cf_http_route *out = cf_xcalloc(n + 1, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const struct cf_route *r = &cf_routes[i];
        out[i] = (struct cf_http_route){
            .method = r->method,
            .path = r->path,
            .handler = r->handler,
            .lane = lane_of(r),
            .consumes = r->request ? body_types : NULL,
            .produces = r->produces   ? r->produces
                        : r->response ? json_types
                                      : NULL,
            .row = r,
        };
    }
    return out;
}

/* The names that a route's query may have, ended by NULL, into `out`. */
static void known_params(const struct cf_route *r, const char *out[CF_ROUTE_PARAMS_MAX + 4])
{
    size_t n = 0;
    for (size_t i = 0; i < CF_ROUTE_PARAMS_MAX && r->params[i].name; i++)
        out[n++] = r->params[i].name;
    if (r->flags & CF_ROUTE_PAGED) {
        out[n++] = "limit";
        out[n++] = "cursor";
    }
    if (r->flags & CF_ROUTE_DRY_RUN)
        out[n++] = "dryRun";
    out[n] = NULL;
}

bool cf_route_check_query(struct cf_http_request *req, struct cf_http_response *res,
                          const struct cf_route *route)
{
    const char *known[CF_ROUTE_PARAMS_MAX + 4];
    const char *name, *value;
    known_params(route, known);
    for (size_t i = 0; cf_http_request_query_at(req, i, &name, &value); i++) {
        bool found = false;
        for (size_t k = 0; known[k]; k++)
            found = found || strcmp(known[k], name) == 0;
        if (found)
            continue;
        const char *near = cf_suggest(name, known);
        cf_autofree char *hint = near ? cf_xasprintf("did you mean \"%s\"?", near) : NULL;
        cf_problem_full(res, "UNKNOWN_PARAMETER", hint, NULL,
                        "The query parameter \"%.64s\" is not known here", name);
        return false;
    }
    return true;
}
