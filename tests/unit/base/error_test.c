/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: the message chain grows outwards, long chains lose their middle, errno finds its kind. */
#include <errno.h>
#include <stdio.h>

#include "tests/support/test.h"

static void test_set_returns_false_and_fills(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    assert_false(cf_error_set(&err, CF_ERR_CONFLICT, "route %s is taken", "web"));
    assert_int_equal(err.kind, CF_ERR_CONFLICT);
    assert_string_equal(err.message, "route web is taken");
    assert_string_equal(err.reason, "");
    assert_false(cf_error_reason(&err, "AlreadyExists"));
    assert_false(cf_error_field(&err, "/spec/name"));
    assert_string_equal(err.reason, "AlreadyExists");
    assert_string_equal(err.field, "/spec/name");
    cf_error_clear(&err);
    assert_int_equal(err.kind, CF_ERR_NONE);
    assert_string_equal(err.message, "");
}

static void test_wrap_puts_context_in_front(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_error_set(&err, CF_ERR_UNAVAILABLE, "connection refused");
    cf_error_reason(&err, "ECONNREFUSED");
    cf_error_wrap(&err, "connect");
    assert_false(cf_error_wrap(&err, "scale %s on %s", "web/echo", "dc1"));
    assert_string_equal(err.message, "scale web/echo on dc1: connect: connection refused");
    assert_int_equal(err.kind, CF_ERR_UNAVAILABLE);
    assert_string_equal(err.reason, "ECONNREFUSED");
}

static void test_long_chains_keep_both_ends(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_error_set(&err, CF_ERR_INVALID, "the root cause");
    for (int i = 0; i < 200; i++)
        cf_error_wrap(&err, "context number %d of a deep stack", i);
    assert_int_equal(strlen(err.message), CF_ERROR_MESSAGE_MAX - 1);
    assert_memory_equal(err.message, "context number 199", 18);
    assert_non_null(strstr(err.message, " ... "));
    assert_string_equal(err.message + CF_ERROR_MESSAGE_MAX - 1 - 14, "the root cause");
}

static void test_cuts_fall_between_characters(void **state)
{
    (void)state;
    char text[3 * CF_ERROR_MESSAGE_MAX + 2];
    for (int shift = 0; shift < 3; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = (size_t)shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 3);
        text[sizeof text - 1] = '\0';
        struct cf_error err = CF_ERROR_INIT;
        cf_error_set(&err, CF_ERR_INVALID, "%s", text);
        assert_true(strlen(err.message) < CF_ERROR_MESSAGE_MAX);
        const char *gap = strstr(err.message, " ... ");
        assert_non_null(gap);
        assert_int_not_equal((unsigned char)gap[-1], 0xE2);
        assert_int_not_equal((unsigned char)gap[5] & 0xC0, 0x80);

        cf_error_reason(&err, text);
        assert_true(strlen(err.reason) < CF_ERROR_REASON_MAX);
        assert_true(strlen(err.reason) >= CF_ERROR_REASON_MAX - 4);
        char last = err.reason[strlen(err.reason) - 1];
        assert_true((last & 0xC0) == 0x80 || last == 'x');
    }
}

static void test_a_message_may_quote_its_own_error(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_error_set(&err, CF_ERR_INVALID, "inner");
    cf_error_wrap(&err, "%s seen", err.message);
    assert_string_equal(err.message, "inner seen: inner");
}

static void test_move_leaves_the_source_clear(void **state)
{
    (void)state;
    struct cf_error from = CF_ERROR_INIT, to = CF_ERROR_INIT;
    cf_error_set(&from, CF_ERR_LIMIT, "too much");
    from.retry_after_ms = 5;
    assert_false(cf_error_move(&to, &from));
    assert_int_equal(from.kind, CF_ERR_NONE);
    assert_int_equal(to.kind, CF_ERR_LIMIT);
    assert_int_equal(to.retry_after_ms, 5);
    cf_error_keep_first(&to, &from); /* nothing to keep */
    assert_int_equal(to.kind, CF_ERR_LIMIT);
    cf_error_set(&from, CF_ERR_DENIED, "later");
    cf_error_keep_first(&to, &from);
    assert_int_equal(from.kind, CF_ERR_NONE);
    assert_string_equal(to.message, "too much");
    cf_error_clear(&to);
    cf_error_set(&from, CF_ERR_DENIED, "first");
    cf_error_keep_first(&to, &from);
    assert_int_equal(to.kind, CF_ERR_DENIED);
}

static void test_errno_kinds(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        enum cf_err_kind kind;
        bool retryable;
    } cases[] = {
        { EACCES, CF_ERR_DENIED, false },           { ENOENT, CF_ERR_NOT_FOUND, false },
        { EEXIST, CF_ERR_CONFLICT, false },         { EINVAL, CF_ERR_INVALID, false },
        { ECONNREFUSED, CF_ERR_UNAVAILABLE, true }, { EAGAIN, CF_ERR_TRANSIENT, true },
        { ENOSPC, CF_ERR_TRANSIENT, true },         { EFBIG, CF_ERR_LIMIT, false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_false(cf_error_errno(&err, cases[i].errnum, "open"));
        assert_int_equal(err.kind, cases[i].kind);
        assert_int_equal(cf_error_is_retryable(&err), cases[i].retryable);
        assert_memory_equal(err.message, "open: ", 6);
    }
}

static void test_every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < CF_ERR_KINDS; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(cf_err_kind_name((enum cf_err_kind)a),
                                    cf_err_kind_name((enum cf_err_kind)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_returns_false_and_fills),
        cmocka_unit_test(test_wrap_puts_context_in_front),
        cmocka_unit_test(test_long_chains_keep_both_ends),
        cmocka_unit_test(test_cuts_fall_between_characters),
        cmocka_unit_test(test_a_message_may_quote_its_own_error),
        cmocka_unit_test(test_move_leaves_the_source_clear),
        cmocka_unit_test(test_errno_kinds),
        cmocka_unit_test(test_every_kind_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
