/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation and ownership helpers; what must end the process does. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "tests/support/test.h"

/* Whether `fn` ends its process by abort(). */
static bool aborts(void (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        fn();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void fail_assert(void)
{
    cf_assert(1 == 2);
}

static void pass_assert(void)
{
    cf_assert(1 == 1);
}

static void overdraw_arena(void)
{
    struct cf_arena *a = cf_arena_new(1000);
    (void)!cf_arena_alloc(a, 900);
    (void)!cf_arena_alloc(a, 101);
}

static void set_twice(void)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_error_set(&err, CF_ERR_BUG, "a");
    cf_error_set(&err, CF_ERR_BUG, "b");
}

static void test_what_must_not_be_aborts(void **state)
{
    (void)state;
    assert_true(aborts(fail_assert));
    assert_false(aborts(pass_assert));
    assert_true(aborts(overdraw_arena));
    assert_true(aborts(set_twice));
}

static void test_strings(void **state)
{
    (void)state;
    cf_autofree char *none = cf_xstrdup(NULL);
    cf_autofree char *part = cf_xstrndup("abcdef", 3);
    cf_autofree char *whole = cf_xstrndup("abc", 100);
    cf_autofree char *made = cf_xasprintf("%s-%d", "x", 7);
    assert_null(none);
    assert_string_equal(part, "abc");
    assert_string_equal(whole, "abc");
    assert_string_equal(made, "x-7");
}

static void test_zero_sizes_are_real_memory(void **state)
{
    (void)state;
    cf_autofree void *a = cf_xmalloc(0);
    cf_autofree void *b = cf_xcalloc(0, 8);
    cf_autofree void *c = cf_xrealloc(NULL, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
}

static void test_steal_leaves_null(void **state)
{
    (void)state;
    cf_autofree char *s = cf_xstrdup("mine");
    cf_autofree char *t = cf_steal(&s);
    assert_null(s);
    assert_string_equal(t, "mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_must_not_be_aborts),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_zero_sizes_are_real_memory),
        cmocka_unit_test(test_steal_leaves_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
