/* SPDX-License-Identifier: Apache-2.0 */
/* Proves a template's way through the control plane: claimed, placed, dispatched, overridden,
 * reported, moved, let go; and what a conflict, drift, suspension and a foreign scheduler change. */
#include "tests/unit/deploy-sandbox/karmada_world.h"

#define RB(pointer) KM_G_WORK, "resourcebindings", "s", "web-deployment", pointer
#define PP          KM_G_POLICY, "propagationpolicies", "s"
#define DEP         "apps", "deployments", "s", "web"
#define HEALTH(i)   "/status/aggregatedStatus/" #i "/health"
#define KEPT        "/metadata/annotations/work.karmada.io~1conflict-resolution"
#define MANAGED     "/metadata/labels/karmada.io~1managed"

static void set_up_web(struct plane_world *w, const char *more, const char *clusters)
{
    make(w->hub, "", "namespaces", NULL, "{'metadata':{'name':'s'}}");
    make(w->hub, "apps", "deployments", "s", WEB);
    cf_autofree char *policy = cf_xasprintf("{'metadata':{'name':'p'},'spec':{" SELECTS_WEB "%s%s,"
                                            "'placement':{'clusterAffinity':{'clusterNames':[%s]}}"
                                            "}}",
                                            *more ? "," : "", more, clusters);
    make(w->hub, PP, policy);
}

static void place(struct plane_world *w, const char *clusters)
{
    cf_autofree char *patch =
        cf_xasprintf("{'spec':{'placement':{'clusterAffinity':{'clusterNames':[%s]}}}}", clusters);
    assert_int_equal(merge(w->hub, PP, "p", patch), 200);
}

/* The Work of `web` in a cluster, or NULL. New reference. */
static json_t *work_of(struct plane_world *w, const char *cluster)
{
    cf_autofree char *space = cf_xasprintf(KM_SPACE_PREFIX "%s", cluster);
    cf_autojson json_t *all = sbx_api_all(w->hub, KM_G_WORK, "works", space);
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one)
    {
        if (strncmp(cf_json_str(one, "", "metadata", "name", NULL), "web-", 4) == 0)
            return json_incref(one);
    }
    return NULL;
}

static void until_no_work(struct plane_world *w, const char *cluster)
{
    int64_t end = cf_mono_now_ms() + UNTIL_MS;
    for (;;) {
        cf_autojson json_t *work = work_of(w, cluster);
        if (!work)
            return;
        if (cf_mono_now_ms() > end)
            fail_msg("the Work in %s is still there", cluster);
        cf_sleep_ms(&cf_clock_real, 2);
    }
}

static void test_a_template_becomes_pods_in_its_cluster(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "", "'east'");
    until_field(w->hub, RB(HEALTH(0)), "Healthy");
    static const char *const expected[][2] = {
        { "/spec/clusters", "[{\"name\":\"east\",\"replicas\":2}]" },
        { "/metadata/annotations/propagationpolicy.karmada.io~1name", "p" },
        { "/metadata/generation", "2" },
        { "/status/schedulerObservedGeneration", "2" },
        { "/status/aggregatedStatus/0/applied", "true" },
        { "/status/aggregatedStatus/0/status/resourceTemplateGeneration", "2" },
        { "/status/conditions/0/reason", "Success" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(expected); i++)
        assert_string_equal(field(w->hub, RB(expected[i][0])), expected[i][1]);
    assert_string_equal(
        condition(w->hub, KM_G_WORK, "resourcebindings", "s", "web-deployment", "FullyApplied"),
        "True FullyAppliedSuccess");
    assert_string_equal(field(w->east, DEP, MANAGED), "true");
    assert_false(is_there(w->west, DEP));
    until_field(w->hub, DEP, "/status/readyReplicas", "2");
}

static void test_one_step_deletes_before_it_creates(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "", "'east'");
    until_field(w->hub, RB(HEALTH(0)), "Healthy");
    cf_autojson json_t *before = work_of(w, "east");
    place(w, "'west'");
    until_field(w->hub, RB("/status/aggregatedStatus/0/clusterName"), "west");
    until_gone(w->east, DEP);
    cf_autojson json_t *after = work_of(w, "west");
    assert_string_equal(cf_json_str(before, "", "metadata", "name", NULL),
                        cf_json_str(after, "", "metadata", "name", NULL));
}

static void test_a_preserved_object_stays_without_marks(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "'preserveResourcesOnDeletion':true", "'east','west'");
    until_field(w->hub, RB(HEALTH(0)), "Healthy");
    until_field(w->hub, RB(HEALTH(1)), "Healthy");
    char uid[64];
    snprintf(uid, sizeof(uid), "%.63s", field(w->east, DEP, "/metadata/uid"));
    place(w, "'west'");
    until_field(w->hub, RB("/status/aggregatedStatus/0/clusterName"), "west");
    until_no_work(w, "east");
    assert_string_equal(field(w->east, DEP, "/metadata/uid"), uid);
    assert_string_equal(field(w->east, DEP, "/metadata/labels"), "");
    assert_string_equal(field(w->east, DEP, KEPT), "abort");
}

static void race(struct plane_world *w, int64_t outcome)
{
    throw_switch(w, NULL, "preserveRace", outcome);
    set_up_web(w, "", "'east','west'");
    until_field(w->hub, RB(HEALTH(1)), "Healthy");
    assert_int_equal(merge(w->hub, PP, "p",
                           "{'spec':{'preserveResourcesOnDeletion':true,'placement':{"
                           "'clusterAffinity':{'clusterNames':['west']}}}}"),
                     200);
    until_field(w->hub, RB("/status/aggregatedStatus/0/clusterName"), "west");
    until_no_work(w, "east");
    assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
}

static void test_preserve_and_shrink_at_once_may_keep(void **state)
{
    struct plane_world *w = *state;
    race(w, 1);
    assert_true(is_there(w->east, DEP));
}

static void test_preserve_and_shrink_at_once_may_delete(void **state)
{
    struct plane_world *w = *state;
    race(w, 2);
    until_gone(w->east, DEP);
}

static void test_a_deleted_policy_deletes_nothing(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "", "'east'");
    until_field(w->hub, RB(HEALTH(0)), "Healthy");
    assert_int_equal(drop(w->hub, PP, "p", ""), 200);
    until_gone(w->hub, PP, "p");
    assert_string_equal(
        field(w->hub, RB("/metadata/annotations/propagationpolicy.karmada.io~1name")), "");
    assert_string_equal(field(w->hub, DEP, "/metadata/labels"), "");
    assert_int_equal(merge(w->hub, DEP, "{'spec':{'replicas':5}}"), 200);
    assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
    assert_string_equal(field(w->east, DEP, "/spec/replicas"), "2");
}

static void test_the_next_policy_takes_over(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "", "'east'");
    until_field(w->hub, RB(HEALTH(0)), "Healthy");
    make(w->hub, PP, "{'metadata':{'name':'q'},'spec':{" SELECTS_WEB "," PLACED("'west'") "}}");
    assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
    assert_string_equal(
        field(w->hub, RB("/metadata/annotations/propagationpolicy.karmada.io~1name")), "p");
    assert_int_equal(drop(w->hub, PP, "p", ""), 200);
    until_field(w->hub, RB("/spec/clusters/0/name"), "west");
    until_gone(w->east, DEP);
}

static void test_strangers_are_not_overwritten(void **state)
{
    struct plane_world *w = *state;
    make(w->west, "", "namespaces", NULL, "{'metadata':{'name':'s'}}");
    make(w->west, "apps", "deployments", "s",
         "{'metadata':{'name':'web','labels':{'own':'yes'}},'spec':{'replicas':1," SELECTOR
             POD_TEMPLATE("echo:v1") "}}");
    set_up_web(w, "", "'west'");
    until_field(w->hub, RB("/status/aggregatedStatus/0/appliedMessage"),
                "Failed to apply all manifests (0/1): resource(kind=Deployment, s/web) already "
                "exists in the cluster west and the work.karmada.io/conflict-resolution strategy "
                "value is empty, Karmada will not manage this resource");
    assert_string_equal(field(w->hub, RB("/status/aggregatedStatus/0/applied")), "");
    char uid[64];
    snprintf(uid, sizeof(uid), "%.63s", field(w->west, DEP, "/metadata/uid"));
    assert_int_equal(merge(w->hub, PP, "p", "{'spec':{'conflictResolution':'Overwrite'}}"), 200);
    until_field(w->hub, RB(HEALTH(0)), "Healthy");
    assert_string_equal(field(w->west, DEP, "/metadata/uid"), uid);
    assert_string_equal(field(w->west, DEP, "/metadata/labels/own"), "yes");
    assert_string_equal(field(w->west, DEP, "/spec/replicas"), "2");
}

static void test_drift_is_repaired(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "", "'east'");
    until_field(w->hub, RB(HEALTH(0)), "Healthy");
    assert_int_equal(merge(w->east, DEP, "{'spec':{'replicas':7}}"), 200);
    until_field(w->east, DEP, "/spec/replicas", "2");
    assert_int_equal(drop(w->east, DEP, ""), 200);
    until_field(w->east, DEP, "/spec/replicas", "2");
}

static void test_suspended_works_wait_and_still_end(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "'suspension':{'dispatching':true}", "'east'");
    until_field(w->hub, RB(HEALTH(0)), "Unknown");
    cf_autojson json_t *work = work_of(w, "east");
    assert_true(cf_json_bool(work, false, "spec", "suspendDispatching", NULL));
    assert_false(is_there(w->east, DEP));
    assert_int_equal(merge(w->hub, PP, "p", "{'spec':{'suspension':null}}"), 200);
    until_field(w->hub, RB(HEALTH(0)), "Healthy");
    assert_int_equal(merge(w->hub, PP, "p", "{'spec':{'suspension':{'dispatching':true}}}"), 200);
    place(w, "'west'");
    until_gone(w->east, DEP);
    assert_false(is_there(w->west, DEP));
}

static void test_a_preserved_work_whose_object_is_gone_hangs(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "'preserveResourcesOnDeletion':true", "'east','west'");
    until_field(w->hub, RB(HEALTH(1)), "Healthy");
    assert_int_equal(merge(w->hub, PP, "p", "{'spec':{'suspension':{'dispatching':true}}}"), 200);
    assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
    assert_int_equal(drop(w->east, DEP, ""), 200);
    place(w, "'west'");
    until_field(w->hub, RB("/spec/clusters"), "[{\"name\":\"west\",\"replicas\":2}]");
    cf_autojson json_t *work = NULL;
    for (int64_t end = cf_mono_now_ms() + UNTIL_MS;
         !cf_json_at(work, "metadata", "deletionTimestamp", NULL);) {
        assert_true(cf_mono_now_ms() < end);
        json_decref(work);
        work = work_of(w, "east");
    }
    const char *name = cf_json_str(work, "", "metadata", "name", NULL);
    cf_sleep_ms(&cf_clock_real, 100);
    assert_true(is_there(w->hub, KM_G_WORK, "works", KM_SPACE_PREFIX "east", name));
    assert_string_equal(field(w->hub, RB("/status/aggregatedStatus/0/clusterName")), "east");
    assert_int_equal(merge(w->hub, KM_G_WORK, "works", KM_SPACE_PREFIX "east", name,
                           "{'metadata':{'finalizers':null}}"),
                     200);
    until_field(w->hub, RB("/status/aggregatedStatus/0/clusterName"), "west");
}

static void test_a_client_may_schedule(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "'schedulerName':'crossfade'", "'east','west'");
    until_field(w->hub, RB("/spec/schedulerName"), "crossfade");
    assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
    assert_string_equal(field(w->hub, RB("/spec/clusters")), "");
    assert_string_equal(field(w->hub, RB("/status")), "");
    assert_int_equal(merge(w->hub, KM_G_WORK, "resourcebindings", "s", "web-deployment",
                           "{'spec':{'clusters':[{'name':'west','replicas':2}]}}"),
                     200);
    until_field(w->hub, RB(HEALTH(0)), "Healthy");
    assert_string_equal(field(w->hub, RB("/status/schedulerObservedGeneration")), "");
    assert_false(is_there(w->east, DEP));
}

static void test_overrides_are_one_clusters(void **state)
{
    struct plane_world *w = *state;
    set_up_web(w, "", "'east','west'");
    make(w->hub, KM_G_POLICY, "overridepolicies", "s",
         "{'metadata':{'name':'o'},'spec':{" SELECTS_WEB ",'overrideRules':[{'targetCluster':{"
         "'clusterNames':['west']},'overriders':{'plaintext':[{'path':'/spec/replicas','operator':"
         "'replace','value':1}],'imageOverrider':[{'component':'Tag','operator':'replace','value':"
         "'v2'}],'labelsOverrider':[{'operator':'add','value':{'side':'west'}}]}}]}}");
    until_field(w->west, DEP, "/spec/template/spec/containers/0/image", "echo:v2");
    until_field(w->west, DEP, "/metadata/labels/side", "west");
    assert_string_equal(field(w->west, DEP, "/spec/replicas"), "1");
    until_field(w->east, DEP, "/spec/replicas", "2");
    assert_string_equal(field(w->east, DEP, "/spec/template/spec/containers/0/image"), "echo:v1");
    assert_int_equal(drop(w->hub, KM_G_POLICY, "overridepolicies", "s", "o", ""), 200);
    until_field(w->west, DEP, "/metadata/labels/side", "");
}

static void test_namespaces_go_everywhere_unless_they_say_no(void **state)
{
    struct plane_world *w = *state;
    make(w->hub, "", "namespaces", NULL, "{'metadata':{'name':'all'}}");
    make(w->hub, "", "namespaces", NULL,
         "{'metadata':{'name':'none','labels':{'" KM_SKIP_NAMESPACE "':'true'}}}");
    until_field(w->east, "", "namespaces", NULL, "all", MANAGED, "true");
    until_field(w->west, "", "namespaces", NULL, "all", MANAGED, "true");
    assert_false(is_there(w->east, "", "namespaces", NULL, "none"));
    assert_int_equal(drop(w->hub, "", "namespaces", NULL, "all", ""), 200);
    until_gone(w->hub, "", "namespaces", NULL, "all");
    until_gone(w->east, "", "namespaces", NULL, "all");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, plane_up, plane_down)
    const struct CMUnitTest tests[] = {
        T(test_a_template_becomes_pods_in_its_cluster),
        T(test_one_step_deletes_before_it_creates),
        T(test_a_preserved_object_stays_without_marks),
        T(test_preserve_and_shrink_at_once_may_keep),
        T(test_preserve_and_shrink_at_once_may_delete),
        T(test_a_deleted_policy_deletes_nothing),
        T(test_the_next_policy_takes_over),
        T(test_strangers_are_not_overwritten),
        T(test_drift_is_repaired),
        T(test_suspended_works_wait_and_still_end),
        T(test_a_preserved_work_whose_object_is_gone_hangs),
        T(test_a_client_may_schedule),
        T(test_overrides_are_one_clusters),
        T(test_namespaces_go_everywhere_unless_they_say_no),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
