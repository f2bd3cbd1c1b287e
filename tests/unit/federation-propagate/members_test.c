/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the members of a control plane are read in one form, whichever it is, and found by
 * identity. */
#include "federation/propagate/members.h"

#include "tests/support/fake_kube.h"
#include "tests/support/quick_json.h"
#include "tests/support/test.h"

#define KARMADA_API    "cluster.karmada.io/v1alpha1"
#define CLUSTERNET_API "clusters.clusternet.io/v1beta1"

static struct cf_fake_kube *karmada(void)
{
    struct cf_fake_kube *f = cf_fake_kube_new();
    cf_fake_kube_kind(f, KARMADA_API, "Cluster", "clusters", false);
    cf_fake_kube_put(
        f,
        "{\"apiVersion\":\"" KARMADA_API "\",\"kind\":\"Cluster\",\"metadata\":{\"name\":\"west\"},"
        "\"spec\":{\"syncMode\":\"Push\",\"id\":\"uid-west\",\"apiEndpoint\":\"https://w:6443\","
        "\"taints\":[{\"key\":\"not-ready\",\"effect\":\"NoSchedule\"},"
        "{\"key\":\"a\",\"value\":\"b\",\"effect\":\"NoExecute\"}]},"
        "\"status\":{\"kubernetesVersion\":\"v1.35.4\",\"conditions\":["
        "{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"ClusterNotReachable\","
        "\"message\":\"it does not answer\"}]}}");
    cf_fake_kube_put(
        f,
        "{\"apiVersion\":\"" KARMADA_API "\",\"kind\":\"Cluster\",\"metadata\":{\"name\":\"east\"},"
        "\"spec\":{\"syncMode\":\"Pull\",\"id\":\"uid-east\"},"
        "\"status\":{\"apiEnablements\":[{\"groupVersion\":\"v1\",\"resources\":[{},{}]},"
        "{\"groupVersion\":\"apps/v1\",\"resources\":[{}]}],\"conditions\":["
        "{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"ClusterReady\"},"
        "{\"type\":\"CompleteAPIEnablements\",\"status\":\"True\"}]}}");
    return f;
}

static void members_of_karmada_are_read(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fake_kube *f = karmada();
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *plane = cf_fake_kube_client(f, "hub");
    cf_autojson json_t *rows = NULL;
    enum cf_plane_kind kind;
    assert_ok(cf_plane_kind_of(plane, &kind, &err), &err);
    assert_string_equal(cf_plane_kind_name(kind), "karmada");
    assert_ok(cf_members_list(plane, &rows, &err), &err);
    cf_autojson json_t *want = cf_test_json(
        "[{'name':'east','namespace':'','id':'uid-east','server':'','syncMode':'Pull',"
        "'ready':true,'why':'','taints':[],'kinds':3,'kindsComplete':true,'version':''},"
        "{'name':'west','namespace':'','id':'uid-west','server':'https://w:6443',"
        "'syncMode':'Push','ready':false,'why':'ClusterNotReachable: it does not answer',"
        "'taints':['not-ready:NoSchedule','a=b:NoExecute'],'kinds':0,'kindsComplete':false,"
        "'version':'v1.35.4'}]");
    assert_true(json_equal(rows, want));
    assert_string_equal(cf_json_str(cf_member_by_id(rows, "uid-west"), "", "name", NULL), "west");
    assert_null(cf_member_by_id(rows, "uid-north"));
    assert_null(cf_member_by_id(rows, "")); /* a member without an identity is nobody */
    cf_fake_kube_free(f);
}

static void members_of_clusternet_are_read(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fake_kube *f = cf_fake_kube_new();
    cf_fake_kube_kind(f, CLUSTERNET_API, "ManagedCluster", "managedclusters", true);
    cf_fake_kube_put(
        f, "{\"apiVersion\":\"" CLUSTERNET_API "\",\"kind\":\"ManagedCluster\","
           "\"metadata\":{\"name\":\"m-1\",\"namespace\":\"clusternet-x\","
           "\"labels\":{\"clusters.clusternet.io/cluster-name\":\"west\"}},"
           "\"spec\":{\"clusterId\":\"lease-1\",\"syncMode\":\"Dual\"},"
           "\"status\":{\"apiserverURL\":\"https://10.0.0.1\",\"k8sVersion\":\"v1.32.4\"}}");
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *plane = cf_fake_kube_client(f, "hub");
    cf_autojson json_t *rows = NULL;
    assert_ok(cf_members_list(plane, &rows, &err), &err);
    cf_autojson json_t *want = cf_test_json(
        "[{'name':'west','namespace':'clusternet-x','id':'lease-1','server':'https://10.0.0.1',"
        "'syncMode':'Dual','ready':false,'why':'the control plane has not judged it yet',"
        "'taints':[],'kinds':-1,'kindsComplete':true,'version':'v1.32.4'}]");
    assert_true(json_equal(rows, want));
    cf_fake_kube_free(f);
}

static void an_ordinary_cluster_has_no_members(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fake_kube *f = cf_fake_kube_new();
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *plane = cf_fake_kube_client(f, "dc1");
    json_t *rows = NULL;
    enum cf_plane_kind kind;
    assert_ok(cf_plane_kind_of(plane, &kind, &err), &err);
    assert_int_equal(kind, CF_PLANE_NONE);
    assert_fails(cf_members_list(plane, &rows, &err), &err, CF_ERR_NOT_FOUND, "no control plane");
    cf_fake_kube_free(f);
}

static void a_member_says_who_it_is(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_KUBE_UID_TEXT], uid[CF_KUBE_UID_TEXT];
    struct cf_fake_kube *f = cf_fake_kube_new();
    cf_fake_kube_kind(f, "coordination.k8s.io/v1", "Lease", "leases", true);
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *member = cf_fake_kube_client(f, "dc2");
    assert_ok(cf_kube_uid(member, NULL, uid, &err), &err);
    assert_ok(cf_member_identity(member, CF_PLANE_KARMADA, id, sizeof id, &err), &err);
    assert_string_equal(id, uid);
    assert_fails(cf_member_identity(member, CF_PLANE_CLUSTERNET, id, sizeof id, &err), &err,
                 CF_ERR_NOT_FOUND, "Clusternet's agent");
    cf_fake_kube_put(f, "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\","
                        "\"metadata\":{\"name\":\"clusternet-agent\",\"uid\":\"lease-1\","
                        "\"namespace\":\"clusternet-system\"}}");
    cf_error_clear(&err);
    assert_ok(cf_member_identity(member, CF_PLANE_CLUSTERNET, id, sizeof id, &err), &err);
    assert_string_equal(id, "lease-1");
    cf_fake_kube_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_karmada_are_read),
        cmocka_unit_test(members_of_clusternet_are_read),
        cmocka_unit_test(an_ordinary_cluster_has_no_members),
        cmocka_unit_test(a_member_says_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
