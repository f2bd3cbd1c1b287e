/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the control plane's faults: what each switch does while it is thrown, and that all is well
 * again afterwards. */
#include "tests/unit/deploy-sandbox/karmada_world.h"

#define RB(pointer)   KM_G_WORK, "resourcebindings", "s", "settings-configmap", pointer
#define PP            KM_G_POLICY, "propagationpolicies", "s"
#define MAP           "", "configmaps", "s", "settings"
#define APPLIED(i)    "/status/aggregatedStatus/" #i "/applied"
#define CLUSTER(name) KM_G_CLUSTER, "clusters", NULL, name

static void place(struct plane_world *w, const char *clusters)
{
    cf_autofree char *patch =
        cf_xasprintf("{'spec':{'placement':{'clusterAffinity':{'clusterNames':[%s]}}}}", clusters);
    assert_int_equal(merge(w->hub, PP, "p", patch), 200);
}

static void set_up_map(struct plane_world *w, const char *clusters)
{
    make(w->hub, "", "namespaces", NULL, "{'metadata':{'name':'s'}}");
    make(w->hub, "", "configmaps", "s", "{'metadata':{'name':'settings'},'data':{'key':'one'}}");
    cf_autofree char *policy = cf_xasprintf(
        "{'metadata':{'name':'p'},'spec':{'resourceSelectors':[{'apiVersion':'v1','kind':"
        "'ConfigMap','name':'settings'}],'placement':{'clusterAffinity':{'clusterNames':[%s]}}}}",
        clusters);
    make(w->hub, PP, policy);
    until_field(w->hub, RB(APPLIED(0)), "true");
}

static void until_condition(struct plane_world *w, const char *cluster, const char *want)
{
    for (int64_t end = cf_mono_now_ms() + UNTIL_MS;
         strcmp(condition(w->hub, CLUSTER(cluster), "Ready"), want) != 0;) {
        if (cf_mono_now_ms() > end)
            fail_msg("%s", condition(w->hub, CLUSTER(cluster), "Ready"));
        cf_sleep_ms(&cf_clock_real, 2);
    }
}

static void quiet(struct plane_world *w)
{
    cf_sleep_ms(&cf_clock_real, 60);
    assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
}

static void test_a_member_that_is_away_turns_not_ready(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east','west'");
    until_field(w->hub, RB(APPLIED(1)), "true");
    throw_switch(w, "west", "unreachable", 1);
    until_condition(w, "west", "False ClusterNotReachable");
    until_field(w->hub, CLUSTER("west"), "/spec/taints/0/key", KM_TAINT_NOT_READY);
    /* the trap: the healthy copy goes, and the binding says that all is well */
    place(w, "'west'");
    until_gone(w->east, MAP);
    quiet(w);
    assert_string_equal(field(w->hub, RB("/status/aggregatedStatus/0/clusterName")), "west");
    assert_string_equal(
        condition(w->hub, KM_G_WORK, "resourcebindings", "s", "settings-configmap", "FullyApplied"),
        "True FullyAppliedSuccess");
    sbx_karmada_heal(w->karmada);
    until_condition(w, "west", "True ClusterReady");
    until_field(w->hub, CLUSTER("west"), "/spec/taints", "");
}

static void test_what_waits_for_a_member_is_done_when_it_is_back(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east','west'");
    until_field(w->hub, RB(APPLIED(1)), "true");
    throw_switch(w, "west", "unreachable", 1);
    until_condition(w, "west", "False ClusterNotReachable");
    place(w, "'east'");
    quiet(w);
    assert_true(is_there(w->west, MAP));
    sbx_karmada_heal(w->karmada);
    until_gone(w->west, MAP);
}

static void test_readiness_can_be_forced(void **state)
{
    struct plane_world *w = *state;
    throw_switch(w, "east", "ready", 2);
    until_condition(w, "east", "Unknown NodeStatusUnknown");
    until_field(w->hub, CLUSTER("east"), "/spec/taints/0/key", KM_TAINT_UNREACHABLE);
    throw_switch(w, "east", "ready", 1);
    until_condition(w, "east", "False ClusterNotReachable");
    throw_switch(w, "east", "ready", 0);
    until_condition(w, "east", "True ClusterReady");
}

static void test_a_paused_scheduler_leaves_bindings_behind(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east'");
    throw_switch(w, NULL, "schedulerPaused", 1);
    place(w, "'east','west'");
    until_field(w->hub, RB("/metadata/generation"), "3");
    quiet(w);
    assert_string_equal(field(w->hub, RB("/status/schedulerObservedGeneration")), "2");
    assert_string_equal(field(w->hub, RB("/spec/clusters")), "[{\"name\":\"east\"}]");
    throw_switch(w, NULL, "schedulerPaused", 0);
    until_field(w->hub, RB(APPLIED(1)), "true");
}

static void test_paused_controllers_hear_of_nothing(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east'");
    throw_switch(w, NULL, "controllersPaused", 1);
    place(w, "'west'");
    quiet(w);
    assert_string_equal(field(w->hub, RB("/metadata/generation")), "2");
    throw_switch(w, NULL, "controllersPaused", 0);
    until_gone(w->east, MAP);
    until_field(w->west, MAP, "/data/key", "one");
}

static void test_refused_writes_show_and_pass(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east'");
    throw_switch(w, "east", "applyFails", -1);
    until_field(w->hub, RB("/status/aggregatedStatus/0/appliedMessage"),
                "Failed to apply all manifests (0/1): Internal error occurred: a fault was asked "
                "for");
    assert_string_equal(field(w->hub, RB(APPLIED(0))), "");
    throw_switch(w, "east", "applyFails", 0);
    until_field(w->hub, RB(APPLIED(0)), "true");
}

static void test_a_frozen_status_goes_on_saying_what_it_said(void **state)
{
    struct plane_world *w = *state;
    make(w->hub, "", "namespaces", NULL, "{'metadata':{'name':'s'}}");
    make(w->hub, "apps", "deployments", "s", WEB);
    make(w->hub, PP, "{'metadata':{'name':'p'},'spec':{" SELECTS_WEB "," PLACED("'east'") "}}");
    until_field(w->hub, KM_G_WORK, "resourcebindings", "s", "web-deployment",
                "/status/aggregatedStatus/0/health", "Healthy");
    throw_switch(w, "east", "statusFrozen", 1);
    assert_int_equal(merge(w->hub, "apps", "deployments", "s", "web",
                           "{'spec':{'template':{'spec':{'containers':[{'name':'echo','image':"
                           "'echo:failing'}]}}}}"),
                     200);
    until_field(w->east, "apps", "deployments", "s", "web",
                "/spec/template/spec/containers/0/image", "echo:failing");
    quiet(w);
    assert_string_equal(field(w->hub, KM_G_WORK, "resourcebindings", "s", "web-deployment",
                              "/status/aggregatedStatus/0/health"),
                        "Healthy");
    throw_switch(w, "east", "statusFrozen", 0);
    until_field(w->hub, KM_G_WORK, "resourcebindings", "s", "web-deployment",
                "/status/aggregatedStatus/0/health", "Unhealthy");
}

static void test_writes_of_bindings_can_be_refused(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east'");
    static const char path[] = "/apis/work.karmada.io/v1alpha2/namespaces/s/resourcebindings/"
                               "settings-configmap";
    static const char patch[] = "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}";
    char text[512];
    throw_switch(w, NULL, "bindingConflicts", 1);
    assert_int_equal(ask_hub(w, "PATCH", path, patch, text), 409);
    assert_int_equal(ask_hub(w, "PATCH", path, patch, text), 200);
    throw_switch(w, NULL, "bindingsDenied", 1);
    assert_int_equal(ask_hub(w, "PATCH", path, patch, text), 403);
    sbx_karmada_heal(w->karmada);
    assert_int_equal(ask_hub(w, "PATCH", path, patch, text), 200);
}

static void test_nothing_that_fits_wipes(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east'");
    place(w, "'nowhere'");
    until_gone(w->east, MAP);
    until_field(w->hub, RB("/spec/clusters"), "");
    assert_string_equal(
        condition(w->hub, KM_G_WORK, "resourcebindings", "s", "settings-configmap", "Scheduled"),
        "False NoClusterFit");
    assert_string_equal(field(w->hub, RB("/status/schedulerObservedGeneration")), "2");
}

static void test_drift_is_repaired_without_the_hub(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east'");
    quiet(w);
    throw_switch(w, NULL, "away", 1);
    assert_int_equal(merge(w->east, MAP, "{'data':{'key':'by hand'}}"), 200);
    until_field(w->east, MAP, "/data/key", "one");
}

static void test_taints_evict_who_does_not_tolerate_them(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east','west'");
    until_field(w->hub, RB(APPLIED(1)), "true");
    assert_int_equal(
        merge(w->hub, CLUSTER("west"), "{'spec':{'taints':[{'key':'t','effect':'NoExecute'}]}}"),
        200);
    until_gone(w->west, MAP);
    until_field(w->hub, RB("/spec/gracefulEvictionTasks"), "");
    assert_string_equal(field(w->hub, RB("/spec/clusters")), "[{\"name\":\"east\"}]");
    assert_int_equal(merge(w->hub, CLUSTER("west"), "{'spec':{'taints':null}}"), 200);
    until_field(w->west, MAP, "/data/key", "one");
}

static void test_a_task_that_suppresses_deletion_holds(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east','west'");
    until_field(w->hub, RB(APPLIED(1)), "true");
    assert_int_equal(merge(w->hub, KM_G_WORK, "resourcebindings", "s", "settings-configmap",
                           "{'spec':{'clusters':[{'name':'west'}],'gracefulEvictionTasks':[{"
                           "'fromCluster':'east','purgeMode':'Gracefully','reason':'r','producer':"
                           "'test','suppressDeletion':true}]}}"),
                     200);
    quiet(w);
    assert_true(is_there(w->east, MAP));
    assert_string_equal(field(w->hub, RB("/spec/clusters")), "[{\"name\":\"west\"}]");
    place(w, "'west'");
    quiet(w);
    assert_int_equal(merge(w->hub, KM_G_WORK, "resourcebindings", "s", "settings-configmap",
                           "{'spec':{'gracefulEvictionTasks':null}}"),
                     200);
    until_gone(w->east, MAP);
}

static void test_a_cluster_that_leaves_takes_its_namespaces(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east','west'");
    until_field(w->hub, RB(APPLIED(1)), "true");
    assert_int_equal(drop(w->hub, CLUSTER("west"), ""), 200);
    until_gone(w->hub, CLUSTER("west"));
    until_gone(w->west, "", "namespaces", NULL, "s");
    assert_true(is_there(w->east, MAP));
}

static void test_the_cluster_api_and_its_proxy(void **state)
{
    struct plane_world *w = *state;
    static const char clusters[] = "/apis/cluster.karmada.io/v1alpha1/clusters",
                      proxy[] = "/apis/cluster.karmada.io/v1alpha1/clusters/east/proxy/api/v1/"
                                "namespaces/default";
    char text[512];
    throw_switch(w, NULL, "aggregatedDown", 1);
    assert_int_equal(ask_hub(w, "GET", clusters, "", text), 503);
    throw_switch(w, NULL, "aggregatedDown", 0);
    assert_int_equal(ask_hub(w, "GET", clusters, "", text), 200);
    assert_int_equal(ask_hub(w, "GET", proxy, "", text), 403);
    make(w->hub, "rbac.authorization.k8s.io", "clusterroles", NULL,
         "{'metadata':{'name':'proxy'},'rules':[{'apiGroups':['cluster.karmada.io'],'resources':["
         "'clusters/proxy'],'verbs':['*']}]}");
    make(w->hub, "rbac.authorization.k8s.io", "clusterrolebindings", NULL,
         "{'metadata':{'name':'proxy'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':"
         "'ClusterRole','name':'proxy'},'subjects':[{'kind':'User','name':'tester'}]}");
    assert_int_equal(ask_hub(w, "GET", proxy, "", text), 200);
    throw_switch(w, NULL, "proxyStatus", 502);
    assert_int_equal(ask_hub(w, "GET", proxy, "", text), 502);
}

static void test_the_hubs_clock_may_be_ahead(void **state)
{
    struct plane_world *w = *state;
    throw_switch(w, NULL, "clockAheadMs", 86400000);
    make(w->hub, "", "configmaps", "default", "{'metadata':{'name':'later'}}");
    make(w->east, "", "configmaps", "default", "{'metadata':{'name':'now'}}");
    int64_t later, now;
    assert_true(cf_time_parse(
        field(w->hub, "", "configmaps", "default", "later", "/metadata/creationTimestamp"),
        &later));
    assert_true(cf_time_parse(
        field(w->east, "", "configmaps", "default", "now", "/metadata/creationTimestamp"), &now));
    assert_true(later - now > 86000000);
}

static void test_a_world_that_is_wiped_begins_anew(void **state)
{
    struct plane_world *w = *state;
    set_up_map(w, "'east'");
    sbx_karmada_hold(w->karmada);
    sbx_api_wipe(w->hub);
    sbx_api_wipe(w->east);
    sbx_api_wipe(w->west);
    sbx_karmada_release(w->karmada);
    until_condition(w, "east", "True ClusterReady");
    assert_false(is_there(w->east, MAP));
    set_up_map(w, "'west'");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, plane_up, plane_down)
    const struct CMUnitTest tests[] = {
        T(test_a_member_that_is_away_turns_not_ready),
        T(test_what_waits_for_a_member_is_done_when_it_is_back),
        T(test_readiness_can_be_forced),
        T(test_a_paused_scheduler_leaves_bindings_behind),
        T(test_paused_controllers_hear_of_nothing),
        T(test_refused_writes_show_and_pass),
        T(test_a_frozen_status_goes_on_saying_what_it_said),
        T(test_writes_of_bindings_can_be_refused),
        T(test_nothing_that_fits_wipes),
        T(test_drift_is_repaired_without_the_hub),
        T(test_taints_evict_who_does_not_tolerate_them),
        T(test_a_task_that_suppresses_deletion_holds),
        T(test_a_cluster_that_leaves_takes_its_namespaces),
        T(test_the_cluster_api_and_its_proxy),
        T(test_the_hubs_clock_may_be_ahead),
        T(test_a_world_that_is_wiped_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
