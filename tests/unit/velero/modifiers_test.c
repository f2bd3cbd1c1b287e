/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what a restore is told to change: class, size and our label of claims, the placement of stage pods, one rule for
 * claims with the same changes, and names that are no patterns. */
#include "tests/unit/velero/room.h"

#include <stdlib.h>

#include "velero/modifiers.h"

#define CLASSES                                                                                    \
    "[{'metadata':{'name':'fast'},'volumeBindingMode':'Immediate'},"                               \
    "{'metadata':{'name':'late','annotations':{'storageclass.kubernetes.io/is-default-class':"     \
    "'true'}},'volumeBindingMode':'WaitForFirstConsumer'}]"

static json_t *rules_of(const char *claims)
{
    struct cf_volumes v = pure_way(claims);
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *labels = cf_velero_labels(&v, 1, 1);
    cf_autojson json_t *classes = cf_test_json(CLASSES);
    cf_autojson json_t *was = cf_test_json(
        "{'a.1':'fast','a':'fast','b':'fast','c':'fast','d':'fast','e':'late','f':'fast','g':''}");
    cf_autojson json_t *waits = cf_modifiers_waits(&v, classes, was);
    cf_autojson json_t *map = cf_modifiers_of(&v, "name", labels, waits);
    const char *text = cf_json_str(map, "", "data", "rules.yaml", NULL);
    assert_string_equal(cf_json_str(map, "", "metadata", "labels", CF_VELERO_LABEL_RUN, NULL),
                        RUN_ID);
    json_t *document = cf_json_parse(text, strlen(text), 0, &err);
    assert_non_null(document);
    assert_string_equal(cf_json_str(document, "", "version", NULL), "v1");
    json_t *rules = json_incref(json_object_get(document, "resourceModifierRules"));
    json_decref(document);
    way_free(&v);
    return rules;
}

static void check_rule(const json_t *rule, const char *resource, const char *names,
                       const char *patch)
{
    const json_t *patches = json_object_get(rule, "mergePatches");
    assert_string_equal(cf_json_str(rule, "", "conditions", "groupResource", NULL), resource);
    if (names)
        assert_string_equal(cf_json_str(rule, "", "conditions", "resourceNameRegex", NULL), names);
    assert_string_equal(
        json_string_value(json_array_get(cf_json_at(rule, "conditions", "namespaces", NULL), 0)),
        "shop");
    cf_autojson json_t *want = cf_test_json(patch);
    cf_autofree char *text = cf_json_canonical(want);
    assert_string_equal(cf_json_str(json_array_get(patches, 0), "", "patchData", NULL), text);
}

#define OURS "'metadata':{'labels':{'crossfade.dev/volumes':'" RUN_ID "'}}"

static void claims_with_the_same_changes_share_a_rule(void **state)
{
    (void)state;
    cf_autojson json_t *rules =
        rules_of("[{'name':'a.1','strategy':'veleroFsBackup','storageClass':'fast','size':''},"
                 "{'name':'b','strategy':'veleroSnapshot','storageClass':'','size':'20Gi'},"
                 "{'name':'c','strategy':'veleroSnapshot','storageClass':'fast','size':''},"
                 "{'name':'d','strategy':'veleroSnapshot','storageClass':'','size':''}]");
    assert_int_equal(json_array_size(rules), 3);
    check_rule(json_array_get(rules, 0), "persistentvolumeclaims", "^(a\\.1|c)$",
               "{" OURS ",'spec':{'storageClassName':'fast'}}");
    check_rule(json_array_get(rules, 1), "persistentvolumeclaims", "^(b)$",
               "{" OURS ",'spec':{'resources':{'requests':{'storage':'20Gi'}}}}");
    check_rule(json_array_get(rules, 2), "persistentvolumeclaims", "^(d)$", "{" OURS "}");
}

static void stage_pods_go_where_the_workload_can(void **state)
{
    (void)state;
    cf_autojson json_t *rules = rules_of(
        "[{'name':'a','strategy':'veleroFsBackup','placement':{'nodeSelector':{'disk':'ssd'},'tolerations':[{'key':'db','operator':'Exists'}]}},"
        "{'name':'b','strategy':'veleroSnapshot','placement':{'nodeSelector':{'disk':'ssd'}}},"
        "{'name':'c','strategy':'veleroFsBackup','placement':{'nodeSelector':{},'tolerations':[]}}]");
    assert_int_equal(json_array_size(rules), 2);
    check_rule(json_array_get(rules, 0), "persistentvolumeclaims", "^(a|b|c)$", "{" OURS "}");
    check_rule(
        json_array_get(rules, 1), "pods", NULL,
        "{'spec':{'nodeSelector':{'disk':'ssd'},'tolerations':[{'key':'db','operator':'Exists'},{'operator':'Exists','effect':'NoExecute'}]}}");
}

/* By the plan's class, the source's, or the default; what is not to wait stays unscheduled. */
static void who_names_a_claim_that_waits_is_scheduled(void **state)
{
    (void)state;
    cf_autojson json_t *rules = rules_of(
        "[{'name':'e','strategy':'veleroSnapshot'},{'name':'f','strategy':'veleroSnapshot'},{'name':'g','strategy':'veleroSnapshot'},"
        "{'name':'h','strategy':'veleroSnapshot','storageClass':'late','placement':{'nodeSelector':{'disk':'ssd'}}},"
        "{'name':'i','strategy':'veleroFsBackup','storageClass':'late'}]");
    assert_int_equal(json_array_size(rules), 4);
    check_rule(json_array_get(rules, 2), "pods", NULL,
               "{'spec':{'schedulerName':'default-scheduler'}}");
    const char *names =
        cf_json_str(json_array_get(rules, 2), "", "conditions", "resourceNameRegex", NULL);
    assert_non_null(strstr(names, "crossfade-e-"));
    assert_non_null(strstr(names, "crossfade-g-"));
    assert_null(strstr(names, "crossfade-f-"));
    check_rule(json_array_get(rules, 3), "pods", NULL,
               "{'spec':{'nodeSelector':{'disk':'ssd'},'schedulerName':'default-scheduler'}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_with_the_same_changes_share_a_rule),
        cmocka_unit_test(who_names_a_claim_that_waits_is_scheduled),
        cmocka_unit_test(stage_pods_go_where_the_workload_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
