/* SPDX-License-Identifier: Apache-2.0 */
/* The tables agree with each other: routes name shapes that exist, OpenAPI's references lead
 * somewhere, docs/api.md is what the tables say, every problem has a page; and token texts are what
 * they say. */
#include "orchestrator/api/routes.h"

#include <ctype.h>
#include <stdlib.h>

#include "orchestrator/api/authn.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/schemas.h"
#include "orchestrator/api/token.h"
#include "tests/support/file.h"
#include "tests/support/test.h"

static void routes_name_shapes_that_exist(void **state)
{
    (void)state;
    for (const struct cf_route *r = cf_routes; r->method; r++) {
        assert_non_null(r->handler);
        assert_true(r->summary && *r->summary);
        if (r->request && strcmp(r->request, "Plan") != 0)
            assert_non_null(cf_schema_find(r->request));
        if (r->response && strcmp(r->response, "Plan") != 0)
            assert_non_null(cf_schema_find(r->response));
        assert_true(strcmp(r->method, "GET") == 0 || r->role >= CF_ROLE_VIEWER);
        bool writes = strcmp(r->method, "GET") != 0 && r->handler != cf_post_cluster_check;
        assert_true(!writes || r->role >= CF_ROLE_OPERATOR);
        assert_true(r->role != CF_ROLE_NONE || strcmp(r->path, "/livez") == 0 ||
                    strcmp(r->path, "/readyz") == 0);
    }
}

static void check_refs(const json_t *root, const json_t *at)
{
    const char *key;
    size_t i;
    json_t *value;
    const char *ref = cf_json_str(at, NULL, "$ref", NULL);
    if (ref && strncmp(ref, "#/components/", 13) == 0 &&
        !cf_json_pointer(cf_json_unconst(root), ref + 1))
        fail_msg("%s leads nowhere", ref);
    json_object_foreach(cf_json_unconst(at), key, value) check_refs(root, value);
    json_array_foreach(cf_json_unconst(at), i, value) check_refs(root, value);
}

static void openapi_is_whole(void **state)
{
    (void)state;
    cf_autojson json_t *j = cf_openapi("1.2.3");
    size_t operations = 0, rows = 0;
    const char *path, *method;
    json_t *item, *op;
    assert_non_null(j);
    check_refs(j, j);
    json_object_foreach(json_object_get(j, "paths"), path, item)
        json_object_foreach(item, method, op) operations++;
    for (const struct cf_route *r = cf_routes; r->method; r++)
        rows++;
    assert_int_equal(operations, rows);
    assert_string_equal(cf_json_str(j, "", "info", "version", NULL), "1.2.3");
}

/* With CROSSFADE_TEST_UPDATE set, writes the page instead. */
static void docs_are_current(void **state)
{
    (void)state;
    cf_autofree char *now = cf_api_markdown();
    if (getenv("CROSSFADE_TEST_UPDATE")) {
        FILE *f = fopen(CF_SOURCE_DIR "/docs/api.md", "we");
        assert_non_null(f);
        assert_true(fputs(now, f) >= 0);
        assert_int_equal(fclose(f), 0);
    }
    cf_autofree char *kept = cf_test_read_file("docs/api.md", NULL);
    if (strcmp(now, kept) != 0)
        fail_msg("docs/api.md is old: run this test with CROSSFADE_TEST_UPDATE=1");
}

static void problems_have_pages(void **state)
{
    (void)state;
    char slug[64];
    for (const struct cf_problem_row *p = cf_problem_rows; p->code; p++) {
        assert_in_range(p->status, 400, 599);
        assert_ptr_equal(cf_problem_find(p->code), p);
        for (const char *c = cf_problem_slug(p->code, slug); *c; c++)
            assert_true(islower((unsigned char)*c) || *c == '-');
    }
    assert_string_equal(cf_problem_slug("PLAN_INVALID", slug), "plan-invalid");
}

/* A log at info is what was changed, refused or broken: polling is not in it. */
static void reads_that_went_well_are_for_debugging(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        int status;
        bool probe;
        enum cf_log_level level;
    } rows[] = {
        { "GET", 200, false, CF_LOG_DEBUG },  { "GET", 304, false, CF_LOG_DEBUG },
        { "HEAD", 200, false, CF_LOG_DEBUG }, { "GET", 200, true, CF_LOG_DEBUG },
        { "GET", 404, false, CF_LOG_INFO },   { "GET", 401, false, CF_LOG_INFO },
        { "POST", 201, false, CF_LOG_INFO },  { "DELETE", 204, false, CF_LOG_INFO },
        { "PUT", 412, false, CF_LOG_INFO },   { "GET", 503, true, CF_LOG_INFO },
        { "GET", 503, false, CF_LOG_WARN },   { "POST", 500, false, CF_LOG_WARN },
        { "", 400, false, CF_LOG_INFO },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        assert_int_equal(cf_api_log_level(rows[i].method, rows[i].status, rows[i].probe),
                         rows[i].level);
}

static void token_texts_have_a_check(void **state)
{
    (void)state;
    struct cf_token_new row = { .name = "x" };
    unsigned char sha256[CF_SHA256_BYTES];
    struct cf_secret *s = cf_token_draw(&row);
    cf_autofree char *text = cf_xstrdup(cf_secret_data(s));
    cf_secret_free(s);
    assert_int_equal(strlen(text), CF_TOKEN_TEXT_LEN);
    assert_true(cf_token_parse(text, sha256));
    assert_memory_equal(sha256, row.sha256, CF_SHA256_BYTES);
    assert_memory_equal(text + 3, row.id, 8);
    for (size_t i = 0; text[i]; i++) {
        char was = text[i];
        text[i] = was == 'a' ? 'b' : 'a';
        assert_false(cf_token_parse(text, sha256));
        text[i] = was;
    }
    assert_false(cf_token_parse("", sha256));
    text[strlen(text) - 1] = 0;
    assert_false(cf_token_parse(text, sha256));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_name_shapes_that_exist),
        cmocka_unit_test(openapi_is_whole),
        cmocka_unit_test(docs_are_current),
        cmocka_unit_test(problems_have_pages),
        cmocka_unit_test(reads_that_went_well_are_for_debugging),
        cmocka_unit_test(token_texts_have_a_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
