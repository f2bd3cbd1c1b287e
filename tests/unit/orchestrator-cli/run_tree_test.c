/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a watch and the lines of events, as they are printed, from runs and events as the API
 * gives them. */
#include "base/clock.h"
#include "orchestrator/cli/run_tree.h"
#include "tests/support/file.h"
#include "tests/support/test.h"

static json_t *parse(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *j = cf_json_parse(text, strlen(text), 0, &err);
    if (!j)
        fail_msg("%s", err.message);
    return j;
}

/* A run that proves 25 %. */
#define SHIFTING "tests/data/run_shifting.json"

static const char shifting_text[] =
    "web/3  ◌ Shifting    00:30   dc1 → dc2   live\n"
    "weight  desired 25  applied 25  observed 24.6\n"
    "gate    success undecided  99.94% ≥ 99.50%  5 of 8210 failed, 40 missing\n"
    "├─✔ preflight                             00:02\n"
    "├─✔ copy dc1/web to dc2/web               00:10  7/7  copied\n"
    "├─◌ traffic                               00:18\n"
    "│  ├─✔ 5 % to dc2                         00:08\n"
    "│  ├─◌ 25 % to dc2                        00:10  hold 3s of 5s\n"
    "│  └─· 100 % to dc2\n"
    "└─· commit\n"
    "warning  one warning\n"
    "holds  undecided: 40 more requests\n"
    "do     send requests\n"
    "next   crossfade advance web/3 --reason x\n";

static int64_t time_of(const char *text)
{
    int64_t ms;
    assert_true(cf_time_parse(text, &ms));
    return ms;
}

static void a_run_under_way(void **state)
{
    (void)state;
    cf_autojson json_t *run = cf_test_read_json(SHIFTING);
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(65536);
    struct cf_tree_options options = { .now_ms = time_of("2026-11-21T10:00:30Z"), .note = "live" };
    cf_run_tree(run, &options, &out);
    assert_string_equal(cf_buf_str(&out), shifting_text);
}

static void lines_are_cut_at_the_width(void **state)
{
    (void)state;
    cf_autojson json_t *run = cf_test_read_json(SHIFTING);
    for (int width = 5; width < 100; width += 7) {
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(65536);
        struct cf_tree_options options = { .width = width, .color = true };
        cf_run_tree(run, &options, &out);
        int used = 0;
        bool escape = false;
        for (const char *p = cf_buf_str(&out); *p; p++) {
            if (*p == '\033')
                escape = true;
            else if (*p == '\n')
                used = 0;
            else if (!escape && ((unsigned char)*p & 0xc0) != 0x80)
                used++;
            if (escape && *p == 'm')
                escape = false;
            assert_true(used <= width);
        }
    }
}

static void without_utf8_it_is_ascii(void **state)
{
    (void)state;
    cf_autojson json_t *run = cf_test_read_json(SHIFTING);
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(65536);
    cf_run_tree(run, &(struct cf_tree_options){ .ascii = true }, &out);
    for (const char *p = cf_buf_str(&out); *p; p++)
        assert_true((unsigned char)*p < 0x80);
}

static void a_run_that_came_back(void **state)
{
    (void)state;
    cf_autojson json_t *run =
        parse("{\"name\":\"web/4\",\"state\":\"rolled-back\",\"phase\":\"RollingBack\","
              "\"source\":\"a\",\"target\":\"b\",\"message\":\"gate success\","
              "\"startedAt\":\"2026-11-21T10:00:00Z\",\"finishedAt\":\"2026-11-21T11:00:05Z\","
              "\"weight\":{\"desired\":0,\"applied\":0,\"observed\":null},\"hold\":null,"
              "\"gates\":[],\"warnings\":[],\"callToAction\":null,\"steps\":[{"
              "\"kind\":\"propagate\",\"name\":\"copy\",\"state\":\"undone\",\"message\":\"7 "
              "deleted\\nall\"},{\"kind\":\"traffic.shift\",\"name\":\"5 %\","
              "\"state\":\"undone\"},{\"kind\":\"traffic.shift\",\"name\":\"50 %\","
              "\"state\":\"planned\"}]}");
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(65536);
    assert_true(cf_run_has_ended(run));
    cf_run_tree(run, &(struct cf_tree_options){ .now_ms = 0 }, &out);
    assert_string_equal(cf_buf_str(&out),
                        "web/4  ↺ rolled-back  1:00:05   a → b\n"
                        "weight  desired 0  applied 0  observed -\n"
                        "├─↺ copy                                         7 deleted all\n"
                        "└─↺ traffic\n"
                        "   ├─↺ 5 %\n"
                        "   └─· 50 %\n"
                        "end    gate success\n"
                        "next   crossfade run report web/4\n");
}

/* What the freeze took stands under a run's steps, uncut where nobody says how wide a line may be. */
static void what_its_data_does_is_a_line(void **state)
{
    (void)state;
    cf_autojson json_t *run = parse(
        "{\"name\":\"web/4\",\"state\":\"active\",\"steps\":[],\"volumes\":{\"text\":\"2 claims; a "
        "freeze would take 13s\"}}");
    cf_autojson json_t *none = parse("{\"name\":\"web/4\",\"state\":\"active\",\"volumes\":null}");
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(65536);
    CF_CLEANUP(cf_buf_free) struct cf_buf without = CF_BUF_INIT(65536);
    cf_run_tree(run, &(struct cf_tree_options){ .now_ms = 0 }, &out);
    cf_run_tree(none, &(struct cf_tree_options){ .now_ms = 0 }, &without);
    assert_non_null(strstr(cf_buf_str(&out), "data   2 claims; a freeze would take 13s\n"));
    assert_null(strstr(cf_buf_str(&without), "data "));
}

static void the_way_back_is_printed_whole(void **state)
{
    (void)state;
    static const struct {
        const char *run, *want;
    } cases[] = {
        { "{\"state\":\"active\",\"noWayBack\":null,\"routers\":[{\"name\":\"a\",\"kubectl\":"
          "\"kubectl --context dc1 patch a\"},{\"name\":\"b\"},"
          "{\"name\":\"c\",\"kubectl\":\"kubectl --context dc2 patch c\"}]}",
          "back   kubectl --context dc1 patch a\nback   kubectl --context dc2 patch c\n" },
        { "{\"state\":\"active\",\"noWayBack\":\"it is committed\",\"routers\":[{\"name\":\"a\"}]}",
          "back   none: it is committed\n" },
        { "{\"state\":\"completed\",\"noWayBack\":\"it is committed\",\"routers\":[]}",
          "back   none: it is committed\n" },
        { "{\"state\":\"active\",\"routers\":[]}", "" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        cf_autojson json_t *run = parse(cases[i].run);
        CF_CLEANUP(cf_buf_free) struct cf_buf lines = CF_BUF_INIT(65536);
        CF_CLEANUP(cf_buf_free) struct cf_buf tree = CF_BUF_INIT(65536);
        cf_run_way_back(run, &lines);
        assert_string_equal(cf_buf_str(&lines), cases[i].want);
        cf_run_tree(run, &(struct cf_tree_options){ .width = 200 }, &tree);
        assert_non_null(strstr(cf_buf_str(&tree), cases[i].want));
        cf_buf_reset(&tree);
        cf_run_tree(run, &(struct cf_tree_options){ .width = 20 }, &tree);
        bool is_command = strstr(cases[i].want, "kubectl") != NULL;
        assert_true(!is_command || strstr(cf_buf_str(&tree), cases[i].want));
    }
}

static void events_as_lines(void **state)
{
    (void)state;
    static const struct {
        const char *event, *line; /* NULL: not shown */
    } rows[] = {
        { "{\"at\":\"T\",\"run\":\"web/1\",\"kind\":\"step.done\",\"actor\":\"\",\"data\":{"
          "\"kind\":\"propagate\",\"name\":\"copy\",\"message\":\"7 objects\"}}",
          "T web/1 step.done copy: 7 objects" },
        { "{\"at\":\"T\",\"run\":\"web/1\",\"kind\":\"run.weight.changed\",\"actor\":\"\","
          "\"data\":{\"router\":\"mesh\",\"desired\":25,\"applied\":25}}",
          "T web/1 run.weight.changed mesh weight 25" },
        { "{\"at\":\"T\",\"run\":\"web/1\",\"kind\":\"action.done\",\"actor\":\"ann\",\"data\":{"
          "\"action\":\"pause\",\"reason\":\"a\\nb\"}}",
          "T web/1 action.done pause; reason: a b (by ann)" },
        { "{\"at\":\"T\",\"run\":\"web/1\",\"kind\":\"run.hold.started\",\"actor\":\"\",\"data\":{"
          "\"reason\":\"commit\",\"message\":\"m\"}}",
          "T web/1 run.hold.started commit: m" },
        { "{\"at\":\"T\",\"run\":\"web/1\",\"kind\":\"run.rollback.started\",\"data\":{\"cause\":"
          "\"gate\",\"message\":\"what leads here in general\",\"reason\":\"3 of 4 failed\"}}",
          "T web/1 run.rollback.started gate: 3 of 4 failed" },
        { "{\"at\":\"T\",\"run\":\"web/1\",\"kind\":\"run.traffic.home\",\"data\":{\"cause\":"
          "\"operator\"}}",
          "T web/1 run.traffic.home operator" },
        { "{\"at\":\"T\",\"run\":\"web/1\",\"kind\":\"step.progress\",\"data\":{}}", NULL },
        { "{\"at\":\"T\",\"run\":\"web/1\",\"kind\":\"router.touched\",\"data\":{}}", NULL },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        cf_autojson json_t *event = parse(rows[i].event);
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(4096);
        assert_int_equal(cf_event_line(event, &out), rows[i].line != NULL);
        assert_string_equal(cf_buf_str(&out), rows[i].line ? rows[i].line : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_under_way),
        cmocka_unit_test(lines_are_cut_at_the_width),
        cmocka_unit_test(without_utf8_it_is_ascii),
        cmocka_unit_test(a_run_that_came_back),
        cmocka_unit_test(what_its_data_does_is_a_line),
        cmocka_unit_test(the_way_back_is_printed_whole),
        cmocka_unit_test(events_as_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
