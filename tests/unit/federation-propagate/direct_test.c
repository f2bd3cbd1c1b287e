/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the direct method against an API server in memory: what is copied, in which order, what stops it, that it can be killed
 * anywhere and repeated, and that undoing takes back exactly what was done. */
#include "tests/support/test.h"

#include "federation/objects/kinds.h"
#include "federation/propagate/propagator.h"
#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"

static const char *const source_objects[] = {
    "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'web','labels':{'team':'a','kubernetes.io/metadata.name':'web'}},"
    "'spec':{'finalizers':['kubernetes']}}",
    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings','namespace':'web'},'data':{'a':'1'}}",
    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'unrelated','namespace':'web'},'data':{'a':'1'}}",
    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'kube-root-ca.crt','namespace':'web'},'data':{'ca':'x'}}",
    "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'password','namespace':'web'},'data':{'p':'c2VjcmV0'}}",
    "{'apiVersion':'v1','kind':'ServiceAccount','metadata':{'name':'echo','namespace':'web'}}",
    "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'Role','metadata':{'name':'reader','namespace':'web'},'rules':[]}",
    "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'RoleBinding','metadata':{'name':'echo-reads','namespace':'web'},"
    "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'Role','name':'reader'},"
    "'subjects':[{'kind':'ServiceAccount','name':'echo','namespace':'web'}]}",
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo','namespace':'web'},"
    "'spec':{'clusterIP':'10.0.0.5','selector':{'app':'echo'},'ports':[{'port':80,'nodePort':30080}]}}",
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'echo','namespace':'web',"
    "'annotations':{'deployment.kubernetes.io/revision':'3'}},'spec':{'replicas':3,'selector':{'matchLabels':{'app':'echo'}},"
    "'template':{'metadata':{'labels':{'app':'echo'}},'spec':{'serviceAccountName':'echo','containers':[{'name':'echo',"
    "'image':'registry.dc1/echo:1','envFrom':[{'configMapRef':{'name':'settings'}},{'secretRef':{'name':'password'}}]}]}}},"
    "'status':{'replicas':3,'readyReplicas':3}}",
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'other','namespace':'web'},'spec':{'replicas':1,"
    "'selector':{'matchLabels':{'app':'other'}},'template':{'metadata':{'labels':{'app':'other'}},'spec':{'containers':[]}}}}",
    "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'echo','namespace':'web'},"
    "'spec':{'minAvailable':1,'selector':{'matchLabels':{'app':'echo'}}}}",
    "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler','metadata':{'name':'echo','namespace':'web'},"
    "'spec':{'minReplicas':1,'maxReplicas':10,'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment','name':'echo'}}}",
};

struct rig {
    struct cf_fake_kube *source_api, *target_api;
    struct cf_propagation p;
    json_t *workloads, *services, *inventory, *ledger;
    json_t *images; /* before-images by key */
};

static bool image_put(void *self, const char *key, const json_t *object, struct cf_error *err)
{
    (void)err;
    json_t *images = self;
    if (!json_object_get(images, key))
        json_object_set_new(images, key, cf_json_copy(object));
    return true;
}

static bool image_get(void *self, const char *key, json_t **out, struct cf_error *err)
{
    (void)err;
    *out = json_incref(json_object_get((json_t *)self, key));
    return true;
}

static void put(struct cf_fake_kube *f, const char *text)
{
    cf_autojson json_t *o = cf_test_json(text);
    cf_fake_kube_put_json(f, o);
}

static void set_workloads(struct rig *r, const char *text)
{
    json_decref(r->workloads);
    r->workloads = cf_test_json(text);
    r->p.workloads = r->workloads;
}

static void take_inventory(struct rig *r)
{
    struct cf_error err = CF_ERROR_INIT;
    json_decref(r->inventory);
    r->inventory = NULL;
    assert_ok(cf_propagator_direct.inventory(&r->p, &r->inventory, &err), &err);
}

static int setup(void **state)
{
    struct rig *r = cf_xcalloc(1, sizeof *r);
    r->source_api = cf_fake_kube_new();
    r->target_api = cf_fake_kube_new();
    for (size_t i = 0; i < CF_ARRAY_LEN(source_objects); i++)
        put(r->source_api, source_objects[i]);
    r->services = cf_test_json("['echo']");
    r->ledger = json_array();
    r->images = json_object();
    r->p = (struct cf_propagation){
        .source = cf_fake_kube_client(r->source_api, "dc1"),
        .target = cf_fake_kube_client(r->target_api, "dc2"),
        .source_namespace = "web",
        .target_namespace = "shop",
        .create_namespace = true,
        .run_id = "run-1",
        .plan_name = "p",
        .services = r->services,
        .before = { image_put, image_get, r->images },
    };
    set_workloads(
        r,
        "{'include':[],'exclude':[],'onConflict':'fail','start':'auto','transforms':[],'replicas':{'min':1}}");
    take_inventory(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    cf_kube_unref(r->p.source);
    cf_kube_unref(r->p.target);
    cf_fake_kube_free(r->source_api);
    cf_fake_kube_free(r->target_api);
    json_decref(r->workloads);
    json_decref(r->services);
    json_decref(r->inventory);
    json_decref(r->ledger);
    json_decref(r->images);
    free(r);
    return 0;
}

static void apply_all(struct rig *r)
{
    struct cf_copying copying = { 0 };
    for (int i = 0; i < 50 && !copying.done; i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_ok(cf_propagator_direct.apply(&r->p, r->inventory, &r->ledger, 3, &copying, &err),
                  &err);
    }
    assert_true(copying.done);
}

static void undo_all(struct rig *r, const char *want_left)
{
    struct cf_copying copying = { 0 };
    CF_CLEANUP(cf_buf_free) struct cf_buf said = CF_BUF_INIT(4096);
    for (int i = 0; i < 50 && !copying.done; i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *left = NULL;
        assert_ok(cf_propagator_direct.undo(&r->p, &r->ledger, 3, &copying, &left, &err), &err);
        size_t n;
        json_t *line;
        json_array_foreach(left, n, line)
        {
            cf_buf_printf(&said, "%s\n", json_string_value(line));
        }
    }
    assert_true(copying.done);
    if (!strstr(cf_buf_str(&said), want_left) || (!*want_left && said.len))
        fail_msg("left: %s", cf_buf_str(&said));
}

static json_t *target(struct rig *r, const char *api, const char *kind, const char *name)
{
    return cf_fake_kube_peek(r->target_api, api, kind, "shop", name);
}

static void copies_the_closure_and_nothing_else(void **state)
{
    struct rig *r = *state;
    static const char *const keys[] = {
        "core/Namespace//shop",
        "core/ServiceAccount/shop/echo",
        "rbac.authorization.k8s.io/Role/shop/reader",
        "rbac.authorization.k8s.io/RoleBinding/shop/echo-reads",
        "core/Secret/shop/password",
        "core/ConfigMap/shop/settings",
        "core/Service/shop/echo",
        "apps/Deployment/shop/echo",
        "policy/PodDisruptionBudget/shop/echo",
        "autoscaling/HorizontalPodAutoscaler/shop/echo",
    };
    const json_t *objects = json_object_get(r->inventory, "objects");
    for (size_t i = 0; i < CF_ARRAY_LEN(keys); i++)
        assert_string_equal(cf_json_str(json_array_get(objects, i), "", "key", NULL), keys[i]);
    assert_int_equal(json_array_size(objects), CF_ARRAY_LEN(keys));
}

static void copies_are_clean_and_carry_our_label(void **state)
{
    struct rig *r = *state;
    apply_all(r);
    cf_autojson json_t *service = target(r, "v1", "Service", "echo");
    assert_null(cf_json_at(service, "spec", "clusterIP", NULL));
    assert_null(cf_json_at(json_array_get(cf_json_at(service, "spec", "ports", NULL), 0),
                           "nodePort", NULL));
    assert_string_equal(cf_json_str(service, "", "metadata", "labels", "crossfade.dev/run", NULL),
                        "run-1");
    cf_autojson json_t *deployment = target(r, "apps/v1", "Deployment", "echo");
    assert_null(cf_json_at(deployment, "metadata", "annotations",
                           "deployment.kubernetes.io/revision", NULL));
    assert_int_equal(cf_json_int(deployment, 0, "spec", "replicas", NULL), 3);
    cf_autojson json_t *binding =
        target(r, "rbac.authorization.k8s.io/v1", "RoleBinding", "echo-reads");
    assert_string_equal(
        cf_json_str(json_array_get(json_object_get(binding, "subjects"), 0), "", "namespace", NULL),
        "shop");
    cf_autojson json_t *hpa = target(r, "autoscaling/v2", "HorizontalPodAutoscaler", "echo");
    assert_int_equal(cf_json_int(hpa, 0, "spec", "minReplicas", NULL), 3);
    assert_null(target(r, "v1", "ConfigMap", "unrelated"));
    assert_null(target(r, "apps/v1", "Deployment", "other"));
}

static void applying_twice_writes_nothing_new(void **state)
{
    struct rig *r = *state;
    apply_all(r);
    cf_fake_kube_log_reset(r->target_api);
    apply_all(r);
    assert_int_equal(cf_fake_kube_writes(r->target_api), 0);
}

static void a_lost_ledger_is_found_again_by_the_label(void **state)
{
    struct rig *r = *state;
    apply_all(r);
    cf_autojson json_t *before = target(r, "v1", "ConfigMap", "settings");
    json_array_clear(r->ledger); /* killed before the ledger was stored */
    apply_all(r);
    cf_autojson json_t *after = target(r, "v1", "ConfigMap", "settings");
    assert_string_equal(cf_object_uid(before), cf_object_uid(after));
    assert_int_equal(json_array_size(r->ledger), 10);
}

static void undo_takes_back_exactly_what_was_made(void **state)
{
    struct rig *r = *state;
    size_t before = cf_fake_kube_count(r->target_api);
    apply_all(r);
    assert_int_equal(cf_fake_kube_count(r->target_api), before + 10);
    undo_all(r, "");
    assert_int_equal(cf_fake_kube_count(r->target_api), before);
}

static void undo_finds_what_no_ledger_names(void **state)
{
    struct rig *r = *state;
    size_t before = cf_fake_kube_count(r->target_api);
    apply_all(r);
    json_array_clear(r->ledger);
    undo_all(r, "");
    assert_int_equal(cf_fake_kube_count(r->target_api), before);
}

static void a_namespace_with_others_in_it_stays(void **state)
{
    struct rig *r = *state;
    apply_all(r);
    put(r->target_api,
        "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'theirs','namespace':'shop'}}");
    undo_all(r, "core/Namespace//shop: other objects live in it, so it stays");
    cf_autojson json_t *theirs = target(r, "v1", "ConfigMap", "theirs");
    assert_non_null(theirs);
}

static void foreign_objects_stop_the_copy_before_anything_is_written(void **state)
{
    struct rig *r = *state;
    put(r->target_api, "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'shop'}}");
    put(r->target_api,
        "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo','namespace':'shop'},"
        "'spec':{'selector':{'app':'else'},'ports':[{'port':80}]}}");
    size_t before = cf_fake_kube_count(r->target_api);
    struct cf_error err = CF_ERROR_INIT;
    struct cf_copying copying = { 0 };
    while (err.kind == CF_ERR_NONE)
        if (cf_propagator_direct.apply(&r->p, r->inventory, &r->ledger, 3, &copying, &err) &&
            copying.done)
            fail_msg("it was copied over a foreign Service");
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_string_equal(err.field, "core/Service/shop/echo");
    assert_non_null(strstr(err.message, "spec.selector.app: else → echo"));
    assert_int_equal(cf_fake_kube_count(r->target_api), before);
}

#define EQUAL_CONFIG                                                                               \
    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings','namespace':'shop'},'data':{'a':'1'}}"
#define OTHER_CONFIG                                                                                              \
    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings','namespace':'shop','labels':{'x':'y'}}," \
    "'data':{'a':'9','b':'2'}}"

static void adopt_takes_only_what_is_equal_and_never_writes(void **state)
{
    struct rig *r = *state;
    set_workloads(
        r,
        "{'include':[],'exclude':[],'onConflict':'adopt','start':'auto','transforms':[],'replicas':{'min':1}}");
    put(r->target_api, "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'shop'}}");
    put(r->target_api, EQUAL_CONFIG);
    take_inventory(r);
    cf_autojson json_t *before = target(r, "v1", "ConfigMap", "settings");
    apply_all(r);
    undo_all(r, "");
    cf_autojson json_t *after = target(r, "v1", "ConfigMap", "settings");
    assert_true(json_equal(before, after));

    put(r->target_api, OTHER_CONFIG);
    struct cf_error err = CF_ERROR_INIT;
    struct cf_copying copying = { 0 };
    assert_fails(cf_propagator_direct.apply(&r->p, r->inventory, &r->ledger, 50, &copying, &err),
                 &err, CF_ERR_CONFLICT, "data.a: 9 → 1");
}

/* What an earlier run left is adopted whole; also an autoscaler, whose floor ours raises. */
static void what_an_earlier_run_left_is_adopted(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    apply_all(r);
    assert_ok(cf_propagator_direct.release(&r->p, r->ledger, &(struct cf_copying){ 0 }, &err),
              &err);
    set_workloads(
        r,
        "{'include':[],'exclude':[],'onConflict':'adopt','start':'auto','transforms':[],'replicas':{'min':1}}");
    take_inventory(r);
    json_array_clear(r->ledger);
    apply_all(r);
    size_t i, autoscalers = 0;
    json_t *entry;
    json_array_foreach(r->ledger, i, entry)
    {
        if (strcmp(cf_json_str(entry, "", "ref", "kind", NULL), "HorizontalPodAutoscaler") != 0)
            continue;
        assert_string_equal(cf_json_str(entry, "", "how", NULL), "adopted");
        autoscalers++;
    }
    assert_int_equal(autoscalers, 1);
}

static void overwrite_gives_the_former_state_back(void **state)
{
    struct rig *r = *state;
    set_workloads(
        r,
        "{'include':[],'exclude':[],'onConflict':'overwrite','start':'auto','transforms':[],'replicas':{'min':1}}");
    put(r->target_api, "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'shop'}}");
    put(r->target_api, OTHER_CONFIG);
    take_inventory(r);
    apply_all(r);
    cf_autojson json_t *ours = target(r, "v1", "ConfigMap", "settings");
    assert_string_equal(cf_json_str(ours, "", "data", "a", NULL), "1");
    undo_all(r, "");
    cf_autojson json_t *back = target(r, "v1", "ConfigMap", "settings");
    cf_autojson json_t *want_data = cf_test_json("{'a':'9','b':'2'}");
    cf_autojson json_t *want_labels = cf_test_json("{'x':'y'}");
    assert_true(json_equal(json_object_get(back, "data"), want_data));
    assert_true(json_equal(cf_json_at(back, "metadata", "labels", NULL), want_labels));
}

/* A server keeps the account of a pod under its old name as well; a control plane that wrote for us
 * leaves words of its own. */
static void what_was_overwritten_keeps_nothing_of_ours(void **state)
{
    struct rig *r = *state;
    set_workloads(
        r,
        "{'include':[],'exclude':[],'onConflict':'overwrite','start':'auto','transforms':[],'replicas':{'min':1}}");
    put(r->target_api, "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'shop'}}");
    put(r->target_api,
        "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'echo','namespace':'shop',"
        "'annotations':{'deployment.kubernetes.io/revision':'1'}},'spec':{'replicas':1,'selector':{"
        "'matchLabels':{'app':'echo'}},'template':{'metadata':{'labels':{'app':'echo'}},'spec':{"
        "'containers':[{'name':'theirs','image':'theirs:1'}]}}}}");
    take_inventory(r);
    apply_all(r);
    cf_autojson json_t *ours = target(r, "apps/v1", "Deployment", "echo");
    json_t *pod = cf_object_pod_spec(ours);
    json_object_set_new(pod, "serviceAccountName", json_string("echo"));
    json_object_set_new(pod, "serviceAccount", json_string("echo"));
    cf_json_put_take(ours, json_string("abort"), "metadata", "annotations",
                     "work.karmada.io/conflict-resolution", NULL);
    cf_fake_kube_put_json(r->target_api, ours);
    undo_all(r, "");
    cf_autojson json_t *back = target(r, "apps/v1", "Deployment", "echo");
    cf_autojson json_t *want_pod =
        cf_test_json("{'containers':[{'name':'theirs','image':'theirs:1'}]}");
    cf_autojson json_t *want_annotations =
        cf_test_json("{'deployment.kubernetes.io/revision':'1'}");
    assert_true(json_equal(cf_object_pod_spec(back), want_pod));
    assert_true(json_equal(cf_json_at(back, "metadata", "annotations", NULL), want_annotations));
}

static bool is_ready(struct rig *r, const char *key)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *report = NULL;
    assert_ok(cf_propagator_direct.health(&r->p, r->ledger, &report, &err), &err);
    const json_t *row = cf_json_named(json_object_get(report, "objects"), "key", key);
    return cf_json_bool(row, false, "ready", NULL);
}

static void transforms_and_the_switch(void **state)
{
    struct rig *r = *state;
    put(r->source_api,
        "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'nightly','namespace':'web'},'spec':{"
        "'schedule':'0 3 * * *','jobTemplate':{'spec':{'template':{'spec':{'containers':[]}}}}}}");
    set_workloads(
        r,
        "{'include':[{'kind':'Deployment'},{'kind':'CronJob'}],'exclude':[{'kind':'Secret','name':'pass*'}],"
        "'onConflict':'fail','start':'auto','replicas':{'min':2},'transforms':["
        "{'imageRegistry':{'from':'registry.dc1','to':'registry.dc2/mirror'}},"
        "{'match':{'kind':'ConfigMap'},'mergePatch':{'data':{'a':null,'b':'2'}}}]}");
    take_inventory(r);
    apply_all(r);
    cf_autojson json_t *echo = target(r, "apps/v1", "Deployment", "echo");
    assert_string_equal(
        cf_json_str(
            json_array_get(cf_json_at(echo, "spec", "template", "spec", "containers", NULL), 0), "",
            "image", NULL),
        "registry.dc2/mirror/echo:1");
    cf_autojson json_t *config = target(r, "v1", "ConfigMap", "settings");
    assert_null(cf_json_at(config, "data", "a", NULL));
    assert_null(target(r, "v1", "Secret", "password"));

    cf_autojson json_t *other = target(r, "apps/v1", "Deployment", "other");
    assert_int_equal(cf_json_int(other, -1, "spec", "replicas", NULL),
                     0); /* no router reaches it */
    cf_autojson json_t *cron = target(r, "batch/v1", "CronJob", "nightly");
    assert_true(cf_json_bool(cron, false, "spec", "suspend", NULL));

    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *waiting = NULL;
    cf_fake_kube_log_reset(r->target_api);
    assert_ok(cf_propagator_direct.waiting(&r->p, r->ledger, &waiting, &err), &err);
    assert_int_equal(cf_fake_kube_writes(r->target_api), 0);
    assert_int_equal(json_array_size(waiting), 2);
    assert_true(is_ready(r, "apps/Deployment/shop/other")); /* it waits, and so it should */
    assert_string_equal(cf_json_str(json_array_get(waiting, 0), "", "ref", "name", NULL), "other");
    assert_string_equal(cf_json_str(json_array_get(waiting, 0), "", "field", NULL), "replicas");
    assert_string_equal(cf_json_str(json_array_get(waiting, 1), "", "ref", "name", NULL),
                        "nightly");
    assert_string_equal(cf_json_str(json_array_get(waiting, 1), "", "field", NULL), "suspend");
    assert_ok(
        cf_propagator_direct.activate(&r->p, r->ledger, false, &(struct cf_copying){ 0 }, &err),
        &err);
    assert_false(
        is_ready(r, "apps/Deployment/shop/other")); /* it is to run now, and nothing of it does */
    cf_autojson json_t *other_on = target(r, "apps/v1", "Deployment", "other");
    assert_int_equal(cf_json_int(other_on, -1, "spec", "replicas", NULL), 2);
    cf_autojson json_t *cron_on = target(r, "batch/v1", "CronJob", "nightly");
    assert_false(cf_json_bool(cron_on, true, "spec", "suspend", NULL));
    assert_ok(
        cf_propagator_direct.activate(&r->p, r->ledger, true, &(struct cf_copying){ 0 }, &err),
        &err);
    cf_autojson json_t *other_off = target(r, "apps/v1", "Deployment", "other");
    assert_int_equal(cf_json_int(other_off, -1, "spec", "replicas", NULL), 0);
}

static void release_leaves_no_trace_of_us(void **state)
{
    struct rig *r = *state;
    apply_all(r);
    struct cf_error err = CF_ERROR_INIT;
    assert_ok(cf_propagator_direct.release(&r->p, r->ledger, &(struct cf_copying){ 0 }, &err),
              &err);
    assert_ok(cf_propagator_direct.release(&r->p, r->ledger, &(struct cf_copying){ 0 }, &err),
              &err); /* again is nothing */
    cf_autojson json_t *hpa = target(r, "autoscaling/v2", "HorizontalPodAutoscaler", "echo");
    assert_int_equal(cf_json_int(hpa, 0, "spec", "minReplicas", NULL), 1);
    assert_null(cf_json_at(hpa, "metadata", "labels", "crossfade.dev/run", NULL));
    assert_null(cf_json_at(hpa, "metadata", "annotations", "crossfade.dev/floor", NULL));
}

static void a_changed_source_is_seen_and_copied_again(void **state)
{
    struct rig *r = *state;
    apply_all(r);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *none = NULL;
    take_inventory(r);
    assert_ok(cf_propagator_direct.changes(&r->p, r->inventory, r->ledger, &none, &err), &err);
    assert_int_equal(json_array_size(none), 0);

    put(r->source_api,
        "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'password','namespace':'web'},'data':{'p':'bmV3'}}");
    put(r->source_api,
        "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings','namespace':'web'},'data':{'a':'2'}}");
    take_inventory(r);
    cf_autojson json_t *changes = NULL;
    assert_ok(cf_propagator_direct.changes(&r->p, r->inventory, r->ledger, &changes, &err), &err);
    assert_int_equal(json_array_size(changes), 2);
    cf_autofree char *text = cf_json_dump(changes);
    assert_non_null(strstr(text, "data.a: 1 → 2"));
    assert_non_null(strstr(text, "(secret)"));
    assert_null(strstr(text, "bmV3"));

    apply_all(r);
    cf_autojson json_t *config = target(r, "v1", "ConfigMap", "settings");
    assert_string_equal(cf_json_str(config, "", "data", "a", NULL), "2");
}

static void what_runs_by_itself_is_no_change(void **state)
{
    struct rig *r = *state;
    apply_all(r);
    cf_autojson json_t *scaled =
        cf_fake_kube_peek(r->source_api, "apps/v1", "Deployment", "web", "echo");
    cf_json_put_take(scaled, json_integer(7), "spec", "replicas", NULL);
    cf_fake_kube_put_json(r->source_api, scaled);
    take_inventory(r);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *changes = NULL;
    assert_ok(cf_propagator_direct.changes(&r->p, r->inventory, r->ledger, &changes, &err), &err);
    cf_autofree char *text = cf_json_dump(changes);
    assert_string_equal(text, "[]");
}

static void health_waits_for_pods(void **state)
{
    struct rig *r = *state;
    apply_all(r);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *report = NULL;
    assert_ok(cf_propagator_direct.health(&r->p, r->ledger, &report, &err), &err);
    assert_false(cf_json_bool(report, true, "ready", NULL));
    cf_autojson json_t *live = target(r, "apps/v1", "Deployment", "echo");
    cf_autojson json_t *status = cf_test_json(
        "{'observedGeneration':9,'replicas':3,'updatedReplicas':3,'readyReplicas':3,'availableReplicas':3}");
    json_object_set(live, "status", status);
    cf_fake_kube_put_json(r->target_api, live);
    cf_autojson json_t *unprotected = NULL;
    assert_ok(cf_propagator_direct.health(&r->p, r->ledger, &unprotected, &err), &err);
    assert_false(cf_json_bool(unprotected, true, "ready", NULL));
    cf_autojson json_t *budget = target(r, "policy/v1", "PodDisruptionBudget", "echo");
    cf_autojson json_t *healthy = cf_test_json(
        "{'observedGeneration':9,'expectedPods':3,'desiredHealthy':1,'currentHealthy':3}");
    json_object_set(budget, "status", healthy);
    cf_fake_kube_put_json(r->target_api, budget);
    cf_autojson json_t *leads_nowhere = NULL;
    assert_ok(cf_propagator_direct.health(&r->p, r->ledger, &leads_nowhere, &err), &err);
    assert_false(cf_json_bool(leads_nowhere, true, "ready", NULL));
    put(r->target_api,
        "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'echo-crossfade-by-name-1','namespace':"
        "'shop','labels':{'kubernetes.io/service-name':'echo','crossfade.dev/bridge':'true'}},'endpoints':[{'addresses':"
        "['10.9.0.1'],'conditions':{'ready':true}}]}");
    cf_autojson json_t *leads_elsewhere = NULL;
    assert_ok(cf_propagator_direct.health(&r->p, r->ledger, &leads_elsewhere, &err), &err);
    assert_false(cf_json_bool(leads_elsewhere, true, "ready", NULL));
    put(r->target_api,
        "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'echo-x','namespace':'shop',"
        "'labels':{'kubernetes.io/service-name':'echo'}},'endpoints':[{'addresses':['10.0.0.1'],'conditions':{'ready':true}}]}");
    cf_autojson json_t *ready = NULL;
    assert_ok(cf_propagator_direct.health(&r->p, r->ledger, &ready, &err), &err);
    assert_true(cf_json_bool(ready, false, "ready", NULL));
}

static void a_lost_answer_is_no_double(void **state)
{
    struct rig *r = *state;
    struct cf_fake_fault fault = {
        .method = "PATCH", .path_part = "secrets", .times = 1, .kind = CF_ERR_UNKNOWN, .after = true
    };
    cf_fake_kube_fail(r->target_api, &fault);
    struct cf_error err = CF_ERROR_INIT;
    struct cf_copying copying = { 0 };
    while (cf_propagator_direct.apply(&r->p, r->inventory, &r->ledger, 3, &copying, &err))
        assert_false(copying.done);
    assert_int_equal(err.kind, CF_ERR_UNKNOWN);
    apply_all(r);
    assert_int_equal(json_array_size(r->ledger), 10);
    undo_all(r, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(copies_the_closure_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(copies_are_clean_and_carry_our_label, setup, teardown),
        cmocka_unit_test_setup_teardown(applying_twice_writes_nothing_new, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_ledger_is_found_again_by_the_label, setup, teardown),
        cmocka_unit_test_setup_teardown(undo_takes_back_exactly_what_was_made, setup, teardown),
        cmocka_unit_test_setup_teardown(undo_finds_what_no_ledger_names, setup, teardown),
        cmocka_unit_test_setup_teardown(a_namespace_with_others_in_it_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_objects_stop_the_copy_before_anything_is_written,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_earlier_run_left_is_adopted, setup, teardown),
        cmocka_unit_test_setup_teardown(adopt_takes_only_what_is_equal_and_never_writes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(overwrite_gives_the_former_state_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_overwritten_keeps_nothing_of_ours, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(transforms_and_the_switch, setup, teardown),
        cmocka_unit_test_setup_teardown(release_leaves_no_trace_of_us, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_source_is_seen_and_copied_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_runs_by_itself_is_no_change, setup, teardown),
        cmocka_unit_test_setup_teardown(health_waits_for_pods, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_answer_is_no_double, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
