/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: what is understood, what is refused with which exit code; the exit codes
 * themselves. */
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/command.h"
#include "tests/support/test.h"

enum { WORDS_MAX = 12 };

struct line {
    const char *words[WORDS_MAX]; /* behind the program's name */
    int code;                     /* -1: understood */
    const char *command;          /* its path when understood */
};

static const struct line lines[] = {
    { { "plan", "apply", "-f", "x.yaml" }, -1, "crossfade plan apply" },
    { { "plan", "apply", "x.yaml", "--dry-run" }, -1, "crossfade plan apply" },
    { { "run", "start", "web", "-w" }, -1, "crossfade run start" },
    { { "run", "list", "-ojson", "--no-headers" }, -1, "crossfade run list" },
    { { "run", "list", "--output=yaml" }, -1, "crossfade run list" },
    { { "rollback", "web/3", "--reason", "--not an option" }, -1, "crossfade rollback" },
    { { "rollback", "--", "-web" }, -1, "crossfade rollback" },
    { { "cluster", "add", "dc1", "--scrape", "http://a", "--scrape", "http://b" },
      -1,
      "crossfade cluster add" },
    { { "serve", "--database", "host=/tmp", "--tls-cert-file", "a", "--log-level=debug" },
      -1,
      "crossfade serve" },
    { { "sandbox", "--anything", "-x" }, -1, "crossfade sandbox" },
    { { "plan", "lint", "-" }, -1, "crossfade plan lint" },
    { { "plan" }, CF_EXIT_USAGE, NULL },
    { { "pln" }, CF_EXIT_USAGE, NULL },
    { { "run", "start" }, CF_EXIT_USAGE, NULL },
    { { "run", "start", "a", "b" }, CF_EXIT_USAGE, NULL },
    { { "run", "list", "--stat", "x" }, CF_EXIT_USAGE, NULL },
    { { "run", "list", "-o", "xml" }, CF_EXIT_USAGE, NULL },
    { { "run", "list", "-o" }, CF_EXIT_USAGE, NULL },
    { { "run", "list", "--active=yes" }, CF_EXIT_USAGE, NULL },
    { { "run", "list", "--plan", "a", "--plan", "b" }, CF_EXIT_USAGE, NULL },
    { { "run", "list", "-z" }, CF_EXIT_USAGE, NULL },
    { { "plan", "lint", "--server", "http://x" }, CF_EXIT_USAGE, NULL },
    { { "run", "list", "--help" }, CF_EXIT_OK, NULL },
    { { "--version" }, -1, "crossfade version" },
    { { "-V" }, -1, "crossfade version" },
    { { "run", "list", "--version" }, CF_EXIT_USAGE, NULL },
    { { "plan", "get", "" }, CF_EXIT_USAGE, NULL },
    { { NULL }, CF_EXIT_OK, NULL },
};

static void command_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(lines); i++) {
        char *argv[WORDS_MAX + 2] = { (char *)(uintptr_t) "crossfade" };
        int argc = 1, code = -1;
        for (; argc <= WORDS_MAX && lines[i].words[argc - 1]; argc++)
            argv[argc] = (char *)(uintptr_t)lines[i].words[argc - 1];
        struct cf_cli cli = { 0 };
        char path[128];
        bool understood = cf_args_parse(&cli, argc, argv, &code);
        if (understood != (lines[i].code == -1) || (!understood && code != lines[i].code))
            fail_msg("line %zu (%s …): understood %d, code %d", i, lines[i].words[0], understood,
                     code);
        if (understood)
            assert_string_equal(cf_command_path(&cli, path, sizeof path), lines[i].command);
    }
}

static void what_was_given(void **state)
{
    (void)state;
    const char *words[] = { "crossfade", "-q", "x" };
    (void)words;
    char *argv[] = { (char *)(uintptr_t) "crossfade", (char *)(uintptr_t) "run",
                     (char *)(uintptr_t) "list",      (char *)(uintptr_t) "--plan",
                     (char *)(uintptr_t) "web",       (char *)(uintptr_t) "-a",
                     (char *)(uintptr_t) "-o=name",   NULL };
    struct cf_cli cli = { 0 };
    int code;
    assert_true(cf_args_parse(&cli, 7, argv, &code));
    assert_string_equal(cf_arg(&cli, "plan"), "web");
    assert_string_equal(cf_arg(&cli, "output"), "name");
    assert_true(cf_arg_given(&cli, "active"));
    assert_null(cf_arg(&cli, "active"));
    assert_false(cf_arg_given(&cli, "quiet"));
    assert_null(cf_arg(&cli, "server"));
    assert_null(cf_operand(&cli, 0));
}

static void statuses_and_errors_have_exit_codes(void **state)
{
    (void)state;
    static const int statuses[][2] = { { 200, 0 },  { 201, 0 }, { 202, 0 }, { 400, 2 }, { 401, 4 },
                                       { 403, 4 },  { 404, 3 }, { 409, 5 }, { 410, 3 }, { 412, 5 },
                                       { 422, 6 },  { 428, 5 }, { 429, 1 }, { 500, 1 }, { 502, 1 },
                                       { 503, 20 }, { 504, 20 } };
    for (size_t i = 0; i < CF_ARRAY_LEN(statuses); i++)
        assert_int_equal(cf_exit_of_status(statuses[i][0]), statuses[i][1]);
    static const struct {
        const char *state;
        int code;
    } runs[] = { { "completed", 0 }, { "rolled-back", 11 }, { "failed", 10 },
                 { "canceled", 10 }, { "active", 13 },      { "", 13 } };
    for (size_t i = 0; i < CF_ARRAY_LEN(runs); i++)
        assert_int_equal(cf_exit_of_run(runs[i].state), runs[i].code);
    struct cf_error err = { .kind = CF_ERR_UNAVAILABLE };
    assert_int_equal(cf_exit_of_error(&err), CF_EXIT_UNREACHABLE);
    for (int kind = 1; kind < CF_ERR_KINDS; kind++) {
        err.kind = kind;
        assert_int_not_equal(cf_exit_of_error(&err), 0);
    }
}

static void problems_are_read_by_people(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    static const char text[] =
        "{\"title\":\"The plan is not valid\",\"detail\":\"The plan has 2 "
        "errors\",\"code\":\"PLAN_INVALID\",\"hint\":\"lint it\","
        "\"errors\":[{\"pointer\":\"/spec/x\",\"line\":8,\"column\":15,\"detail\":\"unknown "
        "field\",\"hint\":\"did you mean y?\"},"
        "{\"pointer\":\"\",\"detail\":\"empty\"}]}";
    cf_autojson json_t *problem = cf_json_parse(text, sizeof text - 1, 0, &err);
    assert_non_null(problem);
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(4096);
    cf_problem_text(problem, 422, "plan.yaml", &out);
    assert_string_equal(cf_buf_str(&out), "crossfade: The plan has 2 errors (422 PLAN_INVALID)\n"
                                          "plan.yaml:8:15: /spec/x: unknown field\n"
                                          "    hint: did you mean y?\n"
                                          "plan.yaml: empty\n"
                                          "hint: lint it\n");
    cf_buf_reset(&out);
    cf_problem_text(NULL, 502, NULL, &out);
    assert_string_equal(cf_buf_str(&out), "crossfade: the service answered 502\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines),
        cmocka_unit_test(what_was_given),
        cmocka_unit_test(statuses_and_errors_have_exit_codes),
        cmocka_unit_test(problems_are_read_by_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
