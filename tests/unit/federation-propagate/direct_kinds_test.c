/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what the direct method does with kinds that not every cluster serves and not everybody may read: definitions are
 * made, waited for and taken back, routes are copied but not the steered one, what cannot be read is said, and what the
 * target must have says what it must be. */
#include "tests/support/test.h"

#include "federation/kube/discovery.h"
#include "federation/propagate/propagator.h"
#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"

struct rig {
    struct cf_fake_kube *source_api, *target_api;
    struct cf_propagation p;
    json_t *workloads, *services, *inventory, *ledger;
};

static const char *const source_objects[] = {
    "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'web'}}",
    "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'settings','namespace':'web'},'data':{'a':'1'}}",
    "{'apiVersion':'v1','kind':'Service','metadata':{'name':'echo','namespace':'web'},'spec':{'selector':{'app':'echo'}}}",
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'echo','namespace':'web'},'spec':{'replicas':3,"
    "'selector':{'matchLabels':{'app':'echo'}},'template':{'metadata':{'labels':{'app':'echo'}},'spec':{'containers':"
    "[{'name':'echo','image':'echo:1','envFrom':[{'configMapRef':{'name':'settings'}}]}]}}}}",
};

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
    r->p = (struct cf_propagation){
        .source = cf_fake_kube_client(r->source_api, "dc1"),
        .target = cf_fake_kube_client(r->target_api, "dc2"),
        .source_namespace = "web",
        .target_namespace = "shop",
        .create_namespace = true,
        .run_id = "run-1",
        .plan_name = "p",
        .services = r->services,
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

/* --- what not every cluster serves, and not everybody may read --- */

#define PROFILE                                                                                    \
    "{'apiVersion':'settings.example.org/v1','kind':'Profile','metadata':{'name':'p',"             \
    "'namespace':'web'},'spec':{'for':{'kind':'Service','name':'echo'}}}"
#define PROFILES                                                                                   \
    "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','metadata':{"       \
    "'name':'profiles.settings.example.org','uid':'d'},'spec':{'group':'settings.example.org',"    \
    "'scope':'Namespaced','names':{'kind':'Profile','plural':'profiles'},'versions':[{'name':"     \
    "'v1','served':true,'storage':true}]},'status':{'storedVersions':['v1']}}"

/* A custom resource that the plan lists, of a kind that only the source serves. */
static void list_a_profile(struct rig *r)
{
    struct cf_fake_kube *apis[] = { r->source_api, r->target_api };
    for (size_t i = 0; i < CF_ARRAY_LEN(apis); i++)
        cf_fake_kube_kind(apis[i], "apiextensions.k8s.io/v1", "CustomResourceDefinition",
                          "customresourcedefinitions", false);
    cf_fake_kube_kind(r->source_api, "settings.example.org/v1", "Profile", "profiles", true);
    put(r->source_api, PROFILES);
    put(r->source_api, PROFILE);
    set_workloads(r, "{'include':[{'kind':'Deployment','name':'echo'},{'kind':'Profile'}],"
                     "'exclude':[],'onConflict':'fail','start':'auto','transforms':[],"
                     "'replicas':{'min':1}}");
    take_inventory(r);
}

static bool is_in(const json_t *rows, const char *key)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(cf_json_str(row, "", "key", NULL), key) == 0)
            return true;
    }
    return false;
}

#define DEFINITION_KEY                                                                             \
    "apiextensions.k8s.io/CustomResourceDefinition//profiles.settings.example.org"
#define PROFILE_KEY "settings.example.org/Profile/shop/p"

static void a_definition_is_made_waited_for_and_taken_back(void **state)
{
    struct rig *r = *state;
    struct cf_copying copying = { 0 };
    struct cf_error err = CF_ERROR_INIT;
    list_a_profile(r);
    assert_true(is_in(json_object_get(r->inventory, "objects"), DEFINITION_KEY));
    assert_true(is_in(json_object_get(r->inventory, "objects"), PROFILE_KEY));
    for (int i = 0; i < 4; i++)
        assert_ok(cf_propagator_direct.apply(&r->p, r->inventory, &r->ledger, 25, &copying, &err),
                  &err);
    assert_false(copying.done);
    assert_true(copying.waits);
    assert_non_null(strstr(copying.why, "not established"));
    assert_false(is_in(r->ledger, "core/ConfigMap/shop/settings"));
    /* What the target's API server does with a definition. */
    cf_autojson json_t *live =
        cf_fake_kube_peek(r->target_api, "apiextensions.k8s.io/v1", "CustomResourceDefinition",
                          NULL, "profiles.settings.example.org");
    assert_non_null(live);
    json_object_set_new(live, "status",
                        cf_test_json("{'conditions':[{'type':'Established','status':'True'},"
                                     "{'type':'NamesAccepted','status':'True'}]}"));
    cf_fake_kube_put_json(r->target_api, live);
    cf_fake_kube_kind(r->target_api, "settings.example.org/v1", "Profile", "profiles", true);
    apply_all(r);
    assert_true(is_in(r->ledger, PROFILE_KEY));
    /* Now that the target serves it, the definition is no longer wanted; nothing has changed. */
    take_inventory(r);
    assert_false(is_in(json_object_get(r->inventory, "objects"), DEFINITION_KEY));
    cf_autojson json_t *changes = NULL;
    assert_ok(cf_propagator_direct.changes(&r->p, r->inventory, r->ledger, &changes, &err), &err);
    assert_int_equal(json_array_size(changes), 0);
    undo_all(r, "");
    assert_null(cf_fake_kube_peek(r->target_api, "apiextensions.k8s.io/v1",
                                  "CustomResourceDefinition", NULL,
                                  "profiles.settings.example.org"));
}

static void a_definition_that_others_use_stays(void **state)
{
    struct rig *r = *state;
    list_a_profile(r);
    cf_fake_kube_kind(r->target_api, "settings.example.org/v1", "Profile", "profiles", true);
    put(r->target_api, PROFILES);
    cf_autojson json_t *live =
        cf_fake_kube_peek(r->target_api, "apiextensions.k8s.io/v1", "CustomResourceDefinition",
                          NULL, "profiles.settings.example.org");
    cf_json_put_take(live, json_string("run-1"), "metadata", "labels", "crossfade.dev/run", NULL);
    cf_fake_kube_put_json(r->target_api, live);
    put(r->target_api, "{'apiVersion':'settings.example.org/v1','kind':'Profile','metadata':{"
                       "'name':'theirs','namespace':'elsewhere'}}");
    undo_all(r, "other objects live in it");
    cf_autojson json_t *left =
        cf_fake_kube_peek(r->target_api, "apiextensions.k8s.io/v1", "CustomResourceDefinition",
                          NULL, "profiles.settings.example.org");
    assert_non_null(left);
    assert_null(cf_json_at(left, "metadata", "labels", "crossfade.dev/run", NULL));
}

static void what_may_not_be_read_is_said_and_breaks_nothing(void **state)
{
    struct rig *r = *state;
    struct cf_fake_fault fault = {
        .method = "GET", .path_part = "ingresses", .times = 9, .status = 403, .reason = "Forbidden"
    };
    cf_fake_kube_fail(r->source_api, &fault);
    take_inventory(r);
    cf_autofree char *notes = cf_test_dump(json_object_get(r->inventory, "notes"));
    assert_non_null(strstr(notes, "NOT_READABLE"));
    assert_non_null(strstr(notes, "Ingress"));
    struct cf_fake_fault needed = {
        .method = "GET", .path_part = "configmaps", .times = 9, .status = 403, .reason = "Forbidden"
    };
    cf_fake_kube_fail(r->source_api, &needed);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *inventory = NULL;
    assert_fails(cf_propagator_direct.inventory(&r->p, &inventory, &err), &err, CF_ERR_DENIED,
                 "list ConfigMap");
}

static void routes_are_copied_but_not_the_steered_one(void **state)
{
    struct rig *r = *state;
    cf_autojson json_t *routers = cf_test_json(
        "[{'type':'virtualService','cluster':'dc1','namespace':'web','object':'steered'},"
        "{'type':'virtualService','cluster':'edge','namespace':'web','object':'other'}]");
    static const char *const names[] = { "steered", "other" };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        cf_autofree char *text = cf_xasprintf(
            "{'apiVersion':'networking.istio.io/v1','kind':'VirtualService','metadata':{'name':"
            "'%s','namespace':'web'},'spec':{'http':[{'route':[{'destination':{'host':'echo'}}]}]}}",
            names[i]);
        put(r->source_api, text);
    }
    r->p.routers = routers;
    r->p.source_cluster = "dc1";
    take_inventory(r);
    const json_t *objects = json_object_get(r->inventory, "objects");
    assert_true(is_in(objects, "networking.istio.io/VirtualService/shop/other"));
    assert_false(is_in(objects, "networking.istio.io/VirtualService/shop/steered"));
    cf_fake_kube_forget_group(r->target_api, "networking.istio.io");
    cf_kube_discovery_reset(r->p.target);
    take_inventory(r);
    objects = json_object_get(r->inventory, "objects");
    assert_false(is_in(objects, "networking.istio.io/VirtualService/shop/other"));
    r->p.routers = NULL;
}

static void a_required_class_says_what_it_must_be(void **state)
{
    struct rig *r = *state;
    cf_fake_kube_kind(r->source_api, "scheduling.k8s.io/v1", "PriorityClass", "priorityclasses",
                      false);
    put(r->source_api, "{'apiVersion':'scheduling.k8s.io/v1','kind':'PriorityClass','metadata':{"
                       "'name':'gold'},'value':1000}");
    cf_autojson json_t *deployment =
        cf_fake_kube_peek(r->source_api, "apps/v1", "Deployment", "web", "echo");
    cf_json_put_take(deployment, json_string("gold"), "spec", "template", "spec",
                     "priorityClassName", NULL);
    cf_fake_kube_put_json(r->source_api, deployment);
    take_inventory(r);
    const json_t *row = json_array_get(json_object_get(r->inventory, "required"), 0);
    assert_string_equal(cf_json_str(row, "", "ref", "kind", NULL), "PriorityClass");
    assert_int_equal(cf_json_int(row, 0, "expect", "value", NULL), 1000);
}

/* --- what KEDA scales --- */

#define KEDA "keda.sh/v1alpha1"
#define APP(name)                                                                                  \
    "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'" name                        \
    "','namespace':'web'},'spec':{'replicas':2,'selector':{'matchLabels':{'app':'" name            \
    "'}},'template':{'metadata':{'labels':{'app':'" name "'}},'spec':{'containers':[]}}}}"
#define SCALED(name, more)                                                                         \
    "{'apiVersion':'" KEDA "','kind':'ScaledObject','metadata':{'name':'" name                     \
    "','namespace':'web'" more "},'spec':{'scaleTargetRef':{'name':'" name "'}}}"
#define AT(n) ",'annotations':{'autoscaling.keda.sh/paused-replicas':'" n "'}"

/* "-": it is not paused. */
static void assert_paused(struct rig *r, const char *name, const char *want)
{
    cf_autojson json_t *s = cf_fake_kube_peek(r->target_api, KEDA, "ScaledObject", "shop", name);
    assert_non_null(s);
    const char *is =
        cf_json_str(s, "-", "metadata", "annotations", "autoscaling.keda.sh/paused-replicas", NULL);
    if (strcmp(is, want) != 0)
        fail_msg("ScaledObject %s is paused at %s, not at %s", name, is, want);
}

static void put_paused(struct rig *r, const char *name, const char *at)
{
    cf_autojson json_t *s = cf_fake_kube_peek(r->target_api, KEDA, "ScaledObject", "shop", name);
    cf_json_put_take(s, json_string(at), "metadata", "annotations",
                     "autoscaling.keda.sh/paused-replicas", NULL);
    cf_fake_kube_put_json(r->target_api, s);
}

/* Entries of the ledger: all ScaledObjects, and the Deployment of that name. */
static json_t *with_scalers(struct rig *r, const char *deployment)
{
    json_t *rows = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(r->ledger, i, entry)
    {
        const char *kind = cf_json_str(entry, "", "ref", "kind", NULL);
        if (strcmp(kind, "ScaledObject") == 0 ||
            (strcmp(kind, "Deployment") == 0 &&
             strcmp(cf_json_str(entry, "", "ref", "name", NULL), deployment) == 0))
            json_array_append(rows, entry);
    }
    return rows;
}

static void activate(struct rig *r, const json_t *entries, bool off)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_copying copying = { 0 };
    assert_ok(cf_propagator_direct.activate(&r->p, entries, off, &copying, &err), &err);
    assert_true(copying.done);
}

static void what_scales_a_copy_that_waits_waits_with_it(void **state)
{
    struct rig *r = *state;
    static const char *const more[] = { APP("db"), APP("queue"), SCALED("echo", ""),
                                        SCALED("db", ""), SCALED("queue", AT("3")) };
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *waiting = NULL;
    cf_fake_kube_kind(r->source_api, KEDA, "ScaledObject", "scaledobjects", true);
    cf_fake_kube_kind(r->target_api, KEDA, "ScaledObject", "scaledobjects", true);
    cf_kube_discovery_reset(r->p.source);
    cf_kube_discovery_reset(r->p.target);
    for (size_t i = 0; i < CF_ARRAY_LEN(more); i++)
        put(r->source_api, more[i]);
    set_workloads(r, "{'include':[{'kind':'Deployment'}],'exclude':[],'onConflict':'fail','start':"
                     "'auto','transforms':[],'replicas':{'min':1}}");
    take_inventory(r);
    apply_all(r);
    assert_paused(r, "echo", "-"); /* what it scales runs at once */
    assert_paused(r, "db", "0");
    assert_paused(r, "queue", "0");
    /* Only what it scales stops in the source. */
    assert_ok(cf_propagator_direct.waiting(&r->p, r->ledger, &waiting, &err), &err);
    assert_int_equal(json_array_size(waiting), 2);

    cf_autojson json_t *db = with_scalers(r, "db");
    activate(r, db, false);
    assert_paused(r, "db", "-");
    assert_paused(r, "queue", "0"); /* the queue still waits */
    put_paused(r, "db", "5");       /* somebody's since: what was started is not started again */
    activate(r, db, false);
    assert_paused(r, "db", "5");
    activate(r, db, true);
    assert_paused(r, "db", "0");
    activate(r, r->ledger, false);
    assert_paused(r, "echo", "-");
    assert_paused(r, "db", "-");
    assert_paused(r, "queue", "3");
    assert_ok(cf_propagator_direct.release(&r->p, r->ledger, &(struct cf_copying){ 0 }, &err),
              &err);
    cf_autojson json_t *free = cf_fake_kube_peek(r->target_api, KEDA, "ScaledObject", "shop", "db");
    assert_null(cf_json_at(free, "metadata", "annotations", "crossfade.dev/activate", NULL));
}

/* A freeze's pause is no change of the source, and not what the copy is to have. */
static void a_pause_of_the_freeze_is_not_copied(void **state)
{
    struct rig *r = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *changes = NULL;
    cf_autojson json_t *stopped = cf_test_json("[{'apiVersion':'" KEDA "','kind':'ScaledObject',"
                                               "'name':'db','uid':'u','paused':null}]");
    cf_fake_kube_kind(r->source_api, KEDA, "ScaledObject", "scaledobjects", true);
    cf_fake_kube_kind(r->target_api, KEDA, "ScaledObject", "scaledobjects", true);
    cf_kube_discovery_reset(r->p.source);
    cf_kube_discovery_reset(r->p.target);
    put(r->source_api, APP("db"));
    put(r->source_api, SCALED("db", ""));
    set_workloads(r, "{'include':[{'kind':'Deployment'}],'exclude':[],'onConflict':'fail','start':"
                     "'auto','transforms':[],'replicas':{'min':1}}");
    take_inventory(r);
    apply_all(r);
    put(r->source_api, SCALED("db", AT("0")));
    r->p.stopped = stopped;
    take_inventory(r);
    assert_ok(cf_propagator_direct.changes(&r->p, r->inventory, r->ledger, &changes, &err), &err);
    assert_int_equal(json_array_size(changes), 0);
    r->p.stopped = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_definition_is_made_waited_for_and_taken_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_definition_that_others_use_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(what_may_not_be_read_is_said_and_breaks_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(routes_are_copied_but_not_the_steered_one, setup, teardown),
        cmocka_unit_test_setup_teardown(what_scales_a_copy_that_waits_waits_with_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_pause_of_the_freeze_is_not_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(a_required_class_says_what_it_must_be, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
