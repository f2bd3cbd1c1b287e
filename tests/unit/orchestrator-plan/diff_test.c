/* SPDX-License-Identifier: Apache-2.0 */
/* The differences between two effective forms. */
#include <stdio.h>

#include "orchestrator/plan/plan.h"
#include "tests/support/file.h"
#include "tests/support/test.h"

static const struct {
    const char *a, *b, *rows;
} cases[] = {
    { "{}", "{}", "[]" },
    { "{\"a\":1}", "{\"a\":1}", "[]" },
    { "{\"a\":1}", "{\"a\":2}", "[{\"pointer\":\"/a\",\"from\":1,\"to\":2}]" },
    { "{\"a\":1}", "{}", "[{\"pointer\":\"/a\",\"from\":1}]" },
    { "{}", "{\"a\":{\"b\":1}}", "[{\"pointer\":\"/a\",\"to\":{\"b\":1}}]" },
    { "{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1,\"c\":3}}",
      "[{\"pointer\":\"/a/c\",\"from\":2,\"to\":3}]" },
    { "{\"a\":{\"b\":1}}", "{\"a\":[1]}", "[{\"pointer\":\"/a\",\"from\":{\"b\":1},\"to\":[1]}]" },
    { "{\"s\":[1,2]}", "{\"s\":[1,3,4]}",
      "[{\"pointer\":\"/s/1\",\"from\":2,\"to\":3},{\"pointer\":\"/s/2\",\"to\":4}]" },
    /* rows with names are paired by name: a row put in front is one difference */
    { "{\"g\":[{\"name\":\"a\",\"min\":1}]}",
      "{\"g\":[{\"name\":\"b\",\"min\":2},{\"name\":\"a\",\"min\":1}]}",
      "[{\"pointer\":\"/g/0\",\"to\":{\"name\":\"b\",\"min\":2}}]" },
    { "{\"g\":[{\"name\":\"a\",\"min\":1},{\"name\":\"b\",\"min\":1}]}",
      "{\"g\":[{\"name\":\"b\",\"min\":3}]}",
      "[{\"pointer\":\"/g/0\",\"from\":{\"name\":\"a\",\"min\":1}},{\"pointer\":\"/g/0/min\","
      "\"from\":1,\"to\":3}]" },
    { "{\"x/y\":1}", "{\"x/y\":2}", "[{\"pointer\":\"/x~1y\",\"from\":1,\"to\":2}]" },
};

static void each_pair_has_its_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *a = json_loads(cases[i].a, 0, NULL);
        cf_autojson json_t *b = json_loads(cases[i].b, 0, NULL);
        cf_autojson json_t *rows = cf_plan_diff(a, b);
        cf_autofree char *text = cf_json_dump(rows);
        assert_string_equal(text, cases[i].rows);
    }
}

static void two_plans_differ_where_their_texts_do(void **state)
{
    (void)state;
    cf_autojson json_t *a = cf_test_read_json("tests/data/effective_first_plan.json");
    cf_autojson json_t *b = cf_json_copy(a);
    cf_json_put_take(b, json_string("auto"), "spec", "commit", NULL);
    json_object_set_new(json_array_get(cf_json_at(b, "spec", "gates", NULL), 0), "min",
                        json_string("99.9%"));
    cf_autojson json_t *rows = cf_plan_diff(a, b);
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(cf_json_str(json_array_get(rows, 0), "", "pointer", NULL), "/spec/commit");
    assert_string_equal(cf_json_str(json_array_get(rows, 1), "", "pointer", NULL),
                        "/spec/gates/0/min");
}

static void the_list_is_bounded(void **state)
{
    (void)state;
    cf_autojson json_t *a = json_object(), *b = json_object();
    for (int i = 0; i < CF_PLAN_DIFF_MAX + 10; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        json_object_set_new(b, key, json_integer(i));
    }
    cf_autojson json_t *rows = cf_plan_diff(a, b);
    assert_int_equal(json_array_size(rows), CF_PLAN_DIFF_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_has_its_rows),
        cmocka_unit_test(two_plans_differ_where_their_texts_do),
        cmocka_unit_test(the_list_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
