/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the engine's test world: how it begins, what controllers and people do, passes, and
 * what is true. */
#ifndef TESTS_UNIT_ENGINE_LIFE_H
#define TESTS_UNIT_ENGINE_LIFE_H

#include "tests/unit/orchestrator-engine/world.h"

#define PLAN_TEXT                                                                                  \
    "apiVersion: crossfade.dev/v1alpha1\n"                                                         \
    "kind: MigrationPlan\n"                                                                        \
    "metadata: {name: web}\n"                                                                      \
    "spec:\n"                                                                                      \
    "  source: {cluster: dc1, namespace: web}\n"                                                   \
    "  target: {cluster: dc2}\n"                                                                   \
    "  traffic:\n"                                                                                 \
    "    router: {type: virtualService, name: web}\n"                                              \
    "    steps: [5, 50, 100]\n"                                                                    \
    "    hold: 10s\n"

#define AUTO "  commit: auto\n"

static const char *const application[] = {
    "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'web'}}",
    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings','namespace':'web'},'data':"
    "{'a':'1'}}",
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo','namespace':'web'},"
    "'spec':{'selector':{'app':'echo'},'ports':[{'name':'http','port':80,'targetPort':8080}]}}",
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'echo','namespace':'web',"
    "'generation':1},'spec':{'replicas':3,'selector':{'matchLabels':{'app':'echo'}},'template':{"
    "'metadata':{'labels':{'app':'echo'}},'spec':{'containers':[{'name':'echo','image':'echo:1',"
    "'envFrom':[{'configMapRef':{'name':'settings'}}]}]}}},'status':{'observedGeneration':1,"
    "'replicas':3,'updatedReplicas':3,'readyReplicas':3,'availableReplicas':3}}",
    "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler','metadata':{'name':'echo',"
    "'namespace':'web'},'spec':{'minReplicas':1,'maxReplicas':10,'scaleTargetRef':{"
    "'apiVersion':'apps/v1','kind':'Deployment','name':'echo'}},'status':{'currentReplicas':3,"
    "'desiredReplicas':3}}",
    "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':'web',"
    "'namespace':'web'},'spec':{'hosts':['web'],'http':[{'name':'main','route':[{'destination':{"
    "'host':'echo','port':{'number':80}}}]}]}}",
};

static inline json_t *peek(struct cf_fake_kube *f, const char *api_version, const char *kind,
                           const char *name)
{
    return cf_fake_kube_peek(f, api_version, kind, "web", name);
}

static inline json_t *router_now(struct world *w)
{
    return peek(w->dc1, "networking.istio.io/v1", "VirtualService", "web");
}

static inline void put_text(struct cf_fake_kube *f, const char *text)
{
    cf_autojson json_t *object = cf_test_json(text);
    cf_fake_kube_put_json(f, object);
}

/* ---- controllers ---- */

static inline void settle_deployment(struct cf_fake_kube *f)
{
    cf_autojson json_t *d = peek(f, "apps/v1", "Deployment", "echo");
    if (!d)
        return;
    int64_t n = cf_json_int(d, 1, "spec", "replicas", NULL);
    int64_t generation = cf_json_int(d, 1, "metadata", "generation", NULL);
    if (cf_json_int(d, -1, "status", "observedGeneration", NULL) == generation &&
        cf_json_int(d, -1, "status", "replicas", NULL) == n)
        return;
    json_object_set_new(d, "status",
                        json_pack("{s:I,s:I,s:I,s:I,s:I}", "observedGeneration",
                                  (json_int_t)generation, "replicas", (json_int_t)n,
                                  "updatedReplicas", (json_int_t)n, "readyReplicas", (json_int_t)n,
                                  "availableReplicas", (json_int_t)n));
    cf_fake_kube_put_json(f, d);
}

static inline void settle_endpoints(struct cf_fake_kube *f, const char *ip)
{
    cf_autojson json_t *d = peek(f, "apps/v1", "Deployment", "echo");
    cf_autojson json_t *s = peek(f, "v1", "Service", "echo");
    bool ready = d && s && cf_json_int(d, 0, "status", "readyReplicas", NULL) > 0;
    cf_autojson json_t *old = peek(f, "discovery.k8s.io/v1", "EndpointSlice", "echo-1");
    if (!ready) {
        cf_fake_kube_remove(f, "discovery.k8s.io/v1", "EndpointSlice", "web", "echo-1");
        return;
    }
    if (old)
        return;
    cf_autofree char *text = cf_xasprintf(
        "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'echo-1',"
        "'namespace':'web','labels':{'kubernetes.io/service-name':'echo'}},'addressType':'IPv4',"
        "'ports':[{'name':'http','port':8080,'protocol':'TCP'}],'endpoints':[{'addresses':['%s'],"
        "'conditions':{'ready':true}}]}",
        ip);
    put_text(f, text);
}

static inline void controllers(struct world *w)
{
    settle_deployment(w->dc1);
    settle_deployment(w->dc2);
    settle_endpoints(w->dc1, "10.1.0.1");
    settle_endpoints(w->dc2, "10.2.0.1");
    struct cf_error ignored = CF_ERROR_INIT;
    cf_autojson json_t *bridge = peek(w->dc1, "v1", "Service", "echo-crossfade");
    if (w->bridge_made && bridge && !w->dead && !bridge_sync(w, &ignored))
        cf_error_clear(&ignored);
}

/* ---- beginning and end ---- */

static inline void begin_run(struct world *w)
{
    cf_autojson json_t *steps = cf_compile(w->plan);
    cf_autojson json_t *routers = json_array();
    for (size_t i = 0; i < w->plan->traffic.n_routers; i++)
        json_array_append_new(routers,
                              json_pack("{s:s,s:s}", "name", w->plan->traffic.routers[i].name,
                                        "cluster", w->plan->traffic.routers[i].cluster));
    w->row = json_pack("{s:s,s:{s:s},s:{},s:O,s:O}", "state", "active", "hold", "reason", "",
                       "memo", "steps", steps, "routers", routers);
}

static inline struct world *world_new(const char *plan_text)
{
    struct world *w = cf_xcalloc(1, sizeof *w);
    CF_CLEANUP(cf_plan_issues_free) struct cf_plan_issues issues = CF_PLAN_ISSUES_INIT;
    w->dc1 = cf_fake_kube_new();
    w->dc2 = cf_fake_kube_new();
    for (size_t i = 0; i < CF_ARRAY_LEN(application); i++)
        put_text(w->dc1, application[i]);
    put_text(w->dc2, application[0]);
    put_text(w->dc2, "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'kube-system','uid':"
                     "'another-cluster'}}");
    if (!cf_plan_decode(plan_text, strlen(plan_text), CF_PLAN_YAML, &w->plan, NULL, &issues))
        fail_msg("plan: %s", issues.n ? issues.items[0].detail : "?");
    w->events = json_array();
    w->actions = json_array();
    w->answers = json_object();
    w->images = json_object();
    w->documents = json_array();
    w->now = 1000000;
    w->verdict = CF_VERDICT_PASS;
    w->source_known = true;
    w->fence = (struct cf_fence){ .shard = 3,
                                  .owner = "0192f000-0000-7000-8000-00000000bbbb",
                                  .epoch = 7 };
    tie_ports(w);
    begin_run(w);
    controllers(w);
    cf_fake_kube_hook(w->dc1, hook_dc1, w);
    cf_fake_kube_hook(w->dc2, hook_dc2, w);
    return w;
}

static inline void world_free(struct world *w)
{
    cf_fake_kube_free(w->dc1);
    cf_fake_kube_free(w->dc2);
    cf_plan_free(w->plan);
    json_decref(w->row);
    json_decref(w->events);
    json_decref(w->actions);
    json_decref(w->answers);
    json_decref(w->images);
    json_decref(w->copies);
    json_decref(w->documents);
    free(w);
}

/* ---- what is true ---- */

static inline const char *state_of(const struct world *w)
{
    return cf_json_str(w->row, "", "state", NULL);
}

static inline const char *hold_of(const struct world *w)
{
    return cf_json_str(w->row, "", "hold", "reason", NULL);
}

static inline const char *hold_message(const struct world *w)
{
    return cf_json_str(w->row, "", "hold", "message", NULL);
}

/* The run's own sentence. */
static inline const char *message_of(const struct world *w)
{
    return cf_json_str(w->row, "", "message", NULL);
}

static inline int observed_of(const struct world *w)
{
    return (int)cf_json_int(w->row, -1, "observed", NULL);
}

static inline const json_t *step_at(const struct world *w, const char *kind, int nth)
{
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(w->row, "steps", NULL), i, row)
    {
        if (strcmp(cf_json_str(row, "", "kind", NULL), kind) == 0 && nth-- == 0)
            return row;
    }
    return NULL;
}

static inline const char *step_state(const struct world *w, const char *kind, int nth)
{
    return cf_json_str(step_at(w, kind, nth), "planned", "state", NULL);
}

/* The target's weight in the VirtualService; -1: its destination is not there. */
static inline int weight_now(struct world *w)
{
    cf_autojson json_t *vs = router_now(w);
    const json_t *route = cf_json_pointer(vs, "/spec/http/0/route");
    size_t i;
    json_t *entry;
    json_array_foreach(route, i, entry)
    {
        if (strstr(cf_json_str(entry, "", "destination", "host", NULL), "echo-crossfade"))
            return (int)cf_json_int(entry, 0, "weight", NULL);
    }
    return -1;
}

static inline int count_events(const struct world *w, const char *kind)
{
    int n = 0;
    size_t i;
    json_t *event;
    json_array_foreach(w->events, i, event)
    {
        if (strcmp(cf_json_str(event, "", "kind", NULL), kind) == 0)
            n++;
    }
    return n;
}

static inline int replicas(struct cf_fake_kube *f)
{
    cf_autojson json_t *d = peek(f, "apps/v1", "Deployment", "echo");
    return d ? (int)cf_json_int(d, 1, "spec", "replicas", NULL) : -1;
}

static inline int floor_of(struct cf_fake_kube *f)
{
    cf_autojson json_t *hpa = peek(f, "autoscaling/v2", "HorizontalPodAutoscaler", "echo");
    return hpa ? (int)cf_json_int(hpa, 1, "spec", "minReplicas", NULL) : -1;
}

/* The router as before the run: spec, and nothing of ours in its annotations. */
static inline void assert_router_as_before(struct world *w)
{
    cf_autojson json_t *vs = router_now(w);
    cf_autojson json_t *before = cf_test_json(application[CF_ARRAY_LEN(application) - 1]);
    if (!json_equal(json_object_get(vs, "spec"), json_object_get(before, "spec"))) {
        cf_autofree char *text = cf_json_dump(vs);
        fail_msg("the router is not as before: %s", text);
    }
    cf_autofree char *annotations = cf_json_dump(cf_json_at(vs, "metadata", NULL));
    if (strstr(annotations, "crossfade.dev"))
        fail_msg("marks are left: %s", annotations);
}

static inline void dump_run(const struct world *w)
{
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(w->row, "steps", NULL), i, row) print_error(
        "%s: %s (%s)\n", cf_json_str(row, "", "kind", NULL),
        cf_json_str(row, "planned", "state", NULL), cf_json_str(row, "", "message", NULL));
    json_array_foreach(w->events, i, row)
    {
        cf_autofree char *body = cf_json_dump(json_object_get(row, "body"));
        print_error("  %s %.200s\n", cf_json_str(row, "", "kind", NULL), body);
    }
}

/* ---- passes ---- */

static inline struct cf_pass_result world_pass(struct world *w)
{
    struct cf_pass_result result;
    struct cf_error err = CF_ERROR_INIT;
    bool ok = cf_reconcile(&w->ports, &w->fence, RUN_ID, &result, &err);
    if (!ok && err.kind == CF_ERR_BUG)
        fail_msg("a bug: %s", err.message);
    controllers(w);
    w->now += CF_MAX(result.wake_ms, 1);
    return result;
}

static inline bool reached(const struct world *w, const char *until)
{
    return strcmp(state_of(w), until) == 0 || strcmp(hold_of(w), until) == 0;
}

/* Passes until the run's state or hold is `until`; the test fails after `passes` of them. */
static inline void run_until(struct world *w, const char *until, int passes)
{
    for (int i = 0; i < passes; i++) {
        if (reached(w, until))
            return;
        world_pass(w);
    }
    if (reached(w, until))
        return;
    dump_run(w);
    fail_msg("not %s but %s, hold %s: %s", until, state_of(w), hold_of(w), hold_message(w));
}

/* Passes until a step of this kind is in this state. */
static inline void run_until_step(struct world *w, const char *kind, int nth, const char *state)
{
    for (int i = 0; i < 200; i++) {
        if (strcmp(step_state(w, kind, nth), state) == 0)
            return;
        world_pass(w);
    }
    dump_run(w);
    fail_msg("step %s %d is %s, not %s", kind, nth, step_state(w, kind, nth), state);
}

/* A restarted replica: a new epoch. */
static inline void revive(struct world *w)
{
    w->dead = false;
    w->die_at = 0;
    w->fence.epoch++;
}

/* ---- people ---- */

static inline int64_t act_because(struct world *w, const char *action, const char *reason)
{
    static int64_t id;
    id++;
    json_array_append_new(w->actions, json_pack("{s:I,s:s,s:s}", "id", (json_int_t)id, "action",
                                                action, "reason", reason));
    w->rev++;
    return id;
}

static inline int64_t act(struct world *w, const char *action)
{
    return act_because(w, action, "because");
}

static inline const char *answer_to(const struct world *w, int64_t id)
{
    char key[24];
    snprintf(key, sizeof key, "%lld", (long long)id);
    return cf_json_str(w->answers, "", key, NULL);
}

static inline void edit_weights(struct world *w, int source, int target)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = cf_fake_kube_client(w->dc1, "dc1");
    struct cf_object_ref ref = cf_ref("networking.istio.io/v1", "VirtualService", "web", "web");
    struct cf_kube_write how = { .field_manager = "kubectl-edit" };
    cf_autojson json_t *patch = json_pack(
        "[{s:s,s:s,s:i},{s:s,s:s,s:i}]", "op", "add", "path", "/spec/http/0/route/0/weight",
        "value", source, "op", "add", "path", "/spec/http/0/route/1/weight", "value", target);
    assert_ok(cf_kube_json_patch(kube, NULL, &ref, patch, &how, NULL, &err), &err);
}

/* What the kubectl line of a hold does: the object's own `restore` annotation as a JSON Patch. */
static inline void restore_by_hand(struct world *w)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = cf_fake_kube_client(w->dc1, "dc1");
    struct cf_object_ref ref = cf_ref("networking.istio.io/v1", "VirtualService", "web", "web");
    struct cf_kube_write how = { .field_manager = "kubectl-patch" };
    cf_autojson json_t *vs = router_now(w);
    cf_autojson json_t *patch = NULL;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(json_object_get(vs, "metadata"), "annotations"), key, value)
    {
        const char *text = json_string_value(value);
        if (strncmp(key, "crossfade.dev/restore", 21) == 0)
            patch = cf_json_parse(text, strlen(text), 0, &err);
    }
    assert_non_null(patch);
    assert_ok(cf_kube_json_patch(kube, NULL, &ref, patch, &how, NULL, &err), &err);
}

/* Somebody takes our annotations off the router. */
static inline void remove_marks(struct world *w)
{
    cf_autojson json_t *vs = router_now(w);
    json_t *annotations = json_object_get(json_object_get(vs, "metadata"), "annotations");
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(annotations, next, key, value)
    {
        if (strncmp(key, "crossfade.dev/", 14) == 0)
            json_object_del(annotations, key);
    }
    cf_fake_kube_put_json(w->dc1, vs);
}

static inline void deploy(struct world *w, const char *image)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = cf_fake_kube_client(w->dc1, "dc1");
    struct cf_object_ref ref = cf_ref("apps/v1", "Deployment", "web", "echo");
    struct cf_kube_write how = { .field_manager = "deployer" };
    cf_autojson json_t *patch = json_pack("[{s:s,s:s,s:s}]", "op", "replace", "path",
                                          "/spec/template/spec/containers/0/image", "value", image);
    assert_ok(cf_kube_json_patch(kube, NULL, &ref, patch, &how, NULL, &err), &err);
    controllers(w);
}

#endif
