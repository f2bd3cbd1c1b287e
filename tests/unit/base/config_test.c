/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: later sources win and are named, wrong values are refused with their place,
 * unknown keys get a suggestion, secrets are not shown. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/config.h"
#include "tests/support/test.h"

static const struct cf_config_key table[] = {
    { .name = "http.listen",
      .type = CF_CFG_STRING,
      .dflt = "127.0.0.1:8080",
      .help = "Where to listen." },
    { .name = "http.max-body",
      .type = CF_CFG_BYTES,
      .dflt = "1Mi",
      .min = 1024,
      .max = 1 << 30,
      .help = "Largest body." },
    { .name = "http.tls.cert", .type = CF_CFG_PATH, .help = "Certificate." },
    { .name = "workers",
      .type = CF_CFG_INT,
      .dflt = "16",
      .min = 1,
      .max = 64,
      .help = "Threads." },
    { .name = "lease",
      .type = CF_CFG_DURATION,
      .dflt = "15s",
      .min = 1000,
      .max = 60000,
      .help = "Lease." },
    { .name = "debug", .type = CF_CFG_BOOL, .dflt = "false", .help = "More lines." },
    { .name = "store.url", .type = CF_CFG_STRING, .secret = true, .help = "Database." },
    { .name = NULL },
};

static char path[] = "/tmp/cf-config-test-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static struct cf_config *load(const char *yaml, const char *const *variables,
                              const char *const *flags, struct cf_error *err)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(yaml, f);
    fclose(f);
    char *environment[10] = { NULL };
    for (size_t i = 0; variables && variables[i]; i++)
        environment[i] = (char *)(uintptr_t)variables[i];
    return cf_config_load(table, path, environment, flags, err);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void test_defaults(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_config *c = cf_config_load(table, NULL, NULL, NULL, &err);
    assert_non_null(c);
    assert_string_equal(cf_config_str(c, "http.listen"), "127.0.0.1:8080");
    assert_int_equal(cf_config_int(c, "http.max-body"), 1048576);
    assert_int_equal(cf_config_int(c, "lease"), 15000);
    assert_false(cf_config_bool(c, "debug"));
    assert_null(cf_config_str(c, "http.tls.cert"));
    assert_string_equal(cf_config_origin(c, "workers"), "default");
    cf_config_free(c);
    cf_config_free(NULL);
}

static void test_later_sources_win(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_config *c =
        load("http:\n  listen: 0.0.0.0:80\n  max-body: 2Mi\n  tls: {cert: /c.pem}\nworkers: "
             "4\nlease: 20s\n"
             "debug: true\n",
             LIST("PATH=/bin", "CROSSFADE_HTTP_MAX_BODY=4Mi", "CROSSFADE_WORKERS=5"),
             LIST("workers=6", "store.url=postgres://h/d?a=b"), &err);
    assert_non_null(c);
    char origin[100];
    snprintf(origin, sizeof origin, "file %s:2", path);
    assert_string_equal(cf_config_str(c, "http.listen"), "0.0.0.0:80");
    assert_string_equal(cf_config_origin(c, "http.listen"), origin);
    snprintf(origin, sizeof origin, "file %s:4", path);
    assert_string_equal(cf_config_origin(c, "http.tls.cert"), origin);
    assert_int_equal(cf_config_int(c, "http.max-body"), 4 << 20);
    assert_string_equal(cf_config_origin(c, "http.max-body"), "env CROSSFADE_HTTP_MAX_BODY");
    assert_int_equal(cf_config_int(c, "workers"), 6);
    assert_string_equal(cf_config_origin(c, "workers"), "flag --workers");
    assert_true(cf_config_bool(c, "debug"));
    assert_string_equal(cf_config_str(c, "store.url"), "postgres://h/d?a=b");
    cf_config_free(c);
}

static void test_files_that_say_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "# comment\n", "---\n", "http:\n", "workers:\n", "{}"
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(texts); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_config *c = load(texts[i], NULL, NULL, &err);
        if (!c)
            fail_msg("\"%s\": %s", texts[i], err.message);
        assert_string_equal(cf_config_origin(c, "workers"), "default");
        cf_config_free(c);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *variable, *flag; /* NULL: none */
        const char *message;
    } cases[] = {
        { "htpt:\n  listen: x", NULL, NULL, ":1:1: unknown key \"htpt\"" },
        { "http:\n  listne: x", NULL, NULL,
          ":2:3: unknown key \"http.listne\"; did you mean \"http.listen\"?" },
        { "worker: 3", NULL, NULL, ":1:1: unknown key \"worker\"; did you mean \"workers\"?" },
        { "http: 3", NULL, NULL, ":1:1: http: must be a mapping" },
        { "workers: {a: 1}", NULL, NULL, ":1:1: workers: must be a single value" },
        { "workers: [1]", NULL, NULL, ":1:1: workers: must be a single value" },
        { "workers: 65", NULL, NULL, ":1:1: workers: must be between 1 and 64" },
        { "workers: many", NULL, NULL, "workers: \"many\" is not a whole number" },
        { "workers: 1.5", NULL, NULL, "workers: must be a single value" },
        { "lease: 15", NULL, NULL, "lease: \"15\" is not a duration" },
        { "lease: 2m", NULL, NULL, "lease: must be between 1s and 1m" },
        { "debug: yes", NULL, NULL, "debug: \"yes\" is neither true nor false" },
        { "http:\n  tls:\n    cert: ''", NULL, NULL, ":3:5: http.tls.cert: a path is empty" },
        { "http:\n  listen: true", NULL, NULL, "put text in quotes" },
        { "- a", NULL, NULL, "must be a mapping of keys to values" },
        { "a: [", NULL, NULL, ": line 2, column 1: not valid YAML" },
        { "workers: 1\nworkers: 2", NULL, NULL,
          "line 2, column 1: the key \"workers\" is there twice" },
        { "", "CROSSFADE_WORKERS=0", NULL, "env CROSSFADE_WORKERS: workers: must be between" },
        { "", "CROSSFADE_WORKRES=1", NULL,
          "unknown environment variable CROSSFADE_WORKRES; did you mean CROSSFADE_WORKERS?" },
        { "", NULL, "workers=x", "flag --workers: workers: \"x\" is not a whole number" },
        { "", NULL, "workers", "flag --workers: has no value" },
        { "", NULL, "leas=1s", "flag --leas: unknown key \"leas\"; did you mean \"lease\"?" },
        { "", NULL, "debug=1", "neither true nor false" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_config *c =
            load(cases[i].file, cases[i].variable ? LIST(cases[i].variable) : NULL,
                 cases[i].flag ? LIST(cases[i].flag) : NULL, &err);
        if (c || !strstr(err.message, cases[i].message))
            fail_msg("case %zu: %s", i, err.message);
        assert_int_equal(err.kind, CF_ERR_INVALID);
    }
    struct cf_error err = CF_ERROR_INIT;
    assert_fails(cf_config_load(table, "/nonexistent.yaml", NULL, NULL, &err), &err,
                 CF_ERR_NOT_FOUND, "configuration: /nonexistent.yaml");
}

static void test_variables_of_service_links_are_passed_over(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_config *c = load(
        "",
        LIST("CROSSFADE_SERVICE_HOST=10.0.0.1", "CROSSFADE_SERVICE_PORT=8080",
             "CROSSFADE_SERVICE_PORT_HTTPS=8080", "CROSSFADE_PORT=tcp://10.0.0.1:8080",
             "CROSSFADE_PORT_8080_TCP_ADDR=10.0.0.1", "CROSSFADE_PORT_8080_TCP=tcp://10.0.0.1:8080",
             "CROSSFADE_DB_PORT_5432_TCP_PROTO=tcp", "CROSSFADEX=1"),
        NULL, &err);
    if (!c)
        fail_msg("%s", err.message);
    cf_config_free(c);
}

static void test_show_and_markdown(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(10000);
    struct cf_config *c = load("", NULL, LIST("store.url=postgres://u:hunter2@h/d"), &err);
    cf_config_show(c, &out);
    assert_non_null(strstr(out.data, "http.listen    127.0.0.1:8080  default\n"));
    assert_non_null(strstr(out.data, "http.tls.cert  (unset)         default\n"));
    assert_non_null(strstr(out.data, "store.url      (set)           flag --store.url\n"));
    assert_null(strstr(out.data, "hunter2"));
    cf_config_free(c);

    cf_buf_reset(&out);
    c = load("", NULL, LIST("store.url="), &err);
    cf_config_show(c, &out);
    assert_non_null(strstr(out.data, "store.url      (unset) "));
    cf_config_free(c);

    cf_buf_reset(&out);
    cf_config_markdown(table, &out);
    assert_non_null(
        strstr(out.data,
               "| `http.max-body` | `CROSSFADE_HTTP_MAX_BODY` | size | `1Mi` | Largest body. |\n"));
    assert_non_null(strstr(
        out.data, "| `http.tls.cert` | `CROSSFADE_HTTP_TLS_CERT` | path |  | Certificate. |\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_later_sources_win),
        cmocka_unit_test(test_files_that_say_nothing),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_variables_of_service_links_are_passed_over),
        cmocka_unit_test(test_show_and_markdown),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
