/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on the service's host against a real PostgreSQL: the schema, the one first token, keys
 * that are made, put in front and used to seal again. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "orchestrator/cli/cli.h"
#include "orchestrator/cli/exit.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

enum { WORDS_MAX = 12, OUTPUT_MAX = 16 * 1024 };

static char folder[] = "/tmp/crossfade-host-XXXXXX";
static char *database;

static struct cf_secret *draw(struct cf_token_new *row)
{
    static int n;
    n++;
    snprintf(row->id, sizeof row->id, "%08x", n);
    memset(row->sha256, n, sizeof row->sha256);
    return cf_secret_new("cf_test", 7);
}

/* Runs a command line with the database; what it printed is freed by the caller. */
static char *run(int *out_code, const char *const *words)
{
    static const struct cf_cli_parts parts = { .token_draw = draw };
    char *argv[WORDS_MAX + 4] = { (char *)(uintptr_t) "crossfade" };
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    if (strcmp(words[0], "key") != 0 || strcmp(words[1], "generate") != 0) {
        argv[argc++] = (char *)(uintptr_t) "--database";
        argv[argc++] = database;
    }
    FILE *out = tmpfile();
    assert_non_null(out);
    fflush(stdout);
    int saved = dup(1);
    dup2(fileno(out), 1);
    *out_code = cf_cli_main(argc, argv, &parts);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    char *text = cf_xcalloc(1, OUTPUT_MAX);
    rewind(out);
    (void)!fread(text, 1, OUTPUT_MAX - 1, out);
    fclose(out);
    return text;
}

static int code_of(const char *const *words)
{
    int code;
    cf_autofree char *text = run(&code, words);
    return code;
}

#define RUN(...) code_of((const char *const[]){ __VA_ARGS__, NULL })

static void the_schema(void **state)
{
    (void)state;
    assert_int_equal(RUN("migrate", "--check"), CF_EXIT_FAILURE);
    assert_int_equal(RUN("migrate"), CF_EXIT_OK);
    assert_int_equal(RUN("migrate", "--check"), CF_EXIT_OK);
    assert_int_equal(RUN("migrate"), CF_EXIT_OK);
}

static void the_first_token_is_made_once(void **state)
{
    (void)state;
    int code;
    cf_autofree char *text = run(&code, (const char *const[]){ "token", "bootstrap", NULL });
    assert_int_equal(code, CF_EXIT_OK);
    assert_string_equal(text, "cf_test\n");
    assert_int_equal(RUN("token", "bootstrap"), CF_EXIT_CONFLICT);
}

static void keys(void **state)
{
    (void)state;
    struct stat st;
    cf_autofree char *path = cf_xasprintf("%s/key", folder);
    assert_int_equal(RUN("key", "generate", path), CF_EXIT_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(RUN("key", "generate", path), CF_EXIT_CONFLICT);
    off_t one = st.st_size;
    assert_int_equal(RUN("key", "rotate", "--key-file", path), CF_EXIT_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 2 * one);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(RUN("key", "rotate", "--reseal", "--key-file", path), CF_EXIT_OK);
    assert_int_equal(RUN("key", "rotate"), CF_EXIT_INVALID);
    unlink(path);
}

static void serve_refuses_before_it_starts(void **state)
{
    (void)state;
    assert_int_equal(RUN("serve"), CF_EXIT_INVALID);
    assert_int_equal(RUN("serve", "--key-file", "/k", "--listen", "0.0.0.0:1"), CF_EXIT_INVALID);
    assert_int_equal(RUN("config", "check", "--tls-cert-file", "/x"), CF_EXIT_INVALID);
    assert_int_equal(RUN("config", "check", "--workers", "0"), CF_EXIT_INVALID);
    assert_int_equal(RUN("config", "check", "--config", "/nonexistent"), CF_EXIT_NOT_FOUND);
}

static void without_a_database_it_says_so(void **state)
{
    (void)state;
    char *real = database;
    database = (char *)(uintptr_t) "host=/nonexistent dbname=x";
    assert_int_equal(RUN("migrate"), CF_EXIT_UNREACHABLE);
    database = real;
}

static int start(void **state)
{
    (void)state;
    database = cf_test_pg_database();
    return mkdtemp(folder) == NULL;
}

static int stop(void **state)
{
    (void)state;
    free(database);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema),
        cmocka_unit_test(the_first_token_is_made_once),
        cmocka_unit_test(keys),
        cmocka_unit_test(serve_refuses_before_it_starts),
        cmocka_unit_test(without_a_database_it_says_so),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
