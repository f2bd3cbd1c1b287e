/* SPDX-License-Identifier: Apache-2.0 */
/* The service's configuration: rows, options, rules between keys, and what the environment may
 * hold. */
#include <stdlib.h>

#include "orchestrator/cli/config_table.h"
#include "tests/support/test.h"

static struct cf_config *load(const char *const *flags)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_config *c = cf_config_load(cf_config_table, NULL, NULL, flags, &err);
    if (!c)
        fail_msg("%s", err.message);
    return c;
}

static void every_row_is_an_option(void **state)
{
    (void)state;
    const struct cf_option *o = cf_config_options();
    assert_string_equal(o->name, "config");
    for (const struct cf_config_key *k = cf_config_table; k->name; k++) {
        o++;
        assert_non_null(k->help);
        assert_int_equal(strlen(o->name), strlen(k->name));
        assert_null(strchr(o->name, '.'));
        assert_non_null(o->arg);
    }
    assert_null(o[1].name);
}

static void rules_between_keys(void **state)
{
    (void)state;
    static const struct {
        const char *flags[4];
        const char *text; /* of the refusal; NULL: in order */
    } rows[] = {
        { { NULL }, NULL },
        { { "listen=[::1]:0" }, NULL },
        { { "listen=localhost:80" }, NULL },
        { { "listen=127.1.2.3:80" }, NULL },
        { { "listen=nonsense" }, "is not ADDRESS:PORT" },
        { { "listen=0.0.0.0:80" }, "can be reached from outside" },
        { { "listen=[::]:80" }, "tls.cert-file" },
        { { "listen=10.0.0.1:80" }, "127.0.0.1:PORT" },
        { { "listen=10.0.0.1:80", "tls.cert-file=/a", "tls.key-file=/b" }, NULL },
        { { "tls.cert-file=/a" }, "tls.key-file is missing" },
        { { "tls.key-file=/a" }, "tls.cert-file is missing" },
        { { "log.level=loud" }, "log.level" },
        { { "log.format=xml" }, "log.format" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_config *c = load(rows[i].flags);
        bool ok = cf_config_judge(c, &err);
        if (ok != (rows[i].text == NULL))
            fail_msg("row %zu: %s", i, ok ? "accepted" : err.message);
        if (!ok)
            assert_non_null(strstr(err.message, rows[i].text));
        cf_config_free(c);
    }
}

static void flags_beat_the_environment_and_clients_variables_are_passed_over(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    setenv("CROSSFADE_WORKERS", "3", 1);
    setenv("CROSSFADE_LEASE", "20s", 1);
    setenv("CROSSFADE_SERVER", "http://x", 1);
    setenv("CROSSFADE_TOKEN_FILE", "/x", 1);
    char *argv[] = { (char *)(uintptr_t) "crossfade", (char *)(uintptr_t) "config",
                     (char *)(uintptr_t) "show",      (char *)(uintptr_t) "--workers",
                     (char *)(uintptr_t) "5",         NULL };
    struct cf_cli cli = { 0 };
    int code;
    assert_true(cf_args_parse(&cli, 5, argv, &code));
    struct cf_config *c = cf_config_of_cli(&cli, &err);
    if (!c)
        fail_msg("%s", err.message);
    assert_int_equal(cf_config_int(c, "workers"), 5);
    assert_string_equal(cf_config_origin(c, "workers"), "flag --workers");
    assert_int_equal(cf_config_int(c, "lease"), 20000);
    assert_string_equal(cf_config_origin(c, "lease"), "env CROSSFADE_LEASE");
    cf_config_free(c);
    setenv("CROSSFADE_WORKER", "3", 1);
    assert_null(cf_config_of_cli(&cli, &err));
    cf_test_check_error(&err, CF_ERR_INVALID, "CROSSFADE_WORKERS", __FILE__, __LINE__);
    unsetenv("CROSSFADE_WORKER");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_an_option),
        cmocka_unit_test(rules_between_keys),
        cmocka_unit_test(flags_beat_the_environment_and_clients_variables_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
