/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the rules of preflight, each by a plan and two clusters in which nothing is wrong, changed in one place: that rule
 * speaks, naming what is wrong, and no other does (but those that the row names). No rule is without such a row. */
#include "tests/unit/velero/room.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json_patch.h"
#include "tests/support/velero_rules.h"
#include "velero/check.h"

static json_t *findings_of(const char *patch)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *base = cf_test_json(cf_test_velero_good);
    cf_autofree char *text = cf_xasprintf("[%s]", patch);
    cf_autojson json_t *operations = cf_test_json(text);
    cf_autojson json_t *request = cf_json_patch_apply(base, operations, &err);
    json_t *findings = json_array();
    if (!request)
        fail_msg("%s: %s", patch, err.message);
    cf_velero_check(request, findings);
    return findings;
}

static void nothing_is_found_where_nothing_is_wrong(void **state)
{
    (void)state;
    cf_autojson json_t *findings = findings_of("");
    cf_autofree char *text = cf_json_dump(findings);
    assert_string_equal(text, "[]");
}

static void check_case(size_t i)
{
    cf_autojson json_t *findings = findings_of(cf_test_velero_broken[i].patch);
    cf_autofree char *text = cf_json_dump(findings);
    bool found = false;
    size_t j;
    json_t *f;
    json_array_foreach(findings, j, f)
    {
        const char *rule = cf_json_str(f, "", "rule", NULL);
        if (strcmp(rule, cf_test_velero_broken[i].rule) == 0) {
            found = true;
            assert_string_equal(cf_json_str(f, "?", "claim", NULL), cf_test_velero_broken[i].claim);
            if (!strstr(cf_json_str(f, "", "message", NULL), cf_test_velero_broken[i].says))
                fail_msg("%s says %s, not %s", rule, cf_json_str(f, "", "message", NULL),
                         cf_test_velero_broken[i].says);
        } else if (!cf_test_velero_broken[i].also ||
                   strcmp(rule, cf_test_velero_broken[i].also) != 0) {
            fail_msg("case %zu (%s): %s", i, cf_test_velero_broken[i].rule, text);
        }
    }
    if (!found)
        fail_msg("case %zu: %s is not found: %s", i, cf_test_velero_broken[i].rule, text);
}

static void each_rule_finds_its_fault_and_only_that(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cf_test_velero_broken); i++)
        check_case(i);
}

static void no_rule_is_without_a_case(void **state)
{
    (void)state;
    const struct cf_check_rule *const rules[] = { cf_check_side_rules, cf_check_claim_rules };
    size_t n = 0;
    for (size_t t = 0; t < CF_ARRAY_LEN(rules); t++) {
        for (const struct cf_check_rule *r = rules[t]; r->id; r++, n++) {
            bool has = strcmp(r->id, "claims-too-many") == 0; /* below */
            for (size_t i = 0; i < CF_ARRAY_LEN(cf_test_velero_broken); i++)
                has = has || strcmp(cf_test_velero_broken[i].rule, r->id) == 0;
            if (!has)
                fail_msg("%s has no case", r->id);
            assert_true(strlen(r->hint) > 10);
            assert_true(strcmp(r->level, "blocker") == 0 || strcmp(r->level, "warning") == 0);
        }
    }
    assert_true(n >= 20);
}

static void claims_have_a_limit(void **state)
{
    (void)state;
    cf_autojson json_t *request = cf_test_json(cf_test_velero_good);
    cf_autojson json_t *findings = json_array();
    json_t *claims = json_object_get(request, "claims");
    while (json_array_size(claims) <= CF_VELERO_CLAIMS_MAX)
        json_array_append(claims, json_array_get(claims, 0));
    json_object_set_new(request, "toQuotas", json_array());
    cf_velero_check(request, findings);
    assert_int_equal(json_array_size(findings), 1);
    assert_string_equal(cf_json_str(json_array_get(findings, 0), "", "rule", NULL),
                        "claims-too-many");
}

static void a_plan_without_velero_is_not_asked(void **state)
{
    (void)state;
    cf_autojson json_t *findings = findings_of(
        SET("/claims/0/strategy", "'external'") "," SET("/claims/1/strategy", "'none'") "," SET(
            "/from/installed", "false") "," SET("/to/installed", "false"));
    assert_int_equal(json_array_size(findings), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_found_where_nothing_is_wrong),
        cmocka_unit_test(each_rule_finds_its_fault_and_only_that),
        cmocka_unit_test(no_rule_is_without_a_case),
        cmocka_unit_test(claims_have_a_limit),
        cmocka_unit_test(a_plan_without_velero_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
