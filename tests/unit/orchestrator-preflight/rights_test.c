/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the rights are printed as they are asked for, as objects that an administrator can
 * apply. */
#include "orchestrator/preflight/rights.h"
#include "base/yaml.h"
#include "tests/support/test.h"

static void rights_are_printed_as_they_are_asked(void **state)
{
    (void)state;
    enum cf_rights_role role;
    assert_true(cf_rights_role_parse("both", &role));
    assert_false(cf_rights_role_parse("all", &role));
    cf_autofree char *scoped = cf_rights_yaml(role, "web");
    assert_non_null(strstr(scoped, "kind: Role\n"));
    assert_non_null(strstr(scoped, "namespace: web"));
    assert_non_null(strstr(scoped, "resources: [virtualservices]"));
    assert_null(strstr(scoped, "resources: [*]"));
    cf_autofree char *wide = cf_rights_yaml(role, NULL);
    assert_null(strstr(wide, "kind: Role\n"));
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *docs = cf_yaml_parse_all(scoped, strlen(scoped), 0, &err);
    if (!docs)
        fail_msg("not YAML: %s", err.message);
    assert_int_equal(json_array_size(docs), 4);
}

/* Also where a row means every resource of a group. */
static void the_rights_of_every_role_are_yaml(void **state)
{
    (void)state;
    static const char *const names[] = { "source", "target", "both", "karmada", "clusternet" };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        enum cf_rights_role role;
        struct cf_error err = CF_ERROR_INIT;
        assert_true(cf_rights_role_parse(names[i], &role));
        cf_autofree char *text = cf_rights_yaml(role, "web");
        cf_autojson json_t *docs = cf_yaml_parse_all(text, strlen(text), 0, &err);
        if (!docs)
            fail_msg("%s: not YAML: %s", names[i], err.message);
    }
}

/* An administrator applies several sides to one cluster: none may take another's place. */
static void what_is_applied_beside_another_side_has_its_own_name(void **state)
{
    (void)state;
    static const struct {
        const char *side, *name;
        size_t objects; /* for a namespace */
    } rows[] = { { "both", "crossfade", 4 },
                 { "volumes", "crossfade-volumes", 4 },
                 { "velero", "crossfade-velero", 2 } };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        enum cf_rights_role role;
        struct cf_error err = CF_ERROR_INIT;
        size_t k;
        json_t *object;
        assert_true(cf_rights_role_parse(rows[i].side, &role));
        cf_autofree char *text = cf_rights_yaml(role, "web");
        cf_autojson json_t *docs = cf_yaml_parse_all(text, strlen(text), 0, &err);
        assert_int_equal(json_array_size(docs), rows[i].objects);
        json_array_foreach(docs, k, object)
        {
            assert_string_equal(cf_json_str(object, "", "metadata", "name", NULL), rows[i].name);
            const char *of = cf_json_str(object, rows[i].name, "roleRef", "name", NULL);
            assert_string_equal(of, rows[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_are_printed_as_they_are_asked),
        cmocka_unit_test(the_rights_of_every_role_are_yaml),
        cmocka_unit_test(what_is_applied_beside_another_side_has_its_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
