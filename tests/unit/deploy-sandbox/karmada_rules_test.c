/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the control plane's pure parts: who is selected, which clusters fit, how replicas are
 * divided, what a PUT keeps, what is read as healthy and summed up. */
#include "deploy/sandbox/karmada/binding_spec.h"
#include "deploy/sandbox/karmada/interpret.h"
#include "deploy/sandbox/karmada/match.h"
#include "deploy/sandbox/karmada/placement.h"
#include "deploy/sandbox/karmada/prune.h"
#include "deploy/sandbox/karmada/retain.h"
#include "tests/unit/deploy-sandbox/karmada_world.h"

#define OBJECT                                                                                     \
    "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'a','namespace':'n','labels':{'x':'1'}}}"

static void test_selectors_have_ranks(void **state)
{
    (void)state;
    static const struct {
        const char *selectors;
        enum km_rank rank;
    } rows[] = {
        { "[]", KM_RANK_NONE },
        { "[{'apiVersion':'v1','kind':'ConfigMap'}]", KM_RANK_NONE },
        { "[{'apiVersion':'v1','kind':'Secret','namespace':'other'}]", KM_RANK_NONE },
        { "[{'apiVersion':'v1','kind':'Secret','name':'b'}]", KM_RANK_NONE },
        { "[{'apiVersion':'v1','kind':'Secret'}]", KM_RANK_ALL },
        { "[{'apiVersion':'v1','kind':'Secret','labelSelector':{'matchLabels':{'x':'2'}}}]",
          KM_RANK_NONE },
        { "[{'apiVersion':'v1','kind':'Secret','labelSelector':{'matchLabels':{'x':'1'}}}]",
          KM_RANK_LABELS },
        { "[{'apiVersion':'v1','kind':'Secret'},{'apiVersion':'v1','kind':'Secret','name':'a'}]",
          KM_RANK_NAME },
    };
    cf_autojson json_t *object = read_json(OBJECT);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        cf_autojson json_t *selectors = read_json(rows[i].selectors);
        if (km_selected(selectors, object) != rows[i].rank)
            fail_msg("%s", rows[i].selectors);
    }
}

#define CLUSTER(name, more)                                                                        \
    "{'metadata':{'name':'" name "','labels':{'name':'" name "'}},'spec':{'region':'" name         \
    "'" more                                                                                       \
    "},'status':{'apiEnablements':[{'groupVersion':'apps/v1','resources':[{'kind':'Deployment'}]}" \
    "]}}"
#define REF "'resource':{'apiVersion':'apps/v1','kind':'Deployment'},"
#define WEIGHTS(e, w)                                                                              \
    "'placement':{'replicaScheduling':{'replicaSchedulingType':'Divided','weightPreference':{'"    \
    "staticWeightList':[{'targetCluster':{'clusterNames':['east']},'weight':" e "},{'"             \
    "targetCluster':{'clusterNames':['west']},'weight':" w "}]}}}"

static void test_clusters_are_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *clusters, *spec, *want; /* a list, or part of why none fits */
    } rows[] = {
        { CLUSTER("east", "") "," CLUSTER("west", ""), REF "'replicas':2",
          "[{\"name\":\"east\",\"replicas\":2},{\"name\":\"west\",\"replicas\":2}]" },
        { CLUSTER("east", ""), REF "'placement':{}", "[{\"name\":\"east\"}]" },
        { CLUSTER("east", "") "," CLUSTER("west", ""), REF "'replicas':4," WEIGHTS("3", "1"),
          "[{\"name\":\"east\",\"replicas\":3},{\"name\":\"west\",\"replicas\":1}]" },
        { CLUSTER("east", "") "," CLUSTER("west", ""), REF "'replicas':4," WEIGHTS("1", "3"),
          "[{\"name\":\"east\",\"replicas\":1},{\"name\":\"west\",\"replicas\":3}]" },
        { CLUSTER("east", "") "," CLUSTER("west", ""), REF "'replicas':5," WEIGHTS("1", "1"),
          "[{\"name\":\"east\",\"replicas\":3},{\"name\":\"west\",\"replicas\":2}]" },
        { CLUSTER("east", "") "," CLUSTER("south", ""), REF "'replicas':4," WEIGHTS("3", "1"),
          "[{\"name\":\"east\",\"replicas\":4}]" },
        { CLUSTER("east", ",'taints':[{'key':'t','effect':'NoSchedule'}]") "," CLUSTER("west", ""),
          REF "'replicas':1", "[{\"name\":\"west\",\"replicas\":1}]" },
        { CLUSTER("east", ",'taints':[{'key':'t','effect':'NoSchedule'}]"),
          REF "'clusters':[{'name':'east'}]", "[{\"name\":\"east\"}]" },
        { CLUSTER("east", ",'taints':[{'key':'t','effect':'NoSchedule'}]"),
          REF "'placement':{'clusterTolerations':[{'operator':'Exists'}]}",
          "[{\"name\":\"east\"}]" },
        { CLUSTER("east", ",'taints':[{'key':'t','effect':'NoSchedule'}]") "," CLUSTER("west", ""),
          REF "'placement':{'clusterAffinity':{'clusterNames':['east']}}",
          "0/2 clusters are available: 1 cluster(s) did not match the placement cluster affinity "
          "constraint, 1 cluster(s) had untolerated taint {t:NoSchedule}." },
        { CLUSTER("east", ""), "'resource':{'apiVersion':'example.com/v1','kind':'Thing'}",
          "1 cluster(s) did not have the API resource" },
        { CLUSTER("east", "") "," CLUSTER("west", ""),
          REF "'gracefulEvictionTasks':[{'fromCluster':'east'}]", "[{\"name\":\"west\"}]" },
        { CLUSTER("east", "") "," CLUSTER("west", ""),
          REF "'placement':{'clusterAffinities':[{'affinityName':'a','clusterNames':['none']},{"
              "'affinityName':'b','clusterNames':['west']}]}",
          "[{\"name\":\"west\"}]" },
        { CLUSTER("east", "") "," CLUSTER("west", ""),
          REF "'placement':{'clusterAffinity':{'labelSelector':{'matchLabels':{'name':'west'}}}}",
          "[{\"name\":\"west\"}]" },
        { CLUSTER("east", "") "," CLUSTER("west", ""),
          REF
          "'placement':{'clusterAffinity':{'fieldSelector':{'matchExpressions':[{'key':'region',"
          "'operator':'NotIn','values':['west']}]}}}",
          "[{\"name\":\"east\"}]" },
        { CLUSTER("east", "") "," CLUSTER("west", ""),
          REF "'placement':{'spreadConstraints':[{'spreadByField':'cluster','maxGroups':1}]}",
          "[{\"name\":\"east\"}]" },
        { CLUSTER("east", ""),
          REF "'placement':{'spreadConstraints':[{'spreadByField':'cluster','minGroups':2}]}",
          "less than spreadConstraint" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        cf_autofree char *list = cf_xasprintf("[%s]", rows[i].clusters);
        cf_autofree char *text = cf_xasprintf("{'spec':{%s}}", rows[i].spec);
        cf_autojson json_t *clusters = read_json(list), *binding = read_json(text);
        const char *affinity = NULL;
        cf_autofree char *why = NULL;
        cf_autojson json_t *places = km_place(binding, clusters, &affinity, &why);
        cf_autofree char *got = places ? cf_json_dump(places) : cf_xstrdup(why);
        if (!strstr(got, rows[i].want))
            fail_msg("row %zu: %s, not %s", i, got, rows[i].want);
    }
}

static void test_a_put_keeps_what_is_the_members(void **state)
{
    (void)state;
    static const struct {
        const char *manifest, *live, *pointer, *want;
    } rows[] = {
        { "{'kind':'Deployment','metadata':{'labels':{'a':'new'}},'spec':{'replicas':2}}",
          "{'metadata':{'labels':{'a':'old','foreign':'yes','ours':'x'},'annotations':{'" KM_MANAGED_LABELS
          "':'a,ours'}},'spec':{'replicas':5}}",
          "",
          "{\"kind\":\"Deployment\",\"metadata\":{\"labels\":{\"a\":\"new\",\"foreign\":\"yes\"},"
          "\"annotations\":{\"" KM_MANAGED_LABELS "\":\"a,ours\"}},\"spec\":{\"replicas\":2}}" },
        { "{'kind':'Deployment','metadata':{'labels':{'" KM_RETAIN_REPLICAS "':'true'}},'spec':{"
          "'replicas':2}}",
          "{'metadata':{},'spec':{'replicas':5}}", "/spec/replicas", "5" },
        { "{'kind':'StatefulSet','metadata':{'labels':{'" KM_RETAIN_REPLICAS "':'true'}},'spec':{"
          "'replicas':2}}",
          "{'metadata':{},'spec':{'replicas':5}}", "/spec/replicas", "2" },
        { "{'kind':'Service','metadata':{},'spec':{'ports':[{'port':80}]}}",
          "{'metadata':{},'spec':{'clusterIP':'10.0.0.7','ports':[{'port':80,'nodePort':30001}]}}",
          "/spec", "{\"ports\":[{\"port\":80,\"nodePort\":30001}],\"clusterIP\":\"10.0.0.7\"}" },
        { "{'kind':'Service','metadata':{},'spec':{'clusterIP':'None'}}",
          "{'metadata':{},'spec':{'clusterIP':'10.0.0.7'}}", "/spec/clusterIP", "None" },
        { "{'kind':'PersistentVolumeClaim','metadata':{},'spec':{}}",
          "{'metadata':{'resourceVersion':'7','finalizers':['f']},'spec':{'volumeName':'v'}}", "",
          "{\"kind\":\"PersistentVolumeClaim\",\"metadata\":{\"resourceVersion\":\"7\",\"finalizers"
          "\":[\"f\"]},\"spec\":{\"volumeName\":\"v\"}}" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        cf_autojson json_t *manifest = read_json(rows[i].manifest), *live = read_json(rows[i].live);
        cf_autojson json_t *body = km_retain(manifest, live);
        const json_t *v = cf_json_pointer(body, rows[i].pointer);
        cf_autofree char *dump =
            json_is_string(v) ? cf_xstrdup(json_string_value(v)) : cf_json_dump(v);
        assert_string_equal(dump, rows[i].want);
    }
}

static void test_manifests_lose_what_is_the_hubs(void **state)
{
    (void)state;
    cf_autojson json_t *job = read_json(
        "{'kind':'Job','metadata':{'uid':'u','generation':3,'ownerReferences':[]},'spec':{"
        "'ttlSecondsAfterFinished':5,'selector':{'matchLabels':{'controller-uid':'u'}},'template':{"
        "'metadata':{'labels':{'job-name':'j','app':'a'}}}},'status':{}}");
    km_prune(job);
    cf_autofree char *text = cf_json_dump(job);
    assert_string_equal(text, "{\"kind\":\"Job\",\"metadata\":{},\"spec\":{\"selector\":{"
                              "\"matchLabels\":{}},\"template\":{\"metadata\":{\"labels\":{\"app\":"
                              "\"a\"}}}}}");
}

static void test_health_is_by_kind(void **state)
{
    (void)state;
    static const struct {
        const char *object, *health;
    } rows[] = {
        { "{'kind':'ConfigMap'}", "Healthy" },
        { "{'kind':'Deployment','metadata':{'generation':2},'spec':{'replicas':1},'status':{"
          "'observedGeneration':1,'updatedReplicas':1,'availableReplicas':1}}",
          "Unhealthy" },
        { "{'kind':'Deployment','metadata':{'generation':1},'spec':{'replicas':1},'status':{"
          "'observedGeneration':1,'replicas':2,'updatedReplicas':1,'availableReplicas':1}}",
          "Healthy" },
        { "{'kind':'PersistentVolumeClaim','status':{'phase':'Pending'}}", "Unhealthy" },
        { "{'kind':'Service','spec':{'type':'ClusterIP'}}", "Healthy" },
        { "{'kind':'Service','spec':{'type':'LoadBalancer'}}", "Unhealthy" },
        { "{'kind':'Ingress','status':{'loadBalancer':{'ingress':[{'ip':'1.2.3.4'}]}}}",
          "Healthy" },
        { "{'kind':'PodDisruptionBudget','status':{'currentHealthy':1,'desiredHealthy':2}}",
          "Unhealthy" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        cf_autojson json_t *o = read_json(rows[i].object);
        assert_string_equal(km_health_of(o), rows[i].health);
    }
}

static void test_statuses_are_summed(void **state)
{
    (void)state;
    cf_autojson json_t *template = read_json("{'kind':'Deployment','metadata':{'generation':4}}");
    cf_autojson json_t *items = read_json(
        "[{'status':{'replicas':2,'readyReplicas':2,'generation':1,'observedGeneration':1,"
        "'resourceTemplateGeneration':4}},{'status':{'replicas':3,'generation':1,"
        "'observedGeneration':1,'resourceTemplateGeneration':4}}]");
    cf_autojson json_t *sum = km_summed_up(template, items);
    cf_autofree char *text = cf_json_dump(sum);
    assert_string_equal(text, "{\"replicas\":5,\"readyReplicas\":2,\"observedGeneration\":4}");
}

static void test_names_are_the_same_everywhere(void **state)
{
    (void)state;
    cf_autojson json_t *role = read_json("{'kind':'ClusterRole','metadata':{'name':'a:B'}}");
    cf_autofree char *binding = km_binding_name(role);
    assert_string_equal(binding, "a.b-clusterrole");
    cf_autofree char *one = km_work_name("Deployment", "web", "n"),
                     *same = km_work_name("Deployment", "web", "n"),
                     *other = km_work_name("Service", "web", "n");
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
    assert_int_equal(strncmp(one, "web-", 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selectors_have_ranks),
        cmocka_unit_test(test_clusters_are_chosen),
        cmocka_unit_test(test_a_put_keeps_what_is_the_members),
        cmocka_unit_test(test_manifests_lose_what_is_the_hubs),
        cmocka_unit_test(test_health_is_by_kind),
        cmocka_unit_test(test_statuses_are_summed),
        cmocka_unit_test(test_names_are_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
