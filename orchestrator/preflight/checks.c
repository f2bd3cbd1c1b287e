/* SPDX-License-Identifier: Apache-2.0 */
/* The table of checks, and how a preflight goes through it (checks.h). */
#include "orchestrator/preflight/checks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/preflight/checks_internal.h"

static const struct cf_check table[] = {
    { "clusters", "/version of every cluster of the plan",
      "each is registered and answers; target no older than source",
      "nothing can be done to a cluster that does not answer", cf_preflight_clusters },
    { "identity", "uid of namespace kube-system",
      "source and target are not the same namespace of the same cluster",
      "a cluster registered under two names would be migrated onto itself", cf_preflight_identity },
    { "tls", "the clusters' records", "certificates are verified",
      "anybody in between could take the credentials", cf_preflight_tls },
    { "clock", "the Date header", "our clock and the API servers' differ by less than two seconds",
      "samples and events are compared by time", cf_preflight_clock },
    { "rights", "SelfSubjectAccessReview per verb", "every verb that the run will use is allowed",
      "a missing right in mid-run is a hold with traffic in between", cf_preflight_rights },
    { "namespaces", "both namespaces",
      "the source's exists; the target's exists or may be created; none is terminating",
      "objects need a place", cf_preflight_namespaces },
    { "routers", "the plan's router objects",
      "found, the route is unambiguous, nobody else steers it", "two writers of one weight fight",
      cf_preflight_routers },
    { "weights", "weights of the route now", "every step is an integer within our share",
      "routers take integers only", cf_preflight_weights },
    { "reach", "the Services behind the destinations",
      "the router's cluster can name a way to the target", "a weight without a way is an outage",
      cf_preflight_reach },
    { "copies", "the source's objects and what they need",
      "the selection matches; what is required exists",
      "a copy that lacks its Secret does not start", cf_preflight_copies },
    { "control-plane", "the federation's API server: kinds, policies, members",
      "it can carry the copies, its members are Ready, nobody else's policy has a hand on them",
      "a control plane moves and deletes by itself", cf_preflight_control_plane,
      .federations_only = true },
    { "dry-run", "server-side dry-run of every copy in the target",
      "admission takes each one; no foreign object is in the way",
      "policies and quotas of the target are not those of the source", cf_preflight_dry_run },
    { "volumes", "Velero, storage and the claims of both clusters",
      "each claim's strategy can be carried out, both ways that the plan wants",
      "what cannot work is found before anything stands still", cf_preflight_volumes,
      .volumes_only = true },
    { "jobs", "Jobs of the source", "no active Job that the plan does not list",
      "it would run twice or be lost", cf_preflight_jobs },
    { "gitops", "labels and annotations of routers and workloads, and the owners that they name",
      "no controller would revert the weights; who keeps the writers of data can be paused",
      "Argo CD and Flux put back what they track", cf_preflight_gitops },
    { "bypass", "other routes to the source's Services",
      "only the plan's routers send traffic to them", "who does not ask the router is not moved",
      cf_preflight_bypass },
    { "gates", "every gate's query, now, against the source",
      "it has data and today's value keeps the promise",
      "a gate that would fail today rolls back a healthy target", cf_preflight_gates },
};

const char *const cf_preflight_levels[] = {
    [CF_LEVEL_BLOCKER] = "blocker", [CF_LEVEL_WARNING] = "warning", [CF_LEVEL_SKIPPED] = "skipped",
    [CF_LEVEL_INFO] = "info",       [CF_LEVEL_OK] = "ok",           NULL,
};

/* ---- what checks use ---- */

static void add_row(struct cf_checking *c, enum cf_level level, const char *cluster,
                    json_t *evidence_take, const char *hint, const char *command,
                    const char *message)
{
    json_t *row = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "id", c->id, "level", cf_preflight_levels[level],
        "message", message, "hint", hint ? hint : "", "command", command ? command : "", "cluster",
        cluster ? cluster : "", "evidence", evidence_take ? evidence_take : json_object());
    json_array_append_new(c->results, row);
}

void cf_found(struct cf_checking *c, enum cf_level level, const char *cluster,
              json_t *evidence_take, const char *hint, const char *command, const char *fmt, ...)
{
    char message[CF_ERROR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    add_row(c, level, cluster, evidence_take, hint, command, message);
}

void cf_skipped(struct cf_checking *c, const char *cluster, const char *fmt, ...)
{
    char why[CF_ERROR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    cf_autofree char *message = cf_xasprintf("not checked: %s", why);
    size_t i;
    json_t *row;
    json_array_foreach(c->results, i, row)
    {
        if (strcmp(cf_json_str(row, "", "id", NULL), c->id) == 0 &&
            strcmp(cf_json_str(row, "", "message", NULL), message) == 0)
            return;
    }
    add_row(c, CF_LEVEL_SKIPPED, cluster, NULL, NULL, NULL, message);
}

bool cf_checking_needs(struct cf_checking *c, const char *cluster)
{
    for (size_t i = 0; i < c->n_clusters; i++)
        if (strcmp(c->clusters[i].name, cluster) == 0 && c->clusters[i].answers)
            return true;
    cf_skipped(c, cluster, "%s does not answer", cluster);
    return false;
}

bool cf_checking_needs_route(struct cf_checking *c, size_t router)
{
    const struct cf_survey_router *r = &c->routers[router];
    const struct cf_plan_router *row = &c->plan->traffic.routers[router];
    if (c->surveyed[router] && r->found && r->view.located)
        return true;
    cf_skipped(c, row->cluster,
               !c->surveyed[router] ? "router %s could not be read"
               : !r->found          ? "router %s is not there"
                                    : "the route of router %s is not clear",
               row->name);
    return false;
}

void cf_checking_each_cluster(struct cf_checking *c,
                              void (*fn)(struct cf_checking *c, const char *cluster))
{
    for (size_t i = 0; i < c->n_clusters; i++)
        fn(c, c->clusters[i].name);
}

struct cf_kube *cf_checking_kube(struct cf_checking *c, const char *cluster)
{
    struct cf_kube *kube = NULL;
    struct cf_error ignored = CF_ERROR_INIT; /* said once, by check `clusters` */
    const struct cf_preflight_world *w = c->request->world;
    return w->kube(w->self, cluster, &kube, &ignored) ? kube : NULL;
}

const struct cf_propagator_ops *cf_checking_propagator(const struct cf_checking *c)
{
    return c->request->propagator ? c->request->propagator : cf_survey_propagator(c->plan);
}

struct cf_propagation cf_checking_propagation(const struct cf_checking *c)
{
    struct cf_propagation p =
        cf_survey_propagation(c->plan, c->source, c->target, c->request->run_id, c->services);
    p.control_plane = c->control_plane;
    p.state = c->state;
    return p;
}

/* ---- the run ---- */

static int count_level(const json_t *results, enum cf_level level)
{
    int n = 0;
    size_t i;
    json_t *row;
    json_array_foreach(results, i, row)
    {
        if (strcmp(cf_json_str(row, "", "level", NULL), cf_preflight_levels[level]) == 0)
            n++;
    }
    return n;
}

/* By level; each in the order of the table. */
static json_t *sorted(const json_t *results)
{
    json_t *out = json_array();
    for (int level = CF_LEVEL_BLOCKER; level <= CF_LEVEL_OK; level++) {
        size_t i;
        json_t *row;
        json_array_foreach(results, i, row)
        {
            if (strcmp(cf_json_str(row, "", "level", NULL), cf_preflight_levels[level]) == 0)
                json_array_append(out, row);
        }
    }
    return out;
}

static void name_cluster(struct cf_checking *c, const char *name)
{
    for (size_t i = 0; i < c->n_clusters; i++)
        if (strcmp(c->clusters[i].name, name) == 0)
            return;
    c->clusters[c->n_clusters++].name = name;
}

static void name_clusters(struct cf_checking *c)
{
    name_cluster(c, c->plan->source_cluster);
    name_cluster(c, c->plan->target_cluster);
    if (c->plan->copy.control_plane)
        name_cluster(c, c->plan->copy.control_plane);
    for (size_t i = 0; i < c->plan->traffic.n_routers; i++)
        name_cluster(c, c->plan->traffic.routers[i].cluster);
}

static void survey_all(struct cf_checking *c)
{
    for (size_t i = 0; i < c->plan->traffic.n_routers; i++) {
        CF_CLEANUP(cf_kube_unref_p)
        struct cf_kube *kube = cf_checking_kube(c, c->plan->traffic.routers[i].cluster);
        struct cf_error err = CF_ERROR_INIT;
        if (!kube)
            continue;
        c->surveyed[i] = cf_survey_router(kube, c->plan, &c->plan->traffic.routers[i],
                                          c->request->run_id, &c->routers[i], &err);
        if (!c->surveyed[i])
            c->routers[i].error = err;
        else
            cf_survey_add_service(c->plan, &c->routers[i], c->services);
    }
}

static json_t *time_now(const struct cf_clock *clock)
{
    char text[CF_TIME_TEXT_MAX];
    return json_string(cf_time_rfc3339(cf_wall_ms(clock), text));
}

bool cf_preflight_run(const struct cf_preflight_request *request, json_t **out_report,
                      struct cf_error *err)
{
    (void)err;
    struct cf_checking *c = cf_xcalloc(1, sizeof *c);
    json_t *started = time_now(request->clock);
    c->request = request;
    c->plan = request->plan;
    c->results = json_array();
    c->services = json_array();
    c->state = json_object();
    c->source = cf_checking_kube(c, c->plan->source_cluster);
    c->target = cf_checking_kube(c, c->plan->target_cluster);
    if (c->plan->copy.control_plane)
        c->control_plane = cf_checking_kube(c, c->plan->copy.control_plane);
    name_clusters(c);
    survey_all(c);
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        size_t before = json_array_size(c->results);
        if (table[i].volumes_only && !c->plan->volumes.moves)
            continue;
        if (table[i].federations_only && !c->plan->copy.control_plane)
            continue;
        c->id = table[i].id;
        table[i].run(c);
        if (json_array_size(c->results) == before)
            cf_found(c, CF_LEVEL_OK, NULL, NULL, NULL, NULL, "%s", table[i].rule);
    }
    *out_report = json_pack("{s:i,s:i,s:i,s:i,s:o,s:o,s:o}", "blockers",
                            count_level(c->results, CF_LEVEL_BLOCKER), "warnings",
                            count_level(c->results, CF_LEVEL_WARNING), "skipped",
                            count_level(c->results, CF_LEVEL_SKIPPED), "infos",
                            count_level(c->results, CF_LEVEL_INFO), "startedAt", started,
                            "finishedAt", time_now(request->clock), "results", sorted(c->results));
    if (c->tried && count_level(c->results, CF_LEVEL_BLOCKER) == 0)
        json_object_set_new(*out_report, "tried",
                            json_string(cf_json_str(c->inventory, "", "digest", NULL)));
    for (size_t i = 0; i < CF_PLAN_ROUTERS_MAX; i++)
        cf_survey_router_free(&c->routers[i]);
    json_decref(c->results);
    json_decref(c->services);
    json_decref(c->state);
    json_decref(c->inventory);
    cf_kube_unref(c->source);
    cf_kube_unref(c->target);
    cf_kube_unref(c->control_plane);
    free(c);
    return true;
}

json_t *cf_preflight_table(void)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++)
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s}", "id", table[i].id, "reads",
                                              table[i].reads, "rule", table[i].rule, "why",
                                              table[i].why));
    return rows;
}
