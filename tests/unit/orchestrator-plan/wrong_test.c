/* SPDX-License-Identifier: Apache-2.0 */
/* Every wrong plan of tests/data/wrong_plans.json is refused with exactly the issues written there:
 * pointer, line, column, code, detail and hint. The tests of the REST API replay the same file.
 * CROSSFADE_UPDATE=1 writes what the decoder says into the file: read the
 * difference before you commit it. */
#include <stdio.h>

#include "orchestrator/plan/plan.h"
#include "tests/support/file.h"
#include "tests/support/test.h"
#include "tests/support/wrong_plans.h"

enum { CASES_AT_LEAST = 150 };

/* The errors that decoding the case reports. New reference. */
static json_t *issues_of(const json_t *data, const json_t *c)
{
    cf_autofree char *text = cf_test_wrong_plan_text(data, c);
    bool is_json = cf_test_wrong_plan_is_json(c);
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_plan *plan = NULL;
    json_t *document = NULL;
    bool ok = cf_plan_decode(text, strlen(text), is_json ? CF_PLAN_JSON : CF_PLAN_YAML, &plan,
                             &document, &issues);
    if (ok)
        fail_msg("accepted: %s", cf_json_str(c, "", "name", NULL));
    assert_null(plan);
    assert_null(document);
    assert_true(issues.has_errors);
    return cf_plan_issues_json(&issues, false);
}

static void update(json_t *data)
{
    FILE *f = fopen(CF_SOURCE_DIR "/" CF_TEST_WRONG_PLANS, "wb");
    assert_non_null(f);
    cf_autofree char *base = json_dumps(json_object_get(data, "base"), JSON_ENCODE_ANY);
    fprintf(f, "{\n \"base\": %s,\n \"cases\": [\n", base);
    json_t *cases = json_object_get(data, "cases");
    size_t i, k;
    json_t *c, *issue;
    json_array_foreach(cases, i, c)
    {
        cf_autojson json_t *issues = issues_of(data, c);
        cf_autojson json_t *head = json_copy(c);
        json_object_del(head, "issues");
        cf_autofree char *text = json_dumps(head, 0);
        fprintf(f, "  %.*s,\n   \"issues\": [\n", (int)strlen(text) - 1, text);
        json_array_foreach(issues, k, issue)
        {
            cf_autofree char *row = json_dumps(issue, 0);
            fprintf(f, "    %s%s", row, k + 1 < json_array_size(issues) ? ",\n" : "]}");
        }
        fprintf(f, "%s\n", i + 1 < json_array_size(cases) ? "," : "");
    }
    fprintf(f, " ]\n}\n");
    fclose(f);
}

static void each_wrong_plan_is_refused_with_its_issues(void **state)
{
    (void)state;
    cf_autojson json_t *data = cf_test_read_json(CF_TEST_WRONG_PLANS);
    if (getenv("CROSSFADE_UPDATE")) {
        update(data);
        return;
    }
    const json_t *cases = json_object_get(data, "cases");
    assert_true(json_array_size(cases) >= CASES_AT_LEAST);
    size_t i, n_wrong = 0;
    json_t *c;
    json_array_foreach(cases, i, c)
    {
        cf_autojson json_t *got = issues_of(data, c);
        if (json_equal(got, json_object_get(c, "issues")))
            continue;
        n_wrong++;
        cf_autofree char *is = cf_json_dump(got);
        cf_autofree char *want = cf_json_dump(json_object_get(c, "issues"));
        print_error("%s\n  is:   %s\n  want: %s\n", cf_json_str(c, "", "name", NULL), is, want);
    }
    assert_int_equal(n_wrong, 0);
}

/* The data itself: an issue without a place or a hint helps nobody, and no code may be without a
 * case. */
static void each_issue_says_where_what_and_what_to_do(void **state)
{
    (void)state;
    cf_autojson json_t *data = cf_test_read_json(CF_TEST_WRONG_PLANS);
    bool is_seen[CF_PLAN_ISSUE_CODES] = { false };
    is_seen[CF_PLAN_DOUBTFUL] = true; /* warnings only: lint_test.c */
    size_t i, k;
    json_t *c, *issue;
    json_array_foreach(json_object_get(data, "cases"), i, c)
    {
        assert_true(json_array_size(json_object_get(c, "issues")) > 0);
        json_array_foreach(json_object_get(c, "issues"), k, issue)
        {
            assert_non_null(cf_json_str(issue, NULL, "pointer", NULL));
            assert_true(cf_json_int(issue, 0, "line", NULL) > 0);
            assert_true(cf_json_int(issue, 0, "column", NULL) > 0);
            assert_true(strlen(cf_json_str(issue, "", "detail", NULL)) > 5);
            assert_true(strlen(cf_json_str(issue, "", "hint", NULL)) > 5);
            for (int code = 0; code < CF_PLAN_ISSUE_CODES; code++)
                if (strcmp(cf_plan_issue_code_name((enum cf_plan_issue_code)code),
                           cf_json_str(issue, "", "code", NULL)) == 0)
                    is_seen[code] = true;
        }
    }
    for (int code = 0; code < CF_PLAN_ISSUE_CODES; code++)
        if (!is_seen[code])
            fail_msg("no case for %s", cf_plan_issue_code_name((enum cf_plan_issue_code)code));
}

/* The same document as JSON gives the same issues, at other lines. */
static void json_gets_the_same_issues(void **state)
{
    (void)state;
    static const char text[] =
        "{\n \"apiVersion\": \"crossfade.dev/v1alpha1\",\n \"kind\": \"MigrationPlan\",\n"
        " \"metadata\": {\"name\": \"web\"},\n \"spec\": {\n"
        "  \"source\": {\"cluster\": \"dc1\", \"namespace\": \"web\"},\n"
        "  \"target\": {\"cluster\": \"dc2\"},\n"
        "  \"traffic\": {\"router\": {\"type\": \"virtualService\", \"name\": \"web\"},\n"
        "   \"steps\": [5, 50], \"hold\": 300}}}";
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_plan *plan = NULL;
    assert_false(cf_plan_decode(text, strlen(text), CF_PLAN_JSON, &plan, NULL, &issues));
    assert_int_equal(issues.n, 2);
    assert_string_equal(issues.items[0].pointer, "/spec/traffic/steps/1");
    assert_int_equal(issues.items[0].line, 9);
    assert_int_equal(issues.items[0].column, 17);
    assert_string_equal(issues.items[1].pointer, "/spec/traffic/hold");
    assert_int_equal(issues.items[1].code, CF_PLAN_UNIT_MISSING);
}

static void a_text_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    size_t n = CF_PLAN_TEXT_MAX + 1;
    cf_autofree char *text = cf_xmalloc(n);
    memset(text, ' ', n);
    for (int media = CF_PLAN_YAML; media <= CF_PLAN_JSON; media++) {
        struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
        struct cf_plan *plan = NULL;
        assert_false(cf_plan_decode(text, n, (enum cf_plan_media)media, &plan, NULL, &issues));
        assert_int_equal(issues.n, 1);
        assert_int_equal(issues.items[0].code, CF_PLAN_LIMIT);
        assert_non_null(issues.items[0].hint);
    }
}

static void a_patch_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    cf_autojson json_t *data = cf_test_read_json(CF_TEST_WRONG_PLANS);
    cf_autofree char *large = cf_xcalloc(1, CF_PLAN_PATCH_BYTES_MAX + 1);
    memset(large, 'x', CF_PLAN_PATCH_BYTES_MAX);
    cf_autofree char *text = cf_xasprintf(
        "%s  workloads: {transforms: [{mergePatch: {metadata: {annotations: {a: %s}}}}]}\n",
        cf_json_str(data, NULL, "base", NULL), large);
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_plan *plan = NULL;
    assert_false(cf_plan_decode(text, strlen(text), CF_PLAN_YAML, &plan, NULL, &issues));
    assert_int_equal(issues.n, 1);
    assert_int_equal(issues.items[0].code, CF_PLAN_LIMIT);
    assert_string_equal(issues.items[0].pointer, "/spec/workloads/transforms/0/mergePatch");
}

/* The list is bounded; what does not fit is counted and still refuses the document. */
static void more_issues_than_the_list_holds(void **state)
{
    (void)state;
    struct cf_buf text CF_CLEANUP(cf_buf_free) = CF_BUF_INIT(1 << 20);
    cf_buf_puts(&text, "apiVersion: crossfade.dev/v1alpha1\nkind: MigrationPlan\nspec:\n");
    for (int i = 0; i < CF_PLAN_ISSUES_MAX + 20; i++)
        cf_buf_printf(&text, "  zzz%d: 1\n", i);
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_plan *plan = NULL;
    assert_false(cf_plan_decode(cf_buf_str(&text), text.len, CF_PLAN_YAML, &plan, NULL, &issues));
    assert_int_equal(issues.n, CF_PLAN_ISSUES_MAX);
    assert_int_equal(issues.n_errors, CF_PLAN_ISSUES_MAX);
    assert_int_equal(issues.n_dropped, 21); /* and metadata is missing */
    struct cf_buf shown CF_CLEANUP(cf_buf_free) = CF_BUF_INIT(1 << 20);
    cf_plan_issues_text(&issues, "plan.yaml", &shown);
    assert_non_null(
        strstr(cf_buf_str(&shown), "plan.yaml:4:3: error: /spec/zzz0: unknown field \"zzz0\"\n"));
    assert_non_null(strstr(cf_buf_str(&shown), "    hint: known here: "));
    assert_non_null(strstr(cf_buf_str(&shown), "and 21 more\n"));
}

/* What a document holds cannot act on a terminal. */
static void control_characters_are_not_shown(void **state)
{
    (void)state;
    static const char text[] = "\"a\\e[31m\": 1\nkind: \"\\e]0;x\\a\"\n";
    struct cf_plan_issues issues CF_CLEANUP(cf_plan_issues_free) = CF_PLAN_ISSUES_INIT;
    struct cf_plan *plan = NULL;
    assert_false(cf_plan_decode(text, strlen(text), CF_PLAN_YAML, &plan, NULL, &issues));
    struct cf_buf shown CF_CLEANUP(cf_buf_free) = CF_BUF_INIT(1 << 20);
    cf_plan_issues_text(&issues, NULL, &shown);
    for (const char *p = cf_buf_str(&shown); *p; p++)
        assert_true(*p == '\n' || (unsigned char)*p >= ' ');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wrong_plan_is_refused_with_its_issues),
        cmocka_unit_test(each_issue_says_where_what_and_what_to_do),
        cmocka_unit_test(json_gets_the_same_issues),
        cmocka_unit_test(a_text_beyond_the_limit_is_refused),
        cmocka_unit_test(a_patch_beyond_the_limit_is_refused),
        cmocka_unit_test(more_issues_than_the_list_holds),
        cmocka_unit_test(control_characters_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
