/* SPDX-License-Identifier: Apache-2.0 */
/* Where the service is: flags before environment before the context file, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "orchestrator/cli/connection.h"
#include "tests/support/test.h"

static char file[] = "/tmp/crossfade-contexts-XXXXXX";
static const char *env_server, *env_token, *env_context;

static const char *env(const char *name)
{
    if (strcmp(name, "CROSSFADE_SERVER") == 0)
        return env_server;
    if (strcmp(name, "CROSSFADE_TOKEN_FILE") == 0)
        return env_token;
    return strcmp(name, "CROSSFADE_CONTEXT") == 0 ? env_context : NULL;
}

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(file);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(file);
}

#define CONTEXTS                                                                                   \
    "current: a\ncontexts:\n  a: {server: 'https://a', tokenFile: ~/a, caFile: /ca}\n"             \
    "  b: {server: 'http://127.0.0.1:1', tokenFile: /b}\n"

static void precedence(void **state)
{
    (void)state;
    static const struct {
        struct cf_connection_given given;
        const char *env_server, *env_token, *env_context;
        const char *server, *token, *ca;
    } rows[] = {
        { { 0 }, NULL, NULL, NULL, "https://a", "/home/me/a", "/ca" },
        { { .context = "b" }, NULL, NULL, NULL, "http://127.0.0.1:1", "/b", NULL },
        { { 0 }, NULL, NULL, "b", "http://127.0.0.1:1", "/b", NULL },
        { { .context = "a" }, NULL, NULL, "b", "https://a", "/home/me/a", "/ca" },
        { { 0 }, "https://env", NULL, NULL, "https://env", NULL, NULL },
        { { 0 }, "https://a", NULL, NULL, "https://a", "/home/me/a", "/ca" },
        { { .server = "https://flag" },
          "https://env",
          "/envtoken",
          NULL,
          "https://flag",
          "/envtoken",
          NULL },
        { { .token_file = "/t", .ca_file = "/c" },
          NULL,
          "/envtoken",
          NULL,
          "https://a",
          "/t",
          "/c" },
    };
    write_file(CONTEXTS);
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_connection_given given = rows[i].given;
        CF_CLEANUP(cf_connection_free) struct cf_connection c = { 0 };
        given.env = env;
        given.file = file;
        given.home = "/home/me";
        env_server = rows[i].env_server;
        env_token = rows[i].env_token;
        env_context = rows[i].env_context;
        assert_ok(cf_connection_resolve(&given, &c, &err), &err);
        assert_string_equal(c.server, rows[i].server);
        assert_string_equal(c.token_file ? c.token_file : "-", rows[i].token ? rows[i].token : "-");
        assert_string_equal(c.ca_file ? c.ca_file : "-", rows[i].ca ? rows[i].ca : "-");
    }
}

static void without_anything_it_is_this_machine(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_connection_free) struct cf_connection c = { 0 };
    struct cf_connection_given given = { .file = "/nonexistent/config.yaml" };
    assert_ok(cf_connection_resolve(&given, &c, &err), &err);
    assert_string_equal(c.server, CF_CONNECTION_DEFAULT);
    assert_null(c.token_file);
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct cf_connection_given given;
        enum cf_err_kind kind;
        const char *message;
    } rows[] = {
        { CONTEXTS, { .context = "c" }, CF_ERR_NOT_FOUND, "there are: a, b" },
        { "contexts: [", { 0 }, CF_ERR_INVALID, "crossfade-contexts" },
        { "contxts: {}", { 0 }, CF_ERR_INVALID, "unknown key \"contxts\"" },
        { "current: a\ncontexts: {a: {sever: x}}", { 0 }, CF_ERR_INVALID, "unknown key \"sever\"" },
        { "{}", { .server = "ftp://x" }, CF_ERR_INVALID, "ftp://x" },
        { "{}", { .server = "http://example.org", .token_file = "/t" }, CF_ERR_DENIED, "in clear" },
        { "{}",
          { .server = "http://127.0.0.1.example.org", .token_file = "/t" },
          CF_ERR_DENIED,
          "in clear" },
        { "{}",
          { .server = "http://localhost.example.org:80", .token_file = "/t" },
          CF_ERR_DENIED,
          "in clear" },
    };
    env_server = env_token = env_context = NULL;
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_connection c = { 0 };
        struct cf_connection_given given = rows[i].given;
        given.file = file;
        write_file(rows[i].text);
        assert_fails(cf_connection_resolve(&given, &c, &err), &err, rows[i].kind, rows[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precedence),
        cmocka_unit_test(without_anything_it_is_this_machine),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
