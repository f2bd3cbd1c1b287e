/* SPDX-License-Identifier: Apache-2.0 */
/* Plans over HTTP: applying with ETag, 428 and 412; Idempotency-Key; dry runs; forms and revisions;
 * every wrong plan of the table with its pointer, line and hint; pages and cursors. */
#include "tests/support/wrong_plans.h"
#include "tests/unit/orchestrator-api/fixture.h"

static void etags_guard_changes(void **state)
{
    struct fixture *f = *state;
    char etag[32] = "";
    cf_autofree char *one = plan_text("guarded");
    cf_autofree char *two = cf_xasprintf("%s  cleanup: {source: keep}\n", one);
    AUTO_ANSWER bare = put_plan(f, OPERATOR, "guarded", one, NULL);
    expect(bare, 428, "PRECONDITION_REQUIRED");
    AUTO_ANSWER weak = put_plan(f, OPERATOR, "guarded", one, "If-Match: W/\"1\"");
    expect(weak, 400, "BAD_REQUEST");
    AUTO_ANSWER early = put_plan(f, OPERATOR, "guarded", one, "If-Match: \"1\"");
    expect(early, 412, "PRECONDITION_FAILED");
    AUTO_ANSWER made = put_plan(f, OPERATOR, "guarded", one, "If-None-Match: *");
    expect(made, 201, NULL);
    assert_true(cf_http_reply_header(&made.reply, "ETag", etag, sizeof etag));
    assert_string_equal(etag, "\"1\"");
    AUTO_ANSWER again = put_plan(f, OPERATOR, "guarded", one, "If-None-Match: *");
    expect(again, 412, "PRECONDITION_FAILED");
    AUTO_ANSWER same = put_plan(f, OPERATOR, "guarded", one, "If-Match: \"1\"");
    expect(same, 200, NULL);
    assert_int_equal(cf_json_int(same.json, 0, "revision", NULL), 1);
    AUTO_ANSWER revised = put_plan(f, OPERATOR, "guarded", two, "If-Match: \"1\"");
    expect(revised, 200, NULL);
    assert_int_equal(cf_json_int(revised.json, 0, "revision", NULL), 2);
    AUTO_ANSWER late = put_plan(f, OPERATOR, "guarded", one, "If-Match: \"1\"");
    expect(late, 412, "PRECONDITION_FAILED");
    static const struct {
        const char *header;
        int status;
    } tags[] = {
        { "If-None-Match: W/\"2\"", 304 },
        { "If-None-Match: \"9\", W/\"2\"", 304 },
        { "If-None-Match: *", 304 },
        { "If-None-Match: \"9\" , \"x\",", 200 },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(tags); i++) {
        const char *one_tag[] = { tags[i].header, NULL };
        AUTO_ANSWER t = ask(f, VIEWER, "GET", "/api/v1/plans/guarded", NULL, NULL, one_tag);
        expect(t, tags[i].status, NULL);
    }
    const char *known[] = { "If-None-Match: \"2\"", NULL };
    AUTO_ANSWER unchanged = ask(f, VIEWER, "GET", "/api/v1/plans/guarded", NULL, NULL, known);
    expect(unchanged, 304, NULL);
    const char *old[] = { "If-Match: \"1\"", NULL }, *now[] = { "If-Match: \"2\"", NULL };
    AUTO_ANSWER kept = ask(f, OPERATOR, "DELETE", "/api/v1/plans/guarded", NULL, NULL, old);
    expect(kept, 412, "PRECONDITION_FAILED");
    AUTO_ANSWER gone = ask(f, OPERATOR, "DELETE", "/api/v1/plans/guarded", NULL, NULL, now);
    expect(gone, 204, NULL);
    AUTO_ANSWER absent = get(f, VIEWER, "/api/v1/plans/guarded");
    expect(absent, 404, "NOT_FOUND");
    AUTO_ANSWER still = get(f, VIEWER, "/api/v1/plans/guarded/revisions/1");
    expect(still, 200, NULL);
}

static void a_name_is_created_once(void **state)
{
    struct fixture *f = *state;
    cf_autofree char *text = plan_text("posted");
    AUTO_ANSWER a = ask(f, OPERATOR, "POST", "/api/v1/plans", "text/yaml", text, NULL);
    expect(a, 201, NULL);
    AUTO_ANSWER b = ask(f, OPERATOR, "POST", "/api/v1/plans", "text/yaml", text, NULL);
    expect(b, 409, "EXISTS");
    AUTO_ANSWER c = put_plan(f, OPERATOR, "another", text, "If-None-Match: *");
    expect(c, 422, "UNPROCESSABLE");
    AUTO_ANSWER d = ask(f, OPERATOR, "POST", "/api/v1/plans", "application/xml", text, NULL);
    expect(d, 415, "UNSUPPORTED_MEDIA_TYPE");
}

static void a_repeated_request_has_one_effect(void **state)
{
    struct fixture *f = *state;
    const char *headers[] = { "Idempotency-Key: 01a1fa1d-88d0-7000-8000-000000000001", NULL };
    char replayed[8] = "";
    cf_autofree char *text = plan_text("repeated");
    cf_autofree char *other = plan_text("different");
    AUTO_ANSWER a = ask(f, OPERATOR, "POST", "/api/v1/plans", "text/yaml", text, headers);
    expect(a, 201, NULL);
    assert_false(cf_http_reply_header(&a.reply, "Idempotency-Replayed", replayed, sizeof replayed));
    AUTO_ANSWER b = ask(f, OPERATOR, "POST", "/api/v1/plans", "text/yaml", text, headers);
    expect(b, 201, NULL);
    assert_true(cf_http_reply_header(&b.reply, "Idempotency-Replayed", replayed, sizeof replayed));
    assert_int_equal(cf_json_int(b.json, 0, "revision", NULL), 1);
    AUTO_ANSWER c = ask(f, OPERATOR, "POST", "/api/v1/plans", "text/yaml", other, headers);
    expect(c, 422, "IDEMPOTENCY_MISMATCH");
    AUTO_ANSWER d = ask(f, ADMIN, "POST", "/api/v1/plans", "text/yaml", other, headers);
    expect(d, 201, NULL); /* keys belong to who sends them */
}

static void a_dry_run_changes_nothing(void **state)
{
    struct fixture *f = *state;
    const char *none[] = { "If-None-Match: *", NULL };
    cf_autofree char *text = plan_text("dry");
    AUTO_ANSWER a =
        ask(f, OPERATOR, "PUT", "/api/v1/plans/dry?dryRun=true", "text/yaml", text, none);
    expect(a, 200, NULL);
    assert_string_equal(cf_json_str(a.json, "", "would", NULL), "create");
    assert_true(json_array_size(cf_json_at(a.json, "steps", NULL)) > 5);
    AUTO_ANSWER b = get(f, VIEWER, "/api/v1/plans/dry");
    expect(b, 404, "NOT_FOUND");
    AUTO_ANSWER c =
        ask(f, OPERATOR, "PUT", "/api/v1/plans/dry?dryRun=yes", "text/yaml", text, none);
    expect(c, 400, "INVALID_PARAMETER");
    AUTO_ANSWER d =
        ask(f, OPERATOR, "PUT", "/api/v1/plans/dry?dryrun=true", "text/yaml", text, none);
    expect(d, 400, "UNKNOWN_PARAMETER");
    assert_string_equal(cf_json_str(d.json, "", "hint", NULL), "did you mean \"dryRun\"?");
}

static void forms_and_revisions(void **state)
{
    struct fixture *f = *state;
    cf_autofree char *one = plan_text("formed");
    cf_autofree char *two = cf_xasprintf("%s  cleanup: {source: keep}\n", one);
    AUTO_ANSWER made = put_plan(f, OPERATOR, "formed", one, "If-None-Match: *");
    expect(made, 201, NULL);
    AUTO_ANSWER revised = put_plan(f, OPERATOR, "formed", two, "If-Match: *");
    expect(revised, 200, NULL);
    AUTO_ANSWER document = get(f, VIEWER, "/api/v1/plans/formed?form=document");
    expect(document, 200, NULL);
    assert_string_equal(cf_buf_str(&document.reply.body), two);
    const char *as_yaml[] = { "Accept: application/yaml", NULL };
    AUTO_ANSWER yaml = ask(f, VIEWER, "GET", "/api/v1/plans/formed", NULL, NULL, as_yaml);
    expect(yaml, 200, NULL);
    assert_non_null(strstr(cf_buf_str(&yaml.reply.body), "name: formed\n"));
    const char *as_png[] = { "Accept: image/png", NULL };
    AUTO_ANSWER png = ask(f, VIEWER, "GET", "/api/v1/plans/formed", NULL, NULL, as_png);
    expect(png, 406, "NOT_ACCEPTABLE");
    AUTO_ANSWER list = ask(f, VIEWER, "GET", "/api/v1/plans", NULL, NULL, as_png);
    expect(list, 406, "NOT_ACCEPTABLE");
    AUTO_ANSWER refused = ask(f, OPERATOR, "POST", "/api/v1/runs", "application/json",
                              "{\"plan\":\"formed\"}", as_png);
    expect(refused, 406, "NOT_ACCEPTABLE"); /* and nothing was started */
    AUTO_ANSWER runs = get(f, VIEWER, "/api/v1/runs?plan=formed");
    assert_int_equal(json_array_size(cf_json_at(runs.json, "items", NULL)), 0);
    AUTO_ANSWER diff = get(f, VIEWER, "/api/v1/plans/formed/diff?against=1");
    expect(diff, 200, NULL);
    assert_int_equal(json_array_size(cf_json_at(diff.json, "changes", NULL)), 1);
    AUTO_ANSWER live = get(f, VIEWER, "/api/v1/plans/formed/diff");
    expect(live, 422, "UNPROCESSABLE"); /* dc1 is not registered */
    AUTO_ANSWER first = get(f, VIEWER, "/api/v1/plans/formed/effective?revision=1");
    expect(first, 200, NULL);
    AUTO_ANSWER none = get(f, VIEWER, "/api/v1/plans/formed/revisions/x");
    expect(none, 400, "INVALID_PARAMETER");
    AUTO_ANSWER revisions = get(f, VIEWER, "/api/v1/plans/formed/revisions?limit=1");
    expect(revisions, 200, NULL);
    cf_autofree char *rest = cf_xasprintf("/api/v1/plans/formed/revisions?cursor=%s",
                                          cf_json_str(revisions.json, "", "nextCursor", NULL));
    AUTO_ANSWER more = get(f, VIEWER, rest);
    expect(more, 200, NULL);
    assert_int_equal(json_integer_value(cf_json_pointer(more.json, "/items/0/revision")), 1);
}

/* Every issue of the case is in the answer with its place, code and hint. */
static void check_issues(const char *name, const json_t *wanted, const json_t *errors)
{
    static const char *const members[] = { "pointer", "line", "column", "code", "detail", "hint" };
    size_t i;
    json_t *issue;
    json_array_foreach(cf_json_unconst(wanted), i, issue)
    {
        const json_t *got = json_array_get(errors, i);
        for (size_t k = 0; k < CF_ARRAY_LEN(members); k++) {
            const json_t *want = json_object_get(issue, members[k]);
            const json_t *has = json_object_get(got, members[k]);
            if (!want || (json_is_string(want) && json_is_string(has) &&
                          strstr(json_string_value(has), json_string_value(want))))
                continue;
            if (!cf_json_equal(want, has)) {
                cf_autofree char *dump = cf_json_dump(errors);
                fail_msg("%s: issue %zu: %s differs: %s", name, i, members[k], dump);
            }
        }
    }
}

static void wrong_plans_say_where_and_what(void **state)
{
    struct fixture *f = *state;
    size_t i;
    json_t *wrong;
    cf_autojson json_t *data = cf_test_read_json(CF_TEST_WRONG_PLANS);
    const json_t *cases = cf_json_at(data, "cases", NULL);
    assert_true(json_array_size(cases) >= 60);
    json_array_foreach(cf_json_unconst(cases), i, wrong)
    {
        cf_autofree char *text = cf_test_wrong_plan_text(data, wrong);
        const char *type =
            cf_test_wrong_plan_is_json(wrong) ? "application/json" : "application/yaml";
        AUTO_ANSWER a = ask(f, OPERATOR, "POST", "/api/v1/plans?dryRun=true", type, text, NULL);
        if (a.status != 422)
            fail_msg("%s: %d %s", cf_json_str(wrong, "", "name", NULL), a.status,
                     cf_buf_str(&a.reply.body));
        expect(a, 422, "PLAN_INVALID");
        check_issues(cf_json_str(wrong, "", "name", NULL), cf_json_at(wrong, "issues", NULL),
                     cf_json_at(a.json, "errors", NULL));
    }
}

static void pages_lead_through_all(void **state)
{
    struct fixture *f = *state;
    size_t seen = 0;
    char last[32] = "", link[512] = "";
    for (int i = 0; i < 7; i++) {
        cf_autofree char *name = cf_xasprintf("paged-%d", i);
        cf_autofree char *text = plan_text(name);
        AUTO_ANSWER a = put_plan(f, OPERATOR, name, text, "If-None-Match: *");
        expect(a, 201, NULL);
    }
    cf_autofree char *path = cf_xstrdup("/api/v1/plans?q=paged-&limit=3");
    for (int page = 0; page < 3; page++) {
        AUTO_ANSWER a = get(f, VIEWER, path);
        size_t i;
        json_t *row;
        expect(a, 200, NULL);
        json_array_foreach(cf_json_at(a.json, "items", NULL), i, row)
        {
            const char *name = cf_json_str(row, "", "name", NULL);
            assert_true(strcmp(name, last) > 0);
            (void)snprintf(last, sizeof last, "%s", name);
            seen++;
        }
        const char *cursor = cf_json_str(a.json, NULL, "nextCursor", NULL);
        assert_int_equal(cursor != NULL, page < 2);
        assert_int_equal(cf_http_reply_header(&a.reply, "Link", link, sizeof link), page < 2);
        free(path);
        path = cf_xasprintf("/api/v1/plans?q=paged-&limit=3&cursor=%s", cursor ? cursor : "");
    }
    assert_int_equal(seen, 7);
}

static void cursors_are_bound_to_their_list(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = { "?cursor=", "?cursor=abc", "?cursor=%00", "?cursor=!!!",
                                       "?limit=0", "?limit=501",  "?limit=ten" };
    AUTO_ANSWER plans = get(f, VIEWER, "/api/v1/plans?limit=1");
    expect(plans, 200, NULL);
    cf_autofree char *foreign =
        cf_xasprintf("/api/v1/clusters?cursor=%s", cf_json_str(plans.json, "", "nextCursor", NULL));
    AUTO_ANSWER a = get(f, VIEWER, foreign);
    expect(a, 400, "INVALID_CURSOR");
    for (size_t i = 0; i < CF_ARRAY_LEN(bad); i++) {
        cf_autofree char *path = cf_xasprintf("/api/v1/plans%s", bad[i]);
        AUTO_ANSWER b = get(f, VIEWER, path);
        expect(b, 400, NULL);
    }
}

static int start(void **state)
{
    *state = fixture_start();
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(etags_guard_changes),
        cmocka_unit_test(a_name_is_created_once),
        cmocka_unit_test(a_repeated_request_has_one_effect),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(forms_and_revisions),
        cmocka_unit_test(wrong_plans_say_where_and_what),
        cmocka_unit_test(pages_lead_through_all),
        cmocka_unit_test(cursors_are_bound_to_their_list),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
