/* SPDX-License-Identifier: Apache-2.0 */
/* Proves every check of the preflight: a plan in order has no blocker, and each thing that stands
 * in the way is found, at the right level, by the right check, with words that name it. */
#include "orchestrator/preflight/checks.h"
#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

#define HEAD                                                                                       \
    "apiVersion: crossfade.dev/v1alpha1\nkind: MigrationPlan\nmetadata: {name: web}\nspec:\n"      \
    "  source: {cluster: dc1, namespace: web}\n  target: {cluster: dc2}\n"
#define ROUTER                                                                                     \
    "  traffic:\n    router: {type: virtualService, name: web}\n    steps: [5, 100]\n    hold: "   \
    "1m\n"
#define TO(HOST)                                                                                    \
    "  traffic:\n    router: {type: virtualService, name: web, destinations: {target: {host: " HOST \
    "}}}\n    steps: [5, 100]\n    hold: 1m\n"
#define GATES "  gates:\n    - successRate: \">= 99.5%\"\n"

static const char *const source_objects[] = {
    "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'web'}}",
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo','namespace':'web'},"
    "'spec':{'selector':{'app':'echo'},'ports':[{'name':'http','port':80,'targetPort':8080}]}}",
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'echo','namespace':'web'},"
    "'spec':{'replicas':3,'selector':{'matchLabels':{'app':'echo'}},'template':{'metadata':{"
    "'labels':{'app':'echo'}},'spec':{'containers':[{'name':'echo','image':'echo:1'}]}}},"
    "'status':{'replicas':3,'readyReplicas':3}}",
    "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'web',"
    "'namespace':'web'},'spec':{'hosts':['web'],'http':[{'name':'main','route':[{'destination':{"
    "'host':'echo','port':{'number':80}}}]}]}}",
};

struct rig {
    struct cf_fake_kube *dc1, *dc2, *hub;
    bool insecure, insecure_metrics, no_source, source_down;
    double total, bad;
    /* a source that gives the present value only, after an outage long ago */
    bool present_only;
    bool no_series;
    int reads;
    int64_t slept_ms;
    int asked_port; /* of the last stream */
    const char *preset, *missing;
};

static void sleep_ms(void *self, int64_t ms)
{
    ((struct rig *)self)->slept_ms += ms;
}
static int64_t wall_ms(void *self)
{
    (void)self;
    return cf_wall_ms(&cf_clock_real);
}

/* ---- what the checks ask ---- */

static bool give_kube(void *self, const char *cluster, struct cf_kube **out, struct cf_error *err)
{
    struct rig *r = self;
    struct cf_fake_kube *fake = strcmp(cluster, "dc1") == 0   ? r->dc1
                                : strcmp(cluster, "dc2") == 0 ? r->dc2
                                : strcmp(cluster, "hub") == 0 ? r->hub
                                                              : NULL;
    if (!fake)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "cluster %s is not registered", cluster);
    *out = cf_fake_kube_client(fake, cluster);
    return true;
}

static bool give_record(void *self, const char *cluster, json_t **out, struct cf_error *err)
{
    (void)cluster;
    (void)err;
    const struct rig *r = self;
    *out = json_pack("{s:b,s:[{s:b}]}", "insecure", r->insecure, "metrics", "insecure",
                     r->insecure_metrics);
    return true;
}

static bool read_source(void *self, const struct cf_stream *streams, size_t count,
                        int64_t deadline_mono_ms, struct cf_reading **out, struct cf_error *err)
{
    struct rig *r = self;
    (void)deadline_mono_ms;
    r->asked_port = streams->backend.port;
    if (r->source_down)
        return cf_error_set(err, CF_ERR_UNAVAILABLE, "connection refused");
    *out = cf_xcalloc(count, sizeof **out);
    for (size_t i = 0; i < count; i++) {
        (*out)[i].ok = true;
        if (r->missing)
            (void)snprintf((*out)[i].missing_why, sizeof(*out)[i].missing_why, "%s", r->missing);
        if (r->no_series)
            continue;
        (*out)[i].count = r->present_only ? 1 : 2;
        (*out)[i].points = cf_xcalloc(2, sizeof(struct cf_point));
        (*out)[i].points[0] =
            (struct cf_point){ .series = 1, .at_ms = 1, .total = 5000, .bad = 4000 };
        (*out)[i].points[1] = (struct cf_point){
            .series = 1, .at_ms = 2, .total = 5000 + r->total, .bad = 4000 + r->bad
        };
        if (r->present_only)
            (*out)[i].points[0] = (struct cf_point){ .series = 1,
                                                     .at_ms = 1 + r->reads,
                                                     .total = 15137 + r->reads * r->total,
                                                     .bad = 1900 + r->reads * r->bad };
        r->reads++;
    }
    return true;
}

static void destroy_source(void *self)
{
    (void)self;
}

static bool give_source(void *self, const char *cluster, struct cf_source **out,
                        const char **out_preset, struct cf_error *err)
{
    static const struct cf_source_ops ops = { "test", read_source, destroy_source };
    if (((struct rig *)self)->no_source)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "cluster %s has no metrics source", cluster);
    *out = cf_xcalloc(1, sizeof **out);
    **out = (struct cf_source){ .ops = &ops, .self = self };
    *out_preset = ((struct rig *)self)->preset;
    return true;
}

/* ---- the world ---- */

static void put(struct cf_fake_kube *f, const char *text)
{
    cf_autojson json_t *o = cf_test_json(text);
    cf_fake_kube_put_json(f, o);
}

static void open_rig(struct rig *r)
{
    *r = (struct rig){
        .dc1 = cf_fake_kube_new(), .dc2 = cf_fake_kube_new(), .total = 1000, .preset = "istio"
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(source_objects); i++)
        put(r->dc1, source_objects[i]);
    put(r->dc2, source_objects[0]);
    put(r->dc2,
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'kube-system','uid':'another'}}");
}

static json_t *preflight(struct rig *r, const char *plan_text)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_plan_issues_free) struct cf_plan_issues issues = CF_PLAN_ISSUES_INIT;
    struct cf_clock clock = { .wall_ms = wall_ms, .sleep_ms = sleep_ms, .self = r };
    struct cf_preflight_world world = { give_kube, give_record, give_source, r };
    struct cf_plan *plan = NULL;
    json_t *report = NULL;
    if (!cf_plan_decode(plan_text, strlen(plan_text), CF_PLAN_YAML, &plan, NULL, &issues))
        fail_msg("plan: %s %s", issues.items[0].pointer, issues.items[0].detail);
    struct cf_preflight_request request = {
        .plan = plan, .run_id = "", .world = &world, .clock = &clock
    };
    assert_ok(cf_preflight_run(&request, &report, &err), &err);
    cf_plan_free(plan);
    return report;
}

static bool has(const json_t *report, const char *id, const char *level, const char *text)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(report, "results"), i, row)
    {
        if (strcmp(cf_json_str(row, "", "id", NULL), id) == 0 &&
            strcmp(cf_json_str(row, "", "level", NULL), level) == 0 &&
            strstr(cf_json_str(row, "", "message", NULL), text))
            return true;
    }
    return false;
}

/* ---- the cases ---- */

static void none(struct rig *r)
{
    (void)r;
}
static void no_router(struct rig *r)
{
    cf_fake_kube_remove(r->dc1, "networking.istio.io/v1", "VirtualService", "web", "web");
}
static void same_cluster(struct rig *r)
{
    put(r->dc2, "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'kube-system',"
                "'uid':'00000000-0000-4000-8000-000000000001'}}");
}
static void insecure(struct rig *r)
{
    r->insecure = true;
}
static void insecure_metrics(struct rig *r)
{
    r->insecure_metrics = true;
}
static void denied(struct rig *r)
{
    cf_fake_kube_deny(r->dc2, "create apps/deployments");
}
static void router_denied(struct rig *r)
{
    cf_fake_kube_deny(r->dc1, "patch networking.istio.io/virtualservices");
}
static void slices_denied(struct rig *r)
{
    cf_fake_kube_deny(r->dc2, "create discovery.k8s.io/endpointslices");
}
static void other_router_denied(struct rig *r)
{
    cf_fake_kube_deny(r->dc1, "patch gateway.networking.k8s.io/httproutes");
}
static void no_target_namespace(struct rig *r)
{
    cf_fake_kube_remove(r->dc2, "v1", "Namespace", "", "web");
}
static void ending_namespace(struct rig *r)
{
    put(r->dc2, "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'web'},'status':{'phase':"
                "'Terminating'}}");
}
static void foreign_object(struct rig *r)
{
    put(r->dc2, "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'echo',"
                "'namespace':'web'},'spec':{'replicas':9}}");
}
static void running_job(struct rig *r)
{
    put(r->dc1,
        "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'import','namespace':'web'},"
        "'status':{'active':1}}");
}
static void argo(struct rig *r)
{
    put(r->dc1, "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{"
                "'name':'web','namespace':'web','annotations':{"
                "'argocd.argoproj.io/tracking-id':'x'}},'spec':{'hosts':['web'],'http':[{"
                "'name':'main','route':[{'destination':{'host':'echo','port':{'number':80}}}]}]}}");
}
static void another_route(struct rig *r)
{
    put(r->dc1,
        "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'old-entry',"
        "'namespace':'web'},'spec':{'rules':[{'http':{'paths':[{'path':'/','pathType':'Prefix',"
        "'backend':{'service':{'name':'echo','port':{'number':80}}}}]}}]}}");
}
static void no_source(struct rig *r)
{
    r->no_source = true;
}
static void source_down(struct rig *r)
{
    r->source_down = true;
}
static void failing_today(struct rig *r)
{
    r->bad = 20;
}
static void failing_by_chance(struct rig *r)
{
    r->bad = 9;
}
static void old_outage(struct rig *r)
{
    r->present_only = true;
}
static void idle_after_old_outage(struct rig *r)
{
    r->present_only = true;
    r->total = 0;
}
static void failing_between_readings(struct rig *r)
{
    r->present_only = true;
    r->bad = 400;
}
static void gateway_missing(struct rig *r)
{
    r->missing = "1 of 2 places: metrics at http://10.0.0.9:15020: refused";
}
static void route_without_port(struct rig *r)
{
    put(r->dc1, "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{"
                "'name':'web','namespace':'web'},'spec':{'hosts':['web'],'http':[{'name':'main',"
                "'route':[{'destination':{'host':'echo'}}]}]}}");
}
static void route_without_port_to_two(struct rig *r)
{
    route_without_port(r);
    r->no_series = true;
    put(r->dc1, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo','namespace':'web'},"
                "'spec':{'selector':{'app':'echo'},'ports':[{'name':'http','port':80},"
                "{'name':'admin','port':81}]}}");
}
static void no_traffic(struct rig *r)
{
    r->total = 0;
}
static void no_workload(struct rig *r)
{
    cf_fake_kube_remove(r->dc1, "apps/v1", "Deployment", "web", "echo");
}
static void api_down(struct rig *r)
{
    struct cf_fake_fault fault = { .times = 1000, .kind = CF_ERR_UNAVAILABLE };
    cf_fake_kube_fail(r->dc2, &fault);
}

static void source_away(struct rig *r)
{
    struct cf_fake_fault fault = { .times = 1000, .kind = CF_ERR_UNAVAILABLE };
    cf_fake_kube_fail(r->dc1, &fault);
}
static void no_reviews(struct rig *r)
{
    struct cf_fake_fault fault = { .path_part = "selfsubjectaccessreviews",
                                   .times = 1000,
                                   .kind = CF_ERR_UNAVAILABLE };
    cf_fake_kube_fail(r->dc2, &fault);
}
static void no_probe_right(struct rig *r)
{
    cf_fake_kube_deny(r->dc1, "get /services/proxy");
}

static void other_service(struct rig *r)
{
    put(r->dc1, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo-dc2','namespace':"
                "'web'},'spec':{'ports':[{'port':80}]}}");
}
static void other_service_ready(struct rig *r)
{
    other_service(r);
    put(r->dc1, "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':"
                "'echo-dc2-1','namespace':'web','labels':{'kubernetes.io/service-name':"
                "'echo-dc2'}},'addressType':'IPv4','endpoints':[{'addresses':['10.9.0.1']},{"
                "'addresses':['10.9.0.2'],'conditions':{'ready':false}}],'ports':[{'port':80}]}");
}
static void outside_name(struct rig *r)
{
    put(r->dc1, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo-dc2','namespace':"
                "'web'},'spec':{'type':'ExternalName','externalName':'echo.dc2.example.org'}}");
}

static const struct {
    const char *name;
    void (*change)(struct rig *r);
    const char *plan;
    const char *id, *level, *text;
} cases[] = {
    { "in order: version", none, HEAD ROUTER GATES, "clusters", "info", "dc1 answers" },
    { "in order: weights", none, HEAD ROUTER GATES, "routers", "info", "source has weight" },
    { "in order: bridge", none, HEAD ROUTER GATES, "reach", "info", "echo-crossfade" },
    { "in order: gate", none, HEAD ROUTER GATES, "gates", "info",
      "100.000 % of 1000 requests today" },
    { "in order: copies", none, HEAD ROUTER GATES, "copies", "info", "objects will be copied" },
    { "in order: callers", none, HEAD ROUTER GATES, "bypass", "info", "bypasses router" },
    { "unknown cluster", none,
      "apiVersion: crossfade.dev/v1alpha1\nkind: MigrationPlan\nmetadata: {name: web}\nspec:\n"
      "  source: {cluster: dc1, namespace: web}\n  target: {cluster: dc9}\n" ROUTER GATES,
      "clusters", "blocker", "dc9 is not registered" },
    { "target away", api_down, HEAD ROUTER GATES, "clusters", "blocker", "cluster dc2" },
    { "target away: identity", api_down, HEAD ROUTER GATES, "identity", "skipped",
      "dc2 does not answer" },
    { "target away: clock", api_down, HEAD ROUTER GATES, "clock", "skipped",
      "dc2 does not answer" },
    { "target away: rights", api_down, HEAD ROUTER GATES, "rights", "skipped",
      "dc2 does not answer" },
    { "target away: namespaces", api_down, HEAD ROUTER GATES, "namespaces", "skipped",
      "dc2 does not answer" },
    { "target away: dry-run", api_down, HEAD ROUTER GATES, "dry-run", "skipped",
      "dc2 does not answer" },
    { "source away: routers", source_away, HEAD ROUTER GATES, "routers", "blocker",
      "could not be read" },
    { "source away: weights", source_away, HEAD ROUTER GATES, "weights", "skipped", "router" },
    { "source away: reach", source_away, HEAD ROUTER GATES, "reach", "skipped", "router" },
    { "source away: gitops", source_away, HEAD ROUTER GATES, "gitops", "skipped", "router" },
    { "source away: bypass", source_away, HEAD ROUTER GATES, "bypass", "skipped", "router" },
    { "source away: gates", source_away, HEAD ROUTER GATES, "gates", "skipped", "router" },
    { "source away: copies", source_away, HEAD ROUTER GATES, "copies", "skipped",
      "dc1 does not answer" },
    { "source away: jobs", source_away, HEAD ROUTER GATES, "jobs", "skipped",
      "dc1 does not answer" },
    { "rights not answered", no_reviews, HEAD ROUTER GATES, "rights", "skipped",
      "the rights in namespace web of dc2" },
    { "no right to probe", no_probe_right, HEAD ROUTER GATES, "rights", "warning",
      "services/proxy" },
    { "target namespace comes", no_target_namespace, HEAD ROUTER GATES, "dry-run", "skipped",
      "is not there yet" },
    { "existing: no such Service", none, HEAD TO("echo-dc2") GATES, "reach", "blocker",
      "Service web/echo-dc2, its target destination, does not exist on dc1" },
    { "existing: nobody is ready", other_service, HEAD TO("echo-dc2") GATES, "reach", "blocker",
      "has no ready endpoint" },
    { "existing: ready", other_service_ready, HEAD TO("echo-dc2") GATES, "reach", "info",
      "by Service web/echo-dc2 with 1 ready endpoints" },
    { "existing: another name", outside_name, HEAD TO("echo-dc2") GATES, "reach", "info",
      "another name for echo.dc2.example.org" },
    { "existing: a host outside", none, HEAD TO("echo.dc2.example.org") GATES, "reach", "info",
      "is no Service of dc1" },
    { "no router", no_router, HEAD ROUTER GATES, "routers", "blocker", "is not there" },
    { "same cluster", same_cluster, HEAD ROUTER GATES, "identity", "blocker", "same cluster" },
    { "insecure", insecure, HEAD ROUTER GATES, "tls", "warning", "NOT VERIFIED" },
    { "insecure metrics", insecure_metrics, HEAD ROUTER GATES, "tls", "warning",
      "METRICS OF CLUSTER dc1 IS NOT VERIFIED" },
    { "target right", denied, HEAD ROUTER GATES, "rights", "blocker", "create deployments" },
    { "right to copy what is not there", slices_denied, HEAD ROUTER GATES, "rights", "ok", "" },
    { "right to bridge by name", slices_denied,
      HEAD ROUTER "    writers: {mode: single, switch: weight=100}\n"
                  "  volumes: {default: {strategy: veleroSnapshot}}\n" GATES,
      "rights", "blocker", "create endpointslices" },
    { "router right", router_denied, HEAD ROUTER GATES, "rights", "blocker",
      "patch virtualservices" },
    { "right of another router type", other_router_denied, HEAD ROUTER GATES, "rights", "ok", "" },
    { "no namespace", no_target_namespace,
      "apiVersion: crossfade.dev/v1alpha1\nkind: MigrationPlan\nmetadata: {name: web}\nspec:\n"
      "  source: {cluster: dc1, namespace: web}\n  target: {cluster: dc2, createNamespace: "
      "false}\n" ROUTER GATES,
      "namespaces", "blocker", "does not exist on dc2" },
    { "ending namespace", ending_namespace, HEAD ROUTER GATES, "namespaces", "blocker",
      "being deleted" },
    { "foreign object", foreign_object, HEAD ROUTER GATES, "dry-run", "blocker", "Deployment" },
    { "running job", running_job, HEAD ROUTER GATES, "jobs", "blocker", "import" },
    { "tracked by Argo CD", argo, HEAD ROUTER GATES, "gitops", "warning", "Argo CD" },
    { "another route", another_route, HEAD ROUTER GATES, "bypass", "warning", "old-entry" },
    { "no metrics source", no_source, HEAD ROUTER GATES, "gates", "blocker", "no metrics source" },
    { "metrics down", source_down, HEAD ROUTER GATES, "gates", "blocker", "connection refused" },
    { "would fail today", failing_today, HEAD ROUTER GATES, "gates", "blocker",
      "would fail today: 98.000 % < 99.5%" },
    { "a few too many", failing_by_chance, HEAD ROUTER GATES, "gates", "warning",
      "would fail today: 99.100 % < 99.5%" },
    { "an outage long ago", old_outage, HEAD ROUTER GATES, "gates", "info",
      "100.000 % of 1000 requests today" },
    { "an outage long ago, idle now", idle_after_old_outage, HEAD ROUTER GATES, "gates", "warning",
      "no request to the source is seen in the metrics of dc1 in 1s" },
    { "an outage now", failing_between_readings, HEAD ROUTER GATES, "gates", "blocker",
      "would fail today: 60.000 %" },
    { "a gateway is missing", gateway_missing, HEAD ROUTER GATES, "gates", "warning",
      "does not see all of dc1: 1 of 2 places" },
    { "a port that nothing tells", route_without_port_to_two, HEAD ROUTER GATES, "gates", "blocker",
      "the port of destination echo.web.svc.cluster.local is not known" },
    { "no traffic", no_traffic, HEAD ROUTER GATES, "gates", "warning", "no request to the source" },
    { "no gates", none, HEAD ROUTER, "gates", "warning", "no gates" },
    { "nothing to copy", no_workload, HEAD ROUTER GATES, "copies", "blocker", "cannot be read" },
};

static void every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct rig r;
        open_rig(&r);
        cases[i].change(&r);
        cf_autojson json_t *report = preflight(&r, cases[i].plan);
        if (!has(report, cases[i].id, cases[i].level, cases[i].text)) {
            cf_autofree char *text = cf_json_dump_pretty(json_object_get(report, "results"));
            fail_msg("%s: no %s of %s with \"%s\" in %s", cases[i].name, cases[i].level,
                     cases[i].id, cases[i].text, text);
        }
        cf_fake_kube_free(r.dc1);
        cf_fake_kube_free(r.dc2);
    }
}

static void a_plan_in_order_has_no_blocker_and_nothing_is_written(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    size_t before = cf_fake_kube_count(r.dc1) + cf_fake_kube_count(r.dc2);
    cf_autojson json_t *report = preflight(&r, HEAD ROUTER GATES);
    if (cf_json_int(report, -1, "blockers", NULL) != 0) {
        cf_autofree char *text = cf_json_dump_pretty(json_object_get(report, "results"));
        fail_msg("%s", text);
    }
    assert_int_equal(cf_fake_kube_count(r.dc1) + cf_fake_kube_count(r.dc2), before);
    cf_autojson json_t *table = cf_preflight_table();
    assert_int_equal(json_array_size(table), 17);
    cf_fake_kube_free(r.dc1);
    cf_fake_kube_free(r.dc2);
}

static void counters_are_read_twice_some_seconds_apart(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    old_outage(&r);
    cf_autojson json_t *report = preflight(
        &r, HEAD ROUTER GATES "    - {name: slow, type: latency, max: 250ms, min: 99%}\n");
    assert_int_equal(r.reads, 4);
    assert_true(r.slept_ms >= 1000 && r.slept_ms <= 3000); /* once for both gates */
    assert_int_equal(cf_json_int(report, -1, "blockers", NULL), 0);
    cf_fake_kube_free(r.dc1);
    cf_fake_kube_free(r.dc2);
}

static void a_route_without_a_port_means_its_services_only_one(void **state)
{
    (void)state;
    struct rig r;
    open_rig(&r);
    route_without_port(&r);
    cf_autojson json_t *report = preflight(&r, HEAD ROUTER GATES);
    assert_int_equal(r.asked_port, 80);
    assert_int_equal(cf_json_int(report, -1, "blockers", NULL), 0);
    cf_fake_kube_free(r.dc1);
    cf_fake_kube_free(r.dc2);
}

/* `ok` is said of what was made and found nothing; a cluster that is away is no cluster without
 * rights. */
static void what_was_not_checked_is_never_ok(void **state)
{
    (void)state;
    static const char *const of_both[] = { "clusters", "identity", "clock", "rights",
                                           "namespaces" };
    struct rig r;
    open_rig(&r);
    api_down(&r);
    source_away(&r);
    cf_autojson json_t *report = preflight(&r, HEAD ROUTER GATES);
    for (size_t i = 0; i < CF_ARRAY_LEN(of_both); i++)
        assert_false(has(report, of_both[i], "ok", ""));
    cf_autojson json_t *table = cf_preflight_table();
    size_t i;
    json_t *row;
    json_array_foreach(table, i, row)
    {
        const char *id = cf_json_str(row, "", "id", NULL);
        if (strcmp(id, "tls") != 0 && has(report, id, "ok", ""))
            fail_msg("%s says ok with both clusters away", id);
    }
    assert_false(has(report, "rights", "blocker", ""));
    assert_true(cf_json_int(report, 0, "skipped", NULL) >= 10);
    cf_fake_kube_free(r.dc1);
    cf_fake_kube_free(r.dc2);
}

/* Each command that a finding gives is one that the command line takes. */
static void a_right_that_is_missing_comes_with_the_command_that_prints_it(void **state)
{
    (void)state;
    struct rig r;
    const char *command = "";
    size_t i;
    json_t *row;
    open_rig(&r);
    r.hub = cf_fake_kube_new();
    cf_fake_kube_deny(r.hub, "patch work.karmada.io/works");
    cf_autojson json_t *report =
        preflight(&r, HEAD ROUTER GATES "  copy: {method: karmada, controlPlane: hub}\n");
    json_array_foreach(json_object_get(report, "results"), i, row)
    {
        if (strcmp(cf_json_str(row, "", "id", NULL), "rights") == 0 &&
            strcmp(cf_json_str(row, "", "cluster", NULL), "hub") == 0)
            command = cf_json_str(row, "", "command", NULL);
    }
    assert_string_equal(command, "crossfade cluster rbac --method karmada --namespace web");
    cf_fake_kube_free(r.hub);
    cf_fake_kube_free(r.dc1);
    cf_fake_kube_free(r.dc2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_in_order_has_no_blocker_and_nothing_is_written),
        cmocka_unit_test(every_case),
        cmocka_unit_test(counters_are_read_twice_some_seconds_apart),
        cmocka_unit_test(a_route_without_a_port_means_its_services_only_one),
        cmocka_unit_test(what_was_not_checked_is_never_ok),
        cmocka_unit_test(a_right_that_is_missing_comes_with_the_command_that_prints_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
