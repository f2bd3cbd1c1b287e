/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the controllers, on the real API server core, bring Deployments, Services and
 * Namespaces where they should be, keep what a roll promises all the way, and then stand still. */
#include "tests/unit/deploy-sandbox/controllers_world.h"

#define DEPLOY "apps", "deployments", "web", "echo"

static void deployment_becomes_ready_pods_and_endpoints(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 3);
    settle(w);
    assert_string_equal(field(api, DEPLOY, "/status/readyReplicas"), "3");
    assert_string_equal(field(api, DEPLOY, "/status/observedGeneration"), "1");
    assert_string_equal(condition(api, DEPLOY, "Available"), "True MinimumReplicasAvailable");
    assert_string_equal(condition(api, DEPLOY, "Progressing"), "True NewReplicaSetAvailable");
    struct endpoints e = endpoints_of(api, "web", "echo");
    assert_int_equal(e.ready, 3);
    assert_string_equal(e.port, "8080");
    cf_autojson json_t *pods = sbx_api_all(api, "", "pods", "web");
    assert_int_equal(json_array_size(pods), 3);
    const json_t *pod = json_array_get(pods, 0);
    assert_memory_equal(cf_json_str(pod, "", "status", "podIP", NULL), "127.10.0.", 9);
    assert_string_equal(cf_json_str(pod, "", "status", "phase", NULL), "Running");
    assert_string_equal(
        cf_json_str(json_array_get(cf_json_at(pod, "metadata", "ownerReferences", NULL), 0), "",
                    "kind", NULL),
        "ReplicaSet");
    assert_int_equal(strlen(cf_json_str(pod, "", "metadata", "name", NULL)),
                     strlen("echo-") + 10 + 6);
}

static void clusters_have_addresses_of_their_own(void **state)
{
    struct test_world *w = *state;
    make_echo(w->apis[1], "web", 1);
    settle(w);
    cf_autojson json_t *pods = sbx_api_all(w->apis[1], "", "pods", "web");
    assert_string_equal(cf_json_str(json_array_get(pods, 0), "", "status", "podIP", NULL),
                        "127.11.0.1");
}

static void nothing_moves_once_settled(void **state)
{
    struct test_world *w = *state;
    make_echo(w->apis[0], "web", 2);
    settle(w);
    int64_t version = sbx_api_version(w->apis[0]);
    cf_sleep_ms(&cf_clock_real, 120);
    assert_int_equal(sbx_api_version(w->apis[0]), version);
}

static long newest_revision(struct sbx_api *api)
{
    long newest = 0;
    cf_autojson json_t *sets = sbx_api_all(api, "apps", "replicasets", "web");
    size_t i;
    json_t *rs;
    json_array_foreach(sets, i, rs)
    {
        const char *text = cf_json_str(rs, "0", "metadata", "annotations",
                                       "deployment.kubernetes.io/revision", NULL);
        newest = CF_MAX(newest, strtol(text, NULL, 10));
    }
    return newest;
}

/* Until settled, and for each look: at least `least` ready endpoints. */
static void settle_keeping(struct test_world *w, int least)
{
    while (!sbx_controllers_settle(w->controllers, 1))
        assert_true(endpoints_of(w->apis[0], "web", "echo").ready >= least);
    assert_true(endpoints_of(w->apis[0], "web", "echo").ready >= least);
}

static void roll_keeps_all_replicas_ready(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 3);
    settle(w);
    assert_int_equal(
        merge(api, DEPLOY, "{'spec':{'template':{'metadata':{'annotations':{'v':'2'}}}}}"), 200);
    settle_keeping(w, 3);
    assert_string_equal(field(api, DEPLOY, "/status/updatedReplicas"), "3");
    assert_string_equal(field(api, DEPLOY, "/status/replicas"), "3");
    assert_int_equal(newest_revision(api), 2);
    assert_int_equal(count(api, "apps", "replicasets", "web"), 2);
    assert_int_equal(count(api, "", "pods", "web"), 3);
    assert_int_equal(merge(api, DEPLOY, "{'spec':{'template':{'metadata':{'annotations':null}}}}"),
                     200);
    settle_keeping(w, 3);
    assert_int_equal(newest_revision(api), 3);
    assert_int_equal(count(api, "apps", "replicasets", "web"), 2);
}

static void recreate_ends_the_old_first(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 2);
    settle(w);
    assert_int_equal(merge(api, DEPLOY,
                           "{'spec':{'strategy':{'type':'Recreate','rollingUpdate':null},"
                           "'template':{'metadata':{'annotations':{'v':'2'}}}}}"),
                     200);
    int most = 0;
    while (!sbx_controllers_settle(w->controllers, 1))
        most = CF_MAX(most, (int)count(api, "", "pods", "web"));
    assert_int_equal(endpoints_of(api, "web", "echo").ready, 2);
    assert_true(most <= 4);
    assert_string_equal(field(api, DEPLOY, "/status/updatedReplicas"), "2");
}

static void pod_that_goes_leaves_endpoints_first(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 2);
    settle(w);
    assert_int_equal(merge(api, DEPLOY, "{'spec':{'replicas':0}}"), 200);
    bool seen = false;
    while (!sbx_controllers_settle(w->controllers, 1)) {
        struct endpoints e = endpoints_of(api, "web", "echo");
        seen = seen || (e.terminating > 0 && e.ready == 0 && count(api, "", "pods", "web") > 0);
    }
    assert_true(seen);
    assert_int_equal(count(api, "", "pods", "web"), 0);
    assert_int_equal(endpoints_of(api, "web", "echo").all, 0);
    assert_string_equal(field(api, DEPLOY, "/status/replicas"), "");
}

/* Slices that another manager added to a Service with selector: they stay as they are, with and
 * without pods of its own, and after it. */
static void slices_of_another_manager_are_left_alone(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    static const char slice[] =
        "{'metadata':{'name':'echo-of-west','labels':{'kubernetes.io/service-name':'echo',"
        "'endpointslice.kubernetes.io/managed-by':'crossfade.dev'}},'addressType':'IPv4',"
        "'endpoints':[{'addresses':['127.11.0.9'],'conditions':{'ready':true},'hostname':'echo-0'}],"
        "'ports':[{'name':'http','port':8080,'protocol':'TCP'}]}";
    make_echo(api, "web", 0);
    make(api, "discovery.k8s.io", "endpointslices", "web", slice);
    settle(w);
    cf_autojson json_t *before =
        sbx_api_one(api, "discovery.k8s.io", "endpointslices", "web", "echo-of-west");
    assert_int_equal(endpoints_of(api, "web", "echo").ready, 1);
    assert_int_equal(merge(api, DEPLOY, "{'spec':{'replicas':2}}"), 200);
    settle(w);
    assert_int_equal(endpoints_of(api, "web", "echo").ready, 3);
    assert_int_equal(merge(api, DEPLOY, "{'spec':{'replicas':0}}"), 200);
    settle(w);
    assert_int_equal(drop(api, "", "services", "web", "echo", ""), 200);
    settle(w);
    assert_int_equal(count(api, "discovery.k8s.io", "endpointslices", "web"), 1);
    cf_autojson json_t *after =
        sbx_api_one(api, "discovery.k8s.io", "endpointslices", "web", "echo-of-west");
    assert_true(json_equal(before, after));
}

static void failing_image_exceeds_the_deadline(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 2);
    settle(w);
    assert_int_equal(merge(api, DEPLOY,
                           "{'spec':{'template':{'spec':{'containers':[{'name':'echo',"
                           "'image':'echo:failing'}]}}}}"),
                     200);
    int64_t until = cf_mono_now_ms() + SETTLE_MS;
    while (strcmp(condition(api, DEPLOY, "Progressing"), "False ProgressDeadlineExceeded") != 0) {
        assert_true(cf_mono_now_ms() < until);
        assert_int_equal(endpoints_of(api, "web", "echo").ready, 2);
        cf_sleep_ms(&cf_clock_real, 5);
    }
    assert_string_equal(condition(api, DEPLOY, "Available"), "True MinimumReplicasAvailable");
}

static void pod_waits_for_what_it_mounts(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 1);
    assert_int_equal(
        merge(api, DEPLOY,
              "{'spec':{'template':{'spec':{'containers':[{'name':'echo','image':'echo:v1',"
              "'envFrom':[{'configMapRef':{'name':'settings'}}]}]}}}}"),
        200);
    settle(w);
    assert_string_equal(field(api, DEPLOY, "/status/updatedReplicas"), "1");
    assert_string_not_equal(condition(api, DEPLOY, "Progressing"), "True NewReplicaSetAvailable");
    make(api, "", "configmaps", "web", "{'metadata':{'name':'settings'},'data':{'a':'b'}}");
    settle(w);
    assert_string_equal(condition(api, DEPLOY, "Progressing"), "True NewReplicaSetAvailable");
}

static void pods_are_not_made_without_their_account(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 1);
    settle(w);
    assert_int_equal(
        merge(api, DEPLOY, "{'spec':{'template':{'spec':{'serviceAccountName':'robot'}}}}"), 200);
    settle(w);
    assert_int_equal(count(api, "", "pods", "web"), 1);
    make(api, "", "serviceaccounts", "web", "{'metadata':{'name':'robot'}}");
    settle(w);
    assert_string_equal(field(api, DEPLOY, "/status/updatedReplicas"), "1");
    assert_string_equal(condition(api, DEPLOY, "Progressing"), "True NewReplicaSetAvailable");
}

static void unknown_owners_are_left_alone(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 0);
    make(api, "", "configmaps", "web",
         "{'metadata':{'name':'of-a-stranger','ownerReferences':[{'apiVersion':'example.com/v1',"
         "'kind':'Widget','name':'w','uid':'01a1fdf6-6795-7d24-91e2-a1361124ec41'}]}}");
    make(api, "", "configmaps", "web",
         "{'metadata':{'name':'of-nobody','ownerReferences':[{'apiVersion':'v1',"
         "'kind':'Secret','name':'s','uid':'01a1fdf6-6795-7d24-91e2-a1361124ec41'}]}}");
    settle(w);
    assert_true(is_there(api, "", "configmaps", "web", "of-a-stranger"));
    assert_false(is_there(api, "", "configmaps", "web", "of-nobody"));
}

static void owners_take_their_own_along(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 2);
    settle(w);
    assert_int_equal(drop(api, DEPLOY, "?propagationPolicy=Foreground"), 200);
    assert_true(is_there(api, DEPLOY));
    settle(w);
    assert_false(is_there(api, DEPLOY));
    assert_int_equal(count(api, "apps", "replicasets", "web"), 0);
    assert_int_equal(count(api, "", "pods", "web"), 0);
    assert_int_equal(drop(api, "", "services", "web", "echo", ""), 200);
    settle(w);
    assert_int_equal(count(api, "discovery.k8s.io", "endpointslices", "web"), 0);
}

static void orphans_stay(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 2);
    settle(w);
    assert_int_equal(drop(api, DEPLOY, "?propagationPolicy=Orphan"), 200);
    settle(w);
    assert_false(is_there(api, DEPLOY));
    assert_int_equal(count(api, "apps", "replicasets", "web"), 1);
    assert_int_equal(count(api, "", "pods", "web"), 2);
}

static void namespace_goes_with_its_content(void **state)
{
    struct test_world *w = *state;
    struct sbx_api *api = w->apis[0];
    make_echo(api, "web", 2);
    make(api, "", "configmaps", "web",
         "{'metadata':{'name':'held','finalizers':['example.com/hold']}}");
    settle(w);
    assert_true(is_there(api, "", "serviceaccounts", "web", "default"));
    assert_true(is_there(api, "", "configmaps", "web", "kube-root-ca.crt"));
    assert_int_equal(drop(api, "", "namespaces", NULL, "web", ""), 200);
    settle(w);
    assert_string_equal(field(api, "", "namespaces", NULL, "web", "/status/phase"), "Terminating");
    assert_int_equal(count(api, "", "pods", "web"), 0);
    assert_string_equal(condition(api, "", "namespaces", NULL, "web", "NamespaceContentRemaining"),
                        "True SomeResourcesRemain");
    assert_int_equal(
        merge(api, "", "configmaps", "web", "held", "{'metadata':{'finalizers':null}}"), 200);
    settle(w);
    assert_false(is_there(api, "", "namespaces", NULL, "web"));
    make_echo(api, "web", 1);
    settle(w);
    assert_int_equal(endpoints_of(api, "web", "echo").ready, 1);
}

static void wiped_cluster_starts_anew(void **state)
{
    struct test_world *w = *state;
    make_echo(w->apis[0], "web", 2);
    settle(w);
    sbx_api_wipe(w->apis[0]);
    settle(w);
    assert_false(is_there(w->apis[0], "", "namespaces", NULL, "web"));
    assert_true(is_there(w->apis[0], "", "serviceaccounts", "default", "default"));
    make_echo(w->apis[0], "web", 1);
    settle(w);
    assert_int_equal(endpoints_of(w->apis[0], "web", "echo").ready, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(deployment_becomes_ready_pods_and_endpoints),
        CASE(clusters_have_addresses_of_their_own),
        CASE(nothing_moves_once_settled),
        CASE(roll_keeps_all_replicas_ready),
        CASE(recreate_ends_the_old_first),
        CASE(pod_that_goes_leaves_endpoints_first),
        CASE(slices_of_another_manager_are_left_alone),
        CASE(failing_image_exceeds_the_deadline),
        CASE(pod_waits_for_what_it_mounts),
        CASE(pods_are_not_made_without_their_account),
        CASE(unknown_owners_are_left_alone),
        CASE(owners_take_their_own_along),
        CASE(orphans_stay),
        CASE(namespace_goes_with_its_content),
        CASE(wiped_cluster_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
