/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that a volume is at one node at a time, that VolumeAttachments tell where, that a claim for
 * one pod lets no second one in, that a waiting class waits for a pod that can be scheduled, and that
 * what is in a volume ends with it. */
#include "deploy/sandbox/volumes/volumes.h"
#include "tests/unit/deploy-sandbox/controllers_world.h"

#define VA    "storage.k8s.io", "volumeattachments", NULL
#define CLAIM "", "persistentvolumeclaims", "shop"
#define POD   "", "pods", "shop"

struct volumes_world {
    struct sbx_api *api;
    struct sbx_volumes *volumes;
    struct sbx_controllers *controllers;
};

static int up(void **state)
{
    struct volumes_world *w = cf_xcalloc(1, sizeof(*w));
    struct cf_error err = CF_ERROR_INIT;
    struct sbx_controllers_options options = patient();
    w->api = sbx_api_new("east");
    w->volumes = sbx_volumes_new();
    options.volumes = w->volumes;
    options.detach_ms = 30;
    w->controllers = sbx_controllers_start(&w->api, 1, &options, &err);
    assert_non_null(w->controllers);
    make(w->api, "", "nodes", NULL,
         "{'metadata':{'name':'node-2','labels':{'kubernetes.io/hostname':'node-2'}}}");
    make(w->api, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    assert_true(sbx_controllers_settle(w->controllers, SETTLE_MS));
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct volumes_world *w = *state;
    sbx_controllers_stop(w->controllers);
    sbx_api_free(w->api);
    sbx_volumes_free(w->volumes);
    free(w);
    return 0;
}

static void settled(struct volumes_world *w)
{
    assert_true(sbx_controllers_settle(w->controllers, SETTLE_MS));
}

static void make_claim(struct volumes_world *w, const char *name, const char *mode,
                       const char *class)
{
    cf_autofree char *text =
        cf_xasprintf("{'metadata':{'name':'%s'},'spec':{'accessModes':['%s'],'storageClassName':"
                     "'%s','resources':{'requests':{'storage':'1Gi'}}}}",
                     name, mode, class);
    make(w->api, CLAIM, text);
}

static void make_pod(struct volumes_world *w, const char *name, const char *claim, const char *more)
{
    cf_autofree char *text = cf_xasprintf(
        "{'metadata':{'name':'%s'},'spec':{%s'containers':[{'name':'c','image':'i','volumeMounts':[{"
        "'name':'v','mountPath':'/v'}]}],'volumes':[{'name':'v','persistentVolumeClaim':{"
        "'claimName':'%s'}}]}}",
        name, more, claim);
    make(w->api, POD, text);
    settled(w);
}

static const char *phase(struct volumes_world *w, const char *pod)
{
    return field(w->api, POD, pod, "/status/phase");
}

static void one_node_at_a_time(void **state)
{
    struct volumes_world *w = *state;
    make_claim(w, "data", "ReadWriteOnce", "standard");
    make_pod(w, "first", "data", "'nodeName':'node-1',");
    assert_string_equal(phase(w, "first"), "Running");
    make_pod(w, "beside", "data", "'nodeName':'node-1',");
    assert_string_equal(phase(w, "beside"), "Running");
    assert_int_equal(count(w->api, VA), 1);
    make_pod(w, "away", "data", "'nodeName':'node-2',");
    assert_string_equal(phase(w, "away"), "Pending");
    drop(w->api, POD, "first", "");
    settled(w);
    assert_string_equal(phase(w, "away"), "Pending");
    drop(w->api, POD, "beside", "");
    settled(w);
    assert_string_equal(phase(w, "away"), "Running");
    assert_int_equal(count(w->api, VA), 1);
    drop(w->api, POD, "away", "");
    settled(w);
    assert_int_equal(count(w->api, VA), 0);
}

static void many_nodes_where_many_may_write(void **state)
{
    struct volumes_world *w = *state;
    make_claim(w, "data", "ReadWriteMany", "standard");
    make_pod(w, "first", "data", "'nodeName':'node-1',");
    make_pod(w, "second", "data", "'nodeName':'node-2',");
    assert_string_equal(phase(w, "second"), "Running");
    assert_int_equal(count(w->api, VA), 2);
}

static void a_claim_for_one_pod(void **state)
{
    struct volumes_world *w = *state;
    make_claim(w, "data", "ReadWriteOncePod", "standard");
    make_pod(w, "first", "data", "");
    assert_string_equal(phase(w, "first"), "Running");
    make_pod(w, "second", "data", "");
    assert_string_equal(phase(w, "second"), "Pending");
    assert_string_equal(condition(w->api, POD, "second", "PodScheduled"), "False Unschedulable");
    drop(w->api, POD, "first", "");
    settled(w);
    assert_string_equal(phase(w, "second"), "Running");
}

/* A pod of a scheduler that is not there wants nothing. */
static void a_waiting_class_waits(void **state)
{
    struct volumes_world *w = *state;
    make(w->api, "storage.k8s.io", "storageclasses", NULL,
         "{'metadata':{'name':'wait'},'provisioner':'p','volumeBindingMode':'WaitForFirstConsumer'"
         "}");
    make_claim(w, "data", "ReadWriteOnce", "wait");
    make_pod(w, "pointer", "data", "'schedulerName':'example.com/never',");
    assert_string_equal(field(w->api, CLAIM, "data", "/status/phase"), "Pending");
    assert_string_equal(field(w->api, POD, "pointer", "/spec/nodeName"), "");
    make_pod(w, "real", "data", "");
    assert_string_equal(field(w->api, CLAIM, "data", "/status/phase"), "Bound");
    assert_string_equal(phase(w, "real"), "Running");
}

/* Somebody makes a volume for a claim that selects it; nobody else does. */
static void a_selector_keeps_others_off(void **state)
{
    struct volumes_world *w = *state;
    make(w->api, CLAIM,
         "{'metadata':{'name':'data'},'spec':{'accessModes':['ReadWriteOnce'],'storageClassName':"
         "'standard','selector':{'matchLabels':{'made':'for-it'}},'resources':{'requests':{"
         "'storage':'1Gi'}}}}");
    settled(w);
    assert_string_equal(field(w->api, CLAIM, "data", "/status/phase"), "Pending");
    cf_autofree char *volume = cf_xasprintf(
        "{'metadata':{'name':'pv','labels':{'made':'for-it'}},'spec':{'claimRef':{'namespace':"
        "'shop','name':'data','uid':'%s'},'capacity':{'storage':'1Gi'},'accessModes':["
        "'ReadWriteOnce'],'csi':{'driver':'d','volumeHandle':'pv'}}}",
        field(w->api, CLAIM, "data", "/metadata/uid"));
    make(w->api, "", "persistentvolumes", NULL, volume);
    settled(w);
    assert_string_equal(field(w->api, CLAIM, "data", "/spec/volumeName"), "pv");
    assert_string_equal(field(w->api, CLAIM, "data", "/status/phase"), "Bound");
}

static void contents_end_with_their_volume(void **state)
{
    struct volumes_world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    make_claim(w, "data", "ReadWriteOnce", "standard");
    settled(w);
    cf_autofree char *key =
        sbx_volume_key("east", field(w->api, CLAIM, "data", "/spec/volumeName"));
    assert_true(sbx_volume_write(w->volumes, key, "a", "1", 1, &err));
    make_pod(w, "pod", "data", "");
    assert_true(sbx_volume_has(w->volumes, key, "a"));
    drop(w->api, POD, "pod", "");
    drop(w->api, CLAIM, "data", "");
    settled(w);
    assert_int_equal(count(w->api, "", "persistentvolumes", NULL), 0);
    assert_false(sbx_volume_has(w->volumes, key, "a"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_node_at_a_time),          CASE(many_nodes_where_many_may_write),
        CASE(a_claim_for_one_pod),         CASE(a_waiting_class_waits),
        CASE(a_selector_keeps_others_off), CASE(contents_end_with_their_volume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
