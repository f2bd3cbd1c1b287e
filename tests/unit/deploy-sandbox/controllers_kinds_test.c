/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what the controllers of the other kinds do: StatefulSets in order with their claims,
 * DaemonSets, Jobs, claims by class, autoscalers' bounds, disruption budgets and routes' status. */
#include "tests/unit/deploy-sandbox/controllers_world.h"

static void make_web(struct sbx_api *api)
{
    make(api, "", "namespaces", NULL, "{'metadata':{'name':'web'}}");
}

#define SET "apps", "statefulsets", "web", "db"

static void make_db(struct sbx_api *api)
{
    make_web(api);
    make(api, "apps", "statefulsets", "web",
         "{'metadata':{'name':'db'},'spec':{'serviceName':'db','replicas':3," SELECTOR POD_TEMPLATE(
             "db:v1") ",'volumeClaimTemplates':[{'metadata':{'name':'data'},'spec':{"
                      "'accessModes':['ReadWriteOnce'],'resources':{'requests':{"
                      "'storage':'1Gi'}}}}]}}");
}

static void stateful_set_is_made_in_order_with_claims(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_db(api);
    while (!sbx_controllers_settle(w->controllers, 1))
        assert_false(is_there(api, "", "pods", "web", "db-1") &&
                     strcmp(field(api, "", "pods", "web", "db-0", "/status/phase"), "Running") !=
                         0);
    assert_string_equal(field(api, SET, "/status/readyReplicas"), "3");
    assert_string_equal(
        field(api, "", "persistentvolumeclaims", "web", "data-db-2", "/status/phase"), "Bound");
    assert_int_equal(count(api, "", "persistentvolumes", NULL), 3);
    assert_string_equal(
        field(api, "", "pods", "web", "db-1", "/metadata/labels/apps.kubernetes.io~1pod-index"),
        "1");
}

static void stateful_set_is_renewed_and_shrinks_from_the_top(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_db(api);
    settle(w);
    char before[128];
    snprintf(before, sizeof(before), "%.127s", field(api, SET, "/status/currentRevision"));
    assert_int_equal(
        merge(api, SET, "{'spec':{'template':{'metadata':{'annotations':{'v':'2'}}}}}"), 200);
    while (!sbx_controllers_settle(w->controllers, 1))
        assert_true(count(api, "", "pods", "web") >= 2);
    assert_string_not_equal(field(api, SET, "/status/currentRevision"), before);
    assert_string_equal(field(api, SET, "/status/updatedReplicas"), "3");
    assert_int_equal(merge(api, SET, "{'spec':{'replicas':1}}"), 200);
    settle(w);
    assert_true(is_there(api, "", "pods", "web", "db-0"));
    assert_int_equal(count(api, "", "pods", "web"), 1);
    assert_int_equal(count(api, "", "persistentvolumeclaims", "web"), 3);
    assert_int_equal(drop(api, "", "persistentvolumeclaims", "web", "data-db-0", ""), 200);
    settle(w);
    assert_true(is_there(api, "", "persistentvolumeclaims", "web", "data-db-0"));
    assert_int_equal(merge(api, SET, "{'spec':{'replicas':0}}"), 200);
    settle(w);
    assert_false(is_there(api, "", "persistentvolumeclaims", "web", "data-db-0"));
    assert_int_equal(count(api, "", "persistentvolumes", NULL), 2);
}

static void daemon_set_runs_on_the_node(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_web(api);
    make(api, "apps", "daemonsets", "web",
         "{'metadata':{'name':'agent'},'spec':{" SELECTOR POD_TEMPLATE("agent:v1") "}}");
    settle(w);
    assert_string_equal(field(api, "apps", "daemonsets", "web", "agent", "/status/numberAvailable"),
                        "1");
    assert_int_equal(merge(api, "apps", "daemonsets", "web", "agent",
                           "{'spec':{'template':{'metadata':{'annotations':{'v':'2'}}}}}"),
                     200);
    settle(w);
    assert_string_equal(
        field(api, "apps", "daemonsets", "web", "agent", "/status/updatedNumberScheduled"), "1");
    assert_int_equal(count(api, "", "pods", "web"), 1);
}

#define JOB "batch", "jobs", "web", "load"
#define JOB_SPEC(image, more)                                                                      \
    "{'metadata':{'name':'load'},'spec':{" more                                                    \
    "'template':{'spec':{'restartPolicy':'Never','containers':[{'name':'a','image':'" image        \
    "'}]}}}}"

static void job_waits_while_suspended_then_completes(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_web(api);
    make(api, "batch", "jobs", "web", JOB_SPEC("load:v1", "'suspend':true,"));
    settle(w);
    assert_int_equal(count(api, "", "pods", "web"), 0);
    assert_string_equal(condition(api, JOB, "Suspended"), "True JobSuspended");
    assert_int_equal(merge(api, JOB, "{'spec':{'suspend':false}}"), 200);
    settle(w);
    assert_string_equal(condition(api, JOB, "Complete"), "True CompletionsReached");
    assert_string_equal(field(api, JOB, "/status/succeeded"), "1");
    assert_string_equal(field(api, JOB, "/status/active"), "");
}

static void job_that_crashes_fails(void **state)
{
    struct test_world *w = *state;
    make_web(w->apis[0]);
    make(w->apis[0], "batch", "jobs", "web", JOB_SPEC("load:crash", "'backoffLimit':1,"));
    settle(w);
    assert_string_equal(condition(w->apis[0], JOB, "Failed"), "True BackoffLimitExceeded");
    assert_string_equal(field(w->apis[0], JOB, "/status/failed"), "2");
}

static void claim_waits_for_its_first_pod_when_its_class_says_so(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_web(api);
    make(api, "storage.k8s.io", "storageclasses", NULL,
         "{'metadata':{'name':'late'},'provisioner':'sandbox',"
         "'volumeBindingMode':'WaitForFirstConsumer'}");
    make(api, "", "persistentvolumeclaims", "web",
         "{'metadata':{'name':'data'},'spec':{'storageClassName':'late','accessModes':["
         "'ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}}");
    settle(w);
    assert_string_equal(field(api, "", "persistentvolumeclaims", "web", "data", "/status/phase"),
                        "Pending");
    make(api, "", "pods", "web",
         "{'metadata':{'name':'one'},'spec':{'containers':[{'name':'a','image':'a:v1'}],"
         "'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'data'}}]}}");
    settle(w);
    assert_string_equal(field(api, "", "persistentvolumeclaims", "web", "data", "/status/phase"),
                        "Bound");
    assert_string_equal(field(api, "", "pods", "web", "one", "/status/phase"), "Running");
    assert_string_equal(condition(api, "", "pods", "web", "one", "Ready"), "True ");
}

static void pod_that_no_node_takes_stays_pending(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_web(api);
    make(api, "", "pods", "web",
         "{'metadata':{'name':'one'},'spec':{'nodeSelector':{'disk':'fast'},"
         "'containers':[{'name':'a','image':'a:v1'}]}}");
    settle(w);
    assert_string_equal(condition(api, "", "pods", "web", "one", "PodScheduled"),
                        "False Unschedulable");
    assert_string_equal(field(api, "", "pods", "web", "one", "/spec/nodeName"), "");
    assert_int_equal(
        merge(api, "", "nodes", NULL, "node-1", "{'metadata':{'labels':{'disk':'fast'}}}"), 200);
    settle(w);
    assert_string_equal(condition(api, "", "pods", "web", "one", "Ready"), "True ");
}

static void autoscaler_keeps_its_bounds(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 1);
    make(api, "autoscaling", "horizontalpodautoscalers", "web",
         "{'metadata':{'name':'echo'},'spec':{'minReplicas':2,'maxReplicas':4,"
         "'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment','name':'echo'}}}");
    settle(w);
    assert_string_equal(field(api, "apps", "deployments", "web", "echo", "/status/readyReplicas"),
                        "2");
    assert_string_equal(field(api, "autoscaling", "horizontalpodautoscalers", "web", "echo",
                              "/status/currentReplicas"),
                        "2");
    assert_int_equal(merge(api, "apps", "deployments", "web", "echo", "{'spec':{'replicas':0}}"),
                     200);
    settle(w);
    assert_int_equal(count(api, "", "pods", "web"), 0);
    assert_string_equal(
        condition(api, "autoscaling", "horizontalpodautoscalers", "web", "echo", "ScalingActive"),
        "False ScalingDisabled");
}

static void budget_counts_what_may_go(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 3);
    make(api, "policy", "poddisruptionbudgets", "web",
         "{'metadata':{'name':'echo'},'spec':{" SELECTOR "'minAvailable':'50%'}}");
    settle(w);
    assert_string_equal(
        field(api, "policy", "poddisruptionbudgets", "web", "echo", "/status/expectedPods"), "3");
    assert_string_equal(
        field(api, "policy", "poddisruptionbudgets", "web", "echo", "/status/desiredHealthy"), "2");
    assert_string_equal(
        field(api, "policy", "poddisruptionbudgets", "web", "echo", "/status/disruptionsAllowed"),
        "1");
}

static void route_gets_a_status_for_each_generation(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    static const char *const first = "/status/parents/0/conditions/0/observedGeneration";
    make_echo(api, "web", 1);
    make(api, "gateway.networking.k8s.io", "httproutes", "web",
         "{'metadata':{'name':'echo'},'spec':{'parentRefs':[{'name':'main'}],'rules':[{"
         "'backendRefs':[{'name':'echo','port':80}]}]}}");
    settle(w);
    assert_string_equal(field(api, "gateway.networking.k8s.io", "httproutes", "web", "echo", first),
                        "1");
    assert_int_equal(merge(api, "gateway.networking.k8s.io", "httproutes", "web", "echo",
                           "{'spec':{'rules':[{'backendRefs':[{'name':'gone','port':80}]}]}}"),
                     200);
    settle(w);
    assert_string_equal(field(api, "gateway.networking.k8s.io", "httproutes", "web", "echo", first),
                        "2");
    assert_string_equal(field(api, "gateway.networking.k8s.io", "httproutes", "web", "echo",
                              "/status/parents/0/conditions/1/reason"),
                        "BackendNotFound");
    make(api, "", "services", "web", "{'metadata':{'name':'gone'},'spec':{'ports':[{'port':80}]}}");
    settle(w);
    assert_string_equal(field(api, "gateway.networking.k8s.io", "httproutes", "web", "echo",
                              "/status/parents/0/conditions/1/status"),
                        "True");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(stateful_set_is_made_in_order_with_claims),
        CASE(stateful_set_is_renewed_and_shrinks_from_the_top),
        CASE(daemon_set_runs_on_the_node),
        CASE(job_waits_while_suspended_then_completes),
        CASE(job_that_crashes_fails),
        CASE(claim_waits_for_its_first_pod_when_its_class_says_so),
        CASE(pod_that_no_node_takes_stays_pending),
        CASE(autoscaler_keeps_its_bounds),
        CASE(budget_counts_what_may_go),
        CASE(route_gets_a_status_for_each_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
