/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the control plane's API: which kinds it serves and members do not, members' Cluster
 * objects, what the webhooks add and refuse, and that a control plane's templates make no pods. */
#include "tests/unit/deploy-sandbox/karmada_world.h"

static int get(struct sbx_api *api, const char *path)
{
    return sbx_api_do(api, "test", "GET", NULL, NULL, NULL, "%s", path);
}

static void test_kinds_are_the_hubs_alone(void **state)
{
    struct plane_world *w = *state;
    static const char *const groups[] = { "policy.karmada.io/v1alpha1", "work.karmada.io/v1alpha1",
                                          "work.karmada.io/v1alpha2", "cluster.karmada.io/v1alpha1",
                                          "apps.karmada.io/v1alpha1" };
    for (size_t i = 0; i < CF_ARRAY_LEN(groups); i++) {
        cf_autofree char *path = cf_xasprintf("/apis/%s", groups[i]);
        assert_int_equal(get(w->hub, path), 200);
        assert_int_equal(get(w->east, path), 404);
    }
}

static void test_members_are_clusters(void **state)
{
    struct plane_world *w = *state;
    cf_autojson json_t *system = sbx_api_one(w->east, "", "namespaces", NULL, "kube-system");
    assert_string_equal(field(w->hub, KM_G_CLUSTER, "clusters", NULL, "east", "/spec/id"),
                        cf_json_str(system, "", "metadata", "uid", NULL));
    assert_string_equal(condition(w->hub, KM_G_CLUSTER, "clusters", NULL, "west", "Ready"),
                        "True ClusterReady");
    assert_true(is_there(w->hub, "", "namespaces", NULL, "karmada-es-east"));
    cf_autojson json_t *cluster = sbx_api_one(w->hub, KM_G_CLUSTER, "clusters", NULL, "east");
    cf_autofree char *serves = cf_json_dump(cf_json_at(cluster, "status", "apiEnablements", NULL));
    assert_non_null(strstr(serves, "networking.istio.io/v1\""));
    assert_non_null(strstr(serves, "networking.istio.io/v1beta1\""));
    assert_null(strstr(serves, "karmada.io"));
}

static void test_policies_get_an_id_a_finalizer_and_defaults(void **state)
{
    struct plane_world *w = *state;
    static const char *const expected[][2] = {
        { "/metadata/finalizers/0", KM_F_PP },
        { "/spec/resourceSelectors/0/namespace", "default" },
        { "/spec/conflictResolution", "Abort" },
        { "/spec/preemption", "Never" },
        { "/spec/priority", "0" },
        { "/spec/schedulerName", KM_DEFAULT_SCHEDULER },
    };
    make(w->hub, KM_G_POLICY, "propagationpolicies", "default",
         "{'metadata':{'name':'p'},'spec':{" SELECTS_WEB "," PLACED("'east'") "}}");
    for (size_t i = 0; i < CF_ARRAY_LEN(expected); i++)
        assert_string_equal(
            field(w->hub, KM_G_POLICY, "propagationpolicies", "default", "p", expected[i][0]),
            expected[i][1]);
    assert_true(strlen(field(w->hub, KM_G_POLICY, "propagationpolicies", "default", "p",
                             "/metadata/labels/propagationpolicy.karmada.io~1permanent-id")) == 36);
}

static void test_wrong_policies_are_refused(void **state)
{
    static const struct {
        const char *spec;
        int status;
        const char *says;
    } rows[] = {
        { "'placement':{'clusterAffinity':{'clusterNames':['a']},'clusterAffinities':[]}", 403,
          "clusterAffinities cannot co-exist with clusterAffinity" },
        { "'failover':{'application':{'decisionConditions':{}}}", 403,
          "propagateDeps must be true" },
        { "'suspension':{'dispatching':true,'dispatchingOnClusters':{'clusterNames':['a']}}", 403,
          "suspension dispatching cannot co-exist" },
        { "'conflictResolution':'Merge'", 422, "spec.conflictResolution" },
        { "'placement':{'replicaScheduling':{'weightPreference':{'staticWeightList':[{'weight':0}]}"
          "}}",
          422, "greater than or equal to 1" },
    };
    struct plane_world *w = *state;
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        cf_autofree char *body =
            cf_xasprintf("{'metadata':{'name':'wrong'},'spec':{" SELECTS_WEB ",%s}}", rows[i].spec);
        const char *message;
        int status =
            try_make(w->hub, KM_G_POLICY, "propagationpolicies", "default", body, &message);
        if (status != rows[i].status || !strstr(message, rows[i].says))
            fail_msg("%s: %d %s", rows[i].spec, status, message);
    }
    const char *message;
    assert_int_equal(try_make(w->hub, KM_G_POLICY, "propagationpolicies", "default",
                              "{'metadata':{'name':'wrong'},'spec':{'resourceSelectors':[{"
                              "'apiVersion':'v1','kind':'Secret','namespace':'other'}]}}",
                              &message),
                     403);
}

static void test_what_is_immutable_stays(void **state)
{
    struct plane_world *w = *state;
    make(w->hub, KM_G_POLICY, "propagationpolicies", "default",
         "{'metadata':{'name':'p'},'spec':{" SELECTS_WEB "," PLACED("'east'") "}}");
    assert_int_equal(merge(w->hub, KM_G_POLICY, "propagationpolicies", "default", "p",
                           "{'spec':{'schedulerName':'mine'}}"),
                     403);
    assert_int_equal(merge(w->hub, KM_G_POLICY, "propagationpolicies", "default", "p",
                           "{'metadata':{'labels':{'" KM_PP_ID "':'other'}}}"),
                     403);
}

static void test_protected_objects_cannot_be_deleted(void **state)
{
    struct plane_world *w = *state;
    make(w->hub, "", "configmaps", "default",
         "{'metadata':{'name':'c','labels':{'" KM_PROTECTED "':'Always'}}}");
    assert_int_equal(drop(w->hub, "", "configmaps", "default", "c", ""), 403);
}

static void test_a_webhook_that_is_away_fails_writes(void **state)
{
    struct plane_world *w = *state;
    throw_switch(w, NULL, "webhookDown", 1);
    const char *message;
    assert_int_equal(try_make(w->hub, KM_G_POLICY, "propagationpolicies", "default",
                              "{'metadata':{'name':'p'},'spec':{" SELECTS_WEB "}}", &message),
                     500);
    assert_non_null(strstr(message, "failed calling webhook \"propagationpolicy.karmada.io\""));
}

static void test_templates_make_no_pods(void **state)
{
    struct plane_world *w = *state;
    make(w->hub, "apps", "deployments", "default", WEB);
    assert_true(sbx_controllers_settle(w->upkeep, SETTLE_MS));
    assert_int_equal(count(w->hub, "apps", "replicasets", NULL), 0);
    assert_int_equal(count(w->hub, "", "pods", NULL), 0);
}

static void test_switches_are_checked(void **state)
{
    struct plane_world *w = *state;
    static const struct {
        const char *member, *name;
        int value;
        enum cf_err_kind kind;
    } wrong[] = {
        { NULL, "unreachable", 1, CF_ERR_INVALID },
        { "south", "unreachable", 1, CF_ERR_NOT_FOUND },
        { NULL, "webhookDown", 2, CF_ERR_INVALID },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(wrong); i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_false(
            sbx_karmada_switch(w->karmada, wrong[i].member, wrong[i].name, wrong[i].value, &err));
        assert_int_equal(err.kind, wrong[i].kind);
    }
    throw_switch(w, "west", "unreachable", 1);
    cf_autojson json_t *thrown = sbx_karmada_switches(w->karmada);
    assert_int_equal(cf_json_int(thrown, 0, "members", "west", "unreachable", NULL), 1);
    sbx_karmada_heal(w->karmada);
    cf_autojson json_t *none = sbx_karmada_switches(w->karmada);
    assert_int_equal(json_object_size(json_object_get(none, "members")), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, plane_up, plane_down)
    const struct CMUnitTest tests[] = {
        T(test_kinds_are_the_hubs_alone),
        T(test_members_are_clusters),
        T(test_policies_get_an_id_a_finalizer_and_defaults),
        T(test_wrong_policies_are_refused),
        T(test_what_is_immutable_stays),
        T(test_protected_objects_cannot_be_deleted),
        T(test_a_webhook_that_is_away_fails_writes),
        T(test_templates_make_no_pods),
        T(test_switches_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
