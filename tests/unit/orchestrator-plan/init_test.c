/* SPDX-License-Identifier: Apache-2.0 */
/* The first plan that `plan init` writes decodes, whatever the names; what would not decode is
 * refused. */
#include "orchestrator/plan/plan.h"
#include "tests/support/file.h"
#include "tests/support/test.h"

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void the_first_plan_is_the_example(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *text = cf_plan_init_text("dc1/web", "dc2", NULL, NULL, &err);
    assert_ok(text, &err);
    cf_autofree char *example = cf_test_read_file("docs/examples/first-plan.yaml", NULL);
    assert_string_equal(text, example);
    assert_int_equal(count_lines(text), 12);
}

static const struct {
    const char *from, *to, *type, *router;
    const char *name, *target_namespace, *object; /* of the plan */
} right[] = {
    { "dc1/web", "dc2/web", NULL, NULL, "web-dc1-to-dc2", "web", "web" },
    { "dc1/web", "dc2/shop", "httpRoute", "edge", "web-dc1-to-dc2", "shop", "edge" },
    { "1/2", "3", "ingress", "4", "2-1-to-3", "2", "4" }, /* names that YAML reads as numbers */
    { "true/null", "false", NULL, NULL, "null-true-to-false", "null", "null" },
    { "dc1-with-a-long-name-indeed/namespace-with-a-long-name", "dc2-with-a-long-name", NULL, NULL,
      "namespace-with-a-long-name-dc1-with-a-long-name-indeed-to-dc2-w",
      "namespace-with-a-long-name", "namespace-with-a-long-name" },
};

static void each_first_plan_decodes(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(right); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autofree char *text =
            cf_plan_init_text(right[i].from, right[i].to, right[i].type, right[i].router, &err);
        assert_ok(text, &err);
        struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
        struct cf_plan *p CF_CLEANUP(cf_plan_free_p) = NULL;
        assert_true(cf_plan_decode(text, strlen(text), CF_PLAN_YAML, &p, NULL, &issues));
        assert_int_equal(issues.n, 0);
        assert_string_equal(p->name, right[i].name);
        assert_string_equal(p->target_namespace, right[i].target_namespace);
        assert_string_equal(p->traffic.routers[0].object, right[i].object);
    }
}

static const struct {
    const char *from, *to, *type, *router, *message;
} wrong[] = {
    { "dc1", "dc2", NULL, NULL, "names no namespace" },
    { "", "dc2", NULL, NULL, "not CLUSTER/NAMESPACE" },
    { "/web", "dc2", NULL, NULL, "not CLUSTER/NAMESPACE" },
    { "dc1/", "dc2", NULL, NULL, "not CLUSTER/NAMESPACE" },
    { "dc1/web", "", NULL, NULL, "not CLUSTER/NAMESPACE" },
    { "dc1/web", "dc1", NULL, NULL, "source and target are one place" },
    { "dc1/Web", "dc2", NULL, NULL, "is not a name of lower-case letters" },
    { "dc1/web/x", "dc2", NULL, NULL, "is not a name of lower-case letters" },
    { "dc1/web", "dc2", "canary", NULL, "is not a router type" },
    { "dc1/web", "dc2", NULL, "web}\nspec: {", "is not the name of an object" },
    { "dc1/web", "dc2", NULL, "\xff", "\"?\"" },
};

static void what_would_not_decode_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(wrong); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autofree char *text =
            cf_plan_init_text(wrong[i].from, wrong[i].to, wrong[i].type, wrong[i].router, &err);
        assert_fails(text, &err, CF_ERR_INVALID, wrong[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_plan_is_the_example),
        cmocka_unit_test(each_first_plan_decodes),
        cmocka_unit_test(what_would_not_decode_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
