/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: each is one JSON object or one clean line of text, whatever the values hold. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"
#include "tests/support/test.h"

static FILE *captured;
static int real_stderr;

static void capture(void)
{
    captured = tmpfile();
    fflush(stderr);
    real_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

/* What was written since capture(); caller frees. */
static char *release(void)
{
    struct cf_error err = CF_ERROR_INIT;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    lseek(fileno(captured), 0, SEEK_SET);
    char *text = cf_file_read_fd(fileno(captured), "captured", 10 << 20, NULL, &err);
    fclose(captured);
    return text;
}

static json_t *as_json(const char *line)
{
    struct cf_error err = CF_ERROR_INIT;
    size_t len = strlen(line);
    assert_true(len > 0 && line[len - 1] == '\n');
    assert_int_equal(strcspn(line, "\n"), len - 1);
    json_t *j = cf_json_parse(line, len, 0, &err);
    if (!j)
        fail_msg("%s: %s", line, err.message);
    return j;
}

static void test_a_json_line(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_error_set(&err, CF_ERR_CONFLICT, "taken");
    cf_error_reason(&err, "AlreadyExists");
    err.upstream = 409;
    cf_log_setup(CF_LOG_INFO, CF_LOG_JSON);
    cf_log_context("run", "PLAN/3");
    cf_log_context("cluster", "dc1");
    cf_log_context("cluster", NULL);
    capture();
    cf_log_err(CF_LOG_WARN, "step.failed", "a \"quoted\"\nmessage", &err, CF_S("name", "x\x01\xFF"),
               CF_I("n", -5), CF_S("empty", NULL));
    cf_autofree char *line = release();
    cf_log_context("run", NULL);
    cf_autojson json_t *j = as_json(line);
    assert_string_equal(cf_json_str(j, "", "level", NULL), "warn");
    assert_string_equal(cf_json_str(j, "", "event", NULL), "step.failed");
    assert_string_equal(cf_json_str(j, "", "msg", NULL), "a \"quoted\"\nmessage");
    assert_string_equal(cf_json_str(j, "", "run", NULL), "PLAN/3");
    assert_null(cf_json_at(j, "cluster", NULL));
    assert_string_equal(cf_json_str(j, "", "name", NULL), "x\x01\xEF\xBF\xBD");
    assert_int_equal(cf_json_int(j, 0, "n", NULL), -5);
    assert_string_equal(cf_json_str(j, "?", "empty", NULL), "");
    assert_string_equal(cf_json_str(j, "", "err.kind", NULL), "conflict");
    assert_string_equal(cf_json_str(j, "", "err.reason", NULL), "AlreadyExists");
    assert_int_equal(cf_json_int(j, 0, "err.upstream", NULL), 409);
    assert_string_equal(cf_json_str(j, "", "err.message", NULL), "taken");
    assert_int_equal(strlen(cf_json_str(j, "", "time", NULL)), 24);
}

static void test_levels(void **state)
{
    (void)state;
    cf_log_setup(CF_LOG_WARN, CF_LOG_JSON);
    assert_false(cf_log_enabled(CF_LOG_INFO));
    assert_true(cf_log_enabled(CF_LOG_WARN));
    capture();
    cf_log(CF_LOG_INFO, "a", "not seen");
    cf_log(CF_LOG_ERROR, "b", "seen");
    cf_autofree char *line = release();
    cf_autojson json_t *j = as_json(line);
    assert_string_equal(cf_json_str(j, "", "event", NULL), "b");
    enum cf_log_level level = CF_LOG_ERROR;
    assert_true(cf_log_level_parse("debug", &level));
    assert_int_equal(level, CF_LOG_DEBUG);
    assert_false(cf_log_level_parse("DEBUG", &level));
    assert_false(cf_log_level_parse("", &level));
}

static void test_text_cannot_steer_a_terminal(void **state)
{
    (void)state;
    cf_log_setup(CF_LOG_INFO, CF_LOG_TEXT);
    capture();
    cf_log(CF_LOG_INFO, "x.y", "two\nlines\x1B[31m", CF_S("k", "a b"), CF_S("plain", "v"),
           CF_I("n", 7),
           CF_S("c1", "\xC2\x9B"
                      "2J"),
           CF_S("q", "say \"hi\""), CF_S("none", ""));
    cf_autofree char *line = release();
    const char *head = strchr(line, ' ');
    assert_non_null(head);
    assert_string_equal(head, " info  x.y: two lines [31m k=\"a b\" plain=v n=7 c1=\"  2J\" "
                              "q=\"say \\\"hi\\\"\" none=\"\"\n");
}

static void test_long_values_are_cut(void **state)
{
    (void)state;
    cf_log_setup(CF_LOG_INFO, CF_LOG_JSON);
    cf_autofree char *value = cf_xmalloc(10001);
    for (size_t i = 0; i < 10000; i += 2)
        memcpy(value + i, "\xC3\xA4", 2);
    value[10000] = '\0';
    capture();
    cf_log(CF_LOG_INFO, "long", "m", CF_S("v", value + 1), CF_S("after", "here"));
    cf_autofree char *line = release();
    cf_autojson json_t *j = as_json(line);
    assert_string_equal(cf_json_str(j, "", "after", NULL), "here");
    const char *cut = cf_json_str(j, "", "v", NULL);
    assert_true(strlen(cut) < 4110);
    assert_string_equal(cut + strlen(cut) - 5, "\xC3\xA4...");
}

static void test_lines_too_long_keep_their_event(void **state)
{
    (void)state;
    cf_log_setup(CF_LOG_INFO, CF_LOG_JSON);
    cf_autofree char *value = cf_xmalloc(4001);
    memset(value, '\x01', 4000); /* six characters each */
    value[4000] = '\0';
    capture();
    cf_log(CF_LOG_INFO, "long", "m", CF_S("a", value), CF_S("b", value), CF_S("c", value));
    cf_autofree char *line = release();
    cf_autojson json_t *j = as_json(line);
    assert_string_equal(cf_json_str(j, "", "event", NULL), "long");
    assert_non_null(cf_json_at(j, "dropped", NULL));
    assert_null(cf_json_at(j, "a", NULL));
}

static void *write_lines(void *arg)
{
    (void)arg;
    cf_log_context("step",
                   "a-step-with-a-name-longer-than-sixty-three-characters-which-is-the-limit");
    for (int i = 0; i < 200; i++)
        cf_log(CF_LOG_INFO, "t", "m", CF_I("i", i));
    return NULL;
}

static void test_lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_log_setup(CF_LOG_INFO, CF_LOG_JSON);
    pthread_t threads[4];
    capture();
    for (size_t i = 0; i < CF_ARRAY_LEN(threads); i++)
        assert_ok(cf_thread_start(&threads[i], "log", write_lines, NULL, &err), &err);
    for (size_t i = 0; i < CF_ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    cf_autofree char *text = release();
    int lines = 0;
    for (char *line = text; *line; lines++) {
        size_t len = strcspn(line, "\n") + 1;
        cf_autojson json_t *j = cf_json_parse(line, len, 0, &err);
        assert_non_null(j);
        assert_int_equal(strlen(cf_json_str(j, "", "step", NULL)), 63);
        line += len;
    }
    assert_int_equal(lines, 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_json_line),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_text_cannot_steer_a_terminal),
        cmocka_unit_test(test_long_values_are_cut),
        cmocka_unit_test(test_lines_too_long_keep_their_event),
        cmocka_unit_test(test_lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
