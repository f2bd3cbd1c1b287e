/* SPDX-License-Identifier: Apache-2.0 */
/* Proves how a row, a condition and a claim's pods are found, and that what is not there is not. */
#include "tests/support/test.h"

#include "federation/objects/kinds.h"
#include "federation/objects/pods.h"
#include "tests/support/quick_json.h"

static void rows_are_found_by_kind_and_name(void **state)
{
    (void)state;
    cf_autojson json_t *rows =
        cf_test_json("[{'kind':'Deployment','name':'db'},{'kind':'StatefulSet','name':'db'}]");
    assert_ptr_equal(cf_row_of(rows, "StatefulSet", "db"), json_array_get(rows, 1));
    assert_null(cf_row_of(rows, "StatefulSet", "web"));
    assert_null(cf_row_of(rows, "CronJob", "db"));
    assert_null(cf_row_of(NULL, "CronJob", "db"));
}

static void conditions_are_words(void **state)
{
    (void)state;
    cf_autojson json_t *node =
        cf_test_json("{'status':{'conditions':[{'type':'Ready','status':'Unknown'}]}}");
    assert_true(cf_object_condition_is(node, "Ready", "Unknown"));
    assert_false(cf_object_condition_is(node, "Ready", "True"));
    assert_false(cf_object_condition_is(node, "DiskPressure", "False"));
    assert_null(cf_object_condition(node, "DiskPressure"));
}

static void a_claim_is_mounted_by_its_name(void **state)
{
    (void)state;
    cf_autojson json_t *pod = cf_test_json(
        "{'volumes':[{'name':'data','emptyDir':{}},{'name':'d','persistentVolumeClaim':{'claimName':'data'}}]}");
    assert_true(cf_pod_mounts(pod, "data"));
    assert_false(cf_pod_mounts(pod, "d"));
    assert_false(cf_pod_mounts(NULL, "data"));
    cf_autojson json_t *claims = cf_test_json("{'other':1,'data':2}");
    assert_string_equal(cf_pod_mounts_of(pod, claims), "data");
    json_object_del(claims, "data");
    assert_null(cf_pod_mounts_of(pod, claims));
    assert_null(cf_pod_mounts_of(NULL, claims));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_by_kind_and_name),
        cmocka_unit_test(conditions_are_words),
        cmocka_unit_test(a_claim_is_mounted_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
