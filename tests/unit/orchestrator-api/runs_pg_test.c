/* SPDX-License-Identifier: Apache-2.0 */
/* Runs and actions over HTTP, against clusters that answer nothing but who they are: starting once,
 * claims, names, waiting, actions with expectations and repetition, the freeze, and what a run
 * tells about itself. */
#include "tests/unit/orchestrator-api/fixture.h"
#include "tests/unit/orchestrator-api/stub_cluster.h"

static struct stub one, two;

static void add_cluster(struct fixture *f, const struct stub *s, const char *name)
{
    cf_autofree char *body = stub_body(s, name, "right");
    AUTO_ANSWER a = ask(f, ADMIN, "POST", "/api/v1/clusters", "application/yaml", body, NULL);
    expect(a, 201, NULL);
}

static struct answer start_run(struct fixture *f, const char *plan, const char *key)
{
    cf_autofree char *header = cf_xasprintf("Idempotency-Key: %s", key);
    cf_autofree char *body = cf_xasprintf("{\"plan\":\"%s\",\"reason\":\"test\"}", plan);
    const char *headers[] = { header, NULL };
    return ask(f, OPERATOR, "POST", "/api/v1/runs", "application/json", body, headers);
}

static void end_run(struct fixture *f, const char *run)
{
    cf_autofree char *path = cf_xasprintf("/api/v1/runs/%s", run);
    cf_autofree char *actions = cf_xasprintf("%s/actions", path);
    AUTO_ANSWER a =
        post_json(f, OPERATOR, actions, "{\"action\":\"rollback\",\"reason\":\"the end\"}");
    expect(a, 202, NULL);
    for (int i = 0; i < 200; i++) {
        AUTO_ANSWER b = get(f, VIEWER, path);
        expect(b, 200, NULL);
        if (json_is_string(cf_json_at(b.json, "finishedAt", NULL)))
            return;
        usleep(50000);
    }
    fail_msg("%s does not end", run);
}

static void a_run_is_started_once(void **state)
{
    struct fixture *f = *state;
    char location[128] = "";
    AUTO_ANSWER a = start_run(f, "echo", "first-key-of-the-test");
    expect(a, 201, NULL);
    const char *id = cf_json_str(a.json, "", "id", NULL);
    assert_string_equal(cf_json_str(a.json, "", "name", NULL), "echo/1");
    assert_true(cf_http_reply_header(&a.reply, "Location", location, sizeof location));
    assert_string_equal(location + strlen("/api/v1/runs/"), id);
    AUTO_ANSWER again = start_run(f, "echo", "first-key-of-the-test");
    expect(again, 201, NULL);
    assert_string_equal(cf_json_str(again.json, "", "id", NULL), id);
    AUTO_ANSWER held = start_run(f, "echo", "second-key-of-the-test");
    expect(held, 409, "CLAIMED");
    assert_non_null(strstr(cf_json_str(held.json, "", "detail", NULL), "echo/1"));
    AUTO_ANSWER none = start_run(f, "nothing", "third-key-of-the-test");
    expect(none, 404, "NOT_FOUND");
    AUTO_ANSWER by_path = post_json(f, OPERATOR, "/api/v1/plans/echo/runs", "{\"plan\":\"other\"}");
    expect(by_path, 422, "INVALID_BODY");
    static const char *const names[] = { "/api/v1/runs/echo%2F1", "/api/v1/runs/echo@latest" };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        AUTO_ANSWER b = get(f, VIEWER, names[i]);
        expect(b, 200, NULL);
        assert_string_equal(cf_json_str(b.json, "", "id", NULL), id);
    }
    AUTO_ANSWER not_a_name = get(f, VIEWER, "/api/v1/runs/echo");
    expect(not_a_name, 400, "INVALID_PARAMETER");
    const char *match[] = { "If-Match: *", NULL };
    AUTO_ANSWER used = ask(f, ADMIN, "DELETE", "/api/v1/clusters/dc1", NULL, NULL, match);
    expect(used, 409, "IN_USE");
    end_run(f, id);
}

static void actions_are_asked_waited_for_and_repeated(void **state)
{
    struct fixture *f = *state;
    char location[128] = "";
    AUTO_ANSWER run = start_run(f, "echo", "key-of-actions");
    expect(run, 201, NULL);
    cf_autofree char *path =
        cf_xasprintf("/api/v1/runs/%s/actions", cf_json_str(run.json, "", "id", NULL));
    const char *headers[] = { "Idempotency-Key: pause-once-only", "Prefer: wait=20", NULL };
    const char *pause = "{\"action\":\"pause\",\"reason\":\"lunch\"}";
    AUTO_ANSWER a = ask(f, OPERATOR, "POST", path, "application/json", pause, headers);
    expect(a, 202, NULL);
    assert_string_equal(cf_json_str(a.json, "", "state", NULL), "done");
    assert_true(cf_http_reply_header(&a.reply, "Location", location, sizeof location));
    AUTO_ANSWER b = ask(f, OPERATOR, "POST", path, "application/json", pause, headers);
    expect(b, 202, NULL);
    assert_string_equal(cf_json_str(b.json, "", "id", NULL), cf_json_str(a.json, "", "id", NULL));
    AUTO_ANSWER c = get(f, VIEWER, location);
    expect(c, 200, NULL);
    assert_string_equal(cf_json_str(c.json, "", "reason", NULL), "lunch");
    AUTO_ANSWER phase =
        post_json(f, OPERATOR, path, "{\"action\":\"resume\",\"expect\":{\"phase\":\"Soaking\"}}");
    expect(phase, 409, "EXPECTATION_FAILED");
    AUTO_ANSWER seq =
        post_json(f, OPERATOR, path, "{\"action\":\"resume\",\"expect\":{\"seq\":99999}}");
    expect(seq, 409, "EXPECTATION_FAILED");
    char many[1002];
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    cf_autofree char *story = cf_xasprintf("{\"action\":\"resume\",\"reason\":\"%s\"}", many);
    AUTO_ANSWER wordy = post_json(f, OPERATOR, path, story);
    expect(wordy, 422, "INVALID_BODY");
    assert_string_equal(json_string_value(cf_json_pointer(wordy.json, "/errors/0/code")), "LIMIT");
    AUTO_ANSWER word = post_json(f, OPERATOR, path, "{\"action\":\"rolback\"}");
    expect(word, 422, "INVALID_BODY");
    assert_string_equal(json_string_value(cf_json_pointer(word.json, "/errors/0/hint")),
                        "did you mean \"rollback\"?");
    end_run(f, cf_json_str(run.json, "", "id", NULL));
    AUTO_ANSWER late = post_json(f, OPERATOR, path, pause);
    expect(late, 409, "RUN_ENDED");
    AUTO_ANSWER still = ask(f, OPERATOR, "POST", path, "application/json", pause, headers);
    expect(still, 202, NULL); /* a repetition gets its first answer, also after the end */
    AUTO_ANSWER list = get(f, VIEWER, path);
    expect(list, 200, NULL);
    assert_true(json_array_size(cf_json_at(list.json, "items", NULL)) >= 2);
}

static void a_run_tells_about_itself(void **state)
{
    struct fixture *f = *state;
    AUTO_ANSWER run = start_run(f, "echo", "key-of-telling");
    expect(run, 201, NULL);
    const char *id = cf_json_str(run.json, "", "id", NULL);
    static const char *const parts[] = { "steps", "series", "report", "actions" };
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++) {
        cf_autofree char *path = cf_xasprintf("/api/v1/runs/%s/%s", id, parts[i]);
        AUTO_ANSWER a = get(f, VIEWER, path);
        expect(a, 200, NULL);
        assert_non_null(a.json);
    }
    cf_autofree char *wait = cf_xasprintf("/api/v1/runs/%s?after=100000", id);
    const char *headers[] = { "Prefer: wait=1", NULL };
    int64_t begun = cf_mono_now_ms();
    AUTO_ANSWER b = ask(f, VIEWER, "GET", wait, NULL, NULL, headers);
    expect(b, 200, NULL);
    assert_true(cf_mono_now_ms() - begun >= 900);
    cf_autofree char *events = cf_xasprintf("/api/v1/runs/%s/events?limit=500", id);
    const char *json[] = { "Accept: application/json", NULL };
    AUTO_ANSWER c = ask(f, VIEWER, "GET", events, NULL, NULL, json);
    expect(c, 200, NULL);
    size_t i;
    json_t *event;
    json_array_foreach(cf_json_at(c.json, "items", NULL), i, event)
        assert_int_equal(cf_json_int(event, 0, "seq", NULL), (int)i + 1);
    assert_true(i > 0);
    end_run(f, id);
    AUTO_ANSWER of_plan =
        ask(f, VIEWER, "GET", "/api/v1/events?plan=echo&after=0&limit=500", NULL, NULL, json);
    expect(of_plan, 200, NULL);
    assert_string_equal(json_string_value(cf_json_pointer(of_plan.json, "/items/0/kind")),
                        "plan.applied");
    assert_true(json_array_size(cf_json_at(of_plan.json, "items", NULL)) > i);
    AUTO_ANSWER other = ask(f, VIEWER, "GET", "/api/v1/events?plan=ech&after=0", NULL, NULL, json);
    expect(other, 200, NULL);
    assert_int_equal(json_array_size(cf_json_at(other.json, "items", NULL)), 0);
    static const char *const wrong[] = { "state=completd", "state=active,,completed",
                                         "active=maybe", "label=a" };
    for (i = 0; i < CF_ARRAY_LEN(wrong); i++) {
        cf_autofree char *query = cf_xasprintf("/api/v1/runs?%s", wrong[i]);
        AUTO_ANSWER refused = get(f, VIEWER, query);
        expect(refused, 400, "INVALID_PARAMETER");
    }
    AUTO_ANSWER states = get(f, VIEWER, "/api/v1/runs?state=active,completed&active=false");
    expect(states, 200, NULL);
    AUTO_ANSWER bridges = get(f, VIEWER, "/api/v1/bridges?run=none");
    expect(bridges, 400, "INVALID_PARAMETER");
    AUTO_ANSWER active = get(f, VIEWER, "/api/v1/runs?active=true");
    expect(active, 200, NULL);
    assert_int_equal(json_array_size(cf_json_at(active.json, "items", NULL)), 0);
    AUTO_ANSWER all =
        get(f, VIEWER, "/api/v1/runs?plan=echo&state=canceled,rolled-back&cluster=dc2&limit=1");
    expect(all, 200, NULL);
    assert_int_equal(json_array_size(cf_json_at(all.json, "items", NULL)), 1);
    AUTO_ANSWER label = get(f, VIEWER, "/api/v1/runs?label=x");
    expect(label, 400, "INVALID_PARAMETER");
}

static void preflights_are_jobs(void **state)
{
    struct fixture *f = *state;
    const char *headers[] = { "Prefer: wait=60", NULL };
    AUTO_ANSWER a = ask(f, OPERATOR, "POST", "/api/v1/preflights", "application/json",
                        "{\"plan\":\"echo\"}", headers);
    expect(a, 202, NULL);
    assert_string_equal(cf_json_str(a.json, "", "state", NULL), "done");
    assert_true(json_is_object(cf_json_at(a.json, "result", NULL)));
    AUTO_ANSWER both =
        post_json(f, OPERATOR, "/api/v1/preflights", "{\"plan\":\"echo\",\"document\":\"x\"}");
    expect(both, 422, "INVALID_BODY");
    AUTO_ANSWER wrong =
        post_json(f, OPERATOR, "/api/v1/preflights", "{\"document\":{\"kind\":\"MigrationPlan\"}}");
    expect(wrong, 422, "PLAN_INVALID");
    AUTO_ANSWER list = get(f, VIEWER, "/api/v1/preflights?plan=echo");
    expect(list, 200, NULL);
    assert_int_equal(json_array_size(cf_json_at(list.json, "items", NULL)), 1);
}

static void expect_metric(struct fixture *f, const char *line, bool there)
{
    AUTO_ANSWER a = get(f, VIEWER, "/metrics");
    expect(a, 200, NULL);
    if ((strstr(cf_buf_str(&a.reply.body), line) != NULL) != there)
        fail_msg("%s is %s: %s", line, there ? "not there" : "there", cf_buf_str(&a.reply.body));
}

static void metrics_follow_the_runs(void **state)
{
    struct fixture *f = *state;
    expect_metric(f, "crossfade_runs_active{", false);
    AUTO_ANSWER run = start_run(f, "echo", "key-of-metrics");
    expect(run, 201, NULL);
    expect_metric(f, "crossfade_runs_active{phase=\"Preflight\"} 1\n", true);
    expect_metric(f, "crossfade_run_last_progress_timestamp_seconds{plan=\"echo\"}", true);
    end_run(f, cf_json_str(run.json, "", "id", NULL));
    usleep(200000);
    expect_metric(f, "crossfade_runs_active{", false);
    expect_metric(f, "plan=\"echo\"", false);
    expect_metric(f, "crossfade_runs_finished_total{outcome=\"canceled\"} ", true);
    expect_metric(f, "crossfade_db_up 1\n", true);
}

static void the_freeze_is_set_and_lifted(void **state)
{
    struct fixture *f = *state;
    AUTO_ANSWER none = ask(f, ADMIN, "PUT", "/api/v1/freeze", "application/json", "{}", NULL);
    expect(none, 422, "INVALID_BODY");
    AUTO_ANSWER a = ask(f, ADMIN, "PUT", "/api/v1/freeze", "application/json",
                        "{\"reason\":\"incident\"}", NULL);
    expect(a, 200, NULL);
    assert_true(cf_json_bool(a.json, false, "frozen", NULL));
    assert_string_equal(cf_json_str(a.json, "", "by", NULL), "admin");
    AUTO_ANSWER b = ask(f, ADMIN, "DELETE", "/api/v1/freeze", NULL, NULL, NULL);
    expect(b, 200, NULL);
    assert_false(cf_json_bool(b.json, true, "frozen", NULL));
    AUTO_ANSWER c = get(f, VIEWER, "/metrics");
    expect(c, 200, NULL);
    assert_non_null(
        strstr(cf_buf_str(&c.reply.body),
               "crossfade_http_request_duration_seconds_count{route=\"/api/v1/freeze\""));
}

static int start(void **state)
{
    struct fixture *f = fixture_start();
    *state = f;
    stub_start(&one, "11111111-1111-4111-8111-111111111111");
    stub_start(&two, "22222222-2222-4222-8222-222222222222");
    add_cluster(f, &one, "dc1");
    add_cluster(f, &two, "dc2");
    cf_autofree char *text = plan_text("echo");
    AUTO_ANSWER a = put_plan(f, OPERATOR, "echo", text, "If-None-Match: *");
    expect(a, 201, NULL);
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state);
    cf_http_server_stop(one.server, 100);
    cf_http_server_stop(two.server, 100);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_started_once),
        cmocka_unit_test(actions_are_asked_waited_for_and_repeated),
        cmocka_unit_test(a_run_tells_about_itself),
        cmocka_unit_test(preflights_are_jobs),
        cmocka_unit_test(metrics_follow_the_runs),
        cmocka_unit_test(the_freeze_is_set_and_lifted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
